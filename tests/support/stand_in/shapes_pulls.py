"""Owns the JSON of a pull request, in lists and by itself."""

from typing import Any

from stand_in import shapes
from stand_in.changes import lines
from stand_in.moments import optional, text
from stand_in.pulls import Pull
from stand_in.routes import Ask

# GitHub's next API version leaves these out.
_GONE = {"2026-03-10": ("merge_commit_sha", "assignee")}


def pull(ask: Ask, one: Pull) -> dict[str, Any]:
    """Write a pull request as lists do."""
    url, html = f"{ask.api}/pulls/{one.number}", f"{ask.html}/{ask.repo.full_name}/pull/{one.number}"
    issue, statuses = f"{ask.api}/issues/{one.number}", f"{ask.api}/statuses/{one.head_sha}"
    links = {
        "self": url,
        "html": html,
        "issue": issue,
        "comments": f"{issue}/comments",
        "review_comments": f"{url}/comments",
        "review_comment": f"{ask.api}/pulls/comments{{/number}}",
        "commits": f"{url}/commits",
        "statuses": statuses,
    }
    shown = {
        "url": url,
        "id": one.id,
        "node_id": shapes.node_id("PR", ask.repo.id, one.id),
        "html_url": html,
        "diff_url": f"{html}.diff",
        "patch_url": f"{html}.patch",
        "issue_url": issue,
        "number": one.number,
        "state": one.state,
        "locked": False,
        "title": one.title,
        "user": shapes.user(ask, one.user),
        "body": one.body,
        "created_at": text(one.created),
        "updated_at": text(one.updated),
        "closed_at": optional(one.closed),
        "merged_at": optional(one.merged_at),
        "merge_commit_sha": one.merge_commit_sha,
        "assignee": None,
        "assignees": [],
        "requested_reviewers": [],
        "requested_teams": [],
        "labels": [],
        "milestone": None,
        "draft": one.draft,
        "commits_url": links["commits"],
        "review_comments_url": links["review_comments"],
        "review_comment_url": links["review_comment"],
        "comments_url": links["comments"],
        "statuses_url": statuses,
        "head": _end(ask, one.head_repo, one.head, one.head_sha),
        "base": _end(ask, ask.repo.full_name, one.base, one.base_sha),
        "_links": {name: {"href": link} for name, link in links.items()},
        "author_association": "CONTRIBUTOR",
        "auto_merge": None,
        "active_lock_reason": None,
    }
    for key in _GONE.get(ask.headers.get("x-github-api-version", ""), ()):
        del shown[key]
    return shown


def whole_pull(ask: Ask, one: Pull) -> dict[str, Any]:
    """Write a pull request by itself."""
    changes = ask.repo.pulls.files(one)
    counts = [lines(ask.repo.objects, change) for change in changes]
    merged = one.merged_at is not None
    return pull(ask, one) | {
        "merged": merged,
        "mergeable": None if merged else one.merge_commit_sha is not None,
        "rebaseable": None,
        "mergeable_state": "unknown" if merged else "clean" if one.merge_commit_sha else "dirty",
        "merged_by": shapes.user(ask, one.merged_by) if one.merged_by else None,
        "comments": 0,
        "review_comments": 0,
        "maintainer_can_modify": False,
        "commits": len(ask.repo.pulls.commits(one)),
        "additions": sum(added for added, _ in counts),
        "deletions": sum(removed for _, removed in counts),
        "changed_files": len(changes),
    }


def _end(ask: Ask, full_name: str | None, branch: str, sha: str) -> dict[str, Any]:
    owner = (full_name or "unknown/repository").split("/")[0]
    organization = "Organization" if full_name == ask.repo.full_name else ""
    return {
        "label": f"{owner}:{branch}",
        "ref": branch,
        "sha": sha,
        "user": shapes.user(ask, owner, organization) if full_name else None,
        "repo": shapes.repository(ask, full_name=full_name) if full_name else None,
    }
