"""The message on each kind of failure, sentence by sentence, and on what DX held already."""

import re
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import get_args

import pytest

from builders import inputs, resolved
from dx_action.deployment.calls import Call, Method, Outcome, Result, serialise
from dx_action.errors import Cause, Failure, Problem
from dx_action.report.failures import (
    ADVICE,
    advise,
    conflicts,
    failures,
    is_absent,
    is_outage,
    limited,
    message,
    unset_services,
)

# The bounds, as literals: what the code has must be these.
MOST_KINDS, MOST_NAMES, LONGEST = 7, 10, 500


FILE = {"failed-file": "out/f.jsonl"}
WHY = advise("repo_not_found", 422, said=True)
EVENTS, JOBS = "pull_request_merged", "push_branch"
PULL, OTHER_PULL = "pull request #7", "pull request #8"
BY_ID = "the pull request of id 77"


def result(
    of: str,
    outcome: Outcome = "failed",
    error: str = "repo_not_found",
    message: str = "",
    body: Mapping[str, object] = MappingProxyType({}),
) -> Result:
    is_pull = of.startswith(("pull", "the pull"))
    sent = serialise({"services": [{"identifier": "web"}], **body}) if is_pull else b"{}"
    call = Call("deployments.setPullServices" if is_pull else "deployments.create", "" if is_pull else of, "r", sent)
    return Result(call._replace(subject=of) if is_pull else call, outcome, 422, error, message)


def texts(found: Sequence[Failure]) -> list[str]:
    return [each.text for each in found]


def messages(
    results: Sequence[Result], total: int, given: dict[str, str] | None = None, event: str = EVENTS
) -> list[str]:
    """Give the messages on these, of so many calls: the others are deployments, and accepted."""
    others = [result("other", "accepted", "")] * (total - len(results))
    return texts(failures([*results, *others], inputs(given), resolved(event)))


@pytest.mark.parametrize(
    ("of", "outcome", "total", "starts"),
    [
        (["web"], "failed", 1, "DX did not register web: "),
        (["web"], "unknown", 1, "It is unknown whether DX registered web: "),
        (["web"], "not-sent", 1, "DX did not register web: "),
        (["web"], "failed", 2, "DX did not register 1 of 2 deployments (web): "),
        (["web", "cart"], "unknown", 3, "It is unknown whether DX registered 2 of 3 deployments (web, cart): "),
        ([PULL], "failed", 3, "DX did not set the services of pull request #7: "),
        ([PULL, OTHER_PULL], "unknown", 3, f"It is unknown whether DX set the services of {PULL}, {OTHER_PULL}: "),
        (["s" * 90], "failed", 1, f"DX did not register {'s' * 79}…: "),
    ],
)
def test_what_failed(of: list[str], outcome: Outcome, total: int, starts: str) -> None:
    (message,) = messages([result(each, outcome) for each in of], total)
    assert message.startswith(f"{starts}repo_not_found. {WHY}")


def test_pull_requests_and_deployments_are_told_apart() -> None:
    found = messages([result("web"), result(PULL), result("cart"), result("web", "unknown")], 4)
    assert [each.partition(":")[0] for each in found] == [
        "DX did not register 2 of 3 deployments (web, cart)",
        "DX did not set the services of pull request #7",
        "It is unknown whether DX registered 1 of 3 deployments (web)",
    ]


@pytest.mark.parametrize(
    ("failed", "accepted", "told"),
    [
        (["web", "cart"], [PULL], "DX did not register 2 of 2 deployments (web, cart)"),
        (["web"], [PULL], "DX did not register web"),
        (["web"], [PULL, OTHER_PULL, "cart"], "DX did not register 1 of 2 deployments (web)"),
        ([PULL], ["web"], "DX did not set the services of pull request #7"),
    ],
)
def test_a_call_about_a_pull_request_is_counted_as_no_deployment(
    failed: list[str], accepted: list[str], told: str
) -> None:
    results = [*(result(each, "accepted", "") for each in accepted), *map(result, failed)]
    (message,) = texts(failures(results, inputs(), resolved(EVENTS)))
    assert message.partition(":")[0] == told


def test_what_a_refused_token_stopped_is_told_with_that_and_with_nothing_else() -> None:
    rest = [result(each, "not-sent", "unauthorized_before") for each in ("cart", "jobs")]
    first, second = messages([result("web"), result("api", error="invalid_auth"), *rest], 4)
    assert first.startswith("DX did not register 1 of 4 deployments (web): repo_not_found. ")
    assert second.startswith("DX did not register 3 of 4 deployments (api, cart, jobs): invalid_auth. ")


REFUSED = advise("http_401", 401, said=True)


@pytest.mark.parametrize(
    ("first", "starts"),
    [
        (PULL, f"DX did not accept 3 of 3 calls ({PULL}, web, cart): http_401. {REFUSED}"),
        ("api", f"DX did not register 3 of 3 deployments (api, web, cart): http_401. {REFUSED}"),
    ],
)
def test_what_a_refused_token_stopped_is_one_message(first: str, starts: str) -> None:
    rest = [result(each, "not-sent", "unauthorized_before") for each in ("web", "cart")]
    (message,) = messages([result(first, error="http_401"), *rest], 3)
    assert message == starts


def test_it_may_have_been_taken_where_that_is_not_known() -> None:
    first, *rest = (result(PULL, "unknown", "http_403"), result("web", "not-sent", "unauthorized_before"))
    (message,) = messages([first, *rest], 2)
    assert message.startswith(f"It is unknown whether DX accepted 2 of 2 calls ({PULL}, web): http_403. ")


def test_nothing_else_is_told_with_a_refused_token() -> None:
    found = messages([result("api", error="http_401"), result("web", "not-sent", "out_of_time")], 2)
    assert [each.partition(".")[0].rpartition(" ")[2] for each in found] == ["http_401", "out_of_time"]


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ("", ""),
        ("no", " DX says: “no”."),
        ("no.", " DX says: “no.”"),
        ("no!", " DX says: “no!”"),
        ("no?", " DX says: “no?”"),
        ("no…", " DX says: “no…”"),
        ("x" * 2 * LONGEST, f" DX says: “{'x' * (LONGEST - 1)}…”"),
    ],
)
def test_dx_own_words_end_as_a_sentence(said: str, told: str) -> None:
    assert messages([result("web", message=said)], 1) == [f"DX did not register web: repo_not_found. {WHY}{told}"]


def test_a_code_of_dx_own_is_cut() -> None:
    (message,) = messages([result("web", error="e" * 200)], 1)
    assert message.startswith(f"DX did not register web: {'e' * 99}…. DX rejected the request")
    assert message.endswith("DX gave no reason.")
    (message,) = messages([result("web", error="No `x”y`\n" + "e" * 200)], 1)
    assert message.startswith(f'DX did not register web: “No `x"y`\\n{"e" * 90}…”. DX rejected the request')
    (message,) = messages([result("web", error="e", message="Why")], 1)
    assert message.endswith("does not list. DX says: “Why”.")


ONLY_HEAD = "Repeat only this call, and no deployment:"
ONLY = f"{ONLY_HEAD} run `operation: set-pull-services` with"
ONLY_ALL = ONLY.replace("this call", "these calls")
AGAIN = "DX may have registered it. Send the same request again from"
AGAIN_ALL = "DX may have registered them. Send the same requests again from"
ONCE = "its `reference_id` is registered only once."
KEEP = "Another run has another id. To keep this one, set `reference-id: {}` and `deployed-at: 2025-03-10T09:30:15Z` there."
KEEP_IT = KEEP.format("github.com/run/13654800333/1/deploy/0/1cd94baefdd2/shop")
NO_RERUN = "Do not re-run the job for that: it would register another deployment."
SAVED = "saved in out/f.jsonl, ready to be sent as a `backfill-file`"


@pytest.mark.parametrize(
    ("of", "outcome", "given", "event", "ends"),
    [
        (["web"], "failed", {}, EVENTS, ""),
        (["web"], "failed", {}, JOBS, f" {KEEP_IT}"),
        (["web"], "not-sent", {}, JOBS, f" {KEEP_IT}"),
        (["web"], "failed", {"reference-id": "x"}, JOBS, ""),
        (["web"], "failed", FILE, JOBS, f" The request is {SAVED}. {KEEP_IT}"),
        (["web", "cart"], "failed", FILE, JOBS, f" The requests are {SAVED}. {KEEP_IT}"),
        (["web"], "unknown", {}, EVENTS, f" {AGAIN} the log or the summary: {ONCE}"),
        (["web"], "unknown", FILE, EVENTS, f" {AGAIN} out/f.jsonl: {ONCE}"),
        (
            ["web", "cart"],
            "unknown",
            {},
            EVENTS,
            f" {AGAIN_ALL} the log or the summary: {ONCE.replace('its', 'each')}",
        ),
        (["web"], "unknown", {}, JOBS, f" {AGAIN} the log or the summary: {ONCE} {NO_RERUN} {KEEP_IT}"),
        (["web"], "unknown", {"reference-id": "x"}, JOBS, f" {AGAIN} the log or the summary: {ONCE}"),
        ([PULL], "failed", {}, JOBS, f" {ONLY} its `pull-number` and the same services."),
        ([BY_ID], "failed", {}, JOBS, f" {ONLY} its `pull-id` and the same services."),
        ([PULL, OTHER_PULL], "failed", {}, JOBS, f" {ONLY_ALL} the `pull-number` and the services of each."),
        (
            [PULL],
            "unknown",
            FILE,
            JOBS,
            f" {ONLY} its `pull-number` and the same services. The request is {SAVED}.",
        ),
    ],
)
def test_what_to_do(of: list[str], outcome: Outcome, given: dict[str, str], event: str, ends: str) -> None:
    (message,) = messages([result(each, outcome) for each in of], len(of), given, event)
    assert message.partition(WHY)[2] == ends


@pytest.mark.parametrize(
    ("services", "given"),
    [("web", "/web"), ("web,cart", ""), ("a/b,b", ""), ("b,a/b", "")],
)
def test_the_id_to_give_makes_the_same_ids(services: str, given: str) -> None:
    first = resolved(JOBS, {"service": services})
    (message,) = texts(failures([result("web")], inputs(), first))
    assert message.endswith(KEEP.format(f"github.com/run/13654800333/1/deploy/0/1cd94baefdd2{given}"))
    written = {"service": services, **dict(re.findall(r"`([a-z-]+): ([^`]+)`", message))}
    again = resolved("schedule", written | {"commit-sha": first.commit.value if first.commit else ""})
    assert again.reference_ids.value == first.reference_ids.value
    assert again.deployed_at.value == first.deployed_at.value


def test_how_to_keep_the_id_is_said_once() -> None:
    found = failures([result(PULL), result("web"), result("cart", "unknown")], inputs(), resolved(JOBS))
    assert [KEEP_IT in text for text in texts(found)] == [False, True, False]


CLEARED = {"services": [], "replace": True}
CLEAR, CLEAR_ALL = ONLY_HEAD, ONLY_HEAD.replace("this call", "these calls")


@pytest.mark.parametrize(
    ("of", "bodies", "given", "ends"),
    [
        (
            [PULL],
            [{"replace": True}],
            {},
            f" {ONLY} its `pull-number`, the same services and `replace-pull-services: true`.",
        ),
        (
            [PULL, OTHER_PULL],
            [{"replace": True}] * 2,
            {},
            f" {ONLY_ALL} the `pull-number`, the services of each and `replace-pull-services: true`.",
        ),
        # No input says that there is no service.
        (
            [PULL],
            [CLEARED],
            {},
            f" {CLEAR} run this step again with the same inputs, or send its request from the log or the summary.",
        ),
        (
            [PULL],
            [CLEARED],
            FILE,
            f" {CLEAR} run this step again with the same inputs, or send its request, which is {SAVED}.",
        ),
        (
            [PULL, OTHER_PULL],
            [{"replace": True}, CLEARED],
            {},
            f" {CLEAR_ALL} run this step again with the same inputs, or send their requests from the log or the summary.",
        ),
        (
            [PULL, OTHER_PULL],
            [CLEARED, CLEARED],
            FILE,
            f" {CLEAR_ALL} run this step again with the same inputs, or send their requests, which are {SAVED}.",
        ),
    ],
)
def test_how_pull_requests_are_told_again(
    of: list[str], bodies: list[dict[str, object]], given: dict[str, str], ends: str
) -> None:
    told = [result(each, body=body) for each, body in zip(of, bodies, strict=True)]
    (message,) = texts(failures(told, inputs(given), resolved(JOBS)))
    assert message.partition(WHY)[2] == ends


@pytest.mark.parametrize(
    ("event", "given", "again"),
    [(EVENTS, {}, True), (JOBS, {}, False), (JOBS, {"reference-id": "x"}, True)],
)
def test_a_step_whose_deployments_would_be_doubled_is_not_to_run_again(
    event: str, given: dict[str, str], again: bool
) -> None:
    results = [result(PULL, body=CLEARED), result("web", "accepted", "")]
    (message,) = texts(failures(results, inputs(given), resolved(event, given)))
    how = "run this step again with the same inputs, or " if again else ""
    assert message.endswith(f" {CLEAR} {how}send its request from the log or the summary.")


@pytest.mark.parametrize(("outcome", "kept"), [("failed", True), ("unknown", False)])
def test_where_the_requests_are_kept_is_said_once(outcome: Outcome, kept: bool) -> None:
    """What a refused token stopped is told with the call about a pull request, here one that clears a list."""
    first, second = result(PULL, outcome, "http_403", body=CLEARED), result("web", "not-sent", "unauthorized_before")
    (message,) = messages([first, second], 2, FILE)
    assert message.count("out/f.jsonl") == 1
    assert message.endswith(f" The requests are {SAVED}.") is kept


@pytest.mark.parametrize(("count", "more"), [(MOST_NAMES, ""), (MOST_NAMES + 2, " and 2 more")])
def test_names_are_listed_up_to_ten(count: int, more: str) -> None:
    (message,) = messages([result(f"s{number}") for number in range(count)], count)
    names = ", ".join(f"s{number}" for number in range(10))
    assert message.startswith(f"DX did not register {count} of {count} deployments ({names}{more}): ")


@pytest.mark.parametrize(
    ("kinds", "told", "last"),
    [(7, 7, None), (8, 7, "2 more kinds of failure: see the summary and the log."), (9, 7, "3 more")],
)
def test_more_kinds_than_the_runner_shows_are_counted(kinds: int, told: int, last: str | None) -> None:
    found = messages([result("web", error=f"code_{number}") for number in range(kinds)], kinds)
    assert len(found) == told == MOST_KINDS
    assert ": code_5. " in found[5]
    assert found[-1].startswith(last or f"DX did not register 1 of {kinds} deployments (web): code_6. ")


def test_what_kept_pull_requests_from_being_told() -> None:
    registration = resolved(JOBS)
    assert unset_services(registration) == []
    (message,) = texts(unset_services(registration._replace(problems=(Problem("pull-number", "is missing."),))))
    assert message == (
        "The services of the pull request could not be set: `pull-number` is missing. The deployment itself is not "
        "affected. Once this is fixed, run `operation: set-pull-services`."
    )


def test_what_dx_holds_already_is_named() -> None:
    held = [result("web", "already-registered"), result("cart", "accepted"), result("api", "already-registered")]
    ((level, text),) = conflicts(resolved(JOBS), inputs(), held)
    assert level == "warning"
    assert text.startswith(
        "The deployments of web, api are already registered in DX under the same `reference_id` with other values, which DX keeps."
    )


@pytest.mark.parametrize(
    ("held", "verb"), [(["web"], "deployment of web is"), (["web", "api"], "deployments of web, api are")]
)
def test_what_the_same_event_has_registered_is_no_warning(held: list[str], verb: str) -> None:
    already = [result(name, "already-registered") for name in held]
    ((level, text),) = conflicts(resolved(EVENTS), inputs(), already)
    assert level == "notice"
    assert text.startswith(f"The {verb} already registered in DX")
    assert "That is expected if the same event is handled again." in text
    assert conflicts(resolved(EVENTS), inputs(), [result("web", "accepted", "")]) == ()


@pytest.mark.parametrize(
    ("method", "outcome", "error", "words", "absent"),
    [
        ("deployments.delete", "accepted", "deployment_not_found", "", True),
        ("deployments.delete", "accepted", "", "action: none", True),
        ("deployments.delete", "accepted", "", "", False),
        ("deployments.delete", "failed", "deployment_not_found", "", False),
        ("deployments.delete", "unknown", "no_answer", "", False),
        ("deployments.update", "accepted", "deployment_not_found", "action: none", False),
        ("deployments.create", "already-registered", "reference_id_taken", "", False),
    ],
)
def test_only_a_deletion_finds_nothing_and_is_done(
    method: Method, outcome: Outcome, error: str, words: str, absent: bool
) -> None:
    assert is_absent(Result(Call(method, "web", "r", b"{}"), outcome, 200, error, words)) is absent


CORRECTS = "if it corrects the first one, set `on-conflict: update`."
BY_HAND = (
    " The id comes from the input `reference-id`. One of these values may be `success`, which is `true` in this step. "
    "If this is another deployment, set another `reference-id`: in a matrix, add what differs between its legs, as in "
    f"`${{{{ matrix.service }}}}`; {CORRECTS}"
)


@pytest.mark.parametrize(
    ("given", "ends"),
    [
        ({"reference-id": "build-7"}, BY_HAND),
        ({"reference-id": "build-7", "job-index": "0"}, BY_HAND),
        ({"reference-id": "build-7", "job-index": "2"}, f" This is the matrix leg of index 2.{BY_HAND}"),
        ({"reference-id": "build-7", "job-index": "10"}, f" This is the matrix leg of index 10.{BY_HAND}"),
        ({"reference-id": "build-7", "job-index": "x"}, BY_HAND),
        (
            {"job-index": "2"},
            f" The id comes from this job. If this is another deployment, set another `reference-id`; {CORRECTS}",
        ),
    ],
    ids=str,
)
def test_an_id_that_several_legs_share_is_told_with_what_to_add(given: dict[str, str], ends: str) -> None:
    """The second leg is green, and its deployment is not in DX."""
    ((level, text),) = conflicts(resolved(JOBS, given), inputs(given), [result("web", "already-registered")])
    assert level == "warning"
    whole = "The deployment of web is already registered in DX under the same `reference_id` with other values, which DX keeps."
    assert text == whole + ends
    failed = given | {"success": "false"}
    ((_, text),) = conflicts(resolved(JOBS, failed), inputs(failed), [result("web", "already-registered")])
    if "reference-id" in given:  # what DX has may be a success
        assert text == whole + ends.replace("`true`", "`false`")
    else:
        assert text == whole.replace("The deployment", "The failed deployment") + ends


# The sentence for each error.

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
    *("http_429", "request_impossible", *get_args(Cause)),
    *("deployment_not_found", "deployment_not_api_managed", "invalid_reference_id"),
    *("unauthorized_before", "order_kept", "stopped_before", "out_of_time", "cancelled", "not_configured"),
)
UNLISTED = "DX rejected the request with an error code that its documentation does not list."


def test_why_there_is_no_answer_is_our_own_sentence() -> None:
    said = "The name dx.example.test was not found. Check `dx-host`."
    assert message("DX did not register web", "name_not_found", None, said) == (
        f"DX did not register web: name_not_found. {said}"
    )
    assert message("DX did not register web", "no_answer", None, "").endswith(f": no_answer. {ADVICE['no_answer']}")
    assert message("DX did not register web", "odd", 422, said).endswith(f" DX says: “{said}”")


@pytest.mark.parametrize("status", [None, 200, 422, 503])
@pytest.mark.parametrize("said", [True, False])
def test_each_known_error_has_a_sentence_of_its_own(status: int | None, said: bool) -> None:
    assert sorted(ADVICE) == sorted(KNOWN)
    sentences = {advise(error, status, said=said) for error in KNOWN}
    assert len(sentences) == len(KNOWN)
    assert not [each for each in sentences if each.startswith(UNLISTED) or "is unavailable" in each]


@pytest.mark.parametrize("status", [408, 500, 503, 599])
def test_a_host_that_is_down_is_called_unavailable(status: int) -> None:
    told = f"DX is unavailable: it answered every attempt with HTTP {status}. Try again later."
    assert advise(f"http_{status}", status, said=False) == advise(f"http_{status}", status, said=True) == told


@pytest.mark.parametrize("status", [None, 200, 400, 407, 409, 422, 499])
def test_an_unknown_code_is_called_one(status: int | None) -> None:
    assert advise("new_code", status, said=True) == UNLISTED
    assert advise("new_code", status, said=False) == f"{UNLISTED} DX gave no reason."


@pytest.mark.parametrize("status", [400, 402, 405, 409, 410, 413, 499])
def test_an_answer_without_a_code_is_not_said_to_have_one(status: int) -> None:
    told = f"DX rejected the request with HTTP {status} and no error code. Check the inputs against the data in DX."
    assert advise(f"http_{status}", status, said=False) == advise(f"http_{status}", status, said=True) == told


@pytest.mark.parametrize(
    ("error", "status", "as_of"),
    [
        ("rate_limited", 429, "http_429"),
        ("forbidden", 403, "http_403"),
        ("missing_scope", 401, "http_401"),
        ("not_found", 404, "http_404"),
        # The host knows the API where it says what it does not find.
        ("service_not_found", 404, None),
        # Its sentence says that nothing can be read, and a code can.
        ("new_code", 422, None),
    ],
)
def test_an_unknown_code_is_told_by_its_status_where_that_says_more(error: str, status: int, as_of: str | None) -> None:
    for said in (True, False):
        told = advise(as_of, status, said=said) if as_of else None
        assert advise(error, status, said=said) == (told or f"{UNLISTED}{'' if said else ' DX gave no reason.'}")


# What fails the step with `except-outages`: every end of a call that the code knows, by DX's status and the error.
SILENT = (
    *("name_not_found", "connection_refused", "connection_timed_out", "connection_failed", "tls_failed"),
    # A proxy that works, and says that it cannot reach the server; one that does not work has to be corrected.
    *("connection_lost", "no_answer", "proxy_failed"),
)
NO_ANSWER = {
    **{cause: cause in SILENT for cause in get_args(Cause)},
    "request_impossible": False,
}
REASONS = {
    # What follows from an outage, or from a failure that fails the step itself.
    **dict.fromkeys(("order_kept", "stopped_before", "out_of_time", "http_429"), True),
    **dict.fromkeys(("unauthorized_before", "cancelled", "not_configured", "internal_error"), False),
}
OUTAGES: list[tuple[int | None, str, bool]] = [
    *((None, error, outage) for error, outage in {**NO_ANSWER, **REASONS}.items()),
    *((status, f"http_{status}", True) for status in (408, 429, 500, 502, 503, 504, 599)),
    (500, "internal_error", True),
    (503, "invalid_auth", True),
    (429, "ratelimited", True),
    (200, "unreadable_answer", True),
    (204, "unreadable_answer", True),
    (200, "stopped_before", True),
    (503, "stopped_before", True),
    # A cancel is nobody's outage, whatever DX answered before it.
    *((status, "cancelled", False) for status in (200, 429, 503)),
    *((200, error, False) for error in ("not_ok", "invalid_auth", "repo_not_found")),
    *((401, error, False) for error in ("http_401", "not_authed", "invalid_auth", "account_inactive")),
    *((status, f"http_{status}", False) for status in (400, 401, 403, 404, 407, 409, 411, 413, 422, 499)),
    *((422, error, False) for error in ("invalid_json", "required_params_missing", "repo_not_found", "out_of_time")),
    *((409, error, False) for error in ("reference_id_conflict", "deployment_locked")),
    *((404, error, False) for error in ("deployment_not_found", "deployment_not_api_managed", "invalid_reference_id")),
    *((status, "redirect", False) for status in (301, 302, 307, 399)),
]


def test_the_table_has_every_end_of_a_call() -> None:
    assert set(ADVICE) <= {error for _, error, _ in OUTAGES}


@pytest.mark.parametrize(("status", "error", "outage"), OUTAGES, ids=str)
def test_what_is_an_outage(status: int | None, error: str, outage: bool) -> None:
    end = result("web", "unknown", error)._replace(http_status=status)
    assert is_outage(end) is outage
    ((found),) = failures([end], inputs(), resolved(EVENTS))
    assert found.outage is outage


@pytest.mark.parametrize(
    ("statuses", "outage"), [((503, 503), True), ((503, 422), False), ((422, 503), False)], ids=str
)
def test_a_kind_is_an_outage_if_each_of_its_calls_is(statuses: tuple[int, ...], outage: bool) -> None:
    ends = [result("web", error="oops")._replace(http_status=status) for status in statuses]
    (found,) = failures(ends, inputs(), resolved(EVENTS))
    assert found.outage is outage
    assert limited([found] * 8)[-1].outage is outage
    mixed = [*[Failure("x", outage=True)] * 7, Failure("y")]
    assert [each.outage for each in limited(mixed)] == [True] * 6 + [False]


@pytest.mark.parametrize("outage", [True, False])
def test_pull_requests_that_an_outage_hides(outage: bool) -> None:
    trouble = Problem("GITHUB_API_URL", "answered every attempt with HTTP 503.", outage=outage)
    (found,) = unset_services(resolved(JOBS)._replace(problems=(trouble,)))
    assert found.outage is outage
