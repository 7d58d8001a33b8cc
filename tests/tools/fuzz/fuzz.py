"""Feeds what reads foreign bytes with bytes that coverage guides: `make fuzz`, with SECONDS=60 for each reader. Needs atheris.

The targets are in the modules `of_*` beside it, and need it not: `tests/runs/test_fuzz_targets.py` tries each with its seeds and
with what was found. A finding ends a target with the bytes in a file of `.mutants`, and becomes a row there.
"""

import argparse
import importlib
import importlib.util
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from drawing import Target

ROOT = Path(__file__).resolve().parents[3]
MODULES = ("of_inputs", "of_files", "of_texts", "of_dx", "of_github", "of_runs")
# What coverage is measured in: the action, and the start without Docker.
WATCHED = ["dx_action", "environment", "launcher"]
sys.path[:0] = [str(ROOT), str(ROOT / "native"), str(ROOT / "tests/support")]


def targets() -> "dict[str, Target]":
    """Return each reader by its name."""
    found: dict[str, Target] = {}
    for module in MODULES:
        found |= importlib.import_module(module).TARGETS
    return found


def watch(name: str, seconds: int) -> None:
    """Fuzz one reader in this process; it ends with a traceback if the reader does, or if a property does not hold."""
    atheris = importlib.import_module("atheris")
    with atheris.instrument_imports(include=WATCHED):
        target = targets()[name]
        from drawing import attempt  # noqa: PLC0415 - it imports the action

    def one(data: bytes) -> None:
        try:
            attempt(lambda: target.read(data))
        except BaseException:
            # The engine writes such a file, too, unless threads of the target end the process first.
            Path(ROOT, ".mutants", f"{name}-found").write_bytes(data)
            raise

    with tempfile.TemporaryDirectory() as folder:
        for number, seed in enumerate(target.seeds):
            Path(folder, str(number)).write_bytes(seed)
        limits = [
            f"-max_total_time={seconds}",
            "-timeout=10",
            "-rss_limit_mb=2048",
            "-max_len=4096",
            "-print_final_stats=1",
        ]
        prefix = f"-artifact_prefix={ROOT}/.mutants/{name}-"
        atheris.Setup([sys.argv[0], *limits, prefix, folder], one)
        atheris.Fuzz()


def main() -> int:
    """Fuzz each reader in a process of its own, and report which ended otherwise than by the time."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=int, default=60)
    parser.add_argument("--only", default="", help="the names of readers, with commas")
    parser.add_argument("--here", action="store_true", help="in this process")
    given = parser.parse_args()
    if importlib.util.find_spec("atheris") is None:
        print("NOT RUN: atheris is not installed: it has wheels for Linux on x86-64 and some Pythons only")
        return 3
    if given.here:
        watch(given.only, given.seconds)
        return 0
    (ROOT / ".mutants").mkdir(exist_ok=True)
    failed = []
    for name in given.only.split(",") if given.only else targets():
        command = [sys.executable, __file__, "--here", "--only", name, "--seconds", str(given.seconds)]
        ended = subprocess.run(
            command, capture_output=True, text=True, check=False, env={**os.environ, "PYTHONHASHSEED": "0"}
        )
        told = ("stat::number_of_executed", "stat::slowest")
        stats = " ".join(line.removeprefix("stat::") for line in ended.stderr.splitlines() if line.startswith(told))
        print(f"{name}: {'fine' if not ended.returncode else 'FAILED'} {' '.join(stats.split())}", flush=True)
        if ended.returncode:
            failed.append(name)
            print(ended.stdout[-4000:] + ended.stderr[-4000:])
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
