"""The writer of a run on the command line: plain text for a person at a terminal, or for the log of another system.

Nothing of it is a command to a runner, and there is no runner that hides secrets: every text loses them here.
"""

import json
from collections.abc import Callable, Collection, Iterable, Mapping
from contextlib import suppress
from textwrap import wrap
from threading import Lock
from typing import Any, NamedTuple, TextIO

from dx_action.errors import Level, Problem, is_cause
from dx_action.runner.commands import PROGRESS_SECONDS
from dx_action.secrecy import Secrets
from dx_action.text import DEEPEST, one_line, parse_json, truncate

_COLOURS: dict[Level, str] = {"error": "\x1b[1;31m", "warning": "\x1b[1;33m", "notice": "\x1b[1;36m"}
_RESET, _CLEAR = "\x1b[0m", "\r\x1b[K"
# What surrounds a value within the outputs, such as the list of the requests and a request's fields.
_LEVELS = 10
_BAR = 24
_BAR_SECONDS = 0.5


class Terminal(NamedTuple):
    """What the log is shown on. `width` is in columns, 0 if it is no terminal; `draws`: a line can be drawn again."""

    width: int = 0
    colours: bool = False
    draws: bool = False


class Console:
    """The command line's log. `worded` returns a message with the inputs named as flags.

    With `outputs`, that stream gets the outputs as one JSON object, in which the values of `lists` are arrays.
    """

    lost = Problem(
        "json", "cannot be written: the standard output is full or closed. The log has what became of each request."
    )

    def __init__(
        self,
        log: TextIO,
        secrets: Secrets,
        terminal: Terminal,
        worded: Callable[[str], str],
        *,
        debugging: bool = False,
        outputs: TextIO | None = None,
        lists: Collection[str] = (),
    ) -> None:
        self.secrets, self.debugging = secrets, debugging
        self.progress_seconds = _BAR_SECONDS if terminal.draws else PROGRESS_SECONDS
        self._log, self._terminal, self._worded = log, terminal, worded
        self._outputs, self._lists = outputs, lists
        self._lock, self._drawn = Lock(), False

    def say(self, text: str = "") -> None:
        self._write(self._line(text))

    def debug(self, text: str) -> None:
        if self.debugging:
            self._write(f"debug: {self._line(text)}")

    def group(self, title: str, lines: Iterable[str]) -> None:
        self.say(f"{title}:")
        for line in lines:
            self.say(f"  {line}")

    def annotate(self, level: Level, title: str, message: str) -> None:  # noqa: ARG002 - a title is the runner's page's
        """Write a message, with its first line after the level and the others below it."""
        colour, reset = (_COLOURS[level], _RESET) if self._terminal.colours else ("", "")
        first, *others = map(self._line, message.split("\n"))
        lines = (f"{level}: {first}", *(f"  {line}" for line in others))
        text = "\n".join(part for line in lines for part in self._wrapped(line))
        self._write(f"{colour}{level}:{reset}{text.removeprefix(f'{level}:')}")

    def progress(self, text: str, share: float) -> None:
        """Draw a bar below the log on a terminal; elsewhere, and on one that cannot draw, say it."""
        if not self._terminal.draws:
            self.say(text)
            return
        done = int(_BAR * min(max(share, 0), 1))
        line = truncate(f"[{'#' * done}{'-' * (_BAR - done)}] {self._line(text)}", max(self._terminal.width - 1, 1))
        with self._lock, suppress(OSError, ValueError):
            self._log.write(f"{_CLEAR}{line}")
            self._log.flush()
            self._drawn = True

    def set_outputs(self, outputs: Mapping[str, str]) -> None:
        """Write the outputs as one line of JSON, if they are asked for. Raises OSError."""
        if self._outputs is None:
            return
        values = {name: self._output(name, self.scrubbed(text)) for name, text in outputs.items()}
        try:
            self._outputs.write(f"{json.dumps(values)}\n")
            self._outputs.flush()
        except ValueError as closed:
            raise OSError from closed

    def add_summary(self, markdown: str) -> None:
        """Show nothing: it is the page of a workflow's run, and the log has said it all."""

    def scrubbed(self, text: str) -> str:
        return self.secrets.scrubbed(text)

    def _output(self, name: str, text: str) -> object:
        """Return an output's value, with the reason, a check's messages and why there was no answer in the words of the log."""
        if name == "reason":
            return self._worded(text)
        value = _array(text) if name in self._lists else text
        if name not in ("checks", "results") or not isinstance(value, list):
            return value
        return [self._entry(each, ours=name == "checks") if isinstance(each, dict) else each for each in value]

    def _entry(self, entry: dict[str, Any], *, ours: bool) -> dict[str, Any]:
        if not ours and not is_cause(str(entry.get("error"))):
            return entry
        return {key: self._worded(said) if key == "message" else said for key, said in entry.items()}

    def _line(self, text: str) -> str:
        return one_line(self._worded(self.scrubbed(text)))

    def _wrapped(self, line: str) -> list[str]:
        indent = " " * (len(line) - len(line.lstrip()))
        if not self._terminal.width:
            return [line]
        parts = wrap(
            line.strip(),
            max(self._terminal.width, 20),
            initial_indent=indent,
            subsequent_indent=f"{indent}  ",
            break_long_words=False,
            break_on_hyphens=False,
        )
        return [one_line(part) for part in parts]  # a word may begin a line now

    def _write(self, text: str) -> None:
        # A log that is full, broken or closed is no reason to stop: the exit code still says what happened.
        with self._lock, suppress(OSError, ValueError):
            self._log.write(f"{_CLEAR if self._drawn else ''}{text}\n")
            self._drawn = False
            self._log.flush()


def _array(text: str) -> object:
    """Return an output that is a JSON array as one; the text, if something that was hidden in it broke it."""
    try:
        return parse_json(text, deepest=DEEPEST + _LEVELS)
    except ValueError:
        return text
