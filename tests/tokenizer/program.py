"""Runs our program on lines, and compares its tokens with the `tokenizers` package's."""

import json
import os
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PROGRAM = Path(os.environ.get("VIVACE", ROOT / "build/release/vivace"))
MODEL = Path(os.environ.get("VIVACE_MODEL", ROOT / "models/all-MiniLM-L6-v2"))
NO_LIMIT = 0


def require(path, how):
    if not path.exists():
        pytest.skip(f"{path} is missing: {how}")


def make_model(folder, tokenizer_json, limit=NO_LIMIT):
    """A model folder with just enough in it for `vivace tokenize`."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "tokenizer.json").write_text(tokenizer_json, encoding="utf-8")
    config = {"model_type": "bert", "max_position_embeddings": 1 << 24}
    (folder / "config.json").write_text(json.dumps(config), encoding="utf-8")
    if limit != NO_LIMIT:
        (folder / "tokenizer_config.json").write_text(json.dumps({"model_max_length": limit}), encoding="utf-8")
    return folder


def run_tokenize(model, inputs, arguments, code=0):
    """The output of `vivace tokenize` for JSON inputs, one object each; the error's text where it should fail."""
    command = [str(PROGRAM), "tokenize", "--model", str(model), "--input-format", "jsonl", "--file", "-", *arguments]
    given = "".join(json.dumps(item) + "\n" for item in inputs)
    done = subprocess.run(command, input=given.encode(), capture_output=True, timeout=600)
    errors = done.stderr.decode(errors="replace")
    assert done.returncode == code, errors
    if code != 0:
        return errors
    results = [json.loads(line) for line in filter(None, done.stdout.split(b"\n"))]
    assert [r["index"] for r in results] == list(range(len(inputs)))
    return results


def tokenize(model, lines, limit=NO_LIMIT, special_tokens=True):
    """[(ids, offsets)] of our program."""
    arguments = ["--no-truncation"] if limit == NO_LIMIT else []
    if not special_tokens:
        arguments.append("--no-special-tokens")
    results = run_tokenize(model, [{"text": line} for line in lines], arguments)
    return [(r["ids"], [tuple(o) for o in r["offsets"]]) for r in results]


def reference(tokenizer, lines, limit=NO_LIMIT, special_tokens=True):
    """The same of the package."""
    tokenizer.no_padding()
    tokenizer.no_truncation()
    if limit != NO_LIMIT:
        tokenizer.enable_truncation(limit)
    return [(e.ids, e.offsets) for e in tokenizer.encode_batch(lines, add_special_tokens=special_tokens)]


def assert_equal(model, tokenizer, lines, limit=NO_LIMIT, special_tokens=True):
    ours = tokenize(model, lines, limit, special_tokens)
    theirs = reference(tokenizer, lines, limit, special_tokens)
    wrong = [i for i in range(len(lines)) if ours[i] != theirs[i]]
    shown = "\n".join(f"{lines[i][:200]!r}\n  ours   {ours[i][0][:40]} {ours[i][1][:40]}\n  theirs {theirs[i][0][:40]} "
                      f"{theirs[i][1][:40]}" for i in wrong[:5])
    assert not wrong, f"{len(wrong)} of {len(lines)} lines differ:\n{shown}"
