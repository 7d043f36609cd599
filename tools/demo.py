"""What `make demo` shows: real text becomes real vectors, on the command line and over HTTP. Python's standard library only.

usage: tools/demo.py --program build/release/vivace --model models/all-MiniLM-L6-v2
"""

import argparse
import json
import math
import os
import pathlib
import queue
import re
import shlex
import subprocess
import sys
import threading
import time
import urllib.request

ROOT = pathlib.Path(__file__).resolve().parent.parent
PASSAGES = ROOT / "examples" / "demo" / "passages.jsonl"
QUERIES = ROOT / "examples" / "demo" / "queries.jsonl"
HITS_SHOWN = 2
START_SECONDS = 60
STOP_SECONDS = 40

COLOUR = sys.stdout.isatty() and "NO_COLOR" not in os.environ


def style(code, text):
    return f"\x1b[{code}m{text}\x1b[0m" if COLOUR else text


def heading(text):
    print("\n" + style("1", text), flush=True)


def shorten(text, width):
    return text if len(text) <= width else text[: width - 1].rstrip() + "…"


def read_jsonl(path):
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def embed(program, model, file):
    """Vectors of a JSONL file's texts, and the seconds that the whole program took."""
    command = [program, "embed", "--model", model, "--file", str(file)]
    print("$ " + shlex.join(os.path.relpath(part, ROOT) if part == str(file) else part for part in command), flush=True)
    start = time.perf_counter()
    done = subprocess.run(command, stdout=subprocess.PIPE, check=False)
    seconds = time.perf_counter() - start
    if done.returncode != 0:
        raise SystemExit(f"demo: vivace embed failed with exit code {done.returncode}")
    return [json.loads(line)["embedding"] for line in done.stdout.splitlines()], seconds


def search(vector, vectors):
    """Indices and cosines of all vectors, nearest first. Vectors have length 1, so the dot product is the cosine."""
    scored = [(math.fsum(x * y for x, y in zip(vector, other)), index) for index, other in enumerate(vectors)]
    return sorted(scored, reverse=True)


def show_search(program, model):
    passages, queries = read_jsonl(PASSAGES), read_jsonl(QUERIES)
    heading(f"1. {len(passages)} passages to vectors")
    vectors, seconds = embed(program, model, PASSAGES)
    print(f"{len(vectors)} vectors of {len(vectors[0])} values in {seconds:.2f} s, loading the model included")

    heading(f"2. {len(queries)} questions, searched by meaning")
    query_vectors, _ = embed(program, model, QUERIES)
    found_first = 0
    for query, vector in zip(queries, query_vectors):
        hits = search(vector, vectors)
        found_first += passages[hits[0][1]]["id"] in query["expected"]
        print("\n  " + style("36", query["text"]))
        for cosine, index in hits[:HITS_SHOWN]:
            passage = passages[index]
            mark = style("32", "✓") if passage["id"] in query["expected"] else " "
            print(f"  {mark} {cosine:.2f}  {shorten(passage['text'], 96)}")
    print(f"\n{found_first} of {len(queries)} questions find an expected passage first (✓)")
    return found_first


class Server:
    """`vivace serve` on a free port; its log is kept for the case that something goes wrong."""

    def __init__(self, program, model):
        command = [program, "serve", "--model", model, "--host", "127.0.0.1", "--port", "0"]
        print("$ " + shlex.join(command), flush=True)
        self.start = time.perf_counter()
        self.process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
        self.log = []
        self.addresses = queue.Queue()
        threading.Thread(target=self._read_log, daemon=True).start()
        self.address = self._wait_for_address()
        self._wait_until_ready()

    def _read_log(self):
        for line in self.process.stderr:
            self.log.append(line)
            if found := re.search(r"listening on (http://[^\s\x1b]+)", line):
                self.addresses.put(found.group(1))

    def _fail(self, what):
        self.process.kill()
        raise SystemExit(f"demo: {what}; the server said:\n{''.join(self.log)}")

    def _wait_for_address(self):
        end = time.monotonic() + START_SECONDS
        while time.monotonic() < end and self.process.poll() is None:
            try:
                return self.addresses.get(timeout=0.2)
            except queue.Empty:
                continue
        return self._fail("the server did not start")

    def _wait_until_ready(self):
        end = time.monotonic() + START_SECONDS
        while time.monotonic() < end:
            try:
                with urllib.request.urlopen(self.address + "/ready", timeout=5) as response:
                    if response.status == 200:
                        print(f"ready after {time.perf_counter() - self.start:.2f} s on {self.address}")
                        return
            except OSError:
                time.sleep(0.02)
        self._fail("the server did not become ready")

    def stop(self):
        self.process.terminate()
        try:
            code = self.process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self._fail("the server did not stop")
        if code != 0:
            self._fail(f"the server ended with exit code {code}")


def curl(address, body):
    command = ["curl", "--silent", "--show-error", "--fail-with-body", address + "/v1/embeddings",
               "-H", "Content-Type: application/json", "-d", body]
    print("$ " + shlex.join(command), flush=True)
    done = subprocess.run([*command, "--write-out", "\n%{time_total}"], stdout=subprocess.PIPE, text=True, check=False)
    answer, _, seconds = done.stdout.rpartition("\n")
    if done.returncode != 0:
        raise SystemExit(f"demo: curl failed with exit code {done.returncode}: {answer}")
    return json.loads(answer), float(seconds)


def show_server(program, model):
    heading("3. The same over HTTP")
    server = Server(program, model)
    try:
        texts = ["How do birds find their way?", "Migrating animals navigate by the stars.", "Fry the onions gently."]
        for _ in range(2):
            answer, seconds = curl(server.address, json.dumps({"input": texts, "model": pathlib.Path(model).name}))
            vectors = [item["embedding"] for item in answer["data"]]
            print(f"{len(vectors)} vectors, {answer['usage']['total_tokens']} tokens in {seconds * 1e3:.1f} ms")
        for other in (1, 2):
            cosine = math.fsum(x * y for x, y in zip(vectors[0], vectors[other]))
            print(f"  {cosine:5.2f}  “{texts[0]}” and “{texts[other]}”")
        with urllib.request.urlopen(server.address + "/", timeout=10) as page:
            if page.status != 200 or b"<html" not in page.read().lower():
                raise SystemExit("demo: the console page is not served")
        print(f"the console page is at {server.address}/")
    finally:
        server.stop()
    print("the server was stopped; `make serve` starts one whose page is at " + style("4", "http://localhost:8080/"))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--program", default="build/release/vivace")
    parser.add_argument("--model", default="models/all-MiniLM-L6-v2")
    options = parser.parse_args()
    found_first = show_search(options.program, options.model)
    show_server(options.program, options.model)
    if found_first == 0:
        raise SystemExit("demo: no question found its passage; something is wrong with the vectors")


if __name__ == "__main__":
    main()
