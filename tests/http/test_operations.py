"""What operators meet: probes, metrics, configuration, overload, shutdown."""

import collections
import concurrent.futures
import json
import os
import re
import resource
import shutil
import signal
import socket
import subprocess
import time
from pathlib import Path

import pytest
import requests
from openapi_spec_validator import validate

from vivace_server import MODEL, PATIENCE_SECONDS, PROGRAM, ROOT, Server, clean_environment, metrics, post_bytes


def serve(*arguments, environment=None, directory=None):
    """A server that is expected to end by itself."""
    return subprocess.run([str(PROGRAM), "serve", *arguments], capture_output=True, text=True, cwd=directory,
                          timeout=PATIENCE_SECONDS, env=clean_environment() | (environment or {}))


def test_not_ready_until_every_model_is_warm():
    with Server(models=[f"m{i}={MODEL}" for i in range(8)], wait_ready=False) as server:
        early = server.get("/ready")
        assert early.status_code == 503 and early.headers["retry-after"]
        assert early.json()["status"] == "not_ready"
        assert early.json()["models"][-1] == {"name": "m7", "state": "loading"}
        assert server.get("/health").status_code == 200
        refused = server.post("/v1/embeddings", {"input": "x", "model": "m7"})
        assert refused.status_code == 503 and refused.headers["retry-after"] and "loading" in refused.text
        server.wait_until(server.is_ready)
        assert server.get("/ready").json()["status"] == "ready"
        assert len(server.embed("x", model="m7")[0]) == 384
        assert len(server.get("/v1/models").json()["data"]) == 8


def test_c003_health_tells_of_a_model_that_there_is_and_of_services_that_there_are_not():
    with Server(wait_ready=False) as server:
        assert server.get("/health").json()["device"] == "cpu"
        server.wait_until(server.is_ready)
        health = server.get("/health").json()
        assert health["status"] == "healthy" and health["model_loaded"] is True and health["model_version"] == MODEL.name
        assert {service["status"] for service in health["services"].values()} == {"not_in_use"}
    with Server(models=[f"m={MODEL}", f"embedder={ROOT}/tests/golden/tiny-bert"]) as server:
        assert server.get("/health").json()["services"]["embedding_service"]["status"] == "healthy"


def test_every_series_is_there_from_the_start():
    with Server(wait_ready=False) as server:
        early = server.get("/metrics")
        assert early.headers["content-type"].startswith("text/plain; version=0.0.4")
        server.wait_until(server.is_ready)
        server.embed(["a", "b"])
        server.post("/v1/embeddings", {"input": ""})
        server.get("/nothing")
        late = server.get("/metrics").text
    assert set(metrics(early.text)) == set(metrics(late))
    families = set(re.findall(r"^# TYPE (\w+)", early.text, re.M))
    assert {"vivace_build_info", "vivace_http_requests_total", "vivace_http_request_seconds", "vivace_model_state",
            "vivace_http_requests_in_flight", "vivace_http_connections", "vivace_engine_queued_texts",
            "vivace_engine_queued_tokens", "vivace_engine_requests_total", "vivace_engine_tokens_total",
            "vivace_engine_batch_tokens", "vivace_draining", "process_resident_memory_bytes"} <= families


def test_warming_up_is_no_traffic():
    golden = ROOT / "tests" / "golden"
    models = [f"m={golden}/tiny-bert", f"classes={golden}/heads/bert-nli", f"words={golden}/detector-deberta",
              f"completion={golden}/t5-code"]
    with Server(models=models) as server:
        counted = {series: value for series, value in server.metrics().items() if series[0].startswith("vivace_engine_")}
    assert len(counted) > 100 and set(counted.values()) == {0}


def test_no_series_is_there_twice(tiny_server):
    lines = [line for line in tiny_server.get("/metrics").text.splitlines() if line and not line.startswith("#")]
    series = [line.rsplit(" ", 1)[0] for line in lines]
    assert [name for name, count in collections.Counter(series).items() if count > 1] == []
    both = {"route": "/api/v1/jobs/{job_id}", "status": "4xx"}
    before = {method: tiny_server.metric("vivace_http_requests_total", method=method, **both) for method in ("GET", "DELETE")}
    tiny_server.request("DELETE", "/api/v1/jobs/none")
    assert tiny_server.metric("vivace_http_requests_total", method="DELETE", **both) == before["DELETE"] + 1
    assert tiny_server.metric("vivace_http_requests_total", method="GET", **both) == before["GET"]


def test_each_request_is_counted_once():
    with Server() as server:
        route = {"route": "/v1/embeddings", "method": "POST"}
        server.embed("a")
        server.embed(["a", "b"])
        server.post("/v1/embeddings", {"input": ""})
        with server.connect() as connection:
            connection.send(post_bytes("/v1/embeddings", "{")).read_response()
        assert server.metric("vivace_http_requests_total", status="2xx", **route) == 2
        assert server.metric("vivace_http_requests_total", status="4xx", **route) == 2
        assert server.metric("vivace_http_request_seconds_count", **route) == 4
        assert server.metric("vivace_http_requests_in_flight") == 1  # this one
        assert server.metric("vivace_engine_requests_total", model="minilm", outcome="succeeded") == 2


def test_openapi_is_valid_and_complete(server):
    document = server.get("/openapi.json").json()
    validate(document)
    assert {"/", "/health", "/ready", "/metrics", "/openapi.json", "/tokenize", "/v1/embeddings", "/v1/models",
            "/v1/models/{model}", "/v1/completions", "/api/v1/complete", "/api/v1/predict/sentences",
            "/api/v1/verify"} <= set(document["paths"])
    dimensions = document["components"]["schemas"]["EmbeddingsRequest"]["properties"]["dimensions"]
    assert dimensions["maximum"] == 384


def test_openapi_tells_what_any_of_the_models_takes():
    golden = ROOT / "tests" / "golden"
    with Server(models=[f"dense={golden}/heads/st-dense", f"tiny={golden}/tiny-bert", f"labels={golden}/heads/bert-nli"]) as server:
        models = server.get("/v1/models").json()["data"]
        fields = server.get("/openapi.json").json()["components"]["schemas"]["EmbeddingsRequest"]["properties"]
        assert fields["dimensions"]["maximum"] == max(model.get("dimensions", 0) for model in models) > models[0]["dimensions"]
        names = {name for model in models[:2] for name in model["prompt_names"]}
        assert names and fields["prompt_name"]["enum"] == [None, *sorted(names)]
    with Server("--model-loading", "when_asked", models=[f"tiny={golden}/tiny-bert"]) as server:
        document = server.get("/openapi.json").json()
        validate(document)
        fields = document["components"]["schemas"]["EmbeddingsRequest"]["properties"]
        assert "maximum" not in fields["dimensions"] and "enum" not in fields["prompt_name"]


def test_openapi_tells_all_answers_of_claims(tiny_server):
    document = tiny_server.get("/openapi.json").json()
    answers = document["paths"]["/api/v1/verdicts/{claim_id}"]["get"]["responses"]
    assert answers["202"]["content"]["application/json"]["schema"]["$ref"].endswith("/TaskStatus")
    outcome = document["components"]["schemas"]["TaskOutcome"]["anyOf"]
    assert [part["$ref"].rsplit("/")[-1] for part in outcome] == ["TaskResult", "TaskStatus"]
    for path in ("/api/v1/claims", "/api/v1/claims/{claim_id}", "/api/v1/verdict/{claim_id}", "/api/v1/tasks/{task_id}"):
        assert {"403", "504"} <= set(document["paths"][path]["get"]["responses"]), path


def test_overload_is_refused_with_retry_after():
    flags = ("--threads", "1", "--max-queued-texts", "64", "--max-texts-per-request", "64")
    with Server(*flags) as server, concurrent.futures.ThreadPoolExecutor(24) as pool:
        body = {"input": ["some words to fill time " * 10] * 64}
        answers = list(pool.map(lambda _: server.post("/v1/embeddings", body), range(48)))
        codes = {answer.status_code for answer in answers}
        assert codes == {200, 429}
        refused = next(answer for answer in answers if answer.status_code == 429)
        assert int(refused.headers["retry-after"]) >= 1
        assert refused.json()["error"]["type"] == "rate_limit_error"
        assert len(server.embed("calm again")[0]) == 384
        overloaded = server.metric("vivace_engine_requests_total", model="minilm", outcome="overloaded")
        assert overloaded == sum(answer.status_code == 429 for answer in answers)


def test_deadline():
    with Server("--threads", "1", "--max-batch-tokens", "256") as server:
        with server.connect() as connection:
            connection.send(post_bytes("/v1/embeddings", json.dumps({"input": ["many words " * 100] * 40})))
            server.wait_until(lambda: server.metric("vivace_engine_queued_texts", model="minilm") > 10)
            late = server.post("/v1/embeddings", {"input": ["x " * 200] * 16}, headers={"request-timeout-ms": "1"})
            assert late.status_code == 504 and late.json()["error"]["code"] == "deadline_exceeded"
            assert connection.read_response()[0] == 200


def test_sigterm_finishes_what_is_in_flight():
    with Server("--threads", "1", "--max-batch-tokens", "512") as server:
        with server.connect() as busy, server.connect() as idle:
            idle.send("GET /health HTTP/1.1\r\nhost: t\r\n\r\n").read_response()
            busy.send(post_bytes("/v1/embeddings", json.dumps({"input": ["many words " * 100] * 24})))
            server.wait_until(lambda: server.metric("vivace_engine_queued_texts", model="minilm") > 10)
            server.process.send_signal(signal.SIGTERM)
            status, headers, body = busy.read_response()
            assert (status, headers["connection"], len(json.loads(body)["data"])) == (200, "close", 24)
            assert busy.is_closed() and idle.is_closed()
        assert server.process.wait(PATIENCE_SECONDS) == 0
        assert "stopped" in server.log()
        with pytest.raises(ConnectionRefusedError):
            server.connect()


def test_ready_says_so_while_draining():
    with Server("--drain-delay-seconds", "4") as server:
        server.process.send_signal(signal.SIGTERM)
        server.wait_until(lambda: server.get("/ready").json()["status"] == "draining")
        answer = server.get("/ready")
        assert answer.status_code == 503 and answer.headers["connection"] == "close"
        assert server.metric("vivace_draining") == 1
        assert len(server.embed("still answered")[0]) == 384
        assert server.process.wait(PATIENCE_SECONDS) == 0


def test_drain_time_is_limited():
    with Server("--drain-seconds", "0.2") as server:
        with server.connect() as connection:
            connection.send("POST /v1/embeddings HTTP/1.1\r\nhost: t\r\ncontent-length: 9\r\n\r\n{")
            server.wait_until(lambda: server.metric("vivace_http_connections") >= 1)
            server.process.send_signal(signal.SIGINT)
            assert server.process.wait(PATIENCE_SECONDS) == 0
            assert "drain_seconds are over" in server.log()


def test_second_signal_stops_at_once():
    with Server("--drain-delay-seconds", "3600") as server:
        server.process.send_signal(signal.SIGTERM)
        server.wait_until(lambda: "draining" in server.log())
        time.sleep(0.2)  # from the log line to the signals' default effect
        server.process.send_signal(signal.SIGTERM)
        assert server.process.wait(PATIENCE_SECONDS) == -signal.SIGTERM


def test_a_log_that_nobody_reads_ends_nothing(tmp_path):
    reader, writer = os.pipe()
    command = [str(PROGRAM), "serve", "--host", "127.0.0.1", "--port", "0", "--log-level", "debug", "--model", str(MODEL)]
    process = subprocess.Popen(command, stderr=writer, stdin=subprocess.DEVNULL, env=clean_environment() | {"HOME": str(tmp_path)})
    os.close(writer)
    try:
        with os.fdopen(reader) as log:
            url = next(line for line in log if "listening on " in line).split("listening on ")[1].strip()
        for _ in range(3):
            assert requests.get(f"{url}/health", timeout=PATIENCE_SECONDS).status_code == 200
        process.send_signal(signal.SIGTERM)
        assert process.wait(PATIENCE_SECONDS) == 0
    finally:
        process.kill()
        process.wait()


def test_more_connections_than_files_at_first():
    """Many systems give a process 1024 files, and let it have more: each connection takes one."""
    def few_files():
        resource.setrlimit(resource.RLIMIT_NOFILE, (64, resource.getrlimit(resource.RLIMIT_NOFILE)[1]))
    # Room beside them: each look at the metrics is a connection, too, and the one before may still be closing.
    with Server("--max-connections", "110", preexec_fn=few_files) as server:
        opened = [socket.create_connection(("127.0.0.1", server.port)) for _ in range(99)]
        server.wait_until(lambda: server.metric("vivace_http_connections") >= 100)
        for connection in opened:
            connection.close()
    with Server("--max-connections", "100", preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (64, 64))) as server:
        assert "max_connections is 100, but the system gives this process 64 files" in server.log()


def one_line_failure(result, *parts, code=1):
    assert result.returncode == code, result
    lines = [line for line in result.stderr.splitlines() if line.startswith("vivace: ")]
    assert len(lines) == 1 and result.stderr.splitlines()[-1] == lines[0], result.stderr
    for part in parts:
        assert part in lines[0], result.stderr


def test_port_in_use(server):
    result = serve("--host", "127.0.0.1", "--port", str(server.port), "--model", str(MODEL))
    one_line_failure(result, f"cannot listen on 127.0.0.1:{server.port}", "in use", "--port")


def test_bad_host():
    one_line_failure(serve("--host", "no.such.host.invalid", "--port", "0", "--model", str(MODEL)), "cannot listen on")


def test_missing_model(tmp_path):
    one_line_failure(serve("--port", "0", "--model", str(tmp_path / "nothing")), str(tmp_path / "nothing"), code=2)


def test_unknown_isa():
    one_line_failure(serve("--port", "0", "--isa", "mmx", "--model", str(MODEL)), "mmx", code=2)


def test_configuration_problems_come_together(tmp_path):
    (tmp_path / "vivace.yaml").write_text("prot: 8080\nport: 99999\nmodels: [a]\nlog_level: loud\nthreads: \"2\"\n")
    for command in (("--check",), ()):
        result = serve(*command, directory=tmp_path, environment={"VIVACE_IO_THREADS": "no", "VIVACE_THREADS": "9999"})
        assert result.returncode == 2  # wrong usage, as for a wrong flag
        for part in ("7 problems", "VIVACE_THREADS: is 9999", "vivace.yaml: prot: unknown key (line 1)", "vivace.yaml: port: is 99999",
                     "vivace.yaml: models: expected a map", "vivace.yaml: log_level: is 'loud'",
                     "vivace.yaml: threads: expected a number", "VIVACE_IO_THREADS: expected an integer"):
            assert part in result.stderr


def test_each_wrong_model_is_named(tmp_path):
    (tmp_path / "vivace.yaml").write_text("models:\n  a: /x\n  b: [c]\n  \"\": /y\n  d:\n")
    result = serve("--check", directory=tmp_path)
    assert result.returncode == 2
    for part in ("expected NAME: DIR in line 3 (b: found", "in line 4", "in line 5 (d: found"):
        assert part in result.stderr


def test_check_accepts_a_good_file(tmp_path):
    file = tmp_path / "good.yaml"
    file.write_text(f"port: 0\nmodels:\n  embedder: {MODEL}\nmax_connections: 5\n")
    assert serve("--config", str(file), "--check").returncode == 0


TINY = str(ROOT / "tests" / "golden" / "tiny-bert")


def test_every_kind_of_configuration_problem_is_told_at_once(tmp_path):
    (tmp_path / "vivace.yaml").write_text("rate_limits: foo\ntenant_keys: bar\nisa: zzz\nmodels: {a: /nope1, b: /nope2}\n"
                                          "max_text_bytes: 100000000\nbogus: 1\nport: 1\nport: 2\nport: 3\n")
    for command in (("--check",), ()):
        result = serve(*command, directory=tmp_path)
        assert result.returncode == 2
        for part in ("8 problems", "vivace.yaml: rate_limits: 'foo' is no limit", "vivace.yaml: tenant_keys: expected",
                     "vivace.yaml: isa: instruction set 'zzz' is unknown", "models: a: model '/nope1'", "models: b: model '/nope2'",
                     "max_text_bytes: is 100000000, more than", "vivace.yaml: bogus: unknown key (line 6)",
                     "vivace.yaml: port: is given 3 times"):
            assert result.stderr.count(part) == 1, (part, result.stderr)


def broken_models(folder):
    """Copies of a model whose configuration is fine, and what is said of each."""
    def copy(name):
        return Path(shutil.copytree(TINY, folder / name))
    def change(name, file, old, new):
        path = copy(name) / file
        path.write_bytes(path.read_bytes().replace(old, new))
    (copy("cut") / "model.safetensors").write_bytes(Path(TINY, "model.safetensors").read_bytes()[:1000])
    (copy("empty") / "model.safetensors").unlink()
    (copy("wordless") / "tokenizer.json").unlink()
    (copy("garbled") / "tokenizer.json").write_text("{")
    change("strange", "config.json", b'"model_type": "bert"', b'"model_type": "burt"')
    change("renamed", "model.safetensors", b"embeddings.word_embeddings.weight", b"embeddings.word_embeddings.heavvy")
    return {"cut": "it was cut short", "empty": "has neither safetensors", "wordless": "tokenizer.json", "garbled": "tokenizer.json",
            "strange": "burt", "renamed": "the weights do not fit the model"}


def test_check_loads_every_model(tmp_path):
    broken = broken_models(tmp_path)
    models = [flag for name in broken for flag in ("--model", str(tmp_path / name))]
    result = serve("--check", *models, "--model", TINY, "--host", "not an address", "--store", "/nope/evidence.db")
    assert result.returncode == 1
    lines = result.stderr.splitlines()
    assert f"{len(broken) + 2} problems" in lines[0], result.stderr
    for name, part in broken.items():
        assert any(f"model '{name}': " in line and part in line for line in lines), (name, result.stderr)
    assert "host: cannot listen on 'not an address'" in result.stderr
    assert "evidence_store: the store '/nope/evidence.db' cannot be opened: there is no folder '/nope'" in result.stderr


def test_check_opens_the_store_without_making_it(tmp_path):
    check = ("--check", "--model", TINY, "--store")
    assert serve(*check, str(tmp_path / "new.db")).returncode == 0 and list(tmp_path.iterdir()) == []
    (tmp_path / "notes.txt").write_text("dear diary, today nothing happened\n")
    for path, part in ((tmp_path / "notes.txt", "is no store"), (tmp_path, "is a folder")):
        one_line_failure(serve(*check, str(path)), part)
    one_line_failure(serve(*check, "postgresql://nobody@127.0.0.1:1/none"), "evidence_store: ")


def test_check_looks_at_the_jobs_file(tmp_path):
    (tmp_path / "notes.txt").write_text("not a database")
    check = ("--check", "--model", TINY, "--detection-jobs-file")
    for path, part in ((tmp_path / "notes.txt", "is no store"), ("/nope/jobs.db", "there is no folder '/nope'")):
        one_line_failure(serve(*check, str(path)), f"detection_jobs_file: the store '{path}' cannot be opened: ", part)
    assert serve(*check, str(tmp_path / "jobs.db")).returncode == 0
    assert not (tmp_path / "jobs.db").exists()
    (tmp_path / "c.jsonl").write_text('{"content":"water boils"}\n')
    subprocess.run([str(PROGRAM), "ingest", "c.jsonl", "--store", "made.db", "--no-model"], cwd=tmp_path, check=True,
                   capture_output=True, env=clean_environment())
    assert serve(*check, str(tmp_path / "made.db")).returncode == 0


def test_names_are_looked_up_in_the_configuration_too(tmp_path):
    (tmp_path / "vivace.yaml").write_text(f"models: {{mine: {TINY}}}\n")
    for flags in ((), ("--model", "mine"), ("--model", "yours=mine")):
        assert serve("--check", *flags, directory=tmp_path).returncode == 0
    one_line_failure(serve("--check", "--model", "theirs", directory=tmp_path), "models: theirs: model 'theirs' is neither", code=2)


def test_printed_configuration_can_be_read_back(tmp_path):
    file = tmp_path / "printed.yaml"
    file.write_text(serve("--print-config", "--port", "1234", "--model", f"m={MODEL}").stdout)
    again = serve("--config", str(file), "--print-config").stdout
    assert again == file.read_text() and "port: 1234\n" in again


def test_json_log():
    with Server("--log-format", "json", wait_ready=False) as server:
        server.wait_until(server.is_ready)
        for line in server.log().splitlines():
            assert set(json.loads(line)) == {"time", "level", "message"}


def test_ipv6():
    if not os.path.exists("/proc/net/if_inet6") or not socket.has_ipv6:
        pytest.skip("this machine has no IPv6")
    process = subprocess.Popen([str(PROGRAM), "serve", "--host", "::1", "--port", "0", "--model", str(MODEL)],
                               stderr=subprocess.PIPE, text=True, env=clean_environment())
    try:
        line = process.stderr.readline()
        if "Cannot assign requested address" in line:
            pytest.skip("this machine has no IPv6 loopback")
        assert re.search(r"listening on http://\[::1\]:\d+", line)
    finally:
        process.terminate()
        process.communicate()
