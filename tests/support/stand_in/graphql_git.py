"""Owns GraphQL's values of git: commits, references, trees, files. A function is a value that takes arguments or time."""

from typing import Any

from stand_in import graphql_values as values
from stand_in.connections import connection
from stand_in.graphql_context import Context, Values
from stand_in.history import Commit
from stand_in.moments import seconds, text
from stand_in.objects import FILE, TREE, Entry
from stand_in.repo import Repo
from stand_in.shapes import node_id

_MOST_TEXT = 512_000


def git_object(to: Context, repo: Repo, oid: str | None = None, expression: str | None = None) -> Values | None:
    """Repository.object: a commit, or with `:path` (or a tree's or a file's id) what lies there; unknown is null."""
    to.allow(repo, "contents")
    revision, colon, path = (oid or expression or "HEAD").partition(":")
    sha = repo.find(revision)
    if sha is None:
        if revision in repo.objects.trees:
            return content(to, repo, Entry(TREE, revision))
        return content(to, repo, Entry(FILE, revision)) if revision in repo.objects.blobs else None
    if not colon:
        return commit(to, repo, repo.history.commits[sha])
    entry = repo.entry(sha, path)
    return content(to, repo, entry, path) if entry else None


def content(to: Context, repo: Repo, entry: Entry, path: str = "") -> Values:
    """Tree or Blob."""
    shown: Values = {"id": node_id("O", repo.id, entry.sha), "oid": entry.sha, "abbreviatedOid": entry.sha[:7]}
    shown["repository"] = lambda _info: values.repository(to, repo)
    if entry.mode == TREE:
        return shown | {"__typename": "Tree", "entries": lambda _info: _entries(to, repo, entry.sha, path)}
    data = repo.objects.blobs.get(entry.sha, b"")
    binary = b"\0" in data
    read = None if binary else data[:_MOST_TEXT].decode(errors="replace")
    blob = {"byteSize": len(data), "isBinary": binary, "isTruncated": len(data) > _MOST_TEXT, "text": read}
    return shown | blob | {"__typename": "Blob"}


def _entries(to: Context, repo: Repo, tree: str, folder: str) -> list[Values]:
    listed = []
    for name, entry in repo.objects.trees[tree].items():
        path = f"{folder}/{name}".lstrip("/")
        found = None if entry.kind == "commit" else content(to, repo, entry, path)
        size, mode = repo.objects.size(entry), int(entry.mode, 8)
        listed.append({"name": name, "path": path, "mode": mode, "type": entry.kind, "oid": entry.sha, "size": size})
        listed[-1]["object"] = found
    return listed


def ref(to: Context, repo: Repo, name: str) -> Values | None:
    """Ref: a branch or a tag."""
    short = name.removeprefix("refs/heads/").removeprefix("refs/tags/")
    sha = repo.find(name)
    if sha is None or not (short in repo.branches or short in repo.tags):
        return None
    tag = short in repo.tags and not name.startswith("refs/heads/")

    def pulls(info: Any, **arguments: Any) -> Values:
        return values.pulls(to, info, repo, [pull for pull in repo.pulls.all() if pull.head == short], arguments)

    return {
        "__typename": "Ref",
        "id": node_id("REF", repo.id, name),
        "name": short,
        "prefix": "refs/tags/" if tag else "refs/heads/",
        "repository": lambda _info: values.repository(to, repo),
        "target": lambda _info: _target(to, repo, repo.tags[short] if tag else sha),
        "associatedPullRequests": pulls,
    }


def _target(to: Context, repo: Repo, sha: str) -> Values:
    tag = repo.tag_objects.get(sha)
    if tag is None:
        return commit(to, repo, repo.history.commits[sha])
    return {
        "__typename": "Tag",
        "id": node_id("TA", repo.id, sha),
        "oid": sha,
        "abbreviatedOid": sha[:7],
        "name": tag.name,
        "message": tag.message,
        "repository": lambda _info: values.repository(to, repo),
        "target": lambda _info: commit(to, repo, repo.history.commits[tag.target]),
    }


def commit(to: Context, repo: Repo, one: Commit) -> Values:
    """Commit."""

    def parents(info: Any, **arguments: Any) -> Values:
        found = [repo.history.commits[sha] for sha in one.parents]
        return connection(info, found, arguments, lambda parent: commit(to, repo, parent))

    def pulls(info: Any, **arguments: Any) -> Values:
        found = [] if to.lagging(repo, one.sha) else repo.pulls.of(one.sha)
        # As GitHub has it, those of forks, and of what this was forked from, are told, too.
        homes = {each.id: other for other in repo.network for each in other.pulls.of(one.sha)}
        foreign = [each for other in repo.network for each in other.pulls.of(one.sha)]
        return values.pulls(to, info, repo, [*found, *foreign], arguments, homes)

    def deployments(info: Any, **arguments: Any) -> Values:
        found = [deployment for deployment in repo.deployments.newest_first() if deployment.sha == one.sha]
        return values.deployments(to, info, repo, found, arguments)

    message = one.message.rstrip("\n")
    headline, _, body = message.partition("\n")
    return {
        "__typename": "Commit",
        "id": node_id("C", repo.id, one.sha),
        "oid": one.sha,
        "abbreviatedOid": one.sha[:7],
        "url": to.url(repo, "commit", one.sha),
        "message": message,
        "messageHeadline": headline,
        "messageBody": body.strip("\n"),
        "authoredDate": text(one.authored),
        "committedDate": text(one.committed),
        "author": to.person(one.author, one.authored),
        "committer": to.person(one.committer, one.committed),
        "repository": lambda _info: values.repository(to, repo),
        "tree": lambda _info: content(to, repo, Entry(TREE, one.tree)),
        "parents": parents,
        "history": lambda info, **arguments: _history(to, info, repo, one, arguments),
        "associatedPullRequests": pulls,
        "deployments": deployments,
    }


def _history(to: Context, info: Any, repo: Repo, tip: Commit, arguments: Values) -> Values:
    path = arguments.get("path")

    def same(one: Commit, other: Commit | None) -> bool:
        there = repo.objects.find(other.tree, str(path)) if other else None
        return repo.objects.find(one.tree, str(path)) == there

    found = repo.history.log_of(tip.sha, same) if path else repo.history.log(tip.sha)
    if arguments.get("since"):
        found = [one for one in found if one.committed >= seconds(arguments["since"])]
    if arguments.get("until"):
        found = [one for one in found if one.committed <= seconds(arguments["until"])]
    return connection(info, found, arguments, lambda one: commit(to, repo, one), tip.sha)
