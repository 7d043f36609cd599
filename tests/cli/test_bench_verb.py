"""`vivace bench`: the fields that scripts rely on. Never the times themselves."""

import json


def test_forward(cli, tiny):
    told = json.loads(cli.ok("bench", "--model", tiny, "--precision", "fp32", "--threads", 2, "--batch", 3, "--tokens",
                             8, "--seconds", 0.05, "--json"))
    assert {"p50_ms", "p99_ms", "min_ms", "tokens_per_s", "floor_share", "isa", "precision", "threads"} <= set(told)
    assert 0 < told["min_ms"] <= told["p50_ms"] <= told["p99_ms"]
    assert told["threads"] == 2 and told["precision"] == "fp32" and told["runs"] >= 3


def test_mixed_lengths(cli, tiny):
    told = json.loads(cli.ok("bench", "--model", tiny, "--lengths", "12,40,7", "--seconds", 0.05, "--json"))
    assert told["tokens_per_s"] > 0
    assert "GFLOP/s" in cli.ok("bench", "--model", tiny, "--lengths", "5", "--seconds", 0.05)


def test_impossible_lengths(cli, tiny):
    assert "tokens is not possible" in cli.error("bench", "--model", tiny, "--lengths", "3,100000", code=1)
    assert "make it smaller" in cli.error("bench", "--model", tiny, "--batch", 65536, "--tokens", 64, code=1)


def test_tokenizer(cli, tiny):
    (cli.folder / "docs.txt").write_text("some words\n" * 50)
    told = json.loads(cli.ok("bench", "--model", tiny, "--tokenize", "docs.txt", "--seconds", 0.05, "--json"))
    assert told["mb_per_s"] > 0 and told["texts"] == 50 and told["rounds"] >= 3
    assert "MB/s" in cli.ok("bench", "--model", tiny, "--tokenize", "docs.txt", "--seconds", 0.05)
    (cli.folder / "empty.txt").write_text("")
    assert "holds no text" in cli.error("bench", "--model", tiny, "--tokenize", "empty.txt", code=1)
