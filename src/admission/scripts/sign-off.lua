-- SIGN-OFF: a worker is listed no more, unless it has open intents, which are left to a sweeper.
-- KEYS  1 workers (sorted set)   2 intents of the worker
-- ARGV  1 worker id
if redis.call('EXISTS', KEYS[2]) == 0 then
  redis.call('ZREM', KEYS[1], ARGV[1])
end
