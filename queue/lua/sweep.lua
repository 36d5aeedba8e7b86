-- Looks for jobs in work that nobody works on. An id in active without a lease
-- (its BLMOVE was cut off, or its claimer died) gets one that nobody renews; a
-- live lease whose id is not in active gets it back there.
-- KEYS  active leases waiting urgent solo meta
-- ARGV  lease(ms)
-- Returns how many ids got a lease, how many got back into active, then the ids
-- whose lease has ended, at most 1,000. O(jobs in work). Retryable.
local at = now()
local present, leased, listed = {}, 0, 0
for _, id in ipairs(redis.call('LRANGE', KEYS[1], 0, -1)) do
  present[id] = true
  leased = leased + redis.call('ZADD', KEYS[2], 'NX', int(at + tonumber(ARGV[1])), id)
end
for _, id in ipairs(redis.call('ZRANGEBYSCORE', KEYS[2], '(' .. int(at), '+inf')) do
  if not present[id] then
    redis.call('LPUSH', KEYS[1], id)
    listed = listed + 1
  end
end
if redis.call('EXISTS', KEYS[3], KEYS[4], KEYS[5]) == 0 then redis.call('HDEL', KEYS[6], 'removed') end
return { leased, listed, unpack(redis.call('ZRANGEBYSCORE', KEYS[2], '-inf', int(at), 'LIMIT', 0, 1000)) }
