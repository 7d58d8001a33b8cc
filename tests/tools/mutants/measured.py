"""Measures which lines and branches the tests run: `pytest -p measured`, by itself and in the workers of xdist.

Not measured are tests that run again what others run, at many times the cost. With MEASURE=all they are, except for the slowest,
and each line is kept with the tests that ran it, as the mutants need it. Coverage's own contexts lose hypothesis's tests.
"""

import os
from collections.abc import Iterator

import coverage
import pytest

# None of them runs code of the action in this process that no other test runs.
ELSEWHERE = (
    "tests/sandbox/",
    "tests/contract/",
    "tests/github/test_stand_in",
    "tests/runs/test_fuzz",
    "tests/runs/test_exactly_once",
)
AGAIN = (
    *("tests/backfill/test_history.py", "tests/github/test_lookups.py", "tests/github/test_pulls.py"),
    *("tests/runs/test_corrected_exactly.py", "tests/runs/test_example", "tests/runs/test_history.py"),
    *("tests/runs/test_migrating.py", "tests/runs/test_monorepo.py", "tests/runs/test_secre"),
)


class _Measured:
    """Coverage, on or off."""

    def __init__(self) -> None:
        self._all = os.environ.get("MEASURE") == "all"
        self._unmeasured = ELSEWHERE if self._all else (*ELSEWHERE, *AGAIN)
        self._coverage = coverage.Coverage(data_suffix=True)
        self._coverage.start()  # what tests import counts, too
        self._on = True

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Iterator[None]:
        self._switch(not item.nodeid.startswith(self._unmeasured))
        if self._on and self._all:
            # The function's name: what the cases of a table run together is enough to know.
            self._coverage.switch_context(item.nodeid.partition("[")[0])
        return (yield)

    def pytest_unconfigure(self) -> None:
        self._switch(False)
        self._coverage.save()

    def _switch(self, on: bool) -> None:
        if on != self._on:
            self._on = on
            (self._coverage.start if on else self._coverage.stop)()


def pytest_configure(config: pytest.Config) -> None:
    if hasattr(config, "workerinput") or not config.getoption("numprocesses", None):
        config.pluginmanager.register(_Measured())
