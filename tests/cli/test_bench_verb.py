"""`vivace bench`: the fields that scripts rely on, for every kind of model. Never the times themselves."""

import json
import os
import pty
import shutil
import subprocess

import pytest

from cli_runner import ROOT

GOLDEN = ROOT / "tests" / "golden"
FIELDS = {"p50_ms", "p95_ms", "p99_ms", "min_ms", "tokens_per_s", "floor_share", "isa", "precision", "threads"}


def bench(cli, model, *arguments):
    told = json.loads(cli.ok("bench", "--model", model, *arguments, "--seconds", 0.05, "--json"))
    assert set(told) >= FIELDS
    assert 0 < told["min_ms"] <= told["p50_ms"] <= told["p95_ms"] <= told["p99_ms"]
    assert told["tokens_per_s"] > 0 and told["floor_share"] > 0 and told["runs"] >= 3
    return told


def test_forward(cli, tiny):
    told = bench(cli, tiny, "--precision", "fp32", "--threads", 2, "--batch", 3, "--tokens", 8)
    assert told["threads"] == 2 and told["precision"] == "fp32"
    assert told["peak_gflops"] > 0 and told["read_gb_per_s"] > 0
    assert bench(cli, tiny, "--isa", "generic", "--tokens", 4)["isa"] == "generic"


@pytest.mark.parametrize("model, generate", [("tiny-bert", []), ("t5-relu", ["--generate", 5])])
@pytest.mark.parametrize("precision", ["fp32", "bf16", "int8"])
def test_precisions(cli, precision, model, generate):
    told = bench(cli, GOLDEN / model, "--precision", precision, "--tokens", 8, *generate)
    assert told["precision"] == precision
    text = cli.ok("bench", "--model", GOLDEN / model, "--precision", precision, "--tokens", 8, *generate, "--seconds", 0.05)
    assert f"could do here in {precision}: " in text and ("GOP/s" in text) == (precision == "int8")


def test_automatic_precision_is_named(cli, tiny):
    assert bench(cli, tiny, "--isa", "generic", "--tokens", 4)["precision"] == "fp32"
    assert "--precision: int3" in cli.error("bench", "--model", tiny, "--precision", "int3", code=2)


def test_precision_of_the_environment_gives_way_to_the_flag(cli, tiny):
    options = ("bench", "--model", tiny, "--isa", "generic", "--tokens", 4, "--seconds", 0.05, "--json")
    assert "VIVACE_PRECISION" in cli.ok("bench", "--help")
    assert json.loads(cli.ok(*options, VIVACE_PRECISION="bf16"))["precision"] == "bf16"
    told = json.loads(cli.ok(*options, "--precision", "int8", VIVACE_PRECISION="bf16"))
    assert told["precision"] == "int8"


def test_packed_model(cli, tiny):
    """What was packed in int8 is timed in int8, and refused in another precision."""
    packed = cli.folder / "tiny.packed"
    cli.ok("pack", tiny, "--precision", "int8", "--isa", "generic", "--output", packed)
    assert bench(cli, packed, "--isa", "generic", "--tokens", 4)["precision"] == "int8"
    assert "packed in int8" in cli.error("bench", "--model", packed, "--isa", "generic", "--precision", "fp32", code=1)


def test_mixed_lengths(cli, tiny):
    bench(cli, tiny, "--lengths", "12,40,7")
    assert "GFLOP/s" in cli.ok("bench", "--model", tiny, "--lengths", "5", "--seconds", 0.05)


@pytest.mark.parametrize("model", ["distilbert", "deberta-v3", "modernbert", "mpnet", "roberta", "t5-encoder", "t5-gated",
                                   "heads/bert-moods", "heads/bert-tags", "heads/bert-fill", "heads/bert-rank",
                                   "heads/st-dense"])
def test_every_kind_of_model(cli, model):
    """Also directories without a tokenizer: nothing but ids is needed."""
    bench(cli, GOLDEN / model, "--batch", 2, "--tokens", 9)


def test_onnx_file(cli):
    model = ROOT / "tests" / "onnx" / "hidden-states"
    done = cli.run("inspect", "--model", model)
    if b"OpenVINO" in done.stderr:
        pytest.skip("this build has no OpenVINO")
    assert bench(cli, model, "--lengths", "3,5")["isa"] == "onnx"


def test_generation(cli):
    told = bench(cli, GOLDEN / "t5-relu", "--batch", 1, "--tokens", 12, "--generate", 20)
    assert told["tokens_per_s"] == pytest.approx(20 / told["p50_ms"] * 1e3)


def test_generation_that_is_not_possible(cli, tiny):
    t5 = GOLDEN / "t5-relu"
    assert "does not write text" in cli.error("bench", "--model", tiny, "--generate", 5, code=1)
    assert "max_new_tokens" in cli.error("bench", "--model", t5, "--tokens", 4, "--generate", 96, code=1)
    assert "one sequence" in cli.error("bench", "--model", t5, "--batch", 2, "--generate", 5, code=2)
    assert "excludes" in cli.error("bench", "--model", t5, "--lengths", "2,3", "--generate", 5, code=2)


def test_without_a_length_a_short_model_is_timed_at_its_own(cli, tiny):
    longest = json.loads((tiny / "config.json").read_text())["max_position_embeddings"]
    assert longest < 128
    assert "tokens is not possible" in cli.error("bench", "--model", tiny, "--tokens", longest + 1, code=1)
    bench(cli, tiny)
    bench(cli, tiny, "--batch", 2)


def test_impossible_lengths(cli, tiny):
    assert "tokens is not possible" in cli.error("bench", "--model", tiny, "--lengths", "3,100000", code=1)
    assert "make it smaller" in cli.error("bench", "--model", tiny, "--batch", 65536, "--tokens", 64, code=1)


def test_tokenizer(cli, tiny):
    (cli.folder / "docs.txt").write_text("some words\n" * 50)
    told = json.loads(cli.ok("bench", "--model", tiny, "--tokenize", "docs.txt", "--seconds", 0.05, "--json"))
    assert told["mb_per_s"] > 0 and told["texts"] == 50 and told["runs"] >= 3
    assert 0 < told["min_ms"] <= told["p50_ms"] <= told["p99_ms"]
    piped = json.loads(cli.ok("bench", "--model", tiny, "--tokenize", "docs.txt", "--seconds", 0.05))
    assert list(piped) == list(told)
    (cli.folder / "blank.txt").write_text("some\n\nwords\n")
    assert json.loads(cli.ok("bench", "--model", tiny, "--tokenize", "blank.txt", "--seconds", 0.05))["texts"] == 3
    (cli.folder / "empty.txt").write_text("")
    assert "holds no text" in cli.error("bench", "--model", tiny, "--tokenize", "empty.txt", code=1)


def test_tokenizer_on_a_terminal(cli, tiny):
    (cli.folder / "docs.txt").write_text("some words\n" * 50)
    controller, terminal = pty.openpty()
    subprocess.run(cli.command("bench", "--model", tiny, "--tokenize", "docs.txt", "--seconds", 0.05), stdout=terminal,
                   cwd=cli.folder, env=cli.environment, timeout=120, check=True)
    os.close(terminal)
    assert "MB/s" in os.read(controller, 4096).decode()
    os.close(controller)


def read_trace(path):
    trace = json.loads(path.read_text())
    assert trace["otherData"]["dropped_zones"] == 0
    for event in trace["traceEvents"]:
        assert event["ph"] == "X" and event["dur"] >= 0 and event["ts"] >= 0 and event["pid"] == 1
    return trace["traceEvents"]


def check_nesting(events):
    """On each thread a zone lies wholly inside the one around it, or behind it. In whole nanoseconds."""
    by_thread = {}
    for event in events:
        begin = round(event["ts"] * 1000)
        by_thread.setdefault(event["tid"], []).append((begin, begin + round(event["dur"] * 1000), event["name"]))
    for zones in by_thread.values():
        open_zones = []
        for begin, end, name in zones:  # written by begin, the outer one first
            while open_zones and open_zones[-1][1] <= begin:
                open_zones.pop()
            assert not open_zones or end <= open_zones[-1][1], (name, open_zones[-1])
            open_zones.append((begin, end, name))


@pytest.mark.parametrize(("precision", "threads"), [("fp32", 2), ("int8", 2), ("int8", 1)])
def test_trace_of_one_text(cli, tiny, precision, threads):
    bench(cli, tiny, "--precision", precision, "--threads", threads, "--tokens", 8, "--trace", "trace.json")
    events = read_trace(cli.folder / "trace.json")
    check_nesting(events)
    counts = {}
    for event in events:
        counts[event["name"]] = counts.get(event["name"], 0) + 1
    assert counts["forward_batch"] == 3  # runs that are traced
    assert counts["layer"] == 3 * 3  # the model's layers in each
    # What follows attention each thread may do alone for its own rows.
    assert counts["linear"] in (4 * counts["layer"], (1 + 3 * threads) * counts["layer"])
    assert counts["self_attention"] == counts["layer"]


def test_trace_of_many_texts(cli, tiny):
    """Groups of whole sequences, several threads: the layers lie inside the groups."""
    bench(cli, tiny, "--threads", 2, "--batch", 16, "--tokens", 64, "--trace", "trace.json")
    events = read_trace(cli.folder / "trace.json")
    check_nesting(events)
    groups = [(e["tid"], e["ts"], e["ts"] + e["dur"]) for e in events if e["name"] == "sequence_group"]
    layers = [(e["tid"], e["ts"], e["ts"] + e["dur"]) for e in events if e["name"] == "layer"]
    assert len(groups) == 3 * 8 and len(layers) == 3 * len(groups)
    for thread, begin, end in layers:
        assert any(t == thread and b <= begin and end <= e for t, b, e in groups)


def test_trace_of_generation(cli):
    bench(cli, GOLDEN / "t5-relu", "--tokens", 6, "--generate", 4, "--trace", "trace.json")
    events = read_trace(cli.folder / "trace.json")
    check_nesting(events)
    names = [event["name"] for event in events]
    assert names.count("t5_encoder") == 3
    assert names.count("t5_decode") >= 3


def test_trace_that_cannot_be_written(cli, tiny):
    message = cli.error("bench", "--model", tiny, "--tokens", 4, "--seconds", 0.05, "--trace", "no/such/folder/t.json", code=1)
    assert "no/such/folder/t.json" in message


def test_model_of_unknown_kind(cli, tiny):
    model = cli.folder / "model"
    shutil.copytree(tiny, model)
    config = json.loads((model / "config.json").read_text())
    (model / "config.json").write_text(json.dumps({**config, "model_type": "gpt2"}))
    message = cli.error("bench", "--model", model, code=1)
    assert "'gpt2' is not supported" in message and "modernbert" in message
