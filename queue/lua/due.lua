-- Names the delayed jobs that are due, and tells whether Redis still is the one
-- that the caller knows.
-- KEYS  delayed meta
-- ARGV  how many at most, epoch to set if there is none
-- Returns the time(ms), ms until the next one after these is due (-1: none),
-- the epoch, then the ids. O(ids + log delayed). Retryable.
local at, max = now(), tonumber(ARGV[1])
local ids = redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', int(at), 'LIMIT', 0, max)
local wait = -1
local after = redis.call('ZRANGE', KEYS[1], #ids, #ids, 'WITHSCORES')
if after[2] then wait = math.max(0, tonumber(after[2]) - at) end
redis.call('HSETNX', KEYS[2], 'epoch', ARGV[2])
return { int(at), wait, redis.call('HGET', KEYS[2], 'epoch'), unpack(ids) }
