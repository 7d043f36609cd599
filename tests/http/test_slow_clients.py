"""Clients that send slowly, stop, close half a connection or vanish."""

import json
import socket
import struct

import pytest

from vivace_server import Server, post_bytes

EMBED = '{"input":"hello"}'


@pytest.fixture(scope="module")
def impatient():
    with Server("--header-timeout-seconds", "0.3", "--body-timeout-seconds", "0.3", "--idle-timeout-seconds", "1",
                "--write-timeout-seconds", "0.5") as server:
        yield server


def test_slow_header(impatient):
    with impatient.connect() as connection:
        connection.send("GET /health HTTP/1.1\r\nhost: t\r\nx-slow: ")
        status, headers, body = connection.read_response()
        assert (status, headers["connection"]) == (408, "close")
        assert json.loads(body)["error"]["code"] == "request_timeout"
        assert connection.is_closed()


def test_dripping_does_not_prolong_the_time(impatient):
    with impatient.connect() as connection:
        connection.socket.settimeout(0.05)
        for _ in range(200):
            try:
                connection.send("G" if not connection.buffer else "")
                connection.buffer += connection.socket.recv(65536)
                break
            except TimeoutError:
                continue
        assert connection.buffer.startswith(b"HTTP/1.1 4")


def test_slow_body(impatient):
    with impatient.connect() as connection:
        connection.send("POST /v1/embeddings HTTP/1.1\r\nhost: t\r\ncontent-length: 100\r\n\r\n{")
        status, _, body = connection.read_response()
        assert status == 408 and json.loads(body)["error"]["type"] == "invalid_request_error"
        assert connection.is_closed()


def test_idle_connection_is_closed_silently(impatient):
    with impatient.connect() as connection:
        connection.send("GET /health HTTP/1.1\r\nhost: t\r\n\r\n").read_response()
        assert connection.is_closed()
    with impatient.connect() as connection:
        assert connection.is_closed()


def test_client_that_does_not_take_its_answer(impatient):
    before = impatient.metric("vivace_http_timeouts_total")
    with impatient.connect() as connection:
        connection.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        connection.send(post_bytes("/v1/embeddings", json.dumps({"input": ["x"] * 2048})))
        impatient.wait_until(lambda: impatient.metric("vivace_http_timeouts_total") > before)


def test_half_closed_connection_gets_its_answer(server):
    for request in (post_bytes("/v1/embeddings", EMBED), b"GET /health HTTP/1.1\r\nhost: t\r\n\r\n"):
        with server.connect() as connection:
            connection.send(request)
            connection.socket.shutdown(socket.SHUT_WR)
            assert connection.read_response()[0] == 200
            assert connection.is_closed()


def test_half_closed_before_the_end(server):
    for part in ("GET /hea", "POST /v1/embeddings HTTP/1.1\r\nhost: t\r\ncontent-length: 9\r\n\r\n{"):
        with server.connect() as connection:
            connection.send(part)
            connection.socket.shutdown(socket.SHUT_WR)
            status, _, body = connection.read_response()
            assert (status, json.loads(body)["error"]["code"]) == (400, "incomplete_request")
            assert connection.is_closed()


def test_closed_without_a_word(server):
    with server.connect() as connection:
        connection.socket.shutdown(socket.SHUT_WR)
        assert connection.is_closed()


def test_resets_at_every_stage(server):
    request = post_bytes("/v1/embeddings", EMBED)
    for length in list(range(0, len(request), 7)) + [len(request)]:
        with server.connect() as connection:
            connection.send(request[:length])
            connection.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    assert server.get("/health").status_code == 200
    server.wait_until(lambda: server.metric("vivace_http_connections") <= 1)


def test_client_that_left_does_not_hold_the_queue():
    """A request whose client is gone is not computed: the queue runs empty without the work."""
    with Server("--threads", "1", "--max-batch-tokens", "256") as server:
        work = json.dumps({"input": ["many words " * 100] * 2048})
        with server.connect() as connection:
            connection.send(post_bytes("/v1/embeddings", work))
            server.wait_until(lambda: server.metric("vivace_engine_queued_texts", model="minilm") > 1000)
            connection.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        server.wait_until(lambda: server.metric("vivace_engine_queued_texts", model="minilm") == 0)
        assert server.metric("vivace_engine_requests_total", model="minilm", outcome="cancelled") == 1
        assert server.metric("vivace_http_disconnects_total") == 1
        assert server.metric("vivace_engine_texts_total", model="minilm") < 2048
