"""tools/check_instruction_counts.py: what it takes for worse, and that its file names every case. The counting itself is
done by .ci/run."""

import importlib.util
import json
import pathlib

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def tool():
    spec = importlib.util.spec_from_file_location("check_instruction_counts", ROOT / "tools" / "check_instruction_counts.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_more_than_three_percent_is_a_fault(tool):
    known = {"a": 1000.0, "b": 1000.0}
    assert tool.faults({"a": 1030.0, "b": 500.0}, known) == []
    assert tool.faults({"a": 1031.0, "b": 1000.0}, known) == ["a: 1031.0 instructions a token, 1000.0 before (+3.1 %)"]


def test_a_case_that_nobody_wrote_down_is_a_fault(tool):
    assert "c: nothing to compare with" in tool.faults({"c": 1.0}, {"a": 1.0})[0]


def test_one_time_costs_are_left_out(tool):
    """10 000 instructions for the first text's tables, then 50 a token."""
    assert tool.per_token((10_000 + 50 * 8, 8), (10_000 + 50 * 108, 108)) == 50


def test_every_case_is_written_down(tool):
    recorded = json.loads(tool.COUNTS.read_text(encoding="utf-8"))
    assert set(recorded["counts"]) == set(tool.CASES)
    assert all(count > 0 for count in recorded["counts"].values())


def test_another_compiler_is_no_reason_to_fail(tool, monkeypatch, capsys):
    monkeypatch.setattr(tool, "made_with", lambda: "another compiler 1.0, libc 2.0")
    assert tool.main([]) == 0
    assert "skipped: made with" in capsys.readouterr().out


def test_worse_counts_fail_and_are_named(tool, monkeypatch, capsys):
    recorded = json.loads(tool.COUNTS.read_text(encoding="utf-8"))
    monkeypatch.setattr(tool, "made_with", lambda: recorded["made_with"])
    monkeypatch.setattr(tool, "missing_parts", lambda: None)
    worse = {**recorded["counts"], "tokenize WordPiece": recorded["counts"]["tokenize WordPiece"] * 1.1}
    monkeypatch.setattr(tool, "measure", lambda names: {name: worse[name] for name in names})
    assert tool.main([]) == 1
    assert "tokenize WordPiece: " in capsys.readouterr().out
    assert tool.main(["tokenize Unigram"]) == 0
