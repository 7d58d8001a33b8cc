"""Owns the messages on calls that failed, and on those that DX held already: one for each kind. Pure."""

from collections import defaultdict
from collections.abc import Sequence

from dx_action.advice import RESEND, advise
from dx_action.calls import Level, Result
from dx_action.context import Context
from dx_action.inert import inert, short
from dx_action.inputs import Inputs

MOST_NAMES = 10
_TOKENS = ("not_authed", "invalid_auth", "account_inactive", "http_401", "http_403")


def failures(failed: Sequence[Result], total: int, inputs: Inputs) -> list[str]:
    """Give one message for each kind of failure; what follows from a refused token is told with it."""
    kinds: dict[tuple[str, str], list[Result]] = defaultdict(list)
    for result in failed:
        kinds[result.outcome, result.error].append(result)
    messages = []
    for (outcome, error), results in kinds.items():
        if error == "unauthorized_before" and any(kind in _TOKENS for _, kind in kinds):
            continue
        which = f"{len(results)} of {total} deployments ({_names(results)})" if total > 1 else _names(results)
        state = "It is not known whether DX registered" if outcome == "unknown" else "DX did not register"
        parts = [f"{state} {which}: {error}.", advise(error)]
        if results[0].message:
            parts.append(f"DX says: {short(inert(results[0].message))}")
        if outcome == "unknown":
            parts.append(RESEND)
        elif inputs.failed_file:
            parts.append(f"The request is kept in {inputs.failed_file}.")
        messages.append(" ".join(parts))
    return messages


def already_held(context: Context, inputs: Inputs, results: Sequence[Result]) -> tuple[tuple[Level, str], ...]:
    """Say that DX held something already: expected where the id is the event's, else worth a look."""
    held = [result for result in results if result.outcome == "already-registered"]
    if not held:
        return ()
    text = f"DX already holds this deployment of {_names(held)} under its `reference_id`, with other values, and keeps its first. "
    if context.repeatable:
        return (("notice", text + "That is expected where the same event is handled again."),)
    whose = "the `reference-id` you gave" if inputs.reference_id else "this very job"
    return (
        (
            "warning",
            text + f"The id is that of {whose}: where this is another deployment, give it another `reference-id`; "
            "where it corrects the first, set `on-conflict: update`.",
        ),
    )


def _names(results: Sequence[Result]) -> str:
    shown = ", ".join(short(result.call.service, 80) for result in results[:MOST_NAMES])
    return shown + (f" and {len(results) - MOST_NAMES} more" if len(results) > MOST_NAMES else "")
