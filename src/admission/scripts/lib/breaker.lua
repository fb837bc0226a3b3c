-- BREAKER: closed → open (no calls) → half-open (one probe) → ramp (as many calls as have succeeded, and as many again)
-- → closed. Its state is part of the limit group; no field `breaker` is closed.

local WINDOW_SLOTS = 6
-- In the ramp a call that never came back holds nobody up longer than this.
local CREDIT_MS = 1000

-- How long the breaker forbids a call; 0: it does not.
local function breakerWait(group, now)
  if group.breaker == 'open' or group.breaker == 'half-open' then
    -- A probe that is overdue died with its worker: the next call takes its place.
    return math.max(0, group.breakerUntil - now)
  end
  if group.breaker == 'ramp' and group.credits < 1 then
    return math.max(0, group.creditAt + CREDIT_MS - now)
  end
  return 0
end

-- Notes a call that ADMIT lets through, in a list of fields to write.
local function breakerAdmits(group, changes, attemptId, overAt, now)
  if group.breaker == 'open' or group.breaker == 'half-open' then
    for _, value in ipairs({ 'breaker', 'half-open', 'probe', attemptId, 'breakerUntil', ms(overAt) }) do
      changes[#changes + 1] = value
    end
  elseif group.breaker == 'ramp' then
    for _, value in ipairs({ 'credits', math.max(0, group.credits - 1), 'creditAt', ms(now) }) do
      changes[#changes + 1] = value
    end
  end
end

local function clearWindow(key)
  local fields = {}
  for slot = 0, WINDOW_SLOTS do fields[#fields + 1] = 'window:' .. slot end
  redis.call('HDEL', key, unpack(fields))
end

-- Counts a call in the window. Replies calls and failures of the window, this one included.
local function countInWindow(key, isBad, windowMs, now)
  local slotMs = windowMs / WINDOW_SLOTS
  local current = math.floor(now / slotMs)
  local fields = {}
  for slot = 0, WINDOW_SLOTS do fields[#fields + 1] = 'window:' .. slot end
  local calls, failures, mine = 0, 0, nil
  for _, value in ipairs(redis.call('HMGET', key, unpack(fields))) do
    if value then
      local slot, good, bad = string.match(value, '^(%d+) (%d+) (%d+)$')
      slot, good, bad = tonumber(slot), tonumber(good), tonumber(bad)
      if slot == current then mine = { good = good, bad = bad } end
      if slot > current - WINDOW_SLOTS and slot <= current then
        calls, failures = calls + good + bad, failures + bad
      end
    end
  end
  mine = mine or { good = 0, bad = 0 }
  if isBad then mine.bad = mine.bad + 1 else mine.good = mine.good + 1 end
  local value = string.format('%d %d %d', current, mine.good, mine.bad)
  redis.call('HSET', key, 'window:' .. current % (WINDOW_SLOTS + 1), value)
  return calls + 1, failures + (isBad and 1 or 0)
end

-- Replies true when it has opened now: everybody who waits must ask again.
local function openBreaker(key, openMs, now)
  redis.call('HSET', key, 'breaker', 'open', 'breakerUntil', ms(now + openMs), 'openedAt', ms(now))
  redis.call('HDEL', key, 'probe', 'credits', 'creditAt', 'rampGood', 'rampBad')
  clearWindow(key)
  return true
end

local function closeBreaker(key)
  redis.call('HDEL', key, 'breaker', 'breakerUntil', 'probe', 'credits', 'creditAt', 'rampGood', 'rampBad', 'openedAt')
  clearWindow(key)
end

local function afterProbe(key, health, rules, now)
  if health == 'bad' then return openBreaker(key, rules.openMs, now) end
  if health == 'good' then
    redis.call('HSET', key, 'breaker', 'ramp', 'credits', 2, 'creditAt', ms(now), 'rampGood', 1, 'rampBad', 0)
    redis.call('HDEL', key, 'probe')
  else
    -- It said nothing: the next call is the probe.
    redis.call('HSET', key, 'breakerUntil', ms(now))
  end
  return false
end

local function inRamp(key, group, health, rules, now)
  local good = group.rampGood + (health == 'good' and 1 or 0)
  local bad = group.rampBad + (health == 'bad' and 1 or 0)
  if bad / (good + bad) >= rules.failureShare then return openBreaker(key, rules.openMs, now) end
  if good >= rules.minCalls then
    closeBreaker(key)
  else
    local credits = group.credits + (health == 'good' and 2 or 1)
    redis.call('HSET', key, 'rampGood', good, 'rampBad', bad, 'credits', credits)
  end
  return false
end

-- What a call's end means. `isOld`: it was granted before the breaker's state changed. Replies true when it has opened.
local function breakerLearns(key, group, call, rules, now)
  if group.breaker == 'half-open' then
    return call.attemptId == group.probe and afterProbe(key, call.health, rules, now)
  end
  if call.health == 'neutral' and group.breaker ~= 'ramp' then return false end
  if group.breaker == 'ramp' then
    return not call.isOld and inRamp(key, group, call.health, rules, now)
  end
  if group.breaker == 'open' then return false end
  local calls, failures = countInWindow(key, call.health == 'bad', rules.windowMs, now)
  if call.health ~= 'bad' or calls < rules.minCalls or failures / calls < rules.failureShare then return false end
  return openBreaker(key, rules.openMs, now)
end
