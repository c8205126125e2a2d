"""How `framebench run` measures what is planned: on this machine, or on the nodes of a cluster."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bench.cli.output import say
from bench.cli.run_options import RunOptions
from bench.core.errors import UsageError

if TYPE_CHECKING:
    from bench.run.plan import Plan
    from bench.run.resumption import EarlierRun
    from bench.run.time_left import TimeLeft


def measured(plan: Plan, earlier: EarlierRun | None, options: RunOptions) -> str:
    """Measure what is missing. Returns by how much the run missed its `until`; "" if not at all.

    Raises UsageError for options of the other engine.
    """
    if plan.request.engine == "ray":
        if options.wait_for_quiet:
            raise UsageError("--wait-for-quiet waits on this machine, and --engine ray on none")
        _on_cluster(plan, earlier, options.address)
        return ""
    if options.address:
        raise UsageError("--address has no effect without --engine ray")
    return _here(plan, earlier, options)


def _here(plan: Plan, earlier: EarlierRun | None, options: RunOptions) -> str:
    from bench.cli.display import RunDisplay, SetupDisplay
    from bench.report.task.availability import broken_plugins
    from bench.run import campaign
    from bench.run.preparation import prepare

    with SetupDisplay() as setup_display:
        setup_display.leave_out(broken_plugins())
        preparation = prepare(
            plan,
            setup_display,
            rates=earlier.rates if earlier else None,
            quiet_within=options.quiet_within,
        )
    say(f"machine: {preparation.health.with_remedy()}")
    if earlier:
        earlier.check_prepared(preparation)
    with RunDisplay(_time_left(plan, earlier)) as run_display:
        return campaign.run(plan, preparation, run_display, earlier)


def _on_cluster(plan: Plan, earlier: EarlierRun | None, address: str | None) -> None:
    from bench.cli.cluster_display import ClusterDisplay
    from bench.cluster import ray_engine

    with ClusterDisplay(_time_left(plan, earlier)) as display:
        ray_engine.run(plan, display, earlier, address=address)


def _time_left(plan: Plan, earlier: EarlierRun | None) -> TimeLeft:
    from bench.run import schedule
    from bench.run.time_left import TimeLeft

    settled = earlier.settled if earlier else ()
    return TimeLeft(
        cells=plan.cells,
        blocks=plan.stopping.repeats,
        done={(record.job.cell, record.job.block) for record in settled},
        elsewhere=schedule.elsewhere(plan),
    )
