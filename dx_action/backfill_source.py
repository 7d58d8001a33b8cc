"""Owns where a backfill's deployments come from: GitHub's deployment history, or a file of the workspace."""

from collections.abc import Callable
from datetime import datetime

from dx_action.github import Api
from dx_action.inputs import Inputs
from dx_action.rows import Rows
from dx_action.runtime import Runtime
from dx_action.workspace import Workspace


def open_rows(
    inputs: Inputs,
    runtime: Runtime,
    workspace: Workspace,
    api: Callable[[], Api],
    now: datetime,
    say: Callable[[str], None],
) -> tuple[Rows, tuple[str, ...]]:
    """Give every deployment of the backfill, all checked, and the notices about them, each a sentence.

    `api` is called where the history is read; its answers must not have the 60 s of other look-ups. `now` is UTC. The rows
    hold a file open until nobody holds them. Raises BadInput with the first problems and LookupFailedError: nothing is sent.
    """
    raise NotImplementedError


def write_csv(inputs: Inputs, rows: Rows, workspace: Workspace) -> tuple[str, ...]:
    """Write the rows to `csv-file`, which is replaced atomically, and give the notices about it. Raises BadInput."""
    raise NotImplementedError
