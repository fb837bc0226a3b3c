-- CREDENTIALS: a key that was refused is left alone for a while (`pausedUntil`, `why`), and then tried with one call at a
-- time (`probe`: its attempt, `probeUntil`) until one shows that it works again. Otherwise as many jobs as the workers hold
-- would find out anew each time, and those that have no other provider would fail.

-- While a probe is under way others ask again after this.
local KEY_ASK_AGAIN_MS = 1000
-- A probe that has said nothing for so long is waited for no more: it died with its worker, or is a slow one.
local LONGEST_PROBE_MS = 60 * 1000
-- A key that nobody has used for so long is like a new one.
local SUSPECT_MS = 24 * 3600 * 1000

-- How long the key forbids a call, whether only because another one tries it, and whether a call that is made tries it.
local function readCredential(key, now)
  local found = redis.call('HMGET', key, 'pausedUntil', 'why', 'probeUntil')
  local pausedMs = math.max(0, tonumber(found[1] or 0) - now)
  local probedMs = math.max(0, math.min(KEY_ASK_AGAIN_MS, tonumber(found[3] or 0) - now))
  return {
    forMs = math.max(pausedMs, probedMs), why = found[2],
    isProbed = pausedMs == 0 and probedMs > 0, isSuspect = found[1] ~= false,
  }
end

local function probeCredential(key, attemptId, overAt, now)
  redis.call('HSET', key, 'probe', attemptId, 'probeUntil', ms(math.min(overAt, now + LONGEST_PROBE_MS)))
end

-- What the end of a probe says; where it says nothing, the next call tries.
local function afterCredentialProbe(key, attemptId, isAccepted)
  if redis.call('HGET', key, 'probe') ~= attemptId then return end
  redis.call('HDEL', key, 'probe', 'probeUntil')
  if isAccepted then redis.call('HDEL', key, 'pausedUntil', 'why') end
end
