-- Reads the jobs just taken and notes the start of their attempt; lets go of
-- ids that have no job (removed while they waited) or whose job is elsewhere
-- (a second copy of an id).
-- KEYS  active leases owners delayed failed completed meta events, then the hash of each job
-- ARGV  token, then the id of each job
-- Returns the time(ms), then for each job name, data, attemptsMade,
-- stalledCounter, timestamp and delay, or an empty list: not ours to do.
-- O(jobs x jobs in work). Retryable.
local at, token = int(now()), ARGV[1]
local ids = { unpack(ARGV, 2) }
local owner = redis.call('HMGET', KEYS[3], unpack(ids))
local elsewhere = {}
for k = 4, 6 do
  local score = redis.call('ZMSCORE', KEYS[k], unpack(ids))
  for i = 1, #ids do elsewhere[i] = elsewhere[i] or score[i] end
end
local out, begun, dropped, gone = { at }, {}, {}, 0
for i, id in ipairs(ids) do
  local hash = KEYS[8 + i]
  out[i + 1] = {}
  if owner[i] == token then
    local job = redis.call('HMGET', hash, 'name', 'data', 'attemptsMade', 'stalledCounter', 'timestamp', 'delay')
    if job[1] and not elsewhere[i] then
      redis.call('HSET', hash, 'processedOn', at, 'processedBy', token)
      begun[#begun + 1] = id
      out[i + 1] = job
    else
      dropped[#dropped + 1] = id
      if not job[1] then gone = gone + 1 end
    end
  end
end
disown(KEYS[1], KEYS[2], KEYS[3], dropped)
if gone > 0 then
  local removed = tonumber(redis.call('HGET', KEYS[7], 'removed') or '0')
  if removed > 0 then redis.call('HINCRBY', KEYS[7], 'removed', -math.min(gone, removed)) end
end
emit(KEYS[8], 'active', begun)
return out
