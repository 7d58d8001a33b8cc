"""A file's form, by what it starts with and by its name; and its records."""

from io import BytesIO

import pytest

from dx_action.backfill.records import Form, Record, Unreadable, csv_cells, form_of, header, json_cells, records
from dx_action.errors import InvalidValue

BOM = b"\xef\xbb\xbf"
COLUMNS = b"deployed_at,service\n"


@pytest.mark.parametrize(
    ("path", "start", "form"),
    [
        ("rows.csv", COLUMNS, "CSV"),
        ("rows", COLUMNS, "CSV"),
        ("rows.txt", COLUMNS, "CSV"),
        ("rows.jsonl", COLUMNS, "JSON Lines"),
        ("rows.ndjson", COLUMNS, "JSON Lines"),
        ("rows.json", COLUMNS, "JSON Lines"),
        ("out.d/ROWS.JSONL", COLUMNS, "JSON Lines"),
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
        ("rows.jsonl", b"[{", "is one JSON array"),
        ("rows.jsonl", b"[ {", "is one JSON array"),
        ("rows", BOM + b" \n[{", "is one JSON array"),
        ("rows.csv", b"d\0e\0", "is not UTF-8 but UTF-16"),
        ("rows.csv", b"abc\0", "is not UTF-8 but UTF-16"),
        ("rows.csv", b"\xff\xfe\x01\x02", "is not UTF-8 but UTF-16"),
        ("rows.csv", b"\xfe\xff\x01\x02", "is not UTF-8 but UTF-16"),
    ],
)
def test_what_has_no_form(path: str, start: bytes, says: str) -> None:
    with pytest.raises(Unreadable, match=f"^{says}"):
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
        (b"deployed_at,what\n", "has a column `what` in line 3, and the columns are `"),
        (b"deployed_at,a`b`c\n", "has a column `abc` in line 3, "),
        (b"deployed_at," + b"x" * 61 + b"\n", f"has a column `{'x' * 59}…` in line 3, "),
        (b"deployed_at,,service\n", "has a column without a name in line 3, "),
        (b"deployed_at,service,service\n", "has the column `service` twice"),
        (b"service\n", "has no column `deployed_at` in line 3"),
        (b'deployed_at,"a"b\n', "line 3 is no CSV: a quote"),
        (b"deployed_at\rservice\r", "line 3 has a line end that is CR alone"),
    ],
)
def test_what_is_wrong_with_the_columns(line: bytes, says: str) -> None:
    with pytest.raises(Unreadable) as caught:
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
        (b"a\n", "has 1 cell, and the first line has 2 columns."),
        (b"a,b,c\n", "has 3 cells, and the first line has 2 columns."),
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
    with pytest.raises(Unreadable, match="has a record of more than 1 MiB from line 2 on"):
        list(records(BytesIO(b"a\nx" + whole), form))
