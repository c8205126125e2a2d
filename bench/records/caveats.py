"""What a reader of a run's figures must know: what no run makes equal, and what to mind in one."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from bench.core.record import Cell
from bench.records.snapshot import Caveat

# What differs between frameworks whatever one does, and what keeps it from deciding anything.
UNEQUAL = (
    "Dropout masks: each framework draws its own. Their rate, scaling and gradient are proved; "
    "final accuracies are compared over seeds.",
    "Running variances of batch normalization: over n - 1 values or over n, as the framework has "
    "it. Only evaluation reads them, and n is thousands; each is proved to be one or the other.",
    "Rounding: sums are added in other orders. The certificate has the deviations, and what "
    "float64 leaves of them.",
    "Libraries: each framework is installed as its own users install it, with the libraries "
    "that its packages bring. They are part of what is compared.",
    "Recurrent layers on a GPU: cuDNN's in PyTorch, TensorFlow, MXNet and PaddlePaddle; in "
    "JAX/Flax a loop over time that XLA compiles (nnx.RNN), as Flax has no other.",
    "CUDA graphs: XLA makes them of what JAX and TensorFlow compile, where it sees fit; PyTorch's "
    "compiler makes them in its mode `reduce-overhead`, which is not used here, nor measured yet.",
    "Device memory: what tensors took at most, as the framework tells; of MXNet, which does not, "
    "what it held. Memory on a CPU is what the process held.",
    "Layout of images in memory: each framework keeps the one that it is fastest in; batches are "
    "handed over in it, ready made.",
)


def of_cells(cells: Sequence[Cell]) -> Iterator[Caveat]:
    """What to mind in the figures of a run of these cells."""
    on_gpu = {cell.framework for cell in cells if cell.device == "cuda"}
    if "mxnet_gluon" in on_gpu and len(on_gpu) > 1:
        yield Caveat(
            figures=("memory",),
            text="not to be compared with MXNet's on a GPU: MXNet tells what its allocator held, "
            "the others what tensors took",
        )
