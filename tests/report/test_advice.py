"""The sentence for each error: DX's documented codes and our own ends have one each, and what nobody documented gets a hint."""

import pytest

from dx_action.report.advice import advise

KNOWN = (
    *("not_authed", "invalid_auth", "account_inactive", "invalid_json", "required_params_missing", "repo_not_found"),
    *(
        "reference_id_conflict",
        "redirect",
        "not_ok",
        "unreadable_answer",
        "http_401",
        "http_403",
        "http_404",
        "http_422",
    ),
    *("http_429", "certificate", "connection_failed", "connection_lost", "no_answer", "request_impossible"),
    *("unauthorized_before", "order_kept", "stopped_before", "out_of_time", "cancelled", "not_configured"),
)
REFUSED = "DX refused the request, with a code that its documentation does not list."


@pytest.mark.parametrize("status", [None, 200, 422, 503])
@pytest.mark.parametrize("said", [True, False])
def test_each_known_error_has_a_sentence_of_its_own(status: int | None, said: bool) -> None:
    sentences = {advise(error, status, said=said) for error in KNOWN}
    assert len(sentences) == len(KNOWN)
    assert not [each for each in sentences if each.startswith(REFUSED) or "is unavailable" in each]


@pytest.mark.parametrize("status", [408, 500, 503, 599])
def test_a_host_that_is_down_is_called_unavailable(status: int) -> None:
    told = f"DX is unavailable: it answered every attempt with {status}. Try again later."
    assert advise(f"http_{status}", status, said=False) == advise(f"http_{status}", status, said=True) == told


@pytest.mark.parametrize("status", [None, 200, 400, 407, 409, 422, 499])
def test_an_unknown_code_is_called_one(status: int | None) -> None:
    assert advise("new_code", status, said=True) == REFUSED
    assert advise("new_code", status, said=False) == f"{REFUSED} It gave no reason."


@pytest.mark.parametrize(
    ("error", "status", "as_of"),
    [
        ("rate_limited", 429, "http_429"),
        ("forbidden", 403, "http_403"),
        ("missing_scope", 401, "http_401"),
        ("not_found", 404, "http_404"),
        # The host knows the API where it says what it does not find.
        ("deployment_not_found", 404, None),
        # Its sentence says that nothing can be read, and a code can.
        ("new_code", 422, None),
    ],
)
def test_an_unknown_code_is_told_by_its_status_where_that_says_more(error: str, status: int, as_of: str | None) -> None:
    for said in (True, False):
        told = advise(as_of, status, said=said) if as_of else None
        assert advise(error, status, said=said) == (told or f"{REFUSED}{'' if said else ' It gave no reason.'}")
