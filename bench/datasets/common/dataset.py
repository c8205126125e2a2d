"""A data set: where its official files are, how they are read, and a synthetic twin."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from bench.core.listener import Listener
from bench.datasets.common.content import Content


@dataclass(frozen=True, kw_only=True)
class OfficialFile:
    """One file of an official download; `md5` and `size` (bytes) are those of the download.

    `md5` is None where the publisher packs it anew from time to time; `size` is then the most that
    it may have, and the content alone decides.

    `accepts` lists file patterns, best first, that are read in its place if they are in a user's
    folder; `unpacked` is the folder to which the archive unpacks. Their content
    decides whether they are official, because a repacked archive has another checksum.
    """

    name: str
    urls: tuple[str, ...]
    md5: str | None
    size: int
    accepts: tuple[str, ...]
    unpacked: str | None = None


@dataclass(frozen=True, kw_only=True)
class Dataset:
    """One data set: all that framebench knows about it.

    `folders` are patterns of the folders that are searched for its official `files`. `parse` reads
    those, by their official names; `twin` makes data of the same shapes, types and counts.
    """

    name: str
    folders: tuple[str, ...]
    files: tuple[OfficialFile, ...]
    parse: Callable[[Mapping[str, Path], Listener], Content]
    twin: Callable[[], Content]
