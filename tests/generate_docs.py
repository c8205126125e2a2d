"""The generated parts of README and docs; `python -m tests.generate_docs` renews them.

A part stands between two comments in its page, `<!-- generated: NAME -->` and
`<!-- end of NAME -->`, where NAME is that of a function below. A test compares every part with what
its function returns.
"""

from __future__ import annotations

import csv
import io
import os
import re
import sys
import textwrap
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, redirect_stdout
from functools import cache
from pathlib import Path
from typing import Any

import typer
from tabulate import tabulate

from bench import tasks
from bench.advice.criteria import CRITERIA
from bench.advice.personas import PERSONAS
from bench.analysis import agreement, final_metrics, timed_work
from bench.cli.app import main
from bench.cli.command_line import app
from bench.core import cost
from bench.core.presets import PRESETS
from bench.core.setting import EPSILONS
from bench.core.task import LOSS_TOLERANCE
from bench.launch import catalogue
from bench.launch.catalogue import TREE
from bench.proof import tolerances as proof_tolerances
from bench.proof.checks import CHECKS
from bench.report.common.text import per_cent
from bench.report.run.tables import ABOUT
from tests import rooms_picture, structure

RESULTS = TREE / "results"
PAGES = (TREE / "README.md", *sorted((TREE / "docs").glob("*.md")))
PUBLISHED = "results/standard-sixteen-epyc-2cpu"
HEADLINE_TASKS = [name for name in tasks.names() if tasks.load(name).headline]
HEADLINE = ("report", PUBLISHED, *(word for name in HEADLINE_TASKS for word in ("-t", name)))
COMPARE = ("compare", "quick-epyc-2cpu", "standard-epyc-2cpu", "-t", "mnist-mlp")
RECOMMEND = ("recommend", "standard-sixteen-epyc-2cpu", "--persona", "researcher")
MARKDOWN = ("--format", "markdown")

PART = re.compile(r"<!-- generated: ([\w-]+) -->\n.*?<!-- end of \1 -->", re.DOTALL)


@contextmanager
def in_tree(arguments: Sequence[str]) -> Iterator[None]:
    """Work in the tree, as if `framebench` had been called there."""
    place, given = Path.cwd(), sys.argv
    os.chdir(TREE)
    sys.argv = ["framebench", *arguments]
    try:
        yield
    finally:
        os.chdir(place)
        sys.argv = given


def printed(*arguments: str) -> str:
    """What `framebench` prints with these arguments, in the tree."""
    output = io.StringIO()
    with in_tree(arguments), redirect_stdout(output):
        try:
            main()
        except SystemExit as done:
            assert done.code == 0, f"framebench {' '.join(arguments)} exits with {done.code}"
    return output.getvalue().strip()


def shown(*arguments: str) -> str:
    """A command, and the Markdown that it prints: without its title, headings a level lower."""
    text = printed(*arguments, *MARKDOWN)
    text = re.sub(r"^(#+ )", r"#\1", re.sub(r"\A# .*\n+", "", text), flags=re.MULTILINE)
    return f"```console\nframebench {' '.join(arguments)}\n```\n\n{text.strip()}"


def table(headings: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [headings, ["---"] * len(headings), *rows]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


def headline() -> str:
    """Each framework's fastest mode in each headline task, from the published run's CSV."""
    rows = [
        row
        for row in csv.DictReader(io.StringIO(printed(*HEADLINE, "--format", "csv")))
        if row["status"] == "ok"
    ]
    best: dict[tuple[str, str], dict[str, str]] = {}
    for row in rows:
        place = row["framework"], row["task"]
        if place not in best or pace(row) > pace(best[place]):
            best[place] = row
    names = sorted({row["task"] for row in rows})
    frameworks = sorted({row["framework"] for row in rows}, key=str.lower)
    return table(
        ["samples/s (share of the fastest's)", *(f"`{name}`" for name in names)],
        [
            [
                catalogue.load(framework).title,
                *(headline_cell(best[framework, name]) for name in names),
            ]
            for framework in frameworks
        ],
    )


def pace(row: dict[str, str]) -> float:
    return float(row["samples_per_second"])


def headline_cell(row: dict[str, str]) -> str:
    figure = f"{pace(row):,.0f}"
    if float(row["relative"]) == 1:
        return f"**{figure}**"
    low, high = float(row["relative_low"]), float(row["relative_high"])
    place = ""
    if row["among_fastest"] == "True":
        place = ", tied" if low <= 1 <= high else ", not sure"
    return f"{figure} ({per_cent(low)}–{per_cent(high)} %{place})"


def run_tables() -> str:
    return shown(*HEADLINE)


def comparison() -> str:
    return shown(*COMPARE)


def advice() -> str:
    return shown(*RECOMMEND)


def certificate() -> str:
    """The published certificate, as `framebench verify` prints it."""
    from bench.records.snapshot_taking import of_proofs
    from bench.report.proof import proof_forms

    text = (RESULTS / "certificate.json").read_text(encoding="utf-8")
    certificates = proof_forms.from_json(text)
    return proof_forms.to_markdown(certificates, of_proofs(certificates)).strip()


def commands() -> str:
    return table(
        ["command", "what it does"],
        [
            [f"[`framebench {name}`](commands.md#framebench-{name})", about(command).split("\n")[0]]
            for name, command in every_command()
        ],
    )


def command_reference() -> str:
    return "\n\n".join(
        f"## framebench {name}\n\n{about(command)}{examples(command)}\n\n"
        + table(["option", "meaning", "default"], map(option, command.params))
        for name, command in every_command()
    )


def every_command() -> list[tuple[str, Any]]:
    group: Any = typer.main.get_command(app)
    return list(group.commands.items())


def about(command: Any) -> str:
    """A command's help, without the markup for terminals, in lines of a page's usual width."""
    text = command.help.partition("[bold]")[0]
    plain = re.sub(r"(?<!\\)\[/?\w+\]", "", text).replace("\\[", "[").strip()
    return "\n\n".join(map(in_lines, plain.split("\n\n")))


def in_lines(paragraph: str) -> str:
    return textwrap.fill(paragraph, 118, break_long_words=False, break_on_hyphens=False)


def examples(command: Any) -> str:
    text = f"{command.help or ''}\n{command.epilog or ''}"
    lines = re.findall(r"^ *(framebench .*?)(?: {2,}(.*))?$", text, re.MULTILINE)
    width = max((len(line) for line, _ in lines), default=0)
    body = "\n".join(f"{line:<{width}}  # {why}" if why else line for line, why in lines)
    return f"\n\n```console\n{body}\n```" * bool(lines)


def option(parameter: Any) -> tuple[str, str, str]:
    names = [*parameter.opts, *parameter.secondary_opts]
    if parameter.param_type_name == "argument":
        names = [name.upper() for name in names]
    default = parameter.default
    if isinstance(default, list | tuple):
        default = ", ".join(default)
    plain = "" if default in (None, "", False, True) else f"`{default}`"
    return ", ".join(f"`{name}`" for name in names), escaped(parameter.help or ""), plain


def escaped(text: str) -> str:
    return text.replace("|", "\\|")


def presets() -> str:
    return table(
        ["preset", "repeats", "what it trains"],
        [[f"`{name}`", str(preset.repeats), preset.about] for name, preset in PRESETS.items()],
    )


def described_tasks() -> list[str]:
    """The tasks, in alphabetical order, that the first table of their page describes."""
    text = (TREE / "docs" / "tasks.md").read_text(encoding="utf-8").partition("<!--")[0]
    return sorted(re.findall(r"^\| `([\w-]+)`", text, re.MULTILINE))


def task_figures() -> str:
    """What follows from each task's definition."""
    return table(
        ["task", "data", "batch", "weights", "model FLOPs a sample", "target"],
        [
            [
                f"`{name}`",
                task.dataset,
                str(task.batch),
                f"{task.parameter_count:,}",
                f"{cost.training_flops(task):,}",
                task.metric.goal().removeprefix("an "),
            ]
            for name, task in ((name, tasks.load(name)) for name in described_tasks())
        ],
    )


def frameworks() -> str:
    rows = []
    for name in catalogue.compared():
        framework = catalogue.load(name)
        pin = framework.requirements("cpu").read_text(encoding="utf-8").split()[0]
        modes = ", ".join(f"`{m}`" + "*" * (m == framework.recommended) for m in framework.modes)
        devices = ", ".join(framework.devices)
        rows.append([f"`{name}`", framework.title, pin.replace("==", " "), modes, devices])
    return table(["name", "framework", "package", "modes", "devices"], rows)


def modes() -> str:
    return table(
        ["framework", "mode", "what it is"],
        [
            [catalogue.load(name).title, f"`{mode}`", meaning]
            for name in catalogue.compared()
            for mode, meaning in catalogue.load(name).modes.items()
        ],
    )


def precisions() -> str:
    wanted = [name for name in EPSILONS if name not in ("float32", "float64")]
    return table(
        ["framework", "precision", "devices", "by what"],
        [
            [
                catalogue.load(name).title,
                f"`{precision}`",
                ", ".join(means.devices),
                means.about,
            ]
            for name in catalogue.compared()
            for precision, means in catalogue.load(name).precisions.items()
            if precision in wanted
        ],
    )


def expert_settings() -> str:
    return table(
        ["framework", "setting", "why"],
        [
            [catalogue.load(name).title, f"`{setting}`", why]
            for name in catalogue.compared()
            for setting, why in catalogue.load(name).expert.settings.items()
        ],
    )


def columns() -> str:
    return table(
        ["column", "meaning"],
        [[heading.partition(" (")[0], meaning] for heading, meaning in ABOUT.items()],
    )


def whole_tables() -> str:
    """How tables are judged, by simulation: from the published output of the benchmark."""
    text = (RESULTS / "benchmarks" / "verdicts.txt").read_text(encoding="utf-8")
    figures: dict[tuple[str, str, str], dict[str, str]] = {}
    for title, body in re.findall(r"^(.+)\n\n(noise between .+(?:\n.+)+)", text, re.MULTILINE):
        headings, _, *rows = (re.split(r" {2,}", line.strip()) for line in body.splitlines())
        for row in rows:
            figures[title, row[0], row[1]] = dict(zip(headings, row, strict=True))

    equal = "Tables of equal cells, {} blocks, in which some two are called different"
    steps = "Pairs found, {} blocks, each cell 5 % slower than the last: all / neighbours"
    alike, unlike = "normal, 2 %", "one cell 10 %, others 2 %"
    columns = (
        ("5 cells called different", equal, alike, 5, "5 cells"),
        ("12 cells", equal, alike, 5, "12 cells"),
        ("5 cells, one varies by 10 %", equal, unlike, 5, "5 cells"),
        ("12 cells, one varies by 10 %", equal, unlike, 5, "12 cells"),
        ("pairs found", steps, alike, 5, "5 cells"),
        ("in 3 blocks", steps, alike, 3, "5 cells"),
    )
    return table(
        ["judged by", *(heading for heading, *_ in columns)],
        [
            [
                method,
                *(
                    figures[title.format(blocks), noise, method][cells].partition(" /")[0]
                    for _, title, noise, blocks, cells in columns
                ),
            ]
            for method in ("each pair alone", "Holm", "Tukey", "Games-Howell")
        ],
    )


def checks() -> str:
    return ", ".join(f"`{name}`" for name in CHECKS)


def personas() -> str:
    return table(
        ["persona", "what weighs most", "why"],
        [
            [
                f"`{persona.name}`",
                ", ".join(f"{c} {w:g}" for c, w in persona.weights.items() if w >= 3)
                or "every criterion the same",
                persona.why,
            ]
            for persona in PERSONAS.values()
        ],
    )


def criteria() -> str:
    return table(
        ["criterion", "figure", "score"],
        [[f"`{c.name}`", c.figure, c.scored] for c in CRITERIA.values()],
    )


def rooms() -> str:
    """Each room of `bench`, from the top floor down, with the first sentence of its docstring."""
    shape = structure.read(TREE)
    order = sorted(shape.rooms, key=lambda room: (-shape.floors[room], room))
    return table(
        ["floor", "room", "what it holds"],
        [
            [str(shape.floors[room]), f"`bench/{room}/`", rooms_picture.about(shape, room)]
            for room in order
        ],
    )


def judgements() -> str:
    """The limits by which what was timed is judged."""
    early, rest = proof_tolerances.EARLY_STEPS, agreement.FIRST
    rows: list[tuple[str, str]] = [
        (
            "work behind the fence",
            f"{timed_work.MOST_LEFT:.0%} of the windows' time, beside "
            f"{timed_work.READING * 1e6:.0f} µs for reading each loss "
            f"and {timed_work.FENCE * 1e3:.0f} ms for each fence",
        ),
        (
            "seconds that no clock of the worker counts",
            f"{timed_work.MOST_UNTOLD:.0%} of the runner's, and {timed_work.TRIFLE_UNTOLD:.0f} s",
        ),
        (
            "busy threads in its windows",
            f"{timed_work.MOST_THREADS} times its threads, and {timed_work.WAITING} more on a GPU"
            + "".join(
                f"; {framework.dispatching} more in {framework.title}, which dispatches"
                for framework in map(catalogue.load, catalogue.compared())
                if framework.dispatching
            ),
        ),
        ("share of the machine's peak", f"{timed_work.MOST_OF_PEAK:.0%}"),
    ]
    for precision, limits in agreement.LOSS_LIMITS.items():
        rows.append(
            (
                f"first losses in {precision}",
                f"{limits.early:g} in the first {early}, {limits.later:g} up to step {rest}",
            )
        )
    rows += [
        (
            "first losses with batch normalization",
            f"at least {agreement.BATCH_NORM_EARLY:g} in the first {early}; no others are compared",
        ),
        ("mean losses of epochs", f"{LOSS_TOLERANCE:.0%}, or less where the task says so"),
        ("final metrics", f"p = {final_metrics.SURE:g} for each table"),
    ]
    return tabulate(rows, headers=("what is judged", "limit"), tablefmt="github")


PARTS: dict[str, Callable[[], str]] = {
    make.__name__.replace("_", "-"): make
    for make in (
        *(headline, run_tables, comparison, advice, certificate, commands, command_reference),
        *(presets, task_figures, frameworks, modes, precisions, expert_settings, columns),
        *(whole_tables, checks, judgements, personas, criteria, rooms),
    )
}


@cache
def part(name: str) -> str:
    """The present text of a part, made once a process: it may be in several pages."""
    return PARTS[name]()


def generated(text: str) -> str:
    """A page with all its generated parts renewed."""

    def renewed(match: re.Match[str]) -> str:
        name = match[1]
        return f"<!-- generated: {name} -->\n\n{part(name)}\n\n<!-- end of {name} -->"

    return PART.sub(renewed, text)


if __name__ == "__main__":
    structure.PICTURE.write_text(rooms_picture.draw(structure.read(TREE)), encoding="utf-8")
    for page in PAGES:
        old = page.read_text(encoding="utf-8")
        new = generated(old)
        if new != old:
            page.write_text(new, encoding="utf-8")
            print(page.relative_to(TREE))
