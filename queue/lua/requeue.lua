-- Makes a failed or completed job wait again, with fresh attempts.
-- KEYS  waiting urgent solo failed completed events hash
-- ARGV  id
-- Returns 1, 0 (in another state), -1 (no such job) or -2 (its key holds something
-- else). O(log jobs). Retryable.
local id, kind = ARGV[1], redis.call('TYPE', KEYS[7]).ok
if kind ~= 'hash' and kind ~= 'none' then return -2 end
local ended = redis.call('ZREM', KEYS[4], id) + redis.call('ZREM', KEYS[5], id)
if kind == 'none' then return -1 end
if ended == 0 then return 0 end
redis.call('HSET', KEYS[7], 'attemptsMade', 0)
redis.call('HDEL', KEYS[7], 'delay', 'finishedOn', 'failedReason', 'stalledCounter', 'solo')
enqueue(KEYS[1], KEYS[2], KEYS[3], KEYS[7], id)
emit(KEYS[6], 'waiting', { id }, 'prev', 'failed')
return 1
