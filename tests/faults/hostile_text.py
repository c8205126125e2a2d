"""Texts that act wherever they are not only shown, put into every text of a run."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import fields, is_dataclass, replace
from typing import Any, Literal, get_args, get_origin, get_type_hints

from bench.proof.certificate import Certificate
from bench.records.run_folder import Run
from bench.records.snapshot import Snapshot

Change = Callable[[str], str]

# What would show that a text has acted in a page.
MARK = "owned"
_ACT = f"document.title='{MARK}'"
# Controls for terminals (halves of characters are made plain where a run is read); links, tags,
# cells and blocks for Markdown; tags, quotes and separators for pages; a template and a formula for
# charts and spreadsheets.
HOSTILE = (
    f"=1+1 \x1b[31m\x1b]0;{MARK}\x07\x9b2J\r\u202e [red] [link=x]y[/link] :smile: "
    f"| a | b |\n\n# c\n- d\n> e\n~~~\n[x](javascript:{_ACT}) ![y](z) ` ``` <!-- *f* _g_ &lt; "
    f"<!--<script>{_ACT}</script><img src=x onerror=\"{_ACT}\"> ' onload='{_ACT}' \" "
    f'style="x" <a href="javascript:{_ACT}">h</a> </title></style></textarea> <b> %{{x}} $y$ '
    "{{ 7 * 7 }} {% raw %} \u2028\u2029\x00 \\"
)
# Parts of run.json whose texts are typed values, or name a choice.
_TYPED = {"snapshot", "certificates", "rates", "request"}
# Mappings by names from elsewhere; those of others are by devices, precisions and quantities.
_NAMED = {"versions", "modes", "settings", "environment", "environments"}


def hostile(text: str) -> str:
    """A text with everything in it that could act, still different from every other."""
    return f"{HOSTILE}{text}" if text else text


def changed(value: Any, change: Change) -> Any:
    """A typed value with every text in it changed, except where only some texts are possible."""
    return _changed(value, type(value), change, named=False)


def _changed(value: Any, hint: Any, change: Change, *, named: bool) -> Any:
    if isinstance(value, str):
        return value if get_origin(hint) is Literal else change(value)
    if is_dataclass(value) and not isinstance(value, type):
        hints = get_type_hints(type(value))
        parts = {
            field.name: _changed(
                getattr(value, field.name), hints[field.name], change, named=field.name in _NAMED
            )
            for field in fields(value)
        }
        return replace(value, **parts)
    if isinstance(value, Mapping):
        return {
            change(key) if named else key: _changed(
                item, None, change, named=key in _NAMED and not named
            )
            for key, item in value.items()
        }
    if isinstance(value, tuple) and hasattr(value, "_fields"):
        return type(value)(*(_changed(item, None, change, named=False) for item in value))
    if isinstance(value, (list, tuple)):
        inner = next(iter(get_args(hint)), None)
        return type(value)(_changed(item, inner, change, named=False) for item in value)
    return value


def changed_run(run: Run, change: Change) -> Run:
    """A run with every text in its records and in its run.json changed."""
    info = {
        key: value if key in _TYPED else _changed(value, None, change, named=key in _NAMED)
        for key, value in run.info.items()
    }
    certificates = map(Certificate.from_fields, run.info["certificates"])
    info["certificates"] = [changed(each, change).to_fields() for each in certificates]
    snapshot: Snapshot = changed(run.snapshot, change)
    info["snapshot"] = snapshot.to_fields()
    info["command"] = f"{run.info['command']} {change('x')}"
    return replace(run, info=info, records=[changed(record, change) for record in run.records])
