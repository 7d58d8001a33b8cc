"""Owns the endpoints of pull requests."""

import re
from typing import Any

from stand_in import shapes, shapes_pulls
from stand_in.pulls import Pull
from stand_in.routes import Ask, Refused, get

_FILES, _COMMITS = 3000, 250


def _pull(ask: Ask, number: str) -> Pull:
    found = ask.repo.pulls.by_number.get(int(number)) if re.fullmatch(r"[0-9]{1,9}", number) else None
    if found is None:
        raise Refused(404, "Not Found")
    return ask.repo.pulls.current(found)


@get("pulls", "pull_requests")
def pulls(ask: Ask) -> list[dict[str, Any]]:
    """List pull requests: the open ones unless `state` says otherwise, the newest first."""
    state, sort = ask.query.get("state", "open"), ask.query.get("sort", "created")
    if state not in ("open", "closed", "all"):
        raise Refused(
            422, "Validation Failed", errors=[{"resource": "PullRequest", "code": "invalid", "field": "state"}]
        )
    found = [pull for pull in ask.repo.pulls.all() if state in ("all", pull.state)]
    found = [pull for pull in found if ask.query.get("base") in (None, pull.base)]
    head = ask.query.get("head")
    found = [pull for pull in found if head in (None, f"{(pull.head_repo or '/').split('/')[0]}:{pull.head}")]
    down = ask.query.get("direction", "desc" if sort == "created" else "asc") == "desc"
    found.sort(key=lambda pull: (pull.updated if sort == "updated" else pull.created, pull.number), reverse=down)
    return [shapes_pulls.pull(ask, pull) for pull in ask.page(found)]


@get("pulls/{pull_number}", "pull_requests")
def pull(ask: Ask, pull_number: str) -> dict[str, Any]:
    """Get a pull request."""
    return shapes_pulls.whole_pull(ask, _pull(ask, pull_number))


@get("pulls/{pull_number}/files", "pull_requests")
def files(ask: Ask, pull_number: str) -> list[dict[str, Any]]:
    """List its changed files, 3,000 at most."""
    found = _pull(ask, pull_number)
    changes = ask.page(ask.repo.pulls.files(found), cap=_FILES)
    return [shapes.file(ask, change, found.head_sha) for change in changes]


@get("pulls/{pull_number}/commits", "pull_requests")
def commits(ask: Ask, pull_number: str) -> list[dict[str, Any]]:
    """List its commits, 250 at most."""
    found = ask.repo.pulls.commits(_pull(ask, pull_number))
    return [shapes.commit(ask, commit) for commit in ask.page(found, cap=_COMMITS)]
