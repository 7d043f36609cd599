"""The routes of text-embeddings-inference, by Hugging Face's own client and by hand."""

import json
import shutil

import numpy
import pytest
from huggingface_hub import InferenceClient

from vivace_server import PATIENCE_SECONDS, ROOT, Server

GOLDEN = ROOT / "tests" / "golden"
TEXTS = ["old letters", "the fog", "letters from the old"]


@pytest.fixture(scope="module")
def tei():
    models = [f"vectors={GOLDEN}/tiny-bert", f"moods={GOLDEN}/heads/bert-moods", f"rank={GOLDEN}/heads/bert-rank"]
    with Server("--rate-limits", "off", "--precision", "fp32", models=models) as server:
        yield server


def ask(server, route, body, status=200):
    answer = server.post(route, json=body)
    assert answer.status_code == status, answer.text
    return answer.json()


def openai_vectors(server, texts, **more):
    answer = server.post("/v1/embeddings", json={"model": "vectors", "input": texts, **more}).json()
    return numpy.array([item["embedding"] for item in answer["data"]], "f4")


def unit(vectors):
    return vectors / numpy.linalg.norm(vectors, axis=-1, keepdims=True)


def test_embed(tei):
    vectors = numpy.array(ask(tei, "/embed", {"inputs": TEXTS}), "f4")
    assert numpy.allclose(vectors, unit(openai_vectors(tei, TEXTS)), atol=1e-6)
    assert numpy.array_equal(numpy.array(ask(tei, "/embed", {"inputs": TEXTS[0]}), "f4"), vectors[:1])  # one text: still a list of vectors
    raw = numpy.array(ask(tei, "/embed", {"inputs": TEXTS, "normalize": False}), "f4")
    assert numpy.array_equal(raw, openai_vectors(tei, TEXTS))  # this model does not normalise by itself
    assert len(ask(tei, "/embed", {"inputs": TEXTS[0], "dimensions": 8})[0]) == 8


def test_embed_all_has_a_vector_for_each_token(tei):
    tokens = ask(tei, "/tokenize", {"inputs": TEXTS})
    answer = ask(tei, "/embed_all", {"inputs": TEXTS})
    assert [len(vectors) for vectors in answer] == [len(some) for some in tokens]
    means = numpy.array([numpy.mean(vectors, axis=0) for vectors in answer])
    assert numpy.allclose(means, openai_vectors(tei, TEXTS), atol=1e-5)  # it pools by the mean


def test_predict_takes_a_text_a_pair_and_batches(tei):
    def expected(inputs, **more):
        body = {"model": "moods", "inputs": inputs, **more}
        return [[{"score": label["score"], "label": label["label"]} for label in result["labels"]]
                for result in ask(tei, "/v1/classify", body)["results"]]
    pair = {"text": TEXTS[0], "text_pair": TEXTS[1]}
    assert ask(tei, "/predict", {"inputs": TEXTS[0]}) == expected([TEXTS[0]])[0]
    assert ask(tei, "/predict", {"inputs": TEXTS[:2]}) == expected([pair])[0]
    assert ask(tei, "/predict", {"inputs": [[TEXTS[0]], TEXTS[:2]]}) == expected([TEXTS[0], pair])
    assert ask(tei, "/predict", {"inputs": TEXTS[0], "raw_scores": True}) == expected([TEXTS[0]], activation="none")[0]


def test_rerank(tei):
    answer = ask(tei, "/rerank", {"query": TEXTS[0], "texts": TEXTS, "return_text": True})
    reference = ask(tei, "/v2/rerank", {"model": "rank", "query": TEXTS[0], "documents": TEXTS})["results"]
    assert [(row["index"], row["score"]) for row in answer] == [(row["index"], row["relevance_score"]) for row in reference]
    assert [row["text"] for row in answer] == [TEXTS[row["index"]] for row in answer]
    raw = ask(tei, "/rerank", {"query": TEXTS[0], "texts": TEXTS, "raw_scores": True})
    assert "text" not in raw[0]
    assert [1 / (1 + numpy.exp(-row["score"])) for row in raw] == pytest.approx([row["score"] for row in answer], abs=1e-6)


def test_similarity(tei):
    vectors = unit(openai_vectors(tei, TEXTS))
    answer = ask(tei, "/similarity", {"inputs": {"source_sentence": TEXTS[0], "sentences": TEXTS}})
    assert answer == pytest.approx((vectors @ vectors[0]).tolist(), abs=1e-5)


def test_decode_gives_back_what_was_tokenized(tei):
    ids = [[token["id"] for token in some] for some in ask(tei, "/tokenize", {"inputs": TEXTS})]
    assert ask(tei, "/decode", {"ids": ids}) == TEXTS
    assert ask(tei, "/decode", {"ids": ids[0]}) == TEXTS[:1]
    assert ask(tei, "/decode", {"ids": ids[0], "skip_special_tokens": False}) == [f"[CLS] {TEXTS[0]} [SEP]"]


def test_info(tei):
    info = tei.get("/info").json()
    assert info["model_id"] == "vectors" and info["model_type"] == {"embedding": {"pooling": "mean"}}
    assert info["max_input_length"] == 96 and info["auto_truncate"] is True and info["model_dtype"] == "fp32"


def test_root_does_what_the_default_model_is_for(tei):
    assert ask(tei, "/", {"inputs": TEXTS[0]}) == ask(tei, "/embed", {"inputs": TEXTS[0]})
    assert tei.get("/").headers["content-type"].startswith("text/html")  # still the console
    with Server("--rate-limits", "off", models=[f"moods={GOLDEN}/heads/bert-moods"]) as server:
        assert ask(server, "/", {"inputs": TEXTS[0]}) == ask(server, "/predict", {"inputs": [TEXTS[:1]]})
        assert server.get("/info").json()["model_type"]["classifier"]["label2id"]["joy"] == 0
    with Server("--rate-limits", "off", models=[f"rank={GOLDEN}/heads/bert-rank"]) as server:
        body = {"query": TEXTS[0], "texts": TEXTS}
        assert ask(server, "/", body) == ask(server, "/rerank", body)
        assert server.get("/info").json()["model_type"].keys() == {"reranker"}


def test_hugging_faces_client(tei):
    client = InferenceClient(model=tei.url, timeout=PATIENCE_SECONDS)
    vectors = client.feature_extraction(TEXTS[0], normalize=False)
    assert numpy.array_equal(vectors, openai_vectors(tei, TEXTS[0]))
    with Server("--rate-limits", "off", models=[f"moods={GOLDEN}/heads/bert-moods"]) as server:
        labels = InferenceClient(model=server.url, timeout=PATIENCE_SECONDS).text_classification(TEXTS[0])
        expected = ask(server, "/predict", {"inputs": TEXTS[0]})
        assert [(label.label, label.score) for label in labels] == [(row["label"], row["score"]) for row in expected]


def test_cut_texts_are_told_in_a_header(tei):
    long_text = "fog " * 500
    for route, body in (("/embed", {"inputs": ["fog", long_text]}), ("/predict", {"inputs": [["fog"], [long_text]]}),
                        ("/rerank", {"query": "fog", "texts": ["fog", long_text]})):
        assert tei.post(route, json=body).headers["x-truncated-texts"] == "1"
        assert ask(tei, route, body | {"truncate": False}, 422)["error_type"] == "Validation"


def test_truncation_direction(tei):
    beginning, end = " ".join(["fog"] * 94), " ".join(["letters"] * 94)
    vectors = lambda text, **more: ask(tei, "/embed", {"inputs": text, **more})
    both = f"{beginning} {end}"
    assert vectors(both) == vectors(both, truncation_direction="Right") == vectors(both, truncation_direction="right") == vectors(beginning)
    assert vectors(both, truncation_direction="Left") == vectors(both, truncation_direction="left") == vectors(end)
    rank = lambda text, **more: ask(tei, "/rerank", {"query": "fog", "texts": [text], **more})
    short = " ".join(["letters"] * 92)  # beside the query and three special tokens
    assert rank(both, truncation_direction="left") == rank(short) != rank(both)
    classes = lambda text, **more: ask(tei, "/predict", {"inputs": text, **more})
    assert classes(both, truncation_direction="left") == classes(end) != classes(both)


@pytest.mark.parametrize(("route", "body", "words"), [
    ("/embed", {}, "inputs"),
    ("/embed", {"inputs": []}, "inputs"),
    ("/embed", {"inputs": [1, 2]}, "inputs"),
    ("/embed", {"inputs": "a", "dimensions": 0}, "dimensions"),
    ("/embed", {"inputs": "a", "truncation_direction": "middle"}, "truncation_direction"),
    ("/embed", {"inputs": "a", "prompt_name": "nobody"}, "nobody"),
    ("/predict", {"inputs": ["a", "b", "c"]}, "inputs"),
    ("/predict", {"inputs": [["a", "b", "c"]]}, "inputs"),
    ("/predict", {"inputs": [[]]}, "inputs"),
    ("/predict", {"inputs": [["a"], "b"]}, "inputs"),
    ("/rerank", {"query": "a"}, "texts"),
    ("/rerank", {"texts": ["a"]}, "query"),
    ("/similarity", {"inputs": {"source_sentence": "a"}}, "sentences"),
    ("/similarity", {"inputs": "a"}, "inputs"),
    ("/similarity", {"inputs": {"source_sentence": "a", "sentences": ["b"]}, "parameters": []}, "parameters"),
    ("/decode", {"ids": []}, "ids"),
    ("/decode", {"ids": [-1]}, "ids"),
    ("/decode", {"ids": [10**6]}, "1000000"),
    ("/decode", {"ids": [[1], 2]}, "ids"),
])
def test_refusals_have_teis_shape(tei, route, body, words):
    answer = tei.post(route, json=body)
    problem = answer.json()
    assert answer.status_code in (400, 422) and problem.keys() == {"error", "error_type"}
    assert problem["error_type"] == ("Empty" if answer.status_code == 400 else "Validation")
    assert words in problem["error"]


def test_empty_texts_and_models_for_something_else_have_codes_of_their_own(tei):
    for route in ("/embed", "/embed_all", "/predict"):
        assert ask(tei, route, {"inputs": ""}, 400)["error_type"] == "Empty"
    assert ask(tei, "/embed", {"inputs": ["a", ""]}, 400)["error_type"] == "Empty"
    assert ask(tei, "/embed", {"inputs": "a", "model": "rank"}, 424)["error_type"] == "Backend"
    assert ask(tei, "/rerank", {"query": "a", "texts": ["b"], "model": "moods"}, 424)["error_type"] == "Backend"
    assert ask(tei, "/embed", {"inputs": "a", "model": "nobody"}, 404)["error_type"] == "Validation"


@pytest.mark.parametrize(("route", "body"), [("/", {"inputs": TEXTS[0]}), ("/predict", {"inputs": TEXTS[0]}),
                                             ("/decode", {"ids": [5]}), ("/info", None)])
def test_first_request_waits_for_a_model_that_is_loaded_when_asked(route, body):
    with Server("--rate-limits", "off", "--model-loading", "when_asked", models=[f"moods={GOLDEN}/heads/bert-moods"]) as server:
        answer = server.get(route) if body is None else server.post(route, json=body)
        assert answer.status_code == 200, answer.text


def test_vectors_that_the_model_cuts_are_normalised_where_a_request_asks_for_it(tmp_path):
    """truncate_dim of sentence-transformers cuts behind the model's own Normalize module; TEI's clients get unit vectors."""
    model = tmp_path / "cut"
    shutil.copytree(ROOT / "tests" / "golden" / "tiny-bert", model)
    modules = json.loads((model / "modules.json").read_text())
    modules.append({"idx": 2, "name": "2", "path": "2_Normalize", "type": "sentence_transformers.models.Normalize"})
    (model / "modules.json").write_text(json.dumps(modules))
    settings = json.loads((model / "config_sentence_transformers.json").read_text())
    (model / "config_sentence_transformers.json").write_text(json.dumps(settings | {"truncate_dim": 10}))
    with Server(models=[f"m={model}"], environment={"VIVACE_PRECISION": "fp32"}) as server:
        own = numpy.array(server.embed("the cat sat", model="m")[0])
        assert own.shape == (10,) and numpy.linalg.norm(own) < 0.99
        asked = numpy.array(server.post("/embed", {"inputs": "the cat sat"}).json()[0])
        assert numpy.allclose(asked, own / numpy.linalg.norm(own), atol=1e-6)
        pair = {"source_sentence": "the cat sat", "sentences": ["the cat sat"]}
        assert server.post("/similarity", {"inputs": pair}).json() == [pytest.approx(1, abs=1e-6)]
