"""Self-contained pages with charts: one HTML file, with plotly in it."""

from __future__ import annotations

from typing import Any

from plotly.offline import get_plotlyjs

from bench.report.common.plotting import Spec
from bench.report.common.programs import to_json
from bench.report.common.templating import environment


def render(template: str, **context: Any) -> str:
    """A page from a template that extends `base.html.j2`."""
    templates = environment()
    templates.filters["script"] = _script
    # Rendering the body appends each chart's figure to `specs`.
    specs: list[Spec] = []
    page = templates.get_template(template)
    return page.render(plotly=get_plotlyjs(), specs=specs, **context)


def _script(value: Any) -> str:
    """JSON that is safe inside a script element: it neither closes the element nor opens another.

    In `<!--<script>`, a browser would take the rest of the page for a script.
    """
    return to_json(value, indent=None).replace("<", "\\u003c")
