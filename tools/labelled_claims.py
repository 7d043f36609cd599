"""Verifies labelled claims with a real entailment model and says how often the verdict is the expected one.

usage: .venv/bin/python tools/labelled_claims.py --data DIR --model NLI_MODEL [--embedder MODEL] [--strategy NAME]

DIR holds labelled_claims.json, labelled_evidence.json and evidence_corpus.json. The server runs on a free port with a
store of its own, gone at the end.
"""

import argparse
import collections
import json
import os
import pathlib
import re
import signal
import subprocess
import tempfile
import time
import urllib.error
import urllib.request

ROOT = pathlib.Path(__file__).resolve().parent.parent
PROGRAM = pathlib.Path(os.environ.get("VIVACE", ROOT / "build" / "release" / "vivace"))


def read_passages(folder):
    """Evidence of the claims among all the other passages."""
    labelled = json.loads((folder / "labelled_evidence.json").read_text(encoding="utf-8"))["evidence"]
    corpus = json.loads((folder / "evidence_corpus.json").read_text(encoding="utf-8"))
    return [{"id": row["id"], "content": row["content"]} for row in labelled + corpus]


def post(url, body):
    request = urllib.request.Request(url, json.dumps(body).encode(), {"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=600) as answer:
        return json.load(answer)


def is_ready(url):
    try:
        with urllib.request.urlopen(url + "/ready", timeout=10) as answer:
            return answer.status == 200
    except urllib.error.URLError:
        return False


def wait_for(process, log, condition):
    while True:
        found = condition()
        if found:
            return found
        if process.poll() is not None:
            raise SystemExit(log.read_text(encoding="utf-8"))
        time.sleep(0.1)


def verify_all(url, claims, options):
    table = collections.Counter()
    for claim in claims:
        answer = post(url + "/api/v1/verify", {"claim": claim["text"], "strategy": options.strategy})
        table[claim["expected_verdict"], answer["verdict"]] += 1
        mark = "ok   " if answer["verdict"] == claim["expected_verdict"] else "WRONG"
        print(f"{mark} {claim['expected_verdict']:13} {answer['verdict']:13} {answer['confidence']:.2f}  {claim['text']}")
    return table


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=pathlib.Path, required=True)
    parser.add_argument("--model", required=True, help="entailment model, a folder or a name")
    parser.add_argument("--embedder", default="all-MiniLM-L6-v2")
    parser.add_argument("--strategy", default="weighted_vote")
    options = parser.parse_args()
    claims = json.loads((options.data / "labelled_claims.json").read_text(encoding="utf-8"))["claims"]
    with tempfile.TemporaryDirectory() as folder:
        log = pathlib.Path(folder) / "log"
        with open(log, "wb") as output:
            process = subprocess.Popen(
                [PROGRAM, "serve", "--host", "127.0.0.1", "--port", "0", "--rate-limits", "off", "--store", f"{folder}/evidence.db",
                 "--model", f"embedder={options.embedder}", "--model", f"entailment={options.model}"], stdout=output, stderr=output)
        try:
            found = wait_for(process, log, lambda: re.search(r"listening on (http://\S+)", log.read_text(encoding="utf-8")))
            url = found.group(1)
            wait_for(process, log, lambda: is_ready(url))
            post(url + "/api/v1/evidence", {"evidence": read_passages(options.data)})
            table = verify_all(url, claims, options)
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait()
    right = sum(count for (expected, given), count in table.items() if expected == given)
    print(f"\n{right} of {len(claims)} verdicts as expected")


if __name__ == "__main__":
    main()
