"""A backfill's files: which rows are read from them, what is said of those that cannot, and the CSV that is written."""

import json
import os
import subprocess
import sys
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import given as any_of
from hypothesis import strategies as st

import builders
from backfills import calls, hinted, opened, values, written
from dx_action.backfill.file import Form, Record, csv_cells, form_of, header, json_cells, records, rows_from_file
from dx_action.errors import BadInput, InvalidValue
from dx_action.runner.workspace import Workspace
from runner import ROOT
from thorough import times

HEAD = "deployed_at,service,commit_sha\n"
ONE = "2025-01-01T12:05:00Z,web,abc1234\n"
BOM = b"\xef\xbb\xbf"


def problems(folder: Path, content: str | bytes, name: str = "rows.csv", **given: str) -> list[str]:
    with pytest.raises(BadInput) as caught:
        opened(folder, content, name, **given)
    assert {each.subject for each in caught.value.problems} == {"backfill-file"}
    return [each.text for each in caught.value.problems]


# What is read.


@pytest.mark.parametrize(
    "content",
    [
        HEAD + ONE,
        HEAD + ONE.rstrip("\n"),
        (HEAD + ONE).replace("\n", "\r\n"),
        "\ufeff" + HEAD + ONE,
        '\ufeff"deployed_at","service","commit_sha"\r\n"2025-01-01T12:05:00Z","web","abc1234"\r\n',
        "commit_sha,deployed_at,service\nabc1234,2025-01-01T12:05:00Z,web\n",
        " Commit_SHA , DEPLOYED_AT,service,environment\n abc1234 , 1735733100 ,web, \n",
        "\n" + HEAD + "\n" + ONE + "\r\n,,\n \n",
        "deployed_at,service,commit_sha,,\n2025-01-01T12:05:00Z,web,abc1234, ,\n,,,,\n",
        HEAD + '2025-01-01T12:05:00Z,"{""identifier"": ""web""}",abc1234\n',
    ],
    ids=repr,
)
def test_a_csv(tmp_path: Path, content: str) -> None:
    rows, notices = opened(tmp_path, content)
    assert values(rows, "deployed_at", "service", "commit_sha", "repository") == [
        ("2025-01-01T12:05:00Z", {"identifier": "web"}, "abc1234", "acme/shop")
    ]
    assert notices == ()


def test_cells_in_quotes_may_have_lines_and_quotes(tmp_path: Path) -> None:
    metadata = '{"a": "say ""x""",\r\n "b": [1,\n2]}'.replace('"', '""').replace('""""', '\\""')
    content = f'deployed_at,service,metadata\r\n1735733100,web,"{metadata}"\r\n1735733101,web,\r\n'
    rows, _ = opened(tmp_path, content)
    assert values(rows, "metadata") == [({"a": 'say "x"', "b": [1, 2]},), (None,)]
    assert [rows.line(index) for index in range(2)] == [2, 5]


LINES = (
    '{"deployed_at": 1735733100, "service": "web", "merge_commit_shas": ["abc1234"], "metadata": {"n": 1}}\n'
    '\n{"deployed_at": "2025-01-01T12:05:00Z", "service": {"identifier": "web"}, "success": false, "environment": null}\r\n'
    '{"github_pull_id": 7, "services": [{"identifier": "web"}], "method": "setPullServices"}'
)


@pytest.mark.parametrize("name", ["rows.jsonl", "rows.NDJSON", "rows.json", "rows", "rows.csv"])
@pytest.mark.parametrize("mark", ["", "\ufeff"], ids=["", "marked"])
def test_json_lines(tmp_path: Path, name: str, mark: str) -> None:
    rows, _ = opened(tmp_path, mark + LINES, name)
    assert values(rows, "success", "merge_commit_shas", "metadata", "services") == [
        (None, ["abc1234"], {"n": 1}, None),
        (False, None, None, None),
        (None, None, None, [{"identifier": "web"}]),
    ]
    assert [rows.line(index) for index in range(3)] == [1, 3, 4]


@pytest.mark.parametrize("name", ["rows.CSV", "rows", "rows.txt", "a.jsonl.csv"])
def test_what_is_not_json_is_csv(tmp_path: Path, name: str) -> None:
    assert len(opened(tmp_path, HEAD + ONE, name)[0]) == 1


def test_what_a_pull_request_is_told_twice_is_said_twice(tmp_path: Path) -> None:
    """Between the two it was told something else, and the last word counts."""
    content = "".join(
        json.dumps(
            {"github_pull_id": 7, "services": [{"identifier": one}], "replace": True, "method": "setPullServices"}
        )
        + "\n"
        for one in ("web", "api", "web")
    )
    rows, notices = opened(tmp_path, content, "rows.jsonl")
    assert [services[0]["identifier"] for (services,) in values(rows, "services")] == ["web", "api", "web"]
    assert notices == ()


def test_inputs_fill_the_cells(tmp_path: Path) -> None:
    content = HEAD + "1735733100,,abc1234\n1735733100,web,abc1234\n"
    rows, notices = opened(
        tmp_path, content, service="cart=Cart", environment="blue", method="upsert", success="failure"
    )
    assert values(rows, "service", "environment", "success", "source_name") == [
        ({"identifier": "cart", "name": "Cart"}, "blue", False, None),
        ({"identifier": "web"}, "blue", False, None),
    ]
    assert {call.method for call in calls(rows)} == {"deployments.upsert"}
    assert notices == ()


def test_only_environments_filters_no_file(tmp_path: Path) -> None:
    assert len(opened(tmp_path, HEAD + ONE, environment="staging", only_environments="prod*")[0]) == 1


@pytest.mark.parametrize(("count", "words"), [(1, "1 row has no `service`."), (3, "3 rows have no `service`.")])
def test_rows_without_a_service_are_one_notice(tmp_path: Path, count: int, words: str) -> None:
    content = HEAD + ONE + "".join(f"{1735733100 + number},,abc1234\n" for number in range(count))
    _, (notice,) = opened(tmp_path, content)
    assert notice.startswith(words)
    assert notice.endswith(" The repository's own name is used instead, such as shop.")


@pytest.mark.parametrize(
    ("again", "notice"),
    [
        (ONE, "1 row repeats an earlier one and is not sent again."),
        (ONE * 3, "3 rows repeat earlier ones and are not sent again."),
        ("1735733100,web,abc1234\n", "1 row repeats an earlier one and is not sent again."),
    ],
    ids=["once", "often", "in another form"],
)
def test_the_same_row_twice_is_one_deployment(tmp_path: Path, again: str, notice: str) -> None:
    rows, notices = opened(tmp_path, HEAD + ONE + "1735733101,web,abc1234\n" + again)
    assert len(rows) == 2
    assert notices == (notice,)


def test_a_deployment_that_failed_to_be_created_and_then_updated_is_one(tmp_path: Path) -> None:
    kept = {
        "reference_id": "r",
        "deployed_at": "2025-01-01T12:05:00Z",
        "service": {"identifier": "web"},
        "repository": "a/b",
    }
    content = "".join(json.dumps(row) + "\n" for row in (kept, kept | {"success": True, "method": "upsert"}))
    rows, notices = opened(tmp_path, content, "failed.jsonl")
    assert (len(rows), len(notices)) == (1, 1)


KEPT: dict[str, Any] = {
    "reference_id": "github.com/pull/7/deploy/0/success/web",
    "deployed_at": "2025-01-01T12:05:00Z",
    "service": {"identifier": "web"},
    "repository": "acme/shop",
    "commit_sha": "abc1234",
    "source_url": "https://github.com/acme/shop/pull/7",
    "metadata": {"version": "1.10", "commit_timestamp": 1735733000, "first_commit_timestamp": 1735700000},
}
LATER: dict[str, Any] = {"deployed_at": "2025-01-01T14:00:00Z"}
META: dict[str, Any] = KEPT["metadata"]
AGAIN: dict[str, dict[str, Any]] = {
    "its time": LATER,
    "its time, earlier": {"deployed_at": "2025-01-01T11:00:00Z"},
    "its page": {"source_url": "https://github.com/acme/shop/actions/runs/1/job/2"},
    "its time and page": LATER | {"source_url": "https://github.com/acme/shop/actions/runs/1/job/2"},
    "its time, and no page": LATER | {"source_url": None},
    "what was looked up": LATER | {"metadata": META | {"first_commit_timestamp": 1735600000}},
    "facts that were looked up": LATER | {"metadata": META | {"rollback": True, "pull_requests": 3, "started_at": 1}},
    "what was not found again": LATER | {"metadata": {"version": "1.10", "commit_timestamp": 1735733000}},
}
OTHER: dict[str, dict[str, Any]] = {
    "the commit": LATER | {"commit_sha": "abc1235"},
    "the service": LATER | {"service": {"identifier": "api"}},
    "the service's name": LATER | {"service": {"identifier": "web", "name": "Web"}},
    "the repository": LATER | {"repository": "acme/web"},
    "the environment": LATER | {"environment": "eu"},
    "the outcome": LATER | {"success": False},
    "the source": LATER | {"source_name": "Argo"},
    "the metadata": LATER | {"metadata": META | {"version": "1.11"}},
    "no metadata": LATER | {"metadata": {"commit_timestamp": 1735733000}},
    "the branch": {"integration_branch": "develop"},
    "the method": LATER | {"method": "upsert"},
}


def json_lines(*given: dict[str, Any]) -> str:
    return "".join(json.dumps(each) + "\n" for each in given)


@pytest.mark.parametrize("change", AGAIN.values(), ids=AGAIN)
@pytest.mark.parametrize(("method", "counts"), [("create", "first"), ("upsert", "last")])
def test_a_job_that_failed_twice_is_one_deployment(
    tmp_path: Path, change: dict[str, Any], method: str, counts: str
) -> None:
    """A `failed-file` has a row of each attempt; DX keeps the first creation, and the last update."""
    rest = KEPT | {"reference_id": "another"}
    earlier, later = KEPT | {"method": method}, KEPT | change | {"method": method}
    rows, (notice,) = opened(tmp_path, json_lines(earlier, rest, later), "failed.jsonl")
    kept = opened(tmp_path, json_lines(earlier if counts == "first" else later), "one.jsonl")[0]
    assert calls(rows)[0] == calls(kept)[0]
    assert (len(rows), rows.times[0], rows.line(0)) == (2, kept.times[0], 1 if counts == "first" else 3)
    assert notice == (
        "1 row repeats an earlier `reference_id` with a different time or URL, as a re-run job writes. "
        f"By `{method}`, DX keeps the {counts} one, so only that one is sent."
    )


def test_a_job_that_failed_often_is_told_once(tmp_path: Path) -> None:
    attempts = [KEPT | {"deployed_at": 1735733100 + number} for number in range(4)]
    rows, notices = opened(tmp_path, json_lines(*attempts, attempts[0]), "failed.jsonl")
    assert values(rows, "deployed_at") == [("2025-01-01T12:05:00Z",)]
    assert [notice[:28] for notice in notices] == ["1 row repeats an earlier one", "3 rows repeat an earlier `re"]


@pytest.mark.parametrize("change", OTHER.values(), ids=OTHER)
def test_one_id_with_two_contents(tmp_path: Path, change: dict[str, Any]) -> None:
    content = json_lines(KEPT, KEPT | {"reference_id": "another"}, KEPT | change)
    (text,) = problems(tmp_path, content, "rows.jsonl")
    assert text.startswith("line 3 is the same deployment as line 1 (same `reference_id`), but has other values.")


def test_an_id_of_the_row_s_content_with_two_contents(tmp_path: Path) -> None:
    """Nobody said that these are one deployment."""
    content = "deployed_at,service,source_url\n1735733100,web,https://a\n1735733101,web,\n1735733100,web,https://b\n"
    (text,) = problems(tmp_path, content)
    assert text.startswith("line 4 is the same deployment as line 2 (same `reference_id`), but has other values.")


def test_a_csv_with_one_id_at_two_times(tmp_path: Path) -> None:
    content = "reference_id,deployed_at,service\nr,1735733100,web\ns,1735733100,web\nr,1735733101,web\n"
    rows, notices = opened(tmp_path, content)
    assert (list(rows.times), len(notices)) == ([1735733100000] * 2, 1)


# What cannot be read: one sentence each.

LONG = "x" * (1 << 20)
BROKEN: dict[str, tuple[str, str | bytes, str]] = {
    "empty": ("a.csv", "", "is empty."),
    "empty lines": ("a.jsonl", "\n\n", "is empty."),
    "a mark alone": ("a.csv", "\ufeff", "is empty."),
    "a header alone": ("a.csv", HEAD, "has no row below its header."),
    "UTF-16": ("a.csv", (HEAD + ONE).encode("utf-16"), "is not UTF-8 but UTF-16. In Excel, save it as `CSV UTF-8"),
    "UTF-16 without a mark": ("a.csv", (HEAD + ONE).encode("utf-16-le"), "is not UTF-8 but UTF-16."),
    "Latin-1": ("a.csv", HEAD.encode() + b"1735733100,caf\xe9,\n", "line 2 is not UTF-8. In Excel"),
    "Latin-1 in the header": ("a.csv", b"deployed_at,caf\xe9\n", "line 1 is not UTF-8."),
    "Latin-1 in JSON": ("a.jsonl", b'{"service": "caf\xe9"}', "line 1 is not UTF-8."),
    "an image": ("a.csv", b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR" + bytes(range(256)), "line 1 is not UTF-8."),
    "semicolons": ("a.csv", "deployed_at;service\n", "has semicolons or tabs between its columns."),
    "tabs": ("a.csv", "deployed_at\tservice\n", "has semicolons or tabs between its columns."),
    "a strange column": (
        "a.csv",
        "deployed_at,tags\n",
        "has an unknown column `tags` in line 1. The columns are `reference_id`,",
    ),
    "a column without a name": (
        "a.csv",
        "deployed_at,,service\n",
        "has a column without a name in line 1. The columns are",
    ),
    "a column twice": ("a.csv", "deployed_at,service,Service\n", "has the column `service` twice."),
    "no time": ("a.csv", "service,commit_sha\nweb,abc1234\n", "has no column `deployed_at` in line 1"),
    "no header": ("a.csv", ONE, "has an unknown column `2025-01-01t12:05:00z` in line 1"),
    "too few cells": ("a.csv", HEAD + "1735733100,web\n", "line 2 has 2 cells, but the header has 3 columns."),
    "too many cells": ("a.csv", HEAD + "1,2,3,4\n", "line 2 has 4 cells, but the header has 3 columns."),
    "text after a quote": ("a.csv", HEAD + '"1"x,2,3\n', "line 2 is not valid CSV. Double each quote in a cell"),
    "a quote that stays open": (
        "a.csv",
        HEAD + ONE + 'a,"b,c\n' + ONE,
        "line 3 is not valid CSV. Double each quote in a cell",
    ),
    "a lone carriage return": ("a.csv", HEAD + "1\r2,3,4\n", "line 2 has a line end that is CR alone."),
    "lines that end in CR": ("a.csv", (HEAD + ONE).replace("\n", "\r"), "line 1 has a line end that is CR alone. Save"),
    "lines that end in CR, and quotes": (
        *("a.csv", '"deployed_at","service"\r1735733100,"we""b"\r1735733100,"a\rb"\r'),
        "line 1 has a line end that is CR alone. Save the file with LF or CRLF line ends.",
    ),
    "many lines that end in CR": (
        "a.csv",
        HEAD + (ONE * (1 << 16)).replace("\n", "\r"),
        "line 2 has a line end that is CR",
    ),
    "objects that end in CR": (
        *("a.jsonl", '{"deployed_at": 1735733100}\r{"deployed_at": 1735733101}\r'),
        "line 1 has a line end that is CR alone.",
    ),
    "a CR in a cell, and text after its quote": (
        "a.csv",
        HEAD + '"1\r"x,2,3\n',
        "line 2 is not valid CSV. Double each quote in a cell",
    ),
    "an endless line": (
        "a.csv",
        HEAD + ONE + LONG + "y",
        "has a record of more than 1 MiB from line 3 on. Check that every quote is closed.",
    ),
    "an endless header": ("a.csv", LONG + "y", "has a record of more than 1 MiB from line 1 on"),
    "an endless cell": ("a.csv", HEAD + '"' + "x\n" * (1 << 20), "has a record of more than 1 MiB from line 2 on"),
    "an endless object": ("a.jsonl", '{"a": "' + LONG, "has a record of more than 1 MiB from line 1 on."),
    "a JSON array": ("a.json", '[{"deployed_at": 1735733100}]', "is a JSON array. Write JSON Lines"),
    "an object over several lines": ("a.json", '{\n"deployed_at": 1735733100}', "line 1 is not a JSON object."),
    "JSON that is no object": ("a.jsonl", "7\n", "line 1 is not a JSON object. Write one whole object on each line"),
    "an object without fields": ("a.jsonl", "{}\n", "line 1 is not a JSON object."),
    "NaN": ("a.jsonl", '{"metadata": {"a": NaN}}\n', "line 1 contains NaN or Infinity"),
    "a field twice": ("a.jsonl", '{"service": "a", "service": "b"}\n', "line 1 has the same key twice"),
    "JSON without a bottom": ("a.jsonl", '{"metadata": ' + "[" * 100_000, "line 1 is nested too deeply"),
    "JSON too deep for a row": (
        "a.jsonl",
        '{"metadata": ' + "[" * 101 + "]" * 101 + "}",
        "line 1 is nested too deeply",
    ),
    "metadata too deep in a row": (
        "a.jsonl",
        '{"deployed_at": 1735733100, "metadata": ' + '{"a": ' * 100 + "{}" + "}" * 101,
        "line 1 is nested too deeply",
    ),
    "metadata too deep in a cell": (
        "a.csv",
        'deployed_at,metadata\n1735733100,"' + '{""a"": ' * 101 + "1" + "}" * 101 + '"\n',
        "line 2, column `metadata`: is nested too deeply",
    ),
    "a strange field": (
        "a.jsonl",
        '{"deployed_at": 1735733100, "tag": 1}',
        "line 1, column `tag`: is not a field of this",
    ),
    "a wrong cell": (
        "a.csv",
        HEAD + ONE + "1735733100,web,main\n",
        "line 3, column `commit_sha`: is not a commit id of 7",
    ),
    "a strange field that is a command": (
        *("a.jsonl", '{"deployed_at": 1735733100, "\\n::error::x": 1}'),
        "line 1, column `\\n::error::x`: is not a field of this method.",
    ),
}


@pytest.mark.parametrize(("name", "content", "words"), BROKEN.values(), ids=BROKEN)
def test_a_broken_file_is_one_sentence(tmp_path: Path, name: str, content: str | bytes, words: str) -> None:
    text = problems(tmp_path, content, name)[0]
    assert text.startswith(words)
    assert text.endswith((".", '""".'))


def test_a_thousand_bad_rows(tmp_path: Path) -> None:
    texts = problems(tmp_path, HEAD + "2025-01-01,web,\n" * 500 + ONE + "2025-01-01,web,\n" * 500)
    assert [text.partition(":")[0] for text in texts[:5]] == [
        f"line {line}, column `deployed_at`" for line in range(2, 7)
    ]
    assert texts[5:] == ["has 995 more rows that cannot be used."]


def test_one_bad_row_more_than_is_shown(tmp_path: Path) -> None:
    assert problems(tmp_path, HEAD + "x,web,\n" * 6)[5:] == ["has 1 more row that cannot be used."]
    assert len(problems(tmp_path, HEAD + "x,web,\n" * 5)) == 5


def test_two_gigabytes_on_one_line_are_not_read(tmp_path: Path) -> None:
    """A file of holes: it has the size without the bytes."""
    with (tmp_path / "rows.csv").open("wb") as file:
        file.write(HEAD.encode() + b"x")
        file.truncate(2 << 30)
    inputs = builders.inputs({"operation": "backfill", "backfill-file": "rows.csv"})
    with pytest.raises(BadInput, match="has a record of more than 1 MiB from line 2 on"):
        rows_from_file(inputs, builders.runtime("schedule"), Workspace(str(tmp_path)), print, builders.NOW)


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda path: None, "names a file that is not in the workspace"),
        (lambda path: path.mkdir(), "it is a symbolic link or a folder|names something that is not a file"),
        (lambda path: path.symlink_to("/etc/hosts"), "it is a symbolic link or a folder"),
        (os.mkfifo, "names something that is not a file"),
    ],
    ids=["missing", "a folder", "a link out of it", "a pipe"],
)
def test_what_is_no_file_of_the_workspace(tmp_path: Path, make: Any, words: str) -> None:
    make(tmp_path / "rows.csv")
    inputs = builders.inputs({"operation": "backfill", "backfill-file": "rows.csv"})
    with pytest.raises(BadInput, match=words):
        rows_from_file(inputs, builders.runtime("schedule"), Workspace(str(tmp_path)), print, builders.NOW)


@pytest.mark.parametrize(
    ("given", "name", "words"),
    [
        ({"service": "web\ncart"}, "service", "names several services, but a row of the `backfill-file` is"),
        ({"success": "cancelled"}, "success", "means that nothing was deployed"),
    ],
    ids=str,
)
def test_inputs_that_cannot_fill_a_row(tmp_path: Path, given: dict[str, str], name: str, words: str) -> None:
    with pytest.raises(BadInput) as caught:
        opened(tmp_path, HEAD + ONE, **given)
    (problem,) = caught.value.problems
    assert problem.subject == name
    assert words in problem.text


# The form of a file, and its records.


@pytest.mark.parametrize(
    ("path", "start", "form"),
    [
        ("rows.csv", HEAD.encode(), "CSV"),
        ("rows", HEAD.encode(), "CSV"),
        ("rows.txt", HEAD.encode(), "CSV"),
        ("rows.jsonl", HEAD.encode(), "JSON Lines"),
        ("rows.ndjson", HEAD.encode(), "JSON Lines"),
        ("rows.json", HEAD.encode(), "JSON Lines"),
        ("out.d/ROWS.JSONL", HEAD.encode(), "JSON Lines"),
        ("rows.jsonl", b"", "JSON Lines"),
        # What failed of a CSV is kept in its place.
        ("rows.csv", b'{"deployed_at":', "JSON Lines"),
        ("rows.csv", BOM + b'\r\n  {"deployed_at":', "JSON Lines"),
        ("rows.csv", b"[a],[b]\n", "CSV"),
        ("rows.csv", b"abcd\0", "CSV"),
    ],
)
def test_the_form(path: str, start: bytes, form: Form) -> None:
    assert form_of(path, start) == form


@pytest.mark.parametrize(
    ("path", "start", "says"),
    [
        ("rows.jsonl", b"[{", "is a JSON array"),
        ("rows.jsonl", b"[ {", "is a JSON array"),
        ("rows", BOM + b" \n[{", "is a JSON array"),
        ("rows.csv", b"d\0e\0", "is not UTF-8 but UTF-16"),
        ("rows.csv", b"abc\0", "is not UTF-8 but UTF-16"),
        ("rows.csv", b"\xff\xfe\x01\x02", "is not UTF-8 but UTF-16"),
        ("rows.csv", b"\xfe\xff\x01\x02", "is not UTF-8 but UTF-16"),
    ],
)
def test_what_has_no_form(path: str, start: bytes, says: str) -> None:
    with pytest.raises(InvalidValue, match=f"^{says}"):
        form_of(path, start)


def test_the_mark_is_passed_over_at_the_beginning_alone() -> None:
    found = list(records(BytesIO(BOM + b"a\n\n" + BOM + b"b\n"), "CSV"))
    assert found == [Record(1, b"a\n"), Record(3, BOM + b"b\n")]


@pytest.mark.parametrize(
    ("line", "names"),
    [
        (b"deployed_at\n", ("deployed_at",)),
        (b"deployed_at,\n", ("deployed_at",)),
        (b"deployed_at,service", ("deployed_at", "service")),
        (b' Service ,"DEPLOYED_AT"\r\n', ("service", "deployed_at")),
        (b"deployed_at,service,,\n", ("deployed_at", "service")),
    ],
)
def test_the_names_of_the_columns(line: bytes, names: tuple[str, ...]) -> None:
    assert header(Record(1, line)) == names


@pytest.mark.parametrize(
    ("line", "says"),
    [
        (b"deployed_at;service\n", "has semicolons or tabs between its columns"),
        (b"deployed_at\tservice\n", "has semicolons or tabs between its columns"),
        (b"deployed_at,what\n", "has an unknown column `what` in line 3. The columns are `"),
        (b"deployed_at,a`b`c\n", "has an unknown column `abc` in line 3. "),
        (b"deployed_at," + b"x" * 61 + b"\n", f"has an unknown column `{'x' * 59}…` in line 3. "),
        (b"deployed_at,,service\n", "has a column without a name in line 3. "),
        (b"deployed_at,service,service\n", "has the column `service` twice"),
        (b"service\n", "has no column `deployed_at` in line 3"),
        (b'deployed_at,"a"b\n', "line 3 is not valid CSV. Double each quote"),
        (b"deployed_at\rservice\r", "line 3 has a line end that is CR alone"),
    ],
)
def test_what_is_wrong_with_the_columns(line: bytes, says: str) -> None:
    with pytest.raises(InvalidValue) as caught:
        header(Record(3, line))
    assert str(caught.value).startswith(says)


@pytest.mark.parametrize(
    ("data", "cells"),
    [
        (b"a,b\n", {"x": "a", "y": "b"}),
        (b"a,b\r\n", {"x": "a", "y": "b"}),
        (b"a,b", {"x": "a", "y": "b"}),
        (b' a ," b\n"\n', {"x": " a ", "y": " b\n"}),
        (b"a,\n", {"x": "a", "y": ""}),
        (b"a,b,,\n", {"x": "a", "y": "b"}),
        (b" , \n", {}),
        (b",,,,\n", {}),
        (b'a,"' + b"z" * 500_000 + b'"\n', {"x": "a", "y": "z" * 500_000}),
    ],
    ids=range(9),
)
def test_the_cells_of_a_row(data: bytes, cells: dict[str, str]) -> None:
    assert csv_cells(data, ("x", "y")) == cells


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"a\n", "has 1 cell, but the header has 2 columns."),
        (b"a,b,c\n", "has 3 cells, but the header has 2 columns."),
        (b"a,\xff\n", "is not UTF-8"),
    ],
)
def test_what_is_wrong_with_a_row(data: bytes, says: str) -> None:
    with pytest.raises(InvalidValue) as caught:
        csv_cells(data, ("x", "y"))
    assert str(caught.value).startswith(says)


@pytest.mark.parametrize("data", [b'{"a": 1}', b' {"a": 1} \r\n', b'\t{"a":\t1}\n'])
def test_an_object_s_fields(data: bytes) -> None:
    assert json_cells(data) == {"a": 1}


@pytest.mark.parametrize("form", ["CSV", "JSON Lines"])
def test_a_record_has_one_mebibyte_at_most(form: Form) -> None:
    whole = b"x" * ((1 << 20) - 1) + b"\n"
    assert list(records(BytesIO(whole + b"y"), form)) == [Record(1, whole), Record(2, b"y")]
    with pytest.raises(InvalidValue, match="has a record of more than 1 MiB from line 2 on"):
        list(records(BytesIO(b"a\nx" + whole), form))


# What it takes.

MEMORY = """
import re, sys
from io import BytesIO
from pathlib import Path
sys.path[:0] = sys.argv[1:3]
import builders
from dx_action.backfill.file import Form, Record, csv_cells, form_of, header, json_cells, records, rows_from_file
from dx_action.runner.workspace import Workspace
inputs = builders.inputs({"operation": "backfill", "backfill-file": "rows.csv"})
rows, _ = rows_from_file(inputs, builders.runtime("schedule"), Workspace(sys.argv[3]), str, builders.NOW)
for index in range(0, len(rows), 100):
    rows.call(index)
print(len(rows), re.search(r"VmHWM:\\s+(\\d+) kB", Path("/proc/self/status").read_text())[1])
"""


def test_a_hundred_thousand_rows_stay_small(tmp_path: Path) -> None:
    """The whole process. It takes some seconds, for each row is read and checked."""
    with (tmp_path / "rows.csv").open("w", encoding="utf-8") as file:
        file.write("deployed_at,service,commit_sha,source_url,metadata\n")
        for number in range(times(100_000)):
            row = f"{1735733100 + number},svc{number % 50},{number:07x}abc,https://ci.example/{number}"
            file.write(f'{row},"{{""version"": ""1.{number}""}}"\n')
    command = [sys.executable, "-c", MEMORY, str(ROOT), str(ROOT / "tests/support"), str(tmp_path)]
    run = subprocess.run(command, capture_output=True, text=True, check=True)
    rows, kibibytes = map(int, run.stdout.split())
    assert rows == times(100_000)
    assert kibibytes < 120 * 1024


# Whatever is in it.

PIECES = st.sampled_from(
    [
        *(
            b'"',
            b",",
            b"\n",
            b"\r\n",
            b"\r",
            b"\0",
            b"\xff\xfe",
            b"\xef\xbb\xbf",
            b"{",
            b"}",
            b"[",
            b": ",
            b"\xe9",
            b" ",
        ),
        *(
            b"deployed_at",
            b"service",
            b'"deployed_at": 1735733100',
            b'"service": "web"',
            b"1735733100",
            b"web",
            b"method",
        ),
        *(
            b"upsert",
            b'{"deployed_at": 1735733100}\n',
            HEAD.encode(),
            ONE.encode(),
            b"1e999",
            b"\\ud800",
            b"null",
            b"9" * 5000,
        ),
    ]
)


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@any_of(st.lists(PIECES, max_size=12).map(b"".join), st.sampled_from(["rows.csv", "rows.jsonl", "rows.txt"]))
def test_any_file_is_rows_or_a_sentence(tmp_path: Path, content: bytes, name: str) -> None:
    try:
        rows, _ = opened(tmp_path, content, name)
    except BadInput as error:
        for problem in error.problems:
            assert problem.subject == "backfill-file"
            assert len(problem.text) < 700
            assert "\n" not in problem.text
    else:
        assert len(calls(rows)) == len(rows) > 0
        text, _ = written(tmp_path, rows)
        assert calls(opened(tmp_path, text, "again.csv")[0]) == calls(rows)


@pytest.mark.parametrize("name", ["rows.jsonl", "rows.csv"])
def test_metadata_of_a_row_may_be_as_deep_as_that_of_the_input(tmp_path: Path, name: str) -> None:
    """So that what was sent, and is in a `failed-file`, can be read again."""
    metadata = '{"a": ' * 99 + '{"b": 1}' + "}" * 99
    row = f'{{"deployed_at": 1735733100, "service": "web", "commit_sha": "abc1234", "metadata": {metadata}}}'
    if name == "rows.csv":
        row = 'deployed_at,service,commit_sha,metadata\n1735733100,web,abc1234,"{}"\n'.format(
            metadata.replace('"', '""')
        )
    rows, _ = opened(tmp_path, row, name)
    assert rows.call(0).json()["metadata"] == json.loads(metadata)


@pytest.mark.parametrize(("count", "said"), [(1, "Read 1 row from a.csv"), (2000, "Read 2,000 rows from a.csv")])
def test_how_many_rows_were_read_is_said(tmp_path: Path, count: int, said: str) -> None:
    lines = [f"2025-01-06T09:00:00Z,web,o/r,{number:07x}" for number in range(count)]
    (tmp_path / "a.csv").write_text("\n".join(["deployed_at,service,repository,commit_sha", *lines]))
    inputs, log = builders.inputs({"operation": "backfill", "backfill-file": "a.csv"}), list[str]()
    rows, _ = rows_from_file(inputs, builders.runtime("schedule"), Workspace(str(tmp_path)), log.append, builders.NOW)
    assert (len(rows), log) == (count, [said])


AHEAD = "more than 10 minutes ahead of the runner's clock, and DX takes it as it is. Check the time, its zone and the clock."


@pytest.mark.parametrize(
    ("name", "cell", "words"),
    [
        (
            "rows.csv",
            "2099-01-01T00:00:00Z",
            "is more than a day ahead of the runner's clock, which says 2025-03-10T09:30:15Z.",
        ),
        ("rows.csv", "1971-01-01T00:00:00Z", "is before the year 2000."),
        ("rows.csv", "0000000000", "is before the year 2000."),
        ("rows.jsonl", "4102444800", "is more than a day ahead of the runner's clock"),
    ],
)
def test_a_row_of_another_age(tmp_path: Path, name: str, cell: str, words: str) -> None:
    content = HEAD + f"{cell},web,abc1234\n"
    if name == "rows.jsonl":
        content = json.dumps({"deployed_at": int(cell)}) + "\n"
    inputs = builders.inputs({"operation": "backfill", "backfill-file": name})
    (tmp_path / name).write_text(content)
    with pytest.raises(BadInput) as caught:
        rows_from_file(inputs, builders.runtime("schedule"), Workspace(str(tmp_path)), print, builders.NOW)
    (problem,) = caught.value.problems
    line = 2 if name == "rows.csv" else 1
    assert problem.text.startswith(f"line {line}, column `deployed_at`: {words}")


@pytest.mark.parametrize(
    ("count", "which"),
    [
        (1, "1 row (line 2)"),
        (2, "2 rows (lines 2, 3)"),
        (5, "5 rows (lines 2, 3, 4, 5, 6)"),
        (7, "7 rows (lines 2, 3, 4, 5, 6 and 2 more)"),
    ],
)
def test_rows_ahead_of_the_clock(tmp_path: Path, count: int, which: str) -> None:
    content = HEAD + "".join(f"2025-03-10T1{number}:00:00Z,web,abc1234\n" for number in range(count))
    rows, hints = hinted(tmp_path, content + "2025-03-10T09:40:00Z,web,abc1234\n")
    assert hints == (("warning", f"`deployed_at` of {which} is {AHEAD}"),)
    assert len(rows) == count + 1
