"""Compares our tokenizer with the `tokenizers` package on random strings, for every file of tests/tokenizer/data.

usage: differential.py [--count N] [--seed N] [KIND …]   # 5000 strings, or $VIVACE_DIFFERENTIAL_STRINGS, for all kinds

Also run by test_kinds_parity.py. A string is made of pieces of hard sentences, code, random characters and added tokens.
"""

import argparse
import os
import random
import sys
import tempfile
from pathlib import Path

from tokenizers import Tokenizer

import lines
import source_code
from program import make_model, reference, tokenize

DATA = Path(__file__).parent / "data"
COUNT = int(os.environ.get("VIVACE_DIFFERENTIAL_STRINGS", "5000"))
SEED = 20251123
KINDS = sorted(folder.name for folder in DATA.iterdir())


def slice_of(rng, text):
    begin = rng.randrange(len(text) + 1)
    return text[begin:begin + rng.randint(0, 30)]


def strings(count, seed, added=()):
    rng = random.Random(seed)
    texts = lines.SENTENCES + source_code.code_texts()
    made = []
    for _ in range(count):
        parts = []
        for _ in range(rng.randint(1, 5)):
            choice = rng.random()
            if added and choice < 0.15:
                parts.append(rng.choice(added))
            elif choice < 0.55:
                parts.append(slice_of(rng, rng.choice(texts)))
            elif choice < 0.65:
                parts.append(rng.choice([" ", "  ", "\n", "\t", "\u00a0", "\u2581", "\r\n", "   \n "]))
            elif choice < 0.7:
                parts.append(rng.choice("a-= .\u00e9\u4e2d") * rng.randint(2, 40))
            else:
                parts.append(lines.random_string(rng, added))
        made.append("".join(parts) or "x")
    return made


def differences(kind, count, seed, folder):
    """(text, ours, theirs) wherever ids or offsets differ."""
    document = (DATA / kind / "tokenizer.json").read_text(encoding="utf-8")
    tokenizer = Tokenizer.from_str(document)
    added = [token.content for token in tokenizer.get_added_tokens_decoder().values()]
    texts = strings(count, seed, added)
    model = make_model(folder / kind, document)
    found = zip(texts, tokenize(model, texts), reference(tokenizer, texts), strict=True)
    return [(text, ours, theirs) for text, ours, theirs in found if ours != theirs]


def report(kind, wrong):
    for text, ours, theirs in wrong[:5]:
        print(f"{kind}: {text!r}\n  ours   {ours}\n  theirs {theirs}")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("kinds", nargs="*", default=KINDS, metavar="KIND")
    parser.add_argument("--count", type=int, default=COUNT)
    parser.add_argument("--seed", type=int, default=SEED)
    arguments = parser.parse_args()
    total = 0
    with tempfile.TemporaryDirectory() as folder:
        for kind in arguments.kinds:
            wrong = differences(kind, arguments.count, arguments.seed, Path(folder))
            report(kind, wrong)
            print(f"{kind}: {len(wrong)} of {arguments.count} differ")
            total += len(wrong)
    return 1 if total else 0


if __name__ == "__main__":
    sys.exit(main())
