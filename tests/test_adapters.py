"""Adapters have the same methods in the same order, and the modes that their folder announces."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from bench.core import adapter as contract
from bench.launch import catalogue
from bench.launch.catalogue import FRAMEWORKS
from bench.launch.framework import Framework

CONTRACT = ast.parse(Path(contract.__file__).read_text(encoding="utf-8"))


def tree_of(framework: str, module: str) -> ast.Module:
    return ast.parse((FRAMEWORKS / framework / f"{module}.py").read_text(encoding="utf-8"))


def methods(tree: ast.Module, class_name: str) -> list[str]:
    """The methods, in order, of the class whose name ends with `class_name`."""
    (definition,) = (
        node
        for node in tree.body
        if isinstance(node, ast.ClassDef) and node.name.endswith(class_name)
    )
    return [node.name for node in definition.body if isinstance(node, ast.FunctionDef)]


@pytest.mark.parametrize("protocol", ["Session", "Adapter"])
@pytest.mark.parametrize("framework", catalogue.families())
def test_an_adapter_has_its_methods_in_the_order_of_the_protocol(
    framework: str, protocol: str
) -> None:
    expected = methods(CONTRACT, protocol)
    own = methods(tree_of(framework, "adapter"), protocol)
    assert [name for name in own if name in expected] == expected


def announced(framework: Framework) -> Iterator[str]:
    """The modes in an adapter's MODES: a tuple in the adapter, or the keys of a table.

    On a backend, in the module of that.
    """
    for file in ("adapter", "modes", f"on_{framework.variant.backend}"):
        if not (framework.folder / f"{file}.py").exists():
            continue
        for node in tree_of(framework.folder.name, file).body:
            if isinstance(node, ast.Assign | ast.AnnAssign):
                target = node.targets[0] if isinstance(node, ast.Assign) else node.target
                if isinstance(target, ast.Name) and target.id == "MODES":
                    values = node.value
                    entries = values.keys if isinstance(values, ast.Dict) else values.elts
                    yield from (ast.literal_eval(entry) for entry in entries)


@pytest.mark.parametrize("framework", catalogue.names())
def test_an_adapter_has_the_modes_that_its_framework_announces(framework: str) -> None:
    described = catalogue.load(framework)
    assert sorted(announced(described)) == sorted(described.modes)
