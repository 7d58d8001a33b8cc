"""Runs the action by the runner's own Python, without a container. start.sh starts it as `python -I -S -u -X utf8 launcher.py`.

So only the standard library is on the path: nothing of the workspace, of the user, or of what is installed for this Python.
"""

import json
import os
import sys
from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path, PurePath, PurePosixPath, PureWindowsPath
from typing import TYPE_CHECKING, TextIO, get_args

_HERE = Path(__file__).resolve().parent
if __name__ == "__main__":
    sys.dont_write_bytecode = True  # it goes beside the packages: this folder may be the workspace's
    sys.path += [str(_HERE), str(_HERE.parent)]

from environment import Environment, Unusable, prepare  # noqa: E402 - found only now

if TYPE_CHECKING:
    from dx_action.runner.commands import Workflow

_HANDED = "DX_ACTION_INPUTS"
_NOTHING_SENT = "Nothing was sent to DX."
# The inputs that name a file. `service-map` may be the map itself, which has a colon or several lines.
_FILES = frozenset({"ca-bundle", "failed-file", "service-map", "backfill-file", "csv-file"})
# What the network does, so that nobody has to correct it.
_OUTAGES = frozenset({"network", "time"})


def read_inputs(text: str) -> dict[str, str]:
    """Return the inputs from the JSON that the runner makes of them. Raises ValueError."""
    try:
        found = json.loads(text)
    except RecursionError:
        raise ValueError from None
    if not isinstance(found, dict) or not all(isinstance(value, str | None) for value in found.values()):
        raise ValueError
    if "\0" in "".join(text for pair in found.items() for text in pair if text) or "=" in "".join(found):
        raise ValueError  # no variable can have it
    # Nor can one have half of a character, which JSON may escape.
    return {_encodable(name): _encodable(value or "") for name, value in found.items()}


def _encodable(text: str) -> str:
    return text.encode(errors="replace").decode()


def variables(inputs: Mapping[str, str], workspace: str, *, windows: bool) -> dict[str, str]:
    """Return the inputs as the variables that a container action gets, and their paths as they are in a container."""
    return {
        f"INPUT_{name.replace(' ', '_').upper()}": (
            action_path(text, workspace, windows=windows) if name.lower() in _FILES else text
        )
        for name, text in inputs.items()
    }


def action_path(text: str, workspace: str, *, windows: bool) -> str:
    """Return this system's path as one with slashes, relative to the workspace if it is inside; what is no path, as it is."""
    written = text.strip()
    kind: type[PurePath] = PureWindowsPath if windows else PurePosixPath
    path = kind(written)
    if "\n" in written or not (windows or path.is_absolute()) or (":" in written and not path.is_absolute()):
        return text
    if workspace and path.is_absolute() and path.is_relative_to(workspace):
        path = path.relative_to(workspace)
    bare = f"/{path.as_posix().lstrip('/')}" if path.is_absolute() else path.as_posix()
    is_folder = written.endswith(("/", "\\") if windows else "/")
    return f"{bare}/" if is_folder else bare if written else text


def main(
    env: Mapping[str, str],
    handed: str,
    stream: TextIO,
    make: Callable[[str, Mapping[str, str], Callable[[str], None]], Environment] = prepare,
) -> tuple[Environment, dict[str, str]] | int:
    """Return the environment to run in, and the inputs' variables; or the exit code of a step that cannot run."""
    given: dict[str, str] = {}

    @cache
    def log() -> "Workflow":
        return _open_log(env, given, stream)

    try:
        inputs = read_inputs(handed)
        given |= variables(inputs, env.get("GITHUB_WORKSPACE", ""), windows=os.name == "nt")
        lock = (_HERE.parent / "requirements.txt").read_text(encoding="utf-8")
        environment = make(lock, env, lambda text: log().say(text))
    except Unusable as error:
        if error.lines:
            log().group("What pip wrote", error.lines)
        return _fail(log(), str(error), given, outage=error.kind in _OUTAGES)
    except KeyboardInterrupt:
        return _fail(log(), "The job was cancelled while the action's packages were installed.", given)
    except ValueError:
        return _fail(log(), f"`{_HANDED}` is not the inputs as a JSON object, as native/action.yml sets it.", given)
    if environment.seconds is not None:
        log().say(f"Installed them in {environment.seconds:.1f} s.")
    return environment, given


def _open_log(env: Mapping[str, str], given: Mapping[str, str], stream: TextIO) -> "Workflow":
    """Return the log, in which both tokens are masked before anything else is written."""
    from secrets import token_hex  # noqa: PLC0415 - most runs write nothing here

    from dx_action.runner.commands import Workflow  # noqa: PLC0415
    from dx_action.runner.runtime import known_secrets, tokens  # noqa: PLC0415

    workflow = Workflow(stream, env, lambda: f"end-{token_hex(16)}", known_secrets({**env, **given}))
    for token in tokens(given):
        workflow.mask(token)
    return workflow


def _fail(workflow: "Workflow", reason: str, given: Mapping[str, str], *, outage: bool = False) -> int:
    from dx_action.errors import FailOnError, Failure  # noqa: PLC0415 - most runs do not fail here

    reason = f"{reason} {_NOTHING_SENT}"
    written = given.get("INPUT_FAIL-ON-ERROR", "").strip().lower()
    setting: FailOnError = next((word for word in get_args(FailOnError) if word == written), "true")
    level = Failure(reason, outage).level(setting)
    try:
        workflow.set_outputs({"status": "failed", "reason": reason})
    except OSError:
        workflow.say("`GITHUB_OUTPUT` names a file that cannot be written: the outputs are lost.")
    workflow.annotate(level, "DX deployment", reason)
    return int(level == "error")


def _run(environment: Environment, given: Mapping[str, str]) -> None:
    """Run the action, and end the process."""
    sys.path.insert(len(sys.path) - 2, str(environment.packages))
    sys.pycache_prefix = str(environment.bytecode)
    sys.dont_write_bytecode = False
    os.environ.update(given)

    from dx_action.process import run  # noqa: PLC0415 - it needs the packages

    run()


if __name__ == "__main__":
    try:
        # Removed before anything else is started: pip does not see the inputs.
        result = main(os.environ, os.environ.pop(_HANDED, ""), sys.stdout)
        if isinstance(result, int):
            sys.exit(result)
        _run(*result)
    except KeyboardInterrupt:  # before the action itself takes signals
        sys.exit(1)
