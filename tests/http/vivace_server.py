"""Starts and stops `vivace serve` for the tests."""

import os
import re
import signal
import socket
import subprocess
import tempfile
import time
from pathlib import Path

import requests

ROOT = Path(__file__).resolve().parents[2]
PROGRAM = Path(os.environ.get("VIVACE", ROOT / "build/release/vivace"))
MODEL = Path(os.environ.get("VIVACE_MODEL", ROOT / "models/all-MiniLM-L6-v2"))
# Sanitizers make everything slower; nothing here measures time, this only bounds a hang.
PATIENCE_SECONDS = 300


def clean_environment():
    """This process's environment without settings that would change the server under test."""
    return {name: value for name, value in os.environ.items() if not name.startswith("VIVACE_")}


def serve_output(*arguments):
    """What `vivace serve` prints when it is not to stay."""
    return subprocess.run([str(PROGRAM), "serve", *arguments], capture_output=True, text=True, check=True,
                          env=clean_environment(), timeout=PATIENCE_SECONDS).stdout


# A sanitizer's program on a busy machine takes its time over what these tests send; flags go before these.
PATIENT = {"VIVACE_REQUEST_TIMEOUT_SECONDS": str(PATIENCE_SECONDS), "VIVACE_DRAIN_SECONDS": str(PATIENCE_SECONDS)}


class Server:
    """One server process on a free port. Use as a context manager: only the process started here is ended."""

    def __init__(self, *flags, models=None, wait_ready=True, environment=None, program=PROGRAM, preexec_fn=None):
        self.log_file = tempfile.TemporaryFile("w+")
        self.state = tempfile.TemporaryDirectory(prefix="vivace-state-")
        models = [f"minilm={MODEL}"] if models is None else models  # []: the configuration names them
        command = [str(program), "serve", "--host", "127.0.0.1", "--port", "0"]
        for model in models:
            command += ["--model", model]
        self.process = subprocess.Popen(command + list(flags), preexec_fn=preexec_fn, stdout=self.log_file, stderr=self.log_file, stdin=subprocess.DEVNULL,
                                        env=clean_environment() | PATIENT | {"XDG_STATE_HOME": self.state.name} | (environment or {}))
        self.port = int(self._wait_for(self._read_port))
        self.url = f"http://127.0.0.1:{self.port}"
        if wait_ready:
            self._wait_for(lambda: self.is_ready() or None)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(PATIENCE_SECONDS)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
                raise AssertionError("the server did not stop:\n" + self.log())
        self.log_file.close()
        self.state.cleanup()

    def log(self):
        self.log_file.flush()
        # A descriptor of its own position: the server goes on appending at the end.
        return os.pread(self.log_file.fileno(), 1 << 24, 0).decode()

    def _read_port(self):
        found = re.search(r"listening on http://127\.0\.0\.1:(\d+)", self.log())
        return found and found.group(1)

    def _wait_for(self, condition):
        end = time.monotonic() + PATIENCE_SECONDS
        while time.monotonic() < end:
            value = condition()
            if value is not None:
                return value
            if self.process.poll() is not None:
                raise AssertionError(f"the server ended with {self.process.returncode}:\n" + self.log())
            time.sleep(0.02)
        raise AssertionError("the server did not get there:\n" + self.log())

    def wait_until(self, condition):
        return self._wait_for(lambda: condition() or None)

    def is_ready(self):
        return requests.get(self.url + "/ready", timeout=PATIENCE_SECONDS).status_code == 200

    def get(self, path, **options):
        return requests.get(self.url + path, timeout=PATIENCE_SECONDS, **options)

    def post(self, path, json=None, **options):
        return requests.post(self.url + path, json=json, timeout=PATIENCE_SECONDS, **options)

    def request(self, method, path, **options):
        return requests.request(method, self.url + path, timeout=PATIENCE_SECONDS, **options)

    def embed(self, texts, **fields):
        response = self.post("/v1/embeddings", {"input": texts, **fields})
        assert response.status_code == 200, response.text
        return [item["embedding"] for item in response.json()["data"]]

    def connect(self):
        """A raw connection."""
        return RawConnection(self.port)

    def metric(self, name, **labels):
        """The value of one series of /metrics."""
        return self.metrics()[name, frozenset(labels.items())]

    def metrics(self):
        """All series of /metrics: by name and labels."""
        return metrics(self.get("/metrics").text)


def metrics(text):
    values = {}
    for line in text.splitlines():
        if line.startswith("#") or not line:
            continue
        name, labels, value = re.fullmatch(r"([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{(.*)\})? (\S+)", line).groups()
        pairs = re.findall(r'(\w+)="((?:[^"\\]|\\.)*)"', labels or "")
        values[name, frozenset(pairs)] = float(value)
    return values


class RawConnection:
    """Bytes in, responses out: for requests that no HTTP library would send."""

    def __init__(self, port):
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=PATIENCE_SECONDS)
        self.buffer = b""

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()

    def send(self, data):
        self.socket.sendall(data if isinstance(data, bytes) else data.encode())
        return self

    def read_until(self, mark):
        while mark not in self.buffer:
            data = self.socket.recv(65536)
            if not data:
                raise EOFError(f"closed after {self.buffer!r}")
            self.buffer += data
        head, self.buffer = self.buffer.split(mark, 1)
        return head

    def read_response(self, has_body=True):
        """(status, headers, body) of the next response."""
        lines = self.read_until(b"\r\n\r\n").decode().split("\r\n")
        headers = {}
        for line in lines[1:]:
            name, value = line.split(": ", 1)
            headers[name.lower()] = value
        length = int(headers.get("content-length", 0)) if has_body else 0
        while len(self.buffer) < length:
            data = self.socket.recv(65536)
            if not data:
                raise EOFError("closed within a body")
            self.buffer += data
        body, self.buffer = self.buffer[:length], self.buffer[length:]
        return int(lines[0].split()[1]), headers, body.decode()

    def is_closed(self):
        """Waits for the server's end of the connection."""
        try:
            return self.buffer == b"" and self.socket.recv(1) == b""
        except ConnectionResetError:
            return True


def post_bytes(path, body, *headers):
    body = body if isinstance(body, bytes) else body.encode()
    head = [f"POST {path} HTTP/1.1", "host: test", "content-type: application/json", f"content-length: {len(body)}"]
    return "\r\n".join(head + list(headers)).encode() + b"\r\n\r\n" + body
