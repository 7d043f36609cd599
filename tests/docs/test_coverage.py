"""Every test that docs/coverage.md names exists."""

import pathlib
import re

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
ROW = re.compile(r"^\| (\d{3}\.\d{2}) \| [^|]+ \| ([^|]+) \|$")


def rows(text: str) -> list[tuple[str, list[str]]]:
    found = [ROW.match(line) for line in text.splitlines() if re.match(r"^\| \d", line)]
    assert all(found), "a row does not read: | number | capability | `test` |"
    return [(match[1], re.findall(r"`([^`]+)`", match[2])) for match in found]


def exists(test: str, root: pathlib.Path) -> bool:
    if "::" in test:
        path, name = test.split("::")
        return (root / "tests" / path).is_file() and f"def {name}(" in (root / "tests" / path).read_text(encoding="utf-8")
    suite, name = test.split(".")
    pattern = re.compile(rf"TEST(?:_F|_P)?\(\s*{re.escape(suite)},\s*{re.escape(name)}\)")
    return any(pattern.search(path.read_text(encoding="utf-8")) for path in (root / "src").rglob("*_test.cc"))


def test_every_named_test_exists():
    table = rows((ROOT / "docs" / "coverage.md").read_text(encoding="utf-8"))
    assert table
    assert [(number, test) for number, tests in table for test in tests if not exists(test, ROOT)] == []
    assert [number for number, tests in table if not tests] == []


def test_numbers_are_in_order_and_occur_once():
    numbers = [number for number, _ in rows((ROOT / "docs" / "coverage.md").read_text(encoding="utf-8"))]
    assert numbers == sorted(set(numbers))


def test_a_missing_test_is_noticed(tmp_path):
    (tmp_path / "src").mkdir()
    (tmp_path / "tests").mkdir()
    (tmp_path / "src" / "a_test.cc").write_text("TEST(Suite, Name) {}\n", encoding="utf-8")
    (tmp_path / "tests" / "test_b.py").write_text("def test_c():\n    pass\n", encoding="utf-8")
    assert exists("Suite.Name", tmp_path) and exists("test_b.py::test_c", tmp_path)
    assert not exists("Suite.Other", tmp_path) and not exists("test_b.py::test_d", tmp_path)
    with pytest.raises(AssertionError):
        rows("| 000.01 | without a test |")
