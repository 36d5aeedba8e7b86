-- Puts a job whose attempt failed aside until its next one. The lease ends in
-- the same step.
-- KEYS  active leases owners delayed events hash
-- ARGV  id token reason attempt(JSON string for stacktrace) delay(ms)
-- Returns 1 or 0 (not the owner). O(jobs in work + log delayed). Retryable.
local id = ARGV[1]
if redis.call('HGET', KEYS[3], id) ~= ARGV[2] then return 0 end
disown(KEYS[1], KEYS[2], KEYS[3], { id })
note(KEYS[6], ARGV[3], ARGV[4])
redis.pcall('HSET', KEYS[6], 'delay', ARGV[5])
redis.call('ZADD', KEYS[4], int(now() + tonumber(ARGV[5])), id)
emit(KEYS[5], 'delayed', { id }, 'failedReason', ARGV[3])
return 1
