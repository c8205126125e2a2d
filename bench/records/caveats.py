"""What readers of a run's figures must know: what no run can make equal, and a run's caveats."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from bench.core.record import Cell
from bench.launch import catalogue
from bench.launch.framework import Framework
from bench.records.snapshot import Caveat

# What differs between frameworks in any run, and why it does not decide the comparison. What is
# peculiar to a framework is in its `framework.toml`.
UNEQUAL = (
    "Dropout masks: each framework draws its own. Their rate, scaling and gradient are proved; "
    "final accuracies are compared over seeds.",
    "Noise: each framework draws its own. Its distribution is proved, and what is made of it; "
    "final metrics are compared over seeds.",
    "Running variances of batch normalization: over n values in some frameworks, over n - 1 in "
    "others. Only evaluation uses them, and n is in the thousands; each is proved to be one of the "
    "two.",
    "Rounding: frameworks add in different orders. The certificate gives the deviations, also in "
    "float64, where little of them is left.",
    "Libraries: each framework is installed as its own users install it, with the libraries "
    "that its packages bring. They are part of what is compared.",
    "Device memory: the most that tensors took, as the framework reports it. Memory on a CPU is "
    "that of the process.",
    "Layout of images in memory: each framework uses the layout in which it is fastest, and is "
    "given its batches in that layout.",
)


def _known(names: Iterable[str]) -> list[Framework]:
    """The frameworks of these names, each once; without those that no longer exist."""
    return [catalogue.load(name) for name in sorted(set(names)) if catalogue.exists(name)]


def unequal(cells: Sequence[Cell]) -> tuple[str, ...]:
    """What no run of these cells can make equal: in any framework, and in each of theirs."""
    frameworks = _known(cell.framework for cell in cells)
    own = (f"{framework.title}: {text}" for framework in frameworks for text in framework.unequal)
    return (*UNEQUAL, *own)


def of_cells(cells: Sequence[Cell]) -> Iterator[Caveat]:
    """The caveats of a run of these cells."""
    on_gpu = _known(cell.framework for cell in cells if cell.device == "cuda")
    for framework in on_gpu:
        if framework.device_memory and len(on_gpu) > 1:
            yield Caveat(
                figures=("memory",),
                text=f"not to be compared with {framework.title}'s on a GPU: it reports "
                f"{framework.device_memory}, the others what tensors took",
            )
