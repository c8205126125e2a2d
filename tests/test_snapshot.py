"""A run reads as it did when it was published, however the source has changed since."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from bench.core.errors import UsageError
from bench.core.task import Budget
from bench.launch import catalogue
from bench.records import run_folder
from bench.records.snapshot import ACCURACY, VERSION, Snapshot
from bench.records.snapshot_taking import of_proofs, take
from bench.report.proof.proof_forms import from_json
from tests.source_tree import copy_source

RESULTS = catalogue.TREE / "results"
QUICK = RESULTS / "quick-epyc-2cpu"

# Prints every form of every published run, as digests by run and form.
FORMS = """
import hashlib, io, json, sys
from pathlib import Path
from rich.console import Console
import bench
from bench.analysis.results import Results
from bench.records import run_folder
from bench.report.run import pytest_benchmark, run_forms, run_page

def table(results):
    console = Console(width=160, file=io.StringIO())
    console.print(run_forms.to_terminal(results, width=160))
    return console.file.getvalue()

forms = {
    "table": table,
    "markdown": run_forms.to_markdown,
    "csv": run_forms.to_csv,
    "json": run_forms.to_json,
    "html": run_page.run_page,
    "pytest-benchmark": lambda results: pytest_benchmark.to_json(results)[0],
}
digests = {}
for file in sorted(Path(sys.argv[1]).glob("*/run.json")):
    results = Results.of(run_folder.read(file.parent))
    digests[file.parent.name] = {
        name: hashlib.sha256(form(results).encode()).hexdigest() for name, form in forms.items()
    }
print(json.dumps({"source": bench.__file__, "digests": digests}))
"""

# Changes to the source: a file, a piece of its text, and the new text.
EDITS = {
    "bench/tasks/mnist_mlp.py": [
        ("Multilayer perceptron on MNIST", "Another title"),
        ("target=0.96", "target=0.5"),
        ("batch=64", "batch=32"),
        ("128", "256"),
    ],
    "bench/tasks/cifar_cnn.py": [("headline=True", "headline=False")],
    "frameworks/pytorch/framework.toml": [('title = "PyTorch"', 'title = "Torch"')],
    "frameworks/pytorch/models/mlp.py": [("class MLP", "# Another line.\nclass MLP")],
    "bench/records/caveats.py": [("Dropout masks: each", "Dropout: every")],
    "bench/proof/tolerances.py": [("outputs=1e-5", "outputs=2e-5")],
}


@pytest.fixture(scope="module")
def edited(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the source in which tasks, models and frameworks have changed."""
    tree = copy_source(tmp_path_factory.mktemp("edited"))
    for name, edits in EDITS.items():
        text = (tree / name).read_text(encoding="utf-8")
        for old, new in edits:
            assert old in text, f"{name} has no {old!r}"
            text = text.replace(old, new)
        (tree / name).write_text(text, encoding="utf-8")
    # The first by name, so that it would take the first colour.
    copied = tree / "frameworks" / "aardvark"
    shutil.copytree(tree / "frameworks" / "pytorch", copied)
    text = (copied / "framework.toml").read_text(encoding="utf-8")
    text = text.replace('name = "pytorch"', 'name = "aardvark"')
    (copied / "framework.toml").write_text(text, encoding="utf-8")
    return tree


def forms(tree: Path) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", FORMS, str(RESULTS)],
        env={**os.environ, "PYTHONPATH": str(tree)},
        cwd=tree,
        stdout=subprocess.PIPE,
        text=True,
    )


@pytest.mark.frameworks
def test_every_form_of_every_published_run_stays_as_it_was(edited: Path) -> None:
    now, later = (
        json.loads(process.communicate()[0]) for process in (forms(catalogue.TREE), forms(edited))
    )
    assert Path(later["source"]).is_relative_to(edited)
    assert now["digests"] and later["digests"] == now["digests"]


def test_the_edits_would_show_in_a_run_without_a_snapshot(edited: Path) -> None:
    code = """
import sys
from bench.analysis.results import Results
from bench.records import run_folder
from bench.report.run import run_forms
run = run_folder.read(__import__("pathlib").Path(sys.argv[1]))
del run.info["snapshot"]
run = __import__("dataclasses").replace(run)  # reading it has looked at the snapshot
print(run_forms.to_markdown(Results.of(run)))
"""
    text = subprocess.run(
        [sys.executable, "-c", code, str(QUICK)],
        env={**os.environ, "PYTHONPATH": str(edited)},
        cwd=edited,
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    assert "mnist-mlp: Another title" in text and "| Torch " in text
    assert "not in this run: Torch, JAX/Flax" in text  # the copy


@pytest.mark.parametrize(
    "file", sorted(RESULTS.glob("*/run.json")), ids=lambda file: file.parent.name
)
def test_a_published_run_keeps_its_snapshot(file: Path) -> None:
    run = run_folder.read(file.parent)
    assert Snapshot.from_fields(run.info["snapshot"]) == run.snapshot
    cells = {record.job.cell for record in run.records}
    for cell in cells:
        task, framework = run.snapshot.task(cell.task), run.snapshot.framework(cell.framework)
        assert task and framework and framework.model(task.network)


def test_a_snapshot_survives_the_sorting_of_its_file() -> None:
    cells = list(dict.fromkeys(record.job.cell for record in run_folder.read(QUICK).records))
    taken = take(cells, {cell.task: Budget(epochs=1, length=100) for cell in cells})
    assert Snapshot.from_fields(json.loads(json.dumps(taken.to_fields(), sort_keys=True))) == taken


def test_what_a_snapshot_lacks_is_shown_by_its_name() -> None:
    snapshot = of_proofs([])
    assert snapshot.task_title("no-such-task") == "no-such-task"
    assert snapshot.framework_title("none") == "none"
    assert snapshot.metric("no-such-task") == ACCURACY and not snapshot.headline("no-such-task")


def test_the_snapshot_of_a_proof_knows_the_frameworks_that_were_proved() -> None:
    certificates = from_json((RESULTS / "certificate.json").read_text(encoding="utf-8"))
    snapshot = of_proofs(certificates)
    proved = {certificate.claim.framework for certificate in certificates}
    assert all(snapshot.framework(name) for name in proved)
    assert {task.name for task in snapshot.tasks} == {
        certificate.claim.task for certificate in certificates
    }


def test_a_snapshot_of_another_version_is_refused() -> None:
    run = run_folder.read(QUICK)
    run.info["snapshot"] = {**run.snapshot.to_fields(), "version": VERSION + 1}
    read_anew = run_folder.Run(folder=run.folder, info=run.info, records=run.records)
    with pytest.raises(UsageError, match=f"version {VERSION + 1}, this framebench reads {VERSION}"):
        _ = read_anew.snapshot
