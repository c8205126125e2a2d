"""The proof to the eye: loss curves of all frameworks drawn over each other, in one HTML page."""

from __future__ import annotations

from collections.abc import Sequence

import plotly.graph_objects as go
from jinja2 import Environment, PackageLoader, StrictUndefined
from plotly.offline import get_plotlyjs
from plotly.subplots import make_subplots

from bench import catalogue
from bench.certificate import Certificate
from bench.report.certificate import grid, verdict
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
    for one in certificates:
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
        legend={"orientation": "h", "y": -0.08},
        paper_bgcolor="rgba(0,0,0,0)",
    )
    return figure


def to_html(certificates: Sequence[Certificate]) -> str:
    """A self-contained page: the verdict, the curves, every deviation, and what is compared."""
    environment = Environment(
        loader=PackageLoader("bench.report"), autoescape=True, undefined=StrictUndefined
    )
    precisions = list(dict.fromkeys(one.claim.precision for one in certificates))
    by_precision = {
        precision: [one for one in certificates if one.claim.precision == precision]
        for precision in precisions
    }
    # Drawn in the precision that is timed; the others coincide all the more.
    drawn = [one for one in by_precision[precisions[-1]] if one.losses]
    return environment.get_template("certificate.html.j2").render(
        verdict=verdict(certificates),
        good=all(one.status == "ok" for one in certificates),
        plotly=get_plotlyjs(),
        figure=_figure(drawn).to_json() if drawn else "",
        precision=precisions[-1],
        tables={precision: grid(chosen) for precision, chosen in by_precision.items()},
        tolerances=TOLERANCES,
        checks=CHECKS,
        bad=[one for one in certificates if one.status != "ok"],
    )
