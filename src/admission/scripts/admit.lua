-- ADMIT: may this attempt be made, and when? If so, notes the intent and reserves requests, tokens and budget.
-- KEYS  1 job   2 intents of this worker   3 pauses by operators   4 spending of the day   5 workers
--       then for each target: limit group, key (credential)
-- ARGV  1 attempts that the caller knows of   2 token of this call   3 deliveries
--       4 attempt id                          5 the attempt's row if the worker died now (JSON)
--       6 lane   7 provider   8 agent   9 1 if failed over, else 0   10 deadline of the call (ms)
--      11 input tokens   12 output tokens   13–22 limits, see readLimits
--      23 1: overdue, no call is to be made, else 0; 2: the tokens are a guess, which the group's average replaces
--      24 probable cost (pico-USD), -1: not known   25 share at which budgets warn   26 1: no calls of unknown price
--      27 bytes of the prompt   28 beginning of the keys of bulk runs
--      29 this worker, '' when nobody sweeps its intents
--      30... name, limit (pico-USD) of each budget
-- Replies {'granted', target, slot in ms, epoch, sums granted so far (see grantedSince), reserved input and output tokens,
--         then name, used, limit of each budget to warn of} | {'settled', result}
--       | {'cancelled'} | {'overdue'} | {'history', attempts, draft or '', row...} | {'unavailable', ms, why, waited ms, detail}
--       | {'refused', why, detail...}
-- Safe to send again after a lost reply: the same token is granted the same attempt once more.

local FIRST_ANSWER_MS = 2000
local ASK_AGAIN_MS = 100
-- Calls that failed over take at most this share while the group's own lanes have work.
local OVER_SHARE = 0.3
local OWN_LANES_MS = 2000
-- So much longer a worker's first call may be on its way: its code is cold, and the connection must be opened.
local FIRST_CALL_MS = 100
-- What other agents' calls use on average says little about a new one's.
local GUESS_MARGIN = 1.1

local job = redis.call('HMGET', KEYS[1], 'result', 'status', 'deliveries', 'attempts', 'base', 'cancelled', 'waited', 'waitFrom',
  'waitUntil', 'run')
local result, attempts, base = job[1], tonumber(job[4] or 0), tonumber(job[5] or 0)

if result then
  -- Only a deliberate retry comes back with more deliveries than the failure was recorded with; a redelivery after a
  -- crash between the record and the acknowledgement does not.
  if not mayRunAgain(job[2]) or tonumber(ARGV[3]) <= tonumber(job[3]) then
    return { 'settled', result }
  end
  openGeneration(KEYS[1], ARGV[28])
  base, job[6], job[7], job[8] = attempts, false, false, false
end

local now = nowMs()
local known = tonumber(ARGV[1])
if attempts == known + 1 then
  local state = redis.call('HGET', KEYS[1], 'state:' .. attempts)
  local mine = '^open:' .. ARGV[2]:gsub('%p', '%%%0') .. '|([%d.]+)|(%d+)|(%d+)|(%d+)|(%d+)|%d+$'
  local slotAt, epoch, target, inputTokens, outputTokens = string.match(state or '', mine)
  if slotAt then
    local slotInMs = ms(math.max(0, slotAt - now))
    -- What has happened meanwhile may forbid it: such a grant is taken back.
    local current = redis.call('HGET', KEYS[4 + 2 * tonumber(target)], 'epoch')
    local holds = not job[6] and tonumber(current or 0) == tonumber(epoch)
    local reply = { 'granted', tonumber(target), slotInMs, holds and tonumber(epoch) or -1, '' }
    reply[6], reply[7] = tonumber(inputTokens), tonumber(outputTokens)
    return reply
  end
end
if attempts ~= known then
  local reply = { 'history', attempts, redis.call('HGET', KEYS[1], 'draft') or '' }
  for attempt = base + 1, attempts do
    reply[#reply + 1] = redis.call('HGET', KEYS[1], 'row:' .. attempt)
  end
  return reply
end

if job[6] then
  return { 'cancelled' }
end
local runState = job[10] and redis.call('HGET', ARGV[28] .. job[10], 'state')
if runState == 'cancelled' then
  return { 'cancelled' }
end
if ARGV[23] == '1' then
  return { 'overdue' }
end

-- Only what the job was told to wait counts, not how long it then stood in its lane, or the lane stood still.
local function unavailable(forMs, why, detail)
  local waited = tonumber(job[7] or 0)
  if job[8] then waited = waited + math.max(0, math.min(now, tonumber(job[9])) - tonumber(job[8])) end
  redis.call('HSET', KEYS[1], 'waited', ms(waited), 'waitFrom', ms(now), 'waitUntil', ms(now + forMs))
  return { 'unavailable', math.ceil(forMs), why, math.floor(waited), detail or '' }
end

local paused = redis.call('HMGET', KEYS[3], 'all', 'lane:' .. ARGV[6], 'provider:' .. ARGV[7])
if paused[1] or paused[2] or paused[3] or runState == 'paused' then
  -- No time that the job waits for it counts: nobody knows until when.
  return { 'unavailable', -1, 'paused', 0, paused[1] and 'all' or paused[2] and 'lane' or paused[3] and 'provider' or 'run' }
end

local cost, budgets = tonumber(ARGV[24]), {}
for position = 30, #ARGV, 2 do
  budgets[#budgets + 1] = { name = ARGV[position], limit = tonumber(ARGV[position + 1]) }
end
if cost < 0 and #budgets > 0 and ARGV[26] == '1' then
  return { 'refused', 'unpriced' }
end
local held = math.max(0, cost)
local budget, how = budgetInTheWay(KEYS[4], budgets, held)
if how == 'spent' then
  local spent, limit = string.format('%.0f', budget.spent), string.format('%.0f', budget.limit)
  -- The limit that was too little: a budget that is raised is used up no more.
  local field = 'refused|' .. budget.name
  local isFirst = tonumber(redis.call('HGET', KEYS[4], field) or -1) < budget.limit
  if isFirst then
    redis.call('HSET', KEYS[4], field, limit)
    redis.call('PEXPIRE', KEYS[4], SPEND_TTL_MS)
  end
  return { 'refused', 'budget', budget.name, spent, limit, isFirst and 'first' or '' }
elseif how == 'reserved' then
  return unavailable(HORIZON_MS, 'budget-reserved', budget.name)
end

local input, output, limits = tonumber(ARGV[11]), tonumber(ARGV[12]), readLimits(13)
local isOver = ARGV[9] == '1'

-- When the lanes of the group itself have had work lately, what failed over is paced by buckets of its own as well.
local function overWait(group, buckets)
  if not isOver or now - (group.ownAt or 0) > OWN_LANES_MS then return 0 end
  local waitMs = 0
  for _, bucket in ipairs(buckets) do
    if bucket.name == 'requests' or bucket.name == 'tokens' then
      local share = { needMs = bucket.needMs / OVER_SHARE, burstMs = math.max(bucket.burstMs, bucket.needMs / OVER_SHARE) }
      waitMs = math.max(waitMs, waitFor(share, group['full:over:' .. bucket.name], now))
    end
  end
  return waitMs
end

local function paceOf(group, buckets, found)
  local pauseMs = math.max(0, (group.pausedUntil or 0) - now)
  found.waitMs = math.max(pauseMs, overWait(group, buckets))
  for _, bucket in ipairs(buckets) do
    local full = group['full:' .. bucket.name]
    found.waitMs = math.max(found.waitMs, waitFor(bucket, full, now))
    found.room = math.min(found.room, (now + bucket.burstMs - math.max(full or 0, now)) / bucket.burstMs)
  end
  if pauseMs > HORIZON_MS then
    found.forMs, found.why = pauseMs, group.why
  elseif found.waitMs > HORIZON_MS then
    -- Back in time for a slot, and not so early that it is held for long.
    found.forMs, found.why = found.waitMs - HORIZON_MS / 2, 'limit'
  end
  return found
end

-- What one key and its limit group say: { waitMs } or { forMs, why } or { refused }.
local function evaluate(index)
  local key = KEYS[4 + 2 * index]
  local credential = readCredential(KEYS[5 + 2 * index], now)
  local group = loadGroup(key, now)
  local found = { index = index, key = key, group = group, room = 1, isProbed = credential.isProbed }
  local function later(forMs, why)
    found.forMs, found.why = forMs, why
    return found
  end
  if credential.forMs > 0 then return later(credential.forMs, credential.why) end
  found.probes = credential.isSuspect and KEYS[5 + 2 * index]
  if (group.pausedUntil or 0) > now and group.why ~= 'rate-limited' then
    return later(group.pausedUntil - now, group.why)
  end
  local closedMs = breakerWait(group, now)
  if closedMs > 0 then return later(closedMs, 'circuit-open') end
  found.input, found.output = input, output
  if ARGV[23] == '2' and group.meanOutput then
    found.input = math.max(1, math.ceil(tonumber(ARGV[27]) * group.meanInputPerByte))
    found.output = math.max(1, math.min(output, math.ceil(group.meanOutput * GUESS_MARGIN)))
  end
  local buckets = bucketsOf(group, limits, found.input, found.output, now)
  found.buckets = buckets
  for _, bucket in ipairs(buckets) do
    if bucket.amount > bucket.perMinute and bucket.name ~= 'requests' and bucket.name ~= 'second' then
      found.refused = bucket
      return found
    end
  end
  local day = lower(limits.day, group['learned:day'])
  found.day = day
  if day and dayUsed(group, limits) >= day then return later(limits.dayLeftMs, 'limit') end
  if #buckets == 0 and not day and limits.isLimited and not group.seen then
    if now - (group.firstAt or 0) < FIRST_ANSWER_MS then return later(ASK_AGAIN_MS, 'first-answer') end
    found.isFirst = true
  end
  return paceOf(group, buckets, found)
end

-- The one that can be called first; of those the one with most room, then the one that was called least.
local function isBetter(a, b)
  if not b then return true end
  if (a.refused == nil) ~= (b.refused == nil) then return a.refused == nil end
  if (a.forMs == nil) ~= (b.forMs == nil) then return a.forMs == nil end
  -- Another key is the better choice, however long it must be waited for.
  if a.isProbed ~= b.isProbed then return not a.isProbed end
  local waitA, waitB = a.forMs or a.waitMs or 0, b.forMs or b.waitMs or 0
  if waitA ~= waitB then return waitA < waitB end
  if a.room ~= b.room then return a.room > b.room end
  return (a.group.granted or 0) < (b.group.granted or 0)
end

local best
for index = 1, (#KEYS - 5) / 2 do
  local found = evaluate(index)
  if isBetter(found, best) then best = found end
end
local group = best.group
if not isOver and best.buckets and #best.buckets > 0 and now - (group.ownAt or 0) > OWN_LANES_MS / 4 then
  redis.call('HSET', best.key, 'ownAt', ms(now))
end
if best.refused then
  return { 'refused', 'too-large', best.refused.name, string.format('%d', best.refused.amount), string.format('%d', best.refused.perMinute) }
end
if best.forMs then
  return unavailable(best.forMs, best.why)
end

local slotAt = now + best.waitMs
local granted, changes = group.granted or 0, {}
-- The vendor's full bucket begins to refill when the call arrives, not when it is granted.
local lateMs = best.room >= 1 and ARGV[23] == '2' and FIRST_CALL_MS or 0
for _, bucket in ipairs(best.buckets) do
  local field = 'full:' .. bucket.name
  set(group, changes, field, math.max(group[field] or 0, slotAt) + bucket.needMs + lateMs)
  if isOver and (bucket.name == 'requests' or bucket.name == 'tokens') then
    local over = 'full:over:' .. bucket.name
    set(group, changes, over, math.max(group[over] or 0, slotAt) + bucket.needMs / OVER_SHARE)
  end
end
-- What refusals show is counted from a moment at which the buckets were full.
if #best.buckets > 0 and best.room >= 1 then
  set(group, changes, 'busySince', slotAt)
  set(group, changes, 'busyBase', granted)
  set(group, changes, 'busyFromFull', 1)
end
if best.day then
  set(group, changes, 'dayUsed', dayUsed(group, limits) + 1)
  set(group, changes, 'day', limits.dayName)
end
if best.isFirst then set(group, changes, 'firstAt', now) end
if not group.epoch then set(group, changes, 'epoch', math.floor(now)) end
set(group, changes, 'granted', granted + 1)
set(group, changes, 'grantedInput', (group.grantedInput or 0) + best.input)
set(group, changes, 'grantedOutput', (group.grantedOutput or 0) + best.output)
set(group, changes, 'reservedInput', (group.reservedInput or 0) + best.input)
set(group, changes, 'reservedOutput', (group.reservedOutput or 0) + best.output)
local overAt = slotAt + tonumber(ARGV[10]) + 1000
breakerAdmits(group, changes, ARGV[4], overAt, now)
-- An answer that comes tomorrow tells nothing: batches do not probe.
if best.probes and ARGV[29] ~= '' then probeCredential(best.probes, ARGV[4], overAt, now) end
write(best.key, changes)

local warnings = budgetsToWarnOf(KEYS[4], budgets, held, tonumber(ARGV[25]))
if #budgets > 0 then hold(KEYS[4], spendingNames(ARGV[7], ARGV[8]), held) else held = 0 end

local attempt, epoch = attempts + 1, group.epoch
local numbers = { slotAt, epoch, best.index, best.input, best.output, held }
local state = string.format('open:%s|%.4f|%.0f|%d|%d|%d|%.0f', ARGV[2], unpack(numbers))
redis.call('HSET', KEYS[1], 'attempts', attempt, 'row:' .. attempt, ARGV[5], 'state:' .. attempt, state)
redis.call('SADD', KEYS[2], ARGV[4])
-- One that stood still and was taken for dead may die again before its next heartbeat: whoever has an intent is listed.
if ARGV[29] ~= '' then redis.call('ZADD', KEYS[5], 'NX', math.floor(now), ARGV[29]) end
local sums = { group.granted, group.grantedInput, group.grantedOutput, group.reservedInput, group.reservedOutput }
local reply = { 'granted', best.index, ms(best.waitMs), epoch, string.format('%d %d %d %d %d', unpack(sums)), best.input, best.output }
for _, warning in ipairs(warnings) do
  reply[#reply + 1] = warning.name
  reply[#reply + 1] = string.format('%.0f', warning.used)
  reply[#reply + 1] = string.format('%.0f', warning.limit)
end
return reply
