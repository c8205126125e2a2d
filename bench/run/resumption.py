"""Going on with a run where it stopped, or beyond its end, with nothing measured twice.

A run goes on only where it began: with the same source, packages, data and machine. All options are
its own. Jobs that crashed, timed out or failed are measured again, since the next time they may end
otherwise; every other record is final, whatever its status. The newest record of a job counts.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any

import msgspec

from bench.analysis.comparison.run_differences import machine_changes
from bench.analysis.roofline import Rates
from bench.core.errors import UsageError
from bench.core.record import Record
from bench.records import newest_run, run_folder
from bench.records.record_lines import PASSING
from bench.records.run_folder import Run
from bench.run import given_weights, run_info
from bench.run.origin_changes import listed, origin_changes
from bench.run.plan import Plan, cells_of, plan_in
from bench.run.preparation import Preparation
from bench.run.request import Request, check, in_words
from bench.run.run_info import now


@dataclass(frozen=True, kw_only=True)
class EarlierRun:
    """What is there of a run that goes on, and the plan for all of it.

    `settled` are the records whose jobs are not run again; `lines` counts those of the file, and
    `seconds` the time that it took so far.
    """

    plan: Plan
    info: Mapping[str, Any]
    settled: tuple[Record, ...]
    lines: int
    seconds: float

    @property
    def on_cluster(self) -> bool:
        """Whether nodes of a cluster measure, and not this machine."""
        return self.plan.request.engine == "ray"

    @property
    def rates(self) -> list[Rates]:
        """The machine's rates, as they were measured before the run."""
        return [Rates.from_fields(rates) for rates in self.info.get("rates", [])]

    def info_from_now(self) -> dict[str, Any]:
        """The content of `run.json` of the run as it goes on: it is unfinished again."""
        past = {"started": now(), "records": self.lines, "seconds": round(self.seconds, 1)}
        info = {
            **self.info,
            "repeats": self.plan.stopping.repeats,
            # The machine may have another name than before, such as in another container.
            "nodes": {
                **self.info.get("nodes", {}),
                **({} if self.on_cluster else run_info.nodes()),
            },
            "resumed": [*self.info.get("resumed", []), past],
        }
        return {key: info[key] for key in info if key not in ("wall_seconds", "stopped")}

    def check_prepared(self, preparation: Preparation) -> None:
        """Raises UsageError if packages or data have changed since the run began."""
        _check_unchanged(self.plan, self.info, run_info.prepared(preparation))


def find(run: Path | None, results: Path, *, finished: bool) -> Path:
    """The folder of a run, by its path or its name; the newest one, finished or not, for None.

    Raises UsageError if there is none.
    """
    if run is not None:
        return run_folder.find(run, results).folder
    newest = newest_run.newest(results, finished=finished).run
    if newest.finished != finished:
        raise UsageError(f"no finished run in {results}: {newest.folder} is not; use --resume")
    return newest.folder


def earlier(
    folder: Path, given: Mapping[str, Any], *, add_blocks: int, weights: Path | None = None
) -> EarlierRun:
    """What is there of the run in `folder`, which no other process may write to meanwhile.

    `given` are fields of a request that must not contradict the run's own, and neither must the
    weights in a user's file. Raises UsageError if the run cannot go on, or needs not.
    """
    run = run_folder.read(folder)
    request = _request(run)
    named = [cell.task for cell in cells_of(request)]
    if weights is not None and (kept := given_weights.keep(weights, named)) != request.weights:
        given = {**given, "weights": kept}
    _check_given(request, given, run)
    given_weights.check_kept(request.weights, named)
    plan = plan_in(folder, request)
    unknown = {record.job.cell for record in run.records} - set(plan.cells)
    if unknown:
        raise UsageError(f"{folder} cannot go on: it has cells that are none of its request's")
    settled = tuple(
        record
        for record in run.records
        # Those of a finished run are its result, which more blocks do not change.
        if add_blocks or record.status not in PASSING
    )
    wanted = run.info.get("blocks_wanted", 0)
    if add_blocks:
        if request.shard:
            raise UsageError(f"{folder} is a shard: add blocks to the run that it is merged into")
        if not run.finished:
            raise UsageError(
                f"{folder} is not finished: go on with it by --resume before you add blocks"
            )
        blocks = [1 + record.job.block for record in run.records]
        wanted = max([run.info.get("repeats", 0), *blocks]) + add_blocks
    elif run.finished and len(settled) == len(run.records):
        how = "make it longer with --resume --add-blocks N"
        if request.shard:
            how = "framebench merge makes one run of it and the other shards"
        raise UsageError(f"{folder} is finished; {how}")
    if wanted:
        # Exactly so many, however disturbed they are: that is what was asked for.
        stopping = replace(plan.stopping, repeats=wanted, spare=0, until=None)
        plan = replace(plan, stopping=stopping)
    present = run_info.origin(plan)
    if request.engine == "ray":
        del present["machine"]  # which only gives blocks to nodes
    _check_unchanged(plan, run.info, present)
    if run.lines.unended and not run.lines.torn:
        run_folder.end_last_line(folder)
    return EarlierRun(
        plan=plan,
        info={**run.info, "blocks_wanted": wanted} if wanted else run.info,
        settled=settled,
        lines=run.lines.total - run.lines.torn,
        seconds=_seconds(run),
    )


def _request(run: Run) -> Request:
    """The run's own request."""
    try:
        request = msgspec.convert(run.info.get("request", {}), Request)
    except ValueError as error:
        raise UsageError(f"{run.folder}: its request cannot be read: {error}") from None
    check(request)
    return replace(request, name=run.info["name"])


def _check_given(request: Request, given: Mapping[str, Any], run: Run) -> None:
    """Raises UsageError for the first given value that is not the run's own."""
    for field in fields(Request):
        if field.name not in given or field.name in ("results", "command"):
            continue
        new, own = in_words(given[field.name]), in_words(getattr(request, field.name))
        if new != own:
            raise UsageError(
                f"{run.folder} was begun with {own} for {field.name.replace('_', ' ')}, not {new}; "
                "a run goes on with its own options, so leave out others"
            )


def _seconds(run: Run) -> float:
    """The time that a run took so far: exact where it ended, else up to its last whole record."""
    if run.finished:
        return float(run.info["wall_seconds"])
    resumed = run.info.get("resumed", [])
    since, before = (resumed[-1]["records"], resumed[-1]["seconds"]) if resumed else (0, 0.0)
    lines = (*run.lines.counting, *run.lines.replaced)
    return float(before + sum(found.record.wall_seconds for found in lines if found.line > since))


def _check_unchanged(plan: Plan, info: Mapping[str, Any], present: Mapping[str, Any]) -> None:
    """Raises UsageError, which names each change, if `run.json` says otherwise than the present.

    `present` is what `run_info` tells now, or a part of it.
    """
    changes = []
    if "machine" in present:
        changes += machine_changes(info["machine"], present["machine"])
    changes += origin_changes(info, present)
    if changes:
        raise UsageError(
            f"{plan.folder} cannot go on, as its figures would not be comparable with new ones; "
            f"begin another run:{listed(changes)}"
        )
