"""Advice: figures and scores worked out by hand, ties, and what would change the order."""

from __future__ import annotations

import json
import math
import re
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import date
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from rich.console import Console

from bench.advice import block_draws, claim_tests, fact_figures, facts, measured_figures, personas
from bench.advice.assessment import assess
from bench.advice.block_draws import Floats
from bench.advice.claim_tests import ClaimResult
from bench.advice.claims import CLAIMS, check_claims
from bench.advice.criteria import CRITERIA
from bench.advice.criterion_figures import CriterionFigures, ratio_to_smallest
from bench.advice.evidence import Evidence
from bench.advice.ranking import Ranking, rank_frameworks
from bench.analysis.intervals import ratio
from bench.analysis.results import Results
from bench.core.errors import UsageError
from bench.core.record import Cell, Record
from bench.launch import catalogue
from bench.records import run_folder
from bench.records.code_lines import code_lines
from bench.records.run_folder import Run
from bench.records.snapshot import Caveat
from bench.report.advice import advice_forms, sentences, weight_changes
from bench.report.advice.advice_json import to_json
from bench.report.advice.advice_report import AdviceReport, PersonaAdvice, build_report
from bench.report.common import markdown
from tests import test_final_metrics
from tests.test_stats import with_pace

PUBLISHED = catalogue.TREE / "results" / "quick-epyc-2cpu"
GPU = PUBLISHED.parent / "standard-h100"
FRAMEWORKS = ("a", "b", "c")


def results_of(records: list[Record], **info: Any) -> Results:
    return Results.of(Run(folder=Path("made"), info=info, records=records))


def assessed_of(records: list[Record], **info: Any) -> dict[str, CriterionFigures]:
    return assess(Evidence.of(results_of(records, **info)))


def paces(task: str, **by_framework: list[float]) -> list[Record]:
    """Records of throughputs by block; a made-up framework counts in any mode."""
    return [
        with_pace(name, block, pace, task=task, mode="eager")
        for name, values in by_framework.items()
        for block, pace in enumerate(values)
    ]


def figures(
    name: str,
    scores: Mapping[str, float | None],
    *,
    spread: float = 0.0,
    repeated: bool = True,
) -> CriterionFigures:
    """A criterion's scores, each with independent normal noise of that `spread`."""
    known_scores = [score for score in scores.values() if score is not None]
    rng = np.random.default_rng([len(name), *name.encode()])
    draws: Floats | None = None
    if spread:
        draws = np.array(known_scores) + spread * rng.standard_normal(
            (block_draws.DRAWS, len(known_scores))
        )
    return CriterionFigures(
        criterion=CRITERIA[name], values=scores, scores=scores, draws=draws, repeated=repeated
    )


def ranking_of(weights: dict[str, float], *criteria: CriterionFigures) -> Ranking:
    assessment = {figures.criterion.name: figures for figures in criteria}
    return rank_frameworks(assessment, weights, {name: name for name in FRAMEWORKS})


# Figures


def test_lines_of_code_are_the_mean_of_the_tasks_networks() -> None:
    records = paces("mnist-mlp", pytorch=[100]) + paces("cifar-cnn", pytorch=[100], a=[100])
    lines = [
        code_lines((catalogue.FRAMEWORKS / "pytorch" / "models" / f"{network}.py").read_text())
        for network in ("mlp", "cnn")
    ]
    assert assessed_of(records)["code"].values == {"a": None, "pytorch": sum(lines) / 2}


def test_the_draws_follow_student_s_interval_of_the_pairs() -> None:
    """Blocks differ tenfold; within them the two are close: pairs, not means, tell them apart."""
    values = {"a": [100, 1050, 9900, 101], "b": [90, 900, 9300, 95]}
    evidence = Evidence.of(results_of(paces("mnist-mlp", **values)))
    metric = measured_figures.throughput(evidence)
    sample = block_draws.draw(evidence.comparable, ("a", "b"), metric)
    assert sample
    drawn = np.exp(sample.draws[:, 0, 0] - sample.draws[:, 0, 1])
    expected = ratio(*(dict(enumerate(series)) for series in values.values()))
    assert expected and expected.low > 1
    low, high = np.quantile(drawn, (0.025, 0.975))
    near = 0.03 * (expected.high - expected.low)  # how far quantiles of so many draws vary
    assert (low, high) == pytest.approx((expected.low, expected.high), abs=near)


def test_speed_is_the_geometric_mean_of_the_ratios_to_the_fastest() -> None:
    records = paces("mnist-mlp", a=[100, 100], b=[50, 50], c=[25, 25])
    records += paces("cifar-cnn", a=[10, 10], b=[20, 20], c=[5, 5])
    speed = assessed_of(records)["speed"]
    half = math.sqrt(0.5)
    assert speed.values == pytest.approx({"a": half, "b": half, "c": 0.25})
    # whoever reaches 95 % of the best counts as the best
    assert speed.scores == pytest.approx({"a": 1, "b": 1, "c": 0.25 / half / 0.95})
    assert speed.intervals["c"].low == pytest.approx(0.25)


def test_twice_the_cost_is_half_the_score() -> None:
    def costing(name: str, block: int, times: int) -> Record:
        record = with_pace(name, block, 100, mode="eager")
        assert record.measurement
        return replace(
            record,
            measurement=replace(
                record.measurement,
                build_seconds=1.0 * times,
                first_step_seconds=2.0 * times,
                import_seconds=4.0 * times,
                peak_resident_bytes=10**9 * times,
            ),
        )

    records = [
        costing(name, block, times) for name, times in (("a", 1), ("b", 2)) for block in (0, 1)
    ]
    assessment = assessed_of(records, installed_bytes={"a cpu": 10**9, "b cpu": 2 * 10**9})
    for name, value in {
        "startup": 5.0,
        "first-step": 2.0,
        "memory": 1e9,
        "install-size": 1e9,
    }.items():
        assert assessment[name].values == pytest.approx({"a": value, "b": 2 * value}), name
        assert assessment[name].scores == pytest.approx({"a": 1, "b": 0.5}), name


def test_what_nobody_notices_scores_alike() -> None:
    """Up to the criterion's bound all costs are equal; above it, they count in proportion to it."""
    for name, criterion in CRITERIA.items():
        if not criterion.alike or criterion.unit == "ratio":
            continue
        bound = criterion.alike
        values = {"a": bound / 50, "b": bound, "c": 4 * bound}
        scores = ratio_to_smallest(values, alike=bound)
        assert scores == pytest.approx({"a": 1, "b": 1, "c": 0.25}), name
    records = [
        slow_to_start(name, block, seconds)
        for name, seconds in (("a", 0.1), ("b", 0.9), ("c", 2.0))
        for block in (0, 1)
    ]
    startup = assessed_of(records)["startup"]
    assert startup.values == pytest.approx({"a": 0.1, "b": 0.9, "c": 2.0})
    assert startup.scores == pytest.approx({"a": 1, "b": 1, "c": 0.5})
    assert startup.draws is not None and startup.draws == pytest.approx(
        np.broadcast_to([1, 1, 0.5], startup.draws.shape)
    )


def slow_to_start(name: str, block: int, seconds: float) -> Record:
    record = with_pace(name, block, 100, mode="eager")
    assert record.measurement
    measurement = replace(record.measurement, import_seconds=seconds, build_seconds=0.0)
    return replace(record, measurement=measurement)


def test_a_criterion_that_is_alike_for_all_has_no_weight() -> None:
    speed = figures("speed", {"a": 1.0, "b": 0.5, "c": 0.2})
    memory = figures("memory", {"a": 1.0, "b": 1.0, "c": 1.0})
    ranking = ranking_of({"speed": 1, "memory": 5}, speed, memory)
    alone = ranking_of({"speed": 1, "memory": 0}, speed, memory)
    assert ranking.standings == alone.standings and ranking.alike == ("memory",)
    nothing = ranking_of({"memory": 1}, memory)  # all are tied, and that is said
    assert [place.score for place in nothing.standings] == [1, 1, 1]
    assert sentences.headline(nothing).startswith("a, b and c can't be told apart")


def test_an_archived_project_has_no_advantage_in_comfort() -> None:
    """MXNet starts fastest, and scores there as the worst of the living; its speed counts."""
    names = ("mxnet_gluon", "pytorch", "jax_flax")
    records = [
        slow_to_start(name, block, seconds)
        for name, seconds in zip(names, (1.5, 3.0, 6.0), strict=True)
        for block in (0, 1)
    ]
    startup = assessed_of(records)["startup"]
    assert startup.scores == pytest.approx({"mxnet_gluon": 0.25, "pytorch": 0.5, "jax_flax": 0.25})
    assert startup.draws is not None and startup.draws.shape[1] == 3
    by_name = dict(zip(sorted(names), startup.draws[0], strict=True))
    assert by_name == pytest.approx(dict(startup.scores))
    slow = [50.0, 51, 50, 51]
    fast = paces("mnist-mlp", mxnet_gluon=[100, 101, 100, 102], pytorch=slow, jax_flax=slow)
    speed = assessed_of(fast)["speed"]
    assert speed.scores["mxnet_gluon"] == 1
    ranking = rank_frameworks(
        {"speed": speed}, {"speed": 1.0}, {n: n.upper() for n in sorted(names)}
    )
    assert sentences.headline(ranking).startswith("MXNET_GLUON (archived 2023) suits best")


@pytest.mark.frameworks
@pytest.mark.parametrize("run", sorted(PUBLISHED.parent.glob("*/run.json")), ids=str)
def test_no_archived_project_comes_before_a_living_one_for_anybody(run: Path) -> None:
    report = build_report(Results.of(run_folder.read(run.parent)), [])
    for row in report.personas:
        order = [bool(facts.of(name).archived) for name in row.ranks]
        assert order == sorted(order), row.persona.name


def test_figures_that_a_run_lacks_are_unknown() -> None:
    assessment = assessed_of(paces("mnist-mlp", a=[100, 100], b=[50, 50]))
    for name in ("install-size", "code", "upkeep", "ecosystem", "distributed", "deployment"):
        assert assessment[name].scores == {"a": None, "b": None}
        assert not assessment[name].known


def test_a_task_that_one_framework_did_not_complete_counts_for_none() -> None:
    records = paces("mnist-mlp", a=[100, 100], b=[50, 50]) + paces("cifar-cnn", b=[10, 10])
    bad = replace(records[0].job, cell=replace(records[0].job.cell, task="cifar-cnn"))
    records.append(replace(records[0], job=bad, status="crashed", measurement=None))
    evidence = Evidence.of(results_of(records))
    assert [cells.task for cells in evidence.comparable] == ["mnist-mlp"]
    assert evidence.left_out == ("cifar-cnn on cpu is left out: not ok in a",)
    assert assess(evidence)["stability"].scores == {"a": 0.5, "b": 1.0}
    of_task = [record for record in records if record.job.cell.task == "cifar-cnn"]
    assert Evidence.of(results_of(of_task)).completed == ("b",)


def test_a_reference_neither_counts_nor_leaves_anything_out() -> None:
    measured = run_folder.read(PUBLISHED)
    one = measured.records[0]
    cell = Cell.from_columns({**one.job.cell.to_columns(), "framework": "reference"})
    beside = [
        replace(one, job=replace(one.job, cell=cell, block=block), **how)
        for block, how in enumerate(({}, {"status": "timeout", "measurement": None}))
    ]
    before = Evidence.of(Results.of(measured))
    after = Evidence.of(Results.of(replace(measured, records=[*measured.records, *beside])))
    assert "reference" in after.results.frameworks and before.comparable
    assert after.left_out == before.left_out
    assert [cells.summaries.keys() for cells in after.comparable] == [
        cells.summaries.keys() for cells in before.comparable
    ]


def test_what_is_left_out_is_named_by_what_tells_it_from_others() -> None:
    records = paces("mnist-mlp", a=[100, 100], b=[50, 50])
    lone = records[0].job.cell.with_setting(threads=9)
    records.append(replace(records[0], job=replace(records[0].job, cell=lone)))
    (words,) = Evidence.of(results_of(records)).left_out
    assert words == "mnist-mlp on cpu with threads 9 is left out: not ok in b"


def test_a_run_of_the_default_tuning_alone_is_compared() -> None:
    records = [
        with_pace(name, block, pace, tuning="default")
        for name, pace in (("pytorch", 100), ("a", 50))
        for block in (0, 1)
    ]
    (cells,) = Evidence.of(results_of(records)).comparable
    assert {*cells.summaries} == {"a", "pytorch"}
    expert = [with_pace("a", block, 70, tuning="expert") for block in (0, 1)]
    (cells,) = Evidence.of(results_of([*records, *expert])).comparable
    assert {*cells.summaries} == {"a"}


def test_a_criterion_of_some_comparisons_says_of_how_many() -> None:
    """One task on the CPU and on a GPU, whose memory no framework told: two comparisons."""
    gpu = [with_pace(name, block, 100, device="cuda") for name in "ab" for block in (0, 1)]
    records = paces("mnist-mlp", a=[100, 100], b=[50, 50]) + [
        replace(record, measurement=replace(record.measurement, peak_device_bytes=None))
        for record in gpu
        if record.measurement
    ]
    assessment = assessed_of(records)
    assert assessment["memory"].notes == ("from 1 of 2 comparisons",)
    assert assessment["speed"].notes == ()


def test_the_recommended_mode_with_expert_tuning_counts() -> None:
    records = [
        with_pace("pytorch", block, pace, mode=mode, tuning=tuning)
        for mode, tuning, pace in (
            ("eager", "expert", 100),
            ("compiled", "expert", 400),
            ("eager", "default", 900),
        )
        for block in (0, 1)
    ] + paces("mnist-mlp", a=[200, 200])
    assert records[0].job.cell.task == "mnist-mlp"
    assert assessed_of(records)["speed"].values == pytest.approx({"pytorch": 0.5, "a": 1})


def reaching(record: Record, evaluation: int) -> Record:
    """The record of a process that reached the target at this evaluation, from 1, of eight."""
    assert record.measurement
    last = record.measurement.evaluations[-1]
    evaluations = tuple(
        replace(last, metric=0.99 if number >= evaluation else 0.1, step=number)
        for number in range(1, 9)
    )
    return replace(record, measurement=replace(record.measurement, evaluations=evaluations))


def test_time_to_target_is_known_where_all_reach_the_target() -> None:
    pace, evaluation = {"a": 100, "b": 50}, {"a": 5, "b": 8}
    records = [
        with_pace(name, block, pace[name], mode="eager") for name in "ab" for block in (0, 1)
    ]
    reached = [reaching(record, evaluation[record.job.cell.framework]) for record in records]
    seconds = 10 * records[0].batch / 100  # a single window of ten steps
    time = assessed_of(reached)["time-to-target"]
    assert time.values == pytest.approx({"a": seconds, "b": 2 * seconds})
    assert not assessed_of([*reached[:2], *records[2:]])["time-to-target"].known


@pytest.mark.parametrize(
    ("a", "b"),
    [
        (6, 6),  # the pace again
        (4, 8),  # one evaluation more or less would be a quarter of it
    ],
)
def test_time_to_target_is_left_out_where_it_says_no_more_than_the_pace(a: int, b: int) -> None:
    records = [
        reaching(with_pace(name, block, pace, mode="eager"), number)
        for name, pace, number in (("a", 100, a), ("b", 50, b))
        for block in (0, 1)
    ]
    time = assessed_of(records)["time-to-target"]
    assert not time.known and time.notes == (measured_figures.PACE_AGAIN,)


@pytest.mark.parametrize(
    ("months", "score"), [(0, 1), (6, 1), (7, 0.75), (12, 0.75), (24, 0.5), (25, 0.25), (90, 0.25)]
)
def test_upkeep_goes_by_months(months: int, score: float) -> None:
    release = facts.Fact(value="1", date="2020-01", source="https://a", checked=True)
    looked_up = date(2020 + months // 12, months % 12 + 1, 28)
    own_facts = facts.FrameworkFacts(looked_up=looked_up, by_name={"release": release})
    assert (own_facts.months_since_release, fact_figures.upkeep_score(own_facts)) == (months, score)
    archived = {"release": release, "archived": replace(release, value=True)}
    assert fact_figures.upkeep_score(replace(own_facts, by_name=archived)) == 0
    assert fact_figures.upkeep_score(facts.FrameworkFacts()) is None


def test_the_help_describes_the_steps_of_the_scores() -> None:
    words = CRITERIA["upkeep"].scored
    assert words == "1 up to 6 months, 0.75 to 12, 0.5 to 24, then 0.25; 0 if archived"
    for name, among in (("distributed", facts.PARALLELISMS), ("deployment", facts.TARGETS)):
        assert CRITERIA[name].scored == f"share of {', '.join(among)}"


# Scores, ranks, ties


def test_a_score_is_the_weighted_mean() -> None:
    ranking = ranking_of(
        {"speed": 3, "memory": 1},
        figures("speed", {"a": 1.0, "b": 0.5, "c": 0.2}),
        figures("memory", {"a": 0.4, "b": 1.0, "c": 0.2}),
    )
    scores = {place.framework: place.score for place in ranking.standings}
    assert scores == pytest.approx({"a": 0.85, "b": 0.625, "c": 0.2})
    assert [place.rank for place in ranking.standings] == ["1", "2", "3"]
    assert [place.share for place in ranking.standings[0].contributions] == [0.75, 0.25]


def test_differences_within_chance_are_ties() -> None:
    def ranks(spread: float) -> dict[str, str]:
        ranking = ranking_of(
            {"speed": 1}, figures("speed", {"a": 0.9, "b": 0.8, "c": 0.3}, spread=spread)
        )
        return {place.framework: place.rank for place in ranking.standings}

    # the difference of a and b is known to within 1.96 * sqrt(2) * spread
    assert ranks(0.03) == {"a": "1", "b": "2", "c": "3"}
    assert ranks(0.04) == {"a": "1-2", "b": "1-2", "c": "3"}
    ranking = ranking_of(
        {"speed": 1}, figures("speed", {"a": 0.9, "b": 0.8, "c": 0.3}, spread=0.04)
    )
    assert sentences.headline(ranking).startswith("a and b can't be told apart")
    exact = ranking_of({"code": 1}, figures("code", {"a": 0.5, "b": 0.5, "c": 0.3}))
    assert [place.tied for place in exact.standings] == [("b",), ("a",), ()]


def test_a_single_measurement_ranks_nobody() -> None:
    records = paces("mnist-mlp", a=[100], b=[1])
    ranking = rank_frameworks(assessed_of(records), {"speed": 1.0}, {"a": "A", "b": "B"})
    assert [(place.framework, place.rank, place.low) for place in ranking.standings] == [
        ("a", "", None),
        ("b", "", None),
    ]
    assert "measured only once" in sentences.headline(ranking)


def test_a_criterion_unknown_for_all_leaves_its_weight_to_the_others() -> None:
    known_of_all = figures("speed", {"a": 1.0, "b": 0.5, "c": 0.2})
    nothing = figures("install-size", dict.fromkeys(FRAMEWORKS))
    ranking = ranking_of({"speed": 1, "install-size": 5}, known_of_all, nothing)
    alone = ranking_of({"speed": 1, "install-size": 0}, known_of_all, nothing)
    assert ranking.standings == alone.standings
    assert (ranking.unknown, alone.unknown) == (("install-size",), ())
    with pytest.raises(UsageError, match="no figures for install-size"):
        ranking_of({"install-size": 1}, nothing)


def test_an_unknown_score_may_be_any_between_those_of_the_others() -> None:
    ranking = ranking_of(
        {"speed": 1, "memory": 1},
        figures("speed", {"a": 0.5, "b": 0.5, "c": 0.4}),
        figures("memory", {"a": None, "b": 0.9, "c": 0.5}),
    )
    by_name = {place.framework: place for place in ranking.standings}
    assert by_name["a"].score == pytest.approx((0.5 + 0.7) / 2)
    assert by_name["a"].low == pytest.approx((0.5 + 0.5 + 0.4 * 0.025) / 2, abs=2e-3)
    assert by_name["a"].high == pytest.approx((0.5 + 0.5 + 0.4 * 0.975) / 2, abs=2e-3)
    assert by_name["a"].tied == () and by_name["b"].tied == ()  # it is surely between those two
    assert by_name["a"].known == 0.5
    assert [place.known for place in by_name["a"].contributions] == [True, False]


def test_a_framework_with_too_few_known_scores_is_not_ranked() -> None:
    ranking = ranking_of(
        {"speed": 2, "memory": 3},
        figures("speed", {"a": 1.0, "b": 0.5, "c": 0.4}),
        figures("memory", {"a": None, "b": 0.9, "c": 0.1}),
    )
    assert [(place.framework, place.rank) for place in ranking.standings] == [
        ("b", "1"),
        ("c", "2"),
        ("a", ""),
    ]


# What would change it


def published() -> tuple[Evidence, dict[str, CriterionFigures]]:
    evidence = Evidence.of(Results.of(run_folder.read(PUBLISHED)))
    return evidence, assess(evidence)


def test_the_weight_that_ends_a_lead_is_solved_for() -> None:
    ranking = ranking_of(
        {"speed": 1, "memory": 2, "code": 1},
        figures("speed", {"a": 0.9, "b": 0.1, "c": 0.0}),
        figures("memory", {"a": 0.4, "b": 0.5, "c": 0.0}),
        figures("code", {"a": 0.3, "b": 0.3, "c": 0.0}),
    )
    # 0.8 * speed = 0.1 * memory; the 8 that memory would need is beyond the scale
    (swap,) = ranking.swaps
    assert (swap.criterion, swap.above, swap.first) == ("speed", False, "b")
    assert swap.level == pytest.approx(0.25)
    assert weight_changes.changes(ranking) == [
        "Another would come first if one weight changed: b with speed below 0.25 (now 1); "
        "no other change of a single weight from 0 to 5 does it."
    ]


def test_whoever_catches_up_first_is_named_and_a_weight_may_be_0() -> None:
    """By code alone c passes before b does; memory counts for nothing yet."""
    ranking = ranking_of(
        {"speed": 1, "memory": 0, "code": 1},
        figures("speed", {"a": 0.9, "b": 0.8, "c": 0.1}),
        figures("memory", {"a": 0.0, "b": 0.2, "c": 0.0}),
        figures("code", {"a": 0.5, "b": 0.51, "c": 1.0}),
    )
    found = {(swap.criterion, swap.above, swap.first): swap.level for swap in ranking.swaps}
    assert found == {
        ("speed", False, "c"): pytest.approx(0.625),
        ("memory", True, "b"): pytest.approx(0.45),
        ("code", True, "c"): pytest.approx(1.6),
    }
    assert weight_changes.changes(ranking) == [
        "Another would come first if one weight changed: c with speed below 0.625 (now 1) or code "
        "above 1.6 (now 1); b with memory above 0.45 (now 0); no other change of a single weight "
        "from 0 to 5 does it."
    ]


def test_advice_says_when_no_single_weight_changes_the_order() -> None:
    ranking = ranking_of(
        {"speed": 3, "memory": 2},
        figures("speed", {"a": 0.9, "b": 0.8, "c": 0.0}),
        figures("memory", {"a": 0.5, "b": 0.49, "c": 0.0}),
    )
    assert weight_changes.changes(ranking) == [
        "a stays first by any change of a single weight within 0 to 5."
    ]


@pytest.mark.parametrize("persona", personas.PERSONAS)
def test_beyond_a_level_the_named_framework_leads(persona: str) -> None:
    """By ranking anew just beyond each level; and where none is named, at the scale's ends."""
    evidence, assessment = published()
    weights = personas.weights(personas.load(persona))

    def first(criterion: str, weight: float) -> str:
        changed = {**weights, criterion: weight}
        ranking = rank_frameworks(assessment, changed, evidence.frameworks)
        return ranking.standings[0].framework

    ranking = rank_frameworks(assessment, weights, evidence.frameworks)
    leader = ranking.standings[0].framework
    assert persona != "balanced" or ranking.swaps
    for swap in ranking.swaps:
        step = 1e-3 if swap.above else -1e-3
        assert first(swap.criterion, swap.level + step) == swap.first != leader, swap
        assert first(swap.criterion, swap.level - step) == leader, swap
    named = {(swap.criterion, swap.above) for swap in ranking.swaps}
    for criterion in weights:
        if not assessment[criterion].known:
            continue
        for above, end in ((False, 1e-3), (True, personas.HIGHEST)):
            if (criterion, above) not in named:
                assert first(criterion, end) == leader, (criterion, end)


# Personas and weights


def test_personas_weigh_known_criteria() -> None:
    for persona in personas.PERSONAS.values():
        assert set(persona.weights) <= set(CRITERIA) and persona.why
        assert all(0 < weight <= 5 for weight in persona.weights.values())
    assert set(personas.load("balanced").weights.values()) == {1}


def test_weights_are_overridden() -> None:
    beginner = personas.load("beginner")
    weights = personas.weights(beginner, ["speed=2.5", "code=0"])
    assert (weights["speed"], weights["code"]) == (2.5, 0)
    assert weights["upkeep"] == beginner.weights["upkeep"]


@pytest.mark.parametrize("text", ["price=1", "speed=fast", "speed=-1", "speed=5.1", "speed", "=1"])
def test_an_invalid_weight_is_refused(text: str) -> None:
    with pytest.raises(UsageError):
        personas.weights(personas.load("balanced"), [text])


# Facts


@pytest.mark.parametrize(
    "name",
    [
        name
        for name in catalogue.compared()
        if (catalogue.load(name).folder / catalogue.FACTS).exists()
    ],
)
def test_every_framework_has_every_fact_with_its_source_and_date(name: str) -> None:
    own_facts = facts.of(name)
    # a fact without a source may be left out, but these decide a score
    needed = {"release", "archived", "downloads_rank", "distributed", "deployment"}
    assert set(own_facts.by_name) >= needed
    assert own_facts.looked_up
    for fact in own_facts.by_name.values():
        assert fact.source.startswith("https://") and len(fact.source) > len("https://a.b")
        assert fact.date[:7] <= own_facts.looked_up.isoformat()[:7]
        assert fact.checked or fact.note  # an unchecked fact says what it rests on
    assert own_facts.months_since_release is not None


GOOD = '[release]\nvalue = "1"\ndate = "2026-01"\nsource = "https://a.org"\nchecked = true\n'


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("[release]", "[price]", "price is not a known fact"),
        ('"1"', "1", "must be of type str, not int"),
        ('source = "https://a.org"\n', "", "source"),
        ("https://a.org", "hearsay", "not 'hearsay'"),
        ("2026-01", "2026-13", "month"),
        ("checked", "cheked", "cheked"),
    ],
)
def test_a_malformed_fact_is_refused(old: str, new: str, message: str, tmp_path: Path) -> None:
    file = tmp_path / "facts.toml"
    file.write_text(f'looked_up = "2026-02-28"\n{GOOD}', encoding="utf-8")
    assert facts.read(file).months_since_release == 1
    assert GOOD.count(old) >= 1
    file.write_text(f'looked_up = "2026-02-28"\n{GOOD.replace(old, new)}', encoding="utf-8")
    with pytest.raises(ValueError, match=message):
        facts.read(file)


@pytest.mark.frameworks
def test_a_changed_fact_does_not_invalidate_a_proof(plant: Callable[[str, str, str], Path]) -> None:
    def digest(tree: Path) -> str:
        code = """
from bench.launch import catalogue
print(catalogue.TREE, catalogue.source_digest(catalogue.load("pytorch")))
"""
        done = subprocess.run(
            [sys.executable, "-c", code], cwd=tree, capture_output=True, text=True, check=True
        )
        where, printed = done.stdout.split()
        assert Path(where) == tree
        return printed

    tree = plant("frameworks/pytorch/facts.toml", 'value = "2.15.0"', 'value = "9.9.9"')
    assert digest(tree) == digest(catalogue.TREE)
    file = tree / "frameworks" / "pytorch" / "framework.toml"
    file.write_text(file.read_text(encoding="utf-8") + "# changed\n", encoding="utf-8")
    assert digest(tree) != digest(catalogue.TREE)


# Common claims


def results_by_claim(records: list[Record]) -> dict[str, ClaimResult]:
    evidence = Evidence.of(results_of(records))
    return {claim.name: result for claim, result in check_claims(evidence, assess(evidence))}


@pytest.mark.parametrize(
    ("pace", "outcome"),
    [([50, 51], "held"), ([200, 201], "did not hold"), ([70, 140], "undecided")],
)
def test_who_leads_on_the_headline_tasks(pace: list[float], outcome: str) -> None:
    records = paces("mnist-mlp", pytorch=pace, tensorflow_keras=[100, 101], mxnet_gluon=[100, 101])
    assert results_by_claim(records)["scale"].outcome == outcome


def test_the_claims_about_frameworks_are_in_their_folders() -> None:
    assert set(facts.claimed_about("scale")) == {"tensorflow_keras", "mxnet_gluon"}
    assert set(facts.claimed_about("start")) == {"tensorflow_keras", "pytorch"}
    assert set(facts.claimed_about("lstm")) == {"pytorch"}
    assert set(facts.claimed_about("lstm-faster")) == {"tensorflow_keras"}
    known = {claim.name for claim in CLAIMS} | {"lstm-faster"}
    assert all(set(facts.of(name).claimed) <= known for name in catalogue.names())


def test_a_claim_about_frameworks_that_are_missing_is_left_open() -> None:
    records = paces("mnist-mlp", mxnet_gluon=[100, 101], pytorch=[50, 51])
    assert results_by_claim(records)["scale"].outcome == "undecided"


def modes(eager: list[float], compiled: list[float]) -> list[Record]:
    return [
        with_pace("pytorch", block, pace, mode=mode)
        for mode, values in (("eager", eager), ("compiled", compiled))
        for block, pace in enumerate(values)
    ]


@pytest.mark.parametrize(
    ("compiled", "outcome"),
    [([200, 201], "held"), ([50, 51], "did not hold"), ([70, 140], "undecided")],
)
def test_claims_about_graphs_and_compiling(compiled: list[float], outcome: str) -> None:
    results = results_by_claim(modes([100, 101], compiled))
    assert results["graphs"].outcome == outcome
    assert results["compiling"].outcome == outcome


def test_faster_in_one_framework_and_slower_in_another_is_mixed() -> None:
    """The cells that a claim was tested on are named: another run may have other modes."""
    slower = [
        with_pace("paddlepaddle", block, pace, mode=mode)
        for mode, values in (("eager", (100, 101)), ("compiled", (50, 51)))
        for block, pace in enumerate(values)
    ]
    results = results_by_claim([*modes([100, 101], [200, 201]), *slower])
    assert results["graphs"].outcome == "mixed"
    assert (
        "Surely faster: 1 of PyTorch; surely slower: 1 of PaddlePaddle" in results["graphs"].figures
    )
    assert results["compiling"].outcome == "did not hold"  # a single cell refutes "always"
    for name in ("graphs", "compiling"):
        assert "2 cells (1 of PaddlePaddle, 1 of PyTorch)" in results[name].figures


@pytest.mark.parametrize(
    ("expert", "default", "outcome"),
    [
        ([50, 51, 50], [50, 51, 50], "held"),
        ([50, 51, 50], [100, 102, 100], "undecided"),
        ([50, 51, 50], [200, 201, 200], "mixed"),
        ([200, 201, 200], [200, 201, 200], "did not hold"),
    ],
)
def test_the_claim_about_lstms_is_tested_with_every_tuning(
    expert: list[float], default: list[float], outcome: str
) -> None:
    def measured(task: str) -> dict[str, ClaimResult]:
        records = [
            with_pace(name, block, pace, mode=mode, task=task, tuning=tuning)
            for tuning, slow in (("expert", expert), ("default", default))
            for name, mode, values in (
                ("pytorch", "eager", slow),
                ("tensorflow_keras", "compiled", [100.0, 101, 101]),
            )
            for block, pace in enumerate(values)
        ]
        return results_by_claim(records)

    for task in ("imdb-lstm", "imdb-bilstm"):
        claim = measured(task)["lstm"]
        assert claim.outcome == outcome
        assert "with expert tuning" in claim.figures and "with default tuning" in claim.figures
    for task in ("imdb-gru", "mnist-mlp"):
        assert measured(task)["lstm"] == ClaimResult(
            outcome="undecided", figures=claim_tests.NO_LSTM
        )


def test_the_claim_for_beginners_rests_on_the_beginner_s_ranking() -> None:
    evidence, assessment = published()
    weights = personas.weights(personas.load("beginner"))
    places = rank_frameworks(assessment, weights, evidence.frameworks).standings
    result = claim_tests.start(evidence, assessment)
    scores = [f"{place.title} {place.score:.2f}" for place in places]
    assert f"score for a beginner: {', '.join(scores)}; " in result.figures
    ahead = {place.framework for place in places[:2]} == {"pytorch", "tensorflow_keras"}
    sure = ahead and not places[1].tied
    assert (result.outcome == "held") == sure


def test_without_both_modes_an_eager_framework_in_front_refutes_graphs() -> None:
    ahead = paces("mnist-mlp", pytorch=[100, 101])
    behind = [with_pace("mxnet_gluon", block, 50 + block, mode="compiled") for block in (0, 1)]
    results = results_by_claim([*ahead, *behind])
    assert (results["graphs"].outcome, results["compiling"].outcome) == (
        "did not hold",
        "undecided",
    )
    assert "This compares frameworks" in results["graphs"].figures
    assert results_by_claim(ahead)["graphs"].outcome == "undecided"
    elsewhere = [
        with_pace(name, block, pace + block, task="cifar-cnn", mode=mode)
        for name, mode, pace in (("pytorch", "eager", 50), ("mxnet_gluon", "compiled", 150))
        for block in (0, 1)
    ]
    both = results_by_claim([*ahead, *behind, *elsewhere])["graphs"]
    assert both.outcome == "mixed"
    assert "On mnist-mlp, PyTorch, eager, trains 1.99 times".lower() in both.figures.lower()
    assert "and on cifar-cnn, MXNet Gluon, compiled, trains 2.9" in both.figures


def test_of_many_tasks_one_that_chance_may_explain_refutes_nothing() -> None:
    """In a table of two, 3 % is enough; of ten of them, one in three has such a pair by chance."""

    def records(task: str, ahead: Sequence[float]) -> list[Record]:
        own = [with_pace("pytorch", b, p, task=task, mode="eager") for b, p in enumerate(ahead)]
        flat = [with_pace("a", b, 100, task=task, mode="compiled") for b in range(len(ahead))]
        return own + flat

    lucky = records("mnist-mlp", (104, 101, 105, 100.5, 103))
    assert results_by_claim(lucky)["graphs"].outcome == "did not hold"
    names = ("mnist-softmax", "cifar-cnn", "imdb-lstm", "imdb-gru", "cifar-lenet", "mnist-vae")
    others = [one for name in names for one in records(name, (101, 99, 100.5, 99.5, 100))]
    assert results_by_claim([*lucky, *others])["graphs"].outcome == "undecided"


def test_whether_accuracies_differ() -> None:
    def outcome(**by_name: list[float]) -> str:
        records = chain.from_iterable(
            test_final_metrics.records(name, values) for name, values in by_name.items()
        )
        return results_by_claim([*records])["accuracies"].outcome

    assert outcome(a=[0.9, 0.902, 0.898], b=[0.901, 0.9, 0.899]) == "did not hold"
    assert outcome(a=[0.9, 0.902, 0.898], b=[0.5, 0.501, 0.499]) == "held"
    assert outcome(a=[0.9], b=[0.5]) == "undecided"


# Forms


def report_for(
    *names: str, overrides: Sequence[str] = (), folder: Path = PUBLISHED
) -> AdviceReport:
    return build_report(
        Results.of(run_folder.read(folder)), [*map(personas.load, names)], overrides
    )


def advice_for(name: str, *overrides: str, folder: Path = PUBLISHED) -> PersonaAdvice:
    (advice,) = report_for(name, overrides=overrides, folder=folder).advice
    return advice


@pytest.mark.parametrize("width", [80, 100, 160])
def test_the_terminal_holds_everything_at_any_width(width: int) -> None:
    report = report_for("edge", "beginner")
    console = Console(width=width)
    with console.capture() as captured:
        console.print(advice_forms.to_terminal(report, width=width, facts=True))
    text = captured.get()
    assert max(map(len, text.splitlines())) <= width and "…" not in text
    flat = " ".join(text.split())
    for advice in report.advice:
        for row in advice.ranking:
            assert f"{row.standing.score:.2f}" in text
        for line in (advice.headline, *advice.reasons, *advice.changes, *advice.notes):
            assert " ".join(line.split()) in flat
        for row in advice.criteria:
            shown = re.search(rf"^{row.criterion.name} *┃?│", text, re.MULTILINE)
            assert bool(shown) == row.known
    for claim in report.claims:
        assert flat.count(claim.claim) == 1 and claim.outcome in flat


def test_markdown_and_json_say_the_same() -> None:
    report = report_for("balanced", "industry", overrides=["speed=3"])
    text, fields = advice_forms.to_markdown(report, facts=True), json.loads(to_json(report))
    assert [advice["persona"] for advice in fields["advice"]] == ["balanced", "industry"]
    for advice in fields["advice"]:
        for line in (
            advice["headline"],
            *advice["reasons"],
            *advice["changes"],
            *advice["notes"],
        ):
            assert markdown.escaped(line) in text
        assert f"# Advice for: {advice['persona']} with speed=3" in text
    for claim in fields["wisdom"]:
        assert claim["source"] in text and markdown.escaped(claim["figures"])[1:] in text
        assert text.count(claim["claim"]) == 1
    for framework in fields["facts"]:
        for fact in framework["known"].values():
            assert markdown.escaped(fact["source"]) in text
    assert "unknown" in text.lower()


def test_a_criterion_has_one_name() -> None:
    """The same in sentences, tables, JSON and options."""
    report = report_for(*personas.PERSONAS)
    text = advice_forms.to_markdown(report, facts=False)
    for other in ("install size", "import time", "compile latency", "code a model"):
        assert other not in text
    assert "speed (" in text and "| startup" in text and "install-size" in text
    for advice in report.advice:
        assert [row.criterion.name for row in advice.criteria] == [*CRITERIA]
        for row in advice.ranking:
            assert {*row.strong, *row.weak} <= set(CRITERIA)


def test_overlapping_ties_are_explained() -> None:
    """a is tied with b and with c, and b is ahead of c."""
    draws = {"a": (0.9, 0.2), "b": (0.85, 0.001), "c": (0.8, 0.001)}
    rng = np.random.default_rng(0)
    spread = [
        middle + width * rng.standard_normal(block_draws.DRAWS) for middle, width in draws.values()
    ]
    scores = {name: middle for name, (middle, _) in draws.items()}
    speed = replace(figures("speed", scores), draws=np.stack(spread, axis=1))
    assert sentences.headline(ranking_of({"speed": 1}, speed)) == (
        "a and b can't be told apart; a and c can't be told apart either, though b is ahead of c: "
        "chance may explain their differences."
    )


def test_an_unchecked_fact_is_marked() -> None:
    advice = advice_for("balanced")
    known_rows = [row for row in advice.criteria if row.known]
    for texts, row in zip(advice_forms.criteria_table(advice).rows, known_rows, strict=True):
        for text, figure in zip(texts[2:], row.frameworks.values(), strict=True):
            assert ("*" in text) == (not figure.checked)
    unchecked = {
        row.criterion.name
        for row in advice.criteria
        for figure in row.frameworks.values()
        if not figure.checked
    }
    assert unchecked == {"ecosystem"}


def test_notes_say_whether_unchecked_facts_decide() -> None:
    def notes(*overrides: str) -> str:
        return "\n".join(advice_for("balanced", *overrides).notes)

    assert (
        "Ecosystem rests on facts that were not checked at their source (*); without it, "
        in notes()
    )
    assert "not checked" not in notes("ecosystem=0")
    alone = [f"{name}=0" for name in CRITERIA if name != "ecosystem"]
    assert notes(*alone).startswith(
        "Ecosystem rests on facts that were not checked at their source (*)."
    )


def test_advice_for_edge_warns_that_no_board_was_measured() -> None:
    edge, beginner = advice_for("edge"), advice_for("beginner")
    assert any("No phone or board was measured" in line for line in edge.notes)
    assert not any("phone" in line for line in beginner.notes)


def test_the_headline_says_so_where_unchecked_facts_decide() -> None:
    speed = figures("speed", {"a": 1.0, "b": 0.9, "c": 0.5})
    code = figures("code", dict.fromkeys("abc", 0.5))
    first = ranking_of({"speed": 1, "code": 1}, speed, code)
    assert "more than chance explains." in sentences.headline(first, first)
    doubted = sentences.headline(first, first, ["there are only 3 blocks"])
    assert doubted.endswith("; but chance is not all: there are only 3 blocks.")
    disturbed = sentences.headline(first, first, disturbed=True)
    assert disturbed.startswith("By score, a comes first, but others disturbed most of what was")
    headline = sentences.headline(first, ranking_of({"code": 1}, code))
    assert headline.endswith(
        "but this is not certain: it depends on facts that were not checked at their source."
    )
    assert "chance" not in headline


def test_advice_rests_on_the_run_s_snapshot() -> None:
    """Titles, recommended modes, lines of code and caveats are those at the time of the run."""
    records = [
        *paces("mnist-mlp", pytorch=[100, 101], a=[50, 50]),
        *(with_pace("pytorch", block, 400, mode="compiled") for block in (0, 1)),
    ]
    snapshot = results_of(records).snapshot
    torch = snapshot.framework("pytorch")
    assert torch
    then = replace(
        snapshot,
        frameworks=(
            replace(
                torch,
                title="Torch",
                recommended="compiled",
                models=(replace(torch.models[0], lines_of_code=7),),
            ),
        ),
        caveats=(Caveat(figures=("memory",), text="not to be compared"),),
    )
    results = results_of(records, snapshot=json.loads(json.dumps(then.to_fields())))
    assessment = assess(Evidence.of(results))
    assert assessment["speed"].values == pytest.approx({"a": 0.125, "pytorch": 1})
    assert assessment["code"].values == {"a": None, "pytorch": 7}
    (advice,) = build_report(results, [personas.load("balanced")]).advice
    assert {row.standing.title for row in advice.ranking} == {"a", "Torch"}
    assert "Memory: not to be compared." in advice.notes


def test_cells_that_were_disturbed_are_named() -> None:
    assert (
        "Not to be trusted, because most windows were contended by other processes: "
        "JAX/Flax compiled on mnist-mlp-sgd."
    ) in advice_for("balanced", folder=GPU).notes
    assert not any("contended" in line for line in advice_for("balanced").notes)


def test_nobody_is_ahead_of_frameworks_of_which_too_little_is_known() -> None:
    speed = figures("speed", {"a": 1.0, "b": None, "c": None})
    ranking = ranking_of({"speed": 1}, speed)
    assert sentences.headline(ranking) == (
        "Enough to be ranked by these weights is known of no framework but a."
    )


def test_advice_on_a_run_in_which_nothing_counts_says_that_facts_alone_speak() -> None:
    run = run_folder.read(PUBLISHED)
    failed = [replace(record, status="failed", measurement=None) for record in run.records]
    report = build_report(Results.of(replace(run, records=failed)), [personas.load("balanced")])
    (advice,) = report.advice
    assert "no cell of this run counts, so that it rests on documented facts" in advice.headline
    assert "0 blocks" not in advice.headline
