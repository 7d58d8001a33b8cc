"""Which attempts at GitHub are repeated, by what PyGithub is given."""

from typing import Any

import pytest
from urllib3.exceptions import NewConnectionError, ProtocolError, ReadTimeoutError

from asking import Patience
from dx_action.github.retries import retries

POOL: Any = None
SILENCE = ReadTimeoutError(POOL, "/", "no answer")
LOST = ProtocolError("lost", ConnectionResetError())
UNREACHED = NewConnectionError(POOL, "not reached")


@pytest.mark.parametrize(
    ("method", "replaceable", "error", "repeated"),
    [
        ("GET", False, SILENCE, True),
        ("GET", True, SILENCE, False),
        ("POST", False, SILENCE, False),
        ("POST", True, SILENCE, False),
        *(
            (method, replaceable, error, True)
            for method in ("GET", "POST")
            for replaceable in (False, True)
            for error in (LOST, UNREACHED)
        ),
    ],
)
def test_no_answer_is_waited_for_once_if_another_look_up_needs_the_time(
    method: str, replaceable: bool, error: Exception, repeated: bool
) -> None:
    patience = Patience()
    first = retries(patience.clock, lambda: 60.0, lambda: 60.0, lambda: replaceable)
    if repeated:
        assert first.increment(method, "/x", error=error).total == first.total - 1
        return
    with pytest.raises(ReadTimeoutError):
        first.increment(method, "/x", error=error)


SLOW, DOWN = (500, 502, 504), (429, 501, 503, 599)


@pytest.mark.parametrize(
    ("method", "replaceable", "once"),
    [("GET", False, ()), ("GET", True, SLOW), ("POST", False, (502, 504)), ("POST", True, (502, 504))],
)
@pytest.mark.parametrize("status", [*SLOW, *DOWN])
def test_what_takes_too_long_is_asked_for_once(
    method: str, replaceable: bool, once: tuple[int, ...], status: int
) -> None:
    first = retries(Patience().clock, lambda: 60.0, lambda: 60.0, lambda: replaceable)
    assert first.is_retry(method, status) is (status not in once)
