"""What differs between two descriptions of a run that must agree: source, packages, data."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from bench.system.plain_text import one_line

# More changed packages, and more differences, are counted, not named.
_NAMED, _LISTED = 3, 5
# Characters of a line.
_WIDTH = 160


def listed(differences: Sequence[str]) -> str:
    """The first differences in a line each, and how many more there are."""
    lines = [one_line(words, limit=_WIDTH) for words in differences[:_LISTED]]
    if len(differences) > _LISTED:
        lines.append(f"and {len(differences) - _LISTED} more")
    return "".join(f"\n  {line}" for line in lines)


def origin_changes(info: Mapping[str, Any], other: Mapping[str, Any]) -> list[str]:
    """What `other` has otherwise than `info`, a `run.json`, in words: "torch 2.12.0 → 2.13.0".

    Only what `other` tells is compared.
    """
    return [
        change
        for name, changes in (
            ("framebench", lambda old, new: [f"framebench {old} → {new}"]),
            ("source_digests", _sources),
            ("environments", _packages),
            ("data", _data),
        )
        if name in other and info.get(name) != other[name]
        for change in changes(info.get(name, {}), other[name])
    ]


def differing(old: Mapping[str, Any], new: Mapping[str, Any]) -> list[str]:
    """The names whose values differ, or that only one side has."""
    return sorted(name for name in old.keys() | new.keys() if old.get(name) != new.get(name))


def _sources(old: Mapping[str, str], new: Mapping[str, str]) -> Iterator[str]:
    for name in differing(old, new):
        yield f"the source of {name} has changed"


def _packages(old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[str]:
    for name in differing(old, new):
        before, after = old.get(name), new.get(name)
        if before is None or after is None:
            yield f"the environment of {name} is {'gone' if after is None else 'new'}"
            continue
        changed = differing(before, after)
        words = [
            f"{package} {before.get(package, 'none')} → {after.get(package, 'none')}"
            for package in changed[:_NAMED]
        ]
        words += [f"{len(changed) - _NAMED} more"] if len(changed) > _NAMED else []
        yield f"packages of {name}: {', '.join(words)}"


def _data(old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[str]:
    if not old:
        yield "it does not say which data it used"
        return
    for name in differing(old, new):
        kinds = [side.get(name, {}).get("source", "none") for side in (old, new)]
        words = f" ({kinds[0]} → {kinds[1]})" if kinds[0] != kinds[1] else ""
        yield f"the data {name} have changed{words}"
