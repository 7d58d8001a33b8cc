"""Owns the JSON of what most answers share: users, repositories, commits, changed files, and the ids of nodes."""

import base64
import zlib
from typing import Any
from urllib.parse import quote

from stand_in.changes import Change, lines
from stand_in.history import Commit, Person
from stand_in.moments import text
from stand_in.repo import Repo
from stand_in.routes import Ask

_REPO_URLS = (
    "archive_url={archive_format}{/ref} assignees_url=assignees{/user} blobs_url=git/blobs{/sha} "
    "branches_url=branches{/branch} collaborators_url=collaborators{/collaborator} comments_url=comments{/number} "
    "commits_url=commits{/sha} compare_url=compare/{base}...{head} contents_url=contents/{+path} "
    "contributors_url=contributors deployments_url=deployments downloads_url=downloads events_url=events forks_url=forks "
    "git_commits_url=git/commits{/sha} git_refs_url=git/refs{/sha} git_tags_url=git/tags{/sha} hooks_url=hooks "
    "issue_comment_url=issues/comments{/number} issue_events_url=issues/events{/number} issues_url=issues{/number} "
    "keys_url=keys{/key_id} labels_url=labels{/name} languages_url=languages merges_url=merges "
    "milestones_url=milestones{/number} notifications_url=notifications{?since,all,participating} pulls_url=pulls{/number} "
    "releases_url=releases{/id} stargazers_url=stargazers statuses_url=statuses/{sha} subscribers_url=subscribers "
    "subscription_url=subscription tags_url=tags teams_url=teams trees_url=git/trees{/sha}"
)
_USER_URLS = (
    "followers_url=followers following_url=following{/other_user} gists_url=gists{/gist_id} "
    "starred_url=starred{/owner}{/repo} subscriptions_url=subscriptions organizations_url=orgs repos_url=repos "
    "events_url=events{/privacy} received_events_url=received_events"
)


def node_id(prefix: str, *parts: int | str) -> str:
    """Make the id of a node as GitHub does: MessagePack of its numbers, in base64."""
    packed = bytes([0x90 + len(parts) + 1, 0])
    for part in parts:
        if isinstance(part, str):
            packed += bytes([0xD9, len(part)]) + part.encode()
        else:
            packed += b"\xce" + part.to_bytes(4, "big") if part < 2**32 else b"\xcf" + part.to_bytes(8, "big")
    return f"{prefix}_{base64.urlsafe_b64encode(packed).decode().rstrip('=')}"


def user_id(login: str) -> int:
    """Return an account's number."""
    return 100_000 + zlib.crc32(login.encode()) % 200_000_000


def user(ask: Ask, login: str, kind: str = "") -> dict[str, Any]:
    """Write an account."""
    url, name = f"{ask.base}/users/{quote(login)}", login.removesuffix("[bot]")
    bot = name != login
    return {
        "login": login,
        "id": user_id(login),
        "node_id": node_id("BOT" if bot else "U", user_id(login)),
        "avatar_url": f"{ask.html}/avatars/u/{user_id(login)}",
        "gravatar_id": "",
        "url": url,
        "html_url": f"{ask.html}/apps/{name}" if bot else f"{ask.html}/{login}",
        **{key: f"{url}/{path}" for key, path in (pair.split("=") for pair in _USER_URLS.split())},
        "type": kind or ("Bot" if bot else "User"),
        "user_view_type": "public",
        "site_admin": False,
    }


def repository(ask: Ask, repo: Repo | None = None, full_name: str = "", *, full: bool = False) -> dict[str, Any]:
    """Write a repository, or by its name alone a fork of the one that is asked."""
    known = repo or ask.repo
    name = full_name or known.full_name
    owner, short = name.split("/")
    url, html = f"{ask.base}/repos/{name}", f"{ask.html}/{name}"
    number = known.id if name == known.full_name else known.id + 1
    shown: dict[str, Any] = {
        "id": number,
        "node_id": node_id("R", number),
        "name": short,
        "full_name": name,
        "private": known.private,
        "owner": user(ask, owner, "Organization" if name == known.full_name else ""),
        "html_url": html,
        "description": None,
        "fork": known.fork or name != known.full_name,
        "url": url,
        **{key: f"{url}/{path}" for key, path in (pair.split("=", 1) for pair in _REPO_URLS.split())},
        "git_url": f"git://localhost/{name}.git",
        "ssh_url": f"git@localhost:{name}.git",
        "clone_url": f"{html}.git",
        "svn_url": html,
        "mirror_url": None,
        "homepage": None,
        "language": None,
        **dict.fromkeys(("forks_count", "forks", "stargazers_count", "watchers_count", "watchers", "size"), 0),
        **dict.fromkeys(("open_issues_count", "open_issues"), 0),
        "default_branch": known.default_branch,
        **dict.fromkeys(("has_issues", "has_projects", "has_downloads", "has_wiki"), True),
        **dict.fromkeys(("has_pages", "has_discussions", "archived", "disabled", "is_template"), False),
        "topics": [],
        "visibility": "private" if known.private else "public",
        "license": None,
        "allow_forking": True,
        "web_commit_signoff_required": False,
        **{key: text(known.created) for key in ("created_at", "updated_at", "pushed_at")},
    }
    return shown | ({"subscribers_count": 0, "network_count": 0} if full else {})


def signature(who: Person, moment: int) -> dict[str, Any]:
    """Write who committed, and when."""
    return {"name": who.name, "email": who.email, "date": text(moment)}


def git_commit(ask: Ask, commit: Commit) -> dict[str, Any]:
    """Write what git itself knows of a commit."""
    return {
        "author": signature(commit.author, commit.authored),
        "committer": signature(commit.committer, commit.committed),
        "message": commit.message.rstrip("\n"),
        "tree": {"sha": commit.tree, "url": f"{ask.api}/git/trees/{commit.tree}"},
        "url": f"{ask.api}/git/commits/{commit.sha}",
        "verification": {
            "verified": False,
            "reason": "unsigned",
            "signature": None,
            "payload": None,
            "verified_at": None,
        },
    }


def parents(ask: Ask, commit: Commit, kind: str = "commits") -> list[dict[str, str]]:
    """Write a commit's parents."""
    html = f"{ask.html}/{ask.repo.full_name}/commit"
    return [{"sha": sha, "url": f"{ask.api}/{kind}/{sha}", "html_url": f"{html}/{sha}"} for sha in commit.parents]


def commit(ask: Ask, one: Commit) -> dict[str, Any]:
    """Write a commit as lists do."""
    url = f"{ask.api}/commits/{one.sha}"
    return {
        "sha": one.sha,
        "node_id": node_id("C", ask.repo.id, one.sha),
        "commit": git_commit(ask, one) | {"comment_count": 0},
        "url": url,
        "html_url": f"{ask.html}/{ask.repo.full_name}/commit/{one.sha}",
        "comments_url": f"{url}/comments",
        # Who is on GitHub with that address; someone unknown is null.
        "author": user(ask, one.author.login) if one.author.login else None,
        "committer": user(ask, one.committer.login) if one.committer.login else None,
        "parents": parents(ask, one),
    }


def file(ask: Ask, change: Change, at: str) -> dict[str, Any]:
    """Write a changed file, without its patch."""
    added, removed = lines(ask.repo.objects, change)
    entry, path = change.new or change.old, quote(change.path)
    html = f"{ask.html}/{ask.repo.full_name}"
    shown = {
        "sha": entry.sha if entry else None,
        "filename": change.path,
        "status": change.status,
        "additions": added,
        "deletions": removed,
        "changes": added + removed,
        "blob_url": f"{html}/blob/{at}/{path}",
        "raw_url": f"{html}/raw/{at}/{path}",
        "contents_url": f"{ask.api}/contents/{path}?ref={at}",
    }
    return shown | ({"previous_filename": change.previous} if change.previous else {})
