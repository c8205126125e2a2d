"""The run that a command reads: a named one, or else the newest."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from bench.cli.output import say

if TYPE_CHECKING:
    from bench.records.run_folder import Run


def chosen_run(run: Path | None, results: Path) -> Run:
    """A run by its folder, or by its name under `results`; the newest finished one there for None.

    Says on standard error which newer ones are passed over. Raises UsageError if there is none.
    """
    from bench.records import newest_run, run_folder

    if run is not None:
        return run_folder.find(run, results)
    newest = newest_run.newest(results)
    for line in newest.passed_over:
        say(line)
    return newest.run
