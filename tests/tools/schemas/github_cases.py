"""The requests by which the stand-in for GitHub is driven over its sample, and the breaks that must be found out."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from stand_in import Repo

SHOP = "/repos/{owner}/{repo}"
RATE_LIMIT = "/rate_limit"
JSON = "application/json"


@dataclass(frozen=True)
class Case:
    """One request and the status it must get."""

    template: str
    names: str = ""
    query: str = ""
    status: int = 200
    accept: str = JSON
    repo: str = "acme/shop"
    token: str | None = "github-token"
    version: str = "2022-11-28"

    @property
    def path(self) -> str:
        values = dict(zip(("owner", "repo"), self.repo.split("/"), strict=True))
        names = dict(pair.split("=", 1) for pair in self.names.split())
        path = re.sub(r"{(\w+)}", lambda match: {**values, **names}[match[1]], self.template)
        return f"{path}?{self.query}" if self.query else path


def cases(repo: Repo) -> Iterator[Case]:
    """Yield every endpoint's requests, over the sample."""
    main, first, blob = repo.rev("main"), repo.rev("v1.0.0"), repo.entry("main", "README.md")
    deployed, tag = next(iter(repo.deployments.by_id)), repo.tags["v1.0.0"]
    many, entry = repo.rev("many"), blob.sha if blob else ""

    def of(template: str, *names: str, **more: Any) -> Iterator[Case]:
        for one in names or ("",):
            yield Case(f"{SHOP}{template}", one, **more)

    yield from of("")
    yield Case(RATE_LIMIT)
    yield from of("/branches", query="per_page=2&page=2")
    yield from of("/branches/{branch}", "branch=main", "branch=feature/open")
    yield from of("/tags")
    yield from of("/git/trees/{tree_sha}", f"tree_sha={main}", f"tree_sha={repo.tree('main')}", "tree_sha=feature/open")
    yield from of("/git/trees/{tree_sha}", f"tree_sha={main}", query="recursive=1")
    yield from of("/git/blobs/{file_sha}", f"file_sha={entry}")
    yield from of("/git/commits/{commit_sha}", f"commit_sha={main}", f"commit_sha={first}")
    yield from of("/git/tags/{tag_sha}", f"tag_sha={tag}")
    yield from of("/git/ref/{ref}", "ref=tags/v1.0.0", "ref=tags/v1.1.0", "ref=heads/feature/open")
    yield from of("/git/matching-refs/{ref}", "ref=tags/v1", "ref=tags/none")
    yield from of("/commits/{ref}", "ref=main", f"ref={first[:7]}", f"ref={many}", "ref=v1.0.0")
    yield from of("/commits/{ref}", f"ref={many}", query="page=2")
    yield from of("/commits/{ref}", "ref=main", accept="application/vnd.github.sha")
    yield from of("/commits", query="per_page=5&page=2")
    yield from of(
        "/commits", query="sha=develop&path=services/web&since=2025-01-01T00:02:00Z&until=2025-02-01T00:00:00Z"
    )
    ranges = (f"{first}...main", "main...v1.0.0", "main...main", "many...feature/open", "develop...many")
    yield from of("/compare/{basehead}", *(f"basehead={one}" for one in ranges))
    yield from of("/compare/{basehead}", f"basehead={first}...main", query="per_page=3&page=2")
    yield from of("/pulls", query="state=all&sort=updated&direction=asc&per_page=100")
    yield from of("/pulls", query="base=main&head=acme:feature/open")
    numbers = [f"pull_number={number}" for number in repo.pulls.by_number]
    for ending in ("", "/files", "/commits"):
        yield from of(f"/pulls/{{pull_number}}{ending}", *numbers)
    yield from of("/pulls/{pull_number}/files", numbers[-1], query="per_page=100&page=4")
    yield from of("/commits/{commit_sha}/pulls", f"commit_sha={main}", *(f"commit_sha={c.sha}" for c in repo.log()))
    yield from of("/commits/{commit_sha}/pulls", f"commit_sha={repo.rev('feature/open')}", query="per_page=1&page=1")
    files = (
        "README.md",
        "assets/logo.bin",
        "services",
        "docs/link",
        "docs/outside",
        "vendor/lib",
        "vendor",
        "",
        "empty.txt",
    )
    yield from of(
        "/contents/{path}", *(f"path={one}" for one in files), "path=services/site/stra%C3%9Fe%20%26%20m%C3%A1s.txt"
    )
    yield from of("/contents/{path}", "path=README.md", query="ref=v1.0.0")
    yield from of("/contents/{path}", "path=README.md", accept="application/vnd.github.raw+json")
    yield from of("/contents/{path}", "path=services", accept="application/vnd.github.object+json")
    yield from of("/deployments")
    yield from of("/deployments", query=f"environment=staging&sha={main}&ref=main&task=deploy&per_page=1&page=1")
    yield from of("/deployments/{deployment_id}", f"deployment_id={deployed}")
    yield from of("/deployments/{deployment_id}/statuses", *(f"deployment_id={one}" for one in repo.deployments.by_id))
    yield from of("/deployments/{deployment_id}/statuses", f"deployment_id={deployed}", query="per_page=1")
    yield from of("/releases", query="per_page=2")
    yield from of("/releases/latest")
    yield from of("/releases/tags/{tag}", "tag=v1.0.0")
    yield from errors()


def errors() -> Iterator[Case]:
    """Yield the requests that are refused."""
    none = "0" * 40
    yield Case(SHOP, status=401, token="wrong")
    yield Case(SHOP, status=404, token=None)
    yield Case(SHOP, status=404, repo="acme/hidden")
    yield Case(SHOP, status=404, repo="acme/none")
    yield Case(SHOP, status=301, repo="acme/old")
    yield Case(SHOP, status=400, version="2020-01-01")
    yield Case(SHOP, repo="acme/public", token=None)
    yield Case(f"{SHOP}/commits", status=409, repo="acme/empty")
    yield Case(f"{SHOP}/git/trees/{{tree_sha}}", "tree_sha=main", status=409, repo="acme/empty")
    yield Case(f"{SHOP}/pulls", repo="acme/empty")
    for template, name, status in (
        ("/branches/{branch}", "branch", 404),
        ("/git/trees/{tree_sha}", "tree_sha", 404),
        ("/git/blobs/{file_sha}", "file_sha", 404),
        ("/git/commits/{commit_sha}", "commit_sha", 404),
        ("/git/tags/{tag_sha}", "tag_sha", 404),
        ("/git/ref/{ref}", "ref", 404),
        ("/commits/{ref}", "ref", 422),
        ("/commits/{commit_sha}/pulls", "commit_sha", 422),
        ("/contents/{path}", "path", 404),
        ("/releases/tags/{tag}", "tag", 404),
    ):
        yield Case(f"{SHOP}{template}", f"{name}={none}", status=status)
    yield Case(f"{SHOP}/compare/{{basehead}}", f"basehead=main...{none}", status=404)
    yield Case(f"{SHOP}/contents/{{path}}", "path=README.md", query=f"ref={none}", status=404)
    yield Case(f"{SHOP}/pulls", query="state=merged", status=422)
    yield Case(f"{SHOP}/pulls/{{pull_number}}", "pull_number=9999", status=404)
    yield Case(f"{SHOP}/deployments/{{deployment_id}}", "deployment_id=1", status=404)
    yield Case(f"{SHOP}/releases/latest", repo="acme/public", status=404)


MISSING = object()
BROKEN: tuple[tuple[str, str, str, Any], ...] = (
    ("", "", "id", "1"),
    ("", "", "default_branch", MISSING),
    ("", "", "owner.login", None),
    ("", "", "invented", 1),
    ("/git/trees/{tree_sha}", "tree_sha=main", "truncated", "no"),
    ("/git/trees/{tree_sha}", "tree_sha=main", "tree.0.sha", MISSING),
    ("/commits/{ref}", "ref=main", "commit.author.date", "yesterday"),
    ("/commits/{ref}", "ref=main", "files.0.status", "moved"),
    ("/compare/{basehead}", "basehead=v1.0.0...main", "status", "behind-ish"),
    ("/compare/{basehead}", "basehead=v1.0.0...main", "commits.0.parents.0.sha", 7),
    ("/pulls/{pull_number}", "pull_number=1", "merged_at", "2025-01-01"),
    ("/pulls/{pull_number}", "pull_number=1", "merge_commit_sha", MISSING),
    ("/pulls/{pull_number}", "pull_number=1", "user.html_url", "nowhere"),
    ("/pulls", "", "0.base.repo", None),
    ("/contents/{path}", "path=README.md", "encoding", MISSING),
    ("/contents/{path}", "path=services", "0.type", "folder"),
    ("/deployments", "", "0.payload", 7),
    ("/deployments", "", "0.environment", None),
    ("/releases/latest", "", "draft", "no"),
)
