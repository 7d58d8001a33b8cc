"""The house: imports run down, one speaker to each side, a pure core, and rooms of a bearable size."""

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

from runner import ROOT
from structure import ACTION, MODULES, PACKAGE, imports, is_pure, names, reached, tree

SHELL = {"process", "command_line", "main"}


def lint_imports(folder: Path, config: Path) -> subprocess.CompletedProcess[str]:
    command = [str(Path(sys.executable).with_name("lint-imports")), "--no-cache", str(config)]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=120, check=False)


def test_the_import_contracts_hold() -> None:
    done = lint_imports(ROOT, ROOT / "pyproject.toml")
    assert done.returncode == 0, done.stdout


BREACHES = {
    "Imports run down": ("services/service.py", "from dx_action.report import outputs"),
    "One speaker to each side": ("dx/answers.py", "import requests"),
    "The core is pure": ("deployment/calls.py", "import os"),
    "The action does not need its stand-in": ("inputs/times.py", "import dx_action.sandbox"),
}


def test_every_contract_has_a_breach_that_is_tried() -> None:
    text = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    written = re.findall(r'^name = "(.+)"', text.partition("[tool.importlinter]")[2], re.MULTILINE)
    assert {name.partition(":")[0] for name in written} == set(BREACHES)


@pytest.mark.parametrize("name", BREACHES)
def test_a_broken_contract_is_told(tmp_path: Path, name: str) -> None:
    for path in PACKAGE.rglob("*.py"):
        copy = tmp_path / path.relative_to(ROOT)
        copy.parent.mkdir(parents=True, exist_ok=True)
        copy.write_bytes(path.read_bytes())
    module, line = BREACHES[name]
    with (tmp_path / "dx_action" / module).open("a", encoding="utf-8") as file:
        file.write(f"\n{line}\n")
    done = lint_imports(tmp_path, ROOT / "pyproject.toml")
    assert done.returncode == 1
    assert re.search(rf"^{name}.* BROKEN", done.stdout, re.MULTILINE), done.stdout


@pytest.mark.parametrize("module", [module for module in ACTION if is_pure(module)])
def test_pure_modules_reach_nothing(module: str) -> None:
    assert reached(module) == []
    assert not names(module) & {"open", "input", "exec", "eval", "__import__"}


@pytest.mark.parametrize("module", sorted(set(ACTION) - SHELL))
def test_below_the_shell_nothing_prints_exits_or_looks_around(module: str) -> None:
    used = names(module)
    assert not used & {"print", "exit", "quit", "breakpoint", "sys.exit", "os._exit", "os.environ", "os.getenv"}
    assert not used & {"sys.stdout", "sys.stderr", "sys.argv", "SystemExit"}
    # Time and chance are handed in.
    assert not [name for name in used if re.fullmatch(r"(datetime\.)?(datetime|date)\.(now|utcnow|today)", name)]
    assert not {name for name, _ in imports(module)} & {"time", "random", "secrets"}


@pytest.mark.parametrize("module", MODULES)
def test_rooms_are_of_a_bearable_size(module: str) -> None:
    """A module has weight: it is neither endless nor cut to be short; a function fits on a screen."""
    assert len((PACKAGE / f"{module}.py").read_text(encoding="utf-8").splitlines()) <= 400
    for node in ast.walk(tree(module)):
        if isinstance(node, ast.FunctionDef):
            assert (node.end_lineno or 0) - node.lineno < 60, node.name


def test_what_others_wrote_is_read_as_json_in_one_place() -> None:
    """By `text.parse_json`, which bounds how deep it is nested; two modules read again what this run itself has written."""
    readers = {module for module in ACTION if names(module) & {"json.loads", "json.load", "json.JSONDecoder", "loads"}}
    assert readers == {"text", "deployment/calls", "backfill/store"}


def test_every_package_says_what_it_owns() -> None:
    for init in PACKAGE.rglob("__init__.py"):
        assert ast.get_docstring(ast.parse(init.read_text(encoding="utf-8"))), init
