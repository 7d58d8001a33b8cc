"""The operation `check`: whatever `deploy` would read or reach is tried for itself, and nothing is sent that registers."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cached_property

from dx_action.deployment.calls import Call, deployment_calls, pull_calls, refuse_secrets
from dx_action.deployment.permissions import Needed, Permission, needed
from dx_action.deployment.registration import Registration, resolve
from dx_action.deployment.trigger import Skipped, Trigger, decide, own_repository
from dx_action.deployment.unused import unused_inputs
from dx_action.dx.answers import Answer, judge
from dx_action.dx.client import connect, trusted
from dx_action.dx.delivery import ATTEMPT_SECONDS
from dx_action.errors import ActionError, BadInput, Problem, Unsaid
from dx_action.github.check_lookups import CheckLookups
from dx_action.github.client import Run
from dx_action.github.errors import LookupFailedError, NoAnswerError
from dx_action.inputs.model import Inputs, missing_connection, unknown_inputs
from dx_action.report import checks, endings
from dx_action.report.checked import checked
from dx_action.report.checks import Check, failed, untried, warned
from dx_action.report.log import registration_lines
from dx_action.runner.event import Event
from dx_action.runner.runtime import Runtime
from dx_action.services.backstage import CATALOG
from dx_action.services.coverage import coverage

# DX rejects it for what it lacks, after it has accepted the token.
EMPTY = Call("deployments.create", "", "", b"{}")
_MOST_QUOTED = 2000
_CONNECTION = ("dx-host", "dx-token")


def check(step: endings.Step, inputs: Inputs, problems: Sequence[Problem], runtime: Runtime) -> endings.Report:
    """Try everything, and report each. `problems` are of the inputs, which count as far as they can be read. Raises Interrupted."""
    # With other problems, those that are missing are among them.
    told = problems or missing_connection(inputs, runtime.actor)
    lacking = [each for each in told if each.subject in _CONNECTION and each.text.startswith("is missing")]
    problems = [problem for problem in problems if problem not in lacking]
    unread = _unread(problems)
    every = _Checking(step, _without(inputs, unread), unread, lacking, runtime)

    def cancelled(_reason: str) -> endings.Report:
        every.found.append(checks.CANCELLED)
        return every.report()

    step.ending = cancelled
    every.found += (files := every.files())  # first, because a connection to GitHub depends on one of them
    event = every.read_event()
    unused = unused_inputs(every.inputs, every.event) if every.event else ()
    every.found = [*checks.inputs(problems, (*unused, *unknown_inputs(step.env))), event, *files]
    for part in (every.github, every.owners, every.deployment, every.dx):
        every.found += part()
    return every.report()


@dataclass
class _Checking:
    """The parts of a check. Each returns its lines, and leaves here what later ones depend on.

    `unread` are the names of inputs with a problem, which count as not written; `lacking` is what is not written of the connection
    to DX. `silent`: GitHub answers nothing.
    """

    step: endings.Step
    inputs: Inputs
    unread: set[str]
    lacking: Sequence[Problem]
    runtime: Runtime
    found: list[Check] = field(default_factory=list)
    event: Event | None = None
    trigger: Trigger | None = None
    registration: Registration | None = None
    calls: tuple[Call, ...] = ()
    silent: bool = False

    def report(self) -> endings.Report:
        notices = self.registration.notices if self.registration else ()
        lines = tuple(dict.fromkeys(self.found))
        return checked(lines, self.registration, self.calls, notices, self.inputs.fail_on_error)

    def read_event(self) -> Check:
        name, on_command_line = self.runtime.event_name, self.step.arguments is not None
        if not (name or self.runtime.event_path or on_command_line):
            return checks.no_event()
        try:
            self.event = self.step.read_event(self.runtime)
            trigger = decide(self.event, self.inputs, self.runtime, self._is_tag)
        except ActionError as error:
            return failed("event", error)[0]
        if isinstance(trigger, Skipped):
            return checks.event(name, trigger)
        self.trigger = trigger
        return checks.arguments_alone() if on_command_line else checks.event(name, None)

    def files(self) -> tuple[Check, ...]:
        """Check the files that a run reads or writes, other than those that name owners."""
        found: tuple[Check, ...] = ()
        inputs, step = self.inputs, self.step
        if inputs.failed_file:
            found += _tried("failed-file", step.failed_file(inputs.failed_file).check, "The file can be written.")
        if inputs.ca_bundle:
            # Read whatever the host is: GitHub's connection trusts the file, too.
            inputs = inputs.model_copy(update={"dx_host": None})
            fetch = step.fetch(inputs, self.runtime, self.runtime.sha)
            found += _tried(
                "ca-bundle",
                lambda **_: trusted(inputs, step.env, step.workspace, fetch),
                "The certificates of the file are trusted.",
            )
        return found

    def github(self) -> tuple[Check, ...]:
        """Read the least that each permission allows, of those that the inputs need."""
        found: list[Check] = []
        if self._needed and "github-token" in self.unread:
            self.silent = True
            return (untried("github", "`github-token` cannot be used: see `inputs`."),)
        for permission, certainty in self._needed.items():
            try:
                self._lookups.try_reading(permission)
            except LookupFailedError as error:
                unreached = isinstance(error, NoAnswerError)
                if unreached or error.kind not in ("forbidden", "missing", "rejected"):
                    self.silent = True  # nothing else would be answered, either
                    without = untried("github", "`ca-bundle` cannot be used, and GitHub is not reached without it.")
                    return (without,) if unreached and self._bundle_failed else failed("github", error)
                _, own, _ = self._subject
                problem, every = error.problems[0], [*self._needed]
                found.append(
                    checks.missing_permission(permission, problem, every, own=own, perhaps=certainty == "perhaps")
                )
            except BadInput as error:
                self.silent = True
                return failed("github", error)
            else:
                found.append(checks.permission(permission, self._subject[0]))
        return (*found, *warned("github", self._lookups.warnings)) if found else (checks.no_look_ups(),)

    def deployment(self) -> tuple[Check, ...]:
        """Decide what would be registered, as a dry run does."""
        if self.event is None or self.trigger is None:
            return ()
        if self.unread:
            return (untried("deployment", "an input cannot be used: see `inputs`."),)
        if self.silent or any(line.name.startswith("github") and line.outcome == "failed" for line in self.found):
            return (untried("deployment", "GitHub does not answer what it needs: see the lines on `github`."),)
        if self.step.arguments and not (self.inputs.repository and self.inputs.reference_id):
            return (untried("deployment", "no event says `repository` and `reference-id`. Write both."),)
        for name in ("service-map", "services-from"):
            if not self._is_ok(name):
                return (untried("deployment", f"the owners of files are not known: see `{name}`."),)
        inputs, now = self.inputs, self.step.clock.now()
        try:
            found = resolve(inputs, self.runtime, self.event, now, lambda *_: self._lookups, self._is_tag)
            if isinstance(found, Skipped):
                return (checks.nothing(found),)
            calls = (*pull_calls(found), *deployment_calls(found, inputs))
            refuse_secrets(calls, found, self.step.workflow.secrets)
        except Unsaid as error:
            return checks.unsaid(error)
        except ActionError as error:
            return failed("deployment", error)
        self.registration, self.calls = found, calls
        for text in registration_lines(self.event, found):
            self.step.workflow.say(text)
        return checks.deployment(found, calls)

    def owners(self) -> tuple[Check, ...]:
        """Compare the map, the catalogs or CODEOWNERS with all files of the deployed commit."""
        source = self.inputs.services_source
        name = "service-map" if source == "map" else "services-from"
        if source == "input" or self.unread & {"service-map", "services-from"}:
            return ()
        hidden = any(line.name == "github-contents" and line.outcome == "failed" for line in self.found)
        if (self.silent or hidden) and not self._lookups.here.checkout:
            return (untried(name, "the files of the repository cannot be read: see the lines on `github`."),)
        try:
            paths = self._lookups.all_paths()
            ownership = self._lookups.whole_ownership(paths)
        except LookupFailedError as error:
            return (checks.unlisted(name, error.problems[0]),)
        except ActionError as error:
            return failed(name, error)
        catalogs = source == "backstage"
        found = coverage(ownership, paths, CATALOG if catalogs else "")
        return (checks.readable(name), *checks.owners(found, catalogs=catalogs))

    def dx(self) -> tuple[Check, ...]:
        """Send DX one empty request, and no second one, whatever comes: that would say nothing that the first did not."""
        inputs, step = self.inputs, self.step
        if inputs.dry_run:
            return _untried_dx("`dry-run` is set, so nothing is sent to DX.")
        missing = self._missing("token", "dx-token") if inputs.dx_token is None else None
        if inputs.dx_host is None:
            return self._missing("connection", "dx-host"), missing or untried("token", "there is no host to ask.")
        if self._bundle_failed:
            connection, token = _untried_dx("`ca-bundle` cannot be used.")
            return connection, missing or token
        fetch = step.fetch(inputs, self.runtime, self.runtime.sha)
        try:
            speak, warnings = connect(
                inputs, step.env, step.clock, step.workspace, lanes=1, fetch=fetch, wire=step.wire
            )
        except ActionError as error:
            return failed("connection", error)
        answer, words = speak(EMPTY, min(inputs.timeout, ATTEMPT_SECONDS)), ""
        if isinstance(answer, Answer):
            words = step.workflow.scrubbed(answer.body[:_MOST_QUOTED].decode(errors="replace"))
            answer = judge(answer, EMPTY.method, step.clock.now())
        reached = checks.connection(inputs.dx_host.base, answer)
        return (reached, *warned("connection", warnings), missing or checks.token(answer, words))

    def _missing(self, name: str, subject: str) -> Check:
        """Return the line on what is not written, unless a line of `inputs` says why."""
        for problem in self.lacking:
            if problem.subject == subject:
                return Check(name, "failed", str(problem))
        return untried(name, f"`{subject}` cannot be used: see `inputs`.")

    def _is_ok(self, name: str) -> bool:
        """Whether nothing was found of this name that is not ok."""
        return all(line.outcome == "ok" for line in self.found if line.name == name)

    @property
    def _bundle_failed(self) -> bool:
        return "ca-bundle" in self.unread or not self._is_ok("ca-bundle")

    def _is_tag(self, name: str) -> bool | None:
        if not self.inputs.github_token:
            return None
        return CheckLookups(self.runtime.repository, True, None, self._run).is_tag(name)

    @property
    def _run(self) -> Run:
        """What look-ups need of the run; a `ca-bundle` that cannot be used keeps none from being tried."""
        usable = self.inputs.model_copy(update={"ca_bundle": None}) if self._bundle_failed else self.inputs
        return self.step.github(usable, self.runtime)

    @cached_property
    def _subject(self) -> tuple[str, bool, str | None]:
        """The repository, whether it is the event's own, and the deployed commit if that is known."""
        own = own_repository(self.event or Event(name=""), self.runtime).value
        name = self.inputs.repository or own
        if name.casefold() != own.casefold():
            return name, False, self.inputs.commit_sha
        known = self.trigger.commit.value if self.trigger and self.trigger.commit else self.runtime.sha
        return name, True, self.inputs.commit_sha or known or None

    @cached_property
    def _lookups(self) -> CheckLookups:
        return CheckLookups(*self._subject, self._run)

    @cached_property
    def _needed(self) -> dict[Permission, Needed]:
        # Of another repository the event says nothing.
        event = self.event if self.event and self._subject[1] else Event(name="")
        return needed(self.inputs, event, self._lookups.here)


def _unread(problems: Sequence[Problem]) -> set[str]:
    """Return the names of the inputs that have a problem, or whose variable has one beside it that differs only by case."""
    subjects = [problem.subject for problem in problems]
    return {*subjects, *(subject.lower().removeprefix("input_") for subject in subjects)}


def _without(inputs: Inputs, names: set[str]) -> Inputs:
    """Return the inputs as if these were not written: a secret in one of them would go to whom it does not belong."""
    fields = {name.replace("-", "_") for name in names} & Inputs.model_fields.keys()
    defaults = {
        name: Inputs.model_fields[name].get_default(call_default_factory=True) for name in fields - {"operation"}
    }
    return inputs.model_copy(update=defaults)


def _tried(name: str, trial: Callable[..., object], good: str) -> tuple[Check, ...]:
    try:
        trial(dry_run=True)
    except LookupFailedError as error:
        return (checks.unlisted(name, error.problems[0]),)
    except ActionError as error:
        return failed(name, error)
    return (Check(name, "ok", good),)


def _untried_dx(because: str) -> tuple[Check, Check]:
    return untried("connection", because), untried("token", because)
