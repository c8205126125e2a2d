"""Moments as texts, which may come from other time zones."""

from __future__ import annotations

from datetime import datetime, timezone


def moment(text: object) -> float:
    """The seconds since 1970 of a moment such as 2026-11-24T09:00:00+01:00; 0 for any other text.

    A moment without a time zone is taken for one in UTC.
    """
    try:
        # Python 3.10 reads no Z.
        read = datetime.fromisoformat(str(text).replace("Z", "+00:00"))
        return (read if read.tzinfo else read.replace(tzinfo=timezone.utc)).timestamp()
    except (ValueError, OverflowError):
        return 0.0
