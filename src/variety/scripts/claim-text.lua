-- CLAIM TEXT: notes a text as a job's, unless it is much like another one.
-- KEYS  1 number of the last text   2 numbers of the agent's last texts (list)   3... a shard of the index for each band
-- ARGV  1 beginning of the keys of texts   2 job   3 agent   4 now (epoch ms)   5 hash of the normalised text (8 bytes)
--       6 signature, or ''           7 similarity that counts   8 texts of the agent that are compared
--       9 how long others' are compared (ms)   10 how long an agent's own are kept (ms)   11 1: note it whatever it is like
--       12... what tells the band's hash from others of its shard (4 bytes)
-- A text is the string: hash (8 bytes), written at (epoch seconds, 4 bytes), signature or nothing, agent, LF, job.
-- A shard is a string of entries in the order of time: hash (4 bytes), number of the text (4 bytes).
-- Replies {job, similarity} or nothing.
-- Safe to send again after a lost reply: a job's own text is noted once, and is like nobody's.
local prefix, job, agent, now, exact, signature = ARGV[1], ARGV[2], ARGV[3], tonumber(ARGV[4]), ARGV[5], ARGV[6]
local least, keptTexts, othersMs, ownMs = tonumber(ARGV[7]), tonumber(ARGV[8]), tonumber(ARGV[9]), tonumber(ARGV[10])
local ENTRY = 8
-- Of one band; the newest that are there are looked at.
local MOST_CANDIDATES = 8
-- A shard is cleaned of texts that are gone whenever it has come to a multiple of so many entries.
local CLEANED_EVERY = 32
local ASKED_AT_ONCE = 16
-- Entries with the same hash in a shard, beyond which the older half goes: a model that says the same again and again would
-- make each comparison longer than the one before.
local MOST_SAME = 64

-- How many of the two four-bit parts of a byte are 0. Made when there is something to compare.
local zeros
local function zerosOf(byte)
  if not zeros then
    zeros = {}
    for value = 0, 255 do
      zeros[value] = (value % 16 == 0 and 1 or 0) + (value < 16 and 1 or 0)
    end
  end
  return zeros[byte]
end
-- So many of the parts that are not the same agree by chance: fifteen values, and not all are there on both sides.
local BY_CHANCE = 1 / 50

local function number4(text, at)
  local a, b, c, d = string.byte(text, at, at + 3)
  return ((a * 256 + b) * 256 + c) * 256 + d
end

local function bytes4(number)
  local d = number % 256
  local c = math.floor(number / 256) % 256
  local b = math.floor(number / 65536) % 256
  return string.char(math.floor(number / 16777216) % 256, b, c, d)
end

local function similarityOf(text)
  if string.sub(text, 1, 8) == exact then return 1 end
  if signature == '' then return 0 end
  local same, empty, length = 0, 0, #signature
  for first = 1, length, 32 do
    local mine = { string.byte(signature, first, first + 31) }
    local other = { string.byte(text, 12 + first, 12 + first + 31) }
    for index = 1, #mine do
      local a, b = mine[index], other[index] or 0
      same = same + zerosOf(bit.bxor(a, b))
      empty = empty + zerosOf(bit.bor(a, b))
    end
  end
  local share = (same - empty) / math.max(1, 2 * length - empty)
  return math.min(0.99, math.max(0, (share - BY_CHANCE) / (1 - BY_CHANCE)))
end

local shards = redis.call('MGET', unpack(KEYS, 3))
local seen, best, bestJob, isNoted = {}, 0, nil, false

-- Number of the oldest of the agent's last texts.
local oldest
local function oldestOwn()
  oldest = oldest or tonumber(redis.call('LINDEX', KEYS[2], 0) or 0)
  return oldest
end

-- Replies whether there is such a text.
local function compare(number)
  if seen[number] ~= nil then return seen[number] end
  local text = redis.call('GET', prefix .. number)
  seen[number] = text ~= false
  if not text then return false end
  local rest = string.sub(text, 13 + #signature)
  local ofAgent, ofJob = string.match(rest, '^(.*)\n(.*)$')
  if not ofAgent then return true end
  if ofJob == job then
    isNoted = isNoted or string.sub(text, 1, 8) == exact
    return true
  end
  local isRecent = now - number4(text, 9) * 1000 < othersMs
  if not isRecent and (ofAgent ~= agent or number < oldestOwn()) then return true end
  local similarity = similarityOf(text)
  if similarity >= least and similarity > best then
    best, bestJob = similarity, ofJob
  end
  return true
end

-- Where the entries of this text's hash are, by band.
local places = {}

for band = 1, #shards do
  local shard, wanted = shards[band] or '', ARGV[11 + band]
  local found, at = {}, 1
  places[band] = {}
  while true do
    at = string.find(shard, wanted, at, true)
    if not at then break end
    if at % ENTRY == 1 then
      found[#found + 1] = number4(shard, at + 4)
      places[band][#found] = at
      at = at + ENTRY
    else
      at = at + 1
    end
  end
  local index, candidates = #found, 0
  while index > 0 and candidates < MOST_CANDIDATES do
    if compare(found[index]) then candidates = candidates + 1 end
    index = index - 1
  end
end

local reply = bestJob and { bestJob, string.format('%.3f', best) } or nil
if isNoted or (bestJob and ARGV[11] ~= '1') then
  return reply
end

-- Changes nothing. A Redis that is full takes it, and then the other writes: the text is paid for.
redis.call('LTRIM', KEYS[2], 0, -1)
local number = redis.call('INCR', KEYS[1]) % 4294967296
local text = exact .. bytes4(math.floor(now / 1000)) .. signature .. agent .. '\n' .. job
redis.call('SET', prefix .. number, text, 'PX', math.max(othersMs, ownMs))

-- Which of these entries have texts that are still there. Neighbours mostly share their fate: many are asked about in one call.
local function keep(shard, first, count, kept)
  local keys = {}
  for index = 1, count do
    keys[index] = prefix .. number4(shard, first + (index - 1) * ENTRY + 4)
  end
  local present = redis.call('EXISTS', unpack(keys))
  if present == count then
    kept[#kept + 1] = string.sub(shard, first, first + count * ENTRY - 1)
  elseif present > 0 then
    local half = math.floor(count / 2)
    keep(shard, first, half, kept)
    keep(shard, first + half * ENTRY, count - half, kept)
  end
end

-- Entries stand in the order of time, and as long as a text is compared with everybody's it is there.
local function mayBeGone(shard, first)
  local writtenAt = redis.call('GETRANGE', prefix .. number4(shard, first + 4), 8, 11)
  return #writtenAt < 4 or now - number4(writtenAt, 1) * 1000 >= othersMs
end

local function cleaned(shard)
  local kept, first = {}, 1
  while first <= #shard and mayBeGone(shard, first) do
    local count = math.min(ASKED_AT_ONCE, (#shard + 1 - first) / ENTRY)
    keep(shard, first, count, kept)
    first = first + count * ENTRY
  end
  kept[#kept + 1] = string.sub(shard, first)
  return table.concat(kept)
end

local function withoutOlderHalf(shard, same)
  local kept, first = {}, 1
  for index = 1, #same - MOST_SAME / 2 do
    kept[#kept + 1] = string.sub(shard, first, same[index] - 1)
    first = same[index] + ENTRY
  end
  kept[#kept + 1] = string.sub(shard, first)
  return table.concat(kept)
end

local encoded = bytes4(number)
for band = 1, #shards do
  local key, entry = KEYS[2 + band], ARGV[11 + band] .. encoded
  if #places[band] >= MOST_SAME then
    shards[band] = withoutOlderHalf(shards[band], places[band])
    redis.call('SET', key, shards[band], 'KEEPTTL')
  end
  local entries = redis.call('APPEND', key, entry) / ENTRY
  if entries % CLEANED_EVERY == 0 then
    local shard = cleaned((shards[band] or '') .. entry)
    if #shard < entries * ENTRY then redis.call('SET', key, shard) end
  end
  -- It lives for months: it need not be told with every entry.
  if entries == 1 or entries % 8 == 0 then redis.call('PEXPIRE', key, 2 * math.max(othersMs, ownMs)) end
end

-- One more of the agent's than are compared: the oldest is compared only as long as others' are.
redis.call('RPUSH', KEYS[2], number)
redis.call('PEXPIRE', KEYS[2], ownMs)
while redis.call('LLEN', KEYS[2]) > keptTexts do
  local key = prefix .. redis.call('LPOP', KEYS[2])
  local old = redis.call('GETRANGE', key, 8, 11)
  if #old == 4 then
    local leftMs = othersMs - (now - number4(old, 1) * 1000)
    if leftMs > 0 then redis.call('PEXPIRE', key, math.ceil(leftMs)) else redis.call('DEL', key) end
  end
end
return reply
