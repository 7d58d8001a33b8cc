"""What an update, a deletion and `confirm-delete` may be written with."""

from typing import Any

import pytest

from builders import CONNECTION, inputs, variables
from dx_action.errors import BadInput
from dx_action.inputs.corrections import CHANGEABLE, changes
from dx_action.inputs.model import Inputs, read_inputs

UPDATE = {"operation": "update", "reference-id": "build-7"}
DELETE = {"operation": "delete", "reference-id": "build-7", "confirm-delete": "build-7"}
FILE = {"operation": "backfill", "backfill-file": "rows.csv"}
WRITTEN: dict[str, tuple[str, Any]] = {
    "deployed-at": ("2025-01-01T12:05:00Z", None),
    "service": ("web=Web", None),
    "repository": ("acme/shop", "acme/shop"),
    "merge-commit-shas": ("abc1234", ("abc1234",)),
    "commit-sha": ("abc1234", "abc1234"),
    "integration-branch": ("develop", "develop"),
    "environment": ("eu", "eu"),
    "success": ("false", "failure"),
    "source-url": ("https://ci.example/7", "https://ci.example/7"),
    "source-name": ("GitHub Actions", "GitHub Actions"),
    "metadata": ("{}", {}),
}


def problems(given: dict[str, str]) -> dict[str, str]:
    with pytest.raises(BadInput) as caught:
        read_inputs(variables(CONNECTION | given))
    return {problem.subject: problem.text for problem in caught.value.problems}


def test_every_value_that_an_update_can_change_is_tried() -> None:
    assert tuple(WRITTEN) == CHANGEABLE


@pytest.mark.parametrize("name", WRITTEN)
def test_one_value_is_enough_for_an_update_even_an_empty_object_or_a_default(name: str) -> None:
    text, value = WRITTEN[name]
    found = changes(inputs(UPDATE | {name: text}))
    assert list(found) == [name]
    assert value is None or found[name] == value


def test_nothing_is_a_change_unless_it_is_written() -> None:
    assert changes(inputs(UPDATE | {"environment": "eu", "success": " ", "metadata": "", "service": "\n"})) == {
        "environment": "eu"
    }


ID_MISSING = (
    "is missing. Write the id of the deployment, as in the output `reference-id` of the step that registered it."
)
NOTHING = "is `update`, but no value to change is written. Write at least one of `deployed-at`, `service`,"
ANOTHER = "is not the same text as `reference-id`. A deletion is permanent: write the id in both."
OF_FILE = "is only for `operation: delete`, and for a `backfill-file` with rows to delete. Leave it out."
OF_AN_EVENT = {
    "services-from": "codeowners",
    "service-map": "map.yml",
    "attribution": "repository",
    "since-sha": "abc1234",
    "lead-time-metadata": "both",
    "extra-metadata": "rollback",
    "only-branches": "main",
    "only-environments": "prod",
    "set-pull-services": "true",
    "replace-pull-services": "true",
    "pull-number": "7",
    "pull-id": "77",
    "show-pull-requests": "true",
    "method": "upsert",
    "on-conflict": "fail",
}
OF_A_BACKFILL = {
    "since": "2025-01-01T00:00:00Z",
    "until": "2025-01-01T00:00:00Z",
    "backfill-file": "rows.csv",
    "csv-file": "x.csv",
    "workflow-jobs": "true",
}
# What a correction has beside its values.
ITS_OWN = (
    *("dx-host", "dx-token", "github-token", "ca-bundle", "timeout", "operation", "reference-id", "confirm-delete"),
    *("fail-on-error", "dry-run", "failed-file", "max-per-second", "concurrency", "job-index", "check-run-id"),
)
# What is written → how what is said of each input begins.
BAD: list[tuple[dict[str, str], dict[str, str]]] = [
    (UPDATE, {"operation": NOTHING}),
    (UPDATE | {"source-name": "none"}, {"operation": NOTHING}),
    (UPDATE | {"success": "", "environment": " "}, {"operation": NOTHING}),
    (UPDATE | {"reference-id": "", "environment": "eu"}, {"reference-id": ID_MISSING}),
    ({"operation": "update"}, {"reference-id": ID_MISSING, "operation": NOTHING}),
    (UPDATE | {"success": "maybe"}, {"success": "is not one of"}),
    (UPDATE | {"metadata": "{", "environment": "eu"}, {"metadata": ""}),
    (UPDATE | {"service": "web, cart"}, {"service": "names several services, but a deployment is of one."}),
    (
        UPDATE | {"commit-sha": "abc1234", "merge-commit-shas": "abc2345"},
        {"merge-commit-shas": "cannot be combined with `commit-sha`: in DX, each of them clears the other."},
    ),
    (
        UPDATE | {"environment": "eu", "confirm-delete": "build-7"},
        {"confirm-delete": "is only for `operation: delete`,"},
    ),
    (UPDATE | {"environment": "eu", "deployed-at": "2099-01-01T00:00:00"}, {"deployed-at": "has no time zone"}),
    (DELETE | {"confirm-delete": ""}, {"confirm-delete": ANOTHER}),
    (DELETE | {"confirm-delete": "build-8"}, {"confirm-delete": ANOTHER}),
    (DELETE | {"confirm-delete": "Build-7"}, {"confirm-delete": ANOTHER}),
    (DELETE | {"confirm-delete": "true"}, {"confirm-delete": ANOTHER}),
    (DELETE | {"reference-id": ""}, {"reference-id": ID_MISSING}),
    ({"operation": "delete"}, {"reference-id": ID_MISSING}),
    *(
        (
            DELETE | {name: text.replace("{}", "a: 1")},
            {name: "is a value of a deployment, and `operation: delete` takes only its"},
        )
        for name, (text, _) in WRITTEN.items()
    ),
    *(
        (given | {name: text}, {name: "is about an event or about what it registers."})
        for given in (UPDATE | {"environment": "eu"}, DELETE)
        for name, text in OF_AN_EVENT.items()
    ),
    *(
        (given | {name: text}, {name: "is only for `operation: backfill`, whose `backfill-file` may also have rows"})
        for given in (UPDATE | {"environment": "eu"}, DELETE)
        for name, text in OF_A_BACKFILL.items()
    ),
    *(
        ({"operation": operation, "confirm-delete": "7"}, {"confirm-delete": OF_FILE})
        for operation in ("deploy", "backfill")
    ),
    ({"confirm-delete": "7", "since": "2025-01-01T00:00:00Z"}, {"confirm-delete": OF_FILE, "since": "is only for"}),
]


def test_every_input_is_a_value_or_has_its_rule() -> None:
    """A new input needs its place in one of them."""
    declared = [str(field.alias) for field in Inputs.model_fields.values()]
    assert sorted(declared) == sorted((*CHANGEABLE, *OF_AN_EVENT, *OF_A_BACKFILL, *ITS_OWN))


@pytest.mark.parametrize(("given", "said"), BAD, ids=str)
def test_what_cannot_be_written(given: dict[str, str], said: dict[str, str]) -> None:
    found = problems(given)
    assert found.keys() == said.keys()
    for name, words in said.items():
        assert found[name].startswith(words)


@pytest.mark.parametrize(
    "given",
    [
        DELETE,
        DELETE | {"confirm-delete": "  build-7\n"},
        UPDATE | {"environment": "eu"},
        UPDATE | {"environment": "eu", "only-branches": " ", "services-from": ""},
        UPDATE | {"environment": "eu", "method": "create", "set-pull-services": "false"},
        UPDATE | {"environment": "eu", "job-index": "3", "check-run-id": "777", "github-token": "ghs-of-the-tests"},
        FILE | {"confirm-delete": "7"},
    ],
    ids=str,
)
def test_what_can_be_written(given: dict[str, str]) -> None:
    assert inputs(given).reference_id == given.get("reference-id")
