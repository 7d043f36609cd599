"""Token ids and offsets of the default model equal the `tokenizers` package's, on every kind of text."""

import shutil

import pytest
from tokenizers import Tokenizer

import lines
from program import MODEL, PROGRAM, assert_equal, make_model, require

SEED = 20251121


@pytest.fixture(scope="module")
def tokenizer():
    require(PROGRAM, "run make build")
    require(MODEL / "tokenizer.json", "run make model")
    return Tokenizer.from_file(str(MODEL / "tokenizer.json"))


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    require(MODEL / "tokenizer.json", "run make model")
    return make_model(tmp_path_factory.mktemp("model"), (MODEL / "tokenizer.json").read_text(encoding="utf-8"))


def mixed_lines():
    return (lines.sentence_forms() + lines.long_words() + lines.combining_strings(6000, SEED) +
            lines.random_strings(10000, SEED, lines.SPECIAL_TOKENS) + lines.random_strings(6000, SEED + 1))


@pytest.mark.parametrize("special_tokens", [True, False])
def test_mixed_lines(model, tokenizer, special_tokens):
    texts = mixed_lines()
    assert len(texts) >= 20000
    assert_equal(model, tokenizer, texts, special_tokens=special_tokens)


@pytest.mark.parametrize("special_tokens", [True, False])
def test_corpus(model, tokenizer, special_tokens):
    require(lines.CORPUS, "the corpus lies beside the repository")
    texts = lines.corpus_lines()
    assert len(texts) >= 3000
    assert_equal(model, tokenizer, texts, special_tokens=special_tokens)


def test_every_code_point_alone(model, tokenizer):
    assert_equal(model, tokenizer, lines.code_points_alone())


def test_every_code_point_in_words(model, tokenizer):
    assert_equal(model, tokenizer, lines.code_points_in_words(), special_tokens=False)


@pytest.mark.parametrize("limit", [2, 3, 4, 7, 16, 64, 256])
@pytest.mark.parametrize("special_tokens", [True, False])
def test_truncation(tmp_path, tokenizer, limit, special_tokens):
    truncating = make_model(tmp_path, (MODEL / "tokenizer.json").read_text(encoding="utf-8"), limit)
    texts = (lines.sentence_forms() + lines.long_words() + lines.combining_strings(500, SEED) +
             lines.random_strings(1500, SEED, lines.SPECIAL_TOKENS))
    assert_equal(truncating, tokenizer, texts, limit, special_tokens)
    shutil.rmtree(tmp_path)
