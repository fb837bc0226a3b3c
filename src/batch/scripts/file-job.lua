-- FILE: a job waits for the next batch of its group, once.
-- KEYS  1 job   2 open rows of the group (list)   3 groups with open rows (hash: group → since when, epoch ms)
-- ARGV  1 the job (JSON)   2 group   3 now (epoch ms)
-- Replies 1 when it was filed, 0 when it was before.
if redis.call('HSETNX', KEYS[1], 'batch', 'open') == 0 then return 0 end
redis.call('RPUSH', KEYS[2], ARGV[1])
redis.call('HSETNX', KEYS[3], ARGV[2], ARGV[3])
return 1
