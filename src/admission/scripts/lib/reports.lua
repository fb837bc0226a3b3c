-- REPORTS: what the end of a call teaches about its limit group.

-- { name, most, remaining, isDay }... as in SETTLE's arguments; remaining -1: not told. Tokens by day are left to the
-- vendor: it says no with a time.
local function learnLimits(group, changes, limits, reports)
  for _, report in ipairs(reports) do
    local field = report.isDay and 'learned:day' or 'learned:' .. report.name
    if not report.isDay or report.name == 'requests' then
      if group[field] ~= report.most then set(group, changes, field, report.most) end
      if report.isDay and report.remaining >= 0 then
        local used = math.max(dayUsed(group, limits), report.most - report.remaining)
        set(group, changes, 'day', limits.dayName)
        set(group, changes, 'dayUsed', used)
      end
    end
  end
end

local USE_WEIGHT = 0.05

-- What calls of the group use on average, for workers that have seen none of this kind, and what was used in all.
local function learnUse(group, changes, call)
  set(group, changes, 'grantedInput', (group.grantedInput or 0) + call.used.input - call.reserved.input)
  set(group, changes, 'grantedOutput', (group.grantedOutput or 0) + call.used.output - call.reserved.output)
  if call.inputBytes == 0 then return end
  local function learn(field, value)
    set(group, changes, field, group[field] and group[field] + USE_WEIGHT * (value - group[field]) or value)
  end
  learn('meanInputPerByte', call.used.input / call.inputBytes)
  learn('meanOutput', call.used.output)
end

-- What was granted after a call, by bucket; nil: its grant was told twice, and nobody knows. `used`: with what those that
-- have ended really used, `reserved`: as it was reserved.
local function grantedSince(group, call)
  local requests, input, output, reservedInput, reservedOutput =
    string.match(call.granted, '^(%d+) (%d+) (%d+) (%d+) (%d+)$')
  if not requests then return nil end
  local function since(inputBefore, outputBefore, kind)
    local sums = {
      requests = math.max(0, (group.granted or 0) - requests),
      input = math.max(0, (group[kind .. 'Input'] or 0) - inputBefore),
      output = math.max(0, (group[kind .. 'Output'] or 0) - outputBefore),
    }
    sums.tokens, sums.second = sums.input + sums.output, sums.requests
    return sums
  end
  return { used = since(input, output, 'granted'), reserved = since(reservedInput, reservedOutput, 'reserved') }
end

-- A remaining that is lower than our own lowers the bucket at once. A higher one proves nothing: answers come late and
-- out of order. It was counted when the call arrived: since then as much has flowed in as its duration allows, and what
-- was granted after it has flowed out.
local function lowerToRemaining(group, changes, buckets, reports, call, since, now)
  if not since then return end
  for _, report in ipairs(reports) do
    for _, bucket in ipairs(buckets) do
      if report.name == bucket.name and not report.isDay and report.remaining >= 0 then
        local remaining = math.max(0, report.remaining - since.used[bucket.name])
        local full = now - call.durationMs + bucket.burstMs - remaining * bucket.unitMs
        if full > (group['full:' .. bucket.name] or 0) then set(group, changes, 'full:' .. bucket.name, full) end
      end
    end
  end
end

local function amountOf(name, requests, input, output)
  if name == 'tokens' then return input + output end
  if name == 'input' then return input end
  return name == 'output' and output or requests
end

-- What was reserved and not used goes back, what was used beyond it is taken. But at its slot the vendor's bucket was
-- full at most: what flowed over while we reserved too much is lost, and does not come back.
local function settleTokens(group, changes, buckets, call, since)
  for _, bucket in ipairs(buckets) do
    local name = bucket.name
    local used = amountOf(name, call.wasSent and 1 or 0, call.used.input, call.used.output)
    local difference = used - amountOf(name, 1, call.reserved.input, call.reserved.output)
    local full = group['full:' .. name]
    if full and difference ~= 0 then
      local settled = full + difference * bucket.unitMs
      if difference < 0 and since then
        local least = call.slotAt + (used + since.reserved[name]) * bucket.unitMs
        settled = math.max(settled, math.min(full, least))
      end
      set(group, changes, 'full:' .. name, settled)
    end
  end
end

-- A grant that was not used.
local function giveBack(group, changes, buckets, input, output)
  for _, bucket in ipairs(buckets) do
    local full = group['full:' .. bucket.name]
    if full then set(group, changes, 'full:' .. bucket.name, full - amountOf(bucket.name, 1, input, output) * bucket.unitMs) end
  end
end

-- Where no header tells the limit, refusals do: between two moments at which the vendor's bucket was full (a second's
-- worth) or empty (a refusal), it took just what it had and what flowed in.
local LONGEST_SPAN_MS = 300000

local function observe(group, changes, now)
  if group.eventAccepted < 1 or group.eventMs > LONGEST_SPAN_MS then return end
  local perMinute = group.eventAccepted / math.max(group.eventMs, 1) * 60000
  -- One refusal alone proves no more than half.
  set(group, changes, 'observed', math.max(perMinute, group.eventFloor))
  set(group, changes, 'observedAt', now)
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
local function pushForward(group, changes, limits, call, now)
  local buckets = bucketsOf(group, limits, math.max(1, call.reserved.input), math.max(1, call.reserved.output), now)
  if not group['learned:requests'] then
    local granted = (group.granted or 0) - backlogOf(group, buckets, now)
    if group.busySince then
      set(group, changes, 'eventAccepted', granted - group.busyBase - 1)
      set(group, changes, 'eventMs', now - group.busySince + (group.busyFromFull == 1 and limits.burstMs or 0))
      set(group, changes, 'eventFloor', (lower(limits.requests, observedRate(group, now)) or 0) / 2)
      observe(group, changes, now)
    end
    set(group, changes, 'busySince', now)
    set(group, changes, 'busyBase', granted)
    set(group, changes, 'busyFromFull', 0)
  end
  for _, bucket in ipairs(buckets) do set(group, changes, 'full:' .. bucket.name, now + bucket.burstMs) end
end

-- A later refusal of calls that were under way: one less was accepted.
local function refuseOneMore(group, changes, now)
  if not group.eventAccepted or group['learned:requests'] then return end
  set(group, changes, 'eventAccepted', group.eventAccepted - 1)
  observe(group, changes, now)
end
