"""What is said and kept about an error that nobody expected."""

from __future__ import annotations

import os
import platform
import shlex
import sys
import tempfile
import time
import traceback
from contextlib import suppress
from pathlib import Path

from bench.cli.output import say
from bench.system.plain_text import one_line


def report_unexpected(error: BaseException) -> None:
    """Say in one line what happened, and in which file the details are.

    That is a file in the cache folder, or in the folder for temporary files if that cannot be
    written to. Whatever fails meanwhile is left out.
    """
    text = ""
    with suppress(Exception):
        text = one_line(str(error))
    name = type(error).__name__
    file = _keep(error)
    details = f"details in {file}" if file else "its details could not be written down"
    say(f"framebench: unexpected error: {f'{name}: {text}' if text else name}; {details}")


def _keep(error: BaseException) -> Path | None:
    """The file with the traceback, the command line and the versions; None if there is none."""
    from bench.system import files

    name = f"{time.strftime('%Y%m%d-%H%M%S')}-{os.getpid()}.txt"
    for folder in (_errors_folder, lambda: Path(tempfile.gettempdir(), "framebench-errors")):
        with suppress(Exception):
            file = folder() / name
            file.parent.mkdir(parents=True, exist_ok=True)
            files.write(file, _details(error))
            return file
    return None


def _errors_folder() -> Path:
    from bench.launch.paths import cache_dir

    return cache_dir() / "errors"


def _details(error: BaseException) -> str:
    from bench import __version__

    return "\n".join(
        [
            f"framebench {__version__}, Python {sys.version}",
            platform.platform(),
            f"command: {shlex.join(sys.argv)}",
            "".join(traceback.format_exception(error)),
        ]
    )
