"""Writes what the `tokenizers` package makes of ids, for the tests of decoding and of streaming.

usage: .venv/bin/python tools/make_reference_decodings.py

For each tokenizer.json of tests/tokenizer/data: decodings.jsonl, lines of ids with "texts", the text of each beginning of
the list (of one id, of two, …), "plain", all of it without special tokens, and "pieces", what DecodeStream gives id by id,
or null where its pieces do not make up the text. And tests/tokenizer/decoders.jsonl: decoders in many combinations, with
tokens and the text of each beginning of the list.
"""

import json
import pathlib
import random
import sys

from tokenizers import Tokenizer
from tokenizers.decoders import DecodeStream

TESTS = pathlib.Path(__file__).resolve().parent.parent / "tests/tokenizer"
sys.path.insert(0, str(TESTS))

import differential

SEED = 20251125
LINES = 70
LONGEST = 14

FUSE = {"type": "Fuse"}
STEPS = [
    {"type": "ByteFallback"},
    {"type": "ByteLevel", "add_prefix_space": True, "trim_offsets": True, "use_regex": True},
    {"type": "WordPiece", "prefix": "##", "cleanup": True},
    {"type": "WordPiece", "prefix": "", "cleanup": False},
    {"type": "Metaspace", "replacement": "\u2581", "prepend_scheme": "first", "split": True},
    {"type": "Metaspace", "replacement": "_", "prepend_scheme": "never", "split": False},
    {"type": "BPEDecoder", "suffix": "</w>"},
    {"type": "CTC", "pad_token": "<pad>", "word_delimiter_token": "|", "cleanup": True},
    {"type": "Replace", "pattern": {"String": "\u2581"}, "content": " "},
    {"type": "Replace", "pattern": {"String": "a"}, "content": ""},
    {"type": "Strip", "content": " ", "start": 1, "stop": 0},
    {"type": "Strip", "content": "_", "start": 2, "stop": 2},
    FUSE,
]
TOKENS = ["a", "b", "##a", "##", "\u2581a", "\u2581", "_", "__a_", " ", " .", "n't", "do", "not", "<0xE4>", "<0xBD>", "<0xA0>",
          "<0x41>", "<0xFF>", "\u00c3", "\u00a9", "\u0120", "\u4e2d", "c</w>", "</w>", "<pad>", "|", "\U0001f600", "'", "s", " '"]


def stream_pieces(tokenizer, ids, text):
    """Pieces, None for those that came empty; nothing where they are not the text."""
    stream = DecodeStream(skip_special_tokens=False)
    try:
        pieces = [stream.step(tokenizer, i) for i in ids]
    except Exception:
        return None
    return pieces if "".join(p or "" for p in pieces) == text else None


def id_lists(tokenizer, rng):
    added = [token.content for token in tokenizer.get_added_tokens_decoder().values()]
    texts = differential.strings(4 * LINES, SEED, added)
    size = tokenizer.get_vocab_size()
    for number in range(LINES):
        count = rng.randint(1, LONGEST)
        if number % 3 == 0:
            yield [rng.randrange(size) for _ in range(count)]
            continue
        ids = tokenizer.encode(rng.choice(texts)).ids
        begin = rng.randrange(max(1, len(ids) - count))
        yield ids[begin:begin + count] or [rng.randrange(size)]


def decodings(document):
    tokenizer = Tokenizer.from_str(document)
    for ids in id_lists(tokenizer, random.Random(SEED)):
        texts = [tokenizer.decode(ids[:n], skip_special_tokens=False) for n in range(1, len(ids) + 1)]
        yield dict(ids=ids, texts=texts, plain=tokenizer.decode(ids), pieces=stream_pieces(tokenizer, ids, texts[-1]))


def decoders():
    yield from STEPS
    rng = random.Random(SEED)
    for strip in [step for step in STEPS if step["type"] == "Strip"]:
        yield {"type": "Sequence", "decoders": [FUSE, strip]}
        yield {"type": "Sequence", "decoders": [FUSE, strip, strip]}
    for _ in range(60):
        yield {"type": "Sequence", "decoders": rng.choices(STEPS, k=rng.randint(0, 4))}


def decoder_lines():
    rng = random.Random(SEED + 1)
    for decoder in decoders():
        model = {"type": "WordLevel", "vocab": {"a": 0}, "unk_token": "a"}
        package = Tokenizer.from_str(json.dumps(dict(version="1.0", added_tokens=[], model=model, decoder=decoder))).decoder
        for _ in range(3):
            tokens = [rng.choice(TOKENS) for _ in range(rng.randint(1, 10))]
            try:
                texts = [package.decode(tokens[:n]) for n in range(1, len(tokens) + 1)]
            except BaseException as problem:
                if "Panic" not in type(problem).__name__:
                    raise
                continue  # some combinations bring the package down: there is nothing to compare with
            yield dict(decoder=decoder, tokens=tokens, texts=texts)


def write(path, items):
    text = "".join(json.dumps(item, ensure_ascii=False, separators=(",", ":")) + "\n" for item in items)
    path.write_text(text, encoding="utf-8")
    print(path.relative_to(TESTS), len(text.encode()), "bytes")


def main():
    for kind in differential.KINDS:
        document = (TESTS / "data" / kind / "tokenizer.json").read_text(encoding="utf-8")
        items = list(decodings(document))
        write(TESTS / "data" / kind / "decodings.jsonl", items)
        print("  DecodeStream agrees in", sum(item["pieces"] is not None for item in items), "of", len(items))
    write(TESTS / "decoders.jsonl", decoder_lines())


if __name__ == "__main__":
    main()
