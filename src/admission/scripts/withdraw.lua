-- WITHDRAW: takes an attempt back that was granted and not made. Nothing of it remains.
-- KEYS  1 job   2 intents of the worker   3 limit group   4 spending of the day   5 key (credential)
-- ARGV  1 attempt number   2 attempt id   3 token of the grant   4 epoch   5 input tokens   6 output tokens
--       7 provider         8 agent        9–18 limits, see readLimits
local attempt = tonumber(ARGV[1])
local job = redis.call('HMGET', KEYS[1], 'attempts', 'state:' .. attempt)
local mine = 'open:' .. ARGV[3] .. '|'
if tonumber(job[1] or 0) ~= attempt or string.sub(job[2] or '', 1, #mine) ~= mine then
  return 0
end
local held = heldOf(job[2])
-- The first write, because a Redis that is full takes it, and then the others.
redis.call('SREM', KEYS[2], ARGV[2])
redis.call('HSET', KEYS[1], 'attempts', attempt - 1)
redis.call('HDEL', KEYS[1], 'row:' .. attempt, 'state:' .. attempt)
hold(KEYS[4], spendingNames(ARGV[7], ARGV[8]), -held)

local now, limits, changes = nowMs(), readLimits(9), {}
local group = loadGroup(KEYS[3], now)
local input, output = tonumber(ARGV[5]), tonumber(ARGV[6])
local sums = { granted = 1, grantedInput = input, grantedOutput = output, reservedInput = input, reservedOutput = output }
for field, amount in pairs(sums) do
  set(group, changes, field, math.max(0, (group[field] or 0) - amount))
end
if group.dayUsed and group.day == limits.dayName then
  set(group, changes, 'dayUsed', math.max(0, group.dayUsed - 1))
end
-- Buckets that were emptied since have forgotten the reservation already.
if tonumber(ARGV[4]) == (group.epoch or 0) then
  local buckets = bucketsOf(group, limits, 1, 1, now)
  giveBack(group, changes, buckets, input, output)
end
if group.probe == ARGV[2] then
  set(group, changes, 'breakerUntil', now)
elseif group.breaker == 'ramp' then
  set(group, changes, 'credits', group.credits + 1)
end
afterCredentialProbe(KEYS[5], ARGV[2], false)
write(KEYS[3], changes)
if not group.seen then redis.call('HDEL', KEYS[3], 'firstAt') end
return 1
