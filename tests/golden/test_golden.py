"""Vivace's vectors against transformers' (tests/golden/*, made by tools/make_reference_vectors.py).

Environment: VIVACE, the program (default build/release/vivace); VIVACE_MODEL, all-MiniLM-L6-v2 (default
models/all-MiniLM-L6-v2). Every test of values runs once for each kernel table; one that this CPU cannot run is skipped.
"""

import hashlib
import json
import os
import pathlib
import subprocess

import numpy as np
import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
GOLDEN = ROOT / "tests" / "golden"
PROGRAM = pathlib.Path(os.environ.get("VIVACE", ROOT / "build" / "release" / "vivace"))
MINILM = pathlib.Path(os.environ.get("VIVACE_MODEL", ROOT / "models" / "all-MiniLM-L6-v2"))
LOWEST_COSINE = 0.99999
VALUE_TOLERANCE = 2e-5  # of the largest value of a vector: fp32 sums in another order (we see up to 3e-6)
POOLINGS = ("mean", "cls", "last")
TABLE_FEATURES = {
    "generic": set(),
    "avx2": {"avx2", "fma"},
    "avx2_vnni": {"avx2", "fma", "avx_vnni"},
    "avx512": {"avx512f", "avx512bw", "avx512dq", "avx512vl"},
    "avx512_vnni": {"avx512f", "avx512bw", "avx512dq", "avx512vl", "avx512_vnni"},
    "avx512_vnni_bf16": {"avx512f", "avx512bw", "avx512dq", "avx512vl", "avx512_vnni", "avx512_bf16"},
    "avx512_amx": {"avx512f", "avx512bw", "avx512dq", "avx512vl", "avx512_vnni", "avx512_bf16", "amx_tile", "amx_int8",
                   "amx_bf16"},
}


def cpu_features():
    for line in pathlib.Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("flags"):
            return set(line.split(":", 1)[1].split())
    return set()


def read_json_lines(path):
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def run_vivace(arguments, *, isa=None, stdin=None):
    environment = {key: value for key, value in os.environ.items() if key != "VIVACE_ISA"} | {"VIVACE_PRECISION": "fp32"}
    if isa is not None:
        environment["VIVACE_ISA"] = isa
    done = subprocess.run([str(PROGRAM), *map(str, arguments)], env=environment, input=stdin, capture_output=True,
                          timeout=600, check=False)
    assert done.returncode == 0, f"vivace {arguments} failed ({done.returncode}): {done.stderr.decode()}"
    return done.stdout.decode("utf-8")


def embed(texts, model, *options, isa=None):
    """The output lines for the texts, all given to one process."""
    lines = "".join(json.dumps({"text": text}) + "\n" for text in texts)
    output = run_vivace(["embed", "--model", model, "--file", "-", "--input-format", "jsonl", *options], isa=isa,
                        stdin=lines.encode())
    rows = [json.loads(line) for line in output.splitlines()]
    assert [row["index"] for row in rows] == list(range(len(texts)))
    return rows


def vectors_of(rows):
    return np.array([row["embedding"] for row in rows], dtype=np.float32)


def assert_close_direction(ours, reference, label):
    """Lowest cosine over all rows, and the largest difference for the log (pytest -rP shows it)."""
    a, b = ours.astype(np.float64), reference.astype(np.float64)
    assert a.shape == b.shape
    assert np.isfinite(a).all()
    cosine = (a * b).sum(1) / np.linalg.norm(a, axis=1) / np.linalg.norm(b, axis=1)
    worst = int(cosine.argmin())
    print(f"{label}: {len(a)} vectors, lowest cosine {cosine[worst]:.9f} (row {worst}), "
          f"largest difference {np.abs(a - b).max():.3g}")
    assert cosine[worst] >= LOWEST_COSINE, f"{label}: cosine {cosine[worst]:.9f} for row {worst}"


def assert_close_values(ours, reference, label):
    assert ours.shape == reference.shape
    scale = np.abs(reference).max(axis=-1, keepdims=True)
    worst = float((np.abs(ours.astype(np.float64) - reference) / scale).max())
    print(f"{label}: largest difference {worst:.3g} of a vector's largest value")
    assert worst <= VALUE_TOLERANCE, f"{label}: values differ by {worst:.3g} of the largest"


@pytest.fixture(scope="session", autouse=True)
def program():
    assert PROGRAM.exists(), f"{PROGRAM} is missing: run make build"


@pytest.fixture(scope="session")
def minilm(metadata):
    weights = MINILM / "model.safetensors"
    assert weights.exists(), f"{weights} is missing: run make model"
    digest = hashlib.sha256(weights.read_bytes()).hexdigest()
    assert digest == metadata["weights_sha256"], f"{weights} is not the model that the references were made with"
    return MINILM


@pytest.fixture(scope="session", params=TABLE_FEATURES)
def isa(request):
    missing = TABLE_FEATURES[request.param] - cpu_features()
    if missing:
        pytest.skip(f"this CPU cannot run the {request.param} table: it lacks {', '.join(sorted(missing))}")
    return request.param


@pytest.fixture(scope="session")
def reference():
    return read_json_lines(GOLDEN / "minilm" / "reference.jsonl")


@pytest.fixture(scope="session")
def metadata():
    return json.loads((GOLDEN / "minilm" / "metadata.json").read_text())


@pytest.fixture(scope="session")
def batch_rows(minilm, isa, reference):
    return embed([row["text"] for row in reference], minilm, isa=isa)


@pytest.fixture(scope="session")
def sample(isa, reference):
    """Indexes of the texts to compute once more: all, but on the slow plain table every seventh and the longest."""
    longest = max(range(len(reference)), key=lambda i: reference[i]["tokens"])
    return list(range(len(reference))) if isa != "generic" else sorted({*range(0, len(reference), 7), longest})


# ---- all-MiniLM-L6-v2 --------------------------------------------------------------------------------------------


def test_reference_is_broad(reference):
    lengths = [row["untruncated_tokens"] for row in reference]
    assert len(reference) >= 120
    assert len({row["language"] for row in reference} - {"code", "emoji", "punctuation", "odd", "composed"}) >= 10
    assert min(lengths) <= 3
    assert {256, 257, 511, 512, 513} <= set(lengths)


def test_chosen_table_is_the_forced_one(minilm, isa):
    assert json.loads(run_vivace(["inspect", "--model", minilm, "--json"], isa=isa))["isa"] == isa


def test_vectors_equal_transformers(batch_rows, reference, isa):
    assert_close_direction(vectors_of(batch_rows), np.load(GOLDEN / "minilm" / "vectors.npy"), f"minilm {isa}")
    norms = np.linalg.norm(vectors_of(batch_rows).astype(np.float64), axis=1)
    assert np.abs(norms - 1).max() < 1e-5


def test_token_counts_and_truncation(batch_rows, reference):
    assert [row["tokens"] for row in batch_rows] == [row["tokens"] for row in reference]
    cut = [row["untruncated_tokens"] > row["tokens"] for row in reference]
    assert [row.get("truncated", False) for row in batch_rows] == cut


def test_batch_equals_single(batch_rows, minilm, isa, reference):
    longest = max(range(len(reference)), key=lambda i: reference[i]["tokens"])
    for i in sorted({*range(0, len(reference), 9), longest}):
        single = embed([reference[i]["text"]], minilm, isa=isa)
        assert single[0]["embedding"] == batch_rows[i]["embedding"], f"text {i} depends on its batch"


def test_order_does_not_matter(batch_rows, minilm, isa, reference, sample):
    backwards = embed([reference[i]["text"] for i in reversed(sample)], minilm, isa=isa)
    for i, row in zip(sample, reversed(backwards)):
        assert row["embedding"] == batch_rows[i]["embedding"], f"text {i} depends on its place"


@pytest.mark.parametrize("threads", [1, 2, 3])
def test_threads_do_not_matter(batch_rows, minilm, isa, reference, sample, threads):
    rows = embed([reference[i]["text"] for i in sample], minilm, "--threads", threads, isa=isa)
    for i, row in zip(sample, rows):
        assert row["embedding"] == batch_rows[i]["embedding"], f"text {i} depends on the number of threads"


def test_longer_limit(minilm, isa, reference, metadata, tmp_path):
    """The same model with max_seq_length 512: the limit comes from sentence_bert_config.json."""
    for entry in minilm.iterdir():
        if entry.name != "sentence_bert_config.json":
            (tmp_path / entry.name).symlink_to(entry.resolve())
    limit = metadata["long_max_tokens"]
    (tmp_path / "sentence_bert_config.json").write_text(json.dumps({"max_seq_length": limit, "do_lower_case": False}))
    long = [row for row in reference if "long_index" in row]
    rows = embed([row["text"] for row in long], tmp_path, isa=isa)
    assert [row["tokens"] for row in rows] == [row["long_tokens"] for row in long]
    assert_close_direction(vectors_of(rows), np.load(GOLDEN / "minilm" / "vectors_512.npy"), f"minilm 512 {isa}")


@pytest.mark.parametrize("pooling", POOLINGS)
def test_raw_pooling(minilm, isa, reference, metadata, pooling):
    texts = [reference[i]["text"] for i in metadata["raw_indexes"]]
    expected = np.load(GOLDEN / "minilm" / "raw_pooled.npy")[:, POOLINGS.index(pooling)]
    rows = embed(texts, minilm, "--pooling", pooling, "--no-normalize", isa=isa)
    assert_close_values(vectors_of(rows), expected, f"minilm {pooling} {isa}")


def test_every_token(minilm, isa, reference, metadata):
    with np.load(GOLDEN / "minilm" / "raw_states.npz") as expected:
        for name, index in zip(expected.files, metadata["raw_indexes"]):
            row = embed([reference[index]["text"]], minilm, "--pooling", "none", "--no-normalize", isa=isa)[0]
            ours = np.array(row["embedding"], dtype=np.float32).reshape(row["tokens"], -1)
            assert_close_values(ours, expected[name], f"minilm states of text {index} {isa}")


def test_npy_output_equals_jsonl(batch_rows, minilm, isa, reference, sample, tmp_path):
    source = tmp_path / "texts.jsonl"
    source.write_text("".join(json.dumps({"text": reference[i]["text"]}) + "\n" for i in sample))
    environment = dict(os.environ, VIVACE_ISA=isa, VIVACE_PRECISION="fp32")
    with open(tmp_path / "vectors.npy", "wb") as out:
        subprocess.run([str(PROGRAM), "embed", "--model", str(minilm), "--file", str(source), "--format", "npy"],
                       env=environment, stdout=out, check=True, timeout=600)
    array = np.load(tmp_path / "vectors.npy")
    assert array.dtype == np.float32
    assert (array == vectors_of(batch_rows)[sample]).all()


# ---- tiny checkpoints: odd sizes, other dtypes, shards, prefixed names, other poolings ---------------------------

TINY = ("tiny-bert", "tiny-bert-bf16", "tiny-bert-f16", "tiny-bert-sharded")


@pytest.fixture(scope="session")
def tiny_texts():
    return [row["text"] for row in read_json_lines(GOLDEN / "tiny-bert" / "texts.jsonl")]


@pytest.fixture(scope="session")
def tiny_pooled():
    with np.load(GOLDEN / "tiny-bert" / "pooled.npz") as arrays:
        return {name: arrays[name] for name in arrays.files}


@pytest.mark.parametrize("pooling", POOLINGS)
@pytest.mark.parametrize("name", TINY)
def test_tiny_checkpoints(isa, name, pooling, tiny_texts, tiny_pooled):
    rows = embed(tiny_texts, GOLDEN / name, "--pooling", pooling, "--no-normalize", isa=isa)
    assert_close_values(vectors_of(rows), tiny_pooled[name][:, POOLINGS.index(pooling)], f"{name} {pooling} {isa}")


@pytest.mark.parametrize(("name", "pooling", "normalize"), [("tiny-bert", "mean", False), ("tiny-bert-bf16", "cls", True),
                                                            ("tiny-bert-sharded", "last", False)])
def test_tiny_own_pooling(isa, name, pooling, normalize, tiny_texts, tiny_pooled):
    """Pooling, normalisation and the token limit as the directory's sentence-transformers files say."""
    expected = tiny_pooled[name][:, POOLINGS.index(pooling)]
    if normalize:
        expected = expected / np.linalg.norm(expected, axis=1, keepdims=True)
    rows = embed(tiny_texts, GOLDEN / name, isa=isa)
    assert_close_values(vectors_of(rows), expected, f"{name} as configured {isa}")
    limit = json.loads((GOLDEN / name / "sentence_bert_config.json").read_text())["max_seq_length"]
    assert max(row["tokens"] for row in rows) == limit


def test_tiny_prompt(isa, tiny_texts, tiny_pooled):
    rows = embed(tiny_texts[:4], GOLDEN / "tiny-bert", "--prompt-name", "query", isa=isa)
    assert_close_values(vectors_of(rows), tiny_pooled["tiny-bert.query"], f"tiny-bert query {isa}")


@pytest.mark.parametrize("name", TINY)
def test_tiny_batch_and_threads(isa, name, tiny_texts):
    rows = embed(tiny_texts, GOLDEN / name, isa=isa)
    for threads in (1, 2):
        again = embed(tiny_texts, GOLDEN / name, "--threads", threads, isa=isa)
        assert [row["embedding"] for row in again] == [row["embedding"] for row in rows]
    single = embed([tiny_texts[5]], GOLDEN / name, isa=isa)
    assert single[0]["embedding"] == rows[5]["embedding"]
