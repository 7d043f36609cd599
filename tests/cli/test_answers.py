"""`vivace classify`, `tag`, `entail`, `rerank`: inputs, options and messages. What they answer is in tests/golden."""

import json
import shutil

import pytest

from cli_runner import ROOT

HEADS = ROOT / "tests" / "golden" / "heads"
MOODS, TAGS, NLI, RANK, FILL = (HEADS / name for name in ("bert-moods", "bert-tags", "bert-nli", "bert-rank", "bert-fill"))


def rows(output):
    return [json.loads(line) for line in output.splitlines()]


def test_arguments_lines_and_objects_agree(cli):
    (cli.folder / "docs.txt").write_text("one text\nzwei Wörter\n")
    expected = cli.ok("classify", "--model", MOODS, "one text", "zwei Wörter")
    assert cli.ok("classify", "--model", MOODS, "--file", "docs.txt") == expected
    assert cli.ok("classify", "--model", MOODS, "--input-format", "jsonl",
                  stdin='{"text":"one text"}\n{"text":"zwei Wörter"}\n') == expected
    assert cli.ok("classify", "--model", MOODS, "--threads", "1", "one text", "zwei Wörter") == expected


def test_pairs_come_from_objects_or_an_option(cli):
    alone = cli.ok("classify", "--model", MOODS, "after")
    pair = cli.ok("classify", "--model", MOODS, "--text-pair", "old letters", "after")
    assert pair != alone
    assert cli.ok("classify", "--model", MOODS, "--input-format", "jsonl",
                  stdin='{"text":"after","text_pair":"old letters"}\n') == pair


@pytest.mark.parametrize("verb, model, extra", [("tag", TAGS, []), ("rerank", RANK, ["--query", "old"]),
                                                ("classify", NLI, ["--labels", "fog,letters"]),
                                                ("embed", HEADS / "st-dense", []),
                                                ("complete", ROOT / "tests" / "golden" / "t5-code", ["--max-new-tokens", "2"])])
def test_a_second_text_is_refused_where_it_would_be_left_unread(cli, verb, model, extra):
    message = cli.error(verb, "--model", model, *extra, "--input-format", "jsonl", "--file", "-",
                        stdin='{"text":"after","text_pair":"old letters"}\n', code=1)
    assert "line 1: text_pair is not read here" in message
    cli.ok(verb, "--model", model, *extra, "--input-format", "jsonl", "--file", "-",
           stdin='{"text":"after","text_pair":null}\n')


def test_top_k_and_activation(cli):
    labels = rows(cli.ok("classify", "--model", MOODS, "after"))[0]["labels"]
    assert [label["score"] for label in labels] == sorted((label["score"] for label in labels), reverse=True)
    assert sum(label["score"] for label in labels) == pytest.approx(1, abs=1e-6)
    assert {label["label"] for label in labels} == {"joy", "anger", "LABEL_2"}
    assert rows(cli.ok("classify", "--model", MOODS, "--top-k", "1", "after"))[0]["labels"] == labels[:1]
    logits = rows(cli.ok("classify", "--model", MOODS, "--activation", "none", "after"))[0]["labels"]
    assert [label["label"] for label in logits] == [label["label"] for label in labels]
    assert sum(label["score"] for label in logits) != pytest.approx(1, abs=1e-2)


@pytest.mark.parametrize("verb, model, extra", [("classify", MOODS, []), ("tag", TAGS, []),
                                                ("rerank", RANK, ["--query", "old"])])
def test_long_texts_are_cut_visibly_or_refused(cli, verb, model, extra):
    text = "after " * 500
    done = cli.run(verb, "--model", model, *extra, text)
    assert done.returncode == 0 and rows(done.stdout.decode())[0]["truncated"] is True
    assert "longer" in done.stderr.decode() and "were cut" in done.stderr.decode()
    assert "more than the model's 96 tokens" in cli.error(verb, "--model", model, *extra, "--no-truncation", text, code=1)


@pytest.mark.parametrize("verb, model", [("classify", MOODS), ("tag", TAGS), ("embed", ROOT / "tests" / "golden" / "tiny-bert")])
def test_a_long_line_among_good_ones_is_named_or_skipped(cli, verb, model):
    good = [f"after {i}" for i in range(70)]  # more than go together
    (cli.folder / "good.txt").write_text("\n".join(good))
    expected = rows(cli.ok(verb, "--model", model, "--file", "good.txt"))
    (cli.folder / "docs.txt").write_text("\n".join(good[:67] + ["after " * 500] + good[68:]))
    arguments = (verb, "--model", model, "--no-truncation", "--file", "docs.txt")
    done = cli.run(*arguments)
    assert done.returncode == 1 and rows(done.stdout.decode()) == expected[:67]
    assert done.stderr.decode().startswith("vivace: docs.txt line 68: the text has more than the model's 96 tokens")
    done = cli.run(*arguments, "--on-error", "skip")
    found = rows(done.stdout.decode())
    assert done.returncode == 0 and "more than the model's 96 tokens" in found[67].pop("error")
    assert found == expected[:67] + [{"index": 67}] + expected[68:]
    assert b"1 lines had no usable text and were skipped" in done.stderr


def test_entail_takes_twos_tabs_and_objects(cli):
    expected = cli.ok("entail", "--model", NLI, "the old fog", "the fog", "after", "un det")
    assert [row["index"] for row in rows(expected)] == [0, 1]
    assert cli.ok("entail", "--model", NLI, stdin="the old fog\tthe fog\nafter\tun det\n") == expected
    assert cli.ok("entail", "--model", NLI, "--input-format", "jsonl",
                  stdin='{"premise":"the old fog","hypothesis":"the fog"}\n{"premise":"after","hypothesis":"un det"}\n') == expected
    assert "come in twos: premise and hypothesis" in cli.error("entail", "--model", NLI, "alone", code=2)
    assert "line 1 has no tab between premise and hypothesis" in cli.error("entail", "--model", NLI, stdin="alone\n", code=1)


def test_wrong_lines_stop_or_are_skipped(cli):
    lines = '{"text":"after"}\n{"txt":1}\n{"text":"old"}\n'
    arguments = ("tag", "--model", TAGS, "--input-format", "jsonl")
    assert "standard input line 2" in cli.run(*arguments, stdin=lines).stderr.decode()
    done = cli.run(*arguments, "--on-error", "skip", stdin=lines)
    found = rows(done.stdout.decode())
    assert [row["index"] for row in found] == [0, 1, 2] and "error" in found[1]
    assert found[2] == rows(cli.ok(*arguments, stdin='{"text":"old"}\n'))[0] | {"index": 2}


@pytest.mark.parametrize("arguments, part", [
    (["classify", "--model", TAGS, "x"], "cannot classify texts: it is for token-classification with the labels O, B-PER"),
    (["tag", "--model", MOODS, "x"], "cannot tag words: it is for text-classification with the labels joy, anger"),
    (["embed", "--model", MOODS, "x"], "cannot embed texts: it is for text-classification"),
    (["entail", "--model", MOODS, "a", "b"], "its labels must be entailment, neutral and contradiction"),
    (["classify", "--model", MOODS, "--labels", "a,b", "x"], "cannot judge entailment"),
    (["rerank", "--model", NLI, "--query", "a", "b"], "that takes one score for a pair, it has 3 labels"),
    (["classify", "--model", FILL, "no mask here"], "the text has no [MASK]; put it where a word is to be found"),
    (["classify", "--model", NLI, "--labels", "a,a", "x"], "label 'a' is given twice"),
    (["classify", "--model", NLI, "--labels", "a", "--hypothesis-template", "nothing", "x"], "must hold {} once"),
])
def test_what_a_model_cannot_do_is_said(cli, arguments, part):
    assert part in cli.error(*arguments, code=1)


def test_a_text_without_a_mask_ends_or_is_skipped_by_itself(cli):
    lines = [f"the [MASK] {i}" for i in range(70)]
    lines[65] = "no mask"
    (cli.folder / "masks.txt").write_text("\n".join(lines))
    command = ("classify", "--model", FILL, "--file", "masks.txt")
    done = cli.run(*command)
    assert done.returncode == 1 and "masks.txt line 66" in done.stderr.decode() and len(rows(done.stdout)) == 65
    found = rows(cli.ok(*command, "--on-error", "skip"))
    assert [row["index"] for row in found] == list(range(70)) and [i for i, row in enumerate(found) if "error" in row] == [65]
    pair = '{"text":"a [MASK]","text_pair":"b"}\n'
    assert "line 1" in cli.error("classify", "--model", FILL, "--input-format", "jsonl", stdin=pair, code=1)


def test_labels_are_split_at_commas_and_none_is_empty(cli):
    command = ("classify", "--model", NLI, "--labels")
    assert {label["label"] for label in rows(cli.ok(*command, "a, b c", "x"))[0]["labels"]} == {"a", "b c"}
    for wrong in (",", "a,,b", ""):
        assert "a label is empty" in cli.error(*command, wrong, "x", stdin="y\n", code=2)


def test_the_second_text_is_said_once(cli):
    pair = '{"text":"a","text_pair":"b"}\n'
    message = cli.error("classify", "--model", MOODS, "--text-pair", "c", "--input-format", "jsonl", stdin=pair, code=1)
    assert "text_pair is not read here" in message


def test_lines_with_more_than_two_columns_are_no_pairs(cli):
    assert "line 1 has more than the tab" in cli.error("entail", "--model", NLI, stdin="a\tb\tc\n", code=1)


def test_queries_are_blamed_for_themselves(cli):
    assert "--query is empty" in cli.error("rerank", "--model", RANK, "--query", "", "a", code=2)
    assert "--query is not valid UTF-8 (byte 1)" in cli.error("rerank", "--model", RANK, "--query", "\udcff", "a", code=2)


def test_a_plain_encoder_classifies_nothing(cli, tiny):
    assert "cannot classify texts: it is for embedding" in cli.error("classify", "--model", tiny, "x", code=1)


def test_a_masked_language_model_embeds_too(cli):
    assert len(rows(cli.ok("embed", "--model", FILL, "after"))[0]["embedding"]) == 24


@pytest.mark.parametrize("model, expected", [
    (MOODS, {"task": "text-classification", "labels": ["joy", "anger", "LABEL_2"], "activation": "softmax",
             "head": "first token, bert.pooler.dense, tanh, classifier"}),
    (TAGS, {"task": "token-classification", "labels": ["O", "B-PER", "I-PER", "B-LOC", "I-LOC"],
            "head": "each token, classifier"}),
    (FILL, {"task": "fill-mask", "mask_token": "[MASK]"}),
    (HEADS / "st-dense", {"task": "embedding", "embedding_size": 16}),
])
def test_inspect_tells_task_labels_and_head(cli, model, expected):
    found = json.loads(cli.ok("inspect", "--json", "--model", model))
    assert {key: found[key] for key in expected} == expected
    text = cli.ok("inspect", "--model", model)
    assert f"task          {expected['task']}\n" in text
    assert ", ".join(expected.get("labels", [])) in text


# Every architecture, as an embedding model; T5's decoder is in test_complete.py, ONNX files below.
@pytest.mark.parametrize("model", ["tiny-bert", "heads/distilbert-moods", "heads/roberta-moods", "heads/camembert-moods",
                                   "heads/xlm-roberta-moods", "heads/mpnet-moods", "heads/deberta-moods",
                                   "heads/modernbert-moods", "heads/bert-rank", "heads/bert-regression", "t5-relu"])
def test_inspect_knows_every_kind_of_model(cli, model):
    directory = ROOT / "tests" / "golden" / model
    found = json.loads(cli.ok("inspect", "--json", "--model", directory))
    assert found["architecture"] == json.loads((directory / "config.json").read_text())["model_type"]
    for key in ("layers", "hidden_size", "heads", "vocabulary_size", "max_tokens", "parameters", "file_bytes", "packed_bytes"):
        assert found[key] > 0, key
    assert f"{found['architecture']}: {found['layers']} layers" in cli.ok("inspect", "--model", directory)


def onnx_directory(directory, model):
    directory.mkdir()
    for file in (ROOT / "tests" / "onnx" / model).glob("*.*"):
        (directory / file.name).write_bytes(file.read_bytes())
    tokenizer = {"version": "1.0", "normalizer": None, "pre_tokenizer": {"type": "Whitespace"}, "post_processor": None,
                 "decoder": None, "model": {"type": "WordLevel", "vocab": {"[UNK]": 0, "after": 1}, "unk_token": "[UNK]"}}
    (directory / "tokenizer.json").write_text(json.dumps(tokenizer))
    return directory


@pytest.mark.parametrize("model, task", [("token-logits", "token-classification"), ("sequence-logits", "text-classification"),
                                         ("hidden-states", "embedding")])
def test_inspect_describes_onnx_files(cli, tmp_path, model, task):
    directory = onnx_directory(tmp_path / "onnx-model", model)
    done = cli.run("inspect", "--json", "--model", directory)
    if done.returncode and b"OpenVINO" in done.stderr:
        pytest.skip("this build has no OpenVINO")
    found = json.loads(done.stdout)
    assert found["task"] == task and found["architecture"] == "bert" and found["layers"] == 2 and found["parameters"] > 0
    assert "onnx" in found["isa"].lower() or "openvino" in found["isa"].lower()
    assert "fallback" not in found


@pytest.mark.parametrize("damage", ["weights", "architecture"])
def test_an_onnx_file_takes_the_place_of_weights_that_cannot_be_used(cli, tmp_path, damage):
    alone = onnx_directory(tmp_path / "alone", "hidden-states")
    both = onnx_directory(tmp_path / "both", "hidden-states")
    shutil.copy(ROOT / "tests/golden/tiny-bert/model.safetensors", both / "model.safetensors")
    if damage == "weights":
        (both / "model.safetensors").write_bytes(b"broken off")
    else:
        config = json.loads((both / "config.json").read_text())
        (both / "config.json").write_text(json.dumps(config | {"model_type": "unheard-of"}))
    done = cli.run("inspect", "--json", "--model", both)
    if done.returncode and b"OpenVINO" in done.stderr:
        pytest.skip("this build has no OpenVINO")
    why = "model.safetensors" if damage == "weights" else "unheard-of"
    assert why in json.loads(done.stdout)["fallback"] and "in its place" in done.stderr.decode()
    assert why in cli.ok("inspect", "--model", both)
    assert rows(cli.ok("embed", "--model", both, "after")) == rows(cli.ok("embed", "--model", alone, "after"))


def test_where_neither_weights_nor_onnx_file_can_be_used_both_are_named(cli, tmp_path):
    both = onnx_directory(tmp_path / "both", "hidden-states")
    for name in ("model.safetensors", "model.onnx"):
        (both / name).write_bytes(b"broken off")
    problem = cli.error("embed", "--model", both, "after", code=1)
    assert "model.safetensors" in problem and "nor can its ONNX file be used" in problem
