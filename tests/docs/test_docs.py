"""What the documents say is true: their commands run, the files they name exist."""

import os
import pathlib
import re
import socket
import subprocess

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
PROGRAM = pathlib.Path(os.environ.get("VIVACE", ROOT / "build" / "release" / "vivace")).resolve()
MODEL = pathlib.Path(os.environ.get("VIVACE_MODEL", ROOT / "models" / "all-MiniLM-L6-v2")).resolve()

DOCUMENTS = sorted([ROOT / "README.md", ROOT / "HACKING.md", ROOT / "CHANGELOG.md", *(ROOT / "docs").glob("*.md")])
BLOCK = re.compile(r"^(?P<indent> *)```sh\n(?P<body>.*?)^ *```$", re.MULTILINE | re.DOTALL)
NOT_RUN = re.compile(r"<!-- not run: \S.*-->\s*\Z")
LINK = re.compile(r"\]\((?!https?:|#|mailto:)([^)#\s]+)")
CODE = re.compile(r"`([^`\n]+)`")
# What is made by building or by the user, and so may be missing from a clone.
MADE = ("build/", "models/", ".venv")


def name(path):
    return path.relative_to(ROOT).as_posix()


def blocks(text):
    """(line number, commands, whether they are marked as not run) of each fenced sh block."""
    for match in BLOCK.finditer(text):
        before = text[:match.start()]
        body = re.sub(rf"^{match['indent']}", "", match["body"], flags=re.MULTILINE)
        yield before.count("\n") + 2, body, NOT_RUN.search(before) is not None


RUN = [pytest.param(body, id=f"{name(path)}:{line}") for path in DOCUMENTS
       for line, body, marked in blocks(path.read_text(encoding="utf-8")) if not marked]
NOT_RUN_BLOCKS = [pytest.param(body, id=f"{name(path)}:{line}") for path in DOCUMENTS
                  for line, body, marked in blocks(path.read_text(encoding="utf-8")) if marked]


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def test_there_is_something_to_run():
    assert len(RUN) >= 5


@pytest.fixture
def checkout(tmp_path):
    """A folder like a built clone, in which commands may leave files."""
    for entry in ROOT.iterdir():
        if entry.name not in ("build", "models", ".git"):
            (tmp_path / entry.name).symlink_to(entry)
    (tmp_path / "build" / "release").mkdir(parents=True)
    (tmp_path / "build" / "release" / "vivace").symlink_to(PROGRAM)
    (tmp_path / "models").mkdir()
    (tmp_path / "models" / "all-MiniLM-L6-v2").symlink_to(MODEL)
    return tmp_path


@pytest.mark.parametrize("commands", RUN)
def test_commands_run(commands, checkout):
    # The server takes a free port: another program may be using the usual one.
    port = str(free_port())
    commands = commands.replace("localhost:8080", f"127.0.0.1:{port}")
    environment = {"PATH": f"{checkout}/build/release:{os.environ['PATH']}", "HOME": str(checkout / "home"),
                   "LC_ALL": "C.UTF-8", "VIVACE_PORT": port}
    environment |= {key: os.environ[key] for key in os.environ if key.endswith("SAN_OPTIONS")}
    done = subprocess.run(["bash", "-euo", "pipefail", "-c", commands], cwd=checkout, env=environment, timeout=120,
                          stdin=subprocess.DEVNULL, capture_output=True, text=True)
    assert done.returncode == 0, f"{commands}\n{done.stdout[-2000:]}\n{done.stderr[-2000:]}"


@pytest.mark.parametrize("commands", NOT_RUN_BLOCKS)
def test_commands_that_are_not_run_exist_at_least(commands):
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    presets = set(re.findall(r'"name": "([a-z-]+)"', (ROOT / "CMakePresets.json").read_text()))
    for line in filter(None, (line.split("#")[0].strip() for line in commands.splitlines())):
        words = line.split()
        if words[0] == "make":
            assert words[1] in targets, line
        for word in words:
            if re.match(r"(tools|tests|\.ci)/", word):
                assert (ROOT / word).exists(), line
        if "--preset" in words:
            assert words[words.index("--preset") + 1] in presets, line


@pytest.mark.parametrize("document", DOCUMENTS, ids=name)
def test_links_lead_somewhere(document):
    for target in LINK.findall(document.read_text(encoding="utf-8")):
        assert (document.parent / target).exists(), target


@pytest.mark.parametrize("document", DOCUMENTS, ids=name)
def test_named_paths_exist(document):
    top = {entry.name for entry in ROOT.iterdir()}
    for code in CODE.findall(document.read_text(encoding="utf-8")):
        # Names of tests (cli/test_pack.py::test_x) are those of docs/coverage.md, which has a test of its own.
        is_path = "/" in code and code.split("/")[0] in top and not re.search(r"[\s<>*$=…{]|::", code)
        if is_path and not code.startswith(MADE):
            assert (ROOT / code).exists(), code


def test_every_make_target_is_listed_by_make_help():
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    listed = subprocess.run(["make", "-s", "help"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    for target in ("demo", "test", "serve", "bench", "format", "lint", "build", "model", "deps", "fuzz", "clean"):
        assert re.search(rf"^  make {target} ", listed, re.MULTILINE), target
        assert re.search(rf"^{target}:", makefile, re.MULTILINE), target


def test_readme_counts_the_passages():
    passages = len((ROOT / "examples/demo/passages.jsonl").read_text(encoding="utf-8").splitlines())
    assert f"{passages} passages" in (ROOT / "README.md").read_text(encoding="utf-8")
