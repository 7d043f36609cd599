-- Completions of `vivace ipc` as ghost text: <Tab> takes them, <Esc> dismisses them.
local Client = require("vivace.client")

local M = {}
local namespace = vim.api.nvim_create_namespace("vivace")
local options = {
  command = { "vivace", "ipc" },
  enabled = true,
  debounce_ms = 500,
  deadline_ms = 200,
  max_new_tokens = 50,
  max_completion_length = 200,
  prompt_strategy = "LANGUAGE_AWARE",
  model_name = nil,
  filetypes = { "java", "python", "typescript", "javascript", "go", "rust", "c", "cpp", "lua" },
}
local max_code_lines = 400 -- above the cursor; the model reads a few hundred tokens
local client, timer, pending, suggestion

local function clamp(value, lowest, highest) return math.max(lowest, math.min(highest, value)) end

local function cursor()
  local position = vim.api.nvim_win_get_cursor(0)
  return position[1] - 1, position[2]
end

local function text_before_cursor()
  local row, column = cursor()
  local lines = vim.api.nvim_buf_get_lines(0, math.max(0, row - max_code_lines), row + 1, false)
  lines[#lines] = lines[#lines]:sub(1, column)
  return table.concat(lines, "\n")
end

function M.dismiss()
  if timer then timer:stop() end
  if pending and client then client:forget(pending) end
  pending, suggestion = nil, nil
  vim.api.nvim_buf_clear_namespace(0, namespace, 0, -1)
end

local function show(text)
  local row, column = cursor()
  local lines = vim.split(text, "\n", { plain = true })
  local virtual_lines = {}
  for i = 2, #lines do virtual_lines[#virtual_lines + 1] = { { lines[i], "Comment" } } end
  vim.api.nvim_buf_set_extmark(0, namespace, row, column, {
    virt_text = { { lines[1], "Comment" } },
    virt_text_pos = "overlay",
    virt_lines = #virtual_lines > 0 and virtual_lines or nil,
  })
  suggestion = { text = text, buffer = vim.api.nvim_get_current_buf(), row = row, column = column }
end

local function shorten(text)
  if vim.fn.strchars(text) <= options.max_completion_length then return text end
  return vim.fn.strcharpart(text, 0, options.max_completion_length)
end

local function request()
  local code = text_before_cursor()
  if not client or code:match("^%s*$") then return end
  local buffer, row, column = vim.api.nvim_get_current_buf(), cursor()
  pending = client:ask({
    type = "infer",
    code = code,
    language = vim.bo.filetype,
    strategy = options.prompt_strategy,
    modelName = options.model_name,
    max_new_tokens = options.max_new_tokens,
    deadline_ms = options.deadline_ms,
  }, function(answer)
    pending = nil
    local now_row, now_column = cursor()
    local moved = buffer ~= vim.api.nvim_get_current_buf() or row ~= now_row or column ~= now_column
    if moved or answer.type ~= "completion" or vim.fn.mode() ~= "i" then return end
    local text = shorten(answer.text)
    if not text:match("^%s*$") then show(text) end
  end)
end

local function suggests_here()
  return options.enabled and vim.bo.buftype == "" and vim.tbl_contains(options.filetypes, vim.bo.filetype)
end

local function schedule()
  M.dismiss()
  if not suggests_here() then return end
  timer = timer or vim.loop.new_timer()
  timer:start(options.debounce_ms, 0, vim.schedule_wrap(function()
    if vim.fn.mode() == "i" then request() end
  end))
end

-- Puts the suggestion into the buffer. False when there is none.
function M.accept()
  local row, column = cursor()
  local taken = suggestion
  if not taken or taken.buffer ~= vim.api.nvim_get_current_buf() then return false end
  if taken.row ~= row or taken.column ~= column then return false end
  M.dismiss()
  local lines = vim.split(taken.text, "\n", { plain = true })
  vim.api.nvim_buf_set_text(0, row, column, row, column, lines)
  local end_column = #lines == 1 and column + #lines[1] or #lines[#lines]
  vim.api.nvim_win_set_cursor(0, { row + #lines, end_column })
  return true
end

-- What is shown, for status lines and tests; nil without any.
function M.suggestion() return suggestion and suggestion.text end

function M.toggle()
  options.enabled = not options.enabled
  M.dismiss()
end

function M.status()
  if not client then return vim.notify("vivace is not running", vim.log.levels.WARN) end
  client:ask({ type = "status" }, function(answer) vim.notify(vim.inspect(answer)) end)
end

local function feed(keys)
  vim.api.nvim_feedkeys(vim.api.nvim_replace_termcodes(keys, true, false, true), "n", false)
end

local function map_keys()
  vim.keymap.set("i", "<Tab>", function()
    if not M.accept() then feed("<Tab>") end
  end, { desc = "take the suggestion" })
  vim.keymap.set("i", "<Esc>", function()
    if suggestion then return M.dismiss() end
    feed("<Esc>")
  end, { desc = "dismiss the suggestion, else leave insert mode" })
end

function M.setup(given)
  options = vim.tbl_extend("force", options, given or {})
  options.debounce_ms = clamp(options.debounce_ms, 100, 2000)
  options.max_completion_length = clamp(options.max_completion_length, 50, 1000)
  client = Client.start(options.command, function(code)
    client = nil
    if code ~= 0 then vim.notify("vivace ended with code " .. code, vim.log.levels.ERROR) end
  end)
  local group = vim.api.nvim_create_augroup("vivace", { clear = true })
  vim.api.nvim_create_autocmd({ "TextChangedI", "InsertEnter" }, { group = group, callback = schedule })
  vim.api.nvim_create_autocmd({ "CursorMovedI" }, {
    group = group,
    callback = function()
      local row, column = cursor()
      if suggestion and (suggestion.row ~= row or suggestion.column ~= column) then M.dismiss() end
    end,
  })
  vim.api.nvim_create_autocmd({ "InsertLeave", "BufLeave" }, { group = group, callback = M.dismiss })
  vim.api.nvim_create_autocmd("VimLeavePre", { group = group, callback = function()
    if client then client:stop() end
  end })
  map_keys()
end

return M
