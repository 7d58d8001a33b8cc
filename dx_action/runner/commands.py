"""The log, the workflow commands and the `GITHUB_*` files, which nothing else writes; and what any writer of a run can do.

Every text is written such that it commands nothing, and without the run's secrets. Only the summary is Markdown.
"""

from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from pathlib import Path
from threading import Lock
from typing import Protocol, TextIO

from dx_action.errors import Level, Problem
from dx_action.secrecy import Secrets
from dx_action.text import one_line, truncate

_LONGEST_MESSAGE = 3500
_SUMMARY_BYTES = 1_000_000
# How often a log shows progress.
PROGRESS_SECONDS = 5.0


class Writer(Protocol):
    """What a run writes by: `Workflow` in GitHub Actions, `runner.console.Console` on the command line.

    Every text loses the run's secrets, whichever method gets it. `progress_seconds` is how often progress is worth showing, and
    `lost` what is wrong if the outputs cannot be written.
    """

    secrets: Secrets
    debugging: bool
    progress_seconds: float
    lost: Problem

    def say(self, text: str = "") -> None: ...

    def debug(self, text: str) -> None: ...

    def group(self, title: str, lines: Iterable[str]) -> None: ...

    def annotate(self, level: Level, title: str, message: str) -> None: ...

    def progress(self, text: str, share: float) -> None:
        """Show how far it is, in words and as a share from 0 to 1."""

    def set_outputs(self, outputs: Mapping[str, str]) -> None:
        """Publish the outputs. Raises OSError."""

    def add_summary(self, markdown: str) -> None:
        """Publish the summary. Raises OSError."""

    def scrubbed(self, text: str) -> str:
        """Return the text without the secrets."""


class Workflow:
    """The runner's log, commands and files. `delimiter` returns a text that nobody can foresee; `secrets` are written nowhere."""

    lost = Problem("GITHUB_OUTPUT", "names a file that cannot be written: the outputs are lost.")

    def __init__(self, stream: TextIO, env: Mapping[str, str], delimiter: Callable[[], str], secrets: Secrets) -> None:
        self._stream, self._env, self._delimiter, self.secrets = stream, env, delimiter, secrets
        self._lock = Lock()
        self.debugging = env.get("RUNNER_DEBUG") == "1"
        self.progress_seconds = PROGRESS_SECONDS

    def mask(self, secret: str) -> None:
        """Have the runner hide the secret in the log of the whole job."""
        if secret.strip():
            self._write(f"::add-mask::{_data(secret)}")

    def say(self, text: str = "") -> None:
        self._write(one_line(self.scrubbed(text)))

    def progress(self, text: str, share: float) -> None:  # noqa: ARG002 - a log shows the words alone
        self.say(text)

    def debug(self, text: str) -> None:
        """Write a line that is shown only if step debugging is on."""
        if self.debugging:
            self._write(f"::debug::{_data(one_line(self.scrubbed(text)))}")

    def group(self, title: str, lines: Iterable[str]) -> None:
        self._write(f"::group::{_data(one_line(self.scrubbed(title)))}")
        for line in lines:
            self.say(line)
        self._write("::endgroup::")

    def annotate(self, level: Level, title: str, message: str) -> None:
        """Write an annotation, which may have several lines. GitHub cuts it at 4,096 characters."""
        text = truncate("\n".join(one_line(line) for line in self.scrubbed(message).split("\n")), _LONGEST_MESSAGE)
        title = _data(one_line(self.scrubbed(title))).replace(":", "%3A").replace(",", "%2C")
        self._write(f"::{level} title={title}::{_data(text)}")

    def set_outputs(self, outputs: Mapping[str, str]) -> None:
        """Append the step's outputs. Raises OSError."""
        self._append_values("GITHUB_OUTPUT", outputs)

    def save_state(self, state: Mapping[str, str]) -> None:
        """Append what the same step's end gets as variables `STATE_…`, on runners that pass it on. Raises OSError."""
        self._append_values("GITHUB_STATE", state)

    def add_summary(self, markdown: str) -> None:
        """Append to the step's summary, of which GitHub drops all if it is over 1 MiB. Raises OSError."""
        text = self.scrubbed(markdown)
        if len(text.encode()) > _SUMMARY_BYTES:
            text = text.encode()[:_SUMMARY_BYTES].decode(errors="ignore") + "\n\n(cut)\n"
        self._append("GITHUB_STEP_SUMMARY", text)

    def scrubbed(self, text: str) -> str:
        """Return the text without the secrets. The runner masks the log only: no outputs, summaries or files."""
        return self.secrets.scrubbed(text)

    def _append_values(self, variable: str, values: Mapping[str, str]) -> None:
        parts = []
        for name, value in values.items():
            text, delimiter = self.scrubbed(value), self._delimiter()
            parts.append(f"{name}<<{delimiter}\n{text}\n{delimiter}\n")
        self._append(variable, "".join(parts))

    def _append(self, variable: str, text: str) -> None:
        path = self._env.get(variable)
        if path:
            with Path(path).open("ab") as file:
                file.write(text.encode(errors="backslashreplace"))

    def _write(self, line: str) -> None:
        # A log that is full, broken or closed is no reason to stop: outputs, summary and exit code still say what happened.
        with self._lock, suppress(OSError, ValueError):
            self._stream.write(line + "\n")
            self._stream.flush()


def _data(text: str) -> str:
    """Escape a command's data; the percent sign goes first."""
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")
