"""Where models are found: `vivace models`, `vivace inspect`, --model."""

import json
import os

import pytest


def put(folder, source):
    folder.parent.mkdir(parents=True, exist_ok=True)
    folder.symlink_to(source)


def listed(cli, **environment):
    return [(model["name"], model["source"]) for model in json.loads(cli.ok("models", "--json", **environment))]


def hugging_face(root, source, name="models--team--tiny", commit="a" * 40, main=True):
    put(root / name / "snapshots" / commit, source)
    if main:
        (root / name / "refs").mkdir(exist_ok=True)
        (root / name / "refs" / "main").write_text(commit)


def test_nothing_is_found_in_an_empty_place(cli):
    assert json.loads(cli.ok("models", "--json")) == []
    assert "vivace pull" in cli.ok("models")


def test_all_places_are_listed_in_order(cli, tiny):
    put(cli.folder / "cache/vivace/models/team/own", tiny)
    hugging_face(cli.folder / "hf/hub", tiny)
    put(cli.folder / "models/beside", tiny)
    (cli.folder / "vivace.yaml").write_text(f"models:\n  configured: {tiny}\n")
    places = {"XDG_CACHE_HOME": str(cli.folder / "cache"), "HF_HOME": str(cli.folder / "hf")}
    assert listed(cli, **places) == [("configured", "configuration"), ("team/own", "vivace cache"),
                                     ("team/tiny", "hugging face cache"), ("beside", "models folder")]
    for name in ("configured", "team/own", "own", "team/tiny", "tiny", "beside", "models/beside"):
        assert '"embedding"' in cli.ok("embed", "--model", name, "x", **places), name
    text = cli.ok("models", **places)
    assert text.count("\n") == 4 and "bert" in text


def test_earlier_places_win(cli, tiny):
    put(cli.folder / "models/twice", tiny)
    put(cli.folder / "cache/vivace/models/team/twice", tiny)
    info = json.loads(cli.ok("inspect", "--model", "twice", "--json", XDG_CACHE_HOME=str(cli.folder / "cache")))
    assert info["directory"].endswith("cache/vivace/models/team/twice")


def test_default_model_is_found_beside_the_current_directory(cli, tiny):
    assert "make model" in cli.error("embed", "x", code=1)
    put(cli.folder / "models/all-MiniLM-L6-v2", tiny)
    assert '"embedding"' in cli.ok("embed", "x")


def test_a_name_of_two_owners_must_be_written_in_full(cli, tiny):
    for owner in ("a", "b"):
        put(cli.folder / f"home/.cache/vivace/models/{owner}/same", tiny)
    message = cli.error("embed", "--model", "same", "x", code=1)
    assert "fits a/same, b/same" in message
    cli.ok("embed", "--model", "b/same", "x")


def test_the_hub_cache_s_main_snapshot_is_taken(cli, tiny):
    root = cli.folder / "hub"
    hugging_face(root, tiny, commit="b" * 40)
    hugging_face(root, tiny, commit="c" * 40, main=False)
    info = json.loads(cli.ok("inspect", "--model", "team/tiny", "--json", HF_HUB_CACHE=str(root)))
    assert info["directory"].endswith("b" * 40)


def test_unfinished_pulls_are_no_models(cli, tiny):
    put(cli.folder / "models/half.partial", tiny)
    assert listed(cli) == []


@pytest.mark.parametrize("name", ["nope", "no/such/dir", "../up"])
def test_unknown_names_say_where_was_looked(cli, name):
    message = cli.error("embed", "--model", name, "x", code=1)
    assert f"model '{name}' is neither a folder nor in " in message and "vivace pull" in message


def test_a_folder_without_config(cli):
    (cli.folder / "empty").mkdir()
    assert "'empty' is a folder without config.json" in cli.error("embed", "--model", "empty", "x", code=1)


def test_an_unreadable_model_is_listed_with_its_reason(cli, tiny, tmp_path):
    broken = cli.folder / "models/broken"
    broken.mkdir(parents=True)
    (broken / "config.json").write_text("{")
    assert "unreadable: " in cli.ok("models")


def test_inspect_tells_what_runs(cli, minilm):
    info = json.loads(cli.ok("inspect", "--model", minilm, "--json"))
    expected = {"architecture": "bert", "layers": 6, "hidden_size": 384, "heads": 12, "intermediate_size": 1536,
                "vocabulary_size": 30522, "max_tokens": 256, "pooling": "mean", "normalize": True,
                "weights_dtype": "F32"}
    assert {key: info[key] for key in expected} == expected
    assert info["parameters"] == pytest.approx(22.6e6, rel=0.01)
    assert info["file_bytes"] == pytest.approx((minilm / "model.safetensors").stat().st_size, rel=0.01)
    assert 1 <= info["threads"] <= len(os.sched_getaffinity(0))
    text = cli.ok("inspect", "--model", minilm)
    assert "bert: 6 layers" in text and "mean, normalised" in text and f"kernels       {info['isa']}" in text


def test_inspect_says_why_other_kernels_were_refused(cli, tiny):
    info = json.loads(cli.ok("inspect", "--model", tiny, "--json", VIVACE_ISA="generic"))
    assert info["isa"] == "generic"
    assert sorted(note.split(":")[0] for note in info["isa_notes"]) == [
        "avx2", "avx2_vnni", "avx512", "avx512_amx", "avx512_vnni", "avx512_vnni_bf16"]
    assert cli.ok("inspect", "--model", tiny, VIVACE_ISA="generic").count("not chosen: ") == 6


def test_threads_are_those_asked_for(cli, tiny):
    assert json.loads(cli.ok("inspect", "--model", tiny, "--threads", 3, "--json"))["threads"] == 3
