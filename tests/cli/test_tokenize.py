"""`vivace tokenize`."""

import json

import pytest
from tokenizers import Tokenizer


def rows(output):
    return [json.loads(line) for line in output.splitlines()]


def test_ids_pieces_and_offsets_in_code_points(cli, minilm):
    row = rows(cli.ok("tokenize", "--model", minilm, "Köln 😀 unaffable"))[0]
    assert list(row) == ["index", "ids", "tokens", "offsets"]
    assert row["tokens"] == ["[CLS]", "koln", "[UNK]", "una", "##ffa", "##ble", "[SEP]"]
    assert row["offsets"] == [[0, 0], [0, 4], [5, 6], [7, 10], [10, 13], [13, 16], [0, 0]]
    assert row["ids"][0] == 101 and row["ids"][-1] == 102 and len(row["ids"]) == 7


def test_special_tokens_can_be_left_out(cli, minilm):
    row = rows(cli.ok("tokenize", "--model", minilm, "--no-special-tokens", "hello world"))[0]
    assert row["tokens"] == ["hello", "world"]


def test_truncation_is_visible_and_can_be_switched_off(cli, minilm):
    done = cli.run("tokenize", "--model", minilm, stdin="word " * 400)
    row = json.loads(done.stdout)
    assert len(row["ids"]) == 256 and row["truncated"] is True and row["tokens"][-1] == "[SEP]"
    assert b"longer than the model's 256 tokens" in done.stderr
    row = json.loads(cli.ok("tokenize", "--model", minilm, "--no-truncation", stdin="word " * 400))
    assert len(row["ids"]) == 402 and "truncated" not in row


def test_limit_is_that_of_embed(cli, minilm, tiny):
    for model in (minilm, tiny):
        tokens = json.loads(cli.run("tokenize", "--model", model, stdin="word " * 3000).stdout)
        embedded = json.loads(cli.run("embed", "--model", model, stdin="word " * 3000).stdout)
        assert len(tokens["ids"]) == embedded["tokens"]


def test_inputs_are_those_of_embed(cli, tiny):
    (cli.folder / "docs.jsonl").write_text('{"text":"one"}\n{"text":"two"}\n')
    expected = cli.ok("tokenize", "--model", tiny, "one", "two")
    assert cli.ok("tokenize", "--model", tiny, "--file", "docs.jsonl") == expected
    assert cli.ok("tokenize", "--model", tiny, stdin="one\ntwo\n") == expected


def test_an_empty_text_has_the_special_tokens_only(cli, tiny):
    expected = Tokenizer.from_file(str(tiny / "tokenizer.json")).encode("").ids
    assert rows(cli.ok("tokenize", "--model", tiny, ""))[0]["ids"] == expected
    found = rows(cli.ok("tokenize", "--model", tiny, stdin="one\n\ntwo\n"))
    assert [row["index"] for row in found] == [0, 1, 2] and found[1]["ids"] == expected
    jsonl = ("tokenize", "--model", tiny, "--input-format", "jsonl")
    assert rows(cli.ok(*jsonl, stdin='{"text":""}\n'))[0]["ids"] == expected
    assert rows(cli.ok("tokenize", "--model", tiny, "--no-special-tokens", ""))[0]["ids"] == []
    assert cli.run(*jsonl, stdin='{"text":"a"}\n\n \n').stdout == cli.run(*jsonl, stdin='{"text":"a"}').stdout  # no objects


@pytest.mark.parametrize("options, part", [(["--max-tokens", 1], "leaves no room"),
                                           (["--windows", "--stride", 2, "--max-tokens", 4], "have nothing new")])
def test_limits_that_leave_no_room_are_wrong_usage(cli, tiny, options, part):
    assert part in cli.error("tokenize", "--model", tiny, *options, "x", code=2)


def test_errors(cli, tiny, tmp_path):
    done = cli.run("tokenize", "--model", tiny, stdin=b"good\n\xc3\n")
    assert done.returncode == 1 and done.stdout.count(b"\n") == 1
    assert b"standard input line 2 is not valid UTF-8 (byte 1)" in done.stderr
    broken = tmp_path / "broken"
    broken.mkdir()
    (broken / "config.json").write_text((tiny / "config.json").read_text())
    assert "tokenizer.json" in cli.error("tokenize", "--model", broken, "x", code=1)
    (broken / "tokenizer.json").write_text("{")
    assert "tokenizer.json" in cli.error("tokenize", "--model", broken, "x", code=1)


def test_weights_are_not_needed(cli, tiny, tmp_path):
    light = tmp_path / "light"
    light.mkdir()
    for name in ("config.json", "tokenizer.json"):
        (light / name).write_bytes((tiny / name).read_bytes())
    assert '"ids"' in cli.ok("tokenize", "--model", light, "hello")
    assert "safetensors" in cli.error("embed", "--model", light, "hello", code=1)
