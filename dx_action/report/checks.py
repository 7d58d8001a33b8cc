"""What a check found, each thing that could be wrong as one value: its outcome, and a message with the cure. Pure."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from dx_action.deployment.calls import Call
from dx_action.deployment.registration import Registration
from dx_action.deployment.trigger import Skipped
from dx_action.dx.answers import AUTH_CODES, Verdict
from dx_action.errors import ActionError, Problem
from dx_action.report.failures import ADVICE, PASSING, advise
from dx_action.services.coverage import Coverage
from dx_action.text import join_names, one_line, plural, quoted, truncate

Outcome = Literal["ok", "warning", "failed"]
# Each line's name, and what it is about.
NAMES = {
    "inputs": "every input: what cannot be used, what is none, and what has no effect",
    "failed-file": "whether the file can be written",
    "ca-bundle": "whether the file has certificates",
    "event": "whether this event registers a deployment",
    "github": "whether GitHub is reached, if anything is to be looked up",
    "github-contents": "the permission `contents: read`, if it is needed",
    "github-pull-requests": "the permission `pull-requests: read`, if it is needed",
    "github-deployments": "the permission `deployments: read`, if it is needed",
    "deployment": "what would be registered, as in a dry run",
    "service-map": "whether the service map can be read",
    "services-from": "whether CODEOWNERS, or every `catalog-info.yaml`, can be read",
    "patterns": "patterns that match no file of the deployed commit",
    "services": "services that own no file",
    "unowned-files": "how many files belong to no service, and their largest folders",
    "connection": "whether DX is reached: its name, the proxy, the connection and TLS",
    "token": "whether DX accepts the token",
    "check": "only if the job was cancelled: that not everything was checked",
}
_CONTINUES = "Not tried, because"
_EVENTS = (
    "A push, a merged pull request, a deployment's status, a release, a completed workflow run or a manual run would."
)
_MOST_NAMES = 20


@dataclass(frozen=True, slots=True)
class Check:
    """One line. `outage`: it passes without anyone's help, because it is a server's or the network's doing."""

    name: str
    outcome: Outcome
    message: str
    outage: bool = False


CANCELLED = Check("check", "failed", "The job was cancelled before everything was checked.")


def untried(name: str, because: str) -> Check:
    """Return the line on what depends on another one that failed; `because` completes the sentence."""
    return Check(name, "warning", f"{_CONTINUES} {because}")


def failed(name: str, error: ActionError) -> tuple[Check, ...]:
    """Return a line for each problem."""
    return tuple(Check(name, "failed", str(problem), problem.outage) for problem in error.problems)


def warned(name: str, texts: Iterable[str]) -> tuple[Check, ...]:
    return tuple(Check(name, "warning", text) for text in texts)


def inputs(problems: Sequence[Problem], warnings: Sequence[str]) -> tuple[Check, ...]:
    found = (*failed("inputs", ActionError(*problems)), *warned("inputs", warnings))
    return found or (Check("inputs", "ok", "Every input can be used, and has an effect."),)


def event(name: str, skipped: Skipped | None) -> Check:
    """Return the line on the event; `skipped` is why it registers nothing."""
    named = one_line(truncate(name, 100))
    if skipped:
        return Check("event", "warning", f"This `{named}` event would register nothing. {skipped} {_EVENTS}")
    return Check("event", "ok", f"This `{named}` event registers a deployment.")


def no_event() -> Check:
    return Check("event", "warning", f"There is no event here, so nothing would be registered. {_EVENTS}")


def arguments_alone() -> Check:
    """Return the line on a run outside of GitHub Actions."""
    return Check("event", "ok", "There is no event here: the arguments alone say what is registered.")


def deployment(registration: Registration, calls: Sequence[Call]) -> tuple[Check, ...]:
    """Return the lines on what would be registered."""
    problems = failed("deployment", ActionError(*registration.problems))
    warnings = warned("deployment", registration.warnings)
    names = join_names([call.label for call in calls])
    failure = " of a failed deployment" if registration.failed else ""
    sent = f"This step would send {plural(len(calls), 'request')}{failure}, for {names}."
    return (*problems, *warnings) or (Check("deployment", "ok", sent),)


def nothing(skipped: Skipped) -> Check:
    """Return the line on an event that registers a deployment, but of no service."""
    return Check("deployment", "warning", f"Nothing would be registered. {skipped}")


def unsaid(error: ActionError) -> tuple[Check, ...]:
    """Return the lines on a deployment that only another event says."""
    lead = "What would be registered is not known here, because the event does not say it, and no input does:"
    return warned("deployment", (f"{lead} {problem}" for problem in error.problems))


def permission(name: str, repository: str) -> Check:
    """Return the line on a permission that is there."""
    things = name.replace("-", " ")
    return Check(f"github-{name}", "ok", f"`github-token` may read the {things} of {one_line(truncate(repository))}.")


def missing_permission(name: str, problem: Problem, needed: Sequence[str], *, own: bool, perhaps: bool) -> Check:
    """Return the line on a permission that is missing. `needed`: all that these inputs need. `own`: in the job's repository.

    `perhaps`: only some events need it.
    """
    text = str(problem)
    if own:
        listed = " and ".join(f"`{each}: read`" for each in needed)
        text += f" All that these inputs need below the job's `permissions:` is {listed}."
    if perhaps:
        text += " Whether it is needed depends on the event: some deployments of these inputs need it."
    return Check(f"github-{name}", "warning" if perhaps else "failed", text)


def no_look_ups() -> Check:
    return Check("github", "ok", "These inputs need no look-up at GitHub, so `permissions: {}` is enough.")


def readable(name: str) -> Check:
    """Return the line on a map, CODEOWNERS or catalogs without a mistake."""
    return Check(name, "ok", "What says which files belong to which service can be read.")


def unlisted(name: str, problem: Problem) -> Check:
    """Return the line on files that GitHub does not return."""
    text = f"{_CONTINUES} GitHub does not return the files. {problem} A checkout before this step makes them available."
    return Check(name, "warning", text)


def owners(found: Coverage, *, catalogs: bool) -> tuple[Check, ...]:
    """Return the lines on all files of the deployed commit. `catalogs`: they have no patterns."""
    dead = Check("patterns", "ok", "Every pattern matches a file of the deployed commit.")
    if found.dead:
        verb, them = ("matches", "it") if len(found.dead) == 1 else ("match", "them")
        which = join_names(found.dead, _MOST_NAMES)
        text = f"{plural(len(found.dead), 'pattern')} {verb} no file of the deployed commit: {which}. Correct or remove {them}."
        dead = Check("patterns", "warning", text)
    services = Check("services", "ok", "Every service owns a file.")
    if found.without_files:
        verb, its, them = ("owns", "its", "it") if len(found.without_files) == 1 else ("own", "their", "them")
        beside, what = (" but the catalog itself", "the catalog's folder") if catalogs else ("", f"{its} patterns")
        which = join_names(found.without_files, _MOST_NAMES)
        text = f"{plural(len(found.without_files), 'service')} {verb} no file{beside}: {which}. Check {what}, or remove {them}."
        services = Check("services", "warning", text)
    unowned = Check("unowned-files", "ok", f"Each of the {plural(found.files, 'file')} belongs to a service.")
    if found.unowned:
        folders = ", ".join(f"{one_line(truncate(folder, 200))} ({count:,})" for folder, count in found.folders)
        text = (
            f"{found.unowned:,} of {plural(found.files, 'file')} belong to no service: a change of these alone registers nothing. "
            f"The largest folders: {folders}. Give them to a service, if they are part of one."
        )
        unowned = Check("unowned-files", "warning", text)
    return (services, unowned) if catalogs else (dead, services, unowned)


def connection(host: str, verdict: Verdict) -> Check:
    """Return the line on DX's host: the answer, whatever it says, shows that it was reached."""
    if verdict.http_status is not None:
        return Check("connection", "ok", f"{host} was reached, and answered.")
    text = verdict.message or advise(verdict.error, None, said=False)
    return Check("connection", "failed", text, verdict.error in PASSING)


def token(verdict: Verdict, answered: str) -> Check:
    """Return the line on the token, by the answer to an empty request; `answered` are its words, without secrets."""
    if verdict.http_status is None:
        return untried("token", "DX was not reached: see `connection`.")
    if verdict.error in AUTH_CODES:
        return Check("token", "failed", ADVICE[verdict.error])
    if verdict.kind == "refused" and verdict.error == "required_params_missing":
        text = (
            "DX accepts the token: it answered an empty request with `required_params_missing`, and registered nothing."
        )
        return Check("token", "ok", text)
    if verdict.kind == "accepted":
        why = "`ok: true` to an empty request, which DX's documentation rejects. Check that `dx-host` is DX."
    else:
        why = f"HTTP {verdict.http_status}. {advise(verdict.error, verdict.http_status, said=bool(answered))}"
    words = f" It says: {quoted(truncate(one_line(answered), 300))}" if answered.strip() else ""
    return Check("token", "warning", f"Whether the token is valid is unknown, because the answer was {why}{words}")
