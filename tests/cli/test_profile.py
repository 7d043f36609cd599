"""`vivace profile` and `vivace tune`: what they tell, never the times themselves."""

import json

import pytest

from cli_runner import ROOT, Cli

GOLDEN = ROOT / "tests" / "golden"
QUICK = ("--samples", 12, "--concurrency", 3, "--batch-seconds", 0.01)


@pytest.fixture(scope="module")
def profile(tiny, tmp_path_factory):
    folder = tmp_path_factory.mktemp("profile")
    page = folder / "page.html"
    told = json.loads(Cli(folder).ok("profile", tiny, *QUICK, "--json", "--report", page))
    return told, page.read_text(encoding="utf-8")


def test_c000_15_c000_16_stages_by_themselves(profile):
    stages = {stage["name"]: stage for stage in profile[0]["models"][0]["stages"]}
    assert list(stages) == ["tokenization", "inference", "end_to_end"]
    for stage in stages.values():
        latency = stage["latency"]
        assert stage["sample_count"] == 12
        assert 0 < latency["p50_ms"] <= latency["p95_ms"] <= latency["p99_ms"]
        assert latency["mean_ms"] > 0 and latency["std_ms"] >= 0
        assert stage["cpu"]["peak_percent"] >= stage["cpu"]["avg_percent"] >= 0
        assert stage["memory"]["peak_mb"] >= stage["memory"]["avg_mb"] > 0
    assert stages["end_to_end"]["latency"]["mean_ms"] > stages["inference"]["latency"]["mean_ms"]


def test_c000_17_batch_scaling_and_the_best_size(profile):
    model = profile[0]["models"][0]
    assert [row["batch_size"] for row in model["batches"]] == [1, 2, 4, 8, 16, 32]
    best = max(model["batches"], key=lambda row: row["texts_per_s"])
    assert model["optimal_batch_size"] == best["batch_size"]


def test_c000_18_c004_10_load_and_memory(profile):
    model = profile[0]["models"][0]
    assert model["load_ms"] > 0
    memory = model["memory"]
    assert 0 < memory["before_load_mb"] <= memory["after_load_mb"] <= memory["peak_mb"]


def test_c000_19_hot_spots(profile):
    zones = profile[0]["models"][0]["zones"]
    assert 3 <= len(zones) <= 30 and all(zone["calls"] >= 1 for zone in zones)
    assert {"linear", "layer_norm", "engine_batch"} <= {zone["name"] for zone in zones}
    own = [zone["self_ms"] for zone in zones]
    assert own == sorted(own, reverse=True)


def test_c000_21_expected_shares_beside_the_measured(profile):
    shares = profile[0]["models"][0]["shares"]
    assert [share["expected_percent"] for share in shares] == ["30-40", "45-60", "5-10"]
    assert sum(share["percent"] for share in shares) == pytest.approx(100)


def test_c001_01_c001_11_decision_matrix(cli, profile):
    told = profile[0]
    (row,) = told["gpu_decision_matrix"]
    assert row["type"] in ("io_bound", "compute_bound", "memory_bound", "unknown")
    assert row["gpu"] == ("YES" if row["type"] == "compute_bound" else "NO")
    assert told["summary"]["overall_recommendation"] == ("EVALUATE_GPU" if row["gpu"] == "YES" else "KEEP_CPU")
    assert told["models"][0]["analysis"]["gpu_recommendation"] in told["summary"]["action_items"]
    text = cli.ok("profile", GOLDEN / "heads" / "bert-nli", GOLDEN / "heads" / "roberta-tags", *QUICK)
    assert text.count("bottleneck: ") == 2
    matrix = text[text.index("GPU acceleration decision matrix"):]
    assert "bert-nli" in matrix and "roberta-tags" in matrix


def test_c000_20_report_for_browsers(profile):
    told, page = profile
    assert page.startswith("<!doctype html>") and "{{" not in page
    assert told["summary"]["overall_recommendation"] in page and "tokenization" in page


def test_one_caller_and_several(profile):
    throughput = profile[0]["models"][0]["throughput"]
    assert throughput["sequential_rps"] > 0 and throughput["concurrent_rps"] > 0


def tuned(cli, tiny, *options):
    return json.loads(cli.ok("tune", "--model", tiny, "--num-samples", 40, "--min-batch", 64, "--max-batch", 256, "--json",
                             *options))


def test_c004_13_c004_14_every_setting_is_tried(cli, tiny):
    told = tuned(cli, tiny, "--precision", "fp32,int8", "--threads", "1,2")
    assert [(r["precision"], r["threads"], r["batch_tokens"]) for r in told["results"]] == [
        (precision, threads, tokens) for precision in ("fp32", "int8") for threads in (1, 2) for tokens in (64, 128, 256)]
    assert all(row["success"] and row["throughput_texts_per_sec"] > 0 for row in told["results"])
    assert told["optimal"] == max(told["results"], key=lambda row: row["throughput_texts_per_sec"])
    assert told["num_texts"] == 40 and told["within_limit"]


def test_c004_14_memory_limit_ends_a_series(cli, tiny):
    told = tuned(cli, tiny, "--precision", "fp32", "--threads", 1, "--memory-limit", 1)
    assert len(told["results"]) == 1 and not told["within_limit"] and told["optimal"]["batch_tokens"] == 64


def test_c004_07_the_best_setting_goes_into_the_configuration(cli, tiny, tmp_path):
    config = tmp_path / "vivace.yaml"
    config.write_text("# ours\nport: 1234\nthreads: 7\n")
    told = tuned(cli, tiny, "--precision", "fp32", "--threads", 1, "--write", config)
    assert config.read_text() == (f"# ours\nport: 1234\nthreads: 1\nprecision: fp32\n"
                                  f"max_batch_tokens: {told['optimal']['batch_tokens']}\n")
    config.write_text("no_such_key: 1\n")
    failed = cli.error("tune", "--model", tiny, "--num-samples", 4, "--precision", "fp32", "--threads", 1, "--min-batch", 64,
                       "--max-batch", 64, "--write", config, code=2)
    assert "no_such_key" in failed and config.read_text() == "no_such_key: 1\n"


def test_models_are_named_in_one_place(cli, tiny):
    assert "--model" in cli.error("profile", tiny, "--model", tiny, code=2)
