-- Bulk runs count the terminal records of their jobs, and can be paused and cancelled. A run that nobody has begun, or that
-- is forgotten, counts nothing.

-- @param cost pico-USD as text, '' when it is not known
local function countForRun(key, status, cost)
  if redis.call('HEXISTS', key, 'createdAt') == 0 then return end
  redis.call('HINCRBY', key, 'done:' .. status, 1)
  if cost == '' then redis.call('HINCRBY', key, 'unpriced', 1)
  elseif cost ~= '0' then redis.call('HINCRBY', key, 'costPico', cost) end
end

-- The next generation of a job: its attempts so far keep their rows, and count no more. What they have cost was spent.
-- @param runKeys beginning of the keys of runs
local function openGeneration(key, runKeys)
  local job = redis.call('HMGET', key, 'attempts', 'status', 'run', 'countedAs')
  redis.call('HDEL', key, 'result', 'status', 'deliveries', 'cancelled', 'waited', 'waitFrom', 'waitUntil', 'draft', 'countedAs')
  redis.call('HINCRBY', key, 'generation', 1)
  redis.call('HSET', key, 'base', job[1] or 0)
  redis.call('PEXPIRE', key, UNFINISHED_MS)
  if job[3] and job[2] and redis.call('HEXISTS', runKeys .. job[3], 'createdAt') == 1 then
    redis.call('HINCRBY', runKeys .. job[3], 'done:' .. job[2], -1)
  end
  if job[4] then uncountResult(job[4]) end
end

