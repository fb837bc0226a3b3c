-- RECORD: a slot is dealt with. Time only moves on, so that a slot that was recorded is never fired again.
-- KEYS  1 schedules (hash)   2 state of the agent's schedule (hash)   3 agents by the time of their next slot (sorted set)
-- ARGV  1 agent   2 slot   3 its job, or '': it was left out   4 time of the next slot, or '' (more to come), or 'never'
--       5 version of the schedule that the times are by
-- Replies 'recorded' | 'known': somebody else did | 'gone': the schedule was removed
-- Safe to send again after a lost reply.
if redis.call('HEXISTS', KEYS[1], ARGV[1]) == 0 then
  redis.call('ZREM', KEYS[3], ARGV[1])
  return 'gone'
end
local state = redis.call('HMGET', KEYS[2], 'lastSlotAt', 'version')
local isNew = tonumber(state[1] or 0) < tonumber(ARGV[2])
if isNew then
  redis.call('HSET', KEYS[2], 'lastSlotAt', ARGV[2])
  if ARGV[3] ~= '' then
    redis.call('HSET', KEYS[2], 'lastFiredAt', ARGV[2], 'lastJobId', ARGV[3])
    redis.call('HINCRBY', KEYS[2], 'posts', 1)
  end
end
-- A schedule that was changed meanwhile has a time of its own already.
if ARGV[4] ~= '' and state[2] == ARGV[5] then
  if ARGV[4] == 'never' then
    redis.call('ZREM', KEYS[3], ARGV[1])
  else
    redis.call('ZADD', KEYS[3], ARGV[4], ARGV[1])
  end
end
return isNew and 'recorded' or 'known'
