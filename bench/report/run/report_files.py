"""What a run's folder holds for people: its tables and its page, beside its records."""

from __future__ import annotations

from pathlib import Path

from bench.records.run_folder import Run, read
from bench.report.run.run_forms import to_csv, to_markdown
from bench.report.run.run_page import run_page

PAGE = "report.html"


def write_reports(folder: Path, *, page: bool = True) -> Run:
    """Write a run's tables and page beside its records; the run as read from the disk.

    Without `page`, one of an earlier time goes.
    """
    run = read(folder)
    (folder / "summary.csv").write_text(to_csv(run), encoding="utf-8")
    (folder / "summary.md").write_text(to_markdown(run), encoding="utf-8")
    if page:
        (folder / PAGE).write_text(run_page(run), encoding="utf-8")
    else:
        (folder / PAGE).unlink(missing_ok=True)
    return run
