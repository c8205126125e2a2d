"""Whether cells that share weights and batches trained alike."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
import pytest

from bench.analysis import agreement
from bench.analysis.agreement import LOSS_LIMITS
from bench.analysis.block_losses import BlockLosses, middles
from bench.analysis.results import Results
from bench.core.measurement import Windows
from bench.core.record import Cell, Record
from bench.core.setting import Setting
from bench.core.task import LOSS_TOLERANCE, Budget
from bench.launch.catalogue import TREE
from bench.proof.tolerances import EARLY_STEPS
from bench.records import run_folder
from bench.records.snapshot import TaskSnapshot
from bench.records.snapshot_taking import task as snapshot_of
from tests.test_core import WINDOWS, some_record
from tests.test_tables import run_of

CURVE = 2.3 * np.exp(-np.arange(32) / 20)
EPOCHS = (0.5, 0.2)


def trained(
    framework: str,
    *,
    losses: Sequence[float] = tuple(CURVE),
    epochs: Sequence[float] = EPOCHS,
    mode: str = "eager",
    block: int = 0,
    task: str = "mnist-mlp",
    precision: str = "float32",
) -> Record:
    record = some_record()
    assert record.measurement
    cell = replace(record.job.cell, framework=framework, mode=mode, task=task)
    cell = cell.with_setting(precision=precision)
    windows = [
        WINDOWS[0]._replace(epoch=epoch, loss=loss + change)
        for epoch, loss in enumerate(epochs)
        for change in (0.1, -0.1)
    ]
    return replace(
        record,
        job=replace(record.job, cell=cell, block=block, seed=block),
        measurement=replace(
            record.measurement,
            windows=Windows.of(windows),
            evaluations=(
                replace(
                    record.measurement.evaluations[-1],
                    step=sum(window.steps for window in windows),
                ),
            ),
            first_losses=tuple(losses),
        ),
    )


def known(name: str) -> TaskSnapshot:
    return snapshot_of(name, None)


def found(*records: Record) -> dict[str, str]:
    """The frameworks and modes about which something was found, with the check."""
    return {
        f"{finding.cell.framework} {finding.cell.mode}": finding.check
        for finding in reversed(list(agreement.findings(records, known)))
    }


def off(step: int, share: float) -> list[float]:
    """The curve with one loss off by a share of the mean."""
    losses = list(CURVE)
    losses[step] += share * CURVE.mean()
    return losses


ALIKE = tuple(trained(name) for name in "abc")


def test_cells_that_train_alike_show_nothing() -> None:
    rounded = trained("d", losses=off(2, 5e-5), epochs=(0.501, 0.199))
    assert found(*ALIKE, rounded) == {}


@pytest.mark.parametrize("precision", LOSS_LIMITS)
def test_first_losses_that_differ_are_found(precision: str) -> None:
    limits = LOSS_LIMITS[precision]
    assert limits.later
    for step, limit, check in (
        (EARLY_STEPS - 1, limits.early, "early" if limits.early < limits.alone else "alone"),
        (EARLY_STEPS, limits.later, "later"),
        (31, limits.later, "later"),
    ):
        for share, expected in ((0.9 * limit, {}), (1.1 * limit, {"d eager": check})):
            odd = off(step, share)
            assert found(*in_blocks(odd, odd, precision=precision)) == expected


def in_blocks(*odd: Sequence[float], precision: str = "float32") -> list[Record]:
    """A run in which the fourth cell has these first losses, block by block."""
    return [
        trained(name, losses=losses if name == "d" else CURVE, block=block, precision=precision)
        for block, losses in enumerate(odd)
        for name in "abcd"
    ]


def test_one_block_in_which_rounding_fell_otherwise_shows_nothing() -> None:
    """A rectifier's edge is crossed now and then; an adapter's fault is there in every block."""
    once, same = off(3, 50 * LOSS_LIMITS["float32"].early * 0.9), list(CURVE)
    assert found(*in_blocks(once)) == {}
    assert found(*in_blocks(same, once, same)) == {}
    assert found(*in_blocks(once, same, once, same)) == {}
    assert found(*in_blocks(once, same, once)) == {"d eager": "early"}
    far = off(3, 50 * LOSS_LIMITS["float32"].early * 1.1)
    assert found(*in_blocks(same, far, same)) == {"d eager": "alone"}


def test_a_reason_has_as_many_digits_as_it_takes() -> None:
    odd = off(3, 1.001e-4)
    reasons = {finding.reason for finding in agreement.findings(in_blocks(odd, odd), known)}
    assert [reason for reason in reasons if "(0.00010" in reason and "0.0001 allowed" in reason]


def test_mean_losses_of_epochs_that_differ_are_found() -> None:
    allowed = known("mnist-mlp").loss_tolerance * EPOCHS[0]
    for change, expected in ((0.9 * allowed, {}), (1.1 * allowed, {"d eager": "epochs"})):
        odd = trained("d", epochs=(EPOCHS[0], EPOCHS[1] + change))
        assert found(*ALIKE, odd) == expected


def test_where_the_others_scatter_one_block_shows_nothing() -> None:
    """A plateau of the loss that each leaves at its own time; what most blocks show is a fault."""
    imdb = {"task": "imdb-lstm"}
    allowed = known("imdb-lstm").loss_tolerance * EPOCHS[0]

    def block(number: int, *off: float) -> list[Record]:
        return [
            trained(name, epochs=(EPOCHS[0], EPOCHS[1] + share * allowed), block=number, **imdb)
            for name, share in zip("abcde", off, strict=True)
        ]

    far, near = (-0.3, -0.1, 0.0, 0.3, 1.1), (-0.2, -0.1, 0.0, 0.2, 1.1)
    alike, odd = (0.0,) * 5, {"e eager": "epochs"}
    assert found(*block(0, *far)) == {} and found(*block(0, *near)) == odd
    assert found(*block(0, *far), *block(1, *alike), *block(2, *alike)) == {}
    assert found(*block(0, *far), *block(1, *far), *block(2, *alike)) == odd
    assert found(*block(0, *far), *block(1, *far), *block(2, *alike), *block(3, *alike)) == {}
    # a framework's own other mode, which has the same fault, is not among the others
    twin = trained("e", epochs=(EPOCHS[0], EPOCHS[1] + 1.1 * allowed), mode="compiled", **imdb)
    assert found(*block(0, *near), twin) == odd | {"e compiled": "epochs"}


def test_of_two_frameworks_both_are_found() -> None:
    odd = trained("b", losses=off(0, 0.5))
    assert found(ALIKE[0], odd) == {"a eager": "alone", "b eager": "alone"}
    reasons = [finding.reason for finding in agreement.findings([ALIKE[0], odd], known)]
    assert all("nothing says which is right" in reason for reason in reasons)
    assert all("the loss of step 1 is" in reason for reason in reasons)


def test_many_modes_of_a_framework_do_not_outvote_the_others() -> None:
    wrong = [
        trained("d", losses=off(0, 0.5), mode=mode) for mode in ("eager", "compiled", "xla", "fit")
    ]
    names = {f"d {mode}": "alone" for mode in ("eager", "compiled", "xla", "fit")}
    assert found(*ALIKE, *wrong) == names
    # nor does one mode of theirs make the others wrong
    assert found(*ALIKE, trained("a", losses=off(0, 0.5), mode="compiled")) == {
        "a compiled": "alone"
    }


def test_only_what_shares_weights_and_batches_is_compared() -> None:
    odd = trained("d", losses=off(0, 0.5), epochs=(5.0, 2.0))
    assert odd.measurement
    for other in (
        replace(odd, job=replace(odd.job, block=1)),
        replace(odd, job=replace(odd.job, seed=7)),
        replace(odd, job=replace(odd.job, budget=Budget(epochs=3))),
        replace(odd, batch=32),
        replace(odd, measurement=replace(odd.measurement, weights_digest="other")),
        trained("d", losses=off(0, 0.5), precision="bf16"),
    ):
        assert found(*ALIKE, other) == {}
    slower = odd.job.cell.with_setting(threads=1, tuning="default")
    assert found(*ALIKE, replace(odd, job=replace(odd.job, cell=slower))) == {"d eager": "alone"}


@pytest.mark.parametrize("task", ["mnist-mlp-dropout", "mnist-vae", "mnist-gan"])
def test_where_frameworks_draw_random_numbers_only_epochs_are_compared(task: str) -> None:
    alike = [trained(name, task=task) for name in "abc"]
    assert found(*alike, trained("d", task=task, losses=off(0, 0.5))) == {}
    assert found(*alike, trained("d", task=task, epochs=(0.5, 0.1))) == {"d eager": "epochs"}


def test_batch_normalization_amplifies_rounding() -> None:
    task = "cifar-resnet20"
    alike = [trained(name, task=task) for name in "abc"]
    assert found(*alike, trained("d", task=task, losses=off(0, 5e-3))) == {}
    assert found(*alike, trained("d", task=task, losses=off(31, 0.3))) == {}
    assert found(*alike, trained("d", task=task, losses=off(0, 0.1))) == {"d eager": "alone"}


def test_reduced_precisions_have_the_widest_tolerance_of_epochs() -> None:
    assert known("mnist-softmax").loss_tolerance < LOSS_TOLERANCE
    odd = {"epochs": (EPOCHS[0], EPOCHS[1] + 0.9 * LOSS_TOLERANCE * EPOCHS[0])}
    for precision, expected in (("bf16", {}), ("float32", {"d eager": "epochs"})):
        alike = [trained(name, task="mnist-softmax", precision=precision) for name in "abc"]
        other = trained("d", task="mnist-softmax", precision=precision, **odd)
        assert found(*alike, other) == expected


def test_a_cell_that_trains_otherwise_is_wrong() -> None:
    odd = trained("mxnet_gluon", losses=off(0, 0.5))
    results = Results.of(run_of([trained("pytorch"), trained("jax_flax"), odd]))
    statuses = {summary.cell.framework: summary.status for summary in results.summaries}
    assert statuses == {"pytorch": "ok", "jax_flax": "ok", "mxnet_gluon": "wrong"}


@pytest.mark.parametrize(
    "folder", sorted((TREE / "results").glob("*/run.json")), ids=lambda file: file.parent.name
)
def test_nothing_is_found_in_a_published_run(folder: object) -> None:
    results = Results.of(run_folder.read(folder.parent))  # type: ignore[attr-defined]
    assert [str(summary.cell) for summary in results.summaries if not summary.ok] == []


def test_the_middle_has_the_same_weight_for_every_framework() -> None:
    """By its definition, column by column: also where shares add up to half within rounding."""
    rng = random.Random(0)
    for _ in range(200):
        rows = {
            cell(f"f{framework}", mode): [float(rng.randint(0, 5)) for _ in range(4)]
            for framework in range(rng.randint(1, 5))
            for mode in "abc"[: rng.randint(1, 3)]
        }
        values = np.array([*rows.values()])
        for position, found in enumerate(middles([key.framework for key in rows], values[None])[0]):
            values = {key: row[position] for key, row in rows.items()}
            below, above = (
                sum(share(rows, key) for key, value in values.items() if sign * (value - found) > 0)
                for sign in (-1, 1)
            )
            half = len({key.framework for key in rows}) / 2
            assert below <= half + 1e-9 and above <= half + 1e-9


def test_losses_are_judged_as_far_as_every_cell_of_a_block_has_them() -> None:
    rows = [[[1.0, 2.0], [3.0]], [[], [1.0]], [[5.0], [7.0, 8.0]]]
    (losses,) = BlockLosses.tables(["a", "b"], rows, scale_of=1)
    assert [*losses.blocks] == [0, 2]
    assert losses.middle.tolist() == [[2.0], [6.0]] and losses.scale.tolist() == [2.0, 6.0]


def cell(framework: str, mode: str) -> Cell:
    return Cell(framework=framework, task="mnist-mlp", mode=mode, setting=Setting())


def share(rows: Mapping[Cell, object], key: Cell) -> float:
    """The weight of a cell, of which each framework's have 1 together."""
    return 1 / sum(other.framework == key.framework for other in rows)
