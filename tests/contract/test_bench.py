"""docs/benchmarks.md shows what the committed run of `make bench` found, and what is measured does what its row says."""

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from bench import doors, growth, histories, picture, places, tables
from bench.measure import Contestant, Sample, Stopwatch, rounds
from bench.server import NAMES, Server, here
from bench.work import Row, Work, Worker
from dx_action.sandbox.certificate import issue
from runner import ROOT

RESULTS: dict[str, Any] = json.loads((ROOT / "tests/tools/bench/results.json").read_text(encoding="utf-8"))
DOOR: Row = {"name": "a", "label": "a door", "wall_ms": 100.0, "cpu_ms": 90.0, "memory_mib": 40.0}
GROWN: Row = {"what": "rows", "count": 1_000, "wall_ms": 1500.0, "cpu_ms": 900.0, "memory_mib": 40.0}


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    with here(issue(NAMES, ()), tmp_path / "ca.pem") as server:
        yield server


@pytest.fixture
def watch(tmp_path: Path) -> Iterator[Stopwatch]:
    with Stopwatch(tmp_path) as watch:
        yield watch


# The page.


def test_the_page_shows_the_committed_run() -> None:
    text = (ROOT / "docs/benchmarks.md").read_text(encoding="utf-8")
    assert tables.within(text, tables.page(RESULTS)) == text


def test_so_does_the_picture() -> None:
    drawn = (ROOT / ".github/pictures/bench.svg").read_text(encoding="utf-8")
    assert drawn == picture.svg(RESULTS)


@pytest.mark.parametrize(
    "results", [RESULTS, RESULTS | {"doors": [DOOR | {"times_curl": 1.5}, DOOR], "histories": [GROWN]}]
)
def test_nothing_on_the_page_is_not_printed(results: dict[str, Any]) -> None:
    printed = tables.printed(results).splitlines()
    rows = [line for line in tables.page(results).splitlines() if line.startswith("| ")]
    assert rows
    assert set(rows) <= set(printed)


def test_the_page_has_the_other_ways_to_start_and_the_growth_of_histories() -> None:
    rows = tables.page(
        RESULTS | {"doors": [DOOR | {"times_curl": 1.5}, DOOR], "histories": [GROWN, GROWN | {"github_requests": 3}]}
    ).splitlines()
    assert {"| a door | 100 | 90 | 40 | 1.50 |", "| a door | 100 | 90 | 40 | — |"} <= set(rows)
    assert {"| rows: 1,000 | 1.50 | 0.90 | 40 | — |", "| rows: 1,000 | 1.50 | 0.90 | 40 | 3 |"} <= set(rows)


def test_what_the_committed_run_left_out_is_named_on_the_page() -> None:
    missing = {name for name in tables.TABLES if not RESULTS[name]}
    assert missing <= {line.partition(":")[0] for line in RESULTS["not_run"]}


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


# The measuring.


def test_everyone_has_a_turn_in_each_round_and_no_order_lasts(watch: Stopwatch, tmp_path: Path) -> None:
    turns: list[str] = []
    everyone = [
        Contestant(name, name, ["/bin/true"], {}, tmp_path, before=lambda name=name: turns.append(name))  # type: ignore[misc]
        for name in "abcd"
    ]
    samples = rounds(watch, everyone, 5)
    orders = ["".join(turns[at : at + 4]) for at in range(0, len(turns), 4)]
    assert [sorted(order) for order in orders] == [list("abcd")] * 6
    assert len(set(orders)) > 2
    assert {name: len(found) for name, found in samples.items()} == dict.fromkeys("abcd", 5)


@pytest.mark.parametrize("name", ["command-line", doors.START, doors.END, "check"])
def test_a_door_does_what_its_row_says(tmp_path: Path, server: Server, watch: Stopwatch, name: str) -> None:
    opened = {each.name: each for each in doors.of(places.checkout(tmp_path / "checkout"), server)}
    assert len(opened) == 4
    watch.turn(opened[f"{name}@ours"])
    with pytest.raises(RuntimeError, match=r"ends with|are held"):
        watch.turn(replace(opened[f"{name}@ours"], command=["/bin/true"]))


def test_both_starts_of_a_job_count_together() -> None:
    names = {"curl": 1, "job-start@ours": 2, "job-end@ours": 3, "native": 1}
    samples = {name: [Sample(seconds, seconds / 2, 30 + seconds, 0)] * 3 for name, seconds in names.items()}
    everyone = [Contestant(name, f"its end {name}", [], {}, Path()) for name in names if name != "curl"]
    found = {row["name"]: row for row in doors.rows(everyone, samples)}
    assert list(found) == ["job-start@ours", "job-end@ours", "job@ours", "native"]
    assert found["job@ours"] == {
        "name": "job@ours",
        "label": "both together job-end@ours",
        "wall_ms": 5000.0,
        "cpu_ms": 2500.0,
        "memory_mib": 33,
        "times_curl": 5.0,
    }
    del samples["curl"]
    assert [row for row in doors.rows(everyone, samples) if "times_curl" in row] == []


@pytest.mark.parametrize(
    ("measured", "requests"),
    [
        (lambda worker, folder: [growth.services(worker, 2)], [None]),
        (lambda worker, folder: [growth.changed_files(worker, 2)], [3]),
        (lambda worker, folder: [growth.mapped_files(worker, folder, 2)], [2]),
        (lambda worker, folder: [growth.commits(worker, folder, 10)], [5]),
        (lambda worker, folder: [histories.written(worker, 2)], [None]),
        (lambda worker, folder: [histories.past_pulls(worker, 2)], [2]),
        (lambda worker, folder: [*histories.checks(worker, folder, 50)], [2, 2]),
    ],
    ids=["services", "pull request", "push", "commits", "rows", "past", "checks"],
)
def test_work_is_done(
    tmp_path: Path,
    server: Server,
    watch: Stopwatch,
    measured: Callable[[Worker, Path], list[Row]],
    requests: list[int | None],
) -> None:
    (tmp_path / "runs").mkdir()
    found = measured(Worker(server, watch, tmp_path / "runs", runs=1), tmp_path)
    assert [row.get("github_requests") for row in found] == requests
    assert all(row["wall_ms"] > 0 for row in found)


def test_a_run_that_did_not_do_its_work_is_not_measured(tmp_path: Path, server: Server, watch: Stopwatch) -> None:
    (tmp_path / "runs").mkdir()
    work = Work(what="services", count=1, given={"service": "a"}, status="registered", requests=2)
    with pytest.raises(RuntimeError, match=r"services, 1: \('registered', 1\)"):
        Worker(server, watch, tmp_path / "runs").row(work)
