"""Owns where a backfill's deployments come from: GitHub's deployment history, or a file of the workspace."""

from collections.abc import Callable
from datetime import datetime

from dx_action.backfill.csv_rows import csv_lines, pulls_among
from dx_action.backfill.file import notices, read_rows
from dx_action.backfill.rows import Fill
from dx_action.backfill.store import Rows
from dx_action.errors import BadInput, InvalidValue
from dx_action.github.client import Repository
from dx_action.inputs.model import Inputs
from dx_action.runner.runtime import Runtime
from dx_action.runner.workspace import Workspace


def open_rows(
    inputs: Inputs,
    runtime: Runtime,
    workspace: Workspace,
    repository: Repository,
    now: datetime,
    say: Callable[[str], None],
) -> tuple[Rows, tuple[str, ...]]:
    """Give every deployment of the backfill, all checked, and the notices about them, each a sentence.

    `repository` is the one whose history is read, a patient one. `now` is UTC. The rows hold a file open until nobody holds
    them. Raises BadInput with the first problems and LookupFailedError: nothing is sent.
    """
    if inputs.backfill_file:
        return _from_file(inputs.backfill_file, inputs, runtime, workspace, say)
    from dx_action.backfill.history import from_history  # noqa: PLC0415 - a file needs nothing of it

    return from_history(inputs, runtime, repository, now, say)


def write_csv(inputs: Inputs, rows: Rows, workspace: Workspace, scrubbed: Callable[[str], str]) -> tuple[str, ...]:
    """Write the rows to `csv-file`, which is replaced atomically, and give the notices about it. Raises BadInput.

    `scrubbed` gives a text without secrets.
    """
    try:
        with workspace.replacing(inputs.csv_file or "") as file:
            file.writelines(scrubbed(line.decode()).encode() for line in csv_lines(rows))
    except InvalidValue as wrong:
        raise BadInput.of("csv-file", str(wrong)) from None
    if count := pulls_among(rows):
        calls, are = ("1 call", "is") if count == 1 else (f"{count:,} calls", "are")
        return (f"{calls} of setPullServices cannot stand in a CSV of deployments, and {are} left out of it.",)
    return ()


def _from_file(
    path: str, inputs: Inputs, runtime: Runtime, workspace: Workspace, say: Callable[[str], None]
) -> tuple[Rows, tuple[str, ...]]:
    fill = _fill(inputs, runtime)
    try:
        with workspace.opened(path) as file:
            rows, counted = read_rows(path, file, fill)
    except InvalidValue as wrong:
        raise BadInput.of("backfill-file", str(wrong)) from None
    say(f"Read {len(rows):,} rows from {path}")
    return rows, notices(counted)


def _fill(inputs: Inputs, runtime: Runtime) -> Fill:
    """Give what fills empty cells. Raises BadInput where an input cannot be one row's."""
    if len(inputs.service) > 1:
        text = (
            "names several services, and a row of the `backfill-file` is the deployment of one. Name them in the file."
        )
        raise BadInput.of("service", text)
    if inputs.success == "skip":
        raise BadInput.of("success", "says that nothing was deployed, and the rows are deployments. Leave it out.")
    return Fill(
        own=runtime.repository,
        service=inputs.service[0] if inputs.service else None,
        repository=inputs.repository,
        integration_branch=inputs.integration_branch,
        environment=inputs.environment,
        success=inputs.success != "failure",
        source_url=inputs.source_url,
        source_name=inputs.source_name,
        metadata=inputs.metadata,
        method="deployments.upsert" if inputs.method == "upsert" else "deployments.create",
    )
