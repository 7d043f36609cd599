"""Evidence stores for the rows of searching: the demo's passages with their real vectors, and rows whose vectors lie around them
at random. The program writes texts and schema; the random vectors are put into its SQLite file here.
"""

import json
import pathlib
import shutil
import sqlite3
import subprocess
import sys

import numpy as np

import cases

SEED = 13
NOISE = 0.5  # the length of what is added to a passage's unit vector: the cosine to it is then about 0.89
TENANT = "default"
ROWS_AT_ONCE = 10_000


def make(rows, program, model, out):
    """The store's file with so many vectors, made once below out."""
    target = out / "stores" / f"{model.name}-{rows}.db"
    if not target.exists():
        print(f"making {target.name} …", file=sys.stderr)
        folder = target.with_suffix(".part")
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        store = folder / "store.db"
        ingest(program, store, cases.CORPUS, "--model", str(model))
        real = load(store)[1]
        texts = folder / "texts.jsonl"
        with open(texts, "w", encoding="utf-8") as file:
            for i in range(rows - len(real)):
                file.write(json.dumps({"id": f"random-{i:06}", "content": f"Passage {i} that lies near another."}) + "\n")
        ingest(program, store, texts, "--no-model", "--batch-size", "1024")
        add_vectors(store, real)
        for old in target.parent.glob(target.name + "*"):  # what peers made of an earlier one
            old.unlink()
        store.rename(target)
        shutil.rmtree(folder)
    return target


def ingest(program, store, corpus, *arguments):
    subprocess.run([str(program), "ingest", str(corpus), "--store", str(store), *arguments], check=True, capture_output=True)


def near(centres, count, random):
    """Unit vectors around the centres."""
    chosen = centres[random.integers(len(centres), size=count)]
    noise = random.standard_normal(chosen.shape, dtype=np.float32) * np.float32(NOISE / chosen.shape[1] ** 0.5)
    return (chosen + noise) / np.linalg.norm(chosen + noise, axis=1, keepdims=True)


def add_vectors(store, centres):
    """Gives each row of the store that has no vector one near a centre."""
    random = np.random.default_rng(SEED)
    database = sqlite3.connect(store)
    with database:
        numbers = [number for number, in database.execute(
            "SELECT number FROM evidence WHERE number NOT IN (SELECT evidence_number FROM embedding) ORDER BY number")]
        for begin in range(0, len(numbers), ROWS_AT_ONCE):
            some = numbers[begin:begin + ROWS_AT_ONCE]
            vectors = near(centres, len(some), random)
            database.executemany("INSERT INTO embedding (tenant_id, evidence_number, vector) VALUES (?, ?, ?)",
                                 ((TENANT, number, vector.tobytes()) for number, vector in zip(some, vectors)))
    database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    database.close()


def load(store):
    """Ids and unit vectors [rows, dimensions] of a store."""
    database = sqlite3.connect(f"file:{pathlib.Path(store).resolve()}?mode=ro", uri=True)
    rows = database.execute("SELECT evidence.id, vector FROM embedding JOIN evidence ON number = evidence_number "
                            "ORDER BY embedding.id").fetchall()
    database.close()
    vectors = np.frombuffer(b"".join(vector for _, vector in rows), dtype="<f4").reshape(len(rows), -1)
    return [id for id, _ in rows], vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def nearest(matrix, vectors, limit):
    """Row numbers of the nearest by cosine, the best first, looked for everywhere."""
    cosines = np.asarray(vectors, dtype=np.float32) @ matrix.T
    return np.argsort(-cosines, axis=1, kind="stable")[:, :limit]


def recall(found, expected):
    """Share of the expected ids that were found."""
    wanted = sum(map(len, expected))
    return sum(len(set(a) & set(b)) for a, b in zip(found, expected, strict=True)) / wanted if wanted else 1.0
