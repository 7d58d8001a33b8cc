"""Owns what the map, Backstage's catalogs and CODEOWNERS have in common: files of the repository that give a path its services."""

from abc import ABC, abstractmethod
from codecs import BOM_UTF8
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from dx_action.errors import InvalidValue
from dx_action.services.service import Service


class Ownership(ABC):
    """Says whose a file is. Paths are relative to the repository's root."""

    @abstractmethod
    def services_at(self, path: str) -> tuple[Service, ...]:
        """Give the services that a changed file belongs to, each once."""

    def services_of(self, paths: Iterable[str]) -> tuple[Service, ...]:
        """Give the services of all these files, each identifier once, in the order of the paths' names."""
        # Files of one folder mostly share the very same answer.
        answers = {id(found): found for found in map(self.services_at, sorted(set(paths)))}
        services: dict[str, Service] = {}
        for service in (service for found in answers.values() for service in found):
            known = services.get(service.identifier)
            if known is None or known.name is None:
                services[service.identifier] = service
        return tuple(services.values())

    def matched(self, paths: Iterable[str]) -> tuple[str, ...]:
        """Give those of the paths that belong to a service."""
        return tuple(path for path in paths if self.services_at(path))


@contextmanager
def naming(name: str) -> Iterator[None]:
    """Put the file's name before what is wrong with it."""
    try:
        yield
    except InvalidValue as wrong:
        raise InvalidValue(f"{name} {wrong}") from None


def text_of(data: bytes | str, limit: int, too_large: str) -> str:
    """Give the text of a file that is not larger than the limit. Raises InvalidValue, with the line of what is not UTF-8."""
    if isinstance(data, str):
        data = data.encode("utf-8", "surrogatepass")
    if len(data) > limit:
        raise InvalidValue(too_large)
    # The codec that passes over the mark tells where an error is as if the mark were not there.
    data = data.removeprefix(BOM_UTF8)
    try:
        return data.decode()
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise InvalidValue(f"is not UTF-8 (line {line}). Save it as UTF-8.") from None
