"""Owns the endpoints of history: one commit, lists of commits, the comparison of two, and a commit's pull requests."""

from collections.abc import Sequence
from typing import Any
from urllib.parse import quote

from stand_in import shapes, shapes_pulls
from stand_in.changes import Change
from stand_in.history import Commit
from stand_in.moments import seconds
from stand_in.rest_git import filled
from stand_in.routes import Answer, Ask, Refused, get

_COMPARED_COMMITS, _COMPARED_FILES = 250, 300
_FILES_A_PAGE, _COMMIT_FILES = 300, 3000


def commit_of(ask: Ask, revision: str) -> Commit:
    """Find a commit, or refuse."""
    filled(ask)
    sha = ask.repo.find(revision)
    if sha is None:
        raise Refused(422, f"No commit found for SHA: {revision}")
    return ask.repo.history.commits[sha]


@get("commits/{ref}", "contents")
def commit(ask: Ask, ref: str) -> Any:
    """Get a commit with its changed files, 300 a page."""
    found = commit_of(ask, ref)
    if ask.accepts("sha"):
        return Answer(200, raw=found.sha.encode(), content_type="application/vnd.github.sha; charset=utf-8")
    changes = ask.repo.changes(found.parents[0] if found.parents else None, found.sha)[:_COMMIT_FILES]
    size, number = ask.page_size(_FILES_A_PAGE, _FILES_A_PAGE), ask.page_number()
    ask.link(number, -(-len(changes) // size))
    files = [shapes.file(ask, change, found.sha) for change in changes[(number - 1) * size : number * size]]
    added, removed = (sum(shown[key] for shown in files) for key in ("additions", "deletions"))
    stats = {"total": added + removed, "additions": added, "deletions": removed}
    return shapes.commit(ask, found) | {"stats": stats, "files": files}


@get("commits", "contents")
def commits(ask: Ask) -> list[dict[str, Any]]:
    """List commits as git log does; `since` and `until` go by the committer's date."""
    filled(ask)
    repo, revision = ask.repo, ask.query.get("sha") or ask.repo.default_branch
    tip = repo.find(revision)
    if tip is None:
        raise Refused(404, "Not Found")
    path = ask.query.get("path", "").strip("/")

    def same(one: Commit, other: Commit | None) -> bool:
        return repo.objects.find(one.tree, path) == (repo.objects.find(other.tree, path) if other else None)

    found = repo.history.log_of(tip, same) if path else repo.history.log(tip)
    for key, sign in (("since", 1), ("until", -1)):
        if ask.query.get(key):
            limit = seconds(ask.query[key])
            found = [one for one in found if sign * (one.committed - limit) >= 0]
    return [shapes.commit(ask, one) for one in ask.page(found)]


@get("compare/{basehead}", "contents")
def compare(ask: Ask, basehead: str) -> dict[str, Any]:
    """Compare two commits: without paging the newest 250 commits, with it all of them, files on the first page only."""
    filled(ask)
    repo, history, (base, dots, head) = ask.repo, ask.repo.history, basehead.partition("...")
    ends = [repo.find(end) for end in (base, head)] if dots else [None]
    if None in ends:
        raise Refused(404, "Not Found")
    base_sha, head_sha = (str(end) for end in ends)
    bases = history.merge_bases(base_sha, head_sha)
    if not bases:
        raise Refused(404, f"No common ancestor between {base} and {head}.")
    found = repo.between(base_sha, head_sha)
    ahead, behind = len(found), history.count(base_sha, head_sha)
    changes: Sequence[Change] = repo.changes(bases[0], head_sha)[:_COMPARED_FILES]
    shown: Sequence[Commit] = found[-_COMPARED_COMMITS:]
    if "page" in ask.query or "per_page" in ask.query:
        shown = ask.page(found)
        changes = changes if ask.page_number() == 1 else []
    url, html = f"{ask.api}/compare/{quote(basehead)}", f"{ask.html}/{repo.full_name}/compare"
    return {
        "url": url,
        "html_url": f"{html}/{basehead}",
        "permalink_url": f"{html}/{repo.owner}:{base_sha[:7]}...{repo.owner}:{head_sha[:7]}",
        "diff_url": f"{html}/{basehead}.diff",
        "patch_url": f"{html}/{basehead}.patch",
        "base_commit": shapes.commit(ask, history.commits[base_sha]),
        "merge_base_commit": shapes.commit(ask, history.commits[bases[0]]),
        "status": ("diverged" if behind else "ahead") if ahead else ("behind" if behind else "identical"),
        "ahead_by": ahead,
        "behind_by": behind,
        "total_commits": ahead,
        "commits": [shapes.commit(ask, one) for one in shown],
        "files": [shapes.file(ask, change, head_sha) for change in changes],
    }


@get("commits/{commit_sha}/pulls", "pull_requests")
def pulls(ask: Ask, commit_sha: str) -> list[dict[str, Any]]:
    """List a commit's pull requests; just after a merge GitHub may not know them yet."""
    found = commit_of(ask, commit_sha)
    if ask.app.lagging(ask.repo, found.sha):
        return []
    return [shapes_pulls.pull(ask, pull) for pull in ask.page(ask.repo.pulls.of(found.sha))]
