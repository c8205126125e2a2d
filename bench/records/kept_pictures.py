"""The pictures of a run: those that its records name, in a folder beside them."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from bench.records.run_folder import PICTURES, Run
from bench.system import files


def pictures_of(run: Run) -> dict[str, bytes]:
    """The pictures that records name, as far as they are there, by their files' names."""
    measured = (record.measurement for record in run.records)
    found = {}
    for name in (picture.file for one in measured if one for picture in one.pictures):
        with suppress(OSError):
            found[name] = files.read(run.folder / PICTURES / name)
    return found


def write_pictures(folder: Path, pictures: Mapping[str, bytes]) -> None:
    """Write pictures to a run's folder, by the names that its records give them."""
    for name, content in pictures.items():
        (folder / PICTURES).mkdir(exist_ok=True)
        files.write(folder / PICTURES / name, content)
