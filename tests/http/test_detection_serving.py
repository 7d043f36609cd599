"""A detector in operation: which files and precision it computes with, on what, and several servers behind one address."""

import contextlib
import http.server
import itertools
import json
import os
import shutil
import signal
import subprocess
import threading

import pytest
import requests

from vivace_server import PROGRAM, PATIENCE_SECONDS, ROOT, Server

GOLDEN = ROOT / "tests" / "golden"
DETECTOR = GOLDEN / "detector-deberta"
SENTENCES = "/api/v1/predict/sentences"


def reference(model=DETECTOR):
    lines = (model / "reference.jsonl").read_text(encoding="utf-8").splitlines()
    return [row for row in map(json.loads, lines) if 0 < len(row["words"]) <= 350][:40]


ROWS = reference()
TEXTS = [row["text"] for row in ROWS]


def start(folder, *flags, model=DETECTOR):
    return Server("--detection-jobs-file", str(folder / "jobs.db"), *flags, models=[f"detector={model}"])


def detect(server, texts=TEXTS):
    answer = server.post(SENTENCES, {"sentences": texts})
    assert answer.status_code == 200, answer.text
    return answer.json()["probabilities"]


def largest_difference(found, rows):
    return max(abs(a - b) for one, row in zip(found, rows, strict=True) for a, b in zip(one, row["words"], strict=True))


def facts(server):
    return server.get("/v1/models/detector").json()


@pytest.fixture
def checkpoint(tmp_path):
    return shutil.copytree(DETECTOR, tmp_path / "checkpoint-best")


def test_c003_05_a_quantised_file_beside_the_checkpoint_is_found_and_announced(tmp_path, checkpoint):
    with start(tmp_path, "--precision", "int8") as server:
        expected = detect(server)
    with start(tmp_path, model=checkpoint) as server:
        assert "beside the checkpoint" not in server.log() and facts(server)["precision"] != "int8"
    subprocess.run([PROGRAM, "pack", checkpoint, "--precision", "int8"], check=True, capture_output=True, timeout=PATIENCE_SECONDS)
    [packed] = checkpoint.glob("vivace-*-int8.packed")
    with start(tmp_path, model=checkpoint) as server:
        assert f"found {packed} beside the checkpoint: computing in int8 from it" in server.log()
        assert facts(server)["precision"] == "int8" and detect(server) == expected
    with start(tmp_path, "--precision", "fp32", model=checkpoint) as server:  # who asks for a precision gets that one
        assert facts(server)["precision"] == "fp32" and "beside the checkpoint" not in server.log()
        assert largest_difference(detect(server), ROWS) <= 2e-4
    packed.write_bytes(packed.read_bytes()[:-1])
    with start(tmp_path, model=checkpoint) as server:
        assert "reading the checkpoint instead of its packed file" in server.log() and facts(server)["precision"] != "int8"


def test_c003_05_a_converted_model_alone_is_served(tmp_path):
    packed = tmp_path / "detector.packed"
    subprocess.run([PROGRAM, "pack", DETECTOR, "--precision", "int8", "--output", packed], check=True, capture_output=True,
                   timeout=PATIENCE_SECONDS)
    with start(tmp_path, "--precision", "int8") as server:
        expected = detect(server)
    with start(tmp_path, model=packed) as server:
        assert facts(server)["precision"] == "int8" and detect(server) == expected


def threads_of(server):
    return len(os.listdir(f"/proc/{server.process.pid}/task"))


def test_c003_06_threads_are_those_that_were_asked_for(tmp_path):
    counts = {}
    for threads in (1, 5):
        with start(tmp_path, "--threads", str(threads)) as server:
            assert facts(server)["threads"] == threads
            detect(server)
            counts[threads] = threads_of(server)
    assert counts[5] == counts[1] + 4


@pytest.mark.parametrize("precision, least, most", [("fp32", 0, 2e-4), ("bf16", 2e-4, 0.02)])
def test_c003_09_half_precision_can_be_switched(tmp_path, precision, least, most):
    with start(tmp_path, "--precision", precision) as server:
        assert facts(server)["precision"] == precision
        difference = largest_difference(detect(server), ROWS)
        assert least <= difference <= most, difference


def test_c003_12_the_device_is_named(tmp_path):
    with start(tmp_path) as server:
        assert server.get("/api/v1/detection/status").json()["device"] == facts(server)["device"] == "cpu"


def test_c003_11_another_model_by_configuration_alone(tmp_path):
    """From the large model to the distilled one while the server runs (003.18)."""
    config = tmp_path / "vivace.yaml"
    flags = ["--precision", "fp32", "--config", str(config), "--detection-jobs-file", str(tmp_path / "jobs.db")]
    models = [DETECTOR, GOLDEN / "detector-distilbert"]
    config.write_text(json.dumps({"models": {"detector": str(models[0])}}), encoding="utf-8")
    with Server(*flags, models=[]) as server:
        assert largest_difference(detect(server), ROWS) <= 2e-4
        config.write_text(json.dumps({"models": {"detector": str(models[1])}}), encoding="utf-8")
        server.process.send_signal(signal.SIGHUP)
        server.wait_until(lambda: facts(server)["loads"] == 2)
        assert facts(server)["architecture"] == "distilbert"
        rows = reference(models[1])
        assert largest_difference(detect(server, [row["text"] for row in rows]), rows) <= 2e-4


def is_ready(server):
    try:
        return server.is_ready()
    except requests.ConnectionError:
        return False


@contextlib.contextmanager
def balancer(servers):
    """An address that hands each request to the next server that says it is ready."""
    turns = itertools.count()

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self):
            body = self.rfile.read(int(self.headers["content-length"]))
            ready = [server for server in servers if is_ready(server)]
            answer = ready[next(turns) % len(ready)].post(self.path, data=body, headers={"content-type": "application/json"})
            self.send_response(answer.status_code)
            self.send_header("content-length", str(len(answer.content)))
            self.end_headers()
            self.wfile.write(answer.content)

        def log_message(self, *_):
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as running:
        thread = threading.Thread(target=running.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{running.server_port}"
        running.shutdown()
        thread.join()


def ask_often(url, done, problems):
    for row in ROWS[:10]:
        answer = requests.post(url + SENTENCES, json={"sentences": [row["text"]]}, timeout=PATIENCE_SECONDS)
        if answer.status_code != 200 or largest_difference(answer.json()["probabilities"], [row]) > 2e-4:
            problems.append(answer.text)
        done.release()


def test_c003_19_several_servers_behind_one_address(tmp_path):
    """One of them is told to stop in the middle: it says so before it refuses, so no request is lost."""
    folders = [tmp_path / name for name in ("first", "second")]
    for folder in folders:
        folder.mkdir()
    with (start(folders[0], "--precision", "fp32", "--drain-delay-seconds", "6") as first,
          start(folders[1], "--precision", "fp32") as second, balancer([first, second]) as url):
        done, problems = threading.Semaphore(0), []
        clients = [threading.Thread(target=ask_often, args=(url, done, problems)) for _ in range(4)]
        for client in clients:
            client.start()
        for _ in range(12):
            done.acquire()
        before = [server.metric("vivace_detection_requests_total") for server in (first, second)]
        assert all(count >= 3 for count in before)
        first.process.send_signal(signal.SIGTERM)
        for client in clients:
            client.join()
        assert problems == [] and not is_ready(first)
        assert second.metric("vivace_detection_requests_total") > before[1]
