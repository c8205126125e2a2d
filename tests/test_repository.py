"""The files that people expect of a repository are there, and agree with the package."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import pytest

import bench
from bench.launch.catalogue import TREE
from tests import rooms_picture, structure

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib


def text(name: str) -> str:
    return (TREE / name).read_text(encoding="utf-8")


def test_the_changelog_s_newest_version_is_the_package_s() -> None:
    versions = re.findall(r"^## \[(\d[^\]]*)\] - (\d{4}-\d\d-\d\d)$", text("CHANGELOG.md"), re.M)
    assert versions[0][0] == bench.__version__
    citation = dict(re.findall(r"^([\w-]+): (\S+)$", text("CITATION.cff"), re.MULTILINE))
    assert (citation["version"], citation["date-released"]) == versions[0]


def test_every_version_of_the_changelog_has_its_link() -> None:
    changelog = text("CHANGELOG.md")
    for version in re.findall(r"^## \[(.*?)\]", changelog, re.MULTILINE):
        assert f"\n[{version}]: https://" in changelog, version


def test_the_licence_file_matches_the_declared_licence() -> None:
    project = tomllib.loads(text("pyproject.toml"))["project"]
    assert project["license"] == "Apache-2.0" and "license: Apache-2.0" in text("CITATION.cff")
    for name in project["license-files"]:
        assert "Apache License\n                           Version 2.0" in text(name)


@pytest.mark.parametrize("document", ["README.md", "CONTRIBUTING.md", "SECURITY.md"])
def test_a_document_s_links_lead_somewhere(document: str) -> None:
    for target in re.findall(r"\]\((?!https?:|#)([^)#]+)", text(document)):
        assert (TREE / target).exists(), target


def test_the_picture_of_the_rooms_is_up_to_date() -> None:
    drawn = rooms_picture.draw(structure.read(TREE))
    assert structure.PICTURE.read_text(encoding="utf-8") == drawn, (
        f"draw it anew: python -m tests.structure --svg {structure.PICTURE.relative_to(TREE)}"
    )


def test_a_circle_and_a_climb_are_detected(tmp_path: Path) -> None:
    sources = {
        "core/__init__.py": "",
        "core/low.py": "from bench.report import high",
        "report/__init__.py": "",
        "report/high.py": "import bench.core.low\n\ndef page(run):\n    return run.records",
        "cli.py": "from bench.report.high import page\nfrom bench.report import high",
    }
    for name, source in sources.items():
        file = tmp_path / "bench" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(source)
    seen = structure.read(tmp_path)
    assert seen.floors == {"core": 1, "report": 1, "cli": 2}
    assert seen.upward == ["core -> report", "report -> core"]
    assert structure.circles(seen.arrows) == [{"core.low", "report.high"}]
    assert seen.climbs == ["report.high"]
    assert sum(map(len, seen.arrows.values())) == 3


def test_no_import_leads_up() -> None:
    printed = structure.report(structure.read(TREE))
    none = ("upward arrows between rooms", "circles of rooms", "circles of modules")
    assert "\n".join(f"{each} 0" for each in none) in printed
