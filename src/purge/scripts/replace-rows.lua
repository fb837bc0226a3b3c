-- REPLACE ROWS: usage rows go to the end of the stream in another form. One that is gone meanwhile stays gone.
-- KEYS  1 usage rows (stream)
-- ARGV  id of an entry, row that takes its place; and so on
-- Replies how many were replaced.
local replaced = 0
for index = 1, #ARGV, 2 do
  if redis.call('XDEL', KEYS[1], ARGV[index]) == 1 then
    redis.call('XADD', KEYS[1], '*', 'row', ARGV[index + 1])
    replaced = replaced + 1
  end
end
return replaced
