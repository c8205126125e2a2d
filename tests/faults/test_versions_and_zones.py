"""Pythons that call themselves 3.11.2+, and runs from other time zones."""

from __future__ import annotations

import json
import platform
import shutil
import sys
from pathlib import Path

import pytest

from bench.launch import catalogue
from bench.report.gallery.published_runs import published_runs
from bench.system.moments import moment
from bench.system.python_version import python_version
from tests.conftest import Framebench

QUICK = catalogue.TREE / "results" / "quick-epyc-2cpu"


@pytest.mark.parametrize("name", ["3.11.2+", "3.14.0rc1", "3.11.2+chromium.1 custom"])
def test_a_python_may_call_itself_anything(
    framebench: Framebench, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, name: str
) -> None:
    monkeypatch.setattr(platform, "python_version", lambda: name)
    monkeypatch.setenv("FRAMEBENCH_CACHE", str(tmp_path / "cache"))
    assert "mnist-mlp" in framebench("list").stdout
    assert python_version() == "{}.{}.{}".format(*sys.version_info)


def test_moments_of_all_zones_are_comparable() -> None:
    # In the order in which they were, across the hour that is twice on a clock's change.
    moments = (
        "2026-10-24T23:00:00+09:00",
        "2026-10-24T15:00:00+00:00",
        "2026-10-25T02:30:00+02:00",
        "2026-10-25T02:10:00+01:00",
        "2026-10-25T01:20:00Z",
        "2026-10-25T01:30:00",
        "2026-10-24T23:00:00-05:00",
    )
    assert sorted(moments, key=moment) == [*moments] != sorted(moments)
    for text in ("", "yesterday", None, 5, "9999-99-99", "0001-01-01T00:00:00+14:00"):
        assert moment(text) <= 0


def test_published_runs_of_several_zones_are_in_order(tmp_path: Path) -> None:
    zones = {"first": "2026-10-25T09:00:00+09:00", "last": "2026-10-25T02:00:00+01:00"}
    for name, started in zones.items():
        shutil.copytree(QUICK, tmp_path / name)
        info = json.loads((QUICK / "run.json").read_text())
        (tmp_path / name / "run.json").write_text(json.dumps({**info, "started": started}))
    assert [run.name for run in published_runs(tmp_path)] == ["last", "first"]
