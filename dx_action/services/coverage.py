"""What a service map, catalogs or CODEOWNERS say of all files of a repository. Pure, but for what `ownership` reads."""

from collections import Counter
from collections.abc import Iterable
from typing import NamedTuple

from dx_action.services.service import Ownership

MOST_FOLDERS = 10


class Coverage(NamedTuple):
    """The patterns that match no file, the services that own none, and how many files no service owns.

    `folders` are the largest of those: the uppermost folder below which no file has an owner, else the file's own.
    """

    files: int
    dead: tuple[str, ...]
    without_files: tuple[str, ...]
    unowned: int
    folders: tuple[tuple[str, int], ...]


def coverage(ownership: Ownership, paths: Iterable[str], apart: str = "") -> Coverage:
    """Look at each file once. A file of the name `apart` alone is nothing to own. Raises what `ownership` raises."""
    every = sorted(paths)
    services, unowned = set[str](), list[str]()
    owned = {""}  # folders below which a file has an owner
    for path in every:
        found = ownership.services_at(path)
        if not found:
            unowned.append(path)
            continue
        if path.rpartition("/")[2] != apart:
            services.update(service.identifier for service in found)
        folder = path.rstrip("/").rpartition("/")[0]
        while folder not in owned:
            owned.add(folder)
            folder = folder.rpartition("/")[0]
    counts = Counter(_folder(path, owned) for path in unowned)
    largest = sorted(counts.items(), key=lambda item: (-item[1], item[0]))[:MOST_FOLDERS]
    known = dict.fromkeys(service.identifier for service in ownership.known(every))
    without = tuple(identifier for identifier in known if identifier not in services)
    return Coverage(len(every), ownership.dead(every), without, len(unowned), tuple(largest))


def _folder(path: str, owned: set[str]) -> str:
    folder, _, _ = path.rstrip("/").rpartition("/")
    end = path.find("/")
    while 0 <= end < len(folder):
        if path[:end] not in owned:
            return f"{path[:end]}/"
        end = path.find("/", end + 1)
    return f"{folder}/"
