"""`vivace embed`: inputs, outputs, pooling, long streams, progress."""

import io
import json
import os
import pty
import subprocess
import threading
import time

import numpy as np
import pytest

from cli_runner import PROGRAM


def rows(output):
    return [json.loads(line) for line in output.splitlines()]


def vectors(output):
    return np.array([row["embedding"] for row in rows(output)], dtype=np.float32)


def test_one_line_for_each_text(cli, minilm):
    found = rows(cli.ok("embed", "--model", minilm, "good morning", "a second, longer text"))
    assert [row["index"] for row in found] == [0, 1]
    assert [row["tokens"] for row in found] == [4, 7]
    assert list(found[0]) == ["index", "tokens", "embedding"]
    assert all(len(row["embedding"]) == 384 for row in found)
    assert np.linalg.norm(found[0]["embedding"]) == pytest.approx(1, abs=1e-5)


def test_near_texts_are_near(cli, minilm):
    a, b, c = vectors(cli.ok("embed", "--model", minilm, "A cat sleeps on the sofa.", "The kitten naps on the couch.",
                             "Interest rates rose again."))
    assert a @ b > 0.5 > a @ c


def test_arguments_file_and_standard_input_agree(cli, tiny):
    (cli.folder / "docs.txt").write_text("one text\nzwei Wörter\r\nthree")
    (cli.folder / "docs.jsonl").write_text('{"text":"one text"}\n{"id":7,"text":"zwei W\\u00f6rter"}\n{"text":"three"}\n')
    lines = (cli.folder / "docs.txt").read_bytes()
    objects = (cli.folder / "docs.jsonl").read_bytes()
    expected = cli.ok("embed", "--model", tiny, "one text", "zwei Wörter", "three")
    assert cli.ok("embed", "--model", tiny, "--file", "docs.txt") == expected
    assert cli.ok("embed", "--model", tiny, "--file", "docs.jsonl") == expected
    assert cli.ok("embed", "--model", tiny, stdin=lines) == expected
    assert cli.ok("embed", "--model", tiny, "--file", "-", stdin=lines) == expected
    assert cli.ok("embed", "--model", tiny, "--input-format", "jsonl", stdin=objects) == expected
    assert cli.ok("embed", "--model", tiny, "--threads", "1", "--file", "docs.txt") == expected


def test_npy_is_what_numpy_loads(cli, tiny):
    texts = [f"text number {i}" for i in range(150)]
    expected = vectors(cli.ok("embed", "--model", tiny, stdin="\n".join(texts)))
    cli.ok("embed", "--model", tiny, "--format", "npy", "--output", "v.npy", stdin="\n".join(texts))
    loaded = np.load(cli.folder / "v.npy", allow_pickle=False)
    assert loaded.dtype == np.float32 and loaded.shape == expected.shape
    np.testing.assert_array_equal(loaded, expected)  # JSON numbers read back to the same bits
    piped = cli.run("embed", "--model", tiny, "--format", "npy", stdin="\n".join(texts)).stdout
    np.testing.assert_array_equal(np.load(io.BytesIO(piped)), expected)


def test_npy_to_a_redirected_standard_output(cli, tiny):
    with open(cli.folder / "v.npy", "wb") as file:
        subprocess.run(cli.command("embed", "--model", tiny, "--format", "npy", "a", "b"), stdout=file, check=True,
                       env=cli.environment)
    assert np.load(cli.folder / "v.npy").shape[0] == 2


def test_npy_of_no_texts(cli, tiny):
    hidden = json.loads((tiny / "config.json").read_text())["hidden_size"]
    cli.ok("embed", "--model", tiny, "--format", "npy", "--output", "v.npy")
    assert np.load(cli.folder / "v.npy").shape == (0, hidden)


def test_no_texts_no_lines(cli, tiny):
    assert cli.ok("embed", "--model", tiny) == ""


def test_dimensions_cut_and_normalise_again(cli, minilm):
    full = vectors(cli.ok("embed", "--model", minilm, "hello"))[0]
    short = vectors(cli.ok("embed", "--model", minilm, "--dimensions", 64, "hello"))[0]
    np.testing.assert_allclose(short, full[:64] / np.linalg.norm(full[:64]), atol=1e-6)
    assert "--dimensions 385 is more than the model's 384" in cli.error("embed", "--model", minilm, "--dimensions", 385,
                                                                        "x", code=2)


def test_poolings_of_token_vectors(cli, minilm):
    plain = ["embed", "--model", minilm, "--no-normalize", "the quick brown fox"]
    row = rows(cli.ok(*plain, "--pooling", "none"))[0]
    tokens = np.array(row["embedding"], dtype=np.float64)
    assert tokens.shape == (row["tokens"], 384)
    for pooling, expected in [("mean", tokens.mean(axis=0)), ("cls", tokens[0]), ("last", tokens[-1])]:
        found = vectors(cli.ok(*plain, "--pooling", pooling))[0]
        np.testing.assert_allclose(found, expected, atol=1e-5, err_msg=pooling)
    unit = vectors(cli.ok("embed", "--model", minilm, "the quick brown fox"))[0]
    mean = tokens.mean(axis=0)
    np.testing.assert_allclose(unit, mean / np.linalg.norm(mean), atol=1e-5)


def test_prompt_is_put_before_the_text(cli, minilm, tmp_path):
    model = tmp_path / "with-prompts"
    model.mkdir()
    for file in minilm.iterdir():
        (model / file.name).symlink_to(file)
    (model / "config_sentence_transformers.json").unlink()
    (model / "config_sentence_transformers.json").write_text('{"prompts": {"query": "find this: "}}')
    assert (cli.ok("embed", "--model", model, "--prompt-name", "query", "a hat") ==
            cli.ok("embed", "--model", model, "find this: a hat"))
    message = cli.error("embed", "--model", model, "--prompt-name", "quarry", "x", code=2)
    assert "'quarry'" in message and "query" in message


def test_cut_texts_are_marked_and_counted(cli, minilm):
    done = cli.run("embed", "--model", minilm, "word " * 400, "short")
    found = rows(done.stdout.decode())
    assert found[0]["truncated"] is True and found[0]["tokens"] == 256
    assert "truncated" not in found[1]
    assert b"1 of 2 texts were longer than the model's 256 tokens and were cut" in done.stderr
    assert "text" in cli.error("embed", "--model", minilm, "--no-truncation", "word " * 400, code=1)


BAD_LINES = [
    (b"fine\n\nfine\n", "lines", "standard input line 2 is empty"),
    (b"fine\nbad \xff\xfe\n", "lines", "standard input line 2 is not valid UTF-8 (byte 5)"),
    (b'{"text":"fine"}\n{"txt":"x"}\n', "jsonl", "standard input line 2: 'text' is missing"),
    (b'{"text":"fine"}\n{"text":7}\n', "jsonl", "standard input line 2: text: expected a string, found an integer"),
    (b'{"text":"fine"}\n{"text":""}\n', "jsonl", "standard input line 2 is empty"),
    (b'{"text":"fine"}\n{"text"\n', "jsonl", "standard input line 2: is not valid JSON"),
    (b'{"text":"fine"}\n[1]\n', "jsonl", "standard input line 2: expected an object"),
]


@pytest.mark.parametrize("stdin, form, message", BAD_LINES)
def test_a_bad_line_is_named_and_what_stood_before_it_is_answered(cli, tiny, stdin, form, message):
    done = cli.run("embed", "--model", tiny, "--input-format", form, stdin=stdin)
    assert done.returncode == 1
    assert done.stderr.decode().startswith("vivace: " + message), done.stderr
    assert [row["index"] for row in rows(done.stdout)] == [0]


def test_bad_lines_can_be_skipped_visibly(cli, tiny):
    done = cli.run("embed", "--model", tiny, "--on-error", "skip", stdin=b"one\n\n\xff\nfour\n")
    found = rows(done.stdout)
    assert done.returncode == 0
    assert [row["index"] for row in found] == [0, 1, 2, 3]
    assert ["error" in row for row in found] == [False, True, True, False]
    assert b"2 lines had no usable text and were skipped" in done.stderr


def test_files_that_cannot_be_read_or_written(cli, tiny):
    assert "cannot read 'nope.txt': No such file" in cli.error("embed", "--model", tiny, "--file", "nope.txt", code=1)
    assert "is a folder" in cli.error("embed", "--model", tiny, "--file", ".", code=1)
    assert "cannot open 'no/such/out'" in cli.error("embed", "--model", tiny, "--output", "no/such/out", "x", code=1)
    assert "No space left" in cli.error("embed", "--model", tiny, "--output", "/dev/full", "x", code=1)


def test_the_input_is_not_written_to(cli, tiny):
    texts = cli.folder / "docs.txt"
    texts.write_text("one\ntwo\n")
    (cli.folder / "link.txt").symlink_to(texts)
    (cli.folder / "twin.txt").hardlink_to(texts)
    for output in ("docs.txt", "./docs.txt", "link.txt", "twin.txt"):
        assert "--output is the file that the texts come from" in cli.error("embed", "--model", tiny, "--file", "docs.txt", "--output",
                                                                           output, code=2)
    for verb, option in (("detect", "--report"), ("profile", "--report"), ("pack", "--output")):
        message = cli.error(verb, "--model", tiny, "--file", "docs.txt", option, "link.txt", code=2)
        assert f"{option} is the file that the texts come from" in message
    with texts.open("rb") as stdin:
        done = subprocess.run(cli.command("embed", "--model", tiny, "--output", "docs.txt"), stdin=stdin, cwd=cli.folder,
                              env=cli.environment, timeout=120, check=False)
    assert done.returncode == 2 and texts.read_text() == "one\ntwo\n"


def test_a_failing_run_leaves_an_existing_output_alone(cli, tiny):
    (cli.folder / "out.jsonl").write_text("precious\n")
    cli.error("embed", "--model", "nope", "--output", "out.jsonl", "x", code=1)
    assert (cli.folder / "out.jsonl").read_text() == "precious\n"


def test_a_very_long_text(cli, tiny):
    found = rows(cli.run("embed", "--model", tiny, stdin="long " * 2_000_000).stdout)  # 10 MB
    assert found[0]["truncated"] is True


def test_lines_are_answered_while_the_input_stays_open(cli, tiny):
    process = subprocess.Popen(cli.command("embed", "--model", tiny), stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                               env=cli.environment)
    for index in range(3):
        process.stdin.write(b"a line\n")
        process.stdin.flush()
        assert json.loads(process.stdout.readline())["index"] == index
    process.stdin.close()
    assert process.wait(30) == 0


def test_an_error_ends_the_run_although_the_input_stays_open(cli, tiny):
    process = subprocess.Popen(cli.command("embed", "--model", tiny), stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                               stderr=subprocess.PIPE, env=cli.environment)
    process.stdin.write(b"\xff\n")
    process.stdin.flush()
    assert process.wait(30) == 1
    assert b"line 1 is not valid UTF-8" in process.stderr.read()


def test_many_texts_stream_in_order_with_bounded_memory(cli, tiny):
    count = 60_000
    read, write = os.pipe()

    def feed():
        with os.fdopen(write, "wb") as pipe:
            for start in range(0, count, 1000):
                pipe.write(b"".join(b"text number %d %s\n" % (i, b"x" * 200) for i in range(start, start + 1000)))

    feeder = threading.Thread(target=feed)
    feeder.start()
    command = cli.command("embed", "--model", tiny, "--dimensions", 4)
    process = subprocess.Popen(command, stdin=read, stdout=subprocess.PIPE, env=cli.environment)
    os.close(read)
    peak_kb, last = 0, -1
    for line in process.stdout:
        index = json.loads(line)["index"]
        assert index == last + 1
        last = index
        if index % 5000 == 0:
            status = open(f"/proc/{process.pid}/status", encoding="ascii").read()
            peak_kb = max(peak_kb, int(status.split("VmHWM:")[1].split()[0]))
    feeder.join()
    assert process.wait(60) == 0 and last == count - 1
    if not any(key.endswith("SAN_OPTIONS") for key in cli.environment) or "build/release" in str(PROGRAM):
        assert peak_kb < 120_000  # the input has 13 MB, its vectors more; a run of ten texts needs about as much


def run_until_lines(cli, output, lines, *arguments):
    """Starts a run that never gets to the end of its input, and kills it when it has written some lines."""
    process = subprocess.Popen(cli.command(*arguments), stdin=subprocess.PIPE, env=cli.environment, cwd=cli.folder,
                               stderr=subprocess.DEVNULL)
    process.stdin.write(b"".join(b"text %d\n" % i for i in range(200)))
    process.stdin.flush()
    end = time.monotonic() + 60
    while time.monotonic() < end and (not output.exists() or output.read_bytes().count(b"\n") < lines):
        time.sleep(0.01)
    process.kill()
    process.wait()
    process.stdin.close()
    assert output.read_bytes().count(b"\n") >= lines


def test_resume_continues_after_a_kill(cli, tiny):
    texts = b"".join(b"text %d\n" % i for i in range(500))
    expected = cli.ok("embed", "--model", tiny, stdin=texts)
    output = cli.folder / "out.jsonl"
    run_until_lines(cli, output, 50, "embed", "--model", tiny, "--output", "out.jsonl", "--resume")
    with open(output, "ab") as file:
        file.write(b'{"index":200,"tokens":5,"embed')  # what a kill in the middle of a line leaves
    done = cli.run("embed", "--model", tiny, "--output", "out.jsonl", "--resume", stdin=texts)
    assert done.returncode == 0 and b"continuing at text" in done.stderr
    assert output.read_text() == expected
    cli.ok("embed", "--model", tiny, "--output", "out.jsonl", "--resume", stdin=texts)  # nothing is left to do
    assert output.read_text() == expected


def test_resume_of_an_array(cli, tiny):
    texts = b"".join(b"text %d\n" % i for i in range(300))
    cli.ok("embed", "--model", tiny, "--format", "npy", "--output", "full.npy", stdin=texts)
    full = (cli.folder / "full.npy").read_bytes()
    hidden = np.load(cli.folder / "full.npy").shape[1]
    half = full[:128].replace(b"(300, ", b"(0, ").rstrip(b"\n ")
    half = half.ljust(127) + b"\n" + full[128:128 + 100 * hidden * 4 + 7]  # a hundred rows and a bit
    (cli.folder / "out.npy").write_bytes(half)
    done = cli.run("embed", "--model", tiny, "--format", "npy", "--output", "out.npy", "--resume", stdin=texts)
    assert done.returncode == 0 and b"continuing at text 101" in done.stderr
    assert (cli.folder / "out.npy").read_bytes() == full


def test_resume_refuses_files_of_others(cli, tiny):
    (cli.folder / "notes.jsonl").write_text("dear diary\n")
    message = cli.error("embed", "--model", tiny, "--output", "notes.jsonl", "--resume", code=1)
    assert "was not written by `vivace embed`" in message
    (cli.folder / "notes.npy").write_text("dear diary\n" * 100)
    message = cli.error("embed", "--model", tiny, "--format", "npy", "--output", "notes.npy", "--resume", code=1)
    assert "no float32 array" in message
    assert (cli.folder / "notes.jsonl").read_text() == "dear diary\n"


def test_resume_refuses_rows_of_other_options(cli, tiny):
    output = cli.folder / "out.jsonl"
    cli.ok("embed", "--model", tiny, "--dimensions", 8, "--output", "out.jsonl", stdin="one\n")
    written = output.read_text()
    resume = ("embed", "--model", tiny, "--output", "out.jsonl", "--resume")
    message = cli.error(*resume, stdin="one\ntwo\n", code=1)
    assert "has 8 values, not the 72 that are asked for" in message
    assert "was not written by" in cli.error(*resume, "--pooling", "none", stdin="one\ntwo\n", code=1)
    assert output.read_text() == written
    output.write_text('{"index":1}\n')
    assert "'embedding' is missing" in cli.error(*resume, stdin="one\ntwo\n", code=1)
    output.write_text('{"index":0,"error":"line 1 is empty"}\n')
    cli.ok(*resume, stdin="\ntwo\n")
    assert [row["index"] for row in rows(output.read_text())] == [0, 1]
    cli.ok("embed", "--model", tiny, "--pooling", "none", "--output", "each.jsonl", stdin="one\n")
    done = cli.run("embed", "--model", tiny, "--pooling", "none", "--output", "each.jsonl", "--resume", stdin="one\ntwo\n")
    assert done.returncode == 0 and b"continuing at text 2" in done.stderr


def on_a_terminal(cli, *arguments, stdout=subprocess.DEVNULL):
    """Standard error of a run whose standard error is a terminal."""
    controller, terminal = pty.openpty()
    process = subprocess.Popen(cli.command(*arguments), stderr=terminal, stdout=stdout or terminal,
                               stdin=subprocess.DEVNULL, cwd=cli.folder, env=cli.environment)
    os.close(terminal)
    seen = b""
    while True:
        try:
            piece = os.read(controller, 4096)
        except OSError:  # the terminal is gone with the program
            break
        if not piece:
            break
        seen += piece
    os.close(controller)
    assert process.wait(60) == 0
    return seen.decode()


def test_progress_is_drawn_on_a_terminal_only(cli, tiny):
    (cli.folder / "docs.txt").write_text("some text\n" * 3000)
    seen = on_a_terminal(cli, "embed", "--model", tiny, "--file", "docs.txt")
    assert "100%" in seen and "3000 texts" in seen and "texts/s" in seen and seen.count("\r") >= 1
    piped = cli.run("embed", "--model", tiny, "--file", "docs.txt")
    assert piped.stderr == b""


def test_progress_does_not_tear_vectors_on_the_same_terminal(cli, tiny):
    seen = on_a_terminal(cli, "embed", "--model", tiny, "--dimensions", 2, "a", stdout=None)
    assert "texts/s" not in seen and '"embedding"' in seen


def test_resume_refuses_the_output_of_more_texts(cli, tiny):
    (cli.folder / "many.txt").write_text("one\ntwo\nthree\n")
    (cli.folder / "few.txt").write_text("other\n")
    cli.ok("embed", "--model", tiny, "--file", "many.txt", "--output", "vectors.jsonl")
    before = (cli.folder / "vectors.jsonl").read_bytes()
    done = cli.run("embed", "--model", tiny, "--file", "few.txt", "--output", "vectors.jsonl", "--resume")
    assert done.returncode == 1 and "vectors of 3 texts, the input only 1" in done.stderr.decode()
    assert (cli.folder / "vectors.jsonl").read_bytes() == before
