-- Speaks to `vivace ipc`: JSON objects, one a line, over the pipes of a job.
local Client = {}
Client.__index = Client

-- on_exit(code) is called when the program ends by itself.
function Client.start(command, on_exit)
  local self = setmetatable({ waiting = {}, last_id = 0, partial = "" }, Client)
  self.job = vim.fn.jobstart(command, {
    on_stdout = function(_, lines) self:receive(lines) end,
    on_exit = function(_, code)
      self.job = nil
      on_exit(code)
    end,
  })
  if self.job <= 0 then return nil end
  return self
end

-- The first item goes on where the last call ended, the last one is not complete yet.
function Client:receive(lines)
  lines[1] = self.partial .. lines[1]
  self.partial = table.remove(lines)
  for _, line in ipairs(lines) do
    local ok, answer = pcall(vim.fn.json_decode, line)
    local done = ok and answer.id and self.waiting[answer.id]
    if done then
      self.waiting[answer.id] = nil
      done(answer)
    end
  end
end

-- Calls done(answer) later, unless the request is forgotten or the program ends. Returns the request's id.
function Client:ask(message, done)
  if not self.job then return nil end
  self.last_id = self.last_id + 1
  message.id = self.last_id
  self.waiting[message.id] = done
  vim.fn.chansend(self.job, vim.fn.json_encode(message) .. "\n")
  return message.id
end

-- Nobody wants the answer any more.
function Client:forget(id)
  if not (self.job and self.waiting[id]) then return end
  self.waiting[id] = nil
  self:ask({ type = "cancel", target = id }, function() end)
end

function Client:stop()
  if self.job then vim.fn.chanclose(self.job, "stdin") end
end

return Client
