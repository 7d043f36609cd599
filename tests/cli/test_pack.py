"""`vivace pack`: packed models answer as their checkpoints do, say what they cost, and are refused when they do not fit."""

import json
import shutil

import pytest

from cli_runner import ROOT

GOLDEN = ROOT / "tests" / "golden"
TEXTS = ["The cat sat on the mat.", "Numbers like 12345 and words like internationalisation.", "x"]
LIKE_THE_PASSAGES = [
    "A lighthouse keeper writes down the weather every three hours.",
    "The recipe asks for two cups of flour, a pinch of salt and cold butter.",
    "Glaciers move slowly, but they carry whole boulders down the valley.",
    "The library lends out books, films and even musical instruments.",
    "A suspension bridge hangs its road from cables between two towers.",
    "Bees tell each other the way to flowers with a dance.",
    "The treaty was signed in spring and broken before the first snow.",
    "Salt water freezes at a lower temperature than fresh water does.",
]


def vectors(cli, model, *options):
    return [json.loads(line)["embedding"] for line in cli.ok("embed", "--model", model, *options, *TEXTS).splitlines()]


def with_tokenizer(checkpoint, target):
    """A copy of a golden checkpoint; one that has no tokenizer gets one of a few words."""
    shutil.copytree(checkpoint, target)
    if not (target / "tokenizer.json").exists():
        words = {word: i for i, word in enumerate(["[UNK]", *sorted(set(" ".join(TEXTS).split()))])}
        model = {"type": "WordLevel", "vocab": words, "unk_token": "[UNK]"}
        (target / "tokenizer.json").write_text(json.dumps({"model": model, "pre_tokenizer": {"type": "WhitespaceSplit"}}))
    return target


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
    source = with_tokenizer(GOLDEN / name, tmp_path / "model")
    for precision in ("fp32", "int8", "int4"):
        report = pack(cli, source, tmp_path / f"{precision}.packed", "--precision", precision)
        packed = json.loads(cli.ok("inspect", "--model", tmp_path / f"{precision}.packed", "--json"))
        plain = json.loads(cli.ok("inspect", "--model", source, "--precision", precision, "--json"))
        assert {k: packed[k] for k in ("parameters", "architecture")} == {k: plain[k] for k in ("parameters", "architecture")}
        # A layer that int8 would cost too much in takes twice the bytes.
        assert (packed["packed_bytes"] == plain["packed_bytes"]) != bool(report["kept_in_bf16"])


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
    (tmp_path / "texts.txt").write_text("One text.\n\nAnd another one.\n")
    options = ["pack", minilm, "--precision", "int8", "--output", tmp_path / "m.packed", "--file", tmp_path / "texts.txt"]
    assert "2 texts against fp32" in cli.ok(*options, "--check", "0.9")
    packed = (tmp_path / "m.packed").read_bytes()
    (tmp_path / "m.packed").unlink()
    done = cli.run(*options, "--check", "1")
    assert done.returncode == 1 and b"--check: 0.99" in done.stderr and b"not written" in done.stdout
    assert not (tmp_path / "m.packed").exists() and packed


def test_only_a_packed_file_is_replaced(cli, tiny, tmp_path):
    model = shutil.copytree(tiny, tmp_path / "model")
    for name in ("model.safetensors", "tokenizer.json"):
        before = (model / name).read_bytes()
        message = cli.error("pack", model, "--precision", "int8", "--output", model / name, code=1)
        assert "is there and is no packed file" in message and (model / name).read_bytes() == before
    for _ in range(2):
        cli.ok("pack", model, "--precision", "int8", "--output", tmp_path / "m.packed")


PASSAGES = ROOT / "examples" / "demo" / "passages.jsonl"


def test_int8_rounded_for_texts_is_closer_to_fp32(cli, minilm, tmp_path):
    (tmp_path / "others.txt").write_text("".join(f"{line}\n" for line in LIKE_THE_PASSAGES))
    options = ["--precision", "int8", "--file", tmp_path / "others.txt"]
    nearest = pack(cli, minilm, tmp_path / "nearest.packed", *options)
    rounded = pack(cli, minilm, tmp_path / "rounded.packed", *options, "--calibrate", PASSAGES)
    assert (nearest["calibration_texts"], rounded["calibration_texts"]) == (0, len(PASSAGES.read_text().splitlines()))
    print(f"mean cosine {nearest['mean_cosine']:.6f}, rounded for texts {rounded['mean_cosine']:.6f}")
    assert 1 - rounded["mean_cosine"] < 0.8 * (1 - nearest["mean_cosine"])
    # Every layer's states, not only what comes out; and nothing was left in bf16 for it.
    for before, after in zip(nearest["layers"][1:], rounded["layers"][1:], strict=True):
        assert after["mean_cosine"] > before["mean_cosine"]
    assert rounded["kept_in_bf16"] == [] and rounded["outliers"] == nearest["outliers"]
    text = cli.ok("pack", minilm, "--output", tmp_path / "m.packed", *options, "--calibrate", PASSAGES)
    assert f"24 layers rounded for {rounded['calibration_texts']} texts" in text and rounded["calibrated_layers"] == 24
    assert (tmp_path / "m.packed").read_bytes() == (tmp_path / "rounded.packed").read_bytes()


@pytest.mark.parametrize("name", ["deberta-v3", "modernbert", "mpnet", "t5-encoder"])
def test_every_architecture_is_rounded_for_texts(cli, tmp_path, name):
    source = with_tokenizer(GOLDEN / name, tmp_path / "model")
    (tmp_path / "texts.txt").write_text("".join(f"{text}\n" for text in TEXTS))
    packed = [tmp_path / "nearest.packed", tmp_path / "rounded.packed"]
    pack(cli, source, packed[0], "--precision", "int8")
    pack(cli, source, packed[1], "--precision", "int8", "--calibrate", tmp_path / "texts.txt")
    assert packed[0].read_bytes() != packed[1].read_bytes()
    assert packed[0].stat().st_size == packed[1].stat().st_size


def test_texts_to_round_for_have_to_be_of_use(cli, minilm, tmp_path):
    (tmp_path / "empty.txt").write_text("")
    (tmp_path / "texts.txt").write_text("One text.\n")
    output = ["--output", tmp_path / "m.packed"]
    assert "holds no text" in cli.error("pack", minilm, "--precision", "int8", *output, "--calibrate", tmp_path / "empty.txt",
                                        code=1)
    for precision in ("fp32", "bf16"):
        assert f"for --precision int8, not for {precision}" in cli.error(
            "pack", minilm, "--precision", precision, *output, "--calibrate", tmp_path / "texts.txt", code=1)
    assert "this model writes text" in cli.error("pack", GOLDEN / "t5-relu", "--precision", "int8", *output, "--calibrate",
                                                 tmp_path / "texts.txt", code=1)
    assert not (tmp_path / "m.packed").exists()


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
