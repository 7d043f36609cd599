"""What a detector may be: converted, quantised, distilled; and the documented test of 120 sentences."""

import json

import pytest

from cli_runner import ROOT
from test_detect import GOLDEN, TOLERANCE, reference

DETECTOR = GOLDEN / "detector-deberta"
PRECISIONS = ["fp32", "int8"]


def texts(count=120):
    return [row["text"] for row in reference("detector-deberta") if row["words"]][:count]


def detect(cli, model, sentences, *options):
    stdin = "".join(json.dumps({"text": text}) + "\n" for text in sentences)
    output = cli.ok("detect", "--model", model, "--input-format", "jsonl", *options, stdin=stdin)
    return [json.loads(line)["probabilities"] for line in output.splitlines()]


def differences(some, others):
    return [abs(a - b) for one, other in zip(some, others, strict=True) for a, b in zip(one, other, strict=True)]


def pack(cli, output, precision, *options):
    return json.loads(cli.ok("pack", DETECTOR, "--precision", precision, "--output", output, "--json", *options))


def test_c003_03_the_converter_offers_fp32_and_int8(cli):
    reports = {precision: pack(cli, cli.folder / f"{precision}.packed", precision) for precision in PRECISIONS}
    for precision in PRECISIONS:
        converted = detect(cli, cli.folder / f"{precision}.packed", texts())
        assert converted == detect(cli, DETECTOR, texts(), "--precision", precision)
        assert reports[precision]["precision"] == precision and reports[precision]["texts"] >= 20
    assert reports["int8"]["file_bytes"] < reports["fp32"]["file_bytes"]
    assert "int3" in cli.error("pack", DETECTOR, "--precision", "int3", code=2)


def test_c003_04_int8_words_stay_near_those_of_fp32(cli):
    """On seeded weights, whose logits lie closer together than those of a trained detector."""
    exact = [row["words"] for row in reference("detector-deberta") if row["words"]][:120]
    found = detect(cli, DETECTOR, texts(), "--precision", "int8")
    far = differences(found, exact)
    print(f"difference of a word: at most {max(far):.4f}, {sum(far) / len(far):.4f} on average")
    assert TOLERANCE < max(far) < 0.04  # more than rounding, so integers were multiplied; little all the same
    assert sum(far) / len(far) < 0.006
    info = json.loads(cli.ok("inspect", "--model", DETECTOR, "--precision", "int8", "--json"))
    exact_info = json.loads(cli.ok("inspect", "--model", DETECTOR, "--precision", "fp32", "--json"))
    assert info["precision"] == "int8" and info["packed_bytes"] < exact_info["packed_bytes"]


def test_c003_14_a_file_of_120_sentences(cli):
    """The command that compares precisions: the same file for each, and the times of the same lengths."""
    path = cli.folder / "sentences.txt"
    sentences = [" ".join(text.split()) for text in texts()]
    path.write_text("\n".join(sentences), encoding="utf-8")
    for precision in PRECISIONS:
        output = cli.ok("detect", "--model", DETECTOR, "--file", path, "--precision", precision)
        rows = [json.loads(line) for line in output.splitlines()]
        assert [row["words"] for row in rows] == [sentence.split() for sentence in sentences]
        lengths = ",".join(str(len(sentence.split())) for sentence in sentences)
        told = json.loads(cli.ok("bench", "--model", DETECTOR, "--precision", precision, "--lengths", lengths, "--seconds", 0.05,
                                 "--json"))
        assert told["precision"] == precision and told["p50_ms"] > 0 and told["tokens_per_s"] > 0


@pytest.mark.usefixtures("fp32")
def test_c003_18_a_distilled_model_needs_another_name_only(cli):
    rows = [row for row in reference("detector-distilbert") if row["words"]][:120]
    found = detect(cli, GOLDEN / "detector-distilbert", [row["text"] for row in rows])
    assert max(differences(found, [row["words"] for row in rows])) <= TOLERANCE
    info = json.loads(cli.ok("inspect", "--model", GOLDEN / "detector-distilbert", "--json"))
    assert info["architecture"] == "distilbert" and info["labels"] == ["AI-generated", "Human"]
