"""Points in time: as an author may write them, and as DX is sent them. Pure."""

import re
from datetime import UTC, datetime, timedelta

from dx_action.errors import InvalidValue

_ISO = re.compile(
    r"(\d{4}-\d\d-\d\d)[Tt ](\d\d:\d\d)(?:(:\d\d)(?:[.,](\d{1,9}))?)? ?([Zz]|[+-]\d\d(?::?\d\d)?)?", re.ASCII
)
# Whatever was deployed before counts in no metric: such a time is a slip, as 0 or a number of another unit is.
_EARLIEST = datetime(2000, 1, 1, tzinfo=UTC)
_AHEAD, _IMPOSSIBLE = timedelta(minutes=10), timedelta(days=1)
AHEAD = "more than 10 minutes ahead of the runner's clock, and DX takes it as it is. Check the time, its zone and the clock."
_ADVICE = "Write a time with its zone, as in 2025-01-01T12:05:00Z, or Unix seconds or milliseconds."


def parse_time(text: str) -> datetime:
    """Read ISO-8601 with a zone, Unix seconds (10 digits) or milliseconds (13 digits) as UTC.

    Raises InvalidValue for anything else: a time without a zone would be another moment on every machine.
    """
    if text.isascii() and text.isdigit():
        if len(text) == 10:
            return datetime.fromtimestamp(int(text), UTC)
        if len(text) == 13:
            return datetime.fromtimestamp(int(text) // 1000, UTC).replace(microsecond=int(text) % 1000 * 1000)
        raise InvalidValue(f"is a number with neither 10 digits (Unix seconds) nor 13 (Unix milliseconds). {_ADVICE}")
    match = _ISO.fullmatch(text)
    if match is None:
        raise InvalidValue(f"is not a time that can be read. {_ADVICE}")
    day, minute, second, fraction, zone = match.groups()
    if zone is None:
        raise InvalidValue(f"has no time zone. {_ADVICE}")
    try:
        moment = datetime.fromisoformat(f"{day}T{minute}{second or ':00'}.{fraction or '0'}{zone.upper()}")
        return moment.astimezone(UTC)
    except (ValueError, OverflowError):
        raise InvalidValue(f"has a day, an hour or a zone that does not exist. {_ADVICE}") from None


def is_ahead(moment: datetime, now: datetime) -> bool:
    """Return whether a deployment's time is more than ten minutes ahead of the clock.

    Raises InvalidValue if it is more than a day ahead, or before 2000: DX would take it as it is.
    """
    if moment < _EARLIEST:
        raise InvalidValue(f"is before the year 2000. {_ADVICE}")
    if moment - now > _IMPOSSIBLE:
        clock = iso(now.replace(microsecond=0))
        raise InvalidValue(f"is more than a day ahead of the runner's clock, which says {clock}. {_ADVICE}")
    return moment - now > _AHEAD


def parse_time_or_none(text: str | None) -> datetime | None:
    """Read the same; None if there is no text, or it is no such time."""
    try:
        return parse_time(text) if text else None
    except InvalidValue:
        return None


def iso(moment: datetime) -> str:
    """Return the moment as DX's page asks: ISO-8601 in UTC, to the second, or finer if the moment is."""
    moment = moment.astimezone(UTC)
    spec = "milliseconds" if moment.microsecond % 1000 == 0 else "microseconds"
    return moment.isoformat(timespec="seconds" if moment.microsecond == 0 else spec).replace("+00:00", "Z")
