"""HTTP/1.1 itself: what curl and raw sockets see."""

import json
import subprocess
import time

import pytest

from vivace_server import PATIENCE_SECONDS, Server, metrics, post_bytes

EMBED = '{"input":"hello"}'


def curl(*arguments):
    result = subprocess.run(["curl", "-sS", "--max-time", str(PATIENCE_SECONDS), *arguments], capture_output=True,
                            check=True)
    return result.stdout.decode()  # line ends as they were sent


def test_curl_reuses_its_connection(server):
    code = "%{http_code} %{num_connects}\n"
    out = curl("-o", "/dev/null", "-w", code, server.url + "/health", "--next", "-o", "/dev/null", "-w", code,
               "-H", "content-type: application/json", "-d", EMBED, server.url + "/v1/embeddings")
    assert out == "200 1\n200 0\n"


def test_head_has_the_headers_of_get(server):
    for path in ("/", "/health", "/v1/models", "/openapi.json"):
        got, head = server.get(path), curl("-I", server.url + path)
        assert head.startswith("HTTP/1.1 200 OK\r\n"), path
        assert f"content-length: {len(got.content)}\r\n" in head
        assert head.endswith("\r\n\r\n")


def test_head_leaves_the_connection_usable(server):
    with server.connect() as connection:
        connection.send("HEAD /health HTTP/1.1\r\nhost: t\r\n\r\nGET /health HTTP/1.1\r\nhost: t\r\n\r\n")
        assert connection.read_response(has_body=False)[0] == 200
        assert json.loads(connection.read_response()[2])["status"] == "healthy"


def test_options_and_allow(server):
    with server.connect() as connection:
        for target, allow in (("/health", "GET, HEAD, OPTIONS"), ("/v1/embeddings", "POST, OPTIONS"),
                              ("*", "GET, HEAD, POST, DELETE, OPTIONS")):
            connection.send(f"OPTIONS {target} HTTP/1.1\r\nhost: t\r\n\r\n")
            status, headers, _ = connection.read_response()
            assert (status, headers["allow"]) == (204, allow)
            assert "content-length" not in headers


def test_wrong_method(server):
    response = server.get("/v1/embeddings")
    assert response.status_code == 405 and response.headers["allow"] == "POST, OPTIONS"
    assert response.json()["error"]["code"] == "method_not_allowed"
    assert server.post("/health", {}).status_code == 405


def test_unknown_route_has_its_familys_shape(server):
    assert server.get("/v1/nothing").json()["error"]["type"] == "not_found_error"
    assert server.get("/nothing").json()["error"] == {
        "code": "route_not_found", "message": "there is no such route; GET /openapi.json lists them all", "details": {}}


def test_chunked_upload(server):
    out = curl("-H", "content-type: application/json", "-H", "transfer-encoding: chunked", "-d", EMBED,
               server.url + "/v1/embeddings")
    assert json.loads(out)["usage"]["total_tokens"] == 3
    with server.connect() as connection:
        connection.send("POST /v1/embeddings HTTP/1.1\r\nhost: t\r\ntransfer-encoding: chunked\r\n\r\n")
        for byte in EMBED:
            connection.send(f"1\r\n{byte}\r\n")
        connection.send("0\r\n\r\n")
        assert connection.read_response()[0] == 200


def test_expect_continue(server):
    with server.connect() as connection:
        head, _, body = post_bytes("/v1/embeddings", EMBED, "expect: 100-continue").partition(b"\r\n\r\n")
        connection.send(head + b"\r\n\r\n")
        assert connection.read_until(b"\r\n\r\n") == b"HTTP/1.1 100 Continue"
        connection.send(body)
        assert connection.read_response()[0] == 200


def test_expect_continue_is_answered_at_once_when_hopeless(server):
    with server.connect() as connection:
        head, _, _ = post_bytes("/v1/nothing", EMBED, "expect: 100-continue").partition(b"\r\n\r\n")
        connection.send(head + b"\r\n\r\n")
        assert connection.read_response()[0] == 404


def test_an_empty_line_before_a_request_is_passed_over(server):
    with server.connect() as connection:
        connection.send("\r\nGET /health HTTP/1.1\r\nhost: t\r\n\r\n")
        assert connection.read_response()[0] == 200
    # By itself it is no request that has begun: the time for its head does not run.
    with Server("--header-timeout-seconds", "0.2", models=[]) as patient, patient.connect() as connection:
        connection.send("GET /health HTTP/1.1\r\nhost: t\r\n\r\n\r\n")
        assert connection.read_response()[0] == 200
        time.sleep(0.6)
        connection.send("GET /health HTTP/1.1\r\nhost: t\r\n\r\n")
        assert connection.read_response()[0] == 200
    with server.connect() as connection:
        connection.send(post_bytes("/v1/embeddings", EMBED) + b"\r\n" + b"GET /health HTTP/1.1\r\nhost: t\r\n")
        assert connection.read_response()[0] == 200
        connection.send("\r\n")  # which ends a head that has begun
        assert connection.read_response()[0] == 200


def test_pipelined_requests_are_answered_in_order(server):
    with server.connect() as connection:
        requests = b"".join(post_bytes("/v1/embeddings", json.dumps({"input": ["x"] * n}), f"x-request-id: r{n}")
                            + b"GET /health HTTP/1.1\r\nhost: t\r\nx-request-id: h%d\r\n\r\n" % n for n in (3, 1, 2))
        connection.send(requests)
        for n in (3, 1, 2):
            status, headers, body = connection.read_response()
            assert (status, headers["x-request-id"], len(json.loads(body)["data"])) == (200, f"r{n}", n)
            status, headers, _ = connection.read_response()
            assert (status, headers["x-request-id"]) == (200, f"h{n}")


def test_request_split_into_bytes(server):
    with server.connect() as connection:
        for byte in post_bytes("/v1/embeddings", EMBED):
            connection.send(bytes([byte]))
        assert connection.read_response()[0] == 200


def test_http_1_0_and_connection_close(server):
    for request in ("GET /health HTTP/1.0\r\n\r\n", "GET /health HTTP/1.1\r\nhost: t\r\nconnection: close\r\n\r\n"):
        with server.connect() as connection:
            status, headers, _ = connection.send(request).read_response()
            assert (status, headers["connection"]) == (200, "close")
            assert connection.is_closed()
    with server.connect() as connection:
        for _ in range(2):
            connection.send("GET /health HTTP/1.0\r\nconnection: keep-alive\r\n\r\n")
            assert connection.read_response()[1]["connection"] == "keep-alive"


def test_absolute_target(server):
    with server.connect() as connection:
        assert connection.send("GET http://t/health?x=1 HTTP/1.1\r\nhost: t\r\n\r\n").read_response()[0] == 200


@pytest.mark.parametrize("request_bytes, status", [
    ("POST /v1/embeddings HTTP/1.1\r\nhost: t\r\n\r\n", 411),
    ("GET /health HTTP/1.1\r\n\r\n", 400),
    ("GET /health HTTP/1.1\r\nhost: a\r\nhost: b\r\n\r\n", 400),
    ("GET /%ff HTTP/1.1\r\nhost: t\r\n\r\n", 400),
    ("GET health HTTP/1.1\r\nhost: t\r\n\r\n", 400),
    ("nonsense\r\n\r\n", 400),
    ("GET / HTTP/2.0\r\nhost: t\r\n\r\n", 400),
    ("GET / HTTP/1.1\r\nhost: t\r\nbad header: x\r\n\r\n", 400),
    ("POST /v1/embeddings HTTP/1.1\r\nhost: t\r\ncontent-length: x\r\n\r\n", 400),
    ("POST /v1/embeddings HTTP/1.1\r\nhost: t\r\ncontent-length: -1\r\n\r\n", 400),
    ("POST /v1/embeddings HTTP/1.1\r\nhost: t\r\ncontent-length: 3\r\ncontent-length: 4\r\n\r\nabcd", 400),
    ("POST /v1/embeddings HTTP/1.1\r\nhost: t\r\ncontent-length: 3\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n", 400),
    ("POST /v1/embeddings HTTP/1.1\r\nhost: t\r\ntransfer-encoding: gzip\r\ncontent-length: 2\r\n\r\n{}", None),
    ("POST /v1/embeddings HTTP/1.1\r\nhost: t\r\ntransfer-encoding: gzip, chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n", 501),
    ("POST /v1/embeddings HTTP/1.1\r\nhost: t\r\ntransfer-encoding: gzip\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n", 501),
    ("POST /v1/embeddings HTTP/1.1\r\nhost: t\r\ntransfer-encoding:\r\ncontent-length: 2\r\n\r\n{}", 501),
    ("POST /v1/embeddings HTTP/1.1\r\nhost: t\r\ntransfer-encoding: chunked\r\n\r\nxyz\r\n", 400),
    ("POST /v1/embeddings HTTP/1.1\r\nhost: t\r\nexpect: miracles\r\ncontent-length: 2\r\n\r\n{}", 417),
    ("POST /v1/embeddings HTTP/1.1\r\nhost: t\r\ncontent-encoding: gzip\r\ncontent-length: 2\r\n\r\n{}", 415),
    ("POST /v1/embeddings HTTP/1.1\r\nhost: t\r\ncontent-type: text/plain\r\ncontent-length: 2\r\n\r\n{}", 415),
    ("POST /v1/embeddings HTTP/1.1\r\nhost: t\r\ncontent-length: 17000000\r\n\r\n", 413),
    ("POST /v1/embeddings HTTP/1.1\r\nhost: t\r\ncontent-length: 99999999999999999999\r\n\r\n", 400),
])
def test_bad_framing(server, request_bytes, status):
    with server.connect() as connection:
        got, headers, body = connection.send(request_bytes).read_response()
        assert got == status or (status is None and got in (400, 501)), body
        assert json.loads(body)["error"]["message"]
        assert "x-request-id" in headers


FAMILIES = {"/v1/embeddings": lambda answer: answer["error"]["type"] == "invalid_request_error",
            "/tokenize": lambda answer: set(answer) == {"error", "error_type"},
            "/api/v1/predict/sentences": lambda answer: set(answer) == {"detail"},
            "/api/v1/verify": lambda answer: answer["request_id"] == "mine",
            "/api/v1/impact/score": lambda answer: answer["error"]["details"] == {}}


@pytest.mark.parametrize("line, status", [("content-length: 99000000", 413), ("bad header: x", 400), ("x-big: " + "a" * 20000, 431)])
@pytest.mark.parametrize("path", FAMILIES)
def test_an_unreadable_head_is_refused_as_its_route_refuses(tiny_server, path, line, status):
    series = "vivace_http_requests_total", {"route": path, "method": "POST", "status": "4xx"}
    before = tiny_server.metric(series[0], **series[1])
    with tiny_server.connect() as connection:
        connection.send(f"POST {path} HTTP/1.1\r\nhost: t\r\nx-request-id: mine\r\n{line}\r\n\r\n")
        got, headers, body = connection.read_response()
    assert (got, headers["x-request-id"]) == (status, "mine")
    assert FAMILIES[path](json.loads(body)), body
    assert tiny_server.metric(series[0], **series[1]) == before + 1


def test_big_headers(server):
    response = curl("-i", "-H", "x-big: " + "a" * 20000, server.url + "/health")
    assert response.startswith("HTTP/1.1 431 Request Header Fields Too Large\r\n")
    assert server.get("/health", headers={"x-big": "a" * 12000}).status_code == 200
    with server.connect() as connection:  # a request line without end
        assert connection.send("GET /" + "a" * 20000).read_response()[0] == 431


def test_big_body_gets_its_answer_before_the_connection_closes(server):
    response = server.post("/v1/embeddings", {"input": "x" * 17_000_000})
    assert response.status_code == 413 and "max_body_bytes" in response.json()["error"]["message"]


def test_request_ids(server):
    assert server.get("/health", headers={"x-request-id": "my-id_1.2"}).headers["x-request-id"] == "my-id_1.2"
    for bad in ("a b", "x" * 200, "<script>", ""):
        assert server.get("/health", headers={"x-request-id": bad}).headers["x-request-id"].startswith("req-")
    ids = {server.get("/health").headers["x-request-id"] for _ in range(5)}
    assert len(ids) == 5


def test_server_timing(server):
    timing = server.post("/v1/embeddings", {"input": "x"}).headers["server-timing"]
    assert [part.split(";dur=")[0] for part in timing.split(", ")] == ["tokenize", "queue", "compute", "total"]
    assert all(float(part.split("=")[1]) >= 0 for part in timing.split(", "))


def test_request_timeout_header(server):
    for bad in ("0", "-1", "x", "1e3", "99999999"):
        response = server.post("/v1/embeddings", {"input": "x"}, headers={"request-timeout-ms": bad})
        assert response.status_code == 400 and "Request-Timeout-Ms" in response.json()["error"]["message"]
    assert server.post("/v1/embeddings", {"input": "x"}, headers={"request-timeout-ms": "60000"}).status_code == 200


def taken(response):
    return response if response.status_code == 200 else None


def taken_connection(server):
    """A connection the server answered on: a check that it was ready may still have been closing its own."""
    def take():
        connection = server.connect()
        if connection.send("GET /health HTTP/1.1\r\nhost: t\r\n\r\n").read_response()[0] == 200:
            return connection
        connection.socket.close()
        return None
    return server.wait_until(take)


def test_too_many_connections():
    with Server("--max-connections", "2") as server:
        with taken_connection(server), taken_connection(server):
            with server.connect() as third:
                status, headers, _ = third.read_response()
                assert status == 503 and "retry-after" in headers
        scrape = server.wait_until(lambda: taken(server.get("/metrics")))
        assert metrics(scrape.text)["vivace_http_connections_refused_total", frozenset()] >= 1
