-- Adds jobs that are not there yet.
-- KEYS  waiting urgent delayed meta id events completed failed, then the hash of
--       each job
-- ARGV  opts, how many may wait or be delayed at most (0: any number), then for
--       each job: id name data delay(ms) attemptsMade stalledCounter
--       priority('' or 'urgent') bound('1' to respect the limit or '0': it was
--       accepted before, and its id may be left where its last job was)
-- Returns for each job 1 (added), 0 (was there) or -1 (no room). O(jobs).
-- Retryable.
local at, limit, room = now(), tonumber(ARGV[2]), math.huge
if limit > 0 then
  room = limit - redis.call('LLEN', KEYS[1]) - redis.call('LLEN', KEYS[2]) - redis.call('ZCARD', KEYS[3])
    + tonumber(redis.call('HGET', KEYS[4], 'removed') or '0')
end
local out, normal, urgent, delayed = {}, {}, {}, {}
for i = 1, (#ARGV - 2) / 8 do
  local hash, a = KEYS[8 + i], 8 * i - 6
  local id, delay = ARGV[a + 1], ARGV[a + 4]
  if redis.call('EXISTS', hash) == 1 then
    out[i] = 0
  elseif room < 1 and ARGV[a + 8] == '1' then
    out[i] = -1
  else
    room, out[i] = room - 1, 1
    local fields = { 'name', ARGV[a + 2], 'data', ARGV[a + 3], 'opts', ARGV[1],
      'timestamp', int(at), 'attemptsMade', ARGV[a + 5] }
    local function field(name, value, absent)
      if value ~= absent then fields[#fields + 1], fields[#fields + 2] = name, value end
    end
    field('delay', delay, '0')
    field('stalledCounter', ARGV[a + 6], '0')
    field('priority', ARGV[a + 7], '')
    redis.call('HSET', hash, unpack(fields))
    if ARGV[a + 8] == '0' then -- or its turn takes the new job for one that is elsewhere
      for _, k in ipairs({ 3, 7, 8 }) do redis.call('ZREM', KEYS[k], id) end
    end
    if delay ~= '0' then
      redis.call('ZADD', KEYS[3], int(at + tonumber(delay)), id)
      delayed[#delayed + 1] = id
    elseif ARGV[a + 7] == 'urgent' then
      urgent[#urgent + 1] = id
    else
      normal[#normal + 1] = id
    end
  end
end
if #normal > 0 then redis.call('LPUSH', KEYS[1], unpack(normal)) end
if #urgent > 0 then -- see enqueue
  redis.call('LPUSH', redis.call('EXISTS', KEYS[1]) == 1 and KEYS[2] or KEYS[1], unpack(urgent))
end
local added = #normal + #urgent + #delayed
if added > 0 then redis.call('INCRBY', KEYS[5], added) end
emit(KEYS[6], 'delayed', delayed)
emit(KEYS[6], 'waiting', normal)
emit(KEYS[6], 'waiting', urgent)
return out
