-- Reads the jobs just taken and notes the start of their attempt; lets go of
-- ids that have no job (removed while they waited) or whose job is elsewhere
-- (a second copy of an id).
-- KEYS  active leases owners delayed failed completed meta events, then the hash of each job
-- ARGV  token, then the id of each job
-- Returns for each job its fields and values, or an empty list: not ours to do.
-- O(jobs x jobs in work). Retryable.
local at, token = int(now()), ARGV[1]
local out = {}
for i = 2, #ARGV do
  local id, hash = ARGV[i], KEYS[7 + i]
  out[i - 1] = {}
  if redis.call('HGET', KEYS[3], id) == token then
    local exists = redis.call('EXISTS', hash) == 1
    if exists and not redis.call('ZSCORE', KEYS[4], id)
        and not redis.call('ZSCORE', KEYS[5], id) and not redis.call('ZSCORE', KEYS[6], id) then
      redis.call('HSET', hash, 'processedOn', at)
      emit(KEYS[8], 'active', id)
      out[i - 1] = redis.call('HGETALL', hash)
    else
      disown(KEYS[1], KEYS[2], KEYS[3], id)
      if not exists and tonumber(redis.call('HGET', KEYS[7], 'removed') or '0') > 0 then
        redis.call('HINCRBY', KEYS[7], 'removed', -1)
      end
    end
  end
end
return out
