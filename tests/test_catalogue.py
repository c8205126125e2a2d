"""The devices, packages and precisions that a framework's folder declares."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from bench.core.record import Cell
from bench.core.setting import EPSILONS, Precision, Setting
from bench.launch import catalogue, worker_process
from bench.run.plan import cells_of, refusal
from bench.run.request import Request

ON_GPU = [name for name in catalogue.compared() if "cuda" in catalogue.load(name).devices]
# Packages whose build for GPUs has another name.
GPU_BUILDS = {
    "mxnet": "mxnet-cu112",
    "paddlepaddle": "paddlepaddle-gpu",
    "tensorflow-cpu": "tensorflow",
}


def requirements(name: str, device: str) -> list[Requirement]:
    lines = catalogue.load(name).requirements(device).read_text(encoding="utf-8").splitlines()
    return [Requirement(line) for line in lines if line and not line.startswith("#")]


@pytest.mark.parametrize("name", ON_GPU)
def test_versions_are_the_same_on_the_gpu_and_the_cpu(name: str) -> None:
    cpu, gpu = (
        {
            (GPU_BUILDS.get(requirement.name, requirement.name), str(requirement.marker)): str(
                requirement.specifier
            )
            for requirement in requirements(name, device)
        }
        for device in ("cpu", "cuda")
    )
    assert gpu == cpu
    assert all(specifier.startswith("==") for specifier in gpu.values())


def test_frameworks_are_offered_on_a_gpu_by_their_own_builds() -> None:
    builds = {
        requirement.name: requirement.extras
        for name in ON_GPU
        for requirement in requirements(name, "cuda")
    }
    assert builds["tensorflow"] == {"and-cuda"} and builds["jax"] == {"cuda13"}
    assert {"mxnet-cu112", "paddlepaddle-gpu", "torch"} <= set(builds)


def test_every_precision_says_how_it_is_computed() -> None:
    for name in catalogue.compared():
        framework = catalogue.load(name)
        for support in framework.precisions.values():
            assert support.about and set(support.devices) <= set(framework.devices)
        assert not framework.computes("tf32", "cpu")
        if "cuda" in framework.devices:
            assert all(framework.computes(precision, "cuda") for precision in EPSILONS)


def test_a_precision_can_set_environment_variables() -> None:
    framework = catalogue.load("paddlepaddle")

    def override(precision: Precision) -> str:
        variables = framework.variables(Setting(precision=precision), scratch=Path("s"), vendor="")
        return variables["NVIDIA_TF32_OVERRIDE"]

    assert {precision: override(precision) for precision in EPSILONS} == {
        **dict.fromkeys(EPSILONS, "0"),
        "tf32": "1",
    }


@pytest.mark.parametrize("name", catalogue.names())
def test_a_worker_is_told_of_no_folder_that_outlives_it(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Compiled programs that one process keeps would make the first step of the next look cheap."""
    kept = ("HOME", "TMPDIR", "XDG_CACHE_HOME", "XDG_CONFIG_HOME", "KERAS_HOME", "MXNET_HOME")
    caches = ("TORCHINDUCTOR_CACHE_DIR", "TRITON_CACHE_DIR", "CUDA_CACHE_PATH", "MPLCONFIGDIR")
    for variable in (*kept, *caches, "JAX_COMPILATION_CACHE_DIR"):
        monkeypatch.setenv(variable, "/home/someone")
    framework = catalogue.load(name)
    variables = worker_process.variables(framework, Setting(), scratch=tmp_path)
    assert variables["HOME"] == variables["TMPDIR"] == str(tmp_path)
    assert "/home/someone" not in variables.values()


def test_an_unsupported_precision_is_refused_before_anything_is_built() -> None:
    cells = cells_of(Request(tasks=["mnist-mlp"], precisions=["tf32", "fp16"]))
    reasons = {(cell.framework, cell.precision): refusal(cell) for cell in cells}
    assert reasons["mxnet_gluon", "fp16"] == "MXNet Gluon has no fp16 on cpu"
    assert reasons["pytorch", "tf32"] == "PyTorch has no tf32 on cpu"
    assert reasons["pytorch", "fp16"] is None
    half = Cell(
        framework="reference",
        task="mnist-mlp",
        mode="eager",
        setting=Setting(precision="bf16"),
    )
    assert refusal(half) == "Reference (numpy) has no bf16 on cpu"


# What a certificate and a record are keyed by: everything that a worker could read.


@pytest.fixture
def own_folder(tmp_path: Path) -> Path:
    """A copy of a framework's folder."""
    folder = tmp_path / "frameworks" / "reference"
    shutil.copytree(
        catalogue.load("reference").folder, folder, ignore=shutil.ignore_patterns("__pycache__")
    )
    return folder


def digest_of(folder: Path) -> str:
    return catalogue.source_digest(replace(catalogue.load("reference"), folder=folder))


@pytest.mark.parametrize(
    "file",
    [
        "adapter.py",
        "models/mlp.py",
        "framework.toml",
        "requirements-cpu.txt",
        "kernels/table.bin",
        "constants.json",
        "no_suffix",
    ],
)
def test_every_kind_of_file_in_a_frameworks_folder_is_in_its_digest(
    file: str, own_folder: Path
) -> None:
    before = digest_of(own_folder)
    assert before == catalogue.source_digest(catalogue.load("reference"))  # wherever it lies
    (own_folder / file).parent.mkdir(exist_ok=True)
    with (own_folder / file).open("ab") as changed:
        changed.write(b"\0")
    after = digest_of(own_folder)
    assert after != before
    (own_folder / file).rename(own_folder / f"{file}_")
    assert digest_of(own_folder) not in (before, after)  # nor is a file of another name the same


def test_what_no_worker_reads_is_not_in_a_digest(own_folder: Path) -> None:
    before = digest_of(own_folder)
    compiled = own_folder / "models" / "__pycache__"
    compiled.mkdir()
    (compiled / "mlp.cpython-311.pyc").write_bytes(b"\0")
    (own_folder / catalogue.FACTS).write_text("looked_up = 2026-01-01\n", encoding="utf-8")
    assert digest_of(own_folder) == before


def test_files_cannot_exchange_their_ends(own_folder: Path) -> None:
    """Two files whose texts, one after the other, are the same as before are still others."""
    first, second = own_folder / "a.txt", own_folder / "b.txt"
    first.write_text("one\ntwo\n", encoding="utf-8")
    second.write_text("three\n", encoding="utf-8")
    before = digest_of(own_folder)
    first.write_text("one\n", encoding="utf-8")
    second.write_text("two\nthree\n", encoding="utf-8")
    assert digest_of(own_folder) != before
