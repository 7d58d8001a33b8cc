"""Owns a backfill's rows from GitHub's history: each event is mapped as a live run would, and kept in an unnamed file."""

from collections import Counter
from collections.abc import Callable
from datetime import datetime, timedelta

from dx_action.backfill.outcomes import outcomes
from dx_action.backfill.own_jobs import MOST_NAMES, OwnJobs
from dx_action.backfill.rows import milliseconds, name_of
from dx_action.backfill.store import Rows
from dx_action.deployment.calls import deployment_calls
from dx_action.deployment.registration import Registration, resolve
from dx_action.errors import BadInput
from dx_action.github.client import Repository
from dx_action.inputs.model import Inputs
from dx_action.inputs.times import iso, parse_time
from dx_action.runner.runtime import Runtime

_DAYS = 90


def rows_from_history(
    inputs: Inputs, runtime: Runtime, repository: Repository, now: datetime, say: Callable[[str], None]
) -> tuple[Rows, tuple[str, ...]]:
    """Give the deployments of the window, and the notices. `now` is UTC. Raises BadInput and LookupFailedError."""
    since, until = inputs.since or now - timedelta(days=_DAYS), inputs.until or now
    if since > until:
        name, text = ("since", "is after `until`, or after now.") if inputs.since else ("until", "is before `since`.")
        raise BadInput.of(
            name, f"{text} Write a window whose beginning comes first; `since` is {_DAYS} days ago unless given."
        )
    if not repository.name:
        raise BadInput.of("repository", "is missing, and GITHUB_REPOSITORY names none.")
    deploys = inputs.model_copy(update={"operation": "deploy"})
    found = outcomes(repository, since, until, environments=not inputs.only_environments)
    own_jobs = OwnJobs(repository, runtime.server_url)
    kept = _Kept(deploys)
    jobs: set[int] = set()
    others = 0
    for outcome in found:
        registration = resolve(deploys, runtime, outcome.event, now)
        if not isinstance(registration, Registration):
            others += 1
        elif not inputs.workflow_jobs and any(own_jobs.has(url, outcome.repository) for url in outcome.log_urls):
            jobs.add(outcome.event.deployment.id)
        else:
            kept.add(registration)
    say(f"Read {len(kept.rows):,} deployments from GitHub's history of {repository.name}")
    if others:
        what = (
            "1 more is of an environment that does" if others == 1 else f"{others:,} more are of environments that do"
        )
        say(f"  {what} not count")
    why: tuple[str, ...] = ()
    if not len(kept.rows) and not jobs:
        where = f"in GitHub's history of {repository.name} from {iso(since)} to {iso(until)}"
        why = (_none_counts(where, others, named=bool(inputs.only_environments)),)
    return kept.rows, (
        *why,
        *_left_out(len(jobs)),
        *_unasked(own_jobs),
        *kept.notices(),
    )


class _Kept:
    """The calls, and what is to be told of them."""

    def __init__(self, inputs: Inputs) -> None:
        self._inputs = inputs
        self._told: Counter[str] = Counter()
        self.rows = Rows()

    def add(self, registration: Registration) -> None:
        """Keep a deployment's calls."""
        self._told.update((*registration.notices, *registration.warnings))
        time = milliseconds(parse_time(registration.deployed_at.value))
        for call in deployment_calls(registration, self._inputs):
            self.rows.add(call, len(self.rows) + 1, time, name_of(call))

    def notices(self) -> tuple[str, ...]:
        """Tell once what was to be told of several."""
        return tuple(
            text if count == 1 else f"{text} So it is with {count:,} deployments." for text, count in self._told.items()
        )


def _none_counts(where: str, others: int, *, named: bool) -> str:
    """Say why there is nothing in a window of the history; `others` are of environments that do not count."""
    if not others:
        text = "that ended in `success`, `failure` or `error`. Write an earlier `since`, or give what GitHub does not know as a"
        return f"There is no deployment {where} {text} `backfill-file`."
    found, them = ("1 deployment was", "it") if others == 1 else (f"{others:,} deployments were", "them")
    why = "that `only-environments` does not name. Widen it" if named else "that do not count. Set `only-environments`"
    return f"{found} found {where}, of environments {why} to take {them}, or write an earlier `since`."


def _left_out(count: int) -> tuple[str, ...]:
    if not count:
        return ()
    which = (
        "1 deployment that GitHub made for a job" if count == 1 else f"{count:,} deployments that GitHub made for jobs"
    )
    verb = "was" if count == 1 else "were"
    text = f"{which} of this repository's own workflows {verb} left out: a job that used this action has registered its own."
    return (f"{text} For history from before that, write `workflow-jobs: true`.",)


def _unasked(own_jobs: OwnJobs) -> tuple[str, ...]:
    if not own_jobs.more:
        return ()
    text = f"The history has jobs of more than {MOST_NAMES} other repositories, and only {MOST_NAMES} were asked about at GitHub."
    return (
        f"{text} Where one of the others is a former name of this repository, its jobs' deployments were not left out.",
    )
