"""One self-contained HTML page: a run's tables, and the certificate with its loss curves."""

from __future__ import annotations

from collections.abc import Sequence

import plotly.graph_objects as go
from jinja2 import Environment, PackageLoader, StrictUndefined
from plotly.offline import get_plotlyjs
from plotly.subplots import make_subplots

from bench import catalogue
from bench.certificate import Certificate
from bench.report.certificate import data_line, grid, verdict
from bench.report.tables import HEADINGS
from bench.report.write import footer, tables
from bench.store import Run
from bench.verify import CHECKS, TOLERANCES

# Okabe and Ito's palette, which colour-blind readers can tell apart.
COLOURS = ("#0072B2", "#E69F00", "#009E73", "#CC79A7", "#56B4E9", "#D55E00", "#F0E442")
DASHES = {"eager": "solid", "compiled": "dash", "xla": "dot"}
WIDEST, NARROWEST = 11.0, 1.5


def _figure(certificates: Sequence[Certificate]) -> go.Figure:
    """A panel for each task. Curves that coincide are seen by their widths: the first is widest."""
    names = list(dict.fromkeys(one.claim.task for one in certificates))
    columns = min(2, len(names))
    rows = -(-len(names) // columns)
    figure = make_subplots(rows=rows, cols=columns, subplot_titles=names)
    whom = list(dict.fromkeys((one.claim.framework, one.claim.mode) for one in certificates))
    frameworks = list(dict.fromkeys(framework for framework, _ in whom))
    # Widest first within each panel, whatever order they come in.
    for one in sorted(
        certificates, key=lambda one: whom.index((one.claim.framework, one.claim.mode))
    ):
        claim = one.claim
        place = names.index(claim.task)
        order = whom.index((claim.framework, claim.mode))
        width = WIDEST - (WIDEST - NARROWEST) * order / max(1, len(whom) - 1)
        label = f"{catalogue.load(claim.framework).title} {claim.mode}"
        figure.add_trace(
            go.Scatter(
                x=list(range(1, len(one.losses) + 1)),
                y=one.losses,
                name=label,
                legendgroup=label,
                showlegend=place == 0,
                mode="lines",
                line={
                    "color": COLOURS[frameworks.index(claim.framework) % len(COLOURS)],
                    "dash": DASHES.get(claim.mode, "solid"),
                    "width": width,
                },
            ),
            row=place // columns + 1,
            col=place % columns + 1,
        )
    figure.update_xaxes(title_text="step")
    figure.update_yaxes(title_text="training loss")
    figure.update_layout(
        template="plotly_white",
        height=300 * rows + 120,
        margin={"l": 55, "r": 15, "t": 40, "b": 40},
        legend={"orientation": "h", "y": -0.15},
        paper_bgcolor="rgba(0,0,0,0)",
    )
    return figure


def to_html(certificates: Sequence[Certificate], run: Run | None = None) -> str:
    """The tables of a run, if there is one; the verdict, the curves, every deviation."""
    environment = Environment(
        loader=PackageLoader("bench.report"), autoescape=True, undefined=StrictUndefined
    )
    precisions = list(dict.fromkeys(one.claim.precision for one in certificates))
    # Drawn in the precision that is timed; the others coincide all the more.
    timed = precisions[-1] if precisions else ""
    by_precision = {
        precision: [one for one in certificates if one.claim.precision == precision]
        for precision in precisions
    }
    drawn = [one for one in certificates if one.claim.precision == timed and one.losses]
    return environment.get_template("page.html.j2").render(
        title=run.info["name"] if run else "Certificate of identity",
        tables=tables(run) if run else [],
        footer=footer(run) if run else [],
        headings=HEADINGS,
        verdict=verdict(certificates) if certificates else "",
        data=data_line(certificates),
        good=all(one.status == "ok" for one in certificates),
        plotly=get_plotlyjs(),
        figure=_figure(drawn).to_json() if drawn else "",
        precision=timed,
        grids={precision: grid(chosen) for precision, chosen in by_precision.items()},
        tolerances=TOLERANCES,
        checks=CHECKS,
        bad=[one for one in certificates if one.status != "ok"],
    )
