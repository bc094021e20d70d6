-- docs/conditions.md in the operator's repository says what each condition and reason means.
local status = obj.status or {}
local conditions = {}
for _, condition in ipairs(status.conditions or {}) do
  conditions[condition.type] = condition
end
local ready = conditions["Ready"] or { message = "Waiting for the operator" }

local function is(type, value)
  return conditions[type] ~= nil and conditions[type].status == value
end

-- A status speaks of one generation; a deletion makes a new one, too.
if status.observedGeneration ~= obj.metadata.generation then
  return { status = "Progressing", message = "Waiting for the operator to look at the newest spec" }
end

-- Nothing will happen until somebody changes something.
if is("Stalled", "True") then
  return { status = "Degraded", message = ready.message }
end

if obj.metadata.deletionTimestamp ~= nil then
  return { status = "Progressing", message = ready.message }
end

-- The operator leaves the stack alone, whatever its state was last.
if obj.spec.suspend == true then
  return { status = "Suspended", message = ready.message }
end

-- It goes on when somebody approves the plan in status.plan.
if ready.reason == "ApprovalRequired" then
  return { status = "Suspended", message = ready.message }
end

if is("Ready", "True") then
  -- Heat completed what the spec asks for, and then a resource failed: Ready stays True.
  if conditions["Available"] ~= nil and conditions["Available"].reason == "ResourceUnhealthy" then
    return { status = "Degraded", message = conditions["Available"].message }
  end
  return { status = "Healthy", message = ready.message }
end

return { status = "Progressing", message = ready.message }
