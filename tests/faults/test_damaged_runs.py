"""What of a run is whole is reported, and what is damaged is named, in every form."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import framebench as notebook
from bench.launch import catalogue
from bench.records import record_lines, run_folder
from tests.conftest import FinishedRun, Framebench

# They read a published run, damaged in many places.
pytestmark = pytest.mark.frameworks

QUICK = catalogue.TREE / "results" / "quick-epyc-2cpu"


@pytest.fixture
def broken(finished_run: FinishedRun, tmp_path: Path) -> Path:
    """A copy of a run that a test may damage, as `results/r`."""
    folder = tmp_path / "results" / "r"
    shutil.copytree(finished_run.folder, folder)
    return folder


def lines_of(folder: Path) -> list[bytes]:
    return (folder / "records.jsonl").read_bytes().splitlines()


def save(folder: Path, lines: list[bytes], *, end: bytes = b"\n") -> None:
    (folder / "records.jsonl").write_bytes(b"\n".join(lines) + end)


def changed(change: Callable[[dict[str, Any]], object]) -> Callable[[bytes], bytes]:
    """A change to a record's fields as one to its line; NaN and infinities stay."""

    def apply(line: bytes) -> bytes:
        fields = json.loads(line)
        change(fields)
        return json.dumps(fields).encode()

    return apply


def windows(**columns: Any) -> Callable[[bytes], bytes]:
    return changed(lambda fields: fields["measurement"]["windows"].update(columns))


# Damages to a line, with a part of the reason for which it is left out.
DAMAGES: dict[str, tuple[Callable[[bytes], bytes], str]] = {
    "cut short": (lambda line: line[:-200], "not JSON"),
    "empty": (lambda line: b"", "not JSON"),
    "zeros": (lambda line: bytes(len(line)), "not JSON"),
    "not UTF-8": (lambda line: line.replace(b"mnist", b"mn\xffst", 1), "not UTF-8 at byte"),
    "an array": (lambda line: b"[1, 2]", "not a record"),
    "a number": (lambda line: b"7", "not a record"),
    "nested deeply": (lambda line: b"[" * 100_000, "nested too deeply"),
    "no job": (changed(lambda fields: fields.pop("job")), "'job' is missing"),
    "unknown status": (changed(lambda fields: fields.update(status="fine")), "$.status"),
    "unknown schema": (changed(lambda fields: fields.update(schema=99)), "schema 99"),
    "ok without a measurement": (
        changed(lambda fields: fields.update(measurement=None)),
        "ok, but without a measurement",
    ),
    "an infinity": (windows(wall=[float("inf")]), "Infinity is not a finite number"),
    "NaN": (changed(lambda fields: fields.update(wall_seconds=float("nan"))), "NaN is not a"),
    "beyond a float": (lambda line: line.replace(b'"seed": ', b'"seed": 1' + b"0" * 400), "seed"),
    "no data": (changed(lambda fields: fields.update(dataset={"name": "x"})), "`source`"),
    "a negative block": (changed(lambda fields: fields["job"].update(block=-1)), "block"),
    "no batch": (changed(lambda fields: fields.update(batch=0)), "batch"),
    "columns of different lengths": (windows(wall=[0.1] * 1000), "differ in length"),
    "no windows": (
        changed(lambda fields: [column.clear() for column in _columns(fields)]),
        "no windows",
    ),
    "windows of no time": (
        changed(lambda fields: fields["measurement"]["windows"].update(wall=_zeros(fields))),
        "took no time",
    ),
    "no evaluation": (
        changed(lambda fields: fields["measurement"].update(evaluations=[])),
        "no evaluation",
    ),
    "no memory": (
        changed(lambda fields: fields["measurement"].update(peak_resident_bytes=0)),
        "memory",
    ),
}


def _columns(fields: dict[str, Any]) -> list[list[Any]]:
    return list(fields["measurement"]["windows"].values())


def _zeros(fields: dict[str, Any]) -> list[float]:
    return [0.0 for _ in fields["measurement"]["windows"]["wall"]]


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_line_is_left_out_and_named(damage: str, broken: Path) -> None:
    change, reason = DAMAGES[damage]
    first, *others = lines_of(broken)
    save(broken, [*others, change(first)])
    run = run_folder.read(broken)
    assert len(run.records) == len(others)
    (left_out,) = run.lines.left_out
    assert left_out.line == len(others) + 1 and reason in left_out.reason
    assert run.lines.words().startswith("1 of 4 lines of records.jsonl is left out: line 4: ")
    assert len(notebook.results(run.folder).processes) == len(others)


def test_every_form_says_what_is_left_out(
    broken: Path, framebench: Framebench, tmp_path: Path
) -> None:
    lines = lines_of(broken)
    save(broken, [lines[0], b"{", *lines[1:]], end=b"\n" + lines[0][:50])
    words = "2 of 6 lines of records.jsonl are left out: line 2: not JSON"
    table = framebench("report", "r")
    assert words in table.stderr and words in " ".join(table.stdout.split())
    for form in ("markdown", "html", "json"):
        assert words in framebench("report", "r", "--format", form).stdout, form
    assert words in framebench("report", "r", "--format", "csv").stderr
    assert words in framebench("export", "r").stderr
    for form in ("markdown", "json"):
        assert words in framebench("compare", "r", str(QUICK), "--format", form).stdout, form
    (caveat,) = notebook.results(broken).caveats
    assert words in caveat.text
    published = framebench("publish", "r", "--to", "out", "--no-page")
    assert words in (tmp_path / "out" / "r" / "summary.md").read_text(encoding="utf-8")
    assert words in (tmp_path / "out" / "README.md").read_text(encoding="utf-8"), published


def test_advice_says_what_is_left_out(framebench: Framebench, tmp_path: Path) -> None:
    shutil.copytree(QUICK, tmp_path / "results" / "q", ignore=shutil.ignore_patterns("report.*"))
    save(tmp_path / "results" / "q", [*lines_of(QUICK), b"{"])
    words = "1 of 37 lines of records.jsonl is left out: line 37: not JSON"
    assert words in " ".join(framebench("recommend", "--format", "markdown").stdout.split())


def test_processes_keep_the_numbers_of_their_lines(broken: Path) -> None:
    lines = lines_of(broken)
    save(broken, [b"{", *lines])
    results = notebook.results(broken)
    assert [process.line for process in results.processes] == [2, 3, 4, 5]


def test_half_a_pair_in_a_text_is_no_damage(broken: Path, framebench: Framebench) -> None:
    first, *others = lines_of(broken)
    fields = {**json.loads(first), "status": "failed", "reason": "no \ud800 file"}
    save(broken, [json.dumps({**fields, "measurement": None}).encode(), *others])
    run = run_folder.read(broken)
    assert run.records[0].reason == "no \\ud800 file" and not run.lines.left_out
    assert "no \\ud800 file" in framebench("report", "r").stdout


def test_a_job_counts_once(broken: Path) -> None:
    """Two runs that shared a folder would otherwise count as more repeats."""
    lines = lines_of(broken)
    again = changed(lambda fields: fields.update(wall_seconds=9.0))(lines[0])
    save(broken, [*lines, again])
    run = run_folder.read(broken)
    assert len(run.records) == 4
    assert [str(line) for line in run.lines.left_out] == [
        "line 5: block 0 of its cell is on line 1 already"
    ]


@pytest.mark.parametrize("status", sorted(record_lines.PASSING))
def test_a_job_that_is_measured_again_replaces_its_failure(status: str, broken: Path) -> None:
    first, *others = lines_of(broken)
    failed = changed(lambda fields: fields.update(status=status, measurement=None))(first)
    save(broken, [failed, *others, first])
    run = run_folder.read(broken)
    assert [record.status for record in run.records] == ["ok"] * 4
    assert not run.lines.left_out and run.lines.replaced[0].record.status == status
    assert [run.line(position) for position in range(4)] == [2, 3, 4, 5]


# What a `run.json` may be, with a part of the one line that says so.
INFOS: dict[str, tuple[bytes, str]] = {
    "empty": (b"", "it is empty"),
    "torn": (b'{"name": "r", "mach', "not JSON"),
    "an array": (b"[]", "Expected `object`, got `array`"),
    "of wrong types": (b'{"name": 3}', "Expected `str`, got `int`"),
    "without keys": (b"{}", "missing required field"),
    "not UTF-8": (b'{"name": "\xff"}', "not UTF-8"),
}


@pytest.mark.parametrize("damage", INFOS)
def test_a_damaged_description_is_one_line(
    damage: str, broken: Path, framebench: Framebench, tmp_path: Path
) -> None:
    content, reason = INFOS[damage]
    older = tmp_path / "results" / "older"
    shutil.copytree(broken, older)
    text = (older / "run.json").read_text(encoding="utf-8")
    (older / "run.json").write_text(text.replace('"started": "2', '"started": "1'), "utf-8")
    (broken / "run.json").write_bytes(content)
    os_time = (older / "run.json").stat().st_mtime + 10
    subprocess.run(["touch", "-d", f"@{os_time}", broken / "run.json"], check=True)
    for command in (
        ("report", "r"),
        ("export", "r"),
        ("compare", "r", str(QUICK)),
        ("publish", "r"),
    ):
        done = framebench(*command, expect=2)
        assert done.stderr.count("\n") == 1 and reason in done.stderr, command
    newest = framebench("report", "--json")
    assert json.loads(newest.stdout)["run"]["name"] == "r"  # the older one's, which is a copy


@pytest.mark.parametrize("key", ["snapshot", "certificates", "rates", "machine"])
def test_a_damaged_part_of_the_description_is_named(
    key: str, broken: Path, framebench: Framebench
) -> None:
    info = json.loads((broken / "run.json").read_text(encoding="utf-8"))
    for damaged in ({"version": 99}, [{"claim": 1}], 7):
        run_folder.write_info(broken, {**info, key: damaged})
        done = framebench("report", "r", expect=2)
        assert done.stderr.count("\n") == 1 and "run.json" in done.stderr


# Changes to a `run.json` by hand, with the place that the one line names.
EDITS: dict[str, tuple[dict[str, Any], str]] = {
    "merged of nothing": ({"merged": []}, "`$.merged`"),
    "no request": ({"request": None}, "`$.request`"),
    "weights without a digest": ({"request": {"weights": {"name": "x"}}}, "`$.request.weights`"),
    "weights of another digest": (
        {"request": {"weights": {"name": "x", "sha256": "0"}}},
        "`$.request.weights.sha256`",
    ),
    "weights with a path": (
        {"request": {"weights": {"name": "x", "sha256": "0" * 64, "path": "/x"}}},
        "`$.request.weights`",
    ),
    "weights by name": ({"request": {"weights": "vgg19.npz"}}, "`$.request.weights`"),
}


@pytest.mark.parametrize("edit", EDITS)
@pytest.mark.parametrize("finished", [True, False])
def test_an_edited_description_is_one_line(
    edit: str, finished: bool, broken: Path, framebench: Framebench
) -> None:
    change, place = EDITS[edit]
    info = {**json.loads((broken / "run.json").read_text(encoding="utf-8")), **change}
    if not finished:
        del info["wall_seconds"]
    run_folder.write_info(broken, info)
    for command in (("report", "r"), ("merge", "r", str(QUICK), "--name", "m", "--partial")):
        done = framebench(*command, expect=2)
        assert done.stderr.count("\n") == 1 and place in done.stderr, command


def test_the_newest_finished_run_that_can_be_read_is_taken(
    broken: Path, framebench: Framebench
) -> None:
    info = json.loads((broken / "run.json").read_text(encoding="utf-8"))
    for name, change in (
        ("bad", {"machine": None, "started": "2100-01-01"}),
        ("unfinished", {"started": "2099-01-01"}),
    ):
        folder = broken.parent / name
        shutil.copytree(broken, folder)
        fields = {**info, "name": name, **change}
        del fields["wall_seconds"]
        run_folder.write_info(folder, fields)
    done = framebench("report", "--json")
    assert json.loads(done.stdout)["run"]["name"] == "r"
    assert "results/bad is passed over: results/bad/run.json cannot be read" in done.stderr
    assert "results/unfinished is passed over: it is not finished" in done.stderr
    shutil.rmtree(broken)
    assert json.loads(framebench("report", "--json").stdout)["run"]["name"] == "unfinished"


def test_one_bad_run_is_left_out_of_an_index(
    broken: Path, framebench: Framebench, tmp_path: Path
) -> None:
    framebench("publish", "r", "--to", "out", "--no-page")
    shutil.copytree(tmp_path / "out" / "r", tmp_path / "out" / "bad")
    (tmp_path / "out" / "bad" / "run.json").write_bytes(b"")
    done = framebench("publish", "--index", "--to", "out")
    assert "index of 1 run" in done.stdout
    assert done.stderr == ("out/bad is left out: out/bad/run.json cannot be read: it is empty\n")


def test_a_line_that_is_left_out_names_no_path_when_it_is_published(
    broken: Path, framebench: Framebench
) -> None:
    save(broken, [*lines_of(broken), b'{"reason": "/home/ada/x.py'])
    assert "line 5 names a path" in framebench("publish", "r", "--to", "out", expect=2).stderr
