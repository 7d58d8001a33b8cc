"""What the tests of look-ups share: a speaker to the stand-in GitHub, and events of a history that it holds."""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from pydantic import SecretStr

import builders
from dx_action.github.client import Repository
from dx_action.runner.event import Event, parse_event
from dx_action.runner.runtime import Clock
from runner import fast_clock
from stand_in import GitHub, Pull, Repo

NOTHING = "0" * 40


@contextmanager
def speaking(
    gh: GitHub,
    repository: str = "acme/shop",
    *,
    token: str | None = "github-token",
    own: bool = True,
    clock: Clock | None = None,
    patient: bool = False,
) -> Iterator[Repository]:
    """Speak to the stand-in about a repository, and give the connections back."""
    secret = SecretStr(token) if token else None
    speaker = Repository(repository, secret, gh.api_url, clock or fast_clock(), own=own, patient=patient)
    try:
        yield speaker
    finally:
        speaker.close()


def asked(gh: GitHub, repository: str = "acme/shop") -> list[str]:
    """Give what the stand-in was asked, in order: each path below the repository, with the page where there is one."""
    found = []
    for call in gh.calls:
        page = f" {call.query['page']}" if "page" in call.query else ""
        found.append(call.path.removeprefix(f"/repos/{repository}/") + page)
    return found


def merge_payload(repo: Repo, pull: Pull, changes: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """Write the payload of a pull request's merge."""
    told = {
        "number": pull.number,
        "repository.full_name": repo.full_name,
        "repository.default_branch": repo.default_branch,
        "pull_request.id": pull.id,
        "pull_request.number": pull.number,
        "pull_request.merge_commit_sha": pull.merge_commit_sha,
        "pull_request.base.ref": pull.base,
        "pull_request.base.sha": pull.base_sha,
        "pull_request.base.repo.full_name": repo.full_name,
        "pull_request.head.sha": pull.head_sha,
        "pull_request.head.repo.full_name": pull.head_repo,
        "pull_request.changed_files": len(repo.pulls.files(pull)),
        "pull_request.html_url": f"https://github.com/{repo.full_name}/pull/{pull.number}",
    }
    return builders.payload("pull_request_merged", {**told, **(changes or {})})


def push_payload(repo: Repo, before: str, branch: str = "main") -> dict[str, Any]:
    """Write the payload of the push that moved a branch to where it is now."""
    after = repo.rev(branch)
    told = {
        "ref": f"refs/heads/{branch}",
        "before": before,
        "after": after,
        "head_commit.id": after,
        "repository.full_name": repo.full_name,
        "repository.default_branch": repo.default_branch,
    }
    return builders.payload("push_branch", told)


def event(name: str, payload: dict[str, Any]) -> Event:
    """Read an event as the action does."""
    return parse_event(name, payload)


def told(folder: Path, gh: GitHub, repo: Repo, payload: dict[str, Any] | None = None, **more: str) -> dict[str, str]:
    """Give the runner's variables of a run in this repository, the payload in a file."""
    env = {**gh.env, "GITHUB_REPOSITORY": repo.full_name, "GITHUB_SHA": repo.rev(repo.default_branch), **more}
    if payload is not None:
        file = folder / f"event{len(list(folder.glob('event*.json')))}.json"
        file.write_text(json.dumps(payload), encoding="utf-8")
        env["GITHUB_EVENT_PATH"] = str(file)
    return env
