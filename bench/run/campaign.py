"""A run itself: one job after another, block after block, until it has enough blocks."""

from __future__ import annotations

import statistics
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import count
from pathlib import Path

from bench.core.framework_name import in_file_name
from bench.core.grouping import grouped
from bench.core.record import Cell, Job, Record
from bench.health import load_checks
from bench.health.load_sample import LoadSampler
from bench.launch import catalogue, worker_process
from bench.launch.providers import provider
from bench.launch.virtual_environments import Environment
from bench.launch.worker_process import JobInTurns, WorkerSpec
from bench.proof.certificate import Claim
from bench.proof.late_proof import LateProof
from bench.proof.late_prover import LateProver
from bench.records.partial_run import PROVED_ELSEWHERE, blocks_words
from bench.records.run_folder import LOGS, PICTURES, RunFolder
from bench.run import run_info, schedule
from bench.run.campaign_listener import CampaignListener
from bench.run.plan import Plan
from bench.run.preparation import Preparation, objection
from bench.run.resumption import EarlierRun
from bench.run.turns import Together
from bench.worker import cores

# Seconds over which the load of others is taken before a job is given up because of it.
LOAD_SECONDS = 1.0


def run(
    plan: Plan,
    preparation: Preparation,
    listener: CampaignListener,
    earlier: EarlierRun | None = None,
) -> str:
    """Run every job in turn, and write each record to the disk before the next job starts.

    A run that goes on has its `earlier` part, whose jobs are not run again. Returns by how much the
    run missed its `until`: "" if it was reached, or not requested.
    """
    info = run_info.describe(plan, preparation) if earlier is None else earlier.info_from_now()
    folder = RunFolder(plan.folder)
    folder.write_info(info)
    started = time.monotonic()
    before = earlier.seconds if earlier else 0.0
    lines = earlier.lines if earlier else 0
    done: dict[tuple[Cell, int], Record] = {
        (record.job.cell, record.job.block): record
        for record in (earlier.settled if earlier else ())
    }
    late = LateProver(provider(plan.request.env, plan.request.results))
    proofs = list(map(LateProof.from_fields, info.get("late_proofs", [])))
    ends = schedule.ends(plan, settled=done, proved={proof.cell for proof in proofs})
    begun = 1 + max((block for _, block in done), default=0)
    for number in count():
        for jobs in schedule.block(plan, preparation.data, number):
            missing = [job for job in jobs if (job.cell, job.block) not in done]
            traced = {job: late.file(job) for job in missing if (job.cell, job.block) in ends}
            usual = _usual_seconds(done.values())
            for record in _records_of(missing, plan, preparation, lines, listener, traced, usual):
                folder.append(record)
                done[record.job.cell, record.job.block] = record
                listener.recorded(record)
            lines += len(missing)
        blocks = number + 1
        if blocks < begun:
            continue  # it was decided already that this block is not the last
        records = [done[key] for key in sorted(done, key=lambda key: key[1])]
        elapsed = before + time.monotonic() - started
        another, why = plan.stopping.more(records, blocks=blocks, elapsed=elapsed)
        if not another:
            break
        if blocks >= plan.stopping.repeats:
            listener.extended(len(plan.cells), why)
    proofs += late.prove(done, listener)
    open_ended = [str(proof) for proof in proofs if proof.status != "ok"]
    listener.proved(_proved(len(proofs), len(open_ended), plan), open_ended)
    info["late_proofs"] = [proof.to_fields() for proof in proofs]
    info["stopped"] = _shard_stopped(plan) if plan.request.shard else why
    info["wall_seconds"] = round(before + time.monotonic() - started, 1)
    folder.write_info(info)
    return plan.stopping.missed(records, blocks=blocks)


def _proved(proofs: int, open_ended: int, plan: Plan) -> str:
    """Of how many cells it was proved at the end that they still train their task, in words."""
    if not proofs and plan.request.shard:
        return PROVED_ELSEWHERE
    return f"{proofs - open_ended} of {proofs} cells still train their task"


def _shard_stopped(plan: Plan) -> str:
    """Why a shard, which has exactly the blocks that are planned for it, has ended."""
    tasks = {cell.task for cell in plan.whole}
    own = len(schedule.own_parts(plan))
    return f"{blocks_words(own, repeats=plan.stopping.repeats, tasks=len(tasks))}, as planned"


def _records_of(
    jobs: Sequence[Job],
    plan: Plan,
    preparation: Preparation,
    lines: int,
    listener: CampaignListener,
    traced: Mapping[Job, Path],
    usual: Mapping[Cell, float],
) -> Iterator[Record]:
    """The records of a task's jobs, which take turns; a job only runs if its cell is proved.

    `lines` are those before them in the run's file; `traced` are the files for the ends of jobs
    that are to be proved, and `usual` the seconds that cells took before.
    """
    started: dict[Cell, JobInTurns[Record]] = {}
    for number, job in enumerate(jobs, start=lines + 1):
        if objection := _objection(job, plan, preparation):
            yield objection
        else:
            spec = _spec(job, plan, preparation, number)
            started[job.cell] = worker_process.run_job(
                job,
                spec,
                pictures=plan.folder / PICTURES,
                listener=listener,
                late=traced.get(job),
            )
    if started:
        first = jobs[0]  # they share a device, threads and a seed
        together = Together(
            first.cell.device,
            seed=first.seed,
            usual=usual,
            others=lambda: load_checks.other_load(
                LoadSampler(LOAD_SECONDS).finish(),
                cores=cores.count().physical,
                threads=first.cell.threads,
            ),
            listener=listener,
        )
        yield from together.run(started)


def _usual_seconds(records: Iterable[Record]) -> dict[Cell, float]:
    """The seconds that each cell took, as far as it was measured: the median of its jobs' own."""
    ok = [record for record in records if record.status == "ok"]
    by_cell = grouped(ok, lambda record: record.job.cell)
    return {
        cell: statistics.median(record.wall_seconds for record in own)
        for cell, own in by_cell.items()
    }


def _objection(job: Job, plan: Plan, preparation: Preparation) -> Record | None:
    """The record of a job that must not run."""
    cell = job.cell
    if reason := plan.refused.get(cell):
        return worker_process.make_record(job, "unsupported", reason)
    if certificate := objection(cell, preparation.certificates):
        precision = certificate.claim.precision
        where = f"in {precision}: " if precision != cell.precision else ""
        return worker_process.make_record(job, certificate.status, where + certificate.reason)
    proved_source = preparation.certificates[Claim.of(cell)].source_digest
    if catalogue.source_digest(catalogue.load(cell.framework)) != proved_source:
        return worker_process.make_record(
            job, "failed", "the source has changed since it was proved"
        )
    return None


def _spec(job: Job, plan: Plan, preparation: Preparation, number: int) -> WorkerSpec:
    """What the worker of a job needs that may run; `number` is for its log's name."""
    cell = job.cell
    environment = preparation.environments[cell.framework, cell.device]
    assert isinstance(environment, Environment)  # without one, the certificate would object
    return WorkerSpec(
        framework=catalogue.load(cell.framework),
        environment=environment,
        setting=cell.setting,
        log=_log_file(job, plan, number),
        timeout=plan.request.timeout,
        time_limit=plan.request.time_limit,
        memory=plan.request.memory_limit,
    )


def _log_file(job: Job, plan: Plan, number: int) -> Path:
    cell = job.cell
    framework = in_file_name(cell.framework)
    name = f"{number:04d}-{framework}-{cell.task}-{cell.mode}-{cell.device}.log"
    return plan.folder / LOGS / name
