-- ADMIT: may this attempt be made? If so, notes the intent.
-- KEYS  1 job   2 limit group   3 intents of this worker
-- ARGV  1 attempts that the caller knows of   2 token of this call   3 deliveries
--       4 attempt id                          5 the attempt's row if the worker died now (JSON)
-- Replies {'granted'} | {'settled', result} | {'cancelled'} | {'history', attempts, row...}
--       | {'unavailable', ms, why, waited ms}
-- Safe to send again after a lost reply: the same token is granted the same attempt once more.
local job = redis.call('HMGET', KEYS[1], 'result', 'status', 'deliveries', 'attempts', 'base', 'cancelled', 'waitSince')
local result, attempts, base = job[1], tonumber(job[4] or 0), tonumber(job[5] or 0)

if result then
  -- Only a deliberate retry comes back with more deliveries than the failure was recorded with; a redelivery after a
  -- crash between the record and the acknowledgement does not.
  local retryable = job[2] == 'failed' or job[2] == 'expired'
  if not retryable or tonumber(ARGV[3]) <= tonumber(job[3]) then
    return { 'settled', result }
  end
  redis.call('HDEL', KEYS[1], 'result', 'status', 'deliveries', 'cancelled', 'waitSince')
  redis.call('HINCRBY', KEYS[1], 'generation', 1)
  redis.call('HSET', KEYS[1], 'base', attempts)
  redis.call('PERSIST', KEYS[1])
  base, job[6], job[7] = attempts, false, false
end

local known = tonumber(ARGV[1])
if attempts == known + 1 and redis.call('HGET', KEYS[1], 'state:' .. attempts) == 'open:' .. ARGV[2] then
  return { 'granted' }
end
if attempts ~= known then
  local reply = { 'history', attempts }
  for attempt = base + 1, attempts do
    reply[#reply + 1] = redis.call('HGET', KEYS[1], 'row:' .. attempt)
  end
  return reply
end

if job[6] then
  return { 'cancelled' }
end

-- Redis' own clock: workers on several machines must agree.
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)

local group = redis.call('HMGET', KEYS[2], 'pausedUntil', 'why')
if group[1] and tonumber(group[1]) > now then
  local since = tonumber(job[7] or now)
  if not job[7] then
    redis.call('HSET', KEYS[1], 'waitSince', now)
  end
  return { 'unavailable', tonumber(group[1]) - now, group[2], now - since }
end
-- Request, token and budget reservations belong here: after the pause, before the intent.

local attempt = attempts + 1
redis.call('HSET', KEYS[1], 'attempts', attempt, 'row:' .. attempt, ARGV[5], 'state:' .. attempt, 'open:' .. ARGV[2])
redis.call('SADD', KEYS[3], ARGV[4])
return { 'granted' }
