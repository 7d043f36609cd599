"""The official client of the API that we imitate."""

import asyncio
import base64

import numpy
import openai
import pytest
from openai import AsyncOpenAI, OpenAI

from vivace_server import PATIENCE_SECONDS, ROOT, Server

TEXTS = ["A quick brown fox.", "Ein schneller brauner Fuchs.", "Stock markets fell."]


@pytest.fixture(scope="module")
def client(server):
    return OpenAI(base_url=server.url + "/v1", api_key="none", timeout=PATIENCE_SECONDS, max_retries=0)


def vector(client, text, **options):
    # Without encoding_format the client asks for base64 and decodes it; "float" goes through JSON.
    return numpy.array(client.embeddings.create(model="minilm", input=text, **options).data[0].embedding)


def test_string(client):
    answer = client.embeddings.create(model="minilm", input=TEXTS[0])
    assert answer.object == "list" and answer.model == "minilm"
    assert answer.data[0].index == 0 and len(answer.data[0].embedding) == 384
    assert answer.usage.prompt_tokens == answer.usage.total_tokens == 7


def test_list_keeps_its_order(client):
    answer = client.embeddings.create(model="minilm", input=TEXTS)
    assert [item.index for item in answer.data] == [0, 1, 2]
    for item, text in zip(answer.data, TEXTS):
        assert numpy.array_equal(item.embedding, vector(client, text))


def test_usage_is_the_sum(client):
    single = sum(client.embeddings.create(model="minilm", input=text).usage.prompt_tokens for text in TEXTS)
    assert client.embeddings.create(model="minilm", input=TEXTS).usage.total_tokens == single


def test_float_equals_base64(client):
    raw = client.embeddings.with_raw_response.create(model="minilm", input=TEXTS[0], encoding_format="base64")
    data = raw.http_response.json()["data"][0]["embedding"]
    from_base64 = numpy.frombuffer(base64.b64decode(data), "<f4")
    from_float = vector(client, TEXTS[0], encoding_format="float").astype("f4")
    assert numpy.array_equal(from_base64, from_float)


def test_vectors_are_normalised_and_meaningful(client):
    vectors = [vector(client, text) for text in ("a cat", "a kitten", "interest rates")]
    assert [numpy.linalg.norm(v) for v in vectors] == pytest.approx([1, 1, 1], abs=1e-5)
    assert vectors[0] @ vectors[1] > vectors[0] @ vectors[2] + 0.3


def test_dimensions(client):
    short, full = vector(client, TEXTS[0], dimensions=64), vector(client, TEXTS[0])
    assert len(short) == 64
    assert short == pytest.approx(full[:64] / numpy.linalg.norm(full[:64]), abs=1e-5)


def test_async_client(server):
    async def run():
        async with AsyncOpenAI(base_url=server.url + "/v1", api_key="none", max_retries=0) as client:
            return await asyncio.gather(*(client.embeddings.create(model="minilm", input=text) for text in TEXTS * 8))

    answers = asyncio.run(run())
    for i, answer in enumerate(answers):
        assert answer.data[0].embedding == answers[i % len(TEXTS)].data[0].embedding


def test_models(client):
    assert [model.id for model in client.models.list()] == ["minilm"]
    model = client.models.retrieve("minilm")
    assert model.owned_by == "vivace" and model.state == "ready" and model.dimensions == 384
    with pytest.raises(openai.NotFoundError) as raised:
        client.models.retrieve("nobody/nothing")
    assert raised.value.code == "model_not_found"


def test_a_model_tells_the_size_of_its_vectors():
    heads = ROOT / "tests" / "golden" / "heads"
    models = [f"dense={heads}/st-dense", f"labels={heads}/bert-nli", f"writer={ROOT}/tests/golden/t5-code"]
    with Server(models=models) as server:
        assert server.get("/v1/models/dense").json()["dimensions"] == len(server.embed("x", model="dense")[0]) == 16
        for name in ("labels", "writer"):
            assert "dimensions" not in server.get(f"/v1/models/{name}").json()


def test_unknown_model(client):
    with pytest.raises(openai.NotFoundError) as raised:
        client.embeddings.create(model="text-embedding-3-small", input="x")
    assert raised.value.code == "model_not_found" and raised.value.param == "model"
    assert "text-embedding-3-small" in raised.value.message and "/v1/models" in raised.value.message


def test_token_ids_are_refused(client):
    with pytest.raises(openai.BadRequestError, match="token ids are not taken"):
        client.embeddings.create(model="minilm", input=[[101, 7592, 102]])


def test_declared_token_ids_are_taken(server):
    texts = ["A quick brown fox.", "Ein schneller brauner Fuchs."]
    ids = [[token["id"] for token in tokens] for tokens in server.post("/tokenize", {"inputs": texts}).json()]
    assert server.embed(ids, tokenizer="minilm") == server.embed(texts, tokenizer="minilm") == server.embed(texts)
    assert server.embed(ids[0], tokenizer="minilm", model="minilm") == server.embed(texts[:1])
    for fields, status, param in (({"tokenizer": "cl100k_base"}, 400, "tokenizer"), ({"tokenizer": 1}, 400, "tokenizer"),
                                  ({"input": [1, 1 << 20]}, 400, "input"), ({"input": [1, -1]}, 400, "input"),
                                  ({"input": [[1], []]}, 400, "input"), ({"input": [[1], "a"]}, 400, "input"),
                                  ({"input": [101] * 600}, 413, "input"), ({"input": [[1]] * 2049}, 413, "input"),
                                  ({"prompt_name": "query"}, 400, "prompt_name"), ({"tokenizer": None}, 400, "input")):
        answer = server.post("/v1/embeddings", {"input": ids, "tokenizer": "minilm"} | fields)
        assert (answer.status_code, answer.json()["error"]["param"]) == (status, param), answer.text


def test_too_many_dimensions(client):
    with pytest.raises(openai.BadRequestError, match="dimensions") as raised:
        client.embeddings.create(model="minilm", input="x", dimensions=385)
    assert raised.value.param == "dimensions"


def test_what_a_model_cannot_do_is_blamed_on_the_field(tiny_server):
    for fields, param in (({"model": "entailment"}, "model"), ({"prompt_name": "no"}, "prompt_name"),
                          ({"input": "a " * 500, "truncate": False}, "input"), ({"model": "completion"}, "model"),
                          ({"dimensions": 100000, "prompt_name": "no"}, "dimensions")):
        answer = tiny_server.post("/v1/embeddings", {"input": "x", "model": "tiny"} | fields)
        assert answer.json()["error"]["param"] == param, answer.text


def test_truncation_is_visible(server):
    answer = server.post("/v1/embeddings", {"input": ["short", "long " * 1000]}).json()
    assert [item["truncated"] for item in answer["data"]] == [False, True]
    refused = server.post("/v1/embeddings", {"input": "long " * 1000, "truncate": False})
    assert refused.status_code in (400, 413) and "256" in refused.json()["error"]["message"]


def test_prompt_name(server):
    assert server.embed("x", prompt_name="query")
    refused = server.post("/v1/embeddings", {"input": "x", "prompt_name": "nope"})
    assert refused.status_code == 400 and "nope" in refused.json()["error"]["message"]


def test_default_model_and_unknown_fields(server):
    assert server.post("/v1/embeddings", {"input": "x"}).json()["model"] == "minilm"
    assert server.embed("x", user="u", future_field={"a": [1]}) == server.embed("x", model="minilm")


def test_api_key():
    with Server("--api-key", "secret") as server:
        for path in ("/health", "/ready", "/metrics", "/openapi.json", "/"):
            assert server.get(path).status_code == 200, path
        with pytest.raises(openai.AuthenticationError) as raised:
            OpenAI(base_url=server.url + "/v1", api_key="secreT").embeddings.create(model="minilm", input="x")
        assert raised.value.code == "invalid_api_key"
        assert server.get("/v1/models").headers["www-authenticate"] == "Bearer"
        client = OpenAI(base_url=server.url + "/v1", api_key="secret")
        assert len(client.embeddings.create(model="minilm", input="x").data) == 1
        assert "secret" not in server.log()
