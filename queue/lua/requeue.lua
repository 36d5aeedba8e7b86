-- Makes a failed or completed job wait again, with fresh attempts.
-- KEYS  waiting urgent failed completed events hash
-- ARGV  id
-- Returns 1, 0 (in another state) or -1 (no such job). O(log jobs). Retryable.
local id = ARGV[1]
local ended = redis.call('ZREM', KEYS[3], id) + redis.call('ZREM', KEYS[4], id)
if redis.call('EXISTS', KEYS[6]) == 0 then return -1 end
if ended == 0 then return 0 end
redis.call('HSET', KEYS[6], 'attemptsMade', 0)
redis.call('HDEL', KEYS[6], 'delay', 'finishedOn', 'failedReason', 'stalledCounter')
enqueue(KEYS[1], KEYS[2], KEYS[6], id)
emit(KEYS[5], 'waiting', { id }, 'prev', 'failed')
return 1
