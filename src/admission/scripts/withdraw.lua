-- WITHDRAW: takes an attempt back that was granted and not made. Nothing of it remains.
-- KEYS  1 job   2 intents of the worker   3 limit group   4 spending of the day
-- ARGV  1 attempt number   2 attempt id   3 token of the grant   4 epoch   5 input tokens   6 output tokens
--       7 held (pico-USD)  8 provider     9 agent               10–19 limits, see readLimits
local attempt = tonumber(ARGV[1])
local job = redis.call('HMGET', KEYS[1], 'attempts', 'state:' .. attempt)
local mine = 'open:' .. ARGV[3] .. '|'
if tonumber(job[1] or 0) ~= attempt or string.sub(job[2] or '', 1, #mine) ~= mine then
  return 0
end
redis.call('HSET', KEYS[1], 'attempts', attempt - 1)
redis.call('HDEL', KEYS[1], 'row:' .. attempt, 'state:' .. attempt)
redis.call('SREM', KEYS[2], ARGV[2])
hold(KEYS[4], spendingNames(ARGV[8], ARGV[9]), -tonumber(ARGV[7]))

local now, group, limits = nowMs(), loadGroup(KEYS[3]), readLimits(10)
redis.call('HSET', KEYS[3], 'granted', math.max(0, (group.granted or 0) - 1))
if group.day == limits.dayName then
  redis.call('HSET', KEYS[3], 'dayUsed', math.max(0, (group.dayUsed or 0) - 1))
end
-- Buckets that were emptied since have forgotten the reservation already.
if tonumber(ARGV[4]) == (group.epoch or 0) then
  settleTokens(KEYS[3], group, limits, { requests = -1, input = -tonumber(ARGV[5]), output = -tonumber(ARGV[6]) }, now)
end
if group.probe == ARGV[2] then
  redis.call('HSET', KEYS[3], 'breakerUntil', ms(now))
elseif group.breaker == 'ramp' then
  redis.call('HSET', KEYS[3], 'credits', group.credits + 1)
end
if not group.seen then redis.call('HDEL', KEYS[3], 'firstAt') end
return 1
