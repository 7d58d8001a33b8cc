"""How far a run has come, so that it can be told at any moment."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from dx_action.deployment.calls import Call, Result
from dx_action.deployment.registration import Registration
from dx_action.dx.delivery import Transport
from dx_action.dx.failed_file import FailedFile
from dx_action.inputs.model import Inputs
from dx_action.report import endings as report
from dx_action.runner.workspace import Workspace
from dx_action.text import truncate

if TYPE_CHECKING:
    from dx_action.dx.sender import Batch, Sender


@dataclass(slots=True)
class Progress:
    """How far a run has come, for when it ends early. `first` are the calls that go before `calls`.

    `ending` tells of a backfill, which has no such lists; `wire` is as in `main`; `fetch` gives a file of the repository.
    """

    workspace: Workspace
    scrubbed: Callable[[str], str]
    wire: Callable[..., Transport] | None = None
    fetch: Callable[[str], bytes | None] = lambda _: None
    inputs: Inputs | None = None
    registration: Registration | None = None
    first: tuple[Call, ...] = ()
    calls: tuple[Call, ...] = ()
    batches: "list[Batch]" = field(default_factory=list)
    senders: "list[Sender]" = field(default_factory=list)
    ending: Callable[[str], report.Report] | None = None

    @property
    def groups(self) -> list[tuple[Call, ...]]:
        """The calls that go together, in order."""
        return [group for group in (self.first, self.calls) if group]

    def results(self, reason: str) -> tuple[Result, ...]:
        """Give what became of each call; `reason` says why one has no end."""
        found: list[Result] = []
        for sender in self.senders:
            sender.close(reason)
        for number, group in enumerate(self.groups):
            if number < len(self.senders):
                found += map(self.harmless, self.batches[number].results(self.senders[number].reason))
            else:
                refused = any(sender.reason == "unauthorized_before" for sender in self.senders)
                found += [
                    Result(call, "not-sent", error="unauthorized_before" if refused else reason) for call in group
                ]
        return tuple(found)

    def told(self, reason: str) -> report.Report | None:
        """Report what became of the calls, or None where there are none."""
        if self.ending:
            return self.ending(reason)
        if not self.groups or self.inputs is None or self.registration is None:
            return None
        calls, results = (*self.first, *self.calls), self.results(reason)
        updates = [result.call for call, result in zip(calls, results, strict=True) if result.call != call]
        return report.sent(self.registration, self.inputs, results, updates, calls=calls)

    def harmless(self, result: Result) -> Result:
        """Give the result with DX's words cut and without secrets."""
        # DX's words may quote the token, and have no end. They lose both before they are escaped, where the one is hard to find.
        error, message = truncate(self.scrubbed(result.error), 200), truncate(self.scrubbed(result.message), 4000)
        return replace(result, error=error, message=message)


def saved(told: report.Report, progress: Progress, *, fail_on_error: bool) -> report.Report:
    """Save in `failed-file` what DX does not hold for certain, and return the report with what was wrong with that."""
    path = progress.inputs.failed_file if progress.inputs else None
    if not path or not told.failed:
        return told
    failed_file = FailedFile(progress.workspace, path, progress.scrubbed)
    failed_file.finish([result.call for result in told.failed], ())
    if failed_file.problem:
        return report.with_problem(told, failed_file.problem, fail_on_error=fail_on_error)
    return told
