"""Whatever the files of a run hold, commands end in order, and whole records are reported.

`FRAMEBENCH_FUZZ=1000` tries more than the usual hundred of each.
"""

from __future__ import annotations

import json
import os
import shutil
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bench.records import run_folder
from tests.conftest import FinishedRun, Framebench

# They read a published run, changed in many places.
pytestmark = pytest.mark.frameworks

TRIED = int(os.environ.get("FRAMEBENCH_FUZZ", "100"))
LINES = 10  # in a file, as a report takes much longer than reading a line

FORMS = ("table", "markdown", "json", "csv")
VALUES = st.sampled_from(
    [
        *(None, True, False, 0, -1, 1, 2, 1 << 63, 10**30, -(10**400), 0.0, -0.5, 1e-320, 1e308),
        *(float("nan"), float("inf"), "", "x", "\ud800", "\x1b[31m", "a\nb|c", "nan", "../..", "-"),
        *([], {}, [[]], [None], {"": None}, {"cpu": 1}, "9" * 5000, ["x"] * 3),
    ]
).map(deepcopy)  # as they are changed in turn


@st.composite
def damaged_json(draw: st.DrawFn, whole: Any) -> bytes:
    """A JSON value with another value, or nothing, in one to three places; or its bytes damaged."""
    value = json.loads(json.dumps(whole))
    for _ in range(draw(st.integers(1, 3))):
        value = draw(_changed(value))
    text = json.dumps(value).encode()
    kind = draw(st.sampled_from(["whole"] * 6 + ["cut", "flipped", "inserted"]))
    at = draw(st.integers(0, len(text)))
    if kind == "cut":
        return text[:at]
    if kind == "flipped":
        return text[:at] + draw(st.binary(min_size=1, max_size=1)) + text[at + 1 :]
    if kind == "inserted":
        return text[:at] + draw(st.binary(min_size=1, max_size=9)) + text[at:]
    return text


@st.composite
def _changed(draw: st.DrawFn, value: Any) -> Any:
    """The value with one place in it changed, usually deep inside."""
    keys: list[Any] = []
    if isinstance(value, (dict, list)):
        keys = list(value) if isinstance(value, dict) else list(range(len(value)))
    if not keys or draw(st.integers(0, 5)) == 0:
        return draw(VALUES)
    key = draw(st.sampled_from(keys))
    if draw(st.integers(0, 9)) == 0:
        del value[key]
    else:
        value[key] = draw(_changed(value[key]))
    return value


fuzzed = settings(
    derandomize=True,
    database=None,
    deadline=None,
    suppress_health_check=list(HealthCheck),
)


@pytest.fixture
def r(finished_run: FinishedRun, tmp_path: Path) -> Path:
    """A copy of a finished run, as `results/r`."""
    folder = tmp_path / "results" / "r"
    shutil.copytree(finished_run.folder, folder, ignore=shutil.ignore_patterns("report.html"))
    return folder


def test_hostile_lines_never_hide_whole_records(r: Path, framebench: Framebench) -> None:
    content = (r / "records.jsonl").read_bytes()
    whole = [json.loads(line) for line in content.splitlines()]
    records = run_folder.read(r).records

    @settings(fuzzed, max_examples=TRIED // LINES)
    @given(data=st.data())
    def tried(data: st.DataObject) -> None:
        hostile = [
            data.draw(damaged_json(data.draw(st.sampled_from(whole)))).replace(b"\n", b" ")
            for _ in range(LINES)
        ]
        (r / "records.jsonl").write_bytes(content + b"\n".join(hostile))
        run = run_folder.read(r)
        assert run.records[:4] == records
        assert len(run.records) + len(run.lines.replaced) + len(run.lines.left_out) == (
            run.lines.total
        )
        form = data.draw(st.sampled_from(FORMS))
        done = framebench("report", "r", "--format", form)
        assert all(record.job.cell.task in done.stdout for record in records)

    tried()


def test_hostile_descriptions_end_in_order(r: Path, framebench: Framebench) -> None:
    whole = json.loads((r / "run.json").read_text(encoding="utf-8"))
    del whole["snapshot"]["frameworks"][1:], whole["certificates"][1:]

    @settings(fuzzed, max_examples=TRIED)
    @given(content=damaged_json(whole), form=st.sampled_from(FORMS))
    def tried(content: bytes, form: str) -> None:
        (r / "run.json").write_bytes(content)
        done = framebench("report", "r", "--format", form, expect=None)
        assert done.returncode in (0, 2)
        if done.returncode:
            assert done.stderr.count("\n") == 1 and "run.json" in done.stderr
        else:
            assert "mnist-mlp" in done.stdout

    tried()
