"""The published runs of a folder, as an index lists them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from bench.analysis.results import Results
from bench.core.errors import UsageError
from bench.records.run_folder import INFO, read, read_info
from bench.report.gallery.publication import FILES, check
from bench.system.moments import moment


@dataclass(frozen=True, kw_only=True)
class PublishedRun:
    """A published run, as an index lists it.

    `not_ok` counts processes without a result. `contended_share` is the share of windows that other
    processes disturbed, or None if it is unknown. `proved` is the number of certificates that are
    ok and the number of all, or None if the run has none. `files` are those of `FILES` that exist.
    """

    results: Results
    name: str
    about: str
    date: str
    tasks: tuple[str, ...]
    frameworks: tuple[str, ...]
    repeats: int
    not_ok: int
    contended_share: float | None
    proved: tuple[int, int] | None
    command: str
    files: tuple[str, ...]

    @staticmethod
    def of(results: Results) -> PublishedRun:
        """From the results of a run that has been published."""
        run, jobs = results.run, [process.record.job for process in results.processes]
        statuses = [certificate.status for certificate in results.certificates]
        return PublishedRun(
            results=results,
            name=run.folder.name,
            about=run.info["about"],
            date=run.info.get("started", "").partition("T")[0],
            tasks=tuple(sorted({job.cell.task for job in jobs})),
            frameworks=tuple(sorted(results.frameworks)),
            repeats=len({job.block for job in jobs}),
            not_ok=sum(process.record.status != "ok" for process in results.processes),
            contended_share=results.cleanness.contended_share,
            proved=(statuses.count("ok"), len(statuses)) if statuses else None,
            command=run.info.get("command", ""),
            files=tuple(file for file in FILES if (run.folder / file).exists()),
        )


def published_runs(
    folder: Path, say: Callable[[str], object] = lambda line: None
) -> list[PublishedRun]:
    """The published runs of a folder, newest first; runs without an `about` are not published.

    `say` is told of each run that is left out because it cannot be read or is not fit to be
    published.
    """
    published = []
    for file in sorted(folder.glob(f"*/{INFO}")):
        if file.parent.name.startswith("."):
            continue  # what an interrupted publication left
        try:
            if "about" in read_info(file.parent):
                run = read(file.parent)
                check(run)
                published.append(PublishedRun.of(Results.of(run)))
        except (UsageError, OSError) as error:
            say(f"{file.parent} is left out: {error}")
    return sorted(published, key=_started, reverse=True)


def _started(published: PublishedRun) -> float:
    return moment(published.results.run.info.get("started", ""))
