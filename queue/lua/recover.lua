-- Takes a job from a worker that was lost and makes it the next to be taken.
-- KEYS  active leases owners waiting meta events hash
-- ARGV  id
-- Returns 1 (recovered), 2 (there is no such job any more) or 0 (its lease is
-- alive again). O(jobs in work). Retryable.
local id = ARGV[1]
local ends = redis.call('ZSCORE', KEYS[2], id)
if not ends or tonumber(ends) > now() then return 0 end
local owned = redis.call('HEXISTS', KEYS[3], id) == 1
disown(KEYS[1], KEYS[2], KEYS[3], id)
if redis.call('EXISTS', KEYS[7]) == 0 then return 2 end
if owned then -- a job that was moved but never begun has lost nothing
  redis.call('HINCRBY', KEYS[7], 'stalledCounter', 1)
  redis.call('HINCRBY', KEYS[5], 'stalledTotal', 1)
end
redis.call('RPUSH', KEYS[4], id)
emit(KEYS[6], 'stalled', id)
return 1
