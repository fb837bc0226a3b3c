-- LIMITS: how one limit group is paced, and what is known about it. Shared by ADMIT, SETTLE and WITHDRAW.
-- Times are epoch ms of Redis' own clock, with fractions: workers on several machines must agree.
-- A bucket is kept as the moment at which it will be full again (GCRA): it empties by moving that moment ahead.

-- Just under what the vendor allows: clocks and networks are not exact.
local PACE = 0.998
local BURST_SHARE = 0.96
-- Slots are granted this far ahead at most.
local HORIZON_MS = 1000
-- A rate that was worked out from refusals rises by so much a second, until the vendor refuses again.
local REGROWTH_PER_MS = 0.002 / 1000

local FIELDS = {
  'epoch', 'pausedUntil', 'why', 'seen', 'firstAt', 'granted', 'ownAt',
  'full:requests', 'full:second', 'full:tokens', 'full:input', 'full:output', 'full:over:requests', 'full:over:tokens',
  'learned:requests', 'learned:tokens', 'learned:input', 'learned:output', 'learned:day', 'day', 'dayUsed',
  'observed', 'observedAt', 'busySince', 'busyBase', 'busyFromFull', 'eventAccepted', 'eventMs', 'eventFloor',
  'breaker', 'breakerUntil', 'probe', 'credits', 'creditAt', 'rampGood', 'rampBad',
}
local TEXTS = { why = true, day = true, breaker = true, probe = true }

local function nowMs()
  local time = redis.call('TIME')
  return time[1] * 1000 + time[2] / 1000
end

-- The state of a limit group; numbers are numbers, and what is missing is nil.
local function loadGroup(key)
  local values = redis.call('HMGET', key, unpack(FIELDS))
  local group = {}
  for index, field in ipairs(FIELDS) do
    local value = values[index]
    if value then
      if TEXTS[field] then group[field] = value else group[field] = tonumber(value) end
    end
  end
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
  local burstMs = limits.burstMs * BURST_SHARE
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

-- Everybody who was granted a slot of an earlier epoch asks again.
local function raiseEpoch(key, group, channel, name)
  group.epoch = (group.epoch or 0) + 1
  redis.call('HSET', key, 'epoch', group.epoch)
  redis.call('PUBLISH', channel, group.epoch .. ' ' .. name)
end
