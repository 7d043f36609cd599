"""Bodies that are wrong: each gets a clear answer in OpenAI's shape, and the next request works."""

import pytest

CASES = [
    ("not JSON", b"{", 400, "not valid JSON", None),
    ("empty body", b"", 400, "not valid JSON", None),
    ("not UTF-8", b'{"input":"\xff\xfe"}', 400, "not valid JSON", None),
    ("lone surrogate", rb'{"input":"\ud800"}', 400, "not valid JSON", None),
    ("control character", b'{"input":"a\x00b"}', 400, "not valid JSON", None),
    ("two documents", b'{"input":"a"}{"input":"b"}', 400, "not valid JSON", None),
    ("deep", b'{"input":' + b"[" * 5000 + b"]" * 5000 + b"}", 400, "nested deeper than 64", None),
    ("very deep", b"[" * 1_000_000, 400, "not valid JSON", None),
    ("an array", b"[]", 400, "expected an object", None),
    ("no input", b"{}", 400, "'input' is missing", "input"),
    ("null input", b'{"input":null}', 400, "expected a string or a list of strings", "input"),
    ("number input", b'{"input":3}', 400, "expected a string or a list of strings", "input"),
    ("object input", b'{"input":{"text":"a"}}', 400, "expected a string or a list of strings", "input"),
    ("empty text", b'{"input":""}', 400, "is empty", "input"),
    ("empty text in a list", b'{"input":["a",""]}', 400, "input[1]: is empty", "input"),
    ("empty list", b'{"input":[]}', 400, "is an empty list", "input"),
    ("mixed list", b'{"input":["a",1]}', 400, "input[1]: expected a string", "input"),
    ("token ids", b'{"input":[1,2,3]}', 400, "token ids are not taken", "input"),
    ("model is a number", b'{"input":"a","model":1}', 400, "model: expected a string", "model"),
    ("model is unknown", b'{"input":"a","model":"x"}', 404, "'x' is not served", "model"),
    ("model name is endless", b'{"input":"a","model":"' + b"x" * 100_000 + b'"}', 404, "more than 256 bytes", "model"),
    ("a key twice", b'{"input":"a","model":"minilm","input":"b"}', 400, "'input' occurs twice", None),
    ("a key twice inside", b'{"input":"a","metadata":[{"x":{"k":1,"k":2}}]}', 400, "'k' occurs twice", None),
    ("dimensions is text", b'{"input":"a","dimensions":"8"}', 400, "dimensions: expected an integer", "dimensions"),
    ("dimensions is zero", b'{"input":"a","dimensions":0}', 400, "dimensions: is 0", "dimensions"),
    ("dimensions is negative", b'{"input":"a","dimensions":-1}', 400, "dimensions: is -1", "dimensions"),
    ("format is unknown", b'{"input":"a","encoding_format":"hex"}', 400, "expected", "encoding_format"),
    ("truncate is text", b'{"input":"a","truncate":"yes"}', 400, "expected a boolean", "truncate"),
    ("a long text", b'{"input":"' + b"word " * 2_000_000 + b'"}', 413, "more than the 1048576", "input"),
    ("many texts", b'{"input":["a"' + b',"a"' * 2048 + b"]}", 413, "2049 texts, more than the 2048", "input"),
]


@pytest.mark.parametrize("body, status, message, param", [case[1:] for case in CASES], ids=[case[0] for case in CASES])
def test_refusal(server, body, status, message, param):
    response = server.post("/v1/embeddings", data=body, headers={"content-type": "application/json"})
    error = response.json()["error"]
    assert (response.status_code, error["param"]) == (status, param), error
    assert message in error["message"] and "\n" not in error["message"] and len(error["message"]) < 400
    assert set(error) == {"message", "type", "param", "code"}
    assert len(server.embed("still alive")[0]) == 384


@pytest.mark.parametrize("text", ["\0", "\u200b", " ", "\n\n", "🎻" * 300, "e\u0301", "a" * 100_000, "ก" * 5000,
                                  "[CLS] [SEP] [MASK]"])
def test_odd_texts_are_texts(server, text):
    assert len(server.embed(text)[0]) == 384


def test_most_texts_of_one_request(server):
    vectors = server.embed(["a", "b"] * 1024)
    assert len(vectors) == 2048 and vectors[0] == vectors[2046] != vectors[1]


def test_tokenize(server):
    tokens = server.post("/tokenize", {"inputs": "héllo wörlding"}).json()[0]
    assert [token["token"] for token in tokens] == ["[CLS]", "hello", "world", "##ing", "[SEP]"]
    assert [token["text"] for token in tokens][1:-1] == ["héllo", "wörld", "ing"]
    assert [(token["start"], token["stop"]) for token in tokens] == [(None, None), (0, 5), (6, 11), (11, 14), (None, None)]
    assert [token["special"] for token in tokens] == [True, False, False, False, True]
    plain = server.post("/tokenize", {"inputs": ["a", "b c"], "add_special_tokens": False}).json()
    assert [len(tokens) for tokens in plain] == [1, 2]


@pytest.mark.parametrize("body, status", [({}, 422), ({"inputs": ""}, 400), ({"inputs": [1]}, 422),
                                          ({"inputs": []}, 400), ({"inputs": ["a", ""]}, 400), ({"inputs": "x", "prompt_name": "no"}, 422),
                                          ({"inputs": "x", "model": "nope"}, 404), ({"inputs": "x" * 70000}, 422),
                                          ({"inputs": ["x" * 40000] * 2}, 422),
                                          ({"inputs": "x", "add_special_tokens": 1}, 422)])
def test_tokenize_refusals_have_teis_shape(server, body, status):
    response = server.post("/tokenize", body)
    assert response.status_code == status
    assert set(response.json()) == {"error", "error_type"}
    assert response.json()["error_type"] == ("Empty" if status == 400 else "Validation")


def test_tokenize_takes_prompts_and_models_that_write(tiny_server):
    plain, prompted = (tiny_server.post("/tokenize", {"inputs": "fe six", "model": "tiny"} | more).json()[0]
                       for more in ({}, {"prompt_name": "query"}))
    assert [token["id"] for token in prompted][-len(plain) + 1:] == [token["id"] for token in plain][1:]
    assert len(prompted) > len(plain) and prompted[-2]["stop"] > plain[-2]["stop"]
    code = tiny_server.post("/tokenize", {"inputs": "def f():", "model": "completion"}).json()[0]
    assert "".join(token["text"] for token in code if not token["special"]) == "def f():"
