-- Ends jobs that are done.
-- KEYS  active leases owners completed meta events, then the hash of each job
-- ARGV  1 to keep the jobs or 0, then for each job: id token
-- Returns for each job 1 (ended) or 0 (not the owner). O(jobs x jobs in work).
-- Retryable: the second time it answers 0 and changes nothing.
local ids, hashes, out = {}, {}, {}
for i = 1, (#ARGV - 1) / 2 do ids[i] = ARGV[2 * i] end
local owner = redis.call('HMGET', KEYS[3], unpack(ids))
local done = {}
for i, id in ipairs(ids) do
  out[i] = owner[i] == ARGV[2 * i + 1] and 1 or 0
  if out[i] == 1 then
    done[#done + 1], hashes[#hashes + 1] = id, KEYS[6 + i]
  end
end
if #done == 0 then return out end
disown(KEYS[1], KEYS[2], KEYS[3], done)
if ARGV[1] == '1' then
  local at = int(now())
  for i, id in ipairs(done) do
    redis.call('HINCRBY', hashes[i], 'attemptsMade', 1)
    redis.call('HSET', hashes[i], 'finishedOn', at)
    redis.call('ZADD', KEYS[4], at, id)
  end
else
  redis.call('UNLINK', unpack(hashes))
end
redis.call('HINCRBY', KEYS[5], 'completedTotal', #done)
emit(KEYS[6], 'completed', done)
return out
