"""Targets: whole runs, given what they were not made for and held against the oracle of all runs."""

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import events
from drawing import Draw, Target
from dx_action.inputs.arguments import FLAGS
from runner import action
from soundness import Fuzzed, check_command
from wire import Reply, Request

_NAMES = tuple(sorted(action()["inputs"].keys() - {"dx-host", "dx-token", "github-token"}))
_WORDS = (
    *(
        "check",
        "deploy",
        "set-pull-services",
        "update",
        "delete",
        "backfill",
        "true",
        "false",
        "failure",
        "skipped",
        "upsert",
    ),
    *(
        "map",
        "backstage",
        "codeowners",
        "merge-commits",
        "repository",
        "both",
        "fail",
        "except-outages",
        "rollback, started_at",
    ),
    *(
        "web: [a/**]",
        "web=Web",
        '["a", "b"]',
        "a: 1.10",
        "abc1234",
        "2025-03-04T12:00:00Z",
        "left.jsonl",
        "out.csv",
        "41",
    ),
)
_BODIES = (
    *(
        b'{"ok": true}',
        b'{"ok": false, "error": "reference_id_taken"}',
        b'{"ok": false, "message": "reference id exists"}',
    ),
    *(b'{"ok": false, "error": "invalid_auth"}', b'{"ok": false, "error": "deployment_not_found"}', b"<html>", b"{}"),
)
_STATUSES = (200, 409, 422, 400, 401, 404, 408, 429, 503, 302, 201)
_DEPLOY = ("--service=web", "--repository=acme/shop", "--commit-sha=abc1234", "--reference-id=build-7")


def _given(draw: Draw, most: int) -> dict[str, str]:
    """Return inputs, each of which is a word that means something, or anything."""
    names = [draw.pick(_NAMES) for _ in range(draw.number(most))]
    return {name: draw.pick(_WORDS) if draw.number(2) else draw.variable(60) for name in names}


def _speaker(draw: Draw) -> Callable[[Request], Reply]:
    def speak(request: Request) -> Reply:
        request.body()
        body = draw.pick(_BODIES)
        if draw.number(3) == 3:
            body = json.dumps(draw.altered({"ok": False, "error": "a", "message": draw.text()})).encode()
        return Reply(draw.pick(_STATUSES), body, {"Retry-After": "1"} if draw.number(3) == 3 else {})

    return speak


def step(data: bytes) -> None:
    """A step with any inputs, an event of which something is another, and DX's answers."""
    draw = Draw(data)
    name, given = draw.pick(events.NAMES), _given(draw, 4)
    with TemporaryDirectory() as folder:
        file = Path(folder, "event.json")
        file.write_text(json.dumps(draw.altered(events.load(name)[1])), encoding="utf-8")
        env: Mapping[str, str | None] = {"GITHUB_EVENT_PATH": str(file)}
        Fuzzed(Path(folder), {"timeout": "5"} | given, name, env, _speaker(draw)).run()


def event_file(data: bytes) -> None:
    """A step whose event is these bytes."""
    draw = Draw(data[:1])
    with TemporaryDirectory() as folder:
        file = Path(folder, "event.json")
        file.write_bytes(data[1:])
        env: Mapping[str, str | None] = {"GITHUB_EVENT_PATH": str(file)}
        Fuzzed(Path(folder), {"dry-run": "true"}, draw.pick(events.NAMES), env).run()


def line(data: bytes) -> None:
    """A command with any arguments, and DX's answers."""
    draw = Draw(data)
    deploys, as_json = draw.pick(((), _DEPLOY)), draw.pick(((), ("--json",)))
    names = [name for name in FLAGS if name not in ("dx-host", "operation", "services-from", "service-map")]
    argv = [*deploys, *as_json]
    for _ in range(draw.number(5)):
        value = draw.pick(_WORDS) if draw.number(2) else draw.variable(60)
        argv += draw.pick(((f"--{draw.pick(names)}", value), (f"--{draw.pick(names)}={value}",), (value,)))
    check_command(argv, _speaker(draw))


def past(data: bytes) -> None:
    """A backfill of a file, with inputs and DX's answers."""
    draw = Draw(data)
    name, given = draw.pick(("rows.csv", "rows.jsonl")), _given(draw, 2)
    length = draw.number(2000)
    rows = draw.take(length)
    asked: dict[str, Any] = {"operation": "backfill", "backfill-file": name, "service": "", "max-per-second": "0"}
    with TemporaryDirectory() as folder:
        Path(folder, "workspace").mkdir()
        Path(folder, "workspace", name).write_bytes(rows)
        # Its tables have widths of their own.
        Fuzzed(Path(folder), asked | {"timeout": "2"} | given, wire=_speaker(draw), check=len).run()


_CSV = (
    b"deployed_at,service,repository,commit_sha\n1741089600,web,acme/shop,abc1234\n1741089601,lib,acme/shop,abc1235\n"
)
_LINES = b'{"method": "update", "reference_id": "a", "environment": "prod"}\n{"method": "setPullServices", "github_pull_id": 7}\n'
TARGETS = {
    "step": Target(
        step, tuple(bytes([number]) + b"\2\3\1\4\5\0\1\1\2\0\0\0\1\1\2\2\3\2" for number in range(len(events.NAMES)))
    ),
    "event-file": Target(
        event_file, tuple(bytes([number]) + events.path(name).read_bytes() for number, name in enumerate(events.NAMES))
    ),
    "line": Target(line, (b"\1\1\2\1\2\0\4\1\0\0\5::e\x1b[\1", b"\1\0\1\0\1\5\1\3\2\0\1\2\1\1\1")),
    "past": Target(
        past,
        (
            b"\0\0" + len(_CSV).to_bytes(2) + _CSV + b"\1\2\1\0\1\0\3\3",
            b"\1\1\3\1\2" + len(_LINES).to_bytes(2) + _LINES + b"\0\0\0\0\4\1\0",
        ),
    ),
}
