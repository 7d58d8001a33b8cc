"""The command line, in a folder of its own: in this process, and as a process, the real entry point on a pipe or on a terminal."""

import io
import json
import os
import pty
import re
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dx_action.command_line import Shell, command
from dx_action.main import real_clock
from dx_action.runner.runtime import Clock
from dx_action.sandbox import Sandbox
from runner import PATIENCE, ROOT, TOKEN

DEPLOY = ("--service", "web", "--repository", "acme/shop", "--commit-sha", "abc1234", "--reference-id", "build-7")
# A file of twenty deployments, one a second.
ROWS = "deployed_at,service,repository,commit_sha\n" + "".join(
    f"2025-03-04T12:00:{second:02}Z,web,acme/shop,abc1234\n" for second in range(20)
)
# As the image starts it.
PROGRAM = (sys.executable, "-I", "-u", "-B", str(ROOT / "entrypoint.py"))


@dataclass(frozen=True, slots=True)
class Ran:
    """What a command left."""

    exit_code: int
    stdout: str
    stderr: str = ""

    @property
    def outputs(self) -> dict[str, Any]:
        """What `--json` wrote: one object, and nothing else."""
        (line,) = self.stdout.splitlines()
        found: dict[str, Any] = json.loads(line)
        return found

    @property
    def messages(self) -> list[tuple[str, str]]:
        """Each message's level and text."""
        text = self.stderr if self.stdout.startswith("{") else self.stdout
        found = re.findall(r"^(error|warning|notice): (.*\n(?:  .*\n)*)", text, re.MULTILINE)
        return [(level, re.sub(r"^  ", "", message, flags=re.MULTILINE).strip()) for level, message in found]


def environment(dx: Sandbox | None = None, **more: str | None) -> dict[str, str]:
    """Give a command's variables, those that reach this DX among them; None takes one away."""
    reach = {"DX_HOST": dx.url, "DX_TOKEN": TOKEN} if dx else {}
    env: Mapping[str, str | None] = {"PATH": os.defpath, "HOME": "/nonexistent", **reach, **more}
    return {name: value for name, value in env.items() if value is not None}


class _Screen(io.StringIO):
    """What is written to a terminal. Its size is that of a real one."""

    def __init__(self, terminal: int) -> None:
        super().__init__()
        self._terminal = terminal

    def isatty(self) -> bool:
        return True

    def fileno(self) -> int:
        return self._terminal


def inside(folder: Path, argv: Sequence[str], env: Mapping[str, str]) -> Ran:
    """Run a command in this process."""
    stdout, stderr = io.StringIO(), io.StringIO()
    code = command(argv, Shell(env, str(folder), stdout, stderr), real_clock())
    return Ran(code, stdout.getvalue(), stderr.getvalue())


def inside_on_a_terminal(folder: Path, argv: Sequence[str], env: Mapping[str, str], clock: Clock | None = None) -> Ran:
    """Run a command in this process, whose output and errors are a terminal's."""
    ours, theirs = pty.openpty()
    try:
        screen = _Screen(theirs)
        code = command(argv, Shell(env, str(folder), screen, screen), clock or real_clock())
    finally:
        os.close(ours)
        os.close(theirs)
    return Ran(code, screen.getvalue())


def ran(folder: Path, argv: Sequence[str], env: Mapping[str, str], *flags: str) -> Ran:
    """Run a command as a process. `flags` are the interpreter's."""
    program = [*PROGRAM[:-1], *flags, PROGRAM[-1], *argv]
    done = subprocess.run(program, cwd=folder, env=dict(env), capture_output=True, timeout=PATIENCE, check=False)
    return Ran(done.returncode, done.stdout.decode(), done.stderr.decode())


def ran_on_a_terminal(folder: Path, argv: Sequence[str], env: Mapping[str, str]) -> Ran:
    """Run a command as a process whose output and errors are a terminal's."""
    ours, theirs = pty.openpty()
    with subprocess.Popen([*PROGRAM, *argv], cwd=folder, env=dict(env), stdout=theirs, stderr=theirs) as process:
        os.close(theirs)
        shown = b""
        try:
            while part := os.read(ours, 1 << 16):
                shown += part
        except OSError:  # the other end is closed
            pass
        process.wait(PATIENCE)
    os.close(ours)
    return Ran(process.returncode, shown.decode().replace("\r\n", "\n"))
