"""What cannot be written: the log, the outputs, the summary. What was registered stays so, and the step says what it can."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

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


def test_a_failed_step_stays_failed_without_its_summary(tmp_path: Path) -> None:
    with Sandbox(token=TOKEN, faults=[REFUSED]) as dx:
        run = Step(tmp_path, connected(dx), env={"GITHUB_STEP_SUMMARY": os.devnull + "/x"}).inside()
    assert (run.exit_code, run.status) == (1, "failed")
    assert [level for level, _ in run.annotations] == ["error", "warning"]
