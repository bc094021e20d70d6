-- No standard library but table is loaded here, so states are compared whole.
local status = obj.status or {}
local annotations = obj.metadata.annotations or {}

local deleting = obj.metadata.deletionTimestamp ~= nil
local suspended = obj.spec.suspend == true
local managed = obj.spec.managementPolicy ~= "unmanaged"
local state = status.stackStatus or ""
local updating = state == "UPDATE_IN_PROGRESS"
local asleep = state == "SUSPEND_COMPLETE" or state == "SUSPEND_FAILED" or state == "RESUME_FAILED"

-- What asks the operator to write to Heat. It does none of it while it is suspended, and never to a stack that it
-- only observes.
local writes = managed and not suspended and not deleting
-- What the annotation heatstack.dev/action asks for needs a stack.
local acts = writes and status.id ~= nil
local waits = status.plan ~= nil and annotations["heatstack.dev/approve"] ~= status.plan.id

return {
  ["reconcile"] = {
    ["disabled"] = suspended and not deleting,
    ["displayName"] = "Reconcile now",
    ["iconClass"] = "fa fa-fw fa-sync",
  },
  ["force"] = {
    ["disabled"] = not writes,
    ["displayName"] = "Update again with the same inputs",
    ["iconClass"] = "fa fa-fw fa-redo",
  },
  ["reset"] = {
    ["disabled"] = suspended and not deleting,
    ["displayName"] = "Count failures anew",
    ["iconClass"] = "fa fa-fw fa-undo",
  },
  ["approve"] = {
    ["disabled"] = not (waits and writes),
    ["displayName"] = "Approve the plan",
    ["iconClass"] = "fa fa-fw fa-check-circle",
    ["params"] = { { ["name"] = "plan" } },
  },
  ["suspend"] = {
    ["disabled"] = suspended or deleting,
    ["displayName"] = "Suspend reconciliation",
    ["iconClass"] = "fa fa-fw fa-pause-circle",
  },
  ["resume"] = {
    ["disabled"] = not suspended,
    ["displayName"] = "Resume reconciliation",
    ["iconClass"] = "fa fa-fw fa-play-circle",
  },
  ["check"] = {
    ["disabled"] = not acts,
    ["displayName"] = "Check the stack in Heat",
    ["iconClass"] = "fa fa-fw fa-stethoscope",
  },
  ["stack-suspend"] = {
    ["disabled"] = not acts or asleep,
    ["displayName"] = "Suspend the stack in Heat",
    ["iconClass"] = "fa fa-fw fa-moon",
  },
  ["stack-resume"] = {
    ["disabled"] = not (acts and asleep),
    ["displayName"] = "Resume the stack in Heat",
    ["iconClass"] = "fa fa-fw fa-sun",
  },
  ["cancel-update"] = {
    ["disabled"] = not (acts and updating),
    ["displayName"] = "Cancel the update and roll back",
    ["iconClass"] = "fa fa-fw fa-ban",
  },
  ["cancel-without-rollback"] = {
    ["disabled"] = not (acts and (updating or state == "CREATE_IN_PROGRESS")),
    ["displayName"] = "Cancel, and leave the stack as it is",
    ["iconClass"] = "fa fa-fw fa-stop-circle",
  },
}
