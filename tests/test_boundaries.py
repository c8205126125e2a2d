"""Imports run down: which room may import which, and a framework is imported in a worker alone."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest

from bench.launch.catalogue import FRAMEWORKS, TREE
from bench.launch.environments import Environment

FRAMEWORK_PACKAGES = {"torch", "tensorflow", "keras", "mxnet", "paddle", "jax", "flax", "autograd"}

# Each room of `bench`, from the ground floor up, with the rooms that it may import besides itself.
ROOMS: Mapping[str, set[str]] = {
    "core": set(),
    "tasks": {"core"},
    "worker": {"core"},
    "launch": {"core", "tasks", "worker"},
    "datasets": {"core", "launch"},
    "proof": {"core", "tasks", "worker", "launch"},
    "records": {"core", "tasks", "launch", "proof"},
    "analysis": {"core", "proof", "records"},
    "run": {"core", "tasks", "launch", "datasets", "worker", "proof", "records", "analysis"},
    "advice": {"core", "launch", "records", "analysis"},
    "report": {*("core", "tasks", "launch", "datasets", "proof", "records", "analysis", "advice")},
    "cli": {
        *("core", "tasks", "launch", "datasets", "records", "analysis", "advice", "run"),
        "report",
    },
}
PYTHON_FILES = sorted([*(TREE / "bench").rglob("*.py"), *(TREE / "framebench").rglob("*.py")])


def imported(file: Path) -> Iterator[str]:
    """Every module that a file imports, anywhere in it."""
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module == "bench":
            yield from (f"bench.{alias.name}" for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module


def test_every_room_is_in_the_table_and_its_rooms_stand_below_it() -> None:
    found = {
        folder.name for folder in (TREE / "bench").iterdir() if (folder / "__init__.py").exists()
    }
    assert found == set(ROOMS)
    order = list(ROOMS)
    for room, below in ROOMS.items():
        assert all(order.index(other) < order.index(room) for other in below), room


@pytest.mark.parametrize("room", ROOMS)
def test_a_room_imports_those_below_it_alone(room: str) -> None:
    for file in sorted((TREE / "bench" / room).rglob("*.py")):
        for module in imported(file):
            if module.startswith("bench."):
                other = module.split(".")[1]
                allowed = {room, "__version__"} | ROOMS[room]
                assert other in allowed, f"{file.relative_to(TREE)} imports {module}"


def test_the_package_for_notebooks_is_a_roof_of_its_own() -> None:
    """It stands beside `cli`: it imports what it shows, and nothing imports it."""
    used = {
        module.split(".")[1]
        for file in (TREE / "framebench").rglob("*.py")
        for module in imported(file)
        if module.startswith("bench.")
    }
    assert used == {"__version__", "analysis", "records"}
    for file in (TREE / "bench").rglob("*.py"):
        assert not any(module.split(".")[0] == "framebench" for module in imported(file)), file


def test_what_is_named_as_allowed_is_imported() -> None:
    for room, below in ROOMS.items():
        used = {
            module.split(".")[1]
            for file in (TREE / "bench" / room).rglob("*.py")
            for module in imported(file)
            if module.startswith("bench.")
        }
        assert below <= used | {room}, f"{room} needs no {below - used}"


def test_the_command_line_imports_no_framework() -> None:
    modules = [
        ".".join(file.relative_to(TREE).with_suffix("").parts)
        for file in PYTHON_FILES
        if file.name != "__main__.py" and file != TREE / "bench" / "worker" / "launch.py"
    ]
    code = f"""
import importlib, sys
for module in {modules!r}:
    importlib.import_module(module.removesuffix(".__init__"))
print(sorted({FRAMEWORK_PACKAGES!r} & set(sys.modules)))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


WORKER_FILES = [
    file for room in ("core", "worker") for file in sorted((TREE / "bench" / room).glob("*.py"))
]


@pytest.mark.parametrize("file", WORKER_FILES, ids=str)
def test_a_worker_needs_numpy_and_the_standard_library_alone(file: Path) -> None:
    allowed = sys.stdlib_module_names | {"numpy", "bench"}
    for module in imported(file):
        assert module.split(".")[0] in allowed, module


@pytest.mark.parametrize("file", sorted((TREE / "bench" / "tasks").glob("[a-z]*.py")), ids=str)
def test_a_task_imports_core_alone(file: Path) -> None:
    assert set(imported(file)) == {"bench.core.task"}


@pytest.mark.parametrize("file", sorted(FRAMEWORKS.glob("*/**/*.py")), ids=str)
def test_a_framework_imports_core_and_itself_alone(file: Path) -> None:
    own = f"frameworks.{file.relative_to(FRAMEWORKS).parts[0]}"
    for module in imported(file):
        if module.split(".")[0] in ("bench", "frameworks"):
            assert module.startswith(("bench.core", own)), module


def test_a_framework_folder_is_not_named_as_the_package_that_it_wraps() -> None:
    names = {folder.name for folder in FRAMEWORKS.iterdir()}
    assert not names & FRAMEWORK_PACKAGES


@pytest.mark.frameworks
@pytest.mark.parametrize("framework", ["mxnet_gluon", "pytorch"])
def test_a_worker_imports_under_old_and_new_numpy(
    framework: str, environment: Callable[[str], Environment]
) -> None:
    """MXNet's environment has numpy 1, the others have numpy 2; neither has framebench's needs."""
    found = environment(framework)
    modules = [f"bench.{file.parent.name}.{file.stem}" for file in WORKER_FILES]
    code = f"""
import importlib, sys
sys.path.insert(0, {str(TREE)!r})
for module in {modules!r}:
    importlib.import_module(module.removesuffix(".__init__"))
import numpy
print(numpy.__version__)
"""
    done = subprocess.run(
        [str(found.python), "-I", "-c", code], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == found.packages["numpy"]
