"""Owns what a plain run's time goes into: the parts of it, each measured by `probe`, and the rest of the whole."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import median

from bench.contestants import FLAGS, ROOT
from bench.image import Image
from bench.server import TOKEN, Server

PROBE = Path(__file__).with_name("probe.py")
REST = "the rest: reading, deciding, reporting, ending"


def checkout(server: Server, whole: float, count: int) -> dict[str, float]:
    """Give the processor's milliseconds of each part, in this checkout; `whole` is a whole run's."""
    command = [sys.executable, *FLAGS, str(PROBE)]
    return _medians(command, {"BENCH_ROOT": str(ROOT), "BENCH_CA": str(server.ca)}, server, whole, count)


def in_image(image: Image, server: Server, whole: float, count: int) -> dict[str, float]:
    """Give the same of the image's interpreter."""
    folder = image.root / "probe"
    folder.mkdir(exist_ok=True)
    for file in (PROBE, server.ca):
        shutil.copy(file, folder)
    command = image.python(image.inside(folder / PROBE.name))
    return _medians(command, {"BENCH_CA": image.inside(folder / server.ca.name)}, server, whole, count)


def _medians(
    command: Sequence[str], env: Mapping[str, str], server: Server, whole: float, count: int
) -> dict[str, float]:
    given = {**env, "PATH": os.defpath, "BENCH_URL": server.url, "BENCH_TOKEN": TOKEN}
    found: dict[str, list[float]] = {}
    for _ in range(count):
        server.ask("reset", {})
        done = subprocess.run(command, env=given, capture_output=True, text=True, check=True, timeout=60)
        for name, took in json.loads(done.stdout).items():
            found.setdefault(name, []).append(took)
    parts = {name: round(median(took), 1) for name, took in found.items()}
    return parts | {REST: round(whole - sum(parts.values()), 1)}
