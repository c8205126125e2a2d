"""What a framework's folder says of devices, packages and precisions."""

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
# Where the build for GPUs has a name of its own.
GPU_BUILDS = {
    "mxnet": "mxnet-cu112",
    "paddlepaddle": "paddlepaddle-gpu",
    "tensorflow-cpu": "tensorflow",
}


def requirements(name: str, device: str) -> list[Requirement]:
    lines = catalogue.load(name).requirements(device).read_text(encoding="utf-8").splitlines()
    return [Requirement(line) for line in lines if line and not line.startswith("#")]


@pytest.mark.parametrize("name", ON_GPU)
def test_a_gpu_has_the_same_versions_as_the_cpu(name: str) -> None:
    cpu, gpu = (
        {
            (GPU_BUILDS.get(one.name, one.name), str(one.marker)): str(one.specifier)
            for one in requirements(name, device)
        }
        for device in ("cpu", "cuda")
    )
    assert gpu == cpu
    assert all(specifier.startswith("==") for specifier in gpu.values())


def test_every_framework_is_offered_on_a_gpu() -> None:
    assert catalogue.compared() == ON_GPU
    builds = {one.name: one.extras for name in ON_GPU for one in requirements(name, "cuda")}
    assert builds["tensorflow"] == {"and-cuda"} and builds["jax"] == {"cuda13"}
    assert {"mxnet-cu112", "paddlepaddle-gpu", "torch"} <= set(builds)


def test_precisions_are_known_and_said_by_what_means() -> None:
    for name in catalogue.compared():
        framework = catalogue.load(name)
        assert set(framework.precisions) == set(EPSILONS) - {"float32", "float64"}
        for support in framework.precisions.values():
            assert support.about and set(support.devices) <= set(framework.devices)
        assert not framework.computes("tf32", "cpu")
        assert all(framework.computes(precision, "cuda") for precision in EPSILONS)


def test_a_precision_has_variables_of_its_own() -> None:
    framework = catalogue.load("paddlepaddle")

    def override(precision: Precision) -> str:
        found = framework.variables(Setting(precision=precision), scratch=Path("s"), vendor="")
        return found["NVIDIA_TF32_OVERRIDE"]

    assert {precision: override(precision) for precision in EPSILONS} == {
        **dict.fromkeys(EPSILONS, "0"),
        "tf32": "1",
    }


def test_what_cannot_be_computed_is_said_before_anything_is_made() -> None:
    found = cells_of(Request(tasks=["mnist-mlp"], precisions=["tf32", "fp16"]))
    reasons = {(cell.framework, cell.precision): refusal(cell) for cell in found}
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
