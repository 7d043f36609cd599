"""The open inference protocol under /v2, by Triton's HTTP client and by hand: the same answers as from the other routes."""

import json

import numpy
import pytest
import tritonclient.http as triton

from kserve_client import ask_with_kserve
from test_tasks import command_line
from vivace_server import PATIENCE_SECONDS, ROOT, Server

GOLDEN = ROOT / "tests" / "golden"
HEADS = GOLDEN / "heads"
TEXTS = ["old letters from the fog", "the fog", "a" * 9 + " wolf"]


@pytest.fixture(scope="module")
def kserve():
    models = [f"vectors={GOLDEN}/tiny-bert", f"writer={GOLDEN}/t5-code"]
    models += [f"{name}={HEADS}/bert-{name}" for name in ("moods", "nli", "tags", "rank", "fill")]
    with Server("--rate-limits", "off", "--precision", "fp32", models=models) as server:
        yield server


@pytest.fixture(scope="module")
def client(kserve):
    with triton.InferenceServerClient(f"127.0.0.1:{kserve.port}", network_timeout=PATIENCE_SECONDS,
                                      connection_timeout=PATIENCE_SECONDS) as open_client:
        yield open_client


def tensor(name, texts, binary=True):
    values = numpy.array([text.encode() for text in texts], dtype=object)
    made = triton.InferInput(name, [len(texts)], "BYTES")
    made.set_data_from_numpy(values, binary_data=binary)
    return made


def infer(client, model, inputs, **options):
    return client.infer(model, [tensor(name, texts) for name, texts in inputs.items()], **options)


def ask(server, model, inputs, status=200, **more):
    body = {"inputs": [{"name": name, "shape": [len(texts)], "datatype": "BYTES", "data": texts} for name, texts in inputs.items()]}
    answer = server.post(f"/v2/models/{model}/infer", json=body | more)
    assert answer.status_code == status, answer.text
    return answer.json()


def outputs(answer):
    return {output["name"]: output for output in answer["outputs"]}


def openai_vectors(server, texts, **more):
    answer = server.post("/v1/embeddings", json={"model": "vectors", "input": texts, **more}).json()
    return numpy.array([item["embedding"] for item in answer["data"]], "f4")


def test_health_and_metadata(kserve, client):
    assert client.is_server_live() and client.is_server_ready()
    assert client.is_model_ready("vectors") and client.is_model_ready("vectors", "1")
    assert not client.is_model_ready("nobody")
    assert client.get_server_metadata()["name"] == "vivace"
    model = client.get_model_metadata("vectors")
    assert model["name"] == "vectors" and model["versions"] == ["1"] and model["properties"]["task"] == "embedding"
    assert model["inputs"] == [{"name": "text", "datatype": "BYTES", "shape": [-1]}]
    assert model["outputs"][0] == {"name": "embedding", "datatype": "FP32", "shape": [-1, 72]}
    labels = json.loads(client.get_model_metadata("moods", "1")["properties"]["labels"])
    assert labels[0] == "joy" and len(labels) == client.get_model_metadata("moods")["outputs"][0]["shape"][1]
    assert set(kserve.get("/v2/models").json()["models"]) == {"vectors", "writer", "moods", "nli", "tags", "rank", "fill"}


@pytest.mark.parametrize("binary", [True, False])
def test_vectors(kserve, client, binary):
    answer = client.infer("vectors", [tensor("text", TEXTS, binary)], request_id="mine",
                          outputs=[triton.InferRequestedOutput("embedding", binary_data=binary)])
    assert numpy.array_equal(answer.as_numpy("embedding"), openai_vectors(kserve, TEXTS))
    assert answer.get_response()["id"] == "mine" and answer.get_response()["model_version"] == "1"
    assert answer.as_numpy("truncated") is None  # was not asked for


@pytest.mark.parametrize("way", ["rest", "rest-binary"])
def test_kserves_own_client(kserve, way):
    assert numpy.array_equal(ask_with_kserve(way, kserve, "vectors", TEXTS), openai_vectors(kserve, TEXTS))


def test_parameters_of_vectors(kserve):
    assert outputs(ask(kserve, "vectors", {"text": TEXTS}, parameters={"dimensions": 8}))["embedding"]["shape"] == [3, 8]
    normalized = numpy.array(outputs(ask(kserve, "vectors", {"text": TEXTS}, parameters={"normalize": True}))["embedding"]["data"])
    assert numpy.allclose(numpy.linalg.norm(normalized.reshape(3, -1), axis=1), 1, atol=1e-5)
    for parameters in ({"dimensions": "8"}, {"dimensions": 0}, {"dimensions": 73}, {"normalize": 1}, {"prompt_name": "none such"},
                       {"truncate": "yes"}, {"timeout": -1}):
        assert ask(kserve, "vectors", {"text": TEXTS}, 400, parameters=parameters)["error"]


def test_cut_texts_are_told(kserve, client):
    long_text = "fog " * 500
    answer = infer(client, "vectors", {"text": ["fog", long_text]})
    assert answer.as_numpy("truncated").tolist() == [False, True]
    assert answer.get_response()["parameters"] == {"truncated_texts": 1}
    one = {"name": "text", "shape": [1], "datatype": "BYTES", "data": [long_text]}
    body = {"inputs": [one], "outputs": [{"name": "embedding"}]}
    told = kserve.post("/v2/models/vectors/infer", json=body)
    assert told.headers["x-truncated-texts"] == "1" and told.json()["parameters"] == {"truncated_texts": 1}
    assert "error" in ask(kserve, "vectors", {"text": [long_text]}, 413, parameters={"truncate": False})


def test_labels_in_the_models_order(kserve, client):
    expected = command_line("classify", "moods", *TEXTS)
    answer = infer(client, "moods", {"text": TEXTS})
    names = json.loads(client.get_model_metadata("moods")["properties"]["labels"])
    for row, best, result in zip(answer.as_numpy("scores"), answer.as_numpy("label"), expected, strict=True):
        scores = {label["label"]: label["score"] for label in result["labels"]}
        assert row.tolist() == pytest.approx([scores[name] for name in names], abs=1e-7)
        assert best.decode() == result["labels"][0]["label"]
    logits = infer(client, "moods", {"text": TEXTS[:1]}, parameters={"activation": "none"}).as_numpy("scores")[0]
    raw = {label["label"]: label["score"] for label in command_line("classify", "moods", "--activation", "none", TEXTS[0])[0]["labels"]}
    assert logits.tolist() == pytest.approx([raw[name] for name in names], abs=1e-6)


def test_pairs_are_entailment(kserve, client):
    answer = infer(client, "nli", {"text": TEXTS[:1], "text_pair": TEXTS[1:2]})
    expected = kserve.post("/v1/entail", json={"premise": TEXTS[0], "hypothesis": TEXTS[1]}).json()["results"][0]
    names = [name.lower() for name in json.loads(client.get_model_metadata("nli")["properties"]["labels"])]
    assert dict(zip(names, answer.as_numpy("scores")[0].tolist(), strict=True)) == pytest.approx(expected["scores"], abs=1e-6)
    refused = ask(kserve, "nli", {"text": TEXTS, "text_pair": TEXTS[:1]}, 400)
    assert "as many" in refused["error"]


def test_ranking_in_the_order_of_the_documents(kserve, client):
    answer = infer(client, "rank", {"query": TEXTS[:1], "documents": TEXTS})
    expected = kserve.post("/v2/rerank", json={"model": "rank", "query": TEXTS[0], "documents": TEXTS}).json()["results"]
    scores = {row["index"]: row["relevance_score"] for row in expected}
    assert answer.as_numpy("scores").tolist() == pytest.approx([scores[i] for i in range(3)], abs=1e-7)
    assert "takes one" in ask(kserve, "rank", {"query": TEXTS[:2], "documents": TEXTS}, 400)["error"]
    pairs = infer(client, "rank", {"text": TEXTS[:1] * 3, "text_pair": TEXTS})
    assert pairs.as_numpy("scores").tolist() == pytest.approx(answer.as_numpy("scores").tolist(), abs=1e-7)
    for inputs in ({"query": TEXTS[:1]}, {"documents": TEXTS}, {"query": TEXTS[:1], "documents": TEXTS, "text": TEXTS},
                   {"query": TEXTS[:1], "documents": TEXTS, "text_pair": TEXTS}, {"text_pair": TEXTS}):
        assert "'query' and 'documents'" in ask(kserve, "rank", inputs, 400)["error"]


def test_a_model_of_one_number_reads_texts(kserve, client):
    expected = command_line("classify", "rank", *TEXTS)
    scores = infer(client, "rank", {"text": TEXTS}).as_numpy("scores")
    assert scores.tolist() == pytest.approx([result["labels"][0]["score"] for result in expected], abs=1e-7)


def test_tags_and_masks_are_json(kserve, client):
    tags = [json.loads(row) for row in infer(client, "tags", {"text": TEXTS}).as_numpy("tags")]
    expected = kserve.post("/v1/tag", json={"inputs": TEXTS}).json()["results"]
    assert tags == [{key: row[key] for key in ("words", "spans")} for row in expected]
    masked = "old [MASK] from the fog"
    fills = json.loads(infer(client, "fill", {"text": [masked]}, parameters={"top_k": 3}).as_numpy("masks")[0])
    reference = kserve.post("/v1/classify", json={"model": "fill", "text": masked, "top_k": 3}).json()["results"][0]
    assert fills == {"labels": reference["labels"]}


def test_a_model_that_writes(kserve, client):
    prompt = "def add(a, b):"
    answer = infer(client, "writer", {"prompt": [prompt]}, parameters={"max_tokens": 12})
    reference = kserve.post("/v1/completions", json={"model": "writer", "prompt": prompt, "max_tokens": 12}).json()["choices"][0]
    assert answer.as_numpy("text")[0].decode() == reference["text"]
    assert answer.as_numpy("finish_reason")[0].decode() == reference["finish_reason"]
    assert ask(kserve, "writer", {"prompt": [prompt]}, 400, parameters={"temperature": "hot"})["error"]
    assert ask(kserve, "writer", {"prompt": [prompt]}, 400, parameters={"max_tokens": 100000})["error"]


def test_data_may_be_nested_and_versions_named(kserve):
    nested = {"name": "text", "shape": [3, 1], "datatype": "BYTES", "data": [[text] for text in TEXTS]}
    answer = kserve.post("/v2/models/vectors/versions/1/infer", json={"inputs": [nested]})
    values = numpy.array(outputs(answer.json())["embedding"]["data"], "f4")
    assert numpy.array_equal(values.reshape(3, -1), openai_vectors(kserve, TEXTS))
    assert kserve.get("/v2/models/vectors/versions/1").json()["name"] == "vectors"
    assert kserve.get("/v2/models/vectors/versions/1/ready").json() == {"name": "vectors", "ready": True}
    assert kserve.get("/v2/models/vectors/versions/").status_code == 404
    for path in ("/v2/models/vectors/versions/2", "/v2/models/vectors/versions/2/ready", "/v2/models/nobody"):
        refused = kserve.get(path)
        assert refused.status_code == 404 and isinstance(refused.json()["error"], str)


def input_of(**changes):
    return {"inputs": [{"name": "text", "shape": [1], "datatype": "BYTES", "data": ["fog"]} | changes]}


@pytest.mark.parametrize("body, told", [
    ({}, "inputs"), ({"inputs": []}, "inputs"), ({"inputs": ["fog"]}, "inputs[0]"), (input_of(name="words"), "it takes: text"),
    (input_of(datatype="INT64", data=[1]), "BYTES"), (input_of(shape=[2]), "shape"), (input_of(shape=[-1]), "shape"),
    (input_of(shape=[]), "shape"), (input_of(data="fog"), "list"), (input_of(data=[""]), "empty"),
    (input_of(data=[]), "no text"), (input_of(data=[7]), "texts"), (input_of(data=[[[[[[[[[["fog"]]]]]]]]]]), "texts"),
    (input_of(parameters={"binary_data_size": 3}), "binary_data_size"), ({"inputs": input_of()["inputs"] * 2}, "twice"),
    (input_of() | {"outputs": [{"name": "nothing"}]}, "it gives: embedding"), (input_of() | {"outputs": [{}]}, "name"),
    (input_of() | {"parameters": {"binary_data_output": 1}}, "binary_data_output"), (input_of() | {"parameters": []}, "parameters"),
    (input_of() | {"parameters": {"dimensions": [8]}}, "dimensions"), (input_of() | {"parameters": {"truncate": {"a": 1}}}, "truncate"),
    (input_of() | {"outputs": [{"name": "embedding"}] * 2}, "twice"),
    (input_of() | {"outputs": [{"name": "embedding", "parameters": {"binary_data": "true"}}]}, "binary_data"),
    (input_of() | {"outputs": [{"name": "embedding", "parameters": {"classification": 2}}]}, "classification"),
    (input_of() | {"outputs": [{"name": "embedding", "parameters": {"shared_memory_region": "r"}}]}, "shared_memory_region"),
    ({"inputs": [{"name": "text", "shape": [1], "datatype": "BYTES", "parameters": {"shared_memory_region": "r"}}]}, "shared_memory")])
def test_bad_requests(kserve, body, told):
    answer = kserve.post("/v2/models/vectors/infer", json=body)
    assert answer.status_code == 400 and told in answer.json()["error"], answer.text


def test_too_many_dimensions_and_tensors(kserve):
    for body in (input_of(shape=[1] * 9), {"inputs": input_of()["inputs"] * 17}):
        answer = kserve.post("/v2/models/vectors/infer", json=body)
        assert answer.status_code == 413 and "limit" in answer.json()["error"]


def post_binary(server, tail, size, header=None):
    head = json.dumps({"inputs": [{"name": "text", "shape": [1], "datatype": "BYTES", "parameters": {"binary_data_size": size}}]}).encode()
    length = str(len(head)) if header is None else header
    return server.post("/v2/models/vectors/infer", data=head + tail,
                       headers={"inference-header-content-length": length, "content-type": "application/octet-stream"})


def test_bad_bytes(kserve):
    fog = b"\x03\x00\x00\x00fog"
    assert post_binary(kserve, fog, 7).status_code == 200
    refused = [(fog[:-1], 7, None), (fog, 6, None), (fog, 8, None), (fog + b"x", 7, None), (fog, -1, None), (fog, "7", None),
               (b"\x03\x00\x00", 3, None), (b"\x02\x00\x00\x00\xff\xff", 6, None), (b"\x00\x00\x00\x00", 4, None),
               (fog, 7, "100000"), (fog, 7, "seven"), (fog, 7, "-1"), (fog, 7, "3")]
    for tail, size, header in refused:
        answer = post_binary(kserve, tail, size, header)
        assert answer.status_code == 400 and answer.json()["error"], (tail, size, header)
    both = json.dumps(input_of(parameters={"binary_data_size": 7})).encode()
    answer = kserve.post("/v2/models/vectors/infer", data=both + fog, headers={"inference-header-content-length": str(len(both))})
    assert answer.status_code == 400 and "one of them" in answer.json()["error"]
    assert kserve.post("/v1/embeddings", data=b"{}", headers={"content-type": "application/octet-stream"}).status_code == 415


def test_limits():
    flags = ("--max-texts-per-request", "2", "--max-text-bytes", "8")
    with Server("--rate-limits", "off", *flags, models=[f"vectors={GOLDEN}/tiny-bert"]) as server:
        for texts in (["a", "b", "c"], ["a" * 9]):
            assert "error" in ask(server, "vectors", {"text": texts}, 413)
            with triton.InferenceServerClient(f"127.0.0.1:{server.port}") as client, pytest.raises(triton.InferenceServerException):
                infer(client, "vectors", {"text": texts})


def test_a_model_loaded_when_asked_is_waited_for():
    with Server("--rate-limits", "off", "--model-loading", "when_asked", models=[f"vectors={GOLDEN}/tiny-bert",
                                                                                f"writer={GOLDEN}/t5-code"]) as server:
        assert server.get("/v2/models/vectors/ready").status_code == 200
        assert outputs(ask(server, "vectors", {"text": TEXTS}))["embedding"]["shape"][0] == 3
        assert outputs(ask(server, "writer", {"prompt": TEXTS[:1]}))["text"]["shape"] == [1]


def test_the_repository_tells_loads_and_unloads():
    """Triton's extension; its clients send no type of their empty bodies."""
    models = [f"vectors={GOLDEN}/tiny-bert", f"writer={GOLDEN}/t5-code"]
    admin = {"Authorization": "Bearer sesame"}
    with (Server("--rate-limits", "off", "--admin-key", "sesame", models=models) as server,
          triton.InferenceServerClient(f"127.0.0.1:{server.port}", network_timeout=PATIENCE_SECONDS) as client):
        assert "model_repository" in client.get_server_metadata()["extensions"]
        ready = [{"name": name, "version": "1", "state": "READY", "reason": ""} for name in ("vectors", "writer")]
        assert sorted(client.get_model_repository_index(), key=lambda model: model["name"]) == ready
        client.unload_model("vectors", headers=admin)
        assert not client.is_model_ready("vectors")
        states = {model["name"]: (model["state"], model["reason"]) for model in client.get_model_repository_index()}
        assert states == {"vectors": ("UNAVAILABLE", "unloaded"), "writer": ("READY", "")}
        assert server.post("/v2/repository/index", json={"ready": True}).json() == ready[1:]
        client.load_model("vectors", headers=admin)
        assert client.is_model_ready("vectors")
        for change in (client.load_model, client.unload_model):
            with pytest.raises(triton.InferenceServerException, match="admin"):
                change("vectors")  # without the key
            with pytest.raises(triton.InferenceServerException, match="nobody"):
                change("nobody", headers=admin)
        wrong = server.post("/v2/repository/index", json={"ready": 1})
        assert wrong.status_code == 400 and "ready" in wrong.json()["error"]


def test_the_key_is_asked_for_but_not_of_probes():
    with Server("--api-key", "secret", models=[f"vectors={GOLDEN}/tiny-bert"]) as server:
        assert server.get("/v2/health/live").json() == {"live": True} and server.get("/v2/health/ready").json() == {"ready": True}
        for path in ("/v2", "/v2/models", "/v2/models/vectors", "/v2/models/vectors/ready"):
            refused = server.get(path)
            assert refused.status_code == 401 and isinstance(refused.json()["error"], str)
            assert server.get(path, headers={"authorization": "Bearer secret"}).status_code == 200
        # A wrong key is told before anything else that is wrong.
        strange = {"inference-header-content-length": "x", "request-timeout-ms": "x"}
        assert server.post("/v2/models/vectors/infer", json={}, headers=strange).status_code == 401
