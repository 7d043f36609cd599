"""The bundled passages and questions fit together."""

import json
import pathlib

DEMO = pathlib.Path(__file__).resolve().parents[2] / "examples" / "demo"


def read(name):
    return [json.loads(line) for line in (DEMO / name).read_text(encoding="utf-8").splitlines()]


def test_passages_are_many_short_and_different():
    passages = read("passages.jsonl")
    assert len(passages) >= 300
    assert all(set(passage) == {"id", "topic", "text"} for passage in passages)
    assert len({passage["id"] for passage in passages}) == len({passage["text"] for passage in passages}) == len(passages)
    assert len({passage["topic"] for passage in passages}) >= 10
    assert all(20 <= len(passage["text"]) <= 400 for passage in passages)


def test_questions_expect_passages_that_exist():
    ids = {passage["id"] for passage in read("passages.jsonl")}
    queries = read("queries.jsonl")
    assert len(queries) >= 10
    assert all(query["expected"] and set(query["expected"]) <= ids for query in queries)
