"""Which permissions inputs need: what the table says, and that the look-ups of a whole run need no other."""

from pathlib import Path

import pytest

import builders
import events
from builders import event, inputs
from dx_action.deployment.permissions import Here, Needed, Permission, needed
from dx_action.runner.event import parse_event
from dx_action.sandbox import Sandbox
from runner import TOKEN, Step, connected
from scenes import merge_payload, push_payload, told
from stand_in import GitHub, Repo

MERGE, PUSH, DISPATCH = "pull_request_merged", "push_branch", "workflow_dispatch"
RUN, RUN_OF_TAG = "workflow_run_success", "workflow_run_tag"
FILE, INLINE = {"service-map": "services.yml"}, {"service-map": "a: [a/**]"}
OWNERS, CATALOGS = {"services-from": "codeowners"}, {"services-from": "backstage"}
COMMIT_TIME = {"service": "a", "lead-time-metadata": "commit"}
SHIPS = {"service": "a", "attribution": "merge-commits"}
LISTED = SHIPS | {"merge-commit-shas": "1234567"}
SET = {"service": "a", "set-pull-services": "true"}
ALL_HERE = Here(checkout=True, service_map=True, ca_bundle=True)
CONTENTS: Permission = "contents"
PULLS: Permission = "pull-requests"
DEPLOYMENTS: Permission = "deployments"

ROWS: list[tuple[dict[str, str], str, Here, dict[Permission, Needed]]] = [
    ({"service": "a"}, PUSH, Here(), {}),
    ({"service": "a", "services-from": "input"}, MERGE, Here(), {}),
    (FILE, MERGE, Here(), {CONTENTS: "yes", PULLS: "yes"}),
    (FILE, MERGE, Here(service_map=True), {PULLS: "yes"}),
    (FILE, MERGE, Here(checkout=True), {CONTENTS: "yes", PULLS: "yes"}),
    (INLINE, MERGE, Here(), {PULLS: "yes"}),
    (INLINE, PUSH, Here(), {CONTENTS: "yes"}),
    (INLINE | {"since-sha": "1234567"}, MERGE, Here(), {CONTENTS: "yes"}),
    (INLINE | {"pull-number": "7"}, PUSH, Here(), {PULLS: "yes"}),
    (INLINE | {"pull-number": "7"}, DISPATCH, Here(), {PULLS: "yes"}),
    (INLINE | {"since-sha": "1234567"}, DISPATCH, Here(), {CONTENTS: "yes"}),
    (INLINE, DISPATCH, Here(), {CONTENTS: "perhaps", PULLS: "perhaps"}),
    (FILE, DISPATCH, Here(), {CONTENTS: "yes", PULLS: "perhaps"}),
    (OWNERS, MERGE, Here(), {CONTENTS: "yes", PULLS: "yes"}),
    (OWNERS, MERGE, Here(checkout=True), {PULLS: "yes"}),
    (CATALOGS, MERGE, Here(), {CONTENTS: "yes", PULLS: "yes"}),
    (CATALOGS, PUSH, ALL_HERE, {CONTENTS: "yes"}),
    ({"service": "a", "ca-bundle": "ca.pem"}, PUSH, Here(), {CONTENTS: "yes"}),
    ({"service": "a", "ca-bundle": "ca.pem"}, PUSH, Here(ca_bundle=True), {}),
    (SHIPS, DISPATCH, Here(), {DEPLOYMENTS: "yes", CONTENTS: "yes", PULLS: "yes"}),
    (SHIPS | {"since-sha": "1234567"}, DISPATCH, Here(), {CONTENTS: "yes", PULLS: "yes"}),
    (LISTED, DISPATCH, Here(), {}),
    (LISTED | {"show-pull-requests": "true"}, DISPATCH, Here(), {CONTENTS: "yes", PULLS: "yes"}),
    (
        {"service": "a", "show-pull-requests": "true"},
        MERGE,
        Here(),
        {DEPLOYMENTS: "yes", CONTENTS: "yes", PULLS: "yes"},
    ),
    (COMMIT_TIME, MERGE, Here(), {}),
    (COMMIT_TIME, PUSH, Here(), {}),
    (COMMIT_TIME, RUN, Here(), {}),
    (COMMIT_TIME, DISPATCH, Here(), {CONTENTS: "yes"}),
    (COMMIT_TIME, "push_no_head_commit", Here(), {CONTENTS: "yes"}),
    (COMMIT_TIME | {"commit-sha": "1234567"}, PUSH, Here(), {CONTENTS: "yes"}),
    (COMMIT_TIME | {"commit-sha": events.load(PUSH)[1]["after"]}, PUSH, Here(), {}),
    (COMMIT_TIME | {"commit-sha": events.load(PUSH)[1]["after"][:7]}, PUSH, Here(), {}),
    (COMMIT_TIME | {"commit-sha": events.load(PUSH)[1]["after"]}, DISPATCH, Here(), {CONTENTS: "yes"}),
    ({"service": "a", "lead-time-metadata": "first-commit"}, MERGE, Here(), {PULLS: "yes"}),
    (
        {"service": "a", "lead-time-metadata": "both"},
        DISPATCH,
        Here(),
        {DEPLOYMENTS: "yes", CONTENTS: "yes", PULLS: "yes"},
    ),
    (SET, MERGE, Here(), {}),
    (SET, PUSH, Here(), {CONTENTS: "yes", PULLS: "yes"}),
    (SET, DISPATCH, Here(), {CONTENTS: "perhaps", PULLS: "perhaps"}),
    (SET | {"pull-id": "7"}, PUSH, Here(), {}),
    (INLINE | {"set-pull-services": "true"}, MERGE, Here(), {PULLS: "yes"}),
    (INLINE | {"set-pull-services": "true"}, PUSH, Here(), {CONTENTS: "yes", PULLS: "yes"}),
    (INLINE | {"set-pull-services": "true"}, DISPATCH, Here(), {CONTENTS: "perhaps", PULLS: "perhaps"}),
    (INLINE | SET, DISPATCH, Here(), {CONTENTS: "perhaps", PULLS: "perhaps"}),
    (INLINE | SET | {"pull-number": "7"}, DISPATCH, Here(), {PULLS: "yes"}),
    ({"service": "a"}, RUN, Here(), {}),
    ({"service": "a"}, RUN_OF_TAG, Here(), {CONTENTS: "perhaps"}),
    ({"service": "a", "only-branches": "v*"}, RUN_OF_TAG, Here(), {}),
    ({"service": "a", "only-branches": "release/**"}, RUN, Here(), {CONTENTS: "perhaps"}),
    (COMMIT_TIME | {"commit-sha": "1234567"}, RUN_OF_TAG, Here(), {CONTENTS: "yes"}),
]


@pytest.mark.parametrize(("given", "name", "here", "expected"), ROWS)
def test_what_is_needed(given: dict[str, str], name: str, here: Here, expected: dict[Permission, Needed]) -> None:
    assert needed(inputs(given), event(name), here) == expected


@pytest.mark.parametrize("name", [MERGE, PUSH, DISPATCH, RUN_OF_TAG])
@pytest.mark.parametrize("given", [row[0] for row in ROWS if row[2] == Here() and "ca-bundle" not in row[0]])
def test_a_run_reads_nothing_else(tmp_path: Path, given: dict[str, str], name: str) -> None:
    """The stand-in refuses every permission that the table does not name, and the run is the same as with all of them."""
    repo = Repo("acme/shop", start="2025-03-03T00:00:00Z")
    first = repo.commit({"services.yml": "a: [a/**]", "CODEOWNERS": "* @acme/a\n", "a/x": "0"})
    repo.commit({"catalog-info.yaml": "kind: Component\nmetadata: {name: a}\n"})
    repo.deployments.create(first, state="success")
    pull = repo.pulls.ship({"a/x": "1"}, how="squash")
    repo.tag("release-7", repo.rev("main"))
    of_tag = {"workflow_run.head_branch": "release-7", "workflow_run.head_sha": repo.rev("main")}
    payload = {
        MERGE: merge_payload(repo, pull),
        PUSH: push_payload(repo, first),
        RUN_OF_TAG: builders.payload(RUN_OF_TAG, of_tag),
    }.get(name)
    payload = payload or {"repository": {"full_name": "acme/shop", "default_branch": "main"}}
    given = {
        key: first if text == "1234567" else str(pull.number) if text == "7" and key == "pull-number" else text
        for key, text in given.items()
    }
    wanted = needed(inputs(given), parse_event(events.load(name)[0]["GITHUB_EVENT_NAME"], payload), Here())
    found = []
    for granted in (True, False):
        with GitHub(repo) as gh, Sandbox(token=TOKEN) as dx:
            for each in (CONTENTS, PULLS, DEPLOYMENTS):
                gh.permissions[each.replace("-", "_")] = "read" if granted or each in wanted else "none"
            env = told(tmp_path, gh, repo, payload, GITHUB_SERVER_URL="https://github.com")
            run = Step(tmp_path, connected(dx, service="") | given, name, env, github_token=gh.token).inside()
            found.append((run.status, run.json("requests"), run.annotations))
    assert found[0] == found[1]
