"""The index of published runs: `README.md`, `index.html` and `history.html` of their folder."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

from bench.analysis.history import history
from bench.core.errors import UsageError
from bench.core.grouping import grouped
from bench.report.common import markdown, programs
from bench.report.common.markdown import Markdown
from bench.report.common.templating import environment
from bench.report.gallery.publication import FILES
from bench.report.gallery.published_runs import PublishedRun, published_runs
from bench.report.history import history_forms
from bench.report.run import first_screen
from bench.report.run.first_screen import HeatMap
from bench.report.run.footer import footer, machine_text
from bench.report.run.report_files import INDEX_PAGE, PAGE
from bench.report.run.sections import section_anchor
from bench.system import files

INDEX = ("README.md", INDEX_PAGE)
HISTORY_PAGE = "history.html"
# Marks an index, so that a page written by a person is not overwritten by mistake.
MARK = "framebench publish --index"
HEADINGS = (
    "run",
    "purpose",
    "machine",
    "date",
    "tasks × frameworks",
    "repeats",
    "windows contended",
    "proved",
)
# Other files in a folder of published runs, and what they are.
OTHERS = {
    "certificate.json": "the output of `framebench verify --json`: every framework, task and mode, "
    "proved in float64 and float32",
    "benchmarks/verdicts.txt": "the output of `python -m tests.benchmarks.verdicts`",
    "benchmarks/planted.txt": "the output of `python -m tests.benchmarks.planted`",
    "benchmarks/native.txt": "the output of `python -m tests.benchmarks.native` on one thread",
    "benchmarks/native-2-threads.txt": "the same on two threads",
}


@dataclass(frozen=True, kw_only=True)
class IndexEntry:
    """A published run's row under `HEADINGS`, and the facts below its command."""

    run: PublishedRun
    row: Sequence[str]
    facts: dict[str, str]

    @staticmethod
    def of(run: PublishedRun) -> IndexEntry:
        facts = _facts(run)
        contended, proved = run.contended_share, run.proved
        return IndexEntry(
            run=run,
            facts=facts,
            row=(
                run.name,
                run.about.partition(". ")[0].removesuffix("."),
                facts["machine"],
                run.date,
                _size(run),
                str(run.repeats),
                "unknown" if contended is None else f"{contended:.1%}",
                f"{proved[0]} of {proved[1]}" if proved else "not recorded",
            ),
        )


@dataclass(frozen=True, kw_only=True)
class PublishedAnswer:
    """What the newest of the largest runs on a machine says first; `page` is its report's address.

    `trust`, `advice` and `heat_maps` are those of `bench.report.run.first_screen`.
    """

    name: str
    machine: str
    date: str
    blocks: int
    page: str
    trust: str
    advice: str
    heat_maps: Sequence[HeatMap]

    @staticmethod
    def of(run: PublishedRun) -> PublishedAnswer:
        anchors = [section_anchor(number) for number in range(len(run.results.tables))]
        return PublishedAnswer(
            name=run.name,
            machine=machine_text(run.results),
            date=run.date,
            blocks=run.repeats,
            page=f"{quote(run.name)}/{PAGE}" if PAGE in run.files else "",
            trust=first_screen.trust(run.results),
            advice=first_screen.advice(run.results),
            heat_maps=list(first_screen.heat_maps(run.results, anchors)),
        )


def answers(runs: Iterable[PublishedRun]) -> list[PublishedAnswer]:
    """For each machine and set of devices, that of the run with the most tasks.

    Newest first, but those that are not to be relied on come last.
    """
    largest: dict[tuple[str, frozenset[str]], PublishedRun] = {}
    for run in runs:
        if len(run.frameworks) < 2:
            continue
        devices = frozenset(table.cell.device for table in run.results.tables)
        known = largest.setdefault((machine_text(run.results), devices), run)
        if len(run.tasks) > len(known.tasks):
            largest[machine_text(run.results), devices] = run
    found = [PublishedAnswer.of(run) for run in largest.values()]
    return sorted(found, key=lambda answer: bool(answer.trust))


def _title(run: PublishedRun, framework: str) -> str:
    return run.results.snapshot.framework_title(framework)


def _size(run: PublishedRun) -> str:
    """The tasks and frameworks of a run: a single one by its name, several by their number."""
    tasks = run.tasks[0] if len(run.tasks) == 1 else f"{len(run.tasks)} tasks"
    names = run.frameworks
    frameworks = _title(run, names[0]) if len(names) == 1 else f"{len(names)} frameworks"
    return f"{tasks} × {frameworks}"


def _facts(run: PublishedRun) -> dict[str, str]:
    """What was run, and the lines that the run's own report has below its tables."""
    by_name = grouped(
        (line.partition(": ") for line in footer(run.results)), lambda parts: parts[0]
    )
    notes = {name: "; ".join(text for *_, text in lines) for name, lines in by_name.items()}
    del notes["command"]
    processes = len(run.results.processes)
    return {
        "tasks": ", ".join(run.tasks),
        "frameworks": ", ".join(_title(run, name) for name in run.frameworks),
        "processes": f"{processes}, " + (f"{run.not_ok} not ok" if run.not_ok else "all ok"),
        **notes,
    }


def _context(runs: Sequence[PublishedRun], folder: Path) -> dict[str, Any]:
    return {
        "mark": MARK,
        "folder": folder.resolve().name,
        "entries": [IndexEntry.of(run) for run in runs],
        "answers": answers(runs),
        "headings": HEADINGS,
        "files": {
            name: about for name, about in FILES.items() if any(name in run.files for run in runs)
        },
        "history": HISTORY_PAGE if (folder / HISTORY_PAGE).is_file() else "",
        "others": {name: about for name, about in OTHERS.items() if (folder / name).is_file()},
    }


def to_markdown(runs: Sequence[PublishedRun], folder: Path) -> str:
    """The index of `folder`, for readers of the source tree."""
    context = _context(runs, folder)
    rows = [
        [_link(name, f"#{name.lower().replace('.', '')}"), *rest]
        for name, *rest in (entry.row for entry in context["entries"])
    ]
    templates = environment(autoescape=False)
    templates.filters["escaped"] = markdown.escaped
    templates.filters["fenced"] = markdown.fenced
    templates.filters["code"] = markdown.code
    table = markdown.table(HEADINGS, rows) if rows else ""
    return templates.get_template("gallery.md.j2").render(table=table, **context)


def _link(text: str, target: str) -> Markdown:
    return Markdown(f"[{markdown.escaped(text)}]({quote(target, safe='/#')})")


def to_html(runs: Sequence[PublishedRun], folder: Path) -> str:
    """The same as one self-contained page."""
    template = environment(autoescape=True).get_template("gallery.html.j2")
    return template.render(**_context(runs, folder))


def to_json(runs: Sequence[PublishedRun]) -> str:
    """The published runs, without their records."""
    fields = [
        {name: value for name, value in vars(run).items() if name != "results"} for run in runs
    ]
    return programs.to_json(fields)


def _is_ours(file: Path) -> bool:
    """Whether a page was written by `write_index`, not by a person."""
    return MARK in file.read_text(encoding="utf-8", errors="replace")


def check_index(folder: Path, *, overwrite: bool) -> None:
    """Raises UsageError if the index would overwrite a page that is not an index."""
    for name in () if overwrite else (*INDEX, HISTORY_PAGE):
        file = folder / name
        if file.exists() and not _is_ours(file):
            raise UsageError(
                f"{file} is not an index written by framebench; give --replace to overwrite it"
            )


def _history_page(runs: Sequence[PublishedRun]) -> str:
    """The history of the newest machine on which some cell was measured more than once, or "".

    `runs` are newest first.
    """
    newest_first = [run.results for run in runs]
    oldest_first = newest_first[::-1]
    for results in newest_first:
        found = history(oldest_first, results.run.info.get("machine", {}))
        if any(len(each.points) > 1 for each in found.cells):
            compared = results.snapshot.compared
            return history_forms.to_page(found, compared, index=INDEX_PAGE, mark=MARK)
    return ""


def write_index(
    folder: Path, say: Callable[[str], object] = lambda line: None, *, page: bool = True
) -> list[PublishedRun]:
    """Write the index of a folder's published runs, and return them; `say` as `published_runs`.

    With `page`, the history of the newest machine with several runs, if there is one, goes beside
    it; without, one from an earlier call is removed.
    """
    runs = published_runs(folder, say)
    file = folder / HISTORY_PAGE
    if text := _history_page(runs) if page else "":
        files.write(file, text)
    elif file.is_file() and _is_ours(file):
        file.unlink()
    for name, form in zip(INDEX, (to_markdown, to_html), strict=True):
        files.write(folder / name, form(runs, folder))
    return runs
