"""How much hostile input a test makes up: FRAMEBENCH_FUZZ examples of it, or 100."""

from __future__ import annotations

import os
from datetime import timedelta

from hypothesis import HealthCheck, settings

EXAMPLES = int(os.environ.get("FRAMEBENCH_FUZZ", "100"))

fuzzed = settings(
    max_examples=EXAMPLES,
    derandomize=True,  # the same input in each run of the same source
    database=None,
    deadline=timedelta(seconds=20),
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
