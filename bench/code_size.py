"""How much code a network takes in a framework: lines without blanks, comments and docstrings."""

from __future__ import annotations

import ast
import io
import tokenize
from collections.abc import Collection
from pathlib import Path

_NO_CODE = frozenset(
    (
        tokenize.COMMENT,
        tokenize.NL,
        tokenize.NEWLINE,
        tokenize.INDENT,
        tokenize.DEDENT,
        tokenize.ENCODING,
        tokenize.ENDMARKER,
    )
)


def code_lines(source: str) -> int:
    """Lines of Python on which there is code; a statement over three lines counts as three."""
    used: set[int] = set()
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type not in _NO_CODE:
            used.update(range(token.start[0], token.end[0] + 1))
    for node in ast.walk(ast.parse(source)):
        if (
            isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef)
            and ast.get_docstring(node) is not None
        ):
            text = node.body[0]
            used.difference_update(range(text.lineno, (text.end_lineno or text.lineno) + 1))
    return len(used)


def lines_a_model(folder: Path, networks: Collection[str]) -> float | None:
    """Mean lines of code of a framework's models; None where it lacks one of them."""
    files = [folder / "models" / f"{network}.py" for network in networks]
    if not files or not all(file.is_file() for file in files):
        return None
    counts = [code_lines(file.read_text(encoding="utf-8")) for file in files]
    return sum(counts) / len(counts)
