-- Takes jobs into work: the one that BLMOVE already moved, then urgent ones and
-- ones from waiting. After four urgent jobs in a row one from waiting comes
-- first, so that nobody starves.
-- KEYS  waiting urgent active leases owners meta
-- ARGV  how many at most, lease(ms), token, id moved by BLMOVE or ''
-- Returns 1 if the queue is paused or 0, then the ids taken. O(taken + jobs in
-- work). Not retryable: what an unseen answer took has a lease that ends.
local max, ends, token, moved = tonumber(ARGV[1]), int(now() + tonumber(ARGV[2])), ARGV[3], ARGV[4]
local paused = redis.call('HEXISTS', KEYS[6], 'paused') == 1
local ids = {}

local copies = moved ~= '' and #redis.call('LPOS', KEYS[3], moved, 'COUNT', 2) or 0
if copies > 0 then -- else the sweeper gave it to another
  local owned = redis.call('HEXISTS', KEYS[5], moved) == 1
  if not owned or copies == 2 then redis.call('LREM', KEYS[3], 1, moved) end
  if owned then -- by another: this was a second copy
  elseif paused then
    redis.call('RPUSH', KEYS[1], moved)
  else
    ids[1] = moved
  end
end
if not paused and redis.call('EXISTS', KEYS[2]) == 1 then
  local inarow = tonumber(redis.call('HGET', KEYS[6], 'urgentInARow') or '0')
  while #ids < max do
    local id = inarow < 4 and redis.call('RPOP', KEYS[2])
    inarow = id and inarow + 1 or 0
    id = id or redis.call('RPOP', KEYS[1]) or redis.call('RPOP', KEYS[2])
    if not id then break end
    ids[#ids + 1] = id
  end
  redis.call('HSET', KEYS[6], 'urgentInARow', inarow)
elseif not paused and #ids < max then
  for _, id in ipairs(redis.call('RPOP', KEYS[1], max - #ids) or {}) do ids[#ids + 1] = id end
end

local taken, lease, own = {}, {}, {}
if #ids > 0 then
  local owned = redis.call('HMGET', KEYS[5], unpack(ids))
  local seen = {}
  for i, id in ipairs(ids) do
    if not owned[i] and not seen[id] then -- else it is a second copy of a job in work
      seen[id] = true
      taken[#taken + 1] = id
      lease[#lease + 1], lease[#lease + 2] = ends, id
      own[#own + 1], own[#own + 2] = id, token
    end
  end
end
if #taken > 0 then
  redis.call('LPUSH', KEYS[3], unpack(taken))
  redis.call('ZADD', KEYS[4], unpack(lease))
  redis.call('HSET', KEYS[5], unpack(own))
end
return { paused and 1 or 0, unpack(taken) }
