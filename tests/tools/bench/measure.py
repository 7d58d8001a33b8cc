"""Owns measuring: rounds in which everyone has a turn, and the medians of them."""

import json
import random
import subprocess
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from types import TracebackType
from typing import Any, Self


@dataclass(frozen=True, slots=True)
class Sample:
    """One run: its wall clock and processor seconds, its peak memory in MiB, its exit code."""

    wall: float
    cpu: float
    memory: float
    code: int


@dataclass(frozen=True, slots=True)
class Contestant:
    """A command, ready to be run again and again. `check` says what is wrong with what a run left, if anything."""

    name: str
    label: str
    command: Sequence[str]
    env: Mapping[str, str]
    folder: Path
    before: Callable[[], None] = field(default=lambda: None)
    check: Callable[[], str] = field(default=lambda: "")


class Stopwatch:
    """The small process that starts the others."""

    def __init__(self, scratch: Path) -> None:
        self.log = scratch / "log"
        command = [sys.executable, "-I", "-S", str(Path(__file__).with_name("stopwatch.py"))]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.communicate()

    def time(self, command: Sequence[str], env: Mapping[str, str], folder: Path) -> Sample:
        """Run a command once."""
        job = {"command": list(command), "env": dict(env), "folder": str(folder), "log": str(self.log)}
        assert self._process.stdin
        assert self._process.stdout
        self._process.stdin.write(json.dumps(job) + "\n")
        self._process.stdin.flush()
        told: dict[str, Any] = json.loads(self._process.stdout.readline())
        return Sample(told["wall"], told["cpu"], told["memory"], int(told["code"]))

    def turn(self, contestant: Contestant) -> Sample:
        """Let a contestant have its turn. Raises RuntimeError where it did not do what it is measured for."""
        contestant.before()
        sample = self.time(contestant.command, contestant.env, contestant.folder)
        if sample.code or (wrong := contestant.check()):
            wrong = f"exit code {sample.code}" if sample.code else wrong
            raise RuntimeError(f"{contestant.label}: {wrong}\n{self.said()}")
        return sample

    def said(self) -> str:
        """Return the end of what the last command wrote."""
        return self.log.read_text(errors="replace")[-2000:]


def rounds(watch: Stopwatch, contestants: Iterable[Contestant], count: int) -> dict[str, list[Sample]]:
    """Run everyone once a round, each round in another order, after a round that does not count."""
    found: dict[str, list[Sample]] = {}
    contestants = list(contestants)
    for number in range(count + 1):
        for contestant in random.Random(number).sample(contestants, len(contestants)):
            sample = watch.turn(contestant)
            if number:
                found.setdefault(contestant.name, []).append(sample)
    return found


def figures(samples: Sequence[Sample]) -> dict[str, float]:
    """Return the medians: milliseconds and MiB."""
    return {
        "wall_ms": round(median(sample.wall for sample in samples) * 1000, 1),
        "cpu_ms": round(median(sample.cpu for sample in samples) * 1000, 1),
        "memory_mib": round(median(sample.memory for sample in samples), 1),
    }
