-- Puts jobs that no list seems to hold back to wait. A waiting list is searched
-- only so far: a second copy of an id is passed over when its turn comes.
-- KEYS  waiting urgent solo active delayed failed completed events, then the hash
--       of each job
-- ARGV  the id of each job
-- Returns for each job 1 (restored), 0 (a list holds it) or -1 (no such job).
-- O(jobs x jobs that wait, up to 10,000). Retryable.
local out, back = {}, {}
for i, id in ipairs(ARGV) do
  local held = redis.call('ZSCORE', KEYS[5], id) or redis.call('ZSCORE', KEYS[6], id) or redis.call('ZSCORE', KEYS[7], id)
    or redis.call('LPOS', KEYS[4], id)
  for list = 1, 3 do held = held or redis.call('LPOS', KEYS[list], id, 'MAXLEN', 10000) end
  if redis.call('EXISTS', KEYS[8 + i]) == 0 then
    out[i] = -1
  elseif held then
    out[i] = 0
  else
    enqueue(KEYS[1], KEYS[2], KEYS[3], KEYS[8 + i], id)
    back[#back + 1] = id
    out[i] = 1
  end
end
emit(KEYS[8], 'waiting', back)
return out
