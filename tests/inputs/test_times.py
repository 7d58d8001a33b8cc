"""Times as an author may write them, and as DX gets them."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dx_action.errors import InvalidValue
from dx_action.inputs.times import is_ahead, iso, parse_time, parse_time_or_none
from readers import ANY_TEXT, few, many, reads_or_refuses, shown, wrong

NOON = datetime(2025, 1, 1, 12, 5, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2025-01-01T12:05:00Z", NOON),
        ("2025-01-01t12:05:00z", NOON),
        ("2025-01-01 12:05:00Z", NOON),
        ("2025-01-01 12:05:00 +00:00", NOON),
        ("2025-01-01T12:05Z", NOON),
        ("2025-01-01T13:05:00+01:00", NOON),
        ("2025-01-01T13:05:00+0100", NOON),
        ("2025-01-01T13:05:00+01", NOON),
        ("2024-12-31T23:35:00-12:30", NOON),
        ("2025-01-01T12:05:00-00:00", NOON),
        ("2025-01-01T12:05:00.5Z", NOON.replace(microsecond=500_000)),
        ("2025-01-01T12:05:00,25Z", NOON.replace(microsecond=250_000)),
        ("2025-01-01T12:05:00.123456789Z", NOON.replace(microsecond=123_456)),
        ("2025-01-01T12:05:00.9999999Z", NOON.replace(microsecond=999_999)),
        ("2025-01-01T13:05:00.1234567+0100", NOON.replace(microsecond=123_456)),
        ("2025-01-01T12:05:00.000001 z", NOON.replace(microsecond=1)),
        ("1735733100", NOON),
        ("1735733100007", NOON.replace(microsecond=7_000)),
        ("2024-02-29T00:00:00Z", datetime(2024, 2, 29, tzinfo=UTC)),
    ],
    ids=shown,
)
def test_times(text: str, moment: datetime) -> None:
    found = parse_time(text)
    assert (found, found.tzinfo) == (moment, UTC)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("2025-01-01T12:05:00", "has no time zone"),
        ("2025-01-01 12:05", "has no time zone"),
        ("2025-01-01", "is not a time"),
        ("2025-01-01Z", "is not a time"),
        ("2025-01-01T12Z", "is not a time"),
        ("2025-01-01T12:05.5Z", "is not a time"),
        ("2025-01-01T12:05:00 UTC", "is not a time"),
        ("2025-01-01T12:05:00Z.", "is not a time"),
        ("01/02/2025 12:05:00Z", "is not a time"),
        ("Wed, 01 Jan 2025 12:05:00 GMT", "is not a time"),
        ("now", "is not a time"),
        ("", "is not a time"),
        ("-1735733100", "is not a time"),
        ("1735733100.5", "is not a time"),
        ("١٧٣٥٧٣٣١٠٠", "is not a time"),
        ("2025", "neither 10 digits"),
        ("20250101", "neither 10 digits"),
        ("173573310", "neither 10 digits"),
        ("17357331000", "neither 10 digits"),
        ("1735733100000000", "neither 10 digits"),
        ("2025-02-29T12:05:00Z", "does not exist"),
        ("2025-01-01T25:00:00Z", "does not exist"),
        ("2025-01-01T12:60:00Z", "does not exist"),
        ("2025-01-01T12:05:00+99:00", "does not exist"),
        ("0000-01-01T12:05:00Z", "does not exist"),
        ("0001-01-01T00:00:00+05:00", "does not exist"),
        ("9999-12-31T23:00:00-05:00", "does not exist"),
    ],
    ids=shown,
)
def test_no_times(text: str, words: str) -> None:
    assert words in wrong(parse_time, text)


@pytest.mark.parametrize(
    ("text", "moment"), [("1735733100", NOON), ("2025-01-01", None), ("", None), (None, None)], ids=shown
)
def test_times_or_none(text: str | None, moment: datetime | None) -> None:
    assert parse_time_or_none(text) == moment


@pytest.mark.parametrize(
    ("moment", "text"),
    [
        (NOON, "2025-01-01T12:05:00Z"),
        (NOON.replace(microsecond=250_000), "2025-01-01T12:05:00.250Z"),
        (NOON.replace(microsecond=1), "2025-01-01T12:05:00.000001Z"),
        (datetime(2025, 1, 1, 1, 5, tzinfo=timezone(timedelta(hours=-11))), "2025-01-01T12:05:00Z"),
    ],
    ids=["seconds", "milliseconds", "microseconds", "another zone"],
)
def test_iso(moment: datetime, text: str) -> None:
    assert iso(moment) == text


FIRST, LAST = datetime(2, 1, 1, tzinfo=UTC), datetime(9998, 1, 1, tzinfo=UTC)
minutes_off = st.integers(-23 * 60, 23 * 60)


@few
@given(st.datetimes(FIRST.replace(tzinfo=None), LAST.replace(tzinfo=None)), minutes_off)
def test_times_round_trip(wall: datetime, minutes: int) -> None:
    moment = wall.replace(tzinfo=timezone(timedelta(minutes=minutes)))
    assert parse_time(moment.isoformat()) == moment
    assert parse_time(iso(moment)) == moment
    assert iso(parse_time(iso(moment))) == iso(moment)


@few
@given(st.integers(10**9, 10**10 - 1), st.integers(0, 999))
def test_unix_times(seconds: int, milliseconds: int) -> None:
    epoch = datetime(1970, 1, 1, tzinfo=UTC)
    assert parse_time(str(seconds)) == epoch + timedelta(seconds=seconds)
    assert parse_time(f"{seconds}{milliseconds:03}") == epoch + timedelta(seconds=seconds, milliseconds=milliseconds)


@many
@given(ANY_TEXT)
def test_any_text_is_read_or_wrong(text: str) -> None:
    reads_or_refuses(parse_time, text)


CLOCK = datetime(2025, 3, 10, 9, 30, 15, 123456, tzinfo=UTC)
DAY, TEN = timedelta(days=1), timedelta(minutes=10)
INSTANT = timedelta(microseconds=1)


@pytest.mark.parametrize(
    ("moment", "ahead"),
    [
        (datetime(2000, 1, 1, tzinfo=UTC), False),
        (CLOCK - DAY, False),
        (CLOCK, False),
        (CLOCK + TEN, False),
        (CLOCK + TEN + INSTANT, True),
        (CLOCK + timedelta(hours=2), True),
        (CLOCK + DAY, True),
        ((CLOCK + TEN + INSTANT).astimezone(timezone(timedelta(hours=-9))), True),
    ],
    ids=str,
)
def test_a_deployment_may_be_a_little_ahead_of_the_clock(moment: datetime, ahead: bool) -> None:
    assert is_ahead(moment, CLOCK) is ahead


@pytest.mark.parametrize(
    ("moment", "says"),
    [
        *(
            (datetime(year, 12, 31, 23, 59, 59, tzinfo=UTC), "is before the year 2000. Write a time")
            for year in (1, 1970, 1999)
        ),
        (parse_time("0735733100"), "is before the year 2000"),
        *(
            (moment, "is more than a day ahead of the runner's clock, which says 2025-03-10T09:30:15Z. Write a time")
            for moment in (CLOCK + DAY + INSTANT, datetime(2099, 1, 1, tzinfo=UTC), datetime(9999, 12, 31, tzinfo=UTC))
        ),
    ],
    ids=str,
)
def test_a_time_that_nobody_can_have_meant(moment: datetime, says: str) -> None:
    with pytest.raises(InvalidValue) as caught:
        is_ahead(moment, CLOCK)
    assert str(caught.value).startswith(says)
