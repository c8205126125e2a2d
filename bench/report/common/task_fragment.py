"""A task's definition and models as a fragment of HTML, for other pages to include."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from markupsafe import Markup
from pygments import highlight
from pygments.formatters import HtmlFormatter
from pygments.lexer import Lexer
from pygments.lexers import PythonLexer

from bench.core.grouping import grouped
from bench.records.snapshot import ModelSource, Pairs, Snapshot
from bench.report.common.templating import environment
from bench.report.common.ties import listed

PARAMETER_HEADINGS = ("tensor", "shape", "layout", "values", "initial values")
# Styles with a contrast of at least 4.5 for every token of Python and of diffs.
_LIGHT, _DARK = "default", "monokai"


@dataclass(frozen=True, kw_only=True)
class TitledModel:
    """A model with the name and the title of its framework."""

    framework: str
    title: str
    source: ModelSource


def once_each(models: Iterable[TitledModel]) -> tuple[TitledModel, ...]:
    """Each source once, under the titles of all frameworks that train it."""
    return tuple(
        replace(same[0], title=listed([model.title for model in same]))
        for same in grouped(models, lambda model: model.source.path).values()
    )


@dataclass(frozen=True, kw_only=True)
class TaskFragment:
    """The content of a fragment.

    Rows of `tensors` are under `PARAMETER_HEADINGS`. `missing` are the titles of frameworks without
    a model.
    """

    name: str
    definition: Pairs
    tensors: Sequence[Sequence[str]]
    models: Sequence[TitledModel]
    missing: Sequence[str] = ()

    @staticmethod
    def of(snapshot: Snapshot, task: str, frameworks: Sequence[str]) -> TaskFragment | None:
        """A task of a run, with the models in these frameworks; None if the snapshot lacks it."""
        description = snapshot.task(task)
        if description is None:
            return None
        models = [
            TitledModel(framework=name, title=framework.title, source=source)
            for name in frameworks
            if (framework := snapshot.framework(name))
            and (source := framework.model(description.network))
        ]
        return TaskFragment(
            name=task,
            definition=description.definition,
            tensors=description.tensors,
            models=once_each(models),
        )


def style() -> Markup:
    """The CSS for pages that include a fragment. All of its rules are under `.listing`."""
    code = ".listing pre"
    rules = (
        environment()
        .get_template("listing.css.j2")
        .render(
            light="\n".join(HtmlFormatter(style=_LIGHT).get_token_style_defs(code)),
            dark="\n".join(HtmlFormatter(style=_DARK).get_token_style_defs(code)),
        )
    )
    return Markup(rules)


def highlighted(text: str, lexer: Lexer) -> Markup:
    """Code as HTML, coloured by the rules of `style`."""
    return Markup(highlight(text, lexer, HtmlFormatter(nowrap=True)))


def to_html(fragment: TaskFragment, *, level: int = 3) -> Markup:
    """The fragment as HTML, for a page that has `style()`.

    `level` is the level of its headings. It has no heading for the task, which the page provides.
    """
    codes = [highlighted(model.source.text, PythonLexer()) for model in fragment.models]
    template = environment().get_template("listing_fragment.html.j2")
    return Markup(
        template.render(task=fragment, headings=PARAMETER_HEADINGS, codes=codes, level=level)
    )
