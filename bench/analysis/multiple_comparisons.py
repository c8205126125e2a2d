"""Which of several cells differ, judged for all of them together, and the ranks that follow.

An interval of 95 % misses the true ratio in one case of twenty. Among five equal cells, which form
ten pairs, some pair then appears different in about one table of three. What a table says as a
whole ("fastest", "tied", its ranks) is therefore judged over all its pairs: if some cells are
equal, the probability that any two of those are called different is at most 5 %. A single ratio
keeps its own interval.

The tests are Student's, paired within blocks, with Holm's correction (1979). Each pair is judged by
its own variance, so nothing is assumed about other cells: frameworks vary by different amounts, and
some of them slow down together. Tukey's studentized range pools the variance of all cells. It finds
more, but is wrong where one cell varies more than the others. `python -m tests.benchmarks.verdicts`
shows both, for 3 and 5 blocks and up to 12 cells: with one cell that varies five times as much as
the others, Tukey calls some equal cells different in up to 22 % of tables, and Holm in at most 5 %.
The Games-Howell procedure, which applies the studentized range to each pair's own variance, does so
in up to 43 %, because it is made for larger samples.

The price is paid with few blocks. Student's t with 2 degrees of freedom must exceed 14 for the
clearest of ten pairs, and with 4 degrees of freedom 5.6: five cells need five blocks.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

from bench.analysis.intervals import CONFIDENCE, PairTest


def holm(p_values: Sequence[float], level: float) -> list[bool]:
    """Which p-values are significant after Holm's correction (1979), in their order.

    If no tested effect exists, the probability that any is significant is at most `level`, however
    the tests depend on each other.
    """
    significant = [False] * len(p_values)
    for rank, index in enumerate(sorted(range(len(p_values)), key=p_values.__getitem__)):
        if p_values[index] > level / (len(p_values) - rank):
            break
        significant[index] = True
    return significant


@dataclass(frozen=True, kw_only=True)
class MultipleComparison:
    """Every pair of some cells, judged together at 95 %.

    A cell is named by its place, from 0 to `cells` - 1, and a pair by two places. `ratios` are how
    many times as fast as the second the first measured; they lack pairs that cannot be tested.
    `different` are the pairs that surely differ. Both have each pair in both orders.
    """

    cells: int
    ratios: Mapping[tuple[int, int], float]
    different: frozenset[tuple[int, int]]

    @staticmethod
    def of(cells: int, test: Callable[[int, int], PairTest | None]) -> MultipleComparison:
        """Test each pair of places once; `test` returns None for a pair that cannot be tested."""
        tests = {
            pair: result
            for pair in combinations(range(cells), 2)
            if (result := test(*pair)) is not None
        }
        significant = holm([result.p_value for result in tests.values()], 1 - CONFIDENCE)
        ratios: dict[tuple[int, int], float] = {}
        different: set[tuple[int, int]] = set()
        for ((i, j), result), sure in zip(tests.items(), significant, strict=True):
            ratios |= {(i, j): result.ratio, (j, i): 1 / result.ratio}
            different |= {(i, j), (j, i)} if sure else set()
        return MultipleComparison(cells=cells, ratios=ratios, different=frozenset(different))

    def tied(self, i: int, j: int) -> bool:
        """Whether the pair was tested, and may well be equal."""
        return (i, j) in self.ratios and (i, j) not in self.different

    def faster(self, i: int, j: int) -> bool:
        """Whether i is surely faster than j."""
        return (i, j) in self.different and self.ratios[i, j] > 1

    def ranks(self) -> list[str]:
        """The ranks that each cell may have, such as "1", "2-3", "2-3" and "4".

        The best is 1 plus the number of cells that are surely faster, directly or through other
        cells (a is faster than b, and b than c); the worst is the number of cells less those that
        are surely slower. Ties are not transitive: a may be tied with b, and b with c, while a is
        surely faster than c. Then a is "1-2", b "1-3" and c "2-3". A cell that varies much may have
        any rank, "1-4" below a "3" that measured faster.

        A cell has no rank ("") if any of its pairs could not be tested.
        """
        cells = range(self.cells)
        faster = [{j for j in cells if self.faster(j, i)} for i in cells]
        for middle in cells:
            for i in cells:
                if middle in faster[i]:
                    faster[i] |= faster[middle]
        ranks = []
        for i in cells:
            best = len(faster[i] - {i}) + 1
            worst = self.cells - sum(i in faster[j] for j in cells if j != i)
            tested = all((i, j) in self.ratios for j in cells if j != i)
            text = str(best) if best == worst else f"{best}-{worst}"
            ranks.append(text if tested else "")
        return ranks
