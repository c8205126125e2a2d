"""Advice: figures and scores by hand, what chance leaves open, and what would change it."""

from __future__ import annotations

import math
import re
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from rich.console import Console

from bench.advice import block_samples, claims, fact_figures, facts, measured_figures, personas
from bench.advice.assessment import assess
from bench.advice.block_samples import Floats
from bench.advice.criteria import CRITERIA
from bench.advice.evidence import Evidence, Figures
from bench.advice.ranking import Advice, advise
from bench.analysis.intervals import ratio
from bench.core.errors import UsageError
from bench.core.record import Record
from bench.launch import catalogue
from bench.records import run_folder
from bench.records.run_folder import Run
from bench.report.advice import advice_content, advice_forms, sentences
from tests.test_core import some_record
from tests.test_stats import with_pace

PUBLISHED = catalogue.TREE / "results" / "quick-epyc-2cpu"
GPU = PUBLISHED.parent / "standard-h100"
FRAMEWORKS = ("a", "b", "c")


def run_of(records: list[Record], **info: Any) -> Run:
    return Run(folder=Path("made"), info=info, records=records)


def assessed_of(records: list[Record], **info: Any) -> dict[str, Figures]:
    return assess(Evidence.of(run_of(records, **info)))


def paces(task: str, **by_framework: list[float]) -> list[Record]:
    """Records of throughputs by block; a framework that no folder has counts in any mode."""
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
) -> Figures:
    """A criterion's scores, known to within a normal `spread`, each by itself."""
    told = [score for score in scores.values() if score is not None]
    rng = np.random.default_rng([len(name), *name.encode()])
    draws: Floats | None = None
    if spread:
        draws = np.array(told) + spread * rng.standard_normal((block_samples.DRAWS, len(told)))
    return Figures(
        criterion=CRITERIA[name], values=scores, scores=scores, draws=draws, repeated=repeated
    )


def advice_of(weights: dict[str, float], *all_figures: Figures) -> Advice:
    return advise({one.criterion.name: one for one in all_figures}, weights, FRAMEWORKS)


# Figures


def test_lines_a_model_are_those_of_the_tasks_networks(tmp_path: Path) -> None:
    (tmp_path / "models").mkdir()
    (tmp_path / "models" / "one.py").write_text("a = 1\n", encoding="utf-8")
    (tmp_path / "models" / "two.py").write_text("a = 1\nb = 2\nc = 3\n", encoding="utf-8")
    assert measured_figures.lines_a_model(tmp_path, ["one", "two"]) == 2
    assert measured_figures.lines_a_model(tmp_path, ["one", "three"]) is None


def test_what_chance_leaves_open_is_student_s_interval_of_the_pairs() -> None:
    """Blocks differ tenfold; within them the two are close: pairs, not means, tell them apart."""
    values = {"a": [100, 1050, 9900, 101], "b": [90, 900, 9300, 95]}
    evidence = Evidence.of(run_of(paces("mnist-mlp", **values)))
    found, _ = block_samples.sample(
        evidence.settings, ("a", "b"), lambda setting, name: setting.summaries[name].throughputs
    )
    assert found
    drawn = np.exp(found.draws[:, 0, 0] - found.draws[:, 0, 1])
    expected = ratio(*(dict(enumerate(one)) for one in values.values()))
    assert expected and expected.low > 1
    low, high = np.quantile(drawn, (0.025, 0.975))
    near = 0.03 * (expected.high - expected.low)  # what so many draws tell of a quantile
    assert (low, high) == pytest.approx((expected.low, expected.high), abs=near)


def test_speed_is_the_geometric_mean_of_the_ratios_to_each_task_s_fastest() -> None:
    records = paces("mnist-mlp", a=[100, 100], b=[50, 50], c=[25, 25])
    records += paces("cifar-cnn", a=[10, 10], b=[20, 20], c=[5, 5])
    found = assessed_of(records)["speed"]
    half = math.sqrt(0.5)
    assert found.values == pytest.approx({"a": half, "b": half, "c": 0.25})
    assert found.scores == pytest.approx({"a": 1, "b": 1, "c": 0.25 / half})
    assert found.intervals["c"].low == pytest.approx(0.25)


def test_twice_as_much_of_what_costs_is_half_the_score() -> None:
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
    found = assessed_of(records, installed_bytes={"a cpu": 300, "b cpu": 600})
    for name, value in {
        "startup": 5.0,
        "first-step": 2.0,
        "memory": 1e9,
        "install-size": 300,
    }.items():
        assert found[name].values == pytest.approx({"a": value, "b": 2 * value}), name
        assert found[name].scores == pytest.approx({"a": 1, "b": 0.5}), name


def test_what_a_run_does_not_tell_is_not_known() -> None:
    found = assessed_of(paces("mnist-mlp", a=[100, 100], b=[50, 50]))
    for name in ("install-size", "code", "upkeep", "ecosystem", "distributed", "deployment"):
        assert found[name].scores == {"a": None, "b": None} and not found[name].known


def test_a_task_that_one_did_not_come_through_counts_for_none() -> None:
    records = paces("mnist-mlp", a=[100, 100], b=[50, 50]) + paces("cifar-cnn", b=[10, 10])
    bad = replace(records[0].job, cell=replace(records[0].job.cell, task="cifar-cnn"))
    records.append(replace(records[0], job=bad, status="crashed", measurement=None))
    evidence = Evidence.of(run_of(records))
    assert [one.task for one in evidence.settings] == ["mnist-mlp"]
    assert evidence.left_out == ("cifar-cnn on cpu is left out: not ok in a",)
    assert assess(evidence)["stability"].scores == {"a": 0.5, "b": 1.0}
    assert Evidence.of(run_of(records), "cifar-cnn").measured == ("b",)


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


def test_time_to_accuracy_is_known_where_all_reach_the_target() -> None:
    records = [with_pace(name, block, 100, mode="eager") for name in "ab" for block in (0, 1)]
    reached = []
    for record in records:
        assert record.measurement
        last = record.measurement.evaluations[-1]
        evaluations = (replace(last, accuracy=0.99, step=10),)
        measurement = replace(record.measurement, evaluations=evaluations)
        reached.append(replace(record, measurement=measurement))
    seconds = 10 * records[0].batch / 100
    found = assessed_of(reached)["time-to-accuracy"]
    assert found.values == pytest.approx({"a": seconds, "b": seconds})
    assert not assessed_of([*reached[:2], *records[2:]])["time-to-accuracy"].known


@pytest.mark.parametrize(
    ("months", "score"), [(0, 1), (6, 1), (7, 0.75), (12, 0.75), (24, 0.5), (25, 0.25), (90, 0.25)]
)
def test_upkeep_goes_by_months(months: int, score: float) -> None:
    release = facts.Fact(value="1", date="2020-01", source="https://a", checked=True)
    told = {"release": release}
    looked_up = date(2020 + months // 12, months % 12 + 1, 28)
    found = facts.Facts(looked_up=looked_up, known=told)
    assert (found.months_since_release, fact_figures.upkeep_score(found)) == (months, score)
    told["archived"] = replace(release, value=True)
    assert fact_figures.upkeep_score(found) == 0
    assert fact_figures.upkeep_score(facts.Facts()) is None


def test_the_steps_are_those_that_the_help_tells() -> None:
    words = CRITERIA["upkeep"].scored
    assert words == "1 up to 6 months, 0.75 to 12, 0.5 to 24, then 0.25; 0 if archived"
    for name, among in (("distributed", facts.PARALLELISMS), ("deployment", facts.TARGETS)):
        assert CRITERIA[name].scored == f"share of {', '.join(among)}"


# Scores, ranks, ties


def test_a_score_is_the_weighted_mean() -> None:
    found = advice_of(
        {"speed": 3, "memory": 1},
        figures("speed", {"a": 1.0, "b": 0.5, "c": 0.2}),
        figures("memory", {"a": 0.4, "b": 1.0, "c": 0.2}),
    )
    scores = {one.framework: one.score for one in found.standings}
    assert scores == pytest.approx({"a": 0.85, "b": 0.625, "c": 0.2})
    assert [one.rank for one in found.standings] == ["1", "2", "3"]
    assert [one.share for one in found.standings[0].parts] == [0.75, 0.25]


def test_what_differs_by_chance_alone_is_tied() -> None:
    def ranks(spread: float) -> dict[str, str]:
        found = advice_of(
            {"speed": 1}, figures("speed", {"a": 0.9, "b": 0.8, "c": 0.3}, spread=spread)
        )
        return {one.framework: one.rank for one in found.standings}

    # the difference of a and b is known to within 1.96 * sqrt(2) * spread
    assert ranks(0.03) == {"a": "1", "b": "2", "c": "3"}
    assert ranks(0.04) == {"a": "1=", "b": "1=", "c": "3"}
    found = advice_of({"speed": 1}, figures("speed", {"a": 0.9, "b": 0.8, "c": 0.3}, spread=0.04))
    assert sentences.headline(found).startswith("a and b can't be told apart")
    exact = advice_of({"code": 1}, figures("code", {"a": 0.5, "b": 0.5, "c": 0.3}))
    assert [one.tied for one in exact.standings] == [("b",), ("a",), ()]


def test_what_was_measured_once_ranks_nobody() -> None:
    records = paces("mnist-mlp", a=[100], b=[1])
    found = advise(assessed_of(records), {"speed": 1.0}, ("a", "b"))
    assert [(one.framework, one.rank, one.low) for one in found.standings] == [
        ("a", "", None),
        ("b", "", None),
    ]
    assert "measured once" in sentences.headline(found)


def test_what_is_known_of_none_leaves_its_weight_to_the_others() -> None:
    known_of_all = figures("speed", {"a": 1.0, "b": 0.5, "c": 0.2})
    nothing = figures("install-size", dict.fromkeys(FRAMEWORKS))
    found = advice_of({"speed": 1, "install-size": 5}, known_of_all, nothing)
    alone = advice_of({"speed": 1, "install-size": 0}, known_of_all, nothing)
    assert found.standings == alone.standings
    assert (found.unknown, alone.unknown) == (("install-size",), ())
    with pytest.raises(UsageError, match="tells nothing of install-size"):
        advice_of({"install-size": 1}, nothing)


def test_an_unknown_is_the_middle_of_the_others_and_leaves_all_between_them_open() -> None:
    found = advice_of(
        {"speed": 1, "memory": 1},
        figures("speed", {"a": 0.5, "b": 0.5, "c": 0.5}),
        figures("memory", {"a": None, "b": 0.9, "c": 0.5}),
    )
    by_name = {one.framework: one for one in found.standings}
    assert by_name["a"].score == pytest.approx((0.5 + 0.7) / 2)
    assert by_name["a"].low == pytest.approx((0.5 + 0.5 + 0.4 * 0.025) / 2, abs=2e-3)
    assert by_name["a"].high == pytest.approx((0.5 + 0.5 + 0.4 * 0.975) / 2, abs=2e-3)
    assert by_name["a"].tied == () and by_name["b"].tied == ()  # it is surely between those two
    assert by_name["a"].known == 0.5
    assert [one.known for one in by_name["a"].parts] == [True, False]


def test_one_of_which_too_little_is_known_is_not_ranked() -> None:
    found = advice_of(
        {"speed": 2, "memory": 3},
        figures("speed", {"a": 1.0, "b": 0.5, "c": 0.4}),
        figures("memory", {"a": None, "b": 0.9, "c": 0.1}),
    )
    assert [(one.framework, one.rank) for one in found.standings] == [
        ("b", "1"),
        ("c", "2"),
        ("a", ""),
    ]


# What would change it


def published(task: str | None = None) -> tuple[Evidence, dict[str, Figures]]:
    evidence = Evidence.of(run_folder.read(PUBLISHED), task)
    return evidence, assess(evidence)


def test_a_weight_that_swaps_is_solved_for() -> None:
    found = advice_of(
        {"speed": 1, "memory": 2, "code": 1},
        figures("speed", {"a": 0.9, "b": 0.1, "c": 0.0}),
        figures("memory", {"a": 0.4, "b": 0.5, "c": 0.0}),
        figures("code", {"a": 0.3, "b": 0.3, "c": 0.0}),
    )
    swaps = {one.criterion: (one.level, one.more) for one in found.swaps}
    # 0.8 * speed = 0.1 * memory, of which memory's 8 is beyond the scale
    assert swaps["speed"] == (pytest.approx(0.25), False)
    assert swaps["memory"] == (None, True)
    assert swaps["code"] == (None, False)
    assert sentences.changes(found) == [
        "b would come first if this weight changed: speed less than 0.25 (now 1); "
        "no other weight from 0 to 5 does it."
    ]


def test_what_no_weight_of_the_scale_changes_is_said_so() -> None:
    found = advice_of(
        {"speed": 3, "memory": 2},
        figures("speed", {"a": 0.9, "b": 0.8, "c": 0.0}),
        figures("memory", {"a": 0.5, "b": 0.49, "c": 0.0}),
    )
    assert sentences.changes(found) == ["No weight from 0 to 5, moved alone, puts b ahead."]


@pytest.mark.parametrize("persona", personas.PERSONAS)
def test_moving_the_weight_swaps_the_first_two(persona: str) -> None:
    evidence, assessed = published()
    weights = personas.weights(personas.load(persona))

    def scores(**moved: float) -> dict[str, float]:
        found = advise(assessed, {**weights, **moved}, evidence.frameworks)
        return {one.framework: one.score for one in found.standings}

    found = advise(assessed, weights, evidence.frameworks)
    first, second = (one.framework for one in found.standings[:2])
    assert persona != "balanced" or any(one.level for one in found.swaps)
    for swap in found.swaps:
        if swap.level is None:
            ends = (scores(**{swap.criterion: end}) for end in (0.0, personas.HIGHEST))
            assert all(moved[first] >= moved[second] for moved in ends), swap
            continue
        for beyond in (1.001, 0.999):
            moved = scores(**{swap.criterion: swap.level * beyond})
            assert (moved[second] > moved[first]) == ((beyond > 1) == swap.more), swap


# Personas and weights


def test_personas_weigh_criteria_that_there_are() -> None:
    for one in personas.PERSONAS.values():
        assert set(one.weights) <= set(CRITERIA) and one.why
        assert all(0 < weight <= 5 for weight in one.weights.values())
    assert set(personas.load("balanced").weights.values()) == {1}


def test_weights_are_overridden() -> None:
    beginner = personas.load("beginner")
    found = personas.weights(beginner, ["speed=2.5", "code=0"])
    assert (found["speed"], found["code"]) == (2.5, 0)
    assert found["upkeep"] == beginner.weights["upkeep"]


@pytest.mark.parametrize("text", ["price=1", "speed=fast", "speed=-1", "speed=5.1", "speed", "=1"])
def test_a_weight_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(UsageError):
        personas.weights(personas.load("balanced"), [text])


# Facts


@pytest.mark.parametrize("name", catalogue.compared())
def test_every_framework_has_every_fact_with_its_source_and_date(name: str) -> None:
    told = facts.of(name)
    # what has no source may be left out, but these decide a score
    assert set(told.known) >= {"release", "archived", "downloads_rank", "distributed", "deployment"}
    assert told.looked_up
    for fact in told.known.values():
        assert fact.source.startswith("https://") and len(fact.source) > len("https://a.b")
        assert fact.date[:7] <= told.looked_up.isoformat()[:7]
        assert fact.checked or fact.note  # an unchecked one tells what it rests on
    assert told.months_since_release is not None


GOOD = '[release]\nvalue = "1"\ndate = "2026-01"\nsource = "https://a.org"\nchecked = true\n'


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("[release]", "[price]", "price is no fact"),
        ('"1"', "1", "is a int, not a str"),
        ('source = "https://a.org"\n', "", "source"),
        ("https://a.org", "hearsay", "'hearsay' is no source"),
        ("2026-01", "2026-13", "month"),
        ("checked", "cheked", "cheked"),
    ],
)
def test_a_fact_that_is_not_as_it_should_be_is_refused(
    old: str, new: str, message: str, tmp_path: Path
) -> None:
    file = tmp_path / "facts.toml"
    file.write_text(f'looked_up = "2026-02-28"\n{GOOD}', encoding="utf-8")
    assert facts.read(file).months_since_release == 1
    assert GOOD.count(old) >= 1
    file.write_text(f'looked_up = "2026-02-28"\n{GOOD.replace(old, new)}', encoding="utf-8")
    with pytest.raises(ValueError, match=message):
        facts.read(file)


def test_a_fact_does_not_void_a_proof(plant: Callable[[str, str, str], Path]) -> None:
    def digest(tree: Path) -> str:
        code = """
from bench.launch import catalogue
print(catalogue.TREE, catalogue.source_digest(catalogue.load("pytorch")))
"""
        done = subprocess.run(
            [sys.executable, "-c", code], cwd=tree, capture_output=True, text=True, check=True
        )
        where, found = done.stdout.split()
        assert Path(where) == tree
        return found

    tree = plant("frameworks/pytorch/facts.toml", 'value = "2.15.0"', 'value = "9.9.9"')
    assert digest(tree) == digest(catalogue.TREE)
    file = tree / "frameworks" / "pytorch" / "framework.toml"
    file.write_text(file.read_text(encoding="utf-8") + "# changed\n", encoding="utf-8")
    assert digest(tree) != digest(catalogue.TREE)


# Received wisdom


def judged(records: list[Record]) -> dict[str, claims.Verdict]:
    evidence = Evidence.of(run_of(records))
    return {claim.name: verdict for claim, verdict in claims.judge(evidence, assess(evidence))}


@pytest.mark.parametrize(
    ("pace", "outcome"),
    [([50, 51], "held"), ([200, 201], "did not hold"), ([70, 140], "can't be told")],
)
def test_who_leads_on_the_headline_tasks(pace: list[float], outcome: str) -> None:
    records = paces("mnist-mlp", pytorch=pace, tensorflow_keras=[100, 101], mxnet_gluon=[100, 101])
    assert judged(records)["scale"].outcome == outcome


def test_who_leads_is_not_told_without_those_of_whom_it_is_said() -> None:
    records = paces("mnist-mlp", mxnet_gluon=[100, 101], pytorch=[50, 51])
    assert judged(records)["scale"].outcome == "can't be told"


def modes(eager: list[float], compiled: list[float]) -> list[Record]:
    return [
        with_pace("pytorch", block, pace, mode=mode)
        for mode, values in (("eager", eager), ("compiled", compiled))
        for block, pace in enumerate(values)
    ]


@pytest.mark.parametrize(
    ("compiled", "outcome"),
    [([200, 201], "held"), ([50, 51], "did not hold"), ([70, 140], "can't be told")],
)
def test_whether_graphs_are_faster_and_pay(compiled: list[float], outcome: str) -> None:
    found = judged(modes([100, 101], compiled))
    assert found["graphs"].outcome == outcome
    assert found["compiling"].outcome == outcome


def test_what_is_faster_here_and_slower_there_is_mixed() -> None:
    """And whose cells a saying was tried on is said: another run may have other modes."""
    slower = [
        with_pace("paddlepaddle", block, pace, mode=mode)
        for mode, values in (("eager", (100, 101)), ("compiled", (50, 51)))
        for block, pace in enumerate(values)
    ]
    found = judged([*modes([100, 101], [200, 201]), *slower])
    assert found["graphs"].outcome == "mixed"
    assert (
        "Surely faster: 1 of PyTorch; surely slower: 1 of PaddlePaddle" in found["graphs"].figures
    )
    assert found["compiling"].outcome == "did not hold"  # "always" falls with a single one
    for name in ("graphs", "compiling"):
        assert "2 cells (1 of PaddlePaddle, 1 of PyTorch)" in found[name].figures


def test_who_is_easiest_to_start_with_is_whom_the_beginner_is_told() -> None:
    evidence, assessed = published()
    weights = personas.weights(personas.load("beginner"))
    told = advise(assessed, weights, evidence.frameworks)
    verdict = claims.start(evidence, assessed)
    scores = [f"{claims.title(one.framework)} {one.score:.2f}" for one in told.standings]
    assert f"score for a beginner: {', '.join(scores)}; " in verdict.figures
    ahead = {one.framework for one in told.standings[:2]} == {"pytorch", "tensorflow_keras"}
    sure = ahead and not any(one.tied for one in told.standings[1:2])
    assert (verdict.outcome == "held") == sure


def test_without_both_modes_it_takes_an_eager_one_that_is_ahead() -> None:
    ahead = paces("mnist-mlp", pytorch=[100, 101])
    behind = [with_pace("mxnet_gluon", block, 50 + block, mode="compiled") for block in (0, 1)]
    found = judged([*ahead, *behind])
    assert (found["graphs"].outcome, found["compiling"].outcome) == (
        "did not hold",
        "can't be told",
    )
    assert "between frameworks" in found["graphs"].figures
    assert judged(ahead)["graphs"].outcome == "can't be told"
    elsewhere = [
        with_pace(name, block, pace + block, task="cifar-cnn", mode=mode)
        for name, mode, pace in (("pytorch", "eager", 50), ("mxnet_gluon", "compiled", 150))
        for block in (0, 1)
    ]
    both = judged([*ahead, *behind, *elsewhere])["graphs"]
    assert both.outcome == "mixed"
    assert "On mnist-mlp, PyTorch, eager, trains 1.99 times".lower() in both.figures.lower()
    assert "and on cifar-cnn, MXNet Gluon, compiled, trains 2.9" in both.figures


def test_whether_accuracies_differ() -> None:
    def reaching(name: str, block: int, accuracy: float) -> Record:
        record = some_record()
        assert record.measurement
        last = replace(record.measurement.evaluations[-1], accuracy=accuracy, examples=10_000)
        cell = replace(record.job.cell, framework=name)
        return replace(
            record,
            job=replace(record.job, cell=cell, block=block, seed=block),
            measurement=replace(record.measurement, evaluations=(last,)),
        )

    def outcome(**by_name: list[float]) -> str:
        records = [
            reaching(name, block, value)
            for name, values in by_name.items()
            for block, value in enumerate(values)
        ]
        return judged(records)["accuracies"].outcome

    assert outcome(a=[0.9, 0.902, 0.898], b=[0.901, 0.9, 0.899]) == "did not hold"
    assert outcome(a=[0.9, 0.902, 0.898], b=[0.5, 0.501, 0.499]) == "held"
    assert outcome(a=[0.9], b=[0.5]) == "can't be told"


# Forms


@pytest.mark.parametrize("width", [80, 100, 160])
def test_the_terminal_holds_all_at_any_width(width: int) -> None:
    found = advice_content.collect(
        run_folder.read(PUBLISHED), [personas.load("edge"), personas.load("beginner")]
    )
    console = Console(width=width)
    with console.capture() as captured:
        console.print(advice_forms.to_terminal(found, width=width, facts=True))
    text = captured.get()
    assert max(map(len, text.splitlines())) <= width and "…" not in text
    flat = " ".join(text.split())
    for one in found["advice"]:
        for row in one["ranking"]:
            assert f"{row['score']:.2f}" in text
        for line in (one["headline"], *one["reasons"], *one["changes"], *one["notes"]):
            assert " ".join(line.split()) in flat
        for row in one["criteria"]:
            assert bool(re.search(rf"^{row['name']} *┃?│", text, re.MULTILINE)) == row["known"]
    for row in found["wisdom"]:
        assert flat.count(row["claim"]) == 1 and row["outcome"] in flat


def test_markdown_says_what_json_does() -> None:
    chosen = [personas.load("balanced"), personas.load("industry")]
    found = advice_content.collect(run_folder.read(PUBLISHED), chosen, ["speed=3"])
    text = advice_forms.to_markdown(found, facts=True)
    assert [one["persona"] for one in found["advice"]] == ["balanced", "industry"]
    for one in found["advice"]:
        for line in (one["headline"], *one["reasons"], *one["changes"], *one["notes"]):
            assert line in text
        assert f"# Advice for: {one['persona']} with speed=3" in text
    for row in found["wisdom"]:
        assert row["source"] in text and row["figures"][1:] in text
        assert text.count(row["claim"]) == 1
    for one in found["facts"]:
        for fact in one["known"].values():
            assert fact["source"] in text
    assert "not known" in text.lower()


def test_a_criterion_has_one_name() -> None:
    """In sentences as in tables, in JSON, and in the options: a reader can go on with any."""
    found = advice_content.collect(run_folder.read(PUBLISHED), [*personas.PERSONAS.values()])
    text = advice_forms.to_markdown(found, facts=False)
    for other in ("install size", "import time", "compile latency", "code a model"):
        assert other not in text
    assert "startup (" in text and "| startup" in text and "install-size" in text
    for one in found["advice"]:
        assert [row["name"] for row in one["criteria"]] == [*CRITERIA]
        for row in one["ranking"]:
            assert {*row["strong"], *row["weak"]} <= set(CRITERIA)


def test_what_overlaps_in_a_tie_is_said() -> None:
    """a can't be told from b or c, of which b is ahead."""
    draws = {"a": (0.9, 0.2), "b": (0.85, 0.001), "c": (0.8, 0.001)}
    rng = np.random.default_rng(0)
    spread = [
        middle + width * rng.standard_normal(block_samples.DRAWS)
        for middle, width in draws.values()
    ]
    scores = {name: middle for name, (middle, _) in draws.items()}
    speed = replace(figures("speed", scores), draws=np.stack(spread, axis=1))
    assert sentences.headline(advice_of({"speed": 1}, speed)) == (
        "a and b can't be told apart; a and c can't be told apart either, though b is ahead of c: "
        "the intervals of their differences include 0."
    )


def test_an_unchecked_fact_is_marked() -> None:
    (found,) = advice_content.collect(run_folder.read(PUBLISHED), [personas.load("balanced")])[
        "advice"
    ]
    _, rows, _ = advice_forms.criteria(found)
    for row, told in zip(rows, (one for one in found["criteria"] if one["known"]), strict=True):
        for cell, one in zip(row[2:], told["frameworks"].values(), strict=True):
            assert ("*" in cell) == (not one["checked"])
    unchecked = {
        row["name"]
        for row in found["criteria"]
        for one in row["frameworks"].values()
        if not one["checked"]
    }
    assert unchecked == {"ecosystem"}


def test_whether_unchecked_facts_decide_is_said() -> None:
    def notes(persona: str, *overrides: str) -> str:
        found = advice_content.collect(
            run_folder.read(PUBLISHED), [personas.load(persona)], overrides
        )
        return "\n".join(found["advice"][0]["notes"])

    assert "Ecosystem rests on facts that were not read at their source (*); without, " in notes(
        "balanced"
    )
    assert "not read" not in notes("balanced", "ecosystem=0")
    alone = [f"{name}=0" for name in CRITERIA if name != "ecosystem"]
    assert notes("balanced", *alone).startswith(
        "Ecosystem rests on facts that were not read at their source (*)."
    )


def test_whom_no_measurement_is_of_is_told_so() -> None:
    edge, beginner = (
        advice_content.collect(run_folder.read(PUBLISHED), [personas.load(name)])["advice"][0]
        for name in ("edge", "beginner")
    )
    assert any("No phone or board was measured" in line for line in edge["notes"])
    assert not any("phone" in line for line in beginner["notes"])


def test_the_headline_says_so_where_unread_facts_decide() -> None:
    speed = figures("speed", {"a": 1.0, "b": 0.9, "c": 0.5})
    code = figures("code", dict.fromkeys("abc", 0.5))
    first = advice_of({"speed": 1, "code": 1}, speed, code)
    assert "more than measurement noise" in sentences.headline(first, first)
    told = sentences.headline(first, advice_of({"code": 1}, code))
    assert told.endswith("; without facts that were not read at their source, that is not sure.")
    assert "noise" not in told


def test_whose_figures_others_disturbed_is_said() -> None:
    found = advice_content.collect(run_folder.read(GPU), [personas.load("balanced")])
    assert (
        "Not to be trusted, as most windows were contended: JAX/Flax compiled on mnist-mlp-sgd."
        in found["advice"][0]["notes"]
    )
    (quiet,) = advice_content.collect(run_folder.read(PUBLISHED), [personas.load("balanced")])[
        "advice"
    ]
    assert not any("contended" in line for line in quiet["notes"])
