"""The forms of advice: for the terminal, and as Markdown. `advice.collect` has what they say."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text
from tabulate import tabulate

from bench.report.common import terminal

# All of it, and what one persona is told.
Collected = Mapping[str, Any]
Advice = Mapping[str, Any]
# Headings, rows, and how many columns at the left hold words.
Grid = tuple[Sequence[str], Sequence[Sequence[str]], int]
_OUTCOMES = {
    "held": "green",
    "did not hold": "red",
    "mixed": "yellow",
    "can't be told": "yellow",
}
STRONG, WEAK = "ahead of most in", "behind most in"
PERSONAS = "For whom which comes first, by the same figures"
WISDOM = "Received wisdom, by this run"


def caption(found: Collected, advice: Advice) -> str:
    """What is asked, and of what run."""
    asked = f"Advice for: {advice['persona']}"
    if found["overridden"]:
        asked += f" with {', '.join(found['overridden'])}"
    return f"{asked} — {found['run']}: {', '.join(found['tasks'])} on {_devices(found)}"


def _devices(found: Collected) -> str:
    return " and ".join(found["devices"])


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
    return ("rank", "framework", "score (95 %)", STRONG, WEAK), rows, 5


def criteria(advice: Advice) -> Grid:
    """A row a criterion, with each framework's figure and its score."""
    names = [row["framework"] for row in advice["ranking"]]

    def cell(found: Mapping[str, Any]) -> str:
        if found["score"] is None:
            return "not known"
        return f"{found['text']}{'' if found['checked'] else '*'} ({found['score']:.2f})"

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


def by_persona(found: Collected) -> Grid:
    """A row a persona, with each framework's rank."""
    ranked = found["advice"][0]["ranking"]
    rows = [
        (row["name"], *(row["ranks"][one["framework"]] or "–" for one in ranked))
        for row in found["personas"]
    ]
    return ("for", *(row["title"] for row in ranked)), rows, 1


def key(found: Collected) -> list[str]:
    """How the figures are to be read."""
    days = sorted({one["looked_up"] for one in found["facts"]} - {None})
    lines = [
        "A score is from 0 to 1; of what is measured it is the ratio to the best: twice as slow is "
        "0.50. `framebench recommend --help` has all criteria and weights.",
    ]
    if days:
        lines.append(
            f"Facts of {days[-1]}: upkeep, ecosystem, distributed and deployment; * was not read "
            "at its source. `--facts` prints each with its source."
        )
    return lines


def _sections(advice: Advice) -> Iterator[tuple[str, list[str]]]:
    yield "Why", [f"For: {advice['why']}.", *advice["reasons"]]
    yield "What would change it", advice["changes"]
    yield "What is not known", advice["notes"]


def fact_lines(found: Collected) -> Iterator[tuple[str, list[str]]]:
    """Each framework's facts, with their dates and sources."""
    for one in found["facts"]:
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


def to_terminal(found: Collected, *, width: int, facts: bool) -> Group:
    """For rich to print on so many columns: 80 are enough."""
    parts: list[RenderableType] = []
    for advice in found["advice"]:
        parts += _advice_to_terminal(found, advice, width)
    parts += [Text(PERSONAS, "bold"), _table(by_persona(found), width), Text()]
    parts.append(Text(WISDOM, "bold"))
    for row in found["wisdom"]:
        parts.append(
            Text.assemble(f"“{row['claim']}”: ", (row["outcome"], _OUTCOMES[row["outcome"]]))
        )
        parts += _indented([_sentence(row["figures"]), f"Tested: {row['tested']}."])
    if facts:
        for heading, lines in fact_lines(found):
            parts += [Text(), Text(heading, "bold"), *_indented(lines)]
    return Group(*parts, Text(), *(Text(line, "dim") for line in key(found)))


def _advice_to_terminal(found: Collected, advice: Advice, width: int) -> Iterator[RenderableType]:
    yield Text(caption(found, advice), "bold")
    yield Text(advice["headline"], "green")
    yield Text()
    yield _table(ranking(advice), width)
    yield Text()
    yield _table(criteria(advice), width)
    yield Text()
    for heading, lines in _sections(advice):
        if lines:
            yield Text(heading, "bold")
            yield from _indented(lines)
            yield Text()


def _indented(lines: Sequence[str]) -> list[Padding]:
    return [Padding(Text(line), (0, 0, 0, 2), expand=False) for line in lines]


def _table(found: Grid, width: int) -> Table:
    headings, rows, words = found
    _, below = terminal.fit(headings, rows, width)
    if below:
        headings = [heading.replace("/", "/\n") for heading in headings]
        rows = [[terminal.stacked(cell) for cell in row] for row in rows]
    return terminal.grid(headings, rows, words=words, folding=(STRONG, WEAK))


def to_markdown(found: Collected, *, facts: bool) -> str:
    """The same, fit to paste into an issue."""

    def table(grid: Grid) -> str:
        headings, rows, words = grid
        alignment = ["left" if place < words else "right" for place in range(len(headings))]
        return tabulate(rows, headings, tablefmt="pipe", disable_numparse=True, colalign=alignment)

    parts: list[str] = []
    for advice in found["advice"]:
        parts += [f"# {caption(found, advice)}", f"**{advice['headline']}**"]
        parts += [table(ranking(advice)), table(criteria(advice))]
        for heading, lines in _sections(advice):
            if lines:
                parts += [f"## {heading}", "\n".join(f"- {line}" for line in lines)]
    parts += [f"# {PERSONAS}", table(by_persona(found)), f"# {WISDOM}"]
    parts.append(
        "\n".join(
            f"- “{row['claim']}” ([{row['who']}]({row['source']})): **{row['outcome']}**. "
            f"{_sentence(row['figures'])} Tested: {row['tested']}."
            for row in found["wisdom"]
        )
    )
    if facts:
        for heading, lines in fact_lines(found):
            parts += [f"# {heading}", "\n".join(f"- {line}" for line in lines)]
    return "\n\n".join([*parts, *key(found)]) + "\n"
