"""Lines about a run as a whole: machine, proof, caveats, and how it was made."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bench.analysis.results import Results
from bench.core.framework_name import framework_of
from bench.core.grouping import grouped
from bench.core.telemetry import NAMELESS_GPU, NOT_TOLD
from bench.report.common.text import bytes_text, seconds_text
from bench.report.common.ties import listed
from bench.report.proof.late_forms import late_verdict
from bench.report.proof.proof_forms import verdict
from bench.report.run.peak_text import peak_lines


def footer(results: Results) -> list[str]:
    """The lines below a run's tables, each of which begins with its name and a colon."""
    info = results.run.info
    lines = [f"machine: {machine_text(results)}", *peak_lines(results)]
    if versions := _versions(results):
        lines.append(f"versions: {versions}")
    if weights := _weights(results):
        lines.append(f"weights: {weights}")
    lines.append(f"identity: {identity(results)}")
    lines.append(f"after the timing: {late_verdict(results)}")
    lines += [f"caveat ({', '.join(caveat.figures)}): {caveat.text}" for caveat in results.caveats]
    if missing := absent(results):
        lines.append(f"not in this run: {', '.join(missing)}")
    if told := _turns(results):
        lines.append(f"turns: {told}")
    lines.append(f"contention: {results.cleanness}")
    if "stopped" in info:
        lines.append(f"stopped: {info['stopped']}")
    lines.append(f"command: {info.get('command') or 'unknown'}")
    if merged := info.get("merged"):
        lines.append(f"merged from: {', '.join(part['name'] for part in merged)}")
    if resumed := info.get("resumed"):
        when = (f"{past['started'][:16].replace('T', ' ')}" for past in resumed)
        lines.append(f"went on: {', '.join(when)}")
    lines.append(unfinished(results) or f"took: {_took(info)}")
    return lines


def _took(info: Mapping[str, Any]) -> str:
    """The time of a finished run, and what it counts."""
    seconds = seconds_text(info["wall_seconds"])
    if info.get("request", {}).get("engine") == "ray":
        return f"{seconds} on all nodes side by side, with what they prepared"
    without = "without preparation (environments, data, and the proofs before the timing)"
    if "merged" not in info:
        return f"{seconds}, {without}"
    longest = max(part.get("wall_seconds", 0.0) for part in info["merged"])
    return f"{seconds} in all, of which the longest part took {seconds_text(longest)}; {without}"


def _turns(results: Results) -> str:
    """Whether the processes of a block took turns; "" for runs in which none did."""
    measured = [process.record for process in results.processes if process.record.measurement]
    told = [record for record in measured if record.companions is not None]
    blocks = grouped(
        told, lambda record: (record.job.cell.task, record.job.cell.device, record.job.block)
    )
    several = [block for block in blocks.values() if len(block) > 1]
    apart = [
        block for block in several if any((record.companions or 1) < len(block) for record in block)
    ]
    if not several:
        return ""
    if not apart:
        return "in each block, the processes of a task took turns, a fraction of a second each"
    return (
        f"in {len(apart)} of {len(several)} blocks, the processes of a task were not all there at "
        "once, for want of memory or as the run was resumed: their ratios are less sure"
    )


def unfinished(results: Results) -> str:
    """That a run was not finished; "" if it was."""
    if results.run.finished:
        return ""
    if "merged" in results.run.info:
        return f"this run is not whole yet: it has {len(results.processes)} processes so far"
    return f"this run was not finished: it has {len(results.processes)} processes so far"


def machine_text(results: Results) -> str:
    """Processor, cores, memory and GPUs of the machine of a run; of each kind if it had several."""
    kinds = results.run.node_kinds
    if sum(len(kind.nodes) for kind in kinds) == 1:
        return facts_text(kinds[0].machine)
    return "; ".join(f"{len(kind.nodes)} × {facts_text(kind.machine)}" for kind in kinds)


def facts_text(machine: Mapping[str, Any]) -> str:
    """Processor, cores, memory and GPUs by a machine's facts in `run.json`."""
    cores, memory = machine["cores_usable"], machine["memory_bytes"]
    words = [
        machine["cpu"] or f"processor {NOT_TOLD}",
        f"{cores} core{'s' * (cores != 1)}",
        f"{bytes_text(memory) if memory else NOT_TOLD} memory",
        *(gpu["name"] or NAMELESS_GPU for gpu in machine.get("gpus", [])),
    ]
    return ", ".join(words)


def identity(results: Results) -> str:
    """Whether the cells are proved to train the same tasks, in words."""
    if results.certificates:
        return (
            f"{verdict(results.certificates)}, against a float64 reference (each framework, task "
            "and mode, in float64 and in the precision that is timed)"
        )
    return "NOT PROVED: no certificate was kept with this run, so take its figures with care"


def absent(results: Results) -> list[str]:
    """The titles of the frameworks that were compared at the time, but are not in the run.

    Those of which a variant is in the run are not missing.
    """
    snapshot = results.snapshot
    there = {framework_of(name) for name in results.frameworks}
    missing = [name for name in snapshot.compared if framework_of(name) not in there]
    return [snapshot.framework_title(name) for name in missing]


def _weights(results: Results) -> str:
    """The files that gave what tasks do not train, where there are any, and for which tasks."""
    jobs = [process.record.job for process in results.processes]
    given = grouped([job for job in jobs if job.weights], lambda job: str(job.weights))
    return "; ".join(
        f"{file}, for what {listed(sorted({job.cell.task for job in own}))} does not train; the "
        "proofs before the timing had drawn ones"
        for file, own in given.items()
    )


def _versions(results: Results) -> str:
    """The versions of every package; several, where variants of a framework have them."""
    every = [process.record for process in results.processes]
    kinds = (
        (record.job.cell.framework, tuple(record.versions.items())) for record in reversed(every)
    )
    by_family: dict[str, dict[str, set[str]]] = {}
    for framework, versions in reversed(dict.fromkeys(kinds)):  # by their last records
        family = framework_of(framework)
        for name, version in versions:
            families = by_family.setdefault(name, {})
            families[family] = families.pop(family, set()) | {version}
    # Frameworks may call the same version otherwise, such as that of CUDA: then the last counts.
    told = {name: max(reversed(own.values()), key=len) for name, own in by_family.items()}
    return ", ".join(
        f"{name} {listed(sorted(told[name]))}" for name in sorted(told.keys() - {"numpy"})
    )
