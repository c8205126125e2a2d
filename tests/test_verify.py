"""Each check of a proof, on arrays that deviate by a known amount in one place."""

from __future__ import annotations

import io
import math
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import cache

import numpy as np
import pytest

from bench import tasks
from bench.cli.display import PlainConsole
from bench.core.arrays import Array
from bench.core.setting import Precision, Setting
from bench.core.task import Task
from bench.core.weights import initial_weights, opened
from bench.launch import catalogue
from bench.proof import distances
from bench.proof.certificate import Certificate, Claim
from bench.proof.checks import CHECKS, compare
from bench.proof.float32_tolerances import FLOAT32, LEAST
from bench.proof.one_check import Check
from bench.proof.tolerances import EARLY_STEPS, TOLERANCES, kind_special, special, tolerance
from bench.records.snapshot_taking import of_proofs
from bench.report.proof import proof_forms
from bench.worker.full_trace import DEAR_STEPS, FULL_STEPS, LONG_STEPS, is_long
from bench.worker.trace import FORMULA_STEPS, HEAVY_STEPS, STEPS
from tests.benchmarks.tolerances import ROOM, certificates, worst
from tests.conftest import Framebench

TASK = tasks.load("mnist-mlp-dropout")
RATE = TASK.dropout["hidden"]
DRAWS = 40


def trace() -> dict[str, Array]:
    """An artificial trace with the right shapes: always the same, in arrays of its own."""
    return {name: array.copy() for name, array in _trace().items()}


@cache
def _trace() -> Mapping[str, Array]:
    rng = np.random.default_rng(0)
    arrays: dict[str, Array] = {"parameters": np.array(TASK.parameter_count)}
    for name, weight in initial_weights(TASK, 0).items():
        arrays[f"weights/{name}"] = weight
        arrays[f"grads/{name}"] = rng.normal(size=weight.shape)
        arrays[f"updated/{name}"] = weight + 1e-3 * rng.normal(size=weight.shape)
        arrays[f"formula/{name}"] = weight + 1e-3 * rng.normal(size=weight.shape)
        for state in ("mean", "square"):
            arrays[f"state/{state}/{name}"] = rng.normal(size=weight.shape)
    arrays |= full(TASK, rng, steps=FULL_STEPS)
    arrays["long/losses"] = rng.uniform(1, 2, LONG_STEPS)
    arrays["long/evaluated"] = rng.uniform(1, 2, 9)
    for name in initial_weights(TASK, 0):
        moved = rng.normal(size=arrays[f"full/weights/{name}"].shape)
        arrays[f"long/weights/{name}"] = arrays[f"full/weights/{name}"] + moved
    arrays["seeds/losses"] = np.array([[1.0], [1.25]])
    arrays["saturated/factor"] = np.array(2.0)
    arrays["saturated/outputs/logits"] = rng.normal(size=(32, 10))
    arrays["saturated/losses"] = np.array([3.0])
    for name, weight in initial_weights(TASK, 0).items():
        arrays[f"saturated/grads/{name}"] = rng.normal(size=weight.shape)
        arrays[f"saturated/updated/{name}"] = 2 * weight + 1e-3 * rng.normal(size=weight.shape)
        for state in ("mean", "square"):
            arrays[f"saturated/state/{state}/{name}"] = rng.normal(size=weight.shape)
    arrays["outputs/logits"] = rng.normal(size=(32, 10))
    arrays["evaluated/logits"] = rng.normal(size=(250, 10))
    arrays["losses"] = rng.uniform(1, 2, (STEPS, 1))
    arrays["dropout/hidden/values"] = values(seed=0)
    arrays["dropout/hidden/read"] = rng.normal(1, 0.1, (DRAWS, 128))
    arrays["dropout/hidden/losses"] = arrays["dropout/hidden/read"].sum(axis=1)
    arrays["dropout/hidden/moved"] = arrays["dropout/hidden/read"].copy()
    arrays["dropout/hidden/losses_read"] = arrays["dropout/hidden/read"].sum(axis=1)
    arrays["dropout/hidden/logits"] = rng.normal(size=(10, 10))
    return arrays


def full(task: Task, rng: np.random.Generator, *, steps: int) -> dict[str, Array]:
    """The part of an artificial trace that is at full size."""
    start = opened(task, initial_weights(task, 1))
    return {
        "full/seed": np.array(1),
        "full/losses": rng.uniform(1, 2, steps),
        "full/evaluated": rng.uniform(1, 2, 1),
        **{
            f"full/weights/{name}": weight + 1e-3 * rng.normal(size=weight.shape)
            for name, weight in start.items()
        },
    }


def values(
    *,
    seed: int,
    rate: float = RATE,
    scale: float = 1 / (1 - RATE),
    alike: tuple[int, ...] = (),
    shape: tuple[int, int, int, int] = (DRAWS, 9, 32, 4),
) -> Array:
    """Draws of dropout, equal along the axes `alike`."""
    drawn = tuple(1 if axis in alike else length for axis, length in enumerate(shape))
    kept = np.random.default_rng(seed).random(drawn) >= rate
    return np.broadcast_to(kept, shape) * scale


def failed(traced: Mapping[str, Array], precision: str = "float64") -> list[Check]:
    """The checks that fail; asserts that all checks of the precision are there, in order."""
    every = compare(TASK, traced, trace(), precision)  # type: ignore[arg-type]
    allowed = TOLERANCES[precision]
    optional = {
        "formula": allowed.formula,
        "rounding": allowed.rounding,
        "long curve": allowed.long_curve,
        "saturated": allowed.saturated,
    }
    expected = [name for name in CHECKS if optional.get(name, name != "noise")]
    assert [check.name for check in every] == expected
    return [check for check in every if not check.passed]


@pytest.mark.parametrize(
    ("key", "where"),
    [
        ("factor", "factor"),
        ("outputs/logits", "logits"),
        ("losses", "loss 1"),
        ("grads/hidden.weight", "gradient of hidden.weight"),
        ("updated/output.bias", "update of output.bias"),
        ("state/mean/hidden.bias", "state/mean/hidden.bias"),
    ],
)
def test_what_differs_only_from_large_weights_fails(key: str, where: str) -> None:
    traced = trace()
    traced[f"saturated/{key}"] *= 1.001
    (check,) = failed(traced)
    assert (check.name, check.where) == ("saturated", where)
    assert failed(traced, "float32") == []


def test_draws_that_do_not_follow_from_the_seed_fail() -> None:
    traced = trace()
    traced["seeds/losses"][1] = traced["seeds/losses"][0]
    assert [check.name for check in failed(traced)] == ["seeds"]


def test_a_trace_equals_itself() -> None:
    assert failed(trace()) == []
    assert failed(trace(), "float32") == []


def scaled(key: str, place: int | None, factor: float) -> Callable[[dict[str, Array]], None]:
    def change(arrays: dict[str, Array]) -> None:
        flat = arrays[key].astype(np.float64).ravel()
        flat[slice(None) if place is None else place] *= factor
        arrays[key] = flat.reshape(arrays[key].shape)

    return change


KEPT = int(values(seed=0).argmax())
LARGEST = int(np.abs(trace()["outputs/logits"]).argmax())
CHANGES = {
    "weights": (scaled("weights/hidden.weight", 5, 1 + 1e-6), "weights"),
    "outputs": (scaled("outputs/logits", LARGEST, 1 + 1e-8), "outputs"),
    "first loss": (scaled("losses", 0, 1 + 1e-8), "loss"),
    "gradients": (scaled("grads/output.bias", None, 1 + 1e-8), "gradients"),
    "update": (scaled("updated/output.weight", None, 1 + 1e-8), "update"),
    "state": (scaled("state/square/hidden.bias", None, 1 + 1e-8), "state"),
    "early loss": (scaled("losses", EARLY_STEPS - 1, 1 + 1e-8), "curve"),
    "last loss": (scaled("losses", STEPS - 1, 1 + 1e-8), "curve"),
    "evaluated": (scaled("evaluated/logits", None, 1 + 1e-8), "evaluated"),
    "full loss": (scaled("full/losses", FULL_STEPS - 1, 1 + 1e-8), "full steps"),
    "full evaluation": (scaled("full/evaluated", 0, 1 + 1e-8), "full steps"),
    "full update": (scaled("full/weights/hidden.bias", None, 1 + 1e-8), "full update"),
    "late loss": (scaled("long/losses", LONG_STEPS - 1, 1 + 1e-8), "long curve"),
    "late evaluation": (scaled("long/evaluated", 8, 1 + 1e-8), "long curve"),
    "late weights": (scaled("long/weights/output.weight", None, 1 + 1e-8), "long curve"),
    "another scale": (scaled("dropout/hidden/values", None, 1 + 2e-7), "dropout backward"),
    "a value on another scale": (
        scaled("dropout/hidden/values", KEPT, 1 + 1e-8),
        "dropout backward",
    ),
    "another loss": (scaled("dropout/hidden/losses", None, 1 + 1e-8), "dropout backward"),
    "dropout backward": (scaled("dropout/hidden/moved", None, 1 + 1e-8), "dropout backward"),
    "dropout in evaluation": (scaled("dropout/hidden/logits", None, 1 + 1e-8), "dropout off"),
}


@pytest.mark.parametrize("name", CHANGES)
def test_a_change_is_detected_by_its_check(name: str) -> None:
    change, check = CHANGES[name]
    arrays = trace()
    change(arrays)
    assert check in [check.name for check in failed(arrays)]


def test_another_formula_is_detected_in_float32() -> None:
    arrays = trace()
    scaled("formula/hidden.bias", None, 1 + 1e-2)(arrays)
    assert [check.name for check in failed(arrays, "float32")] == ["formula"]


def test_the_worst_place_is_named() -> None:
    arrays = trace()
    scaled("grads/output.bias", None, 2)(arrays)
    (gradients,) = failed(arrays)
    assert gradients.where == "output.bias" and gradients.deviation == pytest.approx(1)
    assert gradients.ulps == pytest.approx(1 / np.finfo(np.float64).eps)
    assert str(gradients) == "gradients: off by 1 in output.bias, where 1e-09 is allowed"


def test_weights_that_are_not_to_move_must_not() -> None:
    still = np.ones(2)
    assert distances.update(still, still, still) == 0
    assert distances.update(np.array([1.0, 1.0 + 1e-15]), still, still) == math.inf
    assert distances.update(still, np.array([1.0, 2.0]), still) == 1


def test_a_deviation_from_nothing_is_infinite() -> None:
    nothing = np.zeros(2)
    assert distances.largest(nothing, nothing) == 0
    assert distances.largest(np.array([0.0, 1e-300]), nothing) == math.inf
    assert distances.largest(np.array([1.0, 3.0]), np.array([1.0, 2.0])) == 0.5


@pytest.mark.parametrize(
    ("deviation", "text"),
    [(2e-9, "by 2e-09, where 1e-09"), (1.004e-9, "by 1.004e-09, where 1e-09")],
)
def test_a_deviation_has_as_many_digits_as_tell_it_from_what_is_allowed(
    deviation: float, text: str
) -> None:
    assert text in str(Check(name="loss", deviation=deviation, tolerance=1e-9))


def test_nan_fails() -> None:
    for key, check in (
        ("outputs/logits", "outputs"),
        ("state/mean/output.bias", "state"),
        ("losses", "loss"),
        ("grads/hidden.bias", "gradients"),
    ):
        arrays = trace()
        arrays[key] = np.full_like(arrays[key], np.nan, dtype=float)
        assert check in [check.name for check in failed(arrays)]


def test_another_shape_fails() -> None:
    arrays = trace()
    arrays["outputs/logits"] = arrays["outputs/logits"][:-1]
    arrays["grads/hidden.bias"] = arrays["grads/hidden.bias"][:-1]
    assert {check.name for check in failed(arrays)} == {"outputs", "gradients"}


def test_one_parameter_too_many_fails() -> None:
    arrays = trace()
    arrays["parameters"] = np.array(TASK.parameter_count + 1)
    assert [check.name for check in failed(arrays)] == ["parameters"]


def dropout_of(drawn: Array) -> Check:
    """The check of draws."""
    every = compare(TASK, trace() | {"dropout/hidden/values": drawn}, trace(), "float64")
    return next(check for check in every if check.name == "dropout")


@pytest.mark.frameworks
def test_draws_of_the_same_distribution_pass() -> None:
    wide = (20, 9, 100, 64)
    shapes = [(200, 9, 128, 1), (57, 9, 50, 9), (DRAWS, 9, 32, 4), wide]
    for seed in range(20):
        assert dropout_of(values(seed=seed, shape=shapes[seed % 4])).passed


@pytest.mark.parametrize("rate", [0.0, RATE - 0.01, RATE + 0.01, 0.5, 1.0])
def test_draws_at_another_rate_fail(rate: float) -> None:
    assert not dropout_of(values(seed=0, rate=rate, shape=(200, 9, 128, 1))).passed


def test_a_rate_may_be_rounded_to_the_precision() -> None:
    drawn = values(seed=0, rate=26 / 128, shape=(800, 9, 128, 1))
    traced = trace() | {"dropout/hidden/values": drawn}
    for precision, passes in (("float32", False), ("bf16", True)):
        by_name = {check.name: check for check in compare(TASK, traced, trace(), precision)}
        assert by_name["dropout"].passed == passes


# Axes: draws, examples, channels, places.
@pytest.mark.parametrize("alike", [(0,), (1,), (2,), (3,), (0, 1), (2, 3), (1, 2, 3)])
def test_draws_that_depend_on_each_other_fail(alike: tuple[int, ...]) -> None:
    assert not dropout_of(values(seed=0, alike=alike)).passed


def test_draws_that_repeat_fail() -> None:
    few = values(seed=0)[: DRAWS // 4]
    assert not dropout_of(np.concatenate([few] * 4)).passed


def test_draws_that_always_drop_the_same_number_fail() -> None:
    rng = np.random.default_rng(0)
    kept = np.arange(128) >= 128 * RATE
    drawn = np.array([rng.permutation(kept) for _ in range(DRAWS * 9)])
    check = dropout_of(drawn.reshape(DRAWS, 9, 128, 1) / (1 - RATE))
    assert not check.passed and check.where == "hidden"


def test_float32_allows_what_rounding_explains_and_no_more() -> None:
    reference = {key: array.astype(np.float64) for key, array in trace().items()}
    rounded = {
        key: array if key == "parameters" else array.astype(np.float32)
        for key, array in trace().items()
    }
    assert failed(rounded, "float32") == []
    half = {**rounded, "outputs/logits": reference["outputs/logits"].astype(np.float16)}
    assert [check.name for check in failed(half, "float32")] == ["outputs"]


def test_tolerances_are_tighter_in_float64() -> None:
    for name, value in vars(TOLERANCES["float64"]).items():
        if name not in ("rounding", "long_curve", "saturated"):
            assert (value or 0) <= 1e-9 < getattr(TOLERANCES["float32"], name)


@pytest.mark.parametrize("precision", ["tf32", "bf16", "fp16"])
def test_a_reduced_precision_must_show_its_rounding(precision: str) -> None:
    (hidden,) = failed(trace(), precision)
    assert hidden.name == "rounding" and hidden.deviation > 1
    arrays = trace()
    arrays["outputs/logits"] = arrays["outputs/logits"] * (1 + TOLERANCES[precision].outputs / 2)
    assert failed(arrays, precision) == []
    arrays["outputs/logits"] = arrays["outputs/logits"] * (1 + TOLERANCES[precision].outputs)
    (coarse,) = failed(arrays, precision)
    assert coarse.name == "outputs"


@pytest.mark.parametrize(
    ("precision", "passes"),
    [("float64", False), ("float32", False), ("tf32", True), ("bf16", True), ("fp16", True)],
)
def test_a_bias_may_move_to_the_other_side_in_16_bits_and_the_weights_may_not(
    precision: str, passes: bool
) -> None:
    """Its gradient is a sum that may be all rounding, and Adam moves it by the full rate."""
    start = opened(TASK, initial_weights(TASK, 1))
    arrays = trace()
    arrays["outputs/logits"] = arrays["outputs/logits"] * (1 + TOLERANCES[precision].outputs / 2)

    def turned(name: str) -> Array:
        return 2 * start[name] - trace()[f"full/weights/{name}"]

    arrays["full/weights/hidden.bias"] = turned("hidden.bias")
    assert [check.name for check in failed(arrays, precision)] == ["full update"] * (not passes)
    arrays["full/weights/hidden.weight"] = turned("hidden.weight")
    assert [check.name for check in failed(arrays, precision)][:1] == ["full update"]
    arrays["full/weights/hidden.weight"] = np.zeros(3)
    assert [check.name for check in failed(arrays, precision)][:1] == ["full update"]


@pytest.mark.parametrize(
    ("precision", "passes"),
    [("float64", False), ("float32", False), ("tf32", True), ("bf16", True), ("fp16", True)],
)
def test_losses_may_diverge_sooner_where_updates_are_coarse(precision: str, passes: bool) -> None:
    """By 1.9e-3 at the fifth step, as in every framework in fp16, but not by a hundredth."""
    arrays = trace()
    arrays["outputs/logits"] = arrays["outputs/logits"] * (1 + TOLERANCES[precision].outputs / 2)
    scaled("losses", EARLY_STEPS - 1, 1.0019)(arrays)
    assert [check.name for check in failed(arrays, precision)] == ["curve"] * (not passes)
    scaled("losses", EARLY_STEPS - 1, 1.01)(arrays)
    assert [check.name for check in failed(arrays, precision)] == ["curve"]


def test_only_two_kinds_of_tasks_have_looser_tolerances() -> None:
    """Batch normalization; a heavy image task without, for the formula; those on large images."""
    loosened = {
        (name, precision): dict(kind_special(tasks.load(name), precision))
        for name in tasks.names()
        for precision in TOLERANCES
    }
    assert {where for where, tolerances in loosened.items() if "formula" in tolerances} == {
        ("cifar-vgg", "float32")
    }
    assert loosened["cifar-vgg", "float32"] == {"formula": 1e-2}
    assert loosened["xray-cnn", "float32"] == {"full_steps": 3e-3, "full_evaluated": 3e-3}
    assert {name for (name, _), tolerances in loosened.items() if tolerances} == {
        "cifar-vgg",
        "cifar-resnet20",
        "style-transfer",
        "xray-cnn",
    }


@pytest.mark.parametrize("name", FLOAT32)
def test_a_task_of_its_own_tolerances_is_held_more_tightly(name: str) -> None:
    task = tasks.load(name)
    usual = vars(TOLERANCES["float32"]) | kind_special(task, "float32")
    assert FLOAT32[name]
    for quantity, value in FLOAT32[name].items():
        assert LEAST <= value < usual[quantity]
        assert getattr(tolerance(task, "float32"), quantity) == value
        assert quantity not in special(task, "float64") or task.running_statistics


def test_a_task_that_is_not_listed_has_the_usual_tolerances() -> None:
    unlisted = replace(TASK, name="task-of-a-plug-in")
    assert tolerance(unlisted, "float32") == TOLERANCES["float32"]


def test_published_certificates_keep_to_the_tolerances() -> None:
    """With room: other machines, and versions to come, must not raise a false alarm."""
    results = catalogue.TREE / "results"
    published = [results / "certificate.json", *sorted(results.glob("*/run.json"))]
    shown = worst(certificates(published))
    assert shown.keys() >= FLOAT32.keys()
    for name, of_task in shown.items():
        for quantity, (deviation, _) in of_task.items():
            room = getattr(tolerance(tasks.load(name), "float32"), quantity) / deviation
            assert room >= (ROOM if quantity in FLOAT32.get(name, {}) else 1), (name, quantity)


def test_a_curve_of_another_number_of_steps_fails() -> None:
    arrays = trace()
    arrays["long/losses"] = arrays["long/losses"][:-1]
    (short,) = failed(arrays)
    assert short.name == "long curve" and short.deviation == math.inf


def test_only_small_perceptrons_and_factors_have_a_long_curve() -> None:
    assert {name for name in tasks.names() if is_long(tasks.load(name))} == {
        name for name in tasks.names() if name.startswith(("mnist", "movielens", "cora"))
    } - {"mnist-vae", "mnist-gan"}


RESNET = tasks.load("cifar-resnet20")


def normalized_trace() -> dict[str, Array]:
    """An artificial trace of the reference on a task with batch normalization."""
    rng = np.random.default_rng(0)
    arrays: dict[str, Array] = {"parameters": np.array(RESNET.parameter_count)}
    initial = initial_weights(RESNET, 0)
    start = opened(RESNET, initial)
    for name, weight in initial.items():
        arrays[f"weights/{name}"] = weight
        arrays[f"grads/{name}"] = rng.normal(size=weight.shape)
        arrays[f"updated/{name}"] = weight + 1e-3 * rng.normal(size=weight.shape)
        arrays[f"formula/{name}"] = start[name] + 1e-3 * rng.normal(size=weight.shape)
        arrays[f"state/velocity/{name}"] = rng.normal(size=weight.shape)
    arrays |= full(RESNET, rng, steps=DEAR_STEPS)
    arrays["outputs/logits"] = rng.normal(size=(16, 10))
    arrays["losses"] = rng.uniform(1, 2, (HEAVY_STEPS, 1))
    arrays["opened/losses"] = rng.uniform(1, 2, (FORMULA_STEPS, 1))
    for key in ("evaluated/logits", "opened/evaluated/logits"):
        arrays[key] = rng.normal(size=(250, 10))
        arrays[f"{key}/unbiased"] = arrays[key] * (1 + 1e-3)
    return arrays


@pytest.mark.parametrize(("precision", "shown"), [("float64", False), ("float32", True)])
def test_a_heavy_image_task_shows_its_full_size_in_the_timed_precision_alone(
    precision: Precision, shown: bool
) -> None:
    reference = normalized_trace()
    checks = compare(RESNET, normalized_trace(), reference, precision)
    assert ("full steps" in {check.name for check in checks}) == shown


def failed_normalized(traced: Mapping[str, Array], precision: str) -> list[str]:
    every = compare(RESNET, traced, normalized_trace(), precision)  # type: ignore[arg-type]
    return [check.name for check in every if not check.passed]


@pytest.mark.parametrize("precision", TOLERANCES)
def test_a_running_variance_may_be_over_n_or_n_minus_1(precision: str) -> None:
    prefix = "" if precision == "float64" else "opened/"
    arrays = normalized_trace()
    for _ in range(2):
        # both traces are the reference's, so there is no rounding
        assert set(failed_normalized(arrays, precision)) <= {"rounding"}
        key = f"{prefix}evaluated/logits"
        arrays[key] = arrays[f"{key}/unbiased"]


def test_no_other_running_variance_passes() -> None:
    for factor in (1 + 5e-4, 1 + 2e-3):  # between the two, and beyond
        arrays = normalized_trace()
        scaled("evaluated/logits", None, factor)(arrays)
        assert failed_normalized(arrays, "float64") == ["evaluated"]


def test_only_float32_allows_for_rectifiers_that_rounding_flips() -> None:
    arrays = normalized_trace()
    scaled("grads/output.bias", None, 1 + 5e-2)(arrays)
    scaled("losses", HEAVY_STEPS - 1, 2)(arrays)
    assert failed_normalized(arrays, "float32") == []
    assert failed_normalized(arrays, "float64") == ["gradients", "curve"]
    scaled("grads/output.bias", None, 1.1)(arrays)
    assert failed_normalized(arrays, "float32") == ["gradients"]


def test_steps_from_open_rectifiers_have_tight_tolerances_in_float32() -> None:
    for key, check in (("opened/losses", "curve"), ("formula/norm1.bias", "formula")):
        arrays = normalized_trace()
        scaled(key, None, 1 + 2e-5)(arrays)
        assert failed_normalized(arrays, "float32") == [check]


def test_only_rectifiers_after_batch_normalization_are_opened() -> None:
    weights = initial_weights(RESNET, 0)
    start = opened(RESNET, weights)
    assert {name for name in weights if (start[name] != weights[name]).any()} == {
        parameter.name for parameter in RESNET.parameters if parameter.opened is not None
    }
    assert (start["norm1.weight"] == 1 / 8).all() and (start["norm1.bias"] == 3 / 8).all()
    without = initial_weights(TASK, 0)
    assert all((array == without[name]).all() for name, array in opened(TASK, without).items())


def some_certificates() -> list[Certificate]:
    claim = Claim(
        framework="pytorch",
        task="mnist-mlp-dropout",
        mode="eager",
        setting=Setting(precision="float64"),
    )
    passed = compare(TASK, trace(), trace(), "float64")
    good = Certificate(
        claim=claim, status="ok", checks=passed, losses=(2.0, 1.0), dataset="mnist-1", data="real"
    )
    infinite = Check(name="outputs", deviation=math.inf, tolerance=1e-9, ulps=math.inf)
    reason = f"not the same task: {infinite}"
    bad = Certificate(claim=claim, status="wrong", reason=reason, checks=(infinite,))
    return [good, bad]


def test_a_certificate_is_read_back_from_json() -> None:
    certificates = some_certificates()
    text = proof_forms.to_json(certificates)
    assert "Infinity" not in text  # which is not JSON
    assert proof_forms.from_json(text) == certificates


def test_a_certificate_as_markdown() -> None:
    text = proof_forms.to_markdown(some_certificates(), of_proofs(some_certificates()))
    assert "| PyTorch" in text and "1 of 2" in text and "data: mnist real" in text
    assert text.endswith("1 of 2 proved: 1 not the same task.")


def test_huge_deviations_take_no_more_room_than_others() -> None:
    good = some_certificates()[0]
    shown = []
    for ulps in (9.9e8, 2.0**52, 1e300, math.inf):
        checks = tuple(replace(check, deviation=1.0, ulps=ulps) for check in good.checks)
        certificates = [replace(good, checks=checks)]
        console = PlainConsole(file=io.StringIO(), width=100)
        console.print(proof_forms.to_terminal(certificates, of_proofs(certificates), width=100))
        assert isinstance(console.file, io.StringIO)
        shown.append(console.file.getvalue())
    assert "(990,000,000)" in shown[0] and "(5e+15)" in shown[1] and "(inf)" in shown[3]
    tables = [text.count("framework") for text in shown]
    assert max(tables[1:]) <= tables[0]


@pytest.mark.frameworks
def test_a_fresh_proof_draws_a_seed_that_can_be_given_again(framebench: Framebench) -> None:
    proof = ("verify", "--json", "-f", "reference", "-t", "mnist-softmax", "--precision", "float64")
    done = framebench(*proof, "--fresh")
    (drawn,) = proof_forms.from_json(done.stdout)
    assert drawn.status == "ok" and drawn.seed > 0
    assert f"proof: seed {drawn.seed}" in done.stderr
    (again,) = proof_forms.from_json(framebench(*proof, "--seed", str(drawn.seed)).stdout)
    assert (again.seed, again.losses) == (drawn.seed, drawn.losses)
    (usual,) = proof_forms.from_json(framebench(*proof).stdout)
    assert usual.seed == 0 and usual.losses[0] != drawn.losses[0]
