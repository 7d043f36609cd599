"""The bench's own functions: cases, statistics, tables and the picture. Starts no contender and measures nothing."""

import json
import sys
import xml.etree.ElementTree

import numpy as np
import pytest

import cases
import export_gguf
import figures
import fresh
import full_size
import http_load
import machine
import models
import ours
import peers
import report
import run
import scaling
import tokenizer_files
import tokenizer_peers
import tokenizing


def row(case="MiniLM 1x16", work=None, unit="ms", **times):
    contenders = {name.replace("_", " "): {"p50_ms": t, "p99_ms": t * 1.5, "min_ms": t * 0.9} for name, t in times.items()}
    own = next((n for n in report.OURS if n in contenders), None)
    speedup = {n: c["p50_ms"] / contenders[own]["p50_ms"] for n, c in contenders.items() if n != own} if own else {}
    return {"case": case, "work": work, "unit": unit, "contenders": contenders, "speedup": speedup}


FACTS = {"precision": "fp32", "cpu": {"model": "Test CPU <1>", "family": "26", "flags": ["avx2"]}, "threads": 2, "rounds": 5, "git": "abc",
         "time": "2026-01-02T03:04:05+00:00", "versions": {"vivace": "0.1.0", "openvino": "1"}}


def test_ragged_lengths_are_the_agreed_ones():
    lengths = cases.ragged_lengths()
    assert len(lengths) == 256
    assert sum(lengths) == 6715
    assert 4 <= min(lengths) and max(lengths) <= 256
    assert np.median(lengths) == 21
    assert lengths == cases.ragged_lengths()


def test_padded_batches_hold_every_token_once():
    lengths = cases.ragged_lengths()
    batches = cases.padded_batches(lengths)
    assert [len(ids) for ids, _ in batches] == [32] * 8
    assert sum(int(mask.sum()) for _, mask in batches) == sum(lengths)
    for ids, mask in batches:
        assert ids.dtype == mask.dtype == np.int64
        assert (ids[mask == 0] == 0).all() and (ids[mask == 1] >= 1000).all()
        assert mask[0].all()  # no wider than its longest text
        assert (np.diff(mask, axis=1) <= 0).all()  # padding stands behind


def test_padded_ids():
    ids, mask = cases.padded_ids([[7, 8, 9], [5]])
    assert ids.tolist() == [[7, 8, 9], [5, 0, 0]]
    assert mask.tolist() == [[1, 1, 1], [1, 0, 0]]


def test_passages_are_cut_and_may_be_missing(tmp_path):
    assert cases.load_passages(tmp_path / "none.jsonl") == []
    file = tmp_path / "passages.jsonl"
    file.write_text("".join(json.dumps({"id": i, "text": f"text {i}"}) + "\n\n" for i in range(300)))
    passages = cases.load_passages(file)
    assert len(passages) == cases.PASSAGES
    assert passages[2] == "text 2"


def test_mixed_texts_are_many_and_always_the_same():
    passages = ["one two three", "four five six seven", "eight"]
    texts = cases.mixed_texts(passages)
    assert len(texts) == cases.TOKENIZER_TEXTS
    assert texts == cases.mixed_texts(passages)
    assert {len(text.split()) for text in texts} == {1, 3, 4}
    assert {word for text in texts for word in text.split()} == set(" ".join(passages).split())


def test_round_and_summary():
    first, second = figures.round_of([5.0, 1.0, 3.0]), figures.round_of([9.0])
    assert (first.p50_ms, first.min_ms, first.calls) == (3.0, 1.0, 3)
    assert 4.9 < first.p99_ms <= 5.0
    both = figures.summarise([first, second])
    assert (both.p50_ms, both.min_ms, both.calls) == (6.0, 1.0, 4)
    with pytest.raises(ValueError):
        figures.round_of([])
    with pytest.raises(ValueError):
        figures.summarise([])


def test_quiet_rounds():
    assert figures.quiet_rounds("abc", [0.5, 0.1, 0.0], 0.1) == ["b", "c"]
    assert figures.quiet_rounds("ab", [0.5, 0.6], 0.1) == ["a", "b"]
    with pytest.raises(ValueError):
        figures.quiet_rounds("ab", [0.5], 0.1)


def test_noisy_rounds_do_not_count(monkeypatch):
    monkeypatch.setattr(machine, "wait_until_quiet", lambda limit: next(readings))
    times = iter([9.0, 1.0, 1.0])
    options = run.parse_arguments(["--rounds", "3"])
    readings = iter([1.0, 1.0, 0.0, 0.0, 0.0, 0.0])
    timed = run.time_case("case", {"torch": lambda seconds: figures.round_of([next(times)])}, options)
    assert timed["others_use"] == [1.0, 0.0, 0.0]
    assert not timed["noisy"]
    assert timed["contenders"]["torch"]["p50_ms"] == 1.0
    readings, times = iter([0.0, 0.5] * 3), iter([2.0] * 3)
    assert run.time_case("case", {"torch": lambda seconds: figures.round_of([next(times)])}, options)["noisy"]


def test_results_of_a_noisy_machine_do_not_reach_the_readme(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(run, "OUT", tmp_path)
    results = {"machine": FACTS, "rows": [{**row(vivace=2.0, torch=3.0), "noisy": True}], "skipped": ["x: no corpus"]}
    with pytest.raises(SystemExit, match="quiet machine"):
        run.write_results(results, run.parse_arguments(["--write-readme"]))
    assert "skipped x: no corpus" in capsys.readouterr().out
    assert json.loads((tmp_path / "results.json").read_text())["rows"][0]["noisy"]
    assert (tmp_path / "results.svg").read_text().startswith("<svg")


def test_a_stopped_run_goes_on_where_it_stopped(tmp_path, monkeypatch):
    monkeypatch.setattr(run, "OUT", tmp_path)
    readings = iter([0.0, 0.0, 1.0, 1.0, 0.0, 0.0])
    monkeypatch.setattr(machine, "wait_until_quiet", lambda limit: next(readings))
    facts = {"cpu": {}, "cpus": 2, "program": "a", "threads": 2, "rounds": 1, "seconds": 1.0}
    options = ["--rounds", "1", "--seconds", "1"]

    def timers(milliseconds):
        return {"torch": lambda seconds: figures.round_of([milliseconds])}

    first = run.Bench(run.parse_arguments(options), facts)
    first.versions["torch"] = "2"
    first.add_row("quiet", timers(1.0))
    first.add_row("noisy", timers(9.0))
    assert [row["case"] for row in json.loads((tmp_path / "results.json").read_text())["rows"]] == ["quiet", "noisy"]

    again = run.Bench(run.parse_arguments([*options, "--resume"]), facts)
    assert [again.wanted(case) for case in ("quiet", "noisy", "third")] == [False, True, True]
    again.add_row("noisy", timers(3.0))
    rows = json.loads((tmp_path / "results.json").read_text())["rows"]
    assert [(row["case"], row["contenders"]["torch"]["p50_ms"], row["noisy"]) for row in rows] == [("quiet", 1.0, False), ("noisy", 3.0, False)]
    assert again.all_facts()["versions"] == {"torch": "2"}
    with pytest.raises(SystemExit, match="another program"):
        run.Bench(run.parse_arguments([*options, "--resume"]), {**facts, "program": "b"})
    (tmp_path / "results.json").unlink()
    with pytest.raises(SystemExit, match="nothing to resume"):
        run.Bench(run.parse_arguments([*options, "--resume"]), facts)


def test_speedup_pairs_the_rounds():
    mine = [figures.round_of([t]) for t in (1.0, 10.0, 2.0)]
    theirs = [figures.round_of([t]) for t in (2.0, 20.0, 8.0)]
    assert figures.speedup(mine, theirs) == 2.0
    with pytest.raises(ValueError):
        figures.speedup([], theirs)


def test_lowest_cosine():
    assert figures.lowest_cosine([[1, 0], [2, 2]], [[3, 0], [1, 1]]) == pytest.approx(1.0)
    assert figures.lowest_cosine([[1, 0], [0, 1]], [[1, 0], [1, 1]]) == pytest.approx(2**-0.5)
    assert figures.lowest_cosine([[0.0, 0.0]], [[1, 0]]) == -1.0
    assert figures.lowest_cosine([[float("nan"), 1]], [[1, 0]]) == -1.0
    with pytest.raises(ValueError):
        figures.lowest_cosine([[1, 0]], [[1, 0, 0]])


def test_rotation_gives_everyone_each_place():
    assert [figures.rotated("abc", turn) for turn in range(4)] == [list("abc"), list("bca"), list("cab"), list("abc")]
    assert figures.rotated([], 3) == []


def test_rows_with_work_show_rates():
    tokenizing = row("tokenize", work=0.5, unit="MB/s", vivace=10.0, hf=100.0)
    assert report.figure(tokenizing, "vivace") == pytest.approx(50.0)
    assert report.figure(row(vivace=2.0), "vivace") == 2.0


def test_ours_stands_first_then_the_fastest():
    assert report.ordered(row(torch=9.0, vivace=5.0, openvino=2.0)) == ["vivace", "openvino", "torch"]
    over_http = row("HTTP", **{"vivace embed": 1.0, "vivace serve": 2.0, "llama.cpp server": 5.0})
    assert report.ordered(over_http) == ["vivace serve", "llama.cpp server", "vivace embed"]
    assert report.ours_in(row(torch=9.0)) is None


def test_text_table():
    lines = report.text_table([row(vivace=2.0, openvino=5.0)]).splitlines()
    assert len(lines) == 3
    assert "vivace" in lines[1] and "fast" not in lines[1]
    assert "2.50x as fast" in lines[2]


def test_markdown_table_names_best_peer_and_machine():
    table = report.markdown_table([row(vivace=2.0, openvino=5.0, torch=8.0), row("no ours", torch=3.0)], FACTS)
    assert "| MiniLM 1x16 (ms) | **2.00** | openvino 5.00, torch 8.00 | 2.50× as fast as openvino |" in table
    assert "| no ours (ms) | – | torch 3.00 |  |" in table
    assert "2 threads" in table and "openvino 1" in table and "2026-01-02" in table


def test_readme_table_is_replaced_and_nothing_else():
    text = f"before\n{report.README_BEGIN}\nold\n{report.README_END}\nafter\n"
    once = report.replace_in_readme(text, "| new |")
    assert once == f"before\n{report.README_BEGIN}\n| new |\n{report.README_END}\nafter\n"
    assert report.replace_in_readme(once, "| new |") == once
    with pytest.raises(ValueError, match="bench:begin"):
        report.replace_in_readme("no markers", "x")
    with pytest.raises(ValueError, match="in this order"):
        report.replace_in_readme(f"{report.README_END}{report.README_BEGIN}", "x")


def test_svg_is_well_formed_and_to_scale():
    rows = [row("a < b & c", vivace=2.0, openvino=8.0), row("rates", work=1.0, unit="MB/s", vivace_serve=1.0, torch=4.0)]
    root = xml.etree.ElementTree.fromstring(report.svg_chart(rows, "caption <&>"))
    space = "{http://www.w3.org/2000/svg}"
    bars = [r for r in root.iter(space + "rect") if r.get("class") in ("ours", "peer")]
    widths = [float(bar.get("width")) for bar in bars]
    assert [bar.get("class") for bar in bars] == ["ours", "peer", "ours", "peer"]
    assert widths[1] == pytest.approx(4 * widths[0], rel=1e-2)
    assert widths[2] == pytest.approx(4 * widths[3], rel=1e-2)
    assert max(float(b.get("x")) + float(b.get("width")) for b in bars) < report.WIDTH - report.MARGIN
    texts = [text.text for text in root.iter(space + "text")]
    assert "a < b & c" in texts and "caption <&>" in texts and "8.00" in texts


def test_cpu_facts():
    facts = machine.cpu_facts("processor : 0\nmodel name\t: One\ncpu family : 26\nflags : fma avx2 sse\nmodel name : Two\n")
    assert facts["model"] == "One"
    assert facts["family"] == "26"
    assert facts["flags"] == ["avx2", "fma"]
    assert machine.cpu_facts("")["model"] == "unknown"


def test_busy_share():
    #                             user nice system idle iowait irq softirq steal
    assert machine.busy_share("cpu 10 0 10 100 0 0 0 0 0 0", "cpu 20 0 10 120 10 0 0 0 0 0") == pytest.approx(0.25)
    assert machine.busy_share("cpu 0 0 0 0 0 0 0 0", "cpu 0 0 0 50 0 0 0 50") == 0.5
    assert machine.busy_share("cpu 1 1 1 1 1 1 1 1", "cpu 1 1 1 1 1 1 1 1") == 0.0


def test_waiting_for_quiet_ends():
    assert 0 <= machine.wait_until_quiet(0, sample_s=0.01) <= 1


def test_time_case_lets_everyone_work_every_round(capsys):
    order = []

    def timer(name, milliseconds):
        def run_round(seconds):
            assert seconds == 0.5
            order.append(name)
            return figures.round_of([milliseconds])
        return run_round

    options = run.parse_arguments(["--rounds", "3", "--seconds", "0.5", "--quiet-wait", "0"])
    timed = run.time_case("case", {"vivace": timer("vivace", 2.0), "torch": timer("torch", 6.0)}, options)
    assert order == ["vivace", "torch", "torch", "vivace", "vivace", "torch"]
    assert timed["speedup"] == {"torch": 3.0}
    assert len(timed["contenders"]["torch"]["rounds"]) == 3
    assert json.loads(json.dumps(timed)) == timed
    assert "round 3/3" in capsys.readouterr().err


class FixedVectors:
    def __init__(self, name, vector):
        self.name, self.vector = name, vector

    def vectors(self, texts):
        return [self.vector for _ in texts]


def test_wrong_answers_are_not_timed(capsys):
    reference, good, bad = FixedVectors("torch", [1.0, 1.0]), FixedVectors("a", [2.0, 2.0]), FixedVectors("b", [1.0, 0.9])
    assert run.check_outputs([good, reference], reference) == {"a": pytest.approx(1.0)}
    with pytest.raises(SystemExit, match="b answers wrongly"):
        run.check_outputs([good, bad], reference)
    bad.vector = [1.0, 0.0]
    bench, checks = run.Bench(run.parse_arguments([])), run.check_outputs([good, bad], reference, "int8")
    assert bench.exact_enough([good, bad], checks, "int8", "MiniLM") == [good]
    assert bench.results["skipped"] == ["b in int8, MiniLM: its lowest cosine is 0.7071"]
    bad.name = ours.Vivace.name
    with pytest.raises(SystemExit, match="vivace answers wrongly"):
        run.check_outputs([good, bad], reference, "int8")


class FixedIds:
    def __init__(self, name, ids):
        self.name, self.all_ids = name, ids

    def ids(self, texts):
        return self.all_ids


def test_wrong_ids_are_not_timed(capsys):
    reference = FixedIds("hf", [[1, 2], [3]])
    run.check_ids(FixedIds("a", [[1, 2], [3]]), reference, ["x", "y"])
    with pytest.raises(SystemExit, match="b tokenizes 'y' otherwise than hf"):
        run.check_ids(FixedIds("b", [[1, 2], [4]]), reference, ["x", "y"])
    with pytest.raises(ValueError):
        run.check_ids(FixedIds("c", [[1, 2]]), reference, ["x", "y"])


FAKE_PROGRAM = """#!/usr/bin/env python3
import json, sys
arguments = sys.argv[1:]
if arguments[0] == "--version":
    print("vivace 9.9")
elif "--tokenize" in arguments:
    print(json.dumps({"mb_per_s": 2.0, "p50_ms": 1.0, "p99_ms": 1.5, "min_ms": 0.5, "runs": 7}))
elif "--tokens" in arguments and arguments[arguments.index("--tokens") + 1] == "128":
    sys.exit("vivace: no memory")
else:
    print(json.dumps({"p50_ms": 2.0, "p99_ms": 3.0, "min_ms": 1.5, "isa": "avx2", "seen": arguments}))
"""


@pytest.fixture
def vivace(tmp_path):
    program = tmp_path / "vivace"
    program.write_text(FAKE_PROGRAM)
    program.chmod(0o755)
    return ours.Vivace(program, "model", 2)


def test_ours_reads_what_vivace_bench_tells(vivace):
    assert vivace.versions == {"vivace": "9.9"}
    told = vivace.forward(cases.MODELS[0].cases[0], 0.1)
    assert (told.p50_ms, told.p99_ms, told.min_ms) == (2.0, 3.0, 1.5)
    assert vivace.notes["MiniLM 1x16"]["isa"] == "avx2"
    assert vivace.tokenize(["a", "é"], 0.1) == figures.Round(1.0, 1.5, 0.5, 7)


def test_a_failing_program_is_told_with_its_message(vivace):
    with pytest.raises(ours.ContenderError, match="no memory"):
        vivace.forward(cases.MODELS[0].cases[1], 0.1)


def test_short_texts_do_not_repeat():
    texts = cases.many_short_texts(cases.load_passages())
    assert len(set(texts)) > 0.99 * len(texts) and {len(text.split()) for text in texts} == {len(text.split()) for text in cases.SHORT_TEXTS}


def test_only_chooses_cases():
    bench = run.Bench(run.parse_arguments(["--only", "RAGGED"]))
    assert [case.name for case in cases.MODELS[0].cases if bench.wanted(case.name)] == ["MiniLM ragged x256"]
    bench = run.Bench(run.parse_arguments(["--only", "minilm 1X|32x"]))
    assert [case.name for case in cases.MODELS[0].cases if bench.wanted(case.name)] == ["MiniLM 1x16", "MiniLM 1x128", "MiniLM 32x128"]
    bench = run.Bench(run.parse_arguments(["--only", "HTTP, 1 connection"]))  # names have commas
    assert bench.wanted("HTTP, 1 connection bf16") and not bench.wanted("HTTP, 32 connections bf16")


def test_every_model_has_cases_and_peers_in_each_precision():
    for model in cases.MODELS:
        writes = any(case.generate for case in model.cases)
        assert model.cases and set(model.peers) == set(cases.PRECISIONS) - (set() if writes else {"int4"})
        assert all(model.peers.values())
        assert all(sum(case.lengths) > 0 and case.name.startswith(model.name) for case in model.cases)
    names = [run.row_name(case, p) for model in cases.MODELS for case in model.cases for p in cases.PRECISIONS]
    assert len(names) == len(set(names)) and "DistilBERT 8x128" in names and "T5-220M 64+50 int8" in names


def test_unknown_precisions_are_refused(capsys):
    assert run.parse_arguments(["--precision", "fp32,int8"]).precisions == ["fp32", "int8"]
    with pytest.raises(SystemExit):
        run.parse_arguments(["--precision", "fp8"])
    assert "fp8 is unknown; use fp32, bf16, int8, int4" in capsys.readouterr().err


class FixedWriter(FixedIds):
    def written(self, texts, count):
        assert len(texts) == run.GENERATED_TEXTS and count == run.GENERATED_TOKENS
        return self.all_ids


def test_wrong_continuations_are_not_timed(capsys):
    reference = FixedWriter("torch-t5", [[1, 2], [3, 4]])
    assert run.check_written([FixedWriter("a", [[1, 2], [3, 4]]), reference], reference) == {"a": 1.0}
    short = FixedWriter("b", [[1, 2], [3]])
    with pytest.raises(SystemExit, match="b writes otherwise"):
        run.check_written([short], reference)
    assert run.check_written([short], reference, "int8") == {"b": 0.75}


def test_a_contender_that_cannot_do_it_is_skipped_and_said():
    bench = run.Bench(run.parse_arguments([]))

    def fail():
        raise ours.ContenderError("--precision int8 is not in this release")

    assert bench.open_or_skip("vivace in int8, MiniLM", fail) == []
    assert bench.results["skipped"] == ["vivace in int8, MiniLM: --precision int8 is not in this release"]
    assert bench.open_or_skip("x", lambda: [1]) == [1]


def test_files_of_a_model_are_named_after_its_weights(tmp_path):
    model = tmp_path / "model"
    model.mkdir()
    (model / "model.safetensors").write_bytes(b"one")
    first = models.Files(model, tmp_path).stem
    assert models.Files(model, tmp_path).stem == first
    (model / "model.safetensors").write_bytes(b"other")
    assert models.Files(model, tmp_path).stem != first
    assert models.Files(model, tmp_path).of("torch", "bf16") == model


def test_tokenizer_for_converters_has_a_word_for_each_id(tmp_path):
    model = tmp_path / "model"
    model.mkdir()
    (model / "config.json").write_text('{"vocab_size": 40}')
    (model / "model.safetensors").write_bytes(b"weights")
    models.full_tokenizer_folder(model, tmp_path / "full")
    vocabulary = json.loads((tmp_path / "full" / "tokenizer.json").read_text())["model"]["vocab"]
    assert sorted(vocabulary.values()) == list(range(40)) and vocabulary["[SEP]"] == 2
    assert (tmp_path / "full" / "model.safetensors").read_bytes() == b"weights"


def test_names_and_words_of_a_gguf_file():
    assert export_gguf.gguf_name("encoder.layer.11.attention.output.LayerNorm.bias") == "blk.11.attn_output_norm.bias"
    assert export_gguf.gguf_name("encoder.layer.0.output.dense.weight") == "blk.0.ffn_down.weight"
    assert export_gguf.gguf_name("embeddings.word_embeddings.weight") == "token_embd.weight"
    assert export_gguf.gguf_name("pooler.dense.bias") is None and export_gguf.gguf_name("embeddings.position_ids") is None
    assert [export_gguf.gguf_token(*word) for word in (("[CLS]", True), ("deep", False), ("##er", False))] == ["[CLS]", "\u2581deep", "er"]
    narrow = ("blk.0.attn_q.weight", "token_embd.weight", "blk.0.attn_q.bias", "blk.0.layer_output_norm.weight", "position_embd.weight")
    assert [export_gguf.is_narrow(name) for name in narrow] == [True, True, False, False, False]


def test_load_generator_s_script_and_answer():
    script = http_load.lua_script("/v1/embeddings", http_load.embedding_bodies(["a \"quoted\" text", "ü"]))
    assert r'"{\"input\": \"a \\\"quoted\\\" text\"' in script and script.count("encoding_format") == 2
    told = '{"requests":400,"microseconds":2000000,"p50_us":900,"p99_us":5000,"min_us":700,"errors":0}'
    milliseconds, latencies = http_load.parse("Running 2s test\n" + told)
    assert milliseconds == 5 and latencies["p99_us"] == 5
    with pytest.raises(ours.ContenderError, match="3 errors"):
        http_load.parse(told.replace('"errors":0', '"errors":3'))


def test_memory_of_a_process():
    status = fresh.parse_status("Name:\tx\nVmHWM:\t   2000 kB\nVmRSS:\t   1000 kB\n")
    assert status == {"now_mb": pytest.approx(1.024), "most_mb": pytest.approx(2.048)}
    output, megabytes = full_size.peak_memory([sys.executable, "-c", "x = bytearray(60 << 20); print(input())"], "told\n")
    assert output == "told\n" and 60 < megabytes < 200
    with pytest.raises(ours.ContenderError, match="status 3"):
        full_size.peak_memory([sys.executable, "-c", "import sys; sys.exit(3)"], "")


def test_difference_is_relative_to_the_largest_value():
    assert full_size.difference([1.0, 4.0], [1.0, 5.0]) == pytest.approx(0.2)
    with pytest.raises(ValueError):
        full_size.difference([1.0], [1.0, 2.0])
    assert full_size.memory_limit_mb(100e6) == pytest.approx(210)


def test_shares_of_right_ids():
    special, plain = [[1, 5, 2], [1, 2], [1, 6, 7, 2]], [[5], [], [6, 7]]
    assert tokenizing.equal_share(special, [special, plain]) == 1
    assert tokenizing.equal_share(plain, [special, plain]) == 1
    assert tokenizing.equal_share([[5], [1, 2], [6, 7]], [special, plain]) == pytest.approx(2 / 3)  # not of either kind
    assert tokenizing.equal_share([None, [], [6, 8]], [special, plain]) == pytest.approx(1 / 3)
    for found in ([], special[:2]):
        with pytest.raises(ValueError):
            tokenizing.equal_share(found, [special, plain])


def test_reasons_are_short():
    assert tokenizing.reason_of(peers.PeerError("\n  x does not load: no Strip\n\nLocation:\n")) == "x does not load: no Strip"
    assert tokenizing.reason_of(OSError()) == "OSError"
    assert len(tokenizing.reason_of(peers.PeerError("long " * 100))) == 120


class TokenizingPeer(FixedIds):
    def __init__(self, name, ids, plain=()):
        super().__init__(name, ids)
        self.plain = list(plain)

    def ids(self, texts, special_tokens=True):
        return self.all_ids if special_tokens else self.plain

    def passages(self, texts, seconds):
        return (self.name, texts, seconds)


def contenders_of(*makers):
    contenders = tokenizing.Contenders(["x", "y"], run.FAILURES)
    for name, make in makers:
        contenders.add_peer(name, make)
    return contenders


REFERENCE_MAKER = ("hf", lambda: TokenizingPeer("hf", [[1, 5], [1, 6]], [[5], [6]]))


def fail(problem):
    raise problem


def test_contenders_that_cannot_tokenize_are_kept_with_the_reason(capsys):
    contenders = contenders_of(REFERENCE_MAKER, ("good", lambda: TokenizingPeer("good", [[5], [6]])),
                               ("poor", lambda: TokenizingPeer("poor", [[5], None])),
                               ("absent", lambda: fail(peers.PeerError("absent does not load: No module\nmore"))))
    assert contenders.ids_equal == {"hf": 1, "good": 1, "poor": 0.5}
    assert contenders.missing == {"absent": "absent does not load: No module"}
    contenders.add_ours(TokenizingPeer("vivace", []))
    timers = contenders.timers(["t"])
    assert list(timers) == ["hf", "good", "poor", "vivace"] and contenders.ids_equal["vivace"] == 1
    assert timers["poor"](0.5) == ("poor", ["t"], 0.5)
    assert "left out absent" in capsys.readouterr().err


def test_nothing_is_timed_without_the_reference():
    with pytest.raises(peers.PeerError, match="gone"):
        contenders_of(("hf", lambda: fail(peers.PeerError("gone"))), REFERENCE_MAKER)


def test_a_peer_s_process_tells_why_it_cannot_load(tmp_path, capfd):
    with pytest.raises(peers.PeerError, match="tokie does not load: "):
        peers.Peer("tokie", "fp32", tmp_path, "-", 1)
    with pytest.raises(peers.PeerError, match="no-such-peer does not load: KeyError"):
        peers.Peer("no-such-peer", "fp32", tmp_path, "-", 1)


def test_ids_of_texts_that_a_package_fails_at():
    class Panic(BaseException):
        pass

    class Fragile(tokenizer_peers.TokenizerPeer):
        def load(self, path):
            assert path == "folder/tokenizer.json"
            return lambda text: np.array([len(text)]) if text else fail(Panic())

    peer = Fragile("folder", "-", 1, "fp32")
    assert peer.ids(["abc", "", "a"]) == [[3], None, [1]]
    assert json.dumps(peer.ids(["abc"])) == "[[3]]"
    assert len(peer.passages(["abc"], 0)) >= 3


def tokenizing_row():
    return {**row("tokenize Unigram", work=1.0, unit="MB/s", vivace=10.0, tokie=25.0),
            "ids_equal": {"vivace": 1, "tokie": 0.99999}, "missing": {"gigatoken": "no Unigram"}}


def test_tables_show_ids_and_who_is_missing():
    lines = report.text_table([tokenizing_row()]).splitlines()
    assert lines[1].endswith("MB/s     ids 100 %")
    assert lines[2].endswith("2.50x as fast, ids 99.99 %")
    assert lines[3].split() == ["tokenize", "Unigram", "gigatoken", "cannot:", "no", "Unigram"]
    table = report.markdown_table([tokenizing_row()], FACTS)
    assert "| **100** (ids 100 %) | tokie 40.0 (ids 99.99 %), gigatoken – | 2.50× as fast as tokie |" in table
    assert "HF tokenizers" in table and "HF tokenizers" not in report.markdown_table([row(vivace=1.0)], FACTS)
    chart = report.svg_chart([tokenizing_row()], "")
    assert "40.0 ids 99.99 %" in chart and "cannot read this tokenizer" in chart
    xml.etree.ElementTree.fromstring(chart)


def test_long_texts_hold_the_same_words():
    texts = [f"word{i}" for i in range(60)]
    long = tokenizer_files.long_texts(texts)
    assert len(long) == 3 and " ".join(long).split() == texts
    assert {tokenizing.row_name(kind, length) for kind in tokenizer_files.KINDS for length in tokenizing.LENGTHS} >= {
        "tokenize WordPiece", "tokenize Unigram, long", "tokenize BPE"}


def test_odd_texts_are_enough_and_always_the_same():
    texts = tokenizer_files.odd_texts()
    assert len(texts) == len(set(texts)) >= 2000 and texts == tokenizer_files.odd_texts()
    assert all(text.strip() for text in texts)


def test_shapes_take_another_vocabulary():
    """Ids of added tokens follow: where they stand in the vocabulary, or after it."""
    shape = tokenizer_files.shaped("deberta_v3", [[token, 0.0] for token in ("[PAD]", "[CLS]", "[SEP]", "[UNK]", "▁a")])
    assert {token["content"]: token["id"] for token in shape["added_tokens"]} == {
        "[PAD]": 0, "[CLS]": 1, "[SEP]": 2, "[UNK]": 3, "[MASK]": 5}
    assert shape["post_processor"]["special_tokens"]["[SEP]"]["ids"] == [2]
    bpe = tokenizer_files.shaped("codet5p", {"<pad>": 0, "<s>": 1, "</s>": 2, "<unk>": 3, "<mask>": 4, "a": 5})
    assert bpe["post_processor"]["sep"] == ["</s>", 2] and len(bpe["model"]["vocab"]) == 6
    assert sorted(token["id"] for token in bpe["added_tokens"])[:7] == [0, 1, 2, 3, 4, 6, 7]


def test_tokenizer_files_are_made_once_and_without_limits(tmp_path, monkeypatch):
    calls = []

    def make(minilm):
        calls.append(minilm)
        return {"truncation": {"max_length": 128}, "padding": {}, "model": {"type": "WordPiece"}}

    monkeypatch.setitem(tokenizer_files.KINDS, "WordPiece", make)
    for _ in range(2):
        folder = tokenizer_files.folder("WordPiece", "minilm", tmp_path)
    assert calls == ["minilm"]
    document = json.loads((folder / "tokenizer.json").read_text())
    assert document["truncation"] is None and document["padding"] is None and (folder / "config.json").exists()
    assert len(tokenizer_files.training_texts()) > 500


def test_gains_are_of_one_thread_and_programs_at_once_count_their_slowest(monkeypatch):
    taken = {1: [100.0, 120.0, 130.0], 2: [60.0]}  # one alone; then two at once

    class Program:
        def __init__(self, program, model, threads, precision):
            self.threads = threads

        def forward(self, case, seconds):
            assert case.lengths == (128,) * 32 and seconds == 1.5
            times = taken[self.threads]
            return figures.round_of([times.pop(0) if len(times) > 1 else times[0]])

    monkeypatch.setattr(scaling.ours, "Vivace", Program)
    options = run.argparse.Namespace(program="p", model="m", threads=2, precision="bf16", seconds=1.5, rounds=1)
    gains = scaling.thread_scaling(options)
    assert gains["2 threads"]["median"] == pytest.approx(100 / 60)
    assert gains["2 programs"]["median"] == pytest.approx(2 * 100 / 130)
