"""A run's report as one self-contained HTML page."""

from __future__ import annotations

from collections.abc import Sequence

from markupsafe import Markup

from bench.analysis.results import Results
from bench.core.record import Cell
from bench.report.common.pages import render
from bench.report.common.plotting import Marks
from bench.report.common.task_fragment import TaskFragment, style, to_html
from bench.report.proof.late_forms import LatePart
from bench.report.proof.proof_page import CertificatePart
from bench.report.run import first_screen, verdicts
from bench.report.run.footer import absent, footer, identity, machine_text
from bench.report.run.ledger import entries
from bench.report.run.pair_tables import pair_tables
from bench.report.run.sections import RECORD_HEADINGS, sections


def run_page(results: Results, *, advice: str = "", index: str = "") -> str:
    """The page: the answer, each table with its charts, the proof, the ledger.

    `advice` is the address of the page with advice on the run, and `index` that of the page with
    all runs beside it, if there are such pages.
    """
    info, snapshot = results.run.info, results.snapshot
    cells = [summary.cell for summary in results.summaries]
    title = snapshot.framework_title
    parts = sections(results)
    return render(
        "run.html.j2",
        title=info["name"],
        machine=machine_text(results),
        started=info.get("started", "")[:16].replace("T", " "),
        trust=first_screen.trust(results),
        advice=first_screen.advice(results),
        advice_page=advice,
        index=index,
        overall=verdicts.overall(results.tables, title),
        heat_maps=list(first_screen.heat_maps(results, [section.anchor for section in parts])),
        pair_tables=list(pair_tables(results)),
        sections=parts,
        record_headings=RECORD_HEADINGS,
        names=[f"{title(cell.framework)} {cell.mode}" for cell in cells],
        filters=_filters(cells),
        legend={
            title(name): Marks(compared=snapshot.compared).colour(name)
            for name in results.frameworks
        },
        titles={cell.framework: title(cell.framework) for cell in cells},
        models=_models(results),
        style=style(),
        failed=[summary for summary in results.summaries if not summary.ok],
        proof=CertificatePart.of(results.certificates, snapshot),
        late=LatePart.of(results),
        ledger=entries(results),
        unequal=snapshot.unequal,
        caveats=results.caveats,
        identity=identity(results),
        absent=absent(results),
        footer=footer(results),
        environments=info.get("environments", {}),
        digests=_digests(results),
        sources=info.get("source_digests", {}),
    )


def _filters(cells: Sequence[Cell]) -> dict[str, list[str]]:
    """The choices of each filter, by its name; precisions only if there are several."""
    values = {
        name: list(dict.fromkeys(str(getattr(cell, name)) for cell in cells))
        for name in ("task", "device", "mode", "framework", "precision")
    }
    if len(values["precision"]) < 2:
        del values["precision"]
    return values


def _models(results: Results) -> dict[str, Markup]:
    """Each task's definition and its models in the run's frameworks, as they were at the time."""
    frameworks: dict[str, dict[str, None]] = {}
    for summary in results.summaries:
        frameworks.setdefault(summary.cell.task, {})[summary.cell.framework] = None
    fragments = {
        task: TaskFragment.of(results.snapshot, task, list(names))
        for task, names in frameworks.items()
    }
    return {task: to_html(fragment) for task, fragment in fragments.items() if fragment}


def _digests(results: Results) -> dict[str, dict[str, str]]:
    """The digests of the parts of each data set, by its name."""
    datasets = [process.record.dataset for process in results.processes]
    return {dataset["name"]: dataset.get("digest", {}) for dataset in datasets if dataset}
