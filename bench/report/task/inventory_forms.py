"""What `framebench list` prints: the inventory as tables, and as JSON."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from bench.health.installation import READY
from bench.report.common import programs, terminal
from bench.report.task.availability import (
    MISSING,
    FrameworkAvailability,
    Inventory,
    PluginAvailability,
    TaskAvailability,
)


def to_json(inventory: Inventory) -> str:
    """The inventory as JSON."""
    return programs.to_json(asdict(inventory))


def to_terminal(inventory: Inventory, *, width: int) -> Group:
    """The inventory as tables, for rich to print `width` columns wide; 80 are enough."""
    data = [(dataset.name, dataset.state) for dataset in inventory.data]
    devices = [
        (name, Text(state, "yellow" if state.startswith(MISSING) else "green"))
        for name, state in inventory.devices.items()
    ]
    headings = ("name", "state")
    return Group(
        *_frameworks(inventory.frameworks, width),
        *_tasks(inventory.tasks),
        *_titled("Data", terminal.grid(headings, data, words=2, folding=("state",))),
        *_plugins(inventory.plugins),
        *_titled("Devices", terminal.grid(headings, devices, words=2, folding=("state",))),
    )


def _titled(title: str, table: Table) -> tuple[RenderableType, ...]:
    return Text(title, "bold"), table, Text()


def _frameworks(
    frameworks: Sequence[FrameworkAvailability], width: int
) -> Iterator[RenderableType]:
    """The frameworks as a table, with the reasons for unusable environments below it."""
    headings = ("name", "versions", "modes (* recommended)", "devices", "environment")
    states = [framework.environment.partition(": ")[::2] for framework in frameworks]

    def rows(between: str) -> list[tuple[str, ...]]:
        return [
            (
                framework.name,
                between.join(f"{name} {value}" for name, value in framework.versions.items()),
                ", ".join(mode + "*" * (mode == framework.recommended) for mode in framework.modes),
                ", ".join(framework.devices),
                state,
            )
            for framework, (state, _) in zip(frameworks, states, strict=True)
        ]

    fits = terminal.fits([headings, *rows(", ")], width)
    styled: list[tuple[str | Text, ...]] = [
        (*row, Text(state, "green" if state == READY else "yellow"))
        for *row, state in rows(", " if fits else "\n")
    ]
    grid = terminal.grid(headings, styled, words=len(headings), folding=headings[2:3])
    yield from _titled("Frameworks", grid)
    reasons = [
        f"{framework.name}: {reason}"
        for framework, (_, reason) in zip(frameworks, states, strict=True)
        if reason
    ]
    if reasons:
        yield Text("\n".join([*reasons, ""]), "yellow")


def _plugins(plugins: Sequence[PluginAvailability]) -> Iterator[RenderableType]:
    """The plug-ins as a table, with the reasons for unusable parts below it; nothing if none is."""
    if not plugins:
        return
    rows = [(plugin.name, ", ".join(plugin.adds) or "nothing") for plugin in plugins]
    yield from _titled(
        "Plug-ins", terminal.grid(("name", "adds"), rows, words=2, folding=("adds",))
    )
    reasons = [f"{plugin.name}: {reason}" for plugin in plugins for reason in plugin.broken]
    if reasons:
        yield Text("\n".join([*reasons, ""]), "yellow")


def _tasks(tasks: Sequence[TaskAvailability]) -> Iterator[RenderableType]:
    rows = []
    for task in tasks:
        name = task.name + "*" * task.headline + "+" * task.heavy
        without = f" (not in {', '.join(task.missing_in)})" if task.missing_in else ""
        figures = (f"{task.parameters:,}", str(task.batch))
        rows.append((name, task.title + without, task.dataset, *figures))
    headings = ("name", "title", "data", "parameters", "batch")
    grid = terminal.grid(headings, rows, words=3, folding=("title",))
    yield from _titled("Tasks (* headline, + heavy: only on a GPU, or by name)", grid)
