"""Owns what a backfill's row is: many deployments known by an index, each read again when it is sent. Pure."""

from collections.abc import Sequence
from typing import Protocol

from dx_action.calls import Call


class Rows(Protocol):
    """Rows that were all checked before. Of each, an index is held and no more."""

    def __len__(self) -> int: ...

    def call(self, index: int) -> Call:
        """Read the row again: the bytes of its body are the same each time. Several threads may ask at once."""

    def line(self, index: int) -> int:
        """Give the row's line in its file, from 1 on, for messages."""

    @property
    def times(self) -> Sequence[int]:
        """`deployed_at` in ms since the epoch, by index; 0 for a call of setPullServices, which goes before all others."""

    @property
    def keys(self) -> Sequence[int]:
        """The number of the row's (repository, service, environment), by index; a pull request has one of its own."""

    @property
    def names(self) -> Sequence[tuple[str, str, str]]:
        """(repository, service, environment) by that number."""
