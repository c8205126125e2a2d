"""Imports run one way, and a framework is imported in a worker alone."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from bench.catalogue import FRAMEWORKS, TREE
from bench.environments import Environment

FRAMEWORK_PACKAGES = {"torch", "tensorflow", "keras", "mxnet", "paddle", "jax", "flax", "autograd"}


def imported(file: Path) -> Iterator[str]:
    """Every module that a file imports, anywhere in it."""
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module


def test_the_command_line_imports_no_framework() -> None:
    modules = [
        ".".join(file.relative_to(TREE).with_suffix("").parts)
        for file in (TREE / "bench").rglob("*.py")
        if file.name != "__main__.py"
    ]
    code = f"""
import importlib, sys
for module in {modules!r}:
    importlib.import_module(module.removesuffix(".__init__"))
print(sorted({FRAMEWORK_PACKAGES!r} & set(sys.modules)))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize("file", sorted((TREE / "bench" / "core").glob("*.py")), ids=str)
def test_core_needs_numpy_and_the_standard_library_alone(file: Path) -> None:
    allowed = sys.stdlib_module_names | {"numpy", "bench"}
    for module in imported(file):
        assert module.split(".")[0] in allowed, module
        assert not module.startswith("bench.") or module.startswith("bench.core"), module


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
def test_core_imports_under_old_and_new_numpy(
    framework: str, environment: Callable[[str], Environment]
) -> None:
    """MXNet's environment has numpy 1, the others have numpy 2; neither has framebench's needs."""
    found = environment(framework)
    modules = [f"bench.core.{file.stem}" for file in (TREE / "bench" / "core").glob("[a-z]*.py")]
    code = f"""
import importlib, sys
sys.path.insert(0, {str(TREE)!r})
for module in {modules!r}:
    importlib.import_module(module)
import numpy
print(numpy.__version__)
"""
    done = subprocess.run(
        [str(found.python), "-I", "-c", code], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == found.packages["numpy"]
