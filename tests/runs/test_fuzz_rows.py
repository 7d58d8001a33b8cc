"""A backfill's files by the thousand: rows, or a bad input that names lines; and a CSV that is written reads back as it is."""

import json
import re
from pathlib import Path
from tempfile import TemporaryDirectory

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gfm import check_summary
from soundness import NASTY, Fuzzed
from thorough import times

often = settings(deadline=None, derandomize=True, database=None, suppress_health_check=list(HealthCheck))
CSV = (
    b"deployed_at,service,repository,commit_sha,metadata\r\n"
    b'2025-01-01T12:05:00Z,web,acme/shop,abc1234,"{""a"": 1}"\r\n'
    b"1741089600,lib=Lib,acme/shop,abc1235,\r\n"
)
LINES = (
    b'{"deployed_at": "2025-01-01T12:05:00Z", "service": "web", "repository": "acme/shop", "metadata": {"a": 1}}\n'
    b'{"deployed_at": 1741089600, "service": {"identifier": "lib"}, "merge_commit_shas": ["abc1234"]}\n'
)
PIECES = [
    *(text.encode(errors="replace") for text in NASTY),
    *(
        b"\n",
        b"\r",
        b"\r\n",
        b'"',
        b'""',
        b",",
        b";",
        b"\t",
        b"\0",
        b"\xff",
        b"\xef\xbb\xbf",
        b",,,,,,,,",
        b"a,b\n",
        b"null",
    ),
    *(
        b"{}\n",
        b"[]\n",
        b'{"a": 1}\n',
        b"method",
        b"upsert",
        b"update",
        b"delete",
        b"setPullServices",
        b"pull_number",
        b"x" * 5000,
        b"\n" * 300,
    ),
    *(CSV, LINES, b"reference_id,", b"success\n", b"true", b"false", b"NaN", b"1e999", b"-1", b"0"),
]


@st.composite
def files(draw: st.DrawFn) -> tuple[str, bytes]:
    """Give a file's name and content: one of two that are good, with pieces put in and taken out."""
    name, data = draw(st.sampled_from([("rows.csv", CSV), ("rows.jsonl", LINES), ("rows.csv", b""), ("rows", CSV)]))
    for _ in range(draw(st.integers(0, 5))):
        start = draw(st.integers(0, len(data)))
        end = min(start + draw(st.sampled_from([0, 0, 0, 1, 8, 60])), len(data))
        data = data[:start] + draw(st.sampled_from(PIECES) | st.binary(max_size=6)) + data[end:]
    return name, data


def backfilled(folder: Path, name: str, data: bytes, more: dict[str, str]) -> Fuzzed:
    (folder / "workspace").mkdir(parents=True)
    (folder / "workspace" / name).write_bytes(data)
    return Fuzzed(
        folder,
        {"operation": "backfill", "backfill-file": name, "service": "", "max-per-second": "0"} | more,
        check=check_backfill,
    )


def check_backfill(summary: str) -> None:
    """Its tables have widths of their own, and its chart is made of weeks and numbers alone."""
    lines = re.sub(r"```mermaid\n[\w \[\]\",>\n-]*\n```", "", summary).split("\n")
    check_summary("\n".join(line for line in lines if not line.startswith("|")))
    for line in lines:
        if line.startswith("|"):
            assert not re.search(r"[<>`@\[\]*]", re.sub(r"</?code>", "", line)), line


@settings(often, max_examples=times(500))
@given(files(), st.sampled_from([{}, {"dry-run": "true"}, {"failed-file": "left.jsonl"}, {"csv-file": "out.csv"}]))
def test_any_file_of_rows(file: tuple[str, bytes], more: dict[str, str]) -> None:
    with TemporaryDirectory() as folder:
        step = backfilled(Path(folder) / "one", *file, more)
        run = step.run()
        if run.status == "written":
            written = (run.workspace / "out.csv").read_bytes()
            again = backfilled(Path(folder) / "two", "rows.csv", written, more).run()
            assert (again.workspace / "out.csv").read_bytes() == written
        if run.status in ("registered", "already-registered") and file[1] == LINES:
            assert step.requests == 2


def test_the_good_files_are_taken(tmp_path: Path) -> None:
    for number, (name, data) in enumerate((("rows.csv", CSV), ("rows.jsonl", LINES))):
        step = backfilled(tmp_path / str(number), name, data, {})
        assert step.run().status == "registered", json.dumps(step.inputs)
        assert step.requests == 2
