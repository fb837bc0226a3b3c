-- NOTE-DEATH: a worker died with calls under way, none of a job that is suspected of it. Noted once, however many sweepers
-- find it.
-- KEYS  1 deaths (sorted set: worker → when it was found dead, epoch ms of Redis' clock)
-- ARGV  1 worker id   2 how long it is kept (ms)
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
redis.call('ZADD', KEYS[1], 'NX', now, ARGV[1])
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now - tonumber(ARGV[2]))
redis.call('PEXPIRE', KEYS[1], ARGV[2])
