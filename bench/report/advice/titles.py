"""Frameworks as advice names them first: a project that is archived is said to be."""

from __future__ import annotations

from bench.advice import facts
from bench.advice.ranking import Standing


def archived_text(framework: str) -> str:
    """Since when a framework's project is archived, such as "archived 2023", or ""."""
    archived = facts.of(framework).archived
    return f"archived {archived.date[:4]}" if archived else ""


def titled(standing: Standing) -> str:
    """A framework's title, and that it is archived if so: where it is named first."""
    archived = archived_text(standing.framework)
    return f"{standing.title} ({archived})" if archived else standing.title
