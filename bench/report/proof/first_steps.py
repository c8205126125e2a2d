"""Charts of the first training steps of the proof, with the curves of all frameworks."""

from __future__ import annotations

from collections.abc import Sequence

from bench.core.record import Cell
from bench.proof.certificate import Certificate
from bench.records.snapshot import Snapshot
from bench.report.common.plotting import Chart, Marks, Spec, layout, shown, trace


def first_steps(certificates: Sequence[Certificate], snapshot: Snapshot) -> list[Chart]:
    """The loss at each of the first steps of the proof: a chart for each task."""
    drawn = [certificate for certificate in certificates if certificate.losses]
    order = list(dict.fromkeys(map(_framework_and_mode, drawn)))
    marks = Marks(compared=snapshot.compared)
    charts = []
    for task in dict.fromkeys(certificate.claim.task for certificate in drawn):
        of_task = [certificate for certificate in drawn if certificate.claim.task == task]
        of_task.sort(key=lambda certificate: order.index(_framework_and_mode(certificate)))
        traces = []
        for certificate in of_task:
            claim = certificate.claim
            cell = Cell(
                framework=claim.framework, task=task, mode=claim.mode, setting=claim.setting
            )
            place = order.index((cell.framework, cell.mode))
            steps = list(range(1, len(certificate.losses) + 1))
            curve: Spec = {"x": steps, "y": list(certificate.losses), "mode": "lines"}
            curve |= {"line": marks.line(cell, place, len(order))}
            label = shown(f"{snapshot.framework_title(cell.framework)} {cell.mode}")
            traces.append(trace(cell, label, **curve))
        axes = layout("step", "training loss", legend=True)
        charts.append(
            Chart(
                title=task,
                about="Curves that coincide are drawn from wide to narrow, so all can be seen.",
                spec={"data": traces, "layout": axes},
            )
        )
    return charts


def _framework_and_mode(certificate: Certificate) -> tuple[str, str]:
    return certificate.claim.framework, certificate.claim.mode
