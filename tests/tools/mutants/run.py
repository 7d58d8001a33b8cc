"""Changes one thing in a module, runs the tests that are about it, and tells which changes no test noticed: `make mutants`.

    python tests/tools/mutants/run.py [--fresh] [--every N] [--most N] [MODULE…]

Without a module named, it takes those that the contract has as pure, and the client. Nothing on the disk is changed: a child of
this process imports the changed module, and runs the tests that run the changed line, as .mutants/coverage has them: all of the
module's own file, and a few of others, or as many as `--most` says. What a mutant came to is kept in .mutants, so that a run that
was stopped goes on; survivors are always tried again. survivors.txt has those that no test can notice, each with the reason;
results.txt is what this command found of each module as it now is. Exit code 1 if fewer than 95 % are killed.
"""

import argparse
import ast
import gc
import hashlib
import importlib
import importlib.util
import json
import os
import re
import resource
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import ModuleType
from typing import Any

import coverage
import hypothesis
import pytest
from operators import Mutant, mutants

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[2]
# Which tests run which line: see measured.py.
MEASURED = ROOT / ".mutants" / "coverage"
LEAST = 95.0
RESULTS = (
    "# Written by `make mutants`, of each module as it is (a module that has changed since drops out): mutants killed, mutants",
    "# tried, the share of these in %, which were tried (1: each; 2: every second, and so on), survivors that no test can notice",
    "# (in survivors.txt), and the beginning of the SHA-256 of the module's text.",
)
JOBS = 2
# How many tests of other files than its own are tried on a mutant (four times as many where it has none).
MOST = 60
# The seconds of a processor that all of them may take, and those of a clock: on a busy machine, one takes long without any change.
SECONDS, PATIENCE = 60, 600
FIRST = 12
SLOW = ("tests/runs/test_exactly_once", "tests/runs/test_fuzz")
# The modules that are not pure, but send.
CLIENT = ("dx.client", "dx.delivery", "dx.sender")
# Every child needs them, and a child of ours has what we have.
AHEAD = ("github", "graphql", "jsonschema", "pydantic", "requests", "vcr", "yaml")


@dataclass(frozen=True, slots=True)
class _Changed(MetaPathFinder, Loader):
    """Imports one module as a mutant."""

    module: str
    mutant: Mutant

    def find_spec(self, name: str, _path: Any, _target: Any = None) -> ModuleSpec | None:
        return importlib.util.spec_from_loader(name, self) if name == f"dx_action.{self.module}" else None

    def exec_module(self, module: ModuleType) -> None:
        file = file_of(self.module)
        module.__file__ = str(file)
        exec(compile(self.mutant.tree, file, "exec"), module.__dict__)


def tests_of(module: str, most: int) -> Callable[[int], list[str]]:
    """Give what tells the tests that run a line of the module, those first that bear its name."""
    data = coverage.CoverageData(str(MEASURED))
    data.read()
    file = file_of(module)
    everywhere = set(_tests_in(data, str(file))) - {""}
    # What runs at the import, which may be within whatever test comes first, any test may look at.
    later = _in_functions(file.read_text(encoding="utf-8"))
    by_line = {line: {*tests} - {""} for line, tests in data.contexts_by_lineno(str(file)).items() if line in later}
    if file.stat().st_mtime > MEASURED.stat().st_mtime:
        by_line = {}

    breadth = Counter(test for name in data.measured_files() for test in _tests_in(data, name))
    own = own_tests(module)
    # One that starts a process of its own runs nothing of the changed module in this one, but one that compares constants may.
    written = {test for test in _written(own) if test in breadth or _is_new(own)}
    about = [file for file in _files() if file != own and _is_about(file, module) and _is_new(file)]
    new = sorted(test for file in about for test in _written(file) - breadth.keys())

    def of(line: int) -> list[str]:
        found = {test for test in by_line.get(line) or everywhere if test in _written(test.partition("::")[0])}
        # Tests that are newer than the data may be about this line.
        here = _written(own) if not by_line.get(line) else written if _is_new(own) else frozenset()
        # Then those of files that import it, and of these first what runs the least of the package, for that says the most of it.
        others = sorted(
            (not _is_about(test, module), breadth[test], test) for test in found if not test.startswith((own, *SLOW))
        )
        return [
            *sorted(here | {test for test in found if test.startswith(own)}, key=lambda test: (_searches(test), test)),
            *new,
            *(test for *_, test in others[: most if written else 4 * most]),
        ]

    return of


def file_of(module: str) -> Path:
    """The module's file; a module is named without the package, as in `inputs.times`."""
    return ROOT.joinpath("dx_action", *module.split(".")).with_suffix(".py")


def own_tests(module: str) -> str:
    """The file of tests that bears the module's name."""
    *packages, name = module.split(".")
    return "/".join(["tests", *packages, f"test_{name}.py"])


def _in_functions(source: str) -> set[int]:
    """Give the lines that run only when a function is called."""
    functions = [node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.FunctionDef)]
    return {line for function in functions for line in range(function.body[0].lineno, (function.end_lineno or 0) + 1)}


def _is_about(test: str, module: str) -> bool:
    file = test.partition("::")[0]
    return module in _imported(file)


@cache
def _is_new(file: str) -> bool:
    """Tell whether the file of tests is newer than what was measured."""
    return (ROOT / file).exists() and (ROOT / file).stat().st_mtime > MEASURED.stat().st_mtime


@cache
def _files() -> list[str]:
    found = (path.relative_to(ROOT).as_posix() for path in sorted((ROOT / "tests").rglob("test_*.py")))
    return [file for file in found if not file.startswith(SLOW)]


@cache
def _written(file: str) -> frozenset[str]:
    """Name the tests that the file has now."""
    text = (ROOT / file).read_text(encoding="utf-8") if (ROOT / file).exists() else ""
    return frozenset(f"{file}::{name}" for name in re.findall(r"^def (test_\w+)", text, re.MULTILINE))


def _searches(test: str) -> bool:
    """Tell whether hypothesis makes up the cases of a test: it takes long, so that those with written cases come first."""
    file, _, name = test.partition("::")
    return name in _searching(file)


@cache
def _searching(file: str) -> frozenset[str]:
    text = (ROOT / file).read_text(encoding="utf-8")
    return frozenset(re.findall(r"^@given\(.*?^def (test_\w+)", text, re.MULTILINE | re.DOTALL))


@cache
def _imported(file: str) -> frozenset[str]:
    """Name what a file of tests imports of the package."""
    text = (ROOT / file).read_text(encoding="utf-8")
    found: set[str] = set()
    for package, listed in re.findall(r"^from dx_action\.?([\w.]*) import (\([^)]*\)|.*)", text, re.MULTILINE):
        found |= {package} | {f"{package}.{name}".lstrip(".") for name in re.findall(r"\w+", listed)}
    return frozenset(found)


@cache
def _tests_in(data: coverage.CoverageData, file: str) -> tuple[str, ...]:
    return tuple({test for tests in data.contexts_by_lineno(file).values() for test in tests})


def begin(module: str, mutant: Mutant | None, tests: Sequence[str]) -> int:
    """Run the tests in a child, and give its number."""
    if child := os.fork():
        return child
    signal.alarm(PATIENCE)
    resource.setrlimit(resource.RLIMIT_CPU, (SECONDS, SECONDS + 1))
    resource.setrlimit(resource.RLIMIT_AS, (8 << 30, 8 << 30))
    null = os.open(os.devnull, os.O_WRONLY)
    os.dup2(null, 1)
    os.dup2(null, 2)
    if mutant:
        sys.meta_path.insert(0, _Changed(module, mutant))
    code = 1
    try:
        flags = [
            "-x",
            "-q",
            "-p",
            "no:cacheprovider",
            "-o",
            "addopts=--import-mode=importlib",
            "-W",
            "ignore::pytest.PytestAssertRewriteWarning",
        ]
        # Most are noticed by the first few, whose files alone are then imported.
        for some in filter(None, (tests[:FIRST], tests[FIRST:])):
            if code := int(pytest.main([*flags, *some])):
                break
    finally:
        os._exit(code)


def ended() -> tuple[int, str]:
    """Wait for a child: its tests noticed nothing (survived), failed (killed) or took too long."""
    child, status = os.wait()
    if os.WIFSIGNALED(status):
        return child, "timed out" if os.WTERMSIG(status) in (signal.SIGALRM, signal.SIGXCPU) else "killed"
    return child, "killed" if os.WEXITSTATUS(status) else "survived"


def judged() -> dict[str, str]:
    """Read why which survivors are equivalent: `module: before → after`, then an indented line with the reason."""
    found, name = {}, ""
    for line in (HERE / "survivors.txt").read_text(encoding="utf-8").splitlines():
        if line.startswith("  "):
            found[name] = line.strip()
        elif line and not line.startswith("#"):
            name = line
    return found


def known(file: Path, digest: str) -> set[str]:
    """Give the mutants that were killed already, of this very source."""
    lines = file.read_text(encoding="utf-8").splitlines() if file.exists() else []
    return {name for state, name, of in map(json.loads, lines) if of == digest and state != "survived"}


def core() -> list[str]:
    """Name the modules to try. Asked for in a process of its own: no module of ours may be imported before it is changed."""
    env = os.environ | {"PYTHONPATH": str(ROOT / "tests" / "support")}
    files = subprocess.run([sys.executable, HERE / "pure.py"], env=env, check=True, capture_output=True, text=True)
    pure = [".".join(Path(file).with_suffix("").parts[1:]) for file in files.stdout.strip().split(",")]
    return [*CLIENT, *(module for module in pure if not module.endswith("__init__"))]


def source_of(module: str) -> tuple[str, str]:
    """Give the module's text, and what tells it from what it was before."""
    source = file_of(module).read_text(encoding="utf-8")
    return source, hashlib.sha256(source.encode()).hexdigest()[:12]


def remember(module: str, killed: int, number: int, every: int, reasoned: int) -> None:
    """Put the figures into results.txt, and take those out of it that are of a module as it no longer is."""
    file = HERE / "results.txt"
    rows = {}
    for line in file.read_text(encoding="utf-8").splitlines() if file.exists() else ():
        if not line.startswith("#"):
            name, *_, digest = line.split()
            if file_of(name).exists() and digest == source_of(name)[1]:
                rows[name] = line
    digest = source_of(module)[1]
    share = 100 * killed / max(number, 1)
    rows[module] = f"{module:<28} {killed:>6} {number:>6} {share:>6.1f} {every:>6} {reasoned:>6} {digest}"
    all_killed, all_tried = (sum(int(row.split()[column]) for row in rows.values()) for column in (1, 2))
    told = f"# {len(rows)} modules: {all_killed} of {all_tried} killed ({100 * all_killed / max(all_tried, 1):.1f} %)"
    file.write_text("\n".join([*RESULTS, *(rows[name] for name in sorted(rows)), told, ""]), encoding="utf-8")


def tried(module: str, *, fresh: bool, every: int, most: int) -> Iterator[tuple[Mutant, str]]:
    """Try the module's mutants, or every so many-th of them, and give each with what it came to."""
    source, digest = source_of(module)
    (folder := ROOT / ".mutants").mkdir(exist_ok=True)
    file = folder / f"{module}.jsonl"
    killed = set() if fresh else known(file, digest)
    tests = tests_of(module, most)
    gc.freeze()  # what was measured is large, and a child's collector would walk through it at each of its tests' ends
    begin(module, None, tests(0))
    if ended()[1] != "survived":
        raise SystemExit(f"{module}: its tests fail without any change")
    left, running = mutants(source)[::every][::-1], dict[int, Mutant]()
    with file.open("a", encoding="utf-8") as log:
        while left or running:
            if left and left[-1].name in killed:
                yield left.pop(), "killed"
            elif left and len(running) < JOBS:
                mutant = left.pop()
                running[begin(module, mutant, tests(mutant.line))] = mutant
            else:
                child, state = ended()
                mutant = running.pop(child)
                log.write(json.dumps([state, mutant.name, digest], ensure_ascii=False) + "\n")
                log.flush()
                yield mutant, state


def main(arguments: Sequence[str]) -> int:
    """Try the modules, and tell how it went."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--fresh", action="store_true", help="try those again that were killed before")
    parser.add_argument("--every", type=int, default=1, metavar="N", help="try every N-th mutant of each module only")
    parser.add_argument(
        "--most", type=int, default=MOST, metavar="N", help="how many tests of other files are tried on each"
    )
    parser.add_argument("modules", nargs="*", metavar="MODULE")
    given = parser.parse_args(arguments)
    os.chdir(ROOT)
    sys.path[:0] = [str(ROOT), str(ROOT / "tests/support"), str(ROOT / "tests/tools")]
    hypothesis.settings.register_profile("mutants", database=None, derandomize=True, deadline=None)
    hypothesis.settings.load_profile("mutants")
    for library in AHEAD:
        importlib.import_module(library)
    equivalent, all_killed, all_tried, open_ones = judged(), 0, 0, 0
    for module in given.modules or core():
        started, counts, reasoned = time.monotonic(), {"killed": 0, "timed out": 0, "survived": 0}, 0
        for mutant, state in tried(module, fresh=given.fresh, every=given.every, most=given.most):
            counts[state] += 1
            if state == "survived":
                reason = equivalent.get(f"{module}: {mutant.name}")
                open_ones, reasoned = open_ones + (reason is None), reasoned + (reason is not None)
                print(f"  {module}.py:{mutant.line}: survived{f' ({reason})' if reason else ''}")
                print(f"    - {mutant.before}\n    + {mutant.after}", flush=True)
        number = sum(counts.values())
        killed = number - counts["survived"]
        all_killed, all_tried = all_killed + killed, all_tried + number
        share, took = 100 * killed / max(number, 1), time.monotonic() - started
        sampled = f" of a sample, one in {given.every}" if given.every > 1 else ""
        print(f"{module}: {killed} of {number} killed ({share:.1f} %){sampled}, {took:.0f} s", flush=True)
        remember(module, killed, number, given.every, reasoned)
    share = 100 * all_killed / max(all_tried, 1)
    print(f"All: {all_killed} of {all_tried} killed ({share:.1f} %), {open_ones} survivors without a reason")
    return 0 if share >= LEAST else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
