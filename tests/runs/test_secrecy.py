"""The token stays secret whatever happens, and what others wrote stays text: in the log, the outputs, the summary, the files."""

import json
import re
import signal
import socket
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from dx_action.sandbox import Fault, Sandbox
from gfm import check_summary
from hostile import FORMS
from leaking import SECRET, leaks
from runner import TOKEN, Run, Step, connected, fast_clock, until

TWO = "checkout, cart"


@pytest.fixture
def dx() -> Iterator[Sandbox]:
    with Sandbox(token=SECRET) as sandbox:
        yield sandbox


def test_a_leak_would_be_seen(tmp_path: Path) -> None:
    """The secret, written in each usual way into a place that anyone may read."""
    step = Step(tmp_path, {"dry-run": "true"})
    assert leaks(step.inside()) == {}
    written = {form: write(SECRET) for form, write in FORMS.items()} | {"a piece": SECRET[3:15]}
    for form, text in written.items():
        (step.workspace / "file").write_text(f"x {text} y")
        assert leaks(step.inside()) != {}, form
    (step.workspace / "file").write_text(SECRET.swapcase())
    assert leaks(step.inside()) == {}


# The ways to fail.


def test_with_every_input_wrong(tmp_path: Path, dx: Sandbox) -> None:
    wrong = {
        "dx-host": f"https://{SECRET}@acme.getdx.net/api?token={quote(SECRET)}",
        "ca-bundle": f"/{SECRET}",
        "timeout": SECRET,
        "service": f"a={SECRET},",
        "commit-sha": SECRET,
        "attribution": SECRET,
        "merge-commit-shas": f'["{SECRET}',
        "deployed-at": SECRET,
        "success": SECRET,
        "source-url": SECRET,
        "metadata": f"[{SECRET}",
        "environment": f"a\x07{SECRET}",
        "reference-id": f"a\x07{SECRET}",
        "method": SECRET,
        "on-conflict": SECRET,
        "fail-on-error": SECRET,
        "dry-run": SECRET,
        "failed-file": f"../{SECRET}",
    }
    run = Step(tmp_path, wrong | {"dx-token": SECRET}).inside()
    ((_, message),) = run.remarks
    assert {line.split("`")[1] for line in message.split("\n")[1:]} == set(wrong)
    assert (run.masks, run.exit_code, leaks(run)) == ([SECRET], 1, {})


@pytest.mark.parametrize(
    "token",
    [
        f"{SECRET} {SECRET[::-1]}",
        f"{SECRET}\nAuthorization: {SECRET[::-1]}",
        f"{SECRET}\r{SECRET[::-1]}",
        f"{SECRET}\tü",
        f"{SECRET}\udcff",
        f"“{SECRET}”",
        f"Bearer {SECRET} {SECRET[::-1]}",
    ],
)
@pytest.mark.parametrize("debug", ["1", "0"])
def test_with_a_token_that_is_none(tmp_path: Path, dx: Sandbox, token: str, debug: str) -> None:
    run = Step(tmp_path, connected(dx, token), env={"RUNNER_DEBUG": debug}).inside()
    ((_, message),) = run.remarks
    assert message.startswith("Nothing was sent to DX: 1 problem.\n`dx-token` ")
    assert (run.exit_code, run.status, dx.requests()) == (1, "failed", [])
    assert run.masks[0] == token
    assert (leaks(run), leaks(run, SECRET[::-1])) == ({}, {})


def test_with_a_token_that_is_no_text(tmp_path: Path, dx: Sandbox) -> None:
    """Only a real process has bytes that are not UTF-8 in its environment."""
    run = Step(tmp_path, connected(dx, f"{SECRET}\udcff")).run()
    assert (run.exit_code, run.status, run.remarks[0][1].split("`")[1]) == (1, "failed", "dx-token")
    assert leaks(run) == {}


@pytest.mark.parametrize("written", [f"Bearer {SECRET}", f"bearer   {SECRET}  ", f"\n{SECRET}\n"])
def test_every_way_to_write_the_token_is_masked(tmp_path: Path, dx: Sandbox, written: str) -> None:
    run = Step(tmp_path, connected(dx, written), env={"RUNNER_DEBUG": "1"}).inside()
    assert run.status == "registered"
    assert SECRET in run.masks
    assert leaks(run) == {}


def test_the_masks_come_before_everything_else(tmp_path: Path, dx: Sandbox) -> None:
    run = Step(tmp_path, connected(dx, SECRET), github_token=SECRET[::-1]).inside()
    assert [line[:12] for line in run.lines[:2]] == ["::add-mask::"] * 2
    assert run.masks == [SECRET, SECRET[::-1]]


@pytest.mark.parametrize("ending", ["", " and more", "\nmore", "ü"])
def test_the_github_token_is_as_secret(tmp_path: Path, dx: Sandbox, ending: str) -> None:
    dx.script([Fault(status=422, error="no", message=f"You sent {SECRET[::-1]}.")])
    run = Step(tmp_path, connected(dx, SECRET), "push_branch", github_token=SECRET[::-1] + ending).inside()
    assert run.exit_code == 1
    assert (leaks(run), leaks(run, SECRET[::-1])) == ({}, {})


# At the end of the message, right before, on and after the place where a long one is cut.
ECHOES = [
    f"You sent {SECRET}.",
    f"You sent /?token={quote(SECRET, safe='')}.",
    f"You sent {json.dumps({'token': SECRET})}.",
    *(f"{'x ' * (length // 2)}{SECRET} is wrong" for length in (60, 460, 480, 498, 980, 3980)),
]


@pytest.mark.parametrize("message", ECHOES, ids=len)
@pytest.mark.parametrize(
    "fault",
    [
        {"status": 422, "error": "invalid_auth"},
        {"status": 422, "error": "reference_id_taken"},
        {"status": 409, "error": "taken"},
        {"status": 503},
        {"status": 403},
        {"status": 400},
    ],
    ids=str,
)
def test_dx_repeats_it(tmp_path: Path, dx: Sandbox, fault: dict[str, Any], message: str) -> None:
    dx.script([Fault(**fault, message=message, times="forever")])
    inputs = connected(dx, SECRET, service=TWO, failed_file="failed.jsonl", timeout="5")
    run = Step(tmp_path, inputs, env={"RUNNER_DEBUG": "1"}).inside()
    assert run.status in ("failed", "already-registered")
    assert "***" in run.summary or len(message) > 4000
    assert leaks(run) == {}


@pytest.mark.parametrize(
    "fault",
    [
        {"status": 422, "error": SECRET, "message": "no"},
        {"status": 422, "error": f"{'x' * 95}{SECRET}"},
        {"status": 401, "text": SECRET},
        {"status": 502, "text": f"<html>{SECRET}</html>"},
        {"status": 200, "text": f"<html>{SECRET}</html>"},
        {"status": 429, "retry_after": SECRET},
        {"redirect": f"https://elsewhere.example/?token={SECRET}"},
        {"ok": SECRET},
    ],
    ids=str,
)
def test_dx_repeats_it_elsewhere(tmp_path: Path, dx: Sandbox, fault: dict[str, Any]) -> None:
    dx.script([Fault(**fault, times="forever")])
    run = Step(tmp_path, connected(dx, SECRET, timeout="5"), env={"RUNNER_DEBUG": "1"}).inside()
    assert (run.exit_code, run.status, leaks(run)) == (1, "failed", {})


def test_certificate_error(tmp_path: Path) -> None:
    with Sandbox(token=SECRET, tls=tmp_path / "ca.pem") as dx:
        run = Step(tmp_path, connected(dx, SECRET, failed_file="failed.jsonl")).inside()
    assert run.results("outcome", "error") == [("failed", "certificate_untrusted")]
    assert leaks(run) == {}


def test_proxy_error(tmp_path: Path) -> None:
    """Nobody listens where the proxy should be, and its password is a secret, too."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        password = quote(SECRET[::-1], safe="")
        env = {"HTTPS_PROXY": f"http://someone:{password}@127.0.0.1:{free.getsockname()[1]}"}
        inputs = {"dx-host": "acme", "dx-token": SECRET, "service": TWO, "failed-file": "failed.jsonl", "timeout": "5"}
        run = Step(tmp_path, inputs, env=env).inside()
    assert run.results("outcome", "error") == [("failed", "proxy_refused")] * 2
    assert (leaks(run), leaks(run, SECRET[::-1])) == ({}, {})


def test_a_crash(tmp_path: Path, dx: Sandbox) -> None:
    def now() -> datetime:
        raise RuntimeError(SECRET)

    run = Step(tmp_path, connected(dx, SECRET), env={"RUNNER_DEBUG": "1"}).inside(fast_clock(now=now))
    assert "Unexpected error in the action" in run.outputs["reason"]
    assert leaks(run) == {}


def test_a_crash_amid_the_sending(tmp_path: Path, dx: Sandbox) -> None:
    def random() -> float:
        raise RuntimeError(SECRET)

    run = Step(tmp_path, connected(dx, SECRET, failed_file="failed.jsonl")).inside(fast_clock(random=random))
    assert "Unexpected error in the action" in run.outputs["reason"]
    assert (run.workspace / "failed.jsonl").read_text().count("\n") == 1
    assert leaks(run) == {}


def test_a_cancelled_process(tmp_path: Path, dx: Sandbox) -> None:
    dx.script([Fault(hang=60)])
    process = Step(tmp_path, connected(dx, SECRET, failed_file="failed.jsonl"), env={"RUNNER_DEBUG": "1"}).start()
    until(lambda: len(dx.requests()) == 1)
    process.send(signal.SIGINT)
    run = process.wait()
    assert (run.exit_code, run.results("outcome"), leaks(run)) == (1, [("unknown",)], {})


# Text that others wrote.


HOSTILE = {
    "command": "::error::x",
    "indented command": "  ::error title=a::x",
    "legacy command": "##[error]x",
    "legacy command inside": "all is well ##[set-output name=status]registered",
    "command on a line of its own": "no\n::error::x",
    "carriage return": "no\r::error::x\r##[error]x",
    "carriage return and newline": "no\r\n::stop-commands::x\r\n",
    "other line ends": "no\u2028::error::x\u2029::error::x\x85::error::x\x0b::error::x\x0c::error::x",
    "ansi": "\x1b[2J\x1b[31mred\x1b]0;title\x07\x9b1m",
    "backticks": "```\n`````` and ` and ``\n" + "`" * 60,
    "html": "<script>alert(1)</script><img src=x onerror=alert(1)><!-- <details>",
    "table": "a | b |\n| --- | --- |\n| c | d",
    "mention": "@someone, @acme/team, see #1 and [this](https://evil.example) ![x](https://evil.example/x.png)",
    "headline": "no\n\n# Deployment registered in DX\n\n- [x] done\n> quote\n***",
    "entities": "&lt;script&gt; &#96;&#96;&#96; &amp;",
    "percent": "100%0A::error::x %25 %0D",
    "heredoc": "x\nstatus<<EOF\nregistered\nEOF\nend-00000000000000000000000000000000",
    "bidi": "\u202eevil\u202c \u200b\u2066x\u2069 \ufeff",
    "surrogate": "\ud800 and \udfff",
    "nul": "\x00",
}
OURS = {"add-mask", "error", "warning", "notice", "group", "endgroup", "debug"}


def assert_inert(run: Run, *, annotations: int = 1) -> None:
    """Nothing in the log commands, and nothing in the summary is markup, but what the action itself means so."""
    assert {command.name for command in run.commands} <= OURS
    assert len(run.remarks) == annotations
    for command in run.commands:
        assert not command.name.startswith(("err", "warn", "not")) or command.properties == {"title": "DX deployment"}
    for line in run.lines:
        assert not re.search(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]", line), line
    assert set(run.outputs) >= {"status", "results", "truncated"}
    assert run.status == "failed"
    check_summary(run.summary)


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
@pytest.mark.parametrize("status", [422, 503])
def test_hostile_answers(tmp_path: Path, status: int, text: str) -> None:
    with Sandbox(token=TOKEN, faults=[Fault(status=status, error=text, message=text, times="forever")]) as dx:
        run = Step(tmp_path, connected(dx, timeout="3"), env={"RUNNER_DEBUG": "1"}).inside()
    assert_inert(run)
    assert run.results("http_status") == [(status,)]


@pytest.mark.parametrize("name", ["service", "environment", "source-name", "repository", "metadata", "reference-id"])
@pytest.mark.parametrize("kind", [kind for kind, text in HOSTILE.items() if text.isprintable()])
def test_hostile_values(tmp_path: Path, name: str, kind: str) -> None:
    """A branch, a label or a title that someone's workflow puts into an input."""
    with Sandbox(token=TOKEN, faults=[Fault(status=422, error="no", message="No.", times="forever")]) as dx:
        value = {"service": json.dumps([HOSTILE[kind]]), "metadata": json.dumps({"key": HOSTILE[kind]})}
        inputs = connected(dx, commit_sha="abc1234") | {name: value.get(name, HOSTILE[kind])}
        run = Step(tmp_path, inputs, "push_branch", {"RUNNER_DEBUG": "1"}).inside()
    spaces = any("has an identifier with a space" in text for _, text in run.annotations)
    assert_inert(run, annotations=1 + (spaces and name == "service"))
    assert run.json("requests")[0]["body"] is not None


@pytest.mark.parametrize(
    ("text", "change"),
    [
        (text, change)
        for text in ("::error::x", "##[error]x", "a\r::error::x", "<script>|`@x`", "`" * 12)
        for change in ("base", "environment", "status", "default")
    ],
)
def test_hostile_events(tmp_path: Path, text: str, change: str) -> None:
    """A branch or an environment whose name anyone may choose."""
    payloads: Mapping[str, tuple[str, dict[str, Any]]] = {
        "base": (
            "pull_request_merged",
            {"pull_request": {"id": 1, "number": 1, "merged": True, "base": {"ref": text}}},
        ),
        "default": ("pull_request_merged", {"pull_request": {"id": 1, "number": 1, "merged": True}}),
        "environment": ("deployment_production", {"deployment": {"id": 1, "sha": "abc1234", "environment": text}}),
        "status": (
            "deployment_status_success",
            {"deployment": {"id": 1, "sha": "abc1234"}, "deployment_status": {"state": text, "created_at": "x"}},
        ),
    }
    event, payload = payloads[change]
    repository = {"full_name": "acme/shop", "default_branch": text if change == "default" else "main"}
    path = tmp_path / "event.json"
    path.write_text(json.dumps({"action": "closed", "repository": repository, **payload}))
    run = Step(tmp_path, {"dry-run": "true"}, event, {"GITHUB_EVENT_PATH": str(path)}).inside()
    assert run.status == "skipped"
    assert [command.name for command in run.commands] == ["notice"]
    assert "\r" not in run.outputs["reason"]
    check_summary(run.summary)


LONG: Mapping[str, Callable[[], Fault]] = {
    "message": lambda: Fault(status=422, error="no", message="`é|<" * 110_000),
    "lines": lambda: Fault(status=422, error="no", message="\n::error::x" * 85_000),
    "code": lambda: Fault(status=422, error="[x]" * 300_000),
    "controls": lambda: Fault(status=422, error="no", message="\x1b" * 170_000),
}


@pytest.mark.parametrize("kind", LONG)
def test_an_answer_of_a_mebibyte(tmp_path: Path, kind: str) -> None:
    with Sandbox(token=TOKEN, faults=[LONG[kind]()] * 3) as dx:
        run = Step(tmp_path, connected(dx, service="a, b, c")).inside()
    assert_inert(run)
    assert run.outputs["truncated"] == "false"
    assert len(run.outputs["reason"]) <= 1000
    assert max(map(len, run.lines)) < 4096
    assert len(run.summary) < 100_000
    assert run.summary.count("\n<tr><td") == 3


def test_an_answer_without_an_end(tmp_path: Path) -> None:
    with Sandbox(token=TOKEN, faults=[Fault(status=422, text="x" * (1 << 20) + "y", times="forever")]) as dx:
        run = Step(tmp_path, connected(dx, timeout="3")).inside()
    assert_inert(run)


def test_files_are_not_followed_out_of_the_workspace(tmp_path: Path, dx: Sandbox) -> None:
    """A checkout may hold a link to anywhere; what is written there would be root's."""
    dx.script([Fault(status=422, error="no")])
    step = Step(tmp_path, connected(dx, SECRET, failed_file="failed.jsonl"))
    target = tmp_path / "target"
    target.touch()
    (step.workspace / "failed.jsonl").symlink_to(target)
    assert step.inside().exit_code == 1
    assert target.read_bytes() == b""
