-- PAUSE and RESUME by an operator; everybody who waits for a slot asks again.
-- KEYS  1 pauses by operators
-- ARGV  1 'pause' | 'resume'   2 'all', 'provider:<id>' or 'lane:<name>'   3 epochs channel
-- Replies 1 when that changed something, else 0. A pause is kept with the time (epoch ms) at which it began.
local time = redis.call('TIME')
local changed
if ARGV[1] == 'pause' then
  changed = redis.call('HSETNX', KEYS[1], ARGV[2], time[1] * 1000 + math.floor(time[2] / 1000))
elseif ARGV[2] == 'all' then
  -- Everything goes on, single providers and lanes as well.
  changed = redis.call('DEL', KEYS[1])
else
  changed = redis.call('HDEL', KEYS[1], ARGV[2])
end
redis.call('PUBLISH', ARGV[3], ARGV[1] .. 'd')
return changed
