-- Stops or resumes the handing out of jobs.
-- KEYS  meta events
-- ARGV  1 to pause or 0
-- Returns 1 if that changed anything or 0. O(1). Retryable.
local changed
if ARGV[1] == '1' then
  changed = redis.call('HSET', KEYS[1], 'paused', 1)
else
  changed = redis.call('HDEL', KEYS[1], 'paused')
end
if changed == 1 then
  redis.call('XADD', KEYS[2], 'MAXLEN', '~', '10000', '*', 'event', ARGV[1] == '1' and 'paused' or 'resumed')
end
return changed
