"""Requests a second that the server answers to many connections, driven by wrk (Debian's package of that name): a load
generator in Python would take the cores that it measures."""

import json
import pathlib
import shutil
import subprocess
import tempfile
import time

import figures
import ours
import report

SCRIPT = """
local bodies = {%s}
local turn = 0
wrk.method = "POST"
wrk.headers["Content-Type"] = "application/json"
request = function()
  turn = turn + 1
  return wrk.format(nil, "%s", nil, bodies[turn %% #bodies + 1])
end
done = function(summary, latency, requests)
  local e = summary.errors
  io.write(string.format('\\n{"requests":%%d,"microseconds":%%d,"p50_us":%%d,"p99_us":%%d,"min_us":%%d,"errors":%%d}\\n',
    summary.requests, summary.duration, latency:percentile(50), latency:percentile(99), latency.min,
    e.connect + e.read + e.write + e.status + e.timeout))
end
"""
OFFLINE_TEXTS = 4000


def available():
    return shutil.which("wrk") is not None


def embedding_bodies(texts):
    return [{"input": text, "encoding_format": "base64"} for text in texts]


def lua_script(path, bodies):
    return SCRIPT % (", ".join(json.dumps(json.dumps(body)) for body in bodies), path)  # as Lua strings


def parse(output):
    """(milliseconds a request, latencies) of what the script printed last."""
    told = json.loads(output.strip().splitlines()[-1])
    if told["errors"] or not told["requests"]:
        raise ours.ContenderError(f"{told['errors']} errors in {told['requests']} requests")
    return told["microseconds"] / told["requests"] / 1e3, {key: told[key] / 1e3 for key in ("p50_us", "p99_us", "min_us")}


class Load:
    """A running server under wrk, which posts the bodies in turn. A round's milliseconds are the time by the requests answered
    in it: the row shows requests a second. What each request waited is in notes."""

    def __init__(self, server, path, bodies, connections):
        self.server, self.connections, self.script, self.notes = server, connections, lua_script(path, bodies), {}

    def run(self, seconds):
        with tempfile.NamedTemporaryFile("w", suffix=".lua", encoding="utf-8") as script:
            script.write(self.script)
            script.flush()
            command = ["wrk", "-t1", f"-c{self.connections}", f"-d{max(1, round(seconds))}s", "-s", script.name,
                       f"http://127.0.0.1:{self.server.port}"]
            done = self.server.awake(lambda: subprocess.run(command, capture_output=True, text=True, check=False))
        if done.returncode != 0:
            raise ours.ContenderError(f"wrk: {done.stderr.strip()[-300:]}")
        milliseconds, latencies = parse(done.stdout)
        self.notes.update(p50_ms=latencies["p50_us"], p99_ms=latencies["p99_us"])
        return figures.Round(milliseconds, milliseconds, milliseconds, 1)


class Offline:
    """The same engine without HTTP: `vivace embed` over a file of the texts, its start left out."""

    name = report.OURS_WITHOUT_HTTP

    def __init__(self, program, model, threads, precision, texts):
        self.command = [str(program), "embed", "--model", str(model), "--threads", str(threads), "--precision", precision,
                        "--output", "/dev/null", "--file"]
        self.texts = [texts[i % len(texts)] for i in range(OFFLINE_TEXTS)]

    def run(self, seconds):
        del seconds
        milliseconds = (self._time(self.texts) - self._time(self.texts[:1])) / (len(self.texts) - 1) * 1e3
        return figures.Round(milliseconds, milliseconds, milliseconds, 1)

    def _time(self, texts):
        with tempfile.TemporaryDirectory() as folder:
            file = pathlib.Path(folder) / "texts.jsonl"
            file.write_text(ours.json_lines(texts), encoding="utf-8")
            begin = time.perf_counter()
            subprocess.run([*self.command, str(file)], check=True, capture_output=True)
            return time.perf_counter() - begin
