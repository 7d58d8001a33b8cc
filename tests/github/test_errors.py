"""The sentences for look-ups that fail, and the kind of each failure."""

from typing import Any, get_args

import pytest

from dx_action.errors import Problem
from dx_action.github.errors import Access, Kind, LookupFailedError, Missing, Refusal, refusals

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
    "has used up GitHub's rate limit, and its reset is too far away to wait for. A GitHub App's token has a "
    "limit of its own."
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


MAY_NOT = "may not read the pull requests of acme/shop"


@pytest.mark.parametrize(
    ("why", "text"),
    [
        (
            "IP_ALLOW_LIST",
            f"{MAY_NOT} from here: the organization has an IP allow list. Have the runner's address added to it.",
        ),
        ("SSO", f"{MAY_NOT}, because the organization requires single sign-on. Authorize the token for it (SSO)."),
        ("SUSPENDED", f"{MAY_NOT}: its account, or its app's installation, is suspended. Use another token."),
        (
            "TOKEN_POLICY",
            f"{MAY_NOT}, because the organization forbids tokens of its kind. Use the job's own, or a GitHub App's.",
        ),
    ],
)
def test_why_the_token_may_not(why: str, text: str) -> None:
    for status in (403, 200):
        error = OWN.rejected(status, why, limited=False, accepted="contents=read")
        assert (error.problems, error.kind) == ((Problem("github-token", text),), "forbidden")


@pytest.mark.parametrize(
    ("accepted", "more"),
    [
        ("", ""),
        ("pull_requests=read", ""),
        ("contents=read", " GitHub accepts `contents: read`."),
        ("pull_requests=write", " GitHub accepts `pull-requests: write`."),
        ("contents=read,pull_requests=read", " GitHub accepts `contents: read` and `pull-requests: read`."),
        ("contents=read, issues=admin", " GitHub accepts `contents: read` and `issues: admin`."),
        ("contents=read; pull_requests=read", " GitHub accepts `contents: read` or `pull-requests: read`."),
        ("contents=read;", ""),
        ("contents=all", ""),
        ("<b>=read", ""),
    ],
)
def test_which_permissions_github_accepts(accepted: str, more: str) -> None:
    error = OWN.rejected(403, "", limited=False, accepted=accepted)
    assert error.problems == (Problem("github-token", f"{MAY_NOT}. {GRANT}{more}"),)


FIELD = "does not know a field that this action asks for. An old GitHub Enterprise Server may not have it."


@pytest.mark.parametrize(
    ("status", "graphql", "kind", "text"),
    [
        (200, "FAILED", "unavailable", "answered every attempt at a query with an error. Check whether it is down."),
        (200, "TOO_LARGE", "unavailable", "answered every attempt at a query with an error. Check whether it is down."),
        (200, "UNKNOWN_FIELD", "rejected", FIELD),
        (200, "SOMETHING_NEW", "rejected", "rejected a query of this action (SOMETHING_NEW)."),
        (200, "::error::evil", "rejected", "rejected a query of this action."),
        (200, "A" * 61, "rejected", "rejected a query of this action."),
        (422, "", "rejected", "rejected a look-up (HTTP 422). Check that the repository has the commit."),
        (400, "", "rejected", "rejected a look-up (HTTP 400)."),
        (499, "", "rejected", "rejected a look-up (HTTP 499)."),
        (500, "", "unavailable", "answered every attempt with HTTP 500. Check whether it is down."),
        (503, "", "unavailable", "answered every attempt with HTTP 503. Check whether it is down."),
    ],
)
def test_what_is_not_the_tokens_fault(status: int, graphql: str, kind: Kind, text: str) -> None:
    error = OWN.rejected(status, graphql, limited=False)
    assert (error.problems, error.kind) == ((Problem("GITHUB_API_URL", text, outage=kind == "unavailable"),), kind)


def test_a_failure_is_an_outage_unless_it_says_otherwise() -> None:
    assert LookupFailedError("is down.").kind == "unavailable"
    assert LookupFailedError("is wrong.", "rejected").kind == "rejected"


SPENT = "API rate limit already exceeded for user ID 1."
SECONDARY = "You have exceeded a secondary rate limit. Please wait a few minutes before you try again."
WRONG = "Something went wrong while executing your query. This may be the result of a timeout, or a GitHub bug."
NO_FIELD = "Field 'fullDatabaseId' doesn't exist on type 'PullRequest'"


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        ({"type": "RATE_LIMITED"}, "RATE_LIMITED"),
        ({"type": "RATE_LIMIT", "code": "graphql_rate_limit", "message": SPENT}, "RATE_LIMITED"),
        ({"extensions": {"type": "RATE_LIMIT"}}, "RATE_LIMITED"),
        ({"message": SPENT}, "RATE_LIMITED"),
        ({"type": "FORBIDDEN", "message": SECONDARY}, "SECONDARY_LIMIT"),
        ({"message": "You have triggered an abuse detection mechanism."}, "SECONDARY_LIMIT"),
        ({"type": "NOT_FOUND", "message": "Could not resolve to 'acme/rate limit'"}, "NOT_FOUND"),
        ({"type": "RESOURCE_LIMITS_EXCEEDED", "path": ["repository"]}, "TOO_LARGE"),
        ({"type": "MAX_NODE_LIMIT_EXCEEDED"}, "TOO_LARGE"),
        ({"message": WRONG}, "FAILED"),
        ({"message": WRONG, "path": ["repository", "item1"]}, "FAILED"),
        ({"message": WRONG, "locations": [{"line": 1, "column": 2}]}, "FAILED"),
        ({"message": WRONG, "locations": [], "path": [], "extensions": {"requestId": "1"}}, "FAILED"),
        ({"type": "INTERNAL", "message": "m"}, "FAILED"),
        ({"type": None, "extensions": None}, "FAILED"),
        ({}, "FAILED"),
        ({"message": NO_FIELD, "extensions": {"code": "undefinedField"}}, "UNKNOWN_FIELD"),
        ({"message": NO_FIELD, "locations": [{"line": 1, "column": 2}]}, "UNKNOWN_FIELD"),
        ({"message": "Field 'statuses' doesn't accept argument 'first'"}, "UNKNOWN_FIELD"),
        *(
            ({"message": "m", "extensions": {"code": code}}, "UNKNOWN_FIELD")
            for code in ("undefinedField", "undefinedType", "argumentNotAccepted")
        ),
        *(
            ({"type": name, "message": "m"}, "FAILED")
            for name in ("INTERNAL_SERVER_ERROR", "SERVICE_UNAVAILABLE", "TIMEOUT")
        ),
        ({"message": "m", "extensions": {"code": "missingRequiredArguments"}}, "missingRequiredArguments"),
        ({"type": "FORBIDDEN", "message": "Resource not accessible by integration"}, "FORBIDDEN"),
        ({"type": "SOMETHING_NEW", "message": "m"}, "SOMETHING_NEW"),
        ({"type": 7, "message": 7}, "FAILED"),
    ],
)
def test_the_kind_of_an_error_of_graphql(error: dict[str, Any], kind: str) -> None:
    assert [found.kind for found in refusals({"data": None, "errors": [error]})] == [kind]


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ({"data": {}, "errors": [{"type": "A", "path": ["a", 1]}, {"type": "B"}]}, [("A", ("a", 1)), ("B", ())]),
        ({"errors": [{"type": "A", "path": ["a", None]}, {"type": "B", "path": "a"}]}, [("A", ()), ("B", ())]),
        ({"message": SECONDARY}, [("SECONDARY_LIMIT", ())]),
        ({"message": SPENT, "documentation_url": "https://docs.github.com"}, [("RATE_LIMITED", ())]),
        ({"message": "Server Error"}, [("FAILED", ())]),
        ({"message": "m", "errors": {"type": "FORBIDDEN"}}, [("FAILED", ())]),
        ({"errors": ["evil"]}, [("FAILED", ())]),
        ({"data": {}, "message": "m"}, []),
        ({"data": {}, "errors": []}, []),
        ({}, []),
        ([{"message": SPENT}], []),
        (None, []),
    ],
)
def test_the_errors_of_an_answer(body: Any, expected: list[tuple[str, tuple[str | int, ...]]]) -> None:
    assert [*refusals(body)] == [Refusal(kind, path) for kind, path in expected]
