"""Pairs, truncation and windows: equal to the package's for every post-processor, strategy, side and stride."""

import itertools
import json
import random

import pytest
from tokenizers import Tokenizer

import lines
from program import PROGRAM, make_model, require, run_tokenize
from test_settings_parity import BERT_PROCESSING, bert_normalizer, make_document, train_for

SEED = 20251123


@pytest.fixture(scope="module", autouse=True)
def program():
    require(PROGRAM, "run make build")


def template(single, pair):
    """Pieces as "[CLS]:0", "A:1"; the special token "two" stands for two ids."""
    def pieces(written):
        for piece in written.split():
            name, type_id = piece.rsplit(":", 1)
            kind = "Sequence" if name in ("A", "B") else "SpecialToken"
            yield {kind: {"id": name, "type_id": int(type_id)}}
    special = {"[CLS]": [1], "[SEP]": [2], "two": [1, 2]}
    return {"type": "TemplateProcessing", "single": list(pieces(single)), "pair": list(pieces(pair)),
            "special_tokens": {name: {"id": name, "ids": ids, "tokens": ["x"] * len(ids)} for name, ids in special.items()}}


def roberta(trim_offsets=True, add_prefix_space=True):
    return {"type": "RobertaProcessing", "sep": ["[SEP]", 2], "cls": ["[CLS]", 1], "trim_offsets": trim_offsets,
            "add_prefix_space": add_prefix_space}


def byte_level(trim_offsets=True, add_prefix_space=True):
    return {"type": "ByteLevel", "add_prefix_space": add_prefix_space, "trim_offsets": trim_offsets, "use_regex": True}


def sequence(*processors):
    return {"type": "Sequence", "processors": list(processors)}


BERT_TEMPLATE = template("[CLS]:0 A:0 [SEP]:0", "[CLS]:0 A:0 [SEP]:0 B:1 [SEP]:1")
ODD_TEMPLATE = template("two:3 A:2 [SEP]:1", "B:4 two:5 [SEP]:6 A:7")
PROCESSORS = {
    "none": None, "bert": BERT_PROCESSING, "roberta": roberta(), "roberta untrimmed": roberta(False),
    "roberta no prefix": roberta(True, False), "byte level": byte_level(), "byte level no prefix": byte_level(True, False),
    "template": BERT_TEMPLATE, "odd template": ODD_TEMPLATE, "byte level + template": sequence(byte_level(), ODD_TEMPLATE),
    "template + byte level": sequence(ODD_TEMPLATE, byte_level(True, False)), "empty": sequence(),
    "bert + byte level": sequence(BERT_PROCESSING, byte_level()), "bert + roberta": sequence(BERT_PROCESSING, roberta()),
    "roberta + template": sequence(roberta(), BERT_TEMPLATE),
    "nested": sequence(sequence(byte_level(), byte_level(True, False)), sequence(BERT_PROCESSING)),
}
# Added tokens that take blanks along are what trim_offsets trims in a tokenizer without blanks in its vocabulary.
ADDED = [("[MASK]", ("lstrip",)), ("<tok>", ("lstrip", "rstrip")), (" x ", ()), ("norm", ("normalized", "lstrip"))]


@pytest.fixture(scope="module")
def vocabulary():
    return train_for(bert_normalizer())


def pair_texts(count, seed):
    rng = random.Random(seed)
    sentences = lines.sentence_forms()
    def text():
        kind = rng.random()
        if kind < 0.15:
            return " ".join(rng.choice("abcdefghij") for _ in range(rng.randint(1, 40)))
        if kind < 0.3:
            between = ["a", "b ", " ", "   ", "unaffable ", "supercalifragilistic"] + [content for content, _ in ADDED]
            return "".join(rng.choice(between) for _ in range(rng.randint(1, 25)))
        if kind < 0.5:
            return lines.random_string(rng)
        return rng.choice(sentences)
    return [(text(), "" if rng.random() < 0.03 else text()) for _ in range(count)]


def compare(ours, theirs, texts):
    wrong = [i for i in range(len(texts)) if ours[i] != theirs[i]]
    shown = "\n".join(f"{texts[i]!r}\n  ours   {ours[i]}\n  theirs {theirs[i]}" for i in wrong[:3])
    assert not wrong, f"{len(wrong)} of {len(texts)} differ:\n{shown}"


def check_pairs(folder, document, texts, arguments, special_tokens=True, **truncation):
    model = make_model(folder, document)
    rows = run_tokenize(model, [{"text": a, "text_pair": b} for a, b in texts],
                        arguments + ([] if special_tokens else ["--no-special-tokens"]))
    ours = [(row["ids"], row["type_ids"], [tuple(o) for o in row["offsets"]]) for row in rows]
    tokenizer = Tokenizer.from_str(document)
    tokenizer.no_truncation()
    whole = tokenizer.encode_batch(texts, add_special_tokens=special_tokens)
    if truncation:
        tokenizer.enable_truncation(**truncation)
    theirs = [(e.ids, e.type_ids, e.offsets) for e in tokenizer.encode_batch(texts, add_special_tokens=special_tokens)]
    compare(ours, theirs, texts)
    assert [row.get("truncated", False) for row in rows] == [len(w.ids) > len(row["ids"]) for w, row in zip(whole, rows)]


@pytest.mark.parametrize("special_tokens", [True, False], ids=["special", "bare"])
@pytest.mark.parametrize("name", PROCESSORS)
def test_post_processors(tmp_path, vocabulary, name, special_tokens):
    document = make_document(bert_normalizer(), vocabulary, ADDED, post_processor=PROCESSORS[name])
    texts = pair_texts(400, SEED)
    check_pairs(tmp_path, document, texts, ["--no-truncation"], special_tokens)
    for limit in (8, 9, 25, 60):
        check_pairs(tmp_path, document, texts, ["--max-tokens", str(limit)], special_tokens, max_length=limit)


@pytest.mark.parametrize("side", ["right", "left"])
@pytest.mark.parametrize("name", ["none", "bert", "roberta", "byte level + template"])
def test_longest_first(tmp_path, vocabulary, name, side):
    document = make_document(bert_normalizer(), vocabulary, ADDED, post_processor=PROCESSORS[name])
    for limit in (5, 6, 7, 8, 11, 16, 31, 64):
        check_pairs(tmp_path, document, pair_texts(400, SEED + limit),
                    ["--max-tokens", str(limit), "--truncation-side", side], max_length=limit, direction=side)


@pytest.mark.parametrize("side", ["right", "left"])
@pytest.mark.parametrize("strategy", ["only_first", "only_second"])
@pytest.mark.parametrize("name", ["none", "bert", "roberta"])
def test_one_text_is_cut(tmp_path, vocabulary, name, strategy, side):
    """Pairs that the strategy cannot bring within the limit are errors here and there."""
    document = make_document(bert_normalizer(), vocabulary, ADDED, post_processor=PROCESSORS[name])
    tokenizer = Tokenizer.from_str(document)
    arguments = ["--truncation", strategy, "--truncation-side", side]
    for limit in (9, 24, 50):
        tokenizer.enable_truncation(limit, strategy=strategy, direction=side)
        fitting, refused = [], []
        for pair in pair_texts(300, SEED + limit):
            try:
                tokenizer.encode(*pair)
                fitting.append(pair)
            except Exception:
                refused.append(pair)
        assert fitting and refused
        limited = [*arguments, "--max-tokens", str(limit)]
        check_pairs(tmp_path, document, fitting, limited, max_length=limit, strategy=strategy, direction=side)
        for first, second in refused[:10]:
            error = run_tokenize(make_model(tmp_path, document), [{"text": first, "text_pair": second}], limited, code=1)
            assert f"the {strategy[5:]} text of the pair is too short" in error


def single_reference(tokenizer, text, special_tokens, **truncation):
    tokenizer.enable_truncation(**truncation)
    done = tokenizer.encode(text, add_special_tokens=special_tokens)
    return [(e.ids, e.offsets) for e in [done, *done.overflowing]]


@pytest.mark.parametrize("name", ["none", "bert", "template", "byte level"])
def test_single_texts_and_windows(tmp_path, vocabulary, name):
    document = make_document(bert_normalizer(), vocabulary, ADDED, post_processor=PROCESSORS[name])
    model = make_model(tmp_path, document)
    tokenizer = Tokenizer.from_str(document)
    texts = [first for first, _ in pair_texts(150, SEED + 9)]
    settings = itertools.product([5, 8, 30], [0, 1, 2], ["right", "left"], [True, False])
    for limit, stride, side, special_tokens in settings:
        arguments = ["--max-tokens", str(limit), "--truncation-side", side]
        arguments += [] if special_tokens else ["--no-special-tokens"]
        rows = run_tokenize(model, [{"text": t} for t in texts], [*arguments, "--windows", "--stride", str(stride)])
        ours = [[(w["ids"], [tuple(o) for o in w["offsets"]]) for w in row["windows"]] for row in rows]
        theirs = [single_reference(tokenizer, t, special_tokens, max_length=limit, stride=stride, direction=side)
                  for t in texts]
        compare(ours, theirs, texts)
        rows = run_tokenize(model, [{"text": t} for t in texts], arguments)
        compare([(row["ids"], [tuple(o) for o in row["offsets"]]) for row in rows], [t[0] for t in theirs], texts)


def test_bad_requests(tmp_path, vocabulary):
    model = make_model(tmp_path, make_document(bert_normalizer(), vocabulary, post_processor=BERT_PROCESSING))
    text = [{"text": "a b c d"}]
    assert "leaves no room" in run_tokenize(model, text, ["--max-tokens", "1"], code=2)
    assert "nothing new" in run_tokenize(model, text, ["--max-tokens", "5", "--windows", "--stride", "3"], code=2)
    pair = [{"text": "a", "text_pair": "b"}]
    assert "takes texts, not pairs" in run_tokenize(model, pair, ["--windows"], code=1)
    assert "text_pair" in run_tokenize(model, [{"text": "a", "text_pair": 3}], [], code=1)
    only_single = template("[CLS]:0 A:0", "A:0")
    model = make_model(tmp_path, make_document(bert_normalizer(), vocabulary, post_processor=only_single))
    assert "does not take two texts" in run_tokenize(model, pair, [], code=1)
