"""The one way to write to standard output and standard error, whatever they can show.

Words for people go through `say`, or through the consoles of `bench.cli.display`; texts for files
and programs go through `document`. What a terminal would act on, or cannot show, is replaced.
"""

from __future__ import annotations

import codecs
import io
import os
import select
import sys
import unicodedata
from contextlib import suppress
from pathlib import Path

from bench.system.plain_text import plain

# A handler of encoding errors, by its name.
_SIMILAR = "framebench.similar"
# What stands for a character where the terminal's encoding lacks it; as wide, so that tables stay
# aligned. Rich draws the lines of tables in ASCII by itself.
_SIMILAR_CHARACTERS = {
    **dict.fromkeys("–—─−", "-"),
    **dict.fromkeys("“”", '"'),
    **dict.fromkeys("‘’", "'"),
    "→": ">",
    "×": "x",
    "±": "~",
    "…": ".",
    "├": "|",
    "└": "`",
}


def prepare() -> None:
    """Make both streams accept every text, also those that the caller has closed."""
    codecs.register_error(_SIMILAR, _similar)
    for descriptor, name in enumerate(("stdin", "stdout", "stderr")):
        if getattr(sys, name) is None:
            # Or the next file that is opened would become the standard output of children.
            os.dup2(os.open(os.devnull, os.O_RDWR), descriptor)
            mode = "w" if descriptor else "r"
            setattr(sys, name, os.fdopen(descriptor, mode, encoding="utf-8", closefd=False))
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors=_SIMILAR)


def _similar(error: UnicodeError) -> tuple[str, int]:
    """Similar text in ASCII for what an encoding lacks. Raises other errors."""
    if not isinstance(error, UnicodeEncodeError):
        raise error
    return "".join(map(_in_ascii, error.object[error.start : error.end])), error.end


def _in_ascii(character: str) -> str:
    if similar := _SIMILAR_CHARACTERS.get(character):
        return similar
    letters = unicodedata.normalize("NFKD", plain(character)).encode("ascii", "ignore").decode()
    return letters or "?"


def say(text: str) -> None:
    """Write lines for people to standard error; nothing happens if that cannot be written to."""
    with suppress(OSError, ValueError):
        print(plain(text, keep="\n"), file=sys.stderr, flush=True)


def document(text: str) -> None:
    """Write a text for files and programs to standard output, in UTF-8 unless it is a terminal.

    It ends with a line end. Raises OSError.
    """
    whole = text if text.endswith("\n") else f"{text}\n"
    if sys.stdout.isatty():
        sys.stdout.write(plain(whole, keep="\n\t"))
        return
    if not hasattr(sys.stdout, "buffer"):  # as where a program redirects it
        sys.stdout.write(whole)
        return
    sys.stdout.flush()
    rest = whole.encode(errors="backslashreplace")
    while rest:  # without Python's buffer, a pipe may take a part
        rest = rest[sys.stdout.buffer.write(rest) :]


def abandoned() -> bool:
    """Whether nobody reads standard output or standard error any more, as after `| head`."""
    watch = select.poll()
    for descriptor in (1, 2):
        watch.register(descriptor, 0)  # which still reports errors
    return any(event & select.POLLERR for _, event in watch.poll(0))


def discard() -> None:
    """Write nothing more: Python would fail again when it flushes the streams at its end."""
    with suppress(OSError, ValueError), Path(os.devnull).open("w", encoding="utf-8") as nowhere:
        for stream in (sys.stdout, sys.stderr):
            os.dup2(nowhere.fileno(), stream.fileno())
