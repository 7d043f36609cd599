"""`vivace pack`: packed models answer as their checkpoints do, say what they cost, and are refused when they do not fit."""

import json
import shutil

import pytest

from cli_runner import ROOT

GOLDEN = ROOT / "tests" / "golden"
TEXTS = ["The cat sat on the mat.", "Numbers like 12345 and words like internationalisation.", "x"]


def vectors(cli, model, *options):
    return [json.loads(line)["embedding"] for line in cli.ok("embed", "--model", model, *options, *TEXTS).splitlines()]


def pack(cli, model, output, *options):
    return json.loads(cli.ok("pack", model, "--output", output, "--json", *options))


@pytest.mark.parametrize("precision", ["fp32", "bf16", "int8"])
def test_a_packed_model_answers_bit_for_bit_as_its_checkpoint(cli, tiny, tmp_path, precision):
    report = pack(cli, tiny, tmp_path / "tiny.packed", "--precision", precision)
    assert report["precision"] == precision and report["file_bytes"] == (tmp_path / "tiny.packed").stat().st_size
    # Alone: configuration and tokenizer are inside, and so is the precision.
    assert vectors(cli, tmp_path / "tiny.packed") == vectors(cli, tiny, "--precision", precision)
    info = json.loads(cli.ok("inspect", "--model", tmp_path / "tiny.packed", "--json"))
    assert info["precision"] == precision and info["directory"] == str(tmp_path / "tiny.packed")
    assert info["parameters"] == json.loads(cli.ok("inspect", "--model", tiny, "--json"))["parameters"]


@pytest.mark.parametrize("name", ["deberta-v3", "modernbert", "mpnet", "t5-encoder", "t5-relu"])
def test_every_architecture_packs(cli, tmp_path, name):
    source = GOLDEN / name
    if not (source / "tokenizer.json").exists() and not (source / "vocab.txt").exists():
        pytest.skip(f"{name} has no tokenizer")
    for precision in ("fp32", "int8", "int4"):
        pack(cli, source, tmp_path / f"{precision}.packed", "--precision", precision)
        packed = json.loads(cli.ok("inspect", "--model", tmp_path / f"{precision}.packed", "--json"))
        plain = json.loads(cli.ok("inspect", "--model", source, "--precision", precision, "--json"))
        assert {k: packed[k] for k in ("parameters", "packed_bytes", "architecture")} == \
            {k: plain[k] for k in ("parameters", "packed_bytes", "architecture")}


@pytest.mark.parametrize("precision", ["fp32", "bf16", "int8", "int4"])
def test_a_packed_model_writes_what_its_checkpoint_writes(cli, tmp_path, precision):
    report = pack(cli, GOLDEN / "t5-relu", tmp_path / "t5.packed", "--precision", precision)
    assert bool(report["outliers"]) == (precision in ("int8", "int4"))

    def written(model):
        return cli.ok("complete", "--model", model, "--precision", precision, "--max-new-tokens", 30, *TEXTS)
    assert written(tmp_path / "t5.packed") == written(GOLDEN / "t5-relu")


def test_the_report_tells_what_int8_costs(cli, minilm, tmp_path):
    report = pack(cli, minilm, tmp_path / "m.packed", "--precision", "int8")
    assert report["texts"] >= 20 and len(report["layers"]) == 7
    assert report["layers"][0]["mean_cosine"] == pytest.approx(1, abs=1e-9)  # the embeddings are fp32
    assert 0.9995 <= report["mean_cosine"] < 1 and 0.998 <= report["lowest_cosine"] <= report["mean_cosine"]
    assert report["file_bytes"] < 0.75 * report["checkpoint_bytes"] and report["load_ms"] > 0
    # The channels that carry this model's largest activations, and the one that most of the first layer's feed into.
    assert {63, 99, 157, 223} <= set(report["outliers"]["encoder.layer.3.intermediate.dense"])
    assert 856 in report["outliers"]["encoder.layer.0.output.dense"]
    assert all(inputs == sorted(set(inputs)) and len(inputs) <= 8 for inputs in report["outliers"].values())
    text = cli.ok("pack", minilm, "--precision", "int8", "--output", tmp_path / "m.packed")
    assert "layer 6" in text and "against fp32" in text
    assert "encoder.layer.0.output.dense: inputs " in text and "856" in text


def test_check_fails_below_its_threshold(cli, minilm, tmp_path):
    (tmp_path / "texts.txt").write_text("One text.\nAnd another one.\n")
    options = ["pack", minilm, "--precision", "int8", "--output", tmp_path / "m.packed", "--file", tmp_path / "texts.txt"]
    assert "2 texts against fp32" in cli.ok(*options, "--check", "0.9")
    assert "--check: 0.99" in cli.error(*options, "--check", "1", code=1)


@pytest.fixture
def checkpoint(tiny, tmp_path):
    return shutil.copytree(tiny, tmp_path / "model")


def test_a_packed_file_beside_the_checkpoint_is_used_and_passed_over_when_it_does_not_fit(cli, checkpoint):
    expected = vectors(cli, checkpoint, "--precision", "int8")
    path = json.loads(cli.ok("pack", checkpoint, "--precision", "int8", "--json"))["path"]
    assert path.startswith(str(checkpoint)) and path.endswith("-int8.packed")
    done = cli.run("embed", "--model", checkpoint, "--precision", "int8", *TEXTS)
    assert done.returncode == 0 and done.stderr == b""
    assert [json.loads(line)["embedding"] for line in done.stdout.splitlines()] == expected

    content = bytearray(open(path, "rb").read())
    content[-100] ^= 1
    open(path, "wb").write(content)
    done = cli.run("embed", "--model", checkpoint, "--precision", "int8", *TEXTS)
    log = done.stderr.decode()
    assert done.returncode == 0 and "reading the checkpoint instead" in log and "checksum" in log
    assert [json.loads(line)["embedding"] for line in done.stdout.splitlines()] == expected


def damaged(content, how):
    places = {"one bit": 5000, "a bit of the index": len(content) - 100, "a bit of config.json": content.index(b'"hidden_size"'),
              "a bit of the vocabulary": content.index(b'"[UNK]"')}
    if how in places:
        return content[:places[how]] + bytes([content[places[how]] ^ 16]) + content[places[how] + 1:]
    if how == "cut short":
        return content[:-1]
    if how == "version":
        return content[:8] + (99).to_bytes(4, "little") + content[12:]
    return content[:64]


DAMAGED = ["one bit", "a bit of the index", "a bit of config.json", "a bit of the vocabulary"]


@pytest.mark.parametrize(("how", "message"), [*((how, "checksum is wrong") for how in DAMAGED), ("cut short", "its header says"),
                                              ("version", "is of version 99"), ("header only", "its header says")])
def test_damaged_files_are_refused(cli, tiny, tmp_path, how, message):
    pack(cli, tiny, tmp_path / "tiny.packed")
    (tmp_path / "bad.packed").write_bytes(damaged((tmp_path / "tiny.packed").read_bytes(), how))
    told = cli.error("embed", "--model", tmp_path / "bad.packed", "x", code=1)
    assert message in told and "vivace pack" in told
    assert message in cli.error("tokenize", "--model", tmp_path / "bad.packed", "x", code=1)


def test_files_for_other_kernels_or_precisions_are_refused(cli, tiny, tmp_path):
    pack(cli, tiny, tmp_path / "g.packed", "--isa", "generic", "--precision", "bf16")
    assert cli.ok("embed", "--model", tmp_path / "g.packed", "--isa", "generic", "x")
    told = cli.error("embed", "--model", tmp_path / "g.packed", "--isa", "generic", "--precision", "int8", "x", code=1)
    assert "was packed in bf16, not in int8" in told
    if json.loads(cli.ok("inspect", "--model", tiny, "--json"))["isa"] != "generic":
        assert "was packed for the kernels 'generic'" in cli.error("embed", "--model", tmp_path / "g.packed", "x", code=1)


def test_what_cannot_be_packed_says_so(cli, tiny, tmp_path):
    assert "cannot be written" in cli.error("pack", tiny, "--output", tmp_path / "no" / "such" / "folder", code=1)
    pack(cli, tiny, tmp_path / "tiny.packed")
    assert "is packed already" in cli.error("pack", tmp_path / "tiny.packed", code=1)
