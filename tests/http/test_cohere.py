"""Cohere's own client, and what Jina's clients send."""

import base64
import json
import shutil
import subprocess

import cohere
import numpy
import pytest

from vivace_server import PATIENCE_SECONDS, PROGRAM, ROOT, Server, clean_environment

GOLDEN = ROOT / "tests" / "golden"
RANKER = GOLDEN / "heads" / "bert-rank"
QUERY, DOCUMENTS = "old letters", ["the fog", "letters from the old", "old letters", "wolves"]


@pytest.fixture(scope="module")
def ranking_server():
    with Server("--rate-limits", "off", "--precision", "fp32", models=[f"vectors={GOLDEN}/tiny-bert", f"rank={RANKER}"]) as server:
        yield server


@pytest.fixture(scope="module")
def client(ranking_server):
    return cohere.ClientV2(api_key="none", base_url=ranking_server.url, timeout=PATIENCE_SECONDS)


def command_line():
    done = subprocess.run([str(PROGRAM), "rerank", "--model", str(RANKER), "--precision", "fp32", "--query", QUERY, *DOCUMENTS],
                          capture_output=True, text=True, check=True, env=clean_environment(), timeout=PATIENCE_SECONDS)
    return [(line["index"], line["score"]) for line in map(json.loads, done.stdout.splitlines())]


def test_rerank(client):
    answer = client.rerank(model="rank", query=QUERY, documents=DOCUMENTS)
    assert [(result.index, result.relevance_score) for result in answer.results] == command_line()
    assert answer.id and answer.meta.api_version.version == "2"


def test_rerank_top_n(client):
    answer = client.rerank(model="rank", query=QUERY, documents=DOCUMENTS, top_n=2)
    assert [result.index for result in answer.results] == [index for index, _ in command_line()[:2]]


def test_rerank_of_the_first_version_returns_documents(ranking_server):
    client = cohere.Client(api_key="none", base_url=ranking_server.url, timeout=PATIENCE_SECONDS)
    documents = [DOCUMENTS[0], {"text": DOCUMENTS[1]}]
    answer = client.rerank(model="rank", query=QUERY, documents=documents, return_documents=True)
    assert answer.meta.api_version.version == "1"
    assert [result.document.text for result in answer.results] == [DOCUMENTS[result.index] for result in answer.results]


def test_rerank_without_a_model_takes_the_one_that_ranks(ranking_server):
    answer = ranking_server.post("/v1/rerank", json={"query": QUERY, "documents": DOCUMENTS}).json()
    assert answer["model"] == "rank" and "document" not in answer["results"][0]


def test_embed(client, ranking_server):
    answer = client.embed(model="vectors", texts=DOCUMENTS, input_type="search_document", embedding_types=["float", "base64"])
    expected = ranking_server.post("/v1/embeddings", json={"model": "vectors", "input": DOCUMENTS}).json()
    vectors = [item["embedding"] for item in expected["data"]]
    assert answer.embeddings.float_ == vectors
    assert answer.texts == DOCUMENTS and answer.meta.billed_units.input_tokens == expected["usage"]["total_tokens"]
    for text, vector in zip(answer.embeddings.base64, vectors, strict=True):
        assert numpy.array_equal(numpy.frombuffer(base64.b64decode(text), "<f4"), numpy.array(vector, "<f4"))


def test_embed_as_bits(client, ranking_server):
    types = ["ubinary", "binary", "float"]
    answer = client.embed(model="vectors", texts=DOCUMENTS, input_type="search_document", embedding_types=types)
    bits = numpy.packbits(numpy.array(answer.embeddings.float_) > 0, axis=1)
    assert numpy.array_equal(answer.embeddings.ubinary, bits)
    assert numpy.array_equal(answer.embeddings.binary, bits.astype(int) - 128)
    few = client.embed(model="vectors", texts=DOCUMENTS, input_type="search_document", output_dimension=11, embedding_types=types)
    assert numpy.array_equal(few.embeddings.ubinary, numpy.packbits(numpy.array(few.embeddings.float_) > 0, axis=1))


def test_embed_of_the_first_version(ranking_server):
    client = cohere.Client(api_key="none", base_url=ranking_server.url)
    plain = client.embed(model="vectors", texts=DOCUMENTS, input_type="search_document")
    typed = client.embed(model="vectors", texts=DOCUMENTS, input_type="search_document", embedding_types=["float"])
    assert (plain.response_type, typed.response_type) == ("embeddings_floats", "embeddings_by_type")
    assert plain.embeddings == typed.embeddings.float_ and len(plain.embeddings) == len(DOCUMENTS)


def test_embed_dimension(client):
    answer = client.embed(model="vectors", texts=DOCUMENTS[:1], input_type="clustering", output_dimension=8)
    assert len(answer.embeddings.float_[0]) == 8


def test_prompt_of_the_input_type(tmp_path):
    model = shutil.copytree(GOLDEN / "tiny-bert", tmp_path / "prompted")
    (model / "config_sentence_transformers.json").write_text(json.dumps({"prompts": {"query": "old ", "passage": "fog "}}))
    with Server("--rate-limits", "off", "--precision", "fp32", models=[f"prompted={model}"]) as server:
        def vector(**body):
            return server.post("/v2/embed", json=body).json()["embeddings"]["float"][0]
        assert vector(texts=["wolf"], input_type="search_query") == vector(texts=["old wolf"])
        assert vector(texts=["wolf"], input_type="search_document") == vector(texts=["fog wolf"])
        assert vector(texts=["wolf"], input_type="clustering") == vector(texts=["old wolf"])
        assert vector(texts=["wolf"]) != vector(texts=["old wolf"])


def test_cut_texts_are_told(ranking_server):
    long_text = "fog " * 500
    answer = ranking_server.post("/v2/embed", json={"texts": ["fog", long_text]})
    assert answer.headers["x-truncated-texts"] == "1"
    assert "x-truncated-texts" not in ranking_server.post("/v2/embed", json={"texts": ["fog"]}).headers
    answer = ranking_server.post("/v2/rerank", json={"query": "fog", "documents": [long_text, "fog", long_text]})
    assert answer.headers["x-truncated-texts"] == "2"
    assert ranking_server.post("/v2/embed", json={"texts": [long_text], "truncate": "NONE"}).status_code == 413


def test_texts_are_cut_at_the_end_that_was_named(ranking_server):
    def vector(text, **more):
        return ranking_server.post("/v2/embed", json={"texts": [text], **more}).json()["embeddings"]["float"][0]
    beginning, end = "fog " * 94, "letters " * 94
    assert vector(beginning + end) == vector(beginning + end, truncate="END") == vector(beginning)
    assert vector(beginning + end, truncate="START") == vector(end)


def test_errors_have_cohere_s_shape(client, ranking_server):
    with pytest.raises(cohere.errors.NotFoundError) as problem:
        client.rerank(model="nobody", query=QUERY, documents=DOCUMENTS)
    assert "nobody" in problem.value.body["message"]
    with pytest.raises(cohere.errors.BadRequestError) as problem:
        client.rerank(model="vectors", query=QUERY, documents=DOCUMENTS)
    assert "cannot rank" in problem.value.body["message"]
    assert ranking_server.get("/v2/rerank").json().keys() == {"id", "message"}


@pytest.mark.parametrize(("route", "body", "words"), [
    ("/v2/rerank", {"documents": ["a"]}, "query"),
    ("/v2/rerank", {"query": "a"}, "documents"),
    ("/v2/rerank", {"query": "a", "documents": []}, "documents"),
    ("/v2/rerank", {"query": "a", "documents": "b"}, "documents"),
    ("/v2/rerank", {"query": "a", "documents": [{"content": "b"}]}, "text"),
    ("/v2/rerank", {"query": "a", "documents": ["b"], "top_n": 0}, "top_n"),
    ("/v2/embed", {"texts": []}, "texts"),
    ("/v2/embed", {"images": ["x"]}, "images"),
    ("/v2/embed", {"texts": ["a"], "embedding_types": ["int8"]}, "int8"),
    ("/v2/embed", {"texts": ["a"], "truncate": "MIDDLE"}, "truncate"),
])
def test_refusals(ranking_server, route, body, words):
    answer = ranking_server.post(route, json=body)
    assert answer.status_code == 400 and words in answer.json()["message"]
