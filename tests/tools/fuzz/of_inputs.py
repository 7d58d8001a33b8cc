"""Targets: what an author writes, in a workflow or on the command line, and the variables around it."""

import json
import re

from drawing import MARK, NOW, TOKEN, Draw, Target, plain, same, unquoted
from dx_action.errors import BadInput
from dx_action.inputs import filters, values
from dx_action.inputs.arguments import as_flags, parse_arguments
from dx_action.inputs.job import Stage, problems, read_job
from dx_action.inputs.metadata import parse_facts, parse_metadata
from dx_action.inputs.model import Inputs, survey_inputs
from dx_action.inputs.names import nearest, strangers
from dx_action.inputs.past import window
from dx_action.inputs.times import is_ahead, iso, parse_time
from dx_action.runner.network import proxies
from dx_action.runner.runtime import known_secrets, read_runtime, tokens
from dx_action.secrecy import Secret, Secrets
from hostile import FORMS
from leaking import can_be_read

NAMES = tuple(str(field.alias) for field in Inputs.model_fields.values())
_SLIPS = (*NAMES, "sucess", "services", "enviroment", "dx_host", "ARGS", "café", "x`y", "a\u202eb", "::error::x")
_CONNECTION = {"DX_HOST": "acme", "DX_TOKEN": TOKEN, "INPUT_DRY-RUN": "true"}
_VALUES = (
    *(values.parse_items, values.parse_texts, values.parse_token, values.parse_flag, values.parse_timeout),
    *(values.parse_rate, values.parse_lanes, values.parse_number, values.parse_url, values.parse_line),
    *(values.parse_sha, values.parse_shas, values.parse_name, values.parse_source_name, values.parse_outcome),
    *(values.parse_path, values.parse_host, values.parse_services, values.parse_map, values.services_in_payload),
    *(filters.parse_branches, filters.parse_globs, parse_facts, parse_time, values.parse_repository),
)
_VARIABLES = (
    *("GITHUB_EVENT_NAME", "GITHUB_REPOSITORY", "GITHUB_SHA", "GITHUB_REF", "GITHUB_REF_NAME", "GITHUB_REF_TYPE"),
    *("GITHUB_RUN_ID", "GITHUB_RUN_ATTEMPT", "GITHUB_SERVER_URL", "GITHUB_API_URL", "GITHUB_ACTOR"),
    *("HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "ALL_PROXY", "NO_PROXY", "INPUT_DX-TOKEN", "INPUT_GITHUB-TOKEN"),
)


def arguments(data: bytes) -> None:
    found = parse_arguments([part.decode(errors="surrogateescape") for part in data.split(b"\0")])
    env = found.variables(_CONNECTION, "/work")
    assert not any("\0" in text for text in env.values())
    _inputs, wrong = found.inputs(env, NOW)
    for problem in (*found.problems, *wrong):
        said = plain(as_flags(plain(str(problem))))
        assert MARK not in said
        assert not any(secret.text in said for secret in found.refused if len(secret.text) > 12)


def inputs(data: bytes) -> None:
    draw, env = Draw(data), {"INPUT_DX-TOKEN": TOKEN}
    while draw.left:
        env[f"INPUT_{draw.pick(_SLIPS).upper()}"] = draw.variable()
    found, wrong = survey_inputs(env, NOW)
    for problem in wrong:
        assert TOKEN not in plain(str(problem))
    if not wrong and (found.since or found.until):
        since, until = window(found, NOW)
        assert since <= until


def value(data: bytes) -> None:
    draw = Draw(data)
    read = draw.pick(_VALUES)
    text = draw.take(len(data)).decode(errors="surrogateescape")
    if read is values.parse_repository:  # it names the part of an address to write
        values.parse_repository(text)
    else:
        unquoted(read, text)


def time(data: bytes) -> None:
    moment = parse_time(data.decode(errors="surrogateescape"))
    assert parse_time(iso(moment)) == moment
    is_ahead(moment, NOW)


def period(data: bytes) -> None:
    since, _, until = data.decode(errors="surrogateescape").replace("\0", "").partition("\n")
    env = {"INPUT_SINCE": since, "INPUT_UNTIL": until, "INPUT_OPERATION": "backfill", "INPUT_DRY-RUN": "true"}
    found, wrong = survey_inputs(env, NOW)
    if wrong:
        raise BadInput(*wrong)
    start, end = window(found, NOW)
    assert start <= end


def globs(data: bytes) -> None:
    """Held against a regular expression, if that is short enough not to backtrack for ages."""
    pattern, _, text = data.decode(errors="surrogateescape").partition("\n")
    branch = filters.matches_branch([pattern], text)
    if pattern.count("*") < 5 and len(text) < 50:
        parts = re.findall(r"\*+|[^*]+", pattern)
        wild = {part: "[^/]*" if part == "*" else ".*" for part in parts if part.startswith("*")}
        expression = "".join(wild.get(part) or re.escape(part) for part in parts)
        assert branch is bool(re.fullmatch(expression, text, re.DOTALL))
    environment = filters.matches_environment([pattern], text)
    assert environment or not branch or not pattern
    for read in (filters.parse_branches, filters.parse_globs):
        unquoted(read, pattern)


def name(data: bytes) -> None:
    text = data.decode(errors="surrogateescape")
    for stranger in strangers([f"INPUT_{text}", f"input_{text}"], NAMES):
        assert "`" not in plain(stranger.shown)
        assert len(stranger.shown) <= 61
        assert set(stranger.meant) <= set(NAMES)
    for meant in nearest(text, NAMES):
        assert abs(len(meant.replace("-", "")) - len(re.sub("[-_ ]", "", text.lower()))) <= 2


def job(data: bytes) -> None:
    names = ("INPUT_JOB-STATUS", "STATE_started", "STATE_ready", "INPUT_OPERATION", "INPUT_SUCCESS", "INPUT_SINCE")
    texts = (part.decode(errors="surrogateescape") for part in data.split(b"\x01"))
    env = dict(zip(names, texts, strict=False))
    found = read_job(env, NOW)
    assert found.started is None or abs(found.started - NOW.timestamp()) <= 35 * 24 * 60 * 60
    assert (found.success is None) is (found.status in (None, "cancelled"))
    stages: tuple[Stage, ...] = ("start", "end")
    for stage in stages:
        for problem in problems(env, stage):
            plain(str(problem))


def metadata(data: bytes) -> None:
    text = data.decode(errors="surrogateescape")
    found = parse_metadata(text)
    assert same(parse_metadata(json.dumps(found)), found)
    unquoted(parse_metadata, text)


def variables(data: bytes) -> None:
    draw, env = Draw(data), dict[str, str]()
    while draw.left:
        env[draw.pick(_VARIABLES)] = draw.variable()
    runtime = read_runtime(env)
    "".join(runtime._replace(event_path="")).encode()
    (runtime.run_page(None) or "").encode()
    secrets = known_secrets(env)
    for token in (token for token in tokens(env) if len(token) > 12):
        assert token not in secrets.scrubbed(f"a {token} b")
    for url in ("https://acme.getdx.net", "http://127.0.0.1:8080", "https://[::1]:8443"):
        assert len(proxies(env, url)) < 2


def secrets(data: bytes) -> None:
    known = Secrets([Secret("it", 'Zq"9\\%41&lt;token'), Secret("another", "q4=b")])
    text = data.decode(errors="surrogateescape")
    scrubbed = known.scrubbed(text)
    if known.names_in(text):
        assert not known.names_in(scrubbed)
    else:
        assert scrubbed == text or "…" in text


_FORMS = tuple(FORMS.values())
_LETTERS = "".join(map(chr, range(0x21, 0x7F)))


def hidden(data: bytes) -> None:
    """Any token is found in any text, in whichever form, and nothing of that form is left to read."""
    draw = Draw(data)
    token = "".join(draw.pick(_LETTERS) for _ in range(8 + draw.number(24)))
    known = Secrets([Secret("it", token)])
    text = f"{draw.text(30)} {draw.pick(_FORMS)(token)} {draw.text(30)}"
    assert known.names_in(text), text
    scrubbed = known.scrubbed(text)
    assert not known.names_in(scrubbed), scrubbed
    assert not can_be_read(scrubbed, token), scrubbed


TARGETS = {
    "arguments": Target(
        arguments,
        (
            b"--service\0web\0--repository=acme/shop\0--commit-sha\0abc1234\0--reference-id\0build-7\0--json",
            b"--dx-token\0s3cr3t\0--dry-run\0--sevice=s3cr3t\0s3cr3t\0--operation\0update\0--success=false",
            b"--merge-commit-shas\0abc1234\0--merge-commit-shas\0abc1235\0--help\0-h\0--since=2025-01-01T00:00:00Z",
        ),
    ),
    "inputs": Target(
        inputs,
        (
            bytes([NAMES.index("service"), 3]) + b"web" + bytes([NAMES.index("metadata"), 4]) + b"a: 1",
            bytes([NAMES.index("dx-host"), 4]) + b"acme" + bytes([NAMES.index("deployed-at"), 10]) + b"1741089600",
            bytes([NAMES.index("operation"), 6]) + b"update" + bytes([NAMES.index("environment"), 18]) + TOKEN.encode(),
        ),
    ),
    "value": Target(
        value,
        tuple(
            bytes([number]) + seed
            for number, seed in enumerate(
                (
                    *(b'["a"]', b"a,b", b"Bearer x", b"true", b"60.5", b"7", b"4", b"41", b"https://a.b/c", b"line"),
                    *(b"abc1234", b"a" * 40, b"prod", b"none", b"cancelled", b"out/a.jsonl", b"https://dx:8443"),
                    *(
                        b'[{"identifier": "web", "name": "Web"}]',
                        b"web: [a/**]",
                        b'{"service": ["web"]}',
                        b"release/**",
                    ),
                    *(b"prod*", b"rollback", b"2025-03-04T12:00:00Z", b"https://github.com/acme/shop.git"),
                )
            )
        ),
    ),
    "time": Target(time, (b"2025-03-04T12:00:00.123456Z", b"1741089600", b"1741089600123", b"2025-03-04 12:00+01:30")),
    "period": Target(period, (b"2025-01-01T00:00:00Z\n1741089600", b"\n2024-01-01T00:00:00Z", b"1741089600\n")),
    "globs": Target(globs, (b"release/**\nrelease/1/2", b"*-prod*\neu-prod-1", b"**\n\n", b"a*b\na/b")),
    "name": Target(name, (b"SUCESS", b"dx_host", b"MERGE COMMIT SHA", b"CAF\xc3\x89", b"enviroment")),
    "job": Target(
        job,
        (
            b"success\x011741089600\x01false\x01deploy\x01true\x01",
            b"\x01\x01true\x01set-pull-services\x01\x012025-01-01T00:00:00Z",
        ),
    ),
    "metadata": Target(metadata, (b'{"a": 1, "b": [true, null, 1.5e3]}', b"a: 1.10\nb:\n  - 0123\n  - {c: d}\n")),
    "variables": Target(
        variables,
        (
            bytes([1, 9]) + b"acme/shop" + bytes([6, 4]) + b"1791" + bytes([8, 18]) + b"https://github.com",
            bytes([11, 24]) + b"http://u:p%40ss@proxy:1/" + bytes([15, 12]) + b".b,[::1]:80,*",
        ),
    ),
    "hidden": Target(
        hidden, tuple(bytes([number, *range(number, number + 9)]) + b"\1a" + bytes([number]) for number in range(25))
    ),
    "secrets": Target(secrets, (b'Zq\\"9\\\\%41&lt;token', b"x%5AqIjk=&#90;q", b"q4=b ", "Zq&#34;9\\%41…".encode())),
}
