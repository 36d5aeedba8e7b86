-- Makes delayed jobs that are due wait, and tells whether Redis still is the
-- one that the caller knows.
-- KEYS  delayed waiting events meta
-- ARGV  how many at most, epoch to set if there is none
-- Returns how many, ms until the next is due (-1: none), epoch.
-- O(promoted x log delayed). Retryable.
local at = now()
local due = redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', int(at), 'LIMIT', 0, ARGV[1])
for _, id in ipairs(due) do
  redis.call('ZREM', KEYS[1], id)
  redis.call('LPUSH', KEYS[2], id)
  emit(KEYS[3], 'waiting', id, 'prev', 'delayed')
end
local wait = -1
local first = redis.call('ZRANGE', KEYS[1], 0, 0, 'WITHSCORES')
if first[2] then wait = math.max(0, tonumber(first[2]) - at) end
redis.call('HSETNX', KEYS[4], 'epoch', ARGV[2])
return { #due, wait, redis.call('HGET', KEYS[4], 'epoch') }
