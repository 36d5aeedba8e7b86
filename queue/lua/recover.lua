-- Takes a job from a worker that was lost and makes it the next to be taken.
-- KEYS  active leases owners waiting urgent meta events hash
-- ARGV  id
-- Returns 1 (its worker was lost), 3 (it was taken and never begun, so nothing
-- is lost), 2 (there is no such job any more) or 0 (its lease is alive again).
-- O(jobs in work). Retryable.
local id = ARGV[1]
local ends = redis.call('ZSCORE', KEYS[2], id)
if not ends or tonumber(ends) > now() then return 0 end
local owner = redis.call('HGET', KEYS[3], id)
disown(KEYS[1], KEYS[2], KEYS[3], { id })
if redis.call('EXISTS', KEYS[8]) == 0 then return 2 end
local begun = owner and redis.call('HGET', KEYS[8], 'processedBy') == owner
if begun then
  redis.call('HINCRBY', KEYS[8], 'stalledCounter', 1)
  redis.call('HINCRBY', KEYS[6], 'stalledTotal', 1)
end
enqueue(KEYS[4], KEYS[5], KEYS[8], id, true)
emit(KEYS[7], begun and 'stalled' or 'waiting', { id })
return begun and 1 or 3
