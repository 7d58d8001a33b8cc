"""Owns one run's sending: the connection, the pull requests before the deployments, and what is known of each at any moment."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from dx_action.dx.connect import connection
from dx_action.dx.failed_file import FailedFile
from dx_action.report.progress import Progress
from dx_action.runner.runtime import Clock

if TYPE_CHECKING:
    pass

# What the calls about pull requests may use of the time, so that the deployments get theirs.
_SHARE = 0.5


def send(progress: Progress, env: Mapping[str, str], clock: Clock, say: Callable[[str], None]) -> None:
    """Send what there is, within `timeout`. Raises BadInput where a file that an input names cannot be used, before any call."""
    from dx_action.dx.sender import LANES, Batch, Sender, Terms  # noqa: PLC0415 - only where something is sent

    inputs = progress.inputs
    if inputs is None:
        return
    FailedFile(progress.workspace, inputs.failed_file, progress.scrubbed).check()
    lanes = min(max(map(len, progress.groups), default=1), LANES)
    dx, warnings = connection(progress, inputs, env, clock, lanes)
    if progress.registration:
        progress.registration = replace(progress.registration, warnings=(*progress.registration.warnings, *warnings))
    say(f"Sending to {inputs.dx_host.base if inputs.dx_host else ''}, within {inputs.timeout:g} s:")
    end = clock.monotonic() + inputs.timeout
    for number, group in enumerate(progress.groups):
        if any(sender.reason == "unauthorized_before" for sender in progress.senders):
            return
        left = end - clock.monotonic()
        seconds = left if number == len(progress.groups) - 1 else left * _SHARE
        terms = Terms(timeout=seconds, lanes=min(len(group), LANES), on_conflict=inputs.on_conflict)
        batch = Batch(group)
        sender = Sender(batch, batch, dx, clock, terms, say=say)
        progress.batches.append(batch)
        progress.senders.append(sender)
        sender.run()
