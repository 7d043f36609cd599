"""`vivace ipc`: every message kind, wrong lines, long lines, interleaved and cancelled requests, the end of the input."""

import contextlib
import json
import os
import queue
import signal
import subprocess
import sys
import threading
import time

import pytest

from cli_runner import ROOT

pytestmark = pytest.mark.usefixtures("fp32")

MODEL = ROOT / "tests" / "golden" / "t5-code"
PATIENCE_SECONDS = 60


class Ipc:
    """The program with lines in and out."""

    def __init__(self, cli, *options):
        self.process = subprocess.Popen(cli.command("ipc", "--model", MODEL, *options), stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=cli.folder, env=cli.environment)
        self.lines = queue.Queue()
        threading.Thread(target=self.read, daemon=True).start()

    def read(self):
        for line in self.process.stdout:
            self.lines.put(json.loads(line))
        self.lines.put(None)

    def send(self, message):
        line = message if isinstance(message, bytes) else json.dumps(message).encode()
        self.process.stdin.write(line + b"\n")
        self.process.stdin.flush()

    def next(self):
        return self.lines.get(timeout=PATIENCE_SECONDS)

    def ask(self, **message):
        self.send(message)
        return self.next()

    def end(self):
        """Closes the input; the lines that still come."""
        self.process.stdin.close()
        rest = list(iter(self.next, None))
        assert self.process.wait(PATIENCE_SECONDS) == 0
        return rest


@pytest.fixture
def ipc(cli):
    started = Ipc(cli, "--deadline-ms", "0")
    yield started
    started.process.kill()
    started.process.wait()


def snippets(count):
    return [json.loads(line) for line in (MODEL / "snippets.jsonl").read_text().splitlines()[:count]]


def test_names_that_no_model_has_leave_nothing_behind(ipc):
    for i in range(5):
        answer = ipc.ask(type="infer", id=f"u{i}", code="x = ", modelName=f"unknown-{i}")
        assert answer["type"] == "error" and f"unknown-{i}" in str(answer)
    long = ipc.ask(type="infer", id="long", code="x = ", modelName="m" * 10_000)
    assert "longer than any model's name" in str(long) and len(str(long)) < 1000
    assert not any("unknown" in breaker["model"] for breaker in ipc.ask(type="status", id="s")["breakers"])


def test_c002_02_ping_and_status(ipc):
    pong = ipc.ask(type="ping", id=7)
    assert pong["id"] == 7 and pong["type"] == "pong" and pong["message"]
    assert abs(pong["timestamp"] / 1000 - time.time()) < 3600
    status = ipc.ask(type="status", id="s")
    assert status["id"] == "s" and status["type"] == "status" and status["models"][0]["name"] == "t5-code"
    assert 0 <= status["uptime"] < 3_600_000, "time since the start, not since 1970"
    assert status["memoryMB"] > 0 and status["freeMB"] > 0 and status["inFlight"] == 0
    assert ipc.end() == []


def test_infer(ipc):
    for row in snippets(5):
        answer = ipc.ask(type="infer", id=row["code"], code=row["code"], strategy="NONE", max_new_tokens=24,
                         language=row["language"])
        assert answer["type"] == "completion" and answer["id"] == row["code"] and answer["text"] == row["text"]
        assert answer["tokensGenerated"] == len(row["token_ids"]) and answer["finish_reason"] in ("stop", "length")
        assert answer["language"] == row["language"] and answer["strategy"] == "NONE"
        assert answer["modelName"] == "t5-code" and answer["latencyMs"] > 0 and answer["source"] == "model"
        assert {"tokenizeMs", "encodeMs", "decodeMs", "detokenizeMs"} <= set(answer["timings"])
        assert 0 <= answer["complexityScore"] <= 1 and "complexity" in answer["reasoning"]
    again = ipc.ask(type="infer", id=1, code=row["code"], strategy="NONE", max_new_tokens=24)
    assert again["source"] == "cache" and again["text"] == row["text"] and again["language"] == "unknown"


def test_defaults_are_those_of_the_protocol(ipc):
    answer = ipc.ask(type="infer", id=1, code="def add(", modelName="codet5plus-220m")
    assert answer["strategy"] == "TASK_PREFIX" and answer["tokensGenerated"] <= 50 and answer["modelName"] == "t5-code"
    assert ipc.ask(type="infer", id=1, code="def add(", strategy="MAGIC")["strategy"] == "TASK_PREFIX"
    assert "missing" in ipc.ask(type="infer", id=2, code="x", modelName="missing")["message"]


@pytest.mark.parametrize("line, part, has_id", [
    (b"{", "message", False), (b"[1]", "expected an object", False), (b"\xff", "message", False),
    (b'{"type":"infer","id":1}', "code", True), (b'{"type":"infer","id":1,"code":""}', "is empty", True),
    (b'{"type":"infer","id":1,"code":5}', "code", True), (b'{"type":"infer","code":"x"}', "id: is missing", False),
    (b'{"type":"dance","id":1}', "dance", True), (b'{"id":1}', "type", True), (b'{"type":3,"id":1}', "type", True),
    (b'{"type":"ping","id":[1]}', "id: expected", False), (b'{"type":"cancel"}', "target: is missing", False),
    (b'{"type":"infer","id":1,"code":"x","max_new_tokens":0}', "max_new_tokens", True),
    (b'{"type":"infer","id":1,"code":"x","max_new_tokens":9999}', "max_new_tokens", True),
    (b'{"type":"infer","id":1,"code":"x","deadline_ms":0}', "deadline_ms", True),
    (b'{"type":"infer","id":1,"code":"x","stop":[""]}', "stop string is empty", True),
    (b'{"type":"infer","id":1,"code":"x","stream":true}', "/v1/completions streams", True),
    (b"[" * 5000, "message", False),
])
def test_wrong_lines_are_answered_and_change_nothing(ipc, line, part, has_id):
    ipc.send(line)
    error = ipc.next()
    assert error["type"] == "error" and part in error["message"] and ("id" in error) == has_id
    assert ipc.ask(type="ping", id=2)["type"] == "pong"


def test_long_lines(ipc):
    code = "value = value + 1\n" * 60_000
    answer = ipc.ask(type="infer", id=1, code=code, max_new_tokens=4)
    assert answer["type"] == "completion" and answer["truncated"] is True and answer["tokensGenerated"] <= 4
    ipc.send(b"x" * (9 << 20))
    assert "more than the limit" in ipc.next()["message"]
    assert ipc.ask(type="ping", id=2)["type"] == "pong"


def test_c002_15_interleaved_requests_answer_by_id(ipc):
    rows = snippets(40)
    for index, row in enumerate(rows):
        ipc.send({"type": "infer", "id": index, "code": row["code"], "strategy": "NONE", "max_new_tokens": 24})
        if index % 10 == 0:
            ipc.send({"type": "ping", "id": f"p{index}"})
    answers = {answer["id"]: answer for answer in (ipc.next() for _ in range(44))}
    assert [answers[index]["text"] for index in range(40)] == [row["text"] for row in rows]
    assert all(answers[f"p{index}"]["type"] == "pong" for index in (0, 10, 20, 30))


LONG = {"max_new_tokens": 500, "min_new_tokens": 500, "temperature": 1, "num_return_sequences": 60}  # takes seconds


def test_cancelled_requests(ipc):
    ipc.ask(type="infer", id=0, code="warm = 1", max_new_tokens=1)
    ipc.send({"type": "infer", "id": 1, "code": "long", **LONG})
    ipc.send({"type": "infer", "id": 1, "code": "the same id"})
    assert "still being answered" in ipc.next()["message"]
    ipc.send({"type": "cancel", "id": "c", "target": 1})
    answers = [ipc.next(), ipc.next()]
    assert answers[0] == {"id": "c", "type": "cancelled", "target": 1, "cancelled": True}
    assert answers[1]["id"] == 1 and answers[1]["type"] == "completion" and answers[1]["finish_reason"] == "cancelled"
    assert ipc.ask(type="cancel", id="d", target=1)["cancelled"] is False
    ipc.send({"type": "infer", "id": 1, "code": "long again", **LONG})
    ipc.send({"type": "cancel", "id": 1})
    assert {ipc.next()["type"], ipc.next()["type"]} == {"cancelled", "completion"}


def test_c002_12_deadline_gives_what_is_written(cli):
    ipc = Ipc(cli)
    ipc.ask(type="infer", id=0, code="warm = 1", max_new_tokens=1)
    for deadline in ({}, {"deadline_ms": 30}):
        answer = ipc.ask(type="infer", id=1, code="long", **LONG, **deadline)
        assert answer["finish_reason"] == "deadline" and answer["tokensGenerated"] < 500
    assert ipc.end() == []


def test_end_of_input_answers_what_was_asked(cli):
    rows = snippets(6)
    stdin = "".join(json.dumps({"type": "infer", "id": i, "code": row["code"], "strategy": "NONE",
                                "max_new_tokens": 24}) + "\n" for i, row in enumerate(rows))
    output = cli.ok("ipc", "--model", MODEL, "--deadline-ms", "0", stdin=stdin)
    answers = {answer["id"]: answer["text"] for answer in map(json.loads, output.splitlines())}
    assert answers == {i: row["text"] for i, row in enumerate(rows)}
    assert cli.ok("ipc", "--model", MODEL, stdin="") == ""


def test_nobody_reads_any_more(cli):
    # Without a thread that reads: it would hold the pipe open.
    process = subprocess.Popen(cli.command("ipc", "--model", MODEL, "--deadline-ms", "0"), stdin=subprocess.PIPE,
                               stdout=subprocess.PIPE, cwd=cli.folder, env=cli.environment)
    try:
        process.stdin.write(b'{"type":"ping","id":0}\n')
        process.stdin.flush()
        assert json.loads(process.stdout.readline())["id"] == 0
        process.stdout.close()
        try:
            for message in ({"type": "infer", "id": 1, "code": "long", **LONG}, {"type": "ping", "id": 2}):
                process.stdin.write(json.dumps(message).encode() + b"\n")
                process.stdin.flush()
        except BrokenPipeError:
            pass
        assert process.wait(PATIENCE_SECONDS) in (0, 1)
    finally:
        process.kill()
        process.wait()
        with contextlib.suppress(BrokenPipeError):
            process.stdin.close()


PARENT = """
import subprocess, sys, time
child = subprocess.Popen(sys.argv[1:], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
child.stdin.write(b'{"type":"ping","id":1}\\n'); child.stdin.flush(); child.stdout.readline()
print(child.pid, flush=True)
time.sleep(600)
"""


def test_a_killed_parent_takes_it_along(cli):
    parent = subprocess.Popen([sys.executable, "-c", PARENT, *cli.command("ipc", "--model", MODEL)],
                              stdout=subprocess.PIPE, cwd=cli.folder, env=cli.environment)
    child = int(parent.stdout.readline())
    os.kill(parent.pid, signal.SIGKILL)
    parent.wait()
    for _ in range(PATIENCE_SECONDS * 10):
        try:
            if open(f"/proc/{child}/stat").read().rsplit(")", 1)[1].split()[0] == "Z":
                return
        except FileNotFoundError:
            return
        time.sleep(0.1)
    os.kill(child, signal.SIGKILL)
    pytest.fail("the program outlived its parent")


def test_models_that_do_not_write(cli, tiny):
    assert "does not write text" in cli.error("ipc", "--model", tiny, code=1)


def answers(done):
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


ASKED = b'{"type":"ping","id":1}\n{"type":"status","id":2}\n{"type":"infer","id":3,"code":"x = ","max_new_tokens":2}\n'


def test_without_any_model_it_says_what_to_do(cli):
    done = cli.run("ipc", stdin=ASKED)
    pong, status, error = answers(done)
    assert pong["type"] == "pong" and status["type"] == "status" and status["models"] == []
    assert error["id"] == 3 and error["type"] == "error" and "--model" in error["message"] and "pull" in error["message"]
    assert b"--model" in done.stderr


def test_without_a_name_the_configured_model_or_the_usual_one_is_taken(cli):
    (cli.folder / "models").mkdir()
    (cli.folder / "models" / "codet5p-220m").symlink_to(MODEL)
    assert [model["name"] for model in answers(cli.run("ipc", stdin=ASKED))[1]["models"]] == ["codet5p-220m"]
    (cli.folder / "vivace.yaml").write_text(f"models:\n  completion: {MODEL}\n")
    found = {answer["id"]: answer for answer in answers(cli.run("ipc", "--deadline-ms", "0", stdin=ASKED))}
    assert [model["name"] for model in found[2]["models"]] == ["completion"]
    assert found[3]["type"] == "completion" and found[3]["modelName"] == "completion"


def test_a_line_of_any_length_ends_nothing(ipc):
    ipc.send(b"x" * (66 << 20))
    error = ipc.next()
    assert error["type"] == "error" and "longer than 64 MiB" in error["message"]
    assert ipc.ask(type="ping", id=2)["type"] == "pong"
    assert ipc.end() == []


def test_answers_that_cannot_be_written_are_a_failure(cli):
    with open("/dev/full", "wb") as full:
        done = subprocess.run(cli.command("ipc", "--model", MODEL), input=b'{"type":"ping","id":"1"}\n', stdout=full,
                              stderr=subprocess.PIPE, cwd=cli.folder, env=cli.environment, timeout=PATIENCE_SECONDS, check=False)
    assert done.returncode == 1 and b"cannot write to standard output: No space left" in done.stderr


def test_two_models_have_two_names(cli):
    message = cli.error("ipc", "--model", f"a={MODEL}", "--model", f"a={MODEL}", code=1)
    assert "the name 'a' is given to two models" in message
