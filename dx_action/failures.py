"""Owns the messages on calls that failed, and on those that DX held already: one for each kind. Pure."""

from collections import defaultdict
from collections.abc import Sequence

from dx_action.advice import advise
from dx_action.calls import Level, Result
from dx_action.context import Context
from dx_action.inert import inert, listed, short
from dx_action.inputs import Inputs

# The runner keeps ten annotations of a level, and other problems need theirs.
MOST_KINDS = 8
_TOKENS = ("not_authed", "invalid_auth", "account_inactive", "http_401", "http_403")


def failures(failed: Sequence[Result], total: int, inputs: Inputs, context: Context) -> list[str]:
    """Give one message for each kind of failure; what follows from a refused token is told with it."""
    kinds: dict[tuple[bool, str, str], list[Result]] = defaultdict(list)
    for result in failed:
        kinds[bool(result.call.subject), result.outcome, result.error].append(result)
    refused = next((kind for kind in kinds if kind[2] in _TOKENS), None)
    if refused:
        for follows in [kind for kind in kinds if kind[1:] == ("not-sent", "unauthorized_before")]:
            kinds[refused] += kinds.pop(follows)
    messages = [_message(results, total, inputs, context) for results in kinds.values()]
    if len(messages) <= MOST_KINDS:
        return messages
    return [
        *messages[: MOST_KINDS - 1],
        f"{len(messages) - MOST_KINDS + 1} more kinds of failure: see the output `results`.",
    ]


def troubles(context: Context) -> list[str]:
    """Say what kept pull requests from being told their services, so that no call was made for them."""
    return [
        f"The services of the pull request could not be set: {problem} The deployment is not held up by that. Once it is "
        "mended, run `operation: set-pull-services`."
        for problem in context.trouble
    ]


def _message(results: Sequence[Result], total: int, inputs: Inputs, context: Context) -> str:
    first = results[0]
    said = short(inert(short(first.message))) if first.message else ""
    parts = [
        f"{_what(results, total)}: {inert(short(first.error, 100))}.",
        advise(first.error, first.http_status, said=bool(said)),
    ]
    if said:
        parts.append(f"DX says: {said}" + ("" if said.endswith((".", "!", "?", "…")) else "."))
    unknown, kept = first.outcome == "unknown", inputs.failed_file
    if all(result.call.subject for result in results):
        named = "pull-number" if "#" in first.call.subject else "pull-id"
        how = f"its `{named}` and the same services" if len(results) == 1 else f"the `{named}` and the services of each"
        parts.append(f"Only this is to be repeated, and no deployment: run `operation: set-pull-services` with {how}.")
    elif unknown:
        where = f", from {kept}:" if kept else ", as the output `requests` has it:"
        parts.append(
            f"DX may hold it all the same. Send the same request again{where} with its `reference_id` it is registered once."
        )
        if not (context.repeatable or inputs.reference_id):
            parts.append("Do not re-run the job for that: a re-run registers another deployment.")
    if kept and (not unknown or first.call.subject):
        parts.append(f"{'The request is' if len(results) == 1 else 'The requests are'} kept in {kept}.")
    return " ".join(parts)


def _what(results: Sequence[Result], total: int) -> str:
    pulls = sum(bool(result.call.subject) for result in results)
    unknown = results[0].outcome == "unknown"
    known = "It is not known whether DX" if unknown else "DX did not"
    if pulls == len(results):
        return f"{known} set the services of {_names(results)}"
    noun = "calls" if pulls else "deployments"
    which = f"{len(results)} of {total} {noun} ({_names(results)})" if total > 1 else _names(results)
    verb = ("took" if unknown else "take") if pulls else ("registered" if unknown else "register")
    return f"{known} {verb} {which}"


def already_held(context: Context, inputs: Inputs, results: Sequence[Result]) -> tuple[tuple[Level, str], ...]:
    """Say that DX held something already: expected where the id is the event's, else worth a look."""
    held = [result for result in results if result.outcome == "already-registered"]
    if not held:
        return ()
    text = f"DX already holds this deployment of {_names(held)} under its `reference_id`, with other values, and keeps those. "
    if context.repeatable:
        again = (
            "That is expected where the same event is handled again. Where it was another deployment, as of a reusable "
            "workflow that is called twice, give each its `environment` or `reference-id`."
        )
        return (("notice", text + again),)
    whose = "the `reference-id` you gave" if inputs.reference_id else "this very job"
    return (
        (
            "warning",
            text + f"The id is that of {whose}: where this is another deployment, give it another `reference-id`; "
            "where it corrects the first, set `on-conflict: update`.",
        ),
    )


def _names(results: Sequence[Result]) -> str:
    return listed([result.call.label for result in results])
