-- TAKE: the agents that have a slot to deal with. Nobody else is given them until the lease is over; who takes an agent
-- sets the time of its next slot when it is done, and who dies leaves it to the next one.
-- KEYS  1 agents by the time of their next slot (sorted set)
-- ARGV  1 now   2 end of the lease   3 how many agents at most
-- Replies a list of agents
local agents = redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', ARGV[1], 'LIMIT', 0, ARGV[3])
for _, agent in ipairs(agents) do
  redis.call('ZADD', KEYS[1], ARGV[2], agent)
end
return agents
