"""Tells coverage which test runs, as a plugin of pytest: `pytest -p contexts`. Coverage's own way loses hypothesis's tests."""

from collections.abc import Iterator

import coverage
import pytest


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Iterator[None]:
    """Name the test by its function: what the cases of a table run together is enough to know."""
    current = coverage.Coverage.current()
    if current:
        current.switch_context(item.nodeid.partition("[")[0])
    return (yield)
