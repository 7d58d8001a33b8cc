"""An error says what is wrong with what, also where only its text is looked at."""

from typing import get_args

import pytest

from dx_action.errors import (
    OUTAGES,
    ActionError,
    BadInput,
    Cause,
    FailOnError,
    Failure,
    InvalidValue,
    Level,
    Problem,
    Server,
    is_cause,
    is_final,
    naming_input,
)

# Each cause: whether it is an outage, and whether no other attempt is made.
CAUSES: dict[Cause, tuple[bool, bool]] = {
    "name_not_found": (True, False),
    "connection_refused": (True, False),
    "connection_timed_out": (True, False),
    "connection_failed": (True, False),
    "tls_failed": (True, False),
    "connection_lost": (True, False),
    "no_answer": (True, False),
    "certificate_untrusted": (False, True),
    "certificate_expired": (False, True),
    "certificate_not_yet_valid": (False, True),
    "certificate_wrong_name": (False, True),
    "proxy_name_not_found": (False, False),
    "proxy_refused": (False, False),
    "proxy_timed_out": (False, False),
    "proxy_password": (False, False),
    "proxy_denied": (False, False),
    "proxy_failed": (True, False),
    "proxy_broken": (False, False),
    "proxy_certificate": (False, True),
    "proxy_unusable": (False, True),
}


def test_every_cause_is_tried() -> None:
    assert tuple(CAUSES) == get_args(Cause)


@pytest.mark.parametrize("cause", CAUSES)
def test_what_a_cause_means(cause: Cause) -> None:
    assert (cause in OUTAGES, is_final(cause)) == CAUSES[cause]
    assert is_cause(cause)
    assert not is_cause(f"{cause}.")


@pytest.mark.parametrize("cause", CAUSES)
def test_the_sentence_of_a_cause_names_who_is_concerned(cause: Cause) -> None:
    host, proxy = "dx.test:443", "squid.test:3128"
    direct = Server(host, "dx-host").sentence(cause)
    through = Server(host, "dx-host", proxy).sentence(cause)
    for text in (direct, through):
        assert text.endswith(".")
        assert not {"{", "}"} & set(text)
    if cause.startswith("proxy_"):
        assert f"{host} (through" not in through
        assert proxy in through or cause == "proxy_unusable"
    else:
        assert through == direct.replace(host, f"{host} (through the proxy {proxy})", 1)
        assert direct.count(host) == 1


def test_who_does_not_answer() -> None:
    lead = "a.test did not answer in time. "
    dx = f"{lead}Raise `timeout` if DX is slow; otherwise check whether it is down."
    assert Server("a.test", "dx-host").sentence("no_answer") == dx
    assert Server("a.test", "GITHUB_API_URL").sentence("no_answer") == f"{lead}Check whether it is down."
    found = Server("a.test", "GITHUB_API_URL").sentence("connection_refused")
    assert found.startswith("a.test refused the connection. Check `GITHUB_API_URL`, the network")


LEVELS: dict[FailOnError, tuple[Level, Level]] = {
    "true": ("error", "error"),
    "false": ("warning", "warning"),
    "except-outages": ("error", "warning"),
}


@pytest.mark.parametrize("fail_on_error", get_args(FailOnError))
def test_what_fails_the_step(fail_on_error: FailOnError) -> None:
    levels = tuple(Failure("x", outage).level(fail_on_error) for outage in (False, True))
    assert levels == LEVELS[fail_on_error]
    assert Problem("a", "is b.", outage=True).failure == Failure("`a` is b.", outage=True)
    assert Problem("a", "is b.").failure == Failure("`a` is b.")


def test_a_line_is_named_before_the_cure() -> None:
    assert str(InvalidValue.at(3, "is wrong", "Write it.")) == "is wrong (line 3). Write it."
    assert str(InvalidValue.at(3, "is wrong")) == "is wrong (line 3)."


def test_a_problem_is_a_sentence_about_an_input() -> None:
    assert str(Problem("service", "is missing.")) == "`service` is missing."
    assert BadInput.of("service", "is missing.").problems == (Problem("service", "is missing."),)


def test_the_text_of_an_error_has_all_of_them() -> None:
    error = ActionError(Problem("service", "is missing."), Problem("timeout", "is no number."))
    assert str(error) == "`service` is missing.; `timeout` is no number."


def test_an_error_names_its_input() -> None:
    with pytest.raises(BadInput) as caught, naming_input("ca-bundle", "cannot be used: "):
        raise InvalidValue("is empty.")
    assert caught.value.problems == (Problem("ca-bundle", "cannot be used: is empty."),)
    assert caught.value.__cause__ is None
    with naming_input("ca-bundle"):
        pass
