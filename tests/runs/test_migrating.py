"""The page on migrating: its scripts and steps run, and each cell of its tables is compared with what happens."""

import json
import os
import re
import shutil
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import yaml

from builders import payload
from dx_action.sandbox import Fault, Sandbox
from runner import NOW, ROOT, TOKEN, Run, Step, action, fast_clock, until

PAGE = (ROOT / "examples/migrating.md").read_text(encoding="utf-8")
BEFORE, AFTER, DRY, EVENTS = (
    yaml.load(block, Loader=yaml.BaseLoader)
    for block in re.findall(r"^```yaml\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
)
OLD: dict[str, Any] = BEFORE["jobs"]["register"]["steps"][-1]
NUMBERS = ("none", "one", "two")
MERGED = "pull_request_merged"
PATH = os.environ["PATH"]  # where a developer's own curl and jq may lie
MISSING = [name for name in ("curl", "jq") if shutil.which(name) is None]
scripts = pytest.mark.skipif(
    bool(MISSING), reason=f"the page's scripts were NOT RUN, for want of {' and '.join(MISSING)}"
)


# Reading the page.


def tables() -> list[list[list[str]]]:
    """Give each table's rows, without its head, as cells."""
    found = re.findall(r"^\| .*\n\| ---.*\n((?:\|.*\n)+)", PAGE, re.MULTILINE)
    return [[[cell.strip() for cell in line.strip("|").split(" | ")] for line in rows.splitlines()] for rows in found]


FIELDS, ITS_INPUTS, MERGES, BY_EVENT = tables()


def filled(text: str, known: Mapping[str, str], event: Mapping[str, Any]) -> str:
    """Put in what `${{ … }}` stands for: a dotted name, or its toJSON."""

    def value(found: re.Match[str]) -> str:
        name, as_json = found[2], bool(found[1])
        told = known[name] if name in known else of_event(name, event)
        return json.dumps(told) if as_json else str(told or "")

    return re.sub(r"\$\{\{ (toJSON\()?([\w.-]+)\)? \}\}", value, text)


def of_event(name: str, event: Any) -> Any:
    """Give a value of the payload; what is not there is null, as with GitHub."""
    prefix, _, path = name.partition("github.event.")
    assert not prefix, name
    for key in path.split("."):
        event = event.get(key) if isinstance(event, dict) else None
    return event


def holds(condition: str, event: Mapping[str, Any]) -> bool:
    """Judge an `if` of names, comparisons with `true` or a text, and `&&`."""
    for part in condition.split(" && "):
        name, _, wanted = part.partition(" == ")
        if of_event(name, event) != yaml.safe_load(wanted or "true"):
            return False
    return True


# What happens.


@dataclass(frozen=True, kw_only=True)
class Situation:
    """What an event is, how DX behaves, and what differs in the step."""

    event: str = MERGED
    changes: Mapping[str, Any] = field(default_factory=dict)
    faults: Sequence[Fault] = ()
    token: str = TOKEN
    refused: bool = False
    runs: int = 1
    checkout: bool = True
    script: Mapping[str, str] = field(default_factory=dict)
    inputs: Mapping[str, str] = field(default_factory=dict)

    @property
    def payload(self) -> dict[str, Any]:
        return payload(self.event, dict(self.changes))


TITLE = 'Say "it\'s 100 %" \\ $(id) `id` ${HOME}'
LIST = "payments-service, web"
FOREVER: Any = {"times": "forever"}
SITUATIONS = {
    "all is well": Situation(),
    "the title has quotes, a backslash or `$(id)` in it": Situation(changes={"pull_request.title": TITLE}),
    "the job is run again": Situation(runs=2),
    "there is no checkout": Situation(checkout=False),
    "the service is `payments-service, web`": Situation(script={"SERVICE": LIST}, inputs={"service": LIST}),
    "the time is `2025` by mistake": Situation(script={"date": "2025"}, inputs={"deployed-at": "2025"}),
    "the secret is missing": Situation(token=""),
    "the token is wrong": Situation(token="another-token"),
    "DX rejects the request with 422": Situation(faults=[Fault(status=422, error="repo_not_found", **FOREVER)]),
    "DX answers 500 once, then well": Situation(faults=[Fault(status=500)]),
    "DX answers 429 once, then well": Situation(faults=[Fault(status=429, retry_after=1)]),
    'DX answers 200 with `"ok": false`': Situation(faults=[Fault(ok=False, **FOREVER)]),
    "a proxy answers 200 with an HTML page": Situation(faults=[Fault(status=200, body="html", **FOREVER)]),
    "a proxy answers once with that page, then DX": Situation(faults=[Fault(status=200, body="html")]),
    "the connection is refused": Situation(refused=True),
    "the connection breaks once, when DX has registered it": Situation(faults=[Fault(reset="after")]),
    "DX never answers": Situation(faults=[Fault(hang=3600, **FOREVER)], inputs={"timeout": "1"}),
}
HAPPENING = {
    "a pull request is merged to `main`": Situation(),
    "a pull request is merged to another branch": Situation(event="pull_request_merged_other_base"),
    "a pull request is closed without merging": Situation(event="pull_request_closed_unmerged"),
    "a fork's pull request is merged, without secrets": Situation(event="pull_request_fork_merged", token=""),
    "a push to `main`": Situation(event="push_branch"),
    "a push to another branch": Situation(event="push_feature_branch"),
    "a push deletes a branch": Situation(event="push_branch_deleted"),
    "a release is published": Situation(event="release_published"),
    "a prerelease is published": Situation(event="release_prerelease"),
    "a manual run": Situation(event="workflow_dispatch"),
    "a deployment to production succeeded": Situation(event="deployment_status_success"),
    "a deployment to production failed": Situation(event="deployment_status_failure"),
    "a deployment to production is in progress": Situation(event="deployment_status_in_progress"),
    "a deployment to staging succeeded": Situation(event="deployment_status_staging"),
}


@dataclass(frozen=True, slots=True)
class Place:
    """A job's machine: its folder, and the DX that it reaches by TLS."""

    folder: Path
    dx: Sandbox
    ca: Path

    @property
    def host(self) -> str:
        return self.dx.url.removeprefix("https://")

    def known(self, situation: Situation) -> dict[str, str]:
        return {"vars.DX_HOST": self.host, "secrets.DX_TOKEN": situation.token}

    def prepare(self, situation: Situation) -> None:
        self.dx.script(situation.faults)
        if situation.refused:
            self.dx.close()

    def script(self, text: str, situation: Situation, env: Mapping[str, str]) -> "subprocess.Popen[str]":
        """Start a script as the runner does where no `shell` is given."""
        shop, tools = self.folder / ("shop" if situation.checkout else "bare"), self.folder / "tools"
        file = self.folder / "script.sh"
        file.write_text(text, encoding="utf-8")
        shop.mkdir(exist_ok=True)
        tools.mkdir(exist_ok=True)
        if situation.checkout and not (shop / ".git").exists():
            git(shop, "init", "--quiet")
            git(shop, "commit", "--quiet", "--allow-empty", "--message=merge")
        if "date" in situation.script:
            (tools / "date").write_text(f"#!/bin/sh\necho {situation.script['date']}\n", encoding="utf-8")
            (tools / "date").chmod(0o755)
        told = {"PATH": f"{tools}:{PATH}", "HOME": str(self.folder), "GIT_CEILING_DIRECTORIES": str(self.folder)}
        told |= {"CURL_CA_BUNDLE": str(self.ca), "GITHUB_REPOSITORY": "acme/shop", **env}
        return subprocess.Popen(
            ["bash", "-e", str(file)], cwd=shop, env=told, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
        )

    def old(self, situation: Situation, text: str = OLD["run"]) -> str:
        """Run the page's old step, and give its colour."""
        env = {name: filled(value, self.known(situation), situation.payload) for name, value in OLD["env"].items()}
        env |= {name: value for name, value in situation.script.items() if name in env}
        process = self.script(text, situation, env)
        if any(fault.hang for fault in situation.faults):
            until(lambda: bool(self.dx.requests()))
            waits = process.poll() is None and not re.search(r"\s-m|--max-time|--connect-timeout|\btimeout", text)
            self.dx.close()  # which ends the waiting, and with it the script
            process.communicate(timeout=20)
            return "no end" if waits else "?"
        process.communicate(timeout=20)
        return "red" if process.returncode else "green"

    def ours(
        self,
        workflow: Mapping[str, Any],
        situation: Situation,
        given: Mapping[str, str] | None = None,
        *,
        attempt: int = 1,
        now: datetime = NOW,
    ) -> Run:
        """Run the action's step of a workflow of the page, with more inputs where they are given."""
        event, (job,) = situation.payload, workflow["jobs"].values()
        (written,) = (step["with"] for step in job["steps"])
        folder = next(path for number in range(9) if not (path := self.folder / f"step{number}").exists())
        folder.mkdir()
        (folder / "event.json").write_text(json.dumps(event), encoding="utf-8")
        inputs = {name: filled(text, self.known(situation), event) for name, text in written.items()}
        env = {
            "GITHUB_EVENT_PATH": str(folder / "event.json"),
            "REQUESTS_CA_BUNDLE": str(self.ca),
            "GITHUB_RUN_ATTEMPT": str(attempt),
        }
        step = Step(
            folder,
            {**inputs, **situation.inputs, **(given or {})},
            situation.event,
            env,
            check_run_id=f"3816820001{attempt}",
        )
        return step.inside(fast_clock(lambda: now))


def git(folder: Path, *words: str) -> str:
    env = {"PATH": PATH, "GIT_CONFIG_GLOBAL": "/dev/null", "GIT_CONFIG_NOSYSTEM": "1"}
    command = ["git", "-c", "user.name=A", "-c", "user.email=a", *words]
    return subprocess.run(command, cwd=folder, env=env, check=True, capture_output=True, text=True).stdout.strip()


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    ca = tmp_path / "ca.pem"
    with Sandbox(token=TOKEN, tls=ca) as dx:
        yield Place(tmp_path, dx, ca)


# What a cell says.


def told(colour: str, dx: Sandbox) -> str:
    held = dx.deployments()
    failed = " as failed" if held and not any(each["success"] for each in held) else ""
    named = " of that name" if [each["service"]["identifier"] for each in held] == [LIST] else ""
    return f"{colour}, {NUMBERS[len(held)]}{failed}{named}"


def old_cell(place: Place, situation: Situation, text: str = OLD["run"]) -> str:
    place.prepare(situation)
    colours = [place.old(situation, text) for _ in range(situation.runs)]
    assert len(set(colours)) == 1
    if situation.script.get("date") and [each["json"]["deployed_at"] for each in place.dx.requests()] == ["2025"]:
        return "sent as it is"
    return told(colours[0], place.dx)


def our_cell(place: Place, situation: Situation, workflow: Mapping[str, Any]) -> str:
    place.prepare(situation)
    runs = [place.ours(workflow, situation, attempt=number) for number in range(1, situation.runs + 1)]
    run = runs[-1]
    assert len({each.exit_code for each in runs}) == 1
    if run.status == "skipped":
        ((level, _),) = run.remarks
        return told(f"green with a {level}", place.dx)
    if run.exit_code and all(outcome == "not-sent" for (outcome,) in run.results("outcome")):
        assert not place.dx.requests()
        return "red, nothing sent"
    return told("red" if run.exit_code else "green", place.dx)


def mistaken(text: str) -> str:
    """Give the script, comparing another name than the one that the code was stored in."""
    changed = text.replace('[ "$code" ', '[ "$status" ')
    assert changed != text
    return changed


def rows(table: Sequence[Sequence[str]], column: int) -> list[Any]:
    return [pytest.param(row[0], row[column], id=row[0]) for row in table]


def test_the_tables_have_every_situation() -> None:
    assert [row[0] for row in MERGES] == list(SITUATIONS)
    assert [row[0] for row in BY_EVENT] == list(HAPPENING)


@scripts
@pytest.mark.parametrize(("what", "cell"), rows(MERGES, 1))
def test_the_curl_step(place: Place, what: str, cell: str) -> None:
    assert holds(OLD["if"], SITUATIONS[what].payload)
    assert old_cell(place, SITUATIONS[what]) == cell.replace("*", "")


@scripts
@pytest.mark.parametrize(("what", "cell"), rows(MERGES, 1))
def test_the_curl_step_that_compares_another_name(place: Place, what: str, cell: str) -> None:
    assert old_cell(place, SITUATIONS[what], mistaken(OLD["run"])) == cell.replace("red*", "green")


@pytest.mark.parametrize(("what", "cell"), rows(MERGES, 2))
def test_this_action(place: Place, what: str, cell: str) -> None:
    assert our_cell(place, SITUATIONS[what], AFTER) == cell


@scripts
@pytest.mark.parametrize(("what", "cell"), rows(BY_EVENT, 1))
def test_the_script_on_every_event(place: Place, what: str, cell: str) -> None:
    assert old_cell(place, HAPPENING[what]) == cell.replace("*", "")


@scripts
@pytest.mark.parametrize(("what", "cell"), rows(BY_EVENT, 1))
def test_the_script_that_compares_another_name(place: Place, what: str, cell: str) -> None:
    assert old_cell(place, HAPPENING[what], mistaken(OLD["run"])) == cell.replace("red*", "green")


@scripts
@pytest.mark.parametrize(("what", "cell"), rows(BY_EVENT, 2))
def test_a_step_for_merged_pull_requests_only(place: Place, what: str, cell: str) -> None:
    situation = HAPPENING[what]
    met = holds(OLD["if"], situation.payload)
    assert (old_cell(place, situation) if met else told("skipped", place.dx)) == cell.replace("*", "")


@pytest.mark.parametrize(("what", "cell"), rows(BY_EVENT, 3))
def test_this_action_on_every_event(place: Place, what: str, cell: str) -> None:
    assert our_cell(place, HAPPENING[what], EVENTS) == cell


# From one to the other.


@pytest.mark.parametrize(("row"), FIELDS, ids=lambda row: row[0])
def test_what_the_script_sends_is_an_input(place: Place, row: Sequence[str]) -> None:
    name, written = row[0].strip("`"), dict(re.findall(r"`([a-z-]+): ([^`]*)`", row[1].split(", or ")[0]))
    inputs = {key: str(yaml.safe_load(text)) if text[0] == "'" else text for key, text in written.items()}
    bare = {"jobs": {"x": {"steps": [{"with": {"dry-run": "true"}}]}}}
    (without,), (given,) = (place.ours(bare, Situation(), each).json("requests") for each in ({}, inputs))
    assert (name not in without["body"]) == row[2].startswith("not sent")
    assert name in given["body"]
    assert given["body"][name] != without["body"].get(name)
    if "no `commit_sha` is sent" in row[1]:
        assert "commit_sha" not in given["body"]


def test_every_input_on_the_page_exists() -> None:
    named = [name for row in ITS_INPUTS for name in re.findall("`([a-z-]+)(?:: [a-z]+)?`", row[1])]
    assert len(named) >= len(ITS_INPUTS)
    assert {*named} <= action()["inputs"].keys()


@scripts
def test_both_send_the_same(place: Place) -> None:
    """As a dry run beside the old step shows it, by the page's own line."""
    assert place.old(Situation()) == "green"
    (sent,) = (each["json"] for each in place.dx.requests())
    merged = Situation(changes={"pull_request.merge_commit_sha": git(place.folder / "shop", "rev-parse", "HEAD")})
    dry, show = DRY
    run = place.ours({"jobs": {"x": {"steps": [dry]}}}, merged)
    assert (run.status, len(place.dx.requests())) == ("dry-run", 1)
    env = {
        key: filled(text, {"steps.dx.outputs.requests": run.outputs["requests"]}, {})
        for key, text in show["env"].items()
    }
    shown, _ = place.script(show["run"], merged, env).communicate(timeout=20)
    assert json.loads(shown) | {"deployed_at": ""} == sent | {"deployed_at": ""}
    assert place.ours(AFTER, merged, {"dry-run": "true"}).json("requests") == run.json("requests")


@scripts
def test_both_sending_is_two_deployments_each_with_its_commit(place: Place) -> None:
    place.old(Situation())
    place.ours(AFTER, Situation())
    checked_out = git(place.folder / "shop", "rev-parse", "HEAD")
    merged = Situation().payload["pull_request"]["merge_commit_sha"]
    assert [each["commit_sha"] for each in place.dx.deployments()] == [checked_out, merged]


@scripts
@pytest.mark.parametrize(
    ("more", "credited"),
    [({}, [[1], [2]]), ({"service": "payments"}, [[1], [1, 2]]), ({"environment": "prod"}, [[1], [1, 2]])],
)
def test_the_first_after_the_switch_is_credited_with_what_is_new(
    place: Place, more: dict[str, str], credited: list[list[int]]
) -> None:
    place.old(Situation(script={"date": "2025-03-03T12:00:00Z"}))
    second = "a" * 40
    place.ours(
        AFTER,
        Situation(changes={"pull_request.merge_commit_sha": second}),
        now=datetime(2025, 3, 5, tzinfo=UTC),
        given=more,
    )
    merges = [git(place.folder / "shop", "rev-parse", "HEAD"), second]
    place.dx.know(
        {
            "repository": "acme/shop",
            "number": number,
            "base_ref": "main",
            "default_branch": "main",
            "merge_commit_sha": sha,
            "merged_at": f"2025-03-0{number + 1}T12:00:00Z",
        }
        for number, sha in enumerate(merges, 1)
    )
    assert [[pull["number"] for pull in each["pull_requests"]] for each in place.dx.attribution()] == credited


@pytest.mark.parametrize("workflow", [AFTER, EVENTS])
def test_the_event_sets_the_workflow_off(place: Place, workflow: Mapping[str, Any]) -> None:
    events = {"pull_request": MERGED, "release": "release_released", "workflow_dispatch": "workflow_dispatch"}
    for name, about in workflow["on"].items():
        situation = Situation(event=events[name])
        assert not about or situation.payload["action"] in about["types"]
        assert place.ours(workflow, situation).status == "registered"


def test_a_step_for_merged_pull_requests_stays_one() -> None:
    """With the condition that the page gives it, and tells to take away for other events."""
    condition = AFTER["jobs"]["register"]["if"]
    met = {situation.event for situation in HAPPENING.values() if holds(condition, situation.payload)}
    assert met == {MERGED, "pull_request_merged_other_base", "pull_request_fork_merged"}


def test_where_the_fate_is_unknown_a_re_run_is_safe(place: Place) -> None:
    place.dx.script([Fault(reset="after", **FOREVER)])
    first = place.ours(AFTER, Situation())
    assert (first.exit_code, first.results("outcome")) == (1, [("unknown",)])
    place.dx.script([])
    again = place.ours(AFTER, Situation(), attempt=2)
    assert (again.exit_code, len(place.dx.deployments())) == (0, 1)


def test_a_soft_failure_is_a_warning(place: Place) -> None:
    run = place.ours(AFTER, Situation(token="another-token"), {"fail-on-error": "false"})
    assert (run.exit_code, [level for level, _ in run.remarks]) == (0, ["warning"])
