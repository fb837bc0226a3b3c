-- PURGE RECORD: a terminal record takes the place of the one that it was made from, and what else was written for the job goes.
-- KEYS  1 job
-- ARGV  1 SHA-1 of the record as it was read   2 the record without texts
-- Replies 'purged' | 'outdated': read it again
-- Safe to send again after a lost reply.
local job = redis.call('HMGET', KEYS[1], 'result', 'attempts')
if not job[1] or redis.sha1hex(job[1]) ~= ARGV[1] then
  return 'outdated'
end
redis.call('HSET', KEYS[1], 'result', ARGV[2])
redis.call('HDEL', KEYS[1], 'draft')
-- Rows of calls that may still be settled stay: they are accounts, and have no message yet.
for attempt = 1, tonumber(job[2] or 0) do
  if redis.call('HGET', KEYS[1], 'state:' .. attempt) == 'settled' then redis.call('HDEL', KEYS[1], 'row:' .. attempt) end
end
return 'purged'
