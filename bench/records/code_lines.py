"""How much code there is in a text: lines without blanks, comments and docstrings."""

from __future__ import annotations

import ast
import io
import tokenize

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


def code_lines(text: str) -> int:
    """Lines of Python on which there is code; a statement over three lines counts as three.

    Raises SyntaxError or tokenize.TokenError where `text` is not Python.
    """
    used: set[int] = set()
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type not in _NO_CODE:
            used.update(range(token.start[0], token.end[0] + 1))
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            used.difference_update(range(node.lineno, (node.end_lineno or node.lineno) + 1))
    return len(used)
