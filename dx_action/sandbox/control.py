"""What may be asked of the stand-in itself, under /sandbox/.

Its routes list what the stand-in has and received, add merged pull requests, return which ones each deployment would be credited
with, replace its faults and reset it. None of them answers for DX.
"""

from collections.abc import Callable
from typing import Any

from dx_action.sandbox.checks import parse
from dx_action.sandbox.crediting import PullRequestError, parse_pull_requests
from dx_action.sandbox.faults import FaultError, parse_faults
from dx_action.sandbox.listener import Listener

_ROUTES = (
    "GET /sandbox/deployments",
    "GET /sandbox/pull-services",
    "GET /sandbox/requests",
    "GET /sandbox/attribution",
    "POST /sandbox/pull-requests",
    "POST /sandbox/faults",
    "POST /sandbox/reset",
)


def control(dx: Listener, verb: str, path: str, body: bytes) -> tuple[int, Any]:
    """The status and the answer to one request for the stand-in itself."""
    match f"{verb} {path}":
        case "GET /sandbox/deployments":
            return 200, dx.store.deployments()
        case "GET /sandbox/pull-services":
            return 200, dx.store.pull_services()
        case "GET /sandbox/requests":
            return 200, dx.journal.requests()
        case "GET /sandbox/attribution":
            return 200, dx.store.attribution()
        case "POST /sandbox/pull-requests":
            return _taken(body, lambda given: dx.store.know(parse_pull_requests(dx.store.mask.value(given))))
        case "POST /sandbox/faults":
            return _taken(body, lambda given: dx.script.replace(parse_faults(given)))
        case "POST /sandbox/reset":
            reset(dx)
            return 200, {"ok": True}
    return 404, _refusal("not_found", f"Here are {', '.join(_ROUTES)}.")


def reset(dx: Listener) -> None:
    """Forget all deployments, pull requests, requests and faults."""
    dx.script.replace([])
    dx.store.reset()
    dx.journal.clear()


def _taken(body: bytes, take: Callable[[Any], None]) -> tuple[int, Any]:
    try:
        take(parse(body))
    except FaultError as error:
        return 422, _refusal("invalid_faults", str(error))
    except PullRequestError as error:
        return 422, _refusal("invalid_pull_requests", str(error))
    except ValueError:
        return 422, _refusal("invalid_json", "The body could not be parsed as JSON.")
    return 200, {"ok": True}


def _refusal(error: str, message: str) -> dict[str, Any]:
    return {"ok": False, "error": error, "message": message}
