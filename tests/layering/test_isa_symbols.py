"""Each object of an instruction set exports one symbol, its table, and nothing weak.

A weak symbol (an inline function or a template of a header) could be picked by the linker for the whole program, and
would then run AVX-512 instructions on a machine that has none.
"""

import os
import pathlib
import shutil
import subprocess

import pytest

import layers as reader

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(os.environ.get("VIVACE_BUILD_DIR", ROOT / "build" / "release"))

pytestmark = pytest.mark.skipif(not shutil.which("nm"), reason="nm is not installed")


def exported(path: pathlib.Path) -> list[tuple[str, str]]:
    """Name and type of each defined external symbol."""
    output = subprocess.run(
        ["nm", "--extern-only", "--defined-only", "-P", str(path)], capture_output=True, text=True, check=True
    ).stdout
    return [(line.split()[0], line.split()[1]) for line in output.splitlines() if line.strip()]


def symbol_problems(path: pathlib.Path) -> list[str]:
    symbols = exported(path)
    problems = [f"{path.name}: weak symbol {name}" for name, kind in symbols if kind in "wWvVu"]
    if len(symbols) != 1:
        problems.append(f"{path.name}: exports {len(symbols)} symbols, expected one: {[name for name, _ in symbols]}")
    return problems


def test_isa_objects_export_one_symbol():
    objects = sorted(path for path in BUILD.rglob("*_*.cc.o") if path.parent.name == "kernels" and reader.isa_of(path.name)
                     and not path.name.endswith("_test.cc.o"))
    if not objects:
        pytest.skip(f"no kernel objects under {BUILD}; build the release first")
    assert [problem for path in objects for problem in symbol_problems(path)] == []


@pytest.mark.parametrize(
    ("source", "problems"),
    [
        ("namespace { int helper() { return 1; } }\nint table() { return helper(); }", 0),
        ("int table() { return 1; }\nint second() { return 2; }", 1),
        ("inline int helper() { return 1; }\nint table() { return helper(); }\nint (*keep)() = helper;", 2),
        ("namespace { int table() { return 1; } }\nstatic int (*keep [[gnu::used]])() = table;", 1),
    ],
    ids=["good", "second symbol", "inline function", "nothing exported"],
)
def test_each_kind_of_symbol_is_noticed(tmp_path, source, problems):
    compiler = shutil.which("g++") or shutil.which("clang++-19")
    if not compiler:
        pytest.skip("no C++ compiler is installed")
    (tmp_path / "x.cc").write_text(source, encoding="utf-8")
    subprocess.run([compiler, "-O0", "-c", "x.cc", "-o", "x.o"], cwd=tmp_path, check=True)
    assert len(symbol_problems(tmp_path / "x.o")) == problems
