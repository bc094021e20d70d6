local plan = (obj.status or {}).plan
if plan == nil then
  error("no plan waits for approval", 0)
end

-- With the parameter, that plan and no other is approved, also when another one took its place since it was read.
local wanted = (actionParams or {})["plan"]
if wanted ~= nil and wanted ~= "" and wanted ~= plan.id then
  error("the plan that waits is " .. plan.id .. " and not " .. wanted, 0)
end

if obj.metadata.annotations == nil then
  obj.metadata.annotations = {}
end
obj.metadata.annotations["heatstack.dev/approve"] = plan.id

return obj
