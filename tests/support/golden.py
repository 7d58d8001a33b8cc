"""The golden transcripts: what some runs show and send, whole, with what changes from run to run put aside.

`python tests/support/golden.py --write` writes them anew; test_action compares.
"""

import re
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from dx_action import __version__
from dx_action.inputs.job import Stage
from dx_action.sandbox import Sandbox
from runner import TOKEN, Run, Step, connected, fast_clock
from scenes import merge_payload, push_payload, told
from stand_in import GitHub, Repo

FOLDER = Path(__file__).parents[1] / "data" / "golden"
# When the start of `job/` ran, six minutes ago.
BEGAN = str(int(datetime.now(UTC).timestamp()) - 360)


@dataclass(frozen=True, kw_only=True)
class Scenario:
    """A run to be written down. `dx` is how DX misbehaves; `connect` says whether the step is given host and token.

    `process`: it runs as the image starts it, which takes its time; what it shows is the same in this process.
    `stage` is of `job/`, and `env` more variables.
    `history` lives on in a repository on GitHub, and gives the commit that is deployed; None is the branch's tip.
    """

    inputs: Mapping[str, str] = field(default_factory=dict)
    event: str = "pull_request_merged"
    dx: Sequence[Mapping[str, Any]] = ()
    connect: bool = True
    token: str = TOKEN
    repositories: tuple[str, ...] | None = None
    history: Callable[[Repo], str | None] | None = None
    process: bool = False
    stage: Stage = "step"
    env: Mapping[str, str] = field(default_factory=dict)

    def run(self, step: Step) -> Run:
        return step.run() if self.process else step.inside(fast_clock(lambda: datetime.now(UTC)))


def squash(repo: Repo) -> None:
    repo.now += 40_000
    repo.pulls.ship({"web/a": "1"}, {"web/b": "1"}, how="squash", title="Add a | and `b`")
    repo.now += 20_000
    repo.pulls.ship({"web/c": "1"}, how="squash", title="Add c", user="hubot[bot]")


def rebase(repo: Repo) -> None:
    repo.pulls.ship({"web/a": "1"}, {"web/b": "1"}, {"web/c": "1"}, how="rebase", title="Add three")
    repo.now += 80_000
    repo.pulls.ship({"web/d": "1"}, how="rebase", title="Add one")


def merge(repo: Repo) -> None:
    """Two merge commits, the second of a long-lived branch into which something was merged before."""
    repo.pulls.ship({"web/a": "1"}, {"web/b": "1"}, how="merge", title="Add a and b")
    repo.now += 40_000
    repo.branch("develop")
    repo.pulls.ship({"web/c": "1"}, how="merge", base="develop", title="Add c to develop")
    repo.now += 20_000
    repo.pulls.merge(repo.pulls.open("develop", title="Bring develop to main"), "merge")


def queue(repo: Repo) -> None:
    queued = []
    for name in ("first", "second", "third"):
        repo.branch(name)
        repo.commit({f"web/{name}": "1"}, branch=name)
        queued.append(repo.pulls.open(name, title=f"The {name}"))
    repo.now += 3_600
    repo.pulls.queue(*queued, how="merge")


def revert(repo: Repo) -> None:
    bad = repo.pulls.ship({"web/a": "2"}, title="Break a")
    repo.now += 7_200
    repo.branch("undo")
    repo.revert(str(bad.merge_commit_sha), "undo")
    repo.pulls.merge(repo.pulls.open("undo", title='Revert "Break a"'), "squash")


def cherry_pick(repo: Repo) -> str:
    """A fix of the default branch is brought to the release that is in production."""
    repo.branch("release/1.x")
    repo.pulls.ship({"web/new": "1"}, title="Not to be released yet")
    fix = repo.pulls.ship({"web/fix": "1"}, title="Mend it")
    repo.branch("backport", "release/1.x")
    repo.pick(str(fix.merge_commit_sha), "backport")
    repo.pulls.merge(repo.pulls.open("backport", "release/1.x", title="Mend it, for 1.x"), "squash")
    return repo.rev("release/1.x")


def rollback(repo: Repo) -> str:
    good = repo.rev("main")
    squash(repo)
    repo.deployments.create(state="success", payload={"service": "checkout"})
    return good


def redeploy(repo: Repo) -> None:
    squash(repo)
    repo.deployments.create(state="success", payload={"service": "checkout"})


def window(repo: Repo) -> None:
    """What was merged into several branches, by files of some services, of none, and of more than a page has."""
    repo.branch("release/1.x")
    repo.pulls.ship({"web/a": "2"}, title="Change a")
    repo.pulls.ship({"docs/a": "1"}, title="Of no service")
    repo.pulls.ship({"web/b": "1", "api/b": "1"}, title="Of two")
    repo.pulls.ship({"web/c": "1"}, base="release/1.x", title="Of another branch")
    repo.now += 200_000
    repo.pulls.ship({f"api/{number}": "1" for number in range(120)}, title="Of many files")
    repo.pulls.ship({"web/b": None, "api/moved": "1"}, title="Moved")


PAST = {
    "operation": "set-pull-services",
    "service": "",
    "service-map": "web: [web/**]\napi:\n  name: The API\n  paths: [api/**]",
    "since": "2025-03-01T00:00:00Z",
    "until": "2025-03-04T12:00:00Z",
}
SHIPS = {
    "attribution": "merge-commits",
    "show-pull-requests": "true",
    "lead-time-metadata": "both",
    "deployed-at": "2025-03-04T12:00:00Z",
}
SCENARIOS = {
    "registered": Scenario(process=True),
    "skipped": Scenario(event="pull_request_merged_other_base"),
    "dry_run": Scenario(
        event="deployment_status_failure",
        connect=False,
        inputs={"dry-run": "true", "service": "checkout=Check-out\ncart", "metadata": '{"version": "1.10"}'},
    ),
    "bad_inputs": Scenario(
        process=True,
        inputs={
            "dx-host": "https://acme.getdx.net/api",
            "dx-token": "two words",
            "timeout": "soon",
            "service": "cart=Cart, and more",
            "commit-sha": "HEAD",
            "deployed-at": "2025-03-04 12:00",
            "failed-file": "../failed.jsonl",
        },
    ),
    "refused_token": Scenario(
        token="dx-token-of-another-day", inputs={"service": "checkout, cart", "failed-file": "out/failed.jsonl"}
    ),
    "repo_not_found": Scenario(repositories=("acme/warehouse",)),
    "outage_then_success": Scenario(dx=[{"status": 503, "body": "html"}], process=True),
    "partial": Scenario(
        event="push_branch",
        inputs={"service": "cart\ncheckout\nsearch", "failed-file": "out/failed.jsonl"},
        dx=[
            {"latency": 0},
            {"status": 422, "error": "service_retired", "message": "No service `x` | ask <b>@team</b>.", "times": 2},
        ],
    ),
    "job_start": Scenario(event="push_feature_branch", stage="start", inputs={"success": "skipped"}),
    "job_start_skipped": Scenario(event="deployment_staging", stage="start"),
    "job_start_unfilled": Scenario(stage="start", inputs={"repository": "acme/other", "services-from": "map"}),
    "job_start_wrong": Scenario(stage="start", inputs={"deployed-at": "noon", "operation": "backfill"}),
    "job_end": Scenario(
        event="push_branch",
        stage="end",
        inputs={"extra-metadata": "started_at"},
        env={"INPUT_JOB-STATUS": "failure", "STATE_started": BEGAN, "STATE_ready": "true"},
    ),
    "job_end_rejected": Scenario(
        event="push_branch", stage="end", dx=[{"status": 422, "error": "service_retired", "message": "No service."}]
    ),
    "job_end_cancelled": Scenario(event="push_branch", stage="end", env={"INPUT_JOB-STATUS": "cancelled"}),
    "job_end_unknown": Scenario(event="push_branch", stage="end", env={"INPUT_JOB-STATUS": ""}),
    "ships_squash": Scenario(inputs=SHIPS, history=squash, process=True),
    "ships_rebase": Scenario(event="workflow_dispatch", inputs=SHIPS, history=rebase),
    "ships_merge": Scenario(event="workflow_dispatch", inputs=SHIPS, history=merge),
    "ships_queue": Scenario(event="push_branch", inputs=SHIPS, history=queue),
    "ships_revert": Scenario(event="workflow_dispatch", inputs=SHIPS, history=revert),
    "ships_cherry_pick": Scenario(event="workflow_dispatch", inputs=SHIPS, history=cherry_pick),
    "ships_rollback": Scenario(event="workflow_dispatch", inputs=SHIPS, history=rollback),
    "ships_redeploy": Scenario(event="workflow_dispatch", inputs=SHIPS, history=redeploy),
    "past_services": Scenario(event="workflow_dispatch", inputs=PAST, history=window),
    "past_services_partial": Scenario(
        event="workflow_dispatch",
        inputs=PAST | {"failed-file": "out/failed.jsonl", "concurrency": "1"},
        history=window,
        dx=[{"latency": 0}, {"status": 422, "error": "pull_not_found", "message": "No such pull request."}],
    ),
    "past_services_dry_run": Scenario(
        event="workflow_dispatch", connect=False, inputs=PAST | {"dry-run": "true"}, history=window
    ),
    "ships_unknown": Scenario(event="push_branch", inputs={**SHIPS, "service": "cart"}, history=squash),
}


def transcript(name: str, folder: Path) -> str:
    """Run a scenario, and write down all that can be seen of it."""
    scenario = SCENARIOS[name]
    with Sandbox(token=TOKEN, faults=scenario.dx, repositories=scenario.repositories) as dx:
        inputs = connected(dx, scenario.token) if scenario.connect else {}
        inputs |= dict(scenario.inputs)
        run = (
            _shipping(scenario, inputs, folder)
            if scenario.history
            else scenario.run(Step(folder, inputs, scenario.event, scenario.env, stage=scenario.stage))
        )
        # Sorted, because several calls travel side by side.
        sent = sorted(f"{request['verb']} {request['path']} {request['body']}" for request in dx.requests())
        text = _written(run, sent, folder).replace(dx.url, "<dx>")
    return _steady(text, run)


def _shipping(scenario: Scenario, inputs: dict[str, str], folder: Path) -> Run:
    """Run in a repository whose first commit is in production, as the history of its deployments says."""
    repo = Repo("acme/shop", start="2025-03-01T00:00:00Z")
    before = repo.commit({"README.md": "Shop", "web/a": "1"})
    repo.deployments.create(state="success", payload={"service": "checkout"})
    assert scenario.history
    if commit := scenario.history(repo):
        inputs["commit-sha"] = commit
    payload = None
    if scenario.event == "push_branch":
        payload = push_payload(repo, before)
    elif scenario.event == "pull_request_merged":
        payload = merge_payload(repo, repo.pulls.by_number[len(repo.pulls.by_number)])
    with GitHub(repo) as gh:
        gh.app.server_url = "https://github.com"
        env = told(folder, gh, repo, payload, GITHUB_SERVER_URL="https://github.com")
        return scenario.run(Step(folder, inputs, scenario.event, env, github_token=gh.token))


def _written(run: Run, sent: Sequence[str], folder: Path) -> str:
    files = {file: file.read_text() for file in sorted(run.workspace.rglob("*")) if file.is_file()}
    parts = {
        "log": "\n".join(run.lines),
        "exit code": str(run.exit_code),
        "outputs": "\n".join(f"{name}: {value}" for name, value in run.outputs.items()),
        "summary": run.summary.rstrip("\n"),
        "sent": "\n".join(sent),
        **{str(file.relative_to(run.workspace)): text.rstrip("\n") for file, text in files.items()},
    }
    return "".join(f"---- {title}\n{text}\n" for title, text in parts.items() if text)


def _steady(text: str, run: Run) -> str:
    """Put aside the time of the run, the jitter of its waits, and the action's version."""
    if any(line.endswith("  from the clock") for line in run.lines):
        text = text.replace(run.outputs["deployed-at"], "<now>")
    text = text.replace(BEGAN, "<began>")
    text = re.sub(r"Trying again in \d+\.\d s", "Trying again in <jitter> s", text)
    return text.replace(f"DX deployment action {__version__}\n", "DX deployment action <version>\n")


def write() -> None:
    """Write every transcript anew, and remove those that nothing makes."""
    FOLDER.mkdir(exist_ok=True)
    for file in FOLDER.iterdir():
        file.unlink()
    for name in SCENARIOS:
        with tempfile.TemporaryDirectory() as folder:
            (FOLDER / f"{name}.txt").write_text(transcript(name, Path(folder)), encoding="utf-8")


if __name__ == "__main__":
    if sys.argv[1:] != ["--write"]:
        sys.exit("usage: python tests/support/golden.py --write")
    write()
