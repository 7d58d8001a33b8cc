"""Installs the packages of native/ from the real index, runs the action by them, and measures both: `.ci/native` starts it."""

import os
import shlex
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from composite import put_python, run
from dx_action.sandbox import Sandbox
from runner import TOKEN, Run, Step, connected

ROUNDS = 9
UNREACHABLE = "pip could not reach its package index"


def pythons() -> dict[str, str]:
    """Return the Pythons that serve, by their versions: this one, and others on PATH."""
    found: dict[str, str] = {}
    ask = "import sys, pip; print('.'.join(map(str, sys.version_info[:3])) if sys.version_info >= (3, 11) else '')"
    for name in (sys.executable, "python3.11", "python3.12", "python3.13", "python3.14", "python3"):
        if path := shutil.which(name):
            version = subprocess.run(
                [path, "-I", "-c", ask], capture_output=True, text=True, check=False
            ).stdout.strip()
            if version:
                found.setdefault(version, path)
    return found


def timed(call: Callable[[], Run], status: str) -> float:
    began = time.monotonic()
    result = call()
    seconds = time.monotonic() - began
    if result.status != status:
        raise SystemExit("\n".join((f"`{result.status}` instead of `{status}`:", *result.lines)))
    return seconds


def check(version: str, python: str, dx: Sandbox) -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        step = Step(folder, connected(dx, **{"dry-run": "true"}))
        path = put_python(folder / "bin", "python3", code=f'exec {shlex.quote(python)} "$@"')
        network = {
            name: text for name, text in os.environ.items() if name.startswith("PIP_") or "proxy" in name.lower()
        }

        def native() -> Run:
            return run(step, path, tools=folder / "tools", env=network)

        began = time.monotonic()
        first = native()
        install = time.monotonic() - began
        if UNREACHABLE in first.outputs.get("reason", ""):
            print(f"NOT RUN: {UNREACHABLE}")
            raise SystemExit(3)
        if first.status != "dry-run":
            raise SystemExit("\n".join(first.lines))
        native()  # its bytecode is written by the first runs
        pairs = [(timed(native, "dry-run"), timed(step.run, "dry-run")) for _ in range(ROUNDS)]
        after, plain = (statistics.median(times) for times in zip(*pairs, strict=True))
        size = sum(file.stat().st_size for file in (folder / "tools").rglob("*") if file.is_file()) / 1_000_000
        print(
            f"Python {version}: {install:.1f} s the first time, then {after:.2f} s; {plain:.2f} s without the start. "
            f"{size:.0f} MB in the tool cache."
        )


def main() -> None:
    found = pythons()
    if not found:
        print("NOT RUN: no Python here has a pip")
        raise SystemExit(3)
    with Sandbox(token=TOKEN) as dx:
        for version, python in found.items():
            check(version, python, dx)


if __name__ == "__main__":
    main()
