"""A merged pull request as its own event tells it, and what is said of it where the event leaves something out."""

from typing import Any

import pytest

from builders import ABSENT, event
from dx_action.changes.scope import MergedPull, event_pull
from dx_action.runner.event import PullRequestEvent


def told(**changes: Any) -> MergedPull:
    found = event("pull_request_merged", {f"pull_request.{name}": value for name, value in changes.items()})
    assert isinstance(found, PullRequestEvent)
    return event_pull(found.pull_request)


def test_every_field_is_the_events() -> None:
    assert told(title="Add a", changed_files=3) == MergedPull(
        number=41,
        id=2401500041,
        title="Add a",
        url="https://github.com/acme/shop/pull/41",
        author="octocat",
        merged_at="2025-03-04T10:15:30Z",
        merge_commit_sha="312c5c6455a5802d9eff8e65fbc68a516dd3a76d",
        base_ref="main",
        base=told().base,
        head=told().head,
        changed_files=3,
    )
    assert len(told().base) == len(told().head) == 40


@pytest.mark.parametrize("nothing", [None, ABSENT], ids=["null", "absent"])
@pytest.mark.parametrize(
    ("name", "field", "expected"),
    [
        ("title", "title", ""),
        ("html_url", "url", ""),
        ("user", "author", "ghost"),
        ("merged_at", "merged_at", ""),
        ("merge_commit_sha", "merge_commit_sha", ""),
        ("base", "base", ""),
        ("base", "base_ref", ""),
        ("head", "head", ""),
        ("changed_files", "changed_files", 0),
    ],
)
def test_what_the_event_leaves_out_is_empty(name: str, field: str, expected: object, nothing: object) -> None:
    assert getattr(told(**{name: nothing}), field) == expected
