"""A stand-in for GitHub's runner: it hands one step what the runner hands it, and reads back what the runner reads.

The facts are those of the runner's source: inputs become `INPUT_` variables, commands are read from the log's lines,
outputs and the summary from files. What the runner would warn of or drop is an error here.
"""

import io
import itertools
import json
import os
import re
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any, TextIO

import yaml

import events
from dx_action.inputs.job import Stage
from dx_action.main import Invocation, main
from dx_action.runner.runtime import Clock
from dx_action.sandbox import Sandbox

ROOT = Path(__file__).resolve().parents[2]
TOKEN = "dx-token-of-the-tests"
NOW = datetime(2025, 3, 4, 12, 0, tzinfo=UTC)
PATIENCE = 20.0
ENTRY_FILES: dict[Stage, str] = {"step": "entrypoint.py", "start": "job/start.py", "end": "job/end.py"}
_NAMES = {
    *("add-mask", "add-matcher", "add-path", "debug", "echo", "endgroup", "error", "group", "notice", "remove-matcher"),
    *("save-state", "set-env", "set-output", "stop-commands", "warning"),
}
_NEW = re.compile(r"\s*::(.*?)::(.*)", re.DOTALL)
_OLD = re.compile(r"##\[(.*?)\](.*)", re.DOTALL)
_DATA = (("%0D", "\r"), ("%0A", "\n"), ("%25", "%"))
_PROPERTY = (("%0D", "\r"), ("%0A", "\n"), ("%3A", ":"), ("%2C", ","), ("%25", "%"))
_OLD_DATA = (("%3B", ";"), ("%0D", "\r"), ("%0A", "\n"), ("%5D", "]"), ("%25", "%"))


class Malformed(ValueError):
    """A file that the runner would reject."""


@dataclass(frozen=True, slots=True)
class Command:
    """A command, as the runner understands it."""

    name: str
    properties: Mapping[str, str]
    data: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """What the runner has of a step that ended."""

    exit_code: int
    lines: tuple[str, ...]
    commands: tuple[Command, ...]
    outputs: dict[str, str]
    summary: str
    raw_outputs: str
    workspace: Path
    state: dict[str, str]

    @property
    def annotations(self) -> list[tuple[str, str]]:
        """Each annotation's level and message."""
        levels = ("error", "warning", "notice")
        return [(command.name, command.data) for command in self.commands if command.name in levels]

    @property
    def remarks(self) -> list[tuple[str, str]]:
        """The annotations without the one notice of a run that went well."""
        done = re.compile(
            "(.* )?(registered in|accepted by|set in) DX[:.] |Dry run( of a failed deployment)?: ", re.IGNORECASE
        )
        return [(level, message) for level, message in self.annotations if level != "notice" or not done.match(message)]

    @property
    def masks(self) -> list[str]:
        """What the runner was told to hide."""
        return [command.data for command in self.commands if command.name == "add-mask"]

    @property
    def said(self) -> list[str]:
        """The lines that are no commands."""
        return [line for line in self.lines if read_command(line) is None]

    @property
    def status(self) -> str:
        """The output of that name."""
        return self.outputs["status"]

    def json(self, name: str) -> Any:
        """Give an output that is JSON as a value."""
        return json.loads(self.outputs[name])

    def results(self, *keys: str) -> list[tuple[Any, ...]]:
        """Give these values of each result."""
        return [tuple(result[key] for key in keys) for result in self.json("results")]


@dataclass(slots=True)
class Step:
    """A step of a workflow, ready to run. In `env`, None takes a variable away."""

    folder: Path
    inputs: Mapping[str, str]
    event: str = "pull_request_merged"
    env: Mapping[str, str | None] = field(default_factory=dict)
    check_run_id: str = "38168200017"
    job_index: str = "0"
    github_token: str = ""
    flags: tuple[str, ...] = ()
    stage: Stage = "step"
    job_status: str = "success"

    @property
    def workspace(self) -> Path:
        """The checkout, which every run of this folder shares."""
        path = self.folder / "workspace"
        path.mkdir(exist_ok=True)
        return path

    def run(self) -> Run:
        """Run the container's command as a process."""
        return self.start().wait()

    def start(self) -> "Process":
        """Start the container's command."""
        return Process(self)

    def inside(self, clock: Clock | None = None, stream: TextIO | None = None) -> Run:
        """Run in this process, by a clock for which waiting takes no time."""
        env = self.environment()
        stream = stream or io.StringIO()
        code = main(env, stream, clock or fast_clock(), invocation=Invocation(self.stage))
        stream.seek(0)
        return self.read(env, code, stream.read())

    def environment(self) -> dict[str, str]:
        """Make the step's variables, and fresh files for what it writes."""
        files = next(path for number in itertools.count() if not (path := self.folder / f"run{number}").exists())
        files.mkdir()
        variables, _ = events.load(self.event)
        env: dict[str, str | None] = {
            "PATH": os.defpath,
            "HOME": str(files),
            "CI": "true",
            "GITHUB_ACTIONS": "true",
            **variables,
            "GITHUB_EVENT_PATH": str(events.path(self.event)),
            "GITHUB_WORKSPACE": str(self.workspace),
            "RUNNER_OS": "Linux",
        }
        for name in ("GITHUB_OUTPUT", "GITHUB_STEP_SUMMARY", "GITHUB_STATE"):
            file = files / name
            file.touch()
            env[name] = str(file)
        for name, value in self._values().items():
            env[f"INPUT_{name.replace(' ', '_').upper()}"] = value
        env |= self.env
        return {name: value for name, value in env.items() if value is not None}

    def read(self, env: Mapping[str, str], code: int, log: str) -> Run:
        """Read what a run left."""
        lines = read_lines(log)
        outputs, summary = (_text(env.get(name)) for name in ("GITHUB_OUTPUT", "GITHUB_STEP_SUMMARY"))
        if len(summary.encode()) > 1024 * 1024:
            raise Malformed("The summary is too large: the runner drops it.")
        return Run(
            exit_code=code,
            lines=lines,
            commands=tuple(command for line in lines if (command := read_command(line))),
            outputs=read_outputs(outputs),
            summary=summary,
            raw_outputs=outputs,
            workspace=self.workspace,
            state=read_outputs(_text(env.get("GITHUB_STATE"))),
        )

    def _values(self) -> dict[str, str]:
        declared = action("action.yml" if self.stage == "step" else "job/action.yml")["inputs"]
        if unknown := self.inputs.keys() - declared.keys():
            raise ValueError(f"action.yml has no input {', '.join(sorted(unknown))}")
        known = {
            "${{ strategy.job-index }}": self.job_index,
            "${{ job.check_run_id }}": self.check_run_id,
            "${{ github.token }}": self.github_token,
            "${{ job.status }}": self.job_status,
        }
        values = {}
        for name, about in declared.items():
            default = about.get("default", "")
            values[name] = known[default] if "${{" in default else default
        return values | dict(self.inputs)


def run_job(
    step: Step,
    status: str = "success",
    at_end: Mapping[str, str] = {},
    *,
    state: bool = True,
    run: Callable[[Step], Run] = Step.run,
) -> tuple[Run, Run]:
    """Run both stages of `job/`. At the end these inputs are evaluated anew. `state`: the runner hands on what the start saved."""
    began = run(replace(step, stage="start"))
    handed = {f"STATE_{name}": value for name, value in began.state.items()} if state else {}
    anew = replace(step, stage="end", job_status=status, inputs={**step.inputs, **at_end})
    return began, run(replace(anew, env={**step.env, **handed}))


class Process:
    """A step that runs."""

    def __init__(self, step: Step) -> None:
        self._step, self._env = step, step.environment()
        command = [sys.executable, "-I", "-u", "-B", *step.flags, str(ROOT / ENTRY_FILES[step.stage])]
        self._process = subprocess.Popen(
            command, env=self._env, cwd=step.workspace, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
        )
        self._seen = ""

    def wait_for(self, text: str) -> None:
        """Read the log until the text has come."""
        assert self._process.stdout is not None
        while text not in self._seen:
            line = self._process.stdout.readline()
            assert line, f"The step ended without saying {text!r}:\n{self._seen}"
            self._seen += line.decode()

    def send(self, number: signal.Signals) -> None:
        """Send a signal, as the runner does where a job is cancelled."""
        self._process.send_signal(number)

    def wait(self, patience: float = PATIENCE) -> Run:
        """Wait for its end, at most so many seconds."""
        try:
            rest, _ = self._process.communicate(timeout=patience)
        finally:
            self._process.kill()
        log = self._seen + rest.decode(errors="replace")
        return self._step.read(self._env, self._process.returncode, log)


def connected(dx: Sandbox, token: str = TOKEN, **more: str) -> dict[str, str]:
    """Give the inputs of a step that speaks to this DX; in a keyword, `_` is for `-`."""
    given = {name.replace("_", "-"): value for name, value in more.items()}
    return {"dx-host": dx.url, "dx-token": token, "service": "checkout"} | given


def register(dx: Sandbox, body: Mapping[str, Any]) -> None:
    """Have DX register a deployment beforehand, by a request of its own."""
    request = urllib.request.Request(
        f"{dx.url}/api/deployments.create",
        json.dumps(body).encode(),
        {"Authorization": f"Bearer {TOKEN}", "Content-Type": "application/json"},
    )
    with urllib.request.urlopen(request, timeout=PATIENCE) as answer:
        assert answer.status == 200


def fast_clock(now: Callable[[], datetime] = lambda: NOW, random: Callable[[], float] = lambda: 0.5) -> Clock:
    """Make a clock for which waiting takes no time, and which stands still by day."""
    slept = [0.0]
    return Clock(lambda: time.monotonic() + sum(slept), slept.append, now, random)


def until(met: Callable[[], bool]) -> None:
    """Wait for something to become true."""
    end = time.monotonic() + PATIENCE
    while not met():
        assert time.monotonic() < end, "it never came true"
        time.sleep(0.01)


@cache
def action(path: str = "action.yml") -> dict[str, Any]:
    """Read an `action.yml`."""
    found: dict[str, Any] = yaml.safe_load((ROOT / path).read_text(encoding="utf-8"))
    return found


def read_lines(log: str) -> tuple[str, ...]:
    """Split the log as the runner does: a lone carriage return ends a line, too."""
    parts = re.split(r"\r\n|\r|\n", log)
    return tuple(parts[:-1] if parts[-1] == "" else parts)


def read_command(line: str) -> Command | None:
    """Read a line's command: `::name …::` at its start, else `##[name …]` anywhere in it."""
    for pattern, separator, of_property, of_data in (
        (_NEW.match, ",", _PROPERTY, _DATA),
        (_OLD.search, ";", _OLD_DATA, _OLD_DATA),
    ):
        if match := pattern(line):
            name, _, rest = match[1].partition(" ")
            if name.lower() in _NAMES:
                pairs = (part.partition("=") for part in rest.strip().split(separator))
                properties = {key.lower(): _unescaped(value, of_property) for key, _, value in pairs if key and value}
                return Command(name.lower(), properties, _unescaped(match[2], of_data))
    return None


def read_outputs(text: str) -> dict[str, str]:
    """Read a `GITHUB_OUTPUT` file. Raises Malformed where the runner would refuse it, and for a name that comes twice."""
    found: dict[str, str] = {}
    for name, value in _pairs(text):
        if name in found:
            raise Malformed(f"{name!r} comes twice")
        found[name] = value
    return found


def read_state(text: str) -> dict[str, str]:
    """Read a `GITHUB_STATE` file, which may be cut: the runner passes on what it has read by then."""
    found: dict[str, str] = {}
    with suppress(Malformed):
        for pair in _pairs(text):
            found.update([pair])
    return found


def _pairs(text: str) -> Iterator[tuple[str, str]]:
    rest = text.removeprefix("\ufeff")
    while rest:
        line, _, rest = rest.partition("\n")
        if not line:
            continue
        equals, here = line.find("="), line.find("<<")
        if equals >= 0 and not 0 <= here < equals:
            name, _, value = line.partition("=")
        elif here >= 0:
            name, _, delimiter = line.partition("<<")
            value, rest = _heredoc(rest, delimiter)
        else:
            raise Malformed(f"neither = nor << in {line!r}")
        if not name:
            raise Malformed(f"a name is missing in {line!r}")
        yield name, value


def _heredoc(rest: str, delimiter: str) -> tuple[str, str]:
    lines: list[str] = []
    while delimiter:
        line, newline, rest = rest.partition("\n")
        if not newline:
            break
        if line == delimiter:
            return "\n".join(lines), rest
        lines.append(line)
    raise Malformed(f"the delimiter {delimiter!r} is empty, or no whole line")


def _unescaped(text: str, table: tuple[tuple[str, str], ...]) -> str:
    for token, character in table:
        text = text.replace(token, character)
    return text


def _text(path: str | None) -> str:
    try:
        return Path(path).read_bytes().decode() if path else ""
    except OSError:
        return ""
