"""What two parts of a run do not have in common though they should, by name."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from bench.core.errors import FramebenchError, UsageError
from bench.core.weights import GivenWeights
from bench.records.run_folder import Run
from bench.run.origin_changes import differing, listed, origin_changes
from bench.run.request import in_words

# What of a request may differ: none of the parts adds spare blocks, and the same weights may have
# another name elsewhere.
_OWN_REQUESTS = {"shard", "name", "spare", "weights"}
# Values that are words of a line; of others, such as a model's source, only the name is given.
_SHORT = (str, int, float, bool)
# What every run says since there are shards.
_NEEDED = {"snapshot", "request", "threads", "framebench"}


def check_together(first: Run, other: Run) -> None:
    """Raises UsageError, which names the differences, for runs that are not parts of one."""
    for run in (first, other):
        if _NEEDED - run.info.keys():
            raise UsageError(f"{run.folder} cannot be merged: it is older than shards")
    if differences := list(_part_differences(first.info, other.info)):
        raise UsageError(f"{other.folder} does not belong to {first.folder}:{listed(differences)}")


def check_origin(info: Mapping[str, Any], other: Mapping[str, Any], *, of: str) -> None:
    """Raises FramebenchError if `of`, which `other` describes, has other source, packages or data.

    `info` is a run's `run.json`, or as much of it as is known.
    """
    if differences := _origin_differences(info, other):
        raise FramebenchError(f"{of} does not belong to the run:{listed(differences)}")


def _origin_differences(info: Mapping[str, Any], other: Mapping[str, Any]) -> list[str]:
    """How source, packages and data differ, as far as both tell of the same ones."""
    alike: dict[str, Any] = {"framebench": other["framebench"]}
    same: dict[str, Any] = {"framebench": info["framebench"]}
    for key in ("source_digests", "environments", "data"):
        shared = info.get(key, {}).keys() & other.get(key, {}).keys()
        alike[key] = {name: other[key][name] for name in shared}
        same[key] = {name: info[key][name] for name in shared}
    return origin_changes(same, alike)


def _part_differences(info: Mapping[str, Any], other: Mapping[str, Any]) -> Iterator[str]:
    """In words; first what was asked for, as people can mend that, and it explains much else."""
    old, new = ({**part["request"], "threads": part["threads"]} for part in (info, other))
    for name in differing(old, new):
        if name not in _OWN_REQUESTS:
            before, after = in_words(old.get(name)), in_words(new.get(name))
            yield f"{name.replace('_', ' ')} {before} → {after}"
    given = [part["request"].get("weights") for part in (info, other)]
    weights = [GivenWeights(**fields) if fields else None for fields in given]
    if weights[0] != weights[1]:
        yield f"weights {weights[0] or 'drawn'} → {weights[1] or 'drawn'}"
    counts = [(part["request"].get("shard") or {}).get("count") for part in (info, other)]
    if all(counts) and counts[0] != counts[1]:
        yield f"{counts[0]} shards → {counts[1]}"
    if (old := info["machine"].get("python")) != (new := other["machine"].get("python")):
        yield f"Python {old or 'not told'} → {new or 'not told'}"
    yield from _origin_differences(info, other)
    yield from _snapshot_differences(
        _without_settings(info["snapshot"]), _without_settings(other["snapshot"])
    )


def _without_settings(snapshot: Mapping[str, Any]) -> dict[str, Any]:
    """A snapshot without what may depend on the machine's processor."""
    frameworks = [{**framework, "settings": None} for framework in snapshot["frameworks"]]
    return {**snapshot, "frameworks": frameworks}


def _snapshot_differences(old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[str]:
    """What tasks and frameworks were, where that differs, and then the rest of the snapshots."""
    for kind, one in (("tasks", "task"), ("frameworks", "framework")):
        before, after = ({part["name"]: part for part in side[kind]} for side in (old, new))
        for name in differing(before, after):
            if name in before and name in after:
                yield f"{one} {name}: {_field_changes(before[name], after[name])}"
            else:
                yield f"{one} {name}: only in one of them"
        if list(before) != list(after) and before.keys() == after.keys():
            yield f"the order of {kind}"
    for name in differing(old, new):
        if name not in ("tasks", "frameworks"):
            yield f"{name.replace('_', ' ')} of the snapshot"


def _field_changes(old: Mapping[str, Any], new: Mapping[str, Any]) -> str:
    return ", ".join(
        f"{name.replace('_', ' ')} {old[name]} → {new[name]}"
        if isinstance(old.get(name), _SHORT) and isinstance(new.get(name), _SHORT)
        else name.replace("_", " ")
        for name in differing(old, new)
    )
