"""A run is published completely or not at all, and the index lists every published run."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from bench.analysis.results import Results
from bench.core.errors import UsageError
from bench.launch import catalogue
from bench.records import run_folder
from bench.records.snapshot import Caveat
from bench.report.gallery import gallery_index, publication
from bench.report.gallery.machine_paths import machine_paths
from bench.report.gallery.published_runs import published_runs
from bench.report.run import run_forms
from bench.report.run.report_files import write_reports
from tests.conftest import Framebench

RESULTS = catalogue.TREE / "results"
QUICK = RESULTS / "quick-epyc-2cpu"

MakeRun = Callable[..., Path]


@pytest.fixture
def make_run(tmp_path: Path) -> MakeRun:
    """Makes a finished run as `framebench run` leaves it, with changes to its run.json."""

    def make(name: str = "mine", **changes: Any) -> Path:
        folder = tmp_path / "results" / name
        shutil.copytree(QUICK, folder, ignore=shutil.ignore_patterns("*.html"))
        (folder / "logs").mkdir()
        (folder / "logs" / "0001.log").write_text("chatter\n", encoding="utf-8")
        info = {**run_folder.read(folder).info, "name": name, **changes}
        del info["about"]
        run_folder.write_info(
            folder, {key: value for key, value in info.items() if value is not None}
        )
        return folder

    return make


def only_tables(folder: Path) -> run_folder.Run:
    return write_reports(folder, page=False)


def publish(folder: Path, target: Path, **options: Any) -> run_folder.Run:
    settings = {"about": None, "overwrite": False, "forms": only_tables, **options}
    publication.publish(run_folder.read(folder), target, **settings)
    return run_folder.read(target)


def files(folder: Path) -> set[str]:
    return {file.relative_to(folder).as_posix() for file in folder.rglob("*") if file.is_file()}


class Links(HTMLParser):
    """The anchors, links and sources of a page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.names: set[str] = set()
        self.links: list[str] = []
        self.sources: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attributes}
        self.names |= {f"#{given['id']}"} if "id" in given else set()
        self.links += [given["href"]] if "href" in given else []
        self.sources += [given["src"]] if "src" in given else []


@pytest.mark.parametrize("page", [True, False])
def test_a_run_is_published_without_its_logs(
    page: bool, make_run: MakeRun, framebench: Framebench, tmp_path: Path
) -> None:
    before = make_run()
    arguments = (
        "publish",
        "mine",
        "--to",
        "out",
        "--name",
        "theirs",
        "--about",
        "A | test. Of it.",
    )
    printed = framebench(*arguments, *([] if page else ["--no-page"])).stdout
    assert "published in out/theirs" in printed
    assert "index of 1 run in out/README.md" in printed
    after = tmp_path / "out" / "theirs"
    left_out = {"report.png"} if page else {"report.png", "report.html", "advice.html"}
    assert files(after) == set(publication.FILES) - left_out - {run_folder.PICTURES}
    assert (after / "records.jsonl").read_bytes() == (before / "records.jsonl").read_bytes()
    run = run_folder.read(after)
    unpublished = run_folder.read(before)
    assert run.info == {
        "snapshot": json.loads(json.dumps(unpublished.snapshot.to_fields())),
        **unpublished.info,
        "name": "theirs",
        "about": "A | test. Of it.",
    }
    assert (after / "summary.md").read_text(encoding="utf-8") == run_forms.to_markdown(
        Results.of(run)
    )
    assert (after / "summary.csv").read_text(encoding="utf-8") == run_forms.to_csv(Results.of(run))
    text = (tmp_path / "out" / "README.md").read_text(encoding="utf-8")
    assert r"| A \| test " in text and "A \\| test. Of it." in text
    assert ("report.html" in text) == page
    html = (tmp_path / "out" / "index.html").read_text(encoding="utf-8")
    assert ("theirs/report.html" in html) == page
    assert not list((tmp_path / "out").glob(".*"))
    assert after.stat().st_mode == (tmp_path / "out").stat().st_mode


def test_its_forms_are_written_where_the_folder_has_the_run_s_name(
    make_run: MakeRun, tmp_path: Path
) -> None:
    # A page tells the command that makes a short run longer, with the name of its folder.
    written: list[str] = []
    folder = make_run()
    publish(folder, tmp_path / "theirs", forms=lambda staged: written.append(staged.name))
    publish(folder, folder, forms=lambda staged: written.append(staged.name))
    assert written == ["theirs", "mine"]


def test_a_run_can_be_published_in_its_own_folder(make_run: MakeRun) -> None:
    folder = make_run()
    before = files(folder)
    run = publish(folder, folder, about="For\n a test.")
    assert files(folder) == before and "logs/0001.log" in before
    assert run.info["about"] == "For a test."
    assert publish(folder, folder).info["about"] == "For a test."
    assert not gallery_index.to_markdown(published_runs(folder.parent), folder.parent).count("logs")


def test_the_purpose_of_a_run_is_by_default_that_of_its_preset(make_run: MakeRun) -> None:
    folder = make_run()
    assert publish(folder, folder).info["about"].startswith("quick: the four headline tasks")


def test_a_run_replaces_another_only_on_request(make_run: MakeRun, tmp_path: Path) -> None:
    first, second = make_run("first"), make_run("second", wall_seconds=1.0)
    target = tmp_path / "out" / "r"
    publish(first, target, about="Kept.")
    (target / "stray").write_text("", encoding="utf-8")
    with pytest.raises(UsageError, match="holds a run already; choose another --name, or give --r"):
        publish(second, target)
    assert run_folder.read(target).info["wall_seconds"] != 1
    replaced = publish(second, target, overwrite=True)
    assert replaced.info["wall_seconds"] == 1 and replaced.info["about"] == "Kept."
    assert "stray" not in files(target)


def test_a_picture_is_kept_only_with_its_records(make_run: MakeRun, tmp_path: Path) -> None:
    run, other = make_run("first"), make_run("second", wall_seconds=1.0)
    lines = (other / "records.jsonl").read_text(encoding="utf-8").splitlines()
    swapped = [*lines[:-2], lines[-1], lines[-2]]
    (other / "records.jsonl").write_text("\n".join(swapped), encoding="utf-8")
    (run / "report.png").write_bytes(b"its picture")
    target = tmp_path / "out" / "r"
    publish(run, target)
    assert (target / "report.png").read_bytes() == b"its picture"
    (run / "report.png").unlink()
    publish(run, target, overwrite=True)  # the same run, published again
    assert (target / "report.png").read_bytes() == b"its picture"
    publish(other, target, overwrite=True)
    assert not (target / "report.png").exists()


def test_a_folder_without_a_run_is_never_replaced(make_run: MakeRun, tmp_path: Path) -> None:
    (tmp_path / "out" / "benchmarks").mkdir(parents=True)
    with pytest.raises(UsageError, match="exists and holds no run"):
        publish(make_run(), tmp_path / "out" / "benchmarks", overwrite=True)


def test_a_failed_publication_leaves_nothing_behind(make_run: MakeRun, tmp_path: Path) -> None:
    folder = make_run()
    publish(folder, tmp_path / "out" / "r")

    def fail(folder: Path) -> None:
        raise RuntimeError(folder)

    for name in ("r", "new"):
        with pytest.raises(RuntimeError):
            publish(folder, tmp_path / "out" / name, overwrite=True, forms=fail)
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["r"]
    assert (tmp_path / "out" / "r" / "summary.md").exists()


REFUSED = {
    "unfinished": ({"wall_seconds": None}, "is not finished: it has 36 records so far"),
    "another command": ({"command": "python -m bench run"}, "was not made by `framebench run`"),
    "a verification": ({"command": "framebench verify"}, "was not made by `framebench run`"),
    "a path in the command": (
        {"command": "framebench run --results /mnt/fast/r"},
        "run.json names a path of this machine in 'command': /mnt/fast/r",
    ),
    "the home folder": (
        {"command": f"framebench run --results={Path.home()}/r"},
        f"in 'command': {Path.home()}/r",
    ),
    "a path in the machine": (
        {"machine": {"cpu": "see /tmp/cpu.txt", "cores_usable": 2, "memory_bytes": 1}},
        "in 'machine.cpu': /tmp/",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_a_run_that_is_not_fit_to_publish_is_refused(
    case: str, make_run: MakeRun, tmp_path: Path
) -> None:
    changes, message = REFUSED[case]
    with pytest.raises(UsageError, match=re.escape(message)):
        publish(make_run(**changes), tmp_path / "out" / "r")
    assert not (tmp_path / "out").exists()


def test_a_record_that_names_a_path_is_refused(make_run: MakeRun, tmp_path: Path) -> None:
    folder = make_run()
    lines = (folder / "records.jsonl").read_text(encoding="utf-8").splitlines()
    fields = {**json.loads(lines[1]), "reason": 'File "/home/ada/framebench/x.py", line 3'}
    lines[1] = json.dumps(fields)
    (folder / "records.jsonl").write_text("\n".join(lines), encoding="utf-8")
    with pytest.raises(UsageError, match=r"line 2 names a path .* 'reason': /home/ada/framebench"):
        publish(folder, tmp_path / "out" / "r")


@pytest.mark.parametrize(
    ("text", "paths"),
    [
        ("framebench run --results /tmp/r --name x", ["/tmp/r"]),
        ("--results=/data", ["/data"]),
        ("file:///srv/wheels", []),  # a part of an address, unless it is the home folder
        (f"file://{Path.home()}/wheels", [Path.home().as_posix()]),
        (r"C:\Users\ada\r", [r"C:\Users\ada\r"]),
        ("~/runs/r and '/var/folders/x'", ["~/runs/r", "/var/folders/x"]),
        ("195 GFLOP/s, samples/s, 1/2, n / a, results/mine, ../r, ./r, a-/b", []),
        ("https://example.org/a/b", []),
        ("/proc/cpuinfo, /usr/lib/libc.so and /dev/nvidia0", []),
        ("/usrlocal/r", ["/usrlocal/r"]),
    ],
)
def test_paths_of_one_machine(text: str, paths: list[str]) -> None:
    assert machine_paths(text) == paths


def test_the_index_lists_only_published_runs(make_run: MakeRun) -> None:
    folder = make_run("published")
    make_run("local")
    publish(folder, folder)
    (entry,) = gallery_index.write_index(folder.parent)
    assert entry.name == "published"
    assert "local" not in (folder.parent / "index.html").read_text(encoding="utf-8")


def test_the_newest_run_comes_first(make_run: MakeRun) -> None:
    for name, year in (("a", 2024), ("b", 2026), ("c", 2025)):
        folder = make_run(name, started=f"{year}-01-01T00:00:00+00:00")
        publish(folder, folder)
    assert [run.name for run in published_runs(folder.parent)] == ["b", "c", "a"]


@pytest.mark.frameworks
def test_the_history_of_a_machine_with_several_runs_is_beside_the_index(make_run: MakeRun) -> None:
    first = make_run("first", started="2025-01-01T00:00:00+00:00")
    publish(first, first)
    history = first.parent / gallery_index.HISTORY_PAGE
    gallery_index.write_index(first.parent)
    assert not history.exists()
    assert "history.html" not in (first.parent / "index.html").read_text(encoding="utf-8")
    second = make_run("second", started="2026-01-01T00:00:00+00:00")
    publish(second, second)
    gallery_index.write_index(first.parent)
    page = history.read_text(encoding="utf-8")
    assert page.index("first:") < page.index("second:") and 'href="index.html"' in page
    assert 'href="history.html"' in (first.parent / "index.html").read_text(encoding="utf-8")
    gallery_index.write_index(first.parent, page=False)
    assert not history.exists()
    gallery_index.write_index(first.parent)
    shutil.rmtree(second)
    gallery_index.write_index(first.parent)
    assert not history.exists()
    history.write_text("mine", encoding="utf-8")
    gallery_index.write_index(first.parent)
    assert history.read_text(encoding="utf-8") == "mine"
    with pytest.raises(UsageError, match="is not an index written by framebench"):
        gallery_index.check_index(first.parent, overwrite=False)


def test_pages_of_a_published_run_link_to_each_other_and_to_the_index(make_run: MakeRun) -> None:
    folder = make_run("mine")
    write_reports(folder)
    assert "index.html" not in (folder / "report.html").read_text(encoding="utf-8")
    publish(folder, folder, forms=write_reports)
    page = (folder / "report.html").read_text(encoding="utf-8")
    assert 'href="../index.html"' in page and 'href="advice.html"' in page
    assert 'href="report.html"' in (folder / "advice.html").read_text(encoding="utf-8")


@pytest.mark.frameworks
def test_answers_that_are_not_to_be_relied_on_come_last() -> None:
    found = gallery_index.answers(published_runs(RESULTS))
    doubtful = [bool(answer.trust) for answer in found]
    assert set(doubtful) == {False, True} and doubtful == sorted(doubtful)


def test_an_index_says_how_many_processes_were_not_ok(make_run: MakeRun) -> None:
    folder = make_run()
    lines = (folder / "records.jsonl").read_text(encoding="utf-8").splitlines()
    failed = {**json.loads(lines[0]), "status": "timeout", "measurement": None}
    text = "\n".join([json.dumps(failed), *lines[1:]])
    (folder / "records.jsonl").write_text(text, encoding="utf-8")
    publish(folder, folder)
    text = gallery_index.to_markdown(published_runs(folder.parent), folder.parent)
    assert "- processes: 36, 1 not ok" in text


def test_an_index_never_overwrites_a_page_written_by_a_person(
    make_run: MakeRun, framebench: Framebench
) -> None:
    folder = make_run()
    readme = folder.parent / "README.md"
    readme.write_text("# Mine\n", encoding="utf-8")
    for arguments in (("publish", "mine"), ("publish", "--index")):
        error = framebench(*arguments, expect=2).stderr
        assert "README.md is not an index written by framebench" in error
    assert readme.read_text(encoding="utf-8") == "# Mine\n"
    assert "about" not in run_folder.read(folder).info
    framebench("publish", "mine", "--no-page", "--replace")
    assert gallery_index.MARK in readme.read_text(encoding="utf-8")


@pytest.mark.frameworks
def test_the_published_index_is_up_to_date(framebench: Framebench, tmp_path: Path) -> None:
    copy = tmp_path / "results"
    shutil.copytree(RESULTS, copy)
    listed = json.loads(framebench("publish", "--index", "--json").stdout)
    for name in gallery_index.INDEX:
        written = (copy / name).read_text(encoding="utf-8")
        assert written == (RESULTS / name).read_text(encoding="utf-8"), "framebench publish --index"
    done = subprocess.run(
        ["git", "ls-files", "*/run.json"], cwd=RESULTS, capture_output=True, text=True, check=True
    )
    assert {run["name"] for run in listed} == {
        line.partition("/")[0] for line in done.stdout.splitlines()
    }


def test_the_published_index_links_to_existing_files() -> None:
    page = Links((RESULTS / "index.html").read_text(encoding="utf-8"))
    text = (RESULTS / "README.md").read_text(encoding="utf-8")
    headings = {f"#{name}" for name in re.findall(r"^## (\S+)$", text, re.MULTILINE)}
    links = re.findall(r"\]\(([^)]+)\)", text)
    assert page.sources == [] and len(page.links) > 10 and len(links) > 10
    for link, names in [(link, page.names) for link in page.links] + [
        (link, headings) for link in links
    ]:
        file, _, name = link.partition("#")
        assert link in names if not file else (RESULTS / file).exists(), link
        assert not (file and name) or f'id="{name}"' in (RESULTS / file).read_text(encoding="utf-8")


def test_the_index_has_every_caveat_of_a_run(make_run: MakeRun) -> None:
    run = run_folder.read(make_run())
    own = [
        Caveat(figures=(f"run {run.folder.name}",), text=text) for text in ("of one", "of another")
    ]
    snapshot = replace(run.snapshot, caveats=(*run.snapshot.caveats, *own))
    run_folder.write_info(run.folder, {**run.info, "snapshot": snapshot.to_fields()})
    publish(run.folder, run.folder.parents[1] / "published" / "mine")
    published = published_runs(run.folder.parents[1] / "published")
    text = gallery_index.to_markdown(published, run.folder.parents[1] / "published")
    assert "of one" in text and "of another" in text
