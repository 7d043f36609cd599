"""The measurements that the originals' profilers made, with `vivace bench`. Never the times themselves."""

import json

import pytest

from cli_runner import ROOT

GOLDEN = ROOT / "tests" / "golden"


def bench(cli, model, *arguments):
    return json.loads(cli.ok("bench", "--model", model, *arguments, "--seconds", 0.02, "--json"))


@pytest.mark.parametrize("batch", [1, 2, 4, 8, 16, 32])
def test_c000_17_each_batch_size_has_its_throughput(cli, tiny, batch):
    told = bench(cli, tiny, "--batch", batch, "--tokens", 16)
    assert told["tokens_per_s"] > 0 and told["tokens_per_s"] == pytest.approx(batch * 16 / told["p50_ms"] * 1e3, rel=1e-3)


@pytest.mark.parametrize("precision", ["int8", "int4"])
def test_c002_18_whole_numbers_write(cli, precision):
    """In whole numbers the model is smaller and still writes; what it writes does not depend on the threads."""
    model = GOLDEN / "t5-code"
    facts = {name: json.loads(cli.ok("inspect", "--model", model, "--precision", name, "--json"))
             for name in ("fp32", "int8", "int4")}
    assert facts[precision]["precision"] == precision
    assert facts["int4"]["packed_bytes"] < facts["int8"]["packed_bytes"] < facts["fp32"]["packed_bytes"]
    options = ["complete", "--model", model, "--precision", precision, "--format", "jsonl", "--max-new-tokens", 16,
               "--strategy", "none", "def add(a, b):"]
    found = [json.loads(cli.ok(*options, "--threads", threads))["token_ids"] for threads in (1, 3)]
    assert found[0] == found[1] and len(found[0]) >= 1
