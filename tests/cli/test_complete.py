"""`vivace complete`: what it writes equals transformers', and every option does what it says."""

import json

import pytest

from cli_runner import ROOT

pytestmark = pytest.mark.usefixtures("fp32")


@pytest.fixture(scope="module")
def model():
    return (ROOT / "tests" / "golden" / "t5-relu").resolve()


@pytest.fixture(scope="module")
def expected(model):
    return [json.loads(line) for line in (model / "texts.jsonl").read_text().splitlines()]


def rows(output):
    return [json.loads(line) for line in output.splitlines()]


@pytest.mark.parametrize("name, options", [("greedy", []), ("beam", ["--num-beams", 4])])
def test_text_and_ids_equal_transformers(cli, model, expected, name, options):
    stdin = "".join(row["text"] + "\n" for row in expected)
    found = rows(cli.ok("complete", "--model", model, "--max-new-tokens", 24, "--format", "jsonl", *options, stdin=stdin))
    assert [row["token_ids"] for row in found] == [row[name]["token_ids"] for row in expected]
    assert [row["text"] for row in found] == [row[name]["text"] for row in expected]
    assert [row["source_tokens"] for row in found] == [row["source_tokens"] for row in expected]
    for index, row in enumerate(found):
        assert row["index"] == index and row["tokens"] == len(row["token_ids"])
        assert row["finish_reason"] == ("stop" if row["token_ids"][-1] == 1 else "length")
        assert {"latency_ms", "tokenize_ms", "encode_ms", "decode_ms", "detokenize_ms"} <= set(row)


def test_streamed_text_is_the_text(cli, model, expected):
    for row in expected:
        assert cli.ok("complete", "--model", model, "--max-new-tokens", 24, row["text"]) == row["greedy"]["text"] + "\n"


def test_threads_and_kernels_do_not_matter(cli, model, expected):
    arguments = ["complete", "--model", model, "--max-new-tokens", 24, *(row["text"] for row in expected)]
    text = cli.ok(*arguments)
    assert cli.ok(*arguments, "--threads", 1) == text
    assert cli.ok(*arguments, "--isa", "generic") == text
    assert cli.ok(*arguments, "--strategy", "none", "--no-speculation") == text


def test_inputs_are_those_of_embed(cli, model, expected):
    first, second = expected[0]["text"], expected[1]["text"]
    (cli.folder / "prompts.jsonl").write_text("".join(json.dumps({"text": text}) + "\n" for text in (first, second)))
    assert cli.ok("complete", "--model", model, "--file", "prompts.jsonl", "--max-new-tokens", 8) == cli.ok(
        "complete", "--model", model, "--max-new-tokens", 8, first, second)


def test_sampling_is_seeded(cli, model):
    def sample(seed, *options):
        output = cli.ok("complete", "--model", model, "--max-new-tokens", 20, "--temperature", 1.5, "--seed", seed,
                        "--num-return-sequences", 4, "--format", "jsonl", *options, "write code")
        return [row["token_ids"] for row in rows(output)]

    assert sample(1) == sample(1) != sample(2)
    assert len({tuple(ids) for ids in sample(1)}) > 1
    greedy = rows(cli.ok("complete", "--model", model, "--max-new-tokens", 20, "--format", "jsonl", "write code"))
    assert all(ids == greedy[0]["token_ids"] for ids in sample(3, "--top-k", 1))


def test_stop_strings_end_the_text_before_them(cli, model, expected):
    row = max(expected, key=lambda row: len(row["greedy"]["text"]))
    text = row["greedy"]["text"]
    stop = text[len(text) // 2:len(text) // 2 + 2]
    for options in ([], ["--format", "jsonl"]):
        output = cli.ok("complete", "--model", model, "--max-new-tokens", 24, "--stop", "never seen", "--stop", stop,
                        *options, row["text"])
        if options:
            found = rows(output)[0]
            assert found["finish_reason"] == "stop" and found["text"] == text[:text.index(stop)]
            assert found["token_ids"] == row["greedy"]["token_ids"][:len(found["token_ids"])]
        else:
            assert output == text[:text.index(stop)] + "\n"


def test_lengths(cli, model):
    for count in (1, 7, 95):
        found = rows(cli.ok("complete", "--model", model, "--max-new-tokens", count, "--min-new-tokens", count,
                            "--format", "jsonl", "the end of it"))[0]
        assert found["tokens"] == count and found["finish_reason"] == "length"


def test_long_source_is_cut_and_says_so(cli, model):
    done = cli.run("complete", "--model", model, "--max-new-tokens", 2, "--format", "jsonl", "a " * 300)
    assert rows(done.stdout.decode())[0]["truncated"] is True and b"96 tokens and were cut" in done.stderr
    assert "longer than the model's 96 tokens" in cli.error("complete", "--model", model, "--no-truncation", "a " * 300,
                                                            code=1)
    assert "standard input line 2: the text is longer" in cli.run("complete", "--model", model, "--no-truncation", "--format", "jsonl",
                                                                  stdin="a\n" + "a " * 300).stderr.decode()


def test_lines_have_the_names_of_requests(cli):
    code = ROOT / "tests" / "golden" / "t5-code"
    complete = ["complete", "--model", code, "--max-new-tokens", 8]
    lines = ["--input-format", "jsonl", "--file", "-"]
    plain, filled = cli.ok(*complete, "a = "), cli.ok(*complete, "--suffix", "return a", "a = ")
    assert plain != filled
    for name in ("text", "code", "prompt"):
        assert cli.ok(*complete, *lines, stdin=json.dumps({name: "a = "})) == plain
        assert cli.ok(*complete, *lines, stdin=json.dumps({name: "a = ", "suffix": "return a"})) == filled
    assert cli.ok(*complete, *lines, "--suffix", "pass", stdin='{"code":"a = ","suffix":"return a"}') == filled
    for line, part in [('{"code":"a","prompt":"b"}', "'code' and 'prompt' are both there"),
                       ('{"codes":"a"}', "'text' or 'code' or 'prompt' is missing"),
                       ('{"code":"a","suffix":7}', "suffix: expected a string")]:
        assert part in cli.error(*complete, *lines, stdin=line, code=1)


@pytest.mark.parametrize("options, part", [
    (["--temperature", "nan"], "'nan' is no number from 0"),
    (["--max-new-tokens", "96"], "max_new_tokens must be from 1 to 95"),
    (["--top-k", "3"], "give a temperature above 0"),
    (["--temperature", "1", "--top-p", "0"], "top_p must be"),
    (["--num-beams", "2", "--num-return-sequences", "3"], "num_return_sequences must not be more"),
    (["--num-return-sequences", "3"], "all would be the same"),
    (["--num-beams", "2", "--temperature", "1"], "exclude each other"),
    (["--repetition-penalty", "-1"], "repetition_penalty must be"),
])
def test_options_that_do_not_go_together(cli, model, options, part):
    assert part in cli.error("complete", "--model", model, *options, "x", code=2)


def test_models_that_do_not_write(cli, tiny, tmp_path):
    message = cli.error("complete", "--model", tiny, "x", code=1)
    assert "model_type 'bert' does not write text; known: t5" in message
    other = tmp_path / "other"
    other.mkdir()
    (other / "config.json").write_text('{"model_type": "codet5p"}')
    (other / "tokenizer.json").write_bytes((tiny / "tokenizer.json").read_bytes())
    assert "model_type 'codet5p' does not write text; known: t5" in cli.error("complete", "--model", other, "x", code=1)


def test_broken_generation_config(cli, model, tmp_path):
    broken = tmp_path / "broken"
    broken.mkdir()
    for name in ("config.json", "tokenizer.json", "model.safetensors"):
        (broken / name).write_bytes((model / name).read_bytes())
    for text, part in [('{"eos_token_id": 89}', "eos_token_id"), ('{"eos_token_id": ["x"]}', "eos_token_id"),
                       ('{"decoder_start_token_id": -1}', "decoder_start_token_id"),
                       ('{"suppress_tokens": [3]}', "suppress_tokens is not supported"), ("{", "generation_config.json")]:
        (broken / "generation_config.json").write_text(text)
        assert part in cli.error("complete", "--model", broken, "x", code=1)


def test_inspect_tells_what_it_writes(cli, model):
    text = cli.ok("inspect", "--model", model)
    assert "t5: 2 layers" in text and "writes        up to 95 tokens with 2 decoder layers" in text
    found = json.loads(cli.ok("inspect", "--model", model, "--json"))
    assert found["architecture"] == "t5" and found["decoder_layers"] == 2 and found["max_new_tokens"] == 95
