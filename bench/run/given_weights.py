"""Weights that a user gives for those that tasks do not train: checked, and kept in the cache.

There is a file for each task, by the digest of the user's, with the task's own names. So a run that
goes on needs the user's file no longer, nodes of a cluster get what they load, and no record tells
a path.
"""

from __future__ import annotations

import hashlib
import io
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import BinaryIO

import numpy as np

from bench import tasks
from bench.core.arrays import Array
from bench.core.errors import UsageError
from bench.core.parameters import Parameter
from bench.core.task import Task
from bench.core.weights import GivenWeights
from bench.launch.paths import cache_dir, not_writable
from bench.run import weight_file
from bench.system import files
from bench.system.word_lists import few

# Bytes that are hashed at a time.
_PIECE = 1 << 20
# Lacking parameters beyond these are counted, not named.
_NAMED = 3


def keep(file: Path, task_names: Iterable[str]) -> GivenWeights:
    """Check a user's file against tasks, and keep what they take of it in the cache.

    Raises UsageError for a task that trains all its weights, a file that cannot be read, and one
    that lacks a weight or has it in another shape.
    """
    takers = [tasks.load(name) for name in dict.fromkeys(task_names)]
    _check_takers(file, takers)
    try:
        with files.open_regular(file) as stream:
            given = GivenWeights(name=file.name, sha256=_sha256(stream))
            for task in takers:
                if not kept_file(given, task.name).exists():
                    _write(kept_file(given, task.name), _content(_of(task, stream, file)))
    except OSError as error:
        raise UsageError(f"--weights {file} cannot be read: {error.strerror or error}") from None
    return given


def kept_file(given: GivenWeights, task_name: str) -> Path:
    """Where the cache has what a task takes of a user's file."""
    return cache_dir() / "weights" / given.sha256 / f"{task_name}.npz"


def check_kept(given: GivenWeights | None, task_names: Iterable[str]) -> None:
    """Raises UsageError if the cache lacks what tasks take of a user's file."""
    if given and not all(kept_file(given, name).exists() for name in task_names):
        raise UsageError(
            f"the weights {given} are no longer in the cache folder {cache_dir()}; "
            f"give them again: --weights {given.name}"
        )


def contents(given: GivenWeights | None, task_names: Iterable[str]) -> dict[str, bytes]:
    """What the cache has of a user's file, by task, for another machine; nothing without one."""
    if given is None:
        return {}
    return {name: files.read(kept_file(given, name)) for name in dict.fromkeys(task_names)}


def receive(given: GivenWeights | None, by_task: Mapping[str, bytes]) -> None:
    """Keep what another machine's cache has. Raises UsageError if the cache cannot be written."""
    for name, content in by_task.items():
        if given and not kept_file(given, name).exists():
            _write(kept_file(given, name), content)


def _check_takers(file: Path, takers: Iterable[Task]) -> None:
    """Raises UsageError if one of the tasks trains all its weights."""
    if others := [task.name for task in takers if not task.frozen]:
        taking = [name for name in tasks.names() if tasks.load(name).frozen]
        raise UsageError(
            f"--weights {file}: weights are given only for those that a task does not train, but "
            f"all those of {', '.join(others)} are trained; name only tasks that have others: "
            f"{', '.join(f'-t {name}' for name in taking)}"
        )


def _sha256(stream: BinaryIO) -> str:
    sha = hashlib.sha256()
    while piece := stream.read(_PIECE):
        sha.update(piece)
    return sha.hexdigest()


def _of(task: Task, stream: BinaryIO, file: Path) -> dict[str, Array]:
    """What a task takes of a file, by its own names; the file may have other names, and others."""
    names = {parameter: _names(task, parameter) for parameter in task.frozen}
    found = weight_file.read(stream, file, [name for both in names.values() for name in both])
    taken, lacking = {}, []
    for parameter, both in names.items():
        there = next((name for name in both if name in found), None)
        if there is None:
            lacking.append(" or ".join(both))
        elif found[there].shape != parameter.shape:
            raise UsageError(
                f"--weights {file}: {there} is {found[there].shape}, where {task.name} has "
                f"{parameter.shape} ({parameter.axes}); is it the weights of another network?"
            )
        else:
            taken[parameter.name] = found[there]
    if lacking:
        raise UsageError(
            f"--weights {file}: it lacks {few(lacking, _NAMED)}; {task.name} needs "
            f"each of {len(names)} weights by one of its names"
        )
    return taken


def _names(task: Task, parameter: Parameter) -> list[str]:
    """A parameter's names: the task's own first, and that in published files, if it has one."""
    return list(dict.fromkeys((parameter.name, task.published.get(parameter.name, parameter.name))))


def _content(arrays: Mapping[str, Array]) -> bytes:
    buffer = io.BytesIO()
    np.savez(buffer, **arrays)  # type: ignore[arg-type]
    return buffer.getvalue()


def _write(file: Path, content: bytes) -> None:
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        files.write(file, content)
    except OSError as error:
        raise UsageError(not_writable(error)) from None
