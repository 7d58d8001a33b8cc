"""Measures which lines and branches the tests run: `pytest -p measured`, by itself and in the workers of xdist.

Measuring a test takes it twice to five times its time. So those are measured whose subject are the pure modules, without what
hypothesis repeats. A branch that runs only in passing, elsewhere, or for an example by chance, counts as run by no test.
With MEASURE=all every test is measured, except for the slowest, and each line is kept with the tests that ran it, as the mutants
need it. Coverage's own contexts lose hypothesis's tests.
"""

import os
from collections.abc import Iterator

import coverage
import pytest
from hypothesis import is_hypothesis_test

# The tests of the pure modules, and of the operations, which decide what ends how.
OF_PURE_MODULES = (
    *("tests/inputs/", "tests/services/", "tests/changes/", "tests/deployment/", "tests/report/", "tests/operations/"),
    *(f"tests/backfill/test_{name}.py" for name in ("corrections", "file", "order", "pull_window", "pulls", "report")),
    *(f"tests/backfill/test_{name}.py" for name in ("rows", "run", "summary", "tally")),
    *("tests/dx/test_answers.py", "tests/github/test_errors.py", "tests/github/test_refusals.py"),
    *("tests/runner/test_git_index.py", "tests/runner/test_runtime.py", "tests/runs/test_backfill.py"),
    *("tests/runs/test_refusals.py", "tests/test_"),
)
# With MEASURE=all. None of them runs code of the action in this process that no other test runs.
ELSEWHERE = (
    "tests/sandbox/",
    "tests/contract/",
    "tests/github/test_stand_in",
    "tests/runs/test_fuzz",
    "tests/runs/test_exactly_once",
)


class _Measured:
    """Coverage, on or off."""

    def __init__(self) -> None:
        self._all = os.environ.get("MEASURE") == "all"
        self._coverage = coverage.Coverage(data_suffix=True)
        self._coverage.start()  # what tests import counts, too
        self._on = True

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Iterator[None]:
        self._switch(self._is_measured(item))
        if self._on and self._all:
            # The function's name: what the cases of a table run together is enough to know.
            self._coverage.switch_context(item.nodeid.partition("[")[0])
        return (yield)

    def _is_measured(self, item: pytest.Item) -> bool:
        if self._all:
            return not item.nodeid.startswith(ELSEWHERE)
        by_chance = isinstance(item, pytest.Function) and is_hypothesis_test(item.obj)
        return not by_chance and item.nodeid.startswith(OF_PURE_MODULES)

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
