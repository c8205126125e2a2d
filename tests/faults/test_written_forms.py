"""Pages, tables and exports: complete or not there, and never over somebody's file."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from bench.core.errors import UsageError
from bench.launch import catalogue
from bench.records import run_folder
from bench.report.gallery import publication
from bench.report.gallery.published_runs import published_runs
from tests.conftest import Framebench

QUICK = catalogue.TREE / "results" / "quick-epyc-2cpu"


def test_an_export_replaces_only_an_earlier_export(framebench: Framebench, tmp_path: Path) -> None:
    target = tmp_path / "out.json"
    for content in ("my notes", '{"cells": []}', "[1]", "[" * 100_000, "\x00"):
        target.write_text(content)
        error = framebench("export", str(QUICK), "-o", "out.json", expect=2).stderr
        assert "out.json is no earlier export" in error and target.read_text() == content
    target.write_text("")
    framebench("export", str(QUICK), "-o", "out.json")
    first = target.stat().st_ino
    framebench("export", str(QUICK), "-o", "out.json")
    # Written beside it and renamed.
    assert target.stat().st_ino != first and [*tmp_path.iterdir()] == [target]
    error = framebench("export", str(QUICK), "-o", ".", expect=2).stderr
    assert "is a folder" in error
    framebench("export", str(QUICK), "-o", "/dev/null")


def test_a_published_run_is_whole_until_another_takes_its_place(tmp_path: Path) -> None:
    """The new tables cannot be written; a folder that a crash left does not count as a run."""
    target = tmp_path / "published" / "r"
    shutil.copytree(QUICK, target)
    before = {file.name: file.read_bytes() for file in target.iterdir()}

    def full(folder: Path) -> None:
        raise OSError(28, "No space left on device")

    source = tmp_path / "source"
    shutil.copytree(QUICK, source)
    with pytest.raises(OSError, match="No space"):
        publication.publish(
            run_folder.read(source), target, about="new", overwrite=True, forms=full
        )
    assert {file.name: file.read_bytes() for file in target.iterdir()} == before
    assert [*target.parent.iterdir()] == [target]
    shutil.copytree(QUICK, target.with_name(".r.left"))
    assert [run.name for run in published_runs(target.parent)] == ["r"]


def test_a_run_that_is_published_again_takes_the_place_of_the_first(tmp_path: Path) -> None:
    target, source = tmp_path / "published" / "r", tmp_path / "source"
    shutil.copytree(QUICK, source)
    for about in ("old", "new"):
        publication.publish(
            run_folder.read(source),
            target,
            about=about,
            overwrite=True,
            forms=lambda folder: None,
        )
    assert run_folder.read(target).info["about"] == "new"
    assert [*target.parent.iterdir()] == [target]
    assert target.stat().st_mode == source.stat().st_mode


def test_a_name_that_leads_elsewhere_is_refused(tmp_path: Path) -> None:
    for name in ("..", ".", "a b", "javascript:x", "-"):
        with pytest.raises(UsageError):
            publication.check_target(run_folder.read(QUICK), tmp_path / name, overwrite=True)
