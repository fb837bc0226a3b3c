-- LEAVE: the leader has no text to give.
-- KEYS  1 lead   ARGV  1 job id
if redis.call('HGET', KEYS[1], 'job') == ARGV[1] then return redis.call('DEL', KEYS[1]) end
return 0
