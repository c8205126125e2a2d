"""What a run says of its frameworks, and the form in which a criterion judges them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from bench.advice import block_samples
from bench.advice.block_samples import Floats, Setting
from bench.advice.criteria import Criterion
from bench.analysis import cell_summary
from bench.analysis.cell_summary import CellSummary
from bench.analysis.intervals import Interval
from bench.launch import catalogue
from bench.records.run_folder import Run, part


@dataclass(frozen=True, kw_only=True)
class Figures:
    """One criterion's figures by framework, in its unit, and their scores; what is missing is None.

    `draws` are scores as chance leaves them open, (draws, frameworks), in the order of `values`;
    None where there is no chance in them. `repeated` is False where chance is not known. `words`
    are what a fact says, `unchecked` the frameworks whose fact was not read at its source.
    """

    criterion: Criterion
    values: Mapping[str, float | None]
    scores: Mapping[str, float | None]
    intervals: Mapping[str, Interval] = field(default_factory=dict)
    draws: Floats | None = None
    repeated: bool = True
    words: Mapping[str, str] = field(default_factory=dict)
    unchecked: frozenset[str] = frozenset()
    notes: tuple[str, ...] = ()

    @property
    def known(self) -> bool:
        """Whether it is known of any framework."""
        return any(score is not None for score in self.scores.values())


@dataclass(frozen=True, kw_only=True)
class Evidence:
    """All that the criteria look at. `frameworks` are those of the run, in alphabetical order."""

    run: Run
    summaries: Sequence[CellSummary]
    settings: Sequence[Setting]
    frameworks: tuple[str, ...]
    left_out: tuple[str, ...] = ()

    @staticmethod
    def of(run: Run, task: str | None = None) -> Evidence:
        """A run, or its records of one task."""
        chosen = part(run, tasks=[task] if task else [])
        summaries = cell_summary.summarize(chosen.records)
        settings, left_out = block_samples.settings(chosen, summaries)
        known = {one.cell.framework for one in summaries}
        references = {
            name for name in known & set(catalogue.names()) if catalogue.load(name).reference
        }
        return Evidence(
            run=chosen,
            summaries=summaries,
            settings=settings,
            frameworks=tuple(sorted(known - references)),
            left_out=tuple(left_out),
        )

    @property
    def measured(self) -> tuple[str, ...]:
        """The frameworks that came through."""
        there = {name for setting in self.settings for name in setting.summaries}
        return tuple(name for name in self.frameworks if name in there)

    @property
    def task_names(self) -> tuple[str, ...]:
        return tuple(sorted({one.cell.task for one in self.summaries}))


def smallest(criterion: Criterion, values: Mapping[str, float | None]) -> Figures:
    """Figures without chance of which the smallest is best."""
    known = [value for value in values.values() if value]
    best = min(known, default=0.0)
    scores = {name: best / value if value else None for name, value in values.items()}
    return Figures(criterion=criterion, values=values, scores=scores)
