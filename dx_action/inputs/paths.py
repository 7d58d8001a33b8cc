"""Owns which paths an input may name: inside the workspace, outside `.git`. Pure; `workspace` opens them."""

from pathlib import PurePosixPath

from dx_action.errors import InvalidValue

WORKSPACE = PurePosixPath("/github/workspace")
_FORM = "Write a path relative to the repository's root, as in out/failed.jsonl."


def parse_path(text: str) -> str:
    """Give the path relative to the workspace. Raises InvalidValue.

    Symbolic links can be judged only where the file is opened.
    """
    path = PurePosixPath(text)
    if path.is_absolute() and path.is_relative_to(WORKSPACE):
        path = path.relative_to(WORKSPACE)
    if path.is_absolute():
        raise InvalidValue(f"is an absolute path, which the action's container does not share with the runner. {_FORM}")
    if ".." in path.parts:
        raise InvalidValue(f"leads out of the workspace. {_FORM}")
    if not path.parts or text.endswith("/"):
        raise InvalidValue(f"names a folder. {_FORM}")
    if ".git" in (part.lower() for part in path.parts):
        raise InvalidValue(f"lies inside `.git`. {_FORM}")
    if any(ord(character) < 0x20 or character == "\x7f" for character in text):
        raise InvalidValue(f"has a control character in it. {_FORM}")
    return str(path)
