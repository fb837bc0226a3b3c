-- FORM: open rows become a batch.
-- KEYS  1 open rows of the group (list)   2 groups with open rows (hash)   3 batches (sorted set)   4 batch   5 its rows (hash)
-- ARGV  1 group   2 id of the batch   3 most rows   4 now (epoch ms)   5... fields of the batch
-- Replies the number of rows; 0: there are none, and no batch.
local jobs = redis.call('LPOP', KEYS[1], ARGV[3])
if redis.call('EXISTS', KEYS[1]) == 0 then redis.call('HDEL', KEYS[2], ARGV[1]) else redis.call('HSET', KEYS[2], ARGV[1], ARGV[4]) end
if not jobs or #jobs == 0 then return 0 end
for index, job in ipairs(jobs) do
  redis.call('HSET', KEYS[5], ARGV[2] .. '-' .. index, job)
end
redis.call('HSET', KEYS[4], 'state', 'forming', 'group', ARGV[1], 'createdAt', ARGV[4], 'total', #jobs, unpack(ARGV, 5))
redis.call('ZADD', KEYS[3], ARGV[4], ARGV[2])
return #jobs
