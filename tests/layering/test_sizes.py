"""Files and functions stay small enough to be read at one go.

Budget: a file has at most 600 lines, a function 80 lines and 8 parameters. size_allowances.txt lists the exceptions, each
with its reason; one that is no longer needed fails too.
"""

import json
import pathlib
import shutil
import subprocess

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
FOLDERS = ("src", "bench", "fuzz")
MAX_FILE_LINES = 600
MAX_FUNCTION_LINES = 80
MAX_PARAMETERS = 8

needs_ctags = pytest.mark.skipif(not shutil.which("ctags"), reason="ctags (universal-ctags) is not installed")


def cpp_files(root: pathlib.Path) -> list[pathlib.Path]:
    return sorted(path for folder in FOLDERS for path in (root / folder).rglob("*") if path.suffix in (".h", ".cc"))


def read_allowances(text: str) -> dict[str, str]:
    """"src/text/tables.cc  generated" and "src/a.cc:function  its reason": what is allowed, and why."""
    allowed = {}
    for line in text.splitlines():
        if not line.strip() or line.startswith("#"):
            continue
        what, _, reason = line.strip().partition(" ")
        assert reason.strip(), f"size_allowances.txt: '{what}' has no reason"
        allowed[what] = reason.strip()
    return allowed


def long_files(root: pathlib.Path) -> dict[str, str]:
    problems = {}
    for path in cpp_files(root):
        lines = path.read_text(encoding="utf-8").count("\n")
        if lines > MAX_FILE_LINES:
            problems[path.relative_to(root).as_posix()] = f"{lines} lines"
    return problems


def count_parameters(signature: str) -> int:
    """Parameters of "(int a, std::map<int, int> b)"."""
    inside = signature[signature.find("(") + 1 : signature.rfind(")")].strip()
    if inside in ("", "void"):
        return 0
    depth, count = 0, 1
    for c in inside:
        depth += (c in "<([{") - (c in ">)]}")
        count += c == "," and depth == 0
    return count


def large_functions(root: pathlib.Path) -> dict[str, str]:
    files = [path.relative_to(root).as_posix() for path in cpp_files(root)]
    output = subprocess.run(
        ["ctags", "--output-format=json", "--language-force=C++", "--kinds-C++=f", "--fields=+neS", "-f", "-", "-L", "-"],
        cwd=root, input="\n".join(files), capture_output=True, text=True, check=True,
    ).stdout
    problems = {}
    for line in output.splitlines():
        tag = json.loads(line)
        lines = tag.get("end", tag["line"]) - tag["line"] + 1
        parameters = count_parameters(tag.get("signature", "()"))
        name = f"{tag['path']}:{tag['name']}"
        if lines > MAX_FUNCTION_LINES:
            problems[name] = f"{lines} lines"
        elif parameters > MAX_PARAMETERS:
            problems[name] = f"{parameters} parameters"
    return problems


def check(problems: dict[str, str], allowed: dict[str, str]) -> None:
    unexpected = {name: size for name, size in problems.items() if name not in allowed}
    assert not unexpected, f"too large, split them or give a reason in size_allowances.txt: {unexpected}"


@pytest.fixture(scope="module")
def allowed():
    return read_allowances((ROOT / "tests" / "layering" / "size_allowances.txt").read_text(encoding="utf-8"))


def test_files(allowed):
    check(long_files(ROOT), allowed)


@needs_ctags
def test_functions(allowed):
    check(large_functions(ROOT), allowed)


@needs_ctags
def test_every_allowance_is_needed(allowed):
    unneeded = set(allowed) - set(long_files(ROOT)) - set(large_functions(ROOT))
    assert not unneeded, f"remove from size_allowances.txt: {sorted(unneeded)}"


# What follows shows on small trees that each check can fail.


def write(root: pathlib.Path, name: str, text: str) -> pathlib.Path:
    path = root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return root


def test_a_long_file_is_noticed(tmp_path):
    write(tmp_path, "src/a/ok.cc", "// x\n" * MAX_FILE_LINES)
    write(tmp_path, "src/a/long.cc", "// x\n" * (MAX_FILE_LINES + 1))
    assert long_files(tmp_path) == {"src/a/long.cc": "601 lines"}
    with pytest.raises(AssertionError):
        check(long_files(tmp_path), {})
    check(long_files(tmp_path), {"src/a/long.cc": "generated"})


@needs_ctags
def test_a_large_function_is_noticed(tmp_path):
    write(tmp_path, "src/a.cc", "int ok() {\n" + "  ;\n" * (MAX_FUNCTION_LINES - 2) + "}\n")
    assert large_functions(tmp_path) == {}
    write(tmp_path, "fuzz/b.cc", "int large() {\n" + "  ;\n" * (MAX_FUNCTION_LINES - 1) + "}\n")
    assert large_functions(tmp_path) == {"fuzz/b.cc:large": "81 lines"}


@needs_ctags
def test_many_parameters_are_noticed(tmp_path):
    eight = ", ".join(f"std::map<int, int> p{i}" for i in range(8))
    write(tmp_path, "src/a.cc", f"void ok({eight}) {{}}\nvoid wide({eight}, int more) {{}}\n")
    assert large_functions(tmp_path) == {"src/a.cc:wide": "9 parameters"}


def test_an_allowance_needs_a_reason():
    assert read_allowances("# why\n\nsrc/a.cc  generated table\n") == {"src/a.cc": "generated table"}
    with pytest.raises(AssertionError):
        read_allowances("src/a.cc\n")
