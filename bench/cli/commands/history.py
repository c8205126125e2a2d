"""`framebench history`."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from bench.cli.options import (
    FrameworksOption,
    JsonOption,
    ResultsOption,
    RunArgument,
    TasksOption,
    form,
    format_option,
)
from bench.cli.output import document, say
from bench.core.choices import check_choice
from bench.core.errors import UsageError

if TYPE_CHECKING:
    from bench.analysis.results import Results

FORMATS = ("table", "csv", "json", "html")


def history(
    run: RunArgument = None,
    task: TasksOption = [],
    framework: FrameworksOption = [],
    format: Annotated[str | None, format_option(FORMATS)] = None,
    results: ResultsOption = Path("results"),
    json: JsonOption = False,
) -> None:
    """Show how fast each cell was in all runs of a machine, and where versions changed.

    The machine is that of RUN, or of the newest finished run. Points of a cell are
    runs under the same conditions; runs that are not finished are left out.

    [bold]Examples[/bold]

      framebench history -t mnist-mlp                a line for each cell

      framebench history standard-epyc-2cpu          on the machine of that run

      framebench history --format csv > paces.csv    every point with its interval

      framebench history --format html > pace.html   a chart for each task
    """
    from bench.analysis.history import history as history_of
    from bench.analysis.results import Results
    from bench.cli.chosen_run import chosen_run
    from bench.cli.display import wide_console
    from bench.records import run_folder
    from bench.report.history import history_forms
    from bench.system.moments import moment

    output_format = form(format, FORMATS, json=json)
    machine = chosen_run(run, results).info.get("machine", {})
    every = []
    for folder in sorted(path.parent for path in results.glob(f"*/{run_folder.INFO}")):
        try:
            read = run_folder.read(folder)
        except (UsageError, OSError) as error:
            say(f"left out: {error}")
            continue
        if read.finished:
            every.append(Results.of(read))
    every.sort(key=lambda one: moment(one.run.info.get("started", "")))
    found = history_of(every, machine, tasks=task, frameworks=framework)
    here = [one for one in every if one.run.folder.name in found.runs]
    _check_named(here, tasks=task, frameworks=framework)
    if not found.cells:
        raise UsageError("no run of this machine has such a cell that is ok")
    if output_format == "table":
        console = wide_console()
        console.print(history_forms.to_terminal(found, width=console.width))
    elif output_format == "html":
        document(history_forms.to_page(found, every[-1].snapshot.compared))
    else:
        forms = {"csv": history_forms.to_csv, "json": history_forms.to_json}
        document(forms[output_format](found))


def _check_named(
    every: Sequence[Results], *, tasks: Sequence[str], frameworks: Sequence[str]
) -> None:
    """Raises UsageError for a task or a framework that none of the machine's runs has."""
    from bench.core.framework_name import framework_of

    cells = [summary.cell for results in every for summary in results.summaries]
    names = {cell.framework for cell in cells}
    for kind, wanted, known in (
        ("task", tasks, {cell.task for cell in cells}),
        ("framework", frameworks, names | {framework_of(name) for name in names}),
    ):
        for name in wanted if cells else ():
            check_choice(f"{kind} of this machine's runs", name, sorted(known))
