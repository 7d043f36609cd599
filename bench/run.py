"""Times Vivace and its peers on the same work, on this machine, in turns. Outputs are checked before anything is timed.

usage: .venv-bench/bin/python bench/run.py [options]     (make bench sets everything up)

Writes build/bench/results.json (machine, versions, every round; after every row) and build/bench/results.svg, prints a table.
Each round lets every contender work for --seconds in turn, in an order that rotates; idle processes are stopped meanwhile.
--resume goes on where a run stopped, and measures its noisy rows again.
"""

import argparse
import json
import os
import pathlib
import subprocess
import sys

import cases
import figures
import http_load
import impact_rows
import llama_server
import machine
import models
import ours
import peers
import report
import results_file
import search_rows
import text_rows
import tokenizer_files
import tokenizer_peers
import tokenizing
from rounds import time_case

OUT = cases.ROOT / "build" / "bench"
REFERENCE_TEXTS = 64
# To fp32 transformers. Of int8 peers ONNX Runtime's goes down to 0.977 without VNNI, OpenVINO's static one to 0.95 in
# languages that the passages which it is calibrated on are not in.
LOWEST_COSINE = {"fp32": 0.9999, "bf16": 0.999, "int8": 0.94}
GENERATED_TEXTS, GENERATED_TOKENS = 4, 12
REFERENCES = ("torch", "torch-t5")  # eager transformers in fp32: what all others are compared with
FAILURES = (ours.ContenderError, peers.PeerError, subprocess.CalledProcessError, OSError)


def parse_arguments(argv):
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--program", type=pathlib.Path, default=cases.ROOT / "build" / "release" / "vivace")
    parser.add_argument("--model", type=pathlib.Path, default=cases.ROOT / "models" / "all-MiniLM-L6-v2")
    parser.add_argument("--threads", type=int, default=min(2, len(os.sched_getaffinity(0))))
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=2.0, help="of each contender in each round (at least 3 calls)")
    parser.add_argument("--only", default="", help="only cases whose name contains one of these, with bars between: '1x16|tokenize|texts'")
    parser.add_argument("--quiet-wait", type=float, default=10.0,
                        help="seconds to wait at most, before each round, for other programs to finish their work")
    parser.add_argument("--precision", default="fp32", help="of the models, several with commas between: fp32,bf16,int8,int4")
    parser.add_argument("--peers-only", action="store_true", help="leave Vivace out")
    parser.add_argument("--resume", action="store_true", help="keep the quiet rows of build/bench/results.json, measure the others")
    parser.add_argument("--write-readme", action="store_true", help="refresh the table in README.md")
    options = parser.parse_args(argv)
    options.precisions = options.precision.split(",")
    if unknown := set(options.precisions) - set(cases.PRECISIONS):
        parser.error(f"--precision {', '.join(sorted(unknown))} is unknown; use {', '.join(cases.PRECISIONS)}")
    return options


def with_precision(name, precision):
    return name if precision == "fp32" else f"{name} {precision}"


def row_name(case, precision):
    return with_precision(case.name, precision)


def reference_texts():
    """Short texts in many languages, from the golden set."""
    lines = (cases.ROOT / "tests" / "golden" / "minilm" / "texts.jsonl").read_text(encoding="utf-8").splitlines()
    return [json.loads(line)["text"] for line in lines][:REFERENCE_TEXTS]


def check_outputs(contenders, reference, precision="fp32", texts=None):
    """Lowest cosine of each contender's vectors of the texts (reference_texts()) against the reference's. Nobody is timed for wrong answers: ours, and in
    fp32 anybody's, end the run; a peer whose file of fewer bits is too coarse on this CPU is left out by its caller."""
    texts, limit = texts or reference_texts(), LOWEST_COSINE[precision]
    expected = reference.vectors(texts)
    lowest = {one.name: figures.lowest_cosine(one.vectors(texts), expected) for one in contenders if one is not reference}
    for name, cosine in lowest.items():
        print(f"checked {name}: lowest cosine to {reference.name} {cosine:.7f} over {len(texts)} texts", file=sys.stderr)
        if cosine < limit and (precision == "fp32" or name == ours.Vivace.name):
            raise SystemExit(f"{name} answers wrongly (cosine {cosine:.6f} < {limit}); nothing was timed")
    return lowest


def check_written(contenders, reference, precision="fp32"):
    """Share of the reference's greedy ids that each contender writes. In fp32 it must be all of them."""
    texts = reference_texts()[:GENERATED_TEXTS]
    expected = reference.written(texts, GENERATED_TOKENS)
    shares = {}
    for one in contenders:
        if one is reference:
            continue
        same = [a == b for got, want in zip(one.written(texts, GENERATED_TOKENS), expected, strict=True)
                for a, b in zip(got + [None] * len(want), want)]
        shares[one.name] = sum(same) / max(len(same), 1)
        print(f"checked {one.name}: {shares[one.name]:.0%} of {len(same)} ids equal {reference.name}'", file=sys.stderr)
        if precision == "fp32" and shares[one.name] < 1:
            raise SystemExit(f"{one.name} writes otherwise than {reference.name}; nothing was timed")
    return shares


def check_ids(own, reference, texts):
    wrong = [text for text, a, b in zip(texts, own.ids(texts), reference.ids(texts), strict=True) if a != b]
    print(f"checked {own.name}: ids of {len(texts) - len(wrong)} of {len(texts)} texts equal {reference.name}'",
          file=sys.stderr)
    if wrong:
        raise SystemExit(f"{own.name} tokenizes {wrong[0]!r} otherwise than {reference.name}; nothing was timed")


def results_path():
    return OUT / "results.json"


class Bench:
    def __init__(self, options, facts=None):
        """facts: where and how it is measured; without them nothing is written."""
        self.options, self.opened, self.facts = options, [], facts
        self.results, self.versions = results_file.read(results_path(), facts) if options.resume else (results_file.empty(), {})
        self.done = {row["case"] for row in self.results["rows"] if not row["noisy"]}
        self.out, self.failures = OUT, FAILURES

    def wanted(self, case):
        return case not in self.done and any(part in case.lower() for part in self.options.only.lower().split("|"))

    def named(self, case):
        """Whether --only asks for it: of rows that take so long that they are not measured unasked."""
        return bool(self.options.only) and self.wanted(case)

    row_name = staticmethod(with_precision)

    def add_row(self, case, timers, *, options=None, more=None, **shown):
        """more: members of the row beside those of time_case()."""
        if not timers:
            return
        row = {**time_case(case, timers, options or self.options, **shown), **(more or {})}
        results_file.put(self.results["rows"], row)
        if self.facts is not None:
            results_file.save(results_path(), self.all_facts(), self.results)

    def all_facts(self):
        return {**self.facts, "versions": self.versions}

    def skip(self, what):
        if what not in self.results["skipped"]:
            self.results["skipped"].append(what)

    def open(self, make, *arguments):
        contender = make(*arguments)
        self.opened.append(contender)
        self.versions.update(contender.versions)
        return contender

    def peer(self, name, precision="fp32", file="-", model=None):
        return self.open(peers.Peer, name, precision, model or self.options.model, file, self.options.threads)

    def ours(self, make, precision="fp32", model=None, *more):
        if self.options.peers_only:
            return []
        return [self.open(make, self.options.program, model or self.options.model, self.options.threads, precision, *more)]

    def open_or_skip(self, what, make):
        """What make() opens, as a list; empty, and said in the results, when this contender cannot do it."""
        try:
            return make()
        except FAILURES as problem:
            self.skip(f"{what}: {str(problem)[-300:]}")
            return []

    def close(self, contender):
        self.opened.remove(contender)
        if hasattr(contender, "close"):
            contender.close()

    def close_all(self):
        while self.opened:
            self.close(self.opened[-1])

    def forward(self):
        for model in cases.MODELS:
            for precision in self.options.precisions:
                chosen = [case for case in model.cases if precision in model.peers and self.wanted(row_name(case, precision))]
                if chosen:
                    self.model_rows(model, precision, chosen)
                    self.close_all()

    def contenders(self, model, folder, precision):
        files = models.Files(folder, OUT)

        def own():
            found = self.ours(ours.Vivace, precision, folder)
            for one in found:  # does this build compute in that precision?
                one.forward(cases.Case("probe", (4,)), 0.01)
            return found

        found = self.open_or_skip(f"vivace in {precision}, {model.name}", own)
        for name in model.peers[precision]:
            found += self.open_or_skip(f"{name} in {precision}, {model.name}",
                                       lambda name=name: [self.peer(name, precision, files.of(name, precision), folder)])
        return found

    def exact_enough(self, contenders, checks, precision, what):
        """Those whose lowest cosine reaches the limit; the others are said in the results."""
        coarse = {name: cosine for name, cosine in checks.items() if cosine < LOWEST_COSINE[precision]}
        for name, cosine in coarse.items():
            self.skip(f"{name} in {precision}, {what}: its lowest cosine is {cosine:.4f}")
        return [one for one in contenders if one.name not in coarse]

    def model_rows(self, model, precision, chosen):
        folder = self.options.model if model.checkpoint is None else models.checkpoint(model.checkpoint, OUT)
        contenders = self.contenders(model, folder, precision)
        writes = any(case.generate for case in chosen)
        reference = next((c for c in contenders if c.name in REFERENCES and c.precision == "fp32"), None)
        reference = reference or self.peer(REFERENCES[writes], model=folder)
        check = check_written if writes else check_outputs
        checks = check(contenders, reference, precision)
        self.results["checks"].update({f"{model.name} {precision} {name}": value for name, value in checks.items()})
        if not writes:
            contenders = self.exact_enough(contenders, checks, precision, model.name)
        for case in chosen:
            timers = {c.name: (lambda seconds, c=c: (c.generate if writes else c.forward)(case, seconds)) for c in contenders}
            self.add_row(row_name(case, precision), timers)
        for contender in contenders:
            for name, note in getattr(contender, "notes", {}).items():
                self.results["notes"][f"{name} {precision}"] = note

    def tokenizing(self, passages):
        texts = cases.mixed_texts(passages)
        for kind in tokenizer_files.KINDS:
            wanted = [length for length in tokenizing.LENGTHS if self.wanted(tokenizing.row_name(kind, length))]
            if wanted:
                self.tokenizing_rows(kind, {length: tokenizing.LENGTHS[length](texts) for length in wanted}, passages)
                self.close_all()

    def tokenizing_rows(self, kind, texts, passages):
        """One row for each length, texts holds those that are timed."""
        model = tokenizer_files.folder(kind, self.options.model, OUT)
        contenders = tokenizing.Contenders(tokenizer_files.odd_texts(), FAILURES)
        for name in tokenizer_peers.PEERS:
            contenders.add_peer(name, lambda name=name: self.peer(name, model=model))
        for own in self.ours(ours.Vivace, model=model):
            check_ids(own, contenders.reference, contenders.odd + passages + [t for some in texts.values() for t in some[:400]])
            contenders.add_ours(own)
        for length, timed_texts in texts.items():
            megabytes = sum(len(text.encode()) for text in timed_texts) / 1e6
            self.add_row(tokenizing.row_name(kind, length), contenders.timers(timed_texts), work=megabytes, unit="MB/s",
                         more={"ids_equal": contenders.ids_equal, "missing": contenders.missing})

    def whole_jobs(self, passages):
        short, many = "short text to vector", f"{len(passages)} texts to vectors"
        if not (self.wanted(short) or self.wanted(many)):
            return
        contenders = self.ours(ours.VivaceServer) + [self.peer("sentence-transformers")]
        checks = check_outputs(contenders, contenders[-1])
        self.results["checks"].update({f"whole jobs {name}": value for name, value in checks.items()})
        if self.wanted(short):
            timers = {c.name: (lambda seconds, c=c: c.texts(cases.SHORT_TEXTS, seconds)) for c in contenders}
            self.add_row(short, timers)
        if self.wanted(many):
            timers = {c.name: (lambda seconds, c=c: c.passages(passages, seconds)) for c in contenders}
            self.add_row(many, timers, work=len(passages), unit="texts/s")
        self.close_all()

    def http(self, passages):
        """Short texts over HTTP: ours, llama.cpp's server, and ours without HTTP."""
        texts = cases.many_short_texts(passages)
        for precision in cases.for_encoders(self.options.precisions):
            for connections in (1, 32):
                name = with_precision(f"HTTP, {connections} connection{'s' if connections > 1 else ''}", precision)
                if not self.wanted(name) or self.options.peers_only:
                    continue
                if not http_load.available():
                    self.skip(f"{name}: wrk is missing (apt-get install wrk)")
                    continue
                self.http_row(name, precision, connections, texts)
                self.close_all()

    def http_row(self, name, precision, connections, texts):
        own = self.open_or_skip(name, lambda: self.ours(ours.VivaceServer, precision))
        if not own:
            return
        files = models.Files(self.options.model, OUT)
        peers_there = self.open_or_skip(f"llama.cpp server in {precision}", lambda: [
            self.open(llama_server.LlamaServer, files.of("llama.cpp", precision), self.options.threads)])
        # Of the texts that are timed: llama.cpp splits some odd ones otherwise than BERT's tokenizer.
        checks = check_outputs(peers_there, own[0], precision, texts[:REFERENCE_TEXTS])
        self.results["checks"].update({f"{name} {peer}": cosine for peer, cosine in checks.items()})
        servers = own + self.exact_enough(peers_there, checks, precision, name)
        loads = {s.name: http_load.Load(s, "/v1/embeddings", http_load.embedding_bodies(texts), connections) for s in servers}
        offline = http_load.Offline(self.options.program, self.options.model, self.options.threads, precision, texts)
        self.add_row(name, {**{s: load.run for s, load in loads.items()}, offline.name: offline.run}, work=1, unit="texts/s")
        self.results["notes"][name] = {s: load.notes for s, load in loads.items()}

    def run(self):
        self.forward()
        passages = cases.load_passages()
        if passages:
            self.http(passages)
            self.tokenizing(passages)
            self.whole_jobs(passages)
            for rows in (impact_rows, text_rows, search_rows):
                rows.add(self)
        else:
            self.skip(f"HTTP, tokenizing, whole jobs and applications: {cases.CORPUS} is missing")


def main(argv=None):
    options = parse_arguments(argv)
    if not options.peers_only and not options.program.exists():
        raise SystemExit(f"{options.program} is missing: run make build, or give --peers-only")
    if not (options.model / "model.safetensors").exists():
        raise SystemExit(f"{options.model} is missing: run make model")
    machine.end_when_told()
    facts = {**machine.describe(cases.ROOT), "program": results_file.digest(options.program), "precision": options.precision,
             "threads": options.threads, "rounds": options.rounds, "seconds": options.seconds}
    bench = Bench(options, facts)
    try:
        bench.run()
    finally:
        bench.close_all()
    if not bench.results["rows"]:
        raise SystemExit(f"no case matches --only {options.only}")
    write_results({"machine": bench.all_facts(), **bench.results}, options)


def write_results(results, options):
    facts = results["machine"]
    results_file.save(results_path(), facts, {name: value for name, value in results.items() if name != "machine"})
    caption = f"{facts['precision']}, {facts['threads']} threads, {facts['cpu']['model']}, {facts['time'][:10]}, {facts['git']}"
    (OUT / "results.svg").write_text(report.svg_chart(results["rows"], caption), encoding="utf-8")
    print(report.text_table(results["rows"]))
    noisy = [row["case"] for row in results["rows"] if row["noisy"]]
    if noisy:
        print(f"other programs were busy in every round of: {', '.join(noisy)}. Measure again on a quiet machine: "
              "contenders with OpenMP pools suffer most, which flatters the others.")
    for skipped in results["skipped"]:
        print(f"skipped {skipped}")
    print(f"written: {results_path()}, {OUT / 'results.svg'}")
    if options.write_readme and noisy:
        raise SystemExit("README.md is left as it was: its figures must come from a quiet machine; --resume measures the noisy rows again")
    if options.write_readme:
        readme = cases.ROOT / "README.md"
        table = report.markdown_table(results["rows"], facts)
        readme.write_text(report.replace_in_readme(readme.read_text(encoding="utf-8"), table), encoding="utf-8")


if __name__ == "__main__":
    main()
