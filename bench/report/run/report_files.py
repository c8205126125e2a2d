"""The reports in a run's folder: its tables and its page, beside its records."""

from __future__ import annotations

from pathlib import Path

from bench.analysis.results import Results
from bench.records.run_folder import read
from bench.report.run.run_forms import to_csv, to_markdown
from bench.report.run.run_page import run_page
from bench.system import files

PAGE = "report.html"


def write_reports(folder: Path, *, page: bool = True) -> Results:
    """Write a run's tables and page beside its records, and return its results.

    If `page` is False, a page from an earlier call is removed.
    """
    results = Results.of(read(folder))
    files.write(folder / "summary.csv", to_csv(results))
    files.write(folder / "summary.md", to_markdown(results))
    if page:
        files.write(folder / PAGE, run_page(results))
    else:
        (folder / PAGE).unlink(missing_ok=True)
    return results
