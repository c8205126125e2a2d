"""The templates that pages are made of."""

from __future__ import annotations

from jinja2 import Environment, PackageLoader, StrictUndefined


def environment(*, autoescape: bool = True) -> Environment:
    """The templates of this package; a variable that a template lacks is an error."""
    return Environment(
        loader=PackageLoader("bench.report"),
        autoescape=autoescape,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
