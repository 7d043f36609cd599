"""What applications are measured with: impact scores, detection, entailment, searches, verification. Starts no contender and
measures nothing."""

import json
import os
import pathlib
import sqlite3
import subprocess
import sys
import time

import numpy as np
import pytest

import cases
import claims
import encoder_peers
import figures
import impact_peers
import impact_rows
import report
import run
import search_rows
import serving
import text_peers
import text_rows
import vector_peers
import vector_store
from test_bench import FACTS, fail, row


def test_rows_of_slow_passes_show_seconds():
    slow = row("detector", unit="s", vivace_serve=12_000.0, openvino=30_000.0)
    assert report.figure(slow, "openvino") == pytest.approx(30.0)
    assert "12.0" in report.text_table([slow]) and "| detector (s) | **12.0** |" in report.markdown_table([slow], FACTS)


def test_rows_of_searches_show_recall_and_who_is_missing():
    found = {**row("search", vivace_serve=1.0, faiss=2.0), "recall": {"vivace serve": 1.0, "faiss": 0.9834},
             "missing": {"pgvector": "built for another CPU"}}
    lines = report.text_table([found]).splitlines()
    assert lines[1].endswith("recall 100 %") and lines[2].endswith("2.00x as fast, recall 98.34 %")
    assert lines[3].endswith("cannot: built for another CPU")
    table = report.markdown_table([found], FACTS)
    assert "faiss 2.00 (recall 98.34 %), pgvector –" in table and "how many of the nearest" in table
    assert "cannot take part here" in report.svg_chart([found], "")


def test_slow_rows_run_only_when_named():
    assert not run.Bench(run.parse_arguments([])).named("detector base 120x50")
    bench = run.Bench(run.parse_arguments(["--only", "Detector base"]))
    assert bench.named(text_rows.detector_name("base", 50)) and not bench.named(text_rows.detector_name("large", 50))
    assert bench.row_name("impact, 8 tokens", "int8") == "impact, 8 tokens int8"


def test_a_row_without_contenders_is_left_out():
    bench = run.Bench(run.parse_arguments(["--rounds", "1", "--quiet-wait", "0"]))
    bench.add_row("nobody", {})
    bench.add_row("one", {"faiss": lambda seconds: figures.round_of([1.0])}, more={"recall": {"faiss": 1.0}})
    assert [(row["case"], row["recall"]) for row in bench.results["rows"]] == [("one", {"faiss": 1.0})]


def test_closed_contenders_are_forgotten():
    class Closing:
        versions, closed = {"x": "1"}, 0

        def close(self):
            self.closed += 1

    bench = run.Bench(run.parse_arguments([]))
    first, second = bench.open(Closing), bench.open(Closing)
    bench.close(first)
    bench.close_all()
    assert (first.closed, second.closed, bench.opened, bench.versions) == (1, 1, [], {"x": "1"})


class FixedEncoder:
    """Gives each text a vector that its ids tell."""
    packages = ()

    def hidden(self, ids, mask):
        vectors = np.zeros((len(ids), 2, 4), dtype=np.float32)
        vectors[:, 0] = [[1, *row[1:4]] for row in ids]
        return vectors


def test_impact_peer_scores_as_the_reference_does():
    def encode(text):
        return [1, len(text), text.count("a"), text.count("e")]

    peer = impact_peers.Impact(FixedEncoder(), encode)
    messages = [{"content": "nothing of note", "from_agent": "a"}, {"content": "Security breach and danger!", "from_agent": "b"}]
    plain = impact_peers.ReferenceScorer(lambda text: [float(x) for x in peer.embed(text)], **impact_peers.GATES)
    for (score, cosine), message in zip(peer.answers(messages), messages, strict=True):
        assert score == pytest.approx(plain.score(message, None)[0], abs=1e-6)
        assert cosine == pytest.approx(plain.nearest(plain.embed(message["content"].lower())), abs=1e-6)
    assert len(peer.scores(messages, 0)) >= 3
    whole, = peer.load(messages, clients=3, seconds=0.01)
    assert whole > 0


def test_messages_have_the_tokens_that_the_row_says():
    words, keywords = ["one", "two", "three"], ["security", "risk"]
    messages = impact_rows.make_messages(words, keywords, 8)
    assert messages == impact_rows.make_messages(words, keywords, 8) and len(messages) == impact_rows.MESSAGES
    assert {len(message["content"].split()) for message in messages} == {6}
    assert sum(any(word in message["content"] for word in keywords) for message in messages) == -(-len(messages) // 3)
    assert len({message["from_agent"] for message in messages}) == len(messages)


class FixedAnswers:
    def __init__(self, name, answers):
        self.name, self.fixed = name, answers

    def answers(self, **what):
        return self.fixed


def test_wrong_scores_are_not_timed(capsys):
    reference = FixedAnswers("impact torch", [(0.5, 0.7), (0.2, 0.3)])
    other_score = FixedAnswers("b", [(0.5, 0.7), (0.3, 0.3)])
    impact_rows.check([FixedAnswers("a", [(0.5, 0.70005), (0.2, 0.3)]), reference], reference, [], "fp32")
    with pytest.raises(SystemExit, match="b scores otherwise than impact torch"):
        impact_rows.check([other_score], reference, [], "fp32")
    impact_rows.check([other_score], reference, [], "int8")  # a cosine beside a gate
    with pytest.raises(SystemExit, match="c scores otherwise"):
        impact_rows.check([FixedAnswers("c", [(0.5, 0.6), (0.2, 0.3)])], reference, [], "int8")


def test_wrong_probabilities_are_not_timed(capsys):
    expected = [[0.1, 0.9], [0.5]]
    text_rows.check([FixedAnswers("a", [[0.1001, 0.9], [0.5]])], expected, "fp32")
    with pytest.raises(SystemExit, match="b answers otherwise than transformers"):
        text_rows.check([FixedAnswers("b", [[0.101, 0.9], [0.5]])], expected, "fp32")
    for wrong in ([[0.1, 0.9]], [[0.1, 0.9, 0.5], [0.5]]):
        with pytest.raises(ValueError):
            text_rows.check([FixedAnswers("c", wrong)], expected, "fp32")


def test_word_means_and_softmax():
    means = text_peers.word_means([9.0, 1.0, 3.0, 5.0, 9.0], [None, 0, 0, 1, None])
    assert means.tolist() == [2.0, 5.0]
    assert text_peers.softmax(np.array([[0.0, np.log(3.0)], [1e4, 1e4]])).tolist() == [pytest.approx([0.25, 0.75]), [0.5, 0.5]]


class FixedEncoding:
    def __init__(self, text):
        self.ids = [1, *(len(word) for word in text.split()), 2]
        self.word_ids = [None, *range(len(text.split())), None]


def text_peer(kind):
    """A peer whose logits are known: the label's number times the first id but one."""
    class Engine:
        packages = ()

        class tokenizer:
            enable_truncation = staticmethod(lambda limit: None)
            encode_batch = staticmethod(lambda texts: [FixedEncoding(t if isinstance(t, str) else " ".join(t)) for t in texts])

        @staticmethod
        def hidden(ids, mask):
            return ids[..., None] * np.array([0.0, 1.0]) if kind is text_peers.Detector else ids[:, 1:2] * np.array([0.0, 1.0])

    return type("Peer", (kind,), {"engine": staticmethod(Engine)})()


def test_text_peers_answer_in_the_order_that_was_asked():
    expected = [1 / (1 + np.exp(-length)) for length in (3, 1)]
    sentences = ["aaa b"] * 40 + ["b aaa"]
    found = text_peer(text_peers.Detector).answers(sentences)
    assert found[0] == pytest.approx(expected) and found[39] == found[0] and found[40] == pytest.approx(expected[::-1])
    pairs = [["a" * (1 + i % 5), "word " * (20 - i)] for i in range(20)]
    for (premise, _), scores in zip(pairs, text_peer(text_peers.Entailment).answers(pairs), strict=True):
        assert scores[1] == pytest.approx(1 / (1 + np.exp(-len(premise))))


def test_sentences_are_new_each_turn():
    first, again, second = (text_rows.sentences_of(50, 3, turn) for turn in (0, 0, 1))
    assert first == again and not set(first) & set(second)
    assert {len(text.split()) for text in first} == {50}
    pairs = text_rows.make_pairs()
    assert len(pairs) == text_rows.PAIRS and pairs == text_rows.make_pairs()


STORE_SCHEMA = """
CREATE TABLE evidence (number INTEGER PRIMARY KEY, tenant_id TEXT, id TEXT, content TEXT);
CREATE TABLE embedding (id INTEGER PRIMARY KEY, tenant_id TEXT, evidence_number INTEGER UNIQUE, vector BLOB);
"""


@pytest.fixture
def small_store(tmp_path):
    """20 rows of which the first two have vectors."""
    file = tmp_path / "store.db"
    database = sqlite3.connect(file)
    database.executescript(STORE_SCHEMA)
    database.executemany("INSERT INTO evidence VALUES (?, 'default', ?, '')", [(i, f"e{i}") for i in range(1, 21)])
    real = np.eye(2, 64, dtype=np.float32)
    database.executemany("INSERT INTO embedding VALUES (?, 'default', ?, ?)", [(i, i, real[i - 1].tobytes()) for i in (1, 2)])
    database.commit()
    database.close()
    return file


def test_random_vectors_lie_near_real_ones(small_store):
    real = vector_store.load(small_store)[1]
    vector_store.add_vectors(small_store, real)
    ids, matrix = vector_store.load(small_store)
    assert ids == [f"e{i}" for i in range(1, 21)]
    assert np.linalg.norm(matrix, axis=1) == pytest.approx(np.ones(20), abs=1e-6)
    assert (matrix[2:] @ real.T).max(axis=1) == pytest.approx(np.full(18, 0.89), abs=0.08)
    assert len(np.unique(matrix[:, 5])) == 19  # the real ones are 0 there
    nearest = vector_store.nearest(matrix, matrix[3:5], 3)
    assert nearest[:, 0].tolist() == [3, 4]


def test_recall():
    assert vector_store.recall([["a", "b"], ["c", "x"]], [["b", "a"], ["c", "d"]]) == 0.75
    assert vector_store.recall([], []) == 1.0
    with pytest.raises(ValueError):
        vector_store.recall([["a"]], [["a"], ["b"]])


class SlowlyRight(vector_peers.VectorPeer):
    """Finds the nearest only with enough candidates."""

    def set_candidates(self, count):
        self.count = count

    def search(self, vector, limit):
        rows = vector_store.nearest(self.matrix, vector[None], limit)[0]
        return [self.ids[row] for row in (rows if self.count >= 64 else rows[:0])]


def test_graphs_get_as_few_candidates_as_they_need(small_store):
    vector_store.add_vectors(small_store, vector_store.load(small_store)[1])
    peer = SlowlyRight(small_store)
    vectors = peer.matrix[:4].tolist()
    peer.choose_candidates(vectors, 5)
    assert peer.count == 64 and peer.answers(vectors, 1) == [["e1"], ["e2"], ["e3"], ["e4"]]
    assert vector_peers.text_of(np.array([0.5, -1.0], dtype=np.float32)) == "[0.5,-1.0]"


def test_contenders_that_find_too_little_are_not_timed(capsys):
    contenders = search_rows.Contenders(run.Bench(run.parse_arguments([])))
    expected = [["a", "b"]]
    contenders.add("faiss", "exact", lambda: ([["b", "a"]], "timer"), expected)
    contenders.add("pgvector", "exact", lambda: fail(OSError("built for another CPU")), expected)
    assert contenders.timers == {"faiss": "timer"} and contenders.recall == {"faiss": 1.0}
    assert contenders.missing == {"pgvector": "built for another CPU"}
    contenders.add("faiss HNSW", search_rows.kind_of("faiss HNSW"), lambda: ([["a", "x"]], "timer"), expected)
    assert "faiss HNSW" not in contenders.timers
    assert contenders.missing["faiss HNSW"] == "finds only 50.00% of the nearest"
    with pytest.raises(SystemExit, match="vivace serve finds only 50.00% of the nearest"):
        contenders.add("vivace serve", "exact", lambda: ([["a", "x"]], "timer"), expected)


def test_time_of_a_search_is_read_from_the_header():
    assert search_rows.search_ms("embed;dur=1.500, search;dur=0.125, total;dur=2.000") == 0.125
    with pytest.raises(AttributeError):
        search_rows.search_ms("total;dur=2.000")


def test_questions_come_from_the_demo():
    questions = cases.questions()
    assert "How do I get rid of limescale?" in questions and len(questions) > 200
    assert all(question.strip() for question in questions)


def test_summary_of_verifications():
    answers = [{"stages_ms": {"retrieve": 1.0, "entail": ms}, "processing_time_ms": ms + 1} for ms in (10.0, 30.0, 20.0)]
    assert claims.summary(answers, 10) == {"stages_ms": {"retrieve": 1.0, "entail": 20.0}, "total_ms": 21.0,
                                           "pairs_per_s": 500.0, "claims": 3}
    assert claims.largest_difference([{"a": 0.5, "b": 0.25}], [{"a": 0.5, "b": 0.75}]) == 0.5
    with pytest.raises(ValueError):
        claims.largest_difference([{"a": 1}], [])


FAKE_SERVER = """#!/usr/bin/env python3
import http.server, json, sys

class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def reply(self, status, body):
        text = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(text)))
        self.send_header("server-timing", "search;dur=0.5")
        self.end_headers()
        self.wfile.write(text)

    def do_GET(self):
        self.reply(200, {})

    def do_POST(self):
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        print("a line of the log " * 10000, file=sys.stderr)  # more than a pipe holds
        self.reply(422 if "wrong" in asked else 200, {"path": self.path, "asked": asked, "arguments": sys.argv[1:]})

    def log_message(self, *arguments):
        pass

server = http.server.HTTPServer(("127.0.0.1", 0), Handler)
print(f"listening on http://127.0.0.1:{server.server_port}", file=sys.stderr, flush=True)
server.serve_forever()
"""


def test_a_server_is_asked_and_stopped_meanwhile(tmp_path):
    program = tmp_path / "vivace"
    program.write_text(FAKE_SERVER)
    program.chmod(0o755)
    server = serving.Server(program, 2, "fp32", "--model", "impact=dir")

    def stops():
        end = time.monotonic() + 60
        while pathlib.Path(f"/proc/{server.process.pid}/stat").read_text().rpartition(")")[2].split()[0] != "T":
            assert time.monotonic() < end
            time.sleep(0.01)

    try:
        stops()
        answer, headers = server.awake(lambda: server.ask("/x", {"a": 1}))
        assert answer["path"] == "/x" and answer["asked"] == {"a": 1} and "impact=dir" in answer["arguments"]
        assert headers["server-timing"] == "search;dur=0.5"
        assert server.timed(lambda: server.ask("/x", {}), 0).calls >= 3
        with pytest.raises(serving.ContenderError, match="POST /x answered 422"):
            server.awake(lambda: server.ask("/x", {"wrong": 1}))
        stops()
    finally:
        server.close()


def test_sigterm_ends_as_an_error_does(tmp_path):
    script = ("import os, pathlib, signal, machine\nmachine.end_when_told()\ntry:\n    os.kill(os.getpid(), signal.SIGTERM)\n"
              "finally:\n    pathlib.Path('cleaned').touch()\n")
    done = subprocess.run([sys.executable, "-c", script], cwd=tmp_path, check=False,
                          env={**os.environ, "PYTHONPATH": str(cases.ROOT / "bench")})
    assert done.returncode == 143 and (tmp_path / "cleaned").exists()


def test_a_server_that_ends_tells_why(tmp_path):
    program = tmp_path / "vivace"
    program.write_text("#!/bin/sh\necho 'vivace: no such model' >&2\nexit 1\n")
    program.chmod(0o755)
    with pytest.raises(serving.ContenderError, match="no such model"):
        serving.Server(program, 2, "fp32")


def test_only_classifiers_are_read_with_their_head(tmp_path):
    for kind, expected in (("DebertaV2ForTokenClassification",) * 2, ("BertForSequenceClassification",) * 2,
                           ("BertForMaskedLM", "AutoModel"), ("BertModel", "AutoModel")):
        (tmp_path / "config.json").write_text(json.dumps({"architectures": [kind]}))
        assert encoder_peers.transformers_class(str(tmp_path)) == expected
    (tmp_path / "config.json").write_text("{}")
    assert encoder_peers.transformers_class(str(tmp_path)) == "AutoModel"
