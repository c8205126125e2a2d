"""What README and docs say of tasks, frameworks, commands and results is what the code does."""

from __future__ import annotations

import html
import json
import re
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any, get_args

import numpy as np
import pytest
import typer
import yaml

from bench import tasks
from bench.analysis.results import Results
from bench.cli import settings_file
from bench.cli.command_line import app
from bench.cluster.ray_engine import RESOURCE
from bench.core.record import Status
from bench.core.weights import initial_weights
from bench.launch import catalogue
from bench.proof.checks import CHECKS
from bench.records import run_folder
from bench.report.proof import proof_forms
from bench.report.run import run_forms
from bench.report.run.tables import task_tables
from tests import generate_docs, picture
from tests.conftest import Framebench
from tests.source_tree import copy_source
from tests.test_mutants import MUTANTS

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

RESULTS = catalogue.TREE / "results"
TEXTS = {page: page.read_text(encoding="utf-8") for page in generate_docs.PAGES}
README = TEXTS[catalogue.TREE / "README.md"]
DOCS = catalogue.TREE / "docs"
TASKS = TEXTS[DOCS / "tasks.md"]


@pytest.mark.parametrize("page", TEXTS, ids=lambda page: page.name)
def test_a_page_s_generated_parts_are_what_the_code_makes(page: Path) -> None:
    assert TEXTS[page] == generate_docs.generated(TEXTS[page]), (
        "renew them: python -m tests.generate_docs"
    )


def test_every_generated_part_is_in_a_page_and_is_complete() -> None:
    text = "\n".join(TEXTS.values())
    parts = generate_docs.PART.findall(text)
    assert set(parts) == set(generate_docs.PARTS)
    assert len(parts) == text.count("<!-- generated: ") == text.count("<!-- end of ")


def test_the_readme_is_short() -> None:
    assert len(README.splitlines()) <= 150


def test_every_page_is_in_the_site_s_contents() -> None:
    contents = (catalogue.TREE / "mkdocs.yml").read_text(encoding="utf-8")
    assert set(re.findall(r": ([\w-]+\.md)$", contents, re.MULTILINE)) == {
        page.name for page in DOCS.glob("*.md")
    }


@pytest.mark.parametrize("page", sorted(DOCS.glob("*.md")), ids=lambda page: page.name)
def test_a_page_s_links_lead_to_pages_and_headings(page: Path) -> None:
    for target in re.findall(r"\]\((?!https?:)([^)\s]+)\)", TEXTS[page]):
        name, _, anchor = target.partition("#")
        linked = DOCS / name if name else page
        assert linked.exists(), target
        if anchor:
            assert anchor in anchors(linked.read_text(encoding="utf-8")), target


def anchors(text: str) -> set[str]:
    """The names by which a page's headings are linked to."""
    headings = re.findall(r"^#+ (.*)$", text, re.MULTILINE)
    return {re.sub(r"[^\w\s-]", "", heading).lower().replace(" ", "-") for heading in headings}


def row(name: str) -> str:
    """The row of the tasks' definitions that begins with a name in code type."""
    definitions = TASKS.partition("<!-- generated")[0]
    (only,) = (line for line in definitions.splitlines() if line.startswith(f"| `{name}`"))
    return only


@pytest.mark.parametrize("name", generate_docs.described_tasks())
def test_a_task_s_row_states_its_recipe(name: str) -> None:
    task, line = tasks.load(name), row(name)
    assert ("(headline)" in line) == task.headline
    assert ("(heavy)" in line) == task.heavy
    assert f"batch {task.batch}," in line
    assert f"{task.presets['full'].epochs} epochs" in line
    for optimizer in (update.optimizer for update in task.updates):
        rate = re.search(rf"{type(optimizer).__name__} ([\d.e-]+)", line)
        assert rate and float(rate[1]) == optimizer.learning_rate
        assert ("momentum" in line) == bool(getattr(optimizer, "momentum", 0))
    if task.length is not None:
        assert any(f"{task.length} {steps}" in line for steps in ("tokens", "frames"))
    rates = re.findall(r"dropout ([\d.]+)", line)
    # Of several equal blocks, once.
    of_kind = {re.sub(r"\.\d+\.", ".", name): rate for name, rate in task.dropout.items()}
    assert list(map(float, rates)) == list(of_kind.values())


def test_ci_runs_the_readme_s_test_command() -> None:
    script = (catalogue.TREE / ".ci" / "run").read_text(encoding="utf-8")
    (command,) = (line for line in README.splitlines() if line.endswith("/pytest"))
    for step in command.split(" && "):
        assert step in script.replace("install -q", "install"), step


def test_the_recipes_for_ci_are_yaml_whose_commands_exist() -> None:
    """Their settings and their command lines are understood, and only then is a run missing."""
    text = TEXTS[DOCS / "ci.md"]
    recipes = [yaml.safe_load(block) for block in re.findall(r"```yaml\n(.*?)```", text, re.DOTALL)]
    settings, github, gitlab = recipes
    (toml,) = re.findall(r"```toml\n(.*?)```", text, re.DOTALL)
    same = settings_file.SettingsFile(name="x", sections=settings)
    other = settings_file.SettingsFile(name="y", sections=tomllib.loads(toml)["tool"]["framebench"])
    command = typer.main.get_command(app)
    assert isinstance(command, typer.core.TyperGroup)
    values = settings_file.defaults(same, command.commands)
    assert values == settings_file.defaults(other, command.commands)
    steps = github["jobs"]["gate"]["steps"]
    lines = "\n".join([*(step.get("run", "") for step in steps), *gitlab["pace"]["script"], text])
    calls = re.findall(r"^framebench ((?:run|compare) [^>|\n]*)", lines, re.MULTILINE)
    assert len(calls) >= 6
    for call in calls:
        name, *arguments = shlex.split(call)
        command.commands[name].make_context(name, arguments)


def test_what_clusters_run_is_yaml_and_commands_that_exist() -> None:
    """For each shard there is a job, and what a node offers is what a block takes."""
    text = TEXTS[DOCS / "clusters.md"]
    github, ray = (yaml.safe_load(block) for block in code_blocks("clusters.md", "yaml"))
    shards = github["jobs"]["shard"]["strategy"]["matrix"]["shard"]
    steps = [step for job in github["jobs"].values() for step in job["steps"]]
    lines = re.sub(
        r"\$\{\{.*?\}\}", "1", "\n".join([*(step.get("run", "") for step in steps), text])
    )
    calls = re.findall(r"^framebench ((?:run|merge) [^>|\n]*)", lines, re.MULTILINE)
    assert len(calls) >= 10
    command = typer.main.get_command(app)
    assert isinstance(command, typer.core.TyperGroup)
    for call in calls:
        name, *arguments = shlex.split(call)
        command.commands[name].make_context(name, arguments)
    assert f"/{len(shards)} " in lines
    assert f"framebench merge {' '.join(f'shard-{number}' for number in shards)} --results" in lines
    offered = re.findall(r"--resources='(.*?)'", text)
    assert len(offered) == 3 and all(json.loads(found) == {RESOURCE: 1} for found in offered)
    assert RESOURCE in ray["worker_start_ray_commands"][-1]
    (array,) = code_blocks("clusters.md", "bash")
    assert re.search(r"--array=1-(\d+)", array)[1] == re.search(r"TASK_ID/(\d+)", array)[1]  # type: ignore[index]


def test_the_number_of_planted_faults() -> None:
    text = TEXTS[DOCS / "what-is-proved.md"]
    assert f"plants {len(MUTANTS)} realistic faults" in text


def test_every_status_is_named() -> None:
    named = re.search(r"`status` is one of (.*?)\.", TEXTS[DOCS / "reading-a-report.md"], re.DOTALL)
    assert named and set(re.findall(r"`(\w+)`", named[1])) == set(get_args(Status))


def test_every_named_path_exists() -> None:
    # The pages called adding-... name files that their reader is to add.
    text = "\n".join(text for page, text in TEXTS.items() if "adding" not in page.name)
    named = re.findall(r"[`(]((?:bench|frameworks|results|tests)/[\w./-]*)[`)]", text)
    assert named
    for path in named:
        if "NAME" not in path:
            assert (catalogue.TREE / path).exists(), path


def test_the_published_certificate_is_complete() -> None:
    published = RESULTS / "certificate.json"
    certificates = proof_forms.from_json(published.read_text(encoding="utf-8"))
    assert {certificate.status for certificate in certificates} == {"ok"}
    checked = {check.name for certificate in certificates for check in certificate.checks}
    # It may be older than a check that was added since.
    named = set(json.loads(published.read_text(encoding="utf-8"))["checks"])
    assert checked == named - {"rounding"} and named <= set(CHECKS)


def test_the_picture_is_of_the_run_s_records() -> None:
    (shown,) = re.findall(r"^!\[.*\]\((.*)\)$", README, re.MULTILINE)
    file = catalogue.TREE / shown
    assert picture.source(file.read_bytes()) == picture.digest(run_folder.read(file.parent))


@pytest.mark.frameworks
def test_a_published_page_says_what_its_run_says() -> None:
    pages = list(RESULTS.glob("*/report.html"))
    assert pages
    for page in pages:
        text = html.unescape(page.read_text(encoding="utf-8"))
        for table in task_tables(Results.of(run_folder.read(page.parent))):
            assert table.verdict in text and table.caption in text, page


@pytest.mark.parametrize(
    "folder",
    sorted(file.parent for file in (RESULTS).glob("*/run.json")),
    ids=str,
)
def test_a_published_run_is_complete_and_names_no_local_path(folder: Path) -> None:
    results = Results.of(run_folder.read(folder))
    assert results.processes and results.ok
    assert (folder / "summary.md").read_text(encoding="utf-8") == run_forms.to_markdown(results)
    assert (folder / "summary.csv").read_text(encoding="utf-8") == run_forms.to_csv(results)
    for file in folder.glob("*.json*"):
        text = file.read_text(encoding="utf-8")
        assert not re.search(r"/(home|root|tmp|work|Users)/", text), file


def test_no_data_set_and_no_log_is_committed() -> None:
    done = subprocess.run(
        ["git", "ls-files"], cwd=catalogue.TREE, capture_output=True, text=True, check=True
    )
    for file in done.stdout.split():
        assert Path(file).suffix not in {".gz", ".xz", ".npy", ".npz", ".bin", ".log"}, file


def code_blocks(page: str, language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", TEXTS[DOCS / page], re.DOTALL)


def test_the_task_that_a_page_adds_is_a_task() -> None:
    definition, reference, model = code_blocks("adding-a-task.md", "python")
    names: dict[str, Any] = {}
    exec(definition, names)
    exec(reference, names)
    task = names["TASK"]
    params = initial_weights(task, seed=0)
    (name,) = task.inputs
    logits = names["forward"](params, np.ones((3, *task.fields[name].shape)), dropout=None)
    assert logits.shape == (3, task.layers[-1].width)
    compile(model, "deep.py", "exec")
    assert set(re.findall(r"self\.(\w+) = nn", model)) == {
        name.partition(".")[0] for name in params
    }


@pytest.mark.frameworks
def test_the_framework_that_a_page_adds_is_proved(tmp_path: Path, framebench: Framebench) -> None:
    tree = copy_source(tmp_path / "tree")
    folder = tree / "frameworks" / "plain_numpy"
    (folder / "models").mkdir(parents=True)
    page = "adding-a-framework.md"
    adapter, network = code_blocks(page, "python")
    files = {
        "framework.toml": code_blocks(page, "toml")[0],
        "requirements-cpu.txt": code_blocks(page, "text")[0],
        "adapter.py": adapter,
        "models/softmax.py": network,
        "__init__.py": "",
        "models/__init__.py": "",
    }
    for name, text in files.items():
        (folder / name).write_text(text, encoding="utf-8")
    arguments = ("verify", "-f", "plain_numpy", "-t", "mnist-softmax", "--env", "current")
    printed = framebench(*arguments, tree=tree).stdout
    assert "2 of 2 proved" in printed


def test_the_tests_that_a_table_of_faults_names_exist() -> None:
    page = (catalogue.TREE / "docs" / "reliability.md").read_text(encoding="utf-8")
    named = set(re.findall(r"`(test_\w+\.py)`", page))
    existing = {file.name for file in (catalogue.TREE / "tests").rglob("test_*.py")}
    assert named and named <= existing
    faults = {file.name for file in (catalogue.TREE / "tests" / "faults").glob("test_*.py")}
    assert faults <= named
