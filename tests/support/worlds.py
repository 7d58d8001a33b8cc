"""A monorepo on the stand-in for GitHub, a sandbox for DX, and a folder in which steps run."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dx_action.sandbox import Sandbox
from gfm import check_summary
from runner import TOKEN, Run, Step, connected
from scenes import asked, merge_payload, push_payload, told
from stand_in import GitHub, Pull, Repo

MAP = "a: [a/**]\nb:\n  name: Service B\n  paths: [b/**]\n"
IN_FILE, INLINE = {"service-map": "ci/services.yml"}, {"service-map": MAP}
SET, ALSO, REPLACE = (
    {"operation": "set-pull-services"},
    {"set-pull-services": "true"},
    {"replace-pull-services": "true"},
)
A, B = {"identifier": "a"}, {"identifier": "b", "name": "Service B"}
GH = "ghs-of-the-tests"
METHODS = {"create": "deployments.create", "set": "deployments.setPullServices"}


@dataclass
class World:
    """A repository on GitHub, a DX, and a folder in which steps run."""

    folder: Path
    repo: Repo
    gh: GitHub
    dx: Sandbox

    def step(
        self,
        event: str,
        payload: dict[str, Any] | None,
        given: Mapping[str, str],
        token: str | None = None,
        **env: str | None,
    ) -> Run:
        """Run a step, with another token than GitHub's if one is given; the calls to GitHub before it are forgotten."""
        self.gh.reset_calls()
        inputs = connected(self.dx, service="") | dict(given)
        variables = told(self.folder, self.gh, self.repo, payload) | env
        token = self.gh.token if token is None else token
        run = Step(self.folder, inputs, event, variables, github_token=token).inside()
        check_summary(run.summary)
        return run

    def merged(self, pull: Pull, given: Mapping[str, str], **changes: Any) -> Run:
        """Run a step for a pull request's merge."""
        return self.step("pull_request_merged", merge_payload(self.repo, pull, changes), given)

    def pushed(self, before: str, given: Mapping[str, str]) -> Run:
        """Run a step for a push."""
        return self.step("push_branch", push_payload(self.repo, before), given)

    def ship(self, *paths: str, how: Any = "squash") -> Pull:
        """Merge a pull request that changes these files."""
        number = len(self.repo.pulls.by_number) + 1
        return self.repo.pulls.ship(dict.fromkeys(paths, f"{number}"), how=how)

    def write(self, path: str, text: str | bytes) -> None:
        """Put a file into the workspace."""
        file = self.folder / "workspace" / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(text.encode() if isinstance(text, str) else text)

    @property
    def asked(self) -> list[str]:
        """What GitHub was asked."""
        return asked(self.gh, self.repo.full_name)

    @property
    def sent(self) -> list[tuple[str, Any]]:
        """What DX was sent: the method, and of a pull request its services, of a deployment its service."""
        found: list[tuple[str, Any]] = []
        for request in self.dx.requests():
            body = request["json"]
            found.append((request["path"].rpartition(".")[2], body.get("services", body.get("service"))))
        return found


def begun(folder: Path, repo: Repo) -> Iterator[World]:
    """Give a world in which the repository has its first commit, with a map of two services."""
    repo.commit({"README.md": "Shop", "a/x": "0", "b/x": "0", "ci/services.yml": MAP})
    with GitHub(repo, token=GH) as gh, Sandbox(token=TOKEN) as dx:
        yield World(folder, repo, gh, dx)


def errors(run: Run) -> list[str]:
    return [message for level, message in run.annotations if level == "error"]
