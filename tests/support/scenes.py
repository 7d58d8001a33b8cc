"""What the tests of look-ups share: a speaker to the stand-in GitHub, and events of a history that it holds."""

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import builders
from dx_action.github.client import Repository, Run
from dx_action.runner.event import Event, parse_event
from dx_action.runner.runtime import Clock
from dx_action.runner.workspace import Workspace
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
    speaker = Repository(
        repository, looking(gh.api_url, repository if own else "acme/own", token, clock), patient=patient
    )
    try:
        yield speaker
    finally:
        hang_up(speaker)


def looking(api_url: str, own: str = "acme/shop", token: str | None = None, clock: Clock | None = None) -> Run:
    """Make what look-ups need of a run in the repository `own`."""
    inputs = builders.inputs({"github-token": token} if token else {})
    runtime = builders.runtime("push_branch", api_url=api_url, repository=own)
    return Run(inputs, runtime, {}, Workspace(""), clock or fast_clock(), print, print)


def hang_up(speaker: Repository) -> None:
    """Close the connections, if there are any."""
    if "_requester" in vars(speaker):
        speaker._requester.close()


class Answering(Repository):
    """A repository about which `rest` answers whatever path is asked for, and `graphql` every query."""

    def __init__(self, rest: Callable[[str, dict[str, Any]], Any], graphql: Callable[[], Any] = dict) -> None:
        super().__init__("acme/shop", looking("http://127.0.0.1:9"), patient=True)
        self._requester = _Requester(rest, graphql)


class _Requester:
    """What a client needs of PyGithub's requester: each answer comes with its headers."""

    def __init__(self, rest: Callable[[str, dict[str, Any]], Any], graphql: Callable[[], Any]) -> None:
        self._rest, self._graphql = rest, graphql

    graphql_url = "/graphql"

    def requestJsonAndCheck(  # noqa: N802
        self, verb: str, url: str, parameters: dict[str, Any] | None = None, **_input: object
    ) -> tuple[dict[str, str], Any]:
        found = (
            self._rest(url.removeprefix("/repos/acme/shop/"), parameters or {}) if verb == "GET" else self._graphql()
        )
        return {}, found


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
