"""Owns the messages on calls that failed, and on those that DX held already: one for each kind. Pure."""

from collections import defaultdict
from collections.abc import Sequence
from typing import Any

from dx_action.deployment.calls import Result
from dx_action.deployment.registration import Registration
from dx_action.errors import Level
from dx_action.inputs.model import Inputs
from dx_action.text import join_names, one_line, truncate

# The runner keeps ten annotations of a level, and other problems need theirs.
MOST_KINDS = 8
_TOKENS = ("not_authed", "invalid_auth", "account_inactive", "http_401", "http_403")
ADVICE = {
    "not_authed": "DX saw no API token. Check that `dx-token` comes from a secret that this repository and event can read.",
    "invalid_auth": "DX does not accept the API token: it is wrong, expired or revoked. Create a Data Cloud API token in DX "
    "and store it in the secret that `dx-token` reads.",
    "account_inactive": "The DX account behind the API token is deactivated or suspended. Use a token of an active account.",
    "invalid_json": "DX could not parse the request. A proxy may have changed it; with a plain connection this is a bug of "
    "this action: please report it.",
    "required_params_missing": "DX misses a required value. Check `service`, `deployed-at`, and `repository` or "
    "`merge-commit-shas`.",
    "repo_not_found": "DX does not know the repository. Check its spelling and its prefix (organization, project), and that "
    "the repository is connected in DX; `repository` sets it by hand.",
    "reference_id_conflict": "DX already holds this `reference_id` with other values, and `on-conflict` is not `keep`.",
    "redirect": "The host answered with a redirect, which is never followed with a token. Check `dx-host`.",
    "not_ok": "DX answered without `ok: true` and gave no reason.",
    "unreadable_answer": "The answers were not JSON, as where a proxy or a login page stands before DX. Check `dx-host`.",
    "http_401": "The API token was refused. Check the secret that `dx-token` reads, and `dx-host`.",
    "http_403": "The API token may not do this. Check the rights of the token that `dx-token` reads, and any proxy's.",
    "http_404": "The host has no such API. Check that `dx-host` is your DX instance's own host.",
    "http_422": "DX refused the request and gave no reason that can be read. Check the inputs against what DX has.",
    "http_429": "DX asked for fewer requests, and for a longer wait than `timeout` leaves. Run this later, or raise `timeout`.",
    "certificate": "The host's certificate is not trusted. Check `dx-host`; for a private CA, give its PEM file as `ca-bundle`.",
    "connection_failed": "No connection to the host could be made. Check `dx-host`, the network and any proxy.",
    "connection_lost": "The connection broke before DX had answered.",
    "no_answer": "DX did not answer in time. Raise `timeout` where it is slow; else look whether it is down.",
    "request_impossible": "The request could not be made. Check `dx-host` and the proxy's variables.",
    "unauthorized_before": "It was not sent, because DX had refused the token.",
    "order_kept": "A deployment before it, of the same repository, service and environment, was not delivered, and they go in "
    "the order of time. Send both again.",
    "stopped_before": "The sending was ended, because what failed before would have failed here, too.",
    "out_of_time": "It was not sent, because `timeout` was used up.",
    "cancelled": "The job was cancelled before that was known.",
    "not_configured": "It was not sent, because an input that it needs is missing or cannot be used.",
}
# Where a code that nobody documented says less than the status it came with.
_TELLING = (401, 403, 429)


def failures(results: Sequence[Result], inputs: Inputs, registration: Registration) -> list[str]:
    """Give one message for each kind of failure among all results; what follows from a refused token is told with it."""
    kinds: dict[tuple[bool, str, str], list[Result]] = defaultdict(list)
    for result in results:
        if not result.delivered:
            kinds[bool(result.call.subject), result.outcome, result.error].append(result)
    refused = next((kind for kind in kinds if kind[2] in _TOKENS), None)
    if refused:
        for follows in [kind for kind in kinds if kind[1:] == ("not-sent", "unauthorized_before")]:
            kinds[refused] += kinds.pop(follows)
    messages = [_message(failed, results, inputs, registration) for failed in kinds.values()]
    if len(messages) <= MOST_KINDS:
        return messages
    return [
        *messages[: MOST_KINDS - 1],
        f"{len(messages) - MOST_KINDS + 1} more kinds of failure: see the output `results`.",
    ]


def troubles(registration: Registration) -> list[str]:
    """Say what kept pull requests from being told their services, so that no call was made for them."""
    return [
        f"The services of the pull request could not be set: {problem} The deployment is not held up by that. Once it is "
        "mended, run `operation: set-pull-services`."
        for problem in registration.problems
    ]


def _message(failed: Sequence[Result], results: Sequence[Result], inputs: Inputs, registration: Registration) -> str:
    first = failed[0]
    said = truncate(one_line(truncate(first.message))) if first.message else ""
    parts = [
        f"{_what(failed, results)}: {one_line(truncate(first.error, 100))}.",
        advise(first.error, first.http_status, said=bool(said)),
    ]
    if said:
        parts.append(f"DX says: {said}" + ("" if said.endswith((".", "!", "?", "…")) else "."))
    unknown, kept, again = (
        first.outcome == "unknown",
        inputs.failed_file,
        registration.repeatable or inputs.reference_id,
    )
    pulls = [result.call.json() for result in failed if result.call.subject]
    alone = len(pulls) == len(failed)
    clears = alone and not all(body["services"] for body in pulls)
    if alone:
        registers = any(not result.call.subject for result in results)
        step = "run this step again with the same inputs, or " if again or not registers else ""
        how = f"{step}{_by_request(len(failed), kept)}" if clears else _by_inputs(failed, pulls)
        parts.append(f"Only this is to be repeated, and no deployment: {how}.")
    elif unknown:
        where = f", from {kept}:" if kept else ", as the output `requests` has it:"
        parts.append(
            f"DX may hold it all the same. Send the same request again{where} with its `reference_id` it is registered once."
        )
        if not again:
            parts.append("Do not re-run the job for that: a re-run registers another deployment.")
    if kept and not clears and (alone or not unknown):
        parts.append(f"{'The request is' if len(failed) == 1 else 'The requests are'} kept in {kept}.")
    return " ".join(parts)


def _by_request(count: int, kept: str | None) -> str:
    """Say how a list is cleared: no inputs do it by hand, as without `service` the repository's own name is one."""
    request, are, them = ("its request", "is", "it") if count == 1 else ("their requests", "are", "them")
    return f"send {request}, " + (f"which {are} kept in {kept}" if kept else f"as the output `requests` has {them}")


def _by_inputs(failed: Sequence[Result], bodies: Sequence[dict[str, Any]]) -> str:
    """Say which inputs tell these pull requests their services."""
    named = "pull-number" if "#" in failed[0].call.subject else "pull-id"
    parts = [f"its `{named}`", "the same services"] if len(failed) == 1 else [f"the `{named}`", "the services of each"]
    parts += ["`replace-pull-services: true`"] if any(body.get("replace") for body in bodies) else []
    return f"run `operation: set-pull-services` with {', '.join(parts[:-1])} and {parts[-1]}"


def _what(failed: Sequence[Result], results: Sequence[Result]) -> str:
    pulls = sum(bool(result.call.subject) for result in failed)
    unknown = failed[0].outcome == "unknown"
    known = "It is not known whether DX" if unknown else "DX did not"
    if pulls == len(failed):
        return f"{known} set the services of {_names(failed)}"
    noun = "calls" if pulls else "deployments"
    total = sum(bool(pulls) or not result.call.subject for result in results)
    which = f"{len(failed)} of {total} {noun} ({_names(failed)})" if total > 1 else _names(failed)
    verb = ("took" if unknown else "take") if pulls else ("registered" if unknown else "register")
    return f"{known} {verb} {which}"


def already_held(
    registration: Registration, inputs: Inputs, results: Sequence[Result]
) -> tuple[tuple[Level, str], ...]:
    """Say that DX held something already: expected where the id is the event's, else worth a look."""
    held = [result for result in results if result.outcome == "already-registered"]
    if not held:
        return ()
    text = f"DX already holds this deployment of {_names(held)} under its `reference_id`, with other values, and keeps those. "
    if registration.repeatable:
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
    return join_names([result.call.label for result in results])


def advise(error: str, http_status: int | None, *, said: bool) -> str:
    """Give the sentence for an error; for one that nobody documented, its status's, or where to look next.

    `said`: DX gave a message.
    """
    if error in ADVICE:
        return ADVICE[error]
    if http_status == 408 or (http_status or 0) >= 500:
        return f"DX is unavailable: it answered every attempt with {http_status}. Try again later."
    # A 404 with a code of its own, such as deployment_not_found, comes from an API that is there.
    if http_status in _TELLING or (http_status == 404 and error == "not_found"):
        return ADVICE[f"http_{http_status}"]
    reason = "" if said else " It gave no reason."
    return f"DX refused the request, with a code that its documentation does not list.{reason}"
