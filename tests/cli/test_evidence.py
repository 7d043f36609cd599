"""`vivace ingest` and `vivace search`: corpora in, evidence out, in three modes (checklist 004.19, 004.26)."""

import collections
import csv
import json
import math
import random
import sqlite3
import subprocess
import time

import numpy as np
import pytest

from cli_runner import ROOT

DEMO = ROOT / "examples" / "demo"


def rows(output):
    return [json.loads(line) for line in output.splitlines()]


def ids(output):
    return [row["evidence_id"] for row in rows(output)]


def write_jsonl(path, objects):
    path.write_text("".join(json.dumps(value, ensure_ascii=False) + "\n" for value in objects), encoding="utf-8")
    return path


def count(store, table):
    with sqlite3.connect(f"file:{store}?mode=ro", uri=True) as database:
        return database.execute(f"SELECT count(*) FROM {table}").fetchone()[0]


@pytest.fixture(scope="module")
def passages():
    return [json.loads(line) for line in (DEMO / "passages.jsonl").read_text(encoding="utf-8").splitlines()]


@pytest.fixture(scope="module")
def queries():
    return [json.loads(line) for line in (DEMO / "queries.jsonl").read_text(encoding="utf-8").splitlines()]


@pytest.fixture
def demo_store(cli, minilm):
    done = cli.run("ingest", DEMO / "passages.jsonl", "--store", "demo.db", "--model", minilm)
    assert done.returncode == 0, done.stderr
    return cli.folder / "demo.db"


def vectors(cli, model, texts):
    write_jsonl(cli.folder / "texts.jsonl", [{"text": text} for text in texts])
    output = cli.ok("embed", "--file", "texts.jsonl", "--model", model)
    return np.array([row["embedding"] for row in rows(output)])


def test_c004_19_vector_search_equals_brute_force(cli, minilm, demo_store, passages, queries):
    some = queries[:5]
    documents = vectors(cli, minilm, [passage["text"] for passage in passages])
    asked = vectors(cli, minilm, [query["text"] for query in some])
    for query, vector in zip(some, asked):
        cosines = documents @ vector
        order = np.argsort(-cosines, kind="stable")[:7]
        found = rows(cli.ok("search", query["text"], "--store", demo_store, "--mode", "vector", "--limit", 7,
                            "--format", "jsonl", "--model", minilm))
        assert [row["evidence_id"] for row in found] == [passages[i]["id"] for i in order]
        assert [row["rank"] for row in found] == list(range(1, 8))
        assert np.allclose([row["similarity"] for row in found], cosines[order], atol=1e-5)
        assert set(found[0]) == {"rank", "evidence_id", "content", "source_url", "similarity"}
        assert found[0]["content"] == passages[order[0]]["text"]


def test_c004_19_hybrid_search_is_the_fusion_of_both(cli, minilm, demo_store, passages, queries):
    query = queries[0]["text"]
    legs = {mode: ids(cli.ok("search", query, "--store", demo_store, "--mode", mode, "--limit", 50, "--model", minilm))
            for mode in ("vector", "keyword")}
    scores = collections.defaultdict(float)
    for leg in legs.values():
        for rank, name in enumerate(leg, 1):
            scores[name] += 0.5 / (60 + rank)
    expected = sorted(scores, key=lambda name: (-scores[name], name))[:10]
    found = rows(cli.ok("search", query, "--store", demo_store, "--model", minilm))
    assert [row["evidence_id"] for row in found] == expected
    assert all(row["score"] == pytest.approx(scores[row["evidence_id"]], rel=1e-12) for row in found)
    assert all(-1 <= row["similarity"] <= 1 for row in found)


def bm25(documents, terms, k1=1.2, b=0.75):
    """Scores by Robertson's formula with the idf log((N - n + 0.5) / (n + 0.5))."""
    mean = sum(map(len, documents.values())) / len(documents)
    scores = {}
    for name, words in documents.items():
        score = 0.0
        for term in terms:
            holders = sum(term in other for other in documents.values())
            idf = math.log((len(documents) - holders + 0.5) / (holders + 0.5))
            frequency = words.count(term)
            score += max(idf, 1e-6) * frequency * (k1 + 1) / (frequency + k1 * (1 - b + b * len(words) / mean))
        if any(term in words for term in terms):
            scores[name] = score
    return scores


def test_c004_19_keyword_search_equals_bm25_without_a_model(cli):
    chance = random.Random(11)
    vocabulary = [f"zork{letter}x" for letter in "abcdefghijklmnopqrstuvw"]  # no stemmer changes these
    documents = {f"d{i:03}": chance.choices(vocabulary, k=chance.randint(3, 30)) for i in range(120)}
    write_jsonl(cli.folder / "corpus.jsonl", [{"id": name, "text": " ".join(words)} for name, words in documents.items()])
    cli.ok("ingest", "corpus.jsonl", "--store", "s.db", "--no-model")
    for _ in range(8):
        terms = chance.sample(vocabulary, 3)
        expected = bm25(documents, terms)
        order = sorted(expected, key=lambda name: (-expected[name], name))[:20]
        found = rows(cli.ok("search", ", ".join(terms).upper(), "--store", "s.db", "--mode", "keyword", "--limit", 20))
        assert [row["score"] for row in found] == pytest.approx([expected[name] for name in order], rel=1e-6)
        assert [row["evidence_id"] for row in found] == order
        assert all(row["similarity"] is None for row in found)


def test_a_corpus_is_the_same_in_each_format(cli, passages):
    few = [{"id": p["id"], "content": p["text"], "source_url": f"https://example.org/{p['id']}"} for p in passages[:20]]
    few[3]["content"] += '\nsecond line, with "quotes"'
    write_jsonl(cli.folder / "c.jsonl", few)
    (cli.folder / "c.json").write_text(json.dumps(few), encoding="utf-8")
    with open(cli.folder / "c.csv", "w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, ["id", "content", "source_url"])
        writer.writeheader()
        writer.writerows(few)
    answers = []
    for ending in ("jsonl", "json", "csv"):
        cli.ok("ingest", f"c.{ending}", "--store", f"{ending}.db", "--no-model")
        answers.append(cli.ok("search", "the water of a second line", "--store", f"{ending}.db", "--mode", "keyword"))
    assert answers[0] and answers[0] == answers[1] == answers[2]
    assert 'with "quotes"' in answers[0].replace('\\"', '"')


def test_a_corpus_from_standard_input_or_of_another_ending(cli):
    corpora = {"jsonl": '{"text":"red water"}\n', "json": '[\n{"text":"red water"}]', "csv": "text\nred water\n"}
    for form, corpus in corpora.items():
        (cli.folder / "corpus.DATA").write_text(corpus)
        for number, source in enumerate((("-",), ("--file", "-"), (), ("--file", "corpus.DATA"), ("corpus.DATA",))):
            store = f"{form}{number}.db"
            cli.ok("ingest", *source, "--input-format", form, "--store", store, "--no-model", stdin=corpus)
            found = rows(cli.ok("search", "water", "--store", store, "--mode", "keyword"))
            assert [row["content"] for row in found] == ["red water"]
    cli.ok("ingest", "--store", "s.db", "--no-model", stdin=corpora["jsonl"])  # JSON lines where nothing is said
    assert count(cli.folder / "s.db", "evidence") == 1
    assert "standard input line 2" in cli.error("ingest", "-", "--store", "s.db", "--no-model", stdin='{"text":"a"}\n{}\n', code=1)
    assert "needs a file" in cli.error("ingest", "-", "--store", "s.db", "--no-model", "--resume", code=1)


def test_c004_19_nothing_lost_or_doubled_by_kill_9(cli, tiny):
    total = 1500
    corpus = write_jsonl(cli.folder / "corpus.jsonl", [{"id": f"row{i}", "text": f"text number {i}"} for i in range(total)])
    store = cli.folder / "s.db"
    command = cli.command("ingest", corpus, "--store", store, "--model", tiny, "--batch-size", 10, "--resume", "--threads", 1)
    stored = 0
    for _ in range(3):
        process = subprocess.Popen(command, cwd=cli.folder, env=cli.environment, stderr=subprocess.DEVNULL)
        try:
            # Killed while rows are going in, or at the latest when all are.
            while process.poll() is None and (not store.exists() or progress(store) < stored + 100):
                time.sleep(0.001)
        finally:
            process.kill()
            process.wait()
        stored = progress(store)
        assert count(store, "evidence") == count(store, "embedding") == stored
    done = cli.run("ingest", corpus, "--store", store, "--model", tiny, "--resume")
    assert done.returncode == 0, done.stderr
    assert f"continued behind {stored} rows" in done.stderr.decode()
    assert f"{total - stored} rows stored" in done.stderr.decode()
    assert count(store, "evidence") == count(store, "embedding") == total
    again = cli.run("ingest", corpus, "--store", store, "--model", tiny, "--resume")
    assert "vivace: 0 rows stored" in again.stderr.decode()


def test_c004_19_a_resume_keeps_to_the_model_of_what_is_stored(cli, tiny, minilm):
    corpus = write_jsonl(cli.folder / "corpus.jsonl", [{"id": "1", "text": "red water"}, {"id": "2", "text": "blue water"}])
    ingest = ["ingest", corpus, "--store", "s.db", "--resume"]
    cli.ok(*ingest, "--no-model")
    message = cli.error(*ingest, "--model", tiny, code=1)
    assert "2 rows" in message and "no vectors" in message and "'tiny-bert'" in message and "leave --resume out" in message
    cli.ok(*ingest[:-1], "--model", tiny)
    assert count(cli.folder / "s.db", "evidence") == count(cli.folder / "s.db", "embedding") == 2
    for other in (["--no-model"], ["--model", minilm]):
        assert "vectors of 'tiny-bert'" in cli.error(*ingest, *other, code=1)
    assert b"vivace: 0 rows stored" in cli.run(*ingest, "--model", tiny).stderr


def progress(store):
    with sqlite3.connect(f"file:{store}?mode=ro", uri=True) as database:
        try:
            return database.execute("SELECT coalesce(max(position), 0) FROM ingest_checkpoint").fetchone()[0]
        except sqlite3.OperationalError:  # the tables are being made
            return 0


def test_tenants_do_not_see_each_other(cli):
    write_jsonl(cli.folder / "a.jsonl", [{"id": "1", "text": "red water"}])
    write_jsonl(cli.folder / "b.jsonl", [{"id": "1", "text": "blue water"}])
    cli.ok("ingest", "a.jsonl", "--store", "s.db", "--no-model", "--tenant", "a")
    cli.ok("ingest", "b.jsonl", "--store", "s.db", "--no-model", "--tenant", "b")
    for tenant, colour in (("a", "red"), ("b", "blue")):
        found = rows(cli.ok("search", "water", "--store", "s.db", "--mode", "keyword", "--tenant", tenant))
        assert [row["content"] for row in found] == [f"{colour} water"]
    assert cli.ok("search", "water", "--store", "s.db", "--mode", "keyword") == ""


def test_a_wrong_row_stops_or_is_skipped(cli):
    (cli.folder / "c.jsonl").write_text('{"text":"one"}\n{"text":""}\n{"text":"two"}\n')
    message = cli.error("ingest", "c.jsonl", "--store", "s.db", "--no-model", code=1)
    assert "c.jsonl line 2" in message
    assert count(cli.folder / "s.db", "evidence") == 1  # what came before is kept
    done = cli.run("ingest", "c.jsonl", "--store", "s.db", "--no-model", "--on-error", "skip", "--resume")
    assert "1 rows could not be used" in done.stderr.decode()
    assert count(cli.folder / "s.db", "evidence") == 2


def test_a_dry_run_stores_nothing(cli):
    write_jsonl(cli.folder / "c.jsonl", [{"text": "one"}, {"text": "two"}])
    done = cli.run("ingest", "c.jsonl", "--store", "s.db", "--dry-run")
    assert done.returncode == 0 and "2 rows are fine" in done.stderr.decode()
    assert not (cli.folder / "s.db").exists()


def test_what_does_not_fit_is_refused(cli, tiny, minilm):
    write_jsonl(cli.folder / "c.jsonl", [{"text": "one"}])
    assert "there is no store" in cli.error("search", "x", "--store", "none.db", "--mode", "keyword", code=1)
    assert "another program" in other_database(cli)
    assert "must end in" in cli.error("ingest", tiny / "config.yaml", "--store", "s.db", code=1)
    cli.ok("ingest", "c.jsonl", "--store", "s.db", "--model", tiny)
    message = cli.error("search", "x", "--store", "s.db", "--model", minilm, code=1)
    assert "tiny-bert" in message and "all-MiniLM-L6-v2" in message
    assert "--store" in cli.error("search", "x", code=2)
    assert "--mode" in cli.error("search", "x", "--store", "s.db", "--mode", "fuzzy", code=2)


def other_database(cli):
    with sqlite3.connect(cli.folder / "other.db") as database:
        database.execute("CREATE TABLE t (x)")
    return cli.error("ingest", "c.jsonl", "--store", "other.db", "--no-model", code=1)


def test_a_search_by_vectors_in_a_store_without_any_says_so(cli, tiny):
    write_jsonl(cli.folder / "corpus.jsonl", [{"id": "a", "text": "red fox"}])
    cli.ok("ingest", "corpus.jsonl", "--store", "s.db", "--no-model")
    for mode, found in (("vector", 0), ("hybrid", 1)):
        done = cli.run("search", "fox", "--store", "s.db", "--mode", mode, "--model", tiny)
        assert done.returncode == 0 and "the store has no vectors" in done.stderr.decode() and len(rows(done.stdout.decode())) == found
