"""A stand-in for GitHub's runner where it runs native/action.yml: the step of a composite action, by its own shell.

The facts are those of the runner's source: a composite action gets no `INPUT_` variables, its `env:` and outputs are expressions,
and a shell is a program that is looked for on `PATH`, and its arguments.
"""

import shlex
import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import replace
from functools import cache
from importlib.metadata import distribution
from pathlib import Path
from typing import Any

import yaml

import environment
from expressions import filled
from runner import PATIENCE, ROOT, Run, Step

FOLDER = ROOT / "native"


@cache
def action() -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load((FOLDER / "action.yml").read_text(encoding="utf-8"))
    return found


THIS_PYTHON = f'exec {shlex.quote(sys.executable)} "$@"'


def put_python(folder: Path, *names: str, code: str = THIS_PYTHON) -> Path:
    """Put shell scripts of these names into a folder, with bash. By default they run this very Python."""
    folder.mkdir(parents=True, exist_ok=True)
    bash = shutil.which("bash")
    assert bash
    if not (folder / "bash").exists():
        (folder / "bash").symlink_to(bash)
    for name in names:
        program = folder / name
        program.write_text(f"#!/bin/sh\n{code}\n")
        program.chmod(0o755)
    return folder


def fill(cache_folder: Path, host: environment.Host | None = None) -> Path:
    """Make the environment of this Python of what is installed for the tests, and return its folder."""
    lock = (ROOT / "requirements.txt").read_text(encoding="utf-8")
    folder = cache_folder / "dx-deployment-action" / environment.name_of(lock, host or environment.this_host())
    packages = folder / "packages"
    packages.mkdir(parents=True)
    for wanted in environment.read_lock(lock):
        found = distribution(wanted.rpartition("-")[0])
        for top in {file.parts[0] for file in found.files or () if file.parts[0] not in ("..", "__pycache__")}:
            if not (packages / top).exists():
                (packages / top).symlink_to(Path(str(found.locate_file(top))))
    return folder


def prepare(
    step: Step, path: Path, *, tools: Path | None = None, source: Path = FOLDER
) -> tuple[list[str], dict[str, str]]:
    """Return the command and the variables by which the runner runs the action's step, with `PATH` and the tool cache."""
    variables = step.environment()
    inputs = {name.removeprefix("INPUT_").lower(): variables.pop(name) for name in list(variables) if "INPUT_" in name}
    (only,) = action()["runs"]["steps"]

    def value(name: str) -> Any:
        where, _, rest = name.partition(".")
        assert where == "inputs"
        return inputs[rest] if rest else inputs

    temporary = step.folder / "temp"
    temporary.mkdir(exist_ok=True)
    variables |= {name: filled(text, value) for name, text in only["env"].items()}
    variables |= {"GITHUB_ACTION_PATH": str(source), "RUNNER_TEMP": str(temporary), "PATH": str(path)}
    variables |= {"RUNNER_TOOL_CACHE": str(tools)} if tools else {}
    script = temporary / "script.sh"
    script.write_text(only["run"])
    shell, *arguments = [part.replace("{0}", str(script)) for part in shlex.split(only["shell"])]
    program = shutil.which(shell, path=str(path))
    assert program
    return [program, *arguments], variables


def run(
    step: Step, path: Path, *, tools: Path | None = None, source: Path = FOLDER, env: Mapping[str, str] | None = None
) -> Run:
    """Run the action's step, and read what it left."""
    command, variables = prepare(step, path, tools=tools, source=source)
    done = subprocess.run(
        command,
        env={**variables, **(env or {})},
        cwd=step.workspace,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        timeout=PATIENCE * 3,
        check=False,
    )
    found = step.read(variables, done.returncode, done.stdout.decode(errors="replace"))
    return replace(found, outputs=outputs(found.outputs))


def outputs(of_step: Mapping[str, str]) -> dict[str, str]:
    """Return the action's outputs, which are expressions over the step's."""
    (only,) = action()["runs"]["steps"]

    def value(name: str) -> str:
        start, _, output = name.rpartition(".")
        assert start == f"steps.{only['id']}.outputs"
        return of_step.get(output, "")

    texts = {name: about["value"] for name, about in action()["outputs"].items()}
    return {name: text for name, expression in texts.items() if (text := filled(expression, value))}
