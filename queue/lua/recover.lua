-- Takes a job from a worker that was lost and makes it the next to be taken.
-- A worker's end may have been the doing of any job that it had. One that may lose
-- no other worker runs alone from now on, so that it answers for itself only.
-- KEYS  active leases owners waiting urgent solo meta events hash
-- ARGV  id, how many workers it may lose
-- Returns 1 (its worker was lost), 3 (it was taken and never begun, so nothing
-- is lost), 2 (there is no such job any more) or 0 (its lease is alive again).
-- O(jobs in work). Retryable.
local id = ARGV[1]
local ends = redis.call('ZSCORE', KEYS[2], id)
if not ends or tonumber(ends) > now() then return 0 end
local owner = redis.call('HGET', KEYS[3], id)
disown(KEYS[1], KEYS[2], KEYS[3], { id })
if redis.call('EXISTS', KEYS[9]) == 0 then return 2 end
local begun = owner and redis.pcall('HGET', KEYS[9], 'processedBy') == owner
if begun then
  local left = tonumber(ARGV[2]) - count(KEYS[9], 'stalledCounter')
  if left == 0 then redis.call('HSET', KEYS[9], 'solo', 1) end
  if left < 0 then redis.call('HDEL', KEYS[9], 'solo') end
  redis.call('HINCRBY', KEYS[7], 'stalledTotal', 1)
end
enqueue(KEYS[4], KEYS[5], KEYS[6], KEYS[9], id, true)
emit(KEYS[8], begun and 'stalled' or 'waiting', { id })
return begun and 1 or 3
