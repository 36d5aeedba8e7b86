-- Ends jobs that are done.
-- KEYS  active leases owners completed meta events, then the hash of each job
-- ARGV  1 to keep the jobs or 0, then for each job: id token
-- Returns for each job 1 (ended) or 0 (not the owner). O(jobs x jobs in work).
-- Retryable: the second time it answers 0 and changes nothing.
local at = int(now())
local out = {}
for i = 1, (#ARGV - 1) / 2 do
  local id, token, hash = ARGV[2 * i], ARGV[2 * i + 1], KEYS[6 + i]
  if redis.call('HGET', KEYS[3], id) == token then
    disown(KEYS[1], KEYS[2], KEYS[3], id)
    if ARGV[1] == '1' then
      redis.call('HINCRBY', hash, 'attemptsMade', 1)
      redis.call('HSET', hash, 'finishedOn', at)
      redis.call('ZADD', KEYS[4], at, id)
    else
      redis.call('UNLINK', hash)
    end
    redis.call('HINCRBY', KEYS[5], 'completedTotal', 1)
    emit(KEYS[6], 'completed', id)
    out[i] = 1
  else
    out[i] = 0
  end
end
return out
