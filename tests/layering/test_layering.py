"""The folders of src/ include only what the table in docs/architecture.md lets them."""

import pathlib

import pytest

import layers as reader

ROOT = pathlib.Path(__file__).resolve().parents[2]

TABLE = """
| level | folder | holds | may include |
|---|---|---|---|
| 0 | `base` | x | – |
| 1 | `kernels` | x | base (ISA files: only `kernel_table.h`, intrinsics) |
| 1 | `text` | x | base |
| 2 | `ops` | x | base, kernels |
| 3 | `models` | x | base, ops |
| 4 | `heads` | x | base, models' interface headers |
| 5 | `engine` | x | levels 0-4 |
| 7 | `apps/one` `apps/two` | x | base, engine |
| 8 | `server` | x | base, apps |
| 9 | `cli` | x | all |

Text after it.
"""


@pytest.fixture(scope="module")
def layers():
    path = ROOT / "docs" / "architecture.md"
    assert path.is_file(), "docs/architecture.md, which holds the table of layers, is missing"
    return reader.read_layers(path.read_text(encoding="utf-8"))


def test_includes_follow_the_table(layers):
    assert reader.layering_problems(ROOT / "src", layers) == []


def test_no_folder_cycle(layers):
    cycle = reader.find_cycle(reader.folder_graph(ROOT / "src", layers))
    assert not cycle, " includes ".join(cycle)


def test_isa_files_include_only_intrinsics():
    assert reader.isa_problems(ROOT / "src") == []


def test_table_covers_every_folder(layers):
    folders = {reader.folder_of(path, layers) for path in reader.sources(ROOT / "src")}
    assert folders <= set(layers), f"no row for {sorted(folders - set(layers))}"


# What follows shows on small trees that each check can fail.


def write_tree(root: pathlib.Path, files: dict[str, str]) -> pathlib.Path:
    for name, includes in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        lines = [f'#include "{h}"' if "/" in h or h.endswith(".h") and not h.startswith("<") else h for h in includes.split()]
        path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return root


@pytest.fixture
def tree(tmp_path):
    return write_tree(
        tmp_path,
        {
            "base/a.h": "",
            "kernels/kernel_table.h": "",
            "ops/op.h": "base/a.h kernels/kernel_table.h",
            "models/encoder.h": "base/a.h",
            "models/bert.h": "ops/op.h models/encoder.h",
            "models/bert_test.cc": "models/bert.h kernels/kernel_table.h",
            "heads/pool.h": "base/a.h models/encoder.h",
            "engine/engine.h": "heads/pool.h text/t.h",
            "text/t.h": "base/a.h",
            "apps/one/one.h": "engine/engine.h",
            "apps/two/two.h": "base/a.h",
            "server/server.h": "apps/one/one.h",
            "cli/main.cc": "server/server.h text/t.h",
        },
    )


def test_a_good_tree_passes(tree):
    layers = reader.read_layers(TABLE)
    assert reader.layering_problems(tree, layers) == []
    assert reader.find_cycle(reader.folder_graph(tree, layers)) == []


@pytest.mark.parametrize(
    ("path", "included", "message"),
    [
        ("base/b.h", "text/t.h", "base may not include text/t.h"),
        ("text/u.h", "kernels/kernel_table.h", "text may not include kernels/kernel_table.h"),
        ("heads/h.h", "models/bert.h", "heads may not include models/bert.h"),
        ("engine/e.h", "server/server.h", "engine may not include server/server.h"),
        ("apps/two/t.h", "apps/one/one.h", "apps/two may not include apps/one/one.h"),
        ("server/s.h", "text/t.h", "server may not include text/t.h"),
        ("server/s.h", "server.h", "is not a path from src/"),
        ("server/s.h", "base/gone.h", "is not a path from src/"),
        ("extra/x.h", "base/a.h", "folder extra has no row"),
        ("models/x.cc", "models/models_testing.h", "includes the test header"),
    ],
)
def test_a_forbidden_include_fails(tree, path, included, message):
    write_tree(tree, {"models/models_testing.h": "", path: included})
    problems = reader.layering_problems(tree, reader.read_layers(TABLE))
    assert len(problems) == 1, problems
    assert problems[0].startswith(path) and message in problems[0]


def test_a_cycle_fails(tree):
    write_tree(tree, {"base/b.h": "engine/engine.h"})
    cycle = reader.find_cycle(reader.folder_graph(tree, reader.read_layers(TABLE)))
    assert cycle[0] == cycle[-1]
    assert {"base", "engine"} <= set(cycle)


def test_isa_files_of_a_good_tree_pass(tmp_path):
    write_tree(
        tmp_path,
        {
            "kernels/kernel_table.h": "#include<cstddef>",
            "kernels/gemm_inl.h": "kernels/kernel_table.h",
            "kernels/vector_avx2_inl.h": "#include<immintrin.h>",
            "kernels/avx2_kernels.cc": "kernels/vector_avx2_inl.h kernels/gemm_inl.h",
            "kernels/generic_table.cc": "base/a.h",
        },
    )
    assert reader.isa_problems(tmp_path) == []


@pytest.mark.parametrize("included", ["base/a.h", "kernels/registry.h", "kernels/vector_avx512_inl.h", "#include<vector>"])
@pytest.mark.parametrize("where", ["kernels/avx2_kernels.cc", "kernels/gemm_inl.h"])
def test_a_forbidden_include_of_an_isa_file_fails(tmp_path, where, included):
    files = {"base/a.h": "", "kernels/registry.h": "", "kernels/vector_avx512_inl.h": "", "kernels/gemm_inl.h": ""}
    files["kernels/avx2_kernels.cc"] = "kernels/gemm_inl.h"
    files[where] += " " + included
    problems = reader.isa_problems(write_tree(tmp_path, files))
    assert len(problems) == 1, problems
    assert "is not for ISA files" in problems[0] and where in problems[0]


@pytest.mark.parametrize(
    "table",
    [
        "no table at all",
        TABLE.replace("levels 0-4", "whatever it likes"),
        TABLE.replace("base, kernels", "base, kernel"),
        TABLE.replace("| 5 | `engine`", "| 5 | `text`"),
        TABLE.replace("| 5 | `engine`", "| five | `engine`"),
        TABLE.replace("| 5 | `engine` | x |", "| 5 | `engine` |"),
    ],
)
def test_a_table_that_is_not_understood_fails(table):
    with pytest.raises(reader.TableError):
        reader.read_layers(table)


def test_named_interface_headers_count(tree):
    write_tree(tree, {"models/states.h": "", "heads/h.h": "models/states.h"})
    named = TABLE.replace("models' interface headers", "models' interface headers (`models/states.h`, `models/encoder.h`)")
    assert reader.layering_problems(tree, reader.read_layers(named)) == []
