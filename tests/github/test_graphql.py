"""Queries of GraphQL, against the stand-in: which errors are waited out, which are told, and what is used of a part."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import pytest
from requests.exceptions import ConnectionError as Unreachable
from urllib3.exceptions import MaxRetryError, ReadTimeoutError

from asking import EVIL, FIELDS, Answered, Patience, failure, graphql, late
from dx_action.github.errors import LookupFailedError
from dx_action.github.graphql import Connection, Named, Query, TooLargeError, ask_parts, list_pages
from runner import NOW
from scenes import Answering, speaking
from stand_in import GitHub, Repo

# The bound, as a literal: what the code has must be this.
SECONDS = 60.0
RATE_LIMIT = "`github-token` has used up GitHub's rate limit"
SECONDARY_LIMIT = "`github-token` made too many requests at once"
QUERY = Query(FIELDS, "pull-requests")


@pytest.fixture
def hub() -> Iterator[GitHub]:
    repo = Repo()
    repo.commit({"README.md": "Shop"})
    repo.pulls.ship({"web/a": "1"})
    with GitHub(repo) as server:
        yield server


SCOPES = {"type": "INSUFFICIENT_SCOPES", "message": EVIL}
UNKNOWN_FIELD = {"message": "Field 'x' doesn't exist on type 'Query'", "extensions": {"code": "undefinedField"}}


@pytest.mark.parametrize(
    ("errors", "expected"),
    [
        ([{"type": "FORBIDDEN", "message": EVIL}], "may not read the pull requests of acme/shop"),
        ([SCOPES], "may not read the pull requests of acme/shop"),
        ([{"type": "RATE_LIMITED", "message": EVIL}], "has used up GitHub's rate limit"),
        ([UNKNOWN_FIELD], "An old GitHub Enterprise Server may not have it"),
        ([{"type": "NOT_FOUND", "message": EVIL}] * 2, "cannot read the pull requests of acme/shop"),
        ([{"type": "SOMETHING_NEW", "message": EVIL}], "rejected a query of this action (SOMETHING_NEW)"),
        ([{"message": EVIL, "extensions": {"code": "evil"}}], "rejected a query of this action."),
        ([], "returned an answer that is not as GitHub documents it"),
    ],
)
def test_what_graphql_refuses(hub: GitHub, errors: list[Any], expected: str) -> None:
    hub.fail("/graphql", errors=errors)
    assert expected in failure(hub, graphql)
    assert len(hub.calls) == 1


WRONG = "Something went wrong while executing your query. Please include `evil` when reporting this."
# Errors that may pass. Whether GitHub adds a place to them says nothing of its version.
TRANSIENT: dict[str, dict[str, Any]] = {
    "alone": {"errors": [{"message": WRONG}]},
    "with a path": {"errors": [{"message": WRONG, "path": ["repository"]}]},
    "with locations": {"errors": [{"message": WRONG, "locations": [{"line": 1, "column": 2}]}]},
    "of a type": {"errors": [{"type": "INTERNAL", "message": EVIL}]},
    "too large": {"errors": [{"type": "RESOURCE_LIMITS_EXCEEDED", "message": EVIL}]},
    "no object": {"errors": ["evil"]},
    "a message alone": {"status": 200, "body": b'{"message": "evil"}'},
    "502": {"status": 502, "body": b"<html>evil</html>"},
    "504": {"status": 504, "body": b"<html>evil</html>"},
}


@pytest.mark.parametrize("name", TRANSIENT)
def test_a_query_that_fails_may_heal(hub: GitHub, name: str) -> None:
    hub.fail("/graphql", **TRANSIENT[name], times=3)
    patience = Patience()
    with speaking(hub, clock=patience.clock) as api:
        assert graphql(api) == 1
    assert (len(hub.calls), patience.waits) == (4, [0.5, 1.0, 2.0])


@pytest.mark.parametrize("name", TRANSIENT)
def test_a_query_that_fails_and_stays_so(hub: GitHub, name: str) -> None:
    hub.fail("/graphql", **TRANSIENT[name], times=None)
    said = failure(hub, graphql, clock=Patience().clock)
    ending = f"with HTTP {name}." if name.isdecimal() else "at a query with an error."
    assert said == f"`GITHUB_API_URL` answered every attempt {ending} Check whether it is down."
    assert len(hub.calls) == 4


def test_a_query_is_not_asked_again_beyond_the_time(hub: GitHub) -> None:
    hub.fail("/graphql", status=502, times=None)
    failure(hub, graphql, clock=late(0, 0, 0, SECONDS - 1.2))
    assert len(hub.calls) == 3


@pytest.mark.parametrize("name", TRANSIENT)
def test_a_large_query_that_fails_is_not_asked_again_as_it_is(hub: GitHub, name: str) -> None:
    hub.fail("/graphql", **TRANSIENT[name], times=None)
    with speaking(hub) as api, pytest.raises(TooLargeError):
        ask_parts(api, QUERY, Answered, large=True)
    assert len(hub.calls) == 1


def test_a_large_query_that_takes_too_long_is_not_asked_again_as_it_is() -> None:
    def endless() -> Any:
        raise Unreachable(MaxRetryError(Any, "", ReadTimeoutError(Any, "", "evil")))  # type: ignore[arg-type]

    api = Answering(lambda _path, _parameters: None, endless)
    with pytest.raises(TooLargeError):
        ask_parts(api, QUERY, Answered, large=True)
    with pytest.raises(LookupFailedError, match="did not answer in 4 attempts"):
        ask_parts(api, QUERY, Answered)


class Numbers(Named):
    numbers: Connection[int | None]


LISTED = Query("nameWithOwner numbers(first: $first, after: $after)", "pull-requests")
UNDOCUMENTED = "`GITHUB_API_URL` returned an answer that is not as GitHub documents it, so nothing of it is used."


class Listing(Answering):
    """A repository whose list has these pages, each with the cursor to the next; None is one that does not come."""

    def __init__(
        self, *answers: list[int | None] | None, cursors: Sequence[str | None] = "abcdefgh", errors: Sequence[Any] = ()
    ) -> None:
        super().__init__(lambda _path, _parameters: None, self._answer)
        self.answers, self.cursors, self.errors, self.sizes = list(answers), list(cursors), errors, list[int]()

    def post_query(self, text: str, variables: Mapping[str, Any], permission: str) -> tuple[Mapping[str, str], Any]:
        self.sizes.append(variables["first"])
        return super().post_query(text, variables, permission)

    def _answer(self) -> Any:
        nodes = self.answers.pop(0)
        if nodes is None:
            return {"errors": [{"message": WRONG}]}
        info = {"hasNextPage": bool(self.answers), "endCursor": self.cursors.pop(0)}
        found = {"repository": {"nameWithOwner": "acme/shop", "numbers": {"nodes": nodes, "pageInfo": info}}}
        return {"data": found, "errors": [] if self.answers else list(self.errors)}

    def listing(self, most: int = 9) -> Iterator[Numbers]:
        return list_pages(self, LISTED, Numbers, lambda page: page.numbers, lambda number: number, range(most))

    def read(self, most: int = 9) -> list[int | None]:
        return [number for page in self.listing(most) for number in page.numbers.nodes]


def test_each_page_of_a_list_is_asked_for_when_it_is_due() -> None:
    api = Listing([1, None], [2], [])
    found = api.listing()
    assert (next(found).numbers.nodes, len(api.sizes)) == ([1, None], 1)
    assert ([page.numbers.nodes for page in found], len(api.sizes)) == ([[2], []], 3)


@pytest.mark.parametrize(
    "answers",
    [
        [[1], [1], [2]],
        [[1], [None], [2], [1, 2], [3]],
        [[1], [2, 1], [3, 2], [1, 2]],
        [[], [1]],
    ],
    ids=["one that moved", "again, after one that is new", "partly new, and the last one", "nothing at first"],
)
def test_a_list_that_changes_while_it_is_read(answers: list[list[int | None]]) -> None:
    assert Listing(*answers).read() == [number for nodes in answers for number in nodes]


@pytest.mark.parametrize(
    ("answers", "cursors", "calls"),
    [
        ([[1], [1], [1], [2]], "abcd", 3),
        ([[1], [None], [1], [2]], "abcd", 3),
        ([[1], [2]], [None, "b"], 1),
        ([[1], [2], [3]], "aab", 2),
    ],
    ids=["nothing new", "nothing", "no cursor", "the same cursor"],
)
def test_a_list_that_leads_nowhere(answers: list[list[int | None]], cursors: Sequence[str | None], calls: int) -> None:
    api = Listing(*answers, cursors=cursors)
    with pytest.raises(LookupFailedError, match=f"^{UNDOCUMENTED}$") as caught:
        api.read()
    assert (caught.value.unreadable, len(api.sizes)) == (True, calls)


@pytest.mark.parametrize(
    ("answers", "kind", "refused"),
    [
        ([[None]], "FORBIDDEN", True),
        ([[1], [1, None]], "FORBIDDEN", True),
        ([[1, None]], "FORBIDDEN", False),
        ([[None]], "NOT_FOUND", False),
    ],
)
def test_a_page_of_which_nothing_may_be_read_is_a_missing_permission(
    answers: list[list[int | None]], kind: str, refused: bool
) -> None:
    api = Listing(*answers, errors=[{"type": kind, "message": EVIL, "path": ["repository", "numbers", "nodes", 0]}])
    if refused:
        with pytest.raises(LookupFailedError, match="may not read the pull requests of acme/shop"):
            api.read()
    else:
        assert api.read() == [number for nodes in answers for number in nodes]


def test_pages_that_do_not_come_become_smaller() -> None:
    api = Listing([1], None, None, [2], None, None, [3])
    assert api.read() == [1, 2, 3]
    assert api.sizes == [100, 100, 50, 25, 25, 12, 10]


def test_a_list_is_not_read_without_an_end() -> None:
    api = Listing([1], None, [2], [3])
    with pytest.raises(
        LookupFailedError, match=r"^`GITHUB_API_URL` has more pull requests than a step reads\. Set a later `since`\.$"
    ):
        api.read(3)
    assert len(api.sizes) == 3
    assert Listing([1], [2], [3]).read(3) == [1, 2, 3]


SPENT = "API rate limit exceeded for installation ID 1. evil"
# Limits that come with status 200.
LIMITS: dict[str, dict[str, Any]] = {
    "RATE_LIMITED": {"errors": [{"type": "RATE_LIMITED", "message": EVIL}]},
    "RATE_LIMIT": {"errors": [{"type": "RATE_LIMIT", "code": "graphql_rate_limit", "message": SPENT}]},
    "in the extensions": {"errors": [{"message": EVIL, "extensions": {"code": "RATE_LIMIT"}}]},
    "beside another": {"errors": [{"message": WRONG}, {"type": "RATE_LIMIT", "message": SPENT}]},
    "by its words": {"errors": [{"type": "FORBIDDEN", "message": SPENT}]},
    "a message alone": {"status": 200, "body": b'{"message": "You have exceeded a secondary rate limit. evil"}'},
    "with data": {"status": 200, "body": b'{"data": null, "errors": [{"type": "RATE_LIMIT"}], "message": "evil"}'},
}


@pytest.mark.parametrize("name", LIMITS)
@pytest.mark.parametrize(("reset", "waits"), [(3, [4.0]), (0, [1.0]), (-60, [0.5])])
def test_a_limit_that_comes_with_status_200(hub: GitHub, name: str, reset: int, waits: list[float]) -> None:
    at = str(int(NOW.timestamp()) + reset)
    hub.fail("/graphql", **LIMITS[name], headers={"X-RateLimit-Reset": at})
    patience = Patience()
    with speaking(hub, clock=patience.clock) as api:
        assert graphql(api) == 1
    assert (len(hub.calls), patience.waits) == (2, waits)


@pytest.mark.parametrize("name", LIMITS)
@pytest.mark.parametrize(
    ("headers", "waits"),
    [
        ({"Retry-After": "7", "X-RateLimit-Reset": str(int(NOW.timestamp()) + 3000)}, [7.0]),
        ({"Retry-After": "evil", "X-RateLimit-Reset": str(int(NOW.timestamp()) + 1)}, [2.0]),
        ({"Retry-After": "3000"}, []),
        ({"X-RateLimit-Reset": str(int(NOW.timestamp()) + 3000)}, []),
        ({}, []),
    ],
    ids=str,
)
def test_how_long_such_a_limit_is_waited_for(
    hub: GitHub, name: str, headers: dict[str, str], waits: list[float]
) -> None:
    hub.fail("/graphql", **LIMITS[name], headers=headers, times=1 if waits else None)
    patience = Patience()
    if waits:
        with speaking(hub, clock=patience.clock) as api:
            assert graphql(api) == 1
    else:
        said = SECONDARY_LIMIT if name == "a message alone" else RATE_LIMIT
        assert failure(hub, graphql, clock=patience.clock).startswith(said)
    assert (len(hub.calls), patience.waits) == (len(waits) + 1, waits)
