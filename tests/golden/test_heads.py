"""The verbs against transformers' and sentence-transformers' pipelines, on the checkpoints of tests/golden/heads."""

import json
import os
import pathlib
import subprocess

import numpy as np
import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
PROGRAM = pathlib.Path(os.environ.get("VIVACE", ROOT / "build" / "release" / "vivace"))
HEADS = ROOT / "tests" / "golden" / "heads"
TOLERANCE = 1e-4


def answers(name):
    return json.loads((HEADS / name / "pipeline.json").read_text(encoding="utf-8"))


def names(suffix_of_architecture):
    found = []
    for config in sorted(HEADS.glob("*/config.json")):
        if (config.parent / "modules.json").exists() and config.parent.name != "bert-rank":
            continue
        if json.loads(config.read_text())["architectures"][0].endswith(suffix_of_architecture):
            found.append(config.parent.name)
    assert found, suffix_of_architecture
    return found


def vivace(verb, name, inputs, *options):
    """The lines of a run on JSON objects."""
    stdin = "".join(json.dumps(entry) + "\n" for entry in inputs)
    done = subprocess.run([PROGRAM, verb, "--model", HEADS / name, "--input-format", "jsonl", *options], check=False,
                          input=stdin.encode(), capture_output=True, env={"PATH": os.environ["PATH"], "VIVACE_PRECISION": "fp32"}, timeout=300)
    assert done.returncode == 0, done.stderr.decode()
    rows = [json.loads(line) for line in done.stdout.decode().splitlines()]
    return rows


def same_labels(found, expected):
    """Best first, and where two scores are within the tolerance in either order."""
    assert len(found) == len(expected)
    scores = {entry["label"]: entry["score"] for entry in expected}
    for entry, other in zip(found, expected):
        assert entry["score"] == pytest.approx(other["score"], abs=TOLERANCE)
        assert scores[entry["label"]] == pytest.approx(entry["score"], abs=TOLERANCE)


@pytest.mark.parametrize("name", names("ForSequenceClassification"))
def test_classify_answers_as_the_pipeline(name):
    expected = answers(name)
    rows = vivace("classify", name, expected["inputs"])
    assert [row["index"] for row in rows] == list(range(len(expected["inputs"])))
    for row, labels in zip(rows, expected["labels"]):
        assert list(row) == ["index", "labels"]
        same_labels(row["labels"], labels)


def normal(text):
    return text.replace(" ", "").lower()


@pytest.mark.parametrize("name", names("ForTokenClassification"))
@pytest.mark.parametrize("aggregation", ["simple", "first", "average", "max"])
def test_tag_merges_spans_as_the_pipeline(name, aggregation):
    expected = answers(name)
    assert len(expected["texts"]) >= 30
    rows = vivace("tag", name, [{"text": text} for text in expected["texts"]], "--aggregation", aggregation)
    spans_seen = 0
    for text, row, spans in zip(expected["texts"], rows, expected[aggregation]):
        found = [(span["label"], span["start"], span["end"]) for span in row["spans"]]
        assert found == [(span["entity_group"], span["start"], span["end"]) for span in spans], text
        for span, other in zip(row["spans"], spans):
            assert span["score"] == pytest.approx(other["score"], abs=TOLERANCE)
            assert span["text"] == text[span["start"]:span["end"]]
        for word in row["words"]:
            assert word["word"] == text[word["start"]:word["end"]] and " " not in word["word"]
        spans_seen += len(spans)
    assert spans_seen > 100
    assert rows[-1]["truncated"] and "truncated" not in rows[0]


@pytest.mark.parametrize("name", names("ForTokenClassification"))
def test_words_and_tokens_agree(name):
    texts = [{"text": text} for text in answers(name)["texts"]]
    words = vivace("tag", name, texts, "--aggregation", "first")
    tokens = vivace("tag", name, texts, "--per-token")
    labels = json.loads(subprocess.run([PROGRAM, "inspect", "--json", "--model", HEADS / name], check=True,
                                       capture_output=True).stdout)["labels"]
    for of_words, of_tokens in zip(words, tokens):
        assert of_tokens["offsets"][0] == [0, 0] and of_tokens["tokens"][0] == "[CLS]"
        np.testing.assert_allclose(np.array(of_tokens["scores"]).sum(axis=1), 1, atol=1e-5)
        starts = {start: scores for (start, end), scores in zip(of_tokens["offsets"], of_tokens["scores"]) if end > 0}
        for word in of_words["words"]:
            scores = starts[word["start"]]
            assert word["label"] == labels[int(np.argmax(scores))] and word["score"] == max(scores)


@pytest.mark.parametrize("name", names("ForMaskedLM"))
def test_classify_fills_masks_as_the_pipeline(name):
    expected = answers(name)
    rows = vivace("classify", name, [{"text": text} for text in expected["texts"]])
    for row, masks in zip(rows, expected["fills"]):
        found = row["masks"] if len(masks) > 1 else [row["labels"]]
        assert len(found) == len(masks)
        for mask, other in zip(found, masks):
            same_labels(mask, other)


@pytest.mark.parametrize("multi", [False, True])
def test_zero_shot_answers_as_the_pipeline(multi):
    expected = answers("bert-nli")
    texts = [entry for entry in expected["inputs"] if "text_pair" not in entry]
    rows = vivace("classify", "bert-nli", texts, "--labels", ",".join(expected["candidate_labels"]),
                  "--hypothesis-template", expected["hypothesis_template"], *(["--multi-label"] if multi else []))
    for row, other in zip(rows, expected["zero_shot_multi" if multi else "zero_shot"]):
        same_labels(row["labels"], [{"label": label, "score": score} for label, score in
                                    zip(other["labels"], other["scores"])])


def test_entail_is_the_classification_by_name():
    expected = answers("bert-nli")
    pairs = [(entry, labels) for entry, labels in zip(expected["inputs"], expected["labels"]) if "text_pair" in entry]
    rows = vivace("entail", "bert-nli", [{"premise": entry["text"], "hypothesis": entry["text_pair"]}
                                         for entry, _ in pairs])
    for row, (_, labels) in zip(rows, pairs):
        scores = {label["label"].lower(): label["score"] for label in labels}
        assert list(row["scores"]) == ["entailment", "neutral", "contradiction"]
        assert row["scores"] == pytest.approx(scores, abs=TOLERANCE)
        assert row["label"] == max(row["scores"], key=row["scores"].get)


def test_rerank_answers_as_the_cross_encoder():
    expected = answers("bert-rank")
    documents = [{"text": text} for text in expected["documents"]]
    rows = vivace("rerank", "bert-rank", documents, "--query", expected["query"])
    scores = {rank["index"]: rank["score"] for rank in expected["ranks"]}
    assert sorted(row["index"] for row in rows) == list(range(len(documents)))
    for row, rank in zip(rows, expected["ranks"]):
        assert row["score"] == pytest.approx(rank["score"], abs=TOLERANCE)
        assert row["score"] == pytest.approx(scores[row["index"]], abs=TOLERANCE)
    logits = vivace("rerank", "bert-rank", documents, "--query", expected["query"], "--activation", "none")
    assert [row["index"] for row in logits] == [row["index"] for row in rows]
    np.testing.assert_allclose([1 / (1 + np.exp(-row["score"])) for row in logits], [row["score"] for row in rows],
                               atol=1e-6)
    assert vivace("rerank", "bert-rank", documents, "--query", expected["query"], "--top-k", "3") == rows[:3]


def test_dense_modules_and_every_pooling_mode():
    expected = answers("st-dense")
    rows = vivace("embed", "st-dense", [{"text": text} for text in expected["texts"]])
    np.testing.assert_allclose([row["embedding"] for row in rows], expected["vectors"], atol=TOLERANCE)
    assert len(rows[0]["embedding"]) == 16
