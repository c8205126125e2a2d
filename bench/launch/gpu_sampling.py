"""Samples of the GPU while a job runs on it."""

from __future__ import annotations

from bench.core.listener import Listener, Relay
from bench.launch import gpu_state
from bench.system import children


class SamplingListener(Relay):
    """Samples the GPU whenever a worker reports progress, which it does between windows."""

    def __init__(self, listener: Listener, watch: gpu_state.Watch) -> None:
        super().__init__(listener)
        self._watch = watch

    def progress(self, subject: str, done: int, total: int) -> None:
        self._watch.sample(children.live())
        super().progress(subject, done, total)
