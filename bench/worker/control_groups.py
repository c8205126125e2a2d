"""The control groups that bind this process: what a container, or a service, may use.

Linux has two versions, which may be mounted side by side. A process is in one group of each
hierarchy, and every group above it binds it too:
https://docs.kernel.org/admin-guide/cgroup-v2.html, https://docs.kernel.org/admin-guide/cgroup-v1/
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

from bench.core.telemetry import number_of, text_of, told

ROOT = Path("/")
# Version 1 says "no limit" by the largest number of whole pages, which no machine has as memory.
_NO_LIMIT = 1 << 60
# Where the hierarchies are if the table of mounts cannot be read: version, point.
_USUAL = (("cgroup2", ""), ("cgroup2", "unified"), ("cgroup", "{}"), ("cgroup", "cpu,cpuacct"))


def cpu_quota(root: Path = ROOT) -> float | None:
    """Cores' worth of time that this process's groups allow it; None where there is no limit.

    `root` holds `proc` and `sys`, as for the other functions.
    """
    quotas = [quota for folder in folders("cpu", root) if (quota := _quota(folder)) is not None]
    return min(quotas, default=None)


def memory_limit(root: Path = ROOT) -> int | None:
    """Bytes of memory that this process's groups allow it; None where there is no limit."""
    limits = (
        number_of(folder / name)
        for folder in folders("memory", root)
        for name in ("memory.max", "memory.limit_in_bytes")
    )
    return min((limit for limit in limits if limit and 0 < limit < _NO_LIMIT), default=None)


def _quota(folder: Path) -> float | None:
    """The cores' worth of time that a group may use itself, in either version."""

    def read() -> float:
        file = folder / "cpu.max"
        if file.exists():
            quota, period = file.read_text(encoding="ascii").split()
        else:
            quota = (folder / "cpu.cfs_quota_us").read_text(encoding="ascii")
            period = (folder / "cpu.cfs_period_us").read_text(encoding="ascii")
        return int(quota) / int(period)

    share = told(read)  # "max" is no number, and -1 is version 1's word for it
    return share if share is not None and share > 0 else None


def folders(controller: str, root: Path = ROOT) -> Iterator[Path]:
    """The folders of the groups that bind this process, its own first, those above it after it.

    `controller` is what the groups limit, such as `cpu`. Some of the folders may not exist.
    """
    groups = _groups(controller, root)
    for version, top, point in _mounts(controller, root):
        place = root / point.lstrip("/")
        inside = _inside(groups.get(version, "/"), top)
        yield from (place / part for part in (inside, *inside.parents))


def _inside(group: str, top: str) -> PurePosixPath:
    """A group's path below the group that is mounted; that one itself if it is not below it."""
    path = PurePosixPath(group)
    if ".." in path.parts or not path.is_relative_to(top):
        return PurePosixPath()
    return path.relative_to(top)


def _groups(controller: str, root: Path) -> dict[str, str]:
    """The group of this process for a controller, in each version of control groups."""
    groups = {}
    for line in (text_of(root / "proc/self/cgroup") or "").splitlines():
        number, _, rest = line.partition(":")
        controllers, _, path = rest.partition(":")
        if number == "0" and not controllers:
            groups["cgroup2"] = path
        elif controller in controllers.split(","):
            groups["cgroup"] = path
    return groups


def _mounts(controller: str, root: Path) -> list[tuple[str, str, str]]:
    """Version, mounted group and place of every mounted hierarchy that may have the controller."""
    table = text_of(root / "proc/self/mountinfo")
    if table is None:
        return [
            (version, "/", f"/sys/fs/cgroup/{point.format(controller)}")
            for version, point in _USUAL
        ]
    mounts = []
    for line in table.splitlines():
        mount, _, kind = line.partition(" - ")
        fields, types = mount.split(" "), kind.split(" ")
        if len(fields) < 5 or len(types) < 3:
            continue
        if types[0] == "cgroup2" or (types[0] == "cgroup" and controller in types[2].split(",")):
            mounts.append((types[0], _unescaped(fields[3]), _unescaped(fields[4])))
    return mounts


def _unescaped(path: str) -> str:
    r"""A path of the table of mounts, in which white space is written as \040 and the like."""
    return re.sub(r"\\([0-7]{3})", lambda match: chr(int(match[1], 8)), path)
