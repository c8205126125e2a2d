"""The cores that a process may use, on machines and in containers of several kinds.

Each is a made-up tree of /proc and /sys, with the files that Linux shows there.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from bench.launch import machine
from bench.worker import cores
from bench.worker.control_groups import memory_limit

V2 = "31 23 0:28 / /sys/fs/cgroup rw,relatime - cgroup2 cgroup rw\n"
V1 = (
    "31 23 0:28 / /sys/fs/cgroup rw - tmpfs tmpfs rw\n"
    "32 31 0:29 {top} /sys/fs/cgroup/cpu,cpuacct rw - cgroup cgroup rw,cpu,cpuacct\n"
    "33 31 0:30 {top} /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory\n"
)
GROUP = "proc/self/cgroup"
MOUNTS = "proc/self/mountinfo"
CPU_V1 = "sys/fs/cgroup/cpu,cpuacct"


def siblings(*pairs: str) -> dict[str, str]:
    """A file for each logical core: the list of those on the same physical core."""
    return {
        f"sys/devices/system/cpu/cpu{core}/topology/thread_siblings_list": f"{pair}\n"
        for core, pair in enumerate(pairs)
    }


FOUR = siblings("0", "1", "2", "3")
# Two physical cores in each of two sockets, with two hyperthreads each.
HYPER = siblings("0,4", "1,5", "2,6", "3,7", "0,4", "1,5", "2,6", "3,7")

# Files, affinity, and then logical cores, physical cores, quota and usable cores.
MACHINES: Mapping[str, tuple[dict[str, str], set[int], tuple[int, int, float | None, int]]] = {
    "bare metal": ({**FOUR, GROUP: "0::/\n", MOUNTS: V2}, {0, 1, 2, 3}, (4, 4, None, 4)),
    "hyperthreads in two sockets": (HYPER, set(range(8)), (8, 4, None, 4)),
    "one sibling of each": (HYPER, {0, 1}, (2, 2, None, 2)),
    "both siblings of one": (HYPER, {1, 5}, (2, 1, None, 1)),
    "no topology, but a processor's list": (
        {
            "proc/cpuinfo": "\n\n".join(
                f"processor\t: {core}\nphysical id\t: {core % 2}\ncore id\t: 0" for core in range(4)
            )
        },
        {0, 1, 2, 3},
        (4, 2, None, 2),
    ),
    "nothing is told": ({}, {0, 1, 2}, (3, 3, None, 3)),
    "version 2, in a container": (
        {**FOUR, GROUP: "0::/\n", MOUNTS: V2, "sys/fs/cgroup/cpu.max": "200000 100000\n"},
        {0, 1, 2, 3},
        (4, 4, 2.0, 2),
    ),
    "version 2, no table of mounts": (
        {**FOUR, "sys/fs/cgroup/cpu.max": "300000 100000\n"},
        {0, 1, 2, 3},
        (4, 4, 3.0, 3),
    ),
    "version 2, the limit is that of a group above": (
        {
            **FOUR,
            GROUP: "0::/user.slice/user-1.slice/run.scope\n",
            MOUNTS: V2,
            "sys/fs/cgroup/user.slice/cpu.max": "250000 100000\n",
            "sys/fs/cgroup/user.slice/user-1.slice/cpu.max": "max 100000\n",
            "sys/fs/cgroup/user.slice/user-1.slice/run.scope/cpu.max": "400000 100000\n",
        },
        {0, 1, 2, 3},
        (4, 4, 2.5, 2),
    ),
    "version 2, mounted from a group's own folder": (
        {
            **FOUR,
            GROUP: "0::/docker/abc/inner\n",
            MOUNTS: V2.replace(" / ", " /docker/abc ", 1),
            "sys/fs/cgroup/inner/cpu.max": "100000 100000\n",
        },
        {0, 1, 2, 3},
        (4, 4, 1.0, 1),
    ),
    "version 2, outside of what is mounted": (
        {
            **FOUR,
            GROUP: "0::/../../elsewhere\n",
            MOUNTS: V2,
            "sys/fs/cgroup/cpu.max": "300000 100000\n",
        },
        {0, 1, 2, 3},
        (4, 4, 3.0, 3),
    ),
    "half a core": (
        {**FOUR, GROUP: "0::/\n", MOUNTS: V2, "sys/fs/cgroup/cpu.max": "50000 100000\n"},
        {0, 1, 2, 3},
        (4, 4, 0.5, 1),
    ),
    "no limit": (
        {**FOUR, GROUP: "0::/\n", MOUNTS: V2, "sys/fs/cgroup/cpu.max": "max 100000\n"},
        {0, 1, 2, 3},
        (4, 4, None, 4),
    ),
    "a limit that is not one": (
        {**FOUR, GROUP: "0::/\n", MOUNTS: V2, "sys/fs/cgroup/cpu.max": "\n"},
        {0, 1, 2, 3},
        (4, 4, None, 4),
    ),
    "a period of zero": (
        {**FOUR, GROUP: "0::/\n", MOUNTS: V2, "sys/fs/cgroup/cpu.max": "100000 0\n"},
        {0, 1, 2, 3},
        (4, 4, None, 4),
    ),
    "version 1, in a container": (
        {
            **FOUR,
            GROUP: "3:memory:/docker/abc\n1:cpu,cpuacct:/docker/abc\n",
            MOUNTS: V1.format(top="/docker/abc"),
            f"{CPU_V1}/cpu.cfs_quota_us": "150000\n",
            f"{CPU_V1}/cpu.cfs_period_us": "50000\n",
        },
        {0, 1, 2, 3},
        (4, 4, 3.0, 3),
    ),
    "version 1, a nested group without a limit": (
        {
            **FOUR,
            GROUP: "1:cpu,cpuacct:/jobs/7\n0::/\n",
            MOUNTS: V1.format(top="/"),
            f"{CPU_V1}/jobs/7/cpu.cfs_quota_us": "-1\n",
            f"{CPU_V1}/jobs/7/cpu.cfs_period_us": "100000\n",
            f"{CPU_V1}/jobs/cpu.cfs_quota_us": "200000\n",
            f"{CPU_V1}/jobs/cpu.cfs_period_us": "100000\n",
        },
        {0, 1, 2, 3},
        (4, 4, 2.0, 2),
    ),
    "version 1, with the host's names in a container": (
        {
            **FOUR,
            GROUP: "1:cpu,cpuacct:/docker/abc\n",
            MOUNTS: V1.format(top="/"),
            f"{CPU_V1}/cpu.cfs_quota_us": "100000\n",
            f"{CPU_V1}/cpu.cfs_period_us": "100000\n",
        },
        {0, 1, 2, 3},
        (4, 4, 1.0, 1),
    ),
    "a mount whose name has a space": (
        {
            **FOUR,
            GROUP: "0::/\n",
            MOUNTS: V2.replace("/sys/fs/cgroup", r"/sys/fs/control\040groups"),
            "sys/fs/control groups/cpu.max": "100000 100000\n",
        },
        {0, 1, 2, 3},
        (4, 4, 1.0, 1),
    ),
}


def plant(root: Path, files: Mapping[str, str]) -> None:
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text, encoding="utf-8")


@pytest.mark.parametrize("kind", MACHINES)
def test_the_cores_that_may_be_used_are_counted(kind: str, tmp_path: Path) -> None:
    files, allowed, expected = MACHINES[kind]
    plant(tmp_path, files)
    found = cores.count(tmp_path, allowed)
    assert (found.logical, found.physical, found.quota, found.usable) == expected


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        ({GROUP: "0::/a/b\n", MOUNTS: V2, "sys/fs/cgroup/a/memory.max": "1000\n"}, 1000),
        ({GROUP: "0::/a\n", MOUNTS: V2, "sys/fs/cgroup/a/memory.max": "max\n"}, None),
        (
            {
                GROUP: "3:memory:/a\n",
                MOUNTS: V1.format(top="/"),
                "sys/fs/cgroup/memory/memory.limit_in_bytes": "9223372036854771712\n",
                "sys/fs/cgroup/memory/a/memory.limit_in_bytes": "2000\n",
            },
            2000,
        ),
        ({}, None),
    ],
)
def test_the_memory_that_may_be_used_is_found(
    files: Mapping[str, str], expected: int | None, tmp_path: Path
) -> None:
    plant(tmp_path, files)
    assert memory_limit(tmp_path) == expected


def test_runner_and_worker_count_the_same_cores_here() -> None:
    found = cores.count()
    assert 1 <= found.usable <= found.physical <= found.logical
    assert machine.usable_cores() == found.usable
