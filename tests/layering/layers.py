"""Reads the table of layers out of docs/architecture.md and the includes out of a source tree.

The table has the columns level | folder | holds | may include. A cell of the last column lists folders ("base, tensor"),
ranges ("levels 0-4"), "all", "–" for none, and "models' interface headers" for the headers that it names in parentheses,
or for those of INTERFACE_HEADERS. Text in parentheses is otherwise a remark.
"""

import dataclasses
import pathlib
import re

# What a folder shows to those that may include its interface headers only.
INTERFACE_HEADERS = {"models": ("models/encoder.h", "models/encoder_decoder.h", "models/packed_batch.h")}

INCLUDE = re.compile(r'^\s*#\s*include\s*(?:"([^"]+)"|<([^>]+)>)', re.MULTILINE)
SOURCE_SUFFIXES = (".h", ".cc")


class TableError(Exception):
    """The table is missing or says something that this reader does not understand."""


@dataclasses.dataclass
class Layer:
    folder: str
    level: int
    cell: str
    folders: set[str] = dataclasses.field(default_factory=set)
    headers: set[str] = dataclasses.field(default_factory=set)

    def may_include(self, header: str, folder: str) -> bool:
        return folder == self.folder or folder in self.folders or header in self.headers


def table_rows(text: str) -> list[list[str]]:
    rows = []
    inside = False
    for line in text.splitlines():
        cells = [cell.strip() for cell in line.strip().strip("|").split("|")]
        if [cell.lower() for cell in cells] == ["level", "folder", "holds", "may include"]:
            inside = True
        elif inside and not line.strip().startswith("|"):
            break
        elif inside and not set(line) <= set("|-: "):
            if len(cells) != 4:
                raise TableError(f"row with {len(cells)} cells: {line}")
            rows.append(cells)
    if not rows:
        raise TableError("no table with the columns level | folder | holds | may include")
    return rows


def read_layers(text: str) -> dict[str, Layer]:
    layers: dict[str, Layer] = {}
    for level, folder_cell, _, cell in table_rows(text):
        folders = re.findall(r"`([a-z_/]+)`", folder_cell)
        if not folders or not level.isdigit():
            raise TableError(f"row without a level or a folder: {level} | {folder_cell}")
        for folder in folders:
            if folder in layers:
                raise TableError(f"folder {folder} has two rows")
            layers[folder] = Layer(folder, int(level), cell)
    for layer in layers.values():
        read_cell(layer, layers)
    return layers


def read_cell(layer: Layer, layers: dict[str, Layer]) -> None:
    named_headers = set(re.findall(r"`([a-z_/0-9]+\.h)`", layer.cell))
    for entry in re.sub(r"\([^)]*\)", "", layer.cell).split(","):
        entry = entry.strip().strip("`").rstrip(".")
        interface = re.fullmatch(r"([a-z_]+)['’]s? interface headers?", entry)
        level_range = re.fullmatch(r"levels? (\d+)\s*[-–]\s*(\d+)", entry)
        below = [name for name in layers if name == entry or name.startswith(entry + "/")]
        if entry in ("–", "-", "—", "none"):
            continue
        if entry == "all":
            layer.folders |= set(layers)
        elif level_range:
            low, high = int(level_range[1]), int(level_range[2])
            layer.folders |= {name for name, other in layers.items() if low <= other.level <= high}
        elif interface and interface[1] in layers:
            own = {header for header in named_headers if header.startswith(interface[1] + "/")}
            layer.headers |= own or set(INTERFACE_HEADERS.get(interface[1], ()))
        elif below:
            layer.folders |= set(below)
        else:
            raise TableError(f"folder {layer.folder}: do not understand '{entry}' in '{layer.cell}'")


def folder_of(path: str, layers: dict[str, Layer]) -> str:
    """"apps/impact" or "base": the longest folder of the table that holds the path, else its first part."""
    parts = path.split("/")
    for length in range(len(parts) - 1, 0, -1):
        if "/".join(parts[:length]) in layers:
            return "/".join(parts[:length])
    return parts[0]


def is_test(path: str) -> bool:
    """Tests stand beside the code and may include what they like; nothing but tests includes them."""
    name = path.rsplit("/", 1)[-1]
    return re.search(r"(_test|_testing|_test_base)\.(h|cc)$", name) is not None


def sources(root: pathlib.Path) -> list[str]:
    return sorted(
        path.relative_to(root).as_posix() for path in root.rglob("*") if path.is_file() and path.suffix in SOURCE_SUFFIXES
    )


def includes(root: pathlib.Path, path: str) -> tuple[list[str], list[str]]:
    """The quoted and the angled includes of a file."""
    found = INCLUDE.findall((root / path).read_text(encoding="utf-8"))
    return [quoted for quoted, _ in found if quoted], [angled for _, angled in found if angled]


def layering_problems(root: pathlib.Path, layers: dict[str, Layer]) -> list[str]:
    problems = []
    for path in sources(root):
        folder = folder_of(path, layers)
        if folder not in layers:
            problems.append(f"{path}: folder {folder} has no row in the table")
            continue
        for header in includes(root, path)[0]:
            target = folder_of(header, layers) if "/" in header else ""
            if not (root / header).is_file():
                problems.append(f"{path}: \"{header}\" is not a path from src/")
            elif is_test(header) and not is_test(path):
                problems.append(f"{path}: includes the test header {header}")
            elif not is_test(path) and target in layers and not layers[folder].may_include(header, target):
                problems.append(f"{path}: {folder} may not include {header} (the table says: {layers[folder].cell})")
    return problems


def folder_graph(root: pathlib.Path, layers: dict[str, Layer]) -> dict[str, set[str]]:
    graph: dict[str, set[str]] = {}
    for path in sources(root):
        if is_test(path):
            continue
        folder = folder_of(path, layers)
        targets = {folder_of(header, layers) for header in includes(root, path)[0] if "/" in header}
        graph.setdefault(folder, set()).update(targets - {folder})
    return graph


def find_cycle(graph: dict[str, set[str]]) -> list[str]:
    """One cycle as a list that ends where it begins; empty when there is none."""
    done: set[str] = set()

    def visit(node: str, trail: list[str]) -> list[str]:
        if node in trail:
            return trail[trail.index(node):] + [node]
        if node in done:
            return []
        for target in sorted(graph.get(node, ())):
            cycle = visit(target, trail + [node])
            if cycle:
                return cycle
        done.add(node)
        return []

    for start in sorted(graph):
        cycle = visit(start, [])
        if cycle:
            return cycle
    return []


ISA_NAMES = ("sse4", "avx2", "avx512", "avx10", "amx", "vnni", "neon", "sve")
ISA_SYSTEM_HEADERS = {"cstddef", "cstdint", "immintrin.h", "arm_neon.h", "arm_sve.h"}


def isa_of(name: str) -> str:
    """"avx512" of avx512_kernels.cc and of vector_avx512_inl.h, "" of generic_table.cc."""
    words = re.split(r"[_.]", name)
    return next((word for word in words if word.startswith(ISA_NAMES)), "")


def isa_problems(root: pathlib.Path) -> list[str]:
    """An ISA file and all that it includes: the table's declaration, headers made for inclusion there (*_inl.h, never
    another ISA's) and a few system headers without functions. Anything else could leave code behind that was compiled
    for that ISA and is then linked for every machine."""
    problems = []
    for path in sources(root):
        isa = isa_of(pathlib.PurePath(path).name)
        if not path.startswith("kernels/") or not path.endswith(".cc") or is_test(path) or not isa:
            continue
        todo, seen = [path], {path}
        while todo:
            current = todo.pop()
            quoted, angled = includes(root, current)
            problems += [
                f"{path}: <{header}> in {current} is not for ISA files" for header in angled if header not in ISA_SYSTEM_HEADERS
            ]
            for header in quoted:
                if header in seen:
                    continue
                seen.add(header)
                other = isa_of(header.rsplit("/", 1)[-1])
                is_inline = header.startswith("kernels/") and header.endswith("_inl.h")
                if header == "kernels/kernel_table.h" or (is_inline and other in ("", isa)):
                    todo.append(header)
                else:
                    problems.append(f"{path}: \"{header}\" in {current} is not for ISA files")
    return problems
