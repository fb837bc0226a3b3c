-- BUDGETS: what was spent on a day, and what is held for calls under way, in pico-USD (1e-12), by whose money it is:
-- `global`, `provider|openai`, `agent|ada`. Held amounts stand beside it as `held|global` and so on.

local SPEND_TTL_MS = 3 * 24 * 3600 * 1000

local function spendingNames(provider, agent)
  return { 'global', 'provider|' .. provider, 'agent|' .. agent }
end

local function addTo(key, prefix, names, pico)
  if pico == 0 then return end
  local amount, total = string.format('%.0f', pico), 0
  for _, name in ipairs(names) do total = redis.call('HINCRBY', key, prefix .. name, amount) end
  -- Somebody's first of the day; later ones need not.
  if total == pico then redis.call('PEXPIRE', key, SPEND_TTL_MS) end
end

local function hold(key, names, pico)
  addTo(key, 'held|', names, pico)
end

local function spend(key, names, pico)
  addTo(key, '', names, pico)
end

-- How much an open attempt holds: the last part of its state.
local function heldOf(state)
  return tonumber(string.match(state, '|(%d+)$'))
end

-- Which of the budgets stands in the way, and how: 'spent' for good, 'reserved' for now. Budgets: { name, limit }...
local function budgetInTheWay(key, budgets, pico)
  local reserved
  for _, budget in ipairs(budgets) do
    local state = redis.call('HMGET', key, budget.name, 'held|' .. budget.name)
    budget.spent, budget.held = tonumber(state[1] or 0), tonumber(state[2] or 0)
    if budget.spent >= budget.limit or budget.spent + pico > budget.limit then return budget, 'spent' end
    if budget.spent + budget.held + pico > budget.limit then reserved = reserved or budget end
  end
  if reserved then return reserved, 'reserved' end
end

-- Budgets that pass their warning share with this call; each is told once a day.
local function budgetsToWarnOf(key, budgets, pico, warnShare)
  local warnings = {}
  for _, budget in ipairs(budgets) do
    local used = budget.spent + budget.held + pico
    if used >= budget.limit * warnShare and redis.call('HSETNX', key, 'warned|' .. budget.name, 1) == 1 then
      warnings[#warnings + 1] = { name = budget.name, used = used, limit = budget.limit }
    end
  end
  return warnings
end
