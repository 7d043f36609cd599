"""64 clients who score messages and detect AI text, then one model after the other fails: what each of them may notice, and
that everything comes back, read from the metrics.

VIVACE_LOAD_SECONDS: how long the load without a failure lasts; `make nightly` takes 60.
"""

import json
import os
import resource
import shutil
import signal
import time
from types import SimpleNamespace

import pytest

from mixed_load import BATCH, CLIENTS, IMPACT, JOBS, SENTENCES, MixedLoad
from odd_models import deepen, enlarge
from vivace_server import MODEL, PATIENCE_SECONDS, PROGRAM, ROOT, Server

GOLDEN = ROOT / "tests/golden"
SECONDS = float(os.environ.get("VIVACE_LOAD_SECONDS", "8"))
SANITIZED = "san" in str(PROGRAM)
ADMIN = {"Authorization": "Bearer sesame"}
BUDGET_MB = 192
# No answer takes so much longer than its time, however busy the machine is; what hangs does.
MARGIN_SECONDS = PATIENCE_SECONDS if SANITIZED else 60
PATHS = {IMPACT, BATCH, SENTENCES, JOBS}


def write_config(setup):
    setup.config.write_text(json.dumps({
        "models": {name: str(path) for name, path in setup.models.items()}, "model_loading": "when_asked", "threads": 2,
        "memory_budget_mb": BUDGET_MB, "max_batch_tokens": 2048, "impact_cache_mb": 1, "detection_cache_bytes": 0,
        "detection_jobs_file": str(setup.config.with_name("jobs.db")), "impact_model_seconds": PATIENCE_SECONDS,
        "breaker_slow_seconds": 0.1, "breaker_pause_seconds": 0.5, "admin_key": "sesame"}), encoding="utf-8")


@pytest.fixture(scope="module")
def setup(tmp_path_factory):
    folder = tmp_path_factory.mktemp("load")
    models = {"impact": shutil.copytree(MODEL, folder / MODEL.name),
              "detector": shutil.copytree(GOLDEN / "detector-distilbert", folder / "detector"),
              "spare": enlarge(GOLDEN / "tiny-bert", folder / "spare", 8)}
    setup = SimpleNamespace(config=folder / "vivace.yaml", models=models, folder=folder)
    write_config(setup)
    with Server("--config", str(setup.config), models=[]) as server:
        setup.server = server
        for name in ("impact", "detector"):
            assert admin(server, name, "load").status_code == 200
        yield setup


def admin(server, name, change):
    return server.post(f"/v1/models/{name}/{change}", headers=ADMIN)


class Counts:
    """What the metrics counted since this was made."""

    def __init__(self, server):
        self.server = server
        self.before = server.metrics()

    def __call__(self, name, **labels):
        key = name, frozenset(labels.items())
        return self.server.metrics()[key] - self.before.get(key, 0)

    def errors(self, path):
        return sum(self("vivace_http_requests_total", route=path, method="POST", status=status) for status in ("4xx", "5xx"))

    def transitions(self, model):
        return {to: self("vivace_breaker_transitions_total", model=model, to=to) for to in ("open", "half_open", "closed")}

    def fallbacks(self):
        return self("vivace_impact_backend_failures_total", backend="cpu")


def check_answers(setup, load, mark):
    """Whatever failed: nothing came later than it may, and nothing but the documented statuses."""
    for answer in load.since(mark):
        assert answer.status in (200, 429, 503, 504), answer
        assert answer.seconds < answer.timeout + MARGIN_SECONDS, answer
    used, budget = (setup.server.metric(f"vivace_memory_{name}_bytes") for name in ("used", "budget"))
    assert used <= budget <= BUDGET_MB << 20
    if not SANITIZED:
        assert load.peak_resident <= 1.1 * (BUDGET_MB << 20)


def end_jobs(server):
    server.wait_until(lambda: server.metric("vivace_detection_jobs_waiting") == 0)


def test_without_a_failure_no_request_fails(setup):
    server = setup.server
    counts = Counts(server)
    with MixedLoad(server) as load:
        time.sleep(SECONDS)
        for path in PATHS:
            load.wait_for(path, CLIENTS // 4, mark=0)  # each client, at least once
        took = load.elapsed
        assert server.metric("vivace_http_connections") >= CLIENTS
    assert {path: counts.errors(path) for path in PATHS} == dict.fromkeys(PATHS, 0)
    for path in PATHS:
        assert counts("vivace_http_requests_total", route=path, method="POST", status="2xx") == len(load.since(0, path))
        print(f"{path}: {len(load.since(0, path))} answers in {took:.0f} s, slowest {max(a.seconds for a in load.since(0, path)):.3f} s")
    assert all(not answer.body["degraded"] for answer in load.since(0, IMPACT)) and counts.fallbacks() == 0
    assert counts.transitions("impact") == counts.transitions("detector") == {"open": 0, "half_open": 0, "closed": 0}
    check_answers(setup, load, 0)
    print(f"resident: at most {load.peak_resident >> 20} MiB, budget {BUDGET_MB} MiB")
    end_jobs(server)
    assert counts("vivace_detection_jobs_total", state="failed") == 0
    assert counts("vivace_detection_jobs_total", state="complete") == len(load.since(0, JOBS))


def corrupt(path):
    """Cuts the weights short, under their name at once, as a copy that was broken off would; returns what mends them."""
    whole, part = path.with_suffix(".whole"), path.with_suffix(".part")
    part.write_bytes(path.read_bytes()[:1000])
    os.link(path, whole)
    os.replace(part, path)
    return lambda: os.replace(whole, path)


def test_a_corrupted_file_of_impact_scoring_costs_no_request(setup):
    server = setup.server
    with MixedLoad(server) as load:
        load.wait_for(IMPACT, CLIENTS)
        counts = Counts(server)
        mend = corrupt(setup.models["impact"] / "model.safetensors")
        assert admin(server, "impact", "unload").status_code == 200
        refused = admin(server, "impact", "load")
        assert refused.status_code == 500 and "model.safetensors" in refused.json()["error"]["message"]
        assert server.metric("vivace_model_state", model="impact", state="failed") == 1
        by_keywords = counts("vivace_impact_backend_calls_total", backend="keywords")
        load.wait_for(IMPACT, CLIENTS, wanted=lambda a: a.status == 200 and a.body["degraded"] and a.body["backend"] == "keywords")
        assert counts.fallbacks() >= CLIENTS
        assert counts("vivace_impact_backend_calls_total", backend="keywords") >= by_keywords + CLIENTS
        mend()
        assert admin(server, "impact", "load").status_code == 200
        load.wait_for(IMPACT, CLIENTS, wanted=lambda a: a.status == 200 and a.body["backend"] == "cpu" and not a.body["degraded"])
        load.wait_for(SENTENCES, CLIENTS)
        assert {path: counts.errors(path) for path in PATHS} == dict.fromkeys(PATHS, 0)
        assert server.metric("vivace_model_state", model="impact", state="ready") == 1
    check_answers(setup, load, 0)
    end_jobs(server)


def test_a_corrupted_file_of_detection_is_told_and_jobs_wait_for_its_end(setup):
    server = setup.server
    with MixedLoad(server) as load:
        load.wait_for(SENTENCES, CLIENTS)
        counts = Counts(server)
        mend = corrupt(setup.models["detector"] / "model.safetensors")
        assert admin(server, "detector", "unload").status_code == 200
        assert admin(server, "detector", "load").status_code == 500
        mark = load.mark()
        load.wait_for(SENTENCES, CLIENTS, mark, wanted=lambda a: a.status == 503 and "detector" in a.body["detail"])
        server.wait_until(lambda: server.metric("vivace_detection_jobs_waiting") >= CLIENTS / 4)
        assert counts.errors(IMPACT) == counts.errors(BATCH) == counts.errors(JOBS) == 0 == counts.fallbacks()
        assert counts.errors(SENTENCES) >= CLIENTS
        mend()
        assert admin(server, "detector", "load").status_code == 200
        load.wait_for(SENTENCES, CLIENTS)
        server.wait_until(lambda: counts("vivace_detection_jobs_total", state="complete") >= CLIENTS / 4)
        recovered = Counts(server)
        load.wait_for(SENTENCES, CLIENTS)
        assert recovered.errors(SENTENCES) == 0
        assert counts("vivace_detection_jobs_total", state="failed") == 0
    check_answers(setup, load, 0)
    end_jobs(server)


def test_a_model_that_the_budget_does_not_hold_costs_the_others_nothing(setup):
    server = setup.server
    with MixedLoad(server) as load:
        load.wait_for(IMPACT, CLIENTS)
        counts = Counts(server)
        for _ in range(5):
            refused = admin(server, "spare", "load")
            assert refused.status_code == 503
            assert "it needs 8." in refused.json()["error"]["message"] and "budget of" in refused.json()["error"]["message"]
        assert server.metric("vivace_model_state", model="spare", state="unloaded") == 1
        load.wait_for(IMPACT, CLIENTS)
        load.wait_for(SENTENCES, CLIENTS)
        assert {path: counts.errors(path) for path in PATHS} == dict.fromkeys(PATHS, 0) and counts.fallbacks() == 0
        for name in ("impact", "detector"):
            assert counts("vivace_model_evictions_total", model=name) == counts("vivace_model_loads_total", model=name) == 0
    check_answers(setup, load, 0)
    end_jobs(server)


def exchange(setup, name, path):
    setup.models[name] = path
    write_config(setup)
    loads = setup.server.metric("vivace_model_loads_total", model=name)
    setup.server.process.send_signal(signal.SIGHUP)
    setup.server.wait_until(lambda: setup.server.metric("vivace_model_loads_total", model=name) > loads)


def test_c002_13_a_slow_model_is_left_alone_until_it_is_quick_again(setup):
    """Deadlines are kept, the breaker opens, one call after the other tries, and with a quick model it closes."""
    server = setup.server
    quick = setup.models["detector"]
    slow = deepen(quick, setup.folder / "slow", 20 if SANITIZED else 200)
    with MixedLoad(server) as load:
        load.wait_for(SENTENCES, CLIENTS)
        counts = Counts(server)
        exchange(setup, "detector", slow)
        mark = load.mark()
        load.timeouts[SENTENCES], load.sentences = 0.2, 60  # a pass over so much takes longer than that on any machine
        load.wait_for(SENTENCES, 5, mark, wanted=lambda a: a.status == 504 and "deadline" in a.body["detail"])
        load.wait_for(SENTENCES, 5, mark, wanted=lambda a: a.status == 503 and "left alone" in a.body["detail"])
        server.wait_until(lambda: counts.transitions("detector")["half_open"] >= 1 and counts.transitions("detector")["open"] >= 2)
        assert counts("vivace_breaker_refused_total", model="detector") >= 5
        load.relax()
        exchange(setup, "detector", quick)
        server.wait_until(lambda: server.metric("vivace_breaker_state", model="detector", state="closed") == 1)
        load.wait_for(SENTENCES, CLIENTS)
        recovered = Counts(server)
        load.wait_for(SENTENCES, CLIENTS)
        load.wait_for(IMPACT, CLIENTS)
        assert recovered.errors(SENTENCES) == 0
        assert counts.errors(IMPACT) == counts.errors(BATCH) == counts.errors(JOBS) == 0
        transitions = counts.transitions("detector")
        assert transitions["open"] >= transitions["half_open"] >= transitions["closed"] >= 1
        assert counts.transitions("impact") == {"open": 0, "half_open": 0, "closed": 0}
    check_answers(setup, load, 0)
    end_jobs(server)


@pytest.mark.skipif(SANITIZED, reason="sanitizers reserve more address space than any limit allows")
def test_memory_that_the_system_refuses_fails_one_load_only():
    flags = ["--admin-key", "sesame", "--impact-cache-mb", "0", "--model-loading", "when_asked"]
    with Server(*flags, models=[f"impact={MODEL}", f"other={GOLDEN / 'tiny-bert'}"]) as server:
        assert len(server.embed("x", model="other")) == 1
        pid = server.process.pid
        size = int(open(f"/proc/{pid}/statm", encoding="ascii").read().split()[0]) * os.sysconf("SC_PAGE_SIZE")
        for more in (32 << 20, (32 << 20) + (MODEL / "model.safetensors").stat().st_size):  # for mapping the file, or behind it
            free = resource.prlimit(pid, resource.RLIMIT_AS, (size + more, resource.RLIM_INFINITY))
            refused = admin(server, "impact", "load")
            assert refused.status_code in (500, 503), refused.text
            assert "memory" in refused.json()["error"]["message"]
            resource.prlimit(pid, resource.RLIMIT_AS, free)
            score = server.post("/api/v1/impact/score", {"content": "critical breach"}).json()
            assert score["backend"] == "keywords" and score["degraded"]
        assert len(server.embed("x", model="other")) == 1
        assert admin(server, "impact", "load").status_code == 200
        assert server.post("/api/v1/impact/score", {"content": "critical breach"}).json()["backend"] == "cpu"
