"""Which inputs cannot stand together, by what was written."""

import pytest

from dx_action.inputs.combinations import together

BACKFILL = {"operation": "backfill"}
FILE = BACKFILL | {"backfill-file": "a.csv"}
TOLD = {"operation": "Set-Pull-Services"}


@pytest.mark.parametrize(
    ("raw", "subjects"),
    [
        ({}, []),
        # The token elsewhere; a short one may stand there by chance.
        ({"dx-token": "12345678"}, []),
        ({"dx-token": "12345678", "metadata": "x12345678x"}, ["metadata"]),
        (
            {"dx-token": "12345678", "metadata": "12345678", "source-url": "https://12345678.x"},
            ["metadata", "source-url"],
        ),
        ({"dx-token": "1234567", "metadata": "1234567"}, []),
        ({"dx-token": "12345678", "metadata": "1234567"}, []),
        # What counts is the token as it is used.
        ({"dx-token": "Bearer 12345678", "metadata": "x12345678x"}, ["metadata"]),
        (
            {"dx-token": "bearer   12345678", "metadata": "12345678", "source-url": "https://12345678.x"},
            ["metadata", "source-url"],
        ),
        ({"dx-token": "Bearer 1234567", "metadata": "1234567"}, []),
        ({"dx-token": "Bearer 12345678", "source-name": "Bearer of news"}, []),
        (FILE | {"dx-token": "12345678", "metadata": "12345678"}, ["metadata"]),
        # What is for a backfill alone.
        (
            {"since": "1", "until": "1", "backfill-file": "a", "csv-file": "a"},
            ["since", "until", "backfill-file", "csv-file"],
        ),
        (FILE | {"csv-file": "a"}, []),
        (BACKFILL | {"since": "1", "until": "1", "csv-file": "a"}, []),
        # One deployment.
        ({"merge-commit-shas": "a", "attribution": "Commit"}, ["attribution"]),
        ({"merge-commit-shas": "a", "attribution": "repository"}, ["attribution"]),
        ({"merge-commit-shas": "a", "attribution": "merge-commits"}, []),
        ({"merge-commit-shas": "a"}, []),
        ({"attribution": "commit"}, []),
        *(
            ({"service-map": "a", "services-from": name}, ["services-from"])
            for name in ("Input", "backstage", "codeowners")
        ),
        ({"service-map": "a", "services-from": "map"}, []),
        ({"service-map": "a"}, []),
        ({"services-from": "Map"}, ["service-map"]),
        ({"services-from": "input"}, []),
        ({"replace-pull-services": "True"}, ["replace-pull-services"]),
        ({"replace-pull-services": "false"}, []),
        ({"replace-pull-services": "true", "set-pull-services": "True"}, []),
        ({"replace-pull-services": "true", "set-pull-services": "false"}, ["replace-pull-services"]),
        (TOLD | {"replace-pull-services": "true"}, []),
        # A backfill, of many deployments.
        *(
            (BACKFILL | {name: "a"}, [name])
            for name in ("commit-sha", "merge-commit-shas", "deployed-at", "reference-id", "since-sha", "pull-number")
        ),
        *((BACKFILL | {name: "a"}, [name]) for name in ("pull-id", "service-map")),
        *(
            (BACKFILL | {name: text}, [name] if text == "True" else [])
            for name in ("set-pull-services", "replace-pull-services", "show-pull-requests")
            for text in ("True", "false")
        ),
        (BACKFILL | {"lead-time-metadata": "Commit"}, ["lead-time-metadata"]),
        (BACKFILL | {"lead-time-metadata": "None"}, []),
        (BACKFILL | {"services-from": "Map"}, ["services-from"]),
        (BACKFILL | {"services-from": "Input"}, []),
        (BACKFILL | {"attribution": "Merge-Commits"}, ["attribution"]),
        (BACKFILL | {"attribution": "commit"}, []),
        (BACKFILL | {"attribution": "repository"}, []),
        # Its file.
        (FILE | {"since": "1", "until": "1"}, ["since", "until"]),
        (FILE | {"workflow-jobs": "True"}, ["workflow-jobs"]),
        (FILE | {"workflow-jobs": "false"}, []),
        (FILE | {"attribution": "Commit"}, ["attribution"]),
        (FILE | {"attribution": "repository"}, ["attribution"]),
        (FILE | {"attribution": "merge-commits"}, ["attribution"]),
        (FILE | {"success": "true"}, []),
        # GitHub's history.
        (BACKFILL | {"workflow-jobs": "true"}, []),
        (BACKFILL | {"success": "true"}, ["success"]),
    ],
    ids=str,
)
def test_what_cannot_stand_together(raw: dict[str, str], subjects: list[str]) -> None:
    found = together(raw)
    assert [each.subject for each in found] == subjects
    assert all(each.text.startswith(("is ", "holds ", "has ", "says ")) and each.text.endswith(".") for each in found)
