"""Counts the instructions that a token costs, with callgrind, and fails where they grew by more than 3 % since they were
written down in tests/instruction_counts.json.

usage: check_instruction_counts.py [--update] [CASE …]   # all cases

Times say little on a shared machine; instructions are the same on every run, and nearly so on every x86 machine:
- Our kernels are those of AVX2 (callgrind knows no AVX-512).
- libc chooses memcpy() and its like by the CPU, but valgrind shows programs the same CPU wherever AVX2 is there. Even
  without AVX2, ERMS and BMI2 (GLIBC_TUNABLES=glibc.cpu.hwcaps=…) no count moved by more than 0.2 %.
- Only what is done inside of one function of ours counts, libc's and others' code that it calls included: asking for
  memory is a cost too. Of tokenizers a short run is subtracted from a long one, so that tables made for the first text
  do not count.
They depend on the compiler and on libc, so the file names those that it was made with. With others there is nothing to
compare: make it anew with --update, as after a change that is worth what it costs.
"""

import argparse
import concurrent.futures
import json
import os
import platform
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PROGRAM = Path(os.environ.get("VIVACE", ROOT / "build/release/vivace"))
COUNTS = ROOT / "tests/instruction_counts.json"
TOLERANCE = 1.03
MINILM = "models/all-MiniLM-L6-v2"
KINDS = ROOT / "tests/tokenizer/data"
sys.path.insert(0, str(ROOT / "tests/tokenizer"))

import lines  # noqa: E402
import source_code  # noqa: E402


WARM_UP = [*lines.SENTENCES[6:8], "for (int i = 0; i < 10; ++i) total += values[i];"]
PASSAGE = "Rivers carry sand and stones from the hills down to the sea, where waves grind them until nothing but dust is left."


def tokenizer_lines():
    """Prose and code; all of it twice, so that words seen before are counted too."""
    once = [line for line in lines.SENTENCES[:6] + source_code.code_lines()[:60] if line.strip()]
    return once * 2


def tokenizer_model(kind, folder):
    """A model folder with just enough in it for `vivace tokenize`."""
    folder.mkdir()
    shutil.copy(KINDS / kind / "tokenizer.json", folder)
    (folder / "config.json").write_text(json.dumps({"model_type": "bert", "max_position_embeddings": 1 << 24}))
    return folder


def tokenize_case(kind):
    def run(folder):
        model = tokenizer_model(kind, folder / kind)

        def of(texts):
            output, instructions = count(["tokenize", "--model", str(model), "--no-truncation"], texts,
                                         "vivace::TokenizerBase::encode(*", folder)
            return instructions, sum(len(json.loads(line)["ids"]) for line in output.splitlines())
        return per_token(of(WARM_UP), of(WARM_UP + tokenizer_lines()))
    return run


def forward_case(precision):
    def run(folder):
        output, instructions = count(["embed", "--model", str(ROOT / MINILM), "--threads", "1", "--precision", precision],
                                     [PASSAGE], "vivace::forward_batch*", folder)
        return instructions / json.loads(output)["tokens"]
    return run


def per_token(short, long):
    """Of what the long run did more than the short one; each is (instructions, tokens)."""
    return (long[0] - short[0]) / (long[1] - short[1])


CASES = {"tokenize WordPiece": tokenize_case("bert"), "tokenize Unigram": tokenize_case("t5"),
         "tokenize Unigram DeBERTa": tokenize_case("deberta_v3"), "tokenize byte-level BPE": tokenize_case("codet5p"),
         "tokenize BPE of characters": tokenize_case("byte_fallback_bpe"),
         "forward MiniLM fp32": forward_case("fp32"), "forward MiniLM int8": forward_case("int8")}


def missing_parts():
    """What stands in the way of counting at all, if anything."""
    if shutil.which("valgrind") is None:
        return "valgrind is missing; run make deps"
    cpu = Path("/proc/cpuinfo")
    if cpu.exists() and "avx2" not in cpu.read_text(encoding="utf-8").split():
        return "this CPU has no AVX2"
    return None


def count(arguments, texts, function, folder):
    """Output of the program for these texts, and the instructions spent inside of a function."""
    file, out = folder / "texts.txt", folder / "callgrind.out"
    file.write_text("".join(text + "\n" for text in texts), encoding="utf-8")
    command = ["valgrind", "--tool=callgrind", f"--callgrind-out-file={out}", f"--toggle-collect={function}",
               str(PROGRAM), *arguments, "--file", str(file)]
    done = subprocess.run(command, capture_output=True, text=True, env={**os.environ, "VIVACE_ISA": "avx2"})
    if done.returncode != 0:
        sys.exit(f"check_instruction_counts: {' '.join(command)} failed:\n{done.stderr[-2000:]}")
    total = re.search(r"^(?:totals|summary): (\d+)", out.read_text(encoding="utf-8"), re.MULTILINE)
    if total is None or int(total[1]) == 0:
        sys.exit(f"check_instruction_counts: nothing was counted in {function}")
    return done.stdout, int(total[1])


def made_with():
    """The compiler of the build, as CMake names it, and libc: kinds and versions up to the minor one."""
    files = sorted((PROGRAM.resolve().parent / "CMakeFiles").glob("*/CMakeCXXCompiler.cmake"))
    text = files[-1].read_text(encoding="utf-8") if files else ""
    found = dict(re.findall(r'set\(CMAKE_CXX_COMPILER_(ID|VERSION) "([^"]*)"\)', text))
    compiler = f"{found.get('ID', 'unknown')} {'.'.join(found.get('VERSION', '').split('.')[:2])}"
    return f"{compiler}, {' '.join(platform.libc_ver())}"


def measure(names):
    """Instructions a token of each case that can be measured here."""
    counts = {}
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        for name, now in zip(names, pool.map(measure_one, names), strict=True):
            if now is None:
                print(f"{name:28} skipped: {MINILM} is missing; run make model")
            else:
                counts[name] = now
                print(f"{name:28} {now:12} instructions a token", flush=True)
    return counts


def measure_one(name):
    if "MiniLM" in name and not (ROOT / MINILM / "model.safetensors").exists():
        return None
    with tempfile.TemporaryDirectory() as folder:
        return round(CASES[name](Path(folder)), 1)


def faults(counts, known):
    """One line for each case that costs more than it did, or that nobody has written down."""
    new = [f"{name}: nothing to compare with; write it down with --update" for name in counts if name not in known]
    return new + [f"{name}: {now} instructions a token, {known[name]} before (+{100 * (now / known[name] - 1):.1f} %)"
                  for name, now in counts.items() if name in known and now > known[name] * TOLERANCE]


def parse_arguments(arguments):
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("cases", nargs="*", metavar="CASE", help=f"of {', '.join(CASES)}")
    parser.add_argument("--update", action="store_true", help="write the counts down instead of comparing them")
    options = parser.parse_args(arguments)
    unknown = [name for name in options.cases if name not in CASES]
    if unknown:
        parser.error(f"no case is called {unknown[0]!r}")
    return options


def main(arguments=None):
    options = parse_arguments(arguments)
    recorded = json.loads(COUNTS.read_text(encoding="utf-8")) if COUNTS.exists() else {"made_with": None, "counts": {}}
    is_comparable = recorded["made_with"] == made_with()
    if recorded["made_with"] and not options.update and not is_comparable:
        print(f"check_instruction_counts: skipped: made with {recorded['made_with']}, this build is by {made_with()}")
        return 0
    if missing := missing_parts():
        sys.exit(f"check_instruction_counts: {missing}")
    counts = measure(options.cases or CASES)
    known = recorded["counts"] if is_comparable else {}
    if options.update:
        COUNTS.write_text(json.dumps({"made_with": made_with(), "counts": {**known, **counts}}, indent=2) + "\n")
        return 0
    wrong = faults(counts, known)
    for line in wrong:
        print(line)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
