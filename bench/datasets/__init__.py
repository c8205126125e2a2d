"""Data sets: found or downloaded, parsed once, and kept in the user's cache.

Every other file in this folder defines one, as `DATASET`; so do plug-ins' files. What they share is
in `common`.

`prepare` returns a folder in the format that `bench.core.split` reads. Official files come from
the folder that FRAMEBENCH_DATA names, from earlier downloads, or from the web. Where they cannot be
obtained, a synthetic twin of the same shape can take their place.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Literal, get_args

from bench.core import plugins
from bench.core.choices import check_choice
from bench.core.errors import DataError, UsageError
from bench.core.listener import SILENT, Listener
from bench.core.plugins import Broken, Definitions
from bench.datasets.common import prepared_store, sources
from bench.datasets.common.content import Content
from bench.datasets.common.dataset import Dataset

__all__ = ["SourceKind", "broken", "load", "names", "prepare", "status"]

SourceKind = Literal["auto", "real", "synthetic"]


@cache
def _definitions() -> Definitions:
    return plugins.definitions("datasets", word="data set", attribute="DATASET", expected=Dataset)


def names() -> list[str]:
    """Every data set's name, in alphabetical order."""
    return sorted(_definitions().modules)


def load(name: str) -> Dataset:
    """The data set of that name. Raises UsageError if there is none."""
    check_choice("data set", name, names())
    dataset: Dataset = _definitions().load(name)
    return dataset


def broken() -> tuple[Broken, ...]:
    """Plug-ins' data sets that cannot be used."""
    return _definitions().broken


def _twin_folder(name: str) -> Path:
    return prepared_store.folder_for(f"{name}-synthetic", "synthetic")


def _real_folder(name: str, files: Mapping[str, Path]) -> Path:
    return prepared_store.folder_for(name, sources.identity(files.values()))


def _is_complete(name: str, files: Mapping[str, Path]) -> bool:
    return len(files) == len(load(name).files)


def _obtain(name: str, listener: Listener) -> dict[str, Path]:
    """The official files by name; missing ones are downloaded. Raises DataError if that fails."""
    dataset = load(name)
    files = sources.find(dataset)
    missing = [file for file in dataset.files if file.name not in files]
    if missing:
        from bench.datasets.common import download  # here, as an HTTP client takes long to import

        folder = sources.download_folder(name)
        for file in missing:
            files[file.name] = download.fetch(file, folder, subject=name, listener=listener)
    return {file.name: files[file.name] for file in dataset.files}


def _kept(
    folder: Path, name: str, source: str, content: Callable[[], Content], listener: Listener
) -> tuple[Path, str]:
    """A prepared folder, made of `content` unless it is intact; needs the data set's lock."""
    fault = prepared_store.fault(folder)
    if not fault:  # another process may have made it meanwhile
        return folder, ""
    replaced = f"{folder} is damaged and made anew: {fault}" if folder.exists() else ""
    doing = "generating the synthetic twin" if source == "synthetic" else "reading"
    listener.phase(name, doing)
    parsed = content()
    listener.phase(name, f"writing {folder}")
    prepared_store.save(folder, name=name, source=source, content=parsed)
    return folder, replaced


def _real(name: str, files: Mapping[str, Path], listener: Listener) -> tuple[Path, str]:
    """The prepared folder of the official files, and why an older one was replaced, or ""."""
    return _kept(
        _real_folder(name, files),
        name,
        "real",
        lambda: load(name).parse(files, listener),
        listener,
    )


def _twin(name: str, listener: Listener) -> tuple[Path, str]:
    """The prepared folder of the synthetic twin, and why an older one was replaced, or ""."""
    return _kept(_twin_folder(name), name, "synthetic", load(name).twin, listener)


def prepare(name: str, *, source: SourceKind = "auto", listener: Listener = SILENT) -> Path:
    """The data set's prepared folder, built if it is missing.

    If the official files can neither be found nor downloaded, "real" raises DataError, and "auto"
    uses the synthetic twin and gives the reason in the listener's `finished`. Damaged files raise
    DataError either way: a twin would hide the damage. Unless "synthetic" is asked for, raises
    UsageError if FRAMEBENCH_DATA names no folder.
    """
    load(name)
    if source not in get_args(SourceKind):
        raise UsageError(f"no source is called {source!r}; there are: {get_args(SourceKind)}")
    prepared = _prepare(name, source, listener)
    twin = f"SYNTHETIC twin: {prepared.why_twin}" if prepared.why_twin else ""
    listener.finished(name, "; ".join(filter(None, (twin, prepared.replaced))) or "ready")
    return prepared.folder


@dataclass(frozen=True, kw_only=True)
class _Prepared:
    """A prepared folder, why it holds the twin, and why it was made anew; "" where it does not."""

    folder: Path
    why_twin: str = ""
    replaced: str = ""


def _prepare(name: str, source: SourceKind, listener: Listener) -> _Prepared:
    """The prepared folder. The lock, which a read-only cache cannot have, is taken only to make."""
    as_asked = "as asked for"
    if source != "synthetic":
        sources.check_data_folder()  # or other data would be taken than those it was to name
        files = sources.find(load(name))
        if _is_complete(name, files) and not prepared_store.fault(_real_folder(name, files)):
            return _Prepared(folder=_real_folder(name, files))
    elif not prepared_store.fault(_twin_folder(name)):
        return _Prepared(folder=_twin_folder(name), why_twin=as_asked)
    with prepared_store.locked(name, listener):
        why_twin = as_asked if source == "synthetic" else ""
        if not why_twin:
            try:
                files = _obtain(name, listener)
            except DataError as error:
                if source == "real":
                    raise
                why_twin = f"{error}. Until then the synthetic twin stands in"
        folder, replaced = _twin(name, listener) if why_twin else _real(name, files, listener)
        return _Prepared(folder=folder, why_twin=why_twin, replaced=replaced)


def _looks_ready(folder: Path) -> bool:
    return not prepared_store.fault(folder, thorough=False)


def status(name: str) -> str:
    """Where the real data are, in one phrase. Reads, parses and downloads nothing."""
    dataset = load(name)
    files = sources.find(dataset)
    if _is_complete(name, files):
        if _looks_ready(_real_folder(name, files)):
            return "prepared"
        folders = sorted({str(path.parent) for path in files.values()})
        return f"official files found in {', '.join(folders)}"
    missing = sum(file.size for file in dataset.files if file.name not in files)
    twin = "; synthetic twin prepared" if _looks_ready(_twin_folder(name)) else ""
    return f"to be downloaded ({missing / 1e6:.1f} MB){twin}"
