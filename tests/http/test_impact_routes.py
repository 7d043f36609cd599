"""Impact scoring and routing over HTTP."""

import hashlib
import json
import shutil
import signal
import threading
from pathlib import Path

import pytest

from vivace_server import MODEL, PATIENCE_SECONDS, ROOT, Server

RECORDED = ROOT / "tests/impact/data"
SHARED = ROOT.parent / "shared/data/impact"
FACTORS = ["semantic", "permission", "volume", "context", "drift", "priority", "type"]


@pytest.fixture(scope="module")
def scorer():
    with Server("--precision", "fp32", "--impact-model-seconds", str(PATIENCE_SECONDS), models=[f"embedder={MODEL}"]) as running:
        yield running


def rows(path):
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def score(server, body, status=200):
    response = server.post("/api/v1/impact/score", body)
    assert response.status_code == status, response.text
    return response.json()


@pytest.mark.parametrize("body, expected", [
    ({"content": "The cafeteria opens at nine"}, 0.150), ({"content": ""}, 0.120),
    ({"content": "a critical thing"}, 0.270), ({"content": "critical security breach"}, 0.800),
    ({"content": "The cafeteria opens at nine", "priority": "critical"}, 0.900),
    ({"content": "The cafeteria opens at nine", "tools": ["execute_command"]}, 0.310),
    ({"content": "a critical thing", "tools": [{"name": "transfer_funds"}]}, 0.430),
    ({"content": "a critical thing", "message_type": "governance_request"}, 0.330),
    ({"content": "The cafeteria opens at nine", "priority": "high"}, 0.170),
    ({"content": "The cafeteria opens at nine", "tools": ["read_file"]}, 0.170)])
def test_c000_02_golden_values(scorer, body, expected):
    body["from_agent"] = f"golden-{json.dumps(body)}"
    answer = score(scorer, {"message": body, "use_model": False})
    assert answer["impact_score"] == answer["score"] == pytest.approx(expected, abs=1e-9)
    assert list(answer["factors"]) == FACTORS and all(0 <= value <= 1 for value in answer["factors"].values())
    assert answer["backend"] == "keywords" and not answer["degraded"]
    assert {item["of"] for item in answer["explanations"]} >= {*FACTORS, "score"}


def test_switches_alone_are_no_message(scorer):
    def agents():
        return scorer.get("/api/v1/impact/status").json()["agents"]["remembered"]

    before = agents()
    for body in ({}, {"use_model": False}, {"use_model": None, "score_only": True}, {"message": {}, "use_model": False},
                 {"impact_score": None, "force_deliberation": False, "force_reason": "none"}):
        assert score(scorer, body)["impact_score"] == 0.1, body
        assert scorer.post("/api/v1/route", body).json()["impact_score"] == 0.1, body
    assert agents() == before
    for body in ({"from_agent": "switched"}, {"context": {"agent_id": "switched"}}):
        assert score(scorer, body | {"use_model": False})["impact_score"] == pytest.approx(0.12), body
    assert agents() == before + 1


@pytest.mark.parametrize("file, use_model, tolerance", [("keywords.jsonl", False, 1e-6), ("minilm_cls.jsonl", True, 1e-4)])
def test_c000_01_recorded_answers(file, use_model, tolerance):
    path = SHARED / file
    if not path.exists():
        pytest.skip(f"{path} is missing")
    # Volume counts forever in the original; its gates belong to raw vectors of DistilBERT.
    flags = ["--impact-volume-window-seconds", "0", "--impact-gate-without-keywords", "0.95", "--impact-gate-with-keywords",
             "0.85", "--impact-constitutional-hash", ""]
    recorded = rows(path)
    with Server("--precision", "fp32", *flags, models=[f"embedder={MODEL}"]) as server:
        for sequence in sorted({row["sequence"] for row in recorded}):
            part = [row for row in recorded if row["sequence"] == sequence]
            def own(row):  # agents of different sequences are not the same ones
                if not row["message"] and not row["context"]:
                    return {}, None
                context = dict(row["context"] or {})
                agent = context.get("agent_id") or row["message"].get("from_agent") or "anonymous"
                return row["message"] | {"from_agent": f"{sequence}/{agent}"}, context | {"agent_id": f"{sequence}/{agent}"}
            pairs = [own(row) for row in part]
            answer = server.post("/api/v1/impact/batch", {"messages": [pair[0] for pair in pairs],
                                                          "contexts": [pair[1] for pair in pairs], "use_model": use_model})
            assert answer.status_code == 200, answer.text
            for row, result in zip(part, answer.json()["results"], strict=True):
                assert result["score"] == pytest.approx(row["score"], abs=tolerance), row
                for name in FACTORS:
                    assert result["factors"][name] == pytest.approx(row["factors"][name], abs=tolerance), (name, row)


def test_c000_07_batch_equals_single_and_order_is_kept(scorer):
    texts = ["someone got into the payroll database", "lunch is at noon", "critical breach", "", "Прорыв периметра", "🎻"]
    single = [score(scorer, {"content": text, "from_agent": f"s{i}"}) for i, text in enumerate(texts)]
    batch = scorer.post("/api/v1/impact/batch",
                        {"messages": [{"content": text, "from_agent": f"b{i}"} for i, text in enumerate(texts)]}).json()
    assert batch["count"] == len(texts)
    for one, other, value in zip(single, batch["results"], batch["scores"], strict=True):
        assert one["score"] == pytest.approx(other["score"], abs=1e-6) and value == other["score"]
    assert scorer.post("/api/v1/impact/batch", {"messages": []}).json()["scores"] == []


def test_limits_of_a_batch(scorer):
    most = scorer.post("/api/v1/impact/batch", {"messages": [{"content": "x"}] * 1000, "use_model": False, "score_only": True})
    assert most.status_code == 200 and len(most.json()["scores"]) == 1000 and "results" not in most.json()
    over = scorer.post("/api/v1/impact/batch", {"messages": [{"content": "x"}] * 1001})
    assert over.status_code == 413 and "1000" in over.json()["error"]["message"]
    uneven = scorer.post("/api/v1/impact/batch", {"messages": [{}, {}], "contexts": [{}]})
    assert uneven.status_code == 400 and "1 contexts for 2 messages" in uneven.json()["error"]["message"]


@pytest.mark.parametrize("body", [{"messages": 3}, {}, {"messages": [1]}, {"messages": [{"tools": 7}]}, {"messages": [{}], "use_model": 3}])
def test_refusals_have_our_shape(scorer, body):
    response = scorer.post("/api/v1/impact/batch", body)
    assert response.status_code == 400
    assert set(response.json()["error"]) == {"code", "message", "details"}


@pytest.mark.parametrize("message", [{"priority": [1]}, {"priority": {"a": 1}}, {"message_type": 7}, {"payload": {"amount": "much"}},
                                     {"payload": 3}, {"content": {"no": "text"}}, {"tools": [None, 1, {}]}, {"content": "\u0000"}])
def test_c000_28_malformed_members_never_fail(scorer, message):
    assert 0 <= score(scorer, message)["score"] <= 1


@pytest.mark.parametrize("path, wrap", [("/api/v1/impact/score", lambda m: m), ("/api/v1/route", lambda m: m),
                                        ("/api/v1/impact/batch", lambda m: {"messages": [m]}),
                                        ("/api/v1/impact/validate", lambda m: {"messages": [m]})])
def test_a_message_that_is_no_object_is_refused(scorer, path, wrap):
    response = scorer.post(path, wrap({"message": "breach of security", "context": {"priority": "critical"}}))
    assert response.status_code == 400 and "message: expected an object" in response.json()["error"]["message"]
    assert scorer.post(path, wrap({"message": None, "context": {"priority": "critical"}})).status_code == 200


def test_c001_17_constitutional_hash(scorer):
    assert score(scorer, {"content": "x", "constitutional_hash": "cdd01ef066bc6cf2"})
    for use_model in (True, False):
        refused = score(scorer, {"message": {"content": "x", "constitutional_hash": "0"}, "use_model": use_model}, 400)
        assert "constitutional_hash" in refused["error"]["message"]


@pytest.mark.parametrize("more", [{}, {"impact_score": 0.3}, {"impact_score": 0.3, "force_deliberation": True}])
def test_c001_17_constitutional_hash_of_a_routed_message(scorer, more):
    def status():
        answer = scorer.get("/api/v1/impact/status").json()
        return answer["refused_hashes"], answer["routed"]["remembered"]
    refused, routed = status()
    response = scorer.post("/api/v1/route", {"message": {"content": "x", "constitutional_hash": "0"}} | more)
    assert response.status_code == 400 and "constitutional_hash is '0'" in response.json()["error"]["message"]
    assert status() == (refused + 1, routed)


def test_cache_hits_are_visible(scorer):
    message = {"content": "the very same words twice over", "from_agent": "twice"}
    first, second = score(scorer, message), score(scorer, message)
    assert "cached" not in first and second["cached"] and first["similarity"] == second["similarity"]
    status = scorer.get("/api/v1/impact/status").json()
    cpu = next(backend for backend in status["backends"] if backend["name"] == "cpu")
    assert cpu["cache"]["hits"] >= 1 and cpu["cache"]["bytes"] <= cpu["cache"]["capacity_bytes"]
    assert scorer.metric("vivace_impact_cache_hits_total", backend="cpu") >= 1
    assert status["model"] == "embedder" and status["model_loaded"]


def test_c001_08_an_onnx_file_is_a_backend_of_its_own(tmp_path):
    model = tmp_path / "model"
    shutil.copytree(ROOT / "tests/onnx/hidden-states", model)
    (model / "tokenizer.json").write_text(json.dumps({"model": {"type": "WordLevel", "vocab": {"[UNK]": 0, "hello": 1}, "unk_token": "[UNK]"}}))
    with Server("--model-loading", "when_asked", models=[f"embedder={model}"]) as server:
        server.wait_until(lambda: "OpenVINO" in server.log() or not score(server, {"content": "hello"})["degraded"])
        if "OpenVINO" in server.log():
            pytest.skip("this build has no OpenVINO")
        answer = score(server, {"content": "hello"})
        assert answer["backend"] == "onnx" and "similarity" in answer
        assert [backend["name"] for backend in server.get("/api/v1/impact/status").json()["backends"]] == ["onnx", "keywords"]
        assert server.metric("vivace_impact_backend_calls_total", backend="onnx") >= 2


def test_c001_08_an_onnx_file_takes_the_place_of_damaged_weights(tmp_path):
    model = tmp_path / "model"
    shutil.copytree(ROOT / "tests/onnx/hidden-states", model)
    (model / "tokenizer.json").write_text(json.dumps({"model": {"type": "WordLevel", "vocab": {"[UNK]": 0, "hello": 1}, "unk_token": "[UNK]"}}))
    plain = tmp_path / "plain"
    shutil.copytree(model, plain)
    (model / "model.safetensors").write_bytes(b"broken off")
    with Server("--model-loading", "when_asked", models=[f"embedder={model}", f"plain={plain}"]) as server:
        server.wait_until(lambda: "OpenVINO" in server.log() or "similarity" in score(server, {"content": "hello"}))
        if "OpenVINO" in server.log():
            pytest.skip("this build has no OpenVINO")
        answer = score(server, {"content": "hello"})
        assert answer["backend"] == "onnx" and "similarity" in answer and answer["degraded"]
        backends = server.get("/api/v1/impact/status").json()["backends"]
        assert [backend["name"] for backend in backends] == ["cpu", "onnx", "keywords"]
        assert "model.safetensors" in backends[0]["last_error"]
        assert "model.safetensors" in server.get("/v1/models/embedder").json()["fallback"]
        server.wait_until(lambda: server.post("/v1/embeddings", json={"model": "plain", "input": "hello"}).status_code == 200)
        assert "fallback" not in server.get("/v1/models/plain").json()
        assert (server.metric("vivace_model_fallback", model="embedder"), server.metric("vivace_model_fallback", model="plain")) == (1, 0)
        vectors = [server.post("/v1/embeddings", json={"model": name, "input": "hello"}).json()["data"][0]["embedding"]
                   for name in ("embedder", "plain")]
        assert vectors[0] == vectors[1]
    # With a checksum the weights that it is of are the only ones.
    with Server("--impact-model-sha256", hashlib.sha256(b"broken off").hexdigest(), models=[f"embedder={model}"]) as server:
        assert score(server, {"content": "hello"})["backend"] == "keywords"
        assert [backend["name"] for backend in server.get("/api/v1/impact/status").json()["backends"]] == ["cpu", "keywords"]


def test_without_a_model_keywords_answer_and_say_so(server):
    answer = score(server, {"content": "critical breach and attack"})
    assert answer["backend"] == "keywords" and answer["degraded"] and answer["score"] == pytest.approx(0.8)
    errors = [backend.get("last_error", "") for backend in server.get("/api/v1/impact/status").json()["backends"]]
    assert any("impact or embedder" in text for text in errors)


def numbers_alone(server, messages, **switches):
    """What stands beside the scores of a message and of a batch, when nothing else was asked for."""
    one = score(server, {"message": messages[0], "score_only": True, **switches})
    many = server.post("/api/v1/impact/batch", {"messages": messages, "score_only": True, **switches}).json()
    assert isinstance(one.pop("impact_score"), float) and len(many.pop("scores")) == many.pop("count") == len(messages)
    return [{key: value for key, value in answer.items() if key != "processing_time_ms"} for answer in (one, many)]


def test_a_number_alone_says_that_the_model_did_not_answer(server):
    assert numbers_alone(server, [{"content": "a"}, {"content": "b"}]) == [{"degraded": True}, {"degraded": True}]
    assert numbers_alone(server, [{"content": "a"}], use_model=False) == [{}, {}]
    assert numbers_alone(server, [{}, {"content": "b"}]) == [{}, {"degraded": True}]  # nothing was asked about the first


def test_a_number_alone_says_that_the_text_was_cut(scorer):
    long = {"content": "word " * 2000}
    assert numbers_alone(scorer, [long, {"content": "b"}]) == [{"truncated": True}, {"truncated": True}]
    assert numbers_alone(scorer, [{"content": "b"}, long]) == [{}, {"truncated": True}]


def test_c000_26_wrong_checksum_leaves_the_keywords():
    with Server("--impact-model-sha256", "0" * 64, models=[f"embedder={MODEL}"]) as server:
        answer = score(server, {"content": "critical breach"})
        assert answer["backend"] == "keywords" and answer["degraded"]
        assert "SHA-256" in server.get("/api/v1/impact/status").json()["backends"][0]["last_error"]


def test_gates_hold_for_the_model_of_their_entry_alone(tmp_path):
    config, other = tmp_path / "vivace.yaml", ROOT / "tests/golden/tiny-bert"

    def write(embedder, **keys):
        config.write_text(json.dumps({"models": {"embedder": embedder}} | keys), encoding="utf-8")

    def entry(gate):
        return {"directory": str(other), "impact_gate_without_keywords": gate, "impact_gate_with_keywords": 1}

    def gate(server):
        reasons = score(server, {"content": "lunch is at noon"})["explanations"]
        return next(reason["why"] for reason in reasons if reason["of"] == "semantic").rsplit(" ", 1)[-1]

    write(entry(0.25))
    with Server("--config", str(config), models=[]) as server:
        assert gate(server) == "0.25"
        write(entry(0.5))
        server.process.send_signal(signal.SIGHUP)
        server.wait_until(lambda: gate(server) == "0.5")
        write(entry(0.5), impact_gate_without_keywords=0.75)
        server.process.send_signal(signal.SIGHUP)
        server.wait_until(lambda: server.log().count("the configuration was read again") == 2)
        assert gate(server) == "0.5", "the model's own counts more"
        write(str(other), impact_gate_without_keywords=0.75)
        server.process.send_signal(signal.SIGHUP)
        server.wait_until(lambda: gate(server) == "0.75")
    write(entry(0.25))
    with Server("--config", str(config), models=[f"embedder={MODEL}"]) as server:
        assert gate(server) == "0.734"
    with Server("--config", str(config), "--impact-gate-without-keywords", "0.625", models=[]) as server:
        assert gate(server) == "0.625"


def test_routing_as_recorded(scorer):
    used = 0
    for row in rows(RECORDED / "router.jsonl"):
        if row["threshold"] != 0.8 or not 0 <= row["impact_score"] <= 1 or row["kind"] == "forced":
            continue
        body = {"message": {"content": row["content"]}, "impact_score": row["impact_score"]}
        answer = scorer.post("/api/v1/route", body).json()
        # The router's own state and the time that it took are not part of the decision.
        aside = {"message_status", "message_impact_score_after", "router_threshold", "processing_time"}
        expected = {name: value for name, value in row["output"].items() if name not in aside}
        added = {"decision_id", "decision_timestamp", "processing_time"}
        assert {name: value for name, value in answer.items() if name not in added} == expected, row
        assert ("processing_time" in answer) == ("processing_time" in row["output"])
        used += 1
    assert used > 30


def test_routing_scores_forces_and_learns():
    with Server(models=[f"embedder={MODEL}"]) as server:
        routed = server.post("/api/v1/route", {"message": {"content": "critical security breach"}}).json()
        assert routed["lane"] == "deliberation" and routed["analysis"]["score"] == routed["impact_score"]
        forced = server.post("/api/v1/route", {"message": {"content": "x"}, "force_deliberation": True,
                                               "force_reason": "audit"}).json()
        assert (forced["lane"], forced["forced"], forced["force_reason"]) == ("deliberation", True, "audit")
        assert forced["opa_enforced"] and forced["estimated_wait_time"] == 300
        assert forced["impact_score"] == 1.0 and "intent_type" not in forced
        threshold = None
        for _ in range(60):
            body = {"message": {"content": "x"}, "impact_score": 0.95}
            decision = server.post("/api/v1/route", body).json()
            told = server.post("/api/v1/route/outcome", {"decision_id": decision["decision_id"], "feedback": 1.0})
            threshold = told.json()["impact_threshold"]
        assert threshold > 0.8  # deliberations were needless
        unknown = server.post("/api/v1/route/outcome", {"decision_id": 10**6})
        assert unknown.status_code == 404


def routing_as_recorded_at(server, threshold):
    """Compares the recorded lanes of one threshold; answers how many there were."""
    used = 0
    for row in rows(RECORDED / "router.jsonl"):
        if row["output"]["router_threshold"] != threshold or not 0 <= row["impact_score"] <= 1 or row["kind"] == "forced":
            continue
        answer = server.post("/api/v1/route", {"message": {"content": row["content"]}, "impact_score": row["impact_score"]}).json()
        assert answer["lane"] == row["output"]["lane"] and answer["dynamic_threshold"] == row["output"]["dynamic_threshold"], row
        used += 1
    return used


def test_the_routers_threshold_can_be_set(tmp_path):
    config = tmp_path / "vivace.yaml"

    def write(**keys):
        config.write_text(json.dumps({"models": {"embedder": str(MODEL)}, "admin_key": "sesame"} | keys), encoding="utf-8")

    write(impact_router_threshold=0.95)
    with Server("--config", str(config), models=[]) as server:
        def threshold():
            return server.get("/api/v1/impact/status").json()["thresholds"]["router"]

        def set_threshold(value, **headers):
            return server.post("/api/v1/route/threshold", {"impact_threshold": value}, headers=headers)
        assert threshold() == 0.95 and routing_as_recorded_at(server, 0.95) > 2
        key = {"Authorization": "Bearer sesame"}
        for given, holds in [(0.5, 0.5), (7, 1), (-7, 0), (0.95, 0.95)]:
            assert set_threshold(given, **key).json() == {"impact_threshold": holds}
            assert threshold() == holds
        assert routing_as_recorded_at(server, 0.95) > 2
        assert set_threshold("high", **key).status_code == 400
        assert set_threshold(0.1).status_code == 401 and threshold() == 0.95
        write(impact_router_threshold=0.95, impact_max_agents=5)  # another key: what was set stays
        set_threshold(0.6, **key)
        server.process.send_signal(signal.SIGHUP)
        server.wait_until(lambda: server.get("/api/v1/impact/status").json()["agents"]["limit"] == 5)
        assert threshold() == 0.6
        assert server.post("/api/v1/impact/score", {"content": "hello", "from_agent": "ada"}).status_code == 200
        write(impact_router_threshold=0.6, impact_max_agents=5, models={"embedder": str(MODEL), "other": str(ROOT / "tests/golden/tiny-bert")})
        server.process.send_signal(signal.SIGHUP)
        server.wait_until(lambda: server.get("/v1/models/other").status_code == 200)
        assert server.get("/api/v1/impact/status").json()["agents"]["remembered"] == 1, "another model is no reason to forget"
        write(impact_router_threshold=0.3, impact_max_agents=5)
        server.process.send_signal(signal.SIGHUP)
        server.wait_until(lambda: threshold() == 0.3)


def test_c000_24_validate(scorer):
    dataset = rows(ROOT / "examples/impact/messages.jsonl")[:60]
    answer = scorer.post("/api/v1/impact/validate", {"messages": dataset})
    assert answer.status_code == 200, answer.text
    found = answer.json()
    assert found["rows"] == 60 and 0 <= found["agreement"] <= 1
    assert set(found["keywords"]) == set(found["model"]) >= {"precision", "recall"}
    assert scorer.post("/api/v1/impact/validate", {"messages": []}).status_code == 400


def test_c000_28_many_agents_at_once(scorer):
    problems = []

    def talk(agent):
        for _ in range(10):
            answer = scorer.post("/api/v1/impact/score", {"content": "lunch", "from_agent": f"many-{agent}", "priority": "high"})
            if answer.status_code != 200:
                problems.append(answer.text)
    threads = [threading.Thread(target=talk, args=(agent,)) for agent in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert problems == []
    assert scorer.get("/api/v1/impact/status").json()["agents"]["remembered"] >= 16
