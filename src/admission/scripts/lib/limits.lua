-- LIMITS: how one limit group is paced, and what is known about it. Shared by ADMIT, SETTLE and WITHDRAW.
-- Times are epoch ms of Redis' own clock, with fractions: workers on several machines must agree.
-- A bucket is kept as the moment at which it will be full again (GCRA): it empties by moving that moment ahead.

-- Just under what the vendor allows: clocks and networks are not exact.
local PACE = 0.998
local BURST_SHARE = 0.96
-- Before the first answer, which may show that the configured limit is not the vendor's. What is held back until then is
-- not lost: the vendor's bucket is as full as before.
local UNSEEN_SHARE = 0.5
-- Slots are granted this far ahead at most.
local HORIZON_MS = 1000
-- A rate that was worked out from refusals rises by so much a second, until the vendor refuses again.
local REGROWTH_PER_MS = 0.002 / 1000

-- Fields of a limit group that are no numbers.
local TEXTS = { why = true, day = true, breaker = true, probe = true, lastError = true }

local function nowMs()
  local time = redis.call('TIME')
  return time[1] * 1000 + time[2] / 1000
end

-- Fields of a limit group that are moments, beside `full:...`.
local MOMENTS = {
  pausedUntil = true, breakerUntil = true, firstAt = true, observedAt = true, ownAt = true, busySince = true,
  settledAt = true, creditAt = true, openedAt = true,
}
local CLOCK_SLACK_MS = 1000

-- The state of a limit group; numbers are numbers, and what is missing is nil. All of it: in a small hash a single pass
-- costs less than looking twenty fields up.
local function readGroup(key)
  local values, group = redis.call('HGETALL', key), {}
  for index = 1, #values, 2 do
    local field = values[index]
    group[field] = TEXTS[field] and values[index + 1] or tonumber(values[index + 1])
  end
  return group
end

-- Changes a group here and, with `write`, in Redis: one command for all of them.
local function set(group, changes, field, value)
  group[field] = value
  -- Redis writes whole numbers out itself.
  if not TEXTS[field] and value % 1 ~= 0 then value = string.format('%.4f', value) end
  changes[#changes + 1], changes[#changes + 2] = field, value
end

local function write(key, changes)
  if #changes > 0 then redis.call('HSET', key, unpack(changes)) end
end

-- When Redis' clock was set back, all moments are that much too late, and nobody would call before the old time comes again.
local function followClock(key, group, now)
  local aheadMs = math.max(group.ownAt or 0, group.settledAt or 0) - now
  if aheadMs < CLOCK_SLACK_MS then return end
  local changes = {}
  for field, value in pairs(group) do
    if MOMENTS[field] or string.sub(field, 1, 5) == 'full:' then set(group, changes, field, value - aheadMs) end
  end
  write(key, changes)
end

local function loadGroup(key, now)
  local group = readGroup(key)
  followClock(key, group, now)
  return group
end

local function ms(value)
  return string.format('%.4f', value)
end

-- What is configured, from 10 arguments in a row; 0 is none.
local function readLimits(at)
  local function number(offset)
    local value = tonumber(ARGV[at + offset])
    return value > 0 and value or nil
  end
  return {
    requests = number(0), tokens = number(1), input = number(2), output = number(3), second = number(4), day = number(5),
    burstMs = number(6), dayName = ARGV[at + 7], dayLeftMs = tonumber(ARGV[at + 8]), isLimited = ARGV[at + 9] == '1',
  }
end

local function lower(a, b)
  if a and b then return math.min(a, b) end
  return a or b
end

-- Requests a minute that refusals have shown to be possible; nil: there were none.
local function observedRate(group, now)
  if not group.observed then return nil end
  return group.observed * (1 + (now - group.observedAt) * REGROWTH_PER_MS)
end

-- The buckets of a call that counts so much. A call that is larger than a bucket needs a full one.
local function bucketsOf(group, limits, input, output, now)
  local buckets = {}
  local function add(name, perMinute, amount, burstMs)
    if not perMinute or amount <= 0 then return end
    local unitMs = 60000 / (perMinute * PACE)
    buckets[#buckets + 1] = {
      name = name, perMinute = perMinute, amount = amount, unitMs = unitMs,
      needMs = amount * unitMs, burstMs = math.max(burstMs, amount * unitMs),
    }
  end
  local burstMs = limits.burstMs * (group.seen and BURST_SHARE or UNSEEN_SHARE)
  local requests = lower(lower(limits.requests, group['learned:requests']), observedRate(group, now))
  add('requests', requests, 1, burstMs)
  add('second', limits.second and limits.second * 60, 1, 0)
  add('tokens', lower(limits.tokens, group['learned:tokens']), input + output, burstMs)
  add('input', lower(limits.input, group['learned:input']), input, burstMs)
  add('output', lower(limits.output, group['learned:output']), output, burstMs)
  return buckets
end

local function waitFor(bucket, full, now)
  return math.max(0, math.max(full or 0, now) + bucket.needMs - bucket.burstMs - now)
end

local function dayUsed(group, limits)
  return group.day == limits.dayName and group.dayUsed or 0
end

-- Everybody who was granted a slot of an earlier epoch asks again. Epochs begin with the time and never fall behind it:
-- should Redis forget a group, its next epoch is later than all that workers remember.
local function raiseEpoch(group, changes, channel, name, now)
  local before = group.epoch or 0
  set(group, changes, 'epochBefore', before)
  set(group, changes, 'epoch', math.max(before + 1, math.floor(now)))
  redis.call('PUBLISH', channel, string.format('%.0f %s', group.epoch, name))
end
