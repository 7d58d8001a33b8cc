"""Owns the endpoints of a repository as a whole, its branches and tags, and its files and folders by path."""

import base64
import posixpath
from typing import Any
from urllib.parse import quote

from stand_in import shapes
from stand_in.objects import LINK, SUBMODULE, TREE, Entry
from stand_in.repo import Repo
from stand_in.routes import Answer, Ask, Refused, get

_MOST_IN_A_FOLDER = 1000
_MOST_BYTES = 100_000_000


@get("")
def repository(ask: Ask) -> dict[str, Any]:
    """Get a repository."""
    shown = shapes.repository(ask, full=True)
    return shown | {"permissions": {"admin": False, "maintain": False, "push": False, "triage": False, "pull": True}}


@get("branches", "contents")
def branches(ask: Ask) -> list[dict[str, Any]]:
    """List branches."""
    return [
        {"name": name, "commit": {"sha": sha, "url": f"{ask.api}/commits/{sha}"}, "protected": False}
        for name, sha in ask.page(sorted(ask.repo.branches.items()))
    ]


@get("branches/{branch}", "contents")
def branch(ask: Ask, branch: str) -> dict[str, Any]:
    """Get a branch."""
    sha = ask.repo.branches.get(branch)
    if sha is None:
        raise Refused(404, "Branch not found")
    url = f"{ask.api}/branches/{quote(branch)}"
    return {
        "name": branch,
        "commit": shapes.commit(ask, ask.repo.history.commits[sha]),
        "_links": {"self": url, "html": f"{ask.html}/{ask.repo.full_name}/tree/{branch}"},
        "protected": False,
        "protection": {"enabled": False},
        "protection_url": f"{url}/protection",
    }


@get("tags", "contents")
def tags(ask: Ask) -> list[dict[str, Any]]:
    """List tags, with the commits they come to."""
    shown = []
    for name in ask.page(sorted(ask.repo.tags, reverse=True)):
        sha = ask.repo.rev(f"refs/tags/{name}")
        shown.append(
            {
                "name": name,
                "commit": {"sha": sha, "url": f"{ask.api}/commits/{sha}"},
                "zipball_url": f"{ask.api}/zipball/refs/tags/{name}",
                "tarball_url": f"{ask.api}/tarball/refs/tags/{name}",
                "node_id": shapes.node_id("REF", ask.repo.id, f"refs/tags/{name}"),
            }
        )
    return shown


@get("contents/{path}", "contents")
def contents(ask: Ask, path: str) -> Any:
    """Get a file, or list a folder."""
    ref = ask.query.get("ref") or ask.repo.default_branch
    revision = ask.repo.find(ref)
    if revision is None:
        empty = not ask.repo.history.commits
        raise Refused(404, "This repository is empty." if empty else f"No commit found for the ref {ref}")
    path = path.strip("/")
    entry = ask.repo.entry(revision, path)
    if entry is not None and entry.mode == LINK:
        path, entry = _followed(ask.repo, revision, path, entry)
    if entry is None:
        raise Refused(404, "Not Found")
    if entry.mode == TREE:
        return _folder(ask, ref, path, entry)
    data = ask.repo.objects.blobs.get(entry.sha, b"")
    if len(data) > _MOST_BYTES:
        raise Refused(403, "This API returns blobs up to 100 MB in size.", errors=[{"code": "too_large"}])
    if ask.accepts("raw") and entry.kind == "blob":
        return Answer(200, raw=data, content_type="application/vnd.github.raw+json; charset=utf-8")
    shown = _described(ask, ref, path, entry)
    if entry.mode == SUBMODULE:
        return shown | {"type": "submodule", "submodule_git_url": f"{ask.html}/acme/elsewhere.git"}
    if entry.mode == LINK:
        return shown | {"type": "symlink", "target": data.decode()}
    if len(data) > ask.app.content_limit:
        return shown | {"content": "", "encoding": "none"}
    return shown | {"content": base64.encodebytes(data).decode(), "encoding": "base64"}


def _followed(repo: Repo, revision: str, path: str, entry: Entry) -> tuple[str, Entry]:
    """Follow a link to a file of the repository; any other link is shown as what it is."""
    target = posixpath.normpath(posixpath.join(posixpath.dirname(path), repo.objects.blobs[entry.sha].decode()))
    found = None if target.startswith(("/", "..")) else repo.entry(revision, target)
    return (target, found) if found and found.kind == "blob" and found.mode != LINK else (path, entry)


def _folder(ask: Ask, ref: str, path: str, folder: Entry) -> Any:
    listed = []
    for name, entry in list(ask.repo.objects.trees[folder.sha].items())[:_MOST_IN_A_FOLDER]:
        # In a list a submodule has always been called a file.
        kind = {TREE: "dir", LINK: "symlink"}.get(entry.mode, "file")
        listed.append(_described(ask, ref, f"{path}/{name}".lstrip("/"), entry) | {"type": kind})
    if ask.accepts("object"):
        return _described(ask, ref, path, folder) | {"type": "dir", "entries": listed}
    return listed


def _described(ask: Ask, ref: str, path: str, entry: Entry) -> dict[str, Any]:
    html, quoted = f"{ask.html}/{ask.repo.full_name}", quote(path)
    kind = "trees" if entry.mode in (TREE, SUBMODULE) else "blobs"
    links = {
        "self": f"{ask.api}/contents/{quoted}?ref={quote(ref)}",
        "git": f"{ask.api}/git/{kind}/{entry.sha}",
        "html": f"{html}/{kind[:-1]}/{quote(ref)}/{quoted}",
    }
    return {
        "name": posixpath.basename(path),
        "path": path,
        "sha": entry.sha,
        "size": ask.repo.objects.size(entry),
        "url": links["self"],
        "html_url": links["html"],
        "git_url": links["git"],
        "download_url": f"{html}/raw/{quote(ref)}/{quoted}" if entry.kind == "blob" else None,
        "type": "file",
        "_links": links,
    }
