"""`framebench verify`."""

from __future__ import annotations

from typing import Annotated

import typer

from bench.cli.options import (
    DataOption,
    DevicesOption,
    EnvOption,
    FrameworksOption,
    JsonOption,
    ModesOption,
    PrecisionsOption,
    TasksOption,
    TuningOption,
    among,
    form,
)
from bench.cli.output import document

FORMATS = ("table", "markdown", "json", "html")


def verify(
    framework: FrameworksOption = [],
    task: TasksOption = [],
    mode: ModesOption = ["all"],
    device: DevicesOption = ["cpu"],
    tuning: TuningOption = ["expert"],
    precision: PrecisionsOption = ["float64", "float32"],
    data: DataOption = "auto",
    env: EnvOption = "own",
    threads: Annotated[int, typer.Option(help="Threads of each framework.")] = 1,
    fresh: Annotated[
        bool,
        typer.Option(
            "--fresh",
            help="Prove again what the cache already proves, with a random seed, which is printed.",
        ),
    ] = False,
    seed: Annotated[
        int | None,
        typer.Option(
            help="Seed of the proof's weights, batches and number of steps. Default: 0; a random "
            "one with --fresh.",
        ),
    ] = None,
    format: Annotated[
        str | None,
        typer.Option(
            "--format",
            help="table (default), markdown, json, or html: a page with the loss curves.",
            autocompletion=among(lambda: FORMATS),
        ),
    ] = None,
    json: JsonOption = False,
) -> None:
    r"""Prove that every framework trains the same task, and print the certificate.

    Weights, outputs, loss, gradients, one update and the first steps are compared with a float64
    reference. Certificates are kept until the source, the packages or the machine change.
    Exit code 0: every cell is proved; 1: some cell is not; 2: bad usage.

    A framework may be a variant: another version, such as pytorch==2.12.1 (of another of its
    packages: jax_flax\[flax==0.12.7]), or a backend, such as keras\[jax].

    [bold]Examples[/bold]

      framebench verify                                   all, in both precisions

      framebench verify -f pytorch -t imdb-lstm --fresh   one claim, anew

      framebench verify --fresh --seed 301822             as that seed proved it

      framebench verify --format html > certificate.html  a page, with curves
    """
    from bench import tasks
    from bench.cli.display import SetupDisplay, wide_console
    from bench.records.snapshot_taking import of_proofs
    from bench.report.proof import proof_forms
    from bench.report.task.availability import broken_plugins
    from bench.run.preparation import certify
    from bench.run.request import Request

    output_format = form(format, FORMATS, json=json)
    request = Request(
        preset="full",
        frameworks=framework,
        tasks=task or tasks.names(),  # named, so that heavy ones are proved on a CPU too
        modes=mode,
        tunings=tuning,  # type: ignore[arg-type]
        devices=device,  # type: ignore[arg-type]
        precisions=precision,  # type: ignore[arg-type]
        threads=threads,
        data=data,  # type: ignore[arg-type]
        env=env,
    )
    with SetupDisplay() as display:
        display.leave_out(broken_plugins())
        certificates = certify(request, seed=seed, fresh=fresh, listener=display)
    snapshot = of_proofs(certificates)
    if output_format == "html":
        from bench.report.proof.proof_page import certificate_page

        document(certificate_page(certificates, snapshot))
    elif output_format == "json":
        document(proof_forms.to_json(certificates))
    elif output_format == "markdown":
        document(proof_forms.to_markdown(certificates, snapshot))
    else:
        console = wide_console()
        console.print(proof_forms.to_terminal(certificates, snapshot, width=console.width))
    if any(certificate.status != "ok" for certificate in certificates):
        raise typer.Exit(1)
