"""Measures everything in one run, prints it, and writes the results, the picture and docs/benchmarks.md.

What is not at hand is said loudly and left out.
"""

import argparse
import compileall
import json
import os
import platform
import shutil
import sys
import tempfile
from pathlib import Path
from typing import Any

from bench import backfill, contestants, faults, growth, image, phases, picture, tables
from bench.contestants import CURL, DATADOG, NODE, OURS, ROOT
from bench.image import OURS_IN_IMAGE
from bench.measure import Contestant, Stopwatch, figures, rounds
from bench.server import beside

RESULTS, PICTURE = ROOT / "tests/tools/bench/results.json", ROOT / ".github/pictures/bench.svg"
PAGE = ROOT / "docs/benchmarks.md"
PARTS = ("start", "phases", "growth", "backfill", "faults")
# What is measured, of whom beside whom, and how much at most.
AIMS = (
    ("a checkout, beside the docs' curl + jq step", OURS, CURL, 2.4),
    ("the image's interpreter, beside the docs' curl + jq step", OURS_IN_IMAGE, CURL, 1.65),
    ("a checkout, beside a bare Node https script", OURS, NODE, 3.0),
    ("the image's interpreter, beside a bare Node https script", OURS_IN_IMAGE, NODE, 2.1),
    ("a checkout, beside datadog-ci", OURS, DATADOG, 0.45),
)
MOST_MEMORY = 42


def main() -> int:
    """Measure what is asked for; only a run of everything is written."""
    parser = argparse.ArgumentParser(prog="make bench", description=__doc__)
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--image", default="localhost/dx-action:ci")
    parser.add_argument("--only", nargs="+", choices=PARTS, default=list(PARTS))
    options = parser.parse_args()
    compileall.compile_dir(ROOT / "dx_action", quiet=2)
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        results = Bench(Path(folder), options.rounds, options.image, set(options.only)).run()
    print(tables.printed(results))
    if set(options.only) == set(PARTS):
        RESULTS.write_text(json.dumps(results, indent=1) + "\n")
        PICTURE.parent.mkdir(exist_ok=True)
        PICTURE.write_text(picture.svg(results))
        PAGE.write_text(tables.within(PAGE.read_text(), tables.page(results)))
    wrong = [row for row in results["faults"] if row["who"] == OURS and row["verdict"] != "right"]
    return 1 if wrong or not all(aim["met"] for aim in results["targets"]) else 0


class Bench:
    """One run of it."""

    def __init__(self, scratch: Path, count: int, image_name: str, parts: set[str]) -> None:
        self._scratch, self._count, self._image_name, self._parts = scratch, count, image_name, parts
        self._npm = ROOT / ".bench"
        self._results: dict[str, Any] = {"machine": {}, "start": [], "targets": [], "phases": {}, "containers": {}}
        self._results |= {"growth": [], "backfill": [], "faults": [], "not_run": []}

    def run(self) -> dict[str, Any]:
        """Go through the parts."""
        load = os.getloadavg()[0]
        with Stopwatch(self._scratch) as watch:
            if self._parts & {"start", "phases"}:
                self._start(watch)
            if "growth" in self._parts:
                self._growth(watch)
            if "backfill" in self._parts:
                told = backfill.throughput(self._scratch, watch)
                self._keep("backfill", told)
                if isinstance(told, list):
                    self._results["targets"] += backfill.aims(told)
        if "faults" in self._parts:
            say("The faults, all at once")
            (self._scratch / "faults").mkdir()
            self._results["faults"] = faults.table(self._scratch / "faults", self._npm)
        self._results["machine"] = {
            "cores": os.cpu_count(),
            "rounds": self._count,
            "load": f"{load:.1f} before and {os.getloadavg()[0]:.1f} after",
            "versions": versions(),
        }
        return self._results

    def _start(self, watch: Stopwatch) -> None:
        say(f"{self._count} rounds")
        results, folder = self._results, self._scratch / "start"
        folder.mkdir()
        with beside(folder) as server:
            found, missing = contestants.others(server, folder, self._npm)
            results["not_run"] += missing
            everyone = [contestants.ours(server, folder / "ours"), *found]
            laid_out = image.find(self._image_name, self._scratch)
            if isinstance(laid_out, image.Image):
                everyone.insert(1, laid_out.contestant(server))
            else:
                results["not_run"].append(f"the image: {laid_out}")
            samples = rounds(watch, everyone, self._count)
            results["start"] = [self._told(each, figures(samples[each.name])) for each in everyone]
            by_name = {each["name"]: each for each in results["start"]}
            results["targets"] = aims(by_name)
            if "phases" in self._parts:
                say("The parts of a run")
                whole = by_name[OURS]["cpu_ms"]
                results["phases"]["a checkout"] = phases.checkout(server, whole, self._count)
                if isinstance(laid_out, image.Image):
                    whole = by_name[OURS_IN_IMAGE]["cpu_ms"]
                    results["phases"]["the image"] = phases.in_image(laid_out, server, whole, self._count)
                    results["containers"] = laid_out.start()

    def _growth(self, watch: Stopwatch) -> None:
        say("Growth")
        folder = self._scratch / "growth"
        folder.mkdir()
        with beside(folder) as server:
            self._results["growth"] = list(growth.measured(server, folder, watch))
        if not any("rows" in each["what"] for each in self._results["growth"]):
            self._results["not_run"].append("growth with rows: action.yml has no input backfill-file yet")

    def _keep(self, name: str, told: list[dict[str, Any]] | str) -> None:
        if isinstance(told, str):
            self._results["not_run"].append(f"{name}: {told}")
        else:
            self._results[name] = told

    def _told(self, contestant: Contestant, found: dict[str, float]) -> dict[str, Any]:
        return {"name": contestant.name, "label": contestant.label, **found}


def aims(found: dict[str, dict[str, Any]]) -> list[dict[str, Any]]:
    """Hold what was measured to what was aimed at."""
    told: list[dict[str, Any]] = []
    for what, one, other, most in AIMS:
        if one in found and other in found:
            ratio, busy = (round(found[one][key] / found[other][key], 2) for key in ("wall_ms", "cpu_ms"))
            told.append({"what": what, "measured": ratio, "processor": busy, "most": most, "met": ratio <= most})
    for name in (OURS, OURS_IN_IMAGE):
        if name in found:
            memory = found[name]["memory_mib"]
            what = f"MiB of memory, {found[name]['label'].partition(', ')[2]}"
            told.append({"what": what, "measured": memory, "most": MOST_MEMORY, "met": memory <= MOST_MEMORY})
    return told


def versions() -> dict[str, str]:
    """Ask everything for its version."""
    found = {name: contestants.version(name) for name in ("curl", "jq", "node") if shutil.which(name)}
    return {"Python": platform.python_version(), **found}


def say(text: str) -> None:
    """Tell what is going on, apart from the results."""
    print(text, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
