-- HEARTBEAT: this worker lives; which ones do not?
-- KEYS  1 workers (sorted set: worker → last seen, epoch ms of Redis' clock)
-- ARGV  1 worker id, '' to look only   2 a worker is dead after this silence (ms)
-- Replies the ids of dead workers.
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
if ARGV[1] ~= '' then
  redis.call('ZADD', KEYS[1], now, ARGV[1])
end
return redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', now - tonumber(ARGV[2]))
