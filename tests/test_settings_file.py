"""The file of settings: what it sets, what wins over it, and what is refused."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from bench.launch import catalogue
from tests.conftest import Framebench

YAML = """
run:
  framework: [pytorch, mxnet_gluon]
  task: mnist-mlp
  until: 5%
  test-examples: 500
  json: true
"""
TOML = """
[tool.other]
framebench = "no settings"

[tool.framebench.run]
framework = ["pytorch", "mxnet_gluon"]
task = "mnist-mlp"
until = "5%"
test_examples = 500
json = true
"""

RUN = str(catalogue.TREE / "results" / "quick-epyc-2cpu")
OTHER = str(catalogue.TREE / "results" / "standard-epyc-2cpu")
Write = Callable[[str, str], None]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    def write_in_the_folder_of_the_command(name: str, text: str) -> None:
        (tmp_path / name).write_text(text, encoding="utf-8")

    return write_in_the_folder_of_the_command


def shown(framebench: Framebench, *arguments: str) -> dict[str, tuple[str, str]]:
    """The value of each option of a run, and where it comes from."""
    lines = framebench("run", "--show-config", *arguments).stdout.splitlines()
    rows = ([part.strip() for part in line.split("  ") if part.strip()] for line in lines)
    return {name: (value, origin) for name, value, origin in rows}


@pytest.mark.parametrize(
    ("name", "text", "origin"),
    [
        ("framebench.yaml", YAML, "framebench.yaml"),
        ("pyproject.toml", TOML, "pyproject.toml [tool.framebench]"),
    ],
)
def test_a_file_sets_options_and_the_command_line_wins(
    name: str, text: str, origin: str, framebench: Framebench, write: Write
) -> None:
    write(name, text)
    options = shown(framebench, "-t", "cifar-cnn", "--seed", "3")
    assert options["framework"] == ("pytorch, mxnet_gluon", origin)
    assert options["task"] == ("cifar-cnn", "the command line")
    assert options["until"] == ("5%", origin)
    assert options["test-examples"] == ("500", origin)
    assert options["json"] == ("True", origin)
    assert options["seed"] == ("3", "the command line")
    assert options["preset"] == ("quick", "the default")
    assert shown(framebench)["task"] == ("mnist-mlp", origin)


def test_programs_get_the_same_options(framebench: Framebench, write: Write) -> None:
    write("framebench.yaml", YAML)
    asked = ("--results", "out", "--seed", "3")
    told = json.loads(framebench("run", "--show-config", "--json", *asked).stdout)
    assert told["framework"] == {"value": ["pytorch", "mxnet_gluon"], "source": "framebench.yaml"}
    assert told["seed"] == {"value": 3, "source": "the command line"}
    assert told["results"]["value"] == "out"
    assert told["epochs"] == {"value": None, "source": "the default"}
    table = shown(framebench, *asked)
    assert told.keys() == table.keys()
    assert all(told[name]["source"] == table[name][1] for name in table if name != "json")


def test_without_a_file_every_option_has_its_default(framebench: Framebench) -> None:
    assert {origin for _, origin in shown(framebench).values()} == {"the default"}


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("framebench.yaml", "runs: {task: a}", "framebench.yaml, runs: no command is called"),
        ("framebench.yaml", "run: {tasks: a}", "run: no option is called 'tasks'"),
        ("framebench.yaml", "run: {until: [1%, 2%]}", "until takes one value, not ['1%', '2%']"),
        ("framebench.yaml", "run: {json: maybe}", "json is true or false, not 'maybe'"),
        ("framebench.yaml", "run: {resume: true}", "no option is called 'resume'"),
        ("framebench.yaml", "run: {seed:}", "seed takes one value, not None"),
        ("framebench.yaml", "run: {seed: many}", "Invalid value for '--seed'"),
        ("framebench.yaml", "run: [task", "framebench.yaml: while parsing a flow sequence"),
        ("framebench.yaml", "- run", "must have a section of settings for each command"),
        ("framebench.yaml", "run: quick", "must have a section of settings for each command"),
        ("framebench.yaml", "run: {name: 2024-02-30}", "framebench.yaml has a value that cannot"),
        ("framebench.yaml", "run: {seed: !!bool 3}", "framebench.yaml has a value that cannot be"),
        pytest.param("framebench.yaml", "[" * 9999, "yaml has a value that cannot", id="nested"),
        ("pyproject.toml", "[tool.framebench", "pyproject.toml: "),
        pytest.param("pyproject.toml", f"framebench = {'9' * 9999}", "has a value", id="digits"),
        ("pyproject.toml", "[tool]\nframebench = 1", "must have a section of settings"),
    ],
)
def test_what_is_no_setting_is_refused(
    name: str, text: str, message: str, framebench: Framebench, write: Write
) -> None:
    write(name, text)
    error = framebench("run", "--show-config", expect=2).stderr
    assert error.startswith("framebench: ") and message in error and error.count("\n") == 1


def test_two_files_are_refused(framebench: Framebench, write: Write) -> None:
    write("framebench.yaml", YAML)
    write("pyproject.toml", TOML)
    assert "keep one of them" in framebench("run", "--show-config", expect=2).stderr


def test_a_section_may_be_empty(framebench: Framebench, write: Write) -> None:
    write("framebench.yaml", "run:\ncompare: {fail-on: 5%}\nreport:  # nothing yet\n")
    assert {origin for _, origin in shown(framebench).values()} == {"the default"}


@pytest.mark.parametrize(
    "text",
    ["[project]\nname = 'other'", "[broken", "framebench = true", "tool = 'framebench'"],
)
def test_another_project_s_file_is_left_alone(
    text: str, framebench: Framebench, write: Write
) -> None:
    write("pyproject.toml", text if text != "framebench = true" else f"{text}\n[tool.x]\n")
    assert shown(framebench)["task"][1] == "the default"


def test_other_commands_take_their_settings(framebench: Framebench, write: Write) -> None:
    write("framebench.yaml", "compare: {fail-on: 150%}")
    assert "--fail-on must be" in framebench("compare", "a", "b", expect=2).stderr
    write("framebench.yaml", "list: {json: true}")
    assert json.loads(framebench("list").stdout)


# Settings of `run`, with arguments that cannot go with them, and the options that then have their
# defaults.
GIVING_WAY = {
    "until for a shard": ("until: 5%, budget: 20m", ("--shard", "1/3"), {"until", "budget"}),
    "until for one repeat": ("until: 5%, budget: 20m", ("-n", "1"), {"until", "budget"}),
    "one repeat for until": ("repeats: 1", ("--until", "5%"), {"repeats"}),
    "a shard for until": ("shard: 1/3", ("--until", "5%"), {"shard"}),
    "spare for a cluster": ("spare: 2", ("--engine", "ray"), {"spare"}),
    "a run's versions": ("env: like:r", ("--engine", "ray"), {"env"}),
    "an address": ("engine: ray, address: head", ("--engine", "local"), {"address"}),
    "budget alone": ("budget: 20m", (), {"budget"}),
    "none": ("until: 5%, budget: 20m, seed: 1", ("-n", "2", "--seed", "2"), set()),
    "what only the file says": ("until: 5%, shard: 1/3", (), set()),
}


@pytest.mark.parametrize("case", GIVING_WAY)
def test_what_cannot_go_with_the_command_line_gives_way(
    case: str, framebench: Framebench, write: Write
) -> None:
    settings, arguments, giving_way = GIVING_WAY[case]
    write("framebench.yaml", f"run: {{{settings}, threads: 1}}")
    options = shown(framebench, *arguments)
    named = {setting.partition(":")[0].strip() for setting in settings.split(",")}
    assert {name for name in named if options[name][1] == "the default"} == giving_way
    assert options["threads"] == ("1", "framebench.yaml")


def test_a_format_of_the_command_line_wins_over_the_file(
    framebench: Framebench, write: Write
) -> None:
    write("framebench.yaml", "report: {format: markdown, task: mnist-mlp}")
    assert json.loads(framebench("report", RUN, "--json").stdout)["run"]
    assert framebench("report", RUN).stdout.startswith("#")
    write("framebench.yaml", "report: {json: true}")
    assert framebench("report", RUN, "--format", "csv").stdout.startswith("task,")
    write("framebench.yaml", "report: {json: true, format: csv}")
    assert "are two formats" in framebench("report", RUN, expect=2).stderr


def test_settings_of_a_gate_wait_for_one(framebench: Framebench, write: Write) -> None:
    write("framebench.yaml", "compare: {allow: all, strict: true}")
    assert framebench("compare", RUN, RUN).stdout
    gate = ("compare", RUN, OTHER, "--fail-on", "99%")
    assert framebench(*gate, expect=None).returncode in (0, 1)
    error = framebench("compare", RUN, RUN, "--allow", "machine", expect=2).stderr
    assert "--allow has no effect without --fail-on" in error


def test_a_name_of_the_command_line_is_no_name_of_the_file(
    framebench: Framebench, write: Write
) -> None:
    write("framebench.yaml", "show: {framework: [pytorch]}\nnew: {into: plug-ins}")
    assert framebench("show", "mnist-mlp", "--diff", "pytorch", "jax_flax").stdout
    both = ("--in-tree", "--into", "x")
    assert "are two places" in framebench("new", "task", "a-b", *both, expect=2).stderr


@pytest.mark.frameworks
def test_a_run_s_command_can_be_repeated_without_the_file(
    framebench: Framebench, write: Write, tmp_path: Path
) -> None:
    write("framebench.yaml", "run: {framework: reference, task: [mnist-softmax], seconds: 0}")
    small = ("--epochs", "1", "--train-examples", "640", "--test-examples", "100", "-n", "1")
    framebench("run", *small, "--name", "mine", "--results", str(tmp_path))
    command = json.loads((tmp_path / "mine" / "run.json").read_text(encoding="utf-8"))["command"]
    assert command.endswith("--framework reference --task mnist-softmax --seconds 0.0")
