-- Makes a failed or completed job wait again, with fresh attempts.
-- KEYS  waiting failed completed events hash
-- ARGV  id
-- Returns 1, 0 (in another state) or -1 (no such job). O(log jobs). Retryable.
if redis.call('EXISTS', KEYS[5]) == 0 then return -1 end
local id = ARGV[1]
if redis.call('ZREM', KEYS[2], id) + redis.call('ZREM', KEYS[3], id) == 0 then return 0 end
redis.call('HSET', KEYS[5], 'attemptsMade', 0, 'delay', 0)
redis.call('HDEL', KEYS[5], 'finishedOn', 'failedReason', 'stalledCounter')
redis.call('LPUSH', KEYS[1], id)
emit(KEYS[4], 'waiting', id, 'prev', 'failed')
return 1
