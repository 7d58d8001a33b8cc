"""Verdicts on DX's answers: may another attempt help, and may DX hold the deployment all the same? Pure.

The status decides first, then the body (see the documentation's table of errors).
"""

import re
from datetime import datetime
from email.utils import parsedate_to_datetime
from typing import Any, Literal, NamedTuple

from dx_action.deployment.calls import Method
from dx_action.text import parse_json

AUTH_CODES = ("not_authed", "invalid_auth", "account_inactive")
DOCUMENTED = (*AUTH_CODES, "invalid_json", "required_params_missing", "repo_not_found")
NOT_FOUND = "deployment_not_found"
# Codes of `deployments.update` and `deployments.delete`.
OF_CORRECTIONS = (NOT_FOUND, "deployment_not_api_managed", "invalid_reference_id")
# What says that DX holds this `reference_id` already, for its page names no code for that. The documentation shows both lists
# whole. In doubt an answer is a refusal: a person then reads DX's words, while a false conflict would hide a missing deployment.
HELD_CODES = (
    *("reference_id_taken", "reference_id_already_taken", "reference_id_exists", "reference_id_already_exists"),
    *("reference_id_in_use", "reference_id_already_used", "reference_id_conflict", "reference_id_mismatch"),
    *("reference_id_not_unique", "reference_id_duplicate", "duplicate_reference_id"),
)
# A sentence of DX's is one of these, alone or followed by one of `HELD_ENDS`.
HELD_WORDS = (
    *("reference id exists", "reference id is taken", "reference id has been taken", "reference has been taken"),
    *("reference id in use", "reference id is in use", "reference id has been used"),
    *("reference id is duplicate", "reference id is not unique", "duplicate reference id"),
    *("deployment with reference id exists", "deployment with reference id has other values"),
    *("there is deployment with reference id", "there is existing deployment with reference id"),
)
# What follows them says no more than that. "In use by another request" is no deployment, and what "was not saved" is not held.
HELD_ENDS = (
    *("with another", "with different", "with other", "but with different", "but with other"),
    *("by deployment", "by another deployment", "by existing deployment", "by other deployment"),
    *("and cannot be changed", "and cannot be reused", "and its values differ", "but its values differ"),
)
# Whoever says one of these may yet refuse the deployment that it speaks of, whatever else it says.
NOT_HELD = ("in progress", "later", "locked", "processed", "processing")
# Not compiled here: hardly any run has a rejection to read.
_PASSED_OVER = r"\b(?:an?|the|this|that|same|already)\b"
_ID = r"""["'`]?\breference[ -]?id\b["'`]?:?"""
_VALUE = r"""(?<!\w)(["'`])[^"'`]*\1|\([^()]*\)|(?<!\S)\S*[\d/]\S*\b"""
_STOP = r"[.;:!?](?:\s|$)|,(?:\s(?!and\b|but\b|by\b|with\b)|$)|\n|\bbecause\b"
_HELD = rf"(?:{'|'.join(HELD_WORDS)})(?:,? (?:{'|'.join(HELD_ENDS)})\b.*)?"
_NOT_HELD = rf"\b(?:{'|'.join(NOT_HELD)})\b"
_MOST_READ = 2000
_OK, _REDIRECT, _HELD_STATUSES = range(200, 300), range(300, 400), (409, 422)
TOO_MANY = 429
_TIMEOUT, _SERVER_ERROR = 408, 500
_UNREADABLE = object()


class Answer(NamedTuple):
    """One HTTP answer, read whole. `retry_after` is the header as it came."""

    status: int
    body: bytes
    retry_after: str | None = None


Kind = Literal["accepted", "conflict", "refused", "unauthorized", "try-again"]


class Verdict(NamedTuple):
    """`may_hold`: the attempt may have registered the deployment although no answer says so."""

    kind: Kind
    error: str = ""
    message: str = ""
    http_status: int | None = None
    may_hold: bool = False
    retry_after: float | None = None


def judge(answer: Answer, method: Method, now: datetime) -> Verdict:
    """Return the verdict on an answer to a call of `method`. `now` is UTC, for a `Retry-After` that names a date."""
    status = answer.status
    if status in (_TIMEOUT, TOO_MANY) or status >= _SERVER_ERROR:
        error, message = _words(_parsed(answer.body))
        return Verdict(
            "try-again",
            error or f"http_{status}",
            message,
            status,
            may_hold=status != TOO_MANY,
            retry_after=retry_after_seconds(answer.retry_after, now),
        )
    if status in _REDIRECT:
        return Verdict("refused", "redirect", http_status=status)
    said = _parsed(answer.body)
    if status < _OK.stop and said is _UNREADABLE:
        return Verdict("try-again", "unreadable_answer", http_status=status, may_hold=True)
    if status in _OK and isinstance(said, dict) and said.get("ok") is True:
        return Verdict(
            "accepted", message=_undeleted(said) if method == "deployments.delete" else "", http_status=status
        )
    error, message = _words(said)
    if error in AUTH_CODES or (status in (401, 403) and not error):
        return Verdict("unauthorized", error or f"http_{status}", message, status)
    if method == "deployments.delete" and error == NOT_FOUND and said.get("ok") is False:
        return Verdict("accepted", error, message, status)  # what it was to delete is not there
    refuses = status in _HELD_STATUSES and isinstance(said, dict) and said.get("ok") is False
    if refuses and method == "deployments.create" and says_held(error, message):
        return Verdict("conflict", error or f"http_{status}", message, status)
    return Verdict("refused", error or ("not_ok" if status in _OK else f"http_{status}"), message, status)


def _undeleted(said: dict[str, Any]) -> str:
    """Return what the answer to a deletion says that was done, if that is anything but a deletion."""
    action = said.get("action")
    return f"action: {action}" if isinstance(action, str) and action not in ("", "deleted") else ""


def retry_after_seconds(header: str | None, now: datetime) -> float | None:
    """Read `Retry-After` in either of its forms (RFC 9110, 10.2.3) as seconds from `now`; None if it has neither."""
    text = (header or "").strip()
    if re.fullmatch(r"\d+", text, re.ASCII):
        return float(text)
    try:
        return max((parsedate_to_datetime(text) - now).total_seconds(), 0.0)
    except (ValueError, TypeError, OverflowError):
        return None


def says_held(error: str, message: str) -> bool:
    """Return whether a refusal says, by `HELD_CODES` or `HELD_WORDS`, that the `reference_id` is already registered."""
    if error in (*DOCUMENTED, *OF_CORRECTIONS):
        return False
    text = f"{error[:_MOST_READ]}: {message[:_MOST_READ]}".lower().replace("_", " ")
    plain = re.sub(_PASSED_OVER, "", re.sub(_VALUE, "", re.sub(_ID, "reference id", text)))
    if re.search(_NOT_HELD, plain):
        return False
    return error.lower() in HELD_CODES or any(
        re.fullmatch(_HELD, " ".join(sentence.split())) for sentence in re.split(_STOP, plain)
    )


def _parsed(body: bytes) -> Any:
    try:
        return parse_json(body)
    except ValueError:
        return _UNREADABLE


def _words(said: Any) -> tuple[str, str]:
    """Return DX's code and message, each empty if the answer holds no text there."""
    if not isinstance(said, dict):
        return "", ""
    error, message = said.get("error"), said.get("message")
    return (error if isinstance(error, str) else ""), (message if isinstance(message, str) else "")
