-- CREDENTIALS: a key that was refused is left alone for a while (`pausedUntil`, `why`), and then tried with one call at a
-- time (`probe`: its attempt) until one shows that it works again. Otherwise as many jobs as a worker holds would find out
-- anew each time, and those that have no other provider would fail.

-- While a probe is under way others ask again after this.
local KEY_ASK_AGAIN_MS = 1000
-- A key that nobody has used for so long is like a new one.
local SUSPECT_MS = 24 * 3600 * 1000

-- How long the key forbids a call, and whether one that it allows is a probe.
local function readCredential(key, now)
  local found = redis.call('HMGET', key, 'pausedUntil', 'why', 'probe')
  local pausedUntil = tonumber(found[1] or 0)
  local forMs = math.max(0, pausedUntil - now)
  if found[3] then forMs = math.min(forMs, KEY_ASK_AGAIN_MS) end
  return { forMs = forMs, why = found[2], isSuspect = pausedUntil > 0 }
end

-- A probe that is overdue died with its worker: the next call takes its place.
local function probeCredential(key, attemptId, overAt)
  redis.call('HSET', key, 'pausedUntil', ms(overAt), 'probe', attemptId)
end

-- What the end of a probe says. Where it says nothing, the next call is the probe; a new pause may follow.
local function afterCredentialProbe(key, attemptId, isAccepted, now)
  if redis.call('HGET', key, 'probe') ~= attemptId then return end
  redis.call('HDEL', key, 'probe')
  if isAccepted then redis.call('HDEL', key, 'pausedUntil', 'why') else redis.call('HSET', key, 'pausedUntil', ms(now)) end
end
