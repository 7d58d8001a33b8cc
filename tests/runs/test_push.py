"""A push of many commits, as a merge queue's: which pull requests get which services, and what finding that out costs."""

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import builders
from documents import read
from dx_action.deployment.pull_services import assign
from dx_action.errors import ActionError, BadInput
from dx_action.github.client import Run
from dx_action.github.errors import LookupFailedError
from dx_action.github.lookups import Lookups
from dx_action.runner.workspace import Workspace
from runner import fast_clock
from scenes import event, push_payload
from stand_in import GitHub, Repo
from worlds import begun

MAP = {"operation": "set-pull-services", "service-map": "a: [a/**]\nb: [b/**]\n"}


def assigned(gh: GitHub, repo: Repo, before: str, log: list[str], **given: str) -> tuple[Lookups, dict[int, list[str]]]:
    """Give the services of each pull request that the push from `before` to main merged."""
    gh.reset_calls()
    inputs = builders.inputs({"github-token": gh.token, **MAP, **given})
    runtime = builders.runtime("push_branch", api_url=gh.api_url, repository=repo.full_name)
    run = Run(inputs, runtime, {}, Workspace(""), fast_clock(), log.append, log.append)
    lookups = Lookups(repo.full_name, True, repo.rev("main"), run)
    pushed = event("push", push_payload(repo, before))
    found = assign(pushed, inputs, inputs.service or (), repo.rev("main"), lookups)
    return lookups, {pull.pull_number or 0: [service.identifier for service in pull.services] for pull in found}


@pytest.fixture(scope="module")
def thousand() -> Iterator[tuple[GitHub, Repo, str]]:
    """A push of a thousand commits, a hundred of which merged a pull request."""
    repo = Repo("acme/shop")
    before = repo.commit({"README.md": "Shop"})
    for number in range(100):
        for _ in range(9):
            repo.commit({"docs/x": str(repo.now)})
        repo.pulls.ship({f"{'ab'[number % 2]}/{number}": "1"})
    assert len(repo.between(before, "main")) == 1000
    with GitHub(repo) as gh:
        yield gh, repo, before


def test_a_thousand_commits_in_as_many_calls_as_the_page_states(thousand: tuple[GitHub, Repo, str]) -> None:
    (gh, repo, before), log = thousand, list[str]()
    _, found = assigned(gh, repo, before, log)
    assert found == {number: ["ab"[(number - 1) % 2]] for number in range(1, 101)}
    stated = re.search(
        r"push of a thousand commits with a hundred pull requests takes ([0-9]+) calls",
        " ".join(read("docs/monorepos.md").split()),
    )
    assert stated
    assert len(gh.calls) == int(stated[1]) <= 20
    assert len([line for line in log if "changes 1 path and touches" in line]) == 100


@pytest.fixture
def small() -> Iterator[tuple[GitHub, Repo, str]]:
    repo = Repo("acme/shop")
    before = repo.commit({"README.md": "Shop", **{f"flat/{number}": "1" for number in range(300)}})
    for name in "ab":
        repo.pulls.ship({f"{name}/one": "1"})
    with GitHub(repo) as gh:
        yield gh, repo, before


def test_what_a_service_that_is_given_needs_no_files(small: tuple[GitHub, Repo, str]) -> None:
    gh, repo, before = small
    _, found = assigned(gh, repo, before, [], **{"service-map": "", "service": "web"})
    assert found == {1: ["web"], 2: ["web"]}
    assert len(gh.calls) == 2


@pytest.mark.parametrize(
    ("fields", "why"),
    [
        ({"mergeCommit": None}, "GitHub did not return by which commit #1 was merged"),
        ({"number": "1"}, "GitHub did not return the pull requests of commit {sha} as it documents them"),
    ],
)
def test_a_pull_request_that_is_not_told_is_named_and_the_others_are_set(
    small: tuple[GitHub, Repo, str], fields: dict[str, Any], why: str
) -> None:
    gh, repo, before = small

    def edit(body: dict[str, Any]) -> None:
        body["data"]["repository"]["item0"]["page"]["nodes"][0].update(fields)

    gh.fail("/graphql", edit=edit)
    lookups, found = assigned(gh, repo, before, [])
    sha = repo.between(before, "main")[0].sha
    assert found == {2: ["b"]}
    (warning,) = lookups.warnings
    assert warning == (
        "The push may have merged further pull requests, whose services are not set, because "
        f"{why.format(sha=sha[:12])}."
    )


def test_what_may_not_be_read_fails_as_for_one_pull_request(small: tuple[GitHub, Repo, str]) -> None:
    gh, repo, before = small
    gh.permissions["pull_requests"] = "none"
    with pytest.raises(LookupFailedError, match="`pull-requests: read`"):
        assigned(gh, repo, before, [])
    gh.permissions.clear()
    gh.fail("/files$", status=404, times=None)
    gh.fail("/graphql", after=1, status=200, body=b'{"data": {"repository": {"own": "acme/shop"}}}', times=None)
    with pytest.raises(LookupFailedError, match="cannot read the pull requests of acme/shop"):
        assigned(gh, repo, before, [])


def test_files_that_github_cuts_fail_as_for_one_pull_request(small: tuple[GitHub, Repo, str]) -> None:
    gh, repo, _ = small
    before = repo.rev("main")
    pull = repo.pulls.ship({f"flat/{number}": "2" for number in range(300)})
    gh.configure(tree_limit=50)
    gh.fail("/files$", status=200, body=b"[]", times=None)
    with pytest.raises(
        BadInput, match="`services-from` cannot be used, because the changed files cannot be determined"
    ):
        assigned(gh, repo, before, [])
    with pytest.raises(ActionError):
        assigned(gh, repo, before, [], **{"pull-number": str(pull.number)})


def test_a_rename_is_a_warning(small: tuple[GitHub, Repo, str], tmp_path: Path) -> None:
    gh, repo, before = small
    lookups, _ = assigned(gh, repo, before, [])
    assert lookups.warnings == ()
    gh.fail("/graphql", edit=lambda body: body["data"]["repository"].update(own="acme/store"), times=None)
    lookups, _ = assigned(gh, repo, before, [], **{"service": "web", "service-map": ""})
    (warning,) = lookups.warnings
    assert warning.startswith("GitHub calls the repository acme/shop `acme/store` now.")


# Whole runs.


@pytest.mark.parametrize("gone", [True, False], ids=["a beginning that is gone", "an unrelated beginning"])
def test_a_push_that_cannot_be_compared_says_that_it_may_have_merged_more(tmp_path: Path, gone: bool) -> None:
    """Only the pull request of the newest commit is found."""
    for world in begun(tmp_path, Repo("acme/shop")):
        before = "f" * 40 if gone else world.repo.rev("main")
        world.repo.commit({"a/new": "1"}, parents=[], branch="main")
        for path in "ab":
            world.ship(f"{path}/one")
        run = world.pushed(before, MAP)
        assert (run.exit_code, run.status, run.json("services")) == (0, "pull-services-set", ["b"])
        (warning,) = [message for level, message in run.annotations if level == "warning"]
        assert warning == (
            "The push may have merged further pull requests, whose services are not set, because GitHub cannot compare the "
            "commits before and after it."
        )


def second(**fields: Any) -> Callable[[dict[str, Any]], None]:
    """Change the pull request of the second commit."""

    def edit(body: dict[str, Any]) -> None:
        body["data"]["repository"]["item1"]["page"]["nodes"][0].update(fields)

    return edit


def hidden(body: dict[str, Any]) -> None:
    body["data"]["repository"]["item1"] = {"page": None}
    body["errors"] = [{"type": "FORBIDDEN", "message": "::error::evil", "path": ["repository", "item1", "page"]}]


def renamed(body: dict[str, Any]) -> None:
    body["data"]["repository"]["own"] = "acme/store"
    for item in ("item0", "item1", "item2"):
        body["data"]["repository"][item]["page"]["nodes"][0]["repository"] = {"nameWithOwner": "acme/store"}


PARTS: dict[str, tuple[Callable[[dict[str, Any]], None], str]] = {
    "no merge commit": (second(mergeCommit=None), "GitHub did not return by which commit #2 was merged"),
    "a number that is text": (second(number="2"), "as it documents them"),
    "no title": (second(title=None), "as it documents them"),
    "a title of HTML": (second(title=["<html>::error::evil"]), "as it documents them"),
    "a part that may not be read": (hidden, "`github-token` may not read the pull requests of commit "),
    "a new name": (renamed, "GitHub calls the repository acme/shop `acme/store` now."),
}


@pytest.mark.parametrize("name", PARTS)
def test_what_is_not_known_is_sent_by_commit_with_a_warning_that_names_it(tmp_path: Path, name: str) -> None:
    """One of three pull requests; the other two alone would be a list that lacks one for ever."""
    (edit, why), repo = PARTS[name], Repo("acme/shop")
    for world in begun(tmp_path, repo):
        before = repo.rev("main")
        repo.deployments.create(before, state="success")
        for path in "abc":
            world.ship(f"a/{path}")
        world.gh.fail("/graphql", edit=edit, times=None)
        given = {"attribution": "merge-commits", "service": "a", "environment": "production"}
        run = world.pushed(before, given)
        (request,) = world.dx.requests()
        assert (run.exit_code, run.status) == (0, "registered")
        assert ("commit_sha" in request["json"]) == (edit is not renamed)
        assert len(request["json"].get("merge_commit_shas", ())) == (3 if edit is renamed else 0)
        warned = [message for level, message in run.annotations if level == "warning"]
        assert len([warning for warning in warned if why in warning]) == 1
        assert "evil" not in "".join(run.said)
