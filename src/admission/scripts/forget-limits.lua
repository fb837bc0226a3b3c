-- FORGET LIMITS: names of which nothing is known any more.
-- KEYS  1 known limit groups and keys (set)   then for each name: what is known of it as a limit group, and as a key
-- ARGV  the names
-- Replies how many were forgotten.
local forgotten = 0
for index, name in ipairs(ARGV) do
  if redis.call('EXISTS', KEYS[2 * index], KEYS[2 * index + 1]) == 0 then
    forgotten = forgotten + redis.call('SREM', KEYS[1], name)
  end
end
return forgotten
