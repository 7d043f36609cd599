"""Checkpoints and settings as they stand on hubs: taken as transformers and sentence-transformers take them, or refused."""

import json
import shutil
import struct

import pytest

from cli_runner import ROOT

GOLDEN = ROOT / "tests" / "golden"
TEXTS = ["the cat sat on the mat", "another one"]


@pytest.fixture
def copy(tmp_path):
    def make(name, **files):
        """A copy of a golden checkpoint, members of its JSON files changed: copy("tiny-bert", config={"is_decoder": True})."""
        target = tmp_path / f"model-{len(list(tmp_path.glob('model-*')))}"
        shutil.copytree(GOLDEN / name, target)
        for file, members in files.items():
            path = target / f"{file}.json"
            content = json.loads(path.read_text()) if path.exists() else {}
            path.write_text(json.dumps({key: value for key, value in (content | members).items() if value is not ...}))
        return target
    return make


def change_tensors(model, change, more=b""):
    """Replaces the header of a checkpoint by what change() makes of it, with more data behind the rest."""
    path = model / "model.safetensors"
    content = path.read_bytes()
    (length,) = struct.unpack("<Q", content[:8])
    data = content[8 + length:] + more
    text = json.dumps(change(json.loads(content[8:8 + length]), len(data) - len(more))).encode()
    text += b" " * (-len(text) % 8)
    path.write_bytes(struct.pack("<Q", len(text)) + text + data)


def vectors(cli, model, *texts, options=()):
    lines = cli.ok("embed", "--model", model, "--precision", "fp32", *options, *(texts or TEXTS)).splitlines()
    return [json.loads(line)["embedding"] for line in lines]


def test_layer_norms_with_the_names_of_tensorflow(cli, tiny, copy):
    """bert-base-uncased's safetensors has LayerNorm.gamma and LayerNorm.beta."""
    model = copy("tiny-bert")
    old = {"LayerNorm.weight": "LayerNorm.gamma", "LayerNorm.bias": "LayerNorm.beta"}
    change_tensors(model, lambda header, _: {
        next((name.replace(new, old[new]) for new in old if name.endswith(new)), name): value for name, value in header.items()})
    assert b"LayerNorm.gamma" in (model / "model.safetensors").read_bytes()
    assert vectors(cli, model) == vectors(cli, tiny)
    packed = cli.folder / "old.packed"
    cli.ok("pack", model, "--precision", "fp32", "--output", packed)
    assert vectors(cli, packed) == vectors(cli, tiny)


def test_a_head_for_question_answering_is_left_alone(cli, tiny, copy):
    def with_tensor(name):
        model = copy("tiny-bert")
        change_tensors(model, lambda header, end: header | {name: {"dtype": "F32", "shape": [2], "data_offsets": [end, end + 8]}},
                       more=bytes(8))
        return model
    assert vectors(cli, with_tensor("qa_outputs.bias")) == vectors(cli, tiny)
    done = cli.run("embed", "--model", with_tensor("other.bias"), "x")
    assert done.returncode == 1 and b"'other.bias' is in the checkpoint, but the model has no use for it" in done.stderr


@pytest.mark.parametrize("name", ["tiny-bert", "heads/roberta-moods"])
def test_decoders_are_no_encoders(cli, copy, name):
    verb = "embed" if name == "tiny-bert" else "classify"
    message = cli.error(verb, "--model", copy(name, config={"is_decoder": True}), *TEXTS, code=1)
    assert "is_decoder is not supported" in message
    cli.ok(verb, "--model", copy(name, config={"is_decoder": False}), *TEXTS)


def test_truncate_dim_cuts_the_vector_and_does_not_normalise_again(cli, copy):
    def normalised(**settings):
        model = copy("tiny-bert", config_sentence_transformers=settings)
        modules = json.loads((model / "modules.json").read_text())
        modules.append({"idx": 2, "name": "2", "path": "2_Normalize", "type": "sentence_transformers.models.Normalize"})
        (model / "modules.json").write_text(json.dumps(modules))
        return model
    model, plain = normalised(truncate_dim=10), normalised()
    whole, cut = vectors(cli, plain), vectors(cli, model)
    assert sum(x * x for x in whole[0]) == pytest.approx(1)
    assert cut == [vector[:10] for vector in whole]
    assert sum(x * x for x in cut[0]) < 0.99
    assert json.loads(cli.ok("inspect", "--model", model, "--json"))["embedding_size"] == 10
    # Asked for fewer, it is as everywhere: cut and normalised.
    assert vectors(cli, model, options=["--dimensions", 4]) == \
        [pytest.approx(vector, abs=1e-6) for vector in vectors(cli, plain, options=["--dimensions", 4])]
    assert "more than the model's 10" in cli.error("embed", "--model", model, "--dimensions", 11, *TEXTS, code=2)
    assert [len(vector) for vector in vectors(cli, model, options=["--pooling", "cls"])] == [10, 10]
    assert len(vectors(cli, model, "x", options=["--pooling", "none"])[0][0]) == len(whole[0])
    assert vectors(cli, normalised(truncate_dim=100000)) == whole
    assert "truncate_dim: is 0, expected 1" in cli.error(
        "embed", "--model", normalised(truncate_dim=0), "x", code=1)


def words_of_one_token(model):
    vocabulary = json.loads((model / "tokenizer.json").read_text())["model"]["vocab"]
    return sorted(word for word in vocabulary if word.isascii() and word.isalpha() and word.islower() and len(word) > 1)


@pytest.mark.parametrize("settings, limit", [
    ({"max_seq_length": 7}, 7),
    ({"max_seq_length": None, "tokenizer_args": {"model_max_length": 6}}, 6),
    ({"max_seq_length": 9, "processor_kwargs": {"model_max_length": 6}}, 6),
    ({"max_seq_length": None, "processing_kwargs": {"text": {"max_length": 5, "padding": "longest", "truncation": "longest_first"}}}, 5),
    ({"max_seq_length": 9, "model_args": {"torch_dtype": "float16", "attn_implementation": "sdpa"}, "config_args": {}}, 9),
])
def test_limits_that_sentence_transformers_passes_on(cli, copy, settings, limit):
    model = copy("tiny-bert", sentence_bert_config=settings)
    lines = cli.ok("embed", "--model", model, " ".join(words_of_one_token(model)[:20]))
    assert json.loads(lines)["tokens"] == limit and json.loads(lines)["truncated"]


@pytest.mark.parametrize("settings, told", [
    ({"config_args": {"num_hidden_layers": 1}}, "config_args: 'num_hidden_layers' is not supported"),
    ({"model_args": {"rotary": True}}, "model_args: 'rotary' is not supported"),
    ({"tokenizer_args": {"add_prefix_space": True}}, "tokenizer_args: 'add_prefix_space' is not supported"),
    ({"processing_kwargs": {"text": {"add_special_tokens": False}}}, "'add_special_tokens' is not supported"),
    ({"processing_kwargs": {"text": {"max_length": 0}}}, "max_length: is 0, expected 1"),
    ({"model_args": 3}, "model_args"),
])
@pytest.mark.parametrize("name", ["tiny-bert", "heads/bert-rank"])
def test_arguments_that_would_change_answers_are_refused(cli, copy, name, settings, told):
    arguments = ["rerank", "--query", "x"] if "rank" in name else ["embed"]
    model = copy(name, sentence_bert_config=settings)
    assert told in cli.error(*arguments, "--model", model, *TEXTS, code=1)


@pytest.mark.parametrize("how", ["tokenizer_config.json", "tokenizer.json"])
def test_texts_are_cut_on_the_side_that_the_tokenizer_says(cli, copy, how):
    left = copy("tiny-bert", sentence_bert_config={"max_seq_length": 8})
    words = words_of_one_token(left)[:12]
    if how == "tokenizer.json":
        content = json.loads((left / how).read_text())
        content["truncation"] = {"direction": "Left", "max_length": 512, "strategy": "LongestFirst", "stride": 0}
    else:
        content = json.loads((left / how).read_text()) | {"truncation_side": "left"}
    (left / how).write_text(json.dumps(content))
    assert vectors(cli, left, " ".join(words)) == vectors(cli, left, " ".join(words[-6:]))
    right = copy("tiny-bert", sentence_bert_config={"max_seq_length": 8}, tokenizer_config={"truncation_side": "right"})
    assert vectors(cli, right, " ".join(words)) == vectors(cli, right, " ".join(words[:6]))
    wrong = copy("tiny-bert", tokenizer_config={"truncation_side": "top"})
    assert "truncation_side: is 'top', expected left or right" in cli.error("embed", "--model", wrong, "x", code=1)


def test_token_types_are_given_where_the_tokenizer_gives_them(cli, copy):
    pair = json.dumps({"premise": "the cat sat", "hypothesis": "on the mat"})

    def scores(model):
        return json.loads(cli.ok("entail", "--model", model, "--file", "-", "--input-format", "jsonl", stdin=pair))["scores"]
    with_types = copy("heads/bert-nli", tokenizer_config={"model_input_names": ["input_ids", "token_type_ids"]})
    without = copy("heads/bert-nli", tokenizer_config={"model_input_names": ["input_ids", "attention_mask"]})
    # The same by a template that has no second segment.
    template = copy("heads/bert-nli")
    text = (template / "tokenizer.json").read_text()
    assert '"type_id": 1' in text
    (template / "tokenizer.json").write_text(text.replace('"type_id": 1', '"type_id": 0'))
    assert scores(with_types) == scores(copy("heads/bert-nli")) != scores(without)
    assert scores(without) == scores(template)


def test_modernbert_s_newer_key_for_its_window(cli, copy):
    def labels(**settings):
        text = " ".join(TEXTS * 8)
        return json.loads(cli.ok("classify", "--model", copy("heads/modernbert-moods", config=settings), "--precision", "fp32", text))["labels"]
    old = labels(local_attention=6)
    assert labels(local_attention=..., sliding_window=3) == labels(local_attention=128, sliding_window=3) == old
    assert labels(local_attention=6, sliding_window=1) != old


SETTINGS = {"forced_bos_token_id": 9, "no_repeat_ngram_size": 2, "repetition_penalty": 1.5, "encoder_repetition_penalty": 2.0,
            "exponential_decay_length_penalty": [2, 1.5], "watermarking_config": {"bias": 2.0}}


@pytest.mark.parametrize("key", SETTINGS)
def test_settings_that_would_change_the_text_are_refused_wherever_they_stand(cli, copy, key):
    beside = copy("t5-relu", generation_config={key: SETTINGS[key]})
    assert key in cli.error("complete", "--model", beside, "x", code=1)
    old = copy("t5-relu", config={key: SETTINGS[key]})  # as before there was a file of their own
    cli.ok("complete", "--model", old, "--max-new-tokens", 3, "x")  # which it is not asked where there is one
    (old / "generation_config.json").unlink()
    assert key in cli.error("complete", "--model", old, "x", code=1)


def test_settings_that_ask_for_nothing_are_taken(cli, copy):
    model = copy("t5-relu", generation_config={"repetition_penalty": 1.0, "no_repeat_ngram_size": 0, "suppress_tokens": []})
    assert cli.ok("complete", "--model", model, "--max-new-tokens", 8, "x") == \
        cli.ok("complete", "--model", GOLDEN / "t5-relu", "--max-new-tokens", 8, "x")


def test_texts_start_with_what_transformers_starts_with(cli, copy):
    def ids(**settings):
        nothing = {"decoder_start_token_id": ..., "pad_token_id": ...}
        model = copy("t5-relu", config=nothing | settings, generation_config=nothing)
        return json.loads(cli.ok("complete", "--model", model, "--max-new-tokens", 6, "--format", "jsonl", "x"))["token_ids"]
    said = ids(decoder_start_token_id=7)
    assert ids(bos_token_id=7, pad_token_id=0) == said
    assert ids(bos_token_id=None, pad_token_id=7) == said
