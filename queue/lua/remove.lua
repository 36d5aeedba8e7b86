-- Removes jobs. One in work is removed only if asked, and then its worker finds
-- its lease lost. The id of a waiting job stays in its list, whose search would
-- cost its length, and is passed over when its turn comes, or dropped by compact;
-- meta.removed counts such ids.
-- KEYS  active leases owners delayed completed failed meta events, then the hash of each job
-- ARGV  1 to take jobs from their workers too or 0, then the id of each job
-- Returns for each job 1 (removed), 2 (removed from a worker), 3 (removed while it
-- waited), 0 (in work) or -1 (no such job). O(jobs x jobs in work). Retryable.
local out, removed = {}, {}
for i = 2, #ARGV do
  local id, hash = ARGV[i], KEYS[7 + i]
  local owned = redis.call('LPOS', KEYS[1], id) or redis.call('ZSCORE', KEYS[2], id)
  if owned and ARGV[1] == '0' then
    out[i - 1] = 0
  else
    local listed = redis.call('ZREM', KEYS[4], id) + redis.call('ZREM', KEYS[5], id) + redis.call('ZREM', KEYS[6], id)
    if redis.call('UNLINK', hash) == 0 then
      out[i - 1] = -1
    else
      removed[#removed + 1] = id
      if owned then
        disown(KEYS[1], KEYS[2], KEYS[3], { id })
        out[i - 1] = 2
      else
        if listed == 0 then redis.call('HINCRBY', KEYS[7], 'removed', 1) end
        out[i - 1] = listed == 0 and 3 or 1
      end
    end
  end
end
emit(KEYS[8], 'removed', removed)
return out
