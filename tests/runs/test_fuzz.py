"""Bad input by the thousand: inputs, events and DX's answers of every kind, held against one oracle (`soundness.py`)."""

import faulthandler
import io
import json
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

import events
import wire
from runner import NOW, Step, action
from soundness import NASTY, Fuzzed, assert_sound, texts, variables
from thorough import times
from wire import Reply, Request

often = settings(deadline=None, derandomize=True, database=None, suppress_health_check=list(HealthCheck))
flags = st.sampled_from(["true", "false", "TRUE"])
words = {
    "operation": st.sampled_from(["deploy", "set-pull-services", "check"]),
    "services-from": st.sampled_from(["input", "map", "backstage", "codeowners"]),
    "attribution": st.sampled_from(["commit", "repository", "merge-commits"]),
    "success": st.sampled_from(["true", "false", "failure", "cancelled"]),
    "method": st.sampled_from(["create", "upsert"]),
    "on-conflict": st.sampled_from(["keep", "update", "fail"]),
    "timeout": st.sampled_from(["1", "5", "60", "3600"]),
    "pull-number": st.integers(1, 10**9).map(str),
    "pull-id": st.integers(1, 10**9).map(str),
    "commit-sha": st.sampled_from(["abc1234", "a" * 40]),
    "metadata": st.sampled_from(['{"a": 1}', "a: 1\nb: [x]", "v: 1.10"]),
    "since": st.sampled_from(["2025-01-01T00:00:00Z", "1735733100"]),
    "failed-file": st.sampled_from(["failed.jsonl", "a/b.jsonl"]),
    **dict.fromkeys(("dry-run", "fail-on-error", "set-pull-services", "replace-pull-services"), flags),
}


def _given(inputs: dict[str, str]) -> dict[str, str]:
    """A token that is a word of the action's own would take that away wherever it stands."""
    tokens = {name: f"tok_{text}" for name, text in inputs.items() if name in ("dx-token", "github-token") and text}
    return inputs | tokens


given_inputs = st.dictionaries(st.sampled_from(sorted(action()["inputs"])), variables, min_size=1, max_size=5).flatmap(
    lambda wild: st.fixed_dictionaries({}, optional=words).map(lambda plain: _given(plain | wild))
)


@pytest.fixture(autouse=True)
def never_without_end() -> Iterator[None]:
    """What hangs shows where, and ends."""
    faulthandler.dump_traceback_later(540, exit=True)
    yield
    faulthandler.cancel_dump_traceback_later()


# Inputs.


@settings(often, max_examples=times(1000))
@given(given_inputs, st.sampled_from(events.NAMES), st.booleans())
def test_any_inputs(inputs: dict[str, str], event: str, debugging: bool) -> None:
    with TemporaryDirectory() as folder:
        Fuzzed(Path(folder), inputs, event, {"RUNNER_DEBUG": "1" if debugging else None}).run()


@settings(often, max_examples=times(300))
@given(st.dictionaries(st.sampled_from(sorted(events.load("push_branch")[0])), variables, min_size=1), st.booleans())
def test_any_variables_of_the_runner(env: dict[str, str], debugging: bool) -> None:
    changed = {name: text for name, text in env.items() if name != "GITHUB_API_URL"}
    with TemporaryDirectory() as folder:
        Fuzzed(Path(folder), {}, "push_branch", changed | {"RUNNER_DEBUG": "1" if debugging else None}).run()


FOUND: list[tuple[dict[str, str], dict[str, str]]] = [
    # Variables that are no UTF-8 broke the making of a request.
    ({}, {"GITHUB_REPOSITORY": "a\udcff/b"}),
    ({}, {"GITHUB_RUN_ID": "\udcff"}),
]


@pytest.mark.parametrize(("inputs", "env"), FOUND)
def test_what_was_found_here_once(tmp_path: Path, inputs: dict[str, str], env: dict[str, str]) -> None:
    Fuzzed(tmp_path, inputs, "push_branch", env).run()


@settings(often, max_examples=times(1000))
@given(given_inputs, st.sampled_from(events.NAMES))
def test_any_inputs_of_a_check(inputs: dict[str, str], event: str) -> None:
    with TemporaryDirectory() as folder:
        run = Fuzzed(Path(folder), inputs | {"operation": "check"}, event).run()
        assert run.status in ("checked", "failed")
        assert run.json("checks")


# The two stages of `job/`.


@settings(often, max_examples=times(150))
@given(given_inputs, st.sampled_from(events.NAMES), st.sampled_from(["success", "failure"]))
def test_any_inputs_of_a_job(inputs: dict[str, str], event: str, status: str) -> None:
    """The start sends nothing. A job that it failed is no failed deployment."""
    with TemporaryDirectory() as folder:
        start = Fuzzed(Path(folder), inputs, event, stage="start")
        began = start.run()
        assert (start.requests, began.status in ("waiting", "failed")) == (0, True)
        assert (began.state.get("ready") == "true") is (began.exit_code == 0)
        handed = {f"STATE_{name}": text for name, text in began.state.items()}
        end = Fuzzed(Path(folder), inputs, event, handed | {"INPUT_JOB-STATUS": status}, stage="end")
        ended = end.run()
        assert not (began.exit_code and status == "failure" and not inputs.get("success", "").strip() and end.requests)
        assert (ended.status in ("skipped", "failed")) or inputs.get("dry-run", "").lower() == "true" or end.requests


CLOSE = [int(NOW.timestamp()) + more for more in (-36 * 86400, -35 * 86400, -60, 0, 600, 601, 86400)]
statuses = st.sampled_from([*["failure"] * 4, "success", "cancelled", "skipped", "Success", " failure "])
odd_runner = st.fixed_dictionaries(
    {},
    optional={
        "STATE_started": variables | st.sampled_from(CLOSE).map(str) | st.integers(-(10**12), 10**12).map(str),
        "STATE_ready": variables | st.just("true"),
        "INPUT_JOB-STATUS": variables | statuses | statuses,
    },
)


@settings(often, max_examples=times(150))
@example({"STATE_started": str(CLOSE[3]), "INPUT_JOB-STATUS": "failure"}, "")
@given(odd_runner, st.sampled_from(["", "", "success", "failure"]))
def test_a_job_s_end_on_an_odd_runner(env: dict[str, str], written: str) -> None:
    """What it sends says how the job ended, and no time of a start that cannot be."""
    given: dict[str, str | None] = {"INPUT_JOB-STATUS": None}
    with TemporaryDirectory() as folder:
        inputs = {"extra-metadata": "started_at", "success": written}
        end = Fuzzed(Path(folder), inputs, "push_branch", given | env, stage="end")
        run = end.run()
    outcome = written or env.get("INPUT_JOB-STATUS", "").strip().lower()
    stopped = not written and bool(env.get("STATE_started", "").strip()) and env.get("STATE_ready") != "true"
    sent = outcome == "success" or (outcome == "failure" and not stopped)
    assert (run.status in ("registered", "already-registered"), len(end.bodies)) == (sent, int(sent))
    for body in map(json.loads, end.bodies):
        assert body.get("success", True) is (outcome == "success")
        started = body.get("metadata", {}).get("started_at", CLOSE[3])
        assert CLOSE[1] <= started <= CLOSE[4]


# Events.

junk: st.SearchStrategy[Any] = st.one_of(
    st.sampled_from([None, 0, -1, 10**30, 1.5, True, "", [], {}, [None], {"a": {}}, float("nan"), "\ud800"]),
    texts,
    st.recursive(
        st.none() | texts, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3)
    ),
)


def places(value: Any, path: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    """Give the way to each value inside."""
    for key, inner in value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ():
        yield (*path, key)
        yield from places(inner, (*path, key))


@st.composite
def payloads(draw: st.DrawFn) -> tuple[str, bytes]:
    """Give an event's name and its payload, some values of which are something else or gone."""
    name = draw(st.sampled_from(events.NAMES))
    payload = events.load(name)[1]
    for _ in range(draw(st.integers(1, 3))):
        if not (ways := list(places(payload))):
            break
        *parents, last = draw(st.sampled_from(ways))
        place: Any = payload
        for parent in parents:
            place = place[parent]
        if draw(st.booleans()):
            place[last] = draw(junk)
        else:
            del place[last]
    return name, json.dumps(payload).encode()


broken = st.sampled_from(
    [b"", b"\xff", b"\xef\xbb\xbf{}", b"[]", b"null", b"{", b"[" * 100_000, b'{"a":' * 50_000, b"9" * 5000]
)


@settings(often, max_examples=times(1000))
@given(payloads() | st.tuples(st.sampled_from(events.NAMES), broken), st.booleans())
def test_any_event(event: tuple[str, bytes], named: bool) -> None:
    name, payload = event
    with TemporaryDirectory() as folder:
        file = Path(folder) / "event.json"
        file.write_bytes(payload)
        for more in ({}, {"operation": "check"}):
            given = more | ({} if named else {"service": ""})
            Fuzzed(Path(folder), given, name, {"GITHUB_EVENT_PATH": str(file)}).run()


# DX's answers.

bodies = st.one_of(
    st.binary(max_size=60),
    st.sampled_from(
        [b"", b"{", b"[" * 100_000, b'{"ok": true}', b"null", b"<html>", b"x" * (2 << 20), b"9" * 5000, b"\xff\xfe"]
    ),
    st.fixed_dictionaries({}, optional={"ok": junk, "error": junk, "message": junk}).map(
        lambda said: json.dumps(said).encode()
    ),
)
headers = st.dictionaries(
    st.sampled_from(["Retry-After", "Location", "Content-Type", "Content-Encoding", "Set-Cookie", "Transfer-Encoding"]),
    st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=20)
    | st.sampled_from(
        ["-1", "0", "1e9", "9" * 400, "Wed, 21 Oct 2015 07:28:00 GMT", "Mon, 01 Jan 99999 00:00:00 GMT", "gzip"]
    ),
)
answers = st.one_of(
    st.builds(
        Reply,
        st.sampled_from([200, 201, 204, 301, 302, 400, 401, 403, 404, 408, 409, 422, 429, 500, 503, 599]),
        bodies,
        headers,
    ),
    st.builds(Reply, st.integers(200, 999), bodies, headers),
    st.builds(Reply, st.just(200), bodies, headers, st.just(1000)),
    # Early statuses, and an answer that is cut, or whose rest never comes.
    st.builds(
        Reply,
        st.sampled_from([200, 302, 401, 404, 409, 422, 429, 503]),
        bodies,
        headers,
        st.sampled_from([None, 1, 1000]),
        st.lists(st.integers(100, 199), max_size=3).map(tuple),
        st.sampled_from([None, lambda _seconds: None]),
    ),
)
LOST = (wire.refused, wire.reset, wire.silent)
ways = st.fixed_dictionaries(
    {"timeout": st.sampled_from(["1", "5", "60"])},
    optional={
        name: words[name] for name in ("method", "on-conflict", "fail-on-error", "set-pull-services", "failed-file")
    },
)


@settings(often, max_examples=times(300))
@given(st.lists(answers | st.sampled_from(LOST), min_size=1, max_size=4), ways, st.integers(1, 3))
def test_any_answers(said: list[Any], inputs: dict[str, str], services: int) -> None:
    left = iter(said)

    def speak(request: Request) -> Reply:
        request.body()
        reply = next(left, said[-1])
        return reply if isinstance(reply, Reply) else reply()

    with TemporaryDirectory() as folder:
        named = ",".join(f"web-{number}" for number in range(services))
        run = Fuzzed(Path(folder), inputs | {"service": named}, wire=speak).run()
    if ("accepted",) in run.results("outcome"):
        replies = [reply for reply in said if isinstance(reply, Reply)]
        assert any(reply.status // 100 == 2 and b'"ok": true' in reply.body for reply in replies)


# The oracle itself: it must notice.


@pytest.mark.parametrize("text", [text for text in NASTY if text.startswith(("::e", "##[", "::st"))])
def test_a_live_command_would_be_noticed(tmp_path: Path, text: str) -> None:
    step = Step(tmp_path, {"dry-run": "true"})
    env, stream = step.environment(), io.StringIO()
    run = step.read(env, 0, f"{stream.getvalue()}{text}\n")
    with pytest.raises(AssertionError):
        assert_sound(run, text)
