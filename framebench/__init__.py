"""framebench in a notebook: the results of a run, and the comparison of two, as typed values.

It reads runs and measures nothing. A run is named by its folder, or by its name in a folder of
runs, `results` unless another one is given:

>>> import framebench
>>> results = framebench.results("quick-epyc-2cpu")
>>> fastest = results.tables[0].summaries[0]
>>> fastest.cell.task, fastest.cell.framework, round(fastest.throughput.estimate)
('cifar-cnn', 'tensorflow_keras', 4233)

Every figure of every cell as a pandas DataFrame:

>>> frame = results.frame()
>>> columns = ["framework", "mode", "rank", "samples_per_second"]
>>> frame.loc[frame.task == "cifar-cnn", columns].round()
          framework      mode rank  samples_per_second
0  tensorflow_keras  compiled  1-3              4233.0
1       mxnet_gluon  compiled  1-3              4183.0
2           pytorch     eager  1-3              3999.0
3      paddlepaddle     eager    4               726.0

Two runs, cell by cell, with the ratio of their throughputs and its 95 % interval:

>>> comparison = framebench.compare("quick-epyc-2cpu", "standard-epyc-2cpu", tasks=["mnist-mlp"])
>>> frame = comparison.frame()
>>> columns = ["framework", "verdict", "ratio", "ratio_low", "ratio_high"]
>>> frame.loc[frame.ratio.notna(), columns].round(2)
          framework verdict  ratio  ratio_low  ratio_high
1       mxnet_gluon  faster   1.37       1.17         1.6
3      paddlepaddle    tied   1.04       0.72        1.52
5           pytorch    tied   1.46       0.97        2.19
6  tensorflow_keras  faster   1.16       1.08        1.25
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from bench import __version__
from bench.analysis.comparison import run_comparison
from bench.analysis.comparison.run_comparison import Comparison
from bench.analysis.results import Results
from bench.records import run_folder

__all__ = ["Comparison", "Results", "__version__", "compare", "results"]


def results(run: str | Path, *, folder: str | Path = "results") -> Results:
    """The results of a run, by its folder or by its name in `folder`.

    `.tables` holds the cells that can be compared, fastest first; `.summaries` every cell;
    `.frame()` every figure as a DataFrame; `.caveats` what a reader of the figures must know.
    Raises `bench.core.errors.UsageError` if there is no such run, or if it cannot be read.

    >>> {summary.status for summary in results("quick-epyc-2cpu").summaries}
    {'ok'}
    """
    return Results.of(run_folder.find(Path(run), Path(folder)))


def compare(
    a: str | Path | Results,
    b: str | Path | Results,
    *,
    tasks: Sequence[str] = (),
    frameworks: Sequence[str] = (),
    folder: str | Path = "results",
) -> Comparison:
    """Compare run B with run A, limited to some tasks and frameworks if any are named.

    `.pairs` holds each cell of both runs with its verdict and its ratio, samples/s of B over
    samples/s of A; `.differences` and `.remarks` name what else differs; `.frame()` is every figure
    as a DataFrame. Raises `bench.core.errors.UsageError` as `results` does, and where no cell is
    left to compare.

    >>> print(compare("quick-epyc-2cpu", "quick-epyc-2cpu", tasks=["cifar-cnn"]))
    4 cells: 4 tied; geometric mean of all ratios 1.00
    """
    old, new = (run if isinstance(run, Results) else results(run, folder=folder) for run in (a, b))
    return run_comparison.compare(old, new, tasks=tasks, frameworks=frameworks)
