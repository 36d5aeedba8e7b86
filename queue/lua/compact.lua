-- Drops ids that have no job from the end of a list from which they are taken.
-- KEYS  list meta, then the hash of each id
-- ARGV  how many ids to look at from that end, then those among them that had no job
-- Returns how many were dropped. O(ids looked at). Retryable.
local gone = {}
for i = 2, #ARGV do
  if redis.call('EXISTS', KEYS[i + 1]) == 0 then gone[ARGV[i]] = true end
end
if not next(gone) then return 0 end
local ids, kept = redis.call('RPOP', KEYS[1], ARGV[1]) or {}, {}
for i = #ids, 1, -1 do
  if not gone[ids[i]] then kept[#kept + 1] = ids[i] end
end
if #kept > 0 then redis.call('RPUSH', KEYS[1], unpack(kept)) end
local dropped = #ids - #kept
discount(KEYS[2], dropped)
return dropped
