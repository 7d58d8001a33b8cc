"""The stand-in's API, read with PyGithub as the action reads GitHub."""

import socket
import time
from collections.abc import Callable, Iterator
from typing import Any

import github
import pytest
import requests
from github.GithubRetry import GithubRetry

from stand_in import WAYS, GitHub, Repo, sample
from thorough import only_thorough

Connect = Callable[..., Any]


@pytest.fixture
def connect() -> Iterator[Connect]:
    """Connect PyGithub, and close it."""
    open_ones = []

    def make(gh: GitHub, *, token: str = "github-token", retry: Any = None, lazy: bool = True) -> Any:
        client = github.Github(
            auth=github.Auth.Token(token),
            base_url=gh.api_url,
            per_page=100,
            seconds_between_requests=0,
            seconds_between_writes=0,  # a GraphQL query is a POST, and so a write to PyGithub
            retry=retry,
            lazy=lazy,
        )
        open_ones.append(client)
        return client

    yield make
    for client in open_ones:
        client.close()


@pytest.fixture(params=[False, True], ids=["github.com", "ghes"])
def gh(request: pytest.FixtureRequest) -> Iterator[GitHub]:
    with GitHub(sample.shop(), Repo("acme/hidden"), ghes=request.param, hidden=["acme/hidden"]) as server:
        yield server


def shop(gh: GitHub) -> Repo:
    return gh.app.repos["acme/shop"]


def paths(gh: GitHub) -> list[str]:
    found = [call.path.removeprefix("/repos/acme/shop") for call in gh.calls]
    gh.reset_calls()
    return found


def test_a_pull_requests_files_and_commits(gh: GitHub, connect: Connect) -> None:
    pull = connect(gh).get_repo("acme/shop").get_pull(4)
    assert paths(gh) == []  # lazy
    told = [(file.filename, file.status, file.previous_filename) for file in pull.get_files()]
    assert told == [(c.path, c.status, c.previous) for c in shop(gh).pulls.files(shop(gh).pulls.by_number[4])]
    assert ("services/site/index.html", "renamed", "services/web/index.html") in told
    assert [commit.sha for commit in pull.get_commits()] == [pull.merge_commit_sha]
    assert paths(gh) == ["/pulls/4/files", "/pulls/4/commits", "/pulls/4"]


def test_comparisons_trees_and_contents(gh: GitHub, connect: Connect) -> None:
    repo, model = connect(gh).get_repo("acme/shop"), shop(gh)
    comparison = repo.compare("v1.0.0", "many")
    assert (comparison.status, comparison.ahead_by, len(comparison.files)) == ("ahead", comparison.total_commits, 300)
    assert [commit.sha for commit in comparison.commits] == [c.sha for c in model.between("v1.0.0", "many")]
    assert comparison.merge_base_commit.sha == model.rev("v1.0.0")
    tree = repo.get_git_tree(model.tree("main"), recursive=True)
    assert [(e.path, e.sha) for e in tree.tree] == [(path, e.sha) for path, e in model.objects.walk(model.tree("main"))]
    file = repo.get_contents("services/site/straße & más.txt", ref="main")
    assert file.decoded_content.decode() == "grüezi\n"
    assert repo.get_contents("assets/logo.bin").encoding == "none"
    assert repo.get_git_blob(repo.get_contents("assets/logo.bin").sha).size == 1_280_000
    assert [one.name for one in repo.get_contents("vendor")] == ["lib"]
    with pytest.raises(github.UnknownObjectException):
        repo.get_contents("nowhere")


def test_a_tree_beyond_the_limit_is_cut(gh: GitHub, connect: Connect) -> None:
    gh.configure(tree_limit=5)
    tree = connect(gh).get_repo("acme/shop").get_git_tree("main", recursive=True)
    assert tree.raw_data["truncated"]
    assert len(tree.tree) == 5


def test_a_commits_pull_requests_come_after_a_while(gh: GitHub, connect: Connect) -> None:
    gh.configure(lag=2)
    merged = shop(gh).pulls.by_number[2]
    commit = connect(gh).get_repo("acme/shop").get_commit(merged.merge_commit_sha)
    assert [[pull.id for pull in commit.get_pulls()] for _ in range(3)] == [[], [], [merged.id]]
    assert merged.id > 2**31
    assert len(paths(gh)) == 3


def test_deployments_and_their_statuses(gh: GitHub, connect: Connect) -> None:
    repo = connect(gh).get_repo("acme/shop")
    staging = list(repo.get_deployments(environment="staging"))
    assert [one.environment for one in staging] == ["staging", "staging"]
    with pytest.raises(github.BadAttributeException):
        assert staging[1].payload  # PyGithub knows objects only
    assert [status.state for status in staging[1].get_statuses()] == ["inactive", "success"]
    first = list(repo.get_deployments())[-1]
    assert (first.payload, first.production_environment) == ({"service": "payments"}, True)
    assert paths(gh) == ["/deployments", f"/deployments/{staging[1].id}/statuses", "/deployments"]


def test_pages_are_linked(gh: GitHub, connect: Connect) -> None:
    shipped = list(connect(gh).get_repo("acme/shop").get_pull(11).get_files())
    assert len(shipped) == 350
    assert [call.query["page"] for call in gh.calls[1:]] == ["2", "3", "4"]
    assert paths(gh) == ["/pulls/11/files"] * 4


def test_what_the_token_may_not_see(gh: GitHub, connect: Connect) -> None:
    gh.permissions["pull_requests"] = "none"
    repo = connect(gh).get_repo("acme/shop")
    with pytest.raises(github.GithubException, match="Resource not accessible by integration") as refused:
        list(repo.get_pulls())
    assert refused.value.status == 403
    assert (refused.value.headers or {})["x-accepted-github-permissions"] == "pull_requests=read"
    assert repo.get_git_commit(shop(gh).rev("main")).message == "Only the mode"
    with pytest.raises(github.UnknownObjectException):
        connect(gh).get_repo("acme/hidden").complete()
    with pytest.raises(github.BadCredentialsException):
        connect(gh, token="wrong").get_repo("acme/shop").complete()
    assert [call.authorization for call in gh.calls][-1] == "invalid"


def test_rate_limits(gh: GitHub, connect: Connect) -> None:
    repo = connect(gh).get_repo("acme/shop")
    for limit in ("primary", "secondary"):
        gh.fail("/commits/", limit=limit)
        with pytest.raises(github.RateLimitExceededException):
            repo.get_commit("main").complete()
    capped = GithubRetry(total=2, max_rate_limit_wait=10)
    gh.fail("/commits/", limit="primary", wait=600)
    with pytest.raises(github.GithubException) as refused:
        connect(gh, retry=capped).get_repo("acme/shop").get_commit("main").complete()
    assert type(refused.value).__name__ == "RateLimitExceededExceedsMaxWait"
    gh.rate.limit = gh.rate.used + 1
    assert repo.get_git_tree("main").tree
    with pytest.raises(github.RateLimitExceededException):
        repo.get_commit("develop").complete()
    assert connect(gh).get_rate_limit().resources.core.remaining == 0


def test_a_renamed_repository_and_the_next_api_version(connect: Connect) -> None:
    with GitHub(sample.shop(), moved={"acme/old": "acme/shop"}) as server:
        client = connect(server)
        assert client.get_repo("acme/old").complete().full_name == "acme/shop"
        assert [call.status for call in server.calls] == [301, 200]
        newer = client.requester.withApiVersion("2026-03-10")
        _, pull = newer.requestJsonAndCheck("GET", "/repos/acme/shop/pulls/1")
        assert "merge_commit_sha" not in pull
        assert server.calls[-1].api_version == "2026-03-10"
        newer.close()
        answer = requests.get(f"{server.server_url}/api/v3/rate_limit", timeout=5)
        assert answer.status_code == 404


def test_scripted_faults(gh: GitHub, connect: Connect) -> None:
    patient = connect(gh, retry=GithubRetry(total=3, backoff_factor=0)).get_repo("acme/shop")
    gh.fail("/git/trees/", status=502, body=b"<html>Bad gateway</html>", times=2)
    gh.fail("/git/trees/", reset=True)
    assert patient.get_git_tree("main").tree
    assert len(paths(gh)) == 4
    hasty = connect(gh).get_repo("acme/shop")
    gh.fail("/commits", cut=True)
    with pytest.raises((requests.exceptions.RequestException, ValueError)):
        list(hasty.get_commits())
    gh.fail("/commits", after=1, status=503)
    list(hasty.get_commits())
    with pytest.raises(github.GithubException):
        list(hasty.get_commits())


def test_a_hanging_answer_does_not_hold_up_the_end() -> None:
    with GitHub(sample.shop()) as server:
        server.fail(hang=60)
        waiting = socket.create_connection(("127.0.0.1", int(server.server_url.rpartition(":")[2])))
        waiting.sendall(b"GET /rate_limit HTTP/1.1\r\nHost: x\r\n\r\n")
        while not server.calls:
            time.sleep(0.005)
        started = time.monotonic()
    waiting.close()
    assert time.monotonic() - started < 1


def test_graphql(gh: GitHub, connect: Connect) -> None:
    requester = connect(gh).requester
    query = """query($first: Int!, $after: String) { repository(owner: "acme", name: "shop") {
      deployments(first: $first, after: $after, orderBy: {field: CREATED_AT, direction: DESC}) {
        pageInfo { hasNextPage endCursor } nodes { databaseId payload statuses(first: 9) { nodes { state logUrl } } } } } }"""
    found, after = [], None
    while True:
        _, answer = requester.graphql_query(query, {"first": 2, "after": after})
        page = answer["data"]["repository"]["deployments"]
        found += page["nodes"]
        after = page["pageInfo"]["endCursor"]
        if not page["pageInfo"]["hasNextPage"]:
            break
    assert [one["databaseId"] for one in found] == [one.id for one in shop(gh).deployments.newest_first()]
    assert [one["payload"] for one in found][-2:] == ['"{\\"service\\": \\"web\\"}"', '{"service": "payments"}']
    assert [call.path for call in gh.calls] == ["/graphql"] * 3
    assert gh.calls[0].variables == {"first": 2, "after": None}
    gh.permissions["deployments"] = "none"
    with pytest.raises(github.GithubException) as refused:
        requester.graphql_query(query, {"first": 2})
    assert (refused.value.status, refused.value.data["errors"][0]["type"]) == (400, "FORBIDDEN")
    with pytest.raises(github.UnknownObjectException):
        requester.graphql_query('{ repository(owner: "acme", name: "hidden") { id } }', {})
    gh.fail("/graphql", limit="primary")
    with pytest.raises(github.GithubException) as limited:
        requester.graphql_query("{ rateLimit { cost } }", {})
    assert (limited.value.status, limited.value.data["errors"][0]["type"]) == (400, "RATE_LIMITED")
    assert gh.graphql_rate.used == 5


@only_thorough
def test_large_histories_are_quick(connect: Connect) -> None:
    started = time.process_time()  # a busy machine is not slow code
    wide, long = Repo("acme/wide"), Repo("acme/long")
    wide.commit({f"services/{number % 200}/{number}.txt": f"{number}\n" for number in range(20_000)})
    wide.pulls.ship({f"services/{number % 200}/{number}.txt": "changed\n" for number in range(5_000)})
    long.commit({"README.md": "Long\n"})
    for number in range(300):
        long.pulls.ship(*({f"{number}/{step}.txt": "1\n"} for step in range(3)), how=WAYS[number % 3])
    with GitHub(wide, long) as server:
        client = connect(server)
        assert len(client.get_repo("acme/wide").get_git_tree("main", recursive=True).tree) == 20_201
        assert len(list(client.get_repo("acme/wide").get_pull(1).get_files())) == 3000
        query = """query($after: String) { repository(owner: "acme", name: "long") { object(expression: "main") {
          ... on Commit { history(first: 100, after: $after) { pageInfo { hasNextPage endCursor } nodes {
            oid associatedPullRequests(first: 5) { nodes { number mergeCommit { oid } } } } } } } } }"""
        numbers, after = set(), None
        while True:
            _, answer = client.requester.graphql_query(query, {"after": after})
            history = answer["data"]["repository"]["object"]["history"]
            numbers |= {pull["number"] for node in history["nodes"] for pull in node["associatedPullRequests"]["nodes"]}
            after = history["pageInfo"]["endCursor"]
            if not history["pageInfo"]["hasNextPage"]:
                break
    assert numbers == set(range(1, 301))
    assert len(long.log()) == 1 + 100 * 4 + 100 + 100 * 3
    assert time.process_time() - started < 8
