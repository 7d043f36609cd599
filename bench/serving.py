"""Servers on ports of their own, asked through one keep-alive connection: any that says where it listens, and `vivace serve`.
Stopped (SIGSTOP) while others are timed, as the peers are."""

import base64
import http.client
import json
import os
import re
import signal
import subprocess
import tempfile
import time

import numpy as np

import figures
from timing import timed

PATIENCE_SECONDS = 120
LOG_BYTES = 1 << 20  # of its beginning
LONG = 36000  # seconds: no time limit of the server's may end what is timed, or the connection while the server is stopped


class ContenderError(RuntimeError):
    pass


class HttpServer:
    """A program that writes "listening on http://HOST:PORT" into its log, and answers 200 at `ready` when it can work."""

    def __init__(self, name, command, *, ready):
        self.name, self.ready = name, ready
        self.log = tempfile.TemporaryFile()  # not a pipe: a server that tells of each request would fill it and wait
        self.process = subprocess.Popen([str(part) for part in command], stderr=self.log, stdout=subprocess.DEVNULL)
        try:
            self.port = self._port()
            self.connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=LONG)
            self._wait_until_ready()
        except BaseException:
            self.close()
            raise
        self.pause()

    def ask(self, path, body):
        """The JSON object and the headers of the answer to one POST, from a server that is not paused."""
        self.connection.request("POST", path, json.dumps(body), {"Content-Type": "application/json"})
        response = self.connection.getresponse()
        answer = json.loads(response.read())
        if response.status not in (200, 201):
            raise ContenderError(f"{self.name}: POST {path} answered {response.status}: {str(answer)[:500]}")
        return answer, response.headers

    def awake(self, call):
        """What call() answers while the server runs; it is paused before and after."""
        self.process.send_signal(signal.SIGCONT)
        try:
            return call()
        finally:
            self.pause()

    def timed(self, call, seconds):
        return figures.round_of(self.awake(lambda: timed(call, seconds)))

    def pause(self):
        self.process.send_signal(signal.SIGSTOP)

    def close(self):
        self.process.kill()
        self.process.wait()
        self.log.close()

    def _port(self):
        end = time.monotonic() + PATIENCE_SECONDS
        while time.monotonic() < end:
            ended = self.process.poll() is not None  # asked before the log is read: nothing is written after it
            log = self._logged()
            if found := re.search(r"listening on http://\S+:(\d+)", log):
                return int(found.group(1))
            if ended:
                raise ContenderError(f"{self.name} ended: " + log[-500:])
            time.sleep(0.01)
        raise ContenderError(f"{self.name} did not listen within {PATIENCE_SECONDS} s")

    def _logged(self):
        return os.pread(self.log.fileno(), LOG_BYTES, 0).decode(errors="replace")

    def _wait_until_ready(self):
        end = time.monotonic() + PATIENCE_SECONDS
        while time.monotonic() < end:
            self.connection.request("GET", self.ready)
            response = self.connection.getresponse()
            response.read()
            if response.status == 200:
                return
            time.sleep(0.1)
        raise ContenderError(f"{self.name} did not become ready within {PATIENCE_SECONDS} s")


class Embeds:
    """Of an HttpServer with OpenAI's route of embeddings: asked as a Python user would, texts in, NumPy vectors out."""

    def vectors(self, texts):
        return self.awake(lambda: self._embed(texts))

    def texts(self, texts, seconds):
        turn = iter(range(1 << 60))
        return self.timed(lambda: self._embed([texts[next(turn) % len(texts)]]), seconds)

    def passages(self, texts, seconds):
        return self.timed(lambda: self._embed(texts), seconds)

    def _embed(self, texts):
        answer, _ = self.ask("/v1/embeddings", {"input": texts, "encoding_format": "base64"})
        return [np.frombuffer(base64.b64decode(item["embedding"]), dtype="<f4") for item in answer["data"]]


class Server(HttpServer):
    name = "vivace serve"

    def __init__(self, program, threads, precision, *arguments):
        self.versions, self.precision = {}, precision
        super().__init__(self.name, [
            program, "serve", "--host", "127.0.0.1", "--port", 0, "--threads", threads, "--precision", precision,
            "--request-timeout-seconds", LONG, "--max-request-timeout-seconds", LONG, "--idle-timeout-seconds", LONG,
            "--rate-limits", "off", *arguments], ready="/ready")
