-- Puts a job that no list holds back to wait.
-- KEYS  waiting active delayed failed completed events hash
-- ARGV  id
-- Returns 1 (restored), 0 (a list holds it) or -1 (no such job). O(waiting):
-- for single jobs that are suspected to be lost. Retryable.
if redis.call('EXISTS', KEYS[7]) == 0 then return -1 end
local id = ARGV[1]
for i = 3, 5 do
  if redis.call('ZSCORE', KEYS[i], id) then return 0 end
end
if redis.call('LPOS', KEYS[2], id) or redis.call('LPOS', KEYS[1], id) then return 0 end
redis.call('LPUSH', KEYS[1], id)
emit(KEYS[6], 'waiting', id)
return 1
