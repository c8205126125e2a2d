"""Which settings of the file give way to the command line, where both cannot hold.

The command line wins over the file, also where it gives another option than the file: `--json` wins
over `format: markdown`, and `--shard 1/3` over `until: 5%`. What the file says of an option that
is not in use, such as of a gate, waits until it is.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Any

import typer

from bench.cli.options import Origins

Values = Mapping[str, Any]


@dataclass(frozen=True, kw_only=True)
class Conflict:
    """Parameters that cannot hold together `when` they have such values."""

    pair: tuple[str, str]
    when: Callable[[Values], object]

    def giving_way(self, values: Values, given: Collection[str]) -> set[str]:
        """The parameter that the command line has not given, where it has given the other."""
        there = set(self.pair) & set(given)
        return set(self.pair) - there if there and self.when(values) else set()


def _both(one: str, other: str) -> Conflict:
    return Conflict(pair=(one, other), when=lambda values: values[one] and values[other])


def _on_cluster(other: str) -> Conflict:
    return Conflict(
        pair=("engine", other), when=lambda values: values["engine"] == "ray" and values[other]
    )


_FORMS = (_both("json", "format"),)
# By command, what its function or what it calls would refuse.
_CONFLICTS: Mapping[str, Collection[Conflict]] = {
    "run": (
        _both("shard", "until"),
        _both("shard", "spare"),
        _on_cluster("shard"),
        _on_cluster("until"),
        _on_cluster("spare"),
        _on_cluster("wait_for_quiet"),
        Conflict(
            pair=("engine", "env"),
            when=lambda values: values["engine"] == "ray" and values["env"].startswith("like:"),
        ),
        Conflict(
            pair=("repeats", "until"),
            when=lambda values: values["repeats"] == 1 and values["until"],
        ),
    ),
    "report": _FORMS,
    "compare": _FORMS,
    "recommend": _FORMS,
    "history": _FORMS,
    "verify": _FORMS,
    "show": (*_FORMS, _both("diff", "framework")),
    "publish": (_both("index", "name"), _both("index", "about"), _both("index", "run")),
    "new": (_both("in_tree", "into"),),
}
# By command and option, whether what it is about is in use.
_IN_USE: Mapping[str, Mapping[str, Callable[[Values], object]]] = {
    "run": {
        "budget": lambda values: values["until"],
        "address": lambda values: values["engine"] == "ray",
    },
    "compare": {
        "allow": lambda values: values["fail_on"],
        "strict": lambda values: values["fail_on"],
    },
}


class Command(typer.core.TyperCommand):
    """A command whose settings from the file give way to the command line."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Parse the arguments, with fewer settings where some give way."""
        rest = super().parse_args(ctx, [*args])
        # One that gives way may leave another without use.
        while names := _giving_way(ctx):
            ctx.default_map = {
                name: value for name, value in ctx.default_map.items() if name not in names
            }
            rest = super().parse_args(ctx, [*args])
        return rest


def _giving_way(context: typer.Context) -> set[str]:
    """The parameters whose values from the file give way."""
    settings = set(context.default_map or ())
    if not settings:
        return settings
    values, given = context.params, Origins(context=context).given
    command = context.command.name or ""
    names = {
        name
        for conflict in _CONFLICTS.get(command, ())
        for name in conflict.giving_way(values, given)
    }
    in_use = _IN_USE.get(command, {})
    names |= {name for name in in_use if values[name] and not in_use[name](values)}
    return (names & settings) - given
