"""Times claim verification stage by stage, with 10 and with 50 pieces of evidence, on a server of its own.

usage: .venv-bench/bin/python bench/claims.py [--entailment MODEL] [--embedder MODEL] [--claims N] [--store ADDRESS]

Without --entailment it is DeBERTa-v3-base's shape with random weights, which bench/run.py uses too; any other model needs
.venv only. Prints one JSON object: for each number of pieces the median milliseconds of every stage and of the whole, and
judged pairs per second of the entailment stage. Claims differ, so that no answer comes from the cache. Before that, what
verification says about each pair is compared with the entailment route.
"""

import argparse
import json
import os
import pathlib
import statistics
import tempfile

import cases
import machine
from serving import Server

OUT = cases.ROOT / "build" / "bench"
PIECES = (10, 50)
ROUTE_PAIRS = 50  # the most that the route takes
TOLERANCE = 1e-5


class ClaimsServer(Server):
    def __init__(self, options, store):
        super().__init__(options.program, options.threads, options.precision, "--store", store, "--model",
                         f"embedder={options.embedder}", "--model", f"entailment={options.entailment}")

    def add_evidence(self, texts):
        self.ask("/api/v1/evidence", {"evidence": [{"id": str(i), "content": text} for i, text in enumerate(texts)]})

    def verify(self, claim, pieces):
        answer, _ = self.ask("/api/v1/verify", {"claim": claim, "max_evidence": pieces, "min_similarity": 0,
                                                "search_mode": "hybrid"})
        assert not answer["cached"] and len(answer["evidence"]) == pieces, "too little evidence was found"
        return answer

    def check(self, claim, pieces):
        evidence = self.verify(claim, pieces)["evidence"]
        pairs = [[one["content"], claim] for one in evidence]
        judged = self.ask("/api/v1/nli/batch", {"pairs": pairs[:ROUTE_PAIRS]})[0]["results"]
        worst = largest_difference([one["nli_scores"] for one in evidence], [one["scores"] for one in judged])
        if worst > TOLERANCE:
            raise SystemExit(f"verification and /api/v1/nli/batch differ by {worst:.1e}; nothing was timed")


def largest_difference(found, expected):
    """Of two lists of scores by label."""
    return max(abs(a[label] - b[label]) for a, b in zip(found, expected, strict=True) for label in a)


def summary(answers, pieces):
    medians = {stage: round(statistics.median(answer["stages_ms"][stage] for answer in answers), 3)
               for stage in answers[0]["stages_ms"]}
    return {"stages_ms": medians, "total_ms": round(statistics.median(answer["processing_time_ms"] for answer in answers), 3),
            "pairs_per_s": round(1000 * pieces / medians["entail"], 1), "claims": len(answers)}


def measure(server, pieces, count):
    questions = cases.questions()
    first, *claims = [f"{questions[i % len(questions)]} ({pieces}, {i})" for i in range(1 + count)]
    server.check(first, pieces)  # which warms it up
    return summary([server.verify(claim, pieces) for claim in claims], pieces)


def random_checkpoint():
    import text_rows  # what it imports is not needed with a model that is given
    return text_rows.trained_folder("deberta-v3-base-nli", cases.ROOT / "models" / "all-MiniLM-L6-v2", OUT)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--program", type=pathlib.Path,
                        default=pathlib.Path(os.environ.get("VIVACE", cases.ROOT / "build" / "release" / "vivace")))
    parser.add_argument("--embedder", default=str(cases.ROOT / "models" / "all-MiniLM-L6-v2"))
    parser.add_argument("--entailment", help="a model; by default one with random weights")
    parser.add_argument("--claims", type=int, default=20)
    parser.add_argument("--threads", type=int, default=min(2, len(os.sched_getaffinity(0))))
    parser.add_argument("--precision", default="auto")
    parser.add_argument("--store", help="a file or postgresql://…; by default a file that is gone afterwards")
    options = parser.parse_args()
    options.entailment = options.entailment or random_checkpoint()
    machine.end_when_told()
    with tempfile.TemporaryDirectory() as folder:
        server = ClaimsServer(options, options.store or f"{folder}/evidence.db")
        try:
            server.awake(lambda: server.add_evidence(cases.load_passages()))
            print(json.dumps({f"evidence_{pieces}": server.awake(lambda pieces=pieces: measure(server, pieces, options.claims))
                              for pieces in PIECES}))
        finally:
            server.close()


if __name__ == "__main__":
    main()
