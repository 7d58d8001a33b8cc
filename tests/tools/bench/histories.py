"""Owns how time and memory grow with a history, in rows or pull requests, and with the files that a check looks at."""

import shutil
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

from bench.growth import LONG, TEAMS, files_of, push, service_map
from bench.work import Row, Work, Worker
from stand_in import GitHub, Repo
from stand_in.real_git import git, write

ROWS = (100, 10_000, 100_000)
PULLS = (100, 500, 2_000)
CHECKED = 20_000
# From here on once is enough.
MANY = 2_000


def measured(worker: Worker, scratch: Path) -> Iterator[Row]:
    """Return a row for each amount of each kind of work."""
    for count in ROWS:
        yield written(worker, count)
    for count in PULLS:
        yield past_pulls(worker, count)
    if shutil.which("git"):
        yield from checks(worker, scratch, CHECKED)


def rows(count: int) -> str:
    """Write a history as a CSV file, of ten services."""
    lines = ["reference_id,deployed_at,service,repository,commit_sha"]
    begin = datetime(2025, 1, 1, tzinfo=UTC)
    lines += [
        f"bench-{number},{begin + timedelta(seconds=number):%Y-%m-%dT%H:%M:%SZ},service-{number % 10},acme/shop,{number + 1:040x}"
        for number in range(count)
    ]
    return "\n".join(lines) + "\n"


def written(worker: Worker, count: int) -> Row:
    given = {"operation": "backfill", "backfill-file": "rows.csv", "csv-file": "out.csv"}
    return worker.row(
        Work(
            what="rows checked and written as a CSV",
            count=count,
            given=given,
            status="written",
            requests=0,
            fill=lambda workspace: (workspace / "rows.csv").write_text(rows(count)),
            long=count >= LONG,
        )
    )


def past_pulls(worker: Worker, count: int) -> Row:
    """Measure `set-pull-services` over a history of so many pull requests, each with files of two services."""
    repo = Repo("acme/shop", start="2025-01-01T00:00:00Z")
    repo.commit({"services.yml": service_map(), "README.md": "Shop"})
    for number in range(count):
        folders = (number % TEAMS, (number + 1) % TEAMS)
        repo.pulls.ship({f"services/{folder}/{number}.txt": str(number) for folder in folders})
    given = {"operation": "set-pull-services", "since": "2025-01-01T00:00:00Z", "service-map": "services.yml"}
    with GitHub(repo) as github:
        return worker.row(
            Work(
                what="pull requests of the past, their services set",
                count=count,
                given=given | {"max-per-second": "0", "concurrency": "8"},
                env={"GITHUB_SHA": repo.rev("main")},
                github=github,
                status="pull-services-set",
                requests=count,
                long=count >= MANY,
            )
        )


def checks(worker: Worker, scratch: Path, count: int) -> Iterator[Row]:
    """Measure a check on a checkout of so many files, whose paths are in git's own index."""
    repo = Repo("acme/shop")
    owners = "".join(f"services/{number}/ @acme/team-{number}\n" for number in range(TEAMS))
    before = repo.commit(files_of(count) | {"services.yml": service_map(), "CODEOWNERS": f"* @acme/shop\n{owners}"})
    after = repo.commit({"services/7/0/7.txt": "changed"})
    bare = scratch / "acme" / "shop.git"
    write(repo, bare)
    for name, given in (
        ("a map of 50", {"service-map": "services.yml"}),
        ("CODEOWNERS", {"services-from": "codeowners"}),
    ):
        with GitHub(repo) as github:
            yield worker.row(
                Work(
                    what=f"files of a checkout, checked with {name}",
                    count=count,
                    given={"operation": "check", **given},
                    event="push_branch",
                    env=push(scratch / f"check-{name}.json", before, after),
                    github=github,
                    status="checked",
                    requests=1,
                    fill=lambda workspace: git(bare, "clone", "--quiet", str(bare), str(workspace)),
                )
            )
