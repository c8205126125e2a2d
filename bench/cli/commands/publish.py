"""`framebench publish`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bench.cli.options import JsonOption, ResultsOption, complete_runs
from bench.core.errors import UsageError

if TYPE_CHECKING:
    from bench.report.gallery.publication import Entry


def publish(
    run: Annotated[
        Path | None,
        typer.Argument(
            help="A finished run's folder, or its name under --results.",
            autocompletion=complete_runs,
            show_default=False,
        ),
    ] = None,
    to: Annotated[Path, typer.Option(help="Folder of published runs.")] = Path("results"),
    name: Annotated[
        str | None, typer.Option(help="Name to publish it under. Default: its own.")
    ] = None,
    about: Annotated[
        str | None,
        typer.Option(help="What it is for, in a sentence or a few. Default: its preset's purpose."),
    ] = None,
    page: Annotated[
        bool, typer.Option(help="Write report.html too, about 5 MB, for a reader at this machine.")
    ] = True,
    replace: Annotated[
        bool, typer.Option("--replace", help="Write over what is there under that name.")
    ] = False,
    index: Annotated[
        bool, typer.Option("--index", help="Publish no run; write the index of --to anew.")
    ] = False,
    results: ResultsOption = Path("results"),
    json: JsonOption = False,
) -> None:
    """Put a finished run among the published ones, without its logs, and index them.

    Its tables are written anew from its records, and README.md and index.html of the folder list
    it. A run that is not finished, or that names a place on this machine, is refused.

    [bold]Examples[/bold]

      framebench publish mine --about "a laptop on battery"     where it lies

      framebench publish runs/r1 --name laptop --no-page        into results/laptop

      framebench publish --index                                the index alone
    """
    from bench.records import run_folder
    from bench.report.gallery import gallery_index
    from bench.report.gallery import publication as publishing
    from bench.report.run.report_files import write_reports

    if index == (run is not None):
        raise UsageError("name a run to publish, or give --index alone")
    if index and (name or about):
        raise UsageError("--index publishes no run, so it takes no --name and no --about")
    if index and not to.is_dir():
        raise UsageError(f"--to {to}: there is no such folder")
    gallery_index.check_index(to, overwrite=replace)
    target = None
    if run is not None:
        made = run_folder.find(run, results)
        target = to / (name or made.folder.resolve().name)
        publishing.publish(
            made,
            target,
            about=about,
            overwrite=replace,
            forms=lambda folder: write_reports(folder, page=page),
        )
    _tell(gallery_index.write_index(to), to, target, json=json)


def _tell(found: list[Entry], to: Path, target: Path | None, *, json: bool) -> None:
    from bench.report.gallery import gallery_index

    if json:
        typer.echo(gallery_index.to_json(found))
        return
    if target:
        typer.echo(f"published in {target}")
    runs = "1 run" if len(found) == 1 else f"{len(found)} runs"
    typer.echo(f"index of {runs} in {', '.join(str(to / name) for name in gallery_index.INDEX)}")
