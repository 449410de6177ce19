local hs = {status = "Progressing", message = "the operator has not seen it yet"}
if obj.status == nil or obj.status.observedGeneration ~= obj.metadata.generation then return hs end
for _, c in ipairs(obj.status.conditions or {}) do
  if c.type == "Stalled" and c.status == "True" then return {status = "Degraded", message = c.message} end
  if c.type == "Ready" then
    hs.message = c.message
    if c.status == "True" then hs.status = "Healthy" end
  end
end
return hs
