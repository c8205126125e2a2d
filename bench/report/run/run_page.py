"""Self-contained HTML pages: a run's report, and the certificate of identity by itself."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from markupsafe import Markup
from plotly.offline import get_plotlyjs

from bench import tasks
from bench.analysis.results import summarize
from bench.core.record import Cell
from bench.core.setting import Precision
from bench.launch import catalogue
from bench.proof.certificate import Certificate
from bench.proof.checks import CHECKS
from bench.proof.tolerances import EARLY_STEPS, TOLERANCES, special
from bench.records.run_folder import Run
from bench.report.common.plotting import Spec
from bench.report.common.templating import environment
from bench.report.common.text import framework_text
from bench.report.proof.proof_forms import data_line, grid, verdict
from bench.report.run import verdicts
from bench.report.run.curves import first_steps
from bench.report.run.ledger import entries
from bench.report.run.run_forms import absent, footer, identity, machine_text
from bench.report.run.sections import RECORD_HEADINGS, sections
from bench.report.run.tables import ABOUT
from bench.report.task.listing_forms import style, to_fragment
from bench.report.task.task_listing import listing


def _script(value: Any) -> str:
    """JSON that cannot end the script element that it is in."""
    return json.dumps(value, separators=(",", ":")).replace("</", "<\\/")


def _render(template: str, **context: Any) -> str:
    templates = environment()
    templates.filters["script"] = _script
    # Charts leave their figures in `specs` as the body is rendered.
    specs: list[Spec] = []
    found = templates.get_template(template)
    return found.render(plotly=get_plotlyjs(), specs=specs, **context)


def _exceptions(certificates: Sequence[Certificate], precision: Precision) -> list[str]:
    """What single tasks are allowed besides, in words."""
    known = [one.claim.task for one in certificates if one.claim.task in tasks.names()]
    return [
        f"{name}: {', '.join(f'{check} {value}' for check, value in found.items())}"
        for name in dict.fromkeys(known)
        if (found := special(tasks.load(name), precision))
    ]


def _certificate(certificates: Sequence[Certificate]) -> dict[str, Any]:
    """What the certificate's part of a page shows."""
    precisions = list(dict.fromkeys(one.claim.precision for one in certificates))
    # Drawn in the precision that is timed; the others coincide all the more.
    timed = precisions[-1] if precisions else ""
    return {
        "verdict": verdict(certificates) if certificates else "",
        "data": data_line(certificates),
        "good": all(one.status == "ok" for one in certificates),
        "bad": [one for one in certificates if one.status != "ok"],
        "precision": timed,
        "charts": first_steps([one for one in certificates if one.claim.precision == timed]),
        "grids": {
            precision: grid([one for one in certificates if one.claim.precision == precision])
            for precision in precisions
        },
        "tolerances": TOLERANCES,
        "exceptions": {one: _exceptions(certificates, one) for one in precisions},
        "early_steps": EARLY_STEPS,
        "checks": CHECKS,
    }


def certificate_page(certificates: Sequence[Certificate]) -> str:
    """The certificate by itself: the verdict, the first steps' curves, every deviation."""
    return _render(
        "verify.html.j2", title="Certificate of identity", proof=_certificate(certificates)
    )


def _models(cells: Sequence[Cell]) -> dict[str, Markup]:
    """Each task's definition and its models, as they are today, in the frameworks of the run."""
    made = {}
    for task in dict.fromkeys(cell.task for cell in cells):
        frameworks = dict.fromkeys(cell.framework for cell in cells if cell.task == task)
        if task in tasks.names():
            network = tasks.load(task).network
            known = [one for one in frameworks if one in catalogue.names()]
            having = [one for one in known if catalogue.load(one).supports(network)]
            made[task] = to_fragment(listing(task, having))
    return made


def run_page(run: Run) -> str:
    """A run's report: the verdict in words, each table with its charts, the proof, the ledger."""
    summaries = summarize(run.records)
    certificates = [Certificate.from_fields(one) for one in run.info.get("certificates", [])]
    cells = [one.cell for one in summaries]
    precisions = list(dict.fromkeys(cell.precision for cell in cells))
    digests = {
        record.dataset["name"]: record.dataset["digest"] for record in run.records if record.dataset
    }
    return _render(
        "run.html.j2",
        title=run.info["name"],
        machine=machine_text(run),
        started=run.info.get("started", "")[:16].replace("T", " "),
        overall=verdicts.overall(verdicts.by_conditions(summaries)),
        sections=sections(run, summaries),
        columns=ABOUT,
        record_headings=RECORD_HEADINGS,
        names=[f"{framework_text(cell.framework)} {cell.mode}" for cell in cells],
        filters={
            "task": list(dict.fromkeys(cell.task for cell in cells)),
            "device": list(dict.fromkeys(cell.device for cell in cells)),
            "mode": list(dict.fromkeys(cell.mode for cell in cells)),
            "framework": list(dict.fromkeys(cell.framework for cell in cells)),
            # Few runs have several.
            **({"precision": precisions} if len(precisions) > 1 else {}),
        },
        titles={cell.framework: framework_text(cell.framework) for cell in cells},
        models=_models(cells),
        style=style(),
        failed=[one for one in summaries if one.status != "ok"],
        proof=_certificate(certificates),
        ledger=entries(run),
        unequal=run.snapshot.unequal,
        identity=identity(run),
        absent=absent(run),
        footer=footer(run),
        environments=run.info.get("environments", {}),
        digests=digests,
        sources=run.info.get("source_digests", {}),
    )
