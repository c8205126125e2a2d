"""Imports only go down, frameworks are imported only in workers, and no name is used twice."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import cache
from pathlib import Path

import pytest

from bench import tasks
from bench.launch import catalogue
from bench.launch.catalogue import FRAMEWORKS, TREE
from bench.launch.virtual_environments import Environment

FRAMEWORK_PACKAGES = {"torch", "tensorflow", "keras", "mxnet", "paddle", "jax", "flax", "autograd"}

# The rooms of `bench`, lowest first, with the other rooms that each may import.
ROOMS: Mapping[str, set[str]] = {
    "system": set(),
    "core": set(),
    "tasks": {"core"},
    "worker": {"core"},
    "launch": {"system", "core", "tasks", "worker"},
    "datasets": {"system", "core", "launch"},
    "proof": {"system", "core", "tasks", "worker", "launch"},
    "records": {"system", "core", "tasks", "launch", "proof"},
    "analysis": {"core", "proof", "records"},
    "health": {"system", "core", "worker", "launch", "datasets", "analysis"},
    "run": {
        "system",
        "core",
        "tasks",
        "worker",
        "launch",
        "datasets",
        "proof",
        "records",
        "analysis",
        "health",
    },
    "advice": {"core", "launch", "records", "analysis"},
    "report": {
        "system",
        "core",
        "tasks",
        "launch",
        "datasets",
        "proof",
        "records",
        "analysis",
        "health",
        "advice",
    },
    "cluster": {"core", "records", "run"},
    "cli": {
        "system",
        "core",
        "tasks",
        "launch",
        "datasets",
        "records",
        "analysis",
        "health",
        "run",
        "cluster",
        "advice",
        "report",
    },
}
PYTHON_FILES = sorted([*(TREE / "bench").rglob("*.py"), *(TREE / "framebench").rglob("*.py")])
COMMANDS = TREE / "bench" / "cli" / "commands"
FRAMEWORK_FILES = sorted(FRAMEWORKS.rglob("*.py"))
LONGEST_MODULE = 300
LONGEST_FUNCTION = 60


def path_in_tree(file: Path) -> str:
    return file.relative_to(TREE).as_posix()


@cache
def imported(file: Path) -> tuple[str, ...]:
    """Every module that a file imports, anywhere in it."""
    return tuple(_imported(file))


def _imported(file: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module == "bench":
            yield from (f"bench.{alias.name}" for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module


def imported_rooms(files: Iterable[Path]) -> set[str]:
    """The rooms of `bench` that files import, anywhere in them."""
    modules = (module.split(".") for file in files for module in imported(file))
    return {parts[1] for parts in modules if parts[0] == "bench" and len(parts) > 1}


def test_the_table_has_every_room_above_those_that_it_imports() -> None:
    rooms = {file.parent.name for file in (TREE / "bench").glob("*/__init__.py")}
    assert rooms == set(ROOMS)
    order = list(ROOMS)
    for room, below in ROOMS.items():
        assert all(order.index(other) < order.index(room) for other in below), room


@pytest.mark.parametrize("room", ROOMS)
def test_a_room_imports_only_allowed_rooms(room: str) -> None:
    for file in sorted((TREE / "bench" / room).rglob("*.py")):
        for module in imported(file):
            if module.startswith("bench."):
                other = module.split(".")[1]
                allowed = {room, "__version__"} | ROOMS[room]
                assert other in allowed, f"{file.relative_to(TREE)} imports {module}"


def test_the_notebook_package_imports_little_and_nothing_imports_it() -> None:
    """Like `cli`, it is at the top: it imports the rooms whose values it shows."""
    used = imported_rooms((TREE / "framebench").rglob("*.py"))
    assert used == {"__version__", "analysis", "records"}
    for file in (TREE / "bench").rglob("*.py"):
        assert not any(module.split(".")[0] == "framebench" for module in imported(file)), file


def test_a_report_reads_the_present_source_only_where_it_shows_the_source() -> None:
    """A published run reads the same when tasks and frameworks have moved on."""
    for file in sorted((TREE / "bench" / "report").rglob("*.py")):
        present = imported_rooms([file]) & {"tasks", "launch", "datasets"}
        taken = "bench.records.snapshot_taking" in set(imported(file))
        if file.parent.name != "task":
            assert not present and not taken, f"{file.relative_to(TREE)} reads {present}"


def test_every_allowed_room_is_imported() -> None:
    for room, below in ROOMS.items():
        used = imported_rooms((TREE / "bench" / room).rglob("*.py"))
        assert below <= used | {room}, f"{room} does not import {below - used}"


def test_no_two_modules_have_the_same_name() -> None:
    """Commands are named as on the command line, which may be the name of something else."""
    files = [file for file in PYTHON_FILES if file.stem != "__init__" and file.parent != COMMANDS]
    assert repeated(file.stem for file in files) == []


def test_no_two_classes_have_the_same_name() -> None:
    trees = (ast.parse(file.read_text(encoding="utf-8")) for file in PYTHON_FILES)
    classes = (node for tree in trees for node in ast.walk(tree) if isinstance(node, ast.ClassDef))
    assert repeated(node.name for node in classes) == []


# The words in which a task is written, each a class that knows all about itself.
WORDS = {"Field", "Layer", "Recurrent", "Loss", "Metric", "Optimizer", "Sample", "Start"}


def classes_of_words() -> dict[str, Path]:
    """The classes of a task's vocabulary, by name, with the files that define them."""
    found: dict[str, Path] = {}
    for file in sorted((TREE / "bench" / "core").glob("*.py")):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ClassDef):
                bases = {base.id for base in node.bases if isinstance(base, ast.Name)}
                if node.name in WORDS or bases & (WORDS | found.keys()):
                    found[node.name] = file
    return found


def test_nothing_asks_for_the_kind_of_a_task_s_words() -> None:
    """A new kind is one class, and no ladder of `isinstance` elsewhere knows it."""
    words = classes_of_words()
    assert {"Pixels", "LSTM", "Adam", "RMSE", "MeanSquaredError", "Glorot"} <= words.keys()
    for file in (*PYTHON_FILES, *FRAMEWORK_FILES):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if (
                isinstance(node, ast.Call)
                and isinstance(node.func, ast.Name)
                and node.func.id in ("isinstance", "issubclass")
            ):
                asked = {name.id for name in ast.walk(node.args[1]) if isinstance(name, ast.Name)}
                wrong = [name for name in asked & words.keys() if words[name] != file]
                assert not wrong, f"{path_in_tree(file)}, line {node.lineno} asks for {wrong}"


def test_no_table_in_bench_is_keyed_by_the_kind_of_a_task_s_words() -> None:
    """Only a framework's folder has rows for kinds that it names otherwise."""
    kinds = {
        *(p.kind for name in tasks.names() for p in tasks.load(name).parameters),
        *(update.loss.kind for name in tasks.names() for update in tasks.load(name).updates),
        *(update.optimizer.kind for name in tasks.names() for update in tasks.load(name).updates),
        *classes_of_words(),
    }
    assert {"dense", "sgd", "mean_squared_error", "Tokens"} <= kinds
    own = set(classes_of_words().values())
    for file in (file for file in PYTHON_FILES if file not in own):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Dict):
                keys = [key.value for key in node.keys if isinstance(key, ast.Constant)]
                keys += [key.id for key in node.keys if isinstance(key, ast.Name)]
                known = kinds & {key for key in keys if isinstance(key, str)}
                assert not known, f"{path_in_tree(file)}, line {node.lineno} lists {known}"


def repeated(names: Iterable[str]) -> list[str]:
    return [name for name, count in Counter(names).items() if count > 1]


@pytest.mark.parametrize("file", (*PYTHON_FILES, *FRAMEWORK_FILES), ids=path_in_tree)
def test_modules_and_functions_are_short(file: Path) -> None:
    """A command's own function is excepted: each of its options is a parameter, and its docstring
    is the command's help.
    """
    text = file.read_text(encoding="utf-8")
    assert len(text.splitlines()) <= LONGEST_MODULE
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef):
            command = file.parent == COMMANDS and node.name == file.stem
            lines = (node.end_lineno or node.lineno) - node.lineno + 1
            assert lines <= LONGEST_FUNCTION or command, f"{node.name} has {lines} lines"


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


@pytest.mark.parametrize("file", WORKER_FILES, ids=path_in_tree)
def test_a_worker_imports_only_numpy_and_the_standard_library(file: Path) -> None:
    allowed = sys.stdlib_module_names | {"numpy", "bench"}
    for module in imported(file):
        assert module.split(".")[0] in allowed, module


@pytest.mark.parametrize(
    "file", sorted((TREE / "bench" / "tasks").glob("[a-z]*.py")), ids=path_in_tree
)
def test_a_task_imports_only_core(file: Path) -> None:
    assert all(module.startswith(("bench.core.", "dataclasses")) for module in imported(file))


@pytest.mark.parametrize("file", sorted(FRAMEWORKS.glob("*/**/*.py")), ids=path_in_tree)
def test_a_framework_imports_only_core_and_itself(file: Path) -> None:
    """And the framework whose models it trains."""
    name = file.relative_to(FRAMEWORKS).parts[0]
    own = [f"frameworks.{folder}" for folder in (name, catalogue.load(name).models)]
    for module in imported(file):
        if module.split(".")[0] in ("bench", "frameworks"):
            assert module.startswith(("bench.core", *own)), module


@pytest.mark.frameworks
@pytest.mark.parametrize("framework", ["mxnet_gluon", "pytorch"])
def test_a_worker_imports_under_old_and_new_numpy(
    framework: str, environment: Callable[[str], Environment]
) -> None:
    """MXNet's environment has numpy 1, the others numpy 2; none has framebench's dependencies."""
    own = environment(framework)
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
        [str(own.python), "-I", "-c", code], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == own.packages["numpy"]
