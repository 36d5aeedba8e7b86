-- Returns the value of a key, or claims the key for filling.
--
-- KEYS[1]  the entry
-- ARGV[1]  prefix that a valid value starts with
-- ARGV[2]  the claim to store: prefix, mark, token
-- ARGV[3]  life of the claim in ms
-- ARGV[4]  a value that the caller knows to be outdated, or ""
--
-- Returns the value (filled, or somebody else's claim) if it is valid and not
-- the outdated one; nil if the key is now claimed by the caller.
-- Cost O(1). Not to be repeated blindly: a lost reply may have claimed the key;
-- the claim then ends by itself.
local value = redis.call('GET', KEYS[1])
if value and string.sub(value, 1, #ARGV[1]) == ARGV[1] and value ~= ARGV[4] then
  return value
end
redis.call('SET', KEYS[1], ARGV[2], 'PX', ARGV[3])
return false
