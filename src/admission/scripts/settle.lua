-- SETTLE: what came of an attempt, and the job's terminal record when that ends it. Also writes the orphan of an attempt
-- whose worker died; a late settlement then replaces it.
-- KEYS  1 job   2 intents of the worker   3 usage rows (stream)   4 counters of the day
--       5 counters of the agent and day   6 agents of the day (set)   7 limit group
-- ARGV  1 'settled' | 'orphaned'   2 attempt number, 0: no attempt   3 attempt id   4 row (JSON)
--       5 agent id                 6 kept rows, at most              7 counters live this long (ms)
--       8 terminal record (JSON) or ''   9 its status   10 deliveries   11 the job's keys live this long (ms)
--      12 channel for terminal records  13 job id   14 pause (ms), 0: none   15 why   16... counter field, increment
-- Replies '' while the job goes on, 'own' when the given terminal record counts, or the one that was there first.
-- Safe to send again after a lost reply.
local attempt = tonumber(ARGV[2])
local job = redis.call('HMGET', KEYS[1], 'result', 'attempts', 'state:' .. attempt, 'base')
local result, state = job[1], attempt > 0 and job[3]
-- A worker that comes back after the job was retried on purpose speaks for the generation before.
local isOutdated = attempt > 0 and attempt <= tonumber(job[4] or 0)

local function expire(key, field, total, increment)
  -- The first increment of a field is the moment to set the key's end; later ones need not.
  if total == tonumber(increment) and string.find(field, '|requests', 1, true) then
    redis.call('PEXPIRE', key, ARGV[7])
    return true
  end
end

local function count(field, increment)
  expire(KEYS[4], field, redis.call('HINCRBY', KEYS[4], field, increment), increment)
  -- Distributions are not kept by agent.
  if string.find(field, '|ms:', 1, true) or string.find(field, '|outcome:', 1, true) then return end
  if expire(KEYS[5], field, redis.call('HINCRBY', KEYS[5], field, increment), increment) then
    redis.call('SADD', KEYS[6], ARGV[5])
    redis.call('PEXPIRE', KEYS[6], ARGV[7])
  end
end

local function negative(increment)
  return string.sub(increment, 1, 1) == '-' and string.sub(increment, 2) or '-' .. increment
end

-- The orphan's row and counters go: the attempt has spoken for itself after all.
local function undoOrphan()
  local orphan = cjson.decode(redis.call('HGET', KEYS[1], 'orphan:' .. attempt))
  redis.call('XDEL', KEYS[3], orphan.row)
  for index = 1, #orphan.counters, 2 do
    count(orphan.counters[index], negative(orphan.counters[index + 1]))
  end
  redis.call('HDEL', KEYS[1], 'orphan:' .. attempt)
end

local function record()
  local row = redis.call('XADD', KEYS[3], 'MAXLEN', '~', ARGV[6], '*', 'row', ARGV[4])
  for index = 16, #ARGV, 2 do
    count(ARGV[index], ARGV[index + 1])
  end
  if ARGV[1] == 'orphaned' then
    local counters = {}
    for index = 16, #ARGV do
      counters[#counters + 1] = ARGV[index]
    end
    local orphan = cjson.encode({ row = row, counters = counters })
    redis.call('HSET', KEYS[1], 'row:' .. attempt, ARGV[4], 'state:' .. attempt, 'orphaned', 'orphan:' .. attempt, orphan)
  elseif result or ARGV[8] ~= '' then
    -- The terminal record tells the attempt.
    redis.call('HSET', KEYS[1], 'state:' .. attempt, 'settled')
    redis.call('HDEL', KEYS[1], 'row:' .. attempt)
  else
    redis.call('HSET', KEYS[1], 'row:' .. attempt, ARGV[4], 'state:' .. attempt, 'settled')
  end
end

if attempt > 0 then
  local isOpen = state and string.sub(state, 1, 5) == 'open:'
  if ARGV[1] == 'settled' and state == 'orphaned' then undoOrphan() end
  if isOpen or (ARGV[1] == 'settled' and state ~= 'settled') then record() end
  redis.call('SREM', KEYS[2], ARGV[3])
end

local pauseMs = tonumber(ARGV[14])
if pauseMs > 0 then
  local time = redis.call('TIME')
  local untilAt = time[1] * 1000 + math.floor(time[2] / 1000) + pauseMs
  local current = tonumber(redis.call('HGET', KEYS[7], 'pausedUntil') or 0)
  if untilAt > current then
    redis.call('HSET', KEYS[7], 'pausedUntil', untilAt, 'why', ARGV[15])
    redis.call('PEXPIRE', KEYS[7], pauseMs + 60000)
  end
end

if result then
  return result == ARGV[8] and 'own' or result
end
if ARGV[8] == '' or isOutdated then
  return ''
end
redis.call('HSET', KEYS[1], 'result', ARGV[8], 'status', ARGV[9], 'deliveries', ARGV[10])
-- Rows stay only where a late settlement may still come.
for number = 1, tonumber(job[2] or 0) do
  if number ~= attempt and redis.call('HGET', KEYS[1], 'state:' .. number) == 'settled' then
    redis.call('HDEL', KEYS[1], 'row:' .. number)
  end
end
redis.call('PEXPIRE', KEYS[1], ARGV[11])
redis.call('PUBLISH', ARGV[12], ARGV[13])
return 'own'
