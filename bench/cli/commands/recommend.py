"""`framebench recommend`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from bench.advice import personas
from bench.advice.criteria import CRITERIA
from bench.cli.options import JsonOption, ResultsOption, RunArgument, among, complete_tasks, form

FORMATS = ("table", "markdown", "json")


def _weights() -> str:
    """The criteria, and every persona's weights, for the help."""
    judged = [f"{one.name}: {one.figure}; {one.scored}." for one in CRITERIA.values()]
    parts = [
        f"[bold]{one.name}[/bold]: "
        + ", ".join(f"{name} {weight:g}" for name, weight in one.weights.items())
        + f". {one.why[0].upper()}{one.why[1:]}."
        for one in personas.PERSONAS.values()
    ]
    return "\n\n".join(
        [
            "[bold]Criteria[/bold]: the figure; how it makes a score from 0 to 1",
            *judged,
            f"[bold]Weights[/bold]: from 0, does not matter, to {personas.HIGHEST:g}, decides",
            *parts,
        ]
    )


EPILOG = _weights()


def recommend(
    run: RunArgument = None,
    persona: Annotated[
        list[str],
        typer.Option(
            "--persona",
            "-p",
            help="Whom it is to suit: balanced (all criteria weigh the same), beginner, "
            "researcher, industry, edge; repeatable.",
            autocompletion=among(lambda: personas.PERSONAS),
        ),
    ] = [personas.DEFAULT],
    weight: Annotated[
        list[str],
        typer.Option(
            "--weight",
            "-w",
            help="A criterion's weight in place of the persona's, from 0 to 5: speed=3. "
            "Repeatable.",
            autocompletion=among(lambda: (f"{name}=" for name in CRITERIA)),
        ),
    ] = [],
    task: Annotated[
        str | None,
        typer.Option(
            "--task", "-t", help="Look at one task. Default: all.", autocompletion=complete_tasks
        ),
    ] = None,
    format: Annotated[
        str | None,
        typer.Option(
            "--format",
            help="table (default), markdown or json.",
            autocompletion=among(lambda: FORMATS),
        ),
    ] = None,
    facts: Annotated[
        bool, typer.Option("--facts", help="Print each fact, with its date and its source.")
    ] = False,
    results: ResultsOption = Path("results"),
    json: JsonOption = False,
) -> None:
    """Tell which framework suits whom, by what a run measured and by dated facts.

    Each criterion gives a score from 0 to 1, and the weights make one of them all.

    It says whom the data can't tell apart, and which weight would change the answer.

    [bold]Examples[/bold]

      framebench recommend                          the newest run, all criteria alike

      framebench recommend --persona researcher -t imdb-lstm

      framebench recommend results/mine -p beginner -p edge -w memory=5 --format markdown
    """
    from bench.cli.display import wide_console
    from bench.records import run_folder
    from bench.report.advice import advice_content, advice_forms

    wanted = form(format, FORMATS, json=json)
    chosen = [personas.load(one) for one in dict.fromkeys(persona)]
    found = advice_content.collect(run_folder.find(run, results), chosen, weight, task)
    if wanted == "json":
        typer.echo(advice_content.to_json(found))
    elif wanted == "markdown":
        typer.echo(advice_forms.to_markdown(found, facts=facts), nl=False)
    else:
        console = wide_console()
        console.print(advice_forms.to_terminal(found, width=console.width, facts=facts))
