"""`vivace impact`, `vivace impact validate` and `vivace impact calibrate`."""

import collections
import hashlib
import importlib.util
import json
import random
import shutil

import pytest

from cli_runner import MINILM, ROOT

spec = importlib.util.spec_from_file_location("reference_scorer", ROOT / "tests" / "impact" / "reference_scorer.py")
reference = importlib.util.module_from_spec(spec)
spec.loader.exec_module(reference)

EXAMPLES = ROOT / "examples" / "impact" / "messages.jsonl"
HELD_OUT = EXAMPLES.with_name("held_out.jsonl")


def score(cli, tmp_path, rows, *arguments):
    path = tmp_path / "messages.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return [json.loads(line) for line in cli.ok("impact", "--file", path, *arguments).splitlines()]


def generated_messages(count):
    """Seeded messages that mix keywords, cases, scripts, odd types and three agents."""
    chance = random.Random(20)
    words = list(reference.KEYWORDS) + "the lunch café 漢字 is on Tuesday İstanbul ﬁre".split()
    odd = ["low", "HIGH", "Critical", 0, 1, 2, 3, 7, 2.5, True, "urgent", ["high"], None, "priority_normal", ""]
    types = ["command", "GOVERNANCE", "constitutional_check", 4, None, "event", {"a": "command"}]
    tools = ["execute_sql", {"name": "send_mail"}, {"title": "x"}, "reader", "", {"name": None}, "LISTEN", "calc"]
    for _ in range(count):
        message = {"content": " ".join(chance.choices(words, k=chance.randint(0, 7)))}
        if chance.random() < 0.3:
            message["content"] = {"text": message["content"].upper()}
        if chance.random() < 0.4:
            message["payload"] = {"amount": chance.choice([0, 1000, 1000.5, 10**7, "many", None, True]),
                                  "message": chance.choice(words)}
        if chance.random() < 0.5:
            message["tools"] = chance.sample(tools, chance.randint(0, 3))
        message["priority"] = chance.choice(odd)
        message["message_type"] = chance.choice(types)
        message["from_agent"] = chance.choice(["a", "b", "c", ""])
        context = None
        if chance.random() < 0.3:
            context = {"agent_id": "d", "priority": chance.choice(odd), "semantic_override": chance.choice([0, 0.4, 1, None])}
        yield {"message": message, "context": context}


def test_arguments_are_messages_that_have_content_only(cli, tmp_path):
    texts = ["a critical breach of the database", "[lunch]", "say \"hello\""]
    expected = score(cli, tmp_path, [{"content": text} for text in texts], "--no-model")
    assert [json.loads(line) for line in cli.ok("impact", "--no-model", *texts).splitlines()] == expected
    assert "TEXT" in cli.error("impact", "--no-model", "--file", "x.jsonl", "text", code=2)
    lines = "\ufeff" + "\n".join(json.dumps({"content": text}) for text in texts) + "\n\n"
    found = cli.ok("impact", "--no-model", "--input-format", "jsonl", "--file", "-", stdin=lines)
    assert [json.loads(line) for line in found.splitlines()] == expected
    assert "text 2 is empty" in cli.error("impact", "--no-model", "text", "", code=1)


def test_equals_the_reference_scorer(cli, tmp_path):
    rows = list(generated_messages(600))
    answers = score(cli, tmp_path, rows, "--no-model", "--volume-window", "0")
    scorer = reference.ReferenceScorer()
    for row, answer in zip(rows, answers, strict=True):
        expected, factors = scorer.score(row["message"], row["context"])
        assert answer["score"] == pytest.approx(expected, abs=1e-6), row
        assert answer["factors"] == pytest.approx(factors, abs=1e-6), row


def test_recorded_messages(cli, tmp_path):
    path = ROOT / "tests" / "impact" / "data" / "keywords.jsonl"
    rows = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines() if '"sequence": 0,' in line]
    answers = score(cli, tmp_path, rows, "--no-model")
    assert [answer["score"] for answer in answers] == pytest.approx([row["score"] for row in rows], abs=1e-6)
    assert [answer["index"] for answer in answers] == list(range(len(rows)))


def test_analysis_has_every_member(cli, tmp_path):
    answer, = score(cli, tmp_path, [{"content": "a breach"}], "--no-model")
    assert set(answer) == {"index", "score", "factors", "recommendation", "requires_deliberation", "matched_keywords",
                           "backend", "degraded", "explanations"}
    assert answer["matched_keywords"] == ["breach"] and answer["backend"] == "keywords" and answer["degraded"] is False
    assert [entry["of"] for entry in answer["explanations"]] == ["semantic", "permission", "volume", "context", "drift",
                                                                 "priority", "type", "score"]


def test_model_answers_by_name(cli, tmp_path, tiny):
    answer, = score(cli, tmp_path, [{"content": "hello"}], "--model", tiny, "--require-model")
    assert answer["backend"] == "cpu" and answer["degraded"] is False and -1 <= answer["similarity"] <= 1


def test_missing_model_falls_back_and_says_so(cli, tmp_path):
    answer, = score(cli, tmp_path, [{"content": "hello"}], "--model", "no-such-model")
    assert answer["backend"] == "keywords" and answer["degraded"] is True
    assert "no-such-model" in cli.error("impact", "--model", "no-such-model", "--require-model", "--file", EXAMPLES, code=1)


def test_wrong_checksum_falls_back(cli, tmp_path, tiny):
    rows = [{"content": "hello"}]
    right = hashlib.sha256((tiny / "model.safetensors").read_bytes()).hexdigest()
    answer, = score(cli, tmp_path, rows, "--model", tiny, "--model-sha256", right)
    assert answer["backend"] == "cpu"
    answer, = score(cli, tmp_path, rows, "--model", tiny, "--model-sha256", "0" * 64)
    assert answer["backend"] == "keywords" and answer["degraded"] is True


def refused_by(cli, model, sha256):
    return cli.error("impact", "--model", model, "--model-sha256", sha256, "--require-model", "--file", EXAMPLES, code=1)


def is_used(cli, tmp_path, model, sha256, backend="cpu"):
    answer, = score(cli, tmp_path, [{"content": "hello"}], "--model", model, "--model-sha256", sha256)
    return answer["backend"] == backend


def test_checksum_of_shards(cli, tmp_path, tiny):
    sharded = tiny.with_name("tiny-bert-sharded")
    together = b"".join(shard.read_bytes() for shard in sorted(sharded.glob("model-*.safetensors")))
    assert is_used(cli, tmp_path, sharded, hashlib.sha256(together).hexdigest())
    assert "the 3 shards of model.safetensors.index.json" in refused_by(cli, sharded, "0" * 64)


def test_checksum_of_packed_files(cli, tmp_path, tiny):
    model = tmp_path / "model"
    shutil.copytree(tiny, model)
    cli.ok("pack", model, "--precision", "fp32")
    packed, = model.glob("*.packed")
    right = hashlib.sha256(packed.read_bytes()).hexdigest()
    assert is_used(cli, tmp_path, packed, right) and is_used(cli, tmp_path, model, right)
    # What would be loaded is the file beside the checkpoint.
    checkpoint = hashlib.sha256((model / "model.safetensors").read_bytes()).hexdigest()
    assert packed.name in refused_by(cli, model, checkpoint)
    packed.unlink()
    assert is_used(cli, tmp_path, model, checkpoint)


def onnx_model(tmp_path, name):
    model = tmp_path / name
    shutil.copytree(ROOT / "tests" / "onnx" / name, model)
    (model / "tokenizer.json").write_text(json.dumps(
        {"version": "1.0", "normalizer": None, "pre_tokenizer": {"type": "Whitespace"}, "post_processor": None, "decoder": None,
         "model": {"type": "WordLevel", "vocab": {"[UNK]": 0, "hello": 1}, "unk_token": "[UNK]"}}))
    return model


def test_checksum_of_onnx_files(cli, tmp_path):
    model = onnx_model(tmp_path, "hidden-states")
    assert "model.onnx: the SHA-256 is" in refused_by(cli, model, "0" * 64)
    right = hashlib.sha256((model / "model.onnx").read_bytes()).hexdigest()
    external = onnx_model(tmp_path, "external-data")
    digest = hashlib.sha256((external / "onnx" / "model.onnx").read_bytes()).hexdigest()
    assert "keeps weights in other files" in refused_by(cli, external, digest)
    if b"OpenVINO" in cli.run("inspect", "--model", model).stderr:
        pytest.skip("this build has no OpenVINO")
    assert is_used(cli, tmp_path, model, right, "onnx")


def test_an_onnx_file_in_place_of_damaged_weights_is_a_degraded_backend(cli, tmp_path):
    model = onnx_model(tmp_path, "hidden-states")
    if b"OpenVINO" in cli.run("inspect", "--model", model).stderr:
        pytest.skip("this build has no OpenVINO")
    alone, = score(cli, tmp_path, [{"content": "hello"}], "--model", model)
    (model / "model.safetensors").write_bytes(b"broken off")
    behind, = score(cli, tmp_path, [{"content": "hello"}], "--model", model)
    assert behind["backend"] == "onnx" and behind["degraded"] and behind["similarity"] == alone["similarity"]
    done = cli.run("impact", "--model", model, "--model-sha256", hashlib.sha256(b"broken off").hexdigest(), "--require-model",
                   "--file", EXAMPLES)
    assert done.returncode == 1 and b"model.safetensors" in done.stderr and not done.stdout


def test_context_without_a_message_counts(cli, tmp_path):
    rows = [{"message": None, "context": {"priority": "critical"}}, {"context": {"priority": "critical"}}, {"message": None}]
    assert [answer["score"] for answer in score(cli, tmp_path, rows, "--no-model")] == [0.9, 0.9, 0.1]
    path = tmp_path / "text.jsonl"
    path.write_text('{"message":"breach of security"}\n', encoding="utf-8")
    assert "message: expected an object, found a string" in cli.error("impact", "--no-model", "--file", path, code=1)


def test_bad_lines(cli, tmp_path):
    path = tmp_path / "bad.jsonl"
    path.write_text('{"content":"a"}\n{"tools":3}\nnonsense\n{"constitutional_hash":"0"}\n{"content":"b"}\n', encoding="utf-8")
    message = cli.error("impact", "--no-model", "--file", path, code=1)
    assert "line 2" in message and "tools: expected an array" in message
    answers = [json.loads(line) for line in cli.ok("impact", "--no-model", "--on-error", "skip", "--file", path).splitlines()]
    assert ["error" in answer for answer in answers] == [False, True, True, True, False]
    assert "line 4" in answers[3]["error"] and "constitutional_hash" in answers[3]["error"]


def test_validate_on_the_example_messages(cli, minilm):
    report = json.loads(cli.ok("impact", "validate", "--dataset", EXAMPLES, "--model", minilm))
    assert report["rows"] >= 300 and report["labelled_rows"] == report["rows"]
    assert report["agreement"] >= 0.99
    assert sum(row["risk"] for row in report["only_model"]) >= 10
    assert report["model"]["recall"] > report["keywords"]["recall"]


def test_agreement_of_no_row_is_none(cli, tmp_path, tiny):
    dataset = tmp_path / "plain.jsonl"
    dataset.write_text('{"content":"lunch is at noon"}\n', encoding="utf-8")
    report = json.loads(cli.ok("impact", "validate", "--dataset", dataset, "--model", tiny))
    assert report["keyword_rows"] == 0 and report["agreement"] is None and report["overall_agreement"] is not None


def labelled(path):
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def text_of(message):
    content = message["content"]
    return content["text"] if isinstance(content, dict) else content or message["payload"]["message"]


def test_held_out_messages_are_as_they_are_labelled(cli, tmp_path):
    rows, tuned = labelled(HELD_OUT), {text_of(row["message"]) for row in labelled(EXAMPLES)}
    assert len(rows) >= 150 and not tuned & {text_of(row["message"]) for row in rows}
    assert len({row["message"]["from_agent"] for row in rows}) == len(rows)
    assert min(collections.Counter(row["kind"] for row in rows).values()) >= 30
    for row, answer in zip(rows, score(cli, tmp_path, rows, "--no-model"), strict=True):
        assert row["kind"].endswith("with a keyword") == bool(answer["matched_keywords"]), row
        assert row["kind"].startswith("risk") == row["risk"], row


def validate_held_out(cli, *arguments):
    if not (MINILM / "model.safetensors").exists():
        pytest.skip(f"{MINILM} is missing: run make model")
    return json.loads(cli.ok("impact", "validate", "--dataset", HELD_OUT, "--model", MINILM, *arguments))


def test_validate_on_messages_that_nothing_was_tuned_on(cli):
    report = validate_held_out(cli)
    assert report["rows"] == report["labelled_rows"] == len(labelled(HELD_OUT)) and report["keyword_rows"] >= 80
    assert report["agreement"] >= 0.97
    assert report["model"]["recall"] > report["keywords"]["recall"] > 0
    assert report["model"]["precision"] >= report["keywords"]["precision"]
    # docs/impact.md
    found = [report[scorer][share] for scorer in ("keywords", "model") for share in ("precision", "recall")]
    assert found == pytest.approx([0.625, 0.455, 0.649, 0.673], abs=0.01)


def test_keywords_can_be_left_alone(cli):
    assert validate_held_out(cli, "--gate-with-keywords", "1")["agreement"] == 1


@pytest.mark.xfail(strict=True, reason="97.5 %: the gates were found on the other file, and nothing is tuned on this one")
def test_agreement_on_messages_that_nothing_was_tuned_on(cli):
    assert validate_held_out(cli)["agreement"] >= 0.99


@pytest.mark.usefixtures("fp32")
def test_calibrate_finds_the_documented_gates(cli, minilm):
    report = json.loads(cli.ok("impact", "calibrate", "--dataset", EXAMPLES, "--model", minilm))
    assert report["gates"] == pytest.approx({"without_keywords": 0.734, "with_keywords": 0.92}, abs=0.002)
    assert report["notes"] == []


def three_rows(tmp_path):
    dataset = tmp_path / "rows.jsonl"
    rows = [{"content": "lunch", "risk": False}, {"content": "break in", "risk": True}, {"content": "a risk", "risk": True}]
    dataset.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return dataset


def test_calibrate_writes_the_pair_into_the_models_entry(cli, tmp_path, tiny):
    dataset, config = three_rows(tmp_path), tmp_path / "vivace.yaml"
    other = tiny.with_name("tiny-bert-sharded")
    config.write_text(f"# mine\nmodels:\n  embedder: {tiny}  # small\n  other: {other}\nport: 80\n", encoding="utf-8")
    gates = json.loads(cli.ok("impact", "calibrate", "--dataset", dataset, "--model", tiny, "--write", config))["gates"]
    pair = "".join(f", impact_gate_{name}: {value}" for name, value in gates.items())
    assert config.read_text(encoding="utf-8") == (
        f'# mine\nmodels:\n  embedder: {{directory: "{tiny}"{pair}}}  # small\n  other: {other}\nport: 80\n')
    cli.ok("serve", "--config", config, "--check")
    again = config.read_text(encoding="utf-8")
    cli.ok("impact", "calibrate", "--dataset", dataset, "--model", "embedder", "--write", config)
    assert config.read_text(encoding="utf-8") == again, "by its name the same model"


def test_calibrate_writes_no_pair_for_a_model_that_is_not_served(cli, tmp_path, tiny):
    dataset, config = three_rows(tmp_path), tmp_path / "served.yaml"
    config.write_text(f"models:\n  embedder: {tiny.with_name('tiny-bert-sharded')}\n", encoding="utf-8")
    before = config.read_text(encoding="utf-8")
    problem = cli.error("impact", "calibrate", "--dataset", dataset, "--model", tiny, "--write", config, code=1)
    assert "none of its models is" in problem and config.read_text(encoding="utf-8") == before
    config.write_text("impact_gates: 1\n", encoding="utf-8")
    assert "impact_gates" in cli.error("impact", "calibrate", "--dataset", dataset, "--model", tiny, "--write", config, code=1)


@pytest.mark.parametrize("arguments, part", [
    (["impact", "validate"], "--dataset is required"),
    (["impact", "--gate-with-keywords", "2"], "--gate-with-keywords"),
    (["impact", "--no-model", "--require-model"], "excludes"),
])
def test_wrong_usage(cli, arguments, part):
    assert part in cli.error(*arguments, code=2)
