-- RESULTS: which jobs have ended, newest last, and how many of each kind ended in which way on a day.

-- So many are listed, of all agents and of one: about, because Redis trims whole nodes of its streams.
local MOST_LISTED, MOST_LISTED_OF_AGENT = '100000', '1000'

-- A job without a terminal record is known for so long: as long as the snapshot of its agent, without which it cannot run.
local UNFINISHED_MS = 90 * 24 * 3600 * 1000

local function mayRunAgain(status)
  return status == 'failed' or status == 'expired'
end

-- A job has got its terminal record.
-- @param key of the job
-- @param keys { all, ofAgent: streams; texts: how jobs ended on the day }
-- @param told { entry: what the streams say; counter: field of `texts`; status }
local function listResult(key, keys, told, resultsMs, countersMs)
  redis.call('XADD', keys.all, 'MAXLEN', '~', MOST_LISTED, '*', 'job', told.entry)
  redis.call('XADD', keys.ofAgent, 'MAXLEN', '~', MOST_LISTED_OF_AGENT, '*', 'job', told.entry)
  redis.call('PEXPIRE', keys.ofAgent, resultsMs)
  if redis.call('HINCRBY', keys.texts, told.counter, '1') == 1 then redis.call('PEXPIRE', keys.texts, countersMs) end
  -- What is run again has not ended after all.
  if mayRunAgain(told.status) then redis.call('HSET', key, 'countedAs', keys.texts .. ' ' .. told.counter) end
end

-- @param countedAs '<counters of the day> <field>'; they may be forgotten by now
local function uncountResult(countedAs)
  local key, field = string.match(countedAs, '^(.*) (%S+)$')
  if redis.call('HEXISTS', key, field) == 1 then redis.call('HINCRBY', key, field, -1) end
end
