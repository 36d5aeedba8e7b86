-- Makes delayed jobs wait. Of one that is not due yet the time that it was delayed
-- is noted, so that the rest is not taken for it.
-- KEYS  delayed waiting urgent solo events, then the hash of each job
-- ARGV  those due up to here (ms, or +inf), then the id of each job
-- Returns for each job 1, 0 (not delayed, or not due) or -1 (no such job).
-- O(jobs x log delayed). Retryable.
local upto = ARGV[1] == '+inf' and math.huge or tonumber(ARGV[1])
local at, out, moved = now(), {}, {}
for i = 2, #ARGV do
  local id, hash = ARGV[i], KEYS[4 + i]
  local due = redis.call('ZSCORE', KEYS[1], id)
  out[i - 1] = 0
  if redis.call('EXISTS', hash) == 0 then
    redis.call('ZREM', KEYS[1], id)
    out[i - 1] = -1
  elseif due and tonumber(due) <= upto then
    redis.call('ZREM', KEYS[1], id)
    if tonumber(due) > at then
      local added = number(redis.pcall('HGET', hash, 'timestamp'))
      if added > 0 then redis.pcall('HSET', hash, 'delay', int(math.max(0, at - added))) end
    end
    enqueue(KEYS[2], KEYS[3], KEYS[4], hash, id)
    moved[#moved + 1] = id
    out[i - 1] = 1
  end
end
emit(KEYS[5], 'waiting', moved, 'prev', 'delayed')
return out
