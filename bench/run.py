"""Times Vivace and its peers on the same work, on this machine, in turns. Outputs are checked before anything is timed.

usage: .venv-bench/bin/python bench/run.py [options]     (make bench sets everything up)

Writes build/bench/results.json (machine, versions, every round) and build/bench/results.svg, prints a table. Each round
lets every contender work for --seconds in turn, in an order that rotates; idle processes are stopped meanwhile.
"""

import argparse
import dataclasses
import hashlib
import json
import os
import pathlib
import subprocess
import sys

import cases
import figures
import machine
import ours
import peers
import report

OUT = cases.ROOT / "build" / "bench"
REFERENCE_TEXTS = 64
LOWEST_COSINE = 0.9999
FORWARD_PEERS = ("onnxruntime", "openvino", "torch")
NOISY = 0.1  # share of the machine that others use, beyond which a round does not count while there are quieter ones
REFERENCE = "torch"  # eager transformers: what all others are compared with


def parse_arguments(argv):
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--program", type=pathlib.Path, default=cases.ROOT / "build" / "release" / "vivace")
    parser.add_argument("--model", type=pathlib.Path, default=cases.ROOT / "models" / "all-MiniLM-L6-v2")
    parser.add_argument("--threads", type=int, default=min(2, len(os.sched_getaffinity(0))))
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=2.0, help="of each contender in each round (at least 3 calls)")
    parser.add_argument("--only", default="", help="only cases whose name contains this, e.g. 1x16, tokenize, texts")
    parser.add_argument("--quiet-wait", type=float, default=10.0,
                        help="seconds to wait at most, before each round, for other programs to finish their work")
    parser.add_argument("--peers-only", action="store_true", help="leave Vivace out")
    parser.add_argument("--write-readme", action="store_true", help="refresh the table in README.md")
    return parser.parse_args(argv)


def export_onnx(model):
    """The model as ONNX, made once for each content of its weights."""
    digest = hashlib.sha256((model / "model.safetensors").read_bytes()).hexdigest()[:16]
    target = OUT / f"{digest}.onnx"
    if not target.exists():
        print(f"exporting {model.name} to ONNX …", file=sys.stderr)
        OUT.mkdir(parents=True, exist_ok=True)
        subprocess.run([sys.executable, str(pathlib.Path(__file__).with_name("export_onnx.py")), str(model), str(target)],
                       check=True, stdout=subprocess.DEVNULL)
    return target


def reference_texts():
    """Short texts in many languages, from the golden set."""
    lines = (cases.ROOT / "tests" / "golden" / "minilm" / "texts.jsonl").read_text(encoding="utf-8").splitlines()
    return [json.loads(line)["text"] for line in lines][:REFERENCE_TEXTS]


def check_outputs(contenders, reference):
    """Lowest cosine of each contender's vectors against the reference's. Nobody is timed for wrong answers."""
    texts = reference_texts()
    expected = reference.vectors(texts)
    lowest = {one.name: figures.lowest_cosine(one.vectors(texts), expected) for one in contenders if one is not reference}
    for name, cosine in lowest.items():
        print(f"checked {name}: lowest cosine to {reference.name} {cosine:.7f} over {len(texts)} texts", file=sys.stderr)
        if cosine < LOWEST_COSINE:
            raise SystemExit(f"{name} answers wrongly (cosine {cosine:.6f} < {LOWEST_COSINE}); nothing was timed")
    return lowest


def check_ids(own, reference, texts):
    wrong = [text for text, a, b in zip(texts, own.ids(texts), reference.ids(texts), strict=True) if a != b]
    print(f"checked {own.name}: ids of {len(texts) - len(wrong)} of {len(texts)} texts equal {reference.name}'",
          file=sys.stderr)
    if wrong:
        raise SystemExit(f"{own.name} tokenizes {wrong[0]!r} otherwise than {reference.name}; nothing was timed")


def time_case(case, timers, options, *, work=None, unit="ms"):
    """One row: every timer (name → function of seconds giving a Round) in turns."""
    rounds = {name: [] for name in timers}
    busy = []
    for turn in range(options.rounds):
        before = machine.wait_until_quiet(options.quiet_wait)
        for name in figures.rotated(timers, turn):
            rounds[name].append(timers[name](options.seconds))
        busy.append(round(max(before, machine.wait_until_quiet(0)), 3))
        print(f"{case} round {turn + 1}/{options.rounds}: " +
              ", ".join(f"{name} {rs[-1].p50_ms:.2f} ms" for name, rs in rounds.items()) +
              (f"  (others use {busy[-1]:.0%} of the machine)" if busy[-1] > NOISY else ""), file=sys.stderr)
    counted = {name: figures.quiet_rounds(rs, busy, NOISY) for name, rs in rounds.items()}
    row = {"case": case, "work": work, "unit": unit, "others_use": busy, "noisy": min(busy) > NOISY, "speedup": {},
           "contenders": {name: {**dataclasses.asdict(figures.summarise(counted[name])),
                                 "rounds": [dataclasses.asdict(r) for r in rs]} for name, rs in rounds.items()}}
    if own := report.ours_in(row):
        row["speedup"] = {name: figures.speedup(counted[own], rs) for name, rs in counted.items() if name != own}
    return row


class Bench:
    def __init__(self, options):
        self.options, self.opened, self.results = options, [], {"checks": {}, "rows": [], "notes": {}, "skipped": []}
        self.versions = {}

    def wanted(self, case):
        return self.options.only.lower() in case.lower()

    def open(self, make, *arguments):
        contender = make(*arguments)
        self.opened.append(contender)
        self.versions.update(contender.versions)
        return contender

    def peer(self, name, onnx="-"):
        return self.open(peers.Peer, name, self.options.model, onnx, self.options.threads)

    def ours(self, make):
        if self.options.peers_only:
            return []
        return [self.open(make, self.options.program, self.options.model, self.options.threads)]

    def close_all(self):
        for contender in self.opened:
            if hasattr(contender, "close"):
                contender.close()
        self.opened.clear()

    def forward(self):
        chosen = [case for case in cases.FORWARD_CASES if self.wanted(case.name)]
        if not chosen:
            return
        onnx = export_onnx(self.options.model)
        contenders = self.ours(ours.Vivace) + [self.peer(name, onnx) for name in FORWARD_PEERS]
        self.results["checks"].update(check_outputs(contenders, next(c for c in contenders if c.name == REFERENCE)))
        for case in chosen:
            timers = {c.name: (lambda seconds, c=c: c.forward(case, seconds)) for c in contenders}
            self.results["rows"].append(time_case(case.name, timers, self.options))
        for contender in contenders:
            self.results["notes"].update(getattr(contender, "notes", {}))
        self.close_all()

    def tokenizer(self, passages):
        if not self.wanted("tokenize WordPiece"):
            return
        texts = cases.mixed_texts(passages)
        hf = self.peer("hf-tokenizers")
        timers = {hf.name: lambda seconds: hf.passages(texts, seconds)}
        for own in self.ours(ours.Vivace):
            check_ids(own, hf, passages + reference_texts() + texts[:500])
            timers[own.name] = lambda seconds, own=own: own.tokenize(texts, seconds)
        megabytes = sum(len(text.encode()) for text in texts) / 1e6
        self.results["rows"].append(time_case("tokenize WordPiece", timers, self.options, work=megabytes, unit="MB/s"))
        self.close_all()

    def whole_jobs(self, passages):
        short, many = "short text to vector", f"{len(passages)} texts to vectors"
        if not (self.wanted(short) or self.wanted(many)):
            return
        contenders = self.ours(ours.VivaceServer) + [self.peer("sentence-transformers")]
        self.results["checks"].update(check_outputs(contenders, contenders[-1]))
        if self.wanted(short):
            timers = {c.name: (lambda seconds, c=c: c.texts(cases.SHORT_TEXTS, seconds)) for c in contenders}
            self.results["rows"].append(time_case(short, timers, self.options))
        if self.wanted(many):
            timers = {c.name: (lambda seconds, c=c: c.passages(passages, seconds)) for c in contenders}
            self.results["rows"].append(time_case(many, timers, self.options, work=len(passages), unit="texts/s"))
        self.close_all()

    def run(self):
        self.forward()
        passages = cases.load_passages()
        if passages:
            self.tokenizer(passages)
            self.whole_jobs(passages)
        else:
            self.results["skipped"].append(f"tokenizing and whole jobs: {cases.CORPUS} is missing")


def main(argv=None):
    options = parse_arguments(argv)
    if not options.peers_only and not options.program.exists():
        raise SystemExit(f"{options.program} is missing: run make build, or give --peers-only")
    if not (options.model / "model.safetensors").exists():
        raise SystemExit(f"{options.model} is missing: run make model")
    facts = machine.describe(cases.ROOT)
    bench = Bench(options)
    try:
        bench.run()
    finally:
        bench.close_all()
    if not bench.results["rows"]:
        raise SystemExit(f"no case matches --only {options.only}")
    facts.update(threads=options.threads, rounds=options.rounds, seconds=options.seconds, versions=bench.versions)
    write_results({"machine": facts, **bench.results}, options)


def write_results(results, options):
    OUT.mkdir(parents=True, exist_ok=True)
    (OUT / "results.json").write_text(json.dumps(results, indent=1) + "\n")
    facts = results["machine"]
    caption = f"fp32, {facts['threads']} threads, {facts['cpu']['model']}, {facts['time'][:10]}, {facts['git']}"
    (OUT / "results.svg").write_text(report.svg_chart(results["rows"], caption), encoding="utf-8")
    print(report.text_table(results["rows"]))
    noisy = [row["case"] for row in results["rows"] if row["noisy"]]
    if noisy:
        print(f"other programs were busy in every round of: {', '.join(noisy)}. Measure again on a quiet machine: "
              "contenders with OpenMP pools suffer most, which flatters the others.")
    for skipped in results["skipped"]:
        print(f"skipped {skipped}")
    print(f"written: {OUT / 'results.json'}, {OUT / 'results.svg'}")
    if options.write_readme and noisy:
        raise SystemExit("README.md is left as it was: its figures must come from a quiet machine")
    if options.write_readme:
        readme = cases.ROOT / "README.md"
        table = report.markdown_table(results["rows"], facts)
        readme.write_text(report.replace_in_readme(readme.read_text(encoding="utf-8"), table), encoding="utf-8")


if __name__ == "__main__":
    main()
