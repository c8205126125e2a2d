"""`framebench recommend`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from bench.advice import personas
from bench.advice.criteria import CRITERIA
from bench.cli.options import (
    JsonOption,
    ResultsOption,
    RunArgument,
    among,
    complete_tasks,
    form,
    format_option,
)
from bench.cli.output import document

FORMATS = ("table", "markdown", "json", "html")


def _weights() -> str:
    """The criteria and every persona's weights, for the help."""
    criteria = [
        f"{criterion.name}: {criterion.figure}; {criterion.scored}."
        for criterion in CRITERIA.values()
    ]
    weights = []
    for persona in personas.PERSONAS.values():
        of_persona = ", ".join(f"{name} {weight:g}" for name, weight in persona.weights.items())
        why = f"{persona.why[0].upper()}{persona.why[1:]}."
        weights.append(f"[bold]{persona.name}[/bold]: {of_persona}. {why}")
    return "\n\n".join(
        [
            "[bold]Criteria[/bold]: what the figure is; how it becomes a score from 0 to 1",
            *criteria,
            f"[bold]Weights[/bold]: from 0 (ignored) to {personas.HIGHEST:g} (decisive)",
            *weights,
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
            help="Whom to advise: balanced (all criteria weigh the same), beginner, researcher, "
            "industry or edge. Repeatable.",
            autocompletion=among(lambda: personas.PERSONAS),
        ),
    ] = [personas.DEFAULT],
    weight: Annotated[
        list[str],
        typer.Option(
            "--weight",
            "-w",
            help="Replace one of the persona's weights, from 0 to 5: speed=3. Repeatable.",
            autocompletion=among(lambda: (f"{name}=" for name in CRITERIA)),
        ),
    ] = [],
    task: Annotated[
        str | None,
        typer.Option(
            "--task",
            "-t",
            help="Look at this task only. Default: all.",
            autocompletion=complete_tasks,
        ),
    ] = None,
    format: Annotated[str | None, format_option(FORMATS)] = None,
    facts: Annotated[
        bool, typer.Option("--facts", help="Also print every fact with its date and source.")
    ] = False,
    results: ResultsOption = Path("results"),
    json: JsonOption = False,
) -> None:
    """Recommend a framework, judged by what a run measured and by dated facts.

    Each criterion gives a framework a score from 0 to 1; the weights combine the scores into one.

    The answer names the frameworks that are tied, and the weights that would change the order.

    [bold]Examples[/bold]

      framebench recommend                          the newest finished run

      framebench recommend --persona researcher -t imdb-lstm

      framebench recommend mine -p beginner -p edge -w memory=5

      framebench recommend --format html > advice.html
    """
    from bench.analysis.results import Results
    from bench.cli.chosen_run import chosen_run
    from bench.cli.display import wide_console
    from bench.records import run_folder
    from bench.report.advice.advice_forms import to_markdown, to_terminal
    from bench.report.advice.advice_json import to_json
    from bench.report.advice.advice_report import build_report

    output_format = form(format, FORMATS, json=json)
    chosen_personas = [personas.load(name) for name in dict.fromkeys(persona)]
    measured = run_folder.part(chosen_run(run, results), tasks=[task] if task else [])
    report = build_report(Results.of(measured), chosen_personas, weight)
    if output_format == "json":
        document(to_json(report))
    elif output_format == "markdown":
        document(to_markdown(report, facts=facts))
    elif output_format == "html":
        from bench.report.advice.advice_page import advice_page

        document(advice_page(report))
    else:
        console = wide_console()
        console.print(to_terminal(report, width=console.width, facts=facts))
