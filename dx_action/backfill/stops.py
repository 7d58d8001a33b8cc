"""Owns what ends a backfill early: an attempt's verdict → why no further row is sent, or nothing. Pure."""

from dx_action.dx.answers import Verdict

# So many rows in succession that had no end, for each lane: then it is DX, and not the rows.
OUTAGE = 2
_TOO_MANY = 429
# No row can be sent to such a host.
_HOPELESS = ("certificate", "redirect", "request_impossible")


def why_stop(verdict: Verdict, *, longest: float, down: int, lanes: int) -> str:
    """Give the error of what is not sent any more, empty where the next row may go.

    `longest` is the longest wait that a row has the time for, in seconds; `down`, how many rows in succession had no end.
    """
    if verdict.kind == "unauthorized":
        return "unauthorized_before"
    if verdict.http_status == _TOO_MANY and (verdict.retry_after or 0) > longest:
        return "http_429"
    hopeless = verdict.kind == "refused" and verdict.error in _HOPELESS
    return "stopped_before" if hopeless or down >= OUTAGE * lanes else ""
