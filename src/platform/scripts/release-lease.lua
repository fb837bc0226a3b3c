-- RELEASE: a lease is given back, unless somebody else has it by now.
-- KEYS  1 lease
-- ARGV  1 owner
-- Replies 1 when it was ours, 0 otherwise.
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
return redis.call('DEL', KEYS[1])
