"""What a worker is told to prove."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from bench.core.setting import Setting


@dataclass(frozen=True, kw_only=True)
class ProofJob:
    """Traces to make in one process.

    `data` holds the prepared folder of each task; its trace is written to `out`/TASK.npz.
    `rounding` asks for what only coarser precisions than float64 are held to, and `drawn` for what
    the framework draws itself, see `bench.worker.trace.trace`. `compiles` says whether the
    mode is one that compiles.
    """

    framework: str
    mode: str
    setting: Setting
    seed: int
    data: dict[str, str]
    out: str
    rounding: bool
    drawn: bool
    compiles: bool

    def to_json(self) -> str:
        return json.dumps({"kind": "prove", **asdict(self)})

    @staticmethod
    def from_fields(fields: Mapping[str, Any]) -> ProofJob:
        return ProofJob(**{**fields, "setting": Setting(**fields["setting"])})

    def __str__(self) -> str:
        return f"{self.framework} {self.mode} {self.setting}"
