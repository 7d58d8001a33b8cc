"""The errors that stop a run before its first call. An answer of DX is a value (see `deployment.calls.Result`), not an error."""

from dataclasses import dataclass
from typing import Literal, Self

Level = Literal["error", "warning", "notice"]


@dataclass(frozen=True, slots=True)
class Problem:
    """What is wrong (`text`, a sentence or two without the value) with `subject`, such as an input's name."""

    subject: str
    text: str

    def __str__(self) -> str:
        return f"`{self.subject}` {self.text}"


class ActionError(Exception):
    """Every problem that was found, so that all can be fixed at once."""

    def __init__(self, *problems: Problem) -> None:
        super().__init__("; ".join(map(str, problems)))
        self.problems = problems

    @classmethod
    def of(cls, subject: str, text: str) -> Self:
        return cls(Problem(subject, text))


class BadInput(ActionError):
    """Inputs that cannot be used, or that are missing."""


class BadEvent(ActionError):
    """The event, its file or the runner's variables cannot be used."""


class InvalidValue(ValueError):
    """A value that cannot be used. The text never quotes the value, which may be a secret."""

    @classmethod
    def at(cls, line: int, what: str, cure: str = "") -> Self:
        """Return the error for one line of a file: what is wrong, then what to do."""
        return cls(f"{what} (line {line}). {cure}".rstrip())


class Interrupted(BaseException):
    """SIGINT or SIGTERM arrived: the job is being cancelled."""
