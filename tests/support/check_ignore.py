"""What git itself says of patterns: `git check-ignore` in a repository without files."""

from collections.abc import Sequence
from pathlib import Path

from stand_in import real_git


class Git:
    """A repository in which each list is a .gitignore in a folder of its own."""

    def __init__(self, root: Path) -> None:
        self._root = root
        real_git.git(root, "init", "--quiet")

    def decides(self, lists: Sequence[Sequence[str]], given_paths: Sequence[str]) -> dict[tuple[int, str], str]:
        """Return the pattern that decides about each path by each list's number; empty if none does."""
        for number, texts in enumerate(lists):
            folder = self._root / str(number)
            folder.mkdir(exist_ok=True)
            (folder / ".gitignore").write_text("".join(f"{text}\n" for text in texts))
        asked = "".join(f"{number}/{path}\0" for number in range(len(lists)) for path in given_paths)
        options = ("--no-index", "--stdin", "-z", "-v", "-n")
        fields = real_git.git(self._root, "check-ignore", *options, data=asked.encode(), check=False).split("\0")[:-1]
        found = {}
        for _, _, pattern, path in zip(*(iter(fields),) * 4, strict=True):
            which, _, rest = path.partition("/")
            found[int(which), rest] = pattern
        return found
