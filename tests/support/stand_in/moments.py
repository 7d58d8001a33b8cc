"""Owns how a moment is written: seconds since 1970 inside, GitHub's text outside."""

from datetime import UTC, datetime

When = int | str | datetime


def seconds(when: When) -> int:
    """Read a moment given as Unix seconds, as ISO-8601 with a zone, or as an aware datetime."""
    if isinstance(when, int):
        return when
    moment = datetime.fromisoformat(when) if isinstance(when, str) else when
    if moment.tzinfo is None:
        raise ValueError(f"{when!r} has no zone")
    return int(moment.timestamp())


def text(moment: int) -> str:
    """Write a moment as GitHub does."""
    return datetime.fromtimestamp(moment, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def optional(moment: int | None) -> str | None:
    """Write a moment that there may not be."""
    return None if moment is None else text(moment)
