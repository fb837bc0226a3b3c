-- BREAKER: closed → open (no calls) → half-open (one probe) → ramp (as many calls as have succeeded, and as many again)
-- → closed. Its state is part of the limit group; no field `breaker` is closed.

-- The window is counted in so many parts: the current one in `windowPart`, `windowGood`, `windowBad`, those before as
-- 'part good bad' in `window:0` and so on.
local WINDOW_PARTS = 6
-- While a probe is under way others ask again after this.
local PROBE_ASK_AGAIN_MS = 1000
-- In the ramp a call that never came back holds nobody up longer than this.
local CREDIT_MS = 1000

-- How long the breaker forbids a call; 0: it does not.
local function breakerWait(group, now)
  if group.breaker == 'open' then return math.max(0, group.breakerUntil - now) end
  if group.breaker == 'half-open' then
    -- A probe that is overdue died with its worker: the next call takes its place. Mostly it answers long before.
    return math.min(PROBE_ASK_AGAIN_MS, math.max(0, group.breakerUntil - now))
  end
  if group.breaker == 'ramp' and group.credits < 1 then
    return math.max(0, group.creditAt + CREDIT_MS - now)
  end
  return 0
end

-- Notes a call that ADMIT lets through.
local function breakerAdmits(group, changes, attemptId, overAt, now)
  if group.breaker == 'open' or group.breaker == 'half-open' then
    set(group, changes, 'breaker', 'half-open')
    set(group, changes, 'probe', attemptId)
    set(group, changes, 'breakerUntil', overAt)
  elseif group.breaker == 'ramp' then
    set(group, changes, 'credits', math.max(0, group.credits - 1))
    set(group, changes, 'creditAt', now)
  end
end

local function clearWindow(key, group, changes)
  local fields = {}
  for part = 0, WINDOW_PARTS do fields[#fields + 1] = 'window:' .. part end
  redis.call('HDEL', key, unpack(fields))
  set(group, changes, 'windowGood', 0)
  set(group, changes, 'windowBad', 0)
end

local function countInWindow(key, group, changes, isBad, windowMs, now)
  local part = math.floor(now / (windowMs / WINDOW_PARTS))
  if part ~= group.windowPart then
    if group.windowPart then
      local field = 'window:' .. group.windowPart % (WINDOW_PARTS + 1)
      redis.call('HSET', key, field, string.format('%d %d %d', group.windowPart, group.windowGood, group.windowBad))
    end
    set(group, changes, 'windowPart', part)
    set(group, changes, 'windowGood', 0)
    set(group, changes, 'windowBad', 0)
  end
  local counter = isBad and 'windowBad' or 'windowGood'
  set(group, changes, counter, group[counter] + 1)
end

-- Calls and failures of the whole window.
local function sumOfWindow(key, group)
  local calls, failures = group.windowGood + group.windowBad, group.windowBad
  local fields = {}
  for part = 0, WINDOW_PARTS do fields[#fields + 1] = 'window:' .. part end
  for _, value in ipairs(redis.call('HMGET', key, unpack(fields))) do
    if value then
      local part, good, bad = string.match(value, '^(%d+) (%d+) (%d+)$')
      if tonumber(part) > group.windowPart - WINDOW_PARTS and tonumber(part) < group.windowPart then
        calls, failures = calls + good + bad, failures + bad
      end
    end
  end
  return calls, failures
end

-- Replies true: everybody who waits must ask again.
local function openBreaker(key, group, changes, openMs, now)
  set(group, changes, 'breaker', 'open')
  set(group, changes, 'breakerUntil', now + openMs)
  set(group, changes, 'openedAt', now)
  redis.call('HDEL', key, 'probe')
  clearWindow(key, group, changes)
  return true
end

local function closeBreaker(key, group, changes)
  redis.call('HDEL', key, 'breaker', 'breakerUntil', 'credits', 'creditAt', 'rampGood', 'rampBad', 'openedAt')
  group.breaker = nil
  clearWindow(key, group, changes)
end

local function afterProbe(key, group, changes, health, rules, now)
  if health == 'bad' then return openBreaker(key, group, changes, rules.openMs, now) end
  if health == 'good' then
    redis.call('HDEL', key, 'probe')
    set(group, changes, 'breaker', 'ramp')
    set(group, changes, 'credits', 2)
    set(group, changes, 'creditAt', now)
    set(group, changes, 'rampGood', 1)
    set(group, changes, 'rampBad', 0)
  else
    -- It said nothing: the next call is the probe.
    set(group, changes, 'breakerUntil', now)
  end
  return false
end

local function inRamp(key, group, changes, health, rules, now)
  local good = group.rampGood + (health == 'good' and 1 or 0)
  local bad = group.rampBad + (health == 'bad' and 1 or 0)
  if bad / (good + bad) >= rules.failureShare then return openBreaker(key, group, changes, rules.openMs, now) end
  if good >= rules.minCalls then
    closeBreaker(key, group, changes)
  else
    set(group, changes, 'rampGood', good)
    set(group, changes, 'rampBad', bad)
    set(group, changes, 'credits', group.credits + (health == 'good' and 2 or 1))
  end
  return false
end

-- What a call's end means. `isOld`: it was granted before the breaker opened. Replies true when it has opened now.
local function breakerLearns(key, group, changes, call, rules, now)
  if group.breaker == 'half-open' then
    return call.attemptId == group.probe and afterProbe(key, group, changes, call.health, rules, now)
  elseif group.breaker == 'ramp' then
    return not call.isOld and inRamp(key, group, changes, call.health, rules, now)
  elseif group.breaker == 'open' or call.health == 'neutral' then
    return false
  end
  countInWindow(key, group, changes, call.health == 'bad', rules.windowMs, now)
  if call.health ~= 'bad' then return false end
  local calls, failures = sumOfWindow(key, group)
  if calls < rules.minCalls or failures / calls < rules.failureShare then return false end
  return openBreaker(key, group, changes, rules.openMs, now)
end
