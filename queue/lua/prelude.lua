-- Stands before every script. A script does not roll back, and it deals with many
-- jobs: what a job's key holds may be broken, and must not end it half-way. What
-- reads or writes such a key does so with pcall, or through what is here.

-- now returns the server's time in ms since the epoch.
local function now()
  local t = redis.call('TIME')
  return tonumber(t[1]) * 1000 + math.floor(tonumber(t[2]) / 1000)
end

-- int writes a number of any size without an exponent.
local function int(n) return string.format('%.0f', n) end

-- number reads a number; what is absent, none, or an error counts as 0.
local function number(s) return type(s) == 'string' and tonumber(s) or 0 end

-- count adds one to a number of a job. What is none, or below zero, counts as 0.
local function count(hash, field)
  local n = redis.pcall('HINCRBY', hash, field, 1)
  if type(n) ~= 'number' or n < 1 then
    n = 1
    redis.pcall('HSET', hash, field, n)
  end
  return n
end

-- discount notes that so many ids are no longer in a list whose jobs were removed.
local function discount(meta, ids)
  if ids == 0 then return end
  local removed = number(redis.call('HGET', meta, 'removed'))
  if removed > 0 then redis.call('HINCRBY', meta, 'removed', -math.min(ids, removed)) end
end

-- emit appends one entry to the events stream for the ids that went the same
-- way together. The stream keeps about 10,000 entries.
local function emit(stream, event, ids, ...)
  if #ids == 0 then return end
  redis.pcall('XADD', stream, 'MAXLEN', '~', '10000', '*', 'event', event, 'jobId', table.concat(ids, ','), ...)
end

-- enqueue makes a job wait, behind those of its priority or in front of them. An
-- urgent one has a list of its own as long as there is anyone to overtake; idle
-- pools listen to waiting. One that is to run alone is in solo. What holds no job waits
-- as well, and fails when its turn comes.
local function enqueue(waiting, urgent, solo, hash, id, front)
  local list, job = waiting, redis.pcall('HMGET', hash, 'priority', 'solo')
  if job[2] then
    list = solo
  elseif job[1] == 'urgent' and redis.call('EXISTS', waiting) == 1 then
    list = urgent
  end
  redis.call(front and 'RPUSH' or 'LPUSH', list, id)
end

-- disown ends a worker's hold on jobs. The oldest in work are at the end of
-- active, and they mostly are the ones that end: as many as there are to find are
-- taken from there, and what was not looked for goes back. O(jobs x jobs in work).
local function disown(active, leases, owners, ids)
  if #ids == 0 then return end
  local wanted, spared = {}, {}
  for _, id in ipairs(ids) do wanted[id] = true end
  for _, id in ipairs(redis.call('RPOP', active, #ids) or {}) do
    if wanted[id] then wanted[id] = nil else table.insert(spared, 1, id) end
  end
  if #spared > 0 then redis.call('RPUSH', active, unpack(spared)) end
  for id in pairs(wanted) do redis.call('LREM', active, -1, id) end
  redis.call('ZREM', leases, unpack(ids))
  redis.call('HDEL', owners, unpack(ids))
end

-- note records a failed attempt in a job's hash, which keeps the last ten.
local function note(hash, reason, attempt)
  local all, last = {}, {}
  local read, trace = pcall(cjson.decode, redis.pcall('HGET', hash, 'stacktrace') or '[]')
  for _, text in ipairs(read and type(trace) == 'table' and trace or {}) do
    if type(text) == 'string' then all[#all + 1] = text end
  end
  all[#all + 1] = cjson.decode(attempt)
  for i = math.max(1, #all - 9), #all do last[#last + 1] = all[i] end
  count(hash, 'attemptsMade')
  redis.pcall('HSET', hash, 'failedReason', reason, 'stacktrace', cjson.encode(last))
end
