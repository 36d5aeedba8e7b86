-- Looks for jobs in work that nobody works on. An id in active without a lease
-- (its BLMOVE was cut off, or its claimer died) gets one that nobody renews; a
-- live lease whose id is not in active gets it back there.
-- KEYS  active leases waiting meta
-- ARGV  lease(ms)
-- Returns the ids whose lease has ended. O(jobs in work). Retryable.
local at = now()
local present = {}
for _, id in ipairs(redis.call('LRANGE', KEYS[1], 0, -1)) do
  present[id] = true
  redis.call('ZADD', KEYS[2], 'NX', int(at + tonumber(ARGV[1])), id)
end
local live = redis.call('ZRANGEBYSCORE', KEYS[2], '(' .. int(at), '+inf')
for _, id in ipairs(live) do
  if not present[id] then redis.call('LPUSH', KEYS[1], id) end
end
if redis.call('EXISTS', KEYS[3]) == 0 then redis.call('HDEL', KEYS[4], 'removed') end
return redis.call('ZRANGEBYSCORE', KEYS[2], '-inf', int(at))
