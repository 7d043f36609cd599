"""Times claim verification stage by stage, with 10 and with 50 pieces of evidence, on a server of its own.

usage: .venv/bin/python bench/claims.py [--embedder MODEL] --entailment MODEL [--claims N] [--store ADDRESS]

Prints one JSON object: for each number of pieces the median milliseconds of every stage and of the whole, and judged pairs per
second of the entailment stage. Claims differ, so that no answer comes from the cache.
"""

import argparse
import json
import os
import pathlib
import re
import signal
import statistics
import subprocess
import tempfile
import time
import urllib.error
import urllib.request

ROOT = pathlib.Path(__file__).resolve().parent.parent
PROGRAM = pathlib.Path(os.environ.get("VIVACE", ROOT / "build" / "release" / "vivace"))
PASSAGES = ROOT / "examples" / "demo" / "passages.jsonl"
QUERIES = ROOT / "examples" / "demo" / "queries.jsonl"


def read(path):
    return [json.loads(line)["text"] for line in path.read_text(encoding="utf-8").splitlines()]


def post(url, body):
    request = urllib.request.Request(url, json.dumps(body).encode(), {"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=600) as answer:
        return json.load(answer)


def wait_until_ready(process, log):
    while process.poll() is None:
        found = re.search(r"listening on (http://\S+)", log.read_text(encoding="utf-8"))
        try:
            if found and urllib.request.urlopen(found.group(1) + "/ready", timeout=10).status == 200:
                return found.group(1)
        except urllib.error.URLError:
            pass
        time.sleep(0.1)
    raise SystemExit(log.read_text(encoding="utf-8"))


def measure(url, pieces, count):
    queries = read(QUERIES)
    answers = []
    for i in range(-3, count):  # the first three only warm up
        claim = f"{queries[i % len(queries)]} ({pieces}, {i})"
        answer = post(url + "/api/v1/verify", {"claim": claim, "max_evidence": pieces, "min_similarity": 0, "search_mode": "hybrid"})
        assert not answer["cached"] and len(answer["evidence"]) == pieces, "too little evidence was found"
        if i >= 0:
            answers.append(answer)
    medians = {stage: round(statistics.median(answer["stages_ms"][stage] for answer in answers), 3) for stage in answers[0]["stages_ms"]}
    return {"stages_ms": medians, "total_ms": round(statistics.median(answer["processing_time_ms"] for answer in answers), 3),
            "pairs_per_s": round(1000 * pieces / medians["entail"], 1), "claims": count}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--embedder", default=str(ROOT / "models" / "all-MiniLM-L6-v2"))
    parser.add_argument("--entailment", required=True)
    parser.add_argument("--claims", type=int, default=20)
    parser.add_argument("--store", help="a file or postgresql://…; by default a file that is gone afterwards")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        log = pathlib.Path(folder) / "log"
        with open(log, "wb") as output:
            process = subprocess.Popen(
                [PROGRAM, "serve", "--host", "127.0.0.1", "--port", "0", "--rate-limits", "off", "--store",
                 options.store or f"{folder}/evidence.db", "--model", f"embedder={options.embedder}", "--model",
                 f"entailment={options.entailment}"], stdout=output, stderr=output)
        try:
            url = wait_until_ready(process, log)
            post(url + "/api/v1/evidence", {"evidence": [{"id": str(i), "content": text} for i, text in enumerate(read(PASSAGES))]})
            print(json.dumps({f"evidence_{pieces}": measure(url, pieces, options.claims) for pieces in (10, 50)}))
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait()


if __name__ == "__main__":
    main()
