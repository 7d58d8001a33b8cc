"""Which change finds the services, and which pull requests are told which services: the rules, with nobody asked but a fake."""

from collections.abc import Sequence
from typing import Any

import pytest

import builders
from dx_action.changes.changeset import MergedPull, PullChange, RangeChange, deployed_change
from dx_action.deployment.pull_services import PullServices, assign
from dx_action.deployment.registration import Registration, resolve
from dx_action.deployment.trigger import Skipped
from dx_action.errors import ActionError, BadInput
from dx_action.github.errors import LookupFailedError
from dx_action.runner.event import Event
from dx_action.services.service import Service

# What the fixtures hold.
PULL, PULL_ID = 41, 2401500041
BASE, HEAD = "db1ff1cd8d8359db7b0e4faef1601192423a1b2e", "4e023f87863fabd2e348cb62b073f657a0ab9937"
MERGED = "312c5c6455a5802d9eff8e65fbc68a516dd3a76d"
OWN = PullChange(PULL, BASE, HEAD, 3)
SINCE = "ab" * 20
WEB, CART = Service("web"), Service("cart", "Cart")
MAP = {"service-map": "web: [web/**]"}


def merged(number: int) -> MergedPull:
    return MergedPull(
        number=number,
        id=number * 1000,
        title="",
        url="",
        author="",
        merged_at="",
        merge_commit_sha=f"{number:040}",
        base_ref="main",
        base=f"{number:040}",
        head=f"{number + 1:040}",
        changed_files=number,
    )


class Told:
    """Answers as it was told to, and remembers what it was asked. An answer that is an exception is raised."""

    changes: Any = None
    warnings: tuple[str, ...] = ()

    def __init__(self, services: Any = (WEB,), pulls: Any = ()) -> None:
        self.services, self.pulls = services, pulls
        self.asked: list[Any] = []

    def touched(self, change: PullChange | RangeChange) -> tuple[Service, ...]:
        self.asked.append(change)
        return tuple(self._given(self.services[change] if isinstance(self.services, dict) else self.services))

    def touched_by(self, pulls: Sequence[MergedPull]) -> dict[int, tuple[Service, ...]]:
        return {pull.number: self.touched(pull.change) for pull in pulls}

    def merged_by_push(self, before: str | None, after: str, branch: str) -> tuple[MergedPull, ...]:
        self.asked.append((before, after, branch))
        return tuple(self._given(self.pulls))

    @staticmethod
    def _given(answer: Any) -> Any:
        if isinstance(answer, Exception):
            raise answer
        return answer


def nobody(*_about: Any) -> Any:
    raise AssertionError("somebody was asked")


# By which change services are found.

CHANGES: dict[str, tuple[str, dict[str, str], dict[str, Any], PullChange | RangeChange | None]] = {
    "the event's pull request": ("pull_request_merged", {}, {}, OWN),
    "pull_request_target": (
        "pull_request_target_merged",
        {},
        {
            "pull_request.number": PULL,
            "pull_request.base.sha": BASE,
            "pull_request.head.sha": HEAD,
            "pull_request.changed_files": 3,
        },
        OWN,
    ),
    "its own number is nothing new": ("pull_request_merged", {"pull-number": "41"}, {}, OWN),
    "another number": ("pull_request_merged", {"pull-number": "7"}, {}, PullChange(7)),
    "since-sha wins": ("pull_request_merged", {"since-sha": SINCE}, {}, RangeChange(SINCE, MERGED, "input since-sha")),
    "since-sha wins over a number": (
        "push_branch",
        {"since-sha": SINCE, "pull-number": "7"},
        {},
        RangeChange(SINCE, MERGED, "input since-sha"),
    ),
    "what a push moved": ("push_branch", {}, {}, RangeChange(BASE, MERGED, "push.before")),
    "a number wins over a push": ("push_branch", {"pull-number": "7"}, {}, PullChange(7)),
    "a push that made its branch": ("push_branch", {}, {"before": "0" * 40}, None),
    "a push without a beginning": ("push_branch", {}, {"before": None}, None),
    "a tag": ("push_tag_lightweight", {}, {}, None),
    "a deployment": ("deployment_production", {}, {}, None),
    "a deployment's since-sha": (
        "deployment_status_success",
        {"since-sha": SINCE},
        {},
        RangeChange(SINCE, MERGED, "input since-sha"),
    ),
    "a workflow run": ("workflow_run_success", {}, {}, None),
    "by hand": ("workflow_dispatch", {}, {}, None),
    "by hand, with a number": ("workflow_dispatch", {"pull-number": "7"}, {}, PullChange(7)),
    "a pull request whose ends are not told": (
        "pull_request_merged",
        {},
        {"pull_request.base": None, "pull_request.head": None, "pull_request.changed_files": builders.ABSENT},
        PullChange(PULL),
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", CHANGES)
def test_which_change_counts(name: str) -> None:
    event, given, changes, expected = CHANGES[name]
    read, inputs = builders.event(event, changes), builders.inputs({"services-from": "backstage"} | given)
    if expected is None:
        with pytest.raises(BadInput) as bad:
            deployed_change(read, inputs, MERGED)
        (problem,) = bad.value.problems
        assert problem.subject == "since-sha"
        assert f"this {read.name} event does not say since which commit of the repository" in problem.text
        assert "previously deployed commit, or set `pull-number`" in problem.text
    else:
        assert deployed_change(read, inputs, MERGED) == expected


def test_without_a_commit_there_is_no_range() -> None:
    with pytest.raises(BadInput, match="since-sha"):
        deployed_change(builders.event("push_branch"), builders.inputs(), None)
    given = builders.inputs(services_from="backstage", since_sha=SINCE, pull_number="7")
    assert deployed_change(builders.event("schedule"), given, None) == PullChange(7)


# Who is told what.

Case = tuple[str, dict[str, str], tuple[Service, ...], list[PullServices], list[Any]]
BY_FILES: tuple[Service, ...] = ()
PUSHED = (BASE, MERGED, "main")
ASSIGNMENTS: dict[str, Case] = {
    "the event's, by its files": ("pull_request_merged", {}, BY_FILES, [PullServices((WEB,), PULL_ID, PULL)], [OWN]),
    "the event's, as given": ("pull_request_merged", {}, (CART,), [PullServices((CART,), PULL_ID, PULL)], []),
    "its own number": (
        "pull_request_merged",
        {"pull-number": "41"},
        BY_FILES,
        [PullServices((WEB,), PULL_ID, PULL)],
        [OWN],
    ),
    "its own id": (
        "pull_request_merged",
        {"pull-id": str(PULL_ID)},
        BY_FILES,
        [PullServices((WEB,), PULL_ID, PULL)],
        [OWN],
    ),
    "another number": (
        "pull_request_merged",
        {"pull-number": "7"},
        BY_FILES,
        [PullServices((WEB,), None, 7)],
        [PullChange(7)],
    ),
    "another number, as given": (
        "pull_request_merged",
        {"pull-number": "7"},
        (CART,),
        [PullServices((CART,), None, 7)],
        [],
    ),
    "another id, as given": ("pull_request_merged", {"pull-id": "77"}, (CART,), [PullServices((CART,), 77, None)], []),
    "an id and a number": (
        "workflow_dispatch",
        {"pull-id": "77", "pull-number": "7"},
        BY_FILES,
        [PullServices((WEB,), 77, 7)],
        [PullChange(7)],
    ),
    "a number by hand": (
        "workflow_dispatch",
        {"pull-number": "7"},
        BY_FILES,
        [PullServices((WEB,), None, 7)],
        [PullChange(7)],
    ),
    "a number on a push": ("push_branch", {"pull-number": "7"}, (CART,), [PullServices((CART,), None, 7)], []),
    "an issue comment": ("issue_comment", {"pull-number": "7"}, (CART,), [PullServices((CART,), None, 7)], []),
    "a push that merged none": ("push_branch", {}, BY_FILES, [], [PUSHED]),
}  # fmt: skip


@pytest.mark.parametrize("name", ASSIGNMENTS)
def test_who_is_told_what(name: str) -> None:
    event, given, services, expected, questions = ASSIGNMENTS[name]
    lookups = Told()
    found = assign(builders.event(event), builders.inputs(given), services, MERGED, lookups)
    assert list(found) == expected
    assert lookups.asked == questions


@pytest.mark.parametrize(("given", "expected"), [((), [(WEB,), (), (CART,)]), ((CART,), [(CART,)] * 3)])
def test_each_pull_request_of_a_push_has_the_services_of_its_own_files(given: Any, expected: Any) -> None:
    changes = [PullChange(each.number, each.base, each.head, each.changed_files) for each in map(merged, (7, 8, 9))]
    lookups = Told(dict(zip(changes, [(WEB,), (), (CART,)], strict=True)), tuple(map(merged, (7, 8, 9))))
    found = assign(builders.event("push_branch"), builders.inputs(MAP), given, MERGED, lookups)
    assert found == tuple(
        PullServices(services, number * 1000, number) for number, services in zip((7, 8, 9), expected, strict=True)
    )
    assert lookups.asked == [PUSHED, *([] if given else changes)]


@pytest.mark.parametrize("before", ["0" * 40, None, ""])
def test_a_push_that_made_its_branch_is_asked_by_its_commit(before: str | None) -> None:
    lookups = Told(pulls=(merged(7),))
    assign(builders.event("push_branch", {"before": before}), builders.inputs(), (CART,), MERGED, lookups)
    assert lookups.asked == [(None, MERGED, "main")]


NAMELESS = [
    *("push_tag_lightweight", "release_published", "deployment_status_success", "workflow_run_success"),
    *("workflow_dispatch", "schedule"),
]


@pytest.mark.parametrize("event", NAMELESS)
def test_an_event_that_names_no_pull_request(event: str) -> None:
    read = builders.event(event)
    with pytest.raises(BadInput) as bad:
        assign(read, builders.inputs(), (CART,), MERGED, Told())
    (problem,) = bad.value.problems
    assert str(problem) == (
        f"`pull-number` is missing, and this {read.name} event names no pull request of the repository."
    )


def test_an_id_alone_does_not_tell_the_files() -> None:
    with pytest.raises(BadInput, match="`pull-number` is missing: `pull-id` alone does not say which files changed"):
        assign(builders.event("workflow_dispatch"), builders.inputs(pull_id="77"), (), MERGED, Told())


@pytest.mark.parametrize(
    ("assignment", "subject"),
    [
        (PullServices((), 77, 7), "pull request #7"),
        (PullServices((), None, 7), "pull request #7"),
        (PullServices((), 77), "the pull request of id 77"),
    ],
)
def test_how_it_is_called(assignment: PullServices, subject: str) -> None:
    assert assignment.subject == subject


# Within a whole decision.


def decided(
    event: str, given: dict[str, str], lookups: Told | None = None, changes: dict[str, Any] | None = None
) -> Registration | Skipped:
    about = nobody if lookups is None else (lambda *_about: lookups)
    return resolve(builders.inputs(given), builders.runtime(event), builders.event(event, changes), builders.NOW, about)


def registration(event: str, given: dict[str, str], lookups: Told | None = None) -> Registration:
    found = decided(event, given, lookups)
    assert isinstance(found, Registration), str(found)
    return found


def test_most_runs_ask_nothing() -> None:
    assert registration("pull_request_merged", {}).pull_services == ()
    assert registration("push_branch", {"service": "web", "pull-number": "7"}).pull_services == ()


SET = {"operation": "set-pull-services"}
WITH = {"set-pull-services": "true"}
REPLACE = {"replace-pull-services": "true"}
# The inputs, the answer about files → the pull request's services, the deployment's services and what it is attributed by.
DECIDED: dict[str, tuple[dict[str, str], Any, Any]] = {
    "files, one step": (MAP | WITH, (WEB,), ((WEB,), (WEB,), "repository")),
    "files, one step, by commit": (MAP | WITH | {"attribution": "commit"}, (WEB,), ((WEB,), (WEB,), "commit")),
    "files, the deployment only": (MAP, (WEB,), (None, (WEB,), "repository")),
    "files, the pull request only": (MAP | SET, (WEB,), ((WEB,), (), "repository")),
    "given, one step": (WITH | {"service": "cart=Cart"}, None, ((CART,), (CART,), "repository")),
    "given, with a map": (
        MAP | WITH | {"service": "cart=Cart"},
        (WEB, Service("cart")),
        ((CART,), (CART,), "repository"),
    ),
    "given, and not touched": (MAP | WITH | {"service": "cart=Cart"}, (WEB,), (None, (CART,), "repository")),
    "given, and others touched, not replaced by none": (
        MAP | WITH | REPLACE | {"service": "cart=Cart"},
        (WEB,),
        (None, (CART,), "repository"),
    ),
    "given, and nothing touched, replaced": (
        MAP | WITH | REPLACE | {"service": "cart=Cart"},
        (),
        ((), (CART,), "repository"),
    ),
    "given, with a map, the deployment only": (MAP | {"service": "cart=Cart"}, None, (None, (CART,), "commit")),
    "given, the pull request only": (SET | {"service": "cart=Cart"}, None, ((CART,), (), "commit")),
    "nobody says": (WITH, None, ((Service("shop"),), (Service("shop"),), "repository")),
    "nothing touched, replaced": (MAP | WITH | REPLACE, (), ((), (), "repository")),
    "nothing touched, only told, replaced": (MAP | SET | REPLACE, (), ((), (), "repository")),
}


@pytest.mark.parametrize("name", DECIDED)
def test_what_is_told_and_what_is_registered(name: str) -> None:
    given, services, (told, registered, attribution) = DECIDED[name]
    lookups = Told(services)
    found = registration("pull_request_merged", given, lookups)
    assert found.services.value == registered
    assert [each.services for each in found.pull_services] == ([] if told is None else [told])
    assert all((each.pull_id, each.pull_number) == (PULL_ID, PULL) for each in found.pull_services)
    if registered or name.startswith("files"):
        assert found.attribution.value == attribution
    assert lookups.asked == ([] if services is None else [OWN] * len(lookups.asked))
    assert all(each.replace is ("replace-pull-services" in given) for each in found.pull_services)
    assert (found.pull_number, found.pull_id) == (PULL, PULL_ID)


@pytest.mark.parametrize("given", [MAP, MAP | WITH, MAP | SET, {"services-from": "backstage"}])
def test_nothing_touched_is_skipped(given: dict[str, str]) -> None:
    found = decided("pull_request_merged", given, Told(()))
    assert isinstance(found, Skipped)
    assert str(found).startswith("The change touches no service.")
    assert "service-map" in found.advice
    assert not found.warn


def test_others_touched_and_nothing_to_register_is_skipped() -> None:
    found = decided("pull_request_merged", MAP | SET | REPLACE | {"service": "cart"}, Told((WEB,)))
    assert isinstance(found, Skipped)
    assert found.reason == "The change touches none of the services in `service`."


def test_a_push_that_merged_nothing_is_skipped() -> None:
    found = decided("push_branch", SET | {"service": "web"}, Told(pulls=()))
    assert isinstance(found, Skipped)
    assert "found no pull request that this push merged" in found.reason


def test_a_push_that_merged_nothing_is_deployed() -> None:
    found = registration("push_branch", WITH | {"service": "web"}, Told(pulls=()))
    assert (found.pull_services, found.services.value) == ((), (WEB,))


@pytest.mark.parametrize(("numbers", "named"), [((7,), (7, 7000)), ((7, 8), (None, None)), ((), (None, None))])
def test_the_pull_request_is_named_where_it_is_the_only_one(numbers: Any, named: Any) -> None:
    found = registration("push_branch", WITH | {"service": "web"}, Told(pulls=tuple(map(merged, numbers))))
    assert (found.pull_number, found.pull_id) == named


def test_those_of_a_push_that_touch_nothing_are_left_out() -> None:
    changes = {PullChange(n, f"{n:040}", f"{n + 1:040}", n): services for n, services in ((7, (WEB,)), (8, ()))}
    pulls = (merged(7), merged(8))
    found = registration("push_branch", SET | MAP, Told(changes, pulls))
    assert [each.pull_number for each in found.pull_services] == [7]
    found = registration("push_branch", SET | MAP | REPLACE, Told(changes, pulls))
    assert [(each.pull_number, each.services) for each in found.pull_services] == [(7, (WEB,)), (8, ())]


FAILURE = LookupFailedError("may not.", "forbidden")


def test_a_failed_search_for_the_pull_request_does_not_stop_the_deployment() -> None:
    found = registration("push_branch", WITH | {"service": "web"}, Told(pulls=FAILURE))
    assert found.services.value == (WEB,)
    assert (found.pull_services, found.problems) == ((), FAILURE.problems)


@pytest.mark.parametrize("event", NAMELESS)
def test_an_event_without_a_pull_request_is_deployed_all_the_same(event: str) -> None:
    found = registration(event, WITH | {"service": "web"}, Told())
    assert found.services.value == (WEB,)
    assert [problem.subject for problem in found.problems] == ["pull-number"]


@pytest.mark.parametrize(
    ("event", "given", "lookups"),
    [
        ("pull_request_merged", MAP, Told(FAILURE)),
        ("pull_request_merged", MAP | SET, Told(FAILURE)),
        ("pull_request_merged", MAP | WITH, Told(FAILURE)),
        ("push_branch", SET | {"service": "web"}, Told(pulls=FAILURE)),
        ("push_branch", MAP | WITH, Told((), FAILURE)),
    ],
    ids=["files", "files to tell", "both", "no pull request to tell", "nothing to register"],
)
def test_without_anything_to_send_a_failed_look_up_is_told(event: str, given: dict[str, str], lookups: Told) -> None:
    with pytest.raises(ActionError) as failed:
        decided(event, given, lookups)
    assert failed.value.problems == FAILURE.problems


# Another repository than the event's.

ELSEWHERE = {"repository": "acme/other", "commit-sha": "abcdef1"}


@pytest.mark.parametrize("event", ["pull_request_merged", "push_branch"])
def test_an_event_says_nothing_of_another_repository(event: str) -> None:
    """Its pull request has a namesake there, of the same number and other files."""
    with pytest.raises(BadInput) as bad:
        decided(event, MAP | ELSEWHERE, Told())
    assert [problem.subject for problem in bad.value.problems] == ["since-sha"]
    with pytest.raises(BadInput) as bad:
        decided(event, MAP | SET | ELSEWHERE, Told())
    assert [problem.subject for problem in bad.value.problems] == ["pull-number"]
    found = registration(event, WITH | ELSEWHERE | {"service": "web"}, Told())
    assert [problem.subject for problem in found.problems] == ["pull-number"]


def test_inputs_say_what_happened_there() -> None:
    since = RangeChange(SINCE, "abcdef1", "input since-sha")
    lookups = Told()
    assert registration("push_branch", MAP | ELSEWHERE | {"since-sha": SINCE}, lookups).services.value == (WEB,)
    assert lookups.asked == [since]
    lookups = Told()
    found = registration("pull_request_merged", MAP | SET | ELSEWHERE | {"pull-number": str(PULL)}, lookups)
    assert found.pull_services == (PullServices((WEB,), None, PULL),)
    assert lookups.asked == [PullChange(PULL)]


def test_who_is_asked_about_what() -> None:
    seen: list[Any] = []

    def about(*what: Any) -> Told:
        seen.append(what)
        return Told()

    for given in (MAP | WITH, MAP | SET | ELSEWHERE | {"pull-number": "7"}, MAP | {"repository": "ACME/Shop"}):
        resolve(
            builders.inputs(given),
            builders.runtime("pull_request_merged"),
            builders.event("pull_request_merged"),
            builders.NOW,
            about,
        )
    assert seen == [("acme/shop", True, MERGED), ("acme/other", False, "abcdef1"), ("ACME/Shop", True, MERGED)]


def test_an_unknown_event_is_an_event() -> None:
    with pytest.raises(BadInput):
        assign(Event(name="page_build"), builders.inputs(), (CART,), MERGED, Told())
