"""What readers of a run's figures must know: what no run can make equal, and a run's caveats."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from bench.core.record import Cell
from bench.records.snapshot import Caveat

# What differs between frameworks in any run, and why it does not decide the comparison.
UNEQUAL = (
    "Dropout masks: each framework draws its own. Their rate, scaling and gradient are proved; "
    "final accuracies are compared over seeds.",
    "Running variances of batch normalization: over n values in some frameworks, over n - 1 in "
    "others. Only evaluation uses them, and n is in the thousands; each is proved to be one of the "
    "two.",
    "Rounding: frameworks add in different orders. The certificate gives the deviations, also in "
    "float64, where little of them is left.",
    "Libraries: each framework is installed as its own users install it, with the libraries "
    "that its packages bring. They are part of what is compared.",
    "Recurrent layers on a GPU: PyTorch, TensorFlow, MXNet and PaddlePaddle use cuDNN's; JAX/Flax "
    "runs a loop over time that XLA compiles (nnx.RNN), because Flax has no other.",
    "CUDA graphs: XLA builds them from what JAX and TensorFlow compile, where it sees fit; "
    "PyTorch's compiler does so in its mode `reduce-overhead`, which is not used here and not "
    "measured yet.",
    "Device memory: the most that tensors took, as the framework reports it; MXNet does not report "
    "it, so there it is what its allocator held. Memory on a CPU is that of the process.",
    "Layout of images in memory: each framework uses the layout in which it is fastest, and is "
    "given its batches in that layout.",
)


def of_cells(cells: Sequence[Cell]) -> Iterator[Caveat]:
    """The caveats of a run of these cells."""
    on_gpu = {cell.framework for cell in cells if cell.device == "cuda"}
    if "mxnet_gluon" in on_gpu and len(on_gpu) > 1:
        yield Caveat(
            figures=("memory",),
            text="not to be compared with MXNet's on a GPU: MXNet reports what its allocator "
            "held, the others what tensors took",
        )
