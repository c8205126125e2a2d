"""The first steps of training in the proof: curves of all frameworks over each other."""

from __future__ import annotations

from collections.abc import Sequence

from bench.core.record import Cell
from bench.proof.certificate import Certificate
from bench.records.snapshot import Snapshot
from bench.report.common.plotting import Chart, Marks, Spec, layout, trace


def first_steps(certificates: Sequence[Certificate], snapshot: Snapshot) -> list[Chart]:
    """The loss of each of the first steps of the proof, a chart for each task."""
    drawn = [certificate for certificate in certificates if certificate.losses]
    order = list(dict.fromkeys((one.claim.framework, one.claim.mode) for one in drawn))
    marks = Marks(compared=snapshot.compared)
    made = []
    for task in dict.fromkeys(one.claim.task for one in drawn):
        of_task = [one for one in drawn if one.claim.task == task]
        of_task.sort(key=lambda one: order.index((one.claim.framework, one.claim.mode)))
        traces = []
        for certificate in of_task:
            claim = certificate.claim
            cell = Cell(
                framework=claim.framework, task=task, mode=claim.mode, setting=claim.setting
            )
            place = order.index((cell.framework, cell.mode))
            steps = list(range(1, len(certificate.losses) + 1))
            shown: Spec = {"x": steps, "y": list(certificate.losses), "mode": "lines"}
            shown |= {"line": marks.line(cell, place, len(order))}
            label = f"{snapshot.framework_title(cell.framework)} {cell.mode}"
            traces.append(trace(cell, label, **shown))
        axes = layout("step", "training loss", legend=True)
        made.append(
            Chart(
                title=task,
                about="Curves that coincide are drawn from wide to narrow, so that each is seen.",
                spec={"data": traces, "layout": axes},
            )
        )
    return made
