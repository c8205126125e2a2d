"""The entry of the command `framebench`, and how every command ends.

Everything else is imported only when signals and errors are taken care of.
"""

from __future__ import annotations

import gc
import sys

from bench.cli import output
from bench.cli.interruption import Interruption
from bench.cli.output import say
from bench.core.errors import FramebenchError, UsageError

# The shell's code of a process whose reader has gone: 128 + SIGPIPE.
READER_GONE = 141


def main() -> None:
    """The command `framebench`, which ends with a line on standard error for every error.

    Where a run is refused because it differs from another, more lines name what differs.
    """
    # Modules and records live as long as the command, and the garbage collector would only traverse
    # them. A run, which goes on for hours, turns it on again.
    gc.disable()
    interruption = Interruption()
    interruption.watch()
    try:
        output.prepare()
        from bench.cli.command_line import call

        code = call(sys.argv[1:])
        sys.stdout.flush()  # here, where a full disk can still be reported
    except BaseException as error:
        code = _exit_code(error, interruption)
    sys.exit(code)


def _exit_code(error: BaseException, interruption: Interruption) -> int:
    """Say what ended the command, and return its exit code."""
    # After a signal, any error may be its consequence.
    if interruption.number or isinstance(error, KeyboardInterrupt):
        say(f"framebench: {interruption.words}")
        return interruption.exit_code
    if isinstance(error, FramebenchError):
        if text := str(error):
            say(f"framebench: {text}")
        return 2 if isinstance(error, UsageError) else 1
    # Help is shown by rich, which then ends the process itself.
    ended = isinstance(error, SystemExit) and isinstance(error.__context__, BrokenPipeError)
    if ended or (isinstance(error, BrokenPipeError) and output.abandoned()):
        output.discard()
        return READER_GONE
    if isinstance(error, OSError):
        place = f"{error.filename}: " if error.filename else ""
        say(f"framebench: {place}{error.strerror or error}")
        output.discard()
        return 1
    from bench.cli.last_resort import report_unexpected

    report_unexpected(error)
    return 1
