"""GitHub's deployments, against the stand-in: pages of the history, a repository's name of today, the previous deployment."""

from collections.abc import Iterator
from typing import Any

import pytest

from dx_action.changes.changeset import Wanted
from dx_action.github.client import Repository
from dx_action.github.deployments import current_name, pages, previous_deployments
from dx_action.github.errors import Kind, LookupFailedError
from dx_action.inputs.values import Sourced
from scenes import asked, speaking
from stand_in import GitHub, Repo


@pytest.fixture
def repo() -> Repo:
    repo = Repo()
    repo.commit({"a": "1"})
    return repo


@pytest.fixture
def gh(repo: Repo) -> Iterator[GitHub]:
    with GitHub(repo, moved={"acme/old": "acme/shop"}) as server:
        yield server


@pytest.fixture
def api(gh: GitHub) -> Iterator[Repository]:
    with speaking(gh, patient=True) as speaker:
        yield speaker


# Pages.


def test_a_page_costs_a_call_for_each_hundred_deployments(repo: Repo, gh: GitHub, api: Repository) -> None:
    for _ in range(101):
        repo.deployments.create(state="success")
    assert [len(page.nodes) for page in pages(api)] == [100, 1]
    assert asked(gh) == ["/graphql", "/graphql"]


@pytest.mark.parametrize(("count", "calls"), [(100, []), (101, ["1", "2"]), (200, ["1", "2", "3"])])
def test_more_than_a_hundred_statuses_come_from_rest(
    repo: Repo, gh: GitHub, api: Repository, count: int, calls: list[str]
) -> None:
    deployment = repo.deployments.create()
    for _ in range(count):
        repo.deployments.status(deployment, "in_progress")
    (page,) = pages(api)
    assert len(page.statuses(page.nodes[0])) == count
    assert asked(gh)[1:] == [f"deployments/{deployment.id}/statuses {number}" for number in calls]


@pytest.mark.parametrize("written", [None, {"service": "web"}, ["a"], "text", '{"service": "web"}'])
def test_a_payload_is_as_events_have_it(repo: Repo, api: Repository, written: Any) -> None:
    repo.deployments.create(payload=written)
    (page,) = pages(api)
    found = page.deployment(page.nodes[0], environments=False).payload
    assert found in (written, {} if written is None else written)


# The name of today.


@pytest.mark.parametrize(
    ("name", "today"), [("acme/shop", "acme/shop"), ("acme/old", "acme/shop"), ("acme/none", None)]
)
def test_the_name_of_today(gh: GitHub, api: Repository, name: str, today: str | None) -> None:
    assert current_name(api, name) == today
    assert gh.count("/graphql") == 1


@pytest.mark.parametrize(
    ("error", "kind"),
    [("FORBIDDEN", None), ("INSUFFICIENT_SCOPES", None), ("RATE_LIMITED", "limited"), ("SOMETHING_NEW", "rejected")],
)
def test_a_name_that_github_does_not_tell(gh: GitHub, api: Repository, error: str, kind: Kind | None) -> None:
    """What this token may not read is another organization's; without an answer nothing is known."""
    gh.fail("/graphql", errors=[{"type": error, "message": "m"}])
    if kind is None:
        assert current_name(api, "acme/old") is None
        return
    with pytest.raises(LookupFailedError) as failed:
        current_name(api, "acme/old")
    assert failed.value.kind == kind


# The previous deployment.

HISTORY = "GitHub's deployment history"


@pytest.fixture
def asker(gh: GitHub) -> Iterator[Repository]:
    with speaking(gh) as speaker:
        yield speaker


def wanted(*services: str, alone: bool = False, **more: Any) -> Wanted:
    return Wanted(services, "production", lambda _deployment: True, None, alone, **more)


def test_each_service_has_its_own_previous_deployment(repo: Repo, gh: GitHub, asker: Repository) -> None:
    web = repo.deployments.create(state="success", payload={"service": "web"})
    repo.commit({"a": "2"})
    both = repo.deployments.create(state="success", payload={"service": ["api", "cart"]})
    failed = repo.deployments.create(state="failure", payload={"service": "cart"})
    assert previous_deployments(asker, wanted("web", "api", "cart", "jobs"), "") == {
        "web": Sourced(web.sha, f"{HISTORY} (deployment {web.id})"),
        "api": Sourced(both.sha, f"{HISTORY} (deployment {both.id})"),
        "cart": Sourced(both.sha, f"{HISTORY} (deployment {both.id})"),
        "jobs": f"{HISTORY} has no earlier deployment of the same service that succeeded",
    }
    tried = [f"deployments/{each.id}/statuses 1" for each in (web, both, failed)]
    assert asked(gh) == ["deployments 1", *tried]


@pytest.mark.parametrize(
    ("payload", "alone", "why"),
    [
        (None, False, "does not say which service was deployed: no payload has a `service`"),
        ({"service": "other"}, True, "has no earlier deployment of the same service that succeeded"),
    ],
)
def test_nothing_is_guessed(repo: Repo, asker: Repository, payload: Any, alone: bool, why: str) -> None:
    repo.deployments.create(state="success", payload=payload)
    assert previous_deployments(asker, wanted("web", alone=alone), "") == {"web": f"{HISTORY} {why}"}


def test_a_history_without_services_is_that_of_the_only_one(repo: Repo, asker: Repository) -> None:
    made = repo.deployments.create(state="success")
    assert previous_deployments(asker, wanted("web", alone=True), "") == {
        "web": Sourced(made.sha, f"{HISTORY} (deployment {made.id})")
    }


@pytest.mark.parametrize("run", ["7", "8"])
def test_what_this_run_or_its_own_made_is_no_previous_one(repo: Repo, asker: Repository, run: str) -> None:
    url = f"https://github.com/acme/shop/actions/runs/{run}/job/1"
    repo.deployments.create(state="success", log_url=url)
    found = previous_deployments(asker, wanted("web", alone=True, runs=("8",)), "7")
    assert found == {"web": f"{HISTORY} has no earlier deployment of the same service that succeeded"}


@pytest.mark.parametrize("behind", [0, 99, 100, 250, 2_800])
@pytest.mark.parametrize("state", ["inactive", "in_progress"])
def test_a_success_behind_many_statuses_is_one(
    repo: Repo, gh: GitHub, asker: Repository, behind: int, state: str
) -> None:
    """An older deployment would credit what was shipped before once more."""
    repo.deployments.create(state="success")
    repo.commit({"a": "2"})
    made = repo.deployments.create(state="success")
    for _ in range(behind):
        repo.deployments.status(made, state)
    assert previous_deployments(asker, wanted("web", alone=True), "") == {
        "web": Sourced(made.sha, f"{HISTORY} (deployment {made.id})")
    }
    assert gh.count("/statuses$") == behind // 100 + 1


def test_statuses_without_end_are_no_failure_of_the_deployment(repo: Repo, asker: Repository) -> None:
    made = repo.deployments.create()
    for _ in range(3_000):
        repo.deployments.status(made, "in_progress")
    with pytest.raises(LookupFailedError, match="lists more than 3,000 items"):
        previous_deployments(asker, wanted("web", alone=True), "")


# Spelling.

NO_EARLIER = f"{HISTORY} has no earlier deployment to this environment"


@pytest.mark.parametrize(
    ("environments", "hint"),
    [
        (["Production"], ", but to “Production”: compare the spelling"),
        (["production "], ", but to “production ”: compare the spelling"),
        (["PRODUCTION", "Production", "Production"], ", but to “PRODUCTION”, “Production”: compare the spelling"),
        (["::error::evil", "##[error]Production"], ""),
        (["staging"], ""),
        ([], ""),
    ],
)
def test_an_environment_in_another_spelling_is_named(
    repo: Repo, gh: GitHub, asker: Repository, environments: list[str], hint: str
) -> None:
    for environment in environments:
        repo.deployments.create(environment=environment, state="success")
    found = previous_deployments(asker, wanted("web", "api"), "")
    assert found == dict.fromkeys(("web", "api"), f"{NO_EARLIER}{hint}")
    assert asked(gh) == ["deployments 1", "deployments 1"]


@pytest.mark.parametrize(
    ("written", "hint"),
    [
        ("Web", ", but of “Web”: compare the spelling"),
        (["WEB", "api"], ", but of “WEB”: compare the spelling"),
        ("web-app", ""),
    ],
)
def test_a_service_in_another_spelling_is_named(repo: Repo, asker: Repository, written: Any, hint: str) -> None:
    repo.deployments.create(state="success", payload={"service": written})
    expected = f"{HISTORY} has no earlier deployment of the same service that succeeded{hint}"
    assert previous_deployments(asker, wanted("web"), "")["web"] == expected


def test_what_is_found_asks_for_no_spelling(repo: Repo, gh: GitHub, asker: Repository) -> None:
    made = repo.deployments.create(state="success")
    repo.deployments.create(environment="Production", state="success")
    assert previous_deployments(asker, wanted("web", alone=True), "")["web"] == Sourced(
        made.sha, f"{HISTORY} (deployment {made.id})"
    )
    assert asked(gh) == ["deployments 1", f"deployments/{made.id}/statuses 1"]


# Answers that are not as GitHub documents them.


@pytest.mark.parametrize(
    ("path", "change"),
    [
        ("/deployments$", {"id": "1"}),
        ("/deployments$", {"id": None}),
        ("/deployments$", {"sha": None}),
        ("/deployments$", {"environment": 7}),
        ("/deployments$", {"production_environment": "yes"}),
        ("/deployments$", {"created_at": 7}),
        ("/statuses$", {"state": None}),
        ("/statuses$", {"state": 7}),
        ("/statuses$", {"log_url": 7}),
    ],
)
def test_another_type_is_one_line(repo: Repo, gh: GitHub, asker: Repository, path: str, change: dict[str, Any]) -> None:
    repo.deployments.create(state="success")
    gh.fail(path, edit=lambda found: found[0].update(change), times=None)
    with pytest.raises(LookupFailedError, match="is not as GitHub documents it"):
        previous_deployments(asker, wanted("web", alone=True), "")
