-- Takes jobs into work: the one that BLMOVE already moved, then from waiting.
-- KEYS  waiting active leases owners meta
-- ARGV  how many at most, lease(ms), token, id moved by BLMOVE or ''
-- Returns 1 if the queue is paused or 0, then the ids taken. O(taken + jobs in
-- work). Not retryable: what an unseen answer took has a lease that ends.
local max, ends, token, moved = tonumber(ARGV[1]), int(now() + tonumber(ARGV[2])), ARGV[3], ARGV[4]
local paused = redis.call('HEXISTS', KEYS[5], 'paused') == 1
local taken = { paused and 1 or 0 }

local function take(id)
  redis.call('ZADD', KEYS[3], ends, id)
  redis.call('HSET', KEYS[4], id, token)
  taken[#taken + 1] = id
end

if moved ~= '' and redis.call('LPOS', KEYS[2], moved) then
  if redis.call('HEXISTS', KEYS[4], moved) == 1 then
    redis.call('LREM', KEYS[2], 1, moved) -- a second copy of a job in work
  elseif paused then
    redis.call('LREM', KEYS[2], 1, moved)
    redis.call('RPUSH', KEYS[1], moved)
  else
    take(moved)
  end
end
if paused then return taken end

while #taken - 1 < max do
  local id = redis.call('LMOVE', KEYS[1], KEYS[2], 'RIGHT', 'LEFT')
  if not id then break end
  if redis.call('HEXISTS', KEYS[4], id) == 1 then
    redis.call('LPOP', KEYS[2]) -- a second copy of a job in work
  else
    take(id)
  end
end
return taken
