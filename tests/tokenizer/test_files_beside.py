"""What tokenizer_config.json and the files beside it say over a tokenizer.json, done with the package as transformers does it."""

import json

import pytest
from tokenizers import AddedToken, Tokenizer, normalizers

import differential
import lines
from program import PROGRAM, assert_equal, make_model, require, run_tokenize

SEED = 20251128
FLAGS = {"lstrip": False, "rstrip": False, "normalized": False, "single_word": False}


@pytest.fixture(scope="module", autouse=True)
def program():
    require(PROGRAM, "run make build")


def read(kind):
    return (differential.DATA / kind / "tokenizer.json").read_text(encoding="utf-8")


def model_with(folder, kind, config, **others):
    """others: special_tokens_map and added_tokens."""
    model = make_model(folder, read(kind))
    for name, content in {"tokenizer_config": config, **others}.items():
        (model / f"{name}.json").write_text(json.dumps(content), encoding="utf-8")
    return model


def special(content, **flags):
    return AddedToken(content, special=True, **{**FLAGS, **flags})


def texts_with(*contents):
    made = [f"the {content}" for content in contents] + [f"x{c}y  {c}  z" for c in contents] + [" ".join(contents)]
    return made + lines.random_strings(150, SEED, contents)


@pytest.mark.parametrize("kind", ["bert", "roberta", "modernbert", "xlm_roberta", "t5"])
def test_tokens_that_the_tokenizer_lacks_are_added(tmp_path, kind):
    """By role, then without one; those that it has keep their ids."""
    config = {"tokenizer_class": "PreTrainedTokenizerFast", "pad_token": "<new pad>", "image_token": "<image>",
              "additional_special_tokens": ["<x>", "the"]}
    model = model_with(tmp_path, kind, config, added_tokens={"rabbit": 90000})
    tokenizer = Tokenizer.from_str(read(kind))
    tokenizer.add_tokens([AddedToken("rabbit", normalized=True)])
    tokenizer.add_tokens([special(content) for content in ("<new pad>", "<image>", "<x>", "the")])
    assert_equal(model, tokenizer, texts_with("rabbit", "<new pad>", "<image>", "<x>", "the", "[MASK]", "<mask>"))


@pytest.mark.parametrize("kind", ["bert", "roberta", "modernbert"])
def test_flags_of_an_added_tokens_decoder_count(tmp_path, kind):
    mask = next(t for t in json.loads(read(kind))["added_tokens"] if "mask" in t["content"].lower())
    changed = {"content": mask["content"], **FLAGS, "lstrip": not mask["lstrip"], "special": True}
    word = {"content": "rabbit", **FLAGS, "rstrip": True, "special": False}
    config = {"added_tokens_decoder": {str(mask["id"]): changed, "90000": word}, "extra_special_tokens": ["<x>"]}
    model = model_with(tmp_path, kind, config, special_tokens_map={"extra_special_tokens": ["<not read>"]})
    tokenizer = Tokenizer.from_str(read(kind))
    tokenizer.add_tokens([special(mask["content"], lstrip=not mask["lstrip"]), AddedToken("rabbit", **{**FLAGS, "rstrip": True}),
                          special("<x>")])
    assert_equal(model, tokenizer, texts_with(mask["content"], "rabbit", "<x>", "<not read>"))


@pytest.mark.parametrize("settings", [{"do_lower_case": False}, {"strip_accents": False}, {"tokenize_chinese_chars": False},
                                      {"do_lower_case": False, "strip_accents": True}], ids=lambda s: "-".join(s))
@pytest.mark.parametrize("tokenizer_class, applies", [("BertTokenizer", True), (None, True), ("PreTrainedTokenizerFast", False)])
def test_bert_normalizes_as_its_configuration_says(tmp_path, settings, tokenizer_class, applies):
    """A class for any tokenizer.json goes by that file alone."""
    model = model_with(tmp_path, "bert", {**settings, **({"tokenizer_class": tokenizer_class} if tokenizer_class else {})})
    tokenizer = Tokenizer.from_str(read("bert"))
    if applies:
        tokenizer.normalizer = normalizers.BertNormalizer(
            clean_text=True, lowercase=settings.get("do_lower_case", True), strip_accents=settings.get("strip_accents"),
            handle_chinese_chars=settings.get("tokenize_chinese_chars", True))
    assert_equal(model, tokenizer, texts_with("The", "É", "中文", "Köln") + lines.sentence_forms())


def test_another_prefix_than_the_tokenizers_is_refused(tmp_path):
    model = model_with(tmp_path / "other", "roberta", {"add_prefix_space": True})
    message = "pre_tokenizer: add_prefix_space is false, tokenizer_config.json says otherwise"
    assert message in run_tokenize(model, [{"text": "x"}], [], code=1)
    for config in ({"add_prefix_space": False}, {"add_prefix_space": True, "tokenizer_class": "PreTrainedTokenizerFast"}):
        assert_equal(model_with(tmp_path / "same", "roberta", config), Tokenizer.from_str(read("roberta")), ["x", "the x"])


def test_other_settings_change_no_ids(tmp_path):
    config = {"add_bos_token": True, "add_eos_token": True, "clean_up_tokenization_spaces": True, "legacy": False,
              "trim_offsets": False, "unk_token": "", "pad_token": None, "extra_special_tokens": {}}
    for kind in ("bert", "roberta", "t5"):
        assert_equal(model_with(tmp_path / kind, kind, config), Tokenizer.from_str(read(kind)), lines.sentence_forms()[:50])
