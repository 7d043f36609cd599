"""Many clients at once who score messages and detect AI text, alone, in batches and as background jobs."""

import collections
import contextlib
import os
import random
import threading
import time
from dataclasses import dataclass

import requests

from vivace_server import PATIENCE_SECONDS

CLIENTS = 64
IMPACT, BATCH, SENTENCES, JOBS = ("/api/v1/impact/score", "/api/v1/impact/batch", "/api/v1/predict/sentences",
                                  "/api/v1/predict/batch")
WORDS = ("the harbour mill reports that a transfer of grain was late and nobody saw the breach in the wall until noon when "
         "critical parts of it fell into the river").split()
PAUSE_SECONDS = 0.1  # of a client that was refused: what it is told is a whole second


@dataclass(frozen=True)
class Answer:
    path: str
    status: int
    seconds: float
    timeout: float
    body: dict


class MixedLoad:
    """Clients that ask until stop(). What they got is read while they go on."""

    def __init__(self, server):
        self.server = server
        self.relax()
        self._begun = time.monotonic()
        self.peak_resident = 0
        self._answers = []
        self._problems = []
        self._stopping = threading.Event()
        asks = [self._score, self._score_batch, self._detect, self._run_job]
        self._threads = [threading.Thread(target=self._client, args=(asks[i % 4], i)) for i in range(CLIENTS)]
        self._threads.append(threading.Thread(target=self._watch_memory))

    def __enter__(self):
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self._stopping.set()
        for thread in self._threads:
            thread.join(2 * PATIENCE_SECONDS)
        assert not any(thread.is_alive() for thread in self._threads), "a client still waits for its answer"
        assert self._problems == []

    def relax(self):
        self.timeouts = dict.fromkeys((IMPACT, BATCH, SENTENCES, JOBS), PATIENCE_SECONDS / 2)  # seconds, from now on
        self.sentences = 3  # of a detection request, from now on

    @property
    def elapsed(self):
        return time.monotonic() - self._begun

    def mark(self):
        return len(self._answers)

    def since(self, mark, path=None):
        return [answer for answer in self._answers[mark:] if path in (None, answer.path)]

    def statuses(self, mark, path):
        return collections.Counter(answer.status for answer in self.since(mark, path))

    def wait_for(self, path, count, mark=None, wanted=lambda answer: answer.status == 200):
        """Until so many such answers came."""
        mark = self.mark() if mark is None else mark
        self.server.wait_until(lambda: self._problems or sum(map(wanted, self.since(mark, path))) >= count)

    def _client(self, ask, number):
        chance = random.Random(number)
        with requests.Session() as session:
            while not self._stopping.is_set():
                try:
                    ask(session, chance, f"client-{number}")
                except (requests.RequestException, KeyError) as problem:
                    self._problems.append(repr(problem))
                    return

    def _post(self, session, path, body):
        timeout = self.timeouts[path]
        begun = time.monotonic()
        response = session.post(self.server.url + path, json=body, timeout=2 * PATIENCE_SECONDS,
                                headers={"Request-Timeout-Ms": str(int(timeout * 1000))})
        answer = Answer(path, response.status_code, time.monotonic() - begun, timeout, response.json())
        self._answers.append(answer)
        if answer.status != 200:
            self._stopping.wait(PAUSE_SECONDS)
        return answer

    def _text(self, chance, most):
        return " ".join(chance.choices(WORDS, k=chance.randint(3, most)))

    def _score(self, session, chance, agent):
        self._post(session, IMPACT, {"content": self._text(chance, 30), "from_agent": agent})

    def _score_batch(self, session, chance, agent):
        messages = [{"content": self._text(chance, 12), "from_agent": agent} for _ in range(5)]
        self._post(session, BATCH, {"messages": messages})

    def _detect(self, session, chance, _):
        count = self.sentences
        self._post(session, SENTENCES, {"sentences": [self._text(chance, 50) for _ in range(count)]})

    def _run_job(self, session, chance, _):
        answer = self._post(session, JOBS, {"sentences": [self._text(chance, 20) for _ in range(10)]})
        state = answer.body.get("status")
        while state in ("pending", "processing") and not self._stopping.wait(PAUSE_SECONDS):
            state = session.get(f"{self.server.url}/api/v1/jobs/{answer.body['job_id']}", timeout=PATIENCE_SECONDS).json()["status"]
        if state not in ("pending", "processing", "complete"):
            self._problems.append(f"a job is {state}: {answer.body}")

    def _watch_memory(self):
        while not self._stopping.wait(0.05):
            self.peak_resident = max(self.peak_resident, resident(self.server))


def resident(server):
    """Bytes of memory that the server's process holds."""
    with contextlib.closing(open(f"/proc/{server.process.pid}/statm", encoding="ascii")) as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")
