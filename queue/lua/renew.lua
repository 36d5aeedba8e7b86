-- Extends leases.
-- KEYS  leases owners
-- ARGV  lease(ms), then for each job: id token
-- Returns for each job 1 (extended) or 0 (no longer the owner). O(jobs). Retryable.
local ends = int(now() + tonumber(ARGV[1]))
local out = {}
for i = 2, #ARGV, 2 do
  if redis.call('HGET', KEYS[2], ARGV[i]) == ARGV[i + 1] then
    redis.call('ZADD', KEYS[1], ends, ARGV[i])
    out[#out + 1] = 1
  else
    out[#out + 1] = 0
  end
end
return out
