"""Parts of a run are made one run, and what does not belong together is refused by name."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from bench.analysis.results import Results
from bench.core.measurement import PictureFile
from bench.core.record import Record
from bench.launch import catalogue
from bench.records import run_folder
from bench.records.kept_pictures import pictures_of, write_pictures
from bench.report.common.text import seconds_text
from bench.report.proof.late_forms import late_verdict
from tests.conftest import TINY, Framebench
from tests.test_pictures import drawing

PUBLISHED = catalogue.TREE / "results" / "quick-versions-epyc-2cpu"
Change = Callable[[dict[str, Any]], object]


def unchanged(info: dict[str, Any]) -> None:
    """No change."""


def part(
    results: Path, number: int, *, count: int = 3, change: Change = unchanged, node: str = ""
) -> None:
    """A part of a published run, as a shard of it would be: every `count`-th of its blocks."""
    folder = results / f"s{number}"
    folder.mkdir(parents=True)
    info = run_folder.read_info(PUBLISHED)
    info["name"] = folder.name
    info["command"] = f"framebench run -n 5 --shard {number}/{count} --name {folder.name}"
    info["request"]["shard"] = {"number": number, "count": count}
    node = node or f"n{number}"
    info["nodes"] = {node: info["machine"]}
    tasks = [task["name"] for task in info["snapshot"]["tasks"]]
    own = [block for block in range(info["repeats"]) if block % count == number - 1]
    info["blocks_by_task"] = dict.fromkeys(tasks, len(own))
    lines = (PUBLISHED / "records.jsonl").read_text(encoding="utf-8").splitlines()
    every = [json.loads(line) for line in lines]
    kept = [{**fields, "node": node} for fields in every if fields["job"]["block"] in own]
    change(info)
    text = "".join(f"{json.dumps(fields)}\n" for fields in kept)
    run_folder.write(folder, info, text)


@pytest.fixture
def results(tmp_path: Path) -> Path:
    """A folder for the runs that tests make."""
    return tmp_path / "results"


def same(record: Record) -> tuple[object, ...]:
    """What a record says but for its machine and its line."""
    return record.job, record.status, record.measurement


def test_three_shards_are_the_run(results: Path, framebench: Framebench) -> None:
    for number in (1, 2, 3):
        part(results, number)
    done = framebench("merge", "s3", "s1", "s2", "--name", "whole")
    merged, whole = run_folder.read(results / "whole"), run_folder.read(PUBLISHED)
    order = sorted(whole.records, key=lambda record: record.job.block)
    assert sorted(map(str, map(same, merged.records))) == sorted(map(str, map(same, order)))
    assert not merged.lines.left_out and not merged.lost and merged.finished
    assert set(merged.info["nodes"]) == {"n1", "n2", "n3"} and merged.shard is None
    assert merged.info["command"] == "framebench run -n 5"
    assert merged.info["certificates"] == whole.info["certificates"]
    text = " ".join(done.stdout.split())
    assert "merged from: s3, s1, s2" in text and "measured on 3 machines of one kind" in text
    again = framebench("merge", "s1", "s2", "s3", "--name", "whole", expect=2)
    assert "holds a run already" in again.stderr
    listed = json.loads(framebench("merge", "s1", "s2", "s3", "--name", "w2", "--json").stdout)
    assert listed["run"]["name"] == "w2"


DIFFERENT: Mapping[str, tuple[Change, str]] = {
    "source": (
        lambda info: info["source_digests"].update({"pytorch==2.13.0": "0"}),
        "the source of pytorch==2.13.0 has changed",
    ),
    "version": (lambda info: info.update(framebench="0.0.1"), "framebench "),
    "settings": (lambda info: info["request"].update(seed=7), "seed 0 → 7"),
    "threads": (lambda info: info.update(threads=64), "threads 2 → 64"),
    "weights": (
        lambda info: info["request"].update(weights={"name": "w.npz", "sha256": "01234567" * 8}),
        "weights drawn → w.npz (sha256 01234567…)",
    ),
    "data": (
        lambda info: next(iter(info["data"].values())).update(source="made up"),
        "(real → made up)",
    ),
    "packages": (
        lambda info: info["environments"]["pytorch==2.13.0 cpu"].update(torch="9.9"),
        "packages of pytorch==2.13.0 cpu: torch 2.13.0",
    ),
    "Python": (lambda info: info["machine"].update(python="9.9"), "Python "),
    "snapshot": (
        lambda info: info["snapshot"]["tasks"][0].update(batch=1),
        "task mnist-mlp: batch 64 → 1",
    ),
    "frameworks": (
        lambda info: info["snapshot"]["frameworks"].pop(),
        ": only in one of them",
    ),
    "shards": (
        lambda info: info["request"].update(shard={"number": 2, "count": 4}),
        "3 shards → 4",
    ),
}


def test_the_parts_bring_their_pictures(results: Path, framebench: Framebench) -> None:
    for number in (1, 2, 3):
        part(results, number)
        run = run_folder.read(results / f"s{number}")
        drawn = PictureFile(title="t", file=f"{number}.png")
        lines = [drawing(record, drawn).to_json() for record in run.records]
        run_folder.write(run.folder, run.info, "".join(f"{line}\n" for line in lines))
        write_pictures(run.folder, {drawn.file: b"%d" % number})
    framebench("merge", "s1", "s2", "s3", "--name", "whole")
    merged = run_folder.read(results / "whole")
    assert pictures_of(merged) == {f"{n}.png": b"%d" % n for n in (1, 2, 3)}


@pytest.mark.parametrize("what", DIFFERENT)
def test_what_does_not_belong_together_is_refused_by_name(
    what: str, results: Path, framebench: Framebench
) -> None:
    change, words = DIFFERENT[what]
    part(results, 1)
    part(results, 2, change=change)
    error = framebench("merge", "s1", "s2", "--partial", "--name", "whole", expect=2).stderr
    assert "results/s2 does not belong to results/s1:\n" in error and words in error
    assert not (results / "whole").exists()


def test_of_many_differences_the_first_are_named(results: Path, framebench: Framebench) -> None:
    """In a line each, and what was asked for before what follows from it."""

    def change(info: dict[str, Any]) -> None:
        info["request"].update(seed=7, frameworks=["x" * 999])
        info["source_digests"] = dict.fromkeys(info["source_digests"], "0")
        for packages in info["environments"].values():
            packages.update(dict.fromkeys(packages, "9"))

    part(results, 1)
    part(results, 2, change=change)
    error = framebench("merge", "s1", "s2", "--partial", "--name", "whole", expect=2).stderr
    first, frameworks, seed, *others, more = error.splitlines()
    assert first == "framebench: results/s2 does not belong to results/s1:"
    assert frameworks.startswith("  frameworks ") and frameworks.endswith("…")
    assert seed == "  seed 0 → 7" and len(others) == 3
    assert others[0].startswith("  the source of ")
    assert re.fullmatch(r"  and \d+ more", more) and max(map(len, error.splitlines())) < 170


def test_runs_that_are_older_than_shards_are_refused(framebench: Framebench) -> None:
    old = [str(PUBLISHED.parent / f"full-{task}-epyc-2cpu") for task in ("cora-gcn", "mnist-mlp")]
    done = framebench("merge", *old, "--name", "m", expect=2)
    assert "cannot be merged: it is older than shards" in done.stderr


def test_a_shard_says_what_it_has_of_the_run(results: Path, framebench: Framebench) -> None:
    part(results, 3)
    text = " ".join(framebench("report", "s3").stdout.split())
    tasks = len(run_folder.read(PUBLISHED).snapshot.tasks)
    assert tasks > 1 and "1 of 5 repeats" in text
    assert f"shard 3 of 3: {tasks} of the run's {5 * tasks} blocks (5 of each task)" in text


@pytest.mark.parametrize("kept", [0, 1, 2])
def test_a_part_is_not_blamed_for_the_ends_that_others_prove(kept: int, results: Path) -> None:
    def change(info: dict[str, Any]) -> None:
        info["late_proofs"] = info["late_proofs"][:kept]

    part(results, 1, change=change)
    some = Results.of(run_folder.read(results / "s1"))
    others = len(some.summaries) - kept
    assert late_verdict(some) == (
        f"{kept} of {kept} proved: all still trained the task; the other {others} cells are proved "
        "in other shards"
        if kept
        else "each cell's end is proved in a block of another shard"
    )
    unfinished = replace(some.run, info={**some.run.info})
    del unfinished.info["wall_seconds"]
    if not kept:
        assert late_verdict(Results.of(unfinished)).startswith("not proved, because")


def test_a_block_that_two_runs_have_is_refused(results: Path, framebench: Framebench) -> None:
    part(results, 1)
    shutil.copytree(results / "s1", results / "copy")
    error = framebench("merge", "s1", "copy", "--name", "whole", expect=2).stderr
    assert "results/s1 and results/copy both have block 0 of " in error


def test_missing_shards_are_named_unless_a_part_will_do(
    results: Path, framebench: Framebench
) -> None:
    part(results, 1)
    part(results, 3)
    error = framebench("merge", "s1", "s3", "--name", "whole", expect=2).stderr
    assert "shards missing: 2/3; give --partial" in error
    framebench("merge", "s1", "s3", "--name", "whole", "--partial")
    merged = run_folder.read(results / "whole")
    assert not merged.finished and not merged.lines.left_out
    assert {record.job.block for record in merged.records} == {0, 2, 3}


def test_a_late_shard_joins_a_part(results: Path, framebench: Framebench) -> None:
    for number in (1, 2, 3):
        part(results, number)
    done = framebench("merge", "s1", "s3", "--name", "some", "--partial")
    assert "framebench run --resume results/some" in done.stderr
    some = run_folder.read(results / "some")
    (caveat,) = (caveat.text for caveat in some.caveats if "merged" in caveat.text)
    tasks = len(some.snapshot.tasks)
    has = f"it has {3 * tasks} of the run's {5 * tasks} blocks (5 of each task)"
    assert caveat.startswith(f"merged without shard 2/3: {has}, and so wider intervals")
    assert not some.lost and "are missing" not in done.stdout
    done = framebench("merge", "some", "s2", "--name", "whole")
    merged = run_folder.read(results / "whole")
    assert merged.finished and not merged.lost
    assert {record.job.block for record in merged.records} == {0, 1, 2, 3, 4}
    assert [origin["name"] for origin in merged.info["merged"]] == ["s1", "s3", "s2"]
    parts = [run_folder.read(results / f"s{number}") for number in (1, 2, 3)]
    seconds = sum(run.info["wall_seconds"] for run in parts)
    assert merged.info["wall_seconds"] == pytest.approx(seconds, abs=0.1)
    longest = seconds_text(max(run.info["wall_seconds"] for run in parts))
    took = f"took: {seconds_text(merged.info['wall_seconds'])} in all, of which the longest part"
    assert f"{took} took {longest}; without preparation" in " ".join(done.stdout.split())


def test_the_command_that_goes_on_can_be_pasted(results: Path, framebench: Framebench) -> None:
    for number in (1, 3):
        part(results, number)
    where = ("--results", str(results.rename(results.with_name("my $results"))))
    said = framebench("merge", "s1", "s3", "--name", "some", "--partial", *where).stderr
    assert f"with: framebench run --resume '{where[1]}/some'\n" in said


def test_a_finished_shard_is_not_told_to_grow(results: Path, framebench: Framebench) -> None:
    part(results, 1)
    refused = framebench("run", "--resume", "s1", expect=2).stderr
    assert refused.startswith("framebench: results/s1 is finished; framebench merge makes one run")
    assert "--add-blocks" not in refused


def test_a_pattern_names_runs_among_the_results(results: Path, framebench: Framebench) -> None:
    for number in (1, 2, 3):
        part(results, number)
    framebench("merge", "s[1-3]", "--name", "whole")
    assert run_folder.read(results / "whole").finished
    error = framebench("merge", "t*", "s1", "--name", "other", expect=2).stderr
    assert "there is no run t*" in error


def test_a_shard_that_is_not_finished_is_named(results: Path, framebench: Framebench) -> None:
    part(results, 1)
    part(results, 2, change=lambda info: info.pop("wall_seconds"))
    part(results, 3)
    error = framebench("merge", "s1", "s2", "s3", "--name", "whole", expect=2).stderr
    assert "results/s2 not finished" in error


def test_unlike_machines_are_merged_without_a_common_peak(
    results: Path, framebench: Framebench
) -> None:
    part(results, 1)
    part(results, 2, change=lambda info: info["nodes"]["n2"].update(cpu="Abacus"))
    part(results, 3)
    done = framebench("merge", "s1", "s2", "s3", "--name", "whole")
    assert "Paces by kind of machine" in done.stdout and "GFLOP/s of float32" not in done.stdout
    assert run_folder.read(results / "whole").info["rates"] == []


@pytest.mark.parametrize("arguments", [(), ("s1",), ("s1", "s2"), ("s1", "--name", "whole")])
def test_a_merge_needs_runs_and_a_name(
    arguments: tuple[str, ...], results: Path, framebench: Framebench
) -> None:
    part(results, 1)
    assert "merge needs" in framebench("merge", *arguments, expect=2).stderr


def outcome(record: Record) -> tuple[object, ...]:
    """What is the same on every machine: all but the clock."""
    measurement = record.measurement
    assert measurement
    final = measurement.evaluations[-1]
    return (
        str(record.job.cell),
        record.job.block,
        record.job.seed,
        measurement.weights_digest,
        measurement.first_losses,
        final.metric,
        final.loss,
    )


REAL = (
    *("run", "-f", "pytorch", "-t", "mnist-mlp", "--epochs", "1", "--train-examples", "1920"),
    *("--test-examples", "100", "--warmup", "0.1", "--threads", "1", "--seconds", "0", "-n", "3"),
)


@pytest.mark.frameworks
def test_shards_of_a_framework_make_the_run_of_one_machine(
    results: Path, framebench: Framebench
) -> None:
    framebench(*REAL, "--spare", "0", "--name", "whole")
    for number in (1, 2, 3):
        framebench(*REAL, "--shard", f"{number}/3", "--name", f"s{number}")
    error = framebench("merge", "s1", "s3", "--name", "m", expect=2).stderr
    assert "shards missing: 2/3" in error
    framebench("merge", "s1", "s2", "s3", "--name", "m")
    whole, merged = run_folder.read(results / "whole"), run_folder.read(results / "m")
    assert list(map(outcome, merged.records)) == list(map(outcome, whole.records))
    proofs = [(proof.cell, proof.block, proof.status) for proof in merged.late_proofs]
    assert proofs == [(proof.cell, proof.block, proof.status) for proof in whole.late_proofs]
    assert merged.certificates == whole.certificates


@pytest.mark.frameworks
def test_a_part_of_a_run_goes_on_with_what_is_missing(
    results: Path, framebench: Framebench
) -> None:
    for number in (1, 3):
        framebench(*TINY, "-n", "3", "--shard", f"{number}/3", "--name", f"s{number}")
    framebench("merge", "s1", "s3", "--name", "p", "--partial")
    framebench("run", "--resume", "p")
    resumed = run_folder.read(results / "p")
    assert [record.job.seed for record in resumed.records] == [0, 2, 1]
    assert resumed.finished and not resumed.lost and len(resumed.late_proofs) == 1
