"""Messages about calls that failed or were already registered, for a step and a backfill. Pure.

There is one message for each kind of failure. It says what failed, which error it was, what to check, and what DX said.
"""

import re
from collections import defaultdict
from collections.abc import Sequence
from typing import Any, get_args

from dx_action.deployment.calls import Result
from dx_action.deployment.registration import Registration
from dx_action.dx.answers import AUTH_CODES
from dx_action.errors import OUTAGES, Cause, Failure, Level, Server, is_cause
from dx_action.inputs.model import Inputs
from dx_action.text import join_names, one_line, plural, quoted, truncate

# The runner keeps ten annotations of a level, and other problems need theirs.
MOST_KINDS = 7
# After these, no further call is sent.
TOKEN_ERRORS = (*AUTH_CODES, "http_401", "http_403")
# By DX's documented codes, then by our own. No text of others is in it: a message adds that.
ADVICE = {
    "not_authed": "DX received no API token. Check that `dx-token` reads a secret that this repository and event can access.",
    "invalid_auth": "DX rejected the API token: it is wrong, expired or revoked. Create a Data Cloud API token in DX and store "
    "it in the secret that `dx-token` reads.",
    "account_inactive": "The DX account behind the API token is deactivated or suspended. Use a token of an active account.",
    "invalid_json": "DX could not parse the request. A proxy may have changed it; if there is no proxy, this is a bug in the "
    "action: please report it.",
    "required_params_missing": "A required value is missing. Check `service`, `deployed-at`, and `repository` or "
    "`merge-commit-shas`.",
    "repo_not_found": "DX could not find the repository. Check its spelling and prefix (organization, project), and that it is "
    "connected in DX. To send another name, set `repository`.",
    "deployment_not_found": "DX has no deployment with this `reference_id`. Compare it with the output `reference-id` or the log "
    "of the run that registered the deployment. One that was deleted has to be registered again.",
    "deployment_not_api_managed": "The deployment was not registered through DX's API, which therefore cannot correct it. "
    "Correct it in the system that DX imports it from.",
    "invalid_reference_id": "DX does not accept this `reference_id`. Copy the whole id from the output `reference-id` or the log "
    "of the run that registered the deployment.",
    "reference_id_conflict": "A deployment with this `reference_id` is already registered with other values. Set another "
    "`reference-id`, in a matrix one for each leg, or another `on-conflict`.",
    "redirect": "The host answered with a redirect, which is never followed with a token. Check `dx-host`.",
    "not_ok": "DX answered without `ok: true` and gave no reason. Check the inputs against the data in DX.",
    "unreadable_answer": "The answers were not JSON: a proxy or a login page may be answering instead of DX. Check `dx-host`.",
    "http_401": "The API token was rejected. Check the secret that `dx-token` reads, and `dx-host`.",
    "http_403": "The API token lacks permission, or a proxy blocked the request. Check the token's permissions and any proxy.",
    "http_404": "The host has no such API. Check that `dx-host` is the host of your own DX instance.",
    "http_422": "DX rejected the request and gave no readable reason. Check the inputs against the data in DX.",
    "http_429": "DX is rate-limiting and asked to wait longer than `timeout` allows. Raise `timeout`, or send it again later.",
    # The cause's own sentence, which names host and proxy, comes as the result's message.
    **{
        cause: Server("`dx-host`", "dx-host", "`HTTPS_PROXY`" if cause.startswith("proxy_") else "").sentence(cause)
        for cause in get_args(Cause)
    },
    "request_impossible": "The request could not be built. Check `dx-host` and the proxy variables.",
    "unauthorized_before": "Not sent, because DX rejected the token in an earlier call.",
    "order_kept": "Not sent, because an earlier deployment of the same repository, service and environment failed, or an "
    "earlier row of this one, and order matters.",
    "stopped_before": "Not sent, because it would have failed in the same way as the calls before it.",
    "out_of_time": "Not sent, because `timeout` was used up. Raise `timeout`.",
    "cancelled": "The job was cancelled before this call was finished.",
    "not_configured": "Not sent, because an input that it needs is missing or invalid.",
}
# Failures without an answer that pass without anyone's help, and what follows from such a failure. If they follow from another one,
# that one fails the step.
PASSING = (*OUTAGES, "unreadable_answer", "http_429", "order_kept", "stopped_before", "out_of_time")
Hint = tuple[Level, str]
_CODE = re.compile(r"[\w.-]+", re.ASCII)
# If DX's documentation does not list a code, these statuses say more than the code.
_TELLING_STATUSES = (401, 403, 429)
_VERBS = {
    "deployment": ("register", "registered"),
    "pull request": ("set the services of",) * 2,
    "update": ("update", "updated"),
    "deletion": ("delete", "deleted"),
}


def advise(error: str, http_status: int | None, *, said: bool) -> str:
    """Return what an error means and what to check. `said`: DX sent a message of its own."""
    if error in ADVICE:
        return ADVICE[error]
    if http_status == 408 or (http_status or 0) >= 500:
        return f"DX is unavailable: it answered every attempt with HTTP {http_status}. Try again later."
    # A 404 with a code of its own, such as deployment_not_found, comes from an API that exists.
    if http_status in _TELLING_STATUSES or (http_status == 404 and error == "not_found"):
        return ADVICE[f"http_{http_status}"]
    if error == f"http_{http_status}":
        return f"DX rejected the request with HTTP {http_status} and no error code. Check the inputs against the data in DX."
    reason = "" if said else " DX gave no reason."
    return f"DX rejected the request with an error code that its documentation does not list.{reason}"


def not_done(noun: str, which: str, *, unknown: bool) -> str:
    """Return the clause that DX did not do it: register a deployment, set a pull request's services, or accept a call."""
    verb, past = _VERBS.get(noun, ("accept", "accepted"))
    return f"It is unknown whether DX {past} {which}" if unknown else f"DX did not {verb} {which}"


def message(clause: str, error: str, http_status: int | None = None, words: str = "") -> str:
    """Return the message on a kind of failure. `words` are DX's own, or our sentence on why DX gave no answer."""
    words = truncate(one_line(truncate(words)))
    if words and is_cause(error):
        return f"{clause}: {error}. {words}"
    advice = advise(error, http_status, said=bool(words))
    stop = "" if words.endswith((".", "!", "?", "…")) else "."
    code = truncate(error, 100)
    code = code if _CODE.fullmatch(error) else quoted(code)
    return f"{clause}: {code}. {advice}" + (f" DX says: {quoted(words)}{stop}" if words else "")


def is_outage(result: Result) -> bool:
    """Return whether the failure is DX's or the network's doing, so that nobody has to change a setting."""
    status = result.http_status
    if status is None or status < 300 or result.error == "cancelled":
        return result.error in PASSING
    return status in (408, 429) or status >= 500


def is_absent(result: Result) -> bool:
    """Return whether DX answered a deletion with more than that it is done: it has no such deployment."""
    return result.call.method == "deployments.delete" and result.delivered and bool(result.error or result.message)


def limited(messages: list[Failure]) -> list[Failure]:
    """Return as many messages as the runner shows; the last one counts the rest."""
    if len(messages) <= MOST_KINDS:
        return messages
    kept, more = messages[: MOST_KINDS - 1], messages[MOST_KINDS - 1 :]
    text = f"{len(more)} more kinds of failure: see the summary and the log."
    return [*kept, Failure(text, all(each.outage for each in more))]


def saved_in(path: str) -> str:
    """Return where requests are, and what can be done with them there."""
    return f"saved in {one_line(path)}, ready to be sent as a `backfill-file`"


def already_registered(which: str) -> str:
    """Return the sentence on a conflict that changed nothing. `which` ends with a verb."""
    return f"{which} already registered in DX under the same `reference_id` with other values, which DX keeps."


def failures(results: Sequence[Result], inputs: Inputs, registration: Registration) -> list[Failure]:
    """Return one message for each kind of failure of a step; what a rejected token stopped belongs to that kind."""
    kinds: dict[tuple[bool, str, str], list[Result]] = defaultdict(list)
    for result in results:
        if not result.delivered:
            kinds[bool(result.call.subject), result.outcome, result.error].append(result)
    refused = next((kind for kind in kinds if kind[2] in TOKEN_ERRORS), None)
    if refused:
        for stopped in [kind for kind in kinds if kind[1:] == ("not-sent", "unauthorized_before")]:
            kinds[refused] += kinds.pop(stopped)
    messages, same_id = [], _how_to_keep_the_id(registration, inputs)
    for failed in kinds.values():
        parts = [_message(failed, results), *_what_to_do(failed, results, inputs, registration)]
        if not failed[0].call.subject:
            parts, same_id = [*parts, *same_id], []
        messages.append(Failure(" ".join(parts), all(map(is_outage, failed))))
    return limited(messages)


def unset_services(registration: Registration) -> list[Failure]:
    """Return why the services of pull requests cannot be set, so that there is no call for them."""
    return [
        Failure(
            f"The services of the pull request could not be set: {problem} The deployment itself is not affected. Once this is "
            "fixed, run `operation: set-pull-services`.",
            problem.outage,
        )
        for problem in registration.problems
    ]


def conflicts(registration: Registration, inputs: Inputs, results: Sequence[Result]) -> tuple[Hint, ...]:
    """Return the hint on what was already registered: expected if the id is the event's, else worth a look."""
    already = [result for result in results if result.outcome == "already-registered"]
    if not already:
        return ()
    # An id that is derived has the outcome in it: DX has the same one.
    failed = "failed " if registration.failed and not inputs.reference_id else ""
    which = f"The {failed}deployment of {{}} is" if len(already) == 1 else f"The {failed}deployments of {{}} are"
    text = already_registered(which.format(names_of(already)))
    if registration.repeatable:
        cure = (
            "That is expected if the same event is handled again. If it is another deployment, for example of a reusable "
            "workflow that is called twice, set a different `environment` or `reference-id` for each."
        )
        return (("notice", f"{text} {cure}"),)
    corrects = "if it corrects the first one, set `on-conflict: update`."
    if not inputs.reference_id:
        cure = f"If this is another deployment, set another `reference-id`; {corrects}"
        return (("warning", f"{text} The id comes from this job. {cure}"),)
    leg = (
        f" This is the matrix leg of index {inputs.job_index}."
        if re.fullmatch("[1-9][0-9]{0,3}", inputs.job_index)
        else ""
    )
    cure = (
        "If this is another deployment, set another `reference-id`: in a matrix, add what differs between its legs, as in "
        f"`${{{{ matrix.service }}}}`; {corrects}"
    )
    outcome = (
        f"One of these values may be `success`, which is `{str(registration.success.value).lower()}` in this step."
    )
    return (("warning", f"{text}{leg} The id comes from the input `reference-id`. {outcome} {cure}"),)


def _message(failed: Sequence[Result], results: Sequence[Result]) -> str:
    first, pulls = failed[0], sum(bool(result.call.subject) for result in failed)
    noun = "pull request" if pulls == len(failed) else "call" if pulls else "deployment"
    total, which = sum(bool(pulls) or not result.call.subject for result in results), names_of(failed)
    if total > 1 and noun != "pull request":
        which = f"{len(failed):,} of {plural(total, noun)} ({which})"
    clause = not_done(noun, which, unknown=first.outcome == "unknown")
    return message(clause, first.error, first.http_status, first.message)


def _what_to_do(
    failed: Sequence[Result], results: Sequence[Result], inputs: Inputs, registration: Registration
) -> list[str]:
    path, alone = inputs.failed_file, len(failed) == 1
    it, request, its, are = ("it", "request", "its", "is") if alone else ("them", "requests", "each", "are")
    saved = [f"The {request} {are} {saved_in(path)}."] if path else []
    same_ids = _keeps_ids(registration, inputs)
    bodies = [result.call.json() for result in failed if result.call.subject]
    if len(bodies) < len(failed):
        if failed[0].outcome != "unknown":
            return saved
        source = one_line(path) if path else "the log or the summary"
        again = f"Send the same {request} again from {source}: {its} `reference_id` is registered only once."
        rerun = "" if same_ids else " Do not re-run the job for that: it would register another deployment."
        return [f"DX may have registered {it}. {again}{rerun}"]
    only = f"Repeat only {'this call' if alone else 'these calls'}, and no deployment:"
    if all(body["services"] for body in bodies):
        return [f"{only} {_by_inputs(failed, bodies)}.", *saved]
    # No input clears the services of a pull request: without `service`, the repository's own name is one.
    repeatable = same_ids or all(result.call.subject for result in results)
    step = "run this step again with the same inputs, or " if repeatable else ""
    where = f", which {are} {saved_in(path)}" if path else " from the log or the summary"
    return [f"{only} {step}send {'its' if alone else 'their'} {request}{where}."]


def _keeps_ids(registration: Registration, inputs: Inputs) -> bool:
    """Return whether the job, run again, sends the same ids."""
    return registration.repeatable or bool(inputs.reference_id)


def _how_to_keep_the_id(registration: Registration, inputs: Inputs) -> list[str]:
    ids, services = registration.reference_ids.value, registration.services.value
    if not ids or _keeps_ids(registration, inputs):
        return []
    # Several services add themselves to the id that the input names.
    given = ids[0].removesuffix(f"/{services[0].identifier}") if len(services) > 1 else ids[0]
    keep = f"set `reference-id: {one_line(given)}` and `deployed-at: {registration.deployed_at.value}` there."
    return [f"Another run has another id. To keep this one, {keep}"]


def _by_inputs(failed: Sequence[Result], bodies: Sequence[dict[str, Any]]) -> str:
    named = "pull-number" if "#" in failed[0].call.subject else "pull-id"
    parts = [f"its `{named}`", "the same services"] if len(failed) == 1 else [f"the `{named}`", "the services of each"]
    parts += ["`replace-pull-services: true`"] if any(body.get("replace") for body in bodies) else []
    return f"run `operation: set-pull-services` with {', '.join(parts[:-1])} and {parts[-1]}"


def names_of(results: Sequence[Result]) -> str:
    """Return what the results are of: the first names, and how many more."""
    return join_names([result.call.label for result in results])
