-- Makes one delayed job wait now.
-- KEYS  delayed waiting events hash
-- ARGV  id
-- Returns 1, 0 (in another state) or -1 (no such job). O(log delayed). Retryable.
if redis.call('EXISTS', KEYS[4]) == 0 then return -1 end
if redis.call('ZREM', KEYS[1], ARGV[1]) == 0 then return 0 end
redis.call('LPUSH', KEYS[2], ARGV[1])
emit(KEYS[3], 'waiting', ARGV[1], 'prev', 'delayed')
return 1
