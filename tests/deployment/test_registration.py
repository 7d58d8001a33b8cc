"""What is registered: an explicit input wins over the event, and every value says where it came from."""

from types import SimpleNamespace
from typing import Any

import pytest

from builders import NOW, event, inputs, resolved, runtime
from changesets import Lookups, pull
from dx_action.changes.changeset import MergedPull
from dx_action.deployment.calls import deployment_calls
from dx_action.deployment.pull_services import PullServices
from dx_action.deployment.registration import Registration, choose_attribution, choose_pull, resolve
from dx_action.deployment.trigger import Skipped
from dx_action.deployment.unused import unused_inputs
from dx_action.errors import ActionError, BadEvent, BadInput
from dx_action.inputs.job import Job
from dx_action.inputs.model import Attribution
from dx_action.inputs.values import Sourced
from dx_action.runner.event import Event, PullRequest
from dx_action.runner.runtime import Runtime, read_runtime
from dx_action.services.service import Service

MERGED_42 = "c89241549856579cbcce0211499667cb1ecc577a"
LOG = "https://github.com/acme/deployer/actions/runs/13654730011/job/38168200017"
RUN = "https://github.com/acme/shop/actions/runs/13654800333"
UNNAMED = "`service` is not set, so the deployment counts for {}, the name of the repository."


def facts(registration: Registration) -> dict[str, tuple[object, str]]:
    """Give each value that was found, with its source; the reference ids have tests of their own."""
    found = registration._asdict()
    del found["reference_ids"]
    return {name: (value.value, value.source) for name, value in found.items() if isinstance(value, Sourced)}


def error(name: str, given: dict[str, str], changes: dict[str, Any] | None = None, **run: str) -> ActionError:
    with pytest.raises(ActionError) as caught:
        resolved(name, given, changes, **run)
    return caught.value


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        (
            "push_branch",
            {
                "repository": ("acme/shop", "repository.full_name"),
                "commit": ("312c5c6455a5802d9eff8e65fbc68a516dd3a76d", "push.head_commit.id"),
                "services": ((Service("shop"),), "the repository's name"),
                "deployed_at": ("2025-03-10T09:30:15Z", "the clock"),
                "source_url": (f"{RUN}/job/38168200017", "this job"),
            },
        ),
        (
            "pull_request_merged",
            {
                "repository": ("acme/shop", "repository.full_name"),
                "commit": ("312c5c6455a5802d9eff8e65fbc68a516dd3a76d", "pull_request.merge_commit_sha"),
                "services": ((Service("shop"),), "the repository's name"),
                "deployed_at": ("2025-03-10T09:30:15Z", "the clock"),
                "source_url": ("https://github.com/acme/shop/pull/41", "pull_request.html_url"),
            },
        ),
        (
            "deployment_status_failure",
            {
                "repository": ("acme/shop", "repository.full_name"),
                "commit": ("c24705b4b609848661ff6096b6f66626e8734485", "deployment.sha"),
                "services": ((Service("checkout"),), "deployment.payload.service"),
                "deployed_at": ("2025-03-04T15:33:59Z", "deployment_status.created_at"),
                "success": (False, "deployment_status.state"),
                "source_url": (LOG, "deployment_status.log_url"),
            },
        ),
        (
            "workflow_run_success",
            {
                "repository": ("acme/shop", "repository.full_name"),
                "commit": (MERGED_42, "workflow_run.head_sha"),
                "services": ((Service("shop"),), "the repository's name"),
                "deployed_at": ("2025-03-04T14:09:47Z", "workflow_run.updated_at"),
                "source_url": ("https://github.com/acme/shop/actions/runs/13654700101", "workflow_run.html_url"),
            },
        ),
        (
            "schedule",
            {
                "repository": ("acme/shop", "GITHUB_REPOSITORY"),
                "commit": ("1239cce527b1443ddcd89e1f8d96d679b2852838", "GITHUB_SHA"),
                "services": ((Service("shop"),), "the repository's name"),
                "deployed_at": ("2025-03-10T09:30:15Z", "the clock"),
                "source_url": ("https://github.com/acme/shop/actions/runs/13654801998/job/38168200017", "this job"),
            },
        ),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_every_value_says_where_it_came_from(name: str, expected: dict[str, tuple[object, str]]) -> None:
    registration = resolved(name, {"check-run-id": "38168200017"})
    defaults = {"attribution": ("commit", "the default"), "success": (True, "the default")}
    assert facts(registration) == defaults | expected
    assert registration.environment is None


def test_explicit_inputs_win_over_the_event() -> None:
    given = {
        "repository": "Acme/SHOP",
        "commit-sha": "abc1234",
        "service": "web=Web App",
        "deployed-at": "2025-01-01T13:05:00+01:00",
        "success": "failure",
        "reference-id": "mine",
        "source-url": "https://argocd.example.com/1",
        "source-name": "argoCD",
        "environment": "eu",
        "integration-branch": "develop",
        "metadata": '{"a": 1}',
    }
    for name in ("deployment_status_success", "pull_request_merged", "workflow_run_success", "push_branch", "schedule"):
        registration = resolved(name, given)
        assert facts(registration) == {
            "repository": ("Acme/SHOP", "input repository"),
            "attribution": ("commit", "the default"),
            "commit": ("abc1234", "input commit-sha"),
            "services": ((Service("web", "Web App"),), "input service"),
            "deployed_at": ("2025-01-01T12:05:00Z", "input deployed-at"),
            "success": (False, "input success"),
            "environment": ("eu", "input environment"),
            "source_url": ("https://argocd.example.com/1", "input source-url"),
        }
        assert registration.reference_ids == Sourced(("mine",), "input reference-id")
        (call,) = deployment_calls(registration, inputs(given))
        assert {
            "source_name": "argoCD",
            "integration_branch": "develop",
            "metadata": {"a": 1},
        }.items() <= call.json().items()
        assert registration.notices == ()


@pytest.mark.parametrize(
    ("name", "given", "expected"),
    [
        ("push_branch", {}, Sourced(value=True, source="the default")),
        ("deployment_production", {}, Sourced(value=True, source="the default")),
        ("workflow_run_success", {}, Sourced(value=True, source="the default")),
        ("push_branch", {"success": "true"}, Sourced(value=True, source="input success")),
        ("push_branch", {"success": "failure"}, Sourced(value=False, source="input success")),
        ("deployment_status_success", {}, Sourced(value=True, source="deployment_status.state")),
        ("deployment_status_error", {}, Sourced(value=False, source="deployment_status.state")),
        ("deployment_status_failure", {"success": "success"}, Sourced(value=True, source="input success")),
        ("workflow_run_failure", {"success": "false"}, Sourced(value=False, source="input success")),
    ],
)
def test_success(name: str, given: dict[str, str], expected: Sourced[bool]) -> None:
    assert resolved(name, given).success == expected


@pytest.mark.parametrize(
    ("given", "attribution", "shas"),
    [
        ({}, "commit", None),
        ({"commit-sha": "abc1234"}, "commit", None),
        ({"attribution": "repository"}, "repository", None),
        ({"attribution": "repository", "commit-sha": "abc1234"}, "repository", None),
        ({"merge-commit-shas": "abc1234"}, "merge-commits", ("abc1234",)),
        ({"merge-commit-shas": "abc1234", "commit-sha": "abc2345"}, "merge-commits", ("abc1234",)),
        ({"merge-commit-shas": "abc1234", "attribution": "merge-commits"}, "merge-commits", ("abc1234",)),
    ],
    ids=str,
)
def test_attribution(given: dict[str, str], attribution: str, shas: tuple[str, ...] | None) -> None:
    registration = resolved("push_branch", given)
    assert registration.attribution.value == attribution
    assert registration.merge_commit_shas == (Sourced(shas, "input merge-commit-shas") if shas else None)


DISCOVER, SHOW = {"attribution": "merge-commits", "service": "web"}, {"show-pull-requests": "true", "service": "web"}
FOUND = Sourced((f"{1:040}", f"{2:040}"), "the pull requests that ship")
UNKNOWN = {"web": "why"}


@pytest.mark.parametrize(
    ("given", "lookups", "attribution", "shas"),
    [
        (DISCOVER, Lookups(), ("merge-commits", "input attribution"), FOUND),
        (DISCOVER, Lookups(previous_ones=UNKNOWN), ("commit", "no merge commits to send"), None),
        (DISCOVER, Lookups(course="redeploy"), ("commit", "no merge commits to send"), None),
        (SHOW, Lookups(), ("commit", "the default"), None),
        (SHOW | {"attribution": "repository"}, Lookups(), ("repository", "input attribution"), None),
    ],
)
def test_merge_commits_that_nobody_listed(
    given: dict[str, str], lookups: Lookups, attribution: tuple[str, str], shas: Sourced[tuple[str, ...]] | None
) -> None:
    looked: Any = SimpleNamespace(changes=lookups, warnings=())
    registration = resolve(inputs(given), runtime("schedule"), event("schedule"), NOW, lambda *_: looked)
    assert isinstance(registration, Registration)
    assert registration.attribution == Sourced(*attribution)
    assert registration.merge_commit_shas == shas
    assert registration.merge_commits_of("web") == (shas.value if shas else ())


@pytest.mark.parametrize("given", [{}, {"service": "web"}])
def test_the_events_pull_request_is_told_the_services_of_the_deployment(given: dict[str, str]) -> None:
    looked: Any = SimpleNamespace(warnings=())
    read, name = inputs(given | {"set-pull-services": "true"}), "pull_request_merged"
    registration = resolve(read, runtime(name), event(name), NOW, lambda *_: looked)
    assert isinstance(registration, Registration)
    assert [each.services for each in registration.pull_services] == [(Service(given.get("service", "shop")),)]
    assert registration.problems == ()


# --- the repository -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("given", "commit"),
    [
        ({"commit-sha": "abc1234"}, Sourced("abc1234", "input commit-sha")),
        ({"merge-commit-shas": "abc1234"}, None),
        ({"attribution": "repository"}, None),
        ({"attribution": "repository", "commit-sha": "abc1234"}, Sourced("abc1234", "input commit-sha")),
    ],
    ids=str,
)
@pytest.mark.parametrize("repository", ["acme/other", "PROJ/shop", "gerrit-project", "acme/shop.github"])
def test_another_repository_with_its_own_commit(
    repository: str, given: dict[str, str], commit: Sourced[str] | None
) -> None:
    """The event's commit says nothing about another repository, and is not even told as an output."""
    registration = resolved("push_branch", given | {"repository": repository})
    assert registration.repository == Sourced(repository, "input repository")
    assert registration.commit == commit


@pytest.mark.parametrize("name", ["push_branch", "deployment_status_success", "pull_request_merged", "schedule"])
def test_another_repository_without_its_own_commit(name: str) -> None:
    found = error(name, {"repository": "acme/s3cr3t"})
    assert isinstance(found, BadInput)
    assert str(found) == (
        "`repository` is not the repository of this event, whose commit does not belong to it. "
        "Set `commit-sha` or `merge-commit-shas`, or `attribution: repository`."
    )


@pytest.mark.parametrize(("given", "own"), [("ACME/shop", "acme/shop"), ("acme/shop", "Acme/Shop")])
def test_the_same_repository_in_another_case_has_the_events_commit(given: str, own: str) -> None:
    registration = resolved("push_branch", {"repository": given}, {"repository.full_name": own})
    assert (registration.repository.value, registration.commit and registration.commit.source) == (
        given,
        "push.head_commit.id",
    )


def test_a_skip_comes_before_a_bad_repository() -> None:
    found = resolve(inputs(repository="acme/other"), runtime("push_branch_deleted"), event("push_branch_deleted"), NOW)
    assert isinstance(found, Skipped)


def test_the_repository_of_the_event_comes_before_the_runners() -> None:
    assert resolved("push_branch", repository="someone/else").repository.value == "acme/shop"


def test_no_repository_at_all() -> None:
    found = error("schedule", {}, repository="")
    assert isinstance(found, BadInput)
    assert str(found) == "`repository` is missing, and neither the event nor GITHUB_REPOSITORY names one."
    assert resolved("schedule", {"repository": "acme/shop", "commit-sha": "abc1234"}, repository="")


@pytest.mark.parametrize(
    ("name", "changes", "run"),
    [
        ("schedule", {}, {"sha": ""}),
        ("push_no_head_commit", {}, {"sha": ""}),
        ("pull_request_merged", {"pull_request.merge_commit_sha": None}, {}),
    ],
    ids=["schedule", "push", "pull request"],
)
def test_no_commit_at_all(name: str, changes: dict[str, Any], run: dict[str, str]) -> None:
    found = error(name, {}, changes, **run)
    assert isinstance(found, BadEvent)
    assert "event names no commit" in str(found)
    assert "Set `commit-sha`" in str(found)
    assert resolved(name, {"commit-sha": "abc1234"}, changes, **run).commit
    assert resolved(name, {"attribution": "repository"}, changes, **run).commit is None


# --- services -------------------------------------------------------------------------------------------------------

SHOP = Service("shop")


@pytest.mark.parametrize(
    ("given", "payload", "services", "source"),
    [
        ({"service": "web"}, {"service": "api"}, (Service("web"),), "input service"),
        ({"service": "web\napi=The API"}, {}, (Service("web"), Service("api", "The API")), "input service"),
        ({}, {"service": "api"}, (Service("api"),), "deployment.payload.service"),
        ({}, '{"service": "api=The API"}', (Service("api", "The API"),), "deployment.payload.service"),
        (
            {},
            {"service": {"identifier": "api", "name": "The API"}},
            (Service("api", "The API"),),
            "deployment.payload.service",
        ),
        ({}, {"service": ["api", "web"]}, (Service("api"), Service("web")), "deployment.payload.service"),
        ({}, {}, (SHOP,), "the repository's name"),
        ({}, None, (SHOP,), "the repository's name"),
        ({}, {"service": 5}, (SHOP,), "the repository's name"),
    ],
    ids=lambda value: repr(value)[:40],
)
@pytest.mark.parametrize("name", ["deployment_production", "deployment_status_success"])
def test_the_order_of_services(
    name: str, given: dict[str, str], payload: object, services: tuple[Service, ...], source: str
) -> None:
    registration = resolved(name, given, {"deployment.payload": payload})
    assert registration.services == Sourced(services, source)
    assert registration.notices == ((UNNAMED.format("shop"),) if services == (SHOP,) else ())
    assert bool(registration.warnings) is (payload == {"service": 5})


@pytest.mark.parametrize(
    ("repository", "name"),
    [
        ("acme/Shop", "shop"),
        ("shop", "shop"),
        ("a/b/c", "c"),
        ("my project/a repo", "a repo"),
    ],
)
def test_the_repositorys_own_name(repository: str, name: str) -> None:
    registration = resolved("push_branch", {"repository": repository, "commit-sha": "abc1234"})
    assert registration.services == Sourced((Service(name),), "the repository's name")
    assert registration.notices == (UNNAMED.format(name),)


# On the command line.

NO_EVENT = Event(name="")
ALONE = {"repository": "acme/shop", "commit-sha": "abc1234", "reference-id": "build-7", "service": "web"}


def test_without_an_event_the_inputs_alone_say_what_is_registered() -> None:
    found = resolve(inputs(ALONE, only_branches="main"), read_runtime({}), NO_EVENT, NOW)
    assert isinstance(found, Registration)
    assert facts(found) == {
        "repository": ("acme/shop", "input repository"),
        "commit": ("abc1234", "input commit-sha"),
        "attribution": ("commit", "the default"),
        "services": ((Service("web"),), "input service"),
        "deployed_at": ("2025-03-10T09:30:15Z", "the clock"),
        "success": (True, "the default"),
    }
    assert found.reference_ids == Sourced(("build-7",), "input reference-id")
    assert not found.repeatable
    assert found.notices == (
        "`only-branches` has no effect here, because a run outside of GitHub Actions is not about a branch.",
    )
    assert found.warnings == ()
    (notice,) = unused_inputs(inputs(ALONE, only_environments="prod*"), NO_EVENT)
    assert notice.startswith("`only-environments` has no effect here, because a run outside of GitHub Actions has no ")


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (
            ALONE | {"commit-sha": ""},
            "`commit-sha` is missing. Set it, or `merge-commit-shas`, or `attribution: repository`.",
        ),
        (
            ALONE | {"service": "", "services-from": "codeowners"},
            "`since-sha` is missing. Services are found by changed files, and a run outside of GitHub Actions does not say",
        ),
        (
            {"repository": "acme/shop", "operation": "set-pull-services"},
            "`pull-number` is missing, and a run outside of GitHub Actions names no pull request of the repository.",
        ),
    ],
)
def test_without_an_event_what_is_missing_is_named(given: dict[str, str], expected: str) -> None:
    unasked: Any = SimpleNamespace(touched=None)
    with pytest.raises(BadInput) as caught:
        resolve(inputs(given), read_runtime({}), NO_EVENT, NOW, lambda *_: unasked)
    assert str(caught.value).startswith(expected)


def test_warnings_of_the_event_are_kept() -> None:
    (warning,) = resolved("repository_dispatch").warnings
    assert "names no commit" in warning
    assert resolved("push_branch").warnings == ()


# --- pages, times, ids ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("given", "run", "url"),
    [
        ({"check-run-id": "38168200017"}, {}, f"{RUN}/job/38168200017"),
        ({}, {}, f"{RUN}/attempts/1"),
        ({}, {"run_attempt": "3"}, f"{RUN}/attempts/3"),
        ({}, {"server_url": "https://ghe.acme.example"}, RUN.replace("github.com", "ghe.acme.example") + "/attempts/1"),
        ({}, {"run_id": ""}, None),
        ({}, {"repository": ""}, None),
    ],
    ids=["this job", "no check run", "another attempt", "another server", "no run", "no repository"],
)
def test_this_jobs_page(given: dict[str, str], run: dict[str, str], url: str | None) -> None:
    assert resolved("push_branch", given, None, **run).source_url == (Sourced(url, "this job") if url else None)


def test_the_page_falls_back_to_this_jobs() -> None:
    registration = resolved("pull_request_merged", {"check-run-id": "7"}, {"pull_request.html_url": None})
    assert registration.source_url == Sourced("https://github.com/acme/shop/actions/runs/13654800037/job/7", "this job")


@pytest.mark.parametrize(
    ("text", "sent"),
    [
        ("1735733100", "2025-01-01T12:05:00Z"),
        ("1735733100250", "2025-01-01T12:05:00.250Z"),
        ("2025-01-01T07:05:00-05:00", "2025-01-01T12:05:00Z"),
    ],
)
def test_a_given_time_is_sent_in_utc(text: str, sent: str) -> None:
    assert resolved("push_branch", {"deployed-at": text}).deployed_at == Sourced(sent, "input deployed-at")


@pytest.mark.parametrize(
    ("name", "given", "repeatable"),
    [
        ("deployment_status_success", {}, True),
        ("pull_request_merged", {}, True),
        ("pull_request_merged", {"environment": "eu"}, True),
        ("workflow_run_success", {}, True),
        ("release_published", {}, True),
        ("push_branch", {}, False),
        ("schedule", {}, False),
        ("deployment_status_success", {"reference-id": "mine"}, False),
    ],
)
def test_which_ids_may_be_held_already(name: str, given: dict[str, str], repeatable: bool) -> None:
    registration = resolved(name, given)
    assert registration.repeatable is repeatable
    source = "input reference-id" if given.get("reference-id") else "this event" if repeatable else "this job"
    assert registration.reference_ids.source == source


@pytest.mark.parametrize(
    ("name", "number", "pull_id"),
    [("pull_request_merged", 41, 2401500041), ("push_branch", None, None), ("deployment_status_success", None, None)],
)
def test_the_pull_request_is_the_events(name: str, number: int | None, pull_id: int | None) -> None:
    registration = resolved(name)
    assert (registration.pull_number, registration.pull_id) == (number, pull_id)


# --- the runner's variables -----------------------------------------------------------------------------------------


def test_the_runners_variables() -> None:
    env = {f"GITHUB_{name.upper()}": f" the {name}/ \n" for name in Runtime._fields}
    read = read_runtime(env | {"INPUT_SHA": "an input", "SHA": "neither"})
    urls = {"server_url", "api_url"}  # a path is appended to these
    assert read._asdict() == {name: f"the {name}" if name in urls else f"the {name}/" for name in Runtime._fields}


def test_no_variables() -> None:
    read = read_runtime({"GITHUB_SERVER_URL": " ", "GITHUB_SHA": "\n"})
    assert (read.server_url, read.api_url) == ("https://github.com", "https://api.github.com")
    assert (read.run_attempt, read.sha, read.repository, read.event_name) == ("1", "", "", "")


NAMED = {
    "the event's": ({}, ("41", "2401500041")),
    "the event's, by number": ({"pull-number": "41"}, ("41", "2401500041")),
    "another, by number": ({"pull-number": "7"}, ("7", "")),
    "another, by id": ({"pull-id": "7000000001"}, ("", "7000000001")),
    "another repository's": ({"repository": "acme/other", "commit-sha": "abc1234", "pull-number": "3"}, ("3", "")),
    "no one's": ({"repository": "acme/other", "commit-sha": "abc1234"}, ("", "")),
}


@pytest.mark.parametrize("name", NAMED)
def test_the_pull_request_that_is_named(name: str) -> None:
    given, expected = NAMED[name]
    found = resolved("pull_request_merged", given)
    assert (str(found.pull_number or ""), str(found.pull_id or "")) == expected


def test_a_pull_request_does_not_say_which_commit_of_another_repository() -> None:
    given = {"repository": "other/thing", "set-pull-services": "true", "pull-number": "3", "service": "web"}
    with pytest.raises(BadInput, match="`repository` is not the repository of this event"):
        resolved("pull_request_merged", given)


def test_a_look_up_that_nothing_can_make_is_told() -> None:
    with pytest.raises(BadInput, match=r"^`services-from` needs look-ups at GitHub"):
        resolved("pull_request_merged", {"services-from": "codeowners"})


@pytest.mark.parametrize("wanted", ["commit", "first-commit", "both"])
def test_the_times_of_lead_time_are_looked_up_where_an_input_wants_them(wanted: str) -> None:
    read, happened = inputs({"lead-time-metadata": wanted}), event("pull_request_merged")
    looked: Any = SimpleNamespace(
        changes=Lookups(pulls=(pull(41, first_commit_at="2025-03-04T10:00:00Z"),)), warnings=()
    )
    registration = resolve(read, runtime("pull_request_merged"), happened, NOW, lambda *_: looked)
    assert isinstance(registration, Registration)
    both = {"commit": "commit_timestamp", "first-commit": "first_commit_timestamp"}
    assert list(registration.changes.lead_times) == [key for name, key in both.items() if wanted in (name, "both")]


# --- choices

FILES = {"services-from": "codeowners"}
OWN = PullRequest(number=7, id=77, merged=True)
TOLD = (PullServices((), 88, 8),)


@pytest.mark.parametrize(
    ("given", "chosen", "source"),
    [
        ({}, "commit", "the default"),
        ({"service": "web"}, "commit", "the default"),
        ({"set-pull-services": "true"}, "repository", "input set-pull-services"),
        ({"set-pull-services": "true", "service": "web"}, "repository", "input set-pull-services"),
        (FILES, "repository", "services found by changed files"),
        ({"service-map": "web: [web/**]"}, "repository", "services found by changed files"),
        (FILES | {"set-pull-services": "true"}, "repository", "services found by changed files"),
        (FILES | {"attribution": "commit"}, "commit", "input attribution"),
        (FILES | {"merge-commit-shas": "abc1234"}, "merge-commits", "input merge-commit-shas"),
        ({"merge-commit-shas": "abc1234"}, "merge-commits", "input merge-commit-shas"),
        ({"merge-commit-shas": "abc1234", "attribution": "merge-commits"}, "merge-commits", "input attribution"),
        ({"attribution": "repository"}, "repository", "input attribution"),
    ],
    ids=str,
)
def test_what_is_attributed_by_and_why(given: dict[str, str], chosen: Attribution, source: str) -> None:
    read = inputs(given)
    assert choose_attribution(read) == Sourced(chosen, source)


@pytest.mark.parametrize(
    ("given", "commit", "first"),
    [
        ({}, False, False),
        ({"lead-time-metadata": "none"}, False, False),
        ({"lead-time-metadata": "commit"}, True, False),
        ({"lead-time-metadata": "first-commit"}, False, True),
        ({"lead-time-metadata": "both"}, True, True),
        ({"lead-time-metadata": "both", "metadata": '{"commit_timestamp": null}'}, False, True),
        ({"lead-time-metadata": "both", "metadata": '{"first_commit_timestamp": 1}'}, True, False),
        ({"lead-time-metadata": "both", "metadata": '{"other": 1}'}, True, True),
    ],
    ids=str,
)
def test_which_times_are_filled_in(given: dict[str, str], commit: bool, first: bool) -> None:
    read = inputs(given)
    assert (read.wants_commit_time, read.wants_first_commit_time) == (commit, first)


@pytest.mark.parametrize(
    ("given", "own", "told", "found", "expected"),
    [
        ({}, None, (), (), (None, None)),
        ({}, OWN, (), (), (7, 77)),
        ({}, OWN, TOLD, (pull(1),), (7, 77)),
        ({}, None, TOLD, (pull(1),), (8, 88)),
        ({}, None, TOLD * 2, (), (None, None)),
        ({}, None, TOLD * 2, (pull(1),), (None, None)),
        ({}, None, (), (pull(1),), (1, 1001)),
        ({}, None, (), (pull(1), pull(2)), (None, None)),
        ({"pull-number": "7"}, OWN, (), (), (7, 77)),
        ({"pull-id": "77"}, OWN, (), (), (7, 77)),
        ({"pull-number": "9"}, OWN, TOLD, (pull(1),), (9, None)),
        ({"pull-id": "99"}, OWN, TOLD, (pull(1),), (None, 99)),
        ({"pull-number": "9"}, None, TOLD, (pull(1),), (9, None)),
        ({"pull-id": "99"}, None, (), (), (None, 99)),
    ],
    ids=str,
)
def test_which_pull_request_it_is(
    given: dict[str, str],
    own: PullRequest | None,
    told: tuple[PullServices, ...],
    found: tuple[MergedPull, ...],
    expected: tuple[Any, Any],
) -> None:
    read = inputs(given | ({"operation": "set-pull-services", "service": "web"} if given else {}))
    assert choose_pull(read, own, told, found) == expected


def test_the_clock_is_read_to_the_second() -> None:
    assert resolved("push_branch").deployed_at == Sourced("2025-03-10T09:30:15Z", "the clock")


@pytest.mark.parametrize("url", ["", "https://ci.example/1"])
def test_what_an_input_says(url: str) -> None:
    expected = Sourced(url, "input source-url") if url else Sourced(f"{RUN}/attempts/1", "this job")
    assert resolved("push_branch", {"source-url": url}).source_url == expected


def test_a_run_without_a_page_has_no_job_page() -> None:
    assert resolved("schedule", run_id="").source_url is None


# --- times, spaces and facts that are worth a word --------------------------------------------------------------------


STATUS = "deployment_status.created_at"


def pulls_only(name: str, given: dict[str, str], changes: dict[str, Any] | None = None, **run: str) -> Registration:
    """Resolve what a step does that registers no deployment."""
    read = inputs({"service": "web", "operation": "set-pull-services", "pull-number": "7"} | given)
    looked: Any = SimpleNamespace(warnings=())
    found = resolve(read, runtime(name, **run), event(name, changes), NOW, lambda *_: looked)
    assert isinstance(found, Registration)
    return found


@pytest.mark.parametrize(
    ("name", "given", "changes", "source"),
    [
        ("push_branch", {"deployed-at": "2025-03-10T09:45:00Z"}, {}, "input deployed-at"),
        ("push_branch", {"deployed-at": "2025-03-11T09:30:00Z"}, {}, "input deployed-at"),
        ("deployment_status_success", {}, {STATUS: "2025-03-10T09:45:00Z"}, STATUS),
        ("workflow_run_success", {}, {"workflow_run.updated_at": "2025-03-10T10:00:00Z"}, "workflow_run.updated_at"),
    ],
)
def test_a_time_ahead_of_the_clock(name: str, given: dict[str, str], changes: dict[str, Any], source: str) -> None:
    assert (
        f"`deployed-at`, from {source}, is more than 10 minutes ahead of the runner's clock, and DX takes it as it is. Check the "
        "time, its zone and the clock."
    ) in resolved(name, given, changes).warnings
    assert not any("ahead" in text for text in resolved(name, {"deployed-at": "2025-03-10T09:40:00Z"}).warnings)


@pytest.mark.parametrize(
    ("name", "given", "changes", "says"),
    [
        (
            "push_branch",
            {"deployed-at": "2099-01-01T00:00:00Z"},
            {},
            "comes from input deployed-at, and is more than a day",
        ),
        (
            "push_branch",
            {"deployed-at": "1971-01-01T00:00:00Z"},
            {},
            "comes from input deployed-at, and is before the year",
        ),
        (
            "deployment_status_success",
            {},
            {STATUS: "2025-03-12T00:00:00Z"},
            f"comes from {STATUS}, and is more than a day",
        ),
        (
            "deployment_status_success",
            {},
            {STATUS: "1970-01-01T00:00:00Z"},
            f"comes from {STATUS}, and is before the year",
        ),
    ],
)
def test_a_time_that_nobody_can_have_meant(
    name: str, given: dict[str, str], changes: dict[str, Any], says: str
) -> None:
    (problem,) = error(name, given, changes).problems
    assert problem.subject == "deployed-at"
    assert problem.text.startswith(says)
    assert pulls_only(name, given, changes).pull_services


@pytest.mark.parametrize(
    ("name", "given", "job", "success"),
    [
        ("push_branch", {}, Job("failure"), Sourced(value=False, source="the job's status")),
        ("push_branch", {"success": "true"}, Job("failure"), Sourced(value=True, source="input success")),
        ("deployment_status_failure", {}, Job("success"), Sourced(value=True, source="the job's status")),
        ("deployment_status_failure", {}, Job(), Sourced(value=False, source="deployment_status.state")),
        ("push_branch", {}, Job(), Sourced(value=True, source="the default")),
        ("push_branch", {}, None, Sourced(value=True, source="the default")),
    ],
)
def test_what_became_of_a_job(name: str, given: dict[str, str], job: Job | None, success: Sourced[bool]) -> None:
    found = resolve(inputs(given), runtime(name), event(name), NOW, job=job)
    assert isinstance(found, Registration)
    assert found.success == success
    assert ("/failure/" in found.reference_ids.value[0]) is ("status" in name and not success.value)


def test_a_job_after_a_failed_run_needs_an_explicit_success() -> None:
    """A red run is mostly a red test, whatever the job does after it."""
    name = "workflow_run_failure"
    assert isinstance(resolve(inputs(), runtime(name), event(name), NOW, job=Job("success")), Skipped)


def test_the_start_of_a_job_in_metadata() -> None:
    given = {"extra-metadata": "started_at", "service": "web"}
    found = resolve(inputs(given), runtime("push_branch"), event("push_branch"), NOW, job=Job("success", 1741089600))
    assert isinstance(found, Registration)
    assert found.changes.metadata_of("web") == {"started_at": Sourced(1741089600, "the job's start")}


def test_a_clock_of_another_age() -> None:
    with pytest.raises(BadInput, match="comes from the clock, and is before the year 2000"):
        resolve(inputs(), runtime("push_branch"), event("push_branch"), NOW.replace(year=1970))


@pytest.mark.parametrize(
    ("name", "given", "attempt", "says"),
    [
        ("push_branch", {}, "1", False),
        ("push_branch", {}, "2", True),
        ("pull_request_merged", {}, "3", True),
        ("push_branch", {"deployed-at": "2025-03-10T09:00:00Z"}, "2", False),
        ("deployment_status_success", {}, "2", False),
    ],
)
def test_a_re_run_whose_time_is_its_own_clocks(name: str, given: dict[str, str], attempt: str, says: bool) -> None:
    notice = (
        f"This is attempt {attempt} of the run, and the deployment's time is that of this attempt. If production changed in an "
        "earlier one, set `deployed-at`."
    )
    assert (notice in resolved(name, {"service": "web"} | given, run_attempt=attempt).notices) is says
    assert pulls_only("push_branch", {}, run_attempt="2").notices == ()


@pytest.mark.parametrize(
    ("name", "given", "changes", "names"),
    [
        ("push_branch", {"service": "a b"}, {}, "a b"),
        ("push_branch", {"service": "a b, c, d e"}, {}, "a b, d e"),
        ("push_branch", {"service": '["a b"]'}, {}, "a b"),
        ("push_branch", {"service": "a b\nc d=C D"}, {}, "a b"),
        ("deployment_production", {}, {"deployment.payload": {"service": "a b"}}, "a b"),
        ("push_branch", {"service": "a b=A B"}, {}, ""),
        ("push_branch", {"service": "a-b"}, {}, ""),
        ("push_branch", {"repository": "my project/a repo", "commit-sha": "abc1234"}, {}, ""),
    ],
    ids=str,
)
def test_an_identifier_with_a_space(name: str, given: dict[str, str], changes: dict[str, Any], names: str) -> None:
    found = [text for text in resolved(name, given, changes).warnings if "a space" in text]
    expected = (
        f"`service` has an identifier with a space, which DX gets as one service: {names}. Write several services one a line, "
        "with commas or as a JSON array; if it is one, write identifier=Display Name."
    )
    assert found == ([expected] if names else [])
    assert len(pulls_only("push_branch", {"service": "a b"}).warnings) == 1


def test_facts_that_nothing_looks_up() -> None:
    """An input that adds to `metadata` costs no call and needs no permission."""
    registration = resolved("push_branch", {"extra-metadata": "rollback, pull_requests, started_at"})
    why = (
        "nothing was looked up that says it. Set `attribution: merge-commits`, `show-pull-requests: true` or "
        "`lead-time-metadata: first-commit`."
    )
    assert registration.notices[-3:] == (
        f"`rollback` of `extra-metadata` is left out, because {why}",
        f"`pull_requests` of `extra-metadata` is left out, because {why}",
        "`started_at` of `extra-metadata` is left out, because only the action's `job/` records when a job starts.",
    )
    (call,) = deployment_calls(registration, inputs())
    assert "metadata" not in call.json()
