"""Clients that send slowly, stop, close half a connection or vanish."""

import json
import select
import socket
import struct
import time

import pytest

from vivace_server import PATIENCE_SECONDS, Server, post_bytes

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


def test_what_begins_like_http2_has_no_second_time_for_its_head():
    """While it may be HTTP/2's preface the time runs already, and goes on when it turns out to be something else."""
    with Server("--header-timeout-seconds", "6") as server, server.connect() as connection, server.connect() as later:
        connection.send("PRI")
        time.sleep(3)
        connection.send("VATE / HTTP/1.1\r\nhost: t\r\nx-slow: ")
        later.send("GET / HTTP/1.1\r\nhost: t\r\nx-slow: ")  # whose time begins here
        answered, _, _ = select.select([connection.socket, later.socket], [], [], PATIENCE_SECONDS)
        assert answered == [connection.socket]
        assert connection.read_response()[0] == 408


def test_slow_body(impatient):
    with impatient.connect() as connection:
        connection.send("POST /v1/embeddings HTTP/1.1\r\nhost: t\r\ncontent-length: 100\r\n\r\n{")
        status, _, body = connection.read_response()
        assert status == 408 and json.loads(body)["error"]["type"] == "invalid_request_error"
        assert connection.is_closed()


def test_a_flood_does_not_outlast_the_time():
    """A limit that ends while bytes rush in finds nothing that waits to be cancelled, and must not be forgotten for it."""
    with Server("--body-timeout-seconds", "0.5", "--max-body-bytes", str(1 << 30), "--io-threads", "1") as server:
        with server.connect() as connection:
            connection.send("POST /v1/embeddings HTTP/1.1\r\nhost: t\r\ntransfer-encoding: chunked\r\n\r\n")
            end = time.monotonic() + 1
            try:
                while time.monotonic() < end:
                    connection.send(b"1\r\na\r\n" * 40_000)
            except (ConnectionResetError, BrokenPipeError):
                pass
            server.wait_until(lambda: server.metric("vivace_http_timeouts_total") == 1)


def test_an_answer_arrives_whole_where_more_was_sent_than_is_read(server):
    """Closing with bytes unread resets the connection, and what of the answer is under way is lost."""
    with server.connect() as connection:
        request = post_bytes("/v1/embeddings", json.dumps({"input": ["x"] * 2048}))
        connection.send(request.replace(b"\r\n", b"\r\nconnection: close\r\n", 1))
        time.sleep(0.1)  # the request is being handled
        connection.send("\r\n")
        status, headers, body = connection.read_response()
        assert (status, headers["connection"]) == (200, "close") and len(json.loads(body)["data"]) == 2048


def test_idle_connection_is_closed_silently(impatient):
    with impatient.connect() as connection:
        connection.send("GET /health HTTP/1.1\r\nhost: t\r\n\r\n").read_response()
        assert connection.is_closed()
    with impatient.connect() as connection:
        assert connection.is_closed()


def test_connections_that_never_spoke_are_noticed_when_they_close():
    """Probes of a port and load balancers open and close them all day; here they would wait two minutes for their slots."""
    with Server("--max-connections", "20", "--idle-timeout-seconds", "60") as server:
        silent = [socket.create_connection(("127.0.0.1", server.port)) for _ in range(7)]
        server.wait_until(lambda: server.metric("vivace_http_connections") >= 7)
        for connection in silent:
            connection.close()
        started = server.metric("vivace_http_timeouts_total")
        server.wait_until(lambda: server.metric("vivace_http_connections") <= 1)
        assert server.metric("vivace_http_timeouts_total") == started


def test_long_bodies_that_do_not_end_do_not_fill_the_memory():
    """All bodies together take as much as sixteen of the longest."""
    longest = 2_000_000
    sent = longest - 20_000  # answers of /metrics take their share, too
    with Server("--max-body-bytes", str(longest), "--max-text-bytes", str(longest)) as server:
        head = f"POST /v1/embeddings HTTP/1.1\r\nhost: t\r\ncontent-length: {longest}\r\n\r\n"
        waiting = []
        while server.metric("vivace_http_body_bytes") < 15.6 * longest:
            waiting.append(server.connect())
            waiting[-1].send(head + "[" * sent)
            server.wait_until(lambda: server.metric("vivace_http_body_bytes") >= len(waiting) * sent)
        with server.connect() as late:
            late.send(head + "[" * sent)
            status, headers, body = late.read_response()
            assert (status, headers["connection"], headers["retry-after"]) == (429, "close", "1")
            assert json.loads(body)["error"]["code"] == "overloaded"
        assert len(server.embed("short ones are taken")[0]) == 384
        for connection in waiting:
            connection.socket.close()
        server.wait_until(lambda: server.metric("vivace_http_body_bytes") < 10_000)
        with server.connect() as again:
            assert again.send(post_bytes("/v1/embeddings", json.dumps({"input": "x" * 150_000}))).read_response()[0] == 200


def test_client_that_does_not_take_its_answer(impatient):
    before = impatient.metric("vivace_http_timeouts_total")
    with impatient.connect() as connection:
        connection.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        connection.send(post_bytes("/v1/embeddings", json.dumps({"input": ["x"] * 2048})))
        impatient.wait_until(lambda: impatient.metric("vivace_http_timeouts_total") > before)
    impatient.wait_until(lambda: impatient.metric("vivace_http_body_bytes") < 1 << 20)


def test_answers_that_nobody_takes_do_not_fill_the_memory():
    longest = 200_000
    with Server("--max-body-bytes", str(longest), "--max-text-bytes", str(longest)) as server:
        with server.connect() as idle:
            idle.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            idle.send(post_bytes("/v1/embeddings", json.dumps({"input": ["x"] * 2048})))
            server.wait_until(lambda: server.metric("vivace_http_body_bytes") > 2 * 16 * longest)
            with server.connect() as late:
                status, headers, body = late.send(post_bytes("/v1/embeddings", EMBED)).read_response()
                assert (status, headers["connection"], headers["retry-after"]) == (429, "close", "1")
            assert server.get("/health").status_code == 200
        server.wait_until(lambda: server.metric("vivace_http_body_bytes") < 10_000)
        assert len(server.embed("there is room again")[0]) == 384


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
