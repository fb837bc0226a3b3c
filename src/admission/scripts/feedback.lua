-- FEEDBACK: a job's score, and the counters that follow it. A second score replaces the first.
-- KEYS  1 job   2 counters of the day   3 counters of the agent and day   4 agents of the day (set)
-- ARGV  1 SHA-1 of the result that keys and fields were read from, or ''   2 score in thousandths
--       3 field that counts scores   4 field that adds them up   5 agent   6 counters live this long (ms)
-- Replies 'stored' | 'unknown' | 'unfinished' | 'no-text' | 'outdated': read the result again
-- Safe to send again after a lost reply.
local job = redis.call('HMGET', KEYS[1], 'payload', 'result', 'status', 'feedback')
local result, before = job[2], job[4]
if not result then
  return job[1] and 'unfinished' or 'unknown'
end
if job[3] ~= 'succeeded' then
  return 'no-text'
end
if redis.sha1hex(result) ~= ARGV[1] then
  return 'outdated'
end

local countersMs, jobMs = tonumber(ARGV[6]), redis.call('PTTL', KEYS[1])

-- The day may have no counters yet: its text was asked for before midnight. And they stay for as long as the score can be
-- replaced: a difference to a score that is not counted any more would count for nothing.
local function keep(key)
  local lifeMs = redis.call('PTTL', key)
  local neededMs = math.max(lifeMs < 0 and countersMs or 0, jobMs + 60000)
  if lifeMs < neededMs then redis.call('PEXPIRE', key, neededMs) end
end

redis.call('HSET', KEYS[1], 'feedback', ARGV[2])
for index = 2, 3 do
  redis.call('HINCRBY', KEYS[index], ARGV[3], before and 0 or 1)
  redis.call('HINCRBY', KEYS[index], ARGV[4], tonumber(ARGV[2]) - tonumber(before or 0))
  keep(KEYS[index])
end
redis.call('SADD', KEYS[4], ARGV[5])
keep(KEYS[4])
return 'stored'
