"""What a repository's history makes of the event of an example, on the stand-in for GitHub."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from runner import ROOT
from stand_in import Repo

FOLDER = ROOT / "examples"
MAP = "dx-services"
JOB = "38168200017"  # of the job that runs, as GitHub numbers it
RUN_PAGE = f"https://github.com/acme/shop/actions/runs/{{}}/job/{JOB}"
Changes = dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class Happening:
    """What a repository's history makes of an event, and what GitHub knows then."""

    repo: Repo
    changes: Changes
    sha: str


def _history() -> Repo:
    repo = Repo("acme/shop")
    repo.commit({".github/dx-services.yml": (FOLDER / f"{MAP}.yml").read_text(), "README.md": "Shop\n"})
    return repo


def merged(*files: str) -> Happening:
    """A pull request that changes these files is merged."""
    repo = _history()
    pull = repo.pulls.ship(dict.fromkeys(files, "new\n"), title="Change it")
    changes = {
        "pull_request.id": 2401500041,
        "pull_request.number": pull.number,
        "pull_request.base.sha": pull.base_sha,
        "pull_request.head.sha": pull.head_sha,
        "pull_request.merge_commit_sha": pull.merge_commit_sha,
        "pull_request.changed_files": len(files),
    }
    return Happening(repo=repo, changes=changes, sha=str(pull.merge_commit_sha))


def queued(*pulls: Sequence[str]) -> Happening:
    """A merge queue merges several pull requests by one push."""
    repo = _history()
    before = repo.branches["main"]
    opened = []
    for number, files in enumerate(pulls):
        repo.branch(f"change-{number}")
        repo.commit(dict.fromkeys(files, "new\n"), branch=f"change-{number}")
        opened.append(repo.pulls.open(f"change-{number}"))
        opened[-1].id = 2401500100 + number
    after = repo.pulls.queue(*opened, how="squash")
    return Happening(repo=repo, changes={"before": before, "after": after, "head_commit.id": after}, sha=after)


def shipped(count: int) -> Happening:
    """Pull requests are merged after a deployment; the job that runs makes one of its own, which is under way."""
    repo = _history()
    before = repo.branches["main"]
    repo.deployments.create(before, state="success")
    for number in range(count):
        repo.pulls.ship({f"app/{number}": "new\n"}, how=("squash", "merge")[number % 2])
    after = repo.branches["main"]
    repo.deployments.create(after, state="in_progress", log_url=RUN_PAGE.format("13654800333"))
    merges = [str(pull.merge_commit_sha) for pull in repo.pulls.all()]
    changes = {"before": merges[0], "after": after, "head_commit.id": after}
    return Happening(repo=repo, changes=changes, sha=after)


def several() -> Happening:
    """Pull requests were merged: of one service, of two, of none, and one that moved a file from one to another."""
    repo = _history()
    repo.commit({"apps/web/tax.py": "tax\n"})
    for number, files in enumerate(
        (["services/payments/app.py"], ["apps/web/a.ts", "libs/billing/b.py"], ["README.md"])
    ):
        repo.pulls.ship(dict.fromkeys(files, "new\n")).id = 2401500200 + number
    repo.pulls.ship({"apps/web/tax.py": None, "libs/billing/tax.py": "tax\n"}).id = 2401500203
    return Happening(repo=repo, changes={}, sha=repo.rev("main"))


def merge_commits(happening: Happening) -> list[str]:
    return [str(pull.merge_commit_sha) for pull in happening.repo.pulls.all()]


def remembered() -> Happening:
    """GitHub remembers deployments, two of them to one environment, and each of the others to another."""
    repo = _history()
    days = (("prod-eu", "10-02"), ("production", "10-03"), ("staging", "11-01"), ("production", "11-02"))
    for environment, at in ((environment, f"2024-{day}") for environment, day in days):
        repo.deployments.create("main", environment, production=False, state="success", at=f"{at}T00:00:00Z")
    return Happening(repo=repo, changes={}, sha=repo.rev("main"))


def lately(name: str = "acme/shop") -> Happening:
    """GitHub remembers two deployments to production, one of them from the day before."""
    repo = Repo(name)
    repo.commit({"README.md": "Shop\n"})
    for at in ("2025-02-02T00:00:00Z", "2025-03-03T10:00:00Z"):
        repo.deployments.create("main", state="success", at=at)
    return Happening(repo=repo, changes={}, sha=repo.rev("main"))


def mapped() -> Happening:
    """Each service of the map has a file, and one file has no service."""
    repo = _history()
    repo.commit(
        dict.fromkeys(("services/payments/a.py", "libs/billing/b.py", "apps/web/c.ts", "apps/web/README.md"), "1")
    )
    return Happening(repo=repo, changes={}, sha=repo.rev("main"))


def owned() -> Happening:
    """Another repository of the organization, all of which has owners."""
    repo = Repo("acme/warehouse")
    repo.commit({"README.md": "Warehouse", "CODEOWNERS": "* @acme/warehouse\n"})
    return Happening(repo=repo, changes={}, sha=repo.rev("main"))
