"""The cells that a request names."""

from __future__ import annotations

import pytest

from bench import tasks
from bench.core.presets import PRESETS
from bench.run.plan import cells_of
from bench.run.request import Request

HEAVY = {name for name in tasks.names() if tasks.load(name).heavy}


def named(request: Request) -> set[tuple[str, str]]:
    return {(cell.task, cell.device) for cell in cells_of(request)}


def test_no_headline_task_is_heavy() -> None:
    assert "cifar-resnet20" in HEAVY
    assert not any(tasks.load(name).headline for name in HEAVY)


@pytest.mark.parametrize("preset", PRESETS)
def test_no_preset_trains_a_heavy_task_on_the_cpu(preset: str) -> None:
    assert not HEAVY & {task for task, _ in named(Request(preset=preset))}


def test_every_task_is_trained_on_a_gpu() -> None:
    request = Request(preset="standard", devices=["cuda"])
    assert named(request) == {(name, "cuda") for name in tasks.names()}


def test_with_all_tasks_heavy_ones_are_trained_only_on_the_gpu() -> None:
    cells = named(Request(preset="full", devices=["cpu", "cuda"]))
    assert {task for task, device in cells if device == "cuda"} == set(tasks.names())
    assert {task for task, device in cells if device == "cpu"} == set(tasks.names()) - HEAVY


def test_a_heavy_task_that_is_named_is_trained_on_the_cpu_too() -> None:
    assert named(Request(tasks=["cifar-resnet20"])) == {("cifar-resnet20", "cpu")}
