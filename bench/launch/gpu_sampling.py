"""Samples of the GPU while a job runs on it."""

from __future__ import annotations

from bench.core.listener import Listener
from bench.launch import gpu_state
from bench.system import children


class SamplingListener(Listener):
    """Samples the GPU whenever a worker reports progress, which it does between windows."""

    def __init__(self, listener: Listener, watch: gpu_state.Watch) -> None:
        self._listener = listener
        self._watch = watch

    def phase(self, subject: str, name: str) -> None:
        self._listener.phase(subject, name)

    def progress(self, subject: str, done: int, total: int) -> None:
        self._watch.sample(children.live())
        self._listener.progress(subject, done, total)

    def finished(self, subject: str, outcome: str) -> None:
        self._listener.finished(subject, outcome)
