-- A pool's turn: it ends the jobs that are done, begins those it took last time,
-- and takes others.
-- KEYS  waiting urgent solo active leases owners delayed completed failed meta
--       events, then the hashes of the jobs done, then of those to begin
-- ARGV  how many to take at most, 1 to take first one that is to run alone or 0, id
--       moved by BLMOVE or '', lease(ms), token for those taken, 1 to keep jobs that
--       are done or 0, how many are done, then for each: id token; then the token of
--       those to begin, then their ids
-- Returns the time(ms), 1 if the queue is paused or 0, the ids taken, the id taken
-- that is to run alone or '', then for each job to begin 1, 0 (not ours to do) or -1
-- (its key holds no job, and it has failed).
-- O(jobs x jobs in work). For a job that is done, but not by its owner, nothing
-- changes. Retryable: what an unseen answer took has a lease that ends.
local waiting, urgent, solo, active, leases, owners, delayed, completed, failed, meta, events = unpack(KEYS, 1, 11)
local max, alone, moved, lease, token, keep, done =
  tonumber(ARGV[1]), ARGV[2] == '1', ARGV[3], tonumber(ARGV[4]), ARGV[5], ARGV[6] == '1', tonumber(ARGV[7])
local at = now()

-- complete ends the first jobs of ARGV and KEYS.
local function complete()
  if done == 0 then return end
  local ids = {}
  for i = 1, done do ids[i] = ARGV[6 + 2 * i] end
  local owner = redis.call('HMGET', owners, unpack(ids))
  local ended, hashes, n = {}, {}, 0
  for i = 1, done do
    if owner[i] == ARGV[7 + 2 * i] then
      n = n + 1
      ended[n], hashes[n] = ids[i], KEYS[11 + i]
    end
  end
  if n == 0 then return end
  disown(active, leases, owners, ended)
  if keep then
    for i, id in ipairs(ended) do
      count(hashes[i], 'attemptsMade')
      redis.pcall('HSET', hashes[i], 'finishedOn', int(at))
      redis.call('ZADD', completed, int(at), id)
    end
  else
    redis.call('UNLINK', unpack(hashes))
  end
  redis.call('HINCRBY', meta, 'completedTotal', n)
  emit(events, 'completed', ended)
end

-- begin notes that an attempt starts at the jobs that follow, and returns for each
-- whether it does. It lets go of ids that have no job (removed while they waited)
-- or whose job is elsewhere (a second copy of an id). One whose key holds something
-- else fails, and the key stays as it is.
local function begin()
  local first, base = 9 + 2 * done, 11 + done
  if not ARGV[first] then return {} end
  local ids = { unpack(ARGV, first) }
  local owner = redis.call('HMGET', owners, unpack(ids))
  local all = redis.call('EXISTS', unpack(KEYS, base + 1)) == #ids
  local elsewhere = {}
  for _, list in ipairs({ delayed, completed, failed }) do
    if redis.call('EXISTS', list) == 1 then
      local score = redis.call('ZMSCORE', list, unpack(ids))
      for i = 1, #ids do elsewhere[i] = elsewhere[i] or score[i] end
    end
  end
  local ours, begun, dropped, broken, gone, n = {}, {}, {}, {}, 0, 0
  local token, start = ARGV[first - 1], int(at)
  for i, id in ipairs(ids) do
    local hash = KEYS[base + i]
    ours[i] = 0
    if owner[i] == token then
      local there = all or redis.call('EXISTS', hash) == 1
      local noted = there and not elsewhere[i] and redis.pcall('HSET', hash, 'processedOn', start, 'processedBy', token)
      if type(noted) == 'number' then
        n = n + 1
        begun[n], ours[i] = id, 1
      else
        dropped[#dropped + 1] = id
        if not there then gone = gone + 1 end
        if noted then broken[#broken + 1], ours[i] = id, -1 end
      end
    end
  end
  disown(active, leases, owners, dropped)
  discount(meta, gone)
  for _, id in ipairs(broken) do redis.call('ZADD', failed, start, id) end
  if #broken > 0 then redis.call('HINCRBY', meta, 'failedTotal', #broken) end
  emit(events, 'failed', broken, 'failedReason', 'its key holds no job')
  emit(events, 'active', begun)
  return ours
end

-- admit decides on the job that BLMOVE moved to active, and returns whether it
-- is to be taken.
local function admit(paused)
  local copies = #redis.call('LPOS', active, moved, 'COUNT', 2)
  if copies == 0 then return false end -- the sweeper gave it to another
  local owned = redis.call('HEXISTS', owners, moved) == 1
  if not owned or copies == 2 then redis.call('LREM', active, 1, moved) end
  if owned then return false end -- by another: this was a second copy
  if paused then redis.call('RPUSH', waiting, moved) end
  return not paused
end

-- pop takes as many jobs that wait. After four urgent ones in a row one from
-- waiting comes first, so that nobody starves.
local function pop(n)
  if n == 0 then return {} end
  if redis.call('EXISTS', urgent) == 0 then return redis.call('RPOP', waiting, n) or {} end
  local ids, inarow = {}, number(redis.call('HGET', meta, 'urgentInARow'))
  while #ids < n do
    local id = inarow < 4 and redis.call('RPOP', urgent)
    inarow = id and inarow + 1 or 0
    id = id or redis.call('RPOP', waiting) or redis.call('RPOP', urgent)
    if not id then break end
    ids[#ids + 1] = id
  end
  redis.call('HSET', meta, 'urgentInARow', inarow)
  return ids
end

-- strangers leaves out ids that are in work already, and second copies.
local function strangers(ids)
  local owned = redis.call('HMGET', owners, unpack(ids))
  local new, seen = {}, {}
  for i, id in ipairs(ids) do
    if not owned[i] and not seen[id] then
      seen[id] = true
      new[#new + 1] = id
    end
  end
  return new
end

-- grant lists what gives ids their leases and their owner.
local function grant(ids)
  local ends, due, own = int(at + lease), {}, {}
  for i, id in ipairs(ids) do
    due[2 * i - 1], due[2 * i] = ends, id
    own[2 * i - 1], own[2 * i] = id, token
  end
  return due, own
end

-- index makes Redis look leases and owners up in tables. As long as they are small
-- it keeps them as lists, which it searches from end to end, unless there ever was
-- a name of more than 64 bytes.
local function index()
  local long = string.rep('-', 65)
  redis.call('ZADD', leases, 0, long)
  redis.call('ZREM', leases, long)
  redis.call('HSET', owners, long, '')
  redis.call('HDEL', owners, long)
end

-- take moves jobs into work and returns their ids, and whether the first of them
-- is to run alone. There is one such job at most, and it comes without others, but
-- for one that was moved.
local function take(paused)
  local n, ids, lonely = moved == '' and max or max - 1, {}, false
  if not paused then
    lonely = alone and n > 0 and redis.call('RPOP', solo)
    ids = lonely and { lonely } or pop(n)
  end
  if moved ~= '' and admit(paused) then ids[#ids + 1] = moved end
  if #ids == 0 then return ids, false end
  local indexed = redis.call('EXISTS', leases, owners) == 2
  local due, own = grant(ids)
  if redis.call('ZADD', leases, 'NX', unpack(due)) < #ids then
    ids = strangers(ids)
    if #ids == 0 then return ids, false end
    due, own = grant(ids)
    redis.call('ZADD', leases, unpack(due))
  end
  redis.call('HSET', owners, unpack(own))
  if not indexed then index() end
  redis.call('LPUSH', active, unpack(ids))
  return ids, lonely == ids[1]
end

complete()
local ours = begin()
local paused = max > 0 and redis.call('HEXISTS', meta, 'paused') == 1
local ids, lonely = {}, false
if max > 0 then ids, lonely = take(paused) end
return { int(at), paused and 1 or 0, ids, lonely and 1 or 0, unpack(ours) }
