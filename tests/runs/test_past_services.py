"""Services for the past in whole runs: a window's pull requests, each with the services of its own files, through kills."""

import io
import json
import re
from collections.abc import Callable, Iterator
from contextlib import nullcontext, suppress
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Lock
from typing import Any, Literal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from documents import read
from dx_action.main import main
from dx_action.sandbox import Sandbox
from gfm import check_summary
from runner import NOW, TOKEN, Run, Step, connected, read_outputs
from scenes import told
from schedules import Dx, Fate, Killed, Meant, environment
from schedules import Run as Schedule
from stand_in import GitHub, Pull, Repo
from stand_in.moments import text
from thorough import only_thorough, times
from wire import Reply, Request, Time, over

MAP = "a: [a/**]\nb: [b/**]\n"
SINCE = "2025-01-01T00:00:00Z"
PULLS = {"operation": "set-pull-services", "since": SINCE, "service-map": MAP}


@pytest.fixture
def repo() -> Repo:
    repo = Repo("acme/shop", start=SINCE)
    repo.commit({"README.md": "Shop"})
    return repo


@pytest.fixture
def gh(repo: Repo) -> Iterator[GitHub]:
    with GitHub(repo, token="ghs-of-the-tests") as gh:
        yield gh


@pytest.fixture
def dx() -> Iterator[Sandbox]:
    with Sandbox(token=TOKEN) as dx:
        yield dx


def step(folder: Path, repo: Repo, gh: GitHub, dx: Sandbox | None, event: str = "schedule", **given: str) -> Run:
    connection = connected(dx, service="") if dx else {}
    inputs = connection | PULLS | {name.replace("_", "-"): text for name, text in given.items()}
    run = Step(folder, inputs, event, told(folder, gh, repo), github_token=gh.token).inside()
    check_summary(run.summary)
    return run


def sent(dx: Sandbox) -> list[dict[str, Any]]:
    return [request["json"] for request in dx.requests()]


def body(pull: Pull, *services: str, **more: Any) -> dict[str, Any]:
    return {"github_pull_id": pull.id, "services": [{"identifier": name} for name in services]} | more


def ship(repo: Repo, *folders: str, base: str = "main") -> Pull:
    number = len(repo.pulls.by_number)
    return repo.pulls.ship({f"{folder}/{number}": "1" for folder in folders}, base=base)


# What is sent.


@pytest.mark.parametrize("event", ["schedule", "workflow_dispatch", "pull_request_merged", "push_branch"])
def test_each_gets_the_services_of_its_own_files(
    tmp_path: Path, repo: Repo, gh: GitHub, dx: Sandbox, event: str
) -> None:
    """Oldest first, whatever the event; those that touch none are counted and left alone."""
    pulls = [ship(repo, *folders) for folders in (("a",), ("b", "docs"), ("docs",), ("a", "b"))]
    run = step(tmp_path, repo, gh, dx, event, concurrency="1")
    assert (run.exit_code, run.status) == (0, "pull-services-set")
    assert sent(dx) == [body(pulls[0], "a"), body(pulls[1], "b"), body(pulls[3], "a", "b")]
    assert {request["path"] for request in dx.requests()} == {"/api/deployments.setPullServices"}
    assert gh.count() == 1
    assert run.json("services") == ["a", "b"]
    assert (run.outputs["repository"], run.outputs["pull-number"], run.outputs["requests"]) == ("acme/shop", "", "[]")
    assert run.results("method", "outcome") == [("deployments.setPullServices", "accepted")] * 3
    assert "3 pull requests: 3 set. 1 pull request touches no service and is left out." in run.said
    assert "4 pull requests were merged into main" in run.summary
    assert "1 pull request touches no service and is left out." in run.summary


def test_only_one_is_named_in_the_outputs(tmp_path: Path, repo: Repo, gh: GitHub, dx: Sandbox) -> None:
    pull = ship(repo, "a")
    run = step(tmp_path, repo, gh, dx)
    assert (run.outputs["pull-number"], run.outputs["pull-id"]) == ("1", str(pull.id))


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({}, ["main"]),
        ({"only_branches": "release/**"}, ["release/1.x"]),
        ({"only_branches": "main, release/**"}, ["main", "release/1.x"]),
    ],
    ids=str,
)
def test_which_branches(
    tmp_path: Path, repo: Repo, gh: GitHub, dx: Sandbox, given: dict[str, str], expected: list[str]
) -> None:
    repo.branch("release/1.x")
    pulls = {base: ship(repo, "a", base=base) for base in ("main", "release/1.x")}
    run = step(tmp_path, repo, gh, dx, **given)
    assert [each["github_pull_id"] for each in sent(dx)] == [pulls[base].id for base in expected]
    left_out = "  Left out 1 pull request merged into another branch"
    assert (left_out in run.said) is (len(expected) == 1)


@pytest.mark.parametrize(
    ("given", "services", "notices"),
    [
        ({"service": "web=Web", "service_map": ""}, [[("web", "Web")]] * 3, []),
        (
            {"service_map": ""},
            [[("shop", None)]] * 3,
            ["`service` is not set, so each pull request counts for shop, the name of the repository."],
        ),
        ({"service": "b=Bee\nc"}, [[("b", "Bee")], [("b", "Bee")]], []),
    ],
    ids=["by hand", "the repository's name", "beside a map"],
)
def test_services_that_no_files_say(
    tmp_path: Path, repo: Repo, gh: GitHub, dx: Sandbox, given: dict[str, str], services: list[Any], notices: list[str]
) -> None:
    for folders in (("a",), ("b",), ("a", "b")):
        ship(repo, *folders)
    run = step(tmp_path, repo, gh, dx, **given)
    found = [[(each["identifier"], each.get("name")) for each in call["services"]] for call in sent(dx)]
    assert found == services
    assert [text for _, text in run.remarks] == notices
    assert gh.count() == 1


def test_replace_clears_what_touches_none(tmp_path: Path, repo: Repo, gh: GitHub, dx: Sandbox) -> None:
    pulls = [ship(repo, "a"), ship(repo, "docs")]
    run = step(tmp_path, repo, gh, dx, replace_pull_services="true", concurrency="1")
    assert sent(dx) == [body(pulls[0], "a", replace=True), body(pulls[1], replace=True)]
    assert "services removed" in run.summary
    assert run.json("services") == ["a"]


def test_codeowners_and_backstage_of_today(tmp_path: Path, repo: Repo, gh: GitHub, dx: Sandbox) -> None:
    """They are read once, at the workflow's commit, and not at that of each pull request."""
    pulls = [ship(repo, "a"), ship(repo, "b"), ship(repo, "a", "b")]
    repo.commit({"CODEOWNERS": "a/ @acme/team-a\n", "b/catalog-info.yaml": "kind: Component\nmetadata: {name: bee}\n"})
    step(tmp_path, repo, gh, dx, service_map="", services_from="codeowners", concurrency="1")
    assert sent(dx) == [body(pulls[0], "team-a"), body(pulls[2], "team-a")]
    assert gh.count() == 3
    gh.reset_calls()
    step(tmp_path, repo, gh, dx, service_map="", services_from="backstage", concurrency="1")
    assert sent(dx)[2:] == [body(pulls[1], "bee"), body(pulls[2], "bee")]
    assert gh.count() == 3


def test_another_repository(tmp_path: Path, repo: Repo, gh: GitHub, dx: Sandbox) -> None:
    pull = ship(repo, "a")
    env = told(tmp_path, gh, repo, GITHUB_REPOSITORY="acme/own")
    given = connected(dx, service="", repository="acme/shop") | PULLS
    run = Step(tmp_path, given, "schedule", env, github_token=gh.token).inside()
    assert (run.exit_code, sent(dx)) == (0, [body(pull, "a")])
    assert run.outputs["repository"] == "acme/shop"


# Nothing to send.


@pytest.mark.parametrize(
    ("folders", "given", "reason"),
    [
        (
            [],
            {},
            (
                f"No pull request was merged into main from {SINCE} to 2025-03-04T12:00:00Z. Set an earlier `since`, or name "
                "the branches in `only-branches`."
            ),
        ),
        (
            ["docs", "docs"],
            {"until": "2025-02-01T00:00:00Z"},
            (
                f"2 pull requests were merged into main from {SINCE} to 2025-02-01T00:00:00Z, and none touches a service. If "
                "some should, add their files to what `services-from` or `service-map` names."
            ),
        ),
        ([], {"success": "cancelled"}, "`success` says that the deployment was cancelled or skipped."),
    ],
    ids=["no pull request", "no service", "cancelled"],
)
def test_nothing_to_send_is_skipped(
    tmp_path: Path, repo: Repo, gh: GitHub, dx: Sandbox, folders: list[str], given: dict[str, str], reason: str
) -> None:
    for folder in folders:
        ship(repo, folder)
    run = step(tmp_path, repo, gh, dx, **given)
    assert (run.exit_code, run.status, run.outputs["reason"], sent(dx)) == (0, "skipped", reason, [])


def test_a_dry_run_needs_no_dx(tmp_path: Path, repo: Repo, gh: GitHub, dx: Sandbox) -> None:
    pull = ship(repo, "a")
    run = step(tmp_path, repo, gh, None, dry_run="true")
    assert (run.exit_code, run.status, sent(dx)) == (0, "dry-run", [])
    assert f"    {json.dumps(body(pull, 'a'), separators=(',', ':'))}" in run.said


@pytest.mark.parametrize(
    ("given", "named"),
    [
        ({"csv_file": "out.csv"}, ["csv-file"]),
        ({"pull_number": "1", "pull_id": "7", "commit_sha": "abc1234"}, ["pull-number", "pull-id", "commit-sha"]),
        ({"since": "2025-03-05T00:00:00Z"}, ["since"]),
        ({"dx_host": "", "dx_token": ""}, ["dx-host", "dx-token"]),
        ({"failed_file": "../out"}, ["failed-file"]),
        ({"service_map": "a: [a/**, '[']"}, ["service-map"]),
        ({"service_map": "no/such.yml"}, ["service-map"]),
    ],
    ids=str,
)
def test_bad_inputs_send_nothing(
    tmp_path: Path, repo: Repo, gh: GitHub, dx: Sandbox, given: dict[str, str], named: list[str]
) -> None:
    ship(repo, "a")
    run = step(tmp_path, repo, gh, dx, **given)
    assert (run.exit_code, run.status, sent(dx)) == (1, "failed", [])
    ((_, message),) = [each for each in run.annotations if each[0] == "error"]
    assert [line.split("`")[1] for line in message.split("\n")[1:]] == named


def test_an_identifier_that_holds_the_token_is_not_sent(tmp_path: Path, repo: Repo, gh: GitHub, dx: Sandbox) -> None:
    ship(repo, "a")
    repo.commit({"CODEOWNERS": f"a/ @{TOKEN}\n"})
    run = step(tmp_path, repo, gh, dx, service_map="", services_from="codeowners")
    assert (run.exit_code, sent(dx)) == (1, [])
    assert TOKEN not in run.outputs["reason"]
    assert "`services` contains the text of `dx-token`. It is not sent to DX" in run.outputs["reason"]


# What is not known is not none.


def large(repo: Repo, count: int = 1) -> list[Pull]:
    folder = len(repo.pulls.by_number)
    return [repo.pulls.ship({f"a/{folder}/{index}/{file}": "1" for file in range(101)}) for index in range(count)]


@pytest.mark.parametrize("given", [{}, {"replace_pull_services": "true"}], ids=["plain", "replace"])
def test_files_that_cannot_be_read_fail_the_step(
    tmp_path: Path, repo: Repo, gh: GitHub, dx: Sandbox, given: dict[str, str]
) -> None:
    """The others are set; nothing is cleared."""
    first, (lost,), last = ship(repo, "a"), large(repo), ship(repo, "b")
    gh.fail("/(compare|files)", status=500, times=None)
    run = step(tmp_path, repo, gh, dx, concurrency="1", failed_file="failed.jsonl", **given)
    more = {"replace": True} if given else {}
    assert sent(dx) == [body(first, "a", **more), body(last, "b", **more)]
    assert (run.exit_code, run.status) == (1, "partial")
    merged = "2025-01-01T00:0"
    ((level, message),) = run.annotations
    assert level == "error"
    assert message.startswith(
        "The services of 1 pull request (#2) are not set, because their files are not known: `GITHUB_API_URL` answered "
        f"every attempt with HTTP 500. Check whether it is down. Once this is fixed, run the step again with `since: {merged}"
    )
    assert message.endswith("or with the `pull-number` of each. They are not in failed.jsonl.")
    assert (run.workspace / "failed.jsonl").read_text() == ""
    assert "3 pull requests: 2 set, 1 not known." in run.said
    assert "Services of 1 of 3 pull requests NOT set in DX" in run.summary
    gh.faults.clear()
    since = message.split("since: ")[1].split("`")[0]
    assert step(tmp_path, repo, gh, dx, since=since, concurrency="1").status == "pull-services-set"
    assert sent(dx)[2:] == [body(lost, "a"), body(last, "b")]


@pytest.mark.parametrize(("fails", "code"), [("true", 1), ("except-outages", 0)])
def test_github_down_is_an_outage(tmp_path: Path, repo: Repo, gh: GitHub, dx: Sandbox, fails: str, code: int) -> None:
    """After three without an answer, no further one is asked for."""
    large(repo, 5)
    gh.fail("/(compare|files)", status=500, times=None)
    run = step(tmp_path, repo, gh, dx, fail_on_error=fails)
    assert (run.exit_code, run.status, sent(dx)) == (code, "failed", [])
    assert "The services of 5 pull requests (#1, #2, #3, #4, #5) are not set" in run.outputs["reason"]
    assert len({call.path for call in gh.calls if "/files" in call.path}) == 3


def test_a_dry_run_fails_as_the_live_run_would(tmp_path: Path, repo: Repo, gh: GitHub) -> None:
    large(repo)
    gh.fail("/(compare|files)", status=500, times=None)
    run = step(tmp_path, repo, gh, None, dry_run="true")
    assert (run.exit_code, run.status) == (1, "dry-run")
    assert "The services of 1 pull request (#1) are not set" in run.outputs["reason"]


def test_a_used_up_limit_stops_the_asking_and_not_the_sending(
    tmp_path: Path, repo: Repo, gh: GitHub, dx: Sandbox
) -> None:
    known, lost = ship(repo, "a"), large(repo, 2)
    gh.fail("/compare/", limit="primary", wait=3000, times=None)
    run = step(tmp_path, repo, gh, dx)
    assert (run.status, sent(dx)) == ("partial", [body(known, "a")])
    assert gh.count("/compare/") == 1
    assert f"(#{lost[0].number}, #{lost[1].number})" in run.outputs["reason"]
    assert "has used up GitHub's rate limit" in run.outputs["reason"]


def test_one_that_github_does_not_return(tmp_path: Path, repo: Repo, gh: GitHub, dx: Sandbox) -> None:
    ship(repo, "a")
    ship(repo, "b")

    def hide(answer: Any) -> None:
        answer["data"]["repository"]["pullRequests"]["nodes"][0] = None

    gh.fail("/graphql", edit=hide)
    run = step(tmp_path, repo, gh, dx)
    assert (run.exit_code, run.status, len(sent(dx))) == (1, "partial", 1)
    assert run.outputs["reason"] == (
        "The services of 1 pull request are not set, because their files are not known: GitHub did not return them, as if "
        f"`github-token` may not read them. Once this is fixed, run the step again with `since: {SINCE}`."
    )


def test_a_submodule_is_told_from_a_file_or_not_known(tmp_path: Path, repo: Repo, gh: GitHub, dx: Sandbox) -> None:
    pull = ship(repo, "a")
    given = {"service_map": 'folder: ["a/0/"]'}
    assert step(tmp_path, repo, gh, dx, **given).status == "skipped"
    gh.fail("/git/trees/", status=500, times=None)
    run = step(tmp_path, repo, gh, dx, **given)
    assert (run.status, sent(dx)) == ("failed", [])
    assert f"(#{pull.number})" in run.outputs["reason"]


# What failed comes back.


def test_what_failed_is_a_file_to_go_on_with(tmp_path: Path, repo: Repo, gh: GitHub) -> None:
    pulls = [ship(repo, "a") for _ in range(4)]
    with Sandbox(token=TOKEN, faults=[{"latency": 0}, {"status": 422, "error": "repo_not_found"}]) as dx:
        run = step(tmp_path, repo, gh, dx, failed_file="failed.jsonl", concurrency="1")
        rows = [json.loads(line) for line in (run.workspace / "failed.jsonl").read_text().splitlines()]
        assert (run.exit_code, run.status) == (1, "partial")
        # `repo_not_found` holds up nothing.
        assert rows == [body(pulls[1], "a", method="setPullServices")]
        ((_, message),) = run.annotations
        assert "What DX may not have set is saved in failed.jsonl, ready to be sent as a `backfill-file`." in message
        assert "Or run the step again with `since: 2025-01-01T00:" in message
        given = {"operation": "backfill", "backfill-file": "failed.jsonl", "failed-file": "failed.jsonl"}
        again = Step(tmp_path, connected(dx) | given, "schedule").inside()
        assert (again.status, sent(dx)[-1]) == ("pull-services-set", body(pulls[1], "a"))
        assert (run.workspace / "failed.jsonl").read_text() == ""


def test_what_is_unknown_may_be_set_again(tmp_path: Path, repo: Repo, gh: GitHub) -> None:
    ship(repo, "a")
    with Sandbox(token=TOKEN, faults=[{"status": 200, "body": "html", "times": "forever"}]) as dx:
        run = step(tmp_path, repo, gh, dx)
    assert run.results("outcome") == [("unknown",)]
    assert "It is unknown whether DX set the services of 1 of 1 pull request (#1)" in run.outputs["reason"]
    assert run.outputs["reason"].endswith("and setting the same services again changes nothing.")


# Two thousand, through kills.


@dataclass
class Played:
    """What is left of a run that was played to its end, or until it was killed."""

    log: list[str]
    outputs: dict[str, str]
    calls: int
    taken: list[dict[str, Any]]

    @property
    def since(self) -> str:
        """Where to go on, as the last line of the log or the reason has it."""
        found = re.findall(
            r"(?:merged before|`since:) ([0-9TZ:-]+)", "\n".join((*self.log, self.outputs.get("reason", "")))
        )
        return found[-1] if found else SINCE


def play(folder: Path, gh: GitHub, choose: Callable[[Request], Fate], **given: str) -> Played:
    """Run the step without sockets to DX, in virtual time."""
    gh.reset_calls()
    dx, stream, time = Dx(), io.StringIO(), Time(start=NOW)
    run = Schedule(dx, Meant(), {}, NOW, choose=choose, time=time)
    inputs = PULLS | {"github-token": gh.token} | {name.replace("_", "-"): text for name, text in given.items()}
    env = environment(folder, "schedule", {name: text for name, text in inputs.items() if text})
    env |= gh.env | {"GITHUB_REPOSITORY": "acme/shop", "GITHUB_WORKSPACE": str(folder.parent)}
    with suppress(Killed):
        main(env, stream, time.clock(), wire=over(run._answer), signals=lambda: nullcontext(lambda: None))
    taken = [each.body for each in dx.seen()[1]]
    outputs = read_outputs(Path(env["GITHUB_OUTPUT"]).read_text())
    return Played(stream.getvalue().splitlines(), outputs, gh.count(), taken)


class Death:
    """DX takes what is sent, until so many requests; then the process dies, or the job is cancelled."""

    def __init__(self, after: int, end: Literal["killed", "cancelled"]) -> None:
        self._left, self._end, self._lock = after, end, Lock()

    def __call__(self, _request: Request) -> Fate:
        with self._lock:
            self._left -= 1
            return Fate("answer", "yes", "" if self._left > 0 else self._end)


@pytest.mark.parametrize("count", [240, pytest.param(2_000, marks=only_thorough)])
def test_a_history_through_kills_a_cancel_and_a_resume(tmp_path: Path, repo: Repo, gh: GitHub, count: int) -> None:
    """Each is set as its files say, and what goes on after a report sets none twice; GitHub is asked once for each 50 at most."""
    ways = [("a",), ("b",), ("a", "b"), ("a", "docs")]
    pulls = [ship(repo, *ways[number % 4]) for number in range(count)]
    expected = {pull.id: [name for name in ways[number % 4] if name in "ab"] for number, pull in enumerate(pulls)}
    first = play(tmp_path / "1", gh, Death(count // 3, "killed"))
    second = play(tmp_path / "2", gh, Death(count // 4, "killed"), since=first.since)
    third = play(tmp_path / "3", gh, Death(count // 6, "cancelled"), since=second.since, failed_file="failed.jsonl")
    fourth = play(tmp_path / "4", gh, Death(10_000, "killed"), since=third.since)
    by_file = {"operation": "backfill", "since": "", "service_map": "", "backfill_file": "failed.jsonl"}
    fifth = play(tmp_path / "5", gh, Death(10_000, "killed"), **by_file)
    assert [first.outputs, second.outputs] == [{}, {}]
    assert [each.outputs["status"] for each in (third, fourth, fifth)] == ["partial", *["pull-services-set"] * 2]
    assert SINCE <= first.since <= second.since < third.since
    told = [*first.taken, *second.taken, *third.taken]
    for rest in (fourth.taken, fifth.taken):
        assert {each["github_pull_id"]: names(each) for each in [*told, *rest]} == expected
        assert len({each["github_pull_id"] for each in rest}) == len(rest) < count
    # A page for each hundred, and the beginning once more, as the page says of the large one.
    assert [first.calls, fifth.calls] == [-(-count // 100) + 1, 0]
    assert f"- 2,000 pull requests take {2_000 // 100 + 1} calls" in read("docs/services-of-the-past.md")
    assert max(each.calls for each in (first, second, third, fourth)) <= count / 50


REFUSED = Reply(422, b'{"ok": false, "error": "pull_not_found"}')
FATES = [
    *(Fate("answer", "yes"), Fate("answer", "yes"), Fate("answer", "yes"), Fate(REFUSED), Fate(Reply(503, b"busy"))),
    *(Fate("reset", "yes"), Fate("reset"), Fate(Reply(200, b"<html>"), "yes"), Fate(Reply(429, b"")), Fate("refused")),
    *(Fate("answer", "yes", "killed"), Fate("answer", "no", "killed"), Fate("answer", "yes", "cancelled")),
]


@pytest.fixture(scope="module")
def seven() -> Iterator[tuple[GitHub, dict[str, int]]]:
    """Seven pull requests, by when they were merged."""
    repo = Repo("acme/shop", start=SINCE)
    repo.commit({"README.md": "Shop"})
    merged = {text(int(pull.merged_at or 0)): pull.id for pull in [ship(repo, "a") for _ in range(7)]}
    with GitHub(repo, token="ghs-of-the-tests") as gh:
        yield gh, merged


@settings(max_examples=times(400), deadline=None)
@given(fates=st.lists(st.sampled_from(FATES), max_size=14))
def test_all_that_was_merged_before_is_done(seven: tuple[GitHub, dict[str, int]], fates: list[Fate]) -> None:
    """Whatever happens: what is said to be done was taken by DX, and what is left is in the file, if there was time to write."""
    (gh, merged), left, lock = seven, [*fates], Lock()

    def choose(_request: Request) -> Fate:
        with lock:
            return left.pop(0) if left else Fate("answer", "yes")

    with TemporaryDirectory() as folder:
        first = play(Path(folder) / "1", gh, choose, failed_file="failed.jsonl", timeout="5")
        taken = {each["github_pull_id"] for each in first.taken}
        status = first.outputs.get("status", "killed")
        if status == "pull-services-set":
            assert taken == {*merged.values()}
            return
        assert {pull for at, pull in merged.items() if at < first.since} <= taken
        if status != "killed":
            lines = (Path(folder) / "failed.jsonl").read_text().splitlines()
            assert taken | {json.loads(line)["github_pull_id"] for line in lines} == {*merged.values()}
        second = play(Path(folder) / "2", gh, lambda _request: Fate("answer", "yes"), since=first.since)
        assert second.outputs["status"] == "pull-services-set"
        assert taken | {each["github_pull_id"] for each in second.taken} == {*merged.values()}


def names(body: dict[str, Any]) -> list[str]:
    return [service["identifier"] for service in body["services"]]
