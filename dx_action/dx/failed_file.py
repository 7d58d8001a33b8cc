"""Owns what a backfill keeps in `failed-file`: what DX does not hold for certain, one row a line, ready to be sent.

What fails is appended as it fails, so that a killed run leaves it behind. Where the file is the `backfill-file` itself, which is
being read, it is written anew at the end.
"""

from collections.abc import Callable, Iterable, Iterator

from dx_action.deployment.calls import Call, as_row
from dx_action.errors import ActionError, BadInput, InvalidValue, Problem
from dx_action.inputs.model import Inputs
from dx_action.runner.workspace import Workspace

_CHUNK = 1 << 18


class Leftovers:
    """The file at `path`, or none. `scrubbed` gives a text without secrets; `anew`: it is the file that is being read."""

    def __init__(self, workspace: Workspace, path: str | None, scrubbed: Callable[[str], str], *, anew: bool) -> None:
        self._workspace, self._path, self._scrubbed, self._anew = workspace, path, scrubbed, anew
        self.problem: Problem | None = None

    @property
    def path(self) -> str | None:
        """The file that holds them, if one does."""
        return None if self.problem else self._path

    def add(self, call: Call) -> None:
        """Keep a call that failed, at once."""
        if self._path and not self._anew and not self.problem:
            self._guarded(lambda path: self._workspace.append(path, self._row(call)))

    def finish(
        self, unsent: Iterable[Call], undelivered: Iterable[Call], late: Callable[[], bool] = lambda: False
    ) -> None:
        """Keep the rest: in a file of its own what was not sent, else all that was not delivered, in the file's order.

        Once it is `late`, it gives up: the same rows can be run again.
        """
        if not self._path or self.problem:
            return
        unsent, undelivered = (_timely(calls, late) for calls in (unsent, undelivered))
        if self._anew:
            self._guarded(lambda path: self._write(path, undelivered))
        else:
            self._guarded(lambda path: self._append(path, unsent))

    def _append(self, path: str, calls: Iterable[Call]) -> None:
        lines, size = [], 0
        for call in calls:
            lines.append(self._row(call))
            size += len(lines[-1])
            if size >= _CHUNK:
                self._workspace.append(path, b"".join(lines))
                lines, size = [], 0
        if lines:
            self._workspace.append(path, b"".join(lines))

    def _write(self, path: str, calls: Iterable[Call]) -> None:
        with self._workspace.replacing(path) as file:
            file.writelines(map(self._row, calls))

    def _row(self, call: Call) -> bytes:
        return self._scrubbed(as_row(call)).encode() + b"\n"

    def _guarded(self, use: Callable[[str], None]) -> None:
        try:
            use(self._path or "")
        except InvalidValue as wrong:
            self.problem = Problem("failed-file", str(wrong))
        except ActionError as error:  # a row cannot be read again
            self.problem = error.problems[0]


def _timely(calls: Iterable[Call], late: Callable[[], bool]) -> Iterator[Call]:
    for call in calls:
        if late():
            raise InvalidValue(
                "does not hold all that was not sent, because a cancelled job has only seconds left. Run the same backfill again."
            )
        yield call


def can_keep(workspace: Workspace, inputs: Inputs) -> None:
    """Make sure, before anything is sent, that `failed-file` can be written. Raises BadInput."""
    try:
        if inputs.failed_file:
            workspace.can_append(inputs.failed_file)
    except InvalidValue as wrong:
        raise BadInput.of("failed-file", str(wrong)) from None
