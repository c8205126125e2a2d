"""Checks of what is installed: Python, the frameworks' environments, and the data sets."""

from __future__ import annotations

from collections.abc import Mapping

from bench import datasets
from bench.core.errors import FramebenchError
from bench.health.check import Examined, HealthCheck, Verdict
from bench.launch import catalogue, virtual_environments
from bench.launch.framework import Framework
from bench.launch.virtual_environments import Environment
from bench.system.plain_text import plain
from bench.system.python_version import python_version

READY = "ready"


def environment_state(framework: Framework) -> tuple[Environment | None, str]:
    """The framework's own environment if it exists, and its state: READY, or what is missing."""
    environment, fault = virtual_environments.look(framework, "cpu")
    if environment:
        return environment, READY
    remedy = f"`framebench setup {framework.name}` or the first run makes it"
    if reason := framework.needs_other_python():
        return None, f"unavailable: {reason}"
    if fault:
        return None, f"broken: {fault}; {remedy.replace('first', 'next')} anew"
    if reason := virtual_environments.why_not(framework, "cpu"):
        return None, f"could not be made: {plain(reason)}"
    return None, f"not made yet: {remedy}"


def _frameworks() -> list[Framework]:
    return [catalogue.load(name) for name in catalogue.usual()]


def _python(machine: Examined) -> dict[str, str]:
    """The version of this Python, and each framework that needs another."""
    reasons = {framework.title: framework.needs_other_python() for framework in _frameworks()}
    needs = {title: reason for title, reason in reasons.items() if reason}
    return {"version": python_version(), **needs}


def _show_python(found: Mapping[str, str]) -> str:
    needs = [f"{title} {reason}" for title, reason in found.items() if title != "version"]
    return "; ".join([found["version"], *needs])


def _environments(machine: Examined) -> dict[str, str]:
    """The state of each framework's environment, in a word or two."""
    return {
        framework.name: environment_state(framework)[1].partition(":")[0]
        for framework in _frameworks()
    }


def _data(machine: Examined) -> dict[str, str]:
    return {name: _data_state(name) for name in datasets.names()}


def _data_state(name: str) -> str:
    """Whether the real data of a set are prepared, found or missing, or only a twin is there."""
    try:
        status = datasets.status(name)
    except FramebenchError:
        return "damaged"
    if status.startswith("to be downloaded"):
        return "synthetic" if "synthetic" in status else "missing"
    return "real" if status == "prepared" else "real, not prepared yet"


def _summary(states: Mapping[str, str]) -> str:
    """Names by state, where they differ: "ready: a, b; not made yet: c"."""
    by_state: dict[str, list[str]] = {}
    for name, state in states.items():
        by_state.setdefault(state, []).append(name)
    if len(by_state) == 1:
        return f"all {len(states)} {next(iter(by_state))}"
    return "; ".join(f"{state}: {', '.join(names)}" for state, names in by_state.items())


def _judge_environments(states: Mapping[str, str]) -> Verdict:
    """The first run makes what is broken or missing; what could not be made stays away."""
    if not {READY, "not made yet", "broken"} & set(states.values()):
        return "bad"
    return "good" if set(states.values()) == {READY} else "mind"


def _judge_data(states: Mapping[str, str]) -> Verdict:
    if "damaged" in states.values():
        return "bad"
    return "mind" if {"missing", "synthetic"} & set(states.values()) else "good"


PYTHON = HealthCheck(
    name="Python",
    find=_python,
    judge=lambda found: "mind" if len(found) > 1 else "good",
    show=_show_python,
    remedy="install framebench with a Python that all frameworks have: "
    "`python3 -m venv .venv && .venv/bin/pip install .`",
)
ENVIRONMENTS = HealthCheck(
    name="environments",
    find=_environments,
    judge=_judge_environments,
    show=_summary,
    remedy="`framebench setup` makes them, or says why it cannot",
)
DATA = HealthCheck(
    name="data",
    find=_data,
    judge=_judge_data,
    show=_summary,
    remedy="`framebench setup` fetches them; FRAMEBENCH_DATA may name a folder that has them",
)
CHECKS = (PYTHON, ENVIRONMENTS, DATA)
