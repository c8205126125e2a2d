"""The index of published runs: `README.md` and `index.html` of their folder."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tabulate import tabulate

from bench.core.errors import UsageError
from bench.report.common.templating import environment
from bench.report.common.text import framework_text
from bench.report.gallery.publication import FILES, Entry, entries
from bench.report.run.run_forms import footer

INDEX = ("README.md", "index.html")
# Tells an index from a page that a person wrote, which is never written over unasked.
MARK = "framebench publish --index"
HEADINGS = (
    "run",
    "what it is for",
    "machine",
    "date",
    "tasks × frameworks",
    "repeats",
    "windows contended",
    "proved",
)
# Other things that lie in a folder of published runs, and what they are.
OTHERS = {
    "certificate.json": "what `framebench verify --json` printed: every framework, task and mode, "
    "proved in float64 and float32",
    "benchmarks/verdicts.txt": "what `python -m tests.benchmarks.verdicts` printed",
    "benchmarks/planted.txt": "what `python -m tests.benchmarks.planted` printed, twice",
    "benchmarks/native.txt": "what `python -m tests.benchmarks.native` printed on one thread",
    "benchmarks/native-2-threads.txt": "what it printed on two",
}


def _size(entry: Entry) -> str:
    """A single task or framework by its name, several by their number."""
    of_tasks = entry.tasks[0] if len(entry.tasks) == 1 else f"{len(entry.tasks)} tasks"
    names = entry.frameworks
    of_frameworks = framework_text(names[0]) if len(names) == 1 else f"{len(names)} frameworks"
    return f"{of_tasks} × {of_frameworks}"


def _facts(entry: Entry) -> dict[str, str]:
    """What stands under a run's tables, and what it ran."""
    lines = dict(line.partition(": ")[::2] for line in footer(entry.run))
    del lines["command"]
    processes = len(entry.run.records)
    return {
        "tasks": ", ".join(entry.tasks),
        "frameworks": ", ".join(map(framework_text, entry.frameworks)),
        "processes": f"{processes}, " + (f"{entry.not_ok} not ok" if entry.not_ok else "all ok"),
        **lines,
    }


def _row(entry: Entry) -> list[str]:
    """Under `HEADINGS`."""
    share, proved = entry.contended_share, entry.proved
    return [
        entry.name,
        entry.about.partition(". ")[0].removesuffix("."),
        _facts(entry)["machine"],
        entry.date,
        _size(entry),
        str(entry.repeats),
        "not known" if share is None else f"{share:.1%}",
        f"{proved[0]} of {proved[1]}" if proved else "not kept",
    ]


def _escaped(text: str) -> str:
    """Fit for a cell of a table in Markdown."""
    return text.replace("|", r"\|").replace("<", "&lt;")


def _context(found: Sequence[Entry], folder: Path) -> dict[str, Any]:
    return {
        "mark": MARK,
        "folder": folder.resolve().name,
        "entries": [
            {"entry": entry, "facts": _facts(entry), "row": _row(entry)} for entry in found
        ],
        "headings": HEADINGS,
        "files": {
            name: about
            for name, about in FILES.items()
            if any(name in entry.files for entry in found)
        },
        "others": {name: about for name, about in OTHERS.items() if (folder / name).is_file()},
    }


def to_markdown(found: Sequence[Entry], folder: Path) -> str:
    """The index of `folder` for a reader of the source tree."""
    context = _context(found, folder)
    rows = [
        [f"[{row[0]}](#{row[0].lower().replace('.', '')})", *map(_escaped, row[1:])]
        for row in (one["row"] for one in context["entries"])
    ]
    templates = environment(autoescape=False)
    templates.filters["escaped"] = _escaped
    table = tabulate(rows, HEADINGS, tablefmt="github", disable_numparse=True) if rows else ""
    return templates.get_template("gallery.md.j2").render(table=table, **context)


def to_html(found: Sequence[Entry], folder: Path) -> str:
    """The same as one self-contained page."""
    return (
        environment(autoescape=True)
        .get_template("gallery.html.j2")
        .render(**_context(found, folder))
    )


def to_json(found: Sequence[Entry]) -> str:
    """The published runs, without their records."""
    told = [{key: value for key, value in vars(one).items() if key != "run"} for one in found]
    return json.dumps(told, indent=2, ensure_ascii=False)


def check_index(folder: Path, *, overwrite: bool) -> None:
    """Raises UsageError where an index would be written over a page that somebody else wrote."""
    for name in () if overwrite else INDEX:
        file = folder / name
        if file.exists() and MARK not in file.read_text(encoding="utf-8"):
            raise UsageError(f"{file} is no index of framebench's; give --replace to write over it")


def write_index(folder: Path) -> list[Entry]:
    """Write the index of a folder's published runs, and give them back. Raises as `entries`."""
    found = entries(folder)
    (folder / "README.md").write_text(to_markdown(found, folder), encoding="utf-8")
    (folder / "index.html").write_text(to_html(found, folder), encoding="utf-8")
    return found
