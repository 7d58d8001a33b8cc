"""How the log tells what was found: a line a value, each with where it came from."""

import pytest

from builders import event, resolved
from changesets import BEFORE, COMMIT, pull
from dx_action.changes.changeset import Changes, ChangeSet
from dx_action.deployment.pull_services import PullServices
from dx_action.deployment.registration import DISCOVERED, Registration
from dx_action.inputs.values import Sourced
from dx_action.report.log import foreseen_lines, registration_lines
from dx_action.runner.event import Event
from dx_action.services.service import Service

WEB, CART = Service("web"), Service("cart")
SHIPS = ChangeSet(Sourced(BEFORE, "here"), True, "forward", (pull(1),))
EMPTY = ChangeSet(Sourced(BEFORE, "here"), True, "forward", ())


def told(registration: Registration, name: str = "push_branch") -> list[tuple[str, str]]:
    """Give the names of the lines, and what they say."""
    _, *lines = registration_lines(event(name), registration)
    return [(line[2:21].strip(), line[21:]) for line in lines]


def test_without_an_event_the_arguments_are_named() -> None:
    given = {"repository": "acme/shop", "commit-sha": "abc1234"}
    heading, *_ = registration_lines(Event(name=""), resolved("push_branch", given))
    assert heading == "The arguments:"


def test_each_value_has_a_line_in_its_column() -> None:
    given = {
        "service": "web,cart",
        "success": "failure",
        "environment": "eu",
        "reference-id": "mine",
        "deployed-at": "2025-01-01T13:05:00+01:00",
        "source-url": "https://ci.example/1",
    }
    lines = registration_lines(event("pull_request_merged"), resolved("pull_request_merged", given))
    assert lines == (
        "Event pull_request (closed):",
        "  repository         acme/shop  from repository.full_name",
        "  commit_sha         312c5c6455a5802d9eff8e65fbc68a516dd3a76d  from pull_request.merge_commit_sha",
        "  attribution        commit (default)",
        "  service            web, cart  from input service",
        "  deployed_at        2025-01-01T12:05:00Z  from input deployed-at",
        "  success            false  from input success",
        "  environment        eu  from input environment",
        "  reference_id       mine/web, mine/cart  from input reference-id",
        "  source_url         https://ci.example/1  from input source-url",
    )


def test_the_start_of_a_job_leaves_out_what_its_end_decides() -> None:
    head = "The inputs and the event can be used. Nothing is sent now: the deployment is registered when this job has ended."
    found = resolved("push_feature_branch", {"service": "web", "reference-id": "mine"})
    lines = foreseen_lines(event("push_feature_branch"), found)
    assert lines == (
        head,
        "As things are, its values will be:",
        "Event push:",
        "  repository         acme/shop  from repository.full_name",
        "  commit_sha         15f9dafd5d79ab049c6cf1153de1427faf28120b  from push.head_commit.id",
        "  attribution        commit (default)",
        "  service            web  from input service",
        *(line for line in registration_lines(event("push_feature_branch"), found) if "source_url" in line),
        f"Warning: {found.warnings[0]}",
    )
    assert foreseen_lines(event("push_branch"), None) == (head, "Its values are looked up at GitHub then.")


def test_an_event_without_an_action_has_none() -> None:
    assert registration_lines(event("push_branch"), resolved("push_branch"))[0] == "Event push:"


@pytest.mark.parametrize(
    ("given", "by", "ships", "name"),
    [
        ({}, None, {}, "commit_sha"),
        ({"attribution": "repository"}, None, {}, "commit (not sent)"),
        ({"merge-commit-shas": "abc1234"}, None, {}, "commit (not sent)"),
        ({"merge-commit-shas": "abc1234"}, DISCOVERED, {"web": SHIPS, "cart": SHIPS}, "commit (not sent)"),
        ({"merge-commit-shas": "abc1234"}, DISCOVERED, {"web": SHIPS, "cart": EMPTY}, "commit_sha"),
        ({"merge-commit-shas": "abc1234"}, "input", {"web": SHIPS, "cart": EMPTY}, "commit (not sent)"),
    ],
)
def test_whether_the_commit_is_sent(
    given: dict[str, str], by: str | None, ships: dict[str, ChangeSet], name: str
) -> None:
    registration = resolved("push_branch", {"service": "web,cart"} | given)
    if by and registration.merge_commit_shas:
        shas = registration.merge_commit_shas._replace(source=by)
        registration = registration._replace(merge_commit_shas=shas, changes=Changes(ships))
    lines = [found for found, _ in told(registration) if found.startswith("commit")]
    assert lines == [name]


def test_merge_commits_are_told_short() -> None:
    registration = resolved("push_branch", {"merge-commit-shas": f"{'a' * 40},{'b' * 7}"})
    assert ("merge_commit_shas", f"{'a' * 12}, {'b' * 7}  from input merge-commit-shas") in told(registration)


def test_long_values_are_cut() -> None:
    registration = resolved("push_branch")._replace(source_url=Sourced("x" * 400, ""))
    assert dict(told(registration))["source_url"] == "x" * 299 + "…"


def test_long_names_are_cut() -> None:
    name, other = "s" * 101, "t" * 301
    registration = resolved("push_branch", {"service": f"{name},web"})
    dated = EMPTY._replace(pulls=(pull(1, first_commit_at="2025-01-01T00:00:00Z"),))
    ships = Changes({name: dated, "web": EMPTY}, lead_times={"first_commit_timestamp": Sourced(1, "any")})
    *_, times, first, second = registration_lines(event("push_branch"), registration._replace(changes=ships))
    assert times == f"  {'metadata':<18} first_commit_timestamp 1735689600  from pull request #1 ({'s' * 99}…)"
    assert first.startswith(f"  {'s' * 99}…: ")
    assert second.startswith("  web: ")
    elsewhere = registration._replace(repository=Sourced("r" * 301, "here"), services=Sourced((), "input service"))
    assert registration_lines(event("push_branch"), elsewhere)[1] == f"  {'repository':<18} {'r' * 299}…  from here"
    assigned = registration._replace(pull_services=(PullServices((Service(other),), pull_number=7),))
    assert registration_lines(event("push_branch"), assigned)[-1] == f"  pull request #7: services {'t' * 299}…"


def test_the_times_of_lead_time_are_told_with_their_sources() -> None:
    times = {"commit_timestamp": Sourced(1, "here"), "first_commit_timestamp": Sourced(2, "there")}
    registration = resolved("push_branch")
    found = registration._replace(changes=registration.changes._replace(lead_times=times))
    assert ("metadata", "commit_timestamp 1, first_commit_timestamp 2  from here, there") in told(found)


@pytest.mark.parametrize(
    ("ship", "end"),
    [
        (SHIPS, f"; previous deployment: {BEFORE} from here"),
        (SHIPS._replace(certain=False), f"; compared with: {BEFORE} from here"),
        (SHIPS._replace(previous=None), ""),
    ],
)
def test_what_each_service_ships_since_when(ship: ChangeSet, end: str) -> None:
    registration = resolved("push_branch")._replace(changes=Changes({"web": ship}))
    *_, last = registration_lines(event("push_branch"), registration)
    assert registration.commit
    assert last == f"  web: {ship.headline(registration.commit.value)}{end}"
    *_, last = registration_lines(event("push_branch"), registration._replace(commit=None))
    assert last == f"  web: {ship.headline('')}{end}"


@pytest.mark.parametrize(("clears", "how"), [(False, ""), (True, ", replacing all others")])
@pytest.mark.parametrize("deploys", [True, False])
def test_which_pull_requests_are_told_their_services(clears: bool, how: str, deploys: bool) -> None:
    registration = resolved("push_branch")._replace(
        pull_services=(
            PullServices((WEB, CART), pull_number=7, replace=clears),
            PullServices((), pull_id=77, replace=clears),
        ),
    )
    if not deploys:
        registration = registration._replace(services=Sourced((), "input service"))
    lines = registration_lines(event("push_branch"), registration)
    end = "" if deploys else "  from input service"
    assert lines[-2:] == (
        f"  pull request #7: services web, cart{how}{end}",
        f"  the pull request of id 77: services none{how}{end}",
    )
    if not deploys:
        assert lines[:-2] == ("Event push:", "  repository         acme/shop  from repository.full_name")


def test_a_commit_is_told_whole() -> None:
    assert ("commit_sha", f"{COMMIT}  from input commit-sha") in told(resolved("push_branch", {"commit-sha": COMMIT}))


def test_facts_are_shown_with_the_metadata() -> None:
    registration = resolved("push_branch", {"extra-metadata": "rollback, pull_requests", "service": "web"})
    changes = registration.changes._replace(by_service={"web": SHIPS})
    assert ("metadata", "rollback false, pull_requests 1  from what ships") in told(
        registration._replace(changes=changes)
    )
