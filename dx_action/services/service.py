"""A service, and the ownership of files that the service map, Backstage and CODEOWNERS have in common. Pure."""

import re
from abc import ABC, abstractmethod
from codecs import BOM_UTF8
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import NamedTuple

from dx_action.errors import InvalidValue
from dx_action.text import join_names, one_line, slip

CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")
# Of a changed path and of a pattern, in bytes, as Linux bounds a path.
LONGEST_PATH = 4096
SERVICE_FORM = (
    'Write identifier or identifier=Display Name, one a line, or JSON: [{"identifier": "web", "name": "Web"}].'
)


class Service(NamedTuple):
    """A service of DX: deployments, incidents and the catalog share its `identifier`."""

    identifier: str
    name: str | None = None

    def as_json(self) -> dict[str, str]:
        """Return the `service` object of deployments.create."""
        return {"identifier": self.identifier} | ({} if self.name is None else {"name": self.name})


def flaw(identifier: str, name: str | None, *, literal: bool = False) -> tuple[str, str] | None:
    """Return what is wrong with a service, as a clause after "a service", and what to do if that is not plain."""
    if not identifier:
        return "without an identifier", ""
    if CONTROL.search(identifier) or CONTROL.search(name or ""):
        return "with a line break or another control character in it", ""
    found = None if literal else slip(identifier) or slip(name or "")
    return (f"that {found[0]}", found[1]) if found else None


def checked(identifier: str, name: str | None, *, literal: bool = False) -> Service:
    """Return the service. Raises InvalidValue for one that nobody can have meant, or if it is `literal`, that cannot be sent."""
    if found := flaw(identifier, name, literal=literal):
        raise InvalidValue(f"has a service {found[0]}. {found[1] or SERVICE_FORM}")
    return Service(identifier, name)


def check_paths(paths: Iterable[str]) -> None:
    """Raise InvalidValue if a changed path is too long to be matched."""
    if any(len(path.encode("utf-8", "surrogatepass")) > LONGEST_PATH for path in paths):
        raise InvalidValue(f"a changed path has more than {LONGEST_PATH:,} bytes, and is matched with no pattern.")


def space_warnings(services: Iterable[Service]) -> tuple[str, ...]:
    """Return a warning if someone wrote identifiers with a space in them, and no name to them: a list may be meant."""
    found = [one_line(service.identifier) for service in services if " " in service.identifier and not service.name]
    text = (
        f"`service` has an identifier with a space, which DX gets as one service: {join_names(found)}. Write several services one "
        "a line, with commas or as a JSON array; if it is one, write identifier=Display Name."
    )
    return (text,) * bool(found)


def by_name(repository: str) -> Service:
    """Return the service that a repository's own name stands for."""
    return Service(repository.rstrip("/").rpartition("/")[2] or repository)


class Ownership(ABC):
    """The services of each file. Paths are relative to the repository's root; a submodule's ends with a slash, as a folder's."""

    @abstractmethod
    def services_at(self, path: str) -> tuple[Service, ...]:
        """Return the services that a changed file belongs to, each once."""

    def services_of(self, paths: Iterable[str]) -> tuple[Service, ...]:
        """Return the services of all these files, each identifier once, sorted by path."""
        # Files of one folder mostly share the very same answer.
        answers = {id(found): found for found in map(self.services_at, sorted(set(paths)))}
        services: dict[str, Service] = {}
        for service in (service for found in answers.values() for service in found):
            known = services.get(service.identifier)
            if known is None or known.name is None:
                services[service.identifier] = service
        return tuple(services.values())

    def depends_on_folders(self, paths: Iterable[str]) -> bool:
        """Return whether any of these files would belong to other services if it were a folder."""
        return any(self.services_at(path) != self.services_at(f"{path}/") for path in sorted(paths))

    @abstractmethod
    def known(self, paths: Iterable[str]) -> tuple[Service, ...]:
        """Return every service that there is; `paths` are all files. Raises InvalidValue for what cannot be read."""

    def dead(self, paths: Iterable[str]) -> tuple[str, ...]:  # noqa: ARG002 - catalogs have no patterns
        """Return the patterns that match none of all files, each with its line."""
        return ()

    def matched(self, paths: Iterable[str]) -> tuple[str, ...]:
        """Return the paths that belong to any service."""
        return tuple(path for path in paths if self.services_at(path))


@contextmanager
def naming(name: str) -> Iterator[None]:
    """Put the file's name at the beginning of an InvalidValue."""
    try:
        yield
    except InvalidValue as wrong:
        raise InvalidValue(f"{name} {wrong}") from None


def text_of(data: bytes | str, limit: int, too_large: str) -> str:
    """Return a file's text. Raises InvalidValue if it has more than `limit` bytes or is not UTF-8, then with the line."""
    if isinstance(data, str):
        data = data.encode("utf-8", "surrogatepass")
    if len(data) > limit:
        raise InvalidValue(too_large)
    # The codec that drops the byte order mark counts an error's position without it.
    data = data.removeprefix(BOM_UTF8)
    try:
        return data.decode()
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise InvalidValue.at(line, "is not UTF-8", "Save it as UTF-8.") from None
