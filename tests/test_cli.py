"""The command line as a user sees it: usage, errors, inventory, completion."""

from __future__ import annotations

import io
import json
import os
import re
import shutil
import subprocess
import sys
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

import bench
from bench import datasets, tasks
from bench.advice.criteria import CRITERIA
from bench.advice.personas import PERSONAS
from bench.cli.cluster_display import ClusterDisplay
from bench.cli.display import PlainConsole, RunDisplay, SetupDisplay, wide_console
from bench.launch import catalogue
from bench.launch.published_environments import PublishedEnvironments
from bench.report.task.availability import take_inventory
from bench.report.task.inventory_forms import to_terminal
from bench.run.time_left import TimeLeft
from tests.conftest import Framebench, in_a_process

PUBLISHED = catalogue.TREE / "results" / "quick-epyc-2cpu"

BAD_USAGE = {
    "unknown task": (("run", "-t", "mnist"), "no task is called 'mnist' (did you mean mnist-"),
    "mistyped task": (
        ("run", "-t", "MNIST_mlp"),
        "(did you mean mnist-mlp?); there are: cifar-cnn",
    ),
    "unknown framework": (("run", "-f", "caffe"), "no framework is called 'caffe'"),
    "unknown preset": (("run", "-p", "fast"), "no preset is called 'fast'"),
    "unknown mode": (("run", "-m", "lazy"), "no mode is called 'lazy'"),
    "unknown device": (("run", "-d", "tpu"), "no device is called 'tpu'"),
    "unknown tuning": (("run", "--tuning", "fast"), "no tuning is called 'fast'"),
    "unknown data source": (("run", "--data", "fake"), "no data source is called 'fake'"),
    "unknown feed": (("run", "--feed", "tape"), "no feed is called 'tape'"),
    "negative repeats": (("run", "-n", "-1"), "--repeats must be 1 or more, not -1"),
    "no epochs": (("run", "--epochs", "0"), "--epochs must be 1 or more, not 0"),
    "not a number": (("run", "--epochs", "x"), "Invalid value for '--epochs'"),
    "too few examples": (
        ("run", "--train-examples", "10"),
        "--train-examples 10 does not fill one batch",
    ),
    "not a percentage": (("run", "--until", "fast"), "'fast' is not a percentage"),
    "not a duration": (("run", "--budget", "long"), "'long' is not a duration"),
    "budget alone": (("run", "--budget", "1h"), "--budget limits --until"),
    "until with one repeat": (("run", "--until", "2%", "-n", "1"), "--until needs 2 repeats"),
    "negative spare": (("run", "--spare", "-1"), "--spare must be 0 or more, not -1"),
    "no time": (("run", "--timeout", "0"), "--timeout must be more than 0 seconds, not 0"),
    "negative seed": (("run", "--seed", "-1"), "--seed must be 0 or more, not -1"),
    "name with a slash": (("run", "--name", "a/b"), "--name 'a/b'"),
    "no mode left": (("run", "-f", "pytorch", "-m", "xla"), "any of the requested modes"),
    "results in a file": (("run", "--results", "file"), "cannot write results to file"),
    "unknown option": (("run", "--bogus"), "--bogus"),
    "unknown command": (("walk",), "walk"),
    "missing run": (("report", "nowhere"), "there is no run nowhere"),
    "no runs": (("report",), "no run in results"),
    "unknown format": (("report", "broken", "--format", "pdf"), "no format is called 'pdf'"),
    "run.json without keys": (("report", "broken2"), "run.json cannot be read: Object missing"),
    "run.json that is empty": (("report", "broken3"), "run.json cannot be read: it is empty"),
    "name of the parent": (("run", "--name", ".."), "--name '..'"),
    "hidden name": (("run", "--name", ".r"), "--name '.r'"),
    "name with a line end": (("run", "--name", "r\n"), "--name 'r\\n'"),
    "long name": (("run", "--name", "é" * 101), "--name has 202 bytes; it may have 200"),
    "name of the parent to publish": (("publish", str(PUBLISHED), "--name", ".."), "--name '..'"),
    "name with a slash to publish": (("publish", str(PUBLISHED), "--name", "a/b"), "--name 'a/b'"),
    "report of a file": (("report", "file"), "file holds no run: it is a file"),
    "report of a task that was not run": (
        ("report", str(PUBLISHED), "-t", "mnist-softmax"),
        "has no records of mnist-softmax; its tasks: cifar-cnn, imdb-lstm, mnist-mlp",
    ),
    "report of a mistyped task beside a right one": (
        ("report", str(PUBLISHED), "-t", "mnist-mlp", "-t", "mnist-mpl"),
        "has no records of mnist-mpl; its tasks: cifar-cnn, imdb-lstm, mnist-mlp",
    ),
    "unknown format to export": (
        ("export", "broken", "--format", "xml"),
        "no format is called 'xml'; there are: pytest-benchmark",
    ),
    "compare a single run": (
        ("compare", "broken"),
        "compare needs two runs, but only broken is given",
    ),
    "compare without a run": (("compare",), "compare needs two runs: framebench compare A B"),
    "compare with a missing run": (("compare", "broken", "nowhere"), "there is no run nowhere"),
    "nothing to compare": (("compare", "broken", "broken"), "has a cell to compare"),
    "unknown format to compare in": (
        ("compare", "broken", "broken", "--format", "pdf"),
        "no format is called 'pdf'; there are: table, markdown, csv, json, html",
    ),
    "limit that is not a percentage": (
        ("compare", "broken", "broken", "--fail-on", "slow"),
        "'slow' is not a percentage",
    ),
    "limit above 100 %": (
        ("compare", "broken", "broken", "--fail-on", "5"),
        "--fail-on must be at least 0% and below 100%, not 500%",
    ),
    "allowance without a gate": (
        ("compare", "broken", "broken", "--allow", "versions"),
        "--allow has no effect without --fail-on",
    ),
    "unknown allowance": (
        ("compare", "broken", "broken", "--fail-on", "5%", "--allow", "colour"),
        "--allow 'colour' is unknown; there are: machine, threads, data, weights, budgets",
    ),
    "advice on a missing run": (("recommend", "nowhere"), "there is no run nowhere"),
    "unknown persona": (("recommend", "-p", "poet"), "no persona is called 'poet'; there are: bal"),
    "unknown criterion": (
        ("recommend", str(PUBLISHED), "-w", "price=1"),
        "no criterion is called 'price'; there are: speed",
    ),
    "negative weight": (
        ("recommend", str(PUBLISHED), "-w", "speed=-1"),
        "a weight is a number from 0 to 5",
    ),
    "all weights 0": (
        ("recommend", str(PUBLISHED), *(f"-w{name}=0" for name in CRITERIA)),
        "every weight is 0",
    ),
    "weighs only what is unknown": (
        (
            "recommend",
            str(PUBLISHED),
            *(f"-w{name}={int(name == 'install-size')}" for name in CRITERIA),
        ),
        "has no figures for",
    ),
    "advice on a task that was not run": (
        ("recommend", str(PUBLISHED), "-t", "mnist-softmax"),
        "has no records of mnist-softmax; its tasks: cifar-cnn, imdb-lstm, mnist-mlp",
    ),
    "unknown format of advice": (
        ("recommend", "broken", "--format", "csv"),
        "no format is called 'csv'; there are: table, markdown, json",
    ),
    "an environment like that of no run": (("run", "--env", "like:"), "--env like: names no run"),
    "export of a missing run": (("export", "nowhere"), "there is no run nowhere"),
    "export without a folder": (("export", "-o", "no/run.json"), "there is no folder no"),
    "unknown task to show": (("show", "mnist"), "no task is called 'mnist'"),
    "unknown framework to show": (("show", "mnist-mlp", "-f", "caffe"), "is called 'caffe'"),
    "unknown format to show": (("show", "--format", "pdf"), "no format is called 'pdf'"),
    "diff without a task": (("show", "--diff", "pytorch", "paddlepaddle"), "--diff needs a TASK"),
    "diff with itself": (
        ("show", "mnist-mlp", "--diff", "pytorch", "pytorch"),
        "--diff needs two frameworks, not 'pytorch' twice",
    ),
    "diff and frameworks": (
        ("show", "mnist-mlp", "-f", "pytorch", "--diff", "pytorch", "paddlepaddle"),
        "leave out --framework",
    ),
    "nothing to publish": (("publish",), "name a run to publish, or give only --index"),
    "publish a missing run": (("publish", "nowhere"), "there is no run nowhere"),
    "publish a run and only the index": (
        ("publish", "broken", "--index"),
        "name a run to publish, or give",
    ),
    "an index with a name": (
        ("publish", "--index", "--name", "x"),
        "takes neither --name nor --about",
    ),
    "index of a missing folder": (
        ("publish", "--index", "--to", "no"),
        "--to no: there is no such folder",
    ),
    "publish an unfinished run": (("publish", "broken"), "broken is not finished"),
    "unknown format of a certificate": (
        ("verify", "--format", "csv"),
        "no format is called 'csv'; there are: table, markdown, json, html",
    ),
    "unknown precision": (("verify", "--precision", "half"), "no precision is called 'half'"),
    "unknown environment": (("run", "--env", "conda"), "no kind of environment is called 'conda'"),
    "unknown environment to list": (("list", "--env", "conda"), "no kind of environment is called"),
    "unknown framework to set up": (("setup", "caffe"), "no framework is called 'caffe'"),
    "unknown device to set up": (("setup", "-d", "tpu"), "no device is called 'tpu'"),
}


@pytest.mark.parametrize("case", BAD_USAGE)
def test_bad_usage_gives_a_one_line_error_and_exit_code_2(
    case: str, framebench: Framebench, tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("", encoding="utf-8")
    machine = {"cpu": "X", "cores_usable": 1, "memory_bytes": 1}
    described = json.dumps({"name": "broken", "machine": machine})
    for name, info in (("broken", described), ("broken2", "{}"), ("broken3", "")):
        (tmp_path / name).mkdir()
        (tmp_path / name / "run.json").write_text(info, encoding="utf-8")
        (tmp_path / name / "records.jsonl").write_text("", encoding="utf-8")
    arguments, message = BAD_USAGE[case]
    done = framebench(*arguments, expect=2)
    assert message in done.stderr
    assert done.stderr.startswith("framebench: ") and done.stderr.count("\n") == 1
    assert done.stdout == ""


@pytest.mark.parametrize("command", ["report", "compare", "recommend", "show", "verify"])
def test_two_formats_at_once_are_bad_usage(command: str, framebench: Framebench) -> None:
    runs = {"report": 1, "compare": 2, "recommend": 1}.get(command, 0) * [str(PUBLISHED)]
    error = framebench(command, *runs, "--json", "--format", "markdown", expect=2).stderr
    assert error == ("framebench: --json and --format markdown are two formats; give one of them\n")


@pytest.mark.parametrize(
    ("arguments", "instead"),
    [
        (("export",), "-o run.json"),
        (("report", "--format", "html"), "> page.html"),
        (("show", "--format", "html"), "> page.html"),
        (("verify", "--format", "html"), "> page.html"),
    ],
)
def test_a_terminal_is_not_flooded(
    arguments: tuple[str, ...],
    instead: str,
    framebench: Framebench,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    shutil.copytree(PUBLISHED, tmp_path / "results" / "r")
    if arguments == ("export",):
        assert json.loads(framebench(*arguments).stdout)["benchmarks"]
    ours, theirs = os.openpty()
    with os.fdopen(theirs, "w") as terminal, monkeypatch.context() as patched:
        patched.setattr(sys, "stdout", terminal)
        done = framebench(*arguments, expect=2)
    os.close(ours)
    assert "cannot be read in a terminal" in done.stderr and instead in done.stderr


def test_a_run_is_not_overwritten(framebench: Framebench, tmp_path: Path) -> None:
    (tmp_path / "results" / "r").mkdir(parents=True)
    (tmp_path / "results" / "r" / "run.json").write_text("{}", encoding="utf-8")
    done = framebench("run", "--name", "r", expect=2)
    assert "holds a run already" in done.stderr


@pytest.mark.frameworks
def test_cuda_without_a_gpu_is_unsupported(framebench: Framebench, tmp_path: Path) -> None:
    if Path("/dev/nvidia0").exists():
        pytest.skip("this machine has an NVIDIA GPU")
    arguments = ("run", "-d", "cuda", "-t", "mnist-softmax", "-n", "1", "--name", "r")
    done = framebench(*arguments, expect=1)
    lines = (tmp_path / "results" / "r" / "records.jsonl").read_text(encoding="utf-8").splitlines()
    records = [json.loads(line) for line in lines]
    assert {record["status"] for record in records} == {"unsupported"}
    reasons = {
        record["reason"]
        for record in records
        if "cuda" in catalogue.load(record["job"]["cell"]["framework"]).devices
    }
    assert reasons == {"no NVIDIA GPU is found on this machine, or CUDA_VISIBLE_DEVICES hides it"}
    assert "no NVIDIA GPU" in done.stdout


def test_help_fits_a_narrow_terminal(
    framebench: Framebench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of each command: an example stays on its line, and prose breaks where the line is full."""
    monkeypatch.setattr("typer.rich_utils.MAX_WIDTH", 80)
    listed = framebench("--help").stdout
    commands = re.findall(r"^│ ([a-z]+) ", listed, re.MULTILINE)
    assert len(commands) >= 14
    for command in commands:
        lines = [line.rstrip() for line in framebench(command, "--help").stdout.splitlines()]
        examples = [line for line in lines if line.strip().startswith(f"framebench {command}")]
        assert "Examples" in " ".join(lines) and examples, command
        prose = [line for line in lines if line.startswith(" ") and not line.startswith("  ")]
        for line, following in pairwise(lines):
            if line in examples:
                assert not following
            elif line in prose and following in prose:
                assert len(line) + len(following.split()[0]) >= 79, line
    assert "Usage: framebench" in framebench(expect=2).stdout  # no command: the help


@pytest.mark.frameworks
def test_list_shows_frameworks_tasks_and_data(framebench: Framebench) -> None:
    inventory = json.loads(framebench("list", "--json").stdout)
    frameworks = {entry["name"]: entry for entry in inventory["frameworks"]}
    assert {"pytorch", "tensorflow_keras", "mxnet_gluon", "paddlepaddle"} <= set(frameworks)
    for entry in frameworks.values():
        assert entry["recommended"] in entry["modes"]
        assert entry["environment"] == "ready" or "framebench setup" in entry["environment"]
    assert [entry["name"] for entry in inventory["tasks"]] == tasks.names()
    assert all(entry["heavy"] == tasks.load(entry["name"]).heavy for entry in inventory["tasks"])
    for task in inventory["tasks"]:
        for name in task["missing_in"]:
            assert not catalogue.load(name).supports(tasks.load(task["name"]).network)
    assert [entry["name"] for entry in inventory["data"]] == datasets.names()
    table = framebench("list").stdout
    for name in (*frameworks, "mnist-mlp*", "cifar-resnet20+", "cuda"):
        assert name in table


@pytest.mark.frameworks
def test_output_and_exit_codes_of_a_process(tmp_path: Path) -> None:
    """Started as by a shell; the other tests call the entry point."""
    fine = in_a_process("--version", folder=tmp_path)
    assert (fine.returncode, fine.stdout, fine.stderr) == (
        0,
        f"framebench {bench.__version__}\n",
        "",
    )
    bad = in_a_process("report", "nowhere", folder=tmp_path)
    message = "framebench: there is no run nowhere\n"
    assert (bad.returncode, bad.stdout, bad.stderr) == (2, "", message)
    run = tmp_path / "one"
    shutil.copytree(PUBLISHED, run)
    lines = (run / "records.jsonl").read_text(encoding="utf-8").splitlines()
    broken = [{**json.loads(line), "status": "crashed", "measurement": None} for line in lines]
    (run / "records.jsonl").write_text("\n".join(map(json.dumps, broken)), encoding="utf-8")
    gate = in_a_process("compare", str(PUBLISHED), "one", "--fail-on", "5%", folder=tmp_path)
    assert (gate.returncode, gate.stderr) == (1, "") and "FAILED" in gate.stdout


def test_a_full_disk_gives_a_one_line_error_and_exit_code_1(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "bench", "show", "mnist-softmax", "--format", "html"]
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            command,
            cwd=tmp_path,
            env={**os.environ, "PYTHONPATH": str(catalogue.TREE)},
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )
    assert (done.returncode, done.stderr) == (1, "framebench: No space left on device\n")


@pytest.mark.frameworks
@pytest.mark.parametrize("width", [80, 100, 120])
def test_list_shows_every_name_in_full(width: int) -> None:
    long = "could not be made: no matching distribution was found for mxnet==1.9.1"
    inventory = take_inventory("own")
    first = replace(inventory.frameworks[0], environment=long)
    inventory = replace(inventory, frameworks=(first, *inventory.frameworks[1:]))
    console = Console(width=width, file=io.StringIO(), record=True)
    console.print(to_terminal(inventory, width=width))
    text = console.export_text()
    assert "…" not in text and max(map(len, text.splitlines())) <= width
    for entry in (*inventory.frameworks, *inventory.tasks, *inventory.data):
        assert any(line.startswith(entry.name) for line in text.splitlines()), entry.name
    assert "│could not be made" in text and f"{first.name}: no matching" in text
    names = [version for entry in inventory.frameworks for version in entry.versions.items()]
    assert all(f"{name} {version}" in text for name, version in names)


@pytest.mark.parametrize("term", ["xterm", "dumb"])
def test_forced_colours_make_a_file_no_terminal(
    term: str, framebench: Framebench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is as wide as without them, and no cursor moves in the log of a run."""
    plain = framebench("report", str(PUBLISHED)).stdout
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("TERM", term)
    coloured = framebench("report", str(PUBLISHED)).stdout
    assert ("\x1b[" in coloured) == (term == "xterm")
    assert re.sub(r"\x1b\[[\d;]*m", "", coloured) == plain
    monkeypatch.setenv("COLUMNS", "80")
    assert wide_console().width == 160
    log = io.StringIO()
    time_left = TimeLeft(cells=[], blocks=3, done=set())
    for display in (
        SetupDisplay(PlainConsole(file=log)),
        RunDisplay(time_left, console=PlainConsole(file=log)),
        ClusterDisplay(time_left, console=PlainConsole(file=log)),
    ):
        with display:
            display.phase("pip", "installing")
            display.finished("pip", "ready")
    assert re.sub(r"\x1b\[[\d;]*m", "", log.getvalue()).startswith("pip: installing")
    assert not re.search(r"\x1b\[[^m]*[^m\d;]|\r", log.getvalue())


COMPLETED = {
    "a task": ("run -t mnist-s", "mnist-softmax"),
    "a mode": ("run -m comp", "compiled"),
    "a preset": ("run --preset st", "standard"),
    "a tuning": ("run --tuning d", "default"),
    "a format": ("report --format mark", "markdown"),
    "a persona": ("recommend -p res", "researcher"),
    "a weight": ("recommend -w mem", "memory="),
    "a run": ("report m", "mine"),
    "a run to publish": ("publish m", "mine"),
    "a run elsewhere": ("report elsewhere/t", "elsewhere/theirs"),
    "a run to compare": ("compare before m", "mine"),
    "what to allow": ("compare a b --allow ver", "versions"),
    "a framework to set up": ("setup pyt", "pytorch"),
    "a task to show": ("show imdb", "imdb-lstm"),
    "a framework to compare": ("show imdb-lstm --diff pytorch pad", "paddlepaddle"),
}


def type_in_bash(typed: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Set what bash passes to the command for a completion."""
    monkeypatch.setenv("_FRAMEBENCH_COMPLETE", "complete_bash")
    monkeypatch.setenv("COMP_WORDS", f"framebench {typed}")
    monkeypatch.setenv("COMP_CWORD", str(len(typed.split())))


@pytest.mark.parametrize("case", COMPLETED)
def test_completion_offers(
    case: str, framebench: Framebench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for folder in ("results/mine", "elsewhere/theirs"):
        (tmp_path / folder).mkdir(parents=True)
        (tmp_path / folder / "run.json").write_text("{}", encoding="utf-8")
    typed, offered = COMPLETED[case]
    type_in_bash(typed, monkeypatch)
    assert offered in framebench(expect=None).stdout.split()


def test_completion_in_a_process(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    type_in_bash("run -t mnist-s", monkeypatch)
    assert in_a_process(folder=tmp_path).stdout.split() == ["mnist-softmax"]


@pytest.mark.parametrize("option", ["--show-completion", "--install-completion"])
def test_the_shell_s_completion_is_shown_and_installed(
    option: str, framebench: Framebench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("_TYPER_COMPLETE_TEST_DISABLE_SHELL_DETECTION", "1")  # the shell is named
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    done = framebench(option, "bash")
    script = done.stdout
    if option == "--install-completion":
        assert "bash completion installed in" in done.stdout
        (file,) = (tmp_path / "home" / ".bash_completions").iterdir()
        script = file.read_text(encoding="utf-8")
    assert "_FRAMEBENCH_COMPLETE=complete_bash" in script
    assert not done.stderr


def test_a_report_of_one_task_has_the_figures_of_the_full_report(framebench: Framebench) -> None:
    def cells(*chosen: str) -> list[dict[str, Any]]:
        printed = framebench("report", str(PUBLISHED), *chosen, "--json").stdout
        return [cell for cell in json.loads(printed)["cells"] if cell["task"] == "mnist-mlp"]

    assert len(cells("-t", "mnist-mlp")) == 4
    assert cells("-t", "mnist-mlp") == cells()


def test_the_newest_run_is_the_run_that_was_started_last(
    framebench: Framebench, tmp_path: Path
) -> None:
    for name, started in (("copied-late", "2026-01-01"), ("newer", "2026-02-01")):
        folder = tmp_path / "results" / name
        shutil.copytree(PUBLISHED, folder)
        info = json.loads((folder / "run.json").read_text(encoding="utf-8"))
        text = json.dumps({**info, "name": name, "started": started})
        (folder / "run.json").write_text(text, encoding="utf-8")
    os.utime(tmp_path / "results" / "copied-late" / "run.json")
    newest = json.loads(framebench("report", "--json").stdout)
    assert newest["run"]["name"] == "newer"


@pytest.mark.parametrize("indent", [None, 2])
@pytest.mark.parametrize("about", ["", "half a pair: \ud800"])
def test_a_run_that_went_on_is_no_newer(
    indent: int | None, about: str, framebench: Framebench, tmp_path: Path
) -> None:
    went_on = {"resumed": [{"started": "2026-03-01", "records": 0, "seconds": 0.0}]}
    for name, own in (("older", {"started": "2026-01-01", **went_on}), ("a", {})):
        folder = tmp_path / "results" / name
        shutil.copytree(PUBLISHED, folder)
        info = json.loads((folder / "run.json").read_text(encoding="utf-8"))
        info |= {"name": name, "started": "2026-02-01", "about": about, **own}
        separators = (",", ":") if indent is None else None
        text = json.dumps(info, indent=indent, sort_keys=True, separators=separators)
        (folder / "run.json").write_text(text, encoding="utf-8")
    os.utime(tmp_path / "results" / "a" / "run.json", (1, 1))
    assert json.loads(framebench("report", "--json").stdout)["run"]["name"] == "a"


def test_a_run_is_found_by_its_name(framebench: Framebench) -> None:
    published = ("--results", str(PUBLISHED.parent))
    by_name = framebench("report", PUBLISHED.name, *published, "--format", "csv").stdout
    assert by_name == framebench("report", str(PUBLISHED), "--format", "csv").stdout


def test_another_folder_of_its_name_hides_no_run(
    framebench: Framebench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / PUBLISHED.name).mkdir()
    published = ("--results", str(PUBLISHED.parent))
    assert framebench("report", PUBLISHED.name, *published, "--json").stdout
    monkeypatch.chdir(tmp_path)
    assert PublishedEnvironments.of(Path(PUBLISHED.name), PUBLISHED.parent).run == PUBLISHED
    error = framebench("report", PUBLISHED.name, expect=2).stderr
    assert error == f"framebench: {PUBLISHED.name} holds no run: run.json is missing\n"


def test_advice_in_every_form(framebench: Framebench) -> None:
    asked = ("recommend", str(PUBLISHED), "-p", "industry", "-w", "speed=4")
    as_json = json.loads(framebench(*asked, "--json").stdout)
    assert as_json == json.loads(framebench(*asked, "--format", "json").stdout)
    (advice,) = as_json["advice"]
    assert advice["persona"] == "industry"
    assert {row["name"]: row["weight"] for row in advice["criteria"]}["speed"] == 4
    assert advice["headline"] in framebench(*asked, "--format", "markdown").stdout
    table = framebench(*asked).stdout
    assert advice["headline"] in " ".join(table.split()) and "pypi.org" not in table
    several = framebench(*asked, "-p", "edge", "-p", "industry").stdout
    assert [several.count(f"Advice for: {persona} with") for persona in ("industry", "edge")] == [
        1,
        1,
    ]
    assert several.count("Common claims") == several.count("A score runs from 0 to 1") == 1
    assert "https://pypi.org/project/torch/" in framebench(*asked, "--facts").stdout


def test_the_help_has_every_criterion_and_weight(framebench: Framebench) -> None:
    text = " ".join(framebench("recommend", "--help").stdout.split())
    for criterion in CRITERIA.values():
        assert f"{criterion.name}: {criterion.figure}; {criterion.scored}." in text
    for persona in PERSONAS.values():
        weights = (f"{name} {weight:g}" for name, weight in persona.weights.items())
        assert f"{persona.name}: {', '.join(weights)}." in text
