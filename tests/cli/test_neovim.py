"""examples/neovim in Neovim itself, without a screen: ghost text appears, Tab takes it, Esc dismisses it."""

import json
import shutil
import subprocess

import pytest

from cli_runner import ROOT

MODEL = ROOT / "tests" / "golden" / "t5-code"
# Types like a person: keys go through the editor's main loop, between them events and answers are handled.
SCRIPT = r"""
local vivace = require("vivace")
vivace.setup({ command = vim.fn.json_decode(os.getenv("VIVACE_IPC")), debounce_ms = 100, deadline_ms = 20000,
               max_new_tokens = 24, prompt_strategy = "NONE" })
local results = {}

local function keys(text) vim.api.nvim_input(text) end
local function finish()
  vim.fn.writefile({ vim.fn.json_encode(results) }, "results.json")
  vim.cmd("qa!")
end
local function buffer() return table.concat(vim.api.nvim_buf_get_lines(0, 0, -1, false), "\n") end

-- Each step has its keys, what is waited for, and what is written down then.
local steps = {
  { keys = "i" .. os.getenv("CODE"), until_ = function() return vivace.suggestion() ~= nil end,
    then_ = function()
      results.suggestion = vivace.suggestion()
      local marks = vim.api.nvim_buf_get_extmarks(0, vim.api.nvim_get_namespaces().vivace, 0, -1, { details = true })
      results.ghost = marks[1][4].virt_text[1][1]
      results.untouched = buffer()
    end },
  { keys = "<Esc>", until_ = function() return vivace.suggestion() == nil end,
    then_ = function() results.after_escape = { text = buffer(), mode = vim.fn.mode() } end },
  { keys = " <BS>", until_ = function() return vivace.suggestion() ~= nil end, then_ = function() end },
  { keys = "<Tab>", until_ = function() return vivace.suggestion() == nil and buffer() ~= os.getenv("CODE") end,
    then_ = function() results.accepted = buffer() end },
}
local function run(index)
  local step = steps[index]
  if not step then return finish() end
  keys(step.keys)
  local left = 600
  local timer = vim.loop.new_timer()
  timer:start(50, 50, vim.schedule_wrap(function()
    left = left - 1
    if left == 0 then results.stuck = index end
    if left > 0 and not step.until_() then return end
    timer:stop()
    if left == 0 then return finish() end
    step.then_()
    run(index + 1)
  end))
end
vim.defer_fn(function() run(1) end, 50)
"""


@pytest.fixture
def nvim():
    found = shutil.which("nvim")
    if found is None:
        pytest.fail("nvim is missing; run make deps")
    return found


def test_ghost_text_in_neovim(cli, nvim):
    rows = [json.loads(line) for line in (MODEL / "snippets.jsonl").read_text().splitlines()]
    # One line, as it is typed, and nothing that Neovim would take for the name of a key or show as unknown.
    row = next(row for row in rows if row["text"].strip() and row["text"].isprintable() and "�" not in row["text"]
               and row["code"].isprintable() and "<" not in row["code"])
    (cli.folder / "script.lua").write_text(SCRIPT)
    environment = cli.environment | {"CODE": row["code"], "VIVACE_IPC": json.dumps(cli.command("ipc", "--model", MODEL)),
                                     "XDG_STATE_HOME": str(cli.folder)}
    done = subprocess.run([nvim, "--headless", "--clean", "--cmd", f"set runtimepath^={ROOT}/examples/neovim", "-c",
                           "set filetype=python noautoindent indentexpr= ", "-c", "luafile script.lua"], cwd=cli.folder,
                          env=environment, capture_output=True, timeout=120, check=False)
    assert (cli.folder / "results.json").exists(), done.stderr.decode()
    results = json.loads((cli.folder / "results.json").read_text())
    assert "stuck" not in results, (results, done.stderr.decode())
    assert results["suggestion"] == row["text"]
    assert results["ghost"] == row["text"] and results["untouched"] == row["code"]
    assert results["after_escape"] == {"text": row["code"], "mode": "i"}
    assert results["accepted"] == row["code"] + row["text"]
