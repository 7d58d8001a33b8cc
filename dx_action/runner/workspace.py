"""The files in the workspace that inputs name, which nothing else reads or writes.

A path is opened part by part from the workspace's folder, so that no symbolic link in it is followed. In the container the action
runs as root: what it creates gets the workspace's owner, or later steps could not change it.

Windows opens nothing relative to an open folder, refuses no link while it opens, and has no owners to give a file to. There each
part is looked at just before it is opened: a link that another process puts there in between is followed.
"""

import errno
import os
import re
import stat
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path, PurePosixPath
from typing import IO, NamedTuple

from dx_action.errors import InvalidValue

MEBIBYTE = 1 << 20
# A million files have one of 100 MB.
_LARGEST_INDEX = 128 * MEBIBYTE
_NO_FILE = "something that is not a file."
_REMOTE = r"^[ \t]*url[ \t]*=[ \t]*(\S+)"
# Whether a name is opened relative to an open folder, and no link is followed there.
_RELATIVE = hasattr(os, "O_NOFOLLOW") and os.open in os.supports_dir_fd


def _flags(*names: str) -> int:
    """Return the flags that this system has. Those of Windows have a file read and written as it is."""
    return sum(getattr(os, name, 0) for name in names)


_NO_FOLLOW = _flags("O_NOFOLLOW")
_PLAIN = _NO_FOLLOW | _flags("O_CLOEXEC", "O_NONBLOCK", "O_BINARY", "O_NOINHERIT")
_FOLDER = _NO_FOLLOW | _flags("O_DIRECTORY", "O_CLOEXEC")
_CHOWN: Callable[[int, int, int], None] | None = getattr(os, "fchown", None)
_REPARSE_POINT = 0x400  # FILE_ATTRIBUTE_REPARSE_POINT: symbolic links, junctions and their kind
# What Windows takes for something else than a file's name: a drive, a stream, a wildcard, a device, a short form.
_NOT_ON_WINDOWS = re.compile(
    r"""[<>:"|?*\\\x00-\x1f]|[ .]\Z|~\d|\A(?:con|prn|aux|nul|com[\d¹²³]|lpt[\d¹²³]|conin\$|conout\$)\s*(?:\.|\Z)""",
    re.IGNORECASE,
)


class NotThere(InvalidValue):
    """The file does not exist."""


class Unusable(InvalidValue):
    """There is no file that can be used: `what` is there instead. An input names it; of a well-known file it is what it is."""

    def __init__(self, what: str) -> None:
        super().__init__(f"names {what}")
        self.what = what


class NoFolder(Unusable):
    """A folder of the path is a file or a symbolic link."""


def read_regular(path: Path, most: int, *, follow: bool = False) -> bytes:
    """Read a file of at most `most` bytes that is none of an input's; a symbolic link only if it is to `follow`. Raises OSError."""
    if not (follow or _RELATIVE):
        _refuse_link(path)
    flags = os.O_RDONLY | (_PLAIN & ~_NO_FOLLOW if follow else _PLAIN)
    with os.fdopen(os.open(path, flags), "rb") as stream:
        if not stat.S_ISREG(os.fstat(stream.fileno()).st_mode):
            raise OSError(errno.EINVAL, _NO_FILE)
        data = stream.read(most + 1)
    if len(data) > most:
        raise OSError(errno.EFBIG, _NO_FILE)
    return data


def read_at(file: int, offset: int, length: int) -> bytes:
    """Read so many bytes from an offset. Where a system cannot do that at once, no two threads may."""
    if hasattr(os, "pread"):
        return os.pread(file, length, offset)
    os.lseek(file, offset, os.SEEK_SET)
    return os.read(file, length)


class _Folder(NamedTuple):
    """A folder that is open; without `descriptor`, only looked at."""

    path: str
    descriptor: int | None

    def name(self, name: str, refusal: int = errno.ELOOP) -> str:
        """Return what a call takes for a name in this folder, together with `descriptor`. Raises OSError."""
        if self.descriptor is not None:
            return name
        if _NOT_ON_WINDOWS.search(name):
            raise OSError(errno.EINVAL, _NO_FILE)
        path = os.path.join(self.path, name)  # noqa: PTH118 - a Path would drop dots
        with suppress(FileNotFoundError):
            _refuse_link(path, refusal)
        return path

    def open(self, name: str, flags: int) -> int:
        return os.open(self.name(name), flags | _PLAIN, 0o644, dir_fd=self.descriptor)

    def stat(self, name: str) -> os.stat_result:
        return os.stat(self.name(name), dir_fd=self.descriptor, follow_symlinks=False)

    def unlink(self, name: str) -> None:
        os.unlink(self.name(name), dir_fd=self.descriptor)

    def replace(self, name: str, by: str) -> None:
        os.replace(self.name(by), self.name(name), src_dir_fd=self.descriptor, dst_dir_fd=self.descriptor)

    def make(self, name: str) -> None:
        os.mkdir(self.name(name), 0o755, dir_fd=self.descriptor)

    def inner(self, name: str) -> "_Folder":
        """Open a folder in it. Raises OSError."""
        return _enter(self.name(name, errno.ENOTDIR), _FOLDER, self.descriptor)

    def close(self) -> None:
        if self.descriptor is not None:
            os.close(self.descriptor)


def _enter(path: str, flags: int, parent: int | None = None) -> _Folder:
    if _RELATIVE:
        return _Folder(path, os.open(path, os.O_RDONLY | flags, dir_fd=parent))
    if not stat.S_ISDIR(Path(path).stat().st_mode):
        raise NotADirectoryError(errno.ENOTDIR, _NO_FILE)
    return _Folder(path, None)


def _refuse_link(path: str | Path, refusal: int = errno.ELOOP) -> None:
    found = os.lstat(path)
    if stat.S_ISLNK(found.st_mode) or getattr(found, "st_file_attributes", 0) & _REPARSE_POINT:
        raise OSError(refusal, _NO_FILE)


class Workspace:
    """The workspace's folder. `path` is relative to it, as `parse_path` returns it.

    `debug` writes a line for who debugs the step; `chown` is os.fchown, where there is one.
    """

    def __init__(
        self,
        root: str,
        debug: Callable[[str], None] = lambda _: None,
        chown: Callable[[int, int, int], None] | None = _CHOWN,
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

    def tracked(self) -> tuple[str, ...] | None:
        """Return every path of the checkout here, as git lists them; None if that cannot be read."""
        from dx_action.runner.git_index import read_index  # noqa: PLC0415 - only a check of the inputs looks at all files

        try:
            return read_index(self.read(".git/index", _LARGEST_INDEX))
        except ValueError:  # InvalidValue is one
            return None

    def has(self, path: str | None) -> bool:
        """Return whether there is a file that can be read."""
        with suppress(InvalidValue):
            if path:
                with self.opened(path):
                    return True
        return False

    def read(self, path: str, most: int = MEBIBYTE) -> bytes:
        """Read a file of at most `most` bytes. Raises NotThere, InvalidValue."""
        with self.opened(path) as file:
            data = file.read(most + 1)
        if len(data) > most:
            raise Unusable(f"a file of more than {most // MEBIBYTE} MiB.")
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
                if not stat.S_ISREG(folder.stat(name).st_mode):
                    raise Unusable(_NO_FILE)
            with suppress(FileNotFoundError):
                folder.unlink(part)
            file = folder.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL)
            try:
                with os.fdopen(file, "wb") as stream:
                    self._hand_over(file)
                    yield stream
                folder.replace(name, part)
            except BaseException:
                with suppress(FileNotFoundError):  # a signal may come just after the renaming
                    folder.unlink(part)
                raise

    def append(self, path: str, data: bytes) -> None:
        """Append all of the lines or, on an error, none; without any, only make sure that it is possible.

        Creates the file and its folders. Raises InvalidValue.
        """
        with self._opened(path, os.O_RDWR | os.O_APPEND | os.O_CREAT, make=True) as file:
            self._hand_over(file)
            size = os.fstat(file).st_size
            if data and size and read_at(file, size - 1, 1) != b"\n":
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
            file = folder.open(name, flags)
            try:
                if not stat.S_ISREG(os.fstat(file).st_mode):
                    raise Unusable(_NO_FILE)
                yield file
            finally:
                os.close(file)

    @contextmanager
    def _folders(self, folders: Sequence[str], *, make: bool) -> Iterator[_Folder]:
        """Open the innermost folder. Raises InvalidValue for any OSError within its context."""
        if not self._root:
            raise InvalidValue("names a file, but GITHUB_WORKSPACE is empty.")
        opened: list[_Folder] = []
        try:
            opened.append(_enter(self._root, _FOLDER & ~_NO_FOLLOW))
            for folder in folders:
                opened.append(self._folder(folder, opened[-1], make=make))
            yield opened[-1]
        except FileNotFoundError:
            raise NotThere(
                "names a file that is not in the workspace. Check the path, and that an earlier step created the file."
            ) from None
        except OSError as error:
            raise (NoFolder if error.errno == errno.ENOTDIR else Unusable)(
                "a file that cannot be opened or written: it is a symbolic link or a folder, access is denied, "
                "or the disk is full."
            ) from None
        finally:
            for each in reversed(opened):
                each.close()

    def _folder(self, name: str, parent: _Folder, *, make: bool) -> _Folder:
        try:
            return parent.inner(name)
        except FileNotFoundError:
            if not make:
                raise
        parent.make(name)
        folder = parent.inner(name)
        if folder.descriptor is not None:
            self._hand_over(folder.descriptor)
        return folder

    def _hand_over(self, file: int) -> None:
        """Give a file to the workspace's owner. A user namespace, a lost capability or a file system may forbid that."""
        if self._chown and os.geteuid() == 0:
            owner = Path(self._root).stat()
            try:
                self._chown(file, owner.st_uid, owner.st_gid)
            except OSError as error:
                code = errno.errorcode.get(error.errno or 0, "no code")
                self._debug(
                    f"A written file stays root's, because it cannot be given to the workspace's owner ({code})."
                )
