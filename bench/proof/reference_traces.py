"""The reference's traces, with which every framework's are compared; kept in the user's cache."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np

from bench.core.arrays import Array
from bench.core.errors import DataError
from bench.core.listener import Listener
from bench.core.setting import Setting
from bench.launch import catalogue
from bench.launch.paths import not_writable
from bench.launch.virtual_environments import Provider
from bench.proof import cache
from bench.proof.certificate import USUAL_SEED, Claim
from bench.proof.tracing import trace
from bench.system import files

REFERENCE = "reference"


class ReferenceTraces:
    """Traces of tasks on prepared data, which is given by task.

    The environment is requested from `provide` only when a trace is missing. Traces of the usual
    seed are kept; those of a seed that was drawn would never be read again, and are large.
    """

    def __init__(self, data: Mapping[str, Path], *, provide: Provider, seed: int) -> None:
        self._data = data
        self._provide = provide
        self._seed = seed
        self._framework = catalogue.load(REFERENCE)
        self.digest = catalogue.source_digest(self._framework)
        # Traces that the cache does not keep, and what removes them, each in a folder of its own.
        self._spared: dict[str, Path] = {}
        self._removals: list[Callable[[], object]] = []

    def ensure(self, tasks: Sequence[str], listener: Listener) -> dict[str, str]:
        """Trace the tasks that have no intact trace. Returns, by task, why one cannot be traced.

        Raises UnavailableError if the reference has no environment.
        """
        missing = [task for task in tasks if not self._is_traced(task, listener)]
        if not missing:
            return {}
        environment = self._provide(self._framework, "cpu", listener)
        listener.finished(REFERENCE, "ready")
        claim = Claim(
            framework=REFERENCE,
            task="",
            mode=self._framework.recommended,
            # One thread: its arrays are small, and the other cores are in use.
            setting=Setting(precision="float64", threads=1),
        )
        with tempfile.TemporaryDirectory(prefix="framebench-") as folder:
            tracing = trace(
                claim,
                {task: self._data[task] for task in missing},
                environment,
                folder=Path(folder),
                seed=self._seed,
                rounding=True,
                drawn=False,
                listener=listener,
            )
            failures: dict[str, str] = {}
            for task in missing:
                status, reason = tracing.outcomes[task]
                if status == "ok":
                    self._keep(task, tracing.file(task), listener)
                else:
                    failures[task] = f"the reference cannot trace {task}: {reason}"
        listener.finished(str(claim), "; ".join(failures.values()) or "ready")
        return failures

    def _is_traced(self, task: str, listener: Listener) -> bool:
        """Whether a task's trace can be used; if it is there and cannot, a line says so."""
        file = self._file(task)
        if stream := cache.opened(file):
            stream.close()
            cache.mark_used(file)
            return True
        if os.path.lexists(file):
            listener.finished(
                f"{REFERENCE}'s trace of {task}", f"{file} is damaged or unreadable; traced anew"
            )
        return False

    def _keep(self, task: str, trace_file: Path, listener: Listener) -> None:
        content = files.read(trace_file)
        if self._seed != USUAL_SEED:
            self._spare(task, content)
            return
        try:
            cache.write(self._file(task), content)
        except OSError as error:
            listener.finished(
                f"{REFERENCE}'s trace of {task}", f"used, but not kept: {not_writable(error)}"
            )
            self._spare(task, content)

    def _spare(self, task: str, content: bytes) -> None:
        """Write a trace to a folder that goes with this object, or before."""
        spare, remove = files.scratch_folder(self)
        self._removals.append(remove)
        cache.write(spare / self._file(task).name, content)
        self._spared[task] = spare / self._file(task).name

    def release(self) -> None:
        """Delete the traces that the cache does not keep; they take hundreds of megabytes."""
        self._spared.clear()
        while self._removals:
            self._removals.pop()()

    def read(self, task: str) -> dict[str, Array]:
        """A task's trace, once it is ensured. Raises DataError if it has been damaged since."""
        stream = cache.opened(self._file(task))
        if stream is None:
            raise DataError(f"{self._file(task)} has been damaged during this run; start it again")
        with stream:
            return dict(np.load(stream, allow_pickle=False))

    def _file(self, task: str) -> Path:
        if task in self._spared:
            return self._spared[task]
        key = cache.digest(self.digest, self._data[task].name, self._seed)
        return cache.trace_file(f"{task}-{key}")
