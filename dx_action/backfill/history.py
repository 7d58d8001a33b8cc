"""The rows of a backfill from GitHub's deployment history: each outcome is registered as a live run registers its event."""

import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime, timedelta

from dx_action.backfill.store import Rows
from dx_action.deployment.calls import deployment_calls, refuse_secrets
from dx_action.deployment.registration import Registration, resolve
from dx_action.errors import BadInput
from dx_action.github.client import Repository
from dx_action.github.deployments import DeploymentNode, Page, current_name, pages
from dx_action.github.graphql import moment_of
from dx_action.inputs.model import Inputs
from dx_action.inputs.past import window
from dx_action.inputs.times import iso
from dx_action.report.endings import hints
from dx_action.report.failures import Hint
from dx_action.runner import event as runner_event
from dx_action.runner.event import DeploymentStatus, DeploymentStatusEvent
from dx_action.runner.runtime import Runtime
from dx_action.secrecy import NO_SECRETS, Secrets
from dx_action.text import plural

# GitHub ends a deployment that waits longer for an approval, so that one that was created before seldom ends later.
_WAITS = timedelta(days=30)
# Each name costs a call, and a history has few: those of repositories whose workflows deploy this one.
_MOST_NAMES = 5
_OUTCOMES = {"success": "success", "failure": "failure", "error": "failure"}
_JOB = r"/([^/?#]+/[^/?#]+)/(?:actions/runs/\d+/jobs?/\d+|runs/\d+)(?![^/?#])"


def rows_from_history(
    inputs: Inputs,
    runtime: Runtime,
    repository: Repository,
    now: datetime,
    say: Callable[[str], None],
    secrets: Secrets = NO_SECRETS,
) -> tuple[Rows, tuple[Hint, ...]]:
    """Return the deployments from `since` to `until`, and the hints about them. `now` is UTC.

    Raises BadInput and LookupFailedError.
    """
    since, until = window(inputs, now)
    if not repository.name:
        raise BadInput.of("repository", "is missing, and GITHUB_REPOSITORY is not set.")
    deploys = inputs.model_copy(update={"operation": "deploy"})
    own_jobs = _OwnJobs(repository, runtime.server_url)
    rows, texts, jobs, others = Rows(), Counter[str](), set[int](), 0
    outcomes = _Outcomes(repository, since, until, environments=not inputs.only_environments)
    for event, ref, log_urls, name in outcomes:
        registration = resolve(deploys, runtime._replace(ref=ref, ref_name="", ref_type=""), event, now)
        if not isinstance(registration, Registration):
            others += 1
        elif not inputs.workflow_jobs and any(own_jobs.has(url, name) for url in log_urls):
            jobs.add(event.deployment.id)
        else:
            texts.update((*registration.notices, *registration.warnings))
            calls = deployment_calls(registration, deploys)
            refuse_secrets(calls, registration, secrets)
            for call in calls:
                rows.add(call, len(rows) + 1)
    say(f"Read {plural(len(rows), 'deployment')} from GitHub's history of {repository.name}")
    if outcomes.stopped:
        say(f"  Stopped at those created before {iso(since - _WAITS)}, {_WAITS.days} days before `since`")
    if others:
        which = "a branch or an environment" if inputs.only_branches else "an environment"
        say(f"  Left out {plural(others, 'deployment')} to {which} that does not count")
    warnings, notices = [repository.renamed] if repository.renamed else [], list[str]()
    if outcomes.missing:
        warnings.append(
            f"GitHub did not return {plural(outcomes.missing, 'deployment')} of its history, as if `github-token` may not read "
            "everything in it. What is missing is left out."
        )
    if not len(rows) and not jobs:
        place = f"in GitHub's history of {repository.name} from {iso(since)} to {iso(until)}"
        notices.append(_none_counts(inputs, place, others))
    if jobs:
        notices.append(
            f"Left out {plural(len(jobs), 'deployment')} that GitHub made for this repository's own workflow jobs, because "
            "a job that uses this action registers its own. For history from before that, set `workflow-jobs: true`."
        )
    if own_jobs.more:
        notices.append(
            f"The history has jobs of more than {_MOST_NAMES} other repositories, and only {_MOST_NAMES} were looked up. If "
            "another one is a former name of this repository, the deployments of its jobs were not left out."
        )
    once = (text if count == 1 else f"{text} ({plural(count, 'deployment')})" for text, count in texts.items())
    return rows, hints(warnings, (*notices, *once))


def _none_counts(inputs: Inputs, place: str, others: int) -> str:
    if not others:
        return (
            f"No deployment {place} ended in `success`, `failure` or `error`. Set an earlier `since`, or list the deployments "
            "in a `backfill-file`."
        )
    named = "that `only-environments` names. Widen it"
    why = named if inputs.only_environments else "that counts. Set `only-environments`"
    branch = " of a branch that `only-branches` names" if inputs.only_branches else ""
    found = f"{plural(others, 'deployment')} found {place}"
    return f"{found}, but none{branch} to an environment {why}, or set an earlier `since`."


class _Outcomes:
    """Each deployment's first success and its first failure or error in the window, the newest deployments first.

    Each comes as the event that GitHub sent about it, with the deployed branch or tag as in GITHUB_REF, the log URLs of all the
    deployment's statuses, and the repository's name today. The window is over the outcomes' own times, so that deployments
    are read on for as long as they may wait. `environments`: whether each environment is for production, or transient, is
    needed. `stopped`: older deployments were not read; `missing`: GitHub did not return so many. Raises LookupFailedError.
    """

    def __init__(self, repository: Repository, since: datetime, until: datetime, *, environments: bool) -> None:
        self._repository, self._since, self._until, self._environments = repository, since, until, environments
        self.stopped, self.missing = False, 0

    def __iter__(self) -> Iterator[tuple[DeploymentStatusEvent, str, list[str], str]]:
        seen: set[str] = set()
        for page in pages(self._repository):
            self.missing += page.missing
            found = False
            for node in page.nodes:
                for outcome in self._of(page, node) if node.id not in seen else ():
                    found = True
                    yield outcome
                seen.add(node.id)
            created = [moment_of(node.created_at) for node in page.nodes]
            if created and not found and max(created) < self._since - _WAITS:
                self.stopped = True
                return
        if self.missing and not seen:  # an empty history would look otherwise
            raise self._repository.access("deployments").rejected(200, "FORBIDDEN", limited=False)

    def _of(self, page: Page, node: DeploymentNode) -> Iterator[tuple[DeploymentStatusEvent, str, list[str], str]]:
        name = self._repository.name
        statuses = page.statuses(node)
        inside = [status for at, status in _firsts(statuses) if self._since <= at <= self._until]
        if not inside:
            return
        # As it is written: a repository that was renamed would else be another than the event's.
        own = page.name if page.name.casefold() == name.casefold() else name
        log_urls = [status.log_url for status in statuses if status.log_url]
        deployment = page.deployment(node, environments=self._environments)
        for status in inside:
            event = DeploymentStatusEvent(
                name="deployment_status",
                repository=runner_event.Repository(full_name=own),
                deployment=deployment,
                deployment_status=status,
            )
            yield event, f"{node.ref.prefix}{node.ref.name}" if node.ref else "", log_urls, page.name


def _firsts(statuses: Sequence[DeploymentStatus]) -> list[tuple[datetime, DeploymentStatus]]:
    """Return the first status of each outcome. GitHub lists the newest first, also of those in one second."""
    timed = [(moment_of(status.created_at), status) for status in reversed(statuses) if status.state in _OUTCOMES]
    firsts: dict[str, tuple[datetime, DeploymentStatus]] = {}
    for at, status in sorted(timed, key=lambda pair: pair[0]):
        firsts.setdefault(_OUTCOMES[status.state], (at, status))
    return list(firsts.values())


class _OwnJobs:
    """The workflow jobs of one repository. `more`: a history had further names of repositories, which were not looked up."""

    def __init__(self, repository: Repository, server_url: str) -> None:
        self._repository = repository
        self._job = re.compile(re.escape(server_url) + _JOB, re.IGNORECASE)
        self._names: dict[str, str] = {}
        self.more = False

    def has(self, url: str, today: str) -> bool:
        """Return whether the URL is a job's page; `today` is the repository's name today. Raises LookupFailedError."""
        match = self._job.match(url)
        if match is None:
            return False
        name, own = match[1].casefold(), today.casefold()
        if name in (own, self._repository.name.casefold()):
            return True
        if name not in self._names:
            if len(self._names) >= _MOST_NAMES:
                self.more = True
                return False
            self._names[name] = (current_name(self._repository, name) or "").casefold()
        return self._names[name] == own
