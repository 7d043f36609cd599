"""Code in seven languages: `vivace complete` writes the ids of transformers' greedy search, guessed or not."""

import json

import pytest

from cli_runner import ROOT

pytestmark = pytest.mark.usefixtures("fp32")

MODEL = ROOT / "tests" / "golden" / "t5-code"


@pytest.fixture(scope="module")
def snippets():
    return [json.loads(line) for line in (MODEL / "snippets.jsonl").read_text().splitlines()]


def complete(cli, rows, *options):
    (cli.folder / "code.jsonl").write_text("".join(json.dumps({"text": row["code"]}) + "\n" for row in rows))
    output = cli.ok("complete", "--model", MODEL, "--file", "code.jsonl", "--format", "jsonl", *options)
    return [json.loads(line) for line in output.splitlines()]


@pytest.mark.parametrize("options", [[], ["--no-speculation"], ["--threads", "1"]])
def test_c002_06_ids_equal_transformers(cli, snippets, options):
    assert len(snippets) >= 200 and len({row["language"] for row in snippets}) == 7
    found = complete(cli, snippets, "--max-new-tokens", 24, "--strategy", "none", *options)
    assert [row["token_ids"] for row in found] == [row["token_ids"] for row in snippets]
    assert [row["text"] for row in found] == [row["text"] for row in snippets]


def test_c002_04_guessing_changes_nothing(cli, snippets):
    for strategy in ("task_prefix", "language-aware"):
        options = ["--max-new-tokens", 60, "--min-new-tokens", 60, "--strategy", strategy]
        guessed = complete(cli, snippets, *options)
        plain = complete(cli, snippets, "--no-speculation", *options)
        assert [row["token_ids"] for row in guessed] == [row["token_ids"] for row in plain]


def test_gaps(cli):
    gaps = [json.loads(line) for line in (MODEL / "gaps.jsonl").read_text().splitlines()]
    for row in gaps:
        found = complete(cli, [row], "--max-new-tokens", 24, "--suffix", row["suffix"])[0]
        ids = row["token_ids"]
        gap_end = json.loads((MODEL / "tokenizer.json").read_text())["added_tokens"]
        gap_end = next(token["id"] for token in gap_end if token["content"] == "<extra_id_1>")
        assert found["token_ids"] == (ids[:ids.index(gap_end) + 1] if gap_end in ids else ids)
    relu = ROOT / "tests" / "golden" / "t5-relu"
    assert "was not trained to fill gaps" in cli.error("complete", "--model", relu, "--suffix", "x", "a", code=1)


def test_unknown_strategy_is_wrong_usage(cli):
    message = cli.error("complete", "--model", MODEL, "--strategy", "magic", "a", code=2)
    assert "magic" in message and "TASK_PREFIX" in message
