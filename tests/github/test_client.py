"""The client of GitHub's API, against the stand-in: what it asks, what it bears, and what it says where it gives up."""

import json
import logging
import re
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from email.utils import format_datetime
from pathlib import Path
from typing import Any

import pytest

import builders
from asking import EVIL, FIELDS, PULL, Answered, Ask, Numbered, Patience, failure, graphql, late, rest
from dx_action.errors import BadInput
from dx_action.github.client import Repository, Run
from dx_action.github.commits import ChangedFile, tree_at
from dx_action.github.errors import NO_ADDRESS, LookupFailedError, Missing
from dx_action.github.graphql import Node, Query
from dx_action.github.graphql import ask as ask_for
from dx_action.runner.workspace import Workspace
from dx_action.sandbox import Sandbox
from proxies import Tunnel
from runner import TOKEN, Step, connected
from scenes import Answering, hang_up, looking, merge_payload, speaking, told
from stand_in import GitHub, Repo

# The bounds, as literals: what the code has must be these.
SECONDS = 60.0

BOTH = pytest.mark.parametrize("ask", [rest, graphql])


@pytest.fixture(scope="module")
def repo() -> Repo:
    made = Repo()
    made.commit({"README.md": "Shop"})
    made.pulls.ship({f"web/{number:03}.txt": "1" for number in range(250)})
    return made


@pytest.fixture(params=[False, True], ids=["github.com", "ghes"])
def gh(request: pytest.FixtureRequest, repo: Repo) -> Iterator[GitHub]:
    with GitHub(repo, ghes=request.param, moved={"acme/old": "acme/shop"}) as server:
        yield server


@pytest.fixture
def hub(repo: Repo) -> Iterator[GitHub]:
    with GitHub(repo) as server:
        yield server


# What is asked.


@BOTH
def test_a_look_up(gh: GitHub, ask: Ask) -> None:
    with speaking(gh) as api:
        assert ask(api) == 1
    (call,) = gh.calls
    assert (call.authorization, call.api_version, call.status) == ("valid", "2022-11-28", 200)
    assert call.path == ("/graphql" if ask is graphql else f"/repos/acme/shop/{PULL}")


def test_parameters_and_variables(gh: GitHub) -> None:
    with speaking(gh) as api:
        files = api.get(f"{PULL}/files", "pull-requests", list[Any], per_page=100, page=3)
        asked = FIELDS.replace("1", "$n")
        assert ask_for(api, Query(asked, "pull-requests", {"n": ("Int!", 1)}), Answered).pull_request.number == 1
    assert len(files) == 50
    assert gh.calls[0].query == {"per_page": "100", "page": "3"}
    assert gh.calls[1].variables == {"owner": "acme", "name": "shop", "n": 1}


def test_what_is_asked_twice_costs_one_call(hub: GitHub) -> None:
    with speaking(hub) as api:
        for page in (1, 1, 2, 1):
            api.get(f"{PULL}/files", "pull-requests", list[Any], per_page=100, page=page)
    assert [call.query["page"] for call in hub.calls] == ["1", "2"]


def test_the_pages_of_a_list_are_asked_for_when_they_are_due(hub: GitHub) -> None:
    with speaking(hub) as api:
        pages = api.pages(f"{PULL}/files", "pull-requests", list[Any])
        assert len(next(pages)) == 100
        assert len(hub.calls) == 1
        assert [len(page) for page in pages] == [100, 50]
    assert [call.query for call in hub.calls] == [{"per_page": "100", "page": page} for page in "123"]


def test_a_failure_is_not_remembered(hub: GitHub) -> None:
    with speaking(hub) as api:
        hub.fail(status=400)
        with pytest.raises(LookupFailedError):
            rest(api)
        assert rest(api) == 1


@BOTH
def test_what_is_not_there(gh: GitHub, ask: Ask) -> None:
    gh.app.repos.clear()
    with speaking(gh) as api, pytest.raises(Missing):
        ask(api)
    assert len(gh.calls) == 1


class Unlike(Node):
    """What GitHub does not say of anything."""

    no_such_field: int


@pytest.mark.parametrize("model", [Unlike, int, list[Numbered]], ids=str)
@pytest.mark.parametrize("api_of", ["rest", "graphql"])
def test_an_answer_of_another_shape(hub: GitHub, model: Any, api_of: str) -> None:
    def ask(api: Repository) -> Any:
        return (
            api.get(PULL, "pull-requests", model)
            if api_of == "rest"
            else ask_for(api, Query(FIELDS, "pull-requests"), model)
        )

    assert failure(hub, ask) == f"{UNDOCUMENTED}, so nothing of it is used."
    assert len(hub.calls) == 1


def test_another_repository_may_be_asked_about_on_the_way(repo: Repo) -> None:
    with GitHub(repo, Repo("acme/other")) as hub, speaking(hub) as api:
        found = ask_for(api, Query("nameWithOwner", "contents", name="acme/other"), dict[str, str])
    assert found == {"nameWithOwner": "acme/other"}


def test_nothing_is_reached_before_the_first_call() -> None:
    class Unread(Workspace):
        def read(self, path: str, most: int = 0) -> bytes:
            raise AssertionError(f"{path} is not needed")

    inputs = builders.inputs({"ca-bundle": "ca.pem"})
    Repository("not a name", replace(looking("http://127.0.0.1:9"), inputs=inputs, workspace=Unread("")))


@pytest.mark.parametrize(("name", "own"), [("acme/shop", True), ("Acme/Shop", True), ("acme/other", False)])
def test_a_client_of_a_run(tmp_path: Path, hub: GitHub, name: str, own: bool) -> None:
    inputs = builders.inputs({"github-token": hub.token, "ca-bundle": "ca.pem"})
    runtime = builders.runtime("push_branch", api_url=hub.api_url)
    run = Run(inputs, runtime, {}, Workspace(str(tmp_path)), late(0), print, print)
    api = Repository(name, run)
    assert (api.name, api.own) == (name, own)
    (tmp_path / "ca.pem").symlink_to("elsewhere")
    with pytest.raises(BadInput, match="`ca-bundle`"):
        rest(api)
    (tmp_path / "ca.pem").unlink()
    if own:
        assert rest(api) == 1
    hang_up(api)


# Tokens and permissions.


@BOTH
@pytest.mark.parametrize("own", [True, False])
@pytest.mark.parametrize("permission", ["contents", "pull-requests", "deployments"])
def test_a_missing_permission_is_named(hub: GitHub, ask: Ask, permission: str, own: bool) -> None:
    hub.permissions[permission.replace("-", "_")] = "none"
    lookups = {
        "contents": ("git/trees/main", 'object(expression: "main") { oid }'),
        "pull-requests": (PULL, FIELDS),
        "deployments": ("deployments", "deployments(first: 1) { nodes { id } }"),
    }
    path, fields = lookups[permission]

    def look(api: Repository) -> Any:
        return api.get(path, permission, object) if ask is rest else ask_for(api, Query(fields, permission), object)

    said = failure(hub, look, own=own)
    assert said.startswith("`github-token` may not read the ")
    assert f"`{permission}: read`" in said
    assert ("Grant the job the permission" in said) == own
    assert ("GitHub App's token or a personal access token" in said) != own
    assert len(hub.calls) == 1


@BOTH
def test_a_wrong_token(gh: GitHub, ask: Ask) -> None:
    said = failure(gh, ask, token="another-token")
    assert said.startswith("`github-token` was rejected by GitHub. Leave the input out to use the job's own token")
    assert len(gh.calls) == 1


def test_no_token(hub: GitHub) -> None:
    """What is public can be read without one; GraphQL cannot."""
    said = failure(hub, graphql, token=None)
    assert said.startswith("`github-token` is empty")
    hub.app.repos["acme/shop"].private = False
    try:
        with speaking(hub, token=None) as api:
            assert rest(api) == 1
    finally:
        hub.app.repos["acme/shop"].private = True
    assert hub.calls[-1].authorization == "none"


# Limits.


@BOTH
@pytest.mark.parametrize(
    ("fault", "waited"),
    [
        ({"limit": "secondary", "wait": 7}, (7, 7)),
        ({"limit": "secondary", "wait": 7, "status": 429}, (7, 7)),
        ({"limit": "primary", "wait": 5, "status": 403}, (5, 6)),
        ({"status": 503, "headers": {"Retry-After": "9"}}, (9, 9)),
        ({"status": 429, "message": EVIL}, (0, 0)),
    ],
    ids=["secondary", "secondary, 429", "primary", "503", "429"],
)
def test_a_short_wait_is_waited(hub: GitHub, ask: Ask, fault: dict[str, Any], waited: tuple[float, float]) -> None:
    hub.fail(**fault)
    patience = Patience()
    with speaking(hub, clock=patience.clock) as api:
        assert ask(api) == 1
    assert len(hub.calls) == 2
    assert waited[0] <= sum(patience.waits) <= waited[1]


def test_a_wait_may_be_a_date(hub: GitHub) -> None:
    until = format_datetime(datetime.fromtimestamp(time.time() + 30, UTC), usegmt=True)
    hub.fail(status=503, headers={"Retry-After": until})
    patience = Patience()
    with speaking(hub, clock=patience.clock) as api:
        assert rest(api) == 1
    assert 1 < sum(patience.waits) <= 30


RATE_LIMIT = "`github-token` has used up GitHub's rate limit"
SECONDARY_LIMIT = "`github-token` made too many requests at once"


@BOTH
@pytest.mark.parametrize(
    ("fault", "expected"),
    [
        ({"limit": "primary", "wait": 3000}, RATE_LIMIT),
        ({"limit": "primary", "wait": 3000, "status": 403}, RATE_LIMIT),
        ({"limit": "primary", "wait": 3000, "status": 429, "headers": {"Retry-After": "3000"}}, RATE_LIMIT),
        ({"limit": "secondary", "wait": 600}, SECONDARY_LIMIT),
        ({"limit": "secondary", "wait": 600, "status": 429}, SECONDARY_LIMIT),
        ({"status": 403, "message": "You have exceeded a secondary rate limit. evil"}, SECONDARY_LIMIT),
        ({"status": 503, "headers": {"Retry-After": "9999"}}, "`GITHUB_API_URL` answered every attempt with HTTP 503"),
    ],
    ids=["primary", "primary, 403", "primary, 429", "secondary", "secondary, 429", "secondary without a time", "503"],
)
def test_a_long_wait_is_not_begun(hub: GitHub, ask: Ask, fault: dict[str, Any], expected: str) -> None:
    hub.fail(**fault, times=None)
    patience = Patience()
    assert failure(hub, ask, clock=patience.clock).startswith(expected)
    assert len(hub.calls) == 1
    assert patience.waits == []


@BOTH
@pytest.mark.parametrize(
    "fault",
    [
        {"limit": "secondary", "wait": 1},
        {"limit": "secondary", "wait": 1, "status": 429},
        {"limit": "primary", "wait": 0, "status": 403},
        {"limit": "primary", "wait": 0, "status": 429},
        {"status": 429},
    ],
    ids=["secondary", "secondary, 429", "primary", "primary, 429", "429"],
)
def test_a_limit_that_stays_is_told_as_a_limit(hub: GitHub, ask: Ask, fault: dict[str, Any]) -> None:
    hub.fail(**fault, times=None)
    assert failure(hub, ask).startswith(SECONDARY_LIMIT if fault.get("limit") == "secondary" else RATE_LIMIT)
    assert len(hub.calls) == 4


@BOTH
@pytest.mark.parametrize("fault", [{"reset": True}, {"status": 500}], ids=["a lost connection", "500"])
def test_what_came_last_is_told_if_no_time_is_left_for_another_attempt(
    hub: GitHub, ask: Ask, fault: dict[str, Any]
) -> None:
    hub.fail(limit="secondary", wait=58)
    hub.fail(**fault, times=None)
    patience = Patience()
    with speaking(hub, clock=patience.clock) as api, pytest.raises(LookupFailedError) as failed:
        ask(api)
    assert failed.value.outage
    told = (
        "answered every attempt with HTTP 500." if "status" in fault else "returned no readable answer. The connection"
    )
    assert str(failed.value).startswith(f"`GITHUB_API_URL` {told}")
    assert len(hub.calls) == 3


def test_a_budget_that_is_used_up(hub: GitHub) -> None:
    hub.rate.limit = hub.rate.used
    assert failure(hub, rest).startswith(RATE_LIMIT)
    assert len(hub.calls) == 1


# Outages.


@BOTH
@pytest.mark.parametrize("fault", [{"status": 502, "body": b"<html>evil</html>"}, {"status": 500}, {"reset": True}])
def test_an_outage_heals(gh: GitHub, ask: Ask, fault: dict[str, Any]) -> None:
    gh.fail(**fault, times=3)
    patience = Patience()
    with speaking(gh, clock=patience.clock) as api:
        assert ask(api) == 1
    assert len(gh.calls) == 4
    assert patience.waits == ([0.5, 1, 2] if ask is graphql and fault.get("status") == 502 else [0, 1, 2])


INVALID = b'{"message": "evil", "errors": [{"resource": "PullRequest", "code": "invalid"}]}'
PAGE = b"<html><body>evil</body></html>"
NOT_GITHUBS = "`GITHUB_API_URL` returned an answer that is not GitHub's"
NO_ANSWER = "`GITHUB_API_URL` returned no readable answer"
UNDOCUMENTED = "`GITHUB_API_URL` returned an answer that is not as GitHub documents it"


@BOTH
@pytest.mark.parametrize(
    ("fault", "expected", "calls"),
    [
        ({"status": 502, "body": PAGE}, "`GITHUB_API_URL` answered every attempt with HTTP 502", 4),
        ({"status": 503, "message": EVIL}, "`GITHUB_API_URL` answered every attempt with HTTP 503", 4),
        (
            {"status": 422, "message": EVIL},
            "`GITHUB_API_URL` rejected a look-up (HTTP 422). Check that the repository has",
            1,
        ),
        (
            {"status": 422, "body": INVALID},
            "`GITHUB_API_URL` rejected a look-up (HTTP 422). Check that the repository has",
            1,
        ),
        ({"status": 200, "body": PAGE}, NOT_GITHUBS, 1),
        ({"status": 403, "body": PAGE}, NOT_GITHUBS, 1),
        ({"status": 404, "body": PAGE}, NOT_GITHUBS, 1),
        ({"status": 407, "body": PAGE}, NOT_GITHUBS, 1),
        ({"status": 200, "body": b""}, "`GITHUB_API_URL` returned ", 1),
        ({"status": 200, "body": b'{"data": {"repo'}, NO_ANSWER, 1),
        ({"status": 422, "body": b'["evil"]'}, NO_ANSWER, 1),
        ({"status": 200, "body": b"[" * 100_000}, NO_ANSWER, 1),
        ({"status": 200, "body": b'{"a":' * 100_000 + b"1" + b"}" * 100_000}, NO_ANSWER, 1),
        ({"cut": True}, NO_ANSWER, 1),
        ({"reset": True}, NO_ANSWER, 4),
    ],
    ids=str,
)
def test_an_outage_that_stays(hub: GitHub, ask: Ask, fault: dict[str, Any], expected: str, calls: int) -> None:
    hub.fail(**fault, times=None)
    assert failure(hub, ask).startswith(expected)
    assert len(hub.calls) == calls


def test_nobody_listens() -> None:
    with GitHub(Repo()) as server:
        pass
    host = server.api_url.partition("://")[2]
    said = f"`GITHUB_API_URL` cannot be reached in 4 attempts. {host} refused the connection. Check `GITHUB_API_URL`,"
    assert failure(server, rest).startswith(said)


@pytest.mark.parametrize(
    "url",
    [
        *(
            "",
            "github",
            "acme:x",
            "ftp://a",
            "https://",
            "https://[::1",
            "https://a:b",
            "https://a:99999",
            "https://a:0",
        ),
        *("https://a..b", "https://" + "a" * 64, "https://a b", "https://*", "https://\N{BULLET}.x"),
    ],
)
@pytest.mark.parametrize("ask", [rest, graphql])
def test_no_address_is_named(ask: Ask, url: str) -> None:
    """Whether PyGithub, Python or requests stumbles over it; and no proxy is blamed."""
    with pytest.raises(LookupFailedError) as failed:
        ask(Repository("acme/shop", looking(url)))
    assert str(failed.value) == f"`GITHUB_API_URL` {NO_ADDRESS}"
    assert not failed.value.outage


@BOTH
def test_an_answer_that_never_comes(hub: GitHub, ask: Ask) -> None:
    hub.fail(hang=60)
    said = failure(hub, ask, clock=late(0, SECONDS - 0.1))
    assert said.startswith("`GITHUB_API_URL` did not answer within the 60 s")


def test_all_look_ups_share_their_time(hub: GitHub) -> None:
    now = [0.0]
    with speaking(hub, clock=late(0)._replace(monotonic=lambda: now[0])) as api:
        assert rest(api) == 1
        now[0] = SECONDS + 1
        with pytest.raises(LookupFailedError, match="within the 60 s"):
            graphql(api)
    assert len(hub.calls) == 1


@pytest.mark.parametrize(("seconds", "status"), [(40, 200), (59, 200), (61, 403)])
def test_a_wait_that_github_asks_for_takes_no_time_from_what_can_be_replaced(
    hub: GitHub, seconds: int, status: int
) -> None:
    """The other look-up would have to wait as long."""
    hub.fail(limit="secondary", wait=seconds)
    patience = Patience()
    with speaking(hub, clock=patience.clock) as api, api.replaceable():
        if status == 200:
            assert rest(api) == 1
        else:
            with pytest.raises(LookupFailedError, match="secondary rate limit"):
                rest(api)
    assert hub.calls[-1].status == status


def test_each_look_up_of_a_backfill_has_that_time(hub: GitHub) -> None:
    now = [0.0]
    with speaking(hub, clock=late(0)._replace(monotonic=lambda: now[0]), patient=True) as api:
        assert rest(api) == 1
        now[0] = SECONDS + 1
        assert graphql(api)
    assert len(hub.calls) == 2


def test_the_time_begins_with_the_first_look_up(hub: GitHub) -> None:
    started = time.monotonic() + 1000
    with speaking(hub, clock=late(started)) as api:
        assert rest(api) == 1


# Redirects.


def test_a_renamed_repository_is_followed_with_every_page(gh: GitHub) -> None:
    """PyGithub follows, but forgets the query: each page would be the first 30 files."""
    with speaking(gh, "acme/old") as api:
        pages = [
            api.get(f"{PULL}/files", "pull-requests", list[ChangedFile], per_page=100, page=page) for page in (1, 2, 3)
        ]
        tree = tree_at(api, "main", recursive=True)
    assert sorted({file.filename for page in pages for file in page}) == [f"web/{n:03}.txt" for n in range(250)]
    assert {entry.path for entry in tree.entries} >= {"web", "web/000.txt"}
    assert api.renamed == RENAMED
    assert [call.status for call in gh.calls] == [301, 200, 200, 200, 200, 200]
    assert [call.query.get("page") for call in gh.calls] == ["1", None, "1", "2", "3", None]


RENAMED = (
    "GitHub calls the repository acme/old `acme/shop` now. What is sent to DX stays as written. If DX has the new name, set "
    "`repository` to it."
)


def test_graphql_follows_a_rename_by_itself(gh: GitHub) -> None:
    with speaking(gh, "acme/old") as api:
        assert graphql(api) == 1


def test_a_rename_whose_new_name_is_not_told_is_followed_all_the_same(gh: GitHub) -> None:
    gh.fail("/shop$", status=404)
    with speaking(gh, "acme/old") as api:
        assert len(api.get(f"{PULL}/files", "pull-requests", list[Any], per_page=100)) == 100
        assert api.renamed is None  # a file is not told of a repository
        assert rest(api) == 1
        assert api.renamed == RENAMED


@pytest.mark.parametrize(
    ("name", "expected"), [("acme/shop", RENAMED), ("Acme/OLD", None), ("acme/old", None), ("::error::evil", None)]
)
def test_another_spelling_is_no_rename(name: str, expected: str | None) -> None:
    api = Repository("acme/old", looking("http://127.0.0.1:9"))
    assert api.renamed is None
    api.named(name)
    assert api.renamed == expected


def renaming(found: Any) -> Any:
    """Have the repository called acme/store wherever an answer names it, a pull request's head apart, which a fork may have."""
    if isinstance(found, list):
        return [renaming(each) for each in found]
    if isinstance(found, dict):
        return {key: value if key == "head" else renaming(value) for key, value in found.items()}
    return re.sub(r"(?<=\b)acme/shop\b", "acme/store", found) if isinstance(found, str) else found


NAMING = {
    "a pull request": "pulls/1",
    "a commit": "commits/main",
    "a comparison": "compare/main...main",
    "a tree": "git/trees/main",
    "a file": "contents/README.md",
    "a folder": "contents/web",
    "a branch": "git/ref/heads/main",
    "deployments": "deployments",
    "releases": "releases",
}


@pytest.mark.parametrize("name", NAMING)
def test_a_rename_without_a_redirect_is_seen_in_the_answer(gh: GitHub, repo: Repo, name: str) -> None:
    repo.deployments.create(state="success")
    repo.releases.publish("v1")
    for again in (False, True):
        with speaking(gh, "acme/shop") as api:
            api.get(NAMING[name], "contents", object)
            assert api.renamed == (RENAMED.replace("acme/old `acme/shop`", "acme/shop `acme/store`") if again else None)
        gh.fail(NAMING[name].partition("...")[0], edit=renaming, times=None)


def test_a_pull_request_names_its_base(hub: GitHub) -> None:
    hub.fail("/pulls/1", edit=lambda body: body["base"]["repo"].update(full_name="acme/store"), times=None)
    with speaking(hub, "acme/shop") as api:
        assert rest(api) == 1
        assert api.renamed == RENAMED.replace("acme/old `acme/shop`", "acme/shop `acme/store`")


URL = "https://api.github.com/repos"
FORK = {"full_name": "someone/fork", "url": f"{URL}/someone/fork"}
NOT_RENAMED: dict[str, Any] = {
    "a fork's branch": {"url": f"{URL}/acme/shop/pulls/1", "head": {"repo": FORK}},
    "a fork's branch into it": {"url": "", "base": {"repo": {"full_name": "acme/shop"}}, "head": {"repo": FORK}},
    "a branch of a fork that is gone": {"url": f"{URL}/acme/shop/pulls/1", "head": {"repo": None}},
    "the repository that it was forked from": {"url": f"{URL}/acme/shop/pulls/1", "parent": FORK, "source": FORK},
    "another spelling": {"url": f"{URL}/Acme/SHOP/pulls/1"},
    "a number": {"url": 7},
    "no name": {"url": f"{URL}/acme"},
    "no part of the path": {"url": f"{URL}/acme/shop/pulls/1?of=/repos/acme/store/x"},
    "a command": {"url": f"{URL}/acme/::error::evil/pulls/1"},
    "two lines": {"url": f"{URL}/acme/store\n::error::evil/pulls/1"},
    "no object": 7,
    "an empty list": [],
    "a list of texts": ["a"],
    "a list of lists": [[]],
}


@pytest.mark.parametrize("name", NOT_RENAMED)
def test_what_names_another_repository_is_no_rename(hub: GitHub, name: str) -> None:
    hub.fail(status=200, body=json.dumps(NOT_RENAMED[name]).encode())
    with speaking(hub, "acme/shop") as api:
        assert api.get("x", "contents", object) == NOT_RENAMED[name]
        assert api.renamed is None


# Lists without end.


class Items(Answering):
    """A list of so many pages of so many items, each its own or all the same; without a number, it has no end."""

    def __init__(self, pages: int | None, size: int = 100, *, same: bool = False) -> None:
        super().__init__(self._page)
        self.asked: list[int] = []
        self._pages, self._size, self._same = pages, size, same

    def _page(self, _path: str, parameters: dict[str, Any]) -> list[int]:
        page = int(parameters["page"])
        self.asked.append(page)
        return [0 if self._same else page] * self._size if self._pages is None or page <= self._pages else []


@pytest.mark.parametrize(
    ("items", "pages", "read", "expected"),
    [
        (Items(2), 3, 3, ""),
        (Items(29), 30, 30, ""),
        (Items(None), 30, 30, "lists more than 3,000 items, which are not all read"),
        (Items(None, same=True), 1, 2, "not as GitHub documents it"),
        (Items(1, size=101), 0, 1, "not as GitHub documents it"),
        (Items(None, size=0), 1, 1, ""),
    ],
)
def test_no_answer_decides_how_long_a_list_is_read(items: Items, pages: int, read: int, expected: str) -> None:
    found, said = 0, ""
    try:
        for _ in items.pages("things", "contents", list[int]):
            found += 1
    except LookupFailedError as error:
        said = str(error)
    assert (found, len(items.asked)) == (pages, read)
    assert expected in said
    assert bool(said) == bool(expected)


@BOTH
@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_the_token_goes_nowhere_else(hub: GitHub, repo: Repo, ask: Ask, status: int) -> None:
    with GitHub(repo) as other:
        where = {"Location": f"{other.api_url}/repos/acme/shop/pulls/1"}
        hub.fail(status=status, headers=where, message=EVIL, times=None)
        assert failure(hub, ask).startswith("`GITHUB_API_URL` answered with a redirect")
        assert other.calls == []
    assert len(hub.calls) == 1


def test_a_number_is_taken_from_a_redirect_and_no_host(hub: GitHub, repo: Repo) -> None:
    with GitHub(repo) as other:
        hub.fail(status=301, headers={"Location": f"{other.api_url}/repositories/{repo.id}/pulls/1"})
        with speaking(hub) as api:
            assert rest(api) == 1
        assert other.calls == []
    assert len(hub.calls) == 3  # the second for the new name


def test_redirects_end(hub: GitHub, repo: Repo) -> None:
    hub.fail(status=301, headers={"Location": f"{hub.api_url}/repositories/{repo.id}/pulls/1"}, times=None)
    assert "redirect" in failure(hub, rest)
    assert len(hub.calls) == 3  # the second for the new name


# Around it.


@pytest.mark.parametrize(
    "fault", [{"status": 502}, {"limit": "secondary", "wait": 1}, {"status": 403, "message": EVIL}]
)
def test_pygithub_says_nothing(
    hub: GitHub, capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture, fault: dict[str, Any]
) -> None:
    with caplog.at_level(logging.DEBUG):
        hub.fail(**fault, times=None)
        failure(hub, rest)
        hub.faults.clear()
        with speaking(hub) as api:
            assert rest(api) == 1
    assert capfd.readouterr() == ("", "")
    assert [record.name for record in caplog.records if record.name.startswith("github")] == []


@BOTH
def test_its_proxy_is_that_of_the_environment_that_was_handed_in(
    monkeypatch: pytest.MonkeyPatch, hub: GitHub, ask: Ask
) -> None:
    """As for DX. This process's own variables, which a test may not have set, decide nothing."""
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    run = looking(hub.api_url, token="github-token")
    assert ask(Repository("acme/shop", run)) == 1
    port = hub.api_url.split(":")[2].partition("/")[0]
    with Tunnel(int(port)) as proxy:
        through = replace(run, env={"HTTP_PROXY": proxy.url})
        assert ask(Repository("acme/shop", through)) == 1
        assert [head.split()[1].startswith(hub.api_url.encode()) for head in proxy.heads] == [True]
        around = replace(run, env={"HTTP_PROXY": proxy.url, "NO_PROXY": f"127.0.0.1:{port}"})
        assert ask(Repository("acme/shop", around)) == 1
        assert len(proxy.heads) == 1


IMPORTED = [
    ({}, set()),
    ({"service-map": "web: [web/**]"}, {"github", "dx_action.github.lookups"}),
    ({"set-pull-services": "true"}, {"dx_action.github.lookups"}),
]


@pytest.mark.parametrize(("inputs", "expected"), IMPORTED, ids=["none", "files", "all in the payload"])
def test_it_is_imported_only_where_a_look_up_is_needed(
    tmp_path: Path, hub: GitHub, repo: Repo, inputs: dict[str, str], expected: set[str]
) -> None:
    """And ~/.netrc, in which a consumer may have another token for the same host, is not read."""
    (tmp_path / ".netrc").write_text("machine 127.0.0.1 login someone password else\n")
    env = told(tmp_path, hub, repo, merge_payload(repo, repo.pulls.by_number[1])) | {"HOME": str(tmp_path)}
    with Sandbox(token=TOKEN) as dx:
        given = connected(dx, service="" if "service-map" in inputs else "web") | inputs
        step = Step(tmp_path, given, env=env, flags=("-X", "importtime"), github_token=hub.token)
        run = step.run()
    assert run.status == "registered"
    imported = {line.rpartition("|")[2].strip() for line in run.lines if line.startswith("import time:")}
    assert imported & {"github", "dx_action.github.lookups"} == expected
    assert [call.authorization for call in hub.calls] == ["valid"] * (3 if "service-map" in inputs else 0)
    assert "github-token" not in "".join(line for line in run.said if not line.startswith("import time:"))
