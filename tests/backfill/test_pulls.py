"""Which pull requests of a window become rows, in which order, and which ones are not known."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from builders import NOW, inputs
from dx_action.backfill.pulls import remarks, rows_from_window
from dx_action.backfill.store import Rows
from dx_action.backfill.tally import PullWindow, Unread
from dx_action.changes.changeset import PullChange
from dx_action.errors import BadInput
from dx_action.github.commits import ChangedPaths
from dx_action.github.errors import Kind, LookupFailedError
from dx_action.github.lookups import UnreadFilesError
from dx_action.github.past_pulls import PastPull, PastPulls
from dx_action.secrecy import NO_SECRETS, Secret, Secrets
from dx_action.services.service import Service

START = datetime(2025, 1, 1, tzinfo=UTC)
SINCE = {"operation": "set-pull-services", "since": "2025-01-01T00:00:00Z"}
BY_FILES = SINCE | {"services-from": "codeowners"}
UNTIL = NOW.replace(microsecond=0)
PLACE = "into main from 2025-01-01T00:00:00Z to 2025-03-10T09:30:15Z"


def past(number: int, *paths: str, hours: float | None = None, base: str = "main", known: bool = True) -> PastPull:
    """A pull request that was merged so many hours after the start, by default as many as its number says."""
    merged_at = START + timedelta(hours=number if hours is None else hours)
    files = ChangedPaths(frozenset(paths), exact=False) if known else None
    return PastPull(100 + number, merged_at, base, PullChange(number, "a", "b", len(paths)), files)


@dataclass
class Known:
    """Look-ups that know these: a path's first folder is its service, and `docs` is none's."""

    pulls: Sequence[PastPull] = ()
    missing: int = 0
    fails: dict[int, UnreadFilesError] = field(default_factory=dict)
    default_branch: str | None = "main"
    asked: list[int] = field(default_factory=list)
    warnings: tuple[str, ...] = ()

    def merged_between(self, since: datetime, until: datetime) -> PastPulls:
        self.window = since, until
        return PastPulls({pull.change.number: pull for pull in self.pulls}, self.missing, self.default_branch)

    def past_services(self, pull: PastPull) -> tuple[Service, ...]:
        self.asked.append(pull.change.number)
        if error := self.fails.get(pull.change.number):
            raise error
        folders = sorted({path.split("/")[0] for path in (pull.files.paths if pull.files else ())})
        return tuple(Service(folder) for folder in folders if folder != "docs")


def read(lookups: Known, given: dict[str, str], secrets: Secrets = NO_SECRETS) -> tuple[Rows, PullWindow, list[str]]:
    log: list[str] = []
    looked: Any = lookups
    rows, window = rows_from_window(inputs(given), "acme/shop", looked, UNTIL, log.append, secrets)
    return rows, window, log


def bodies(rows: Rows) -> list[dict[str, Any]]:
    return [rows.call(index).json() for index in range(len(rows))]


def test_oldest_first_and_each_with_its_services() -> None:
    lookups = Known([past(3, "a/x"), past(1, "b/x", "a/y"), past(2, "docs/x"), past(5, "a/z", hours=1)])
    rows, window, log = read(lookups, BY_FILES)
    assert bodies(rows) == [
        {"github_pull_id": 101, "services": [{"identifier": "a"}, {"identifier": "b"}]},
        {"github_pull_id": 105, "services": [{"identifier": "a"}]},
        {"github_pull_id": 103, "services": [{"identifier": "a"}]},
    ]
    assert [rows.line(index) for index in range(3)] == [1, 5, 3]
    assert window == PullWindow(
        repository="acme/shop",
        place=PLACE,
        read=4,
        merged_at=tuple(START + timedelta(hours=hours) for hours in (1, 1, 3)),
        services=(("a", "b"), ("a",), ("a",)),
        none=1,
        unread=(),
    )
    assert lookups.window == (START, UNTIL)
    assert log == [f"Read 4 pull requests merged {PLACE}", "  1 pull request touches no service"]


@pytest.mark.parametrize(
    ("only", "branches", "numbers", "left_out"),
    [
        ("", "main", [1, 4], "  Left out 2 pull requests merged into another branch"),
        ("release/*", "release/*", [2], "  Left out 3 pull requests merged into another branch"),
        ("main, dev", "main, dev", [1, 3, 4], "  Left out 1 pull request merged into another branch"),
        ("**", "**", [1, 2, 3, 4], ""),
    ],
)
def test_the_branches_that_count(only: str, branches: str, numbers: list[int], left_out: str) -> None:
    merged = [past(number, "a/x", base=base) for number, base in enumerate(("main", "release/1", "dev", "main"), 1)]
    rows, _, log = read(Known(merged), BY_FILES | {"only-branches": only})
    assert [rows.line(index) for index in range(len(rows))] == numbers
    assert log[0].startswith(f"Read {len(numbers)} pull request")
    assert f" merged into {branches} from " in log[0]
    assert log[1:] == ([left_out] if left_out else [])


def test_a_repository_without_a_branch() -> None:
    rows, window, log = read(Known([past(1, "a/x")], default_branch=None), BY_FILES)
    assert (len(rows), window.read) == (0, 0)
    assert "merged into the default branch from" in log[0]


@pytest.mark.parametrize(
    ("given", "services", "none"),
    [
        (SINCE | {"service": "web=Web"}, [[{"identifier": "web", "name": "Web"}]] * 3, 0),
        (SINCE, [[{"identifier": "shop"}]] * 3, 0),
        (BY_FILES | {"service": "b"}, [[{"identifier": "b"}]], 2),
        (BY_FILES | {"replace-pull-services": "true"}, [[{"identifier": "a"}], [{"identifier": "b"}], []], 0),
        # The others' services, which this step is not about, are not removed.
        (BY_FILES | {"replace-pull-services": "true", "service": "b"}, [[{"identifier": "b"}], []], 1),
    ],
    ids=str,
)
def test_the_services_that_are_sent(given: dict[str, str], services: list[Any], none: int) -> None:
    rows, window, _ = read(Known([past(1, "a/x"), past(2, "b/x"), past(3, "docs/x")]), given)
    assert [body["services"] for body in bodies(rows)] == services
    replaces = {body.get("replace", False) for body in bodies(rows)}
    assert replaces == {given.get("replace-pull-services") == "true"}
    assert window.none == none


def test_files_are_not_asked_for_if_they_do_not_decide() -> None:
    lookups = Known([past(1, known=False)])
    rows, _, log = read(lookups, SINCE | {"service": "web"})
    assert (len(rows), lookups.asked, len(log)) == (1, [], 1)


def test_one_without_an_id_is_named_by_its_number() -> None:
    pull = PastPull(None, START, "main", PullChange(7, "a", "b", 1), ChangedPaths(frozenset({"a/x"}), exact=False))
    rows, _, _ = read(Known([pull]), BY_FILES)
    assert bodies(rows) == [{"repository": "acme/shop", "pull_number": 7, "services": [{"identifier": "a"}]}]


def failed(kind: Kind) -> UnreadFilesError:
    return UnreadFilesError(f"it is {kind}", LookupFailedError("x", kind))


@pytest.mark.parametrize(
    ("kind", "asked"),
    [
        ("missing", [1, 2, 3, 4, 5, 6]),
        ("rejected", [1, 2, 3, 4, 5, 6]),
        ("token", [1, 6]),
        ("forbidden", [1, 6]),
        ("limited", [1, 6]),
        ("unavailable", [1, 2, 3, 6]),
    ],
)
def test_what_is_not_known_is_no_row(kind: Kind, asked: list[int]) -> None:
    """And after a failure that lasts, no further one is asked for by itself; what came with the list is known."""
    lookups = Known(
        [*(past(number, known=False) for number in range(1, 6)), past(6, "a/x")],
        fails={number: failed(kind) for number in range(1, 6)},
    )
    rows, window, log = read(lookups, BY_FILES)
    assert (lookups.asked, [rows.line(index) for index in range(len(rows))]) == (asked, [6])
    outage = kind in ("limited", "unavailable")
    assert window.unread == tuple(
        Unread(number, START + timedelta(hours=number), f"it is {kind}", outage) for number in range(1, 6)
    )
    assert window.none == 0
    assert log[1] == "  Asking for the files of 5 pull requests one by one: they are more than 100, or moved"


def test_an_answer_in_between_shows_that_github_is_there() -> None:
    fails = {number: failed("unavailable") for number in (1, 2, 4, 5, 6)}
    lookups = Known([past(number, known=False) for number in range(1, 8)], fails=fails)
    _, window, _ = read(lookups, BY_FILES)
    assert lookups.asked == [1, 2, 3, 4, 5, 6]
    assert [pull.number for pull in window.unread] == [1, 2, 4, 5, 6, 7]


def test_one_that_came_with_the_list_shows_nothing() -> None:
    fails = {number: failed("unavailable") for number in (1, 2, 4)}
    pulls = [past(1, known=False), past(2, known=False), past(3, "a/x"), *(past(n, known=False) for n in (4, 5))]
    lookups = Known(pulls, fails=fails)
    read(lookups, BY_FILES)
    assert lookups.asked == [1, 2, 3, 4]


def test_a_list_that_github_cuts_is_no_outage() -> None:
    _, window, _ = read(Known([past(1, known=False)], fails={1: UnreadFilesError("it is cut")}), BY_FILES)
    assert window.unread == (Unread(1, START + timedelta(hours=1), "it is cut"),)


def test_those_that_github_did_not_return() -> None:
    rows, window, _ = read(Known([past(1, "a/x")], missing=2), BY_FILES)
    reason = "GitHub did not return them, as if `github-token` may not read them"
    assert (len(rows), window.unread) == (1, (Unread(0, START, reason),) * 2)


def test_no_secret_is_sent() -> None:
    with pytest.raises(BadInput) as caught:
        read(Known([past(1, "the-token-itself/x")]), BY_FILES, Secrets([Secret("`dx-token`", "the-token-itself")]))
    assert [problem.subject for problem in caught.value.problems] == ["services"]


def test_no_window_asks_for_nothing() -> None:
    lookups = Known()
    with pytest.raises(BadInput):
        read(lookups, BY_FILES | {"until": "2024-01-01T00:00:00Z"})
    assert not hasattr(lookups, "window")


OWN_NAME = "`service` is not set, so each pull request counts for shop, the name of the repository."


@pytest.mark.parametrize(
    ("given", "moved", "warnings", "notices"),
    [
        (SINCE, (), (), (OWN_NAME,)),
        (SINCE | {"service": "web"}, (), (), ()),
        (BY_FILES, ("It was renamed.",), ("It was renamed.",), ()),
    ],
    ids=str,
)
def test_what_is_said_of_services_and_repository(
    given: dict[str, str], moved: tuple[str, ...], warnings: tuple[str, ...], notices: tuple[str, ...]
) -> None:
    lookups: Any = Known(warnings=moved)
    assert remarks(inputs(given), "acme/shop", lookups) == (warnings, notices)


def test_an_identifier_with_a_space_is_doubtful() -> None:
    lookups: Any = Known()
    warnings, _ = remarks(inputs(SINCE | {"service": "web api"}), "acme/shop", lookups)
    assert ["with a space" in warning for warning in warnings] == [True]
