-- LOOK UP: an earlier text for a request, or who is asking for one.
-- KEYS  1 cached text   2 lead (hash: job, waiting)   3 counters of the day   4 counters of the agent and day
--       5 agents of the day (set)
-- ARGV  1 job id   2 how long a lead lasts (ms)   3 now (epoch ms)   4 agent   5 how long counters are kept (ms)
--       6 name of the counter of hits   7 kind
-- Replies {'hit', text} | {'lead'} | {'wait', ms}
-- Safe to send again: a leader stays one, and a hit is counted twice at worst.
local FIRST_WAIT_MS = 100
local LONGEST_WAIT_MS = 5000
-- The more wait, the less often each of them asks.
local WAIT_PER_WAITING_MS = 2

local function keep(key)
  redis.call('PEXPIRE', key, math.max(redis.call('PTTL', key), tonumber(ARGV[5])))
end

local text = redis.call('GET', KEYS[1])
local entry = text and cjson.decode(text)
if entry and entry.freshUntil > tonumber(ARGV[3]) then
  local field = entry.text.provider .. '|' .. entry.text.model .. '|' .. ARGV[6]
  redis.call('HINCRBY', KEYS[3], field .. '|' .. ARGV[7], 1)
  redis.call('HINCRBY', KEYS[4], field, 1)
  keep(KEYS[3])
  keep(KEYS[4])
  redis.call('SADD', KEYS[5], ARGV[4])
  keep(KEYS[5])
  return { 'hit', text }
end
local leader = redis.call('HGET', KEYS[2], 'job')
if not leader or leader == ARGV[1] then
  redis.call('HSET', KEYS[2], 'job', ARGV[1])
  redis.call('PEXPIRE', KEYS[2], ARGV[2])
  return { 'lead' }
end
local waiting = redis.call('HINCRBY', KEYS[2], 'waiting', 1)
return { 'wait', math.min(LONGEST_WAIT_MS, FIRST_WAIT_MS + WAIT_PER_WAITING_MS * waiting) }
