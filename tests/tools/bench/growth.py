"""Owns how the time and memory of one deployment grow: with its services, and with the files and commits of what it ships."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import events
from bench.work import Row, Work, Worker
from stand_in import GitHub, Repo

SERVICES = (1, 10, 50, 200)
FILES = (10, 1_000, 20_000)
MAPPED = (100, 10_000, 100_000)
COMMITS = (10, 100, 1_000)
# What a service map's services own in `MAPPED` files, each beside a pattern that leaves files out.
TEAMS = 50
# From here on once is enough.
LONG = 100_000


def measured(worker: Worker, scratch: Path) -> Iterator[Row]:
    """Return a row for each amount of each kind of work."""
    for count in SERVICES:
        yield services(worker, count)
    for count in FILES:
        yield changed_files(worker, count)
    for count in MAPPED:
        yield mapped_files(worker, scratch, count)
    for count in COMMITS:
        yield commits(worker, scratch, count)


def service_map(teams: int = TEAMS) -> str:
    """Return a map in which each service has a folder and a library, and not the documents in them."""
    entries = (f'team-{number}: [services/{number}/**, libs/{number}/**, "!**/*.md"]' for number in range(teams))
    return "\n".join(entries) + "\n"


def files_of(count: int, teams: int = TEAMS) -> dict[str, str]:
    """Return so many files of as many services, a thousand in a folder."""
    return {f"services/{number % teams}/{number // teams // 1000}/{number}.txt": str(number) for number in range(count)}


def services(worker: Worker, count: int) -> Row:
    """Measure so many services that are written out."""
    return worker.row(
        Work(
            what="services",
            count=count,
            given={"service": "\n".join(f"service-{number}" for number in range(count))},
            event="pull_request_merged",
            status="registered",
            requests=count,
        )
    )


def changed_files(worker: Worker, count: int) -> Row:
    """Measure a pull request of so many files, whose services are CODEOWNERS'."""
    repo = Repo("acme/shop")
    repo.commit({"CODEOWNERS": "services/a/ @acme/a\nservices/b/ @acme/b\n", "README.md": "Shop"})
    files = {f"services/{'ab'[number % 2]}/{number // 100}/{number}.txt": str(number) for number in range(count)}
    pull = repo.pulls.ship(files, how="squash", title="Much")
    given = {
        "services-from": "codeowners",
        "commit-sha": str(pull.merge_commit_sha),
        "pull-number": str(pull.number),
    }
    with GitHub(repo) as github:
        return worker.row(
            Work(
                what="files of a pull request, services from CODEOWNERS",
                count=count,
                given=given,
                github=github,
                status="registered",
                requests=2,
            )
        )


def mapped_files(worker: Worker, scratch: Path, count: int) -> Row:
    """Measure a push of so many files, whose services are a map's. From 100,000 on, GitHub cuts trees, and folders are read."""
    repo = Repo("acme/shop")
    before = repo.commit({"services.yml": service_map(), "README.md": "Shop"})
    after = repo.commit(files_of(count))
    with GitHub(repo) as github:
        return worker.row(
            Work(
                what="files of a push, services from a map of 50",
                count=count,
                given={"service-map": "services.yml"},
                event="push_branch",
                env=push(scratch / f"files-{count}.json", before, after),
                github=github,
                status="registered",
                requests=min(count, TEAMS),
                long=count >= LONG,
            )
        )


def commits(worker: Worker, scratch: Path, count: int) -> Row:
    """Measure a push of so many commits, and of pull requests among them."""
    repo = Repo("acme/shop")
    before = after = repo.commit({"CODEOWNERS": "services/a/ @acme/a\n", "README.md": "Shop"})
    for number in range(count):
        files: dict[str, str] = {f"services/a/{number % 50}.txt": str(number)}
        if number % 10 < 9:
            after = repo.commit(files)
        else:
            after = str(repo.pulls.ship(files, how="squash", title=f"Change {number}").merge_commit_sha)
    with GitHub(repo) as github:
        return worker.row(
            Work(
                what="commits of a push, every tenth a pull request",
                count=count,
                given={"services-from": "codeowners", "set-pull-services": "true"},
                event="push_branch",
                env=push(scratch / f"commits-{count}.json", before, after),
                github=github,
                status="registered",
                requests=count // 10 + 1,
            )
        )


def push(path: Path, before: str, after: str) -> dict[str, str]:
    """Write the event of a push, and return the variables that name it."""
    pushed: dict[str, Any] = {"before": before, "after": after, "head_commit": {"id": after}}
    path.write_text(json.dumps(events.load("push_branch")[1] | pushed))
    return {"GITHUB_EVENT_PATH": str(path), "GITHUB_SHA": after}
