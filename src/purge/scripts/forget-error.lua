-- FORGET ERROR: the last error of a limit group goes, unless there is another one by now.
-- KEYS  1 limit group   ARGV  1 the error
if redis.call('HGET', KEYS[1], 'lastError') == ARGV[1] then return redis.call('HDEL', KEYS[1], 'lastError') end
return 0
