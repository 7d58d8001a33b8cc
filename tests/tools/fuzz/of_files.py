"""Targets: the files of a workspace, a runner and a package index."""

import io
import json
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from hashlib import sha1
from typing import IO, Any

import builders
import environment
import events
import launcher
from drawing import NOW, Draw, Target, plain, same
from dx_action.backfill.file import json_cells, rows_from_file
from dx_action.backfill.rows import read_row
from dx_action.backfill.store import Rows, write_csv
from dx_action.deployment.calls import deployment_calls
from dx_action.deployment.registration import Registration, resolve
from dx_action.dx.failed_file import as_row
from dx_action.errors import InvalidValue
from dx_action.inputs.times import parse_time
from dx_action.inputs.values import services_in_payload
from dx_action.runner.event import parse_event
from dx_action.runner.git_index import read_index
from dx_action.runner.network import tls_context
from dx_action.runner.workspace import Workspace
from dx_action.services.backstage import Catalogs
from dx_action.services.codeowners import parse_codeowners
from dx_action.services.coverage import coverage
from dx_action.services.map import parse_service_map
from dx_action.services.service import CONTROL, Ownership, Service, by_name
from dx_action.strict_yaml import documents, read_yaml
from dx_action.text import parse_json

_PATHS = ("apps/web/a.md", "libs/b", "libs/b/", "README.md", "é/\u202e", "*", "[a]", " z ", "a" * 300, "docs/x/y.z")
_CSV = (
    b"\0\0deployed_at,service,repository,commit_sha,metadata\r\n"
    b'2025-01-01T12:05:00Z,web,acme/shop,abc1234,"{""a"": 1}"\r\n1741089600,lib=Lib,acme/shop,abc1235,\r\n'
)
_LINES = (
    b'\1\0{"deployed_at": "2025-01-01T12:05:00Z", "service": "web", "repository": "acme/shop", "success": false}\n'
    b'{"method": "setPullServices", "github_pull_id": 7, "services": ["a", {"identifier": "b", "name": "B"}]}\n'
)
_CORRECTIONS = (
    b'\1\2{"method": "update", "reference_id": "a", "environment": "prod", "metadata": {"a": [1]}}\n'
    b'{"method": "delete", "reference_id": "b"}\n'
)
_PEM = b"-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n"


def whole(service: Service) -> Service:
    """Return a service that DX can be sent."""
    for text in (service.identifier, service.name or "none"):
        assert text.strip()
        assert not CONTROL.search(text)
    return service


def owned(ownership: Ownership) -> None:
    """Whatever a file says of owners, each way to ask is answered alike."""
    found = {whole(service).identifier for service in ownership.services_of(_PATHS)}
    assert found == {service.identifier for path in _PATHS for service in ownership.services_at(path)}
    assert found <= {service.identifier for service in ownership.known([*_PATHS, "catalog-info.yaml"])}
    matched = ownership.matched(_PATHS)
    assert coverage(ownership, _PATHS).unowned == len(set(_PATHS)) - len(matched)
    ownership.depends_on_folders(_PATHS)
    for line in ownership.dead(_PATHS):
        line.encode()


def owners(data: bytes) -> None:
    found = parse_codeowners(data, "CODEOWNERS")
    for warning in found.warnings:
        plain(warning)
    owned(found)


def yaml(data: bytes) -> None:
    """What is read is JSON's, and reads back as JSON, which is YAML but for lines that are too long for a key."""
    text = data.decode(errors="surrogateescape")
    with suppress(InvalidValue):
        for document in documents(text):
            assert document.start_mark.line <= text.count("\n") + text.count("\r") + len(text)
    found, lines = read_yaml(text)
    assert all(1 <= line <= len(text) + 1 for line in lines.values())
    written = json.dumps(found)
    if isinstance(found, dict) and len(text) < 500 and "\\u" not in written:
        assert same(read_yaml(written)[0], found)


def index(data: bytes) -> None:
    """Any bytes, and an index that was made of them."""
    with suppress(ValueError):
        read_index(data)
    with suppress(ValueError):
        "".join(read_index(data + bytes(20))).encode()
    draw, entries = Draw(data), list[tuple[bytes, bool]]()
    version = draw.pick((2, 3, 4))
    while draw.left and len(entries) < 50:
        name = draw.take(draw.number(255)).replace(b"\0", b"") or b"a"
        entries.append((name, draw.number(4) == 1))
    expected = tuple(dict.fromkeys(name.decode(errors="replace") + "/" * link for name, link in entries))
    assert read_index(_index(version, entries, draw)) == expected
    if version == 4 and entries:
        with suppress(ValueError):
            raise AssertionError(read_index(_index(version, entries, draw, 1 + draw.number(300))))


def _index(version: int, entries: list[tuple[bytes, bool]], draw: Draw, excess: int = 0) -> bytes:
    """Write an index as git does; in version 4, with an `excess` of what the first name takes away of none before it."""
    body, before = b"DIRC" + version.to_bytes(4) + len(entries).to_bytes(4), b""
    for name, link in entries:
        extended = version > 2 and draw.number(1)
        mode = (0o160000 if link else 0o100644).to_bytes(4)
        flags = (min(len(name), 0xFFF) | (0x4000 if extended else 0)).to_bytes(2)
        entry = bytes(24) + mode + bytes(32) + flags + bytes(2 if extended else 0)
        if version == 4:
            kept = next((at for at, pair in enumerate(zip(before, name, strict=False)) if pair[0] != pair[1]), 0)
            body += entry + _width(len(before) - kept + excess) + name[kept:] + b"\0"
        else:
            entry += name
            body += entry + bytes(8 - len(entry) % 8)
        before = name
    return body + sha1(body, usedforsecurity=False).digest()


def _width(number: int) -> bytes:
    """Write a number of variable width."""
    found = [number & 127]
    while number := number >> 7:
        number -= 1
        found.insert(0, 128 | (number & 127))
    return bytes(found)


class Memory(Workspace):
    """A workspace of one file."""

    def __init__(self, data: bytes = b"") -> None:
        super().__init__("")
        self.data = data

    @contextmanager
    def opened(self, path: str) -> Iterator[IO[bytes]]:
        yield io.BytesIO(self.data)

    @contextmanager
    def replacing(self, path: str) -> Iterator[IO[bytes]]:
        file = io.BytesIO()
        yield file
        self.data = file.getvalue()


def rows(data: bytes) -> None:
    """Rows that were read are the same when they are read from a `failed-file`, or from the CSV of them."""
    draw = Draw(data[:2])
    name = draw.pick(("rows.csv", "rows.jsonl", "rows"))
    given: dict[str, str] = draw.pick(
        ({}, {"service": "web", "environment": "prod"}, {"method": "upsert", "success": "true"})
    )
    found = _rows(name, data[2:], given)
    calls = [found.call(number) for number in range(len(found))]
    for call in calls:
        saved = read_row(json_cells(as_row(call).encode()), builders.inputs(), "", NOW).call
        assert (saved.method, saved.body) == (call.method, call.body)
    if not found.corrections and any(call.registers for call in calls):
        memory = Memory()
        write_csv("out.csv", found, memory, str)
        again = _rows("out.csv", memory.data, {})
        kept = [call.body for call in calls if call.registers]
        assert [again.call(number).body for number in range(len(again))] == kept


def _rows(name: str, data: bytes, given: dict[str, str]) -> Rows:
    inputs = builders.inputs({"operation": "backfill", "backfill-file": name} | given)
    deletions = data.lower().count(b"delete")
    inputs = inputs.model_copy(update={"confirm_delete": str(deletions)}) if deletions else inputs
    found, hints = rows_from_file(inputs, builders.runtime("push_branch"), Memory(data), lambda _text: None, NOW)
    for _, text in hints:
        plain(text)
    return found


def event(data: bytes) -> None:
    """Some of a payload's values are something else; whatever is made of it can be sent."""
    draw = Draw(data)
    name = draw.pick(events.NAMES)
    env, payload = events.load(name)
    given: dict[str, str] = draw.pick(({}, {"service": "web"}, {"success": "failure", "environment": "prod"}))
    altered = draw.altered(payload)
    read = parse_event(env["GITHUB_EVENT_NAME"], altered if isinstance(altered, dict) else {})
    found = resolve(builders.inputs(given), builders.runtime(name), read, NOW)
    if not isinstance(found, Registration):
        return  # who shows the reason makes it plain
    for call in deployment_calls(found, builders.inputs(given)):
        body = call.json()
        parse_time(body["deployed_at"])
        if body["service"]["identifier"] != by_name(body["repository"]).identifier:  # GitHub's own name, as it is
            whole(Service(**body["service"]))
        assert len(call.body) < 100_000


def payload(data: bytes) -> None:
    text = data.decode(errors="surrogateescape")
    found: Any = text
    with suppress(ValueError):
        found = parse_json(text)
    for service in (*services_in_payload(text), *services_in_payload(found)):
        whole(service)


def handed(data: bytes) -> None:
    """The variables of a start without Docker can be set."""
    draw = Draw(data)
    windows, text = draw.pick((False, True)), data[1:].decode(errors="surrogateescape")
    try:
        found = launcher.read_inputs(text)
    except ValueError:
        return
    for name, value in launcher.variables(found, r"C:\w" if windows else "/w", windows=windows).items():
        assert name
        assert not {"=", "\0"} & set(name)
        assert "\0" not in value
        f"{name}{value}".encode()


def pip(data: bytes) -> None:
    text = data.decode(errors="replace")
    assert environment.explain(text) in environment.SENTENCES
    assert len(environment._last_lines(text)) <= 30
    lock = environment.read_lock(text)
    assert sum(map(len, environment.share(lock))) == len(lock)


TARGETS = {
    "map": Target(
        lambda data: owned(parse_service_map(data, "map")),
        (b'web:\n  name: Web App\n  paths: [apps/web/**, "!apps/web/**/*.md"]\nlib: [libs/**]\n', b"a: '**'\n"),
    ),
    "owners": Target(owners, (b"* @a/b\n/x/ a@b.c\n*.md\ndocs/** @acme/docs # d\n", b"\\[a\\] @user\n/*/b @c\n")),
    "catalog": Target(
        lambda data: owned(Catalogs(lambda path: data if path.count("/") < 2 else None)),
        (b"kind: Component\nmetadata:\n  name: a\n  title: A\n---\nkind: System\n",),
    ),
    "yaml": Target(
        yaml, (b'a: [1, "x", 1.10, null]\nb:\n  - c: |\n      d\n', b'{"a": {"b": 1e5}}', b"? a\n: b\n--- \n...\n")
    ),
    "index": Target(
        index, (b"\0\5a.txt\0\6docs/b\1", b"\2\7apps/wb\1\0\7apps/wc\0\1\7apps/xx", b"DIRC\0\0\0\2\0\0\0\1")
    ),
    "ca": Target(lambda data: tls_context({}, data), (_PEM, b"\xff", b"")),
    "rows": Target(rows, (_CSV, _LINES, _CORRECTIONS)),
    "event": Target(
        event,
        tuple(
            bytes([number, 0, 1]) + more
            for number, more in zip(range(len(events.NAMES)), (b"\x07\x00\x03", b"\x02\x01\x03::e") * 50, strict=False)
        ),
    ),
    "payload": Target(payload, (b'{"service": ["a=B", {"identifier": "c"}]}', b'"{\\"service\\": \\"web\\"}"')),
    "handed": Target(
        handed,
        (b'\0{"service": "web", "failed-file": "/w/out/a.jsonl", "a b": null}', b'\1{"csv-file": "C:\\\\w\\\\a\\\\"}'),
    ),
    "pip": Target(
        pip, (b"ERROR: No matching distribution found for a==1\n", b"a==1 \\\n    --hash=sha256:0\nB_c==2\n")
    ),
}
