-- CLAIM: takes job ids before the jobs are queued.
-- KEYS  1 lanes (lane → chain)   2 turns of rotating prompts (agent → counter)   3... jobs
-- ARGV  1 number of lanes   then lane, chain for each
--       then the bulk run that all of them belong to or '', 1 if those of them that have failed are to run again or 0,
--       beginning of the keys of runs
--       then for each job: payload hash, lane, snapshot, agent id, kind, 1 if the agent's prompts rotate or 0
-- Replies for each job: 'new' | 'reopened' | 'queued' | 'settled' | 'conflict', lane, snapshot, turn — as recorded, not as asked.
local position = 2
for _ = 1, tonumber(ARGV[1]) do
  redis.call('HSETNX', KEYS[1], ARGV[position], ARGV[position + 1])
  position = position + 2
end
local run, retries, runKeys = ARGV[position], ARGV[position + 1] == '1', ARGV[position + 2]
position = position + 3

local reply = {}
for index = 3, #KEYS do
  local payload, lane, snapshot = ARGV[position], ARGV[position + 1], ARGV[position + 2]
  local agent, kind, rotates = ARGV[position + 3], ARGV[position + 4], ARGV[position + 5] == '1'
  position = position + 6
  local claim = redis.call('HMGET', KEYS[index], 'payload', 'lane', 'snapshot', 'turn', 'status')
  local answer, turn = 'queued', claim[4] or '0'
  if not claim[1] then
    answer = 'new'
    redis.call('HSET', KEYS[index], 'payload', payload, 'lane', lane, 'snapshot', snapshot, 'agent', agent, 'kind', kind)
    redis.call('PEXPIRE', KEYS[index], UNFINISHED_MS)
    if run ~= '' then redis.call('HSET', KEYS[index], 'run', run) end
    if rotates then
      turn = tostring(redis.call('HINCRBY', KEYS[2], agent, 1) - 1)
      redis.call('HSET', KEYS[index], 'turn', turn)
    end
  else
    lane, snapshot = claim[2], claim[3]
    if claim[1] ~= payload then
      answer = 'conflict'
    elseif claim[5] and retries and mayRunAgain(claim[5]) then
      answer = 'reopened'
      openGeneration(KEYS[index], runKeys)
    elseif claim[5] then
      answer = 'settled'
    end
  end
  reply[#reply + 1], reply[#reply + 2], reply[#reply + 3], reply[#reply + 4] = answer, lane, snapshot, turn
end
return reply
