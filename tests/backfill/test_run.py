"""Whole runs of a backfill: rows that are sent, what fails and is saved, a cancel, a kill."""

import io
import json
import signal
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import nullcontext, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any, NoReturn

import pytest

from dx_action.dx.delivery import Transport
from dx_action.errors import Interrupted
from dx_action.main import main
from dx_action.runner.workspace import Workspace
from dx_action.sandbox import Fault, Sandbox
from gfm import Page
from runner import TOKEN, Run, Step, connected, fast_clock, until


def row(service: str, number: int, **more: Any) -> dict[str, Any]:
    body = {"deployed_at": f"2025-01-{1 + number % 28:02}T12:{number % 60:02}:00Z", "service": service}
    return body | {"repository": "acme/shop", "commit_sha": f"{number:07x}"} | more


def write(folder: Path, rows: Sequence[Mapping[str, Any]], name: str = "rows.jsonl") -> None:
    workspace = folder / "workspace"
    workspace.mkdir(exist_ok=True)
    (workspace / name).write_text("".join(json.dumps(each) + "\n" for each in rows), encoding="utf-8")


def step(folder: Path, dx: Sandbox, **more: str) -> Step:
    given = {"operation": "backfill", "backfill_file": "rows.jsonl", "max_per_second": "0"} | more
    return Step(folder, connected(dx, **given), "workflow_dispatch")


def lines(run: Run, name: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (run.workspace / name).read_text(encoding="utf-8").splitlines()]


ROWS = [row(f"s{number % 3}", number) for number in range(30)]


def test_a_backfill_registers_every_row(tmp_path: Path) -> None:
    write(tmp_path, ROWS)
    with Sandbox(token=TOKEN) as dx:
        run = step(tmp_path, dx).inside()
        held = dx.deployments()
    assert (run.exit_code, run.status, len(held)) == (0, "registered", 30)
    assert run.said[-1] == "30 deployments: 30 registered."
    assert sorted(run.json("services")) == ["s0", "s1", "s2"]
    assert len(run.json("reference-ids")) == len(run.json("results")) == 30
    assert (run.json("requests"), run.outputs["truncated"]) == ([], "false")
    assert run.outputs["repository"] == "acme/shop"
    assert ["s0", "10"] in Page(run.summary).rows
    assert 'title "Deployments per week"' in run.summary
    assert [command.data for command in run.commands if command.name == "group"] == [
        f"s{number}: 10 registered" for number in range(3)
    ]


def test_an_input_that_is_passed_over_is_named(tmp_path: Path) -> None:
    write(tmp_path, ROWS)
    with Sandbox(token=TOKEN) as dx:
        run = step(tmp_path, dx, only_environments="live").inside()
    assert run.status == "registered"
    ((level, notice),) = run.remarks
    assert level == "notice"
    assert notice.startswith("`only-environments` has no effect here. It limits what is read from GitHub's history")


def test_a_second_run_changes_nothing(tmp_path: Path) -> None:
    write(tmp_path, ROWS)
    with Sandbox(token=TOKEN) as dx:
        step(tmp_path, dx).inside()
        held = dx.deployments()
        run = step(tmp_path, dx).inside()
        assert dx.deployments() == held
    assert (run.exit_code, run.status) == (0, "registered")


def test_what_dx_holds_with_other_values_is_told(tmp_path: Path) -> None:
    write(tmp_path, [row("web", 1, reference_id="r1")])
    with Sandbox(token=TOKEN) as dx:
        step(tmp_path, dx).inside()
        write(tmp_path, [row("web", 2, reference_id="r1")])
        kept = step(tmp_path, dx).inside()
        updated = step(tmp_path, dx, on_conflict="update").inside()
    assert (kept.exit_code, kept.status) == (0, "already-registered")
    ((level, message),) = kept.annotations
    assert (level, message[:52]) == ("warning", "1 of 1 deployment (line 1) is already registered in ")
    assert "with other values, which DX keeps. If the rows correct" in message
    assert (updated.exit_code, updated.status) == (0, "registered")


def test_what_fails_is_kept_and_can_be_sent(tmp_path: Path) -> None:
    write(tmp_path, ROWS)
    faults = [Fault(status=422, error="repo_not_found", message="::error::x|<b>`\r")]
    with Sandbox(token=TOKEN, faults=faults) as dx:
        run = step(tmp_path, dx, failed_file="failed.jsonl").inside()
        assert len(dx.deployments()) == 29
        (failed,) = lines(run, "failed.jsonl")
        assert failed["reference_id"]
        again = step(tmp_path, dx, backfill_file="failed.jsonl").inside()
        assert len(dx.deployments()) == 30
    assert (run.exit_code, run.status) == (1, "partial")
    (error,) = (message for level, message in run.annotations if level == "error")
    assert error.startswith(
        "DX did not register 1 of 30 deployments (line 1): repo_not_found. DX could not find the repo"
    )
    assert "saved in failed.jsonl, ready to be sent as a `backfill-file`" in error
    assert run.results("outcome")[0] == ("failed",)
    assert "<b>" not in run.summary
    assert (again.exit_code, again.status) == (0, "registered")


def test_a_file_that_is_both_ends_empty_and_is_then_skipped(tmp_path: Path) -> None:
    write(tmp_path, ROWS)
    both = {"failed_file": "rows.jsonl"}
    with Sandbox(token=TOKEN, faults=[Fault(status=422, error="repo_not_found", times=2)]) as dx:
        runs = [step(tmp_path, dx, **both).inside()]
        left = lines(runs[0], "rows.jsonl")
        runs += [step(tmp_path, dx, **both).inside() for _ in range(2)]
        assert len(dx.deployments()) == 30
    assert len(left) == 2
    assert [run.status for run in runs] == ["partial", "registered", "skipped"]
    assert [run.exit_code for run in runs] == [1, 0, 0]
    assert (runs[0].workspace / "rows.jsonl").read_bytes() == b""
    assert list(runs[0].workspace.iterdir()) == [runs[0].workspace / "rows.jsonl"]


def test_a_csv_cannot_be_both(tmp_path: Path) -> None:
    (tmp_path / "workspace").mkdir()
    (tmp_path / "workspace" / "rows.csv").write_text("deployed_at,service\n2025-01-01T12:00:00Z,web\n")
    with Sandbox(token=TOKEN) as dx:
        run = step(tmp_path, dx, backfill_file="rows.csv", failed_file="rows.csv").inside()
        assert dx.requests() == []
    assert (run.exit_code, run.status) == (1, "failed")
    assert "what fails is written as JSON Lines" in run.outputs["reason"]


def test_a_refused_token_is_told_with_what_follows(tmp_path: Path) -> None:
    write(tmp_path, ROWS)
    with Sandbox(token="another-token") as dx:
        run = step(tmp_path, dx, failed_file="failed.jsonl").inside()
        assert len(dx.requests()) == 1
    assert (run.exit_code, run.status) == (1, "failed")
    (error,) = (message for level, message in run.annotations if level == "error")
    assert "1 of 30 deployments (line 1): invalid_auth. " in error
    assert "Because of it, 29 more were not sent." in error
    assert len(lines(run, "failed.jsonl")) == 30


class Endless(BaseHTTPRequestHandler):
    """Takes every deployment; to that of `s1`, it says that it will go on, and never does."""

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if b'"s1"' not in body:
            self.wfile.write(b'HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 12\r\n\r\n{"ok": true}')
            return
        with suppress(OSError):
            for _ in range(100):
                self.wfile.write(b"HTTP/1.1 100 Continue\r\n\r\n")
                time.sleep(0.05)

    def log_message(self, *_given: object) -> None:
        pass


def test_a_server_that_trickles_for_ever_ends_a_row_by_its_timeout(tmp_path: Path) -> None:
    """Each byte comes well in time, so that nothing but the waiting thread sees that the row's time is up."""
    write(tmp_path, [row(f"s{number % 3}", number) for number in range(6)])
    with ThreadingHTTPServer(("127.0.0.1", 0), Endless) as server:
        server.daemon_threads, server.block_on_close = True, False
        thread = Thread(target=server.serve_forever)
        thread.start()
        given = {"operation": "backfill", "backfill-file": "rows.jsonl", "timeout": "1", "concurrency": "1"}
        given |= {"dx-host": f"http://127.0.0.1:{server.server_port}", "dx-token": TOKEN, "failed-file": "failed.jsonl"}
        started = time.monotonic()
        run = Step(tmp_path, given, "workflow_dispatch").inside()
        took = time.monotonic() - started
        server.shutdown()
        thread.join(5)
    assert took < 4
    assert (run.exit_code, run.status) == (1, "partial")
    outcomes = Counter((each["outcome"], each["error"]) for each in run.json("results"))
    assert outcomes == {("accepted", ""): 4, ("unknown", "no_answer"): 1}
    assert len(lines(run, "failed.jsonl")) == 2


def test_a_failure_may_be_a_warning(tmp_path: Path) -> None:
    write(tmp_path, ROWS)
    with Sandbox(token=TOKEN, faults=[Fault(status=422, error="repo_not_found")]) as dx:
        run = step(tmp_path, dx, fail_on_error="false").inside()
    assert (run.exit_code, run.status, {level for level, _ in run.annotations}) == (0, "partial", {"warning"})


def test_an_outage_leaves_the_rest_of_each_key_in_order(tmp_path: Path) -> None:
    write(tmp_path, ROWS)
    with Sandbox(token=TOKEN) as dx:
        dx.script([Fault(ok=True, times=10), Fault(status=503, times="forever")])
        run = step(tmp_path, dx, failed_file="failed.jsonl", timeout="5").inside(fast_clock())
        assert run.status == "partial"
        dx.script([])
        dx.reset()
        step(tmp_path, dx).inside()
        times = [(each["service"]["identifier"], each["deployed_at"]) for each in dx.deployments()]
    for service in ("s0", "s1", "s2"):
        mine = [time for name, time in times if name == service]
        assert mine == sorted(mine)
    assert "and order matters." in run.summary


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_cancelled_backfill_says_how_far_it_came_and_can_be_run_again(tmp_path: Path, number: signal.Signals) -> None:
    write(tmp_path, ROWS)
    with Sandbox(token=TOKEN, latency=0.1) as dx:
        process = step(tmp_path, dx, failed_file="failed.jsonl", concurrency="2").start()
        until(lambda: len(dx.deployments()) >= 4)
        process.send(number)
        run = process.wait()
        held = len(dx.deployments())
        left = lines(run, "failed.jsonl")
        again = step(tmp_path, dx).inside()
        assert len(dx.deployments()) == 30
    outcomes = Counter(outcome for (outcome,) in run.results("outcome"))
    assert (run.exit_code, run.status) == (1, "partial")
    assert outcomes["accepted"] <= held < 30
    assert len(left) == 30 - outcomes["accepted"]
    error = run.annotations[0][1]
    assert error.startswith(f"The job was cancelled. 30 deployments: {outcomes['accepted']} registered, ")
    assert "run the same backfill again" in error or "ready to be sent as a `backfill-file`" in error
    assert (again.exit_code, again.status) == (0, "registered")


def test_a_killed_backfill_can_be_run_again(tmp_path: Path) -> None:
    write(tmp_path, ROWS)
    with Sandbox(token=TOKEN, latency=0.05) as dx:
        process = step(tmp_path, dx, failed_file="rows.jsonl", concurrency="2").start()
        until(lambda: len(dx.deployments()) >= 4)
        process.send(signal.SIGKILL)
        process.wait()
        again = step(tmp_path, dx).inside()
        assert len(dx.deployments()) == 30
    assert (again.exit_code, again.status) == (0, "registered")


def test_a_dry_run_shows_what_a_live_one_sends(tmp_path: Path) -> None:
    write(tmp_path, ROWS)
    with Sandbox(token=TOKEN) as dx:
        dry = step(tmp_path, dx, dry_run="true").inside()
        assert dx.requests() == []
        step(tmp_path, dx, concurrency="1").inside()
        bodies = [request["body"] for request in dx.requests()]
    assert (dry.exit_code, dry.status) == (0, "dry-run")
    shown = [line.strip() for line in dry.said if line.strip().startswith("{")]
    assert shown == bodies


def test_a_long_dry_run_says_how_many_more(tmp_path: Path) -> None:
    write(tmp_path, [row("web", number) for number in range(250)])
    with Sandbox(token=TOKEN) as dx:
        run = step(tmp_path, dx, dry_run="true").inside()
    assert run.said[-1] == "  … and 50 more, not shown."


def test_a_csv_is_written_and_nothing_sent(tmp_path: Path) -> None:
    write(tmp_path, ROWS)
    with Sandbox(token=TOKEN) as dx:
        run = step(tmp_path, dx, csv_file="out/rows.csv", dx_token="").inside()
        assert dx.requests() == []
    assert (run.exit_code, run.status) == (0, "written")
    assert len((run.workspace / "out/rows.csv").read_text().splitlines()) == 31


def test_the_secret_is_in_nothing_that_is_kept(tmp_path: Path) -> None:
    write(tmp_path, [row("web", 1)])
    with Sandbox(token=TOKEN, faults=[Fault(status=422, error="no", message=TOKEN)]) as dx:
        run = step(tmp_path, dx, failed_file="failed.jsonl").inside()
    text = (run.workspace / "failed.jsonl").read_text() + run.summary + run.raw_outputs + "".join(run.said)
    assert TOKEN not in text
    assert "***" in text


def test_only_calls_about_pull_requests(tmp_path: Path) -> None:
    pulls = [{"method": "setPullServices", "github_pull_id": 7, "services": ["web", "api"]}]
    write(tmp_path, pulls)
    with Sandbox(token=TOKEN) as dx:
        run = step(tmp_path, dx).inside()
        assert len(dx.pull_services()) == 1
    assert (run.exit_code, run.status) == (0, "pull-services-set")
    assert run.json("services") == []


def test_a_missing_token_is_told_after_the_rows_are_read(tmp_path: Path) -> None:
    write(tmp_path, ROWS)
    with Sandbox(token=TOKEN) as dx:
        run = step(tmp_path, dx, dx_token="").inside()
    assert (run.exit_code, run.status) == (1, "failed")
    assert "`dx-token` is missing or empty" in run.outputs["reason"]


@pytest.mark.parametrize("more", [{}, {"fail_on_error": "false"}], ids=["red", "green"])
@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"dx_token": ""}, "`dx-token` is missing or empty"),
        ({"dx_host": ""}, "`dx-host` is missing"),
        ({"ca_bundle": "missing.pem"}, "`ca-bundle` names a file that is neither"),
        ({"ca_bundle": "rows.jsonl", "dx_host": "acme"}, "`ca-bundle` "),
    ],
    ids=str,
)
@pytest.mark.parametrize("kept", ["failed.jsonl", "rows.jsonl"], ids=["a file of its own", "the backfill-file"])
def test_what_cannot_be_sent_at_all_is_kept_whole(
    tmp_path: Path, wrong: dict[str, str], words: str, kept: str, more: dict[str, str]
) -> None:
    """As with every operation, `failed-file` holds what was not sent; where it is the `backfill-file`, it is left as it is."""
    write(tmp_path, ROWS)
    before = (tmp_path / "workspace" / "rows.jsonl").read_bytes()
    with Sandbox(token=TOKEN) as dx:
        run = step(tmp_path, dx, failed_file=kept, **wrong, **more).inside()
        assert dx.requests() == []
        assert (run.workspace / "rows.jsonl").read_bytes() == before
        assert (run.exit_code, run.status) == (0 if more else 1, "failed")
        assert words in run.outputs["reason"]
        assert len(lines(run, kept)) == 30
        assert step(tmp_path, dx, backfill_file=kept).inside().status == "registered"
        assert len(dx.deployments()) == 30


def test_what_cannot_be_sent_nor_kept_is_told_together(tmp_path: Path) -> None:
    write(tmp_path, ROWS)
    (tmp_path / "workspace" / "link").symlink_to(tmp_path)
    with Sandbox(token=TOKEN) as dx:
        run = step(tmp_path, dx, failed_file="link/failed.jsonl", dx_token="").inside()
    assert run.outputs["reason"].count("`dx-token` is missing or empty") == 1
    assert run.outputs["reason"].count("`failed-file` names a file that cannot be opened") == 1


@pytest.mark.parametrize("kept", ["failed.jsonl", "rows.jsonl"], ids=["a file of its own", "the backfill-file"])
def test_a_cancel_while_the_connection_is_made_ready_keeps_every_row(tmp_path: Path, kept: str) -> None:
    write(tmp_path, ROWS)

    def cancelled(*_given: object, **_more: object) -> Transport:
        raise Interrupted

    with Sandbox(token=TOKEN) as dx:
        env = step(tmp_path, dx, failed_file=kept).environment()
        assert main(env, io.StringIO(), fast_clock(), wire=cancelled) == 1
    assert len((tmp_path / "workspace" / kept).read_text().splitlines()) == 30


class CancelledAt(io.StringIO):
    """A log whose job is cancelled as it comes to a line."""

    def __init__(self, line: str) -> None:
        super().__init__()
        self._line = line

    def write(self, text: str, /) -> int:
        if text.startswith(self._line):
            self._line = "\n"
            raise Interrupted
        return super().write(text)


@pytest.mark.parametrize(
    ("more", "kept", "said"),
    [
        ({"failed_file": "failed.jsonl"}, 30, "is saved in failed.jsonl, ready to be sent as a `backfill-file`"),
        ({"failed_file": "rows.jsonl"}, 30, "The job was cancelled before anything was sent to DX."),
        ({}, None, "The job was cancelled before anything was sent to DX."),
        ({"failed_file": "failed.jsonl", "dry_run": "true"}, None, "The job was cancelled before anything was sent"),
        ({"failed_file": "failed.jsonl", "csv_file": "x.csv"}, None, "The job was cancelled before anything was sent"),
        ({"failed_file": "link/failed.jsonl"}, None, "`failed-file` names a file that cannot be opened"),
    ],
    ids=str,
)
def test_a_cancel_while_the_rows_are_read_keeps_every_row(
    tmp_path: Path, more: Mapping[str, str], kept: int | None, said: str
) -> None:
    write(tmp_path, ROWS)
    (tmp_path / "workspace" / "link").symlink_to(tmp_path)
    with Sandbox(token=TOKEN) as dx:
        given = step(tmp_path, dx, **more)
        env, log = given.environment(), CancelledAt("Read 30 rows")
        run = given.read(env, main(env, log, fast_clock()), log.getvalue())
        assert dx.requests() == []
    assert (run.exit_code, run.status) == (1, "failed")
    assert said in "".join(message for _, message in run.annotations)
    file = run.workspace / more.get("failed_file", "failed.jsonl")
    assert (len(file.read_text().splitlines()) if file.exists() else None) == kept


def test_a_cancel_while_a_file_is_read_that_takes_too_long_keeps_none(tmp_path: Path) -> None:
    write(tmp_path, ROWS)
    moments = iter(range(0, 1_000, 3))
    clock = fast_clock()._replace(monotonic=lambda: next(moments))
    with Sandbox(token=TOKEN) as dx:
        given = step(tmp_path, dx, failed_file="failed.jsonl")
        env, log = given.environment(), CancelledAt("Read 30 rows")
        run = given.read(env, main(env, log, clock), log.getvalue())
    assert run.outputs["reason"] == "The job was cancelled before anything was sent to DX."
    assert not (run.workspace / "failed.jsonl").exists()


def test_a_cancel_while_the_rows_are_kept_after_a_bug_keeps_none_twice(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(tmp_path, ROWS)
    append, disarmed = Workspace.append, list[bool]()

    def interrupted(workspace: Workspace, path: str, data: bytes) -> None:
        append(workspace, path, data)
        if data.count(b"\n") > 1 and not disarmed:
            raise Interrupted

    def broken(*_given: object, **_more: object) -> NoReturn:
        raise ZeroDivisionError

    monkeypatch.setattr(Workspace, "append", interrupted)
    with Sandbox(token=TOKEN) as dx:
        env = step(tmp_path, dx, failed_file="failed.jsonl").environment()
        code = main(
            env,
            io.StringIO(),
            fast_clock(),
            wire=lambda *_given, **_more: broken,
            signals=lambda: nullcontext(lambda: disarmed.append(True)),
        )
    assert code == 1
    assert len((tmp_path / "workspace" / "failed.jsonl").read_text().splitlines()) == 30


def test_requests_are_shown_where_step_debugging_is_on(tmp_path: Path) -> None:
    write(tmp_path, ROWS[:2])
    with Sandbox(token=TOKEN) as dx:
        quiet = step(tmp_path, dx).inside()
        loud = step(tmp_path, dx)
        loud.env = {"RUNNER_DEBUG": "1"}
        shown = [command.data for command in loud.inside().commands if command.name == "debug"]
        bodies = [request["body"] for request in dx.requests()[:2]]
    assert "debug" not in {command.name for command in quiet.commands}
    assert shown == [f"POST /api/deployments.create {body}" for body in bodies]


def test_a_failed_file_that_cannot_be_written_is_told_before_anything_is_sent(tmp_path: Path) -> None:
    write(tmp_path, ROWS)
    (tmp_path / "workspace" / "link").symlink_to(tmp_path)
    with Sandbox(token=TOKEN) as dx:
        run = step(tmp_path, dx, failed_file="link/failed.jsonl").inside()
        assert dx.requests() == []
    assert (run.exit_code, run.status) == (1, "failed")
    assert "`failed-file` names a file that cannot be opened" in run.outputs["reason"]


def test_a_job_that_is_cancelled_at_once_has_sent_nothing(tmp_path: Path) -> None:
    write(tmp_path, ROWS)
    with Sandbox(token=TOKEN, latency=5) as dx:
        process = step(tmp_path, dx, failed_file="failed.jsonl").start()
        process.wait_for("Read 30 rows")
        process.send(signal.SIGINT)
        run = process.wait()
    assert (run.exit_code, run.status) == (1, "failed")
    assert run.annotations[0][1].startswith("The job was cancelled")
