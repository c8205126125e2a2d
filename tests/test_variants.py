"""Variants of frameworks: their names, what these mean, and where they are told apart."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from bench.core.errors import UnavailableError, UsageError
from bench.core.framework_name import framework_of, in_file_name, is_among, is_version, variant_of
from bench.core.record import Cell
from bench.core.setting import Setting
from bench.launch import catalogue, current_python, variants, virtual_environments
from bench.launch.framework_file import read
from bench.launch.virtual_environments import MARKER, NAME
from bench.proof.certificate import Claim
from bench.records import snapshot_taking
from bench.run.plan import cells_of
from bench.run.request import Request
from bench.worker.main import failure

USUAL_NAMES = {
    "pytorch": "pytorch",
    "pytorch==2.12.1": "pytorch==2.12.1",
    " pytorch == 2.12.1 ": "pytorch==2.12.1",
    "pytorch>=2.12,<2.13": "pytorch<2.13,>=2.12",
    "pytorch[numpy==2.1.0]": "pytorch[numpy==2.1.0]",
    "keras[jax]": "keras[jax]",
    "keras[ jax ]==3.14.0": "keras[jax]==3.14.0",
    "keras[jax==0.9.1, jax]": "keras[jax,jax==0.9.1]",
    "jax_flax[flax>=0.12,<0.13, optax==0.2.7]==0.10.1": "jax_flax[flax<0.13,>=0.12,optax==0.2.7]"
    "==0.10.1",
}


@pytest.mark.parametrize(("written", "usual"), USUAL_NAMES.items())
def test_a_variant_has_one_name_however_it_is_written(written: str, usual: str) -> None:
    assert str(variants.parse(written)) == usual
    assert variants.parse(usual) == variants.parse(written)
    assert framework_of(usual) == usual.partition("[")[0].partition("=")[0].partition("<")[0]


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("", "cannot name a framework; the form is NAME[BACKEND"),
        ("[jax]", "cannot name a framework"),
        ("pytorch=2.12", "a version stands behind =="),
        ("pytorch==", "Invalid specifier"),
        ("keras[jax,torch]", "names several backends: jax, torch"),
        ("pytorch[torch @ https://example.org/torch.whl]", "expected a package and its version"),
        ("keras[torch]", ""),
        ("keras[]", "cannot name a framework"),
        ("torch==2.12.1", "torch is a package of pytorch: write pytorch==2.12.1"),
        ("torch", "torch is a package of pytorch: write pytorch"),
        ("paddle==3.3.1", "paddle is a package of paddlepaddle: write paddlepaddle==3.3.1"),
        ("tensorflow", "tensorflow is a package of tensorflow_keras: write tensorflow_keras"),
        ("flax==0.12.7", "flax is a package of jax_flax: write jax_flax[flax==0.12.7]"),
        ("keras[theano]", "no backend of keras is called 'theano'; there are: tensorflow, jax"),
        ("pytorch[jax]", "pytorch has no backends"),
        ("pytorch[flax==1.0]", "flax is none of the packages of pytorch, which are: torch, numpy"),
        ("theano==1.0", "no framework is called 'theano'; there are: jax_flax, keras"),
    ],
)
def test_a_name_that_means_nothing_is_refused(name: str, said: str) -> None:
    if not said:
        assert catalogue.load(name).name == name
        return
    with pytest.raises(UsageError) as refused:
        catalogue.load(name)
    assert said in str(refused.value)


def test_a_variant_changes_the_requirements_that_it_names_and_no_others() -> None:
    def of(name: str, device: str = "cpu") -> list[str]:
        framework = catalogue.load(name)
        text = framework.requirements(device).read_text(encoding="utf-8")
        return variants.requirements(framework.variant, framework.packages, text)

    assert of("pytorch==2.12.1") == ["torch==2.12.1", "numpy==2.2.6"]
    own = of("jax_flax")
    changed = of("jax_flax[flax==0.12.7]")
    assert {*changed} ^ {*own} == {"flax==0.12.7", "flax==0.12.8"}
    assert of("jax_flax[jaxlib==0.9.1]==0.9.1")[-1] == "jaxlib==0.9.1"
    # The main package has another name for a GPU.
    assert "tensorflow-cpu==2.20.0" in of("tensorflow_keras==2.20.0")
    assert "tensorflow[and-cuda]==2.20.0" in of("tensorflow_keras==2.20.0", "cuda")
    # A requirement that depends on the Python keeps that.
    assert [line for line in of("tensorflow_keras[keras==3.14.0]") if "keras" in line] == [
        'keras==3.14.0; python_version >= "3.11"',
        'keras==3.14.0; python_version < "3.11"',
    ]


def test_backends_are_named_one_by_one_or_all_at_once() -> None:
    every = ["keras[tensorflow]", "keras[jax]", "keras[torch]"]
    assert [framework.name for framework in catalogue.named("keras")] == every
    assert {*every} < {*catalogue.names()} and "keras" not in catalogue.names()
    assert [framework.name for framework in catalogue.named("keras==3.14.0")] == [
        f"{name}==3.14.0" for name in every
    ]
    assert [framework.name for framework in catalogue.named("pytorch")] == ["pytorch"]
    # Where none is named, one backend is enough.
    assert {*every} & {*catalogue.usual()} == {"keras[tensorflow]"}
    assert not catalogue.load("keras").is_complete


def test_a_backend_is_laid_over_the_rest_of_the_file(tmp_path: Path) -> None:
    text = (catalogue.FRAMEWORKS / "keras" / "framework.toml").read_text(encoding="utf-8")
    assert catalogue.load("keras[torch]").threads.keys() == {"OMP_NUM_THREADS", "MKL_NUM_THREADS"}
    on_tensorflow = catalogue.load("keras[tensorflow]")
    assert (
        on_tensorflow.expert.environment.keys() > catalogue.load("keras").expert.environment.keys()
    )
    assert set(on_tensorflow.modes) > set(catalogue.load("keras").modes)
    file = tmp_path / "keras" / "framework.toml"
    file.parent.mkdir()
    file.write_text(text.replace('title = "Keras on JAX"', 'tittle = "Keras"'), encoding="utf-8")
    assert read(file, variants.parse("keras[torch]")).title == "Keras on PyTorch"
    with pytest.raises(UsageError, match=r"keras.framework\.toml: .*`tittle`"):
        read(file, variants.parse("keras[jax]"))


def test_titles_tell_variants_apart() -> None:
    titles = {
        "pytorch": "PyTorch",
        "pytorch==2.12.1": "PyTorch 2.12.1",
        "jax_flax[flax==0.12.7]": "JAX/Flax (flax 0.12.7)",
        "keras[jax]": "Keras on JAX",
        "keras[jax]==3.14.0": "Keras on JAX (keras 3.14.0)",
    }
    assert {name: catalogue.load(name).title for name in titles} == titles


def test_two_versions_are_two_cells_of_a_run() -> None:
    request = Request(
        frameworks=["pytorch==2.12.1", "pytorch == 2.13.0", "pytorch==2.12.1"], tasks=["mnist-mlp"]
    )
    cells = cells_of(request)
    assert [cell.framework for cell in cells] == ["pytorch==2.12.1", "pytorch==2.13.0"]
    assert len({str(cell) for cell in cells}) == 2
    assert len({Claim.of(cell) for cell in cells}) == 2
    assert Cell.from_columns(cells[0].to_columns()) == cells[0]
    snapshot = snapshot_taking.of_proofs([])
    assert "pytorch==2.12.1" not in {framework.name for framework in snapshot.frameworks}


def test_environments_of_versions_lie_apart_and_are_listed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FRAMEBENCH_CACHE", str(tmp_path))
    names = ("pytorch", "pytorch==2.12.1", "pytorch==2.13.0")
    folders = {
        name: virtual_environments._own(catalogue.load(name), "cpu").folder for name in names
    }
    assert len(set(folders.values())) == len(names)
    assert all(
        set(folder.name) <= set("abcdefghijklmnopqrstuvwxyz0123456789.-")
        for folder in folders.values()
    )
    for name in names[1:]:
        folders[name].mkdir(parents=True)
        (folders[name] / NAME).write_text(name, encoding="utf-8")
    (folders["pytorch==2.12.1"] / MARKER).write_text("{}", encoding="utf-8")
    assert virtual_environments.standing() == ["pytorch==2.12.1"]  # the other is not complete


def test_the_present_python_must_have_the_versions_that_are_asked_for() -> None:
    installed = {"torch": "2.13.0", "numpy": "2.2.6"}
    for name in ("pytorch", "pytorch==2.13.0", "pytorch>=2.12", "pytorch[numpy==2.2.6]"):
        current_python._check_versions(catalogue.load(name), installed)
    with pytest.raises(UnavailableError, match=r"torch is 2\.13\.0, not ==2\.12\.1"):
        current_python._check_versions(catalogue.load("pytorch==2.12.1"), installed)
    with pytest.raises(UnavailableError, match="flax is missing, not ==0"):
        current_python._check_versions(catalogue.load("jax_flax[flax==0.12.7]"), installed)


@pytest.mark.parametrize(
    ("error", "missing"),
    [
        (AttributeError("module 'torch' has no attribute 'compile'"), "'compile'"),
        (ImportError("cannot import name 'nnx' from 'flax'"), "'nnx'"),
        (TypeError("Adam() got an unexpected keyword argument 'fused'"), "'fused'"),
    ],
)
def test_a_version_that_an_adapter_does_not_fit_is_unsupported(
    error: Exception, missing: str
) -> None:
    told = failure(error, "pytorch==1.13.0")
    assert told["status"] == "unsupported" and missing in told["reason"]
    assert failure(error, "pytorch")["status"] == "failed"
    assert failure(ValueError("3"), "pytorch==1.13.0")["status"] == "failed"


def test_names_serve_as_filters_and_as_parts_of_files() -> None:
    assert [variant_of(name) for name in ("pytorch", "keras[jax]==3.14.0")] == ["", "[jax]==3.14.0"]
    assert is_among("pytorch==2.12.1", "pytorch") and is_among("pytorch", "pytorch")
    assert is_among("keras[jax]", "keras") and not is_among("keras[jax]", "keras[torch]")
    assert not is_among("pytorch", "pytorch==2.12.1")
    assert [is_version(name) for name in ("pytorch", "keras[jax]", "jax_flax[flax==0.12]")] == [
        False,
        False,
        True,
    ]
    assert in_file_name("keras[jax]==3.14.0") == "keras-jax-3.14.0"


def test_a_cell_of_an_older_record_had_an_empty_variant() -> None:
    cell = Cell(framework="pytorch", task="mnist-mlp", mode="eager", setting=Setting())
    fields = json.loads(json.dumps({**vars(cell), "setting": vars(cell.setting), "variant": ""}))
    assert Cell.from_fields(fields) == cell
