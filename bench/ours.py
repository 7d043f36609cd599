"""Vivace as a contender: `vivace bench` and `vivace embed` as separate processes, and a server for whole jobs."""

import json
import pathlib
import subprocess
import tempfile

import figures
from serving import ContenderError, Embeds, Server


def json_lines(texts):
    return "".join(json.dumps({"text": text}) + "\n" for text in texts)


class Vivace:
    name = "vivace"

    def __init__(self, program, model, threads, precision="fp32"):
        self.program, self.model, self.threads, self.precision = str(program), str(model), threads, precision
        self.versions = {"vivace": self._run("--version").strip().removeprefix("vivace ")}
        self.notes = {}  # isa, floor_share, … as `vivace bench` last told them

    def vectors(self, texts):
        output = self._run("embed", "--model", self.model, "--precision", self.precision, "--threads", self.threads,
                           "--file", "-", "--input-format", "jsonl", stdin=json_lines(texts))
        return [json.loads(line)["embedding"] for line in output.splitlines()]

    def ids(self, texts):
        output = self._run("tokenize", "--model", self.model, "--no-truncation", "--file", "-", "--input-format", "jsonl",
                           stdin=json_lines(texts))
        return [json.loads(line)["ids"] for line in output.splitlines()]

    def written(self, texts, count):
        """Ids that are written after each text, the end token left out."""
        config = json.loads((pathlib.Path(self.model) / "config.json").read_text(encoding="utf-8"))
        output = self._run("complete", "--model", self.model, "--precision", self.precision, "--threads", self.threads,
                           "--max-new-tokens", count, "--format", "jsonl", "--file", "-", "--input-format", "jsonl",
                           stdin=json_lines(texts))
        return [[token for token in json.loads(line)["token_ids"] if token != config["eos_token_id"]]
                for line in output.splitlines()]

    def forward(self, case, seconds):
        if len(set(case.lengths)) == 1:
            shape = ["--batch", len(case.lengths), "--tokens", case.lengths[0]]
        else:
            shape = ["--lengths", ",".join(map(str, case.lengths))]
        return self._bench(case, shape, seconds)

    def generate(self, case, seconds):
        return self._bench(case, ["--tokens", case.lengths[0], "--generate", case.generate], seconds)

    def _bench(self, case, shape, seconds):
        told = json.loads(self._run("bench", "--model", self.model, "--precision", self.precision, "--threads",
                                    self.threads, *shape, "--seconds", seconds, "--json"))
        self.notes[case.name] = {key: told.get(key) for key in ("isa", "precision", "floor_share", "tokens_per_s", "threads")}
        return figures.Round(told["p50_ms"], told["p99_ms"], told["min_ms"], told.get("runs", 0))

    def tokenize(self, texts, seconds):
        """Milliseconds to tokenize all texts once, one call for each, as `vivace bench --tokenize` tells them."""
        with tempfile.NamedTemporaryFile("w", suffix=".jsonl", encoding="utf-8") as file:
            file.write(json_lines(texts))
            file.flush()
            told = json.loads(self._run("bench", "--tokenize", file.name, "--model", self.model, "--seconds", seconds,
                                        "--json"))
        return figures.Round(told["p50_ms"], told["p99_ms"], told["min_ms"], told["runs"])

    def _run(self, *arguments, stdin=None):
        command = [self.program, *map(str, arguments)]
        done = subprocess.run(command, input=stdin, capture_output=True, text=True, check=False, timeout=900)
        if done.returncode != 0:
            raise ContenderError(f"{' '.join(command)[:200]} failed ({done.returncode}): {done.stderr.strip()[-500:]}")
        return done.stdout


class VivaceServer(Embeds, Server):
    def __init__(self, program, model, threads, precision="fp32"):
        super().__init__(program, threads, precision, "--model", model)
