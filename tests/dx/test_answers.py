"""What an answer of DX means: the status first, then the body."""

import json
from datetime import UTC, datetime, timedelta
from itertools import product
from typing import Any, get_args

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from dx_action.deployment.calls import Method
from dx_action.dx.answers import (
    AUTH_CODES,
    DOCUMENTED,
    HELD_CODES,
    HELD_ENDS,
    HELD_WORDS,
    NOT_HELD,
    OF_CORRECTIONS,
    Answer,
    Kind,
    Verdict,
    judge,
    retry_after_seconds,
)

NOW = datetime(2025, 1, 1, 12, 5, tzinfo=UTC)
OK = b'{"ok": true}'
HTML = b"<html><body><h1>502 Bad Gateway</h1></body></html>\n"
# A machine that is busy with something else is no failure.
LOADED = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
TAKEN = b'{"ok": false, "error": "reference_id_taken", "message": "This reference_id already exists."}'


def judged(
    status: int, body: bytes = b"", retry_after: str | None = None, method: Method = "deployments.create"
) -> Verdict:
    return judge(Answer(status, body, retry_after), method, NOW)


def said(error: Any = None, message: Any = None, **more: Any) -> bytes:
    words = {"error": error, "message": message}
    return json.dumps({"ok": False} | {name: each for name, each in words.items() if each is not None} | more).encode()


def test_the_codes_are_those_of_dx_s_page() -> None:
    assert DOCUMENTED == (
        "not_authed",
        "invalid_auth",
        "account_inactive",
        "invalid_json",
        "required_params_missing",
        "repo_not_found",
    )
    assert DOCUMENTED[:3] == AUTH_CODES


@pytest.mark.parametrize("code", [*DOCUMENTED, *OF_CORRECTIONS])
@pytest.mark.parametrize("status", [200, 400, 401, 403, 404, 422])
def test_a_documented_code_is_final(status: int, code: str) -> None:
    kind: Kind = "unauthorized" if code in AUTH_CODES else "refused"
    assert judged(status, said(code)) == Verdict(kind, code, "", status)
    assert judged(status, said(code, "Its own words.")) == Verdict(kind, code, "Its own words.", status)


DELETED = b'{"ok": true, "action": "deleted", "reference_id": "r"}'
ABSENT = said("deployment_not_found", "No such deployment.")
# What a deletion is answered → whether it is done, with the words that say that there was nothing to delete.
DELETIONS: list[tuple[int, bytes, Verdict]] = [
    (200, DELETED, Verdict("accepted", http_status=200)),
    (200, OK, Verdict("accepted", http_status=200)),
    (200, b'{"ok": true, "action": ""}', Verdict("accepted", http_status=200)),
    (200, b'{"ok": true, "action": 7}', Verdict("accepted", http_status=200)),
    (200, b'{"ok": true, "action": "none"}', Verdict("accepted", message="action: none", http_status=200)),
    *(
        (status, ABSENT, Verdict("accepted", "deployment_not_found", "No such deployment.", status))
        for status in (200, 400, 404, 409, 422)
    ),
    (404, b'{"error": "deployment_not_found"}', Verdict("refused", "deployment_not_found", "", 404)),
    (404, b'{"ok": true, "error": "deployment_not_found"}', Verdict("refused", "deployment_not_found", "", 404)),
    (404, b"", Verdict("refused", "http_404", "", 404)),
    (404, said("not_found"), Verdict("refused", "not_found", "", 404)),
    (422, said("", "deployment_not_found"), Verdict("refused", "http_422", "deployment_not_found", 422)),
    (422, said("deployment_not_api_managed"), Verdict("refused", "deployment_not_api_managed", "", 422)),
    (422, said("invalid_reference_id"), Verdict("refused", "invalid_reference_id", "", 422)),
]


@pytest.mark.parametrize(("status", "body", "verdict"), DELETIONS)
def test_what_a_deletion_is_answered(status: int, body: bytes, verdict: Verdict) -> None:
    assert judge(Answer(status, body, None), "deployments.delete", NOW) == verdict


@pytest.mark.parametrize(
    ("status", "error", "message"),
    [(422, "deployment_not_found", "None."), (422, "invalid_reference_id", ""), (404, "deployment_not_found", "")],
)
def test_an_update_of_what_is_not_there_is_refused(status: int, error: str, message: str) -> None:
    answer = Answer(status, said(error, message), None)
    assert judge(answer, "deployments.update", NOW) == Verdict("refused", error, message, status)
    assert judge(Answer(200, b'{"ok": true, "action": "none"}', None), "deployments.update", NOW).message == ""


@pytest.mark.parametrize("method", ["deployments.update", "deployments.delete"])
@pytest.mark.parametrize("status", [409, 422])
def test_a_correction_knows_no_conflict(method: Method, status: int) -> None:
    assert judge(Answer(status, TAKEN, None), method, NOW).kind == "refused"


@pytest.mark.parametrize("code", [*DOCUMENTED, *OF_CORRECTIONS])
def test_a_documented_code_is_no_conflict_whatever_its_message(code: str) -> None:
    assert judged(422, said(code, "This reference_id already exists.")).kind != "conflict"


@pytest.mark.parametrize(
    ("status", "body"),
    list(
        product(
            [408, 429, 500, 501, 502, 503, 504, 520, 599],
            [OK, b"", HTML, b'{"ok"', b"[]", TAKEN, *(said(code) for code in DOCUMENTED)],
        )
    ),
)
def test_tried_again_whatever_the_body(status: int, body: bytes) -> None:
    verdict = judged(status, body, "7")
    assert (verdict.kind, verdict.http_status, verdict.retry_after) == ("try-again", status, 7)
    # A server that counts requests has turned this one away before it looked at it; the others may have done the work.
    assert verdict.may_hold == (status != 429)


def test_what_a_retried_answer_is_called() -> None:
    assert judged(503, HTML).error == "http_503"
    assert judged(429).error == "http_429"
    assert judged(500, said("boom", "Oh no.")) == Verdict("try-again", "boom", "Oh no.", 500, may_hold=True)


ACCEPTED, UNREADABLE, NOT_OK = "accepted", "unreadable", "not ok"


@pytest.mark.parametrize(
    ("body", "means"),
    [
        (OK, ACCEPTED),
        (b'{"ok":true}', ACCEPTED),
        (b' \n{"ok": true, "id": 7, "warnings": ["x"]}\r\n', ACCEPTED),
        (b'\xef\xbb\xbf{"ok": true}', ACCEPTED),
        (b'{"ok": true, "error": null}', ACCEPTED),
        (b"", UNREADABLE),
        (b" \n", UNREADABLE),
        (HTML, UNREADABLE),
        (b"OK", UNREADABLE),
        (b'{"ok": tr', UNREADABLE),
        (b'{"ok": true', UNREADABLE),
        (b'{"ok": true}}', UNREADABLE),
        (b"{'ok': true}", UNREADABLE),
        (b'{"ok": True}', UNREADABLE),
        (b"\xff\xfe\x00", UNREADABLE),
        (b"\x1f\x8b\x08\x00", UNREADABLE),
        (b"[" * 100_000, UNREADABLE),
        (b'{"ok": true, "more": ' + b"[" * 99 + b"]" * 99 + b"}", ACCEPTED),
        (b'{"ok": true, "more": ' + b"[" * 100 + b"]" * 100 + b"}", UNREADABLE),
        (b'{"ok": true, "more": ' + b'{"a":' * 100 + b"1" + b"}" * 101, UNREADABLE),
        (b"[" * 100_000 + b"]" * 100_000, UNREADABLE),
        (b'{"a":' * 100_000 + b"1" + b"}" * 100_000, UNREADABLE),
        (b"{}", NOT_OK),
        (b'{"ok": false}', NOT_OK),
        (b'{"ok": "true"}', NOT_OK),
        (b'{"ok": 1}', NOT_OK),
        (b'{"ok": 1.0}', NOT_OK),
        (b'{"ok": null}', NOT_OK),
        (b'{"ok": [true]}', NOT_OK),
        (b'{"OK": true}', NOT_OK),
        (b'{"data": {"ok": true}}', NOT_OK),
        (b'[{"ok": true}]', NOT_OK),
        (b"[]", NOT_OK),
        (b"true", NOT_OK),
        (b"null", NOT_OK),
        (b"1", NOT_OK),
        (b'"ok"', NOT_OK),
    ],
)
@pytest.mark.parametrize("status", [200, 201, 202, 204, 299])
def test_a_2xx_is_success_when_it_says_so(status: int, body: bytes, means: str) -> None:
    assert (
        judged(status, body)
        == {
            ACCEPTED: Verdict("accepted", http_status=status),
            UNREADABLE: Verdict("try-again", "unreadable_answer", http_status=status, may_hold=True),
            NOT_OK: Verdict("refused", "not_ok", http_status=status),
        }[means]
    )


def test_a_2xx_without_ok_is_called_by_its_own_code() -> None:
    assert judged(200, said("odd_code", "Odd words.")) == Verdict("refused", "odd_code", "Odd words.", 200)
    assert judged(200, TAKEN).kind == "refused"


def test_what_comes_before_the_answer_is_no_answer() -> None:
    assert judged(103) == Verdict("try-again", "unreadable_answer", http_status=103, may_hold=True)


@pytest.mark.parametrize("status", [400, 402, 404, 405, 406, 410, 411, 413, 415, 418, 422, 426, 451, 499])
def test_any_other_4xx_is_final(status: int) -> None:
    for body in (b"", HTML, OK, b"[]", b"{", said(), b"[" * 100_000):
        assert judged(status, body, "7") == Verdict("refused", f"http_{status}", "", status)
    assert judged(status, said("odd_code", "Odd words.")) == Verdict("refused", "odd_code", "Odd words.", status)


@pytest.mark.parametrize("status", [300, 301, 302, 303, 304, 307, 308, 399])
@pytest.mark.parametrize("body", [b"", HTML, OK, TAKEN, said("invalid_auth")])
def test_a_redirect_is_final(status: int, body: bytes) -> None:
    assert judged(status, body) == Verdict("refused", "redirect", http_status=status)


@pytest.mark.parametrize("status", [401, 403])
@pytest.mark.parametrize(
    ("body", "verdict"),
    [
        (b"", ("unauthorized", "", "")),
        (HTML, ("unauthorized", "", "")),
        (OK, ("unauthorized", "", "")),
        (said(message="No."), ("unauthorized", "", "No.")),
        (said(""), ("unauthorized", "", "")),
        (said(17), ("unauthorized", "", "")),
        (said("invalid_auth", "No."), ("unauthorized", "invalid_auth", "No.")),
        (said("repo_not_found"), ("refused", "repo_not_found", "")),
        (said("missing_scope", "No."), ("refused", "missing_scope", "No.")),
        (TAKEN, ("refused", "reference_id_taken", "This reference_id already exists.")),
    ],
)
def test_a_refused_token(status: int, body: bytes, verdict: tuple[Kind, str, str]) -> None:
    kind, error, message = verdict
    assert judged(status, body) == Verdict(kind, error or f"http_{status}", message, status)


@pytest.mark.parametrize("status", [409, 422])
@pytest.mark.parametrize("method", ["deployments.upsert", "deployments.setPullServices"])
def test_only_a_creation_knows_a_conflict(status: int, method: Method) -> None:
    assert judged(status, TAKEN).kind == "conflict"
    assert judged(status, TAKEN, method=method) == Verdict(
        "refused", "reference_id_taken", "This reference_id already exists.", status
    )


@pytest.mark.parametrize("status", [409, 422])
@pytest.mark.parametrize(
    ("body", "error"),
    [
        (b"", ""),
        (HTML, ""),
        (b"{}", ""),
        (b"[]", ""),
        (TAKEN[:-1], ""),
        (b"[" + TAKEN + b"]", ""),
        (OK, ""),
        (said(), ""),
        (TAKEN.replace(b"false", b"true"), "reference_id_taken"),
        (TAKEN.replace(b"false", b"null"), "reference_id_taken"),
        (b'{"error": "reference_id_taken"}', "reference_id_taken"),
        (b'{"message": "This reference_id already exists."}', ""),
        (said("odd_code"), "odd_code"),
        (said("conflict"), "conflict"),
        (said("locked"), "locked"),
        (said("processing"), "processing"),
        (said("try_later"), "try_later"),
        (said("reference_id_invalid"), "reference_id_invalid"),
    ],
)
def test_any_other_409_or_422_is_a_refusal(status: int, body: bytes, error: str) -> None:
    verdict = judged(status, body)
    assert (verdict.kind, verdict.error, verdict.http_status) == ("refused", error or f"http_{status}", status)


@pytest.mark.parametrize("code", HELD_CODES)
def test_a_code_of_the_list_is_a_conflict_whatever_its_message_unless_it_is_busy(code: str) -> None:
    assert judged(422, said(code, "Odd words.")) == Verdict("conflict", code, "Odd words.", 422)
    assert judged(409, said(code.upper())).kind == "conflict"


@pytest.mark.parametrize("words", HELD_WORDS)
@pytest.mark.parametrize("form", ["{}", "{}.", "Odd: {}; odd", "Not made because {}", "{} with other values"])
def test_words_of_the_list_are_a_conflict_where_they_are_a_sentence(words: str, form: str) -> None:
    text = form.format(words.replace("reference id", "reference_id"))
    assert judged(409, said("odd_code", text.upper())).kind == "conflict"
    for denial in (f"no {words}", f"if {words}", f"{words} only", f"{words} is no text", f"{words} and so on"):
        assert judged(409, said("odd_code", denial)).kind == "refused"


@pytest.mark.parametrize("end", HELD_ENDS)
def test_what_may_follow_the_words_of_a_conflict(end: str) -> None:
    assert judged(409, said("odd_code", f"reference_id exists {end} or so")).kind == "conflict"
    assert judged(409, said("odd_code", f"reference_id exists, {end}.")).kind == "conflict"
    assert judged(409, said("odd_code", f"reference_id exists {end}ish")).kind == "refused"


@pytest.mark.parametrize("words", NOT_HELD)
def test_what_says_that_dx_is_busy_is_no_conflict(words: str) -> None:
    for error, message in (("reference_id_taken", words), ("", f"reference_id exists. It is {words.upper()}.")):
        assert judged(422, said(error, message)).kind == "refused"
    assert judged(422, said("", f"reference_id exists. It is un{words}ish.")).kind == "conflict"


CONFLICTS = [
    ("reference_id_taken", ""),
    ("reference_id_exists", ""),
    ("reference_id_already_exists", ""),
    ("reference_id_conflict", ""),
    ("reference_id_mismatch", ""),
    ("reference_id_in_use", ""),
    ("reference_id_not_unique", ""),
    ("duplicate_reference_id", ""),
    ("reference_id_already_taken", ""),
    ("reference_id_already_used", ""),
    ("reference_id_duplicate", ""),
    ("DUPLICATE_REFERENCE_ID", ""),
    ("duplicateReferenceId: referenceId exists", ""),
    ("odd_code", "This reference_id already exists with other values (deployed_at); nothing was changed."),
    ("", "reference_id has already been taken"),
    ("", "Reference ID is taken."),
    ("", "Reference-Id already in use"),
    ("", "REFERENCE_ID ALREADY EXISTS"),
    ("", "A deployment with this reference_id exists."),
    ("", "There is an existing deployment with this reference_id."),
    ("invalid_params", "reference_id is taken"),
    ("invalid_request", "A deployment with this reference_id exists."),
    ("validation_failed", "Duplicate reference_id"),
    ("unknown_error", "The reference_id exists with other values."),
    ("", "reference_id already exists; deployed_at is invalid"),
    ("", "Reference has already been taken"),
    ("validation_failed", "Validation failed: Reference has already been taken"),
    ("reference_id", "has already been taken"),
    ("", "reference_id already exists"),
    ("", "reference_id has already been used"),
    ("", "duplicate reference_id"),
    ("", "a deployment with this reference_id exists with different values"),
    ("", "reference_id 'github.com/acme/existing/not_found' already exists"),
    ("", "reference_id github.com/acme/shop/push/1:web/success already exists"),
    ("", "`reference_id` already exists with another `deployed_at`"),
    ("", "reference_id is in use by another deployment"),
    ("", "Could not create the deployment because the reference_id already exists"),
    ("", "This reference_id already exists and cannot be changed."),
    ("", "There is already a deployment with this reference_id."),
    ("", "The reference_id is a duplicate."),
    ("", "This reference_id is taken and cannot be reused."),
    ("", "The reference_id has been used already"),
    ("", "A deployment with reference_id 1 exists and its values differ."),
    ("", "Reference-ID: already exists"),
    ("", "reference_id 'x' is taken by another deployment"),
    ("", "This reference_id already exists, but with different values."),
    ("", "reference_id already exists, and its values differ"),
    ("", "reference_id jobs/later/1 is taken"),
]
REFUSALS = [
    # What speaks of the id, and of something that exists, is unique, differs, changes or is in use, but not of its being held.
    ("deployment_not_found", "No existing deployment found for reference_id abc"),
    ("deployment_not_found", "Couldn't find an existing deployment with that reference_id"),
    ("deployment_not_found", "Couldn\u2019t find an existing deployment with that reference_id"),
    ("deployment_not_found", "reference_id already exists"),
    ("service_not_found", "There is no existing service with that identifier (reference_id github.com/job/1)"),
    ("service_not_found", "Service checkout does not exist (reference_id github.com/job/1)"),
    ("service_taken", "The service is already registered by another team (reference_id github.com/job/1)"),
    ("invalid_params", "reference_id should be a unique string"),
    ("invalid_params", "reference_id must be a unique string"),
    ("invalid_params", "reference_id must be unique and at most 255 characters"),
    ("invalid_params", "reference_id can't be null; send a unique id"),
    ("invalid_params", "Use a unique reference_id of at most 255 bytes"),
    ("invalid_params", "Cannot find existing service for this reference_id"),
    ("invalid_params", "deployed_at differs from an ISO-8601 timestamp (reference_id x)"),
    ("invalid_params", "reference_id is already too long"),
    ("invalid_params", "reference_id is required; the service has already been archived"),
    ("invalid_reference_id", "It already exists as a commit."),
    ("archived", "The repository of reference_id abc has changed its name"),
    ("rate", "reference_id: too many changes"),
    ("plan_required", "deployments with a reference_id are in use only on paid plans"),
    ("plan_required", "A reference_id is in use only on paid plans"),
    ("conflict", "Send reference_id or commit_sha."),
    ("conflict", "reference_id and commit_sha exclude each other."),
    ("", "A reference_id is used to tell deployments apart"),
    ("", "A reference_id must be used"),
    ("", "The deployment with this reference_id must already exist"),
    ("", "Check that the reference_id exists"),
    ("", "No deployment with this reference_id already exists"),
    ("", "A deployment with this reference_id does not already exist"),
    ("", "A deployment with this reference_id doesn't already exist"),
    ("", "upsert requires that the reference_id already exists"),
    ("", "Could not tell whether the reference_id already exists"),
    ("", "The reference_id conflicts with commit_sha"),
    ("", "Send the reference_id with different values"),
    ("", "reference_id 'already exists' is invalid"),
    ("", "reference_id 'already exists' has spaces in it"),
    ("", "Retry with different values for reference_id and source_name"),
    ("", "For reference_id abc the service is already registered"),
    ("", "The service id already exists (reference_id abc)"),
    ("", "reference_id format mismatch"),
    ("", "reference_id x exists only in the log"),
    ("", "reference_id already exists is not a valid format"),
    ("", "The commit_sha of reference_id abc is already registered"),
    ("", "The quota for this deployment is already used up (reference_id x)"),
    ("", "A reference_id is used for a deployment's identity"),
    ("already_exists", "The service already exists. See reference_id abc."),
    ("", ""),
    ("odd_code", "Odd words."),
    ("reference_id_invalid", ""),
    ("invalid_reference_id", ""),
    ("reference_id_missing", ""),
    ("reference_id_required", ""),
    ("reference_id_blank", ""),
    ("reference_id_too_long", ""),
    ("reference_id_not_found", ""),
    ("unknown_reference_id", ""),
    ("malformed_reference_id", ""),
    ("reference_id_invalid", "Please use a different one."),
    ("invalid_params", "reference_id must be text."),
    ("", "reference_id"),
    ("", "reference_id is invalid"),
    ("", "reference_id can't be blank"),
    ("", "reference_id must not be empty; use a different value"),
    ("", "reference_id must be text; send a different value"),
    ("", "reference_id is too long (maximum is 255 characters), so change it"),
    ("", "reference_id is too short, so change it"),
    ("", "reference_id exceeds 255 chars; please use a different one"),
    ("", "reference_id is longer than allowed; please use a different one"),
    ("", "reference_id has an unsupported character; change it"),
    ("", "reference_id 'duplicate-finder' is invalid"),
    ("", "reference_id does not exist"),
    ("", "reference_id doesn't exist"),
    ("", "The reference_id does not match any existing deployment."),
    ("", "No deployment exists with this reference_id."),
    ("", "No such reference_id exists."),
    ("", "Only letters may be used in a reference_id."),
    ("", "reference_id and commit_sha cannot be used together."),
    ("", "reference_id is malformed: a UUID is used here"),
    # None of these speaks of the reference id.
    ("already_exists", "The deployment already exists."),
    ("conflict", "The commit_sha changed."),
    ("", "The service identifier is taken."),
    ("duplicate", "cross_reference_idea already exists"),
    # They may say that it is held, in words that the list does not have: DX's words are shown, and a person decides.
    ("reference_id_values_changed", ""),
    ("", "The reference identifier already exists."),
    ("", "reference_id must be unique"),
    ("", "The reference id was used before."),
    ("", "The values differ from those held under this reference_id."),
    ("", "Different values were sent for the same reference_id."),
    ("", "A request for the same reference_id changes the values."),
    ("", "Cannot change the values of reference_id 1680723287."),
    ("", "The values do not match the existing deployment of this reference_id."),
    ("", "`reference_id`: a record with other values is held."),
    ("conflict", "See the field reference_id."),
    ("reference_id_error", "It already exists."),
    ("", "The reference_id you provided is already in use"),
    ("", "A deployment already exists (reference_id: release-7)."),
    ("", "A deployment exists for this reference_id."),
    ("", "An existing deployment has this reference_id."),
    ("", "The deployment with this reference_id has different values."),
    ("", "The reference_id conflicts with an existing deployment."),
    ("", "The values of this reference_id can't be changed."),
    ("", 'duplicate key value violates unique constraint "index_deployments_on_reference_id"'),
    ("", "reference_id must be unique for each deployment"),
    ("duplicate", "reference_id"),
    ("", "A reference_id is used by DX to tell deployments apart"),
    ("", "A reference_id is used with each deployment"),
    ("", "If the reference_id already exists, use deployments.upsert."),
    ("", "This reference_id already exists as a commit"),
    ("", "The deployment is locked; try again later (reference_id x)"),
    ("", "The deployment with this reference_id is still processing"),
    ("locked", "This reference_id is locked."),
    # It begins like a conflict, and goes on to say that the deployment is not held, or not yet.
    ("", "reference_id is in use by another request"),
    ("", "reference_id is in use, by a concurrent request"),
    ("", "This reference_id is in use by a request in progress"),
    ("", "reference_id is in use but the deployment was not saved"),
    ("", "This reference_id is taken, but its deployment was deleted."),
    ("", "A deployment with this reference_id already exists and is being deleted"),
    ("", "This reference_id is taken by a deployment that is locked. Try again later."),
    ("", "This reference_id is in use. Try again later."),
    ("reference_id_in_use", "It is currently being processed."),
    ("reference_id_conflict", "reference_id is locked"),
    ("reference_id_taken", "Processing; try again later"),
    ("missing_permission", "The reference_id already exists, and this token may not change it."),
    # A code of a conflict, with one word that says that DX is busy.
    ("reference_id_taken", "The deployment is in progress."),
    ("reference_id_taken", "Later."),
    ("reference_id_taken", "The deployment is locked."),
    ("reference_id_taken", "The deployment is being processed."),
    ("reference_id_taken", "DX is processing the deployment."),
    # A code of DX's pages means what the page says, whatever the message.
    ("invalid_json", "This reference_id already exists."),
    ("required_params_missing", "This reference_id already exists."),
    ("repo_not_found", "This reference_id already exists."),
    ("deployment_not_found", "This reference_id already exists."),
    ("deployment_not_api_managed", "This reference_id already exists."),
    ("invalid_reference_id", "This reference_id already exists."),
]


def test_each_code_and_word_has_a_row_of_its_own() -> None:
    assert set(HELD_CODES) <= {error for error, message in CONFLICTS if not message}
    assert {*DOCUMENTED, *OF_CORRECTIONS} <= {error for error, message in REFUSALS if message} | set(AUTH_CODES)
    said_to_be_busy = " ".join(message for error, message in REFUSALS if error == "reference_id_taken")
    assert all(words in said_to_be_busy for words in NOT_HELD)


@pytest.mark.parametrize(("error", "message"), CONFLICTS)
@pytest.mark.parametrize("status", [409, 422])
def test_what_says_that_the_id_is_held_is_a_conflict(status: int, error: str, message: str) -> None:
    assert judged(status, said(error, message)) == Verdict("conflict", error or f"http_{status}", message, status)


@pytest.mark.parametrize(("error", "message"), REFUSALS)
@pytest.mark.parametrize("status", [409, 422])
def test_what_says_anything_else_is_a_refusal(status: int, error: str, message: str) -> None:
    assert judged(status, said(error, message)) == Verdict("refused", error or f"http_{status}", message, status)


@pytest.mark.parametrize(
    "piece",
    [
        "reference_id ",
        "'",
        '"reference_id" ',
        "existing deployment ",
        "the values of ",
        "a ",
        ": ",
        "already ",
        "_",
        "x/",
    ],
)
def test_words_without_an_end_are_judged(piece: str) -> None:
    """By backtracking this would not end."""
    assert judged(422, said(piece * 100_000, piece * 100_000)).kind == "refused"
    assert judged(422, said("odd_code", f"This reference_id already exists. {piece * 100_000}")).kind == "conflict"


@pytest.mark.parametrize("status", [200, 400, 403, 404])
def test_only_a_409_and_a_422_have_their_words_read(status: int) -> None:
    assert judged(status, TAKEN).kind == "refused"


@pytest.mark.parametrize("odd", [None, 7, True, 1.5, [], ["invalid_auth"], {}, {"code": "invalid_auth"}])
def test_fields_that_are_no_text_are_not_shown(odd: Any) -> None:
    assert judged(422, said(odd, odd)) == Verdict("refused", "http_422", "", 422)
    assert judged(422, said("odd_code", odd)) == Verdict("refused", "odd_code", "", 422)
    assert judged(422, said(odd, "Odd words.")) == Verdict("refused", "http_422", "Odd words.", 422)
    assert judged(503, said(odd, odd)).error == "http_503"


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        (None, None),
        ("", None),
        ("0", 0),
        ("7", 7),
        (" 120 ", 120),
        ("007", 7),
        ("999999999", 999_999_999),
        ("9" * 30, 1e30),
        ("9" * 400, float("inf")),
        ("Wed, 01 Jan 2025 12:05:30 GMT", 30),
        ("Wed, 01 Jan 2025 14:06:00 +0200", 60),
        ("Wednesday, 01-Jan-25 12:05:30 GMT", 30),
        ("Wed, 01 Jan 2025 12:05:00 GMT", 0),
        ("Wed, 01 Jan 2025 12:04:59 GMT", 0),
        ("Thu, 01 Jan 1970 00:00:00 GMT", 0),
        ("Thu, 01 Jan 2026 12:05:00 GMT", 365 * 86_400),
        ("Wed, 01 Jan 2025 12:05:30", None),
        ("-1", None),
        ("+7", None),
        ("1.5", None),
        ("1e3", None),
        ("0x10", None),
        ("\u0667", None),
        ("7 seconds", None),
        ("1, 2", None),
        ("soon", None),
        ("2025-01-01T12:05:30Z", None),
        ("Wed, 32 Jan 2025 12:05:30 GMT", None),
        ("Wed, 01 Jan 99999 12:05:30 GMT", None),
    ],
)
def test_retry_after(header: str | None, seconds: float | None) -> None:
    assert retry_after_seconds(header, NOW) == (None if seconds is None else pytest.approx(seconds))
    for status in (408, 429, 503):
        assert judged(status, b"", header).retry_after == retry_after_seconds(header, NOW)


@given(
    st.text() | st.from_regex(r"[A-Z][a-z]{2}, \d{1,9} (Jan|Dec) \d{1,12} \d{1,3}:\d\d:\d\d ([+-]\d{1,9}|GMT|-0000)")
)
@example("Wed, 01 Jan 2025 12:05:30 +99999999")
@example("1" * 5000)
@LOADED
def test_no_retry_after_breaks_anything(header: str) -> None:
    seconds = retry_after_seconds(header, NOW)
    assert seconds is None or seconds >= 0


@given(
    st.integers(100, 999),
    st.binary()
    | st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(),
        lambda inner: (
            st.lists(inner) | st.dictionaries(st.sampled_from(["ok", "error", "message"]) | st.text(max_size=3), inner)
        ),
    ).map(lambda value: json.dumps(value).encode()),
)
@LOADED
def test_every_answer_has_a_verdict(status: int, body: bytes) -> None:
    verdict = judged(status, body)
    assert verdict.kind in get_args(Kind)
    assert verdict.http_status == status
    assert (verdict.kind == "accepted") == (not verdict.error)
    # Whatever is accepted said so; whatever is final and not accepted was said to be.
    if verdict.kind == "accepted":
        assert 200 <= status < 300
        assert json.loads(body)["ok"] is True
    assert not (verdict.may_hold and verdict.kind != "try-again")


def test_a_date_is_counted_from_now() -> None:
    header = "Wed, 01 Jan 2025 12:05:30 GMT"
    assert retry_after_seconds(header, NOW + timedelta(seconds=10)) == 20


@pytest.mark.parametrize("status", [300, 301, 399])
@pytest.mark.parametrize("body", [OK, b""])
def test_every_redirect_is_final_whatever_its_body(status: int, body: bytes) -> None:
    assert judged(status, body) == Verdict("refused", "redirect", http_status=status)
