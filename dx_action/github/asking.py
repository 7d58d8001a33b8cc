"""Owns making look-ups ready: which repository, by which token, trusting whom; GitHub is reached at the first one that needs it."""

import re
from collections.abc import Callable, Mapping
from functools import cache

from dx_action.errors import BadInput
from dx_action.github.client import Api, GitHub
from dx_action.github.contents import FilesAt
from dx_action.github.errors import Asker
from dx_action.github.lookups import Lookups
from dx_action.inputs.model import Inputs
from dx_action.runner.network import ca_file, read_ca_bundle
from dx_action.runner.runtime import Clock, Runtime
from dx_action.runner.workspace import Workspace

_GITHUB_NAME = re.compile(r"[A-Za-z0-9_-]+/[A-Za-z0-9._-]+")


def about(
    repository: str,
    own: bool,
    commit: str | None,
    inputs: Inputs,
    runtime: Runtime,
    env: Mapping[str, str],
    workspace: Workspace,
    clock: Clock,
    say: Callable[[str], None],
) -> Lookups:
    """Make the look-ups about a repository: whether it is the event's own, and at which commit its files count."""
    asker = asker_of(repository, inputs, runtime)
    api = api_of(asker, inputs, runtime, env, workspace, clock)
    files = FilesAt(workspace if own else None, workspace, api, repository, commit or "HEAD")
    return Lookups(inputs, files, api, asker, clock, say, runtime.run_id)


def asker_of(repository: str, inputs: Inputs, runtime: Runtime) -> Asker:
    """Say who lookups about a repository."""
    own_workflow = repository.casefold() == runtime.repository.casefold()
    return Asker(repository, own_workflow, inputs.github_token is not None)


def api_of(
    asker: Asker,
    inputs: Inputs,
    runtime: Runtime,
    env: Mapping[str, str],
    workspace: Workspace,
    clock: Clock,
    *,
    patient: bool = False,
) -> Callable[[], Api]:
    """Make the way to GitHub, which is gone at the first call. Where it is called, it raises BadInput for a foreign repository."""

    @cache
    def api() -> Api:
        if not _GITHUB_NAME.fullmatch(asker.repository):
            text = "is not a repository of GitHub, owner/name, and only there can be looked up what this step needs."
            raise BadInput.of("repository", text)
        found = GitHub(
            inputs.github_token,
            runtime.api_url,
            asker,
            clock,
            ca_file(env, read_ca_bundle(inputs.ca_bundle, workspace)),
        )
        found.patient = patient
        return found

    return api
