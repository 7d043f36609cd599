"""Labels, tags and entailment over HTTP: what the command line answers, and what is refused."""

import json
import subprocess

import pytest

from vivace_server import PATIENCE_SECONDS, PROGRAM, ROOT, Server, clean_environment

HEADS = ROOT / "tests" / "golden" / "heads"
MODELS = {name: HEADS / f"bert-{name}" for name in ("moods", "nli", "tags", "rank", "fill")}
TEXTS = ["old letters from the fog", "the fog", "a" * 9 + " wolf"]


@pytest.fixture(scope="module")
def heads():
    models = [f"vectors={ROOT}/tests/golden/tiny-bert"] + [f"{name}={folder}" for name, folder in MODELS.items()]
    with Server("--rate-limits", "off", "--precision", "fp32", models=models) as server:
        yield server


def command_line(verb, model, *arguments):
    done = subprocess.run([str(PROGRAM), verb, "--model", str(MODELS[model]), "--precision", "fp32", *arguments],
                          capture_output=True, text=True, check=True, env=clean_environment(), timeout=PATIENCE_SECONDS)
    return [json.loads(line) for line in done.stdout.splitlines()]


def ask(server, route, body, status=200):
    answer = server.post(route, json=body)
    assert answer.status_code == status, answer.text
    return answer.json()


def results(server, route, body):
    """Without what the command line says only where it happened."""
    answer = ask(server, route, body)["results"]
    return [{key: value for key, value in result.items() if key != "truncated" or value} for result in answer]


def test_labels_are_those_of_the_command_line(heads):
    assert results(heads, "/v1/classify", {"inputs": TEXTS}) == command_line("classify", "moods", *TEXTS)
    assert results(heads, "/v1/classify", {"text": TEXTS[0], "top_k": 2, "activation": "none"}) == command_line(
        "classify", "moods", "--top-k", "2", "--activation", "none", TEXTS[0])


def test_pairs(heads):
    pair = {"text": TEXTS[0], "text_pair": TEXTS[1]}
    expected = command_line("classify", "moods", "--text-pair", TEXTS[1], TEXTS[0])
    assert results(heads, "/v1/classify", pair) == expected
    assert results(heads, "/v1/classify", {"inputs": [pair]}) == expected


def test_labels_of_the_callers_own(heads):
    body = {"text": TEXTS[0], "labels": ["letters", "fog"], "multi_label": True, "hypothesis_template": "It is {}."}
    answer = ask(heads, "/v1/classify", body)
    assert answer["model"] == "nli"  # the first that knows entailment
    assert [{key: result[key] for key in ("index", "labels")} for result in answer["results"]] == command_line(
        "classify", "nli", "--labels", "letters,fog", "--multi-label", "--hypothesis-template", "It is {}.", TEXTS[0])


def test_masks(heads, tmp_path):
    texts = ["old [MASK] from the fog", "old [MASK] from the [MASK]"]
    lines = tmp_path / "texts.txt"
    lines.write_text("\n".join(texts), encoding="utf-8")
    answer = results(heads, "/v1/classify", {"model": "fill", "inputs": texts, "top_k": 3})
    assert answer == command_line("classify", "fill", "--top-k", "3", "--file", str(lines))
    assert len(answer[0]["labels"]) == 3 and len(answer[1]["masks"]) == 2


def test_tags(heads):
    assert results(heads, "/v1/tag", {"inputs": TEXTS}) == command_line("tag", "tags", *TEXTS)
    assert results(heads, "/v1/tag", {"text": TEXTS[0], "aggregation": "average"}) == command_line(
        "tag", "tags", "--aggregation", "average", TEXTS[0])
    assert results(heads, "/v1/tag", {"text": TEXTS[0], "per_token": True}) == command_line("tag", "tags", "--per-token",
                                                                                           TEXTS[0])


def test_entailment(heads):
    pairs = [(TEXTS[0], TEXTS[1]), (TEXTS[1], TEXTS[0])]
    expected = command_line("entail", "nli", *pairs[0], *pairs[1])
    body = {"inputs": [{"premise": premise, "hypothesis": hypothesis} for premise, hypothesis in pairs]}
    assert results(heads, "/v1/entail", body) == expected
    assert results(heads, "/v1/entail", body["inputs"][0]) == expected[:1]


def test_long_texts_are_cut_visibly_or_refused(heads):
    long_text = "fog " * 500
    assert ask(heads, "/v1/classify", {"text": long_text})["results"][0]["truncated"] is True
    assert ask(heads, "/v1/classify", {"text": "fog"})["results"][0]["truncated"] is False
    for route, body in (("/v1/classify", {"text": long_text}), ("/v1/tag", {"text": long_text}),
                        ("/v1/entail", {"premise": long_text, "hypothesis": long_text})):
        assert ask(heads, route, body)["results"][0]["truncated"] is True
        problem = ask(heads, route, body | {"truncate": False}, status=413)
        assert "tokens" in problem["error"]["message"]


@pytest.mark.parametrize(("route", "body", "status", "param"), [
    ("/v1/classify", {}, 400, "text"),
    ("/v1/classify", {"text": ""}, 400, "text"),
    ("/v1/classify", {"text": 3}, 400, "text"),
    ("/v1/classify", {"inputs": []}, 400, "inputs"),
    ("/v1/classify", {"inputs": "fog"}, 400, "inputs"),
    ("/v1/classify", {"inputs": [3]}, 400, "text"),
    ("/v1/classify", {"inputs": ["fog"] * 2049}, 413, "inputs"),
    ("/v1/classify", {"text": "fog", "activation": "relu"}, 400, "activation"),
    ("/v1/classify", {"text": "fog", "top_k": 0}, 400, "top_k"),
    ("/v1/classify", {"text": "fog", "labels": []}, 400, "labels"),
    ("/v1/classify", {"text": "fog", "labels": ["a"], "text_pair": "b"}, 400, "text_pair"),
    ("/v1/classify", {"text": "fog", "labels": ["a"], "activation": "none"}, 400, "activation"),
    ("/v1/classify", {"text": "[MASK]", "model": "fill", "text_pair": "b"}, 400, "text_pair"),
    ("/v1/classify", {"text": "fog", "model": "nobody"}, 404, "model"),
    ("/v1/classify", {"inputs": ["fog"], "text": "fog"}, 400, "text"),
    ("/v1/entail", {"inputs": [{"premise": "a", "hypothesis": "b"}], "premise": "a"}, 400, "premise"),
    ("/v1/tag", {"text": "fog", "text_pair": "b"}, 400, "text_pair"),
    ("/v1/tag", {"text": "fog", "aggregation": "last"}, 400, "aggregation"),
    ("/v1/entail", {"premise": "fog"}, 400, "hypothesis"),
    ("/v1/entail", {"inputs": [{"hypothesis": "fog"}]}, 400, "premise"),
])
def test_refusals_name_the_field(heads, route, body, status, param):
    assert ask(heads, route, body, status)["error"]["details"] == {"param": param}


def test_model_of_another_kind(heads):
    for route, body in (("/v1/classify", {"text": "fog", "model": "vectors"}), ("/v1/tag", {"text": "fog", "model": "nli"}),
                        ("/v1/entail", {"premise": "a", "hypothesis": "b", "model": "tags"})):
        assert ask(heads, route, body, 400)["error"]["code"] == "unsupported"
