"""`framebench publish`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bench.cli.options import JsonOption, ResultsOption, complete_runs
from bench.cli.output import document, say
from bench.core.errors import UsageError

if TYPE_CHECKING:
    from bench.report.gallery.published_runs import PublishedRun


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
        str | None, typer.Option(help="Publish the run under this name. Default: its own.")
    ] = None,
    about: Annotated[
        str | None,
        typer.Option(help="The run's purpose, in a sentence or two. Default: that of its preset."),
    ] = None,
    page: Annotated[bool, typer.Option(help="Also write report.html, about 5 MB.")] = True,
    replace: Annotated[
        bool, typer.Option("--replace", help="Overwrite a run of that name, or an index.")
    ] = False,
    index: Annotated[
        bool, typer.Option("--index", help="Publish nothing; only rewrite the index of --to.")
    ] = False,
    results: ResultsOption = Path("results"),
    json: JsonOption = False,
) -> None:
    """Add a finished run to the published runs, without its logs, and index them.

    Its tables are rewritten from its records, and README.md and index.html
    of the folder list it; history.html beside them shows the paces of a
    machine with several runs. An unfinished run, or one that names paths of
    this machine, is refused.

    [bold]Examples[/bold]

      framebench publish mine --about "a laptop on battery"   in its own folder

      framebench publish runs/r1 --name laptop --no-page      to results/laptop

      framebench publish --index                              only the index
    """
    from bench.records import run_folder, run_name
    from bench.report.gallery import gallery_index, publication
    from bench.report.run.report_files import write_reports

    if index == (run is not None):
        raise UsageError("name a run to publish, or give only --index")
    if index and (name or about):
        raise UsageError("--index publishes no run, so it takes neither --name nor --about")
    if index and not to.is_dir():
        raise UsageError(f"--to {to}: there is no such folder")
    gallery_index.check_index(to, overwrite=replace)
    target = None
    if run is not None:
        finished = run_folder.find(run, results)
        target = to / run_name.checked(name or finished.folder.resolve().name)
        publication.publish(
            finished,
            target,
            about=about,
            overwrite=replace,
            forms=lambda folder: write_reports(folder, page=page),
        )
    published = gallery_index.write_index(to, say, page=page)
    _print(published, to, target, json=json)


def _print(published: list[PublishedRun], to: Path, target: Path | None, *, json: bool) -> None:
    from bench.report.gallery import gallery_index

    if json:
        document(gallery_index.to_json(published))
        return
    if target:
        document(f"published in {target}")
    runs = "1 run" if len(published) == 1 else f"{len(published)} runs"
    document(f"index of {runs} in {', '.join(str(to / name) for name in gallery_index.INDEX)}")
