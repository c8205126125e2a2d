"""The structure of `bench`: `python -m tests.structure [TREE]` in figures; `--svg FILE` draws it.

The source of TREE is parsed, not imported, so older commits can be measured too: check one out in
another folder, and pass that as TREE.

A *room* is a folder of `bench`, or a module that stands in `bench` by itself. An *arrow* leads from
a module or a room to another that it imports, anywhere in its code; several imports of the same
module are one arrow. A room that imports no other is on *floor* 1, and every other room is one
floor above the highest that it imports. Rooms that import each other in a *circle* share a
floor, and the arrows between them are the *upward* ones: no order of the rooms lets them all lead
down.

A *climb* is a module on the way from records to the page that goes back to raw records: it advises,
compares or reports, and reads a run's `records` or a record's `measurement`, or makes results from
them, where it could read results that were made once and passed on. Results are *made* where
`summarize` or `Results.of` is called.
"""

from __future__ import annotations

import argparse
import ast
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path

TREE = Path(__file__).resolve().parents[1]
PICTURE = TREE / "docs" / "rooms.svg"

LONGEST_MODULE = 300
LONGEST_FUNCTION = 50
# The readers of results, by their present names and by those before there were rooms.
READERS = ("advice", "analysis.comparison", "comparison", "report", "publish")
RAW = {"records", "measurement"}

Graph = Mapping[str, set[str]]


@dataclass(frozen=True, kw_only=True)
class Structure:
    """The modules of a tree's `bench`, by their dotted name without `bench.`, as syntax trees."""

    tree: Path
    modules: Mapping[str, ast.Module]
    lines: Mapping[str, int]

    @cached_property
    def arrows(self) -> Graph:
        """The modules of `bench` that each module imports."""
        return {
            name: {other for other in imports(module, self.modules) if other != name}
            for name, module in self.modules.items()
        }

    @cached_property
    def rooms(self) -> Graph:
        """The rooms that each room imports."""
        rooms: dict[str, set[str]] = {}
        for module, imported in self.arrows.items():
            room = room_of(module)
            rooms.setdefault(room, set()).update({room_of(other) for other in imported} - {room})
        return rooms

    @cached_property
    def floors(self) -> Mapping[str, int]:
        return floors(self.rooms)

    @property
    def upward(self) -> list[str]:
        """Arrows between rooms that lead to no lower floor."""
        return [
            f"{room} -> {other}"
            for room, others in self.rooms.items()
            for other in sorted(others)
            if self.floors[other] >= self.floors[room]
        ]

    @property
    def climbs(self) -> list[str]:
        """The modules that go back to raw records: see the docstring of this file."""
        return [
            name
            for name, module in self.modules.items()
            if any(f"{name}.".startswith(f"{reader}.") for reader in READERS) and reads_raw(module)
        ]

    @property
    def makers(self) -> list[str]:
        """The modules that make results from records, with the number of calls."""
        counts = {name: makes_results(module) for name, module in self.modules.items()}
        return [f"{name} ({count})" for name, count in counts.items() if count]

    @property
    def long_modules(self) -> list[str]:
        return [f"{name} ({n})" for name, n in self.lines.items() if n >= LONGEST_MODULE]

    @property
    def long_functions(self) -> list[tuple[int, str]]:
        """Functions longer than a screen, longest first, with their number of lines."""
        functions = [
            (node.end_lineno - node.lineno + 1, f"{name}.{node.name}")
            for name, module in self.modules.items()
            for node in ast.walk(module)
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.end_lineno
        ]
        return sorted((f for f in functions if f[0] > LONGEST_FUNCTION), reverse=True)


@cache
def read(tree: Path) -> Structure:
    """The structure of the source in `tree`, as it was when this process first asked for it."""
    modules, lines = {}, {}
    for file in sorted((tree / "bench").rglob("*.py")):
        parts = file.relative_to(tree / "bench").with_suffix("").parts
        name = ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
        if name not in ("", "__main__"):  # the package itself, and its entry point
            text = file.read_text(encoding="utf-8")
            modules[name], lines[name] = ast.parse(text), len(text.splitlines())
    return Structure(tree=tree, modules=modules, lines=lines)


def room_of(module: str) -> str:
    return module.partition(".")[0]


def imports(module: ast.Module, modules: Collection[str]) -> Iterator[str]:
    """The known modules that a module imports, by their names without `bench.`."""
    for node in ast.walk(module):
        names = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:
            names = [f"{node.module}.{alias.name}" for alias in node.names]
        for name in names:
            package, _, rest = name.partition(".")
            while package == "bench" and rest and rest not in modules:
                rest = rest.rpartition(".")[0]  # something that the module defines
            if package == "bench" and rest:
                yield rest


def reads_raw(module: ast.Module) -> bool:
    """Whether a module reads what only records hold, or makes results of them."""
    return makes_results(module) > 0 or any(
        isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Load) and node.attr in RAW
        for node in ast.walk(module)
    )


def makes_results(module: ast.Module) -> int:
    """How many calls in a module make results from records."""
    calls = (ast.unparse(n.func) for n in ast.walk(module) if isinstance(n, ast.Call))
    return sum(call == "Results.of" or call.rpartition(".")[2] == "summarize" for call in calls)


def reachable(graph: Graph, start: str) -> set[str]:
    """The nodes that can be reached from `start` along one or more arrows."""
    seen: set[str] = set()
    left = list(graph.get(start, ()))
    while left:
        node = left.pop()
        if node not in seen:
            seen.add(node)
            left.extend(graph.get(node, ()))
    return seen


def circles(graph: Graph) -> list[set[str]]:
    """The sets of two or more nodes that all reach each other."""
    below = {node: reachable(graph, node) for node in graph}
    groups: list[set[str]] = []
    for node in graph:
        circle = {other for other in below[node] if node in below.get(other, ())}
        if len(circle) > 1 and circle not in groups:
            groups.append(circle)
    return groups


def floors(graph: Graph) -> dict[str, int]:
    """The floor of each node."""
    below = {node: reachable(graph, node) for node in graph}
    floor_of: dict[str, int] = {}
    # A node reaches more than what it reaches, or as much in a circle: so this order is bottom up.
    for node in sorted(graph, key=lambda node: len(below[node] | {node})):
        lower = [floor_of[other] for other in below[node] if node not in below[other]]
        floor_of[node] = 1 + max(lower, default=0)
    return floor_of


def python_lines(folder: Path) -> int:
    files = folder.rglob("*.py")
    return sum(len(file.read_text(encoding="utf-8").splitlines()) for file in files)


def report(structure: Structure) -> str:
    """The figures as text."""
    rooms, tree = structure.rooms, structure.tree
    by_floor = {
        floor: ", ".join(sorted(room for room in rooms if structure.floors[room] == floor))
        for floor in sorted(set(structure.floors.values()), reverse=True)
    }
    module_circles = circles(structure.arrows)
    lines = [
        f"rooms {len(rooms)}, floors {len(by_floor)}",
        *(f"  {floor:2}  {names}" for floor, names in by_floor.items()),
        f"arrows between rooms {sum(map(len, rooms.values()))}, "
        f"between modules {sum(map(len, structure.arrows.values()))}",
        listing("upward arrows between rooms", structure.upward),
        listing("circles of rooms", [" ".join(sorted(c)) for c in circles(rooms)]),
        listing("circles of modules", [" ".join(sorted(c)) for c in module_circles]),
        listing("climbs of a record", structure.climbs),
        listing("modules that make results", structure.makers),
        listing(f"modules of {LONGEST_MODULE} lines and more", structure.long_modules),
        listing(
            f"functions of more than {LONGEST_FUNCTION} lines",
            [f"{name} ({n})" for n, name in structure.long_functions],
        ),
        "lines of Python: "
        + ", ".join(f"{python_lines(tree / part):,} in {part}" for part in SOURCES)
        + f"; {len(structure.modules)} modules in bench",
    ]
    return "\n".join(lines)


SOURCES = ("bench", "frameworks", "tests")


def listing(title: str, names: list[str]) -> str:
    return f"{title} {len(names)}" + f": {', '.join(names)}" * bool(names)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.structure")
    parser.add_argument("tree", nargs="?", type=Path, default=TREE, help="default: this one")
    parser.add_argument("--svg", type=Path, metavar="FILE", help="draw the rooms into FILE")
    options = parser.parse_args()
    structure = read(options.tree)
    if options.svg:
        from tests import rooms_picture

        options.svg.write_text(rooms_picture.draw(structure), encoding="utf-8")
    else:
        print(report(structure))


if __name__ == "__main__":
    main()
