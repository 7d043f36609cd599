"""Help, version, exit codes and messages that hold for every verb."""

import json
import re
import subprocess

import pytest

from cli_runner import ROOT

VERBS = ["embed", "classify", "tag", "entail", "rerank", "complete", "ipc", "tokenize", "inspect", "pull", "models", "ingest",
         "search", "verify", "serve", "impact", "detect", "bench", "profile", "tune", "pack"]


def test_version_is_the_project_s(cli):
    version = re.search(r"project\(vivace VERSION ([0-9.]+)", (ROOT / "CMakeLists.txt").read_text()).group(1)
    assert cli.ok("--version") == f"vivace {version}\n"
    assert f'"{version}"' in (ROOT / "src/cli/version.h").read_text()


def test_help_lists_every_verb(cli):
    text = cli.ok("--help")
    for verb in VERBS:
        assert re.search(rf"^  {verb} ", text, re.MULTILINE), verb


@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_has_help_with_examples(cli, verb):
    text = cli.ok(verb, "--help")
    assert f"Usage: vivace {verb}" in text
    assert f"Examples:\n  " in text and f"vivace {verb}" in text.split("Examples:")[1]


@pytest.mark.parametrize("typed, meant", [("embd", "embed"), ("tokenise", "tokenize"), ("srve", "serve"),
                                          ("model", "models"), ("insp", "inspect")])
def test_unknown_verb_names_the_nearest(cli, typed, meant):
    assert cli.error(typed, code=2) == f"vivace: unknown verb '{typed}'; did you mean '{meant}'?"


def test_unknown_verb_without_neighbour(cli):
    assert "`vivace --help` lists the verbs" in cli.error("xylophone", code=2)


def test_no_verb(cli):
    assert "no verb given" in cli.error(code=2)


@pytest.mark.parametrize("arguments, part", [
    (["embed", "--bogus", "x"], "--bogus"),
    (["embed", "--model"], "--model"),
    (["embed", "--format", "csv", "x"], "csv not in {jsonl,npy}"),
    (["embed", "--pooling", "max", "x"], "max not in"),
    (["embed", "--threads", "-1", "x"], "--threads"),
    (["embed", "--threads", "many", "x"], "--threads"),
    (["embed", "--precision", "fp8", "x"], "fp8 not in {auto,fp32,bf16,int8,int4}"),
    (["embed", "--dimensions", "-1", "x"], "--dimensions"),
    (["embed", "--model", "", "x"], "--model: is empty"),
    (["embed", "--file", "a", "b"], "TEXT excludes --file"),
    (["embed", "--resume", "--file", "a"], "--resume needs --output"),
    (["embed", "--resume", "--output", "o", "text"], "--resume is for --file"),
    (["embed", "--format", "npy", "--pooling", "none", "x"], "--pooling none"),
    (["embed", "--format", "npy", "--on-error", "skip", "x"], "leaves gaps"),
    (["bench", "--batch", "2", "--lengths", "3"], "excludes"),
    (["classify", "--multi-label", "x"], "--labels"),
    (["classify", "--activation", "relu", "x"], "relu not in"),
    (["tag", "--aggregation", "last", "x"], "last not in"),
    (["rerank", "x"], "--query is required"),
    (["pull"], "NAME is required"),
    (["serve", "--port", "99999999"], "--port"),
])
def test_wrong_usage_is_one_line_and_exit_code_2(cli, arguments, part):
    message = cli.error(*arguments, code=2)
    assert part in message and "--help`" in message


@pytest.mark.parametrize(("arguments", "part"), [
    (["rerank", "--query=", "a", "b"], "--query is empty"),
    (["embed", "--model=", "a"], "--model"),
    (["tokenize", "--threads=", "1"], "--threads"),
    (["classify", "--labels=", "a"], "a label is empty"),
])
def test_an_empty_value_is_not_the_next_argument(cli, tiny, arguments, part):
    model = [] if "--model=" in arguments else ["--model", tiny]
    done = cli.run(*arguments, *model, stdin="text\n")
    assert done.returncode != 0 and part in done.stderr.decode() and not done.stdout


def test_an_argument_behind_two_dashes_may_end_in_a_sign(cli, tiny):
    assert cli.ok("tokenize", "--model", tiny, "--", "--x=") == cli.ok("tokenize", "--model", tiny, stdin="--x=\n")


@pytest.mark.parametrize(("arguments", "part"), [
    (["embed", "--dimensions", "0"], "Value 0 not in range 1 to 16777216"),
    (["verify", "--min-confidence", "nan"], "'nan' is no number from 0 to 1"),
    (["verify", "--deadline", "nan"], "'nan' is no number"),
    (["bench", "--seconds", "nan"], "'nan' is no number"),
    (["impact", "--volume-window", "-1"], "'-1' is no number from 0"),
    (["tune", "--memory-limit", "nan"], "'nan' is no number"),
    (["complete", "--max-new-tokens", "0"], "Value 0 not in range 1"),
    (["complete", "--seed", "-1"], "--seed"),
    (["tokenize", "--windows", "--stride", "-1"], "--stride"),
])
def test_numbers_out_of_range_are_told_in_numbers_that_can_be_read(cli, arguments, part):
    message = cli.error(*arguments, "x", code=2)
    assert part in message and len(message) < 200


def test_an_output_that_is_the_input_is_refused(cli, tiny):
    texts = cli.folder / "texts.txt"
    texts.write_text("one\ntwo\n")
    for source, stdin in ((["--file", "texts.txt"], None), ([], texts)):
        with texts.open("ab") as output, (stdin or texts).open("rb") as reading:
            done = subprocess.run(cli.command("tokenize", "--model", tiny, *source), stdin=reading, stdout=output, stderr=subprocess.PIPE,
                                  cwd=cli.folder, env=cli.environment, timeout=60, check=False)
        assert done.returncode == 1 and b"standard output goes to" in done.stderr and texts.read_text() == "one\ntwo\n"


@pytest.mark.parametrize("precision", ["fp32", "bf16", "int8"])
def test_each_precision_is_computed_and_named(cli, tiny, precision):
    assert json.loads(cli.ok("inspect", "--model", tiny, "--precision", precision, "--json"))["precision"] == precision
    assert f"computing     {precision} on " in cli.ok("inspect", "--model", tiny, "--precision", precision)
    told = cli.ok("bench", "--model", tiny, "--precision", precision, "--tokens", 8, "--seconds", "0.01", "--json")
    assert json.loads(told)["precision"] == precision


def test_int4_is_for_what_writes(cli, tiny):
    told = {model: json.loads(cli.ok("inspect", "--model", model, "--precision", "int4", "--json"))
            for model in (tiny, ROOT / "tests" / "golden" / "t5-code")}
    assert [one["precision"] for one in told.values()] == ["int8", "int4"]


def test_unknown_kernel_table(cli, tiny):
    assert "'sse9' is unknown" in cli.error("inspect", "--model", tiny, "--isa", "sse9", code=2)
    assert "'sse9' is unknown" in cli.error("inspect", "--model", tiny, code=2, VIVACE_ISA="sse9")


@pytest.mark.parametrize("variable, value", [("VIVACE_PRECISION", "fp8"), ("VIVACE_THREADS", "many"), ("VIVACE_ISA", "sse9")])
def test_a_wrong_variable_is_named(cli, tiny, variable, value):
    assert cli.error("embed", "--model", tiny, "x", code=2, **{variable: value}).startswith(f"vivace: {variable}: ")
    option = "--" + variable.removeprefix("VIVACE_").lower()
    assert variable not in cli.error("embed", "--model", tiny, option, value, "x", code=2)


def test_verbs_that_read_the_configuration_tell_all_wrong_variables(cli):
    done = cli.run("models", VIVACE_THREADS="many", VIVACE_PRECISION="fp8")
    assert done.returncode == 2
    assert b"VIVACE_THREADS: expected an integer" in done.stderr and b"VIVACE_PRECISION: is 'fp8'" in done.stderr


def test_threads_come_from_the_environment(cli, tiny):
    options = ["bench", "--model", tiny, "--tokens", 8, "--seconds", "0.01", "--json"]
    threads = lambda *flags, **environment: json.loads(cli.ok(*options, *flags, **environment))["threads"]
    assert threads(VIVACE_THREADS="3") == 3
    assert threads("--threads", 2, VIVACE_THREADS="3") == 2
    assert threads(VIVACE_THREADS="0") == threads("--threads", 0, VIVACE_THREADS="3") == threads()


def test_a_wrong_configuration_is_wrong_usage_of_every_verb(cli, tiny):
    (cli.folder / "vivace.yaml").write_text("bogus: 1\n")
    for arguments in (["embed", "--model", tiny, "x"], ["tokenize", "--model", tiny, "x"], ["models"],
                      ["inspect", "--model", tiny], ["serve", "--model", tiny]):
        assert "vivace.yaml: bogus: unknown key (line 1)" in cli.error(*arguments, code=2)


HEADS = ROOT / "tests" / "golden" / "heads"
BRACKETS = ["[MASK]", "[a, b]", "[]", "{}", "[hello, world]", "[a", "a]", "\x1f[a]"]


@pytest.mark.parametrize("arguments", [["tokenize", "--model", ROOT / "tests" / "golden" / "tiny-bert"],
                                       ["classify", "--model", HEADS / "bert-moods"],
                                       ["rerank", "--model", HEADS / "bert-rank", "--query", "[a, b]"],
                                       ["entail", "--model", HEADS / "bert-nli"]])
def test_texts_in_brackets_are_texts(cli, arguments):
    """As arguments they are what they are as lines of a file."""
    verb = arguments[0]
    pairs = verb == "entail"
    lines = "".join(f"{text}\t{text} b\n" if pairs else text + "\n" for text in BRACKETS)
    texts = [part for text in BRACKETS for part in ((text, text + " b") if pairs else (text,))]
    expected = cli.ok(*arguments, stdin=lines)
    assert expected.count("\n") == len(BRACKETS)
    assert cli.ok(*arguments, *texts) == expected


def test_other_arguments_in_brackets_keep_them(cli):
    rank = ["rerank", "--model", HEADS / "bert-rank", "the fog"]
    assert cli.ok(*rank, "--query", "[old, new]") == cli.ok(*rank, "--query=[old, new]")
    assert "'[csv]'" in cli.error("embed", "--file", "[csv]", code=1)
    assert "not expected: [b]" in cli.error("pull", "a", "[b]", code=2)


def test_a_slip_in_a_variable_is_told(cli, tiny):
    done = cli.run("serve", "--model", tiny, "--check", VIVACE_API_KYE="hidden", VIVACE_SERVICE_HOST="10.0.0.1",
                   VIVACE_A_PORT="tcp://10.0.0.1:80")
    assert done.returncode == 0, done.stderr
    assert b"VIVACE_API_KYE is not read; did you mean VIVACE_API_KEY?" in done.stderr
    assert b"hidden" not in done.stderr and b"VIVACE_SERVICE_HOST" not in done.stderr and b"VIVACE_A_PORT" not in done.stderr
