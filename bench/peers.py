"""The peers' processes as run.py sees them. A process that has nothing to do is stopped (SIGSTOP): worker threads that
spin while they wait for work would otherwise take the cores from whoever is being timed."""

import json
import os
import pathlib
import signal
import subprocess
import sys

import figures

WORKER = pathlib.Path(__file__).with_name("peer_worker.py")


class PeerError(RuntimeError):
    pass


class Peer:
    def __init__(self, name, precision, model, file, threads):
        self.name, self.precision = name, precision
        environment = dict(os.environ, TOKENIZERS_PARALLELISM="false", RAYON_NUM_THREADS="1", HF_HUB_OFFLINE="1",
                           TRANSFORMERS_VERBOSITY="error", HF_HUB_DISABLE_PROGRESS_BARS="1")
        self.process = subprocess.Popen([sys.executable, str(WORKER), name, precision, str(model), str(file), str(threads)],
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment)
        ready = self._read()
        if "failed" in ready:
            self.process.wait()
            raise PeerError(f"{name} does not load: {ready['failed']}")
        self.versions, self.load_s = ready["versions"], ready["load_s"]
        self._stop()

    def vectors(self, texts):
        return self._ask(do="vectors", texts=texts)["vectors"]

    def ids(self, texts, **settings):
        """None for a text that a tokenizer fails at."""
        return self._ask(do="ids", texts=texts, **settings)["ids"]

    def written(self, texts, count):
        """Ids that are written after each text, the end token left out."""
        return self._ask(do="written", texts=texts, count=count)["ids"]

    def forward(self, case, seconds):
        return figures.round_of(self._ask(do="forward", lengths=case.lengths, seconds=seconds)["milliseconds"])

    def generate(self, case, seconds):
        tokens = case.lengths[0]
        return figures.round_of(self._ask(do="generate", tokens=tokens, count=case.generate, seconds=seconds)["milliseconds"])

    def texts(self, texts, seconds):
        return figures.round_of(self._ask(do="texts", texts=texts, seconds=seconds)["milliseconds"])

    def passages(self, texts, seconds):
        return figures.round_of(self._ask(do="passages", texts=texts, seconds=seconds)["milliseconds"])

    def answers(self, **what):
        return self._ask(do="answers", **what)["answers"]

    def round(self, do, **what):
        return figures.round_of(self._ask(do=do, **what)["milliseconds"])

    def close(self):
        self.process.kill()
        self.process.wait()

    def _ask(self, **command):
        self.process.send_signal(signal.SIGCONT)
        self.process.stdin.write(json.dumps(command) + "\n")
        self.process.stdin.flush()
        reply = self._read()
        self._stop()
        return reply

    def _read(self):
        line = self.process.stdout.readline()
        if not line:
            raise PeerError(f"{self.name} ended with code {self.process.wait()}; its messages are above")
        return json.loads(line)

    def _stop(self):
        self.process.send_signal(signal.SIGSTOP)
