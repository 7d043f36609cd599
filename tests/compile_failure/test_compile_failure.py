"""Mistakes that must not compile, each beside the right way, which must.

The right way shows that the wrong one fails for its own reason and not because the snippet is broken. An ignored Result
is the exception: std::expected cannot be marked [[nodiscard]] from outside, so clang-tidy (bugprone-unused-return-value
in .clang-tidy) is what refuses it.
"""

import os
import pathlib
import shutil
import subprocess

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
FLAGS = ["-std=c++23", "-fsyntax-only", "-Wall", "-Wextra", "-Wshadow", "-Wold-style-cast", "-Wcast-qual", "-Werror",
         f"-I{ROOT / 'src'}"]
COMPILER = os.environ.get("CXX") or shutil.which("g++") or ""
CLANG_TIDY = shutil.which("clang-tidy-19") or ""

needs_compiler = pytest.mark.skipif(not COMPILER, reason="no C++ compiler is installed")

# Name, headers, the right way, the wrong way, what the compiler says about it.
MISTAKES = [
    (
        "view of a temporary file",
        ["base/mapped_file.h"],
        "size_t f() { auto file = MappedFile::open(\"x\"); return file->bytes().size(); }",
        "std::string_view f() { return (*MappedFile::open(\"x\")).bytes(); }",
        "use of deleted function",
    ),
    (
        "copy of a mapped file",
        ["base/mapped_file.h"],
        "MappedFile f(MappedFile& file) { return std::move(file); }",
        "MappedFile f(MappedFile& file) { return file; }",
        "use of deleted function",
    ),
    (
        "value of a temporary document",
        ["base/json.h"],
        "bool f(const JsonDocument& document) { return document.root().is_null(); }",
        "bool f() { return (*JsonDocument::parse(\"1\", \"x\")).root().is_null(); }",
        "use of deleted function",
    ),
    (
        "configuration of a temporary model directory",
        ["formats/model_directory.h"],
        "bool f(const ModelDirectory& model) { return model.config().is_null(); }",
        "bool f() { return (*ModelDirectory::open(\"x\")).config().is_null(); }",
        "use of deleted function",
    ),
    (
        "tensors of temporary weight files",
        ["formats/weights.h"],
        "size_t f(const WeightFiles& files) { return files.tensors().size(); }",
        "size_t f() { return (*WeightFiles::open(\"x\")).tensors().size(); }",
        "use of deleted function",
    ),
    (
        "ignored status",
        ["base/status.h"],
        "Status f(const Status& status) { return status.with_context(\"x\"); }",
        "void f(const Status& status) { status.with_context(\"x\"); }",
        "ignoring return value",
    ),
    (
        "error made and not returned",
        ["base/status.h"],
        "Result<void> f() { return error(StatusCode::kInternal, \"x\"); }",
        "Result<void> f() { error(StatusCode::kInternal, \"x\"); return {}; }",
        "ignoring return value",
    ),
    (
        "Result as its value",
        ["base/status.h"],
        "int f(const Result<int>& result) { return *result; }",
        "int f(const Result<int>& result) { return result; }",
        "cannot convert",
    ),
    (
        "copy of a thread pool",
        ["base/thread_pool.h"],
        "int f(ThreadPool& pool) { return pool.threads(); }",
        "int f(ThreadPool pool) { return pool.threads(); }\nint g(ThreadPool& pool) { return f(pool); }",
        "use of deleted function",
    ),
    (
        "writing through a read-only matrix",
        ["tensor/tensor_view.h"],
        "void f(MatrixView<float> m) { m.row(0)[0] = 1; }",
        "void f(MatrixView<const float> m) { m.row(0)[0] = 1; }",
        "read-only location",
    ),
    (
        "read-only matrix made writable",
        ["tensor/tensor_view.h"],
        "MatrixView<const float> f(MatrixView<float> m) { return m; }",
        "MatrixView<float> f(MatrixView<const float> m) { return m; }",
        "could not convert",
    ),
]


def source(headers: list[str], body: str) -> str:
    includes = "".join(f'#include "{header}"\n' for header in headers)
    return f"{includes}#include <utility>\nusing namespace vivace;\n{body}\n"


def compile_error(path: pathlib.Path, text: str) -> str:
    """What the compiler says; empty when it compiles."""
    path.write_text(text, encoding="utf-8")
    result = subprocess.run([COMPILER, *FLAGS, str(path)], capture_output=True, text=True, env={**os.environ, "LC_ALL": "C"})
    return result.stderr if result.returncode != 0 else ""


@needs_compiler
@pytest.mark.parametrize(("headers", "right", "wrong", "message"), [m[1:] for m in MISTAKES], ids=[m[0] for m in MISTAKES])
def test_mistake_does_not_compile(tmp_path, headers, right, wrong, message):
    assert compile_error(tmp_path / "right.cc", source(headers, right)) == ""
    assert message in compile_error(tmp_path / "wrong.cc", source(headers, wrong))


@pytest.mark.skipif(not CLANG_TIDY, reason="clang-tidy-19 is not installed")
@pytest.mark.parametrize(
    ("body", "refused"),
    [
        ("Result<int> make();\nvoid f() { make(); }", True),
        ("Result<void> check();\nvoid f() { check(); }", True),
        ("Result<void> check();\nvoid f() { (void)check(); }", False),
        ("Result<void> check();\nResult<void> f() { RETURN_IF_ERROR(check()); return {}; }", False),
    ],
    ids=["value", "void", "said to be ignored", "passed on"],
)
def test_an_ignored_result_is_refused(tmp_path, body, refused):
    path = tmp_path / "snippet.cc"
    path.write_text(source(["base/status.h"], body), encoding="utf-8")
    result = subprocess.run(
        [CLANG_TIDY, f"--config-file={ROOT / '.clang-tidy'}", "--checks=-*,bugprone-unused-return-value", "--quiet", str(path),
         "--", "-std=c++23", "-D__cpp_concepts=202002L", "-Wno-builtin-macro-redefined", f"-I{ROOT / 'src'}"],
        capture_output=True, text=True,
    )
    assert ("bugprone-unused-return-value" in result.stdout) == refused, result.stdout + result.stderr
    assert "clang-diagnostic-error" not in result.stdout, result.stdout
