"""POST /v1/completions by the openai client, and POST /api/v1/complete: texts equal transformers', streams, errors."""

import json
import socket
import time

import openai
import pytest
from openai import OpenAI

from vivace_server import MODEL, PATIENCE_SECONDS, ROOT, Server

T5 = ROOT / "tests" / "golden" / "t5-code"
LONG = {"max_tokens": 500, "temperature": 1, "n": 60}  # takes seconds


@pytest.fixture(scope="module")
def writer():
    with Server("--precision", "fp32", models=[f"minilm={MODEL}", f"completion={T5}"]) as running:
        yield running


@pytest.fixture(scope="module")
def client(writer):
    return OpenAI(base_url=writer.url + "/v1", api_key="none", timeout=PATIENCE_SECONDS, max_retries=0)


@pytest.fixture(scope="module")
def rows():
    return [json.loads(line) for line in (T5 / "snippets.jsonl").read_text().splitlines()][::25]


def test_texts_equal_transformers(client, rows):
    for row in rows:
        answer = client.completions.create(model="completion", prompt=row["code"], max_tokens=24)
        (choice,) = answer.choices
        assert choice.text == row["text"] and choice.index == 0
        assert choice.finish_reason == ("stop" if row["token_ids"][-1] == 2 else "length")
        assert answer.object == "text_completion" and answer.model == "completion" and answer.id.startswith("cmpl-")
        assert abs(answer.created - time.time()) < 3600
        assert answer.usage.completion_tokens == len(row["token_ids"])
        assert answer.usage.total_tokens == answer.usage.prompt_tokens + answer.usage.completion_tokens


def test_streamed_texts_are_the_texts(client, rows):
    for row in rows:
        stream = client.completions.create(model="completion", prompt=row["code"], max_tokens=23, stream=True,
                                           stream_options={"include_usage": True})
        chunks = list(stream)
        whole = client.completions.create(model="completion", prompt=row["code"], max_tokens=23)
        text = "".join(choice.text for chunk in chunks for choice in chunk.choices)
        assert text == whole.choices[0].text
        finished = [choice.finish_reason for chunk in chunks for choice in chunk.choices if choice.finish_reason]
        assert finished == [whole.choices[0].finish_reason]
        assert chunks[-1].choices == [] and chunks[-1].usage == whole.usage
        assert len({chunk.id for chunk in chunks}) == 1


def test_several_prompts_and_choices(client, rows):
    prompts = [row["code"] for row in rows[:3]]
    answer = client.completions.create(model="completion", prompt=prompts, max_tokens=24)
    assert [choice.text for choice in answer.choices] == [row["text"] for row in rows[:3]]
    assert [choice.index for choice in answer.choices] == [0, 1, 2]
    sampled = {"model": "completion", "prompt": prompts[:2], "max_tokens": 16, "n": 3, "seed": 4}
    whole = client.completions.create(**sampled)
    assert [choice.index for choice in whole.choices] == list(range(6))
    assert len({choice.text for choice in whole.choices}) > 2
    texts = [""] * 6
    for chunk in client.completions.create(**sampled, stream=True):
        for choice in chunk.choices:
            texts[choice.index] += choice.text
    assert texts == [choice.text for choice in whole.choices]


def test_stop_and_echo(client, rows):
    row = max(rows, key=lambda row: len(row["text"].strip("\ufffd")))
    stop = row["text"][3:5]
    expected = row["text"][:row["text"].index(stop)]
    for value in (stop, ["never seen", stop]):
        answer = client.completions.create(model="completion", prompt=row["code"], max_tokens=24, stop=value, echo=True)
        assert answer.choices[0].text == row["code"] + expected and answer.choices[0].finish_reason == "stop"
    streamed = client.completions.create(model="completion", prompt=row["code"], max_tokens=24, stop=stop, echo=True,
                                         stream=True)
    assert "".join(choice.text for chunk in streamed for choice in chunk.choices) == row["code"] + expected


@pytest.mark.parametrize("fields, status", [({"model": "missing"}, 404), ({"max_tokens": 5000}, 400), ({"suffix": "x" * 9000}, 413)])
def test_an_echo_is_sent_only_for_what_is_accepted(writer, fields, status):
    body = {"prompt": ["x = ", "y = "], "n": 2, "echo": True, "stream": True, "model": "completion"} | fields
    answer = writer.post("/v1/completions", body)
    assert answer.status_code == status and answer.headers["content-type"] == "application/json", answer.text


def test_every_event_names_the_model_and_tells_the_usage(writer):
    body = {"prompt": "def f", "max_tokens": 4, "echo": True, "stream": True}
    for options in ({}, {"stream_options": {"include_usage": True}}):
        lines = writer.post("/v1/completions", body | options).text.split("\n\n")
        events = [json.loads(line.removeprefix("data: ")) for line in lines if line and line != "data: [DONE]"]
        assert len(events) > 1 and {event["model"] for event in events} == {"completion"}
        if options:
            assert [event["usage"] for event in events[:-1]] == [None] * (len(events) - 1)
            assert events[-1]["usage"]["completion_tokens"] > 0
        else:
            assert all("usage" not in event for event in events)


def test_seeds_have_64_bits(client):
    options = {"model": "completion", "prompt": "def f", "max_tokens": 12, "temperature": 1, "logit_bias": {}}
    seeds = [1, 2**32 + 1, 2**63 - 1, -(2**63)]
    texts = [client.completions.create(seed=seed, **options).choices[0].text for seed in seeds]
    assert texts[0] == client.completions.create(seed=1, **options).choices[0].text
    assert len(set(texts)) > 1


def test_each_choice_has_its_prompt_first(client):
    chunks = client.completions.create(model="completion", prompt=["x = ", "y = "], n=2, max_tokens=3, echo=True, stream=True)
    texts = [""] * 4
    for chunk in chunks:
        for choice in chunk.choices:
            texts[choice.index] += choice.text
    assert [text[:4] for text in texts] == ["x = ", "x = ", "y = ", "y = "]


def test_a_prompt_that_is_cut_is_counted(writer):
    series = "vivace_engine_truncated_texts_total"
    before = writer.metric(series, model="completion")
    answer = writer.post("/v1/completions", {"prompt": "value = value + 1\n" * 2000, "max_tokens": 2}).json()
    assert answer["choices"][0]["truncated"] is True
    assert writer.metric(series, model="completion") == before + 1


def test_suffix(client, writer):
    gap = json.loads((T5 / "gaps.jsonl").read_text().splitlines()[0])
    answer = client.completions.create(model="completion", prompt=gap["code"], suffix=gap["suffix"], max_tokens=24)
    assert gap["text"].startswith(answer.choices[0].text)


def test_deadline_gives_what_is_written(client):
    answer = client.completions.create(model="completion", prompt="while True:", **LONG, extra_body={"deadline_ms": 60})
    assert {choice.finish_reason for choice in answer.choices} <= {"deadline", "stop"}
    assert "deadline" in {choice.finish_reason for choice in answer.choices}


@pytest.mark.parametrize("fields, error, param", [
    ({"max_tokens": 0}, openai.BadRequestError, "max_tokens"),
    ({"max_tokens": 5000}, openai.BadRequestError, "max_tokens"),
    ({"logprobs": 0}, openai.BadRequestError, "logprobs"),
    ({"logprobs": 2}, openai.BadRequestError, "logprobs"),
    ({"best_of": 3}, openai.BadRequestError, "best_of"),
    ({"presence_penalty": 1}, openai.BadRequestError, "presence_penalty"),
    ({"logit_bias": {"50256": -100}}, openai.BadRequestError, "logit_bias"),
    ({"seed": 2**64}, openai.BadRequestError, "seed"),
    ({"temperature": -1}, openai.BadRequestError, "temperature"),
    ({"temperature": 1, "top_p": 0}, openai.BadRequestError, "top_p"),
    ({"stop": [""]}, openai.BadRequestError, "stop"),
    ({"prompt": ""}, openai.BadRequestError, "prompt"),
    ({"prompt": [[1, 2]]}, openai.BadRequestError, "prompt"),
    ({"model": "missing"}, openai.NotFoundError, "model"),
    ({"model": "minilm"}, openai.BadRequestError, "model"),
])
@pytest.mark.parametrize("stream", [False, True])
def test_errors(client, fields, error, param, stream):
    with pytest.raises(error) as raised:
        client.completions.create(**({"model": "completion", "prompt": "x = ", "stream": stream} | fields))
    assert raised.value.param == param
    assert "max_new_tokens" not in raised.value.message


def test_complete(writer, rows):
    for row in rows:
        answer = writer.post("/api/v1/complete", {"code": row["code"], "strategy": "NONE", "max_new_tokens": 22,
                                                  "language": row["language"], "deadline_ms": 60000}).json()
        assert row["text"].startswith(answer["text"].rstrip("\ufffd")) and answer["language"] == row["language"]
        assert answer["strategy"] == "NONE" and answer["modelName"] == "completion" and answer["source"] == "model"
        assert {"tokenizeMs", "queueMs", "encodeMs", "decodeMs", "detokenizeMs"} == set(answer["timings"])
    again = writer.post("/api/v1/complete", {"code": row["code"], "strategy": "NONE", "max_new_tokens": 22}).json()
    assert again["source"] == "cache" and again["text"] == answer["text"]
    default = writer.post("/api/v1/complete", {"code": "def add("}).json()
    assert default["strategy"] == "TASK_PREFIX" and default["reasoning"]


def test_complete_has_the_default_deadline(writer):
    answer = writer.post("/api/v1/complete", {"code": "for x in y:", "max_new_tokens": 500, "min_new_tokens": 500, "temperature": 1,
                                              "num_return_sequences": 60}).json()
    assert answer["finish_reason"] == "deadline" and len(answer["alternatives"]) == 60


def test_complete_errors(writer):
    for body, status in [({}, 400), ({"code": ""}, 400), ({"code": "x", "strategy": "MAGIC"}, 400),
                         ({"code": "x", "modelName": "missing"}, 404), ({"code": "x", "modelName": "minilm"}, 400),
                         ({"code": "x" * (1 << 20) + "x"}, 413)]:
        answer = writer.post("/api/v1/complete", body)
        assert answer.status_code == status and answer.json()["error"]["message"], answer.text
    for field, value in {"max_new_tokens": 5000, "temperature": -1, "stop": "", "modelName": "missing"}.items():
        answer = writer.post("/api/v1/complete", {"code": "x", field: value}).json()
        assert answer["error"]["details"] == {"param": field}


def test_an_earlier_answer_is_cut_and_has_its_prompts_choice():
    keys = ["--precision", "fp32", "--admin-key", "sesame"]
    with Server(*keys, models=[f"completion={T5}"]) as server:
        body = {"prompt": ["x = ", "def f"], "max_tokens": 20}
        whole = server.post("/v1/completions", body).json()["choices"]
        admin = {"authorization": "Bearer sesame"}
        assert server.post("/v1/models/completion/unload", {}, headers=admin).status_code == 200
        body |= {"n": 2, "max_tokens": 3, "temperature": 1, "echo": True}
        answer = server.post("/v1/completions", body).json()
        assert [choice["index"] for choice in answer["choices"]] == [0, 2]
        assert answer["usage"]["completion_tokens"] == 6
        for prompt, choice, full in zip(body["prompt"], answer["choices"], whole):
            assert choice["source"] == "fallback" and choice["finish_reason"] == "length"
            assert (prompt + full["text"]).startswith(choice["text"]) and len(choice["text"]) < len(prompt + full["text"])
        lines = server.post("/v1/completions", body | {"stream": True}).content.decode().split("\n\n")
        events = [json.loads(line.removeprefix("data: ")) for line in lines if line and line != "data: [DONE]"]
        streamed = {}
        for event in events:
            for choice in event["choices"]:
                streamed[choice["index"]] = streamed.get(choice["index"], "") + choice["text"]
        assert streamed == {choice["index"]: choice["text"] for choice in answer["choices"]}
        finished = [choice["index"] for event in events for choice in event["choices"] if choice["finish_reason"]]
        assert finished == [0, 2]
        assert server.post("/v1/completions", body | {"suffix": " + 1"}).status_code == 503, "it was written for no gap"


def test_c002_13_the_breaker_of_a_model_that_writes_is_shown():
    keys = ["--precision", "fp32", "--completion-deadline-ms", "1", "--breaker-pause-seconds", "60"]
    with Server(*keys, models=[f"completion={T5}"]) as server:
        known = {"code": "x = ", "deadline_ms": 60000}
        for source in ("model", "cache"):
            assert server.post("/api/v1/complete", known).json()["source"] == source
        assert server.metric("vivace_completion_cache_hits_total", of="code") == 1
        assert server.metric("vivace_completion_cache_misses_total") == 1
        assert server.metric("vivace_breaker_opened_total", model="completion") == 0

        def ask_too_much():
            code = "value = value + 1\n" * 2000 + str(time.monotonic())
            server.post("/api/v1/complete", {"code": code, "num_return_sequences": 60, "temperature": 1})
            return server.metric("vivace_breaker_opened_total", model="completion") == 1
        server.wait_until(ask_too_much)
        assert server.metric("vivace_breaker_state", model="completion", state="open") == 1
        breaker = server.get("/v1/models/completion").json()["breaker"]
        assert breaker["state"] == "open" and breaker["opened"] == 1
        assert breaker["retry_after_seconds"] > 5, "longer than by default"
        answer = server.post("/api/v1/complete", known | {"strategy": "NONE"}).json()
        assert answer["source"] == "fallback" and "left alone" in answer["degradedReason"]
        assert server.metric("vivace_completion_fallbacks_total") == 1
        assert server.metric("vivace_breaker_refused_total", model="completion") >= 1


def test_without_a_model_that_writes(server):
    for path, body in [("/v1/completions", {"prompt": "x"}), ("/api/v1/complete", {"code": "x"})]:
        answer = server.post(path, body)
        assert answer.status_code == 503 and "completion" in answer.text and answer.headers["retry-after"]


def metric(writer, name):
    return next(float(line.split()[-1]) for line in writer.get("/metrics").text.splitlines() if line.startswith(name + " "))


@pytest.mark.parametrize("stream", [False, True])
def test_a_closed_connection_cancels(writer, stream):
    before = metric(writer, "vivace_http_disconnects_total")
    body = json.dumps({"prompt": f"left alone {stream}", "model": "completion", "stream": stream, **LONG}).encode()
    with socket.create_connection(("127.0.0.1", writer.port)) as connection:
        connection.sendall(b"POST /v1/completions HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n"
                           b"content-length: %d\r\n\r\n%s" % (len(body), body))
        if stream:
            assert connection.recv(4096).startswith(b"HTTP/1.1 200")
        else:  # the other one is the request for the metrics
            writer.wait_until(lambda: metric(writer, "vivace_http_requests_in_flight") >= 2)
        # A reset, as from a killed client.
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
    writer.wait_until(lambda: metric(writer, "vivace_http_disconnects_total") > before)
    assert writer.post("/v1/completions", {"prompt": "still there", "max_tokens": 2}).status_code == 200


def test_http_1_0_streams_until_the_end(writer, rows):
    body = json.dumps({"prompt": rows[0]["code"], "max_tokens": 24, "stream": True}).encode()
    with socket.create_connection(("127.0.0.1", writer.port)) as connection:
        connection.sendall(b"POST /v1/completions HTTP/1.0\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n%s"
                           % (len(body), body))
        answer = b""
        while piece := connection.recv(65536):
            answer += piece
    head, events = answer.split(b"\r\n\r\n", 1)
    assert b"chunked" not in head and b"text/event-stream" in head and events.endswith(b"data: [DONE]\n\n")
    texts = [json.loads(event[6:])["choices"][0]["text"] for event in events.decode().split("\n\n")[:-2]]
    assert "".join(texts) == rows[0]["text"]
