"""`framebench new`."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Annotated

import typer

from bench.cli.options import among
from bench.cli.output import document
from bench.core.choices import check_choice
from bench.core.errors import UsageError

KINDS = ("task", "framework")


def _modelled_frameworks() -> list[str]:
    from bench.cli.scaffold import modelled_frameworks

    return modelled_frameworks()


def new(
    kind: Annotated[
        str,
        typer.Argument(
            help="task or framework.", autocompletion=among(lambda: KINDS), show_default=False
        ),
    ],
    name: Annotated[
        str,
        typer.Argument(
            help="Its name: a task's has dashes, such as mnist-deep, and a framework's is that of "
            "a Python package, such as plain_numpy.",
            show_default=False,
        ),
    ],
    framework: Annotated[
        list[str],
        typer.Option(
            "--framework",
            "-f",
            help="A framework to write a new task's network for; repeatable. Default: all.",
            autocompletion=among(_modelled_frameworks),
        ),
    ] = [],
    into: Annotated[
        Path | None,
        typer.Option(help="Where to write the plug-in's folder. Default: the current folder."),
    ] = None,
    in_tree: Annotated[
        bool,
        typer.Option("--in-tree", help="Write into framebench's own source tree, not a plug-in."),
    ] = False,
) -> None:
    """Write a new task or framework that runs as it is, with the places to fill in marked.

    It is a plug-in: a folder with a package, which pip installs. A task starts as a small
    perceptron on MNIST, in every framework; a framework starts as plain numpy, with the network of
    mnist-softmax. Nothing is overwritten.

    [bold]Examples[/bold]

      framebench new task mnist-deep                  in framebench-mnist-deep

      framebench new task mnist-deep -f pytorch       and the reference alone

      framebench new framework my_array --into work   in work/framebench-my-array

      framebench new task mnist-deep --in-tree        in the source tree
    """
    from bench.cli.scaffold import NewFramework, NewTask, Scaffold, write
    from bench.launch import catalogue

    check_choice("kind of thing to start", kind, KINDS)
    if framework and kind != "task":
        raise UsageError("--framework chooses for which frameworks a new task is written")
    if in_tree and into is not None:
        raise UsageError("--in-tree and --into are two places; give one of them")
    if into is not None and into.exists() and not into.is_dir():
        raise UsageError(f"--into {into}: it is a file, where a folder is expected")
    scaffold: Scaffold
    if kind == "task":
        scaffold = NewTask(name=name, frameworks=tuple(dict.fromkeys(framework)))
    else:
        scaffold = NewFramework(name=name)
    if in_tree:
        folder, files, first = catalogue.TREE, scaffold.tree_files(), []
    else:
        folder = (into or Path()) / scaffold.distribution
        if folder.exists():
            raise UsageError(f"{folder} exists already; nothing is written")
        files, first = scaffold.plugin_files(), [f"pip install -e {shlex.quote(str(folder))}"]
    write(files, folder)
    lines = [f"wrote in {folder}:", *(f"  {path}" for path in files)]
    lines += [
        "FILL IN marks the places to fill in. It runs as it is:",
        *(f"  {command}" for command in (*first, *scaffold.commands)),
    ]
    if in_tree:
        lines.append(f"docs/adding-a-{kind}.md says what else belongs to a {kind} in this tree.")
    document("\n".join(lines))
