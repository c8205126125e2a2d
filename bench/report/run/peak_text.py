"""Lines on each cell's use of the machine, and on the machine's peak."""

from __future__ import annotations

from bench.analysis.results import Results
from bench.analysis.roofline import BOUND_FROM, Use, rates_text
from bench.report.common.text import device_text


def share_text(use: Use) -> str:
    """A share of peak and the bound: 12 % (overhead-bound)."""
    bound = f"({use.bound}-bound)"
    if use.share < 0.0005:
        return f"<0.1 % {bound}"
    # With as many digits as show on which side of the half it is, by which the bound is judged.
    whole = use.share >= 0.0995 and not BOUND_FROM - 0.005 <= use.share < BOUND_FROM
    return f"{100 * use.share:.{0 if whole else 1}f} % {bound}"


def peak_lines(results: Results) -> list[str]:
    """The peaks to which shares refer: a line for each device and number of threads."""
    lines = []
    title = results.snapshot.framework_title
    for (device, threads), peak in results.peaks.items():
        product, memory = rates_text(peak.matmul, peak.memory)
        lines.append(
            f"peak ({device_text(device, threads)}): {product} of float32 matrix product in "
            f"{title(peak.matmul_by)}, {memory} of memory in {title(peak.memory_by)}"
        )
    return lines
