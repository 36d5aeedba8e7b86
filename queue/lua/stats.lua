-- Counts jobs at one moment. It writes nothing, so that a replica can do it.
-- KEYS  waiting urgent solo active delayed completed failed meta
-- Returns waiting, active, delayed, completed, failed, paused (1 or 0),
-- completedTotal, failedTotal. O(1). Retryable.
local meta = redis.call('HMGET', KEYS[8], 'removed', 'paused', 'completedTotal', 'failedTotal')
local waiting = redis.call('LLEN', KEYS[1]) + redis.call('LLEN', KEYS[2]) + redis.call('LLEN', KEYS[3]) - number(meta[1])
return {
  math.max(0, waiting),
  redis.call('LLEN', KEYS[4]), redis.call('ZCARD', KEYS[5]),
  redis.call('ZCARD', KEYS[6]), redis.call('ZCARD', KEYS[7]),
  meta[2] and 1 or 0, number(meta[3]), number(meta[4]),
}
