-- Adds jobs that are not there yet. What is at a job's key and no job goes.
-- KEYS  waiting urgent solo delayed meta id events completed failed, then the hash
--       of each job
-- ARGV  opts, how many may wait or be delayed at most (0: any number), how many
--       workers a job may lose, then for each job: id name data delay(ms)
--       attemptsMade stalledCounter priority('' or 'urgent') bound('1' to respect
--       the limit or '0': it was accepted before, and its id may be left where its
--       last job was)
-- Returns for each job 1 (added), 0 (was there) or -1 (no room). O(jobs).
-- Retryable.
local at, limit, room = now(), tonumber(ARGV[2]), math.huge
if limit > 0 then
  room = limit - redis.call('LLEN', KEYS[1]) - redis.call('LLEN', KEYS[2]) - redis.call('LLEN', KEYS[3])
    - redis.call('ZCARD', KEYS[4]) + number(redis.call('HGET', KEYS[5], 'removed'))
end
local out, normal, urgent, solo, delayed = {}, {}, {}, {}, {}
for i = 1, (#ARGV - 3) / 8 do
  local hash, a = KEYS[9 + i], 8 * i - 5
  local id, delay, stalls = ARGV[a + 1], ARGV[a + 4], ARGV[a + 6]
  local alone = stalls ~= '0' and stalls == ARGV[3] -- see recover
  local there = redis.call('EXISTS', hash) == 1
  local junk = there and redis.call('TYPE', hash).ok ~= 'hash'
  if there and not junk then
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
    field('stalledCounter', stalls, '0')
    field('solo', alone and '1' or '', '')
    field('priority', ARGV[a + 7], '')
    if junk then redis.call('UNLINK', hash) end
    redis.call('HSET', hash, unpack(fields))
    if junk or ARGV[a + 8] == '0' then -- or its turn takes the new job for one that is elsewhere
      for _, k in ipairs({ 4, 8, 9 }) do redis.call('ZREM', KEYS[k], id) end
    end
    if delay ~= '0' then
      redis.call('ZADD', KEYS[4], int(at + tonumber(delay)), id)
      delayed[#delayed + 1] = id
    elseif alone then
      solo[#solo + 1] = id
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
if #solo > 0 then redis.call('LPUSH', KEYS[3], unpack(solo)) end
local added = #normal + #urgent + #solo + #delayed
if added > 0 then redis.call('INCRBY', KEYS[6], added) end
emit(KEYS[7], 'delayed', delayed)
emit(KEYS[7], 'waiting', normal)
emit(KEYS[7], 'waiting', urgent)
emit(KEYS[7], 'waiting', solo)
return out
