"""The forms of advice: for the terminal, and as Markdown. `advice.collect` has what they say."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text
from tabulate import tabulate

Advice = Mapping[str, Any]
# Headings, rows, and how many columns at the left hold words.
Grid = tuple[Sequence[str], Sequence[Sequence[str]], int]

_OUTCOMES = {"held": "green", "did not hold": "red", "can't be told": "yellow"}
# Columns of a terminal that a framework's figure takes with its score beside it, not below.
_BESIDE = 19
_FIRST = 30


def caption(advice: Advice) -> str:
    """What is asked, and of what run."""
    asked = f"Advice for: {advice['persona']}"
    if advice["overridden"]:
        asked += f" with {', '.join(advice['overridden'])}"
    return f"{asked} — {advice['run']}: {', '.join(advice['tasks'])} on {_devices(advice)}"


def _devices(advice: Advice) -> str:
    return " and ".join(advice["devices"])


def _sentence(text: str) -> str:
    return f"{text[0].upper()}{text[1:]}."


def _score(row: Mapping[str, Any]) -> str:
    if row["low"] is None or row["low"] == row["high"]:
        return f"{row['score']:.2f}"
    return f"{row['score']:.2f} ({row['low']:.2f}–{row['high']:.2f})"


def ranking(advice: Advice) -> Grid:
    """A row a framework, best first."""
    rows = [
        (
            row["rank"],
            row["title"],
            _score(row),
            ", ".join(row["strong"]),
            ", ".join(row["weak"]),
        )
        for row in advice["ranking"]
    ]
    return ("rank", "framework", "score (95 %)", "ahead of most in", "behind most in"), rows, 5


def criteria(advice: Advice, between: str = " ") -> Grid:
    """A row a criterion, with each framework's figure and its score `between` them."""
    names = [row["framework"] for row in advice["ranking"]]

    def cell(found: Mapping[str, Any]) -> str:
        if found["score"] is None:
            return "not known"
        return f"{found['text']}{'' if found['checked'] else '*'}{between}({found['score']:.2f})"

    rows = [
        (
            row["name"],
            f"{row['weight']:.3g}",
            *(cell(row["frameworks"][name]) for name in names),
        )
        for row in advice["criteria"]
        if row["known"]
    ]
    return ("criterion", "weight", *(row["title"] for row in advice["ranking"])), rows, 1


def by_persona(advice: Advice) -> Grid:
    """A row a persona, with each framework's rank."""
    names = [row["framework"] for row in advice["ranking"]]
    rows = [
        (row["name"], *(row["ranks"][name] or "–" for name in names)) for row in advice["personas"]
    ]
    return ("for", *(row["title"] for row in advice["ranking"])), rows, 1


def key(advice: Advice) -> list[str]:
    """How the figures are to be read."""
    days = sorted({one["looked_up"] for one in advice["facts"]} - {None})
    lines = [
        "A score is from 0 to 1; of what is measured it is the ratio to the best: twice as slow is "
        "0.50. `framebench recommend --help` has all criteria and weights.",
    ]
    if days:
        lines.append(
            f"Upkeep, ecosystem, distributed and deployment are facts of {days[-1]}; * was not "
            "read at its source. `--facts` prints each with its source."
        )
    return lines


def _sections(advice: Advice) -> Iterator[tuple[str, list[str]]]:
    yield "Why", [f"For: {advice['why']}.", *advice["reasons"]]
    yield "What would change it", advice["changes"]
    yield "What is not known", advice["notes"]


def fact_lines(advice: Advice) -> Iterator[tuple[str, list[str]]]:
    """Each framework's facts, with their dates and sources."""
    for one in advice["facts"]:
        lines = []
        for name, fact in one["known"].items():
            value = fact["value"]
            text = ", ".join(value) if isinstance(value, list) else str(value)
            text = {"True": "yes", "False": "no"}.get(text, text)
            note = f"; {fact['note']}" if fact["note"] else ""
            star = "" if fact["checked"] else " — not read there"
            lines.append(
                f"{name.replace('_', ' ')}: {text} ({fact['date']}{note}) {fact['source']}{star}"
            )
        yield one["title"], lines or ["nothing is known"]


def to_terminal(advice: Advice, *, width: int, facts: bool) -> Group:
    """For rich to print on so many columns: 80 are enough."""
    parts: list[RenderableType] = [Text(caption(advice), "bold"), Text(advice["headline"], "green")]
    parts.append(_table(ranking(advice), wide=width >= 126))
    beside = width >= _FIRST + _BESIDE * len(advice["ranking"])
    parts.append(_table(criteria(advice, " " if beside else "\n")))
    for heading, lines in _sections(advice):
        if lines:
            parts += [Text(heading, "bold"), *_indented(lines), Text()]
    parts += [Text("For others, by the same figures", "bold"), _table(by_persona(advice))]
    parts.append(Text("Received wisdom, by this run", "bold"))
    for row in advice["wisdom"]:
        parts.append(
            Text.assemble(f"“{row['claim']}”: ", (row["outcome"], _OUTCOMES[row["outcome"]]))
        )
        parts += _indented([_sentence(row["figures"]), f"Tested: {row['tested']}."])
    if facts:
        for heading, lines in fact_lines(advice):
            parts += [Text(), Text(heading, "bold"), *_indented(lines)]
    return Group(*parts, Text(), *(Text(line, "dim") for line in key(advice)))


def _indented(lines: Sequence[str]) -> list[Padding]:
    return [Padding(Text(line), (0, 0, 0, 2), expand=False) for line in lines]


def _table(grid: Grid, *, wide: bool = True) -> Table:
    headings, rows, words = grid
    table = Table(padding=(0, 1, 0, 0), pad_edge=False)
    for place, heading in enumerate(headings):
        table.add_column(
            Text(heading.replace("/", "/\n")), justify="left" if place < words else "right"
        )
    for row in rows:
        table.add_row(*(Text(cell if wide else cell.replace(" (", "\n(")) for cell in row))
    return table


def to_markdown(advice: Advice, *, facts: bool) -> str:
    """The same, fit to paste into an issue."""

    def table(grid: Grid) -> str:
        headings, rows, words = grid
        alignment = ["left" if place < words else "right" for place in range(len(headings))]
        return tabulate(rows, headings, tablefmt="pipe", disable_numparse=True, colalign=alignment)

    parts = [f"# {caption(advice)}", f"**{advice['headline']}**", table(ranking(advice))]
    parts.append(table(criteria(advice)))
    for heading, lines in _sections(advice):
        if lines:
            parts += [f"## {heading}", "\n".join(f"- {line}" for line in lines)]
    parts += ["## For others, by the same figures", table(by_persona(advice))]
    parts.append("## Received wisdom, by this run")
    parts.append(
        "\n".join(
            f"- “{row['claim']}” ([{row['who']}]({row['source']})): **{row['outcome']}**. "
            f"{_sentence(row['figures'])} Tested: {row['tested']}."
            for row in advice["wisdom"]
        )
    )
    if facts:
        for heading, lines in fact_lines(advice):
            parts += [f"## {heading}", "\n".join(f"- {line}" for line in lines)]
    return "\n\n".join([*parts, *key(advice)]) + "\n"
