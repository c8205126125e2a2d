"""Figures as people read them."""

from __future__ import annotations


def count_text(value: float) -> str:
    """Three significant digits at least: 12,345 or 345 or 34.5."""
    if value >= 100:
        return f"{value:,.0f}"
    return f"{value:.1f}" if value >= 10 else f"{value:.2f}"


def seconds_text(value: float) -> str:
    """Milliseconds below a tenth of a second, minutes from two on."""
    if value < 0.1:
        return f"{value * 1e3:.1f} ms"
    if value < 120:
        return f"{value:.2f} s" if value < 10 else f"{value:.0f} s"
    minutes, seconds = divmod(round(value), 60)
    return f"{minutes} min {seconds:02d} s"


def bytes_text(value: float) -> str:
    """Decimal megabytes or gigabytes."""
    return f"{value / 1e9:.2f} GB" if value >= 1e9 else f"{value / 1e6:.0f} MB"


def percent(value: float) -> str:
    """A fraction of 1 as a percentage with two decimals."""
    return f"{value:.2%}"
