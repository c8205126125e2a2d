"""Figures as people read them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence

from bench.analysis.intervals import Interval
from bench.core.record import Cell

# The largest ratio between the ends of an interval that is still shown.
WIDEST = 100


def too_wide(interval: Interval) -> bool:
    """Whether the ends of an interval are too far apart to be of use; the CSV still has them."""
    return interval.known and interval.high > WIDEST * interval.low


def count_text(value: float) -> str:
    """A number with at least three significant digits: 12,345 or 345 or 34.5 or 0.00345."""
    if value >= 100:
        return f"{value:,.0f}"
    if value >= 1:
        return f"{value:.1f}" if value >= 10 else f"{value:.2f}"
    return f"{value:#.3g}"


def seconds_text(value: float) -> str:
    """A duration: in ms below 0.1 s, in minutes from 2 minutes on."""
    if value < 0.1:
        return f"{value * 1e3:.1f} ms"
    if value < 120:
        return f"{value:.2f} s" if value < 10 else f"{value:.0f} s"
    minutes, seconds = divmod(round(value), 60)
    return f"{minutes} min {seconds:02d} s"


def bytes_text(value: float) -> str:
    """A size in decimal megabytes or gigabytes."""
    return f"{value / 1e9:.2f} GB" if value >= 1e9 else f"{value / 1e6:.0f} MB"


def percent(value: float) -> str:
    """A fraction of 1 as a percentage with two decimals."""
    return f"{value:.2%}"


def ratio_text(value: float) -> str:
    """A ratio with two decimals, or with as many as tell it from 0 and from 1."""
    return _told_from(value, 1, decimals=2)


def per_cent(value: float) -> str:
    """A ratio in per cent, without the sign: 94, or with as many decimals as tell it from 100."""
    return _told_from(100 * value, 100, decimals=0)


def _told_from(value: float, whole: float, *, decimals: int) -> str:
    """A value with so many decimals, or up to seven more to tell it from 0 and from `whole`."""
    most = decimals + 7
    while decimals < most and float(f"{value:.{decimals}f}") in {0, whole} - {value}:
        decimals += 1
    return f"{value:.{decimals}f}"


def interval_text(estimate: str, low: str, high: str) -> str:
    """An estimate with the ends of its interval, unless they read the same."""
    return f"{estimate} ({low}–{high})" if low != high else estimate


def estimate_text(interval: Interval | None, text: Callable[[float], str]) -> str:
    """An estimate and its interval, unless that is unknown; empty for None.

    If the interval is too wide to be of use, "~" before the estimate says so.
    """
    if interval is None:
        return ""
    estimate = text(interval.estimate)
    if not interval.known:
        return estimate
    if too_wide(interval):
        return f"~{estimate}"
    return interval_text(estimate, text(interval.low), text(interval.high))


def unsure_line(intervals: Iterable[Interval | None]) -> list[str]:
    """How to read "~", as a line below figures, if `estimate_text` has it for any; else none."""
    if not any(interval and too_wide(interval) for interval in intervals):
        return []
    return [f"~ before a figure: the ends of its interval are more than {WIDEST} times apart"]


def mode_text(mode: str, tuning: str) -> str:
    """A mode, marked if the framework keeps its default tuning."""
    return f"{mode} (default)" if tuning == "default" else mode


def capitalized(text: str) -> str:
    """A text with its first letter as a capital, and the rest as it is: an acronym stays one."""
    return text[:1].upper() + text[1:]


def device_text(device: str, threads: int, later: int | None = None) -> str:
    """A device, with the threads that it was limited to if it is the CPU: "cpu, 2 threads".

    In a comparison, `later` is the number of threads in the second run.
    """
    if device != "cpu":
        return device
    if later is None or later == threads:
        return f"{device}, {threads} thread{'s' * (threads != 1)}"
    return f"{device}, {threads} → {later} threads"


def place_text(cell: Cell, later: int | None = None) -> str:
    """The conditions of a cell's table, without the usual ones: "cpu, 2 threads".

    `later` is as in `device_text`.
    """
    words = [device_text(cell.device, cell.threads, later)]
    if cell.precision != "float32":
        words.append(cell.precision)
    if cell.feed == "device":
        words.append("batches staged ahead")
    return ", ".join(words)


def labels(cells: Sequence[Cell], title: Callable[[str], str]) -> dict[Cell, str]:
    """A short label for each cell: its framework's title, and its mode if there are several.

    `title` gives a framework's title by its name.
    """
    modes: dict[str, set[str]] = defaultdict(set)
    for cell in cells:
        modes[cell.framework].add(mode_text(cell.mode, cell.tuning))
    return {
        cell: f"{title(cell.framework)} {mode_text(cell.mode, cell.tuning)}"
        if len(modes[cell.framework]) > 1
        else title(cell.framework)
        for cell in cells
    }
