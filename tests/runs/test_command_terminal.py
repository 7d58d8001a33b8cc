"""A command on a terminal, by signals, and with streams that nobody reads."""

import os
import re
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from commands import DEPLOY, PROGRAM, ROWS, environment, inside_on_a_terminal, ran_on_a_terminal
from dx_action.sandbox import Fault, Sandbox
from runner import PATIENCE, TOKEN, fast_clock, until


@pytest.fixture
def dx() -> Iterator[Sandbox]:
    with Sandbox(token=TOKEN) as running:
        yield running


# On a terminal.


def test_on_a_terminal_there_are_colours_a_width_and_a_bar(tmp_path: Path, dx: Sandbox) -> None:
    (tmp_path / "rows.csv").write_text(ROWS)
    argv = ["--operation", "backfill", "--backfill-file", "rows.csv", "--max-per-second", "20"]
    done = ran_on_a_terminal(tmp_path, argv, environment(dx, TERM="xterm", COLUMNS="70"))
    assert done.exit_code == 0
    assert re.search(r"\r\x1b\[K\[#*-+\] \d+ of 20 sent, 0 failed", done.stdout)
    assert "\x1b[1;36mnotice:\x1b[0m " in done.stdout
    messages = done.stdout[done.stdout.index("notice:") :].splitlines()[1:]
    assert all(len(line) <= 70 for line in messages)


@pytest.mark.parametrize(
    ("env", "colours", "bar"),
    [
        ({"TERM": "xterm"}, True, True),
        ({"TERM": "xterm", "NO_COLOR": "1"}, False, True),
        ({"TERM": "xterm", "NO_COLOR": ""}, True, True),
        ({"TERM": "dumb"}, False, False),
        ({}, False, False),
    ],
)
def test_a_terminal_is_asked_what_it_can(
    tmp_path: Path, dx: Sandbox, env: dict[str, str], colours: bool, bar: bool
) -> None:
    (tmp_path / "rows.csv").write_text(ROWS)
    argv = ["--operation", "backfill", "--backfill-file", "rows.csv", "--max-per-second", "20"]
    done = inside_on_a_terminal(tmp_path, argv, environment(dx, **env), fast_clock())
    assert done.exit_code == 0
    assert ("\x1b[1;" in done.stdout) is colours
    assert ("\x1b[K" in done.stdout) is bar


def test_help_keeps_to_the_terminal_s_width(tmp_path: Path) -> None:
    done = ran_on_a_terminal(tmp_path, ["--help"], environment(TERM="xterm", COLUMNS="60"))
    flags = done.stdout.partition("\nConnection:\n")[2].splitlines()
    assert max(map(len, flags)) <= 60


@pytest.mark.parametrize("columns", ["0", "1", "-1", "wide", "\u0663", "9" * 30, "9" * 5000])
@pytest.mark.parametrize("argv", [["--help"], [*DEPLOY, "--dry-run"]])
def test_an_odd_width_ends_no_run(tmp_path: Path, argv: list[str], columns: str) -> None:
    done = inside_on_a_terminal(tmp_path, argv, environment(TERM="xterm", COLUMNS=columns))
    assert done.exit_code == 0
    assert "DX deployment action" in done.stdout or "--service" in done.stdout
    assert "Traceback" not in done.stdout


# Signals and closed streams.


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_cancel_is_reported(tmp_path: Path, number: signal.Signals) -> None:
    with Sandbox(token=TOKEN, faults=[Fault(hang=PATIENCE)]) as dx:
        command = [*PROGRAM, *DEPLOY]
        with subprocess.Popen(command, cwd=tmp_path, env=environment(dx), stdout=subprocess.PIPE, text=True) as process:
            assert process.stdout is not None
            said = ""
            while "Sending to" not in said:
                said += process.stdout.readline()
            until(lambda: bool(dx.requests()))
            process.send_signal(number)
            rest, _ = process.communicate(timeout=PATIENCE)
    assert process.returncode == 1
    assert "error: It is unknown whether DX registered web: cancelled." in rest


@pytest.mark.parametrize("more", [(), ("--json",), ("--help",)])
@pytest.mark.parametrize("streams", [{"stdout"}, {"stderr"}, {"stdout", "stderr"}])
def test_a_reader_that_has_gone_stops_nothing(
    tmp_path: Path, dx: Sandbox, more: tuple[str, ...], streams: set[str]
) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    given = {name: writer if name in streams else subprocess.PIPE for name in ("stdout", "stderr")}
    done = subprocess.run(
        [*PROGRAM, *DEPLOY, *more], cwd=tmp_path, env=environment(dx), timeout=PATIENCE, check=False, **given
    )  # type: ignore[call-overload]
    # Who asked for the JSON object and does not get it must not take the exit code for it.
    assert done.returncode == int("--json" in more and "stdout" in streams)
    assert len(dx.deployments()) == int("--help" not in more)
