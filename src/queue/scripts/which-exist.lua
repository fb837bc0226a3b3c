-- Which of the keys exist. Replies their positions, from 1.
local found = {}
for index, key in ipairs(KEYS) do
  if redis.call('EXISTS', key) == 1 then found[#found + 1] = index end
end
return found
