"""What the README says of tasks, presets, frameworks and commands is what the code does."""

from __future__ import annotations

import html
import re
import subprocess
from pathlib import Path

import pytest

from bench import tasks
from bench.advice.personas import PERSONAS
from bench.core.task import SGD, TokenInput
from bench.launch import catalogue
from bench.proof.checks import CHECKS
from bench.records import run_folder
from bench.report.proof import proof_forms
from bench.report.run import run_forms
from bench.report.run.tables import ABOUT
from bench.run.request import PRESETS
from tests import picture
from tests.conftest import Framebench
from tests.test_mutants import MUTANTS

RESULTS = catalogue.TREE / "results"
README = (catalogue.TREE / "README.md").read_text(encoding="utf-8")


def row(name: str) -> str:
    """The table row that begins with a name in code type."""
    (found,) = (line for line in README.splitlines() if line.startswith(f"| `{name}`"))
    return found


@pytest.mark.parametrize("name", tasks.names())
def test_a_task_s_row(name: str) -> None:
    task, line = tasks.load(name), row(name)
    assert ("(headline)" in line) == task.headline
    assert ("(heavy)" in line) == task.heavy
    assert f"batch {task.batch}," in line
    assert f"{task.presets['full'].epochs} epochs" in line
    if isinstance(task.optimizer, SGD):
        assert f"SGD {task.optimizer.learning_rate}" in line
        assert ("momentum" in line) == bool(task.optimizer.momentum)
    else:
        assert task.optimizer.learning_rate == 1e-3 and "Adam 1e-3" in line
    if isinstance(task.input, TokenInput):
        assert f"{task.input.length} tokens" in line and str(task.input.vocabulary) in line
    rates = re.findall(r"dropout ([\d.]+)", line)
    assert list(map(float, rates)) == list(task.dropout.values())


@pytest.mark.parametrize("name", PRESETS)
def test_a_preset_s_row(name: str) -> None:
    assert f"| {PRESETS[name].repeats} |" in row(name)


@pytest.mark.parametrize("name", catalogue.compared())
def test_a_framework_s_row(name: str) -> None:
    framework, line = catalogue.load(name), row(name)
    assert re.findall(r"`(\w+)`(\*?)", line)[1:] == [
        (mode, "*" if mode == framework.recommended else "") for mode in framework.modes
    ]
    first_pin = framework.requirements("cpu").read_text(encoding="utf-8").split()[0]
    assert first_pin.replace("==", " ") in line


def test_the_commands(framebench: Framebench) -> None:
    described = set(re.findall(r"^\| `framebench (\w+)", README, re.MULTILINE))
    # a command's line in the help: a box, a space, its name, and what it does
    offered = set(re.findall(r"^│ (\w+) {2,}\w", framebench("--help").stdout, re.MULTILINE))
    assert described == offered


def test_ci_runs_the_readme_s_test_command() -> None:
    script = (catalogue.TREE / ".ci" / "run").read_text(encoding="utf-8")
    (command,) = (line for line in README.splitlines() if line.endswith("/pytest"))
    for step in command.split(" && "):
        assert step in script.replace("install -q", "install"), step


def test_every_persona_is_named() -> None:
    assert all(f"{name}`" in README for name in PERSONAS)


def test_the_columns_are_told_as_the_page_tells_them() -> None:
    for heading, about in ABOUT.items():
        if heading not in ("framework", "mode", "status"):
            assert f"| {heading.partition(' (')[0]} | {about} |\n" in README


def test_the_number_of_planted_faults() -> None:
    assert f"plants {len(MUTANTS)} realistic faults" in README


def test_every_local_path_that_is_named_is_there() -> None:
    named = re.findall(r"`?((?:bench|frameworks|results)/[\w./-]*)`?", README)
    assert named
    for path in named:
        if "NAME" not in path:
            assert (catalogue.TREE / path).exists(), path


def test_the_certificate_is_that_of_the_published_proof() -> None:
    published = RESULTS / "certificate.json"
    found = proof_forms.from_json(published.read_text(encoding="utf-8"))
    _, _, rest = README.partition("<!-- certificate: `framebench verify --format markdown` -->\n")
    assert rest.partition("<!-- end")[0].strip() == proof_forms.to_markdown(found)
    assert {one.status for one in found} == {"ok"}
    assert {check.name for one in found for check in one.checks} == set(CHECKS) - {"rounding"}


def test_the_tables_are_those_of_the_published_run(framebench: Framebench) -> None:
    found = re.search(
        r"<!-- run: `framebench (.*)` -->\n(.*)<!-- end of run -->", README, re.DOTALL
    )
    assert found
    printed = framebench(*found[1].replace("results/", f"{RESULTS}/").split()).stdout
    body = printed.partition("\n")[2].replace("\n## ", "\n### ")
    assert found[2].strip() == body.strip()


def test_the_picture_is_of_the_run_s_records() -> None:
    (shown,) = re.findall(r"^!\[.*\]\((.*)\)$", README, re.MULTILINE)
    file = catalogue.TREE / shown
    assert picture.source(file.read_bytes()) == picture.digest(run_folder.read(file.parent))


def test_a_published_page_says_what_its_run_says() -> None:
    pages = list(RESULTS.glob("*/report.html"))
    assert pages
    for page in pages:
        text = html.unescape(page.read_text(encoding="utf-8"))
        for table in run_forms.tables(run_folder.read(page.parent)):
            assert table.verdict in text and table.caption in text, page


@pytest.mark.parametrize(
    "folder",
    sorted(file.parent for file in (RESULTS).glob("*/run.json")),
    ids=str,
)
def test_a_published_run_is_whole_and_names_no_place(folder: Path) -> None:
    run = run_folder.read(folder)
    assert run.records and all(record.status == "ok" for record in run.records)
    assert (folder / "summary.md").read_text(encoding="utf-8") == run_forms.to_markdown(run)
    assert (folder / "summary.csv").read_text(encoding="utf-8") == run_forms.to_csv(run)
    for file in folder.glob("*.json*"):
        text = file.read_text(encoding="utf-8")
        assert not re.search(r"/(home|root|tmp|work|Users)/", text), file


def test_no_data_set_and_no_log_is_committed() -> None:
    done = subprocess.run(
        ["git", "ls-files"], cwd=catalogue.TREE, capture_output=True, text=True, check=True
    )
    for file in done.stdout.split():
        assert Path(file).suffix not in {".gz", ".xz", ".npy", ".npz", ".bin", ".log"}, file
