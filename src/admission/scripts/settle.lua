-- SETTLE: what came of an attempt, and the job's terminal record when that ends it. Also writes the orphan of an attempt
-- whose worker died; a late settlement then replaces it.
-- KEYS  1 job   2 intents of the worker   3 usage rows (stream)   4 counters of the day
--       5 counters of the agent and day   6 agents of the day (set)   7 limit group or key to pause
--       8 limit group that was called   9 its last calls (list)   10 spending of the day   11 known limit groups (set)
--       12 counters of the hour   13 results (stream)   14 results of the agent (stream)   15 how jobs ended on the day
--       16 key (credential) that was called with
-- ARGV  in the order in which they are taken below
-- Replies { record, opened }: record is '' while the job goes on, 'own' when the given terminal record counts, or the one
-- that was there first; opened is 1 when this call has opened the group's breaker.
-- Safe to send again after a lost reply.
local position = 0
local function take()
  position = position + 1
  return ARGV[position]
end
local function takeNumber()
  return tonumber(take())
end

local stateGiven, attempt, attemptId, row = take(), takeNumber(), take(), take()
local agent, provider = take(), take()
local keptRows, countersMs = take(), takeNumber()
-- Terminal record (JSON) or '', its status, its entry in the streams of results and its field among how jobs ended.
local record, status, entry, endCounter = take(), take(), take(), take()
-- What there is to show so far (JSON) or '', deliveries, how long the job's keys live after the record (ms).
local draft, deliveries, resultsMs = take(), take(), take()
-- What the record says that the job has cost (pico-USD, '' when it is not known), beginning of the keys of bulk runs.
local totalPico, runKeys = take(), take()
local settledChannel, jobId, epochsChannel = take(), take(), take()
-- What the attempt cost, pico-USD.
local costPico = takeNumber()
local pauseMs, pauseWhy, pauseName = takeNumber(), take(), take()
-- 1: the call reports about its limit group.
local hasReport = take() == '1'
local call, rules, limits, reports = {}, {}, nil, {}
if hasReport then
  call = {
    group = take(), epoch = takeNumber(), granted = take(), durationMs = takeNumber(),
    attemptId = attemptId, health = take(),
    isRefused = take() == '1', wasSent = take() == '1',
    reserved = { input = takeNumber(), output = takeNumber() }, used = { input = takeNumber(), output = takeNumber() },
    -- Of the prompt; 0: what was used is not known.
    inputBytes = takeNumber(),
    -- '<duration ms> <outcome> <epoch ms>', and the error as JSON or ''.
    summary = take(), failure = take(),
  }
  rules = { failureShare = takeNumber(), minCalls = takeNumber(), windowMs = takeNumber(), openMs = takeNumber() }
  limits = readLimits(position + 1)
  position = position + 10
  for _ = 1, takeNumber() do
    reports[#reports + 1] = { name = take(), most = takeNumber(), remaining = takeNumber(), isDay = take() == '1' }
  end
end
-- Counters of the row: its kind; so many of them count for the hour as well, so many for the agent; then field, increment...
-- The first is always that of requests.
local counters = { kind = take(), hourly = takeNumber(), ofAgent = takeNumber() }
local firstCounter = position + 1

local HOURS_MS = 8 * 24 * 3600 * 1000
local KEPT_CALLS = 200
local GROUP_TTL_MS = 7 * 24 * 3600 * 1000
local EXPIRE_EVERY_MS = 10000

local job = redis.call('HMGET', KEYS[1], 'result', 'attempts', 'state:' .. attempt, 'base', 'draft', 'run')
local result, state = job[1], attempt > 0 and job[3]
-- A worker that comes back after the job was retried on purpose speaks for the generation before.
local isOutdated = attempt > 0 and attempt <= tonumber(job[4] or 0)
local isOpen = attempt > 0 and state and string.sub(state, 1, 5) == 'open:'
-- The given terminal record counts.
local ends = record ~= '' and not result and not isOutdated
local now, hasOpened = nowMs(), 0
local budgets = spendingNames(provider, agent)

-- Never shorter than it is: scores may keep it for longer.
local function keep(key, forMs)
  redis.call('PEXPIRE', key, math.max(redis.call('PTTL', key), forMs))
end

local function negative(increment)
  return string.sub(increment, 1, 1) == '-' and string.sub(increment, 2) or '-' .. increment
end

-- Adds the increments of `list` from `first` on. Days and hours are counted by kind, agents are not.
local function count(counters, list, first, isUndone)
  local ofKind = counters.kind and '|' .. counters.kind or ''
  local afterHourly, afterAgent = first + 2 * counters.hourly, first + 2 * counters.ofAgent
  for index = first, #list, 2 do
    local field, increment = list[index], list[index + 1]
    if isUndone then increment = negative(increment) end
    -- The first increment of a key's requests is the moment to set its end; later ones need not.
    local isFirst = index == first and tonumber(increment)
    if index < afterAgent then
      if redis.call('HINCRBY', KEYS[5], field, increment) == isFirst then
        keep(KEYS[5], countersMs)
        redis.call('SADD', KEYS[6], agent)
        keep(KEYS[6], countersMs)
      end
      field = field .. ofKind
    end
    if redis.call('HINCRBY', KEYS[4], field, increment) == isFirst then keep(KEYS[4], countersMs) end
    if index < afterHourly and redis.call('HINCRBY', KEYS[12], field, increment) == isFirst then
      keep(KEYS[12], HOURS_MS)
    end
  end
end

-- The orphan's row, counters and cost go: the attempt has spoken for itself after all.
local function undoOrphan()
  local orphan = cjson.decode(redis.call('HGET', KEYS[1], 'orphan:' .. attempt))
  redis.call('XDEL', KEYS[3], orphan.row)
  -- One of an earlier version was counted without its kind and by no hour, and its last counter not for the agent.
  orphan.hourly = orphan.hourly or 0
  orphan.ofAgent = orphan.ofAgent or #orphan.counters / 2 - 1
  count(orphan, orphan.counters, 1, true)
  spend(KEYS[10], budgets, -tonumber(orphan.cost or 0))
  redis.call('HDEL', KEYS[1], 'orphan:' .. attempt)
end

local function writeRow()
  local written = redis.call('XADD', KEYS[3], 'MAXLEN', '~', keptRows, '*', 'row', row)
  count(counters, ARGV, firstCounter, false)
  spend(KEYS[10], budgets, costPico)
  if stateGiven == 'orphaned' then
    local list = {}
    for index = firstCounter, #ARGV do
      list[#list + 1] = ARGV[index]
    end
    local orphan = cjson.encode({
      row = written, counters = list, cost = string.format('%.0f', costPico),
      kind = counters.kind, hourly = counters.hourly, ofAgent = counters.ofAgent,
    })
    redis.call('HSET', KEYS[1], 'row:' .. attempt, row, 'state:' .. attempt, 'orphaned', 'orphan:' .. attempt, orphan)
  elseif ends then
    -- Together with the terminal record, which tells the attempt.
    return
  elseif result or record ~= '' then
    redis.call('HSET', KEYS[1], 'state:' .. attempt, 'settled')
    redis.call('HDEL', KEYS[1], 'row:' .. attempt)
  else
    redis.call('HSET', KEYS[1], 'row:' .. attempt, row, 'state:' .. attempt, 'settled')
  end
end

-- Limits, pace and health of the group that was called.
local function learn()
  local key, changes = KEYS[8], {}
  call.slotAt = tonumber(string.match(state, '|([%d.]+)|%d+|%d+|%d+|%d+|%d+$'))
  local group = loadGroup(key, now)
  local isNewPart = math.floor(now / EXPIRE_EVERY_MS) ~= math.floor((group.settledAt or 0) / EXPIRE_EVERY_MS)
  call.isOld = call.epoch ~= (group.epoch or 0)
  learnLimits(group, changes, limits, reports)
  learnUse(group, changes, call)
  if call.isRefused then
    if not call.isOld then
      pushForward(group, changes, limits, call, now)
      raiseEpoch(group, changes, epochsChannel, call.group, now)
    elseif call.epoch == group.epochBefore then
      refuseOneMore(group, changes, now)
    end
  else
    local buckets, since = bucketsOf(group, limits, 1, 1, now), grantedSince(group, call)
    if not call.isOld then
      settleTokens(group, changes, buckets, call, since)
    end
    lowerToRemaining(group, changes, buckets, reports, call, since, now)
  end
  if breakerLearns(key, group, changes, call, rules, now) then
    raiseEpoch(group, changes, epochsChannel, call.group, now)
    hasOpened = 1
  end
  if not group.seen then
    set(group, changes, 'seen', 1)
    redis.call('SADD', KEYS[11], call.group)
  end
  if call.failure ~= '' then set(group, changes, 'lastError', call.failure) end
  if isNewPart then set(group, changes, 'settledAt', now) end
  write(key, changes)
  local kept = redis.call('LPUSH', KEYS[9], call.summary)
  if kept > KEPT_CALLS * 1.2 then redis.call('LTRIM', KEYS[9], 0, KEPT_CALLS - 1) end
  if isNewPart then
    redis.call('PEXPIRE', key, GROUP_TTL_MS)
    redis.call('PEXPIRE', KEYS[9], GROUP_TTL_MS)
  end
end

-- The first write, because a Redis that is full takes it, and then all the others of the script: what was paid for is
-- recorded although ADMIT lets nobody in any more.
redis.call('SREM', KEYS[2], attemptId)

if attempt > 0 then
  if stateGiven == 'settled' and state == 'orphaned' then undoOrphan() end
  if isOpen then hold(KEYS[10], budgets, -heldOf(state)) end
  if isOpen or (stateGiven == 'settled' and state ~= 'settled') then writeRow() end
  if isOpen and hasReport then
    learn()
    afterCredentialProbe(KEYS[16], attemptId, call.health == 'good' or call.isRefused)
  end
end

if pauseMs > 0 then
  local untilAt = math.ceil(now + pauseMs)
  if untilAt > tonumber(redis.call('HGET', KEYS[7], 'pausedUntil') or 0) then
    redis.call('HSET', KEYS[7], 'pausedUntil', untilAt, 'why', pauseWhy)
    redis.call('PEXPIRE', KEYS[7], math.max(redis.call('PTTL', KEYS[7]), pauseMs + SUSPECT_MS))
    redis.call('SADD', KEYS[11], pauseName)
    -- Whoever waits for a slot there asks again.
    redis.call('PUBLISH', epochsChannel, 'paused ' .. pauseName)
  end
end

if result then
  return { result == record and 'own' or result, hasOpened }
end
if not ends then
  if draft ~= '' and not isOutdated then redis.call('HSET', KEYS[1], 'draft', draft) end
  -- The job was forgotten while its worker was frozen: what is noted of this attempt is to go as well.
  if redis.call('PTTL', KEYS[1]) == -1 then redis.call('PEXPIRE', KEYS[1], UNFINISHED_MS) end
  return { '', hasOpened }
end
local fields = { 'result', record, 'status', status, 'deliveries', deliveries }
if attempt > 0 then fields[7], fields[8] = 'state:' .. attempt, 'settled' end
redis.call('HSET', KEYS[1], unpack(fields))
-- Rows stay only where a late settlement may still come.
local gone = job[5] and { 'draft' } or {}
for number = 1, tonumber(job[2] or 0) do
  if number == attempt or redis.call('HGET', KEYS[1], 'state:' .. number) == 'settled' then
    gone[#gone + 1] = 'row:' .. number
  end
end
if #gone > 0 then redis.call('HDEL', KEYS[1], unpack(gone)) end
if job[6] then countForRun(runKeys .. job[6], status, totalPico) end
redis.call('PEXPIRE', KEYS[1], resultsMs)
local told = { entry = entry, counter = endCounter, status = status }
listResult(KEYS[1], { all = KEYS[13], ofAgent = KEYS[14], texts = KEYS[15] }, told, resultsMs, countersMs)
redis.call('PUBLISH', settledChannel, jobId)
return { 'own', hasOpened }
