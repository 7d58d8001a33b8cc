"""SECURITY.md names tests for what it promises, and they are there."""

import re

import pytest

from runner import ROOT

TEXT = (ROOT / "SECURITY.md").read_text(encoding="utf-8")
PROMISES = re.findall(r"^\d+\. (?:.*\n(?!\d+\. |\n))+.*\n", TEXT, re.MULTILINE)
NAMED = [
    (file, test)
    for promise in PROMISES
    for file, tests in re.findall(r"`([\w/]*test_\w+\.py)`:((?:\s+`test_\w+`,?)+)", promise)
    for test in re.findall(r"`(test_\w+)`", tests)
]


def test_each_promise_names_its_tests() -> None:
    assert len(PROMISES) == len(re.findall(r"^\d+\. ", TEXT, re.MULTILINE)) >= 10
    assert [promise for promise in PROMISES if not re.search(r"`test_\w+`", promise)] == []
    assert len(NAMED) == len(re.findall(r"`test_\w+`", TEXT))


@pytest.mark.parametrize(("file", "test"), NAMED)
def test_they_are_there(file: str, test: str) -> None:
    assert f"\ndef {test}(" in (ROOT / "tests" / file).read_text(encoding="utf-8")
