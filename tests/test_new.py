"""`framebench new`: what it writes runs as it is, and nothing is overwritten."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from bench.cli.scaffold import modelled_frameworks
from bench.launch import catalogue
from tests.conftest import Framebench
from tests.source_tree import copy_source
from tests.test_cli import type_in_bash

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

# The longest names that are allowed: with them, lines are the longest.
LONG_TASK = "-".join(["mnist", *["abcdefg"] * 4, "ab"])
LONG_FRAMEWORK = LONG_TASK.replace("-", "_")

REFUSED = {
    "a task with capitals": (("task", "Mnist-Deep"), "'Mnist-Deep' cannot name a task"),
    "a task with underscores": (("task", "mnist_deep"), "'mnist_deep' cannot name a task"),
    "a task with a number first": (("task", "2-layers"), "'2-layers' cannot name a task"),
    "a task in a folder": (("task", "../deep"), "'../deep' cannot name a task"),
    "a long task": (("task", f"{LONG_TASK}c"), "is longer than 40 characters"),
    "a task that is a word": (("task", "lambda"), "'lambda' is a word of Python"),
    "a task that exists": (("task", "mnist-mlp"), "there is a task 'mnist-mlp' already"),
    "a network that exists": (("task", "mlp"), "there is a network 'mlp' already"),
    "a framework with dashes": (("framework", "my-array"), "'my-array' cannot name a framework"),
    "a framework with capitals": (("framework", "MyArray"), "'MyArray' cannot name a framework"),
    "a framework in a folder": (("framework", "a/b"), "'a/b' cannot name a framework"),
    "a framework that is a word": (("framework", "class"), "'class' is a word of Python"),
    "a framework that exists": (("framework", "pytorch"), "a framework 'pytorch' already"),
    "the reference": (("framework", "reference"), "a framework 'reference' already"),
    "a framework called as a task": (("framework", "mnist_mlp"), "a task 'mnist_mlp' already"),
    "an unknown kind": (("model", "deep"), "no kind of thing to start is called 'model'"),
    "no name": (("task",), "Missing argument"),
    "an unknown framework": (("task", "deep", "-f", "caffe"), "is called 'caffe'"),
    "the reference's network alone": (("task", "deep", "-f", "reference"), "called 'reference'"),
    "a framework for a framework": (
        ("framework", "my_array", "-f", "pytorch"),
        "--framework chooses for which frameworks a new task is written",
    ),
    "two places": (
        ("task", "deep", "--in-tree", "--into", "work"),
        "--in-tree and --into are two places",
    ),
    "a file to write into": (("task", "deep", "--into", "file"), "--into file: it is a file"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_cannot_be_written_is_refused(
    case: str, framebench: Framebench, tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("", encoding="utf-8")
    arguments, message = REFUSED[case]
    done = framebench("new", *arguments, expect=2)
    assert message in done.stderr and done.stdout == ""
    assert done.stderr.startswith("framebench: ") and done.stderr.count("\n") == 1
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def written(folder: Path) -> dict[str, str]:
    """The texts of all files in a folder, by their paths below it."""
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): path.read_text("utf-8") for path in files}


def test_a_new_task_has_a_definition_and_a_network_in_every_framework(
    framebench: Framebench, tmp_path: Path
) -> None:
    printed = framebench("new", "task", "mnist-deep").stdout
    files = written(tmp_path / "framebench-mnist-deep")
    for path in files:
        assert f"\n  {path}\n" in printed
    for command in (
        "pip install -e framebench-mnist-deep",
        "framebench verify -t mnist-deep",
        "framebench run -t mnist-deep",
    ):
        assert f"\n  {command}\n" in printed
        assert command.replace("framebench-mnist-deep", ".") in files["README.md"]
    package = "framebench_mnist_deep"
    networks = {path for path in files if path.endswith("models/mnist_deep.py")}
    assert networks == {
        f"{package}/frameworks/{framework}/models/mnist_deep.py"
        for framework in ("reference", *(catalogue.load(n).models for n in modelled_frameworks()))
    }
    for path in (*networks, f"{package}/tasks/mnist_deep.py"):
        assert "FILL IN: " in files[path], path
    points = tomllib.loads(files["pyproject.toml"])["project"]["entry-points"]
    assert {group: list(values.values()) for group, values in points.items()} == {
        "framebench.tasks": [f"{package}.tasks"],
        "framebench.frameworks": [f"{package}.frameworks"],
    }


def test_every_framework_has_a_template_of_a_network() -> None:
    ours = {file.parents[1].name for file in catalogue.FRAMEWORKS.glob("*/models/mlp.py")}
    assert {"reference", *(catalogue.load(n).models for n in modelled_frameworks())} == ours


def test_a_new_task_for_some_frameworks_has_their_networks(
    framebench: Framebench, tmp_path: Path
) -> None:
    printed = framebench("new", "task", "deep", "-f", "pytorch", "-f", "jax_flax").stdout
    folders = (tmp_path / "framebench-deep" / "framebench_deep" / "frameworks").glob("*/models")
    assert {folder.parent.name for folder in folders} == {"reference", "pytorch", "jax_flax"}
    assert "framebench verify -t deep -f pytorch -f jax_flax\n" in printed


def test_a_new_framework_is_written_into_a_folder(framebench: Framebench, tmp_path: Path) -> None:
    printed = framebench("new", "framework", "my_array", "--into", "a b/c").stdout
    assert "pip install -e 'a b/c/framebench-my-array'\n" in printed
    files = written(tmp_path / "a b" / "c" / "framebench-my-array")
    adapter = files["framebench_my_array/frameworks/my_array/adapter.py"]
    assert adapter.count("FILL IN: ") >= 10
    project = tomllib.loads(files["pyproject.toml"])["project"]
    assert project["name"] == "framebench-my-array"
    assert project["entry-points"] == {
        "framebench.frameworks": {"framebench_my_array": "framebench_my_array.frameworks"}
    }


@pytest.mark.parametrize(("kind", "name"), [("task", "my-deep"), ("framework", "my_deep")])
def test_nothing_is_overwritten(
    kind: str, name: str, framebench: Framebench, tmp_path: Path
) -> None:
    framebench("new", "task", "my-deep")
    before = written(tmp_path)
    done = framebench("new", kind, name, expect=2)
    assert done.stderr == "framebench: framebench-my-deep exists already; nothing is written\n"
    assert written(tmp_path) == before


def check_style(folder: Path, *settings: str, cwd: Path) -> None:
    """Every Python file in a folder compiles, and passes ruff with the project's settings."""
    for file in folder.rglob("*.py"):
        compile(file.read_text(encoding="utf-8"), file, "exec")
    ruff = (sys.executable, "-m", "ruff")
    for command in (("format", "--check"), ("check",)):
        done = subprocess.run(
            [*ruff, *command, "--no-cache", *settings, str(folder)],
            cwd=cwd,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize(
    ("kind", "name"),
    [("task", "a"), ("task", LONG_TASK), ("framework", "a"), ("framework", LONG_FRAMEWORK)],
)
def test_a_plugin_has_the_project_s_style(
    kind: str, name: str, framebench: Framebench, tmp_path: Path
) -> None:
    framebench("new", kind, name)
    (plugin,) = tmp_path.iterdir()
    # As in the source tree: our packages and the plug-in's are not third parties, and a network
    # and an adapter need no docstrings.
    settings = (
        f"src = ['{catalogue.TREE}', '{plugin}']",
        "lint.extend-per-file-ignores = {'**/frameworks/**' = ['D', 'N812']}",
    )
    options = (word for setting in settings for word in ("--config", setting))
    check_style(plugin, "--config", str(catalogue.TREE / "pyproject.toml"), *options, cwd=tmp_path)
    tomllib.loads((plugin / "pyproject.toml").read_text(encoding="utf-8"))


@pytest.mark.frameworks
def test_in_the_source_tree(framebench: Framebench, tmp_path: Path) -> None:
    tree = copy_source(tmp_path / "tree")
    new_task = ("new", "task", "mnist-deep", "--in-tree")
    assert "needs framebench's source tree" in framebench(*new_task, tree=tree, expect=2).stderr
    shutil.copy(catalogue.TREE / "pyproject.toml", tree)
    before = written(tree)
    printed = framebench(*new_task, "-f", "pytorch", tree=tree).stdout
    assert "docs/adding-a-task.md" in printed and "pip install" not in printed
    framebench("new", "framework", "my_array", "--in-tree", tree=tree)
    after = written(tree)
    assert {path for path in after if before.get(path) != after[path]} == {
        "bench/tasks/mnist_deep.py",
        *(f"frameworks/{name}/models/mnist_deep.py" for name in ("reference", "pytorch")),
        *(f"frameworks/my_array/{path}" for path in ("__init__.py", "adapter.py", "layers.py")),
        *(f"frameworks/my_array/{path}" for path in ("losses.py", "optimizers.py")),
        *(f"frameworks/my_array/{path}" for path in ("framework.toml", "requirements-cpu.txt")),
        *(f"frameworks/my_array/models/{path}" for path in ("__init__.py", "softmax.py")),
    }
    check_style(tree, cwd=tree)
    for again in (("task", "mnist-deep"), ("framework", "my_array")):
        assert "already" in framebench("new", *again, "--in-tree", tree=tree, expect=2).stderr
    # A folder that is not a framework yet is not written into either.
    (tree / "frameworks" / "my_array" / "framework.toml").unlink()
    half = framebench("new", "framework", "my_array", "--in-tree", tree=tree, expect=2).stderr
    assert "exists already; nothing is written" in half
    assert not (tree / "frameworks" / "my_array" / "framework.toml").exists()


def test_the_help_has_examples(framebench: Framebench) -> None:
    text = framebench("new", "--help").stdout
    for example in ("new task mnist-deep -f pytorch", "new framework my_array --into work"):
        assert f"framebench {example} " in text


@pytest.mark.parametrize(
    ("typed", "offered"),
    [
        ("new fr", ["framework"]),
        ("new task deep -f pyt", ["pytorch"]),
        ("new task deep -f ref", []),
    ],
)
def test_completion_offers(
    typed: str, offered: list[str], framebench: Framebench, monkeypatch: pytest.MonkeyPatch
) -> None:
    type_in_bash(typed, monkeypatch)
    assert framebench(expect=None).stdout.split() == offered


def install(plugin: Path) -> None:
    """Make a plug-in's folder importable as an installed distribution, once it is on the path."""
    project = tomllib.loads((plugin / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    metadata = plugin / f"{project['name'].replace('-', '_')}-{project['version']}.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text(
        f"Metadata-Version: 2.1\nName: {project['name']}\nVersion: {project['version']}\n",
        encoding="utf-8",
    )
    lines = [
        line
        for group, points in project["entry-points"].items()
        for line in (f"[{group}]", *(f"{name} = {value}" for name, value in points.items()))
    ]
    (metadata / "entry_points.txt").write_text("\n".join(lines), encoding="utf-8")


@pytest.mark.frameworks
def test_a_new_task_and_a_new_framework_are_proved(framebench: Framebench, tmp_path: Path) -> None:
    framebench("new", "task", "mnist-deep")
    framebench("new", "framework", "my_array")
    plugins = [tmp_path / "framebench-mnist-deep", tmp_path / "framebench-my-array"]
    for plugin in plugins:
        install(plugin)

    def verify(*arguments: str) -> str:
        done = subprocess.run(
            [sys.executable, "-m", "bench", "verify", *arguments],
            cwd=tmp_path,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(map(str, (catalogue.TREE, *plugins)))},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    assert "4 of 4 proved" in verify("-t", "mnist-deep", "-f", "pytorch")
    current = ("--env", "current")
    assert "2 of 2 proved" in verify("-t", "mnist-softmax", "-f", "my_array", *current)
