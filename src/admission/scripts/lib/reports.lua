-- REPORTS: what the end of a call teaches about its limit group.

local DAY = 'day'

-- { name, most, remaining, isDay }... as in SETTLE's arguments; remaining -1: not told.
local function learnLimits(key, group, limits, reports, now)
  for _, report in ipairs(reports) do
    local field = report.isDay and 'learned:' .. DAY or 'learned:' .. report.name
    if report.isDay and report.name ~= 'requests' then
      -- Tokens by day are left to the vendor: it says no with a time.
      field = nil
    elseif group[field] ~= report.most then
      group[field] = report.most
      redis.call('HSET', key, field, report.most)
    end
    if field and report.isDay and report.remaining >= 0 then
      local used = math.max(dayUsed(group, limits), report.most - report.remaining)
      redis.call('HSET', key, 'day', limits.dayName, 'dayUsed', used)
    end
  end
end

-- A remaining that is lower than our own lowers the bucket at once. A higher one proves nothing: answers come late and
-- out of order.
local function lowerToRemaining(key, group, limits, reports, now)
  for _, bucket in ipairs(bucketsOf(group, limits, 1, 1, now)) do
    for _, report in ipairs(reports) do
      if report.name == bucket.name and not report.isDay and report.remaining >= 0 then
        local full = now + bucket.burstMs - report.remaining * bucket.unitMs
        if full > (group['full:' .. bucket.name] or 0) then
          group['full:' .. bucket.name] = full
          redis.call('HSET', key, 'full:' .. bucket.name, ms(full))
        end
      end
    end
  end
end

-- What was reserved and not used goes back, what was used beyond it is taken; `requests`: -1 gives the request back.
local function settleTokens(key, group, limits, difference, now)
  local amounts = {
    requests = difference.requests, second = difference.requests,
    tokens = difference.input + difference.output, input = difference.input, output = difference.output,
  }
  for _, bucket in ipairs(bucketsOf(group, limits, 1, 1, now)) do
    local full, amount = group['full:' .. bucket.name], amounts[bucket.name]
    if full and amount ~= 0 then
      group['full:' .. bucket.name] = full + amount * bucket.unitMs
      redis.call('HSET', key, 'full:' .. bucket.name, ms(full + amount * bucket.unitMs))
    end
  end
end

-- Where no header tells the limit, refusals do: between two moments at which the vendor's bucket was full (a second's
-- worth) or empty (a refusal), it took just what it had and what flowed in.
local LONGEST_SPAN_MS = 300000

local function observe(key, group, accepted, spanMs, now)
  if accepted < 1 or spanMs > LONGEST_SPAN_MS then return end
  local perMinute = accepted / math.max(spanMs, 1) * 60000
  -- One refusal alone proves no more than that.
  if group.eventFloor then perMinute = math.max(perMinute, group.eventFloor) end
  redis.call('HSET', key, 'observed', string.format('%.3f', perMinute), 'observedAt', ms(now))
end

-- Calls whose slot is still ahead.
local function backlogOf(group, buckets, now)
  local backlog = 0
  for _, bucket in ipairs(buckets) do
    backlog = math.max(backlog, ((group['full:' .. bucket.name] or now) - bucket.burstMs - now) / bucket.needMs)
  end
  return math.floor(backlog)
end

-- The first refusal of an epoch: the vendor's buckets are empty, and so are ours from now on.
local function pushForward(key, group, limits, call, now)
  local buckets = bucketsOf(group, limits, math.max(1, call.reserved.input), math.max(1, call.reserved.output), now)
  if not group['learned:requests'] then
    local granted = (group.granted or 0) - backlogOf(group, buckets, now)
    if group.busySince then
      local accepted = granted - group.busyBase - 1
      local spanMs = now - group.busySince + (group.busyFromFull == 1 and limits.burstMs or 0)
      local rate = lower(limits.requests, observedRate(group, now))
      group.eventFloor = rate and rate / 2
      redis.call('HSET', key, 'eventAccepted', accepted, 'eventMs', ms(spanMs), 'eventFloor', group.eventFloor or 0)
      observe(key, group, accepted, spanMs, now)
    end
    redis.call('HSET', key, 'busySince', ms(now), 'busyBase', granted, 'busyFromFull', 0)
  end
  for _, bucket in ipairs(buckets) do
    redis.call('HSET', key, 'full:' .. bucket.name, ms(now + bucket.burstMs))
  end
end

-- A later refusal of calls that were under way: one less was accepted.
local function refuseOneMore(key, group, now)
  if not group.eventAccepted or group['learned:requests'] then return end
  redis.call('HSET', key, 'eventAccepted', group.eventAccepted - 1)
  observe(key, group, group.eventAccepted - 1, group.eventMs, now)
end
