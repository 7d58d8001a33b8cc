"""Owns the forms of a row's cells: a text, or in JSON Lines a value of JSON, in the words that the inputs have for them. Pure."""

import json
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any, TypeVar

from dx_action.errors import InvalidValue, Problem
from dx_action.inputs import values
from dx_action.inputs.metadata import parse_metadata
from dx_action.inputs.times import parse_time
from dx_action.inputs.values import parse_services, services_in_json
from dx_action.services.service import Service

T = TypeVar("T")


class Cells:
    """A row's cells, but for blank ones, and what is wrong with them. `known` are the columns that it may have."""

    def __init__(self, cells: Mapping[str, object], known: Sequence[str]) -> None:
        self._cells = {column: value for column, value in cells.items() if not _is_blank(value)}
        self.problems: list[Problem] = []
        if strange := [name for name in self._cells if name not in known]:
            names = ", ".join(f"`{name}`" for name in known)
            self.wrong(strange[0][:60], f"is no field of this method. It has {names}.")

    def __contains__(self, column: str) -> bool:
        return column in self._cells

    def read(self, column: str, form: Callable[[object], T]) -> T | None:
        """Read a cell, or None where it is empty or wrong."""
        if column not in self._cells:
            return None
        try:
            return form(self._cells[column])
        except InvalidValue as wrong:
            self.wrong(column, str(wrong))
            return None

    def wrong(self, column: str, text: str) -> None:
        """Note what is wrong with a column."""
        self.problems.append(Problem(column, text))


def text(form: Callable[[str], T]) -> Callable[[object], T]:
    """Read a text by the form of an input. All of these raise InvalidValue."""

    def read(value: object) -> T:
        if not isinstance(value, str):
            raise InvalidValue("is not text. Write it in quotes.")
        try:
            value.encode()
        except UnicodeEncodeError:
            raise InvalidValue("is not valid text (UTF-8).") from None
        return form(value.strip())

    return read


line = text(values.parse_line)
sha = text(values.parse_sha)
url = text(values.parse_url)
method = text(values.parse_choice("create", "upsert"))


def moment(value: object) -> datetime:
    """Read a time, also as a number."""
    return text(parse_time)(str(value) if _is_number(value) else value)


def number(value: object) -> int:
    """Read a number from one on."""
    return text(values.parse_number)(str(value) if _is_number(value) else value)


def success(value: object) -> bool:
    """Read whether it succeeded."""
    outcome = text(values.parse_outcome)(str(value) if isinstance(value, bool) else value)
    if outcome == "skip":
        raise InvalidValue("says that nothing was deployed. Leave the row out.")
    return outcome == "success"


def flag(value: object) -> bool:
    """Read `true` or `false`."""
    return text(values.parse_flag)(str(value) if isinstance(value, bool) else value)


def service(value: object) -> Service:
    """Read the one service of a row."""
    found = text(parse_services)(value) if isinstance(value, str) else services_in_json(value)
    if len(found) > 1:
        raise InvalidValue("names several services, and a row is the deployment of one. Write a row for each.")
    return found[0]


def services(value: object) -> tuple[Service, ...]:
    """Read the services of a pull request, which may be none."""
    return services_in_json(value) if value else ()


def shas(value: object) -> tuple[str, ...]:
    """Read a list of commits."""
    return text(values.parse_shas)(json.dumps(value) if isinstance(value, list) else value)


def metadata(value: object) -> dict[str, Any]:
    """Read an object."""
    return text(parse_metadata)(value if isinstance(value, str) else json.dumps(value))


def _is_number(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _is_blank(value: object) -> bool:
    return value is None or (isinstance(value, str) and not value.strip())
