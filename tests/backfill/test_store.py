"""A backfill's checked rows: what stays of them until they are sent, and the CSV that is written of them."""

import csv
import io
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import given as any_of
from hypothesis import strategies as st

from backfills import calls, opened, values, written
from cells import CELLS
from dx_action.backfill.store import Rows, write_csv
from dx_action.deployment.calls import Call, serialise
from dx_action.errors import BadEvent, BadInput
from dx_action.runner.workspace import Workspace
from dx_action.secrecy import Secret, Secrets

HEAD = "deployed_at,service,commit_sha\n"
ONE = "2025-01-01T12:05:00Z,web,abc1234\n"
COLUMNS = [
    *("reference_id", "deployed_at", "service", "repository", "merge_commit_shas", "commit_sha", "integration_branch"),
    *("environment", "success", "source_url", "source_name", "metadata"),
]


WEB = Call("deployments.create", "web", "web/1", b'{"reference_id":"web/1","service":{"identifier":"web"}}')

# What is kept of them.


@pytest.mark.parametrize(
    ("given", "name"),
    [
        ({"repository": "acme/shop", "environment": "eu"}, ("acme/shop", "web", "eu")),
        ({"merge_commit_shas": ["abc1234"]}, ("", "web", "")),
    ],
    ids=str,
)
def test_what_a_row_is_named_by(given: dict[str, Any], name: tuple[str, str, str]) -> None:
    rows = Rows()
    rows.add(WEB._replace(body=serialise(WEB.json() | given)), 2)
    assert rows.names == [name]


@pytest.mark.parametrize(
    ("moment", "ms"),
    [
        ("1970-01-01T00:00:00Z", 1),
        ("1970-01-01T00:00:01Z", 1000),
        ("1969-12-31T23:59:59Z", -1000),
        ("2025-01-01T12:05:00.250999Z", 1735733100250),
    ],
)
def test_no_time_is_called_none(moment: str, ms: int) -> None:
    rows = Rows()
    rows.add(WEB._replace(body=serialise(WEB.json() | {"deployed_at": moment})), 2)
    assert list(rows.times) == [ms]


def test_a_pull_request_is_named_by_what_is_sent(tmp_path: Path) -> None:
    """An id names it alone, whatever the row says besides."""
    line = {"github_pull_id": 7, "services": ["web"], "method": "setPullServices"}
    content = json.dumps(line) + "\n" + json.dumps(line | {"repository": "acme/a", "pull_number": 8}) + "\n"
    rows, _ = opened(tmp_path, content, "rows.jsonl")
    assert (list(rows.keys), rows.names) == ([0, 0], [("", "the pull request of id 7", "")])
    assert rows.call(0) == rows.call(1)


def test_times_and_keys(tmp_path: Path) -> None:
    content = "deployed_at,service,repository,environment\n"
    content += (
        "1735733100250,web,acme/shop,blue\n1735733100,web,acme/shop,\n1735733101,web,Acme/Shop,blue\n1735733100,api,,\n"
    )
    rows, _ = opened(tmp_path, content)
    assert list(rows.times) == [1735733100250, 1735733100000, 1735733101000, 1735733100000]
    assert list(rows.keys) == [0, 1, 0, 2]
    assert list(rows.names) == [("acme/shop", "web", "blue"), ("acme/shop", "web", ""), ("acme/shop", "api", "")]


@pytest.mark.parametrize(
    ("environments", "keys"),
    [
        (["", "production", ""], [0, 0, 0]),
        (["production", "", "eu"], [0, 0, 1]),
        (["", "Production", "production"], [0, 1, 0]),
        (["eu", "", "eu"], [0, 1, 0]),
    ],
    ids=str,
)
def test_no_environment_is_in_one_lane_with_production(
    tmp_path: Path, environments: list[str], keys: list[int]
) -> None:
    """DX counts them as one, so they go in time order; what is sent stays as it is written."""
    content = "deployed_at,service,environment\n"
    content += "".join(f"{1735733100 + number},web,{name}\n" for number, name in enumerate(environments))
    rows, _ = opened(tmp_path, content)
    assert list(rows.keys) == keys
    assert values(rows, "environment") == [(name or None,) for name in environments]


def test_calls_for_pull_requests_have_keys_of_their_own(tmp_path: Path) -> None:
    content = "".join(
        json.dumps({**named, "services": [{"identifier": one}], "method": "setPullServices"}) + "\n"
        for named in (
            {"github_pull_id": 7},
            {"repository": "acme/a", "pull_number": 7},
            {"repository": "acme/b", "pull_number": 7},
        )
        for one in ("web", "api")
    )
    rows, _ = opened(tmp_path, content, "rows.jsonl")
    assert list(rows.times) == [0] * 6
    assert list(rows.keys) == [0, 0, 1, 1, 2, 2]


def test_a_file_that_changes_while_it_is_read(tmp_path: Path) -> None:
    rows, _ = opened(tmp_path, HEAD + ONE)
    (tmp_path / "rows.csv").write_text("nothing of it")
    assert rows.call(0).json()["deployed_at"]


def test_what_was_checked_is_what_is_sent_though_the_disk_fills_up() -> None:
    rows = Rows()
    rows._file.close()
    full = open("/dev/full", "r+b", buffering=0)  # noqa: SIM115, PTH123
    rows._file = full
    with pytest.raises(BadEvent, match="is a folder without room for the rows"):
        rows.add(WEB, 2)
    full.close()


def test_a_file_that_is_replaced_stays_readable(tmp_path: Path) -> None:
    rows, _ = opened(tmp_path, HEAD + ONE)
    before = rows.call(0)
    with Workspace(str(tmp_path)).replacing("rows.csv") as file:
        file.write(b"another")
    assert rows.call(0) == before


# The CSV that is written.


def test_the_csv_that_is_written(tmp_path: Path) -> None:
    content = "deployed_at,service,merge_commit_shas,metadata,success\n"
    content += '1735733100,web=Web,"abc1234,abc1235","{""ü"": ""=1+1""}",false\n'
    content += '1735733101,"{""identifier"": ""=cmd""}",,,\n'
    rows, _ = opened(tmp_path, content)
    text, notices = written(tmp_path, rows)
    head, first, second, rest = text.split("\r\n")
    assert head == ",".join(COLUMNS)
    assert first == (
        f"{rows.call(0).reference_id},2025-01-01T12:05:00Z,"
        '"{""identifier"":""web"",""name"":""Web""}",,"[""abc1234"",""abc1235""]",,,,false,,,'
        '"{""ü"":""=1+1""}"'
    )
    assert second.startswith(
        f'{rows.call(1).reference_id},2025-01-01T12:05:01Z,"{{""identifier"":""=cmd""}}",acme/shop,,'
    )
    assert (rest, notices) == ("", ())
    assert calls(opened(tmp_path, text, "again.csv")[0]) == calls(rows)


def test_updates_have_their_column(tmp_path: Path) -> None:
    rows, _ = opened(tmp_path, "deployed_at,method\n1735733100,\n1735733101,upsert\n")
    text, _ = written(tmp_path, rows)
    (first, second) = csv.DictReader(io.StringIO(text))
    assert (first["method"], first["success"], second["method"], second["success"]) == ("create", "", "upsert", "true")
    assert calls(opened(tmp_path, text, "again.csv")[0]) == calls(rows)


@pytest.mark.parametrize(
    ("count", "notice"),
    [
        (1, "Left out 1 setPullServices call: the CSV is for deployments only."),
        (2, "Left out 2 setPullServices calls: the CSV is for deployments only."),
    ],
)
def test_calls_for_pull_requests_are_left_out(tmp_path: Path, count: int, notice: str) -> None:
    lines = [
        {"deployed_at": 1735733100, "service": "web"},
        *(
            {"github_pull_id": number, "services": ["web"], "method": "setPullServices"}
            for number in range(1, count + 1)
        ),
        {"deployed_at": 1735733101, "service": "web", "success": False},
    ]
    rows, _ = opened(tmp_path, "".join(json.dumps(line) + "\n" for line in lines), "rows.jsonl")
    text, notices = written(tmp_path, rows)
    found = calls(rows)
    assert calls(opened(tmp_path, text, "again.csv")[0]) == [found[0], found[-1]]
    assert notices == (notice,)


def test_a_file_may_be_written_over_itself(tmp_path: Path) -> None:
    rows, _ = opened(tmp_path, HEAD + ONE * 2, "rows.csv")
    write_csv("rows.csv", rows, Workspace(str(tmp_path)), str)
    text = (tmp_path / "rows.csv").read_text()
    assert calls(opened(tmp_path, text, "again.csv")[0]) == calls(rows)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["again.csv", "rows.csv"]


def test_a_csv_is_written_without_secrets(tmp_path: Path) -> None:
    rows, _ = opened(tmp_path, HEAD + ONE)
    write_csv("out.csv", rows, Workspace(str(tmp_path)), Secrets([Secret("it", "abc1234")]).scrubbed)
    text = (tmp_path / "out.csv").read_text()
    assert "***" in text
    assert "abc1234" not in text


def test_a_csv_that_cannot_be_written(tmp_path: Path) -> None:
    rows, _ = opened(tmp_path, HEAD + ONE)
    (tmp_path / "out").symlink_to("/tmp")
    with pytest.raises(BadInput, match="`csv-file` names a file that cannot be opened or written"):
        written(tmp_path, rows)


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@any_of(st.lists(CELLS, min_size=1, max_size=6, unique_by=lambda cells: str(cells["deployed_at"])))
def test_any_rows_written_as_csv_read_back_the_same(tmp_path: Path, cells: list[dict[str, Any]]) -> None:
    rows, _ = opened(
        tmp_path,
        "".join(
            json.dumps({**each, "reference_id": f"{number} {each.get('reference_id', '')}"}) + "\n"
            for number, each in enumerate(cells)
        ),
        "rows.jsonl",
    )
    text, notices = written(tmp_path, rows)
    assert len(rows) == len(cells)
    assert notices == ()
    assert calls(opened(tmp_path, text, "again.csv")[0]) == calls(rows)
    again, _ = written(tmp_path, opened(tmp_path, text, "again.csv")[0])
    assert again == text
