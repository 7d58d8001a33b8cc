"""A backfill's rows: which cells make which call, and what is said of those that cannot."""

import json
from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given as any_of

import builders
from cells import CELLS
from dx_action.backfill.rows import COLUMNS, BadRow, Row, read_row
from dx_action.inputs.model import Inputs

SHA = "a0e61dfff93b2b07788cacf2c1cb3948ed4a39b2"
FROM_FILE = {"operation": "backfill", "backfill-file": "rows.csv"}
OWN = builders.inputs(FROM_FILE)
AT: dict[str, object] = {"deployed_at": "2025-01-01T12:05:00Z"}
WHOLE: dict[str, object] = {
    "reference_id": "release/42",
    "deployed_at": "2025-01-01T12:05:00Z",
    "service": '{"identifier": "web", "name": "Web"}',
    "repository": "acme/web",
    "commit_sha": SHA,
    "integration_branch": "develop",
    "environment": "blue",
    "success": "false",
    "source_url": "https://ci.example/1",
    "source_name": "Argo",
    "metadata": '{"version": "1.10", "n": 7}',
}
BODY: dict[str, Any] = WHOLE | {
    "service": {"identifier": "web", "name": "Web"},
    "success": False,
    "metadata": {"version": "1.10", "n": 7},
}


def read(cells: Mapping[str, object], inputs: Inputs = OWN, own: str = "acme/shop") -> Row:
    return read_row(cells, inputs, own, builders.NOW)


def body(cells: Mapping[str, object], inputs: Inputs = OWN) -> dict[str, Any]:
    return read(cells, inputs).call.json()


def problems(cells: Mapping[str, object], own: str = "acme/shop") -> dict[str, str]:
    with pytest.raises(BadRow) as caught:
        read(cells, own=own)
    return {each.subject: each.text for each in caught.value.problems}


# What is read.


def test_a_whole_row() -> None:
    row = read(WHOLE)
    assert row.call.json() == BODY
    assert list(row.call.json()) == list(BODY)
    assert (row.call.method, row.call.service, row.call.reference_id) == ("deployments.create", "web", "release/42")
    assert not row.assumed


@pytest.mark.parametrize(
    ("column", "cell", "value"),
    [
        ("deployed_at", "2025-01-01T14:05+02:00", "2025-01-01T12:05:00Z"),
        ("deployed_at", "1735733100", "2025-01-01T12:05:00Z"),
        ("deployed_at", 1735733100, "2025-01-01T12:05:00Z"),
        ("deployed_at", 1735733100250, "2025-01-01T12:05:00.250Z"),
        ("service", " web ", {"identifier": "web"}),
        ("service", "web=Web", {"identifier": "web", "name": "Web"}),
        ("service", '{"identifier":"web"}', {"identifier": "web"}),
        ("service", {"identifier": "web", "name": None}, {"identifier": "web"}),
        ("service", {"identifier": "a,b=c"}, {"identifier": "a,b=c"}),
        ("repository", " PROJ/shop ", "PROJ/shop"),
        ("commit_sha", "ABC1234", "ABC1234"),
        ("metadata", "version: 1.10", {"version": "1.10"}),
        ("metadata", {"ü": [1, 2.5, None]}, {"ü": [1, 2.5, None]}),
        *(("success", cell, False) for cell in ("false", "FAILURE", "error", False)),
        ("environment", "Production EU", "Production EU"),
    ],
    ids=repr,
)
def test_a_cell(column: str, cell: object, value: object) -> None:
    assert body(AT | {column: cell})[column] == value


@pytest.mark.parametrize(
    "cell", ['["abc1234", "abc2345"]', "abc1234,abc2345", "abc1234\nabc2345", ["abc1234", "abc2345"]]
)
def test_merge_commits(cell: object) -> None:
    found = body(AT | {"merge_commit_shas": cell, "service": "web"})
    assert found["merge_commit_shas"] == ["abc1234", "abc2345"]
    assert "repository" not in found


@pytest.mark.parametrize("cell", ["true", "Success", True, "", None])
def test_a_success_is_left_out_of_a_creation_and_told_in_an_update(cell: object) -> None:
    assert "success" not in body(AT | {"success": cell})
    assert body(AT | {"success": cell, "method": "Upsert"})["success"] is True


@pytest.mark.parametrize("blank", ["", " \t", None], ids=repr)
def test_blank_is_absent(blank: object) -> None:
    assert body(dict.fromkeys(COLUMNS, blank) | AT | {"commit_sha": SHA}) == body(AT | {"commit_sha": SHA})


# What fills empty cells.

FULL = builders.inputs(
    FROM_FILE,
    service="cart=Cart",
    repository="acme/cart",
    integration_branch="next",
    environment="green",
    success="failure",
    source_url="https://fill.example",
    source_name="Fill",
    metadata='{"fill": true}',
    method="upsert",
)


def test_inputs_fill_what_is_empty() -> None:
    row = read(AT | {"reference_id": "r"}, FULL)
    assert row.call.method == "deployments.upsert"
    assert row.call.json() == {
        "reference_id": "r",
        "deployed_at": "2025-01-01T12:05:00Z",
        "service": {"identifier": "cart", "name": "Cart"},
        "repository": "acme/cart",
        "integration_branch": "next",
        "environment": "green",
        "success": False,
        "source_url": "https://fill.example",
        "source_name": "Fill",
        "metadata": {"fill": True},
    }


def test_inputs_change_nothing_that_is_there() -> None:
    assert read(WHOLE | {"method": "create"}, FULL) == read(WHOLE)
    assert "success" not in body(WHOLE | {"method": "create", "success": "true"}, FULL)


def test_the_workflows_own_repository_fills_where_no_merge_commits_say_which_code_it_is() -> None:
    shas = AT | {"merge_commit_shas": "abc1234", "service": "web"}
    assert body(AT)["repository"] == "acme/shop"
    assert "repository" not in body(shas)
    assert body(shas, FULL)["repository"] == "acme/cart"


@pytest.mark.parametrize(
    ("cells", "service", "assumed"),
    [
        ({}, "shop", True),
        ({"repository": "PROJ/a/b"}, "b", True),
        ({"repository": "gerrit-project"}, "gerrit-project", True),
        ({"service": "web"}, "web", False),
    ],
    ids=str,
)
def test_without_a_service_it_is_the_repositorys_own_name(
    cells: dict[str, object], service: str, assumed: bool
) -> None:
    row = read(AT | cells)
    assert (row.call.service, row.assumed) == (service, assumed)


# The id.


def derived(**cells: object) -> str:
    return read({**AT, "service": "web", "commit_sha": "abc1234", **cells}).call.reference_id


def test_a_derived_id_is_readable_and_holds_the_service() -> None:
    assert derived() == "backfill/2025-01-01T12:05:00Z/24c7b3c71d542acb/web"


@pytest.mark.parametrize(
    "cells",
    [
        {"deployed_at": "1735733100"},
        {"service": "web=Web"},
        {"repository": "ACME/Shop"},
        {"commit_sha": "ABC1234"},
        {"success": "true"},
        {"source_url": "https://ci.example"},
        {"source_name": "Argo"},
        {"metadata": "a: 1"},
        {"integration_branch": "develop"},
        {"method": "upsert"},
    ],
    ids=str,
)
def test_what_describes_a_deployment_does_not_change_its_id(cells: dict[str, object]) -> None:
    assert derived(**cells) == derived()


def test_what_makes_it_another_deployment_does() -> None:
    others = [
        *(
            derived(),
            derived(deployed_at="2025-01-01T12:05:01Z"),
            derived(service="cart"),
            derived(repository="acme/b"),
        ),
        *(
            derived(environment="blue"),
            derived(environment="Blue"),
            derived(commit_sha="abc1235"),
            derived(success="false"),
        ),
        *(derived(commit_sha=""), derived(commit_sha="", merge_commit_shas="abc1234,abc1235")),
    ]
    assert len(set(others)) == len(others)


def test_the_order_of_merge_commits_makes_no_other_deployment() -> None:
    one, other = (derived(commit_sha="", merge_commit_shas=shas) for shas in ("abc1234,abc1235", "ABC1235,abc1234"))
    assert one == other


@pytest.mark.parametrize(
    ("cell", "written", "sent"),
    [
        (None, None, None),
        ("", "Jenkins", "Jenkins"),
        (None, "none", None),
        ("Argo", None, "Argo"),
        ("Argo", "Jenkins", "Argo"),
        ("none", "Jenkins", None),
    ],
    ids=str,
)
def test_the_source_of_a_row(cell: str | None, written: str | None, sent: str | None) -> None:
    """A row without one gets one only if the input is written: nobody said that GitHub Actions deployed it."""
    given = builders.inputs(FROM_FILE | ({"source-name": written} if written else {}))
    assert body(AT | {"source_name": cell}, given).get("source_name") == sent


# What cannot be sent.


@pytest.mark.parametrize(
    ("column", "cell", "words"),
    [
        ("deployed_at", "", "is missing. Write a time with its zone"),
        ("deployed_at", "2025-01-01T12:05:00", "has no time zone. Write a time with its zone"),
        ("deployed_at", "01.01.2025", "is not a time that can be read"),
        ("deployed_at", True, "is not text"),
        ("deployed_at", 17.5, "is not text"),
        ("service", "web,cart", "names several services, but a row is a deployment of one"),
        ("service", ["web", "cart"], "names several services"),
        ("service", {"id": "web"}, "neither text nor an object with `identifier` and `name`"),
        ("service", 7, "neither text nor an object"),
        ("repository", "a\nb", "a line break or another control character"),
        ("repository", 7, "is not text"),
        ("commit_sha", "main", "is not a commit id of 7 to 40 hexadecimal digits"),
        ("commit_sha", 1234567, "is not text. Write it in quotes."),
        ("merge_commit_shas", "{abc1234, abc2345}", "is a list in braces"),
        ("merge_commit_shas", ["abc1234", 7], "has an item that is not text"),
        ("merge_commit_shas", "abc", "has an item that is not a commit id"),
        ("merge_commit_shas", f"abc1234,{'0' * 40}", "has an item that is git's way to write that there is no commit"),
        ("commit_sha", "0" * 40, "is git's way to write that there is no commit"),
        ("merge_commit_shas", [], "is an empty list. Leave it out, or name at least one item."),
        ("merge_commit_shas", "[]", "is an empty list. Leave it out, or name at least one item."),
        ("reference_id", "a\tb", "control character"),
        ("reference_id", "null", "is what an expression without a value leaves behind"),
        ("service", "undefined", "has a service that is what an expression without a value leaves behind"),
        ("service", '"web"', "has a service that has quotes around it"),
        ("environment", "${{ matrix.env }}", "has an expression that was not evaluated"),
        ("integration_branch", "$BRANCH", "is a shell variable"),
        ("source_name", "NaN", "is what an expression without a value leaves behind"),
        ("repository", "https://github.com/acme/shop", "is an address. Write `acme/shop`"),
        ("repository", "acme/shop.git", "Write `acme/shop`"),
        ("environment", "\ud800", "is not valid UTF-8"),
        ("success", "perhaps", "is not one of `true`, `success`"),
        ("success", "skipped", "means that nothing was deployed. Leave the row out."),
        ("success", 1, "is not text"),
        ("source_url", "ci/1", "is not a URL"),
        ("source_name", "a\x07", "control character"),
        ("integration_branch", "a\x00b", "control character"),
        ("metadata", "[1]", "is not an object"),
        ("metadata", {"a": "\ud800"}, "is not valid Unicode"),
        ("metadata", [1], "is not an object"),
        ("metadata", '{"a": 1, "a": 2}', "has the same key twice"),
        ("method", "insert", "is not one of `create`, `upsert`, `update`, `delete`."),
        ("tags", "a", "is not a field of this method. Its fields are `reference_id`, `deployed_at`"),
    ],
    ids=repr,
)
def test_a_wrong_cell_is_told_by_its_column(column: str, cell: object, words: str) -> None:
    found = problems(AT | {column: cell})
    assert list(found) == [column]
    assert words in found[column]
    assert found[column].endswith((".", "]."))


@pytest.mark.parametrize(("length", "told"), [(60, "x" * 60), (61, f"{'x' * 59}…")])
def test_a_long_strange_column_is_told_by_its_beginning(length: int, told: str) -> None:
    (subject,) = problems(AT | {"x" * length: "1"})
    assert subject == told


@pytest.mark.parametrize("of", [AT | {"service": "web"}, {"reference_id": "r", "method": "update"}], ids=str)
def test_a_commit_and_merge_commits_are_one_too_many(of: dict[str, object]) -> None:
    found = problems(of | {"commit_sha": SHA, "merge_commit_shas": SHA})
    assert found == {
        "merge_commit_shas": "cannot be combined with `commit_sha`. Leave one of the two empty.",
    }


def test_what_cannot_be_known_is_not_guessed() -> None:
    assert list(problems(AT | {"commit_sha": SHA, "service": "web"}, own="")) == ["repository"]
    assert list(problems(AT | {"merge_commit_shas": SHA})) == ["service"]


def test_all_that_is_wrong_with_a_row_at_once() -> None:
    found = problems({"deployed_at": "1", "commit_sha": "x", "success": "y", "metadata": "z"})
    assert list(found) == ["deployed_at", "commit_sha", "success", "metadata"]


# Calls of setPullServices, as `failed-file` keeps them.


@pytest.mark.parametrize(
    "kept",
    [
        {"github_pull_id": 77, "services": [{"identifier": "web", "name": "Web"}]},
        {"repository": "acme/shop", "pull_number": 7, "services": [{"identifier": "web"}, {"identifier": "cart"}]},
        {"github_pull_id": 77, "services": [], "replace": True},
    ],
    ids=str,
)
def test_a_call_for_a_pull_request_comes_back_as_it_was(kept: dict[str, object]) -> None:
    row = read(kept | {"method": "setPullServices"}, FULL)
    assert row == read(kept | {"method": " SETpullservices "}, FULL)
    assert row.call.method == "deployments.setPullServices"
    assert row.call.body == json.dumps(kept, separators=(",", ":")).encode()
    assert (row.call.service, row.call.reference_id) == ("", "")
    assert row.call.subject in ("pull request #7", "the pull request of id 77")
    assert row == Row(row.call, assumed=False, derived=False, ahead=False)


@pytest.mark.parametrize(
    ("cells", "column"),
    [
        ({"services": ["web"]}, "github_pull_id"),
        ({"pull_number": 7, "services": ["web"]}, "github_pull_id"),
        ({"github_pull_id": "x", "services": ["web"]}, "github_pull_id"),
        ({"github_pull_id": True, "services": ["web"]}, "github_pull_id"),
        ({"github_pull_id": 7, "services": [7]}, "services"),
        ({"github_pull_id": 7, "replace": "maybe"}, "replace"),
        ({"github_pull_id": 7, "deployed_at": "1735733100"}, "deployed_at"),
    ],
    ids=str,
)
def test_a_call_for_a_pull_request_that_is_wrong(cells: dict[str, object], column: str) -> None:
    assert list(problems(cells | {"method": "setPullServices"})) == [column]


# Rows that correct. Each has the id `r`, unless it says another, and no input fills a cell of it.


@pytest.mark.parametrize(
    ("method", "cells", "fields", "ahead"),
    [
        ("update", WHOLE, BODY, False),
        ("Update", {"success": "true"}, {"success": True}, False),
        ("update", {"source_name": "none", "success": False}, {"success": False}, False),
        ("update", {"merge_commit_shas": "abc1234"}, {"merge_commit_shas": ["abc1234"]}, False),
        ("update", {"deployed_at": "2025-03-10T10:00Z"}, {"deployed_at": "2025-03-10T10:00:00Z"}, True),
        (" Delete ", {}, {}, False),
    ],
    ids=str,
)
def test_a_correction(method: str, cells: dict[str, object], fields: dict[str, Any], ahead: bool) -> None:
    row = read({"reference_id": "r", "method": method} | cells, FULL)
    assert row.call.method == f"deployments.{method.strip().lower()}"
    assert row.call.json() == {"reference_id": "r"} | fields
    assert row == Row(row.call, assumed=False, derived=False, ahead=ahead)


# For all rows.


@any_of(CELLS)
def test_a_row_that_was_sent_reads_back_as_itself(cells: dict[str, object]) -> None:
    """As JSON Lines has it, and so does `failed-file`."""
    row: Row = read(cells)
    kept = row.call.json() | {"method": row.call.method.removeprefix("deployments.")}
    assert read(kept).call == row.call


def test_a_service_that_is_wrong_is_not_said_to_be_missing() -> None:
    (found,) = problems(AT | {"service": "a,b", "merge_commit_shas": "abc1234"}).values()
    assert found.startswith("names several services")
