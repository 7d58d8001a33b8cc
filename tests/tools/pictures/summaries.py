"""The summaries that the documentation shows as pictures: real runs over a made-up history. `make pictures` renders them.

`python tests/tools/pictures/summaries.py` writes each as Markdown beside its picture; test_pictures compares them with what the
action writes.
"""

import json
import sys
import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[3]))
sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "support"))

from dx_action.sandbox import Sandbox
from runner import TOKEN, Step, connected, fast_clock
from scenes import merge_payload, told
from stand_in import GitHub, Repo

FOLDER = Path(__file__).resolve().parents[3] / ".github" / "pictures"
NOW = datetime(2025, 3, 6, 15, 42, 7, tzinfo=UTC)
# What was merged: by whom, its title, its first commit, and its merge.
PULLS = (
    ("octocat", "Refund partial captures", "2025-03-03T09:12:00Z", "2025-03-05T13:20:00Z", "squash"),
    ("hubot", "Bump the currency tables", "2025-03-05T06:00:00Z", "2025-03-05T16:41:00Z", "merge"),
    ("monalisa", "Retry webhooks | with back-off", "2025-03-04T14:30:00Z", "2025-03-06T15:31:00Z", "rebase"),
)


def history() -> Repo:
    """Make a repository in which a deployment is followed by three merges."""
    repo = Repo("acme/shop")
    repo.commit({"README.md": "Shop"}, author_date="2025-03-02T10:00:00Z", committer_date="2025-03-02T10:00:00Z")
    repo.deployments.create(state="success", payload={"service": "payments-service"}, at="2025-03-02T11:00:00Z")
    for number, (user, title, first, merged, how) in enumerate(PULLS):
        branch = f"change-{number}"
        repo.branch(branch)
        repo.commit({f"src/{number}": "1"}, branch=branch, author=user, author_date=first, committer_date=first)
        pull = repo.pulls.open(branch, title=title, user=user, at=first)
        repo.pulls.merge(pull, how, at=merged, delete_branch=True)  # type: ignore[arg-type]
    return repo


def summaries() -> dict[str, str]:
    """Return each picture's Markdown, by name."""
    repo = history()
    old, new = repo.deployments.newest_first()[0].sha, repo.rev("main")
    found = {}
    with tempfile.TemporaryDirectory() as folder, GitHub(repo) as gh, Sandbox(token=TOKEN) as dx:
        for name, commit in (("ships", new), ("rollback", old)):
            event = Path(folder, f"{name}.json")
            event.write_text(json.dumps({"repository": {"full_name": "acme/shop", "default_branch": "main"}}))
            given = {"service": "payments-service", "attribution": "merge-commits", "show-pull-requests": "true"}
            # GitHub's own addresses, so that the picture shows them.
            env = {"GITHUB_API_URL": gh.api_url, "GITHUB_SERVER_URL": "https://github.com", "GITHUB_SHA": commit}
            env["GITHUB_EVENT_PATH"] = str(event)
            step = Step(Path(folder), connected(dx) | given, "workflow_dispatch", env, github_token=gh.token)
            text = step.inside(fast_clock(now=lambda: NOW)).summary
            found[name] = text.replace(gh.server_url, "https://github.com")
            repo.deployments.create(
                new, state="success", payload={"service": "payments-service"}, at="2025-03-06T15:42:07Z"
            )
        found["backfill"] = backfill(Path(folder))
    return found | checks()


def checks() -> dict[str, str]:
    """Return the summaries of two checks: of a set-up in which several things are wrong, and of the same one put right."""
    repo = Repo("acme/shop", start="2025-03-03T00:00:00Z")
    sound = "payments-service: [services/payments/**]\nweb: [apps/web/**, '!apps/web/**/*.md']\nplatform: [README.md, .github/**]\n"
    files = [
        "README.md",
        *(f"services/payments/{name}.py" for name in "abc"),
        "apps/web/index.ts",
        "apps/web/README.md",
    ]
    repo.commit(dict.fromkeys(files, "1") | {".github/dx-services.yml": sound})
    worse = sound.replace("platform: [README.md, .github/**]", "billing: [libs/billing/**]")
    repo.branch("broken")
    repo.commit(
        {".github/dx-services.yml": worse} | dict.fromkeys((f"infra/{n}.tf" for n in range(3)), "1"), branch="broken"
    )
    found = {}
    for name, base in (("broken", "broken"), ("sound", "main")):
        pull = repo.pulls.ship({"services/payments/a.py": name, "apps/web/index.ts": name}, base=base, how="squash")
        with (
            tempfile.TemporaryDirectory() as folder,
            GitHub(repo, token="ghs-of-the-tests") as gh,
            Sandbox(token=TOKEN) as dx,
        ):
            broken = base == "broken"
            gh.permissions["pull_requests"] = "none" if broken else "read"
            given = {
                "operation": "check",
                "service": "",
                "service-map": ".github/dx-services.yml",
                "only-branches": base,
            }
            given |= {"dx-token": "of-last-year"} if broken else {}
            payload = merge_payload(repo, pull, {"pull_request.html_url": "https://github.com/acme/shop/pull/41"})
            env = told(Path(folder), gh, repo, payload, GITHUB_SERVER_URL="https://github.com")
            step = Step(Path(folder), connected(dx) | given, "pull_request_merged", env, github_token=gh.token)
            text = step.inside(fast_clock(now=lambda: NOW)).summary
            found[name] = text.replace(dx.url, "https://acme.getdx.net").replace(
                dx.url.replace("://", ":<span></span>//"), "https:<span></span>//acme.getdx.net"
            )
    return found


def backfill(folder: Path) -> str:
    """Return the summary of a backfill of two services, of which DX refuses a row."""
    lines = ["deployed_at,service,repository,commit_sha"]
    for day in range(56):
        for service in ("payments-service", "web")[: 1 + day % 2]:
            at = datetime(2025, 1, 6, 9, day, tzinfo=UTC) + timedelta(days=day)
            lines += [f"{at.isoformat()},{service},acme/shop,{day:07x}"] * (day % 7 < 5)
    (folder / "workspace" / "history.csv").write_text("\n".join(lines) + "\n")
    with Sandbox(token=TOKEN, faults=[{"status": 422, "error": "repo_not_found"}]) as dx:
        given = {
            "operation": "backfill",
            "source-name": "GitHub Actions",
            "backfill-file": "history.csv",
            "failed-file": "dx-failed.jsonl",
            "service": "",
        }
        return Step(folder, connected(dx) | given, "schedule").inside(fast_clock(now=lambda: NOW)).summary


if __name__ == "__main__":
    for picture, markdown in summaries().items():
        (FOLDER / f"{picture}.md").write_text(markdown, encoding="utf-8")
