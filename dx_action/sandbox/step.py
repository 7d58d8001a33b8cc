"""One step of a job, run as GitHub's runner runs it, but without a container.

The real entrypoint runs as a process with the runner's variables and files, which are read afterwards. Nothing is shown here.
"""

import json
import os
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import takewhile
from pathlib import Path
from typing import Any

# By these some Pythons find their own library; of all else a container has nothing.
_KEPT = ("LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH")


@dataclass(frozen=True, slots=True)
class Step:
    """What the runner has of a step that has ended. `log` has the lines as written, commands included."""

    exit_code: int
    log: tuple[str, ...]
    outputs: dict[str, str]
    summary: str


def run_step(
    entrypoint: Path,
    variables: Mapping[str, str],
    event: Mapping[str, Any],
    inputs: Mapping[str, str],
    hear: Callable[[str], None],
    *,
    seconds: float = 20.0,
) -> Step:
    """Run the step, and end it after `seconds`. `hear` gets each line of its log as it is written."""
    with tempfile.TemporaryDirectory(prefix="dx-step-") as name:
        folder = Path(name)
        workspace, payload = folder / "workspace", folder / "event.json"
        output, summary = folder / "output", folder / "summary"
        workspace.mkdir()
        payload.write_text(json.dumps(event), encoding="utf-8")
        output.touch()
        summary.touch()
        env = {
            **{name: os.environ[name] for name in _KEPT if name in os.environ},
            **variables,
            **{f"INPUT_{name.upper()}": value for name, value in inputs.items()},
            "GITHUB_ACTIONS": "true",
            "GITHUB_EVENT_PATH": str(payload),
            "GITHUB_OUTPUT": str(output),
            "GITHUB_STEP_SUMMARY": str(summary),
            "GITHUB_WORKSPACE": str(workspace),
        }
        exit_code, log = _listen(entrypoint, env, workspace, hear, seconds)
        return Step(exit_code, log, read_outputs(output.read_bytes().decode()), summary.read_bytes().decode())


def read_outputs(text: str) -> dict[str, str]:
    """Read what was appended to GITHUB_OUTPUT: name=value, or name<<delimiter, the lines, and the delimiter again."""
    found: dict[str, str] = {}
    lines = iter(text.split("\n"))
    for line in lines:
        name, heredoc, delimiter = line.partition("<<")
        if heredoc and "=" not in name:
            found[name] = "\n".join(takewhile(delimiter.__ne__, lines))
        elif line:
            name, _, found[name] = line.partition("=")
    return found


def _listen(
    entrypoint: Path, env: Mapping[str, str], folder: Path, hear: Callable[[str], None], seconds: float
) -> tuple[int, tuple[str, ...]]:
    log: list[str] = []
    # The flags are the image's own.
    command = [sys.executable, "-I", "-u", "-B", str(entrypoint)]
    with subprocess.Popen(  # noqa: S603 - our own entrypoint
        command,
        cwd=folder,
        env=env,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        stdin=subprocess.DEVNULL,
        encoding="utf-8",
        errors="replace",
    ) as process:
        patience = threading.Timer(seconds, process.kill)
        patience.start()
        try:
            for line in process.stdout or ():
                log.append(line.rstrip("\n"))
                hear(log[-1])
        finally:
            patience.cancel()
    return process.returncode, tuple(log)
