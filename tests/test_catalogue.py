"""The devices, packages and precisions that a framework's folder declares."""

from __future__ import annotations

from pathlib import Path

import pytest
from packaging.requirements import Requirement

from bench.core.record import Cell
from bench.core.setting import EPSILONS, Precision, Setting
from bench.launch import catalogue
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
