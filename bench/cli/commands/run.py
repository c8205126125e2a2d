"""`framebench run`."""

from __future__ import annotations

import gc

import typer

from bench.cli.options import Origins, takes
from bench.cli.output import document, say
from bench.cli.run_options import RunOptions

EXAMPLES = """[bold]Examples[/bold]

  framebench run                                         headline tasks, quick

  framebench run -f pytorch -f mxnet_gluon -t mnist-mlp  two frameworks, a task

  framebench run -f pytorch==2.12.1 -f pytorch==2.13.0   what an upgrade brings

  framebench run -f keras -f tensorflow_keras            Keras on its backends

  framebench run --preset full -t cifar-cnn --repeats 1  the whole recipe, once

  framebench run -t mnist-mlp --mode all --threads 1     all modes, one thread

  framebench run --tuning expert --tuning default        expert against default

  framebench run --device auto                           the CPU, and any GPU

  framebench run --precision float32 --precision bf16    what bf16 gains

  framebench run --env current -f pytorch                this Python's packages

  framebench run -t cifar-cnn --until 2% --budget 30m    until sure to 2 %

  framebench run -t style-transfer --weights vgg19.npz   weights of your own

  framebench run --show-config                           framebench.yaml's part

  framebench run -t mnist-mlp -n 6 --shard 1/3           a third, to be merged

  framebench run --engine ray --address head             on a Ray cluster

  framebench run --resume                                go on with a run

  framebench run --add-blocks 3 results/mine             three more repeats
"""


@takes(RunOptions)
def run(options: RunOptions, origins: Origins) -> None:
    r"""Train and time the cells, and print a table.

    By default the tasks are the preset's; heavy ones run on a GPU, and on the CPU only if they are
    named with -t. Environments and data are prepared on first use. Every result is written to
    results/NAME as soon as it is measured. A run that was interrupted goes on with --resume, by its
    own options; what crashed, timed out or failed is measured again. Exit code 0: every row is ok,
    and --until was reached; 1: some row is not ok, or the time ran out first; 2: bad usage.

    A framework may be a variant: another version, such as pytorch==2.12.1 (of another of its
    packages: jax_flax\[flax==0.12.7]), or a backend, such as keras\[jax].
    """
    from bench.cli.commands.report import print_results
    from bench.cli.run_beginning import begun, told_how_to_go_on
    from bench.cli.run_measuring import measured
    from bench.report.run.report_files import PAGE, write_reports

    if options.show_config:
        document(origins.shown)
        return
    _ = options.quiet_within  # a malformed one is refused before anything is done
    gc.enable()  # which the entry of all commands has turned off
    with begun(options, origins) as (plan, earlier), told_how_to_go_on(plan.folder):
        missed = measured(plan, earlier, options)
        finished = write_reports(plan.folder)
    print_results(finished, json=options.json)
    say(f"results: {plan.folder}; report with charts: {plan.folder / PAGE}")
    if missed:
        say(f"--until {100 * (plan.stopping.until or 0):g}% was missed: {missed}")
    if missed or not finished.ok:
        raise typer.Exit(1)
