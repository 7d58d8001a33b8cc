"""An input that would be passed over says so: in every kind of step, each is used, passed over with a notice, or rejected."""

import pytest

from builders import CONNECTION, event, inputs
from dx_action.deployment.unused import unused_inputs
from dx_action.errors import BadInput
from dx_action.inputs.model import Inputs, is_written

MAP = "web: [web/**]"
# Each input with a value that is not its default.
WRITTEN = {
    "ca-bundle": "ca.pem",
    "timeout": "110",
    "service": "web, api",
    "services-from": "codeowners",
    "service-map": MAP,
    "repository": "acme/shop",
    "commit-sha": "abc1234",
    "attribution": "commit",
    "merge-commit-shas": "abc1234",
    "since-sha": "abc1235",
    "integration-branch": "develop",
    "deployed-at": "2025-01-01T12:05:00Z",
    "lead-time-metadata": "commit",
    "extra-metadata": "rollback",
    "success": "true",
    "environment": "eu",
    "reference-id": "mine",
    "source-url": "https://ci.example/1",
    "source-name": "Argo",
    "metadata": "a: 1",
    "only-branches": "main",
    "only-environments": "prod*",
    "set-pull-services": "true",
    "replace-pull-services": "true",
    "pull-number": "41",
    "pull-id": "2401500041",
    "method": "upsert",
    "confirm-delete": "mine",
    "on-conflict": "update",
    "fail-on-error": "false",
    "dry-run": "true",
    "show-pull-requests": "true",
    "failed-file": "failed.jsonl",
    "since": "2025-01-01T00:00:00Z",
    "until": "2025-02-01T00:00:00Z",
    "workflow-jobs": "true",
    "backfill-file": "rows.csv",
    "csv-file": "rows.csv",
    "max-per-second": "3",
    "concurrency": "2",
}
# These are used by every step, or by none of its own.
NEEDED = {"dx-host", "dx-token", "github-token", "operation", "job-index", "check-run-id"}
PLAIN = {"service": "web"}
PULLS = {"operation": "set-pull-services"}
HISTORY = {"operation": "backfill"}
BACKFILLS_OWN = {"since", "until", "workflow-jobs", "backfill-file", "csv-file"}
ONE_DEPLOYMENTS = {
    *("commit-sha", "merge-commit-shas", "deployed-at", "reference-id", "since-sha", "pull-number", "pull-id"),
    *(
        "set-pull-services",
        "replace-pull-services",
        "show-pull-requests",
        "lead-time-metadata",
        "extra-metadata",
        "service-map",
    ),
    "services-from",
}
PASSED_OVER = {"services-from", "service-map", "since-sha", "pull-number", "pull-id", "max-per-second", "concurrency"}
REGISTERS_NOTHING = {
    *("attribution", "merge-commit-shas", "integration-branch", "deployed-at", "environment", "reference-id"),
    *("source-url", "source-name", "metadata", "method", "on-conflict", "since-sha", "max-per-second", "concurrency"),
    "only-environments",
}
SINCE = {"since": "2025-01-01T00:00:00Z"}
OF_NO_WINDOW = {
    *("pull-number", "pull-id", "commit-sha", "since-sha", "backfill-file", "csv-file", "workflow-jobs"),
    *("show-pull-requests", "lead-time-metadata", "extra-metadata"),
}
# The event, what else is written → what is passed over if it alone is added, and what is rejected.
STEPS: dict[str, tuple[str, dict[str, str], set[str], set[str]]] = {
    name: (name, PLAIN, PASSED_OVER | {"only-environments"}, BACKFILLS_OWN | {"replace-pull-services"})
    for name in (
        *("pull_request_merged", "push_branch", "push_tag_annotated", "workflow_run_success", "release_published"),
        *("workflow_dispatch", "repository_dispatch", "schedule", "page_build"),
    )
} | {
    name: (name, PLAIN, PASSED_OVER, BACKFILLS_OWN | {"replace-pull-services"})
    for name in ("deployment_production", "deployment_status_success")
}
STEPS |= {
    "for its pull request, too": (
        "pull_request_merged",
        PLAIN | {"set-pull-services": "true"},
        {"since-sha", "max-per-second", "concurrency", "only-environments"},
        BACKFILLS_OWN,
    ),
    "by files": (
        "pull_request_merged",
        {"services-from": "backstage"},
        {"pull-id", "max-per-second", "concurrency", "only-environments", "service"},
        BACKFILLS_OWN | {"replace-pull-services", "service-map"},
    ),
    "what ships": (
        "pull_request_merged",
        PLAIN | {"show-pull-requests": "true"},
        {"pull-number", "pull-id", "max-per-second", "concurrency", "only-environments"},
        BACKFILLS_OWN | {"replace-pull-services"},
    ),
    "services of a pull request": (
        "pull_request_merged",
        PLAIN | PULLS,
        REGISTERS_NOTHING,
        BACKFILLS_OWN - {"since"} | {"show-pull-requests", "lead-time-metadata", "extra-metadata"},
    ),
    "services of the past": (
        "schedule",
        PLAIN | PULLS | SINCE,
        REGISTERS_NOTHING - {"since-sha", "max-per-second", "concurrency"},
        OF_NO_WINDOW,
    ),
    "services of the past, by files, whatever the event": (
        "deployment_status_success",
        {"services-from": "backstage"} | PULLS | SINCE,
        REGISTERS_NOTHING - {"since-sha", "max-per-second", "concurrency"},
        OF_NO_WINDOW | {"service-map"},
    ),
    "services of a deployed pull request": (
        "deployment_status_success",
        PLAIN | PULLS | {"pull-number": "41"},
        REGISTERS_NOTHING - {"only-environments"},
        BACKFILLS_OWN | {"show-pull-requests", "lead-time-metadata", "extra-metadata"},
    ),
    "a check, as what it checks": (
        "push_branch",
        PLAIN | {"operation": "check"},
        PASSED_OVER | {"only-environments"},
        BACKFILLS_OWN | {"replace-pull-services"},
    ),
    "a history": ("schedule", PLAIN | HISTORY, set(), ONE_DEPLOYMENTS | {"success"}),
    "a history by upsert": (
        "schedule",
        PLAIN | HISTORY | {"method": "upsert"},
        {"on-conflict"},
        ONE_DEPLOYMENTS | {"success"},
    ),
    "a file": (
        "schedule",
        PLAIN | HISTORY | {"backfill-file": "rows.csv"},
        {"only-branches", "only-environments"},
        ONE_DEPLOYMENTS | {"attribution", "since", "until", "workflow-jobs"},
    ),
    "a file by upsert": (
        "schedule",
        PLAIN | HISTORY | {"backfill-file": "rows.csv", "method": "upsert"},
        {"only-branches", "only-environments"},
        ONE_DEPLOYMENTS | {"attribution", "since", "until", "workflow-jobs"},
    ),
    "a CSV": (
        "schedule",
        PLAIN | HISTORY | {"csv-file": "out.csv"},
        {"timeout", "on-conflict", "failed-file", "max-per-second", "concurrency"},
        ONE_DEPLOYMENTS | {"success"},
    ),
}


STEPS |= {
    name: (happened, given, unused, rejected | {"confirm-delete"})
    for name, (happened, given, unused, rejected) in STEPS.items()
    if "backfill-file" not in given
}
OF_A_REGISTRATION = {
    *("services-from", "service-map", "attribution", "since-sha", "lead-time-metadata", "extra-metadata"),
    *("only-branches", "only-environments", "set-pull-services", "replace-pull-services", "pull-number", "pull-id"),
    *("show-pull-requests", "method", "on-conflict"),
}
VALUES = {
    *("deployed-at", "service", "repository", "merge-commit-shas", "commit-sha", "integration-branch", "environment"),
    *("success", "source-url", "source-name", "metadata"),
}
STEPS |= {
    "an update": (
        "pull_request_merged",
        {"operation": "update", "reference-id": "mine", "environment": "eu"},
        {"max-per-second", "concurrency"},
        BACKFILLS_OWN | OF_A_REGISTRATION | {"confirm-delete", "service"},
    ),
    "an update of the commit": (
        "deployment_status_success",
        {"operation": "update", "reference-id": "mine", "commit-sha": "abc1234"},
        {"max-per-second", "concurrency"},
        BACKFILLS_OWN | OF_A_REGISTRATION | {"confirm-delete", "merge-commit-shas", "service"},
    ),
    "a deletion": (
        "push_branch",
        {"operation": "delete", "reference-id": "mine", "confirm-delete": "mine"},
        {"max-per-second", "concurrency"},
        BACKFILLS_OWN | OF_A_REGISTRATION | VALUES,
    ),
}


# What an input passes over in place of itself.
DECIDES = {"service": "services-from"}


def passed_over(name: str, given: dict[str, str]) -> list[str] | None:
    """Return the inputs that notices name first; None if the inputs are rejected."""
    try:
        read = inputs(given)
    except BadInput:
        return None
    return [notice.split("`")[1] for notice in unused_inputs(read, event(name))]


def test_every_input_is_tried() -> None:
    names = {name.replace("_", "-") for name in Inputs.model_fields}
    assert WRITTEN.keys() | NEEDED == names


@pytest.mark.parametrize("name", WRITTEN)
def test_what_is_tried_is_not_the_default(name: str) -> None:
    together = {"service-map": {"services-from": "map"}}.get(name, {})
    operation = HISTORY if name in BACKFILLS_OWN else {}
    if name == "confirm-delete":
        operation = HISTORY | {"backfill-file": "rows.csv"}
    given = CONNECTION | operation | together | {name: WRITTEN[name]}
    if name == "replace-pull-services":
        given["set-pull-services"] = "true"
    assert is_written(inputs(given), name)
    assert not is_written(inputs(operation), name)


@pytest.mark.parametrize(("happened", "given", "unused", "rejected"), STEPS.values(), ids=STEPS)
def test_each_input_is_used_passed_over_or_rejected(
    happened: str, given: dict[str, str], unused: set[str], rejected: set[str]
) -> None:
    assert passed_over(happened, given) == []
    for name, text in WRITTEN.items():
        if name in given:
            continue
        together = {"services-from": "map"} if name == "service-map" and name not in rejected else {}
        expected = None if name in rejected else [DECIDES.get(name, name)] if name in unused else []
        assert passed_over(happened, given | together | {name: text}) == expected, name


# The event, what is written → what each notice says.
WORDS: tuple[tuple[str, dict[str, str], tuple[str, ...]], ...] = (
    (
        "push_branch",
        PLAIN | {"only-environments": "staging"},
        (
            (
                "`only-environments` has no effect here, because this push event has no environment. "
                "Only `environment` says which one is sent."
            ),
        ),
    ),
    (
        "push_branch",
        PLAIN | {"only-environments": "live", "attribution": "merge-commits"},
        (
            (
                "`only-environments` does not limit this step, because this push event has no environment. "
                "It only chooses the previous deployment."
            ),
        ),
    ),
    (
        "push_branch",
        PLAIN | {"only-environments": "live", "attribution": "merge-commits", "environment": "live"},
        (
            (
                "`only-environments` has no effect here, because this push event has no environment. "
                "Only `environment` says which one is sent."
            ),
        ),
    ),
    (
        "schedule",
        PLAIN | {"only-environments": "live", "show-pull-requests": "true", "since-sha": "abc1234"},
        (
            (
                "`only-environments` has no effect here, because this schedule event has no environment. "
                "Only `environment` says which one is sent."
            ),
        ),
    ),
    (
        "workflow_dispatch",
        PLAIN | {"pull-number": "7", "pull-id": "77"},
        (
            (
                "`pull-number` has no effect on this deployment. It names the pull request whose services are set, or whose "
                "files name the services."
            ),
            (
                "`pull-id` has no effect on this deployment. It names the pull request whose services are set: see "
                "`set-pull-services`."
            ),
        ),
    ),
    (
        "workflow_dispatch",
        {"service-map": MAP, "pull-number": "7", "since-sha": "abc1234"},
        (
            (
                "`pull-number` has no effect on this deployment, because `since-sha` says which files changed. "
                "Leave one of them out."
            ),
        ),
    ),
    (
        "push_branch",
        PLAIN | {"services-from": "map", "service-map": MAP},
        ("`service-map` has no effect here, because `service` names the services. Leave one of them out.",),
    ),
    (
        "push_branch",
        PLAIN | {"services-from": "backstage"},
        ("`services-from` has no effect here, because `service` names the services. Leave one of them out.",),
    ),
    ("push_branch", PLAIN | {"services-from": "input"}, ()),
    ("push_branch", PLAIN | {"service-map": MAP, "attribution": "merge-commits"}, ()),
    ("push_branch", PLAIN | {"service-map": MAP, "set-pull-services": "true"}, ()),
    (
        "push_branch",
        PLAIN | {"since-sha": "abc1234", "merge-commit-shas": "abc1234", "show-pull-requests": "true"},
        ("`since-sha` has no effect here, because `merge-commit-shas` lists what ships. Leave one of them out.",),
    ),
    (
        "push_branch",
        PLAIN | {"commit-sha": "abc1234", "merge-commit-shas": "abc1234"},
        ("`commit-sha` is not sent to DX, because the deployment is not attributed by `commit`.",),
    ),
    (
        "push_branch",
        PLAIN | {"commit-sha": "abc1234", "attribution": "repository"},
        ("`commit-sha` is not sent to DX, because the deployment is not attributed by `commit`.",),
    ),
    ("push_branch", PLAIN | {"commit-sha": "abc1234", "attribution": "merge-commits"}, ()),
    ("push_branch", {"commit-sha": "abc1234", "services-from": "codeowners"}, ()),
    (
        "push_branch",
        PLAIN | {"lead-time-metadata": "commit", "metadata": "commit_timestamp: 1"},
        ("`lead-time-metadata` has no effect here, because `metadata` has the times already.",),
    ),
    ("push_branch", PLAIN | {"lead-time-metadata": "both", "metadata": "commit_timestamp: 1"}, ()),
    (
        "push_branch",
        PLAIN | {"method": "upsert", "on-conflict": "fail"},
        ("`on-conflict` has no effect here, because `method: upsert` replaces what DX has.",),
    ),
    (
        "pull_request_merged",
        PLAIN | PULLS | {"environment": "eu", "concurrency": "2"},
        (
            (
                "`concurrency` has no effect here. It limits the many requests of `operation: backfill`, and of "
                "`set-pull-services` with `since`."
            ),
            "`environment` has no effect here, because `operation: set-pull-services` registers no deployment.",
        ),
    ),
    (
        "deployment_status_success",
        PLAIN | PULLS | SINCE | {"only-environments": "live"},
        (
            (
                "`only-environments` has no effect here, because with `since`, the step is about pull requests, which have "
                "no environment."
            ),
        ),
    ),
    (
        "schedule",
        HISTORY | {"backfill-file": "rows.csv", "only-environments": "live"},
        (
            (
                "`only-environments` has no effect here. It limits what is read from GitHub's history, and `backfill-file` "
                "is set."
            ),
        ),
    ),
    (
        "schedule",
        HISTORY | {"csv-file": "out.csv", "max-per-second": "0"},
        ("`max-per-second` has no effect here, because `csv-file` is set and nothing is sent to DX.",),
    ),
)


@pytest.mark.parametrize(("name", "given", "notices"), WORDS, ids=str)
def test_a_notice_names_the_input_and_why(name: str, given: dict[str, str], notices: tuple[str, ...]) -> None:
    assert unused_inputs(inputs(given), event(name)) == notices


SINCE_UNUSED: dict[str, tuple[dict[str, str], bool]] = {
    "a service by hand": ({"service": "web"}, True),
    "and the commit's time": ({"service": "web", "lead-time-metadata": "commit"}, True),
    "and its pull request": ({"service": "web", "set-pull-services": "true"}, True),
    "beside a map, and its pull request": (
        {"service": "web", "set-pull-services": "true", "service-map": MAP},
        True,
    ),
    "its own name, and its pull request": ({"set-pull-services": "true"}, True),
    "the pull request alone": ({"service": "web", "operation": "set-pull-services"}, True),
    "the pull request alone, by a map": ({"operation": "set-pull-services", "service-map": MAP}, True),
    "services by files": ({"service-map": MAP}, False),
    "what ships": ({"service": "web", "attribution": "merge-commits"}, False),
    "pull requests shown": ({"service": "web", "show-pull-requests": "true"}, False),
    "the first commit's time": ({"service": "web", "lead-time-metadata": "first-commit"}, False),
}


@pytest.mark.parametrize("name", SINCE_UNUSED)
def test_a_previous_commit_that_nothing_looks_at_is_told(name: str) -> None:
    given, told = SINCE_UNUSED[name]
    notices = unused_inputs(inputs({"since-sha": "abc1235"} | given), event("pull_request_merged"))
    assert ["`since-sha` has no effect here. It is used" in notice for notice in notices] == ([True] if told else [])
