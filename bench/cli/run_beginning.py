"""How `framebench run` begins, or goes on with, a run; and what it says if it is interrupted."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from bench.cli.options import Origins
from bench.cli.output import say
from bench.cli.run_options import ONE_CALL, RunOptions
from bench.core.errors import FramebenchError, UsageError

if TYPE_CHECKING:
    from bench.run.plan import Plan
    from bench.run.resumption import EarlierRun

# The options that a run does not go on by: where it is, and what is printed.
_OTHERS = {*ONE_CALL, "results"}


@contextmanager
def begun(options: RunOptions, origins: Origins) -> Iterator[tuple[Plan, EarlierRun | None]]:
    """The plan of the run, and what is there of it if it goes on; its folder is ours meanwhile.

    A run that goes on does so by its own options, whatever the file of settings says. Raises
    UsageError.
    """
    from bench.records.run_claim import claimed, locked
    from bench.run import resumption
    from bench.run.plan import make_plan

    if options.add_blocks is not None and options.add_blocks < 1:
        raise UsageError(f"--add-blocks must be 1 or more, not {options.add_blocks}")
    if options.resume or options.add_blocks:
        folder = resumption.find(options.run, options.results, finished=bool(options.add_blocks))
        asked = options.to_request(origins.settings)
        fields = [options.request_field(name) for name in origins.given if name not in _OTHERS]
        same = {name: getattr(asked, name) for name in fields}
        with locked(folder):
            earlier = resumption.earlier(
                folder,
                same,
                add_blocks=options.add_blocks or 0,
                weights=options.weights if "weights" in origins.given else None,
            )
            yield earlier.plan, earlier
        return
    if options.run:
        raise UsageError(
            f"{options.run}: a run is named only with --resume or --add-blocks; tasks are named "
            "with -t, frameworks with -f"
        )
    plan = make_plan(options.to_request(origins.settings), weights=options.weights)
    with claimed(plan.folder, numbered=plan.request.name is None) as folder:
        yield replace(plan, name=folder.name, folder=folder), None


@contextmanager
def told_how_to_go_on(folder: Path) -> Iterator[None]:
    """If a run is interrupted, say what is kept and how to go on, and write its tables."""
    from bench.records import run_folder
    from bench.report.run.report_files import write_reports

    try:
        yield
    except UsageError:  # it has not gone on
        raise
    except BaseException as error:
        with suppress(FramebenchError, OSError):
            run = run_folder.read(folder)
            count = len(run.records)
            kept = f"{count} result{'s' * (count != 1)} {'are' if count != 1 else 'is'} kept in"
            where = shlex.quote(str(folder))
            if run.finished:
                say(f"{kept} {folder}; print them with: framebench report {where}")
            else:
                how = f"framebench run --resume {where}"
                say(f"not finished; {kept} {folder}; go on with: {how}")
            if run.records and not isinstance(error, OSError):  # such as on a full disk
                write_reports(folder)
        raise
