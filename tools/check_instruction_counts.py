"""Counts the instructions that a token costs, with callgrind, and fails where they grew by more than 3 % since they were
written down in tests/instruction_counts.json.

usage: check_instruction_counts.py [--update] [CASE …]   # all cases

Times say little on a shared machine; instructions are the same on every run. They depend on the compiler, so the file names
the one that it was made with, and with another one there is nothing to compare: make it anew with --update.
"""

import argparse
import json
import os
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
KINDS = ROOT / "tests/tokenizer/data"
sys.path.insert(0, str(ROOT / "tests/tokenizer"))

import lines  # noqa: E402
import source_code  # noqa: E402


def texts():
    """Prose and code; all of it twice, so that words seen before are counted too."""
    once = [line for line in lines.SENTENCES[:6] + source_code.code_lines()[:60] if line.strip()]
    return "\n".join(once * 2) + "\n"


def tokenizer_model(kind, folder):
    """A model folder with just enough in it for `vivace tokenize`."""
    folder.mkdir()
    shutil.copy(KINDS / kind / "tokenizer.json", folder)
    (folder / "config.json").write_text(json.dumps({"model_type": "bert", "max_position_embeddings": 1 << 24}))
    return folder


def tokenize_case(kind):
    def run(folder):
        file = folder / "texts.txt"
        file.write_text(texts(), encoding="utf-8")
        arguments = ["tokenize", "--model", str(tokenizer_model(kind, folder / kind)), "--file", str(file), "--no-truncation"]
        output, instructions = count(arguments, "vivace::TokenizerBase::encode(*", folder)
        return instructions / sum(len(json.loads(line)["ids"]) for line in output.splitlines())
    return run


def forward_case(model, text):
    def run(folder):
        arguments = ["embed", "--model", str(ROOT / model), "--threads", "1", text]
        output, instructions = count(arguments, "vivace::forward_batch*", folder)
        return instructions / json.loads(output)["tokens"]
    return run


CASES = {"tokenize WordPiece": tokenize_case("bert"), "tokenize Unigram": tokenize_case("t5"),
         "tokenize Unigram DeBERTa": tokenize_case("deberta_v3"), "tokenize byte-level BPE": tokenize_case("codet5p"),
         "forward tiny BERT": forward_case("tests/golden/tiny-bert", "The same words every time, so that counts can be compared.")}


def count(arguments, function, folder):
    """Output of the program, and the instructions spent inside of a function."""
    out = folder / "callgrind.out"
    command = ["valgrind", "--tool=callgrind", f"--callgrind-out-file={out}", f"--toggle-collect={function}",
               str(PROGRAM), *arguments]
    done = subprocess.run(command, capture_output=True, text=True, env={**os.environ, "VIVACE_ISA": "avx2"})
    if done.returncode != 0:
        sys.exit(f"check_instruction_counts: {' '.join(command)} failed:\n{done.stderr[-2000:]}")
    total = re.search(r"^(?:totals|summary): (\d+)", out.read_text(encoding="utf-8"), re.MULTILINE)
    if total is None or int(total[1]) == 0:
        sys.exit(f"check_instruction_counts: nothing was counted in {function}")
    return done.stdout, int(total[1])


def compiler():
    """The compiler of the build, as CMake names it: kind and version up to the minor one."""
    files = sorted((PROGRAM.resolve().parent / "CMakeFiles").glob("*/CMakeCXXCompiler.cmake"))
    text = files[-1].read_text(encoding="utf-8") if files else ""
    found = dict(re.findall(r'set\(CMAKE_CXX_COMPILER_(ID|VERSION) "([^"]*)"\)', text))
    return f"{found.get('ID', 'unknown')} {'.'.join(found.get('VERSION', '').split('.')[:2])}"


def measure(names):
    counts = {}
    for name in names:
        with tempfile.TemporaryDirectory() as folder:
            counts[name] = round(CASES[name](Path(folder)), 1)
    return counts


def grown(counts, known):
    """One line for each case that costs more than it did."""
    return [f"{name}: {now} instructions a token, {known[name]} before (+{100 * (now / known[name] - 1):.1f} %)"
            for name, now in counts.items() if name in known and now > known[name] * TOLERANCE]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("cases", nargs="*", metavar="CASE", help=f"of {', '.join(CASES)}")
    parser.add_argument("--update", action="store_true", help="write the counts down instead of comparing them")
    arguments = parser.parse_args()
    unknown = [name for name in arguments.cases if name not in CASES]
    if unknown:
        parser.error(f"no case is called {unknown[0]!r}")
    recorded = json.loads(COUNTS.read_text(encoding="utf-8")) if COUNTS.exists() else {"compiler": "", "counts": {}}
    is_comparable = recorded["compiler"] == compiler()
    if not arguments.update and not is_comparable:
        print(f"check_instruction_counts: skipped: made with {recorded['compiler']}, this build is by {compiler()}")
        return 0
    counts = measure(arguments.cases or CASES)
    for name, now in counts.items():
        print(f"{name:28} {now:12} instructions a token")
    if arguments.update:
        kept = recorded["counts"] if is_comparable else {}
        COUNTS.write_text(json.dumps({"compiler": compiler(), "counts": {**kept, **counts}}, indent=2) + "\n")
        return 0
    worse = grown(counts, recorded["counts"])
    print("\n".join(worse))
    return 1 if worse else 0


if __name__ == "__main__":
    sys.exit(main())
