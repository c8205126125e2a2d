"""Plug-ins: frameworks, tasks and data sets of packages that are installed beside framebench."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import sysconfig
import textwrap
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from bench import datasets, tasks
from bench.core.errors import UsageError
from bench.launch import catalogue
from bench.launch.framework_file import read
from bench.launch.paths import CACHE_VARIABLE, cache_dir
from tests.source_tree import copy_source

PLUGIN = catalogue.TREE / "tests" / "plugin"
TOML = PLUGIN / "framebench_example" / "frameworks" / "plain_numpy" / "framework.toml"


def succeed(*command: str | Path, folder: Path, **variables: str) -> str:
    """What a command that must succeed prints."""
    done = subprocess.run(
        list(map(str, command)),
        cwd=folder,
        env={**os.environ, **variables},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, f"{done.stdout[-4000:]}\n{done.stderr[-4000:]}"
    return done.stdout


# The plug-in of `tests/plugin`, installed as its users would


@dataclass(frozen=True, kw_only=True)
class Installed:
    """A virtual environment with framebench and the plug-in, and a folder to run commands in."""

    bin: Path
    packages: Path
    folder: Path

    def framebench(self, *arguments: str) -> str:
        return succeed(
            self.bin / "framebench",
            *arguments,
            folder=self.folder,
            **{
                CACHE_VARIABLE: str(self.folder / "cache"),
                "FRAMEBENCH_DATA": str(self.folder / "data"),
                "PYTHONPATH": "",
                "COLUMNS": "160",
            },
        )

    def record(self, run: str) -> dict[str, Any]:
        """The only record of a run."""
        file = self.folder / "results" / run / "records.jsonl"
        record: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
        return record


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Installed:
    """Both packages are installed by pip, from copies, as building leaves files in the source.

    Only setuptools is fetched, unless pip has it in its cache: releases that Python brings cannot
    read a licence as framebench states it. Everything else is taken from this Python's packages.
    """
    folder = tmp_path_factory.mktemp("installed")
    source = copy_source(folder / "source", ("bench", "framebench", "frameworks"))
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(catalogue.TREE / name, source)
    shutil.copytree(
        PLUGIN, folder / "plugin", ignore=shutil.ignore_patterns("__pycache__", "*.egg-info")
    )
    succeed(sys.executable, "-m", "venv", "--without-pip", "environment", folder=folder)
    python = folder / "environment" / "bin" / "python"
    pip = (sys.executable, "-m", "pip", "--python", python, "install", "-q", "--no-compile")
    succeed(*pip, "setuptools>=77", folder=folder)
    offline = ("--no-index", "--no-deps", "--no-build-isolation")
    succeed(*pip, *offline, "./source", "./plugin", folder=folder)
    place = "import sysconfig; print(sysconfig.get_path('purelib'))"
    packages = Path(succeed(python, "-c", place, folder=folder).strip())
    borrowed = sysconfig.get_path("purelib")
    (packages / "dependencies.pth").write_text(f"{borrowed}\n", encoding="utf-8")
    # Environments are shared with other tests. Data and proofs are not: they are to be made here.
    (cache_dir() / "environments").mkdir(parents=True, exist_ok=True)
    (folder / "cache").mkdir()
    (folder / "cache" / "environments").symlink_to(cache_dir() / "environments")
    official = folder / "data" / "saddle" / "heights.saddle"
    official.parent.mkdir(parents=True)
    official.write_text(heights(), encoding="utf-8")
    return Installed(bin=python.parent, packages=packages, folder=folder)


def heights() -> str:
    """The plug-in's data set in its file's format: every eighth point is in the test set."""
    points = [(x, y) for x in range(-64, 65, 4) for y in range(-64, 65, 4)]
    return "".join(
        f"{'test' if number % 8 == 0 else 'train'} {x} {y} {x * y // 64}\n"
        for number, (x, y) in enumerate(points)
    )


# Of the plug-in's framework only, as importing a large one takes seconds in each process.
RUN = (
    *("run", "-t", "saddle-tanh", "-f", "plain_numpy", "--threads", "1", "-n", "1"),
    *("--warmup", "0.1", "--spare", "0"),
)


@pytest.mark.frameworks
def test_an_installed_plug_in_is_listed_proved_and_measured(installed: Installed) -> None:
    inventory = json.loads(installed.framebench("list", "--json"))
    (task,) = (task for task in inventory["tasks"] if task["name"] == "saddle-tanh")
    assert not {"plain_numpy", "pytorch", "reference"} & set(task["missing_in"])
    assert "plain_numpy" in {framework["name"] for framework in inventory["frameworks"]}
    states = {data["name"]: data["state"] for data in inventory["data"]}
    assert states["saddle"].startswith("official files found in ")
    (plugin,) = inventory["plugins"]
    assert plugin["name"] == "framebench-plugin-example" and plugin["broken"] == []

    both = ("-f", "plain_numpy", "-f", "pytorch")
    proofs = installed.framebench("verify", "-t", "saddle-tanh", *both, "-m", "eager", "--json")
    certificates = json.loads(proofs)["certificates"]
    assert [certificate["status"] for certificate in certificates] == ["ok"] * 4

    installed.framebench(*RUN, "--name", "first")
    first = installed.record("first")
    assert first["status"] == "ok" and first["dataset"]["source"] == "real"
    # In metres: an accuracy would be near 1, and an untrained network's error is near 0.4.
    assert 0 < first["measurement"]["evaluations"][-1]["metric"] < 0.4
    snapshot = json.loads((installed.folder / "results/first/run.json").read_text())["snapshot"]
    assert snapshot["tasks"][0]["metric"]["name"] == "mean absolute error"

    # A helper of the task, in none of the packages that the entry points name.
    with (installed.packages / "framebench_example" / "fields.py").open("a") as helper:
        helper.write("# Changed.\n")
    installed.framebench(*RUN, "--data", "synthetic", "--name", "second")
    second = installed.record("second")
    assert second["status"] == "ok" and second["dataset"]["source"] == "synthetic"
    assert second["source_digest"] != first["source_digest"]

    shown = installed.framebench("show", "saddle-tanh", "--format", "markdown")
    for name in ("plain_numpy", "pytorch", "reference"):
        file = f"framebench_example/frameworks/{name}/models/tanh.py"
        assert file in shown
        assert (installed.packages / file).read_text(encoding="utf-8").rstrip() in shown
    assert "points of the plane" in shown and "0.1 m or less" in shown


# Plug-ins with faults, as folders with a minimal `dist-info` on the path


def add_plugin(
    site: Path, distribution: str, files: Mapping[str, str], entry_points: Mapping[str, str]
) -> None:
    """Write a plug-in's files, and the metadata by which its entry points (by group) are found."""
    for name, text in files.items():
        file = site / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(textwrap.dedent(text), encoding="utf-8")
    info = site / f"{distribution.replace('-', '_')}-1.0.dist-info"
    info.mkdir()
    metadata = f"Metadata-Version: 2.1\nName: {distribution}\nVersion: 1.0\n"
    (info / "METADATA").write_text(metadata, encoding="utf-8")
    points = [f"[framebench.{group}]\nx = {value}\n" for group, value in entry_points.items()]
    (info / "entry_points.txt").write_text("\n".join(points), encoding="utf-8")


def with_plugins(site: Path, code: str) -> Any:
    """What a fresh process prints as JSON, which finds framebench and the plug-ins in `site`."""
    path = os.pathsep.join((str(site), str(catalogue.TREE)))
    return json.loads(succeed(sys.executable, "-c", code, folder=site, PYTHONPATH=path))


def task_text(name: str, **changes: str) -> str:
    """A module whose task is softmax regression, under another name and with some changes."""
    values = ", ".join(f"{key}={value}" for key, value in {"name": repr(name), **changes}.items())
    return (
        "from dataclasses import replace\n"
        "from bench.tasks.mnist_softmax import TASK as SOFTMAX\n"
        f"TASK = replace(SOFTMAX, {values})\n"
    )


def dataset_text(name: str) -> str:
    """A module whose data set is MNIST under another name."""
    return (
        "from dataclasses import replace\n"
        "from bench.datasets.mnist import DATASET as MNIST\n"
        f"DATASET = replace(MNIST, name={name!r})\n"
    )


def toml_text(name: str, old: str = "", new: str = "") -> str:
    """The example's `framework.toml` under another name, with a piece of it replaced."""
    text = TOML.read_text(encoding="utf-8").replace("plain_numpy", name)
    assert old in text
    return text.replace(old, new, 1) if old else text


# By the file that has it: the text, what is reported as broken, and pieces of the reason.
FAULTS: Mapping[str, tuple[str, str, tuple[str, ...]]] = {
    "tasks/stops.py": (
        "import no_such_module",
        "faulty.tasks.stops",
        ("ModuleNotFoundError", "no_such_module"),
    ),
    "tasks/exits.py": ("raise SystemExit(3)", "faulty.tasks.exits", ("SystemExit: 3",)),
    "datasets/exits.py": ("raise SystemExit", "faulty.datasets.exits", ("SystemExit",)),
    "tasks/exiting_data.py": (
        task_text("exiting-data", dataset="'exits'"),
        "faulty.tasks.exiting_data",
        ("its data set 'exits' cannot be used", "SystemExit"),
    ),
    "tasks/mnist_mlp.py": (
        task_text("mnist-mlp"),
        "faulty.tasks.mnist_mlp",
        ("bench.tasks.mnist_mlp defines 'mnist-mlp' already",),
    ),
    "tasks/empty.py": ("", "faulty.tasks.empty", ("AttributeError", "'TASK'")),
    "tasks/text.py": ("TASK = 'text'", "faulty.tasks.text", ("its TASK is str",)),
    "tasks/named.py": (task_text("other"), "faulty.tasks.named", ("'other'", "'named'")),
    "tasks/quick_only.py": (
        task_text("quick-only", presets="{'quick': SOFTMAX.presets['quick']}"),
        "faulty.tasks.quick_only",
        ("no budget for the presets full, standard",),
    ),
    "tasks/unproved.py": (
        task_text("unproved", network="'no_such_network'"),
        "faulty.tasks.unproved",
        ("reference/models/no_such_network.py",),
    ),
    "tasks/no_data.py": (
        task_text("no-data", dataset="'no_such_data'"),
        "faulty.tasks.no_data",
        ("there is no data set 'no_such_data'",),
    ),
    "tasks/bad_data.py": (
        task_text("bad-data", dataset="'stops'"),
        "faulty.tasks.bad_data",
        ("its data set 'stops' cannot be used", "no_such_module"),
    ),
    "datasets/stops.py": (
        "import no_such_module",
        "faulty.datasets.stops",
        ("ModuleNotFoundError", "no_such_module"),
    ),
    "datasets/mnist.py": (
        dataset_text("mnist"),
        "faulty.datasets.mnist",
        ("bench.datasets.mnist defines 'mnist' already",),
    ),
    "datasets/text.py": ("DATASET = 'text'", "faulty.datasets.text", ("its DATASET is str",)),
    "datasets/named.py": (dataset_text("other"), "faulty.datasets.named", ("'other'", "'named'")),
    "frameworks/pytorch/framework.toml": (
        toml_text("pytorch"),
        "framework pytorch",
        ("/faulty/frameworks/pytorch/framework.toml", "describes 'pytorch' already"),
    ),
    "frameworks/typed/framework.toml": (
        toml_text("typed", 'modules = ["numpy"]', "modules = 1"),
        "framework typed",
        ("/faulty/frameworks/typed/framework.toml", "$.modules", "array"),
    ),
    "frameworks/unknown/framework.toml": (
        toml_text("unknown", "layout", "colour = 1\nlayout"),
        "framework unknown",
        ("/faulty/frameworks/unknown/framework.toml", "`colour`"),
    ),
    "frameworks/lacking/framework.toml": (
        toml_text("lacking", 'layout = "NCHW"\n'),
        "framework lacking",
        ("/faulty/frameworks/lacking/framework.toml", "`layout`"),
    ),
    "frameworks/folder/framework.toml": (
        toml_text("another"),
        "framework folder",
        ("/faulty/frameworks/folder/framework.toml", "$.name", "`folder`", "`another`"),
    ),
    "frameworks/mode/framework.toml": (
        toml_text("mode", 'recommended = "eager"', 'recommended = "fast"'),
        "framework mode",
        ("/faulty/frameworks/mode/framework.toml", "$.recommended", "(eager)", "`fast`"),
    ),
    "frameworks/eagerly/framework.toml": (
        toml_text(
            "eagerly", 'recommended = "eager"', 'recommended = "eager"\nuncompiled = ["jit"]'
        ),
        "framework eagerly",
        ("/faulty/frameworks/eagerly/framework.toml", "$.uncompiled", "(eager)", "`jit`"),
    ),
    "frameworks/bare/framework.toml": (
        toml_text("bare"),
        "framework bare",
        ("/faulty/frameworks/bare", "no adapter.py and no requirements-cpu.txt"),
    ),
}

# What the same plug-in has that is sound.
SOUND = {
    "tasks/sound_task.py": task_text("sound-task", dataset="'sound_data'"),
    "datasets/sound_data.py": dataset_text("sound_data"),
    "frameworks/sound_one/framework.toml": toml_text("sound_one"),
    "frameworks/sound_one/adapter.py": "",
    "frameworks/sound_one/requirements-cpu.txt": "",
}

# By distribution: the only file of the plug-in, its entry point, and pieces of the reason.
FAULTY_PACKAGES: Mapping[str, tuple[str, str, tuple[str, ...]]] = {
    "no-such-package": ("other.py", "no_such_package.tasks", ("'no_such_package'",)),
    "no-such-part": ("partless/__init__.py", "partless.tasks", ("partless.tasks is no package",)),
    "a-module": ("single.py", "single", ("single is no package",)),
    "raises": ("raising/__init__.py", "raising.tasks", ("RuntimeError: not today",)),
    "exits": ("exiting/__init__.py", "exiting.tasks", ("SystemExit: not today",)),
}

# Sound parts of another plug-in that have the names of the first one's faulty parts. A worker finds
# a part by its file, so that the first file with a name must be the one that counts.
LATE = {
    "tasks/stops.py": task_text("stops"),
    "datasets/stops.py": dataset_text("stops"),
    "frameworks/typed/framework.toml": toml_text("typed"),
    "frameworks/typed/adapter.py": "",
    "frameworks/typed/requirements-cpu.txt": "",
}

STATE = """
import json
from bench import datasets, tasks
from bench.core import plugins
from bench.launch import catalogue
broken = [*plugins.broken_packages(), *tasks.broken(), *datasets.broken(), *catalogue.broken()]
print(json.dumps({
    "tasks": tasks.names(),
    "datasets": datasets.names(),
    "frameworks": catalogue.families(),
    "broken": [vars(part) for part in broken],
}))
"""


@pytest.fixture(scope="module")
def faulty_site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with all faulty plug-ins."""
    site = tmp_path_factory.mktemp("site")
    faults = {name: text for name, (text, _, _) in FAULTS.items()}
    for distribution, files in {"faulty": {**faults, **SOUND}, "late": LATE}.items():
        add_plugin(
            site,
            distribution,
            {f"{distribution}/{name}": text for name, text in files.items()},
            {group: f"{distribution}.{group}" for group in ("tasks", "datasets", "frameworks")},
        )
    for distribution, (file, value, _) in FAULTY_PACKAGES.items():
        raised = {"raises": "RuntimeError", "exits": "SystemExit"}.get(distribution)
        text = f"raise {raised}('not today')" if raised else ""
        add_plugin(site, distribution, {file: text}, {"tasks": value})
    return site


@pytest.fixture(scope="module")
def state(faulty_site: Path) -> dict[str, Any]:
    """What is found beside all faulty plug-ins."""
    found: dict[str, Any] = with_plugins(faulty_site, STATE)
    return found


def test_faulty_plug_ins_leave_everything_else_as_it_was(state: dict[str, Any]) -> None:
    assert state["tasks"] == sorted([*tasks.names(), "sound-task"])
    assert state["datasets"] == sorted([*datasets.names(), "sound_data"])
    assert state["frameworks"] == sorted([*catalogue.families(), "sound_one"])
    late = [part for part in state["broken"] if part["distribution"] == "late"]
    assert len(state["broken"]) == len(FAULTS) + len(FAULTY_PACKAGES) + len(late)


def test_a_name_belongs_to_the_first_plug_in_that_has_it(state: dict[str, Any]) -> None:
    late = {
        part["what"]: part["reason"] for part in state["broken"] if part["distribution"] == "late"
    }
    assert set(late) == {"late.tasks.stops", "late.datasets.stops", "framework typed"}
    assert "faulty.tasks.stops defines 'stops' already" in late["late.tasks.stops"]
    assert "faulty.datasets.stops defines 'stops' already" in late["late.datasets.stops"]
    assert "/faulty/frameworks/typed/framework.toml describes" in late["framework typed"]


@pytest.mark.parametrize("file", FAULTS)
def test_a_faulty_part_of_a_plug_in_is_left_out_with_the_reason(
    file: str, state: dict[str, Any]
) -> None:
    _, what, pieces = FAULTS[file]
    faulty = [part for part in state["broken"] if part["distribution"] == "faulty"]
    (part,) = (part for part in faulty if part["what"] == what)
    for piece in pieces:
        assert piece in part["reason"]


@pytest.mark.parametrize("distribution", FAULTY_PACKAGES)
def test_a_package_that_cannot_be_used_is_left_out_with_the_reason(
    distribution: str, state: dict[str, Any]
) -> None:
    _, value, pieces = FAULTY_PACKAGES[distribution]
    (part,) = (part for part in state["broken"] if part["distribution"] == distribution)
    assert part["what"] == f"entry point x = {value} of framebench.tasks"
    for piece in pieces:
        assert piece in part["reason"]


@pytest.mark.frameworks
def test_the_list_names_what_is_broken(faulty_site: Path) -> None:
    path = os.pathsep.join((str(faulty_site), str(catalogue.TREE)))
    command = (sys.executable, "-m", "bench", "list", "--json")
    listed = json.loads(succeed(*command, folder=faulty_site, PYTHONPATH=path))
    found = {plugin["name"]: plugin for plugin in listed["plugins"]}
    assert set(found) == {"faulty", "late", *FAULTY_PACKAGES}
    assert {"task sound-task", "data set sound_data", "framework sound_one"} <= set(
        found["faulty"]["adds"]
    )
    assert len(found["faulty"]["broken"]) == len(FAULTS)
    (reason,) = found["raises"]["broken"]
    assert reason.endswith("RuntimeError: not today")


TRACES = """
import json, tempfile
from pathlib import Path
from bench import datasets
from bench.core.listener import SILENT
from bench.core.setting import Setting
from bench.launch import catalogue
from bench.launch.virtual_environments import make
from bench.proof.certificate import Claim
from bench.proof.tracing import trace
claim = Claim(framework="reference", task="", mode="eager", setting=Setting(threads=1))
data = dict.fromkeys(("mnist-softmax", "above", "inside"), datasets.prepare("mnist"))
with tempfile.TemporaryDirectory() as folder:
    tracing = trace(
        claim, data, make(catalogue.load("reference"), "cpu", SILENT),
        folder=Path(folder), seed=0, rounding=False, listener=SILENT,
    )
print(json.dumps(tracing.outcomes))
"""


@pytest.mark.frameworks
def test_a_plug_in_that_a_worker_cannot_import_fails_alone(tmp_path: Path) -> None:
    """The runner has typer, and a worker has not."""
    inside = {"inside_plugin/tasks/inside.py": f"import typer\n{task_text('inside')}"}
    add_plugin(tmp_path, "inside", inside, {"tasks": "inside_plugin.tasks"})
    above = {
        "above_plugin/__init__.py": "import typer\n",
        "above_plugin/tasks/above.py": task_text("above"),
    }
    add_plugin(tmp_path, "above", above, {"tasks": "above_plugin.tasks"})
    outcomes = with_plugins(tmp_path, TRACES)
    assert outcomes["mnist-softmax"] == ["ok", ""]
    for name in ("above", "inside"):
        assert outcomes[name] == ["failed", "ModuleNotFoundError: No module named 'typer'"]


# What is wrong with a `framework.toml`


@pytest.mark.parametrize(
    ("old", "new", "pieces"),
    [
        ('title = "Plain numpy"', "title = 1", ("$.title", "`str`", "`int`")),
        ('devices = ["cpu"]', 'devices = ["tpu"]', ("$.devices", "'tpu'")),
        ('packages = ["numpy"]', "", ("`packages`", "missing")),
        ('layout = "NCHW"', 'layout = "NCHW"\ncolour = 1', ("`colour`", "unknown")),
        ("[threads]", "[expert]\ncolour = 1\n[threads]", ("`colour`", "$.expert")),
        ("[threads]", "[precisions.bf16]\n[threads]", ("`about`", "$.precisions")),
        ("[threads]", "[precisions.fp8]\n[threads]", ("'fp8'", "$.precisions")),
        ('name = "plain_numpy"', 'name = "other"', ("$.name", "`plain_numpy`", "`other`")),
        ('recommended = "eager"', 'recommended = "x"', ("$.recommended", "(eager)", "`x`")),
        ('python = ">=3.10"', 'python = "new"', ("$.python", "`new`", "`>=3.10`")),
        ('"{threads}"', '"{cores}"', ("$.threads.OMP_NUM_THREADS", "`{cores}`", "`{threads}`")),
        ('"{threads}"', '"{"', ("$.threads.OMP_NUM_THREADS", "`{`", "`{threads}`")),
        ('name = "plain_numpy"', "name = ", ("line 1",)),
    ],
)
def test_a_malformed_framework_toml_is_refused(
    old: str, new: str, pieces: tuple[str, ...], tmp_path: Path
) -> None:
    file = tmp_path / "plain_numpy" / "framework.toml"
    file.parent.mkdir()
    file.write_text(toml_text("plain_numpy", old, new), encoding="utf-8")
    with pytest.raises(UsageError) as error:
        read(file)
    for piece in (str(file), *pieces):
        assert piece in str(error.value)


def test_every_variable_of_a_framework_toml_is_checked(tmp_path: Path) -> None:
    tables = (
        "environment",
        "expert.environment",
        "expert.environment-by-vendor.GenuineIntel",
        "precisions.bf16.environment",
    )
    file = tmp_path / "plain_numpy" / "framework.toml"
    file.parent.mkdir()
    for table in tables:
        wrong = f'{table}.VARIABLE = "{{cores}}"\n'
        if table.startswith("precisions"):
            wrong += f'{table.removesuffix("environment")}about = "x"\n'
            wrong += f'{table.removesuffix("environment")}devices = ["cpu"]\n'
        file.write_text(toml_text("plain_numpy", "recommended", f"{wrong}recommended"))
        with pytest.raises(UsageError, match=rf"at `\$\.{table}\.VARIABLE`"):
            read(file)


def test_a_sound_framework_toml_is_read() -> None:
    framework = read(TOML)
    assert framework.name == "plain_numpy" and framework.folder == TOML.parent
    assert framework.threads["OMP_NUM_THREADS"] == "{threads}"
