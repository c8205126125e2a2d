"""`--env current`: this interpreter in place of separate environments."""

from __future__ import annotations

import importlib.util
import json
import os
import shutil
import subprocess
import sys
import sysconfig
from collections.abc import Callable
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path

import pytest

from bench.core.errors import UnavailableError, UsageError
from bench.core.listener import SILENT
from bench.launch import catalogue, current_python
from bench.launch.virtual_environments import Environment
from bench.run.plan import cells_of
from bench.run.request import Request
from tests.conftest import Framebench

SMALL = (
    *("run", "--env", "current", "-t", "mnist-softmax", "--name", "r", "--epochs", "1", "-n", "1"),
    *("--train-examples", "1920", "--test-examples", "100", "--warmup", "0.1"),
)


def test_modules_of_an_adapter_are_looked_for_without_importing_them() -> None:
    framework = replace(
        catalogue.load("reference"), modules=("this", "no_such_module", "nor_this_one")
    )
    assert current_python.missing(framework) == ["no_such_module", "nor_this_one"]
    assert "this" not in sys.modules  # importing it prints a poem
    with pytest.raises(UnavailableError, match="this Python has no no_such_module, nor_this_one"):
        current_python.use(framework, "cpu", SILENT)


def test_a_worker_looks_for_packages_where_this_python_does(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(sys, "path", ["", str(catalogue.TREE), "/opt/modules", *sys.path])
    environment = current_python.use(catalogue.load("reference"), "cpu", SILENT)
    assert environment.path[0] == "/opt/modules"
    assert str(catalogue.TREE) not in environment.path and "" not in environment.path
    assert environment.packages["numpy"] == version("numpy")


def test_a_package_of_this_python_is_identified_by_the_list_of_its_files(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    about = tmp_path / "toy-1.0.dist-info"
    about.mkdir()
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: toy\nVersion: 1.0\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    framework = catalogue.load("reference")
    found = []
    for lines in ("toy.py,sha256=a,1\n", "toy.py,sha256=b,1\n"):
        (about / "RECORD").write_text(lines)
        environment = current_python.use(framework, "cpu", SILENT)
        assert environment.packages["toy"] == "1.0"
        found.append(environment.records["toy"])
    assert found[0] != found[1]


def test_frameworks_that_cannot_be_imported_are_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    importable = {"pytorch", "jax_flax"}
    monkeypatch.setattr(
        current_python, "missing", lambda framework: [] if framework.name in importable else ["x"]
    )
    assert {cell.framework for cell in cells_of(Request(env="current"))} == importable
    named = cells_of(Request(env="current", frameworks=["mxnet_gluon"]))
    assert {cell.framework for cell in named} == {"mxnet_gluon"}  # its row will give the reason
    importable.clear()
    with pytest.raises(
        UsageError, match=r"cannot import any of .*jax, keras, mxnet, .*paddle, .*torch"
    ):
        cells_of(Request(env="current"))


@pytest.mark.frameworks
def test_a_package_from_pythonpath_is_the_one_that_is_measured(
    tmp_path: Path,
) -> None:
    """Of two copies a worker imports the one that this Python would, whose version is noted."""
    spec = importlib.util.find_spec("autograd")
    assert spec and spec.origin
    shutil.copytree(Path(spec.origin).parent, tmp_path / "first" / "autograd")
    about = tmp_path / "first" / "autograd-99.0.dist-info"
    about.mkdir()
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: autograd\nVersion: 99.0\n")
    (tmp_path / "first" / "broken-1.dist-info").mkdir()
    path = os.pathsep.join((str(tmp_path / "first"), str(catalogue.TREE)))
    done = subprocess.run(
        [sys.executable, "-m", "bench", *SMALL, "-f", "reference"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": path},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    folder = tmp_path / "results" / "r"
    info = json.loads((folder / "run.json").read_text(encoding="utf-8"))
    record = json.loads((folder / "records.jsonl").read_text(encoding="utf-8"))
    assert info["environments"]["reference cpu"]["autograd"] == "99.0"
    assert record["versions"]["autograd"] == "99.0"
    assert "broken" not in info["environments"]["reference cpu"]


@pytest.mark.frameworks
def test_the_reference_runs_in_this_python(framebench: Framebench, tmp_path: Path) -> None:
    framebench(*SMALL, "-f", "reference")
    folder = tmp_path / "results" / "r"
    info = json.loads((folder / "run.json").read_text(encoding="utf-8"))
    (record,) = map(json.loads, (folder / "records.jsonl").read_text().splitlines())
    assert record["status"] == "ok"
    assert record["versions"]["autograd"] == version("autograd")
    assert info["environments"]["reference cpu"]["pytest"] == version("pytest")
    assert info["request"]["env"] == "current" and info["installed_bytes"] == {}


@pytest.mark.frameworks
def test_a_framework_that_a_python_can_import_is_proved_and_measured_in_it(
    environment: Callable[[str], Environment], tmp_path: Path
) -> None:
    """With the Python of PyTorch's environment, which finds framebench by PYTHONPATH."""
    python = environment("pytorch").python
    path = os.pathsep.join((str(catalogue.TREE), sysconfig.get_path("purelib")))
    done = subprocess.run(
        [str(python), "-m", "bench", *SMALL],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": path},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    records = (tmp_path / "results" / "r" / "records.jsonl").read_text().splitlines()
    frameworks = {json.loads(line)["job"]["cell"]["framework"] for line in records}
    assert frameworks == {"pytorch"}
    info = json.loads((tmp_path / "results" / "r" / "run.json").read_text(encoding="utf-8"))
    assert [certificate["status"] for certificate in info["certificates"]] == ["ok", "ok"]
