"""A shard: the part of a run that one machine of several measures."""

from __future__ import annotations

import re
from dataclasses import dataclass

from bench.core.errors import UsageError

# More shards than a run can have blocks of a task are a slip of the keyboard.
MOST = 1_000_000


@dataclass(frozen=True, kw_only=True)
class Shard:
    """Every `count`-th block of a task of a run, from the `number`-th on; the first is 1."""

    number: int
    count: int

    def __str__(self) -> str:
        return f"{self.number}/{self.count}"

    def has(self, position: int) -> bool:
        """Whether the block of a task at this position of the whole run, from 0, belongs to it."""
        return position % self.count == self.number - 1

    @staticmethod
    def parse(text: str) -> Shard:
        """The shard that "3/8" names: the third of eight. Raises UsageError for any other text."""
        match = re.fullmatch(r"(\d{1,7})/(\d{1,7})", text.strip(), re.ASCII)
        if not match:
            raise UsageError(f"--shard {text!r} is not a shard: write 3/8 for the third of eight")
        shard = Shard(number=int(match[1]), count=int(match[2]))
        shard.check()
        return shard

    def check(self) -> None:
        """Raises UsageError for a shard that cannot be."""
        if not 1 <= self.count <= MOST:
            raise UsageError(f"--shard {self}: there must be between 1 and {MOST:,} shards")
        if not 1 <= self.number <= self.count:
            raise UsageError(
                f"--shard {self}: the shards of {self.count} are 1/{self.count} to "
                f"{self.count}/{self.count}"
            )
