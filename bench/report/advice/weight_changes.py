"""Which change of a single weight would put another framework first, in a sentence."""

from __future__ import annotations

from bench.advice.personas import HIGHEST
from bench.advice.ranking import Ranking, WeightSwap
from bench.core.grouping import grouped
from bench.report.common.ties import listed

# The most changes that the sentence names.
MOST_NAMED = 3


def _swap_text(swap: WeightSwap) -> str:
    side = "above" if swap.above else "below"
    return f"{swap.criterion} {side} {swap.level:.3g} (now {swap.weight:.3g})"


def changes(ranking: Ranking) -> list[str]:
    """Which single weights would put another framework first; the smallest changes come first."""
    if len(ranking.standings) < 2:
        return []
    first = ranking.standings[0].title
    if not ranking.swaps:
        return [f"{first} stays first by any change of a single weight within 0 to {HIGHEST:g}."]
    possible = sorted(ranking.swaps, key=lambda swap: abs(swap.level - swap.weight))
    by_framework = grouped(possible[:MOST_NAMED], lambda swap: swap.first)
    titles = {standing.framework: standing.title for standing in ranking.standings}
    others = [
        f"{titles[name]} with {listed([_swap_text(swap) for swap in swaps], 'or')}"
        for name, swaps in by_framework.items()
    ]
    more = len(possible) - MOST_NAMED
    rest = f"no other change of a single weight from 0 to {HIGHEST:g} does it"
    if more > 0:
        rest = f"{more} other single change{'s' * (more != 1)} would have to be larger"
    return [f"Another would come first if one weight changed: {'; '.join(others)}; {rest}."]
