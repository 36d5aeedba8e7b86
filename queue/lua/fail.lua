-- Ends a job that failed for good.
-- KEYS  active leases owners failed meta events hash
-- ARGV  id token reason attempt(JSON string for stacktrace) 1 to keep the job or 0
-- Returns 1 (ended) or 0 (not the owner). O(jobs in work). Retryable.
local id, at = ARGV[1], int(now())
if redis.call('HGET', KEYS[3], id) ~= ARGV[2] then return 0 end
disown(KEYS[1], KEYS[2], KEYS[3], { id })
if ARGV[5] == '1' then
  note(KEYS[7], ARGV[3], ARGV[4])
  redis.pcall('HSET', KEYS[7], 'finishedOn', at)
  redis.call('ZADD', KEYS[4], at, id)
else
  redis.call('UNLINK', KEYS[7])
end
redis.call('HINCRBY', KEYS[5], 'failedTotal', 1)
emit(KEYS[6], 'failed', { id }, 'failedReason', ARGV[3])
return 1
