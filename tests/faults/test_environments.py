"""Environments: built with chosen settings, checked by their files, gone with an interrupt."""

from __future__ import annotations

import base64
import hashlib
import json
import os
import shutil
import signal
import subprocess
import sys
import time
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from bench.core.errors import UnavailableError
from bench.core.listener import SILENT
from bench.core.setting import Setting
from bench.launch import catalogue, installer, virtual_environments
from bench.launch.catalogue import TREE
from bench.launch.virtual_environments import Recipe, follow
from bench.proof.certificate import Claim
from bench.proof.prover import Prover
from tests.conftest import Framebench
from tests.faults.test_damaged_data import Outcomes

# They make environments.
pytestmark = pytest.mark.frameworks

# What would put packages elsewhere, or keep them from being installed.
HOSTILE = ("user", "target", "prefix", "root", "dry-run", "no-deps", "require-virtualenv")


def write_wheel(folder: Path, name: str, needs: str = "") -> Path:
    """A wheel of one small module."""
    about = f"{name}-1.0.dist-info"
    requires = f"Requires-Dist: {needs}\n" if needs else ""
    files = {
        f"{name}.py": "value = 1\n" * 10,
        f"{about}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n{requires}",
        f"{about}/WHEEL": "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    lines = [f"{about}/RECORD,,"]
    for path, content in files.items():
        digest = base64.urlsafe_b64encode(hashlib.sha256(content.encode()).digest()).decode()
        lines.append(f"{path},sha256={digest.rstrip('=')},{len(content)}")
    wheel = folder / f"{name}-1.0-py3-none-any.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        for path, content in {**files, f"{about}/RECORD": "\n".join(lines)}.items():
            archive.writestr(path, content)
    return wheel


def recipe() -> Recipe:
    return Recipe(
        framework=catalogue.load("reference"),
        kind="test",
        contents=["a test's"],
        arguments=["framebench_outer"],
    )


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A cache with an environment of two packages, built under hostile settings."""
    root = tmp_path_factory.mktemp("built")
    wheels = root / "wheels"
    wheels.mkdir()
    write_wheel(wheels, "framebench_outer", needs="framebench_inner")
    write_wheel(wheels, "framebench_inner")
    lines = [f"{name} = true" for name in HOSTILE if name not in ("target", "prefix", "root")]
    lines += [f"{name} = {root / 'elsewhere'}" for name in ("target", "prefix", "root")]
    lines += [
        "no-index = true",
        "extra-index-url = http://127.0.0.1:9/one\n  http://127.0.0.1:9/two",
    ]
    (root / "pip.conf").write_text("\n".join(["[global]", *lines]), encoding="utf-8")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("FRAMEBENCH_CACHE", str(root / "cache"))
        for name in HOSTILE:
            patch.setenv(f"PIP_{name.upper().replace('-', '_')}", "1")
        patch.setenv("PIP_TARGET", str(root / "elsewhere"))
        patch.setenv("PIP_CONFIG_FILE", str(root / "pip.conf"))
        patch.setenv("PIP_FIND_LINKS", str(wheels))
        patch.setenv("FORCE_COLOR", "1")
        patch.setenv("PYTHONPATH", str(root / "elsewhere"))
        patch.setenv("PYTHONHOME", "/nonexistent")
        environment = follow(recipe(), SILENT)
    assert {"framebench-outer", "framebench-inner", "pip"} <= environment.packages.keys()
    assert environment.packages["framebench-inner"] == "1.0"
    assert environment.records.keys() == environment.packages.keys()
    assert not (root / "elsewhere").exists()
    return root


@pytest.fixture
def folder(built: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of a copy of that environment, in the cache that is in use."""
    shutil.copytree(built / "cache", tmp_path / "cache", symlinks=True)
    monkeypatch.setenv("FRAMEBENCH_CACHE", str(tmp_path / "cache"))
    return recipe().folder


def packages(folder: Path) -> Path:
    (found,) = folder.glob("lib/python*/site-packages")
    return found


def relisted(folder: Path) -> None:
    """A module is changed, and its line in the package's list with it, as installing it does."""
    (packages(folder) / "framebench_inner.py").write_text("value = 2\n" * 10, encoding="utf-8")
    digest = hashlib.sha256(b"value = 2\n" * 10).digest()
    record = packages(folder) / "framebench_inner-1.0.dist-info" / "RECORD"
    lines = record.read_text(encoding="utf-8").splitlines()
    (number,) = (n for n, line in enumerate(lines) if line.startswith("framebench_inner.py,"))
    lines[number] = f"framebench_inner.py,sha256={base64.urlsafe_b64encode(digest).decode()},100"
    record.write_text("\n".join(lines), encoding="utf-8")


def added(folder: Path) -> None:
    """Another package is installed beside those that were asked for."""
    about = packages(folder) / "framebench_extra-1.0.dist-info"
    about.mkdir()
    (packages(folder) / "framebench_extra.py").write_bytes(b"\n")
    (about / "RECORD").write_text("framebench_extra.py,sha256=x,1\n", encoding="utf-8")


DAMAGES: dict[str, tuple[Callable[[Path], object], str]] = {
    "marker: empty": (lambda f: os.truncate(f / "environment.json", 0), "environment.json"),
    "marker: torn": (lambda f: os.truncate(f / "environment.json", 9), "environment.json"),
    "marker: a list": (lambda f: (f / "environment.json").write_text("[]"), "environment.json"),
    "marker: numbers": (
        lambda f: (f / "environment.json").write_text('{"a": 1}'),
        "environment.json",
    ),
    "marker: a folder": (
        lambda f: ((f / "environment.json").unlink(), (f / "environment.json").mkdir()),
        "environment.json",
    ),
    "a module is missing": (
        lambda f: (packages(f) / "framebench_inner.py").unlink(),
        "framebench_inner.py is missing",
    ),
    "a module is cut off": (
        lambda f: os.truncate(packages(f) / "framebench_inner.py", 5),
        "framebench_inner.py has 5 bytes and not 100",
    ),
    "a package is missing": (
        lambda f: shutil.rmtree(packages(f) / "framebench_inner-1.0.dist-info"),
        "package framebench-inner is missing",
    ),
    "a list is empty": (
        lambda f: os.truncate(packages(f) / "framebench_inner-1.0.dist-info" / "RECORD", 0),
        "list of its files differs",
    ),
    "a list is another": (
        relisted,
        "framebench-inner is not as it was installed: the list of its files differs",
    ),
    "a list is missing": (
        lambda f: (packages(f) / "framebench_inner-1.0.dist-info" / "RECORD").unlink(),
        "the list of framebench-inner's files cannot be read",
    ),
    "its python is gone": (
        lambda f: ((f / "bin/python").unlink(), (f / "bin/python").symlink_to("/nowhere")),
        "does not lead to a Python",
    ),
}


@pytest.mark.parametrize(("damage", "said"), DAMAGES.values(), ids=DAMAGES)
def test_a_broken_environment_is_named(
    folder: Path, built: Path, damage: Callable[[Path], object], said: str
) -> None:
    intact, fault = virtual_environments._look(recipe())
    assert intact and not fault
    damage(folder)
    environment, fault = virtual_environments._look(recipe())
    assert environment is None and said in fault


def test_a_broken_environment_is_built_anew_and_said(
    folder: Path, built: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PIP_FIND_LINKS", str(built / "wheels"))
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    (packages(folder) / "framebench_inner.py").unlink()
    outcomes = Outcomes()
    environment = follow(recipe(), outcomes)
    said = f"{folder} is broken and made anew: framebench_inner.py is missing"
    assert outcomes.by_subject == {"reference's environment": said}
    assert (packages(folder) / "framebench_inner.py").exists()
    assert virtual_environments._look(recipe()) == (environment, "")


def test_an_environment_of_an_older_framebench_is_taken_over(folder: Path, built: Path) -> None:
    """It has no digests of its packages' lists: they are written down now."""
    written = json.loads((folder / "installed.json").read_text(encoding="utf-8"))
    (folder / "installed.json").unlink()
    stamp = (folder / "environment.json").stat().st_mtime_ns
    assert follow(recipe(), SILENT).records == written
    assert json.loads((folder / "installed.json").read_text(encoding="utf-8")) == written
    assert (folder / "environment.json").stat().st_mtime_ns == stamp


@pytest.mark.parametrize("change", [relisted, added])
def test_certificates_are_kept_for_the_packages_that_are_there_now(
    folder: Path, change: Callable[[Path], None]
) -> None:
    def file() -> Path:
        environment, fault = virtual_environments._look(recipe())
        assert environment and not fault
        return prover._file(claim, environment)

    claim = Claim(framework="reference", task="mnist-mlp", mode="eager", setting=Setting())
    prover = Prover({}, {"mnist-mlp": folder}, provide=virtual_environments.make)
    (folder / "installed.json").unlink()  # with it, a list that has changed is a fault
    before = file()
    assert file() == before
    change(folder)
    assert file() != before


def test_a_run_s_environments_are_made_again(
    built: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, framebench: Framebench
) -> None:
    """In its versions; what differs from the run's is told."""
    monkeypatch.setenv("FRAMEBENCH_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("PIP_FIND_LINKS", str(built / "wheels"))
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    versions = {"framebench-outer": "1.0", "framebench-inner": "1.0", "pip": "1"}
    info = {
        "environments": {"pytorch cpu": versions},
        "package_records": {"pytorch cpu": {"framebench-inner": "0" * 64}},
        "machine": {"python": "3.9.0"},
    }
    file = tmp_path / "results" / "r" / "run.json"
    file.parent.mkdir(parents=True)
    file.write_text(json.dumps(info), encoding="utf-8")
    done = framebench("setup", "--like", "r", "--no-data")
    assert "and not 3.9.0; other files, of the same version: framebench-inner" in done.stderr
    done = framebench("setup", "jax_flax", "--like", "results/r", "--no-data", expect=1)
    assert "results/r had no environment of jax_flax cpu" in done.stderr
    for text in ("", "[]", '{"environments": 1}', "{"):
        file.write_text(text, encoding="utf-8")
        framebench("setup", "--like", "r", "--no-data", expect=2)
        framebench("run", "--env", "like:r", expect=2)


def script(file: Path, text: str) -> Path:
    file.write_text(f"#!/bin/sh\n{text}", encoding="utf-8")
    file.chmod(0o755)
    return file


DEBIAN = """cat <<'END'
The virtual environment was not created successfully because ensurepip is not
available.  On Debian/Ubuntu systems, you need to install the python3-venv
package using the following command.

    apt install python3.11-venv

You may need to use sudo with that command.  After installing the python3-venv
package, recreate your virtual environment.

Failing command: /tmp/bin/python3
END
exit 1
"""

UNREACHABLE = """
echo 'Looking in indexes: https://index.example/simple'
echo "WARNING: Retrying (Retry(total=0)) after connection broken by 'SSLError(1, refused)': /x/"
printf '\\033[31mERROR: Could not find a version that satisfies the requirement x\\033[0m\\n'
echo 'ERROR: Could not find a version that satisfies the requirement x (from versions: none)'
echo 'ERROR: No matching distribution found for x'
echo 'HINT: See the documentation of the index.'
exit 1
"""


def test_the_whole_cure_that_venv_names_is_told(tmp_path: Path) -> None:
    with pytest.raises(
        UnavailableError, match=r"ensurepip is not available.*install python3\.11-venv"
    ):
        installer.make_environment(str(script(tmp_path / "python", DEBIAN)), tmp_path / "made")


def test_what_pip_names_as_the_cause_is_told(tmp_path: Path) -> None:
    python = script(tmp_path / "python", UNREACHABLE)
    with pytest.raises(UnavailableError) as error:
        installer.Pip(python).run("install", "x")
    for piece in ("No matching distribution", "HINT: See the doc", "SSLError(1, refused)"):
        assert piece in str(error.value)
    assert "\033" not in str(error.value) and "\n" not in str(error.value)


def test_settings_that_reach_an_index_pass_and_no_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    python = script(tmp_path / "python", "exec env")
    conf = tmp_path / "pip.conf"
    conf.write_text(
        "[global]\nindex_url = https://a\ntimeout = 5\nuser = true\n[install]\ntimeout = 9\n"
        "find-links = one\n  two\n[list]\nretries = 3",
        encoding="utf-8",
    )
    monkeypatch.setenv("PIP_CONFIG_FILE", str(conf))
    for name in ("PIP_FIND_LINKS", "PIP_TIMEOUT", "PIP_RETRIES", "PIP_INDEX_URL"):
        monkeypatch.delenv(name, raising=False)
    passing = {"https_proxy": "http://p:1", "SSL_CERT_FILE": "/c.pem", "XDG_CONFIG_HOME": "/x"}
    for name, value in passing.items():
        monkeypatch.setenv(name, value)
    for name in ("PIP_USER", "PIP_TARGET", "PYTHONPATH", "FORCE_COLOR", "CUDA_DEVICE_ORDER"):
        monkeypatch.setenv(name, "1")
    output = installer.Pip(python).run("install")
    variables = dict(line.split("=", 1) for line in output.splitlines() if "=" in line)
    assert passing.items() <= variables.items()
    assert variables["PIP_INDEX_URL"] == "https://a" and variables["PIP_TIMEOUT"] == "9"
    assert "PIP_RETRIES" not in variables and "PIP_FIND_LINKS=one\ntwo" in output
    conf.write_text("no section", encoding="utf-8")
    with pytest.raises(UnavailableError, match=r"pip's settings in .*pip\.conf cannot be read"):
        installer.Pip(python)
    left = variables.keys() & {"PIP_USER", "PIP_TARGET", "PYTHONPATH", "FORCE_COLOR"}
    assert not left and variables["PIP_CONFIG_FILE"] == os.devnull


def children_of(pid: int) -> list[int]:
    text = Path(f"/proc/{pid}/task/{pid}/children")
    tasks = Path(f"/proc/{pid}/task").glob("*/children")
    return [int(number) for file in tasks or [text] for number in file.read_text().split()]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGKILL])
def test_an_interrupt_during_setup_ends_the_children(tmp_path: Path, number: int) -> None:
    setup = subprocess.Popen(
        [sys.executable, "-m", "bench", "setup", "reference", "--no-data"],
        env={**os.environ, "PYTHONPATH": str(TREE), "FRAMEBENCH_CACHE": str(tmp_path)},
        stderr=subprocess.PIPE,
        text=True,
    )
    with setup:
        while not (started := children_of(setup.pid)):
            time.sleep(0.02)
            assert setup.poll() is None
        setup.send_signal(number)
        _, said = setup.communicate(timeout=60)
    assert setup.returncode != 0 and "Traceback" not in said
    for _ in range(200):
        if not any(Path(f"/proc/{pid}").exists() for pid in started):
            break
        time.sleep(0.05)
    assert not any(Path(f"/proc/{pid}").exists() for pid in started)
    assert not list(tmp_path.glob("environments/*.reason"))
