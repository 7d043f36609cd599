"""Models that come and go while the server runs: lazy loads, budget, admin routes, SIGHUP, breakers, metrics."""

import json
import os
import re
import shutil
import signal
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from vivace_server import MODEL, PATIENCE_SECONDS, ROOT, Server

TINY = ROOT / "tests/golden/tiny-bert"
ADMIN = {"Authorization": "Bearer sesame"}


def model(server, name):
    response = server.get(f"/v1/models/{name}")
    assert response.status_code == 200, response.text
    return response.json()


def admin(server, name, change, headers=ADMIN):
    return server.post(f"/v1/models/{name}/{change}", headers=headers)


def test_c000_04_a_model_is_loaded_when_first_asked_for():
    with Server("--model-loading", "when_asked", models=[f"a={TINY}", f"b={TINY}"]) as server:
        assert model(server, "a")["state"] == "unloaded" and not model(server, "a")["loaded"]
        assert len(server.embed("x", model="a")) == 1  # waits for the load
        facts = model(server, "a")
        assert facts["state"] == "ready" and facts["loads"] == 1 and facts["uses"] >= 1 and facts["misses"] >= 1
        assert facts["bytes"]["weights"] > 0 and facts["load_ms"] > 0 and facts["warm_up_ms"] > 0
        assert model(server, "b")["state"] == "unloaded"


def test_every_route_waits_for_a_model_that_is_loaded_for_it():
    golden = ROOT / "tests/golden"
    models = [f"embedder={TINY}", f"entailment={golden}/heads/bert-nli", f"detector={golden}/detector-deberta",
              f"completion={golden}/t5-code", f"other={TINY}"]
    with Server("--model-loading", "when_asked", models=models) as server:
        for name, path, body in (
                ("other", "/tokenize", {"inputs": "x", "model": "other"}),
                ("embedder", "/api/v1/embed", {"texts": ["x"]}),
                ("entailment", "/api/v1/nli/batch", {"pairs": [["a", "b"]]}),
                ("detector", "/api/v1/predict/sentences", {"sentences": ["One two."]}),
                ("completion", "/v1/completions", {"prompt": "def f():", "max_tokens": 2})):
            assert model(server, name)["state"] == "unloaded", name
            response = server.post(path, body)
            assert response.status_code == 200, (path, response.text)
            assert model(server, name)["state"] == "ready"


def test_what_was_kept_of_an_earlier_load_is_not_answered():
    """Other weights may have come into the folder since."""
    golden = ROOT / "tests/golden"
    models = [f"embedder={TINY}", f"entailment={golden}/heads/bert-nli", f"detector={golden}/detector-deberta", f"completion={golden}/t5-code"]
    with Server("--admin-key", "sesame", "--rate-limits", "off", models=models) as server:
        assert server.post("/api/v1/evidence", {"content": "A river flows to the sea."}).status_code == 201

        def kept():
            verdict = server.post("/api/v1/verify", {"claim": "The river flows south.", "min_similarity": 0}).json()
            found = server.post("/api/v1/predict/sentences", {"sentences": ["One two three."]}).json()
            written = server.post("/api/v1/complete", {"code": "def f():", "max_new_tokens": 4, "min_new_tokens": 4}).json()
            return verdict["cached"], found["metadata"]["cached_sentences"] == 1, written["source"] == "cache"
        assert kept() == (False, False, False) and kept() == (True, True, True)
        for name in ("entailment", "detector", "completion"):
            assert admin(server, name, "unload").status_code == 200 and admin(server, name, "load").status_code in (200, 202)
            server.wait_until(lambda name=name: model(server, name)["state"] == "ready")
        assert kept() == (False, False, False) and kept() == (True, True, True)


def test_c000_05_one_load_for_many_requests():
    with Server("--model-loading", "when_asked", models=[f"a={MODEL}"]) as server:
        threads = [threading.Thread(target=lambda: server.embed("x", model="a")) for _ in range(16)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert server.metric("vivace_model_loads_total", model="a") == 1


def resident(server):
    return int(open(f"/proc/{server.process.pid}/statm").read().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def test_admin_routes_unload_and_load():
    with Server("--admin-key", "sesame", models=[f"a={MODEL}"]) as server:
        server.embed("x")
        weights = model(server, "a")["bytes"]["weights"]
        before = resident(server)
        answer = admin(server, "a", "unload")
        assert answer.status_code == 200 and answer.json()["state"] == "unloaded"
        if "san" not in os.environ.get("VIVACE", ""):  # sanitizers keep what is freed
            assert before - resident(server) > weights * 0.8
        away = server.post("/v1/embeddings", {"input": "x"})
        assert away.status_code == 503 and "/v1/models/a/load" in away.json()["error"]["message"]
        assert away.headers["retry-after"] == "30"  # somebody has to load it
        assert server.is_ready()
        again = admin(server, "a", "load").json()
        assert again["state"] == "ready" and again["loads"] == 2
        assert len(server.embed("x")[0]) == 384
        assert admin(server, "nope", "load").status_code == 404


def test_admin_routes_need_their_key(server):
    assert admin(server, "minilm", "unload").status_code == 403  # none is configured
    assert admin(server, "minilm", "unload", {}).status_code == 401
    # The error's form is known before the name is.
    assert "details" in admin(server, "%00", "unload", {}).json()["error"]
    with Server("--admin-key", "sesame", "--api-key", "k", models=[f"a={TINY}"]) as guarded:
        assert admin(guarded, "a", "unload", {}).status_code == 401
        assert admin(guarded, "a", "unload", {"Authorization": "Bearer k"}).status_code == 401
        assert admin(guarded, "a", "unload").status_code == 200


def test_c002_08_what_cannot_fit_is_refused_with_the_numbers():
    flags = ["--memory-budget-mb", "20", "--impact-cache-mb", "1", "--admin-key", "sesame"]
    with Server(*flags, models=[f"tiny={TINY}", f"large={MODEL}"]) as server:
        facts = model(server, "large")
        assert facts["state"] == "unloaded" and "budget of" in facts["failure"] and "MiB" in facts["failure"]
        refused = admin(server, "large", "load")
        assert refused.status_code == 503 and "it needs" in refused.json()["error"]["message"]
        assert len(server.embed("x", model="tiny")) == 1
        assert server.metric("vivace_memory_used_bytes") <= server.metric("vivace_memory_budget_bytes")
        assert resident(server) < 400 << 20


def test_a_server_whose_only_model_never_fits_is_not_ready():
    with Server("--memory-budget-mb", "20", "--impact-cache-mb", "1", models=[f"large={MODEL}"], wait_ready=False) as server:
        server.wait_until(lambda: "could not be loaded" in server.log())
        answer = server.get("/ready")
        assert answer.status_code == 503 and answer.json()["models"] == [{"name": "large", "state": "unloaded"}]
        assert server.get("/health").status_code == 200


class FileServer(Server):
    """Takes its models from the configuration file instead of flags."""

    def __init__(self, path, *flags):
        super().__init__("--config", str(path), *flags, models=[])


def hang_up(server, settled):
    server.process.send_signal(signal.SIGHUP)
    server.wait_until(settled)


def write(path, **keys):
    path.write_text(json.dumps(keys), encoding="utf-8")


def test_the_log_stays_whole_while_the_configuration_is_read_again(tmp_path):
    write(tmp_path / "vivace.yaml", models={"a": str(TINY)}, log_level="debug", rate_limits="off")
    with FileServer(tmp_path / "vivace.yaml") as server, ThreadPoolExecutor(2) as clients:
        stop = threading.Event()

        def ask():
            while not stop.is_set():
                assert server.get("/health").status_code == 200
        asking = [clients.submit(ask) for _ in range(2)]
        for _ in range(300):
            server.process.send_signal(signal.SIGHUP)
            time.sleep(0.002)
        stop.set()
        for done in asking:
            done.result()
        assert server.get("/health").status_code == 200  # it would have crashed
        assert "the configuration was read again" in server.log()


def test_sighup_changes_models_without_dropping_a_request(tmp_path):
    config = tmp_path / "vivace.yaml"
    other = tmp_path / "other"
    shutil.copytree(TINY, other)
    write(config, models={"a": str(TINY), "b": str(TINY)})
    with FileServer(config) as server:
        problems, answered, stop = [], [0], threading.Event()

        def ask():
            while not stop.is_set():
                response = server.post("/v1/embeddings", {"input": ["x", "y"], "model": "a"})
                if response.status_code != 200:
                    problems.append(response.text)
                answered[0] += 1
        threads = [threading.Thread(target=ask) for _ in range(8)]
        for thread in threads:
            thread.start()
        for i in range(6):
            write(config, models={"a": str(other if i % 2 == 0 else TINY), "c": str(TINY)})
            loads = model(server, "a")["loads"]
            hang_up(server, lambda loads=loads: model(server, "a")["loads"] > loads)
        stop.set()
        for thread in threads:
            thread.join()
        assert problems == [] and answered[0] > 6
        names = [item["id"] for item in server.get("/v1/models").json()["data"]]
        assert names == ["a", "c"]


def test_a_replacement_that_never_fits_leaves_the_server_ready(tmp_path):
    config = tmp_path / "vivace.yaml"
    budget = {"memory_budget_mb": 20, "impact_cache_mb": 1}
    write(config, models={"a": str(TINY)}, **budget)
    with FileServer(config) as server:
        write(config, models={"a": str(MODEL)}, **budget)
        hang_up(server, lambda: "could not be loaded" in server.log())
        assert server.get("/ready").status_code == 200 and len(server.embed("x", model="a")) == 1


def test_a_wrong_configuration_changes_nothing(tmp_path):
    config = tmp_path / "vivace.yaml"
    write(config, models={"a": str(TINY)})
    with FileServer(config) as server:
        write(config, models={"a": str(TINY)}, port="many")
        hang_up(server, lambda: "stays as it was" in server.log())
        assert len(server.embed("x")) == 1
        write(config, models={"a": str(TINY)}, io_threads=2)
        hang_up(server, lambda: "need a restart: io_threads" in server.log())


def test_a_corrupted_model_degrades_and_recovers(tmp_path):
    copy = tmp_path / "model"
    shutil.copytree(TINY, copy)
    good = (copy / "model.safetensors").read_bytes()
    flags = ["--admin-key", "sesame", "--impact-cache-mb", "0"]
    with Server(*flags, models=[f"embedder={copy}", f"other={TINY}"]) as server:
        message = {"content": "critical breach"}
        assert server.post("/api/v1/impact/score", message).json()["backend"] == "cpu"
        assert admin(server, "embedder", "unload").status_code == 200
        (copy / "model.safetensors").write_bytes(good[:1000])
        refused = admin(server, "embedder", "load")
        assert refused.status_code == 500, refused.text
        answer = server.post("/api/v1/impact/score", message).json()
        assert answer["backend"] == "keywords" and answer["degraded"]
        assert server.metric("vivace_model_state", model="embedder", state="failed") == 1
        (copy / "model.safetensors").write_bytes(good)
        assert admin(server, "embedder", "load").status_code == 200
        answer = server.post("/api/v1/impact/score", message).json()
        assert answer["backend"] == "cpu" and not answer["degraded"]


def test_c001_10_metrics_have_the_known_names(server):
    server.embed("x")
    text = server.get("/metrics").text
    for name in ("acgs2_model_inference_latency_seconds_bucket", "acgs2_model_inference_total", "acgs2_model_cpu_percent",
                 "embedding_latency_seconds_bucket", "nli_latency_seconds_bucket", "embeddings_generated_total",
                 "nli_pairs_verified_total", "model_memory_usage_bytes"):
        assert f"\n{name}" in text, name
    assert server.metric("acgs2_model_inference_total", model_name="minilm") >= 1
    found = re.findall(r'acgs2_model_inference_latency_seconds_bucket\{model_name="minilm",le="([^"]+)"', text)
    assert {0.0001, 0.0005, 0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1.0} <= {float(bound) for bound in found}


@pytest.mark.parametrize("seconds", [float(os.environ.get("VIVACE_LOAD_SECONDS", "8"))])
def test_load_with_a_model_that_is_too_slow_then_recovers(tmp_path, seconds):
    """64 clients; the model misses its time, the breaker opens, keywords answer; then it recovers."""
    config = tmp_path / "vivace.yaml"
    keys = {"models": {"embedder": str(MODEL)}, "impact_cache_mb": 0, "breaker_slow_seconds": 0.001,
            "max_batch_tokens": 4096}
    write(config, **keys)
    with FileServer(config) as server:
        problems, backends, stop = [], {"cpu": 0, "keywords": 0}, threading.Event()

        def ask(client):
            count = 0
            while not stop.is_set():
                count += 1
                begun = time.monotonic()
                body = {"content": f"client {client} asks for the {count}th time about a transfer", "from_agent": f"c{client}"}
                response = server.post("/api/v1/impact/score", body, headers={"Request-Timeout-Ms": "20000"})
                if response.status_code != 200 or time.monotonic() - begun > PATIENCE_SECONDS:
                    problems.append(response.text)
                else:
                    backends[response.json()["backend"]] += 1
        threads = [threading.Thread(target=ask, args=(client,)) for client in range(64)]
        for thread in threads:
            thread.start()
        server.wait_until(lambda: backends["cpu"] > 64)
        write(config, **keys, impact_model_seconds=0.002)  # no model is that fast under this load
        hang_up(server, lambda: server.metric("vivace_breaker_opened_total", model="embedder") >= 1)
        server.wait_until(lambda: backends["keywords"] > 64)
        assert server.metric("vivace_breaker_refused_total", model="embedder") >= 1
        write(config, **keys, impact_model_seconds=20)
        hang_up(server, lambda: server.log().count("was read again") == 2)
        before = backends["cpu"]
        server.wait_until(lambda: server.metric("vivace_breaker_state", model="embedder", state="closed") == 1)
        server.wait_until(lambda: backends["cpu"] > before + 64)
        time.sleep(seconds)
        stop.set()
        for thread in threads:
            thread.join()
        assert problems == []
        used = server.metric("vivace_memory_used_bytes")
        assert used <= server.metric("vivace_memory_budget_bytes")
        if "san" not in os.environ.get("VIVACE", ""):
            assert resident(server) < (used + (200 << 20)) * 1.1


def test_without_a_configuration_the_default_model_makes_the_systems_vectors(tmp_path):
    """One load of it is enough for both names; what needs another model says so."""
    with Server("--store", str(tmp_path / "evidence.db"), models=[]) as server:
        for _ in range(2):
            assert [listed["id"] for listed in server.get("/v1/models").json()["data"]] == ["all-MiniLM-L6-v2"]
            for name in ("all-MiniLM-L6-v2", "embedder"):
                assert len(server.embed("a text", model=name)[0]) == 384
                assert server.get(f"/v1/models/{name}").json()["id"] == "all-MiniLM-L6-v2"
                assert server.get(f"/v2/models/{name}/ready").status_code == 200
            scored = server.post("/api/v1/impact/score", {"message": {"content": "patient data was leaked"}}).json()
            assert scored["degraded"] is False and scored["backend"] == "cpu", scored
            piece = {"id": "a", "content": "Water boils at 100 degrees."}
            assert server.post("/api/v1/evidence", {"evidence": [piece]}).status_code == 201
            services = server.get("/health").json()["services"]
            assert {services[name]["status"] for name in ("database", "embedding_service")} == {"healthy"}
            found = server.post("/api/v1/search", {"query": "boiling water"}).json()
            assert found["results"][0]["evidence_id"] == "a", found
            missing = server.post("/api/v1/verify", {"claim": "Water boils at 100 degrees Celsius."})
            assert missing.status_code == 503 and "'entailment'" in missing.text
            hang_up(server, lambda: "the configuration was read again" in server.log())
