"""docs/coverage.md has a row for every number of the checklist, and every test that it names exists."""

import pathlib
import re

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
CHECKLIST = ROOT.parent / "shared" / "spec" / "originals.md"
# How many capabilities each of the originals has.
COUNTS = {"000": 32, "001": 17, "002": 20, "003": 19, "004": 28}
NUMBERS = [f"{system}.{i:02}" for system, count in COUNTS.items() for i in range(1, count + 1)]
ROW = re.compile(r"^\| (\d{3}\.\d{2}) \| [^|]+ \|([^|]*)\|([^|]*)\|$")
NOTE = re.compile(r"^(later|dropped|replaced|measured): \S.{10,}$")
WITHOUT_TEST = ("later", "dropped")


def rows(text: str) -> list[tuple[str, list[str], str]]:
    """(number, tests, note) of each row."""
    found = [ROW.match(line) for line in text.splitlines() if re.match(r"^\| \d", line)]
    assert all(found), "a row does not read: | number | capability | `test` | note |"
    return [(match[1], re.findall(r"`([^`]+)`", match[2]), match[3].strip()) for match in found]


def table():
    return rows((ROOT / "docs" / "coverage.md").read_text(encoding="utf-8"))


def exists(test: str, root: pathlib.Path) -> bool:
    if "::" in test:
        path, name = test.split("::")
        files = [place / path for place in (root / "tests", root) if (place / path).is_file()]
        return any(f"def {name}(" in file.read_text(encoding="utf-8") for file in files)
    suite, name = test.split(".")
    pattern = re.compile(rf"TEST(?:_F|_P)?\(\s*{re.escape(suite)},\s*{re.escape(name)}\)")
    return any(pattern.search(path.read_text(encoding="utf-8")) for path in (root / "src").rglob("*_test.cc"))


def problems(found: list[tuple[str, list[str], str]]) -> list[str]:
    """What is wrong with rows beside tests that do not exist."""
    notes = [(number, tests, note) for number, tests, note in found if note]
    wrong = [f"{number}: the note is no 'later: …', 'dropped: …', 'replaced: …' or 'measured: …'"
             for number, _, note in notes if not NOTE.match(note)]
    return wrong + [f"{number}: no test and no reason" for number, tests, note in found
                    if not tests and not note.startswith(WITHOUT_TEST)]


def test_every_number_has_its_row():
    assert [number for number, _, _ in table()] == NUMBERS


def test_the_numbers_are_those_of_the_checklist():
    if not CHECKLIST.exists():
        pytest.skip(f"{CHECKLIST} is missing")
    assert re.findall(r"^- (\d{3}\.\d{2}) ", CHECKLIST.read_text(encoding="utf-8"), re.MULTILINE) == NUMBERS


def test_every_row_has_a_test_or_a_reason():
    assert problems(table()) == []


def test_every_named_test_exists():
    assert [(number, test) for number, tests, _ in table() for test in tests if not exists(test, ROOT)] == []


def test_a_missing_test_is_noticed(tmp_path):
    (tmp_path / "src").mkdir()
    (tmp_path / "tests").mkdir()
    (tmp_path / "bench").mkdir()
    (tmp_path / "src" / "a_test.cc").write_text("TEST(Suite, Name) {}\n", encoding="utf-8")
    (tmp_path / "tests" / "test_b.py").write_text("def test_c():\n    pass\n", encoding="utf-8")
    (tmp_path / "bench" / "test_e.py").write_text("def test_f():\n    pass\n", encoding="utf-8")
    for test in ("Suite.Name", "test_b.py::test_c", "bench/test_e.py::test_f"):
        assert exists(test, tmp_path)
    for test in ("Suite.Other", "test_b.py::test_d", "bench/test_e.py::test_g", "test_e.py::test_f"):
        assert not exists(test, tmp_path)


def test_a_row_without_a_reason_is_noticed():
    assert problems(rows("| 000.01 | a | `b` | |\n| 000.02 | c | | later: nobody wrote it yet |")) == []
    assert problems(rows("| 000.01 | a | | |")) == ["000.01: no test and no reason"]
    assert problems(rows("| 000.01 | a | | measured: by nobody at all |")) == ["000.01: no test and no reason"]
    assert len(problems(rows("| 000.01 | a | `b` | perhaps |"))) == 1
    with pytest.raises(AssertionError):
        rows("| 000.01 | without a test |")
