"""Which GPU a worker computes on: the first that CUDA shows it.

The rule is CUDA's own, for the variables CUDA_VISIBLE_DEVICES and CUDA_DEVICE_ORDER:
https://docs.nvidia.com/cuda/cuda-c-programming-guide/index.html#cuda-environment-variables
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple


class InstalledGpu(NamedTuple):
    """A GPU of this machine; None for what its driver does not tell."""

    uuid: str | None
    name: str | None


def candidates(
    installed: Sequence[InstalledGpu], variables: Mapping[str, str]
) -> tuple[int | str, ...]:
    """The GPUs of which one is CUDA's first: numbers in `installed`, or the UUID of a MIG part.

    There is one where that is sure, none where CUDA shows no GPU, and all where CUDA may number
    different GPUs in another order than their driver, which `installed` follows.
    """
    devices = variables.get("CUDA_VISIBLE_DEVICES")
    first = "0" if devices is None else devices.split(",", maxsplit=1)[0].strip()
    if first.startswith("MIG-"):
        return (first,)
    if first.startswith("GPU-"):  # CUDA takes the beginning of a UUID, if only one begins like that
        found = [index for index, gpu in enumerate(installed) if _begins(gpu.uuid, first)]
        return (found[0],) if len(found) == 1 else ()
    # Anything else than a number, -1 among them, hides this GPU and all that follow.
    if not (first.isascii() and first.isdigit() and len(first) < 10):
        return ()
    if int(first) >= len(installed):
        return ()
    alike = len({gpu.name for gpu in installed}) == 1 and installed[0].name is not None
    if len(installed) == 1 or alike or variables.get("CUDA_DEVICE_ORDER") == "PCI_BUS_ID":
        return (int(first),)
    return tuple(range(len(installed)))


def first_visible(
    installed: Sequence[InstalledGpu], variables: Mapping[str, str]
) -> int | str | None:
    """The GPU that CUDA numbers 0, as in `candidates`; None if there is none, or it is not sure."""
    found = candidates(installed, variables)
    return found[0] if len(found) == 1 else None


def _begins(uuid: str | None, text: str) -> bool:
    return uuid is not None and uuid.lower().startswith(text.lower())
