-- Notes how far a job is.
-- KEYS  owners events hash
-- ARGV  id token progress(JSON)
-- Returns 1 or 0 (not the owner). O(1). Retryable.
if redis.call('HGET', KEYS[1], ARGV[1]) ~= ARGV[2] then return 0 end
redis.call('HSET', KEYS[3], 'progress', ARGV[3])
emit(KEYS[2], 'progress', { ARGV[1] }, 'data', ARGV[3])
return 1
