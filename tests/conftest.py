"""How many schedules were played: counted where they end, summed over all workers, and said at the end."""

import gc
from collections.abc import Iterator
from typing import Any

import pytest

import thorough


def pytest_collection_finish() -> None:
    gc.freeze()  # each of many collections would walk through thousands of tests: an eighth of all time


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Iterator[None]:
    before = thorough.schedules()
    try:
        return (yield)
    finally:
        if played := thorough.schedules() - before:
            item.user_properties.append(("schedules", played))


def pytest_terminal_summary(terminalreporter: Any) -> None:
    counts: dict[str, int] = {}
    for report in (each for reports in terminalreporter.stats.values() for each in reports):
        for name, value in getattr(report, "user_properties", ()) if getattr(report, "when", "") == "teardown" else ():
            if name == "schedules":
                file = report.nodeid.partition("::")[0]
                counts[file] = counts.get(file, 0) + value
    for file, count in sorted(counts.items()):
        terminalreporter.write_line(f"{file}: {count:,} schedules played")
    if counts:
        terminalreporter.write_line(f"Schedules played: {sum(counts.values()):,}")
