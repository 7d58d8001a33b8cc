"""What cannot be written: the log, the outputs, the summary. What was registered stays so, and the step says what it can."""

import os
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import pytest

from commands import DEPLOY, PROGRAM, Ran, environment
from dx_action.inputs.help import USAGE
from dx_action.sandbox import Sandbox
from runner import PATIENCE, ROOT, TOKEN, Step, connected

REFUSED = {"status": 422, "error": "repo_not_found"}
# Run as `-c` with how the standard output is made unusable, and the command.
WITH_STDOUT = """
import os, sys
kind, *command = sys.argv[1:]
if kind == "closed":
    os.close(1)
elif kind == "full":
    os.dup2(os.open("/dev/full", os.O_WRONLY), 1)
else:
    reading, writing = os.pipe()
    os.close(reading)
    os.dup2(writing, 1)
os.execv(command[0], command)
"""


@pytest.fixture
def dx() -> Iterator[Sandbox]:
    with Sandbox(token=TOKEN) as sandbox:
        yield sandbox


@pytest.mark.parametrize("kind", ["closed", "full", "broken"])
@pytest.mark.parametrize("buffered", [True, False])
@pytest.mark.parametrize(("faults", "code", "status"), [([], 0, "registered"), ([REFUSED], 1, "failed")])
def test_a_log_that_cannot_be_written(
    tmp_path: Path, kind: str, buffered: bool, faults: list[dict[str, object]], code: int, status: str
) -> None:
    with Sandbox(token=TOKEN, faults=faults) as dx:
        step = Step(tmp_path, connected(dx))
        env = step.environment()
        flags = ["-I", "-B", *([] if buffered else ["-u"])]
        command = [sys.executable, *flags, str(ROOT / "entrypoint.py")]
        ended = subprocess.run(
            [sys.executable, "-I", "-S", "-c", WITH_STDOUT, kind, *command],
            env=env,
            cwd=step.workspace,
            stderr=subprocess.PIPE,
            timeout=PATIENCE,
            check=False,
        )
        run = step.read(env, ended.returncode, "")
        assert (ended.stderr, run.exit_code, run.status) == (b"", code, status)
        assert run.summary.startswith("### ")
        assert len(dx.requests()) == 1


@pytest.mark.parametrize(
    ("variable", "code", "level", "lost"),
    [
        ("GITHUB_OUTPUT", 1, "error", "the outputs are lost"),
        ("GITHUB_STEP_SUMMARY", 0, "warning", "the summary is lost"),
    ],
)
def test_a_file_that_cannot_be_written(
    tmp_path: Path, dx: Sandbox, variable: str, code: int, level: str, lost: str
) -> None:
    """A later step may depend on an output. On the summary nothing depends."""
    run = Step(tmp_path, connected(dx), env={variable: "/nowhere/file"}).inside()
    found = [(each, message) for each, message in run.annotations if "/nowhere" in message or variable in message]
    assert found == [(level, f"`{variable}` names a file that cannot be written: {lost}.")]
    assert (run.exit_code, len(dx.deployments())) == (code, 1)
    # The other file is written all the same.
    assert run.summary if variable == "GITHUB_OUTPUT" else run.status == "registered"


LOST = "`--json` cannot be written: the standard output is full or closed. The log has what became of each request."
LOST_HELP = "error: the standard output cannot be written: it is full or closed.\n"


def unwritable(folder: Path, kind: str, argv: Sequence[str], env: Mapping[str, str]) -> Ran:
    """Run a command whose standard output is full, closed, or a pipe that nobody reads."""
    program = [sys.executable, "-I", "-S", "-c", WITH_STDOUT, kind, *PROGRAM, *argv]
    ended = subprocess.run(program, env=dict(env), cwd=folder, stderr=subprocess.PIPE, timeout=PATIENCE, check=False)
    return Ran(ended.returncode, "{", ended.stderr.decode())


@pytest.mark.parametrize("kind", ["closed", "full", "broken"])
def test_a_command_whose_json_is_lost_fails_and_sends_nothing_again(tmp_path: Path, dx: Sandbox, kind: str) -> None:
    """Who asked for the object must not take the exit code for it. What was registered stays so, and is said."""
    for minute, (more, code) in enumerate(
        (((), 1), (("--fail-on-error=false",), 0), (("--fail-on-error=except-outages",), 1))
    ):
        # Within a second, the requests would be the same, and no conflict.
        sent = [*DEPLOY, f"--deployed-at=2025-03-04T12:0{minute}:00Z", "--json", *more]
        done = unwritable(tmp_path, kind, sent, environment(dx))
        level = "warning" if code == 0 else "error"
        assert (done.exit_code, [message for message in done.messages if "--json" in message[1]]) == (
            code,
            [(level, LOST)],
        )
    assert "  web: already-registered" in done.stderr
    assert (len(dx.requests()), len(dx.deployments())) == (3, 1)
    # What failed anyway says so, too.
    assert [level for level, _ in unwritable(tmp_path, kind, ["--json"], environment(dx)).messages] == [
        "error",
        "error",
    ]


@pytest.mark.parametrize(
    ("kind", "code", "said"), [("closed", 1, LOST_HELP), ("full", 1, LOST_HELP), ("broken", 0, "")]
)
def test_help_that_cannot_be_shown(tmp_path: Path, kind: str, code: int, said: str) -> None:
    """Who closes a pipe has read enough, as `head` does."""
    for argv in (["--help"], ["--version"]):
        done = unwritable(tmp_path, kind, argv, environment())
        assert (done.exit_code, done.stderr) == (code, said)
    bare = unwritable(tmp_path, kind, [], environment())
    assert (bare.exit_code, bare.stderr) == (1, f"{USAGE}\n")


@pytest.mark.parametrize("kind", ["closed", "full", "broken"])
def test_a_command_whose_log_is_lost_registers(tmp_path: Path, dx: Sandbox, kind: str) -> None:
    done = unwritable(tmp_path, kind, DEPLOY, environment(dx))
    assert (done.exit_code, done.stderr, len(dx.deployments())) == (0, "", 1)


def test_a_failed_step_stays_failed_without_its_summary(tmp_path: Path) -> None:
    with Sandbox(token=TOKEN, faults=[REFUSED]) as dx:
        run = Step(tmp_path, connected(dx), env={"GITHUB_STEP_SUMMARY": os.devnull + "/x"}).inside()
    assert (run.exit_code, run.status) == (1, "failed")
    assert [level for level, _ in run.annotations] == ["error", "warning"]
