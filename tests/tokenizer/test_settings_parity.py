"""The same equality for tokenizers with other settings, built on the spot with the package."""

import itertools
import json
import random

import pytest
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, trainers

import lines
from program import NO_LIMIT, PROGRAM, assert_equal, make_model, require

SEED = 20251121
UNK = "[UNK]"


@pytest.fixture(scope="module", autouse=True)
def program():
    require(PROGRAM, "run make build")


def train_vocabulary(normalizer, prefix):
    """A small vocabulary with whole words, pieces and single characters of many scripts."""
    tokenizer = Tokenizer(models.WordPiece(unk_token=UNK, continuing_subword_prefix=prefix))
    tokenizer.normalizer = normalizer
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    trainer = trainers.WordPieceTrainer(vocab_size=6000, limit_alphabet=2500, special_tokens=[UNK, "[CLS]", "[SEP]"],
                                        continuing_subword_prefix=prefix, show_progress=False)
    tokenizer.train_from_iterator(lines.sentence_forms() + lines.random_strings(2000, SEED + 2), trainer)
    return json.loads(tokenizer.to_str())["model"]["vocab"]


def bert_normalizer(clean_text=True, handle_chinese_chars=True, strip_accents=None, lowercase=True):
    return dict(type="BertNormalizer", clean_text=clean_text, handle_chinese_chars=handle_chinese_chars,
                strip_accents=strip_accents, lowercase=lowercase)


CLS_TEXT_SEP = {
    "type": "TemplateProcessing",
    "single": [{"SpecialToken": {"id": "start", "type_id": 3}}, {"Sequence": {"id": "A", "type_id": 2}},
               {"SpecialToken": {"id": "[SEP]", "type_id": 0}}, {"SpecialToken": {"id": "start", "type_id": 1}}],
    "pair": [{"Sequence": {"id": "A", "type_id": 0}}, {"Sequence": {"id": "B", "type_id": 1}}],
    "special_tokens": {"start": {"id": "start", "ids": [1, 2], "tokens": ["[CLS]", "[SEP]"]},
                       "[SEP]": {"id": "[SEP]", "ids": [2], "tokens": ["[SEP]"]}},
}
BERT_PROCESSING = {"type": "BertProcessing", "sep": ["[SEP]", 2], "cls": ["[CLS]", 1]}


def make_document(normalizer, vocabulary, added=(), prefix="##", longest=100, post_processor=None):
    """added: (content, flags) pairs."""
    next_id = len(vocabulary)
    tokens = []
    for content, flags in added:
        settings = dict(single_word=False, lstrip=False, rstrip=False, normalized=False, special=False)
        settings.update(dict.fromkeys(flags, True))
        tokens.append(dict(id=vocabulary.get(content, next_id), content=content, **settings))
        next_id += content not in vocabulary
    return json.dumps(dict(
        version="1.0", truncation=None, padding=None, added_tokens=tokens, normalizer=normalizer,
        pre_tokenizer=dict(type="BertPreTokenizer"), post_processor=post_processor, decoder=None,
        model=dict(type="WordPiece", unk_token=UNK, continuing_subword_prefix=prefix, max_input_chars_per_word=longest,
                   vocab=vocabulary)))


def train_for(normalizer, prefix="##"):
    settings = {key: value for key, value in (normalizer or {}).items() if key != "type"}
    return train_vocabulary(normalizers.BertNormalizer(**settings) if normalizer else None, prefix)


def check(folder, document, texts, limit=NO_LIMIT, special_tokens=True):
    assert_equal(make_model(folder, document, limit), Tokenizer.from_str(document), texts, limit, special_tokens)


def general_lines(count=2500, extra=()):
    return (lines.sentence_forms() + lines.long_words() + lines.combining_strings(count // 2, SEED + 3) +
            lines.random_strings(count, SEED + 4, extra))


NORMALIZERS = [bert_normalizer(*settings)
               for settings in itertools.product([True, False], [True, False], [True, False, None], [True, False])]


@pytest.mark.parametrize("normalizer", [None, *NORMALIZERS], ids=lambda n: "-".join(map(str, (n or {}).values())))
def test_normalizers(tmp_path, normalizer):
    document = make_document(normalizer, train_for(normalizer))
    check(tmp_path, document, general_lines())
    check(tmp_path, document, lines.code_points_in_words()[:0x3000 // 16] + lines.code_points_in_words()[::37])


@pytest.mark.parametrize("prefix", ["", "x", "@@", "é", "▁"])
def test_prefixes(tmp_path, prefix):
    normalizer = bert_normalizer(strip_accents=False)
    vocabulary = train_for(normalizer, prefix)
    check(tmp_path, make_document(normalizer, vocabulary, prefix=prefix), general_lines())
    check(tmp_path, make_document(normalizer, vocabulary, prefix="no token has this"), general_lines(500))


@pytest.mark.parametrize("longest", [0, 1, 5, 5000])
def test_word_length_limits(tmp_path, longest):
    normalizer = bert_normalizer()
    check(tmp_path, make_document(normalizer, train_for(normalizer), longest=longest), general_lines(1000))


@pytest.mark.parametrize("post_processor", [None, BERT_PROCESSING, CLS_TEXT_SEP], ids=["none", "bert", "template"])
@pytest.mark.parametrize("limit", [NO_LIMIT, 6, 20])
def test_post_processors(tmp_path, post_processor, limit):
    normalizer = bert_normalizer()
    document = make_document(normalizer, train_for(normalizer), post_processor=post_processor)
    for special_tokens in (True, False):
        check(tmp_path, document, general_lines(500), limit, special_tokens)


FLAGS = ["single_word", "lstrip", "rstrip"]
FLAG_SETS = [combination for size in range(4) for combination in itertools.combinations(FLAGS, size)]
CONTENTS = ["<tok>", "word", "Word", "É", "e\u0301", "中", "two words", "[MASK]", "##ing", "a", "ab", "abc", "bc", "-", "😀",
            "각", "\u0301", "x\u00a0y", "ß", "İ", "the"]


def added_token_lines(contents, seed, count=2500):
    rng = random.Random(seed)
    between = ["", "", " ", "  ", "\t", "\u3000", "\u00a0", "\x01", "\u0301", "\u200d", "a", "é", "_", "1", ".", "中", "़", "the "]
    made = ["".join(rng.choice(between) + rng.choice(contents) for _ in range(rng.randint(1, 8))) + rng.choice(between)
            for _ in range(count)]
    return made + lines.random_strings(500, seed, contents) + lines.sentence_forms()


@pytest.mark.parametrize("normalized", [(), ("normalized",)], ids=["raw", "normalized"])
@pytest.mark.parametrize("flags", FLAG_SETS, ids=lambda f: "-".join(f) or "plain")
def test_added_tokens(tmp_path, flags, normalized):
    normalizer = bert_normalizer()
    # Two tokens with the same normalised form would leave the choice to the package's hash seed.
    contents = [c for c in CONTENTS if not normalized or c not in ("Word", "e\u0301", "\u0301")]
    if normalized:
        contents.remove("É")
    added = [(content, flags + normalized) for content in contents]
    document = make_document(normalizer, train_for(normalizer), added)
    for limit in (NO_LIMIT, 5):
        check(tmp_path / str(limit), document, added_token_lines(contents, SEED + len(flags)), limit)


@pytest.mark.parametrize("normalizer", [bert_normalizer(), bert_normalizer(False, False, False, False), None],
                         ids=["uncased", "as it is", "none"])
@pytest.mark.parametrize("seed", range(8))
def test_mixed_added_tokens(tmp_path, normalizer, seed):
    """Raw and normalised ones with random flags in one tokenizer."""
    rng = random.Random(SEED + seed)
    contents = [c for c in CONTENTS if c not in ("Word", "e\u0301", "\u0301", "É")]
    added = [(content, [flag for flag in FLAGS + ["normalized", "special"] if rng.random() < 0.4])
             for content in rng.sample(contents, 8)]
    document = make_document(normalizer, train_for(normalizer), added)
    check(tmp_path, document, added_token_lines(contents, seed, 1500))


@pytest.mark.parametrize("flags", [(), ("normalized",), ("normalized", "rstrip"), ("normalized", "lstrip")],
                         ids=lambda f: "-".join(f) or "raw")
@pytest.mark.parametrize("limit", [2, 50, 300, 2000])
def test_long_texts_are_cut_exactly(tmp_path, flags, limit):
    """Texts far longer than what the limit needs: the stretch that is looked at must not show in the tokens."""
    normalizer = bert_normalizer()
    contents = ["<tok>", "two words", "the", "中"]
    document = make_document(normalizer, train_for(normalizer), [(c, flags) for c in contents])
    rng = random.Random(limit)
    texts = []
    for size in (100, 1000, 10000):
        texts += ["".join(rng.choice(contents + ["word", " ", " ", "é", ", ", "中文", "   "]) for _ in range(size))
                  for _ in range(12)]
        texts += ["two" + "\x01" * size + " words" * 300, "a" * size + " <tok>" * 400, " " * size + "the" * 400,
                  "é" * size + "<tok> the", "<tok>" + " " * size + "x", "b " * 350 + "<tok>" + "\u3000" * size + "<tok>"]
    check(tmp_path, document, texts, limit)


def test_spaces_as_added_tokens(tmp_path):
    """Tokens that begin or end with white space, beside ones that take white space along."""
    normalizer = bert_normalizer()
    vocabulary = train_for(normalizer)
    for flags in ((), ("normalized",)):
        added = [("foo", [*flags, "rstrip"]), (" ", flags), ("\n\n", flags), (" x ", flags), ("y ", [*flags, "rstrip"])]
        contents = [content for content, _ in added]
        added = [a for a in added if not (flags and a[0] == "\n\n")]  # the normalised one equals two spaces
        check(tmp_path, make_document(normalizer, vocabulary, added), added_token_lines(contents, SEED))
