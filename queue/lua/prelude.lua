-- Stands before every script.

-- now returns the server's time in ms since the epoch.
local function now()
  local t = redis.call('TIME')
  return tonumber(t[1]) * 1000 + math.floor(tonumber(t[2]) / 1000)
end

-- int writes a number of any size without an exponent.
local function int(n) return string.format('%.0f', n) end

-- emit appends to the events stream.
local function emit(stream, event, id, ...)
  redis.call('XADD', stream, 'MAXLEN', '~', '10000', '*', 'event', event, 'jobId', id, ...)
end

-- disown ends a worker's hold on a job. O(jobs in work).
local function disown(active, leases, owners, id)
  redis.call('LREM', active, 0, id)
  redis.call('ZREM', leases, id)
  redis.call('HDEL', owners, id)
end

-- note records a failed attempt in a job's hash.
local function note(hash, reason, attempt)
  local trace = redis.call('HGET', hash, 'stacktrace')
  if trace and trace ~= '[]' then
    trace = string.sub(trace, 1, -2) .. ',' .. attempt .. ']'
  else
    trace = '[' .. attempt .. ']'
  end
  redis.call('HINCRBY', hash, 'attemptsMade', 1)
  redis.call('HSET', hash, 'failedReason', reason, 'stacktrace', trace)
end
