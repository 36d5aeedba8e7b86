-- Turns a claim into a value, or gives it up.
--
-- KEYS[1]  the entry
-- ARGV[1]  the claim as it was stored by claim.lua
-- ARGV[2]  the value, or "" to give the claim up
-- ARGV[3]  life of the value in ms
--
-- Returns 1, or 0 if the claim is no longer there: the entry was invalidated,
-- or the claim has ended, and the key is left alone.
-- Cost O(1). May be repeated: the second time finds no claim.
if redis.call('GET', KEYS[1]) ~= ARGV[1] then
  return 0
end
if ARGV[2] == '' then
  redis.call('DEL', KEYS[1])
else
  redis.call('SET', KEYS[1], ARGV[2], 'PX', ARGV[3])
end
return 1
