"""The server's detector and its entailment model as contenders, asked over HTTP."""

import time

import figures
from serving import LONG, ContenderError, Server

LABELS = ("contradiction", "entailment", "neutral")  # in the order of tools/make_random_checkpoint.py


class DetectorServer(Server):
    def __init__(self, program, model, threads, precision, jobs_file):
        super().__init__(program, threads, precision, "--model", f"detector={model}", "--detection-cache-bytes", 0,
                         "--detection-jobs-file", jobs_file, "--breaker-slow-seconds", LONG)

    def answers(self, sentences):
        answer = self.awake(lambda: self.ask("/api/v1/predict/sentences", {"sentences": sentences})[0])
        if answer["metadata"].get("truncated_words"):
            raise ContenderError("sentences are longer than the model takes, which peers would cut")
        return answer["probabilities"]

    def round(self, do, sentences):
        assert do == "one_pass"
        begin = time.perf_counter()
        self.answers(sentences)
        return figures.round_of([(time.perf_counter() - begin) * 1e3])


class EntailmentServer(Server):
    def __init__(self, program, model, threads, precision):
        super().__init__(program, threads, precision, "--model", f"entailment={model}")

    def answers(self, pairs):
        return self.awake(lambda: self._judge(pairs))

    def round(self, do, pairs, seconds):
        assert do == "judge"
        return self.timed(lambda: self._judge(pairs), seconds)

    def _judge(self, pairs):
        answer, _ = self.ask("/api/v1/nli/batch", {"pairs": pairs})
        return [[result["scores"][label] for label in LABELS] for result in answer["results"]]
