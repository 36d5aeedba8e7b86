-- Tells which commands the user may not give. Nothing is carried out.
-- KEYS  none: it touches no key
-- ARGV  for each command: how many words it has, then the words
-- Returns the position of each command that is refused, counted from 1; none
-- where the server cannot tell (before Redis 7). O(commands). Retryable.
local refused = {}
if not redis.acl_check_cmd then return refused end
local at, position = 1, 0
while ARGV[at] do
  local words = tonumber(ARGV[at])
  position = position + 1
  if not redis.acl_check_cmd(unpack(ARGV, at + 1, at + words)) then refused[#refused + 1] = position end
  at = at + words + 1
end
return refused
