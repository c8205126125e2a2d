"""`framebench run`."""

from __future__ import annotations

from contextlib import suppress

import typer

from bench.cli.options import takes
from bench.cli.output import say
from bench.cli.run_options import RunOptions
from bench.core.errors import FramebenchError

EXAMPLES = """[bold]Examples[/bold]

  framebench run                                           all frameworks, headline tasks, quick

  framebench run -f pytorch -f mxnet_gluon -t mnist-mlp    two frameworks, one task

  framebench run --preset full -t cifar-cnn --repeats 1    the recipe as written, once

  framebench run -t mnist-mlp --mode all --threads 1       every mode, on one thread

  framebench run --tuning expert --tuning default          what the expert settings gain

  framebench run --device auto                             the CPU, and the GPU if there is one

  framebench run --precision float32 --precision bf16      what mixed precision gains

  framebench run --env current -f pytorch                  with the packages of this Python

  framebench run -t cifar-cnn --until 2% --budget 30m      as many blocks as needed
"""


@takes(RunOptions)
def run(options: RunOptions) -> None:
    """Train and time the cells, and print a table.

    By default the tasks are the preset's; heavy ones run on a GPU, and on the CPU only if they are
    named with -t. Environments and data are prepared on first use. Every result is written to
    results/NAME as soon as it is measured. Exit code 0: every row is ok, and --until was reached;
    1: some row is not ok, or the time ran out first; 2: bad usage.
    """
    from bench.cli.commands.report import print_results
    from bench.cli.display import RunDisplay, SetupDisplay
    from bench.report.run.report_files import PAGE, write_reports
    from bench.report.task.availability import broken_plugins
    from bench.run import campaign
    from bench.run.plan import make_plan
    from bench.run.preparation import prepare

    plan = make_plan(options.to_request())
    with SetupDisplay() as setup_display:
        setup_display.leave_out(broken_plugins())
        preparation = prepare(plan, setup_display)
    typer.echo(f"machine: {preparation.health.with_remedy()}", err=True)
    try:
        with RunDisplay(plan.job_count) as run_display:
            missed = campaign.run(plan, preparation, run_display)
    except BaseException:  # an interrupted run gets tables of what was finished before
        with suppress(FramebenchError):
            write_reports(plan.folder)
            say(f"not finished; the results so far are in {plan.folder}")
        raise
    finished = write_reports(plan.folder)
    print_results(finished, json=options.json)
    say(f"results: {plan.folder}; report with charts: {plan.folder / PAGE}")
    if missed:
        say(f"--until {options.until} was missed: {missed}")
    if missed or not finished.ok:
        raise typer.Exit(1)
