"""The reports in a run's folder: its tables and its page, beside its records."""

from __future__ import annotations

from pathlib import Path

from bench.advice import personas
from bench.advice.evidence import Evidence
from bench.analysis.results import Results
from bench.core.errors import UsageError
from bench.records.run_folder import read
from bench.report.advice.advice_page import advice_page
from bench.report.advice.advice_report import build_report
from bench.report.run.run_forms import to_csv, to_markdown
from bench.report.run.run_page import run_page
from bench.system import files

PAGE = "report.html"
ADVICE = "advice.html"
# The page with all runs of a folder, which `framebench publish --index` writes.
INDEX_PAGE = "index.html"


def _advice(results: Results) -> str:
    """The page with advice for everybody; empty if the run has nothing to choose from."""
    if len(Evidence.of(results).completed) < 2:
        return ""
    try:
        return advice_page(build_report(results, [*personas.PERSONAS.values()]), page=PAGE)
    except UsageError:
        return ""


def write_reports(folder: Path, *, page: bool = True) -> Results:
    """Write a run's tables and page beside its records, and return its results.

    The page links to another with advice on the run, and, if it is published, to the index of the
    runs beside it. If `page` is False, pages from an earlier call are removed.
    """
    results = Results.of(read(folder))
    files.write(folder / "summary.csv", to_csv(results))
    files.write(folder / "summary.md", to_markdown(results))
    if page:
        advice = _advice(results)
        index = f"../{INDEX_PAGE}" if "about" in results.run.info else ""
        files.write(folder / PAGE, run_page(results, advice=ADVICE if advice else "", index=index))
        if advice:
            files.write(folder / ADVICE, advice)
    else:
        for name in (PAGE, ADVICE):
            (folder / name).unlink(missing_ok=True)
    return results
