"""What the four systems share in one server: models, memory, warm-up, logs, metrics; and that nothing leaves the machine."""

import contextlib
import json
import os
import re
import threading

import pytest

from vivace_server import ROOT, Server

GOLDEN = ROOT / "tests" / "golden"
TINY = GOLDEN / "tiny-bert"
MODELS = [f"embedder={TINY}", f"entailment={GOLDEN / 'heads/bert-nli'}", f"detector={GOLDEN / 'detector-deberta'}",
          f"completion={GOLDEN / 't5-code'}"]
# One request of each system, with the model that computes it.
REQUESTS = [("/v1/embeddings", {"input": "x", "model": "embedder"}, "embedder"),
            ("/api/v1/embed", {"texts": ["x"]}, "embedder"),
            ("/api/v1/impact/score", {"content": "the safe stood open"}, "embedder"),
            ("/api/v1/nli", {"premise": "It rains.", "hypothesis": "It is wet."}, "entailment"),
            ("/api/v1/verify", {"claim": "The river flows.", "min_similarity": 0}, "entailment"),
            ("/api/v1/predict/sentences", {"sentences": ["one two"]}, "detector"),
            ("/api/v1/complete", {"code": "def add(", "deadline_ms": 60000}, "completion")]


@pytest.fixture(scope="module")
def shared(tmp_path_factory):
    jobs = tmp_path_factory.mktemp("shared") / "jobs.db"
    with Server("--detection-jobs-file", str(jobs), "--rate-limits", "off", "--log-format", "json", models=MODELS) as server:
        assert server.post("/api/v1/evidence", {"content": "Rivers flow into the ocean."}).status_code == 201
        yield server


def model(server, name):
    return server.get(f"/v1/models/{name}").json()


def ask_all(server):
    for path, body, _ in REQUESTS:
        answer = server.post(path, body)
        assert answer.status_code == 200, f"{path}: {answer.text}"


def test_c000_03_c004_01_all_routes_share_one_model_and_its_tokenizer(shared):
    before = {name: model(shared, name)["uses"] for _, _, name in REQUESTS}
    ask_all(shared)
    listed = shared.get("/v1/models").json()["data"]
    assert [entry["id"] for entry in listed] == ["embedder", "entailment", "detector", "completion"]
    assert [model(shared, entry["id"])["loads"] for entry in listed] == [1] * 4
    uses = {name: model(shared, name)["uses"] - count for name, count in before.items()}
    assert uses["embedder"] >= 3 and min(uses.values()) >= 1


def test_c004_05_memory_and_uses_of_each_model(shared):
    taken = 0
    for _, _, name in REQUESTS[2:]:
        facts = model(shared, name)
        memory = facts["bytes"]["weights"] + facts["bytes"]["activations"]
        assert facts["bytes"]["weights"] > 0 and shared.metric("model_memory_usage_bytes", model=name) == memory
    for name in {name for _, _, name in REQUESTS}:
        taken += shared.metric("model_memory_usage_bytes", model=name)
    used = shared.metric("vivace_memory_used_bytes")
    assert taken <= used <= shared.metric("vivace_memory_budget_bytes")
    before = model(shared, "detector")["uses"]
    shared.post("/api/v1/predict/sentences", {"sentences": ["three four"]})
    assert model(shared, "detector")["uses"] > before
    assert {model(shared, name)["device"] for _, _, name in REQUESTS} == {"cpu"}  # 004.04


def test_c004_06_every_model_is_warm_and_tells_how_long_that_took(shared):
    for name in {name for _, _, name in REQUESTS}:
        facts = model(shared, name)
        assert facts["loaded"] and facts["state"] == "ready" and facts["warm_up_ms"] > 0 and facts["load_ms"] > 0
        assert shared.metric("vivace_model_warm_up_seconds", model=name) == pytest.approx(facts["warm_up_ms"] / 1000)


def test_c004_22_logs_are_objects_that_name_models_and_verdicts(shared):
    claim = shared.post("/api/v1/verify", {"claim": "The river flows again.", "min_similarity": 0}).json()["claim_id"]
    lines = [json.loads(line) for line in shared.log().splitlines()]
    assert all({"time", "level", "message"} <= set(line) for line in lines)
    warm = [line["message"] for line in lines if "to warm up" in line["message"]]
    assert {re.match(r"model (\w+) is ready", text)[1] for text in warm} == {name for _, _, name in REQUESTS}
    assert any(line["message"].startswith(f"claim_verified claim_id={claim}") for line in lines)
    warmed = next(line["message"] for line in lines if line["message"].startswith("models_warmed_up"))
    assert all(re.search(rf" {name}_ms=\d+", warmed) for _, _, name in REQUESTS), warmed
    stats = next(line["message"] for line in lines if line["message"].startswith("cache_stats"))
    facts = dict(pair.split("=") for pair in stats.split()[1:])
    assert int(facts["models_loaded"]) == len({name for _, _, name in REQUESTS}) and float(facts["total_memory_mb"]) > 0
    assert facts["access_count"].isdigit()


def test_c001_09_status_names_what_computes(shared):
    status = shared.get("/api/v1/impact/status").json()
    names = [backend["name"] for backend in status["backends"]]
    assert names == ["cpu", "keywords"] and status["model"] == "embedder" and status["model_loaded"]
    facts = model(shared, "embedder")
    assert facts["isa"] and facts["precision"] in ("fp32", "bf16") and facts["threads"] >= 1


def test_c001_16_scoring_is_measured(shared):
    series = {name: {"model_name": "embedder"} for name in ("acgs2_model_inference_total", "acgs2_model_inference_latency_seconds_count")}
    before = [shared.metric(name, **labels) for name, labels in series.items()]
    answer = shared.post("/api/v1/impact/score", {"content": "words that nobody sent before"})
    assert answer.json()["backend"] == "cpu"
    assert all(shared.metric(name, **labels) > old for (name, labels), old in zip(series.items(), before, strict=True))


def sockets(pid):
    """(local port, remote port, state) of each TCP socket, and how many UDP sockets, of one process."""
    own = set()
    for descriptor in os.scandir(f"/proc/{pid}/fd"):
        with contextlib.suppress(FileNotFoundError):  # it may be closed meanwhile
            if found := re.match(r"socket:\[(\d+)\]", os.readlink(descriptor.path)):
                own.add(found[1])
    tables = {}
    for kind in ("tcp", "tcp6", "udp", "udp6"):
        lines = open(f"/proc/{pid}/net/{kind}").read().splitlines()[1:]
        tables[kind] = [line.split() for line in lines if line.split()[9] in own]
    tcp = [tuple(int(field.rsplit(":", 1)[1], 16) for field in row[1:3]) for row in tables["tcp"] + tables["tcp6"]]
    return tcp, len(tables["udp"] + tables["udp6"])


def test_c000_27_nothing_leaves_the_machine(shared):
    """While every system works, all connections are those of clients to the server's own port."""
    seen, stop = [], threading.Event()

    def watch():
        while not stop.is_set():
            seen.append(sockets(shared.process.pid))
    watcher = threading.Thread(target=watch)
    watcher.start()
    for _ in range(100):  # until the watcher had its turns, and one of them while somebody was connected
        ask_all(shared)
        if len(seen) > 1 and any(tcp for tcp, _ in list(seen)):
            break
    stop.set()
    watcher.join()
    assert len(seen) > 1 and any(tcp for tcp, _ in seen)
    assert {local for tcp, _ in seen for local, _ in tcp} == {shared.port}
    assert {udp for _, udp in seen} == {0}


def test_c000_32_clients_do_not_add_threads(shared):
    """Many decisions at once are computed by as many threads as the machine allows, not by one for each client."""
    before, problems, most = len(os.listdir(f"/proc/{shared.process.pid}/task")), [], [0]

    def ask(client):
        for i in range(10):
            answer = shared.post("/api/v1/impact/score", {"content": f"message {i} of client {client}", "from_agent": f"a{client}"})
            if answer.status_code != 200 or answer.json()["degraded"]:
                problems.append(answer.text)
            most[0] = max(most[0], len(os.listdir(f"/proc/{shared.process.pid}/task")))
    clients = [threading.Thread(target=ask, args=(client,)) for client in range(32)]
    for client in clients:
        client.start()
    for client in clients:
        client.join()
    assert problems == [] and most[0] <= before + 2


def test_c004_27_two_configurations_side_by_side(tmp_path):
    """What an experiment needs: two models under two names, each with numbers of its own."""
    jobs = str(tmp_path / "jobs.db")
    with Server("--detection-jobs-file", jobs, models=[f"old={TINY}", f"new={GOLDEN / 'tiny-bert-bf16'}"]) as server:
        def answered(name):
            return server.metric("vivace_engine_requests_total", model=name, outcome="succeeded")
        before = {name: answered(name) for name in ("old", "new")}  # warm-up counts too
        for name, count in (("old", 3), ("new", 2)):
            for _ in range(count):
                server.embed("x", model=name)
        assert {name: answered(name) - before[name] for name in before} == {"old": 3, "new": 2}
        assert server.metric("vivace_engine_queued_tokens", model="new") == 0  # what one would scale on
