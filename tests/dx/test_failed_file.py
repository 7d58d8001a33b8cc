"""What a backfill keeps in `failed-file`."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from backfills import Listed
from dx_action.deployment.calls import Call, as_upsert
from dx_action.dx.failed_file import FailedFile, as_row
from dx_action.runner.workspace import Workspace

ROWS = Listed([("web", 1), ("api", 2), 7, ("web", 3)])
CALLS = [ROWS.call(index) for index in range(4)]


def failed_file(folder: Path, path: str | None = "failed.jsonl", *, replaces: bool = False) -> FailedFile:
    return FailedFile(Workspace(str(folder)), path, lambda text: text.replace("web", "***"), replaces=replaces)


def read(folder: Path) -> list[str]:
    rows = [json.loads(line) for line in (folder / "failed.jsonl").read_text().splitlines()]
    return [row.get("reference_id") or row["method"] for row in rows]


@pytest.mark.parametrize(
    ("call", "method"), [(CALLS[0], None), (as_upsert(CALLS[0]), "upsert"), (CALLS[2], "setPullServices")]
)
def test_a_row_is_a_body_with_its_method(call: Call, method: str | None) -> None:
    row = json.loads(as_row(call))
    assert row.pop("method", None) == method
    assert row == call.json()
    assert as_row(call).startswith(call.body.decode()[:-1])


def test_what_fails_is_there_at_once_and_the_rest_at_the_end(tmp_path: Path) -> None:
    kept = failed_file(tmp_path)
    kept.add(CALLS[1])
    assert read(tmp_path) == ["api/2/1"]
    kept.finish(iter([CALLS[2], CALLS[3]]), iter(CALLS[1:]))
    assert read(tmp_path) == ["api/2/1", "setPullServices", "***/3/3"]
    assert kept.path == "failed.jsonl"


def test_a_file_that_is_read_is_written_anew_at_the_end(tmp_path: Path) -> None:
    (tmp_path / "failed.jsonl").write_text("{}\n")
    kept = failed_file(tmp_path, replaces=True)
    kept.add(CALLS[1])
    assert (tmp_path / "failed.jsonl").read_text() == "{}\n"
    kept.finish(iter([]), iter(CALLS[1:3]))
    assert read(tmp_path) == ["api/2/1", "setPullServices"]


def test_nothing_left_leaves_an_empty_file(tmp_path: Path) -> None:
    (tmp_path / "failed.jsonl").write_text("{}\n")
    failed_file(tmp_path, replaces=True).finish(iter([]), iter([]))
    assert (tmp_path / "failed.jsonl").read_bytes() == b""


def test_many_rows_are_written_in_pieces(tmp_path: Path) -> None:
    rows = Listed([("api", minute) for minute in range(4_000)])
    failed_file(tmp_path).finish((rows.call(index) for index in range(4_000)), iter([]))
    assert read(tmp_path) == [rows.call(index).reference_id for index in range(4_000)]


@pytest.mark.parametrize("replaces", [False, True])
def test_once_it_is_late_it_says_so(tmp_path: Path, replaces: bool) -> None:
    (tmp_path / "failed.jsonl").write_text("")
    late = iter([False, False, True])
    kept = failed_file(tmp_path, replaces=replaces)
    kept.finish(iter(CALLS), iter(CALLS), late=lambda: next(late))
    assert kept.path is None
    assert kept.problem
    assert "Run the same backfill again." in kept.problem.text
    assert (tmp_path / "failed.jsonl").read_text() == ""


@pytest.mark.parametrize("replaces", [False, True])
def test_rows_that_break_replace_nothing(tmp_path: Path, replaces: bool) -> None:
    def rows() -> Iterator[Call]:
        yield CALLS[0]
        raise ZeroDivisionError

    (tmp_path / "failed.jsonl").write_text("before\n")
    with pytest.raises(ZeroDivisionError):
        failed_file(tmp_path, replaces=replaces).finish(rows(), rows())
    assert (tmp_path / "failed.jsonl").read_text() == "before\n"
    assert [path.name for path in tmp_path.iterdir()] == ["failed.jsonl"]


def test_a_file_that_cannot_be_written_is_told_once(tmp_path: Path) -> None:
    (tmp_path / "failed.jsonl").symlink_to("elsewhere")
    kept = failed_file(tmp_path)
    kept.add(CALLS[0])
    kept.finish(iter(CALLS), iter(CALLS))
    assert kept.path is None
    assert str(kept.problem).startswith("`failed-file` names a file that cannot be opened or written")


def test_without_a_file_nothing_is_kept(tmp_path: Path) -> None:
    kept = failed_file(tmp_path, None)
    kept.add(CALLS[0])
    kept.finish(iter(CALLS), iter(CALLS))
    assert (kept.path, kept.problem, list(tmp_path.iterdir())) == (None, None, [])
