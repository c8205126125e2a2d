"""The rooms of `bench` as a picture: boxes on their floors, and an arrow for each import."""

from __future__ import annotations

import ast
import textwrap
from xml.sax.saxutils import escape

from tests.structure import Graph, Structure, reachable

WIDTH, MARGIN, GAP = 960, 20, 24
BOX_WIDTH, BOX_HEIGHT, FLOOR_HEIGHT = 290, 78, 128
LETTERS = 42  # that fit a line of a box
STYLE = """
  text { font: 12px system-ui, sans-serif; fill: #37474f; }
  .name { font: bold 15px system-ui, sans-serif; fill: #1a237e; }
  rect.room { fill: #e8eaf6; stroke: #3949ab; }
  polygon { fill: #3949ab; }
  path { fill: none; stroke: #3949ab; stroke-width: 1.5; marker-end: url(#tip); }
  path.implied { stroke: #c5cae9; stroke-width: 1; }
"""


def draw(structure: Structure) -> str:
    """An SVG. Floor 1 is at the bottom, and every arrow leads down.

    An arrow is pale where others lead to the same room by way of a third.
    """
    places = positions(structure)
    height = 2 * MARGIN + FLOOR_HEIGHT * (max(structure.floors.values()) - 1) + BOX_HEIGHT
    arrows = [
        (implied(structure.rooms, a, b), a, b)
        for a, below in structure.rooms.items()
        for b in below
    ]
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" role="img"',
            '     aria-label="The rooms of bench, floor by floor, and which imports which">',
            f"<style>{STYLE}</style>",
            '<defs><marker id="tip" viewBox="0 0 8 8" refX="8" refY="4" markerWidth="7"',
            '  markerHeight="7" orient="auto"><polygon points="0 0 8 4 0 8"/></marker></defs>',
            f'<rect width="{WIDTH}" height="{height}" fill="white"/>',
            *(
                arrow(places[a], places[b], pale=pale)
                for pale, a, b in sorted(arrows, reverse=True)
            ),
            *(box(room, about(structure, room), *places[room]) for room in sorted(places)),
            "</svg>\n",
        ]
    )


def positions(structure: Structure) -> dict[str, tuple[int, int]]:
    """The upper left corner of each room's box."""
    top = max(structure.floors.values())
    places = {}
    for floor in range(1, top + 1):
        names = sorted(room for room, at in structure.floors.items() if at == floor)
        step = (WIDTH - 2 * MARGIN) // len(names)
        for i, name in enumerate(names):
            left = MARGIN + i * step + (step - BOX_WIDTH) // 2
            places[name] = (left, MARGIN + (top - floor) * FLOOR_HEIGHT)
    return places


def about(structure: Structure, room: str) -> str:
    """The first sentence of a room's docstring."""
    return (ast.get_docstring(structure.modules[room]) or "").split("\n\n")[0].replace("`", "")


def implied(rooms: Graph, room: str, other: str) -> bool:
    """Whether `other` is also reached by way of another room."""
    return any(other in reachable(rooms, between) for between in rooms[room] - {other})


def arrow(start: tuple[int, int], end: tuple[int, int], *, pale: bool) -> str:
    x, y = start[0] + BOX_WIDTH // 2, start[1] + BOX_HEIGHT
    to_x, to_y = end[0] + BOX_WIDTH // 2, end[1]
    bend = (to_y - y) // 2
    kind = ' class="implied"' * pale
    return f'<path{kind} d="M{x} {y} C{x} {y + bend} {to_x} {to_y - bend} {to_x} {to_y - 1}"/>'


def box(name: str, text: str, x: int, y: int) -> str:
    lines = textwrap.wrap(text, LETTERS)
    rows = "".join(
        f'<text x="{x + 10}" y="{y + 38 + 15 * i}">{escape(line)}</text>'
        for i, line in enumerate(lines)
    )
    return (
        f'<rect class="room" x="{x}" y="{y}" width="{BOX_WIDTH}" height="{BOX_HEIGHT}" rx="6"/>'
        f'<text class="name" x="{x + 10}" y="{y + 20}">{escape(name)}</text>{rows}'
    )
