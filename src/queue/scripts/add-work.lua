-- ADD-WORK: adds what a worker has counted.
-- KEYS  1 metrics (hash: `<metric>|<label>…|<part>` → sum)
-- ARGV  1 most fields   2 how long they are kept (ms)
--       then for each series: its name, the one that takes its place when there is no room, how many parts it has, and
--       those: part, increment; the first part is one that every series has
local most = tonumber(ARGV[1])
local at = 3
while at <= #ARGV do
  local series, parts = ARGV[at], tonumber(ARGV[at + 2])
  local isKnown = redis.call('HEXISTS', KEYS[1], series .. '|' .. ARGV[at + 3]) == 1
  if not isKnown and redis.call('HLEN', KEYS[1]) >= most then
    series = ARGV[at + 1]
  end
  for part = 1, parts do
    local place = at + 1 + 2 * part
    redis.call('HINCRBY', KEYS[1], series .. '|' .. ARGV[place], ARGV[place + 1])
  end
  at = at + 3 + 2 * parts
end
redis.call('PEXPIRE', KEYS[1], ARGV[2])
