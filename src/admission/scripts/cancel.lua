-- CANCEL: ends a job that no worker is calling for at once; asks its worker to stop otherwise, unless calls are spared.
-- KEYS  1 job   2 results (stream)   3 results of the agent (stream)   4 how jobs ended on the day
-- ARGV  1 terminal record (JSON) to write if nobody is calling   2 attempts that it tells
--       3 the job's keys live this long (ms)                     4 channel for terminal records
--       5 channel for cancelled jobs                             6 job id
--       7 '1': a job that is being called for is left alone
--       8 what the record says that the job has cost (pico-USD, '' when it is not known)   9 beginning of the keys of bulk runs
--      10 entry of the streams   11 field of how jobs ended   12 counters live this long (ms)
-- Replies 'unknown' | 'cancelled' | 'cancelling' | 'calling' | 'settled' | 'outdated': read the attempts again
local job = redis.call('HMGET', KEYS[1], 'payload', 'result', 'attempts', 'base', 'run')
if not job[1] then
  return 'unknown'
end
if job[2] then
  return 'settled'
end
local attempts = tonumber(job[3] or 0)
if attempts ~= tonumber(ARGV[2]) then
  return 'outdated'
end
local isCalled = false
for attempt = tonumber(job[4] or 0) + 1, attempts do
  local state = redis.call('HGET', KEYS[1], 'state:' .. attempt)
  isCalled = isCalled or (state and string.sub(state, 1, 5) == 'open:')
end
if isCalled and ARGV[7] == '1' then
  return 'calling'
end
redis.call('HSET', KEYS[1], 'cancelled', 1)
redis.call('PUBLISH', ARGV[5], ARGV[6])
if isCalled then
  return 'cancelling'
end
redis.call('HSET', KEYS[1], 'result', ARGV[1], 'status', 'cancelled', 'deliveries', 0)
if job[5] then countForRun(ARGV[9] .. job[5], 'cancelled', ARGV[8]) end
redis.call('PEXPIRE', KEYS[1], ARGV[3])
local told = { entry = ARGV[10], counter = ARGV[11], status = 'cancelled' }
listResult(KEYS[1], { all = KEYS[2], ofAgent = KEYS[3], texts = KEYS[4] }, told, ARGV[3], ARGV[12])
redis.call('PUBLISH', ARGV[4], ARGV[6])
return 'cancelled'
