"""`vivace serve` on a port of its own, asked through one keep-alive connection. Stopped (SIGSTOP) while others are timed, as the
peers are."""

import http.client
import json
import re
import signal
import subprocess
import time

import figures
from timing import timed

PATIENCE_SECONDS = 120
LONG = 36000  # seconds: no time limit of the server's may end what is timed, or the connection while the server is stopped


class OursError(RuntimeError):
    pass


class Server:
    name = "vivace serve"

    def __init__(self, program, threads, precision, *arguments):
        self.versions, self.precision = {}, precision
        command = [program, "serve", "--host", "127.0.0.1", "--port", 0, "--threads", threads, "--precision", precision,
                   "--request-timeout-seconds", LONG, "--max-request-timeout-seconds", LONG, "--idle-timeout-seconds", LONG,
                   "--rate-limits", "off", *arguments]
        self.process = subprocess.Popen([str(part) for part in command], stderr=subprocess.PIPE, stdout=subprocess.DEVNULL,
                                        text=True)
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
            raise OursError(f"POST {path} answered {response.status}: {str(answer)[:500]}")
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

    def _port(self):
        log = []
        for line in self.process.stderr:
            log.append(line)
            if found := re.search(r"listening on http://\S+:(\d+)", line):
                return int(found.group(1))
        raise OursError("vivace serve ended: " + "".join(log)[-500:])

    def _wait_until_ready(self):
        end = time.monotonic() + PATIENCE_SECONDS
        while time.monotonic() < end:
            self.connection.request("GET", "/ready")
            response = self.connection.getresponse()
            response.read()
            if response.status == 200:
                return
            time.sleep(0.1)
        raise OursError(f"vivace serve did not become ready within {PATIENCE_SECONDS} s")
