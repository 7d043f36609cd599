"""Claim verification over HTTP: every route with its limits and codes, on seeded models (checklist 004.15-004.22)."""

import os
import re
import signal
import sqlite3
import threading
import time
import uuid
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import requests

from vivace_server import MODEL, PATIENCE_SECONDS, ROOT, Server

HEADS = ROOT / "tests" / "golden" / "heads"
TINY = ROOT / "tests" / "golden" / "tiny-bert"
ROLES = [f"embedder={TINY}", f"entailment={HEADS / 'bert-nli'}"]
PASSAGES = ["Water boils at 100 degrees Celsius at sea level.", "Rivers flow into the ocean.", "The cat sat on the mat.",
            "The Moon orbits the Earth."]


@pytest.fixture(scope="module")
def claims():
    with Server("--rate-limits", "off", models=ROLES) as server:
        answer = server.post("/api/v1/evidence", {"evidence": [{"id": f"e{i}", "content": text, "source_url": f"https://example.org/{i}"}
                                                               for i, text in enumerate(PASSAGES)]})
        assert answer.status_code == 201, answer.text
        assert answer.json()["ids"] == ["e0", "e1", "e2", "e3"]
        yield server


def error_of(answer, status, code=None):
    """The error body in the shape that these routes promise."""
    assert answer.status_code == status, answer.text
    body = answer.json()
    assert set(body) == {"error", "message", "details", "request_id"}
    assert body["request_id"] == answer.headers["x-request-id"]
    assert isinstance(body["message"], str) and "\n" not in body["message"]
    for detail in body["details"]:
        assert set(detail) == {"field", "message", "error_code"}
    assert code is None or body["error"] == code, body
    return body


def poll(server, task_id, wanted=("completed", "failed"), **options):
    end = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < end:
        task = server.get(f"/api/v1/tasks/{task_id}", **options).json()
        if task["status"] in wanted:
            return task
        time.sleep(0.02)
    raise AssertionError(f"the task did not end: {task}")


def test_what_is_cut_is_told(claims):
    long = "on and on and " * 60
    answer = claims.post("/api/v1/embed", {"texts": ["short", long]}).json()
    assert answer["truncated"] == [False, True]
    query = long[:900]
    assert claims.post("/api/v1/search", {"query": query}).json()["truncated"] is True
    assert "truncated" not in claims.post("/api/v1/search", {"query": "water"}).json()
    assert "truncated" not in claims.post("/api/v1/search", {"query": query, "mode": "keyword"}).json()
    for _ in range(2):  # the second comes from the cache
        assert claims.post("/api/v1/verify", {"claim": query}).json()["claim_truncated"] is True
    assert "claim_truncated" not in claims.post("/api/v1/verify", {"claim": "Rivers flow into the ocean."}).json()


def test_embed(claims):
    answer = claims.post("/api/v1/embed", {"texts": ["one", "two words"], "batch_size": 1})
    body = answer.json()
    assert answer.status_code == 200 and body["count"] == 2
    assert [len(vector) for vector in body["embeddings"]] == [body["dimension"]] * 2
    assert body["processing_time_ms"] > 0 and float(answer.headers["x-process-time"]) > 0


@pytest.mark.parametrize("body", [{}, {"texts": []}, {"texts": "one"}, {"texts": [""]}, {"texts": [" \n"]}, {"texts": ["a"] * 101},
                                  {"texts": ["a"], "batch_size": 0}, {"texts": ["a"], "batch_size": 129}, {"texts": [1]}])
def test_embed_refuses(claims, body):
    error_of(claims.post("/api/v1/embed", body), 422, "validation_error")


@pytest.mark.parametrize("mode", ["vector", "keyword", "hybrid", None])
def test_c004_19_search(claims, mode):
    answer = claims.post("/api/v1/search", {"query": "boiling water", "limit": 3} | ({"mode": mode} if mode else {}))
    body = answer.json()
    times = dict(re.findall(r"(\w+);dur=([0-9.]+)", answer.headers["server-timing"]))
    assert set(times) == {"embed", "search", "total"} and float(times["search"]) > 0
    assert (float(times["embed"]) == 0) == (mode == "keyword")
    assert float(times["embed"]) + float(times["search"]) <= float(times["total"])
    assert body["mode"] == (mode or "hybrid") and body["query"] == "boiling water"
    assert body["count"] == len(body["results"]) and body["query_time_ms"] > 0
    assert [row["rank"] for row in body["results"]] == list(range(1, body["count"] + 1))
    for row in body["results"]:
        assert {"evidence_id", "content", "source_url", "similarity", "rank"} <= set(row)
        assert row["content"] == PASSAGES[int(row["evidence_id"][1:])]
    if mode == "keyword":
        assert [row["evidence_id"] for row in body["results"]] == ["e0"]


def test_search_filters(claims):
    found = claims.post("/api/v1/search", {"query": "water", "mode": "vector", "source_filter": "https://example.org/2"}).json()
    assert [row["evidence_id"] for row in found["results"]] == ["e2"]
    assert claims.post("/api/v1/search", {"query": "water", "mode": "vector", "min_similarity": 1}).json()["count"] == 0
    assert claims.post("/api/v1/search", {"query": "water", "tenant_id": "nobody"}).json()["count"] == 0


@pytest.mark.parametrize("change", [{"query": ""}, {"query": "x" * 1001}, {"limit": 0}, {"limit": 101}, {"mode": "fuzzy"},
                                    {"min_similarity": 1.5}, {"min_similarity": "a"}, {"tenant_id": "t" * 201}])
def test_search_refuses(claims, change):
    body = error_of(claims.post("/api/v1/search", {"query": "water"} | change), 422)
    assert body["details"][0]["field"] == next(iter(change))


def test_nli_and_batch_agree(claims):
    pairs = [["Rivers flow into the ocean.", "Rivers are wet."], ["The cat sat on the mat.", "A dog ran."]]
    batch = claims.post("/api/v1/nli/batch", {"pairs": pairs, "batch_size": 8}).json()
    assert batch["count"] == 2 and batch["total_processing_time_ms"] > 0
    for (premise, hypothesis), expected in zip(pairs, batch["results"]):
        single = claims.post("/api/v1/nli", {"premise": premise, "hypothesis": hypothesis}).json()
        assert single["label"] == expected["label"] and single["scores"] == pytest.approx(expected["scores"], abs=1e-6)
        assert set(single["scores"]) == {"entailment", "contradiction", "neutral"}
        assert single["confidence"] == max(single["scores"].values()) == single["scores"][single["label"]]
        assert sum(single["scores"].values()) == pytest.approx(1, abs=1e-5)


def test_nli_refuses(claims):
    error_of(claims.post("/api/v1/nli", {"premise": "a"}), 422)
    error_of(claims.post("/api/v1/nli", {"premise": "a", "hypothesis": "x" * 2001}), 422)
    error_of(claims.post("/api/v1/nli/batch", {"pairs": []}), 422)
    error_of(claims.post("/api/v1/nli/batch", {"pairs": [["a", "b"]] * 51}), 422)
    error_of(claims.post("/api/v1/nli/batch", {"pairs": [["a"]]}), 422)
    error_of(claims.post("/api/v1/nli/batch", {"pairs": [["a", "b"]], "batch_size": 33}), 422)


def test_c004_15_verify_answers_stores_and_reports_stages(claims):
    answer = claims.post("/api/v1/verify", {"claim": "Water boils at sea level.", "min_similarity": 0, "max_evidence": 3})
    body = answer.json()
    assert answer.status_code == 200, body
    assert body["verdict"] in ("SUPPORTED", "REFUTED", "INSUFFICIENT") and 0 <= body["confidence"] <= 1
    assert 0 < len(body["evidence"]) <= 3
    for row in body["evidence"]:
        assert {"evidence_id", "content", "source_url", "nli_label", "nli_confidence", "similarity"} <= set(row)
        pair = claims.post("/api/v1/nli", {"premise": row["content"], "hypothesis": "Water boils at sea level."}).json()
        assert row["nli_label"] == pair["label"] and row["nli_confidence"] == pytest.approx(pair["confidence"], abs=1e-6)
    assert list(body["stages_ms"]) == ["validate", "embed", "retrieve", "entail", "aggregate", "store"]
    assert "entail;dur=" in answer.headers["server-timing"]
    verdict = claims.get(f"/api/v1/verdict/{body['claim_id']}").json()
    assert verdict["claim_text"] == "Water boils at sea level." and verdict["verdict"] == body["verdict"]
    assert verdict["reasoning"] == body["explanation"] and verdict["evidence_count"] == len(body["evidence"])
    assert verdict["verification_id"] == body["verification_id"]
    counts = [sum(row["nli_label"] == label and row["nli_confidence"] >= 0.5 for row in body["evidence"])
              for label in ("entailment", "contradiction")]
    assert [verdict["supporting_count"], verdict["refuting_count"]] == counts


def test_c004_20_another_process_that_writes_costs_the_stored_verdict_only(tmp_path):
    with Server("--rate-limits", "off", "--store", tmp_path / "e.db", models=ROLES) as server:
        body = {"evidence": [{"id": "a", "content": "Water boils at 100 degrees."}]}
        assert server.post("/api/v1/evidence", body).status_code == 201
        writer = sqlite3.connect(tmp_path / "e.db", isolation_level=None)
        writer.execute("BEGIN IMMEDIATE")
        asked = {"claim": "Water boils when it is hot.", "search_mode": "keyword"}
        answer = server.post("/api/v1/verify", asked, headers={"Request-Timeout-Ms": "5000"})
        verdict = answer.json()
        assert answer.status_code == 200 and verdict["stored"] is False, answer.text
        assert verdict["evidence_count"] == 1 and "another process" in verdict["not_stored_because"]
        found = server.post("/api/v1/search", {"query": "water", "mode": "keyword"})
        assert found.status_code == 200 and found.json()["count"] == 1
        error_of(server.get(f"/api/v1/verdict/{verdict['claim_id']}"), 404)
        assert server.metric("vivace_claims_not_stored_total") == 1
        writer.execute("ROLLBACK")
        assert server.post("/api/v1/verify", asked).json()["stored"] is True


def test_verify_is_cached_with_all_its_parameters(claims):
    question = {"claim": "Rivers flow into the sea.", "min_similarity": 0}
    first, second = (claims.post("/api/v1/verify", question).json() for _ in range(2))
    assert not first["cached"] and second["cached"] and first["claim_id"] != second["claim_id"]
    assert second["evidence"] == first["evidence"] and claims.get(f"/api/v1/verdict/{second['claim_id']}").status_code == 200
    for change in ({"max_evidence": 2}, {"search_mode": "vector"}, {"confidence_threshold": 0.9}, {"strategy": "majority_vote"},
                   {"tenant_id": "other"}):
        assert not claims.post("/api/v1/verify", question | change).json()["cached"], change


@pytest.mark.parametrize("strategy", ["weighted_vote", "majority_vote", "confidence_threshold", "strict_consensus", "mean_confidence"])
def test_strategies(claims, strategy):
    body = claims.post("/api/v1/verify", {"claim": "The cat sat on a mat.", "strategy": strategy, "min_similarity": 0}).json()
    assert body["strategy_used"] in (strategy, "weighted_vote")
    strict = claims.post("/api/v1/verify", {"claim": "The cat sat on a mat.", "strategy": strategy, "min_similarity": 0,
                                            "confidence_threshold": 1}).json()
    assert strict["verdict"] == "INSUFFICIENT" or strict["confidence"] == 1


def test_c004_18_claims_are_validated(claims):
    for claim, code in (("word", "SINGLE_WORD"), ("?! ...", "NO_ALPHANUMERIC"), ("broken \ufffd text", "REPLACEMENT_CHAR")):
        body = error_of(claims.post("/api/v1/verify", {"claim": claim}), 400, code)
        assert body["details"][0]["error_code"] == code
    error_of(claims.post("/api/v1/verify", {"claim": ""}), 422)
    error_of(claims.post("/api/v1/verify", {"claim": "x " * 1001}), 422)
    error_of(claims.post("/api/v1/verify", {"claim": "two words", "max_evidence": 51}), 422)
    error_of(claims.post("/api/v1/verify", {"claim": "two words", "strategy": "coin"}), 422)
    assert "MINIMAL_CONTEXT" in claims.post("/api/v1/verify", {"claim": "two words"}).json()["validation_warnings"]


def test_claims_are_kept_and_paged(claims):
    made = [claims.post("/api/v1/claims", {"text": f"claim number {i}", "source_url": "https://example.org", "tenant_id": "pages"})
            for i in range(3)]
    assert [answer.status_code for answer in made] == [201] * 3
    first = made[0].json()
    assert set(first) == {"id", "text", "source_url", "submitted_at", "verdict"} and first["verdict"] is None
    assert str(uuid.UUID(first["id"])) == first["id"]
    page = claims.get("/api/v1/claims?tenant_id=pages&skip=1&limit=1").json()
    assert page == {"items": [made[1].json()], "total": 3, "skip": 1, "limit": 1}
    assert claims.get(f"/api/v1/claims/{first['id']}?tenant_id=pages").json() == first
    error_of(claims.get(f"/api/v1/claims/{first['id']}"), 404)  # another tenant's
    for query in ("limit=0", "limit=101", "limit=x", "skip=-1"):
        error_of(claims.get(f"/api/v1/claims?{query}"), 422)
    error_of(claims.post("/api/v1/claims", {"text": " "}), 422)
    error_of(claims.get("/api/v1/claims/17"), 422)


def test_not_found(claims):
    for path in ("verdict", "verdicts", "claims", "tasks"):
        error_of(claims.get(f"/api/v1/{path}/{uuid.uuid4()}"), 404, "not_found")
        error_of(claims.get(f"/api/v1/{path}/not-a-uuid"), 422)
    claim = claims.post("/api/v1/claims", {"text": "never verified"}).json()
    error_of(claims.get(f"/api/v1/verdict/{claim['id']}"), 404)


def test_verify_in_the_background(claims):
    claim = claims.post("/api/v1/claims", {"text": "Rivers flow to the ocean."}).json()
    begun = claims.post(f"/api/v1/claims/{claim['id']}/verify",
                        {"claim_id": claim["id"], "claim_text": claim["text"], "options": {"max_evidence_items": 2}})
    assert begun.status_code == 202, begun.text
    assert set(begun.json()) >= {"task_id", "status", "created_at", "completed_at", "result", "error", "progress_percentage"}
    task = poll(claims, begun.json()["task_id"])
    assert task["status"] == "completed" and task["progress_percentage"] == 100 and task["completed_at"]
    result = claims.get(f"/api/v1/verdicts/{claim['id']}").json()
    assert result == task["result"]
    assert result["verdict"] in ("SUPPORTED", "REFUTED", "NOT_ENOUGH_INFO") and result["reasoning"]
    assert result["verified_at"] and result["processing_time_ms"] > 0 and result["validation_warnings"] == []
    for row in result["evidence"]:
        assert set(row) == {"id", "text", "source", "relevance", "url", "publication_date", "nli_label", "nli_confidence"}
    verdict = claims.get(f"/api/v1/claims/{claim['id']}").json()["verdict"]
    assert {"INSUFFICIENT": "NOT_ENOUGH_INFO"}.get(verdict, verdict) == result["verdict"]


def test_verify_in_the_background_knows_a_claim_and_its_id_in_any_form(claims):
    stored = claims.post("/api/v1/verify", {"claim": "The cafe\u0301 opens at nine.", "min_similarity": 0}).json()
    for text in ("The cafe\u0301 opens at nine.", "The caf\u00e9 opens at nine."):
        body = {"claim_id": stored["claim_id"].upper(), "claim_text": text}
        begun = claims.post(f"/api/v1/claims/{stored['claim_id']}/verify", body)
        assert begun.status_code == 202, begun.text
    other = {"claim_id": stored["claim_id"], "claim_text": "The cafe opens at nine."}
    error_of(claims.post(f"/api/v1/claims/{stored['claim_id']}/verify", other), 400)


def test_verify_in_the_background_takes_one_new_claim_from_many_at_once(claims):
    """Whoever comes second to store the claim finds the same text there."""
    with ThreadPoolExecutor(8) as clients:
        for _ in range(10):
            path, barrier = f"/api/v1/claims/{uuid.uuid4()}/verify", threading.Barrier(8)

            def begin(_, path=path, barrier=barrier):
                barrier.wait()
                return claims.post(path, {"claim_text": "The river flows south."}).status_code
            assert set(clients.map(begin, range(8))) == {202}


def test_verify_in_the_background_tells_what_was_cut(claims):
    pieces = [{"id": "long", "content": "The river flows. " * 400}, {"id": "short", "content": "The river flows."}]
    assert claims.post("/api/v1/evidence", {"evidence": pieces, "tenant_id": "cut"}).status_code == 201
    asked = {"claim_text": "The river flows.", "tenant_id": "cut"}
    begun = claims.post(f"/api/v1/claims/{uuid.uuid4()}/verify", asked)
    assert begun.status_code == 202, begun.text
    task = poll(claims, begun.json()["task_id"] + "?tenant_id=cut")
    assert {row["id"]: row.get("truncated", False) for row in task["result"]["evidence"]} == {"long": True, "short": False}


def test_verify_in_the_background_makes_the_claim_and_refuses(claims):
    name = str(uuid.uuid4())
    path = f"/api/v1/claims/{name}/verify"
    begun = claims.post(path, {"claim_text": "The cat sat here.", "options": {"return_reasoning": False}})
    assert poll(claims, begun.json()["task_id"])["result"]["reasoning"] is None
    assert claims.get(f"/api/v1/claims/{name}").json()["text"] == "The cat sat here."
    error_of(claims.post(path, {"claim_text": "Another text here."}), 400)
    error_of(claims.post(path, {"claim_text": "The cat sat here.", "claim_id": str(uuid.uuid4())}), 400)
    error_of(claims.post(path, {"claim_text": "cat"}), 400, "SINGLE_WORD")
    error_of(claims.post(path, {}), 422)
    error_of(claims.post(path, {"claim_text": "The cat sat here.", "options": {"max_evidence_items": 51}}), 422)
    error_of(claims.post(path, {"claim_text": "The cat sat here.", "corpus_ids": ["a"]}), 422)
    assert claims.get(path).status_code == 405


def test_evidence(claims):
    single = claims.post("/api/v1/evidence", {"content": "A zebra has stripes.", "tenant_id": "zoo"})
    assert single.status_code == 201 and single.json()["count"] == 1
    again = claims.post("/api/v1/evidence", {"evidence": [{"id": single.json()["ids"][0], "text": "A tiger has stripes.", "url": "u"}],
                                             "tenant_id": "zoo"})
    assert again.status_code == 201
    found = claims.post("/api/v1/search", {"query": "stripes", "mode": "keyword", "tenant_id": "zoo"}).json()["results"]
    assert [(row["content"], row["source_url"]) for row in found] == [("A tiger has stripes.", "u")]
    assert claims.post("/api/v1/search", {"query": "stripes", "mode": "keyword"}).json()["count"] == 0
    error_of(claims.post("/api/v1/evidence", {"evidence": []}), 422)
    error_of(claims.post("/api/v1/evidence", {"evidence": [{"content": " "}]}), 422)
    error_of(claims.post("/api/v1/evidence", {}), 422)


def test_bodies_that_are_no_json_objects(claims):
    for body in (b"{", b"[]", b"\xff", b"null"):
        error_of(requests.post(claims.url + "/api/v1/verify", data=body, timeout=PATIENCE_SECONDS,
                               headers={"content-type": "application/json"}), 422)


def test_c004_21_health_and_metrics(claims):
    health = claims.get("/api/v1/health").json()
    assert health["status"] == "healthy" and set(health["services"]) == {"database", "embedding_service", "nli_service"}
    assert all(set(service) == {"status", "message", "latency_ms"} for service in health["services"].values())
    assert claims.get("/api/v1/health/detailed").status_code == 200
    claims.post("/api/v1/verify", {"claim": "Something to measure here."})
    for name in ("embeddings_generated_total", "nli_pairs_verified_total", "verification_e2e_latency_seconds_count",
                 "embedding_latency_seconds_count", "nli_latency_seconds_count"):
        assert claims.metric(name) > 0, name
    before = claims.metric("embeddings_generated_total")
    assert claims.post("/api/v1/search", {"query": "water", "mode": "vector"}).status_code == 200
    assert claims.metric("embeddings_generated_total") == before + 1
    assert claims.metric("model_memory_usage_bytes", model="entailment") > 0
    assert "verification_e2e_latency_seconds" in claims.get("/api/v1/metrics").text
    names = claims.get("/api/v1/metrics/list").json()["metrics"]
    assert "verification_latency_ms" in names
    overview = claims.get("/api/v1/metrics/overview").json()["metrics"]["verification_latency_ms"]
    assert overview["count"] > 0 and overview["p50"] <= overview["p95"] <= overview["p99"]
    series = claims.get("/api/v1/metrics/timeseries?metric_name=verification_latency_ms&duration_seconds=600").json()
    assert series["count"] == len(series["points"]) > 0
    error_of(claims.get("/api/v1/metrics/timeseries?metric_name=none"), 404)
    error_of(claims.get("/api/v1/metrics/timeseries"), 422)
    assert "claim_verified claim_id=" in claims.log()


def test_c004_18_many_at_once(claims):
    answers = []

    def verify(i):
        answers.append(claims.post("/api/v1/verify", {"claim": f"The river number {i} flows.", "min_similarity": 0}))

    threads = [threading.Thread(target=verify, args=(i,)) for i in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [answer.status_code for answer in answers] == [200] * 20
    assert len({answer.json()["claim_id"] for answer in answers}) == 20


def test_c004_21_the_root_health_knows_the_services(claims):
    claims.post("/api/v1/evidence", {"content": "so that there is a store"})
    health = claims.get("/health").json()
    assert health["status"] == "healthy" and health["timestamp"].endswith("Z") and health["version"]
    assert set(health["services"]) == {"database", "embedding_service", "nli_service"}
    for service in health["services"].values():
        assert service["status"] == "healthy" and service["message"] and service["latency_ms"] is None


def test_missing_models_are_named():
    with Server("--rate-limits", "off", models=[f"minilm={MODEL}"]) as server:
        for path, body, name in (("embed", {"texts": ["a"]}, "embedder"), ("search", {"query": "a"}, "embedder"),
                                 ("evidence", {"content": "a"}, "embedder"), ("nli", {"premise": "a", "hypothesis": "b"}, "entailment"),
                                 ("verify", {"claim": "two words", "search_mode": "keyword"}, "entailment"),
                                 ("verify", {"claim": "two words"}, "embedder"),
                                 (f"claims/{uuid.uuid4()}/verify", {"claim_text": "two words"}, "embedder")):
            body = error_of(server.post(f"/api/v1/{path}", body), 503)
            assert f"'{name}'" in body["message"]
        assert server.post("/api/v1/search", {"query": "a", "mode": "keyword"}).json()["count"] == 0
        assert server.get("/api/v1/health").json()["status"] == "degraded"
        assert server.get("/api/v1/health/detailed").status_code == 503


def test_c004_20_background_tasks_have_as_many_workers_as_are_configured(tmp_path):
    def threads(*flags):
        with Server("--rate-limits", "off", "--store", tmp_path / "e.db", *flags, models=ROLES) as server:
            assert server.post("/api/v1/evidence", {"content": "opens the store, and with it the workers begin"}).status_code == 201
            return len(list(Path(f"/proc/{server.process.pid}/task").iterdir()))
    assert threads("--task-workers", "9") - threads("--task-workers", "2") == 7
    assert threads() - threads("--task-workers", "1") == 4


def test_rate_limits_per_client():
    with Server("--rate-limits", "verify=2,nli=0", models=ROLES) as server:
        answers = [server.post("/api/v1/verify", {"claim": "two words"}) for _ in range(3)]
        assert [answer.status_code for answer in answers] == [200, 200, 429]
        assert [answer.headers["x-ratelimit-remaining"] for answer in answers] == ["1", "0", "0"]
        assert 1 <= int(answers[2].headers["retry-after"]) <= 60 and answers[2].headers["x-ratelimit-limit"] == "2"
        error_of(answers[2], 429, "rate_limit_exceeded")
        assert "x-ratelimit-limit" not in server.post("/api/v1/nli", {"premise": "a", "hypothesis": "b"}).headers
        stats = server.get("/rate-limit-stats").json()["limits"]
        assert stats["verify"] == {"limit_per_minute": 2, "allowed": 2, "refused": 1}
        assert stats["search"]["limit_per_minute"] == 20 and stats["claims"]["limit_per_minute"] == 30


def test_tenants_by_key():
    keys = {name: {"authorization": f"Bearer {name}-key"} for name in ("press", "law")}
    with Server("--rate-limits", "off", "--api-key", "all", "--tenant-keys", "press=press-key,law=law-key", models=ROLES) as server:
        stored = server.post("/api/v1/evidence?tenant_id=guests", {"content": "secret of guests"}, headers={"authorization": "Bearer all"})
        assert stored.json()["tenant_id"] == "guests"
        assert server.get("/api/v1/claims").status_code == 401
        assert server.get("/api/v1/claims", headers={"authorization": "Bearer wrong"}).status_code == 401
        for name, headers in keys.items():
            assert server.post("/api/v1/evidence", {"content": f"secret of {name}"}, headers=headers).json()["tenant_id"] == name
        for name, headers in keys.items():
            found = server.post("/api/v1/search", {"query": "secret", "mode": "keyword"}, headers=headers).json()["results"]
            assert [row["content"] for row in found] == [f"secret of {name}"]
        error_of(server.post("/api/v1/search", {"query": "secret", "tenant_id": "law"}, headers=keys["press"]), 403)
        # The same where only the query says whose, and where both do.
        error_of(server.post("/api/v1/search?tenant_id=law", {"query": "secret"}, headers=keys["press"]), 403)
        asked = {"query": "secret", "mode": "keyword", "tenant_id": "press"}
        assert server.post("/api/v1/search?tenant_id=press", asked, headers=keys["press"]).json()["count"] == 1
        error_of(server.post("/api/v1/search?tenant_id=law", asked, headers=keys["press"]), 422)
        for path in ("/rate-limit-stats", "/api/v1/metrics"):
            assert server.get(path).status_code == 401
            assert server.get(path, headers=keys["law"]).status_code == 200
        made = server.post("/api/v1/claims", {"text": "a claim of the press"}, headers=keys["press"]).json()
        error_of(server.get(f"/api/v1/claims/{made['id']}", headers=keys["law"]), 404)
        assert server.get("/ready").status_code == 200


def test_c004_20_tasks_survive_a_killed_server(tmp_path):
    store = tmp_path / "evidence.db"
    flags = ["--store", str(store), "--rate-limits", "off", "--task-lease-seconds", "0.5"]
    names = [str(uuid.uuid4()) for _ in range(30)]
    with Server(*flags, models=ROLES) as server:
        server.post("/api/v1/evidence", {"evidence": [{"content": text} for text in PASSAGES]})
        tasks = [server.post(f"/api/v1/claims/{name}/verify", {"claim_text": "Rivers flow to the ocean."}).json()["task_id"]
                 for name in names]
        os.kill(server.process.pid, signal.SIGKILL)
        server.process.wait()
    # One was being worked on when the process died, whatever the chances made of the others.
    with sqlite3.connect(store) as database:
        database.execute("UPDATE task SET status = 'processing', owner = 'killed', lease_until = 0, result = '', completed_at = '' "
                         "WHERE id = ?", (tasks[-1],))
    with Server(*flags, models=ROLES) as server:
        for task in tasks:
            assert poll(server, task)["status"] == "completed"
        assert server.get("/api/v1/claims").json()["total"] == len(names)


def test_wrong_settings_are_refused(tmp_path):
    import subprocess

    from vivace_server import PROGRAM, clean_environment
    for flag, value, said in (("--rate-limits", "verify", "is no limit"), ("--rate-limits", "verify=-1", "expected a number"),
                              ("--tenant-keys", "a", "expected TENANT=KEY"), ("--tenant-keys", "a=k,b=k", "for two tenants")):
        done = subprocess.run([PROGRAM, "serve", "--check", "--model", TINY, flag, value], capture_output=True, text=True,
                              env=clean_environment(), check=False, cwd=tmp_path, timeout=PATIENCE_SECONDS)
        assert done.returncode == 2 and f"vivace: {flag}: " in done.stderr and said in done.stderr, done.stderr
