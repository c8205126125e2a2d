"""Records that are sound by themselves, and do not agree with the rest of their run."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from bench.records import run_folder
from tests.conftest import FinishedRun, Framebench

Change = Callable[[dict[str, Any]], None]


@pytest.fixture
def r(finished_run: FinishedRun, tmp_path: Path) -> Path:
    """A copy of the finished run: two cells in two blocks."""
    return Path(shutil.copytree(finished_run.folder, tmp_path / "results" / "r"))


def change_line(run: Path, number: int, change: Change) -> None:
    lines = (run / "records.jsonl").read_text(encoding="utf-8").splitlines()
    fields = json.loads(lines[number - 1])
    change(fields)
    lines[number - 1] = json.dumps(fields)
    (run / "records.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")


def test_a_block_that_cannot_be_is_left_out(r: Path, framebench: Framebench) -> None:
    """Were it taken, `--add-blocks` would measure a thousand blocks."""
    change_line(r, 1, lambda fields: fields["job"].update(block=999))
    assert "line 1: block 999 cannot be on line 1" in framebench("report", "r").stdout


MIXTURES: dict[str, Change] = {
    "budget": lambda fields: fields["job"]["budget"].update(train_examples=640),
    "versions": lambda fields: fields["versions"].update(autograd="0.1"),
    "data": lambda fields: fields["dataset"]["digest"].update(train="0"),
    "source": lambda fields: fields.update(source_digest="0"),
}


@pytest.mark.parametrize("what", MIXTURES)
def test_what_differs_within_a_run_is_said(what: str, r: Path, framebench: Framebench) -> None:
    assert "than the others" not in framebench("report", "r").stdout
    change_line(r, 4, MIXTURES[what])
    words = f"records had another {what} than the others: line"
    for form in ("table", "markdown", "json"):
        assert words in " ".join(framebench("report", "r", "--format", form).stdout.split())
    assert words in framebench("report", "r", "--format", "csv").stderr


@pytest.mark.parametrize(
    ("kept", "words"),
    [
        (3, "1 of its 4 records is missing"),
        (1, "1 of its 2 records is missing"),
        (0, "all of its records are missing"),
    ],
)
def test_lost_records_are_missed(kept: int, words: str, r: Path, framebench: Framebench) -> None:
    lines = (r / "records.jsonl").read_text(encoding="utf-8").splitlines(keepends=True)
    (r / "records.jsonl").write_text("".join(lines[:kept]), encoding="utf-8")
    assert words in framebench("report", "r").stdout
    framebench("publish", "r", "--to", "out", "--no-page", expect=2)


def test_a_run_that_is_not_finished_says_so_in_every_form(r: Path, framebench: Framebench) -> None:
    info = run_folder.read(r).info
    run_folder.write_info(r, {key: info[key] for key in info if key != "wall_seconds"})
    words = "this run was not finished: it has 4 processes so far"
    assert words in framebench("report", "r").stdout
    assert words in framebench("report", "r", "--format", "csv").stderr
    assert words in framebench("export", "r").stderr
