"""Owns the endpoints of git's own objects: trees, blobs, commits, tags, references."""

import base64
from itertools import islice
from typing import Any

from stand_in import shapes
from stand_in.objects import TREE, Entry
from stand_in.routes import Ask, Refused, get

EMPTY = "Git Repository is empty."


def filled(ask: Ask) -> None:
    """Refuse what an empty repository cannot answer."""
    if not ask.repo.history.commits:
        raise Refused(409, EMPTY)


@get("git/trees/{tree_sha}", "contents")
def tree(ask: Ask, tree_sha: str) -> dict[str, Any]:
    """Get a tree, by its id or by anything that names a commit; whole, unless it is beyond the limit."""
    filled(ask)
    objects, revision = ask.repo.objects, ask.repo.find(tree_sha)
    sha = ask.repo.tree(revision) if revision else tree_sha
    if sha not in objects.trees:
        raise Refused(404, "Not Found")
    listed = objects.walk(sha) if "recursive" in ask.query else iter(objects.trees[sha].items())
    limit = ask.app.tree_limit
    entries = list(islice(listed, limit + 1))
    return {
        "sha": sha,
        "url": f"{ask.api}/git/trees/{sha}",
        "tree": [_entry(ask, path, entry) for path, entry in entries[:limit]],
        "truncated": len(entries) > limit,
    }


def _entry(ask: Ask, path: str, entry: Entry) -> dict[str, Any]:
    shown: dict[str, Any] = {"path": path, "mode": entry.mode.zfill(6), "type": entry.kind, "sha": entry.sha}
    if entry.kind == "blob":
        shown |= {"size": ask.repo.objects.size(entry), "url": f"{ask.api}/git/blobs/{entry.sha}"}
    elif entry.mode == TREE:
        shown["url"] = f"{ask.api}/git/trees/{entry.sha}"
    return shown


@get("git/blobs/{file_sha}", "contents")
def blob(ask: Ask, file_sha: str) -> dict[str, Any]:
    """Get a file's content, whatever its size."""
    data = ask.repo.objects.blobs.get(file_sha)
    if data is None:
        raise Refused(404, "Not Found")
    return {
        "sha": file_sha,
        "node_id": shapes.node_id("B", ask.repo.id, file_sha),
        "size": len(data),
        "url": f"{ask.api}/git/blobs/{file_sha}",
        "content": base64.encodebytes(data).decode(),
        "encoding": "base64",
    }


@get("git/commits/{commit_sha}", "contents")
def commit(ask: Ask, commit_sha: str) -> dict[str, Any]:
    """Get a commit as git knows it, by its whole id."""
    filled(ask)
    found = ask.repo.history.commits.get(commit_sha)
    if found is None:
        raise Refused(404, "Not Found")
    return {
        "sha": found.sha,
        "node_id": shapes.node_id("C", ask.repo.id, found.sha),
        "html_url": f"{ask.html}/{ask.repo.full_name}/commit/{found.sha}",
        **shapes.git_commit(ask, found),
        "parents": shapes.parents(ask, found, "git/commits"),
    }


@get("git/tags/{tag_sha}", "contents")
def tag(ask: Ask, tag_sha: str) -> dict[str, Any]:
    """Get an annotated tag's object."""
    found = ask.repo.tag_objects.get(tag_sha)
    if found is None:
        raise Refused(404, "Not Found")
    return {
        "node_id": shapes.node_id("TA", ask.repo.id, found.sha),
        "sha": found.sha,
        "url": f"{ask.api}/git/tags/{found.sha}",
        "tag": found.name,
        "message": found.message,
        "tagger": shapes.signature(found.tagger, found.tagged),
        "object": {"type": "commit", "sha": found.target, "url": f"{ask.api}/git/commits/{found.target}"},
    }


@get("git/ref/{ref}", "contents")
def reference(ask: Ask, ref: str) -> dict[str, Any]:
    """Get a reference, such as tags/v1."""
    filled(ask)
    found = _references(ask).get(f"refs/{ref}")
    if found is None:
        raise Refused(404, "Not Found")
    return _reference(ask, f"refs/{ref}", found)


@get("git/matching-refs/{ref}", "contents")
def matching(ask: Ask, ref: str) -> list[dict[str, Any]]:
    """List the references that begin so; none is no error."""
    filled(ask)
    found = sorted(item for item in _references(ask).items() if item[0].startswith(f"refs/{ref}"))
    return [_reference(ask, name, target) for name, target in ask.page(found)]


def _references(ask: Ask) -> dict[str, str]:
    heads = {f"refs/heads/{name}": sha for name, sha in ask.repo.branches.items()}
    pulls = {f"refs/pull/{pull.number}/head": pull.head_sha for pull in ask.repo.pulls.all()}
    return heads | pulls | {f"refs/tags/{name}": sha for name, sha in ask.repo.tags.items()}


def _reference(ask: Ask, name: str, target: str) -> dict[str, Any]:
    kind = "tag" if target in ask.repo.tag_objects else "commit"
    return {
        "ref": name,
        "node_id": shapes.node_id("REF", ask.repo.id, name),
        "url": f"{ask.api}/git/{name}",
        "object": {"sha": target, "type": kind, "url": f"{ask.api}/git/{kind}s/{target}"},
    }
