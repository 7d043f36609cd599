"""AI-text detection over HTTP: the answers and errors of the original, and ours beyond it."""

import concurrent.futures
import contextlib
import http.server
import json
import signal
import sqlite3
import threading
import uuid

import pytest

from vivace_server import ROOT, Server

DETECTOR = ROOT / "tests" / "golden" / "detector-deberta"
REFERENCE = [json.loads(line) for line in (DETECTOR / "reference.jsonl").read_text(encoding="utf-8").splitlines()]
SENTENCES, BATCH = "/api/v1/predict/sentences", "/api/v1/predict/batch"


def start(folder, *flags, **options):
    return Server("--precision", "fp32", "--detection-jobs-file", str(folder / "jobs.db"), *flags, models=[f"detector={DETECTOR}"], **options)


@pytest.fixture(scope="module")
def detector(tmp_path_factory):
    with start(tmp_path_factory.mktemp("jobs"), "--detection-callback-delay-seconds", "0.02",
               "--detection-callback-hosts", "127.0.0.1", "--detection-max-job-sentences", "500") as server:
        yield server


def rows(count):
    return [row for row in REFERENCE if row["words"] and len(row["words"]) <= 350][:count]


def job(server, id):
    return server.get(f"/api/v1/jobs/{id}").json()


def wait_for_end(server, id):
    server.wait_until(lambda: job(server, id)["status"] not in ("pending", "processing"))
    return job(server, id)


def test_c003_01_words_of_120_sentences(detector):
    some = rows(120)
    response = detector.post(SENTENCES, {"sentences": [row["text"] for row in some]})
    assert response.status_code == 200
    answer = response.json()
    assert list(answer) == ["probabilities", "metadata"]
    for row, found in zip(some, answer["probabilities"], strict=True):
        assert found == pytest.approx(row["words"], abs=2e-4)
    metadata = answer["metadata"]
    assert metadata["model_version"] == "detector-deberta"
    assert metadata["total_words"] == sum(len(row["words"]) for row in some)
    assert metadata["truncated_words"] == sum(row["truncated"] for row in some)
    assert metadata["processing_time_ms"] > 0
    assert round(metadata["processing_time_ms"], 2) == metadata["processing_time_ms"]  # c003_15


def test_details_and_compatible_offsets(detector):
    row = rows(1)[0]
    answer = detector.post(SENTENCES, {"sentences": [row["text"]], "details": True}).json()
    [sentence] = answer["sentences"]
    assert sentence["words"] == row["text"].split() and sentence["probabilities"] == answer["probabilities"][0]
    assert sentence["classification"] in ("ai_generated", "human_written", "mixed")
    assert sentence["avg_probability"] == pytest.approx(sum(row["words"]) / len(row["words"]), abs=2e-4)
    compatible = detector.post(SENTENCES, {"sentences": [row["text"]], "compat_offsets": True}).json()
    assert compatible["probabilities"][0] == pytest.approx(row["compatible"], abs=2e-4)


def test_c003_17_cache_hits_are_visible(detector):
    body = {"sentences": [f"a text of this test {uuid.uuid4()}"]}
    first, second = (detector.post(SENTENCES, body).json() for _ in range(2))
    assert (first["metadata"]["cached_sentences"], second["metadata"]["cached_sentences"]) == (0, 1)
    assert first["probabilities"] == second["probabilities"]


def test_cache_hits_of_a_job_are_counted(detector):
    some = [f"a text of this job {uuid.uuid4()}" for _ in range(20)]  # several turns
    detector.post(SENTENCES, {"sentences": some[:12]})
    done = wait_for_end(detector, detector.post(BATCH, {"sentences": some}).json()["job_id"])
    assert done["result"]["metadata"]["cached_sentences"] == 12
    again = wait_for_end(detector, detector.post(BATCH, {"sentences": some}).json()["job_id"])
    assert again["result"]["metadata"]["cached_sentences"] == 20


@pytest.mark.parametrize("body, location, part", [
    ({"sentences": []}, ["sentences"], "at least 1"),
    ({"sentences": ["a"] * 121}, ["sentences"], "the limit is 120"),
    ({"sentences": ["a", " \t"]}, ["sentences", 1], "is blank"),
    ({"sentences": ["word " * 351]}, ["sentences", 0], "351 words, the limit is 350"),
    ({"sentences": "text"}, ["sentences"], "array"),
    ({"sentences": [1]}, ["sentences", 0], "string"),
    ({"sentences": ["a"], "details": "yes"}, ["details"], "details"),
    ({}, ["sentences"], "sentences"),
    ([], [], "object"),
])
def test_errors_have_the_original_form(detector, body, location, part):
    response = detector.post(SENTENCES, body)
    assert response.status_code == 422
    [problem] = response.json()["detail"]
    assert problem["loc"] == ["body", *location] and part in problem["msg"] and problem["type"]


def test_c003_13_limits_at_the_edge(detector):
    answer = detector.post(SENTENCES, {"sentences": ["word " * 350] + ["a"] * 119})
    assert answer.status_code == 200 and answer.json()["metadata"]["total_words"] == 350 + 119
    assert len(answer.json()["probabilities"][0]) == 350
    assert detector.post(SENTENCES, data=b"{", headers={"content-type": "application/json"}).status_code == 422


def test_c003_13_word_limit_is_configurable(tmp_path):
    with start(tmp_path, "--detection-max-words", "50", "--detection-max-sentences", "2") as server:
        assert server.post(SENTENCES, {"sentences": ["word " * 50] * 2}).status_code == 200
        assert server.post(SENTENCES, {"sentences": ["word " * 51]}).status_code == 422
        assert server.post(SENTENCES, {"sentences": ["word"] * 3}).status_code == 422


def test_missing_detector_is_503(server):
    for path in (SENTENCES, BATCH):
        response = server.post(path, {"sentences": ["a"]})
        assert response.status_code == 503 and "--model detector=DIR" in response.json()["detail"]
    assert server.get("/api/v1/jobs").status_code == 503
    status = server.get("/api/v1/detection/status").json()
    assert status["model_loaded"] is False and "detector" in status["problem"]


def test_a_detector_that_classifies_no_tokens_is_the_servers_fault(tmp_path):
    wrong = DETECTOR.parent / "tiny-bert"
    with Server("--detection-jobs-file", str(tmp_path / "jobs.db"), models=[f"detector={wrong}"]) as server:
        for path in (SENTENCES, BATCH):
            response = server.post(path, {"sentences": ["a"]})
            assert response.status_code == 503 and "does not classify tokens" in response.json()["detail"], path
        assert server.get("/api/v1/jobs").json() == {"jobs": []}
        assert server.post(SENTENCES, {"sentences": []}).status_code == 422  # what is wrong with the request is told first


def test_status(detector):
    status = detector.get("/api/v1/detection/status").json()
    assert status["status"] == "healthy" and status["model_loaded"] is True
    assert status["model_version"] == "detector-deberta" and status["device"] == "cpu"
    assert status["limits"] == {"max_sentences": 120, "max_words_per_sentence": 350, "max_job_sentences": 500}


def test_job_answers_at_once_and_ends_with_the_result(detector):
    some = rows(150)  # more than one request may have
    texts = [row["text"] for row in some]
    answer = detector.post(BATCH, {"sentences": texts}).json()
    assert uuid.UUID(answer["job_id"]).version == 4
    assert answer["status"] == "pending" and answer["total_sentences"] == 150
    done = wait_for_end(detector, answer["job_id"])
    assert done["status"] == "complete" and done["progress"] == 1.0
    for row, found in zip(some, done["result"]["probabilities"], strict=True):
        assert found == pytest.approx(row["words"], abs=2e-4)
    assert done["result"]["metadata"]["processing_time_ms"] > 0
    listed = detector.get("/api/v1/jobs").json()["jobs"]
    assert answer["job_id"] in [entry["job_id"] for entry in listed] and "result" not in listed[0]


def test_unknown_job(detector):
    for method in (detector.get, lambda path: detector.request("DELETE", path)):
        response = method("/api/v1/jobs/nothing")
        assert response.status_code == 404 and response.json() == {"detail": "Job nothing not found"}


def test_cancel(detector):
    id = detector.post(BATCH, {"sentences": [f"{uuid.uuid4()} " + "word " * 300] * 500}).json()["job_id"]
    assert detector.request("DELETE", f"/api/v1/jobs/{id}").json()["status"] == "cancelled"
    again = detector.request("DELETE", f"/api/v1/jobs/{id}")
    assert again.status_code == 409 and "cancelled already" in again.json()["detail"]
    assert job(detector, id)["status"] == "cancelled"


def test_batch_limits(detector):
    assert detector.post(BATCH, {"sentences": []}).status_code == 422
    assert detector.post(BATCH, {"sentences": ["a"] * 501}).status_code == 422
    assert detector.post(BATCH, {"sentences": ["word " * 351]}).status_code == 422
    assert detector.post(BATCH, {"sentences": ["a"] * 500}).status_code == 200


def test_jobs_survive_kill(tmp_path):
    texts = [f"number {i} " + "word " * 200 for i in range(400)]
    with start(tmp_path, "--threads", "1", "--detection-cache-bytes", "0") as server:
        id = server.post(BATCH, {"sentences": texts, "details": True}).json()["job_id"]
        server.wait_until(lambda: job(server, id)["progress"] > 0)
        server.process.send_signal(signal.SIGKILL)
        server.process.wait()
    with start(tmp_path, "--threads", "1", "--detection-cache-bytes", "0") as server:
        assert job(server, id)["progress"] > 0  # what was computed is not lost
        done = wait_for_end(server, id)
        assert done["status"] == "complete"
        assert [len(words) for words in done["result"]["probabilities"]] == [202] * 400
        assert server.metric("vivace_detection_sentences_total") < 400
        expected = server.post(SENTENCES, {"sentences": texts[:1] + texts[-1:]}).json()["probabilities"]
        assert [done["result"]["probabilities"][i] for i in (0, -1)] == expected
        assert done["result"]["sentences"][0]["words"][:2] == ["number", "0"]


def test_a_busy_file_of_jobs_holds_up_no_other_request(tmp_path):
    with start(tmp_path) as server, concurrent.futures.ThreadPoolExecutor(4) as pool:
        id = server.post(BATCH, {"sentences": ["a b"]}).json()["job_id"]
        wait_for_end(server, id)
        with contextlib.closing(sqlite3.connect(tmp_path / "jobs.db", isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")  # whoever writes to the file waits, and whoever waits for them
            asked = [pool.submit(server.post, BATCH, {"sentences": ["c d"]})]
            assert not concurrent.futures.wait(asked, timeout=1).done
            asked += [pool.submit(server.request, method, path)
                      for method, path in (("GET", "/api/v1/jobs"), ("GET", f"/api/v1/jobs/{id}"), ("DELETE", f"/api/v1/jobs/{id}"))]
            assert not concurrent.futures.wait(asked, timeout=1, return_when=concurrent.futures.FIRST_COMPLETED).done
            assert server.get("/health").status_code == 200
            assert not any(request.done() for request in asked)
            other.execute("ROLLBACK")
        assert [request.result().status_code for request in asked] == [200, 200, 200, 409]


def test_one_server_owns_the_file(tmp_path):
    with start(tmp_path), start(tmp_path) as second:
        response = second.post(BATCH, {"sentences": ["a"]})
        assert response.status_code == 503 and "held by another process" in response.json()["detail"]
        assert second.post(SENTENCES, {"sentences": ["a"]}).status_code == 200


@contextlib.contextmanager
def listener(statuses):
    """A server that keeps what it is sent and answers with these statuses, the last for ever."""
    bodies = []

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self):
            bodies.append(json.loads(self.rfile.read(int(self.headers["content-length"]))))
            self.send_response(statuses[min(len(bodies), len(statuses)) - 1])
            self.send_header("content-length", "0")
            self.end_headers()

        def log_message(self, *_):
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as running:
        thread = threading.Thread(target=running.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{running.server_port}/done", bodies
        running.shutdown()
        thread.join()


def test_callback_is_tried_again(detector):
    with listener([500, 302, 204]) as (url, bodies):
        before = detector.metric("vivace_detection_callbacks_total", outcome="delivered")
        id = detector.post(BATCH, {"sentences": ["a b"], "callback_url": url}).json()["job_id"]
        detector.wait_until(lambda: detector.metric("vivace_detection_callbacks_total", outcome="delivered") > before)
        assert len(bodies) == 3 and bodies[-1] == job(detector, id) and len(bodies[-1]["result"]["probabilities"][0]) == 2


def test_callback_is_given_up_after_three_tries(detector):
    with listener([503]) as (url, bodies):
        before = detector.metric("vivace_detection_callbacks_total", outcome="failed")
        detector.post(BATCH, {"sentences": ["a b"], "callback_url": url})
        detector.wait_until(lambda: detector.metric("vivace_detection_callbacks_total", outcome="failed") > before)
        assert len(bodies) == 3


@pytest.mark.parametrize("url", ["http://example.org/", "http://127.0.0.1.example.org/", "ftp://127.0.0.1/", "", "x"])
def test_callbacks_only_to_listed_hosts(detector, url):
    response = detector.post(BATCH, {"sentences": ["a"], "callback_url": url})
    assert response.status_code == 422 and response.json()["detail"][0]["loc"] == ["body", "callback_url"]


def test_names_of_callback_hosts_may_be_written_in_capitals(tmp_path):
    with listener([204]) as (url, bodies), start(tmp_path, "--detection-callback-hosts", "Example.ORG, LocalHost") as server:
        response = server.post(BATCH, {"sentences": ["a"], "callback_url": url.replace("127.0.0.1", "LOCALHOST")})
        assert response.status_code == 200, response.text
        server.wait_until(lambda: bodies)


def test_callbacks_are_off_without_a_list(tmp_path):
    with start(tmp_path) as server:
        response = server.post(BATCH, {"sentences": ["a"], "callback_url": "http://127.0.0.1:1/"})
        assert response.status_code == 422 and "callbacks are switched off" in response.json()["detail"][0]["msg"]
        assert server.post(BATCH, {"sentences": ["a"], "callback_url": None}).status_code == 200


def test_many_clients_at_once(detector):
    some = rows(60)

    def ask(i):
        part = some[i % 50:i % 50 + 10]
        response = detector.post(SENTENCES, {"sentences": [row["text"] for row in part]})
        assert response.status_code == 200, response.text
        for row, found in zip(part, response.json()["probabilities"], strict=True):
            assert found == pytest.approx(row["words"], abs=2e-4)

    with concurrent.futures.ThreadPoolExecutor(16) as pool:
        list(pool.map(ask, range(64)))
    assert detector.metric("vivace_detection_requests_total") >= 64
