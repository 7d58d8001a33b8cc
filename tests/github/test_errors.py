"""The sentences for look-ups that fail, and the kind of each failure."""

from typing import Any, get_args

import pytest

from dx_action.errors import Problem
from dx_action.github.errors import Access, Kind, LookupFailedError, Missing, graphql_type

OWN = Access("acme/shop", "pull-requests", own=True, has_token=True)
OTHER = Access("acme/shop", "contents", own=False, has_token=True)
NO_TOKEN = Access("acme/shop", "deployments", own=True, has_token=False)

GRANT = "Grant the job the permission `pull-requests: read`. A token of your own needs it, too."
ANOTHER = (
    "The job's token can read only the workflow's own repository. Use a GitHub App's token or a personal access token with "
    "`contents: read` there."
)
LEAVE_OUT = "Leave the input out to use the job's own token, or check the secret that it comes from."


@pytest.mark.parametrize(
    ("access", "text"),
    [
        (OWN, f"cannot read the pull requests of acme/shop, or there is no such pull request. {GRANT}"),
        (OTHER, f"cannot read the contents of acme/shop, or there is no such commit. {ANOTHER}"),
        (NO_TOKEN, f"cannot read the deployments of acme/shop, or the repository does not exist. {LEAVE_OUT}"),
    ],
)
def test_what_is_missing_may_be_hidden(access: Access, text: str) -> None:
    error = access.missing()
    assert isinstance(error, Missing)
    assert (error.problems, error.kind) == ((Problem("github-token", text),), "missing")


@pytest.mark.parametrize(("kind", "outage"), [(kind, kind in ("limited", "unavailable")) for kind in get_args(Kind)])
def test_which_kinds_are_outages(kind: Kind, outage: bool) -> None:
    (problem,) = LookupFailedError("is wrong.", kind).problems
    assert problem.outage is outage


LIMIT = (
    "has used up GitHub's rate limit, and its reset is too far away to wait for. Run the step again later, or use a GitHub "
    "App's token, which has a limit of its own."
)
OWN_WRONG = "was rejected by GitHub. Leave the input out to use the job's own token, or store a valid one."


@pytest.mark.parametrize(
    ("access", "status", "graphql", "limited", "kind", "text"),
    [
        (OWN, 403, "", True, "limited", LIMIT),
        (OWN, 429, "", False, "limited", LIMIT),
        (OWN, 400, "RATE_LIMITED", False, "limited", LIMIT),
        (NO_TOKEN, 401, "", False, "token", f"is empty, and GitHub requires a token for this request. {LEAVE_OUT}"),
        (OWN, 401, "", False, "token", OWN_WRONG),
        (OWN, 403, "", False, "forbidden", f"may not read the pull requests of acme/shop. {GRANT}"),
        (OTHER, 403, "", False, "forbidden", f"may not read the contents of acme/shop. {ANOTHER}"),
        (OWN, 400, "FORBIDDEN", False, "forbidden", f"may not read the pull requests of acme/shop. {GRANT}"),
        (OWN, 400, "INSUFFICIENT_SCOPES", False, "forbidden", f"may not read the pull requests of acme/shop. {GRANT}"),
    ],
)
def test_what_the_token_may_not(
    access: Access, status: int, graphql: str, limited: bool, kind: Kind, text: str
) -> None:
    error = access.rejected(status, graphql, limited=limited)
    assert (error.problems, error.kind) == ((Problem("github-token", text, outage=kind == "limited"),), kind)


LATER = "Run the step again later."
QUERY = "rejected a query of this action. An old GitHub Enterprise Server may not support it."


@pytest.mark.parametrize(
    ("status", "graphql", "kind", "text"),
    [
        (400, "FAILED", "unavailable", f"answered every attempt at a query with an error. {LATER}"),
        (400, "UNKNOWN", "rejected", QUERY),
        (422, "", "rejected", "rejected a look-up (HTTP 422). Check that the repository has the commit."),
        (400, "", "rejected", f"answered every attempt with HTTP 400. {LATER}"),
        (499, "", "rejected", f"answered every attempt with HTTP 499. {LATER}"),
        (500, "", "unavailable", f"answered every attempt with HTTP 500. {LATER}"),
        (503, "", "unavailable", f"answered every attempt with HTTP 503. {LATER}"),
    ],
)
def test_what_is_not_the_tokens_fault(status: int, graphql: str, kind: Kind, text: str) -> None:
    error = OWN.rejected(status, graphql, limited=False)
    assert (error.problems, error.kind) == ((Problem("GITHUB_API_URL", text, outage=kind == "unavailable"),), kind)


def test_a_failure_is_an_outage_unless_it_says_otherwise() -> None:
    assert LookupFailedError("is down.").kind == "unavailable"
    assert LookupFailedError("is wrong.", "rejected").kind == "rejected"


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        ({"errors": [{"type": "FORBIDDEN"}]}, "FORBIDDEN"),
        ({"errors": [{"type": 7}]}, ""),
        ({"errors": [{"message": "m"}]}, "FAILED"),
        ({"errors": [{"message": "m", "extensions": {"code": "undefinedField"}}]}, "UNKNOWN"),
        ({"errors": [{"message": "m", "locations": []}]}, "UNKNOWN"),
        ({"errors": [{"type": "FORBIDDEN"}], "message": "a REST error's"}, ""),
        ({"errors": ["m"]}, ""),
        ({"errors": []}, ""),
        ({"errors": {}}, ""),
        ({}, ""),
        ([], ""),
        (None, ""),
    ],
)
def test_the_type_of_an_error_of_graphql(data: Any, expected: str) -> None:
    assert graphql_type(data) == expected
