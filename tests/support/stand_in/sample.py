"""Owns a small history in which everything occurs that the stand-in can serve: the lane checks every answer over it."""

from stand_in.history import Person
from stand_in.objects import EXECUTABLE, File, link, submodule
from stand_in.repo import Repo

ELSEWHERE = "5b1ffe1e89d0e3286d730f50c290051a028d0523"
STRANGER = Person("A. Stranger", "a.stranger@example.com")


def shop() -> Repo:
    """Make the repository `acme/shop`."""
    repo = Repo("acme/shop")
    repo.commit(
        {
            "README.md": "# Shop\n",
            "catalog-info.yaml": "kind: Component\nmetadata:\n  name: shop\n",
            "services/payments/app.py": "one\ntwo\nthree\n",
            "services/payments/run.sh": File(b"#!/bin/sh\n", EXECUTABLE),
            "services/web/index.html": "<p>Hello</p>\n",
            "services/web/straße & más.txt": "grüezi\n",
            "docs/link": link("../README.md"),
            "docs/outside": link("/etc/hosts"),
            "vendor/lib": submodule(ELSEWHERE),
            "assets/logo.bin": bytes(range(256)) * 5000,
            "empty.txt": "",
        },
        message="Begin\n\nWith a body.",
        author=STRANGER,
    )
    repo.tag("v1.0.0", message="The first")
    _pulls(repo)
    _deployments(repo)
    repo.releases.publish("v1.0.0", name="One", body="All new.")
    repo.releases.publish("v1.1.0-rc.1", prerelease=True)
    repo.releases.publish("v1.1.0", author="release-bot[bot]")
    repo.releases.publish("v2.0.0", draft=True)
    return repo


def _pulls(repo: Repo) -> None:
    merged = repo.pulls.ship(
        {"services/payments/app.py": "one\n2\nthree\n"}, {"services/payments/new.py": "new\n"}, how="merge", title="Pay"
    )
    repo.pulls.ship({"services/web/a.txt": "a\n"}, {"services/web/b.txt": "b\n"}, how="squash", user="hubot[bot]")
    repo.pulls.ship({"libs/x.py": "x\n"}, {"libs/y.py": "y\n"}, how="rebase", user="ghost")
    # A folder moves, and one of its files is changed, too.
    moved = {path: None for path in repo.files() if path.startswith("services/web/")}
    there = {path.replace("web", "site"): data for path, data in repo.files().items() if path in moved}
    repo.pulls.ship(moved | there | {"services/site/a.txt": "another\n"}, how="push", title="Move the web")
    queued = []
    for name in ("one", "two"):
        repo.branch(f"queue-{name}")
        repo.commit({f"{name}.txt": f"{name}\n"}, branch=f"queue-{name}")
        # The fork of the second is gone.
        fork = "" if name == "one" else None
        queued.append(repo.pulls.open(f"queue-{name}", title=f"Queue {name}", head_repo=fork))
    repo.pulls.queue(*queued, how="squash")
    repo.branch("develop")
    repo.pulls.ship({"deep/er/feature.txt": "1\n"}, base="develop", title="Into develop")
    repo.pulls.merge(repo.pulls.open("develop", title="Develop to main"), "merge")
    repo.revert(str(merged.merge_commit_sha))
    repo.branch("feature/open")
    repo.commit({"README.md": "# Our shop\n"}, branch="feature/open", author=STRANGER)
    repo.pulls.open("feature/open", title="Open | still", body="Text", draft=True)
    repo.branch("conflict", merged.base_sha)
    repo.commit({"services/payments/app.py": "one\nzwei\nthree\n"}, branch="conflict")
    repo.pulls.open("conflict", title="Conflicting", head_repo="stranger/shop")
    repo.branch("many")
    repo.commit({f"many/{number:03}.txt": f"{number}\n" for number in range(350)}, branch="many")
    repo.pulls.close(repo.pulls.open("many", title="Closed", head_repo=None))
    repo.commit({"empty.txt": File(b"", EXECUTABLE)}, message="Only the mode")


def _deployments(repo: Repo) -> None:
    first = repo.deployments.create("v1.0.0", payload={"service": "payments"}, description="By hand")
    repo.deployments.status(first, "in_progress", description="Going")
    run = "https://github.example.com/acme/shop/actions/runs/1/job/2"
    repo.deployments.status(first, "success", log_url=run, environment_url="https://shop.example.com")
    repo.deployments.create(environment="staging", state="success", payload='{"service": "web"}', log_url=run)
    repo.deployments.create(environment="staging", state="success")
    repo.deployments.create("main", creator="github-actions[bot]", state="failure", log_url=run)
    repo.deployments.create(
        "feature/open", "review-1", ref="feature/open", transient=True, original_environment="review"
    )


def empty() -> Repo:
    """Make a repository without a commit."""
    return Repo("acme/empty")


def public() -> Repo:
    """Make a repository that needs no permission."""
    repo = Repo("acme/public", private=False)
    repo.commit({"README.md": "# Public\n"})
    return repo
