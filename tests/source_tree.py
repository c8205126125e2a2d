"""Copies of the project's source, for tests that change them."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path

from bench.launch import catalogue


def copy_source(target: Path, packages: Sequence[str] = ("bench", "frameworks")) -> Path:
    """Copy packages of the source to `target`."""
    for package in packages:
        shutil.copytree(
            catalogue.TREE / package,
            target / package,
            ignore=shutil.ignore_patterns("__pycache__"),
        )
    return target


def plant(target: Path, packages: Sequence[str], file: str, old: str, new: str) -> Path:
    """Copy packages of the source to `target`, and change one piece of one file there."""
    copy_source(target, packages)
    text = (target / file).read_text(encoding="utf-8")
    assert text.count(old) == 1, f"{file} has {text.count(old)} times {old!r}"
    (target / file).write_text(text.replace(old, new), encoding="utf-8")
    return target


def copy_framework(tree: Path, framework: str, name: str) -> Path:
    """Add a framework to a copy of the source once more, under another name; its folder."""
    folder = tree / "frameworks" / name
    shutil.copytree(tree / "frameworks" / framework, folder)
    about = (folder / "framework.toml").read_text(encoding="utf-8")
    about = about.replace(f'name = "{framework}"', f'name = "{name}"')
    (folder / "framework.toml").write_text(about, encoding="utf-8")
    return folder
