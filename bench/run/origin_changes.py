"""What differs between two descriptions of a run that must agree: source, packages, data."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

# More changed packages are counted, not named.
_NAMED = 3


def origin_changes(info: Mapping[str, Any], other: Mapping[str, Any]) -> list[str]:
    """What `other` has otherwise than `info`, a `run.json`, in words: "torch 2.12.0 → 2.13.0".

    Only what `other` tells is compared.
    """
    return [
        words(info.get(name, {}), other[name])
        for name, words in (
            ("framebench", lambda old, new: f"framebench {old} → {new}"),
            ("source_digests", _sources),
            ("environments", _packages),
            ("data", _data),
        )
        if name in other and info.get(name) != other[name]
    ]


def _differing(old: Mapping[str, Any], new: Mapping[str, Any]) -> list[str]:
    return sorted(name for name in old.keys() | new.keys() if old.get(name) != new.get(name))


def _sources(old: Mapping[str, str], new: Mapping[str, str]) -> str:
    return f"the source of {', '.join(_differing(old, new))} has changed"


def _packages(old: Mapping[str, Any], new: Mapping[str, Any]) -> str:
    parts = []
    for name in _differing(old, new):
        before, after = old.get(name), new.get(name)
        if before is None or after is None:
            parts.append(f"the environment of {name} is {'gone' if after is None else 'new'}")
            continue
        changed = _differing(before, after)
        words = [
            f"{package} {before.get(package, 'none')} → {after.get(package, 'none')}"
            for package in changed[:_NAMED]
        ]
        words += [f"{len(changed) - _NAMED} more"] if len(changed) > _NAMED else []
        parts.append(f"packages of {name}: {', '.join(words)}")
    return "; ".join(parts)


def _data(old: Mapping[str, Any], new: Mapping[str, Any]) -> str:
    if not old:
        return "it does not say which data it used"
    parts = []
    for name in _differing(old, new):
        kinds = [side.get(name, {}).get("source", "none") for side in (old, new)]
        words = f" ({kinds[0]} → {kinds[1]})" if kinds[0] != kinds[1] else ""
        parts.append(f"the data {name} have changed{words}")
    return "; ".join(parts)
