"""Owns one run's sending: the connection, the pull requests before the deployments, and what is known of each at any moment."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from dx_action import report
from dx_action.calls import Call, Result, as_row
from dx_action.context import Context
from dx_action.delivery import Clock, Transport
from dx_action.errors import BadInput, Problem, Wrong
from dx_action.inert import short
from dx_action.inputs import Inputs, missing_connection
from dx_action.workspace import NotThere, Workspace

if TYPE_CHECKING:
    from dx_action.outbox import Outbox

# What the calls about pull requests may use of the time, so that the deployments get theirs.
_SHARE = 0.5


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
    context: Context | None = None
    first: tuple[Call, ...] = ()
    calls: tuple[Call, ...] = ()
    outboxes: "list[Outbox]" = field(default_factory=list)
    ending: Callable[[str], report.Report] | None = None

    @property
    def groups(self) -> list[tuple[Call, ...]]:
        """The calls that go together, in order."""
        return [group for group in (self.first, self.calls) if group]

    def results(self, reason: str) -> tuple[Result, ...]:
        """Give what became of each call; `reason` says why one has no end."""
        found: list[Result] = []
        for number, group in enumerate(self.groups):
            if number < len(self.outboxes):
                found += map(self.harmless, self.outboxes[number].results(reason))
            else:
                refused = any(outbox.unauthorized for outbox in self.outboxes)
                found += [
                    Result(call, "not-sent", error="unauthorized_before" if refused else reason) for call in group
                ]
        return tuple(found)

    def told(self, reason: str) -> report.Report | None:
        """Report what became of the calls, or None where there are none."""
        if self.ending:
            return self.ending(reason)
        if not self.groups or self.inputs is None or self.context is None:
            return None
        updates = [update for outbox in self.outboxes for update in outbox.updates]
        return report.sent(self.context, self.inputs, self.results(reason), updates, calls=(*self.first, *self.calls))

    def harmless(self, result: Result) -> Result:
        """Give the result with DX's words cut and without secrets."""
        # DX's words may quote the token, and have no end. They lose both before they are escaped, where the one is hard to find.
        error, message = short(self.scrubbed(result.error), 200), short(self.scrubbed(result.message), 4000)
        return replace(result, error=error, message=message)


def send(progress: Progress, env: Mapping[str, str], clock: Clock, say: Callable[[str], None]) -> None:
    """Send what there is, within `timeout`. Raises BadInput where a file that an input names cannot be used, before any call."""
    from dx_action.outbox import LANES, Outbox  # noqa: PLC0415 - only where something is sent

    inputs = progress.inputs
    if inputs is None:
        return
    can_keep(progress.workspace, inputs)
    lanes = min(max(map(len, progress.groups), default=1), LANES)
    dx, warnings = connection(progress, inputs, env, clock, lanes)
    if progress.context:
        progress.context = replace(progress.context, warnings=(*progress.context.warnings, *warnings))
    say(f"Sending to {inputs.dx_host.base if inputs.dx_host else ''}, within {inputs.timeout:g} s:")
    end = clock.monotonic() + inputs.timeout
    for number, group in enumerate(progress.groups):
        if any(outbox.unauthorized for outbox in progress.outboxes):
            return
        outbox = Outbox(group, dx, clock, on_conflict=inputs.on_conflict, say=say)
        progress.outboxes.append(outbox)
        left = end - clock.monotonic()
        outbox.run(left if number == len(progress.groups) - 1 else left * _SHARE)
        outbox.close()


def can_keep(workspace: Workspace, inputs: Inputs) -> None:
    """Make sure, before anything is sent, that `failed-file` can be written. Raises BadInput."""
    try:
        if inputs.failed_file:
            workspace.can_append(inputs.failed_file)
    except Wrong as wrong:
        raise BadInput.of("failed-file", str(wrong)) from None


def kept(told: report.Report, progress: Progress, *, soft: bool) -> report.Report:
    """Keep in `failed-file` what DX does not hold for certain: bodies only, one a line, ready to be sent."""
    path = progress.inputs.failed_file if progress.inputs else None
    if not path or not told.failed:
        return told
    lines = [progress.scrubbed(as_row(result.call)) + "\n" for result in told.failed]
    try:
        progress.workspace.append(path, "".join(lines).encode())
    except Wrong as wrong:
        return report.with_problem(told, Problem("failed-file", str(wrong)), lenient=soft)
    return told


def connection(
    progress: Progress, inputs: Inputs, env: Mapping[str, str], clock: Clock, lanes: int
) -> tuple[Transport, tuple[str, ...]]:
    """Prepare the connection for so many lanes, and give the warnings about it. Raises BadInput.

    What it needs is imported only here: a step that is skipped, or rehearsed, needs none.
    """
    from dx_action.dx import Dx  # noqa: PLC0415
    from dx_action.trust import proxies, tls_context  # noqa: PLC0415

    host, token = inputs.dx_host, inputs.dx_token
    if host is None or token is None:
        raise BadInput(*missing_connection({}))
    pem = _pem(progress, inputs.ca_bundle) if inputs.ca_bundle else None
    tls, warnings = tls_context(env, pem) if host.base.startswith("https:") else (None, ())
    return (progress.wire or Dx)(
        host,
        token,
        context=tls,
        proxies={} if host.loopback else proxies(env, host.base),
        monotonic=clock.monotonic,
        connections=lanes,
    ), warnings


def _pem(progress: Progress, path: str) -> bytes:
    """Read the CAs from the workspace, else from the repository. Raises BadInput, and what `fetch` raises."""
    try:
        return progress.workspace.read(path)
    except NotThere:
        found = progress.fetch(path)
    except Wrong as wrong:
        raise BadInput.of("ca-bundle", str(wrong)) from None
    if found is None:
        text = "names a file that is neither in the workspace nor in the deployed commit. Check its path."
        raise BadInput.of("ca-bundle", text)
    return found
