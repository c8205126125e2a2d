"""Weights that a user gives for what a task does not train: read, refused, kept, and used."""

from __future__ import annotations

import hashlib
import io
import json
import struct
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest

from bench import tasks
from bench.analysis.results import Results
from bench.cli.run_options import RunOptions
from bench.core.arrays import Array, digest
from bench.core.errors import UsageError
from bench.core.listener import SILENT
from bench.core.record import Cell, Job, Record
from bench.core.setting import Setting
from bench.core.task import Budget
from bench.core.weights import GivenWeights, initial_weights
from bench.launch import catalogue, worker_process
from bench.launch.paths import CACHE_VARIABLE
from bench.launch.virtual_environments import Environment
from bench.launch.worker_process import WorkerSpec
from bench.records import record_lines, run_folder
from bench.records.run_folder import RunFolder
from bench.report.run.footer import footer
from bench.run import given_weights, run_info, schedule
from bench.run.plan import make_plan
from bench.run.request import Request
from bench.run.resumption import earlier
from bench.run.weight_file import read
from tests.conftest import Framebench

STYLE = tasks.load("style-transfer")


def safetensors(
    tensors: Mapping[str, tuple[str, Array]], *, change: Callable[[dict[str, Any]], object] = len
) -> bytes:
    """A file of tensors, each with its type by name, after a change of the header."""
    header: dict[str, Any] = {"__metadata__": {"format": "pt"}}
    data = b""
    for name, (kind, array) in tensors.items():
        end = len(data) + array.nbytes
        header[name] = {
            "dtype": kind,
            "shape": list(array.shape),
            "data_offsets": [len(data), end],
        }
        data += array.tobytes()
    change(header)
    text = json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text + data


def npz(arrays: Mapping[str, Array]) -> bytes:
    buffer = io.BytesIO()
    np.savez(buffer, **arrays)  # type: ignore[arg-type]
    return buffer.getvalue()


A = np.arange(6, dtype=np.float32).reshape(2, 3)
TENSORS = {
    "f16": ("F16", A.astype(np.float16)),
    "f32": ("F32", A),
    "f64": ("F64", A.astype(np.float64)),
    "ids": ("I64", A.astype(np.int64)),
    "scalar": ("F32", np.float32(7).reshape(())),
}


@pytest.mark.parametrize("name", ["f16", "f32", "f64"])
def test_both_formats_are_read_as_float32(name: str) -> None:
    arrays = {key: array for key, (_, array) in TENSORS.items()} | {"big": A.astype(">f4")}
    for file, content in (("w.npz", npz(arrays)), ("w.SafeTensors", safetensors(TENSORS))):
        found = read(io.BytesIO(content), Path(file), [name, "absent"])
        assert list(found) == [name] and found[name].dtype == np.float32
        np.testing.assert_array_equal(found[name], A)
    np.testing.assert_array_equal(read(io.BytesIO(npz(arrays)), Path("w.npz"), ["big"])["big"], A)


def moved(name: str, *offsets: int) -> Callable[[dict[str, Any]], object]:
    return lambda header: header[name].update(data_offsets=list(offsets))


WHOLE = safetensors(TENSORS)
DAMAGED: Mapping[str, tuple[str, bytes, str]] = {
    "pickle": ("w.pth", b"", "it must be a .npz or .safetensors file"),
    "empty": ("w.safetensors", b"", "a header of 0 bytes does not fit into 0"),
    "text": ("w.safetensors", b"<!DOCTYPE html><html>", "does not fit into 21"),
    "no JSON": ("w.safetensors", struct.pack("<Q", 2) + b"{]", "not JSON"),
    "a list": ("w.safetensors", struct.pack("<Q", 2) + b"[]", "its header is no JSON object"),
    "a cut end": ("w.safetensors", WHOLE[:-1], "it has 135 bytes of tensors, where its header"),
    "a longer end": ("w.safetensors", WHOLE + b"x", "it has 137 bytes of tensors"),
    "a hole": (
        "w.safetensors",
        safetensors(TENSORS, change=moved("f32", 13, 37)),
        "f32 begins at byte 13, where the one before ends at 12",
    ),
    "another length": (
        "w.safetensors",
        safetensors(TENSORS, change=lambda header: header["f32"].update(shape=[2, 2])),
        "f32 is (2, 2) of F32, which are not 24 bytes",
    ),
    "a negative size": (
        "w.safetensors",
        safetensors(TENSORS, change=lambda header: header["f32"].update(shape=[-2, -3])),
        "f32 is (-2, -3) of F32",
    ),
    "no shape": (
        "w.safetensors",
        safetensors(TENSORS, change=lambda header: header["f32"].pop("shape")),
        "missing required field `shape`",
    ),
    "another type": (
        "w.safetensors",
        safetensors({"f32": ("BF16", A.astype(np.float16))}),
        "f32 is of BF16; weights must be float32, float16 or float64",
    ),
    "whole numbers": ("w.npz", npz({"f32": A.astype(np.int64)}), "f32 is of int64; weights must"),
    "objects": ("w.npz", npz({"f32": np.array([None])}), "it is no .npz file, or a damaged one"),
    "no archive": ("w.npz", b"\x80\x04K\x01.", "it is no zip archive"),
    "a cut archive": ("w.npz", npz({"f32": A})[:-30], "it is no zip archive"),
    "a changed archive": (
        "w.npz",
        npz({"f32": A}).replace(A.tobytes(), A[::-1].tobytes()),
        "Bad CRC-32",
    ),
    "infinite": (
        "w.npz",
        npz({"f32": np.array([1, np.inf, np.nan])}),
        "f32 has 2 of 3 values that are not finite",
    ),
    "too large for float32": (
        "w.npz",
        npz({"f32": np.array([1e300])}),
        "f32 has 1 of 1 values that are not finite in float32",
    ),
}


@pytest.mark.parametrize("case", DAMAGED)
def test_what_is_no_file_of_weights_is_refused_by_name(case: str) -> None:
    name, content, words = DAMAGED[case]
    with pytest.raises(UsageError) as refused:
        read(io.BytesIO(content), Path(name), ["f32"])
    assert f"--weights {name}: " in str(refused.value) and words in str(refused.value)


def test_torchvision_numbers_the_layers_of_vgg_19_so() -> None:
    """Where its convolutions are, by its own `cfgs["E"]`."""
    convolutions, place = [], 0
    for layer in (*(64, 64, 0), *(128, 128, 0), *(256,) * 4, 0, *(512,) * 4, 0, 512):
        if layer:  # and not pooling
            convolutions.append(place)
        place += 2 if layer else 1
    weights = [STYLE.published[each.name] for each in STYLE.frozen if each.name.endswith("weight")]
    assert weights == [f"features.{place}.weight" for place in convolutions]
    assert set(STYLE.published) == {parameter.name for parameter in STYLE.frozen}
    assert STYLE.published["conv5_1.bias"] == "features.28.bias"


def vgg(seed: int = 1) -> dict[str, Array]:
    """What torchvision's file would have, with numbers of our own, and some that no task takes."""
    drawn = initial_weights(STYLE, seed)
    arrays = {STYLE.published[each.name]: drawn[each.name] for each in STYLE.frozen}
    return {**arrays, "classifier.6.bias": np.zeros(10), "features.30.weight": np.zeros(1)}


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A cache of the test's own."""
    monkeypatch.setenv(CACHE_VARIABLE, str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A user's file."""
    path = tmp_path / "vgg19.npz"
    path.write_bytes(npz(vgg()))
    return path


@pytest.mark.frameworks
def test_a_file_is_kept_by_its_digest_with_the_task_s_names(cache: Path, file: Path) -> None:
    kept = given_weights.keep(file, [STYLE.name, STYLE.name])
    sha256 = hashlib.sha256(file.read_bytes()).hexdigest()
    assert (kept.name, kept.sha256, str(kept)) == (
        "vgg19.npz",
        sha256,
        f"vgg19.npz (sha256 {sha256[:8]}…)",
    )
    own = given_weights.kept_file(kept, STYLE.name)
    assert own.is_relative_to(cache)
    weights, drawn = initial_weights(STYLE, 0, str(own)), initial_weights(STYLE, 0)
    assert list(weights) == list(drawn)
    for parameter in STYLE.parameters:
        there = vgg()[STYLE.published[parameter.name]] if parameter in STYLE.frozen else drawn
        expected = there if isinstance(there, np.ndarray) else there[parameter.name]
        np.testing.assert_array_equal(weights[parameter.name], expected)

    names = file.with_name("own.npz")
    names.write_bytes(npz({each.name: weights[each.name] for each in STYLE.frozen}))
    again = given_weights.keep(names, [STYLE.name])
    assert again != kept
    same = initial_weights(STYLE, 0, str(given_weights.kept_file(again, STYLE.name)))
    assert digest(same) == digest(weights) != digest(drawn)

    content = given_weights.contents(kept, [STYLE.name])
    own.unlink()
    with pytest.raises(UsageError, match=r"no longer in the cache folder .*--weights vgg19.npz"):
        given_weights.check_kept(kept, [STYLE.name])
    given_weights.receive(kept, content)  # as a node of a cluster does
    given_weights.check_kept(kept, [STYLE.name])
    assert given_weights.contents(None, [STYLE.name]) == {}


UNFIT: Mapping[str, tuple[Callable[[dict[str, Array]], object], str]] = {
    "missing": (
        lambda arrays: [arrays.pop(name) for name in list(arrays) if name.endswith("bias")],
        "it lacks conv1_1.bias or features.0.bias, conv1_2.bias or features.2.bias, conv2_1.bias "
        "or features.5.bias and 10 more; style-transfer needs each of 26 weights",
    ),
    "another shape": (
        lambda arrays: arrays.update({"features.0.weight": np.zeros((3, 3, 3, 64))}),
        "features.0.weight is (3, 3, 3, 64), where style-transfer has (64, 3, 3, 3)",
    ),
    "not finite": (
        lambda arrays: arrays.update({"features.0.bias": np.full(64, np.nan)}),
        "features.0.bias has 64 of 64 values that are not finite",
    ),
}


@pytest.mark.parametrize("case", UNFIT)
def test_a_file_that_does_not_fit_is_refused_by_name(
    case: str, cache: Path, tmp_path: Path
) -> None:
    change, words = UNFIT[case]
    arrays = vgg()
    change(arrays)
    path = tmp_path / "w.npz"
    path.write_bytes(npz(arrays))
    with pytest.raises(UsageError) as refused:
        make_plan(Request(tasks=[STYLE.name], results=tmp_path / "results"), weights=path)
    assert f"--weights {path}: " in str(refused.value) and words in str(refused.value)
    assert not cache.exists()


def test_what_cannot_be_given_is_refused_before_anything_is_made(
    framebench: Framebench, file: Path, tmp_path: Path
) -> None:
    error = framebench("run", "-t", STYLE.name, "--weights", "none.npz", expect=2).stderr
    assert "--weights none.npz cannot be read: No such file" in error
    error = framebench("run", "-t", STYLE.name, "--weights", ".", expect=2).stderr
    assert "Is a directory" in error
    for arguments in ((), ("-t", STYLE.name, "-t", "mnist-mlp")):
        error = framebench("run", *arguments, "--weights", str(file), expect=2).stderr
        assert "mnist-mlp" in error
        assert "are trained; name only tasks that have others: -t style-transfer" in error
    assert not (tmp_path / "results").exists()
    shown = framebench("run", "--weights", "w.npz", "--show-config").stdout
    assert ["weights", "w.npz", "the", "command", "line"] in map(str.split, shown.splitlines())


def test_a_run_says_what_was_given_without_its_place(
    cache: Path, file: Path, tmp_path: Path
) -> None:
    request = Request(tasks=[STYLE.name], frameworks=["reference"], results=tmp_path / "results")
    plan = make_plan(request, weights=file)
    given = plan.request.weights
    assert given
    info = json.loads(json.dumps(run_info.requested(plan)))
    assert info["request"]["weights"] == {"name": "vgg19.npz", "sha256": given.sha256}
    assert msgspec.convert(info["request"], Request).weights == given
    (task,) = info["snapshot"]["tasks"]
    assert given.short_digest in dict(task["definition"])["initial weights"]
    assert [row[-1] for row in task["tensors"]].count("from the file of weights") == 26
    assert str(tmp_path) not in json.dumps(info)

    ((job,),) = schedule.block(plan, {STYLE.name: tmp_path}, 0)
    assert Path(job.weights_file) == given_weights.kept_file(given, STYLE.name)
    line = json.loads(job.to_json(compiles=False))
    for name in ("kind", "compiles", "late"):
        del line[name]
    assert Job.from_fields(line) == job
    record = worker_process.make_record(job, "crashed", "killed")
    assert record.job.weights == given and str(tmp_path) not in record.to_json()
    assert record_lines.record(record.to_json().encode()) == record


def test_records_before_weights_were_given_are_read() -> None:
    (record, *_) = run_folder.read(catalogue.TREE / "results" / "quick-epyc-2cpu").records
    assert record.schema < 10 and record.job.weights is None
    fields = json.loads(record.to_json())
    fields["job"]["weights"] = {"name": "w.npz", "sha256": "../../../etc"}
    fields["schema"] = 10
    with pytest.raises(ValueError, match="is not a sha256"):
        record_lines.record(json.dumps(fields).encode())


def test_the_command_line_names_the_file_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    for arguments in (["--weights", "/home/me/w.npz"], ["--weights=/home/me/w.npz"]):
        monkeypatch.setattr("sys.argv", ["framebench", "run", *arguments])
        command = RunOptions().to_request(["--weights", "~/w.npz"]).command
        assert "/" not in command and command.count("w.npz") == 2


@pytest.mark.frameworks
def test_a_run_goes_on_with_its_own_weights(cache: Path, file: Path, tmp_path: Path) -> None:
    request = Request(tasks=[STYLE.name], frameworks=["reference"], results=tmp_path, name="r")
    plan = make_plan(request, weights=file)
    plan.folder.mkdir()
    RunFolder(plan.folder).write_info(run_info.requested(plan))
    renamed, other = file.with_name("renamed.npz"), file.with_name("other.npz")
    file.rename(renamed)  # the cache has what is needed
    for same in (None, renamed):
        again = earlier(plan.folder, {}, add_blocks=0, weights=same)
        assert again.plan.request.weights == plan.request.weights
    other.write_bytes(npz(vgg(seed=2)))
    words = r"begun with vgg19.npz \(sha256 .{8}…\) for weights, not other.npz \(sha256 "
    with pytest.raises(UsageError, match=words):
        earlier(plan.folder, {}, add_blocks=0, weights=other)
    given_weights.kept_file(plan.request.weights, STYLE.name).unlink()
    with pytest.raises(UsageError, match=r"give them again: --weights vgg19.npz"):
        earlier(plan.folder, {}, add_blocks=0)
    assert earlier(plan.folder, {}, add_blocks=0, weights=renamed).plan.cells == plan.cells


def test_a_report_says_which_file_gave_weights() -> None:
    run = run_folder.read(catalogue.TREE / "results" / "quick-epyc-2cpu")
    assert not any(line.startswith("weights: ") for line in footer(Results.of(run)))
    given = GivenWeights(name="w.npz", sha256="01234567" * 8)
    jobs = [(record, replace(record.job, weights=given)) for record in run.records]
    named = replace(run, records=[replace(record, job=job) for record, job in jobs])
    (line,) = (line for line in footer(Results.of(named)) if line.startswith("weights: "))
    assert line.startswith("weights: w.npz (sha256 01234567…), for what ")


@pytest.mark.frameworks
def test_what_is_timed_has_the_given_weights(
    cache: Path,
    file: Path,
    environment: Callable[[str], Environment],
    data: Mapping[str, Path],
    tmp_path: Path,
) -> None:
    """Three steps in PyTorch: with drawn weights, with the same ones as a file, and with others."""
    drawn = file.with_name("drawn.npz")
    of_task = initial_weights(STYLE, 0)
    drawn.write_bytes(npz({each.name: of_task[each.name] for each in STYLE.frozen}))
    framework = catalogue.load("pytorch")
    setting = Setting(threads=2)
    job = Job(
        cell=Cell(framework="pytorch", task=STYLE.name, mode="eager", setting=setting),
        block=0,
        seed=0,
        budget=Budget(epochs=1, train_examples=3),
        data=str(data[STYLE.name]),
        warmup=0.01,
    )

    def measured(name: str, path: Path | None) -> Any:
        kept = path and given_weights.keep(path, [STYLE.name])
        own = str(given_weights.kept_file(kept, STYLE.name)) if kept else ""
        spec = WorkerSpec(
            framework=framework,
            environment=environment("pytorch"),
            setting=setting,
            log=tmp_path / f"{name}.log",
            timeout=120,
        )
        running = worker_process.run_job(
            replace(job, weights=kept, weights_file=own), spec, pictures=tmp_path, listener=SILENT
        )
        next(running)
        try:
            while True:
                running.send(60.0)
        except StopIteration as end:
            record: Record = end.value
        assert record.status == "ok" and record.measurement, record.reason
        assert record.job.weights == kept
        assert record.measurement.weights_digest == digest(initial_weights(STYLE, 0, own))
        return record.measurement.first_losses

    of_seed, of_file, of_other = (
        measured(name, path) for name, path in (("a", None), ("b", drawn), ("c", file))
    )
    assert of_seed == of_file
    assert abs(of_other[0] / of_seed[0] - 1) > 1e-4
