-- Hands a job back whose attempt does not count.
-- KEYS  active leases owners waiting urgent solo delayed events hash
-- ARGV  id token delay(ms); 0 makes it the next to be taken
-- Returns 1 or 0 (not the owner). O(jobs in work). Retryable.
local id, delay = ARGV[1], tonumber(ARGV[3])
if redis.call('HGET', KEYS[3], id) ~= ARGV[2] then return 0 end
disown(KEYS[1], KEYS[2], KEYS[3], { id })
if redis.call('EXISTS', KEYS[9]) == 1 then
  if delay > 0 then
    redis.call('ZADD', KEYS[7], int(now() + delay), id)
    emit(KEYS[8], 'delayed', { id })
  else
    enqueue(KEYS[4], KEYS[5], KEYS[6], KEYS[9], id, true)
    emit(KEYS[8], 'waiting', { id })
  end
end
return 1
