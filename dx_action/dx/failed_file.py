"""The file of what DX may not have registered: one row a line, ready to be a `backfill-file`.

What fails is appended as it fails, so that a killed run leaves it behind. If the file is the `backfill-file` itself, which is being
read, it is replaced at the end.
"""

from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress

from dx_action.deployment.calls import Call
from dx_action.errors import InvalidValue, Problem, naming_input
from dx_action.runner.workspace import NotThere, Workspace

_CHUNK = 1 << 18


class FailedFile:
    """The file at `path`, if there is one. `scrubbed` removes secrets; `replaces`: the file is the one that is being read."""

    def __init__(
        self, workspace: Workspace, path: str | None, scrubbed: Callable[[str], str], *, replaces: bool = False
    ) -> None:
        self._workspace, self._path, self._scrubbed, self.replaces = workspace, path, scrubbed, replaces
        self.problem: Problem | None = None

    @property
    def path(self) -> str | None:
        """The path of the file, if it has all that it should."""
        return None if self.problem else self._path

    def check(self, *, dry_run: bool = False) -> None:
        """Make sure, before anything is sent, that the file can be written. A dry run makes no file. Raises BadInput."""
        with naming_input("failed-file"):
            if self._path and dry_run:
                with suppress(NotThere), self._workspace.opened(self._path):
                    pass
            elif self._path:
                self._workspace.append(self._path, b"")

    def add(self, call: Call) -> None:
        """Save a call that failed, at once."""
        if self._path and not self.replaces and not self.problem:
            self._guarded(lambda path: self._workspace.append(path, self._line(call)))

    def finish(
        self, unsent: Iterable[Call], undelivered: Iterable[Call], late: Callable[[], bool] = lambda: False
    ) -> None:
        """Save the rest: what was not sent is appended, or all that was not delivered replaces the file.

        Once it is `late`, it gives up: the same rows can be run again.
        """
        if not self._path or self.problem:
            return
        unsent, undelivered = (_timely(calls, late) for calls in (unsent, undelivered))
        if self.replaces:
            self._guarded(lambda path: self._write(path, undelivered))
        else:
            self._guarded(lambda path: self._append(path, unsent))

    def _append(self, path: str, calls: Iterable[Call]) -> None:
        lines, size = [], 0
        for call in calls:
            lines.append(self._line(call))
            size += len(lines[-1])
            if size >= _CHUNK:
                self._workspace.append(path, b"".join(lines))
                lines, size = [], 0
        if lines:
            self._workspace.append(path, b"".join(lines))

    def _write(self, path: str, calls: Iterable[Call]) -> None:
        with self._workspace.replacing(path) as file:
            file.writelines(map(self._line, calls))

    def _line(self, call: Call) -> bytes:
        return self._scrubbed(as_row(call)).encode() + b"\n"

    def _guarded(self, use: Callable[[str], None]) -> None:
        try:
            use(self._path or "")
        except InvalidValue as wrong:
            self.problem = Problem("failed-file", str(wrong))


def _timely(calls: Iterable[Call], late: Callable[[], bool]) -> Iterator[Call]:
    for call in calls:
        if late():
            raise InvalidValue(
                "does not hold all that was not sent, because a cancelled job has only seconds left. Run the same backfill again."
            )
        yield call


def as_row(call: Call) -> str:
    """Return the call as a row of a `backfill-file`: its body, with its method unless it is a creation."""
    method, body = call.method.removeprefix("deployments."), call.body.decode()
    return body if method == "create" else f'{body[:-1]}, "method": "{method}"}}'
