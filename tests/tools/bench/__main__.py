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
from time import perf_counter
from typing import Any

from bench import backfill, contestants, doors, faults, growth, histories, image, phases, picture, places, tables
from bench.contestants import CURL, DATADOG, NODE, OURS, ROOT
from bench.image import OURS_IN_IMAGE
from bench.measure import Contestant, Stopwatch, figures, rounds
from bench.places import Place
from bench.server import Server, beside
from bench.work import Worker

RESULTS, PICTURE = ROOT / "tests/tools/bench/results.json", ROOT / ".github/pictures/bench.svg"
PAGE = ROOT / "docs/benchmarks.md"
PARTS = ("start", "doors", "phases", "growth", "backfill", "faults")
# What is measured, of whom beside whom, and how much at most.
AIMS = (
    ("a checkout, beside the docs' curl + jq step", OURS, CURL, 1.9),
    ("the image's interpreter, beside the docs' curl + jq step", OURS_IN_IMAGE, CURL, 1.65),
    ("a checkout, beside a bare Node https script", OURS, NODE, 2.5),
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
    parser.add_argument(
        "--write", action="store_true", help="measure nothing: write page and picture of the last results"
    )
    options = parser.parse_args()
    if options.write:
        write(json.loads(RESULTS.read_text()))
        return 0
    compileall.compile_dir(ROOT / "dx_action", quiet=2)
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        results = Bench(Path(folder), options.rounds, options.image, set(options.only)).run()
    print(tables.printed(results))
    if set(options.only) == set(PARTS):
        write(results)
    wrong = [row for row in results["faults"] if row["who"] == OURS and row["verdict"] != "right"]
    return 1 if wrong or not all(aim["met"] for aim in results["targets"]) else 0


def write(results: dict[str, Any]) -> None:
    """Write what is committed of a run."""
    RESULTS.write_text(json.dumps(results, indent=1) + "\n")
    PICTURE.parent.mkdir(exist_ok=True)
    PICTURE.write_text(picture.svg(results))
    PAGE.write_text(tables.within(PAGE.read_text(), tables.page(results)))


class Bench:
    """One run of it."""

    def __init__(self, scratch: Path, count: int, image_name: str, parts: set[str]) -> None:
        self._scratch, self._count, self._image_name, self._parts = scratch, count, image_name, parts
        self._npm = ROOT / ".bench"
        self._results: dict[str, Any] = {"machine": {}, "start": [], "targets": [], "doors": [], "phases": {}}
        self._results |= {"containers": {}, "growth": [], "histories": [], "backfill": [], "faults": [], "not_run": []}

    def run(self) -> dict[str, Any]:
        """Go through the parts."""
        load, began = os.getloadavg()[0], perf_counter()
        with Stopwatch(self._scratch) as watch:
            if self._parts & {"start", "doors", "phases"}:
                self._rounds(watch)
            if "growth" in self._parts:
                self._growth(watch)
            if "backfill" in self._parts:
                say("A backfill")
                self._results["backfill"] = backfill.throughput(self._scratch, watch)
                self._results["targets"] += backfill.aims(self._results["backfill"])
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
        say(f"All of it took {(perf_counter() - began) / 60:.1f} minutes.")
        return self._results

    def _rounds(self, watch: Stopwatch) -> None:
        """Have all take turns that are compared with each other."""
        folder = self._scratch / "start"
        folder.mkdir()
        with beside(folder) as server:
            at = self._places(folder)
            own = [place.plain(server) for place in at]
            others, missing = contestants.by_hand(server, folder)
            if "start" in self._parts:
                published, more = contestants.of_others(server, folder, self._npm)
                others, missing = others + published, missing + more
            else:
                others = [each for each in others if each.name == CURL]
            self._results["not_run"] += missing
            opened, installing = self._doors(watch, server, at, folder) if "doors" in self._parts else ([], [])
            say(f"{self._count} rounds")
            samples = rounds(watch, [*own, *others, *opened], self._count)
            medians = {name: figures(found) for name, found in samples.items()}
            if "start" in self._parts:
                found = {
                    each.name: {"name": each.name, "label": each.label, **medians[each.name]}
                    for each in (*own, *others)
                }
                self._results["start"], self._results["targets"] = [*found.values()], aims(found)
            if opened:
                self._results["doors"] = doors.rows(opened, samples) + installing
            if "phases" in self._parts:
                say("The parts of a run")
                for place in at:
                    whole = medians[place.name]["cpu_ms"]
                    self._results["phases"][place.short] = phases.parts(place, server, whole, self._count)

    def _places(self, folder: Path) -> list[Place]:
        found = [places.checkout(folder / "checkout")]
        laid_out = image.find(self._image_name, self._scratch)
        if isinstance(laid_out, image.Image):
            found.append(laid_out.place())
            if "phases" in self._parts:
                self._results["containers"] = laid_out.start()
        else:
            self._results["not_run"].append(f"the image: {laid_out}")
        return found

    def _doors(
        self, watch: Stopwatch, server: Server, at: list[Place], folder: Path
    ) -> tuple[list[Contestant], list[dict[str, Any]]]:
        """Return who starts in other ways, and the row of the run that installs, which there is once."""
        opened = [each for place in at for each in doors.of(place, server)]
        if not shutil.which("bash"):
            self._results["not_run"].append("`native/`: bash is not on PATH")
            return opened, []
        say("The first run of native/, which installs its packages")
        native, installed = doors.native(watch, server, folder / "native")
        if isinstance(installed, str):
            self._results["not_run"].append(f"the first run of `native/`: {installed}")
        return [*opened, native], [] if isinstance(installed, str) else [doors.installing(installed)]

    def _growth(self, watch: Stopwatch) -> None:
        folder = self._scratch / "growth"
        (folder / "runs").mkdir(parents=True)
        with beside(folder) as server:
            worker = Worker(server, watch, folder / "runs")
            say("Growth of a deployment")
            self._results["growth"] = list(growth.measured(worker, folder))
            say("Growth of histories, and of what a check looks at")
            self._results["histories"] = list(histories.measured(worker, folder))
        if not shutil.which("git"):
            self._results["not_run"].append("growth of a check: git is not on PATH")


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
    """Show what is going on, apart from the results."""
    print(text, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
