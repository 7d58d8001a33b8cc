"""Owns what an answer of DX means: one attempt's end → a verdict. Pure.

The status decides first, then the body; see the README's table of errors. A verdict says whether another attempt may help,
and whether DX may hold the deployment all the same.
"""

import json
import re
from dataclasses import dataclass
from datetime import datetime
from email.utils import parsedate_to_datetime
from typing import Any, Literal

AUTH_CODES = ("not_authed", "invalid_auth", "account_inactive")
DOCUMENTED = (*AUTH_CODES, "invalid_json", "required_params_missing", "repo_not_found")
_OK, _REDIRECT, _CONFLICT, _UNPROCESSABLE = range(200, 300), range(300, 400), 409, 422
_TIMEOUT, _TOO_MANY, _SERVER_ERROR = 408, 429, 500
_UNREADABLE = object()


@dataclass(frozen=True, slots=True)
class Answer:
    """One HTTP answer, read whole. `retry_after` is the header as it came."""

    status: int
    body: bytes
    retry_after: str | None = None


Kind = Literal["accepted", "conflict", "refused", "unauthorized", "try-again"]


@dataclass(frozen=True, slots=True)
class Verdict:
    """`may_hold`: the attempt may have registered the deployment although nobody said so."""

    kind: Kind
    error: str = ""
    message: str = ""
    http_status: int | None = None
    may_hold: bool = False
    retry_after: float | None = None


def judge(answer: Answer, now: datetime) -> Verdict:
    """Give an answer's verdict. `now` is UTC, for a `Retry-After` that names a date."""
    status = answer.status
    if status in (_TIMEOUT, _TOO_MANY) or status >= _SERVER_ERROR:
        error, message = _words(_parsed(answer.body))
        return Verdict(
            "try-again",
            error or f"http_{status}",
            message,
            status,
            may_hold=status != _TOO_MANY,
            retry_after=retry_after_seconds(answer.retry_after, now),
        )
    if status in _REDIRECT:
        return Verdict("refused", "redirect", http_status=status)
    said = _parsed(answer.body)
    if status < _OK.stop and said is _UNREADABLE:
        return Verdict("try-again", "unreadable_answer", http_status=status, may_hold=True)
    if status in _OK and isinstance(said, dict) and said.get("ok") is True:
        return Verdict("accepted", http_status=status)
    error, message = _words(said)
    if error in AUTH_CODES or (status in (401, 403) and not error):
        return Verdict("unauthorized", error or f"http_{status}", message, status)
    if status == _CONFLICT or (status == _UNPROCESSABLE and error not in DOCUMENTED and _is_conflict(error, message)):
        return Verdict("conflict", error or f"http_{status}", message, status)
    return Verdict("refused", error or ("not_ok" if status in _OK else f"http_{status}"), message, status)


def retry_after_seconds(header: str | None, now: datetime) -> float | None:
    """Read `Retry-After` in either of its forms (RFC 9110, 10.2.3) as seconds from `now`; None where it is neither."""
    text = (header or "").strip()
    if re.fullmatch(r"\d+", text, re.ASCII):
        return float(text)
    try:
        return max((parsedate_to_datetime(text) - now).total_seconds(), 0.0)
    except (ValueError, TypeError, OverflowError):
        return None


def _is_conflict(error: str, message: str) -> bool:
    from dx_action.dx.conflicts import says_held  # noqa: PLC0415 - only a refusal has its words read

    return says_held(error, message)


def _parsed(body: bytes) -> Any:
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        return _UNREADABLE


def _words(said: Any) -> tuple[str, str]:
    """Give DX's code and its message, as far as the answer holds texts there."""
    if not isinstance(said, dict):
        return "", ""
    error, message = said.get("error"), said.get("message")
    return (error if isinstance(error, str) else ""), (message if isinstance(message, str) else "")
