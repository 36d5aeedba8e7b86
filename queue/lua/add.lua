-- Adds jobs that are not there yet.
-- KEYS  waiting delayed meta id events, then the hash of each job
-- ARGV  for each job: id name data opts delay(ms) attemptsMade stalledCounter
-- Returns for each job 1 (added) or 0 (was there). O(jobs). Retryable.
local at = now()
local added = {}
for i = 1, #ARGV / 7 do
  local hash = KEYS[5 + i]
  local a = (i - 1) * 7
  local id, delay = ARGV[a + 1], tonumber(ARGV[a + 5])
  if redis.call('EXISTS', hash) == 1 then
    added[i] = 0
  else
    redis.call('INCR', KEYS[4])
    redis.call('HSET', hash, 'name', ARGV[a + 2], 'data', ARGV[a + 3], 'opts', ARGV[a + 4],
      'timestamp', int(at), 'delay', ARGV[a + 5], 'attemptsMade', ARGV[a + 6])
    if ARGV[a + 7] ~= '0' then redis.call('HSET', hash, 'stalledCounter', ARGV[a + 7]) end
    if delay > 0 then
      redis.call('ZADD', KEYS[2], int(at + delay), id)
      emit(KEYS[5], 'delayed', id)
    else
      redis.call('LPUSH', KEYS[1], id)
      emit(KEYS[5], 'waiting', id)
    end
    added[i] = 1
  end
end
return added
