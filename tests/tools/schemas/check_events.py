"""Checks the event fixtures against the webhook schemas that GitHub's octokit project publishes.

    python tests/tools/schemas/check_events.py SCHEMA.JSON [--events FOLDER] [--self-test]

SCHEMA.JSON is that of the npm package @octokit/webhooks-schemas; run.sh fetches it.
The fixtures are trimmed, so nothing is required of them; all else holds: types, enumerations,
formats, and no property that the schema does not know.
"""

import argparse
import copy
import json
import re
import sys
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from jsonschema import Draft7Validator, FormatChecker

EVENTS = Path(__file__).resolve().parents[2] / "data" / "events"

SAME_PAYLOAD = {"pull_request_target": "pull_request"}

# Events that the package describes nowhere: why, and what their payload must be instead.
WITHOUT_SCHEMA: dict[str, tuple[str, dict[str, Any]]] = {
    "schedule": (
        "the runner's own event, no webhook is sent for it",
        {
            "type": "object",
            "properties": {"schedule": {"type": "string"}},
            "required": ["schedule"],
            "additionalProperties": False,
        },
    ),
}


@dataclass(frozen=True)
class Deviation:
    """A value that GitHub does send, or may send, and the package's schema forbids."""

    event: str
    where: str
    allowed: Callable[[Any], bool]
    reason: str


DEVIATIONS = (
    Deviation(
        "deployment",
        "deployment.payload",
        lambda value: isinstance(value, str),
        "text in, text out; GitHub's OpenAPI description says object or string",
    ),
    Deviation(
        "deployment_status",
        "deployment_status.state",
        lambda value: value == "inactive",
        "a state of the REST API; GitHub says that it starts no workflow, and we do not rely on that",
    ),
    Deviation(
        "deployment_status",
        "deployment_status.log_url",
        lambda value: value == "",
        "empty where the status was made without one",
    ),
    *(
        Deviation(
            "deployment_status",
            where,
            lambda value: value is None,
            "null unless a workflow job made the deployment; GitHub's OpenAPI description allows null",
        )
        for where in ("check_run", "workflow", "workflow_run")
    ),
    Deviation(
        "workflow_run",
        "workflow_run.head_repository",
        lambda value: value is None,
        "null once the fork is deleted; see github/rest-api-description#1586",
    ),
)

# Changes that must be found out: fixture, path, new value.
BROKEN: tuple[tuple[str, str, Any], ...] = (
    ("pull_request_merged", "action", "merged"),
    ("pull_request_merged", "pull_request.id", "2401500041"),
    ("pull_request_merged", "pull_request.merged", None),
    ("pull_request_merged", "pull_request.state", "merged"),
    ("pull_request_merged", "pull_request.merge_commit_sha", 41),
    ("pull_request_fork_deleted", "pull_request.base.repo", None),
    ("pull_request_target_merged", "pull_request.head.repo.id", "3100200777"),
    ("push_branch", "head_commit.timestamp", "yesterday"),
    ("push_branch", "head_commit.timestamp", "2025-02-30T10:15:30Z"),
    ("push_branch", "head_commit.sha", "312c5c6455a5802d9eff8e65fbc68a516dd3a76d"),
    ("push_tag_annotated", "deleted", "false"),
    ("deployment_production", "deployment.production_environment", "true"),
    ("deployment_payload_text", "deployment.payload", 7),
    ("deployment_status_success", "deployment_status.state", "done"),
    ("deployment_status_no_urls", "deployment_status.log_url", "nowhere"),
    ("deployment_status_no_urls", "check_run", "none"),
    ("workflow_run_success", "workflow_run.conclusion", "green"),
    ("workflow_run_success", "workflow_run.conclusion", None),
    ("workflow_run_success", "workflow_run.run_attempt", "1"),
    ("workflow_run_requested", "workflow_run.head_branch", 1),
    ("workflow_run_fork", "workflow_run.head_repository", "Codertocat/shop"),
    ("release_published", "release.id", "2605100140"),
    ("release_published", "release.html_url", "releases/v1.4.0"),
    ("workflow_dispatch", "inputs", "production"),
    ("schedule", "cron", "17 3 * * *"),
    ("schedule", "schedule", None),
)


class UncheckableError(Exception):
    """A fixture, or the schema, is not what this script knows how to check."""


def is_date_time(value: object) -> bool:
    if not isinstance(value, str):
        return True
    shape = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)"
    return bool(re.fullmatch(shape, value) and datetime.fromisoformat(value))


def is_uri(value: object) -> bool:
    if not isinstance(value, str):
        return True
    parts = urlsplit(value)
    return bool(parts.scheme and parts.netloc) and not re.search(r"[\s{}<>\"\\^`|]", value)


def is_uri_template(value: object) -> bool:
    return is_uri(re.sub(r"\{[^{}]+\}", "", value)) if isinstance(value, str) else True


FORMATS: dict[str, Callable[[object], bool]] = {
    "date-time": is_date_time,
    "uri": is_uri,
    "uri-template": is_uri_template,
}


def format_checker() -> FormatChecker:
    checker = FormatChecker(formats=())
    for name, check in FORMATS.items():
        checker.checks(name, raises=ValueError)(check)
    return checker


def without_required(schema: Any) -> Any:
    """Drop the keyword `required`, which is a list; a property of that name is a schema and stays."""
    if isinstance(schema, list):
        return [without_required(part) for part in schema]
    if isinstance(schema, dict):
        return {
            key: without_required(part)
            for key, part in schema.items()
            if not (key == "required" and isinstance(part, list))
        }
    return schema


def formats_in(schema: Any) -> Iterator[str]:
    for part in schema.values() if isinstance(schema, dict) else schema:
        if isinstance(part, dict | list):
            yield from formats_in(part)
    if isinstance(schema, dict) and isinstance(schema.get("format"), str):
        yield schema["format"]


@dataclass
class Checker:
    """Finds what is wrong with an event's payload, and keeps count of the deviations met."""

    definitions: dict[str, Any]
    met: set[Deviation] = field(default_factory=set)

    @classmethod
    def of(cls, schema: dict[str, Any]) -> "Checker":
        unknown = set(formats_in(schema)) - set(FORMATS)
        if unknown:
            raise UncheckableError(f"the schema uses formats that nothing here checks: {sorted(unknown)}")
        definitions: dict[str, Any] = without_required(schema["definitions"])
        return cls(definitions)

    def definition(self, event: str, payload: dict[str, Any]) -> str:
        family = SAME_PAYLOAD.get(event, event)
        for name in (f"{family}${payload.get('action')}", f"{family}$event"):
            if name in self.definitions:
                return name
        raise UncheckableError(f"no schema for {event} with action {payload.get('action')!r}")

    def schema(self, event: str, payload: dict[str, Any]) -> tuple[str, dict[str, Any]]:
        if event in WITHOUT_SCHEMA:
            reason, own = WITHOUT_SCHEMA[event]
            return f"no schema: {reason}", own
        name = self.definition(event, payload)
        return name, {"$ref": f"#/definitions/{name}", "definitions": self.definitions}

    def forgiven(self, event: str, where: str, value: Any) -> bool:
        for deviation in DEVIATIONS:
            if (deviation.event, deviation.where) == (event, where) and deviation.allowed(value):
                self.met.add(deviation)
                return True
        return False

    def problems(self, event: str, payload: dict[str, Any]) -> tuple[str, list[str]]:
        """Name what the payload was held against, and everything that is wrong with it."""
        try:
            name, schema = self.schema(event, payload)
        except UncheckableError as unknown:
            return event, [str(unknown)]
        found = []
        for error in Draft7Validator(schema, format_checker=format_checker()).iter_errors(payload):
            where = ".".join(str(key) for key in error.absolute_path)
            if not self.forgiven(event, where, error.instance):
                found.append(f"{where or 'payload'}: {error.message[:200]}")
        return name, found


@dataclass
class Tally:
    """Prints a line for each thing checked, and counts."""

    passed: int = 0
    failed: int = 0

    def add(self, label: str, problems: Iterable[str] = ()) -> None:
        listed = list(problems)
        self.failed += bool(listed)
        self.passed += not listed
        sys.stdout.write(f"{'FAILED' if listed else 'ok    '} {label}\n")
        sys.stdout.writelines(f"         {problem}\n" for problem in listed)


def read(folder: Path) -> dict[str, tuple[str, dict[str, Any]]]:
    """Read every fixture of a folder: its name, its event, its payload."""
    fixtures = {}
    for file in sorted(folder.glob("*.json")):
        lines = file.with_suffix(".env").read_text(encoding="utf-8").splitlines()
        event = dict(line.split("=", 1) for line in lines)["GITHUB_EVENT_NAME"]
        fixtures[file.stem] = (event, json.loads(file.read_bytes()))
    return fixtures


def changed(payload: dict[str, Any], where: str, value: Any) -> dict[str, Any]:
    result = copy.deepcopy(payload)
    *parents, last = where.split(".")
    target = result
    for key in parents:
        target = target[key]
    target[last] = value
    return result


def check_fixtures(fixtures: dict[str, tuple[str, dict[str, Any]]], checker: Checker, tally: Tally) -> None:
    for name, (event, payload) in fixtures.items():
        against, problems = checker.problems(event, payload)
        tally.add(f"{name} ({against})", problems)
    for deviation in DEVIATIONS:
        if deviation not in checker.met:
            tally.add(
                f"deviation {deviation.event} {deviation.where}",
                ["no fixture needs it: either the schema was mended or the fixture is gone"],
            )


def check_the_check(fixtures: dict[str, tuple[str, dict[str, Any]]], checker: Checker, tally: Tally) -> None:
    """Break fixtures in memory; every break must be found."""
    ids = [(name, "repository.id", "text") for name, (_, payload) in fixtures.items() if "repository" in payload]
    for name, where, value in (*BROKEN, *ids):
        event, payload = fixtures[name]
        _, problems = checker.problems(event, changed(payload, where, value))
        tally.add(f"self-test: {name} with {where} = {value!r}", [] if problems else ["went unnoticed"])


def main() -> int:
    parser = argparse.ArgumentParser(description="Check the event fixtures against GitHub's webhook schemas.")
    parser.add_argument("schema", type=Path, help="schema.json of @octokit/webhooks-schemas")
    parser.add_argument("--events", type=Path, default=EVENTS, help="folder of the fixtures")
    parser.add_argument("--self-test", action="store_true", help="also break fixtures and expect failures")
    options = parser.parse_args()

    checker = Checker.of(json.loads(options.schema.read_bytes()))
    fixtures = read(options.events)
    tally = Tally()
    if not fixtures:
        tally.add(f"{options.events}", ["no fixtures here"])
    else:
        check_fixtures(fixtures, checker, tally)
        if options.self_test:
            check_the_check(fixtures, checker, tally)
    sys.stdout.write(f"{tally.passed} passed, {tally.failed} failed\n")
    return 1 if tally.failed or not tally.passed else 0


if __name__ == "__main__":
    sys.exit(main())
