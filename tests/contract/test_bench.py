"""What docs/benchmarks.md shows of `make bench` is what the committed run of it found, and nothing else."""

import json
from typing import Any

import pytest

from bench import picture, tables
from runner import ROOT

RESULTS: dict[str, Any] = json.loads((ROOT / "tests/tools/bench/results.json").read_text(encoding="utf-8"))


def test_the_page_shows_the_committed_run() -> None:
    text = (ROOT / "docs/benchmarks.md").read_text(encoding="utf-8")
    assert tables.within(text, tables.page(RESULTS)) == text


def test_so_does_the_picture() -> None:
    drawn = (ROOT / ".github/pictures/bench.svg").read_text(encoding="utf-8")
    assert drawn == picture.svg(RESULTS)


def test_nothing_on_the_page_is_not_printed() -> None:
    printed = tables.printed(RESULTS).splitlines()
    rows = [line for line in tables.page(RESULTS).splitlines() if line.startswith("| ")]
    assert rows
    assert set(rows) <= set(printed)


def test_ours_is_right_in_every_row_of_the_fault_table() -> None:
    ours = [row for row in RESULTS["faults"] if row["who"] == "ours"]
    assert len(ours) == len({row["case"] for row in RESULTS["faults"]}) >= 12
    assert [row for row in ours if row["verdict"] != "right"] == []


def test_every_aim_that_was_measured_is_met() -> None:
    assert [aim for aim in RESULTS["targets"] if aim["measured"] > aim["most"] or not aim["met"]] == []


@pytest.mark.parametrize("markers", [(), (tables.BEGIN,), (tables.BEGIN, tables.END, tables.BEGIN, tables.END)])
def test_markers_that_are_not_there_once_are_told(markers: tuple[str, ...]) -> None:
    with pytest.raises(ValueError, match="markers"):
        tables.within("\n".join(markers), "part")
