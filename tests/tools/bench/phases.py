"""Owns what a plain run's time goes into: the parts of it, each measured by `probe`, and the rest of the whole."""

import json
import os
import shutil
import subprocess
from pathlib import Path
from statistics import median

from bench.contestants import ROOT
from bench.places import Place
from bench.server import TOKEN, Server

PROBE = Path(__file__).with_name("probe.py")
REST = "the rest: reading, deciding, reporting, ending"


def parts(place: Place, server: Server, whole: float, count: int) -> dict[str, float]:
    """Return the processor's milliseconds of each part; `whole` is a whole run's."""
    folder = place.folder / "probe"
    folder.mkdir(parents=True)
    probe, ca = (Path(shutil.copy(file, folder)) for file in (PROBE, server.ca))
    command = [*place.python, place.inside(probe)]
    given = {"PATH": os.defpath, "BENCH_URL": server.url, "BENCH_TOKEN": TOKEN, "BENCH_CA": place.inside(ca)}
    if not place.root:
        given["BENCH_ROOT"] = str(ROOT)
    found: dict[str, list[float]] = {}
    for _ in range(count):
        server.ask("reset", {})
        done = subprocess.run(command, env=given, capture_output=True, text=True, check=True, timeout=60)
        for name, took in json.loads(done.stdout).items():
            found.setdefault(name, []).append(took)
    medians = {name: round(median(took), 1) for name, took in found.items()}
    return medians | {REST: round(whole - sum(medians.values()), 1)}
