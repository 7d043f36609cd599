"""Files that lack a part, or have null for it, load where the `tokenizers` package loads them, and work as there."""

import json

import pytest
from tokenizers import Tokenizer

import differential
import lines
from program import PROGRAM, assert_equal, make_model, require, run_tokenize

PARTS = ["version", "truncation", "padding", "added_tokens", "normalizer", "pre_tokenizer", "post_processor", "decoder"]
SEED = 20251124


@pytest.fixture(scope="module", autouse=True)
def program():
    require(PROGRAM, "run make build")


def check(folder, document, texts):
    """Whether the package takes the document; ours must do the same."""
    text = json.dumps(document)
    model = make_model(folder, text)
    try:
        tokenizer = Tokenizer.from_str(text)
    except Exception:
        assert "tokenizer.json: " in run_tokenize(model, [{"text": "x"}], [], code=1)
        return False
    assert_equal(model, tokenizer, texts)
    return True


def read(kind):
    return json.loads((differential.DATA / kind / "tokenizer.json").read_text(encoding="utf-8"))


@pytest.mark.parametrize("kind", differential.KINDS)
def test_each_part_missing(tmp_path, kind):
    document = read(kind)
    texts = differential.strings(150, SEED, lines.SPECIAL_TOKENS)
    for part in PARTS:
        assert part in document
        rest = {key: value for key, value in document.items() if key != part}
        if (kind, part) == ("modernbert", "added_tokens"):
            # Its post-processor names tokens that are nowhere then. The package writes their ids all the same; we refuse.
            model = make_model(tmp_path / part, json.dumps(rest))
            assert "is not in the vocabulary" in run_tokenize(model, [{"text": "x"}], [], code=1)
            continue
        assert check(tmp_path / part, rest, texts), part
    assert check(tmp_path / "all", {"model": document["model"]}, texts)


@pytest.mark.parametrize("kind", ["bert", "roberta", "t5"])
def test_each_part_null(tmp_path, kind):
    document = read(kind)
    texts = differential.strings(50, SEED, lines.SPECIAL_TOKENS)
    taken = [part for part in PARTS if check(tmp_path / part, {**document, part: None}, texts)]
    assert taken == ["truncation", "padding", "normalizer", "pre_tokenizer", "post_processor", "decoder"]


@pytest.mark.parametrize("kind", ["bert", "roberta", "t5"])
def test_without_a_model(tmp_path, kind):
    document = read(kind)
    assert not check(tmp_path / "null", {**document, "model": None}, [])
    del document["model"]
    assert not check(tmp_path / "missing", document, [])
