"""The reference's traces, with which every framework's are compared; kept in the user's cache."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from bench.core.arrays import Array
from bench.core.listener import Listener
from bench.core.setting import Setting
from bench.launch import catalogue
from bench.launch.virtual_environments import Provider
from bench.proof import cache
from bench.proof.certificate import Claim
from bench.proof.tracing import trace

REFERENCE = "reference"


class ReferenceTraces:
    """Traces of tasks on prepared data, which is given by task.

    The environment is requested from `provide` only when a trace is missing.
    """

    def __init__(self, data: Mapping[str, Path], *, provide: Provider, seed: int) -> None:
        self._data = data
        self._provide = provide
        self._seed = seed
        self._framework = catalogue.load(REFERENCE)
        self.digest = catalogue.source_digest(self._framework)

    def ensure(self, tasks: Sequence[str], listener: Listener) -> dict[str, str]:
        """Trace the tasks that have no trace yet. Returns, by task, why one cannot be traced.

        Raises UnavailableError if the reference has no environment.
        """
        missing = [task for task in tasks if not cache.in_use(self._file(task))]
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
                formula=True,
                listener=listener,
            )
            failures: dict[str, str] = {}
            for task in missing:
                status, reason = tracing.outcomes[task]
                if status == "ok":
                    cache.write(self._file(task), tracing.file(task).read_bytes())
                else:
                    failures[task] = f"the reference cannot trace {task}: {reason}"
        listener.finished(str(claim), "; ".join(failures.values()) or "ready")
        return failures

    def read(self, task: str) -> dict[str, Array]:
        """A task's trace, once it is ensured."""
        return dict(np.load(self._file(task)))

    def _file(self, task: str) -> Path:
        key = cache.digest(self.digest, self._data[task].name, self._seed)
        return cache.trace_file(f"{task}-{key}")
