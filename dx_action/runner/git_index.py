"""The files of a checkout, as git's index lists them (gitformat-index): what lies beside them in the folder is not git's. Pure."""

import struct
from hashlib import sha1

_SIZE, _CHECKSUM = 62, 20
_EXTENDED, _LENGTH = 0x4000, 0x0FFF
_SUBMODULE = 0o160000


def read_index(data: bytes) -> tuple[str, ...]:
    """Return the paths, a submodule's with a slash at its end. Raises ValueError for any index that does not list all of them."""
    body, checksum = data[:-_CHECKSUM], data[-_CHECKSUM:]
    # Zeros if git was told to save the time.
    if checksum not in (bytes(_CHECKSUM), sha1(body, usedforsecurity=False).digest()):
        raise ValueError("no index, or one of a repository with SHA-256")
    try:
        signature, version, count = struct.unpack_from(">4sII", body)
        if signature != b"DIRC" or version not in (2, 3, 4):
            raise ValueError("another version")
        found, end = _entries(body, version, count)
        while end < len(body):
            name, size = struct.unpack_from(">4sI", body, end)
            if name[:1].islower():  # of a split or a sparse index, whose files are elsewhere
                raise ValueError("an extension without which the index cannot be read")
            end += 8 + size
    except (struct.error, IndexError):
        raise ValueError("cut") from None
    return tuple(found)


def _entries(body: bytes, version: int, count: int) -> tuple[dict[str, None], int]:
    found, at, name = dict[str, None](), 12, b""
    for _ in range(count):
        mode = int.from_bytes(body[at + 24 : at + 28])
        flags = int.from_bytes(body[at + 60 : at + 62])
        start = at + _SIZE + (2 if flags & _EXTENDED else 0)
        if version == 4:
            start, removed = _number(body, start)
            if removed > len(name):
                raise ValueError("cut")
            end = body.index(b"\0", start)
            name, at = name[: len(name) - removed] + body[start:end], end + 1
        else:
            end = body.index(b"\0", start + min(flags & _LENGTH, _LENGTH))
            name, at = body[start:end], at + (end - at + 8) // 8 * 8
        found[name.decode(errors="replace") + ("/" if mode == _SUBMODULE else "")] = None
    return found, at


def _number(body: bytes, at: int) -> tuple[int, int]:
    """Return the place after a number of variable width, as in packs, and the number."""
    number = body[at] & 127
    while body[at] & 128:
        at += 1
        number = ((number + 1) << 7) | (body[at] & 127)
    return at + 1, number
