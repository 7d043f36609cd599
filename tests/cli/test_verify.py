"""`vivace verify`, retrieval on real labelled claims, and stores in PostgreSQL from the command line (checklist 004.*)."""

import json
import subprocess
import sys
import time

import numpy as np
import pytest

from cli_runner import ROOT

sys.path.insert(0, str(ROOT / "tests" / "store"))
from postgres_server import PostgresServer, find_programs  # noqa: E402

NLI = ROOT / "tests" / "golden" / "heads" / "bert-nli"
CLAIMS = ROOT.parent / "shared" / "data" / "claims"
PASSAGES = ["Water boils at 100 degrees Celsius at sea level.", "Rivers flow into the ocean.", "The cat sat on the mat."]


def rows(output):
    return [json.loads(line) for line in output.splitlines()]


def write_jsonl(path, objects):
    path.write_text("".join(json.dumps(value, ensure_ascii=False) + "\n" for value in objects), encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def postgres():
    if find_programs() is None:
        pytest.skip("there is no PostgreSQL: neither the package pgserver nor Debian's postgresql")
    with PostgresServer() as server:
        if not server.computes_distances():
            pytest.skip("pgserver's pgvector does not run on this CPU")
        yield server


@pytest.fixture(params=["sqlite", "postgres"])
def store(request, cli):
    """A place for a new store, on each backend."""
    if request.param == "sqlite":
        return cli.folder / "s.db"
    server = request.getfixturevalue("postgres")
    name = f"t{time.monotonic_ns()}"
    server.sql(f"CREATE DATABASE {name} TEMPLATE template0 ENCODING 'UTF8'")
    return server.address(name)


def fill(cli, store, tiny):
    write_jsonl(cli.folder / "c.jsonl", [{"id": f"e{i}", "text": text} for i, text in enumerate(PASSAGES)])
    cli.ok("ingest", "c.jsonl", "--store", store, "--model", tiny)


def test_c004_20_verify_prints_the_verdict_and_its_evidence(cli, tiny, store):
    fill(cli, store, tiny)
    options = ("--store", store, "--model", NLI, "--embedder", tiny, "--min-similarity", -1)
    answer = json.loads(cli.ok("verify", "Rivers flow to the sea.", *options, "--format", "jsonl"))
    assert answer["verdict"] in ("SUPPORTED", "REFUTED", "INSUFFICIENT")
    assert {row["evidence_id"] for row in answer["evidence"]} == {"e0", "e1", "e2"}
    pairs = [{"premise": row["content"], "hypothesis": "Rivers flow to the sea."} for row in answer["evidence"]]
    expected = rows(cli.ok("entail", "--model", NLI, "--input-format", "jsonl",
                           stdin="".join(json.dumps(pair) + "\n" for pair in pairs)))
    for row, pair in zip(answer["evidence"], expected):
        assert row["nli_label"] == pair["label"]
        assert row["nli_confidence"] == pytest.approx(max(pair["scores"].values()), abs=1e-6)
    # The documented rule of the default, from the labels and confidences that are shown.
    votes = [(row["nli_label"], row["nli_confidence"]) for row in answer["evidence"] if row["nli_confidence"] >= 0.5]
    sums = {label: sum(c for name, c in votes if name == label) for label in ("entailment", "contradiction", "neutral")}
    if votes:
        best = max(sums, key=lambda label: sums[label])
        assert answer["verdict"] == {"entailment": "SUPPORTED", "contradiction": "REFUTED", "neutral": "INSUFFICIENT"}[best]
        assert answer["confidence"] == pytest.approx(sums[best] / sum(sums.values()), abs=1e-6)
    text = cli.ok("verify", "Rivers flow to the sea.", *options, "--format", "text")
    assert text.startswith(answer["verdict"]) and all(row["content"] in text for row in answer["evidence"])


def test_claims_and_queries_come_from_files_too(cli, tiny, store):
    fill(cli, store, tiny)
    claims = ["Rivers flow to the sea.", "[Rivers] flow"]
    verify = ("verify", "--store", store, "--model", NLI, "--embedder", tiny, "--min-similarity", -1)
    kept = lambda output: [(row["verdict"], row["confidence"], row["evidence"]) for row in rows(output)]
    expected = kept(cli.ok(*verify, *claims))
    assert len(expected) == 2 and expected == [kept(cli.ok(*verify, claim))[0] for claim in claims]
    assert kept(cli.ok(*verify, stdin="\n".join(claims))) == expected
    lines = ("--input-format", "jsonl", "--file", "-")
    assert kept(cli.ok(*verify, *lines, stdin="\n".join(json.dumps({"claim": claim}) for claim in claims))) == expected
    done = cli.run(*verify, stdin=claims[0] + "\nword\n")
    assert done.returncode == 1 and kept(done.stdout.decode()) == expected[:1] and b"standard input line 2: " in done.stderr

    search = ("search", "--store", store, "--model", tiny, "--limit", 2)
    alone = [rows(cli.ok(*search, claim)) for claim in claims]
    expected = [{"index": index} | row for index, found in enumerate(alone) for row in found]
    assert len(expected) == 4 and all("index" not in row for row in alone[0])
    assert rows(cli.ok(*search, *claims)) == rows(cli.ok(*search, stdin="\n".join(claims))) == expected
    assert rows(cli.ok(*search, *lines, stdin="\n".join(json.dumps({"query": claim}) for claim in claims))) == expected
    text = cli.ok(*search, *claims, "--format", "text").splitlines()
    assert [line for line in text if line in claims] == claims


def test_verify_refuses(cli, tiny, store):
    fill(cli, store, tiny)
    options = ("--store", store, "--model", NLI, "--embedder", tiny)
    assert "SINGLE_WORD" in cli.error("verify", "word", *options, code=1)
    assert "--strategy" in cli.error("verify", "two words", *options, "--strategy", "coin", code=2)
    assert "nli-deberta-v3-base" in cli.error("verify", "two words", "--store", store, "--embedder", tiny, code=1)


def test_stores_that_are_not_there(cli, tiny):
    assert "there is no store" in cli.error("verify", "two words", "--store", "none.db", "--model", NLI, "--embedder", tiny, code=1)
    assert "cannot be reached" in cli.error("search", "x", "--store", "postgresql://nobody@/none?host=/nonexistent", "--mode",
                                            "keyword", code=1)


def test_both_stores_find_the_same(cli, postgres, minilm):
    few = [json.loads(line) for line in (ROOT / "examples" / "demo" / "passages.jsonl").read_text().splitlines()][:120]
    queries = [json.loads(line)["text"] for line in (ROOT / "examples" / "demo" / "queries.jsonl").read_text().splitlines()][:3]
    write_jsonl(cli.folder / "c.jsonl", few)
    postgres.sql("CREATE DATABASE same TEMPLATE template0 ENCODING 'UTF8'")
    stores = [cli.folder / "s.db", postgres.address("same")]
    for store in stores:
        cli.ok("ingest", "c.jsonl", "--store", store, "--model", minilm)
    for query in queries:
        for mode in ("vector", "keyword", "hybrid"):
            one, other = (rows(cli.ok("search", query, "--store", store, "--mode", mode, "--model", minilm)) for store in stores)
            assert [row["evidence_id"] for row in one] == [row["evidence_id"] for row in other], (query, mode)
            scores = [[row.get("score", row["similarity"]) for row in found] for found in (one, other)]
            assert scores[0] == pytest.approx(scores[1], rel=1e-5)


def test_c004_19_kill_9_on_postgres_loses_nothing(cli, tiny, postgres):
    total = 10_000
    postgres.sql("CREATE DATABASE killed TEMPLATE template0 ENCODING 'UTF8'")
    check_kill_9(cli, postgres.address("killed"), total,
                 lambda table: int(postgres.sql(f"SELECT count(*) FROM vivace.{table}", "killed") or 0))


def test_c004_19_kill_9_on_sqlite_loses_nothing(cli):
    import sqlite3

    def count(table):
        with sqlite3.connect(f"file:{cli.folder / 's.db'}?mode=ro", uri=True) as database:
            return database.execute(f"SELECT count(*) FROM {table}").fetchone()[0]

    check_kill_9(cli, cli.folder / "s.db", 10_000, count)


def check_kill_9(cli, store, total, count):
    """Ten thousand rows, killed twice on the way, are all there once in the end. Without vectors: it is the store that counts."""
    corpus = write_jsonl(cli.folder / "corpus.jsonl", [{"id": f"row{i}", "text": f"text number {i}"} for i in range(total)])
    command = cli.command("ingest", corpus, "--store", store, "--no-model", "--batch-size", 50, "--resume")
    for _ in range(2):
        process = subprocess.Popen(command, cwd=cli.folder, env=cli.environment, stderr=subprocess.DEVNULL)
        try:
            before = None
            while process.poll() is None:
                try:
                    now = count("evidence")
                except Exception:  # the tables are being made
                    continue
                before = now if before is None else before
                if now >= before + 300:
                    break
        finally:
            process.kill()
            process.wait()
    cli.ok("ingest", corpus, "--store", store, "--no-model", "--resume", timeout=600)
    assert count("evidence") == total
    found = rows(cli.ok("search", f"number {total - 1}", "--store", store, "--mode", "keyword", "--limit", 1))
    assert found[0]["evidence_id"] == f"row{total - 1}"
    assert b"vivace: 0 rows stored" in cli.run("ingest", corpus, "--store", store, "--no-model", "--resume").stderr


def test_c004_19_labelled_evidence_is_found(cli, minilm):
    """As sentence-transformers does: some of a claim's evidence among the first 5, all of it among the first 10."""
    if not CLAIMS.is_dir():
        pytest.skip(f"{CLAIMS} is not here: the labelled claims are not part of this repository")
    labelled = json.loads((CLAIMS / "labelled_evidence.json").read_text(encoding="utf-8"))["evidence"]
    corpus = json.loads((CLAIMS / "evidence_corpus.json").read_text(encoding="utf-8"))
    claims = json.loads((CLAIMS / "labelled_claims.json").read_text(encoding="utf-8"))["claims"]
    passages = [{"id": row["id"], "text": row["content"]} for row in labelled + corpus]
    write_jsonl(cli.folder / "c.jsonl", passages)
    write_jsonl(cli.folder / "q.jsonl", [{"text": claim["text"]} for claim in claims])
    cli.ok("ingest", "c.jsonl", "--store", "s.db", "--model", minilm)

    def vectors(name):
        return np.array([row["embedding"] for row in rows(cli.ok("embed", "--file", name, "--model", minilm))])

    documents, questions = vectors("c.jsonl"), vectors("q.jsonl")
    checked = 0
    for claim, question in zip(claims, questions):
        wanted = set(claim["evidence_ids"])
        if not wanted:
            continue
        ranking = [passages[i]["id"] for i in np.argsort(-(documents @ question), kind="stable")[:10]]
        assert wanted & set(ranking[:5]) and wanted <= set(ranking), claim["text"]
        checked += 1
    assert checked >= 20
    # The store's own search gives the same ranking; a few claims are enough, as each run loads the model.
    for claim, question in list(zip(claims, questions))[::6]:
        found = [row["evidence_id"] for row in rows(cli.ok("search", claim["text"], "--store", "s.db", "--mode", "vector", "--model", minilm))]
        assert found == [passages[i]["id"] for i in np.argsort(-(documents @ question), kind="stable")[:10]]
