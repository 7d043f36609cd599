"""Ids and offsets of tokenizers of every kind equal the `tokenizers` package's."""

import pytest
from tokenizers import Tokenizer

import differential
import lines
import source_code
from program import PROGRAM, assert_equal, make_model, require

SEED = 20251122


@pytest.fixture(scope="module", autouse=True)
def program():
    require(PROGRAM, "run make build")


@pytest.mark.parametrize("special_tokens", [True, False])
@pytest.mark.parametrize("kind", differential.KINDS)
def test_sentences_code_and_random_strings(tmp_path, kind, special_tokens):
    document = (differential.DATA / kind / "tokenizer.json").read_text(encoding="utf-8")
    texts = lines.sentence_forms() + source_code.code_texts() + lines.random_strings(1000, SEED, lines.SPECIAL_TOKENS)
    texts = [text for text in texts if text]  # the program refuses empty ones
    assert_equal(make_model(tmp_path / kind, document), Tokenizer.from_str(document), texts,
                 special_tokens=special_tokens)


@pytest.mark.parametrize("kind", differential.KINDS)
def test_random_mixtures(tmp_path, kind):
    wrong = differential.differences(kind, differential.COUNT, differential.SEED, tmp_path)
    differential.report(kind, wrong)
    assert not wrong, f"{len(wrong)} of {differential.COUNT} strings differ"
