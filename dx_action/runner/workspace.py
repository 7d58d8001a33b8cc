"""The files in the workspace that inputs name, which nothing else reads or writes.

A path is opened part by part from the workspace's folder, so that no symbolic link in it is followed. The action runs as root:
what it creates gets the workspace's owner, or later steps could not change it.
"""

import errno
import os
import re
import stat
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path, PurePosixPath
from typing import IO

from dx_action.errors import InvalidValue

MEBIBYTE = 1 << 20
_NO_FILE = "names something that is not a file."
_REMOTE = r"^[ \t]*url[ \t]*=[ \t]*(\S+)"
_PLAIN = os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK


class NotThere(InvalidValue):
    """The file does not exist."""


class NoFolder(InvalidValue):
    """A folder of the path is a file or a symbolic link."""


def read_regular(path: Path, most: int, *, follow: bool = False) -> bytes:
    """Read a file of at most `most` bytes that is none of an input's; a symbolic link only if it is to `follow`. Raises OSError."""
    flags = os.O_RDONLY | (_PLAIN & ~os.O_NOFOLLOW if follow else _PLAIN)
    with os.fdopen(os.open(path, flags), "rb") as stream:
        if not stat.S_ISREG(os.fstat(stream.fileno()).st_mode):
            raise OSError(errno.EINVAL, _NO_FILE)
        data = stream.read(most + 1)
    if len(data) > most:
        raise OSError(errno.EFBIG, _NO_FILE)
    return data


class Workspace:
    """The workspace's folder. `path` is relative to it, as `parse_path` returns it.

    `debug` writes a line for who debugs the step; `chown` is os.fchown.
    """

    def __init__(
        self,
        root: str,
        debug: Callable[[str], None] = lambda _: None,
        chown: Callable[[int, int, int], None] = os.fchown,
    ) -> None:
        self._root, self._debug, self._chown = root, debug, chown

    def is_checkout(self, repository: str) -> bool:
        """Return whether this repository, owner/name, is checked out here completely."""
        git = Path(self._root, ".git")
        if not self._root or not git.exists() or git.is_symlink() or (git / "info" / "sparse-checkout").exists():
            return False
        try:
            text = self.read(".git/config").decode(errors="replace")
        except (NotThere, NoFolder):  # of a linked worktree or a submodule, `.git` is a file
            return True
        except InvalidValue:
            return False
        names = [url.casefold().rstrip("/").removesuffix(".git") for url in re.findall(_REMOTE, text, re.MULTILINE)]
        return not names or any(
            name.endswith((f"/{repository.casefold()}", f":{repository.casefold()}")) for name in names
        )

    def read(self, path: str, most: int = MEBIBYTE) -> bytes:
        """Read a file of at most `most` bytes. Raises NotThere, InvalidValue."""
        with self.opened(path) as file:
            data = file.read(most + 1)
        if len(data) > most:
            raise InvalidValue(f"names a file of more than {most // MEBIBYTE} MiB.")
        return data

    @contextmanager
    def opened(self, path: str) -> Iterator[IO[bytes]]:
        """Open a file for reading until the context ends. Raises NotThere, InvalidValue."""
        with self._opened(path, os.O_RDONLY, make=False) as file, os.fdopen(file, "rb", closefd=False) as stream:
            yield stream

    @contextmanager
    def replacing(self, path: str) -> Iterator[IO[bytes]]:
        """Replace a file atomically when the context ends without an error. Raises InvalidValue."""
        *folders, name = PurePosixPath(path).parts
        part = f".{name[:200]}.part"
        with self._folders(folders, make=True) as folder:
            with suppress(FileNotFoundError):
                if not stat.S_ISREG(os.stat(name, dir_fd=folder, follow_symlinks=False).st_mode):
                    raise InvalidValue(_NO_FILE)
            with suppress(FileNotFoundError):
                os.unlink(part, dir_fd=folder)
            file = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL | _PLAIN, 0o644, dir_fd=folder)
            try:
                with os.fdopen(file, "wb") as stream:
                    self._hand_over(file)
                    yield stream
                os.rename(part, name, src_dir_fd=folder, dst_dir_fd=folder)
            except BaseException:
                with suppress(FileNotFoundError):  # a signal may come just after the renaming
                    os.unlink(part, dir_fd=folder)
                raise

    def append(self, path: str, data: bytes) -> None:
        """Append all of the lines or, on an error, none; without any, only make sure that it is possible.

        Creates the file and its folders. Raises InvalidValue.
        """
        with self._opened(path, os.O_RDWR | os.O_APPEND | os.O_CREAT, make=True) as file:
            self._hand_over(file)
            size = os.fstat(file).st_size
            if data and size and os.pread(file, 1, size - 1) != b"\n":
                data = b"\n" + data  # a line that was cut stays a line of its own
            try:
                while data:
                    data = data[os.write(file, data) :]
            except BaseException:
                os.ftruncate(file, size)
                raise

    @contextmanager
    def _opened(self, path: str, flags: int, *, make: bool) -> Iterator[int]:
        *folders, name = PurePosixPath(path).parts
        with self._folders(folders, make=make) as folder:
            file = os.open(name, flags | _PLAIN, 0o644, dir_fd=folder)
            try:
                if not stat.S_ISREG(os.fstat(file).st_mode):
                    raise InvalidValue(_NO_FILE)
                yield file
            finally:
                os.close(file)

    @contextmanager
    def _folders(self, folders: Sequence[str], *, make: bool) -> Iterator[int]:
        """Open the innermost folder. Raises InvalidValue for any OSError within its context."""
        if not self._root:
            raise InvalidValue("names a file, but GITHUB_WORKSPACE is empty.")
        opened: list[int] = []
        try:
            opened.append(os.open(self._root, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC))
            for folder in folders:
                opened.append(self._folder(folder, opened[-1], make=make))
            yield opened[-1]
        except FileNotFoundError:
            raise NotThere(
                "names a file that is not in the workspace. Check the path, and that an earlier step created the file."
            ) from None
        except OSError as error:
            raise (NoFolder if error.errno == errno.ENOTDIR else InvalidValue)(
                "names a file that cannot be opened or written: it is a symbolic link or a folder, access is denied, "
                "or the disk is full."
            ) from None
        finally:
            for each in reversed(opened):
                os.close(each)

    def _folder(self, name: str, parent: int, *, make: bool) -> int:
        flags = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
        try:
            return os.open(name, flags, dir_fd=parent)
        except FileNotFoundError:
            if not make:
                raise
        os.mkdir(name, 0o755, dir_fd=parent)
        folder = os.open(name, flags, dir_fd=parent)
        self._hand_over(folder)
        return folder

    def _hand_over(self, file: int) -> None:
        """Give a file to the workspace's owner. A user namespace, a lost capability or a file system may forbid that."""
        if os.geteuid() == 0:
            owner = Path(self._root).stat()
            try:
                self._chown(file, owner.st_uid, owner.st_gid)
            except OSError as error:
                code = errno.errorcode.get(error.errno or 0, "no code")
                self._debug(
                    f"A written file stays root's, because it cannot be given to the workspace's owner ({code})."
                )
