"""Owns how a run's time and memory grow with its work: services, changed files, commits, and the rows of a backfill."""

import json
import shutil
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import events
import runner
from bench.contestants import FLAGS, ROOT, inputs, step
from bench.measure import Stopwatch, figures
from bench.server import Server
from stand_in import GitHub, Repo

SERVICES = (1, 10, 50, 200)
FILES = (10, 1_000, 20_000)
COMMITS = (10, 100, 1_000)
ROWS = (100, 10_000, 100_000)
RUNS = 3
# From here on once is enough.
LONG = 100_000

Row = dict[str, Any]


def measured(server: Server, scratch: Path, watch: Stopwatch) -> Iterator[Row]:
    """Give a row for each amount of each kind of work."""

    def time(
        folder: Path, given: dict[str, str], event: str, env: dict[str, str], status: str, runs: int = RUNS
    ) -> dict[str, float]:
        folder.mkdir(parents=True)
        samples = []
        for number in range(runs):
            server.ask("reset", {})
            variables, workspace = step(folder, given, event, **env)
            shutil.copy(server.ca, workspace / "ca.pem")
            for name, text in files(number).items():
                (workspace / name).write_text(text)
            samples.append(watch.time([sys.executable, *FLAGS, str(ROOT / "entrypoint.py")], variables, workspace))
            said = runner.read_outputs(Path(variables["GITHUB_OUTPUT"]).read_text())
            if said.get("status") != status:
                raise RuntimeError(f"{folder.name}: {said.get('status')}: {said.get('reason')}")
        return figures(samples)

    files: Callable[[int], dict[str, str]] = lambda _: {}  # noqa: E731
    for count in SERVICES:
        names = "\n".join(f"service-{number}" for number in range(count))
        given = inputs(server, service=names)
        yield _row(
            "services", count, time(scratch / f"services-{count}", given, "pull_request_merged", {}, "registered")
        )
    for count in FILES:
        repo, commit, pull = _changed(count)
        with GitHub(repo) as github:
            given = _looked_up(server, github) | {"commit-sha": commit, "pull-number": str(pull)}
            took = time(scratch / f"files-{count}", given, "workflow_dispatch", github.env, "registered")
            yield _row("changed files", count, took, github.count() // RUNS)
    for count in COMMITS:
        repo, pushed = _history(count)
        event = scratch / f"push-{count}.json"
        event.write_text(json.dumps(events.load("push_branch")[1] | pushed))
        with GitHub(repo) as github:
            given = _looked_up(server, github) | {"set-pull-services": "true"}
            env = {**github.env, "GITHUB_EVENT_PATH": str(event), "GITHUB_SHA": pushed["after"]}
            took = time(scratch / f"commits-{count}", given, "push_branch", env, "registered")
            yield _row("pushed commits, every tenth a pull request", count, took, github.count() // RUNS)
    if "backfill-file" in runner.action()["inputs"]:
        given = {"operation": "backfill", "backfill-file": "rows.csv", "csv-file": "out.csv"}
        for count in ROWS:
            files = lambda _, count=count: {"rows.csv": rows(count)}  # type: ignore[misc]  # noqa: E731
            took = time(
                scratch / f"rows-{count}", given, "workflow_dispatch", {}, "written", 1 if count >= LONG else RUNS
            )
            yield _row("rows checked and written as a CSV", count, took)


def rows(count: int) -> str:
    """Write a history as a CSV file, of ten services."""
    lines = ["reference_id,deployed_at,service,repository,commit_sha"]
    begin = datetime(2025, 1, 1, tzinfo=UTC)
    lines += [
        f"bench-{number},{begin + timedelta(seconds=number):%Y-%m-%dT%H:%M:%SZ},service-{number % 10},acme/shop,{number + 1:040x}"
        for number in range(count)
    ]
    return "\n".join(lines) + "\n"


def _row(what: str, count: int, took: dict[str, float], asked: int | None = None) -> Row:
    return {"what": what, "count": count, **took} | ({} if asked is None else {"github_requests": asked})


def _looked_up(server: Server, github: GitHub) -> dict[str, str]:
    return inputs(server, service="", services_from="codeowners", github_token=github.token)


def _changed(count: int) -> tuple[Repo, str, int]:
    """Make a pull request of so many files."""
    repo = Repo("acme/shop")
    repo.commit({"CODEOWNERS": "services/a/ @acme/a\nservices/b/ @acme/b\n", "README.md": "Shop"})
    files = {f"services/{'ab'[number % 2]}/{number // 100}/{number}.txt": str(number) for number in range(count)}
    pull = repo.pulls.ship(files, how="squash", title="Much")
    return repo, str(pull.merge_commit_sha), pull.number


def _history(count: int) -> tuple[Repo, dict[str, Any]]:
    """Make a push of so many commits, and give what its event says of it."""
    repo = Repo("acme/shop")
    before = repo.commit({"CODEOWNERS": "services/a/ @acme/a\n", "README.md": "Shop"})
    after = before
    for number in range(count):
        files: dict[str, str] = {f"services/a/{number % 50}.txt": str(number)}
        if number % 10 < 9:
            after = repo.commit(files)
        else:
            after = str(repo.pulls.ship(files, how="squash", title=f"Change {number}").merge_commit_sha)
    return repo, {"before": str(before), "after": str(after), "head_commit": {"id": str(after)}}
