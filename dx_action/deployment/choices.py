"""Owns the choice of each value: what an input says, else the event, else the runner, each with its source. Pure."""

from collections.abc import Callable, Sequence
from datetime import datetime

from dx_action.changes.changeset import CLOCK, MergedPull, change, needs_changes
from dx_action.deployment.pull_services import PullServices, ServiceLookups
from dx_action.deployment.trigger import Trigger
from dx_action.errors import BadInput
from dx_action.inputs.model import Attribution, Inputs
from dx_action.inputs.times import iso
from dx_action.inputs.values import Sourced
from dx_action.runner.event import Event
from dx_action.runner.runtime import Runtime
from dx_action.services.service import Service, by_name


def repository(inputs: Inputs, runtime: Runtime, event: Event) -> tuple[Sourced[str], bool]:
    """Give the repository, and whether it is the event's own."""
    own = own_repository(runtime, event)
    if inputs.repository:
        same = inputs.repository.casefold() == own.value.casefold()
        return Sourced(inputs.repository, "input repository"), same
    if not own.value:
        raise BadInput.of("repository", "is missing, and neither the event nor GITHUB_REPOSITORY names one.")
    return own, True


def own_repository(runtime: Runtime, event: Event) -> Sourced[str]:
    """Give the event's own repository; its name may be empty."""
    name = event.repository and event.repository.full_name
    return Sourced(name, "repository.full_name") if name else Sourced(runtime.repository, "GITHUB_REPOSITORY")


def attribution(inputs: Inputs) -> Attribution:
    """Give what DX is to attribute by."""
    if inputs.attribution:
        return inputs.attribution
    if inputs.merge_commit_shas:
        return "merge-commits"
    return "repository" if inputs.by_files or inputs.set_pull_services else "commit"


def attribution_source(inputs: Inputs) -> str:
    """Say what that choice rests on."""
    if inputs.attribution:
        return "input attribution"
    if inputs.merge_commit_shas:
        return "input merge-commit-shas"
    if inputs.by_files:
        return "services by the files changed"
    return "input set-pull-services" if inputs.set_pull_services else "the default"


def unused(inputs: Inputs, event: Event) -> tuple[str, ...]:
    """Tell of an input that nothing looks at."""
    looked_at = inputs.operation == "deploy" and (inputs.by_files or needs_changes(inputs, event))
    if not inputs.since_sha or looked_at:
        return ()
    text = (
        "`since-sha` changes nothing here: it counts where a deployment's services are found by files, and for "
        "`attribution: merge-commits`, `show-pull-requests` and `lead-time-metadata: first-commit`."
    )
    return (text,)


def pull(
    inputs: Inputs, trigger: Trigger | None, pull_services: tuple[PullServices, ...], found: Sequence[MergedPull]
) -> tuple[int | None, int | None]:
    """Give the number and the id of the pull request: the one that inputs name, the event's, or the only one found."""
    own = trigger.pull if trigger else None
    if inputs.pull_number or inputs.pull_id:
        same = own and inputs.pull_number in (None, own.number) and inputs.pull_id in (None, own.id)
        return (own.number, own.id) if own and same else (inputs.pull_number, inputs.pull_id)
    if own:
        return own.number, own.id
    if len(pull_services) == 1:
        return pull_services[0].pull_number, pull_services[0].pull_id
    return (found[0].number, found[0].id) if len(found) == 1 and not pull_services else (None, None)


def chosen_services(
    inputs: Inputs,
    trigger: Trigger,
    event: Event,
    repository: str,
    commit: Sourced[str] | None,
    lookups: Callable[[], ServiceLookups] | None,
) -> tuple[Sourced[tuple[Service, ...]], tuple[str, ...]]:
    """Give the services in the contract's order. Without `lookups`, files are left to the pull requests that are told."""
    if inputs.service:
        return Sourced(inputs.service, "input service"), ()
    if inputs.services_source != "input":
        touched = lookups().touched(change(event, inputs, commit.value if commit else None)) if lookups else ()
        return Sourced(touched, f"the files changed, by {inputs.services_source}"), ()
    if trigger.services:
        return trigger.services, ()
    service = by_name(repository)
    what = "deployment" if lookups else "pull request"
    notice = f"No `service` was given, so the {what} counts for {service.identifier}, the repository's own name."
    return Sourced((service,), "the repository's name"), (notice,)


def success(inputs: Inputs, trigger: Trigger) -> Sourced[bool] | None:
    """Say whether the deployment succeeded, where anything says so."""
    if inputs.success is None:
        return trigger.success
    return Sourced(inputs.success == "success", "input success")


def deployed_at(inputs: Inputs, trigger: Trigger, now: datetime) -> Sourced[str]:
    """Give when production changed. `now` is UTC."""
    if inputs.deployed_at:
        return Sourced(iso(inputs.deployed_at), "input deployed-at")
    if trigger.deployed_at:
        return Sourced(iso(trigger.deployed_at.value), trigger.deployed_at.source)
    return Sourced(iso(now.replace(microsecond=0)), CLOCK)


def written(value: str | None, name: str) -> Sourced[str] | None:
    """Give what an input says."""
    return Sourced(value, f"input {name}") if value else None


def job_page(inputs: Inputs, runtime: Runtime) -> Sourced[str] | None:
    """Give the page of this very job."""
    url = runtime.run_page(inputs.check_run_id)
    return Sourced(url, "this job") if url else None
