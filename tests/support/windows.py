"""An interpreter without what Windows lacks: run `python windows.py SCRIPT`, or import it first in a process of its own.

It cannot be Windows. It shows that nothing asks for what is not there, and that files are opened as Windows wants them to be.
"""

import errno
import os
import runpy
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

_O_BINARY = 1 << 29  # a bit that Linux ignores
_KEPT_FLAGS = {"O_RDONLY", "O_WRONLY", "O_RDWR", "O_APPEND", "O_CREAT", "O_EXCL", "O_TRUNC"}
_GONE = frozenset(
    [
        "chown",
        "chroot",
        "confstr",
        "confstr_names",
        "fchdir",
        "fchmod",
        "fchown",
        "fdatasync",
        "fork",
        "forkpty",
        "getegid",
        "geteuid",
        "getgid",
        "getgroups",
        "getpgid",
        "getpgrp",
        "getpriority",
        "getresuid",
        "getsid",
        "getuid",
        "killpg",
        "lchown",
        "lockf",
        "mkfifo",
        "mknod",
        "nice",
        "openpty",
        "pathconf",
        "pathconf_names",
        "pipe2",
        "posix_fadvise",
        "posix_fallocate",
        "pread",
        "preadv",
        "pwrite",
        "pwritev",
        "register_at_fork",
        "sched_getaffinity",
        "sched_yield",
        "sendfile",
        "setsid",
        "statvfs",
        "sync",
        "sysconf",
        "sysconf_names",
        "uname",
    ]
)
_KEPT_SIGNALS = {"SIGABRT", "SIGFPE", "SIGILL", "SIGINT", "SIGSEGV", "SIGTERM"}
_NO_MODULES = ("fcntl", "grp", "posixshmem", "pty", "pwd", "resource", "syslog", "termios", "tty")


def become() -> None:
    """Take away what Windows does not have."""
    for name in [name for name in vars(os) if name in _GONE or (name.startswith("O_") and name not in _KEPT_FLAGS)]:
        delattr(os, name)
    os.O_BINARY = _O_BINARY  # type: ignore[attr-defined]
    for calls in (os.supports_dir_fd, os.supports_fd, os.supports_follow_symlinks):
        calls.clear()
    for name in (
        "link",
        "mkdir",
        "open",
        "readlink",
        "rename",
        "replace",
        "rmdir",
        "stat",
        "symlink",
        "unlink",
        "utime",
    ):
        setattr(os, name, _without_folders(getattr(os, name)))
    os.open, os.rename = _opened(os.open), _renamed(os.rename)
    for name in [name for name in vars(signal) if name.startswith("SIG") and name.isalnum()]:
        if name not in _KEPT_SIGNALS | {"SIG_DFL", "SIG_IGN"}:
            delattr(signal, name)
    for name in ("alarm", "pthread_kill", "pthread_sigmask", "setitimer", "sigwait", "sigtimedwait"):
        delattr(signal, name)
    sys.modules |= dict.fromkeys(_NO_MODULES)  # type: ignore[arg-type]


def _without_folders(call: Callable[..., Any]) -> Callable[..., Any]:
    def called(*args: Any, **more: Any) -> Any:
        if any(more.get(name) is not None for name in ("dir_fd", "src_dir_fd", "dst_dir_fd")):
            raise NotImplementedError("dir_fd unavailable on this platform")
        return call(*args, **more)

    return called


def _opened(call: Callable[..., int]) -> Callable[..., int]:
    def opened(path: Any, flags: int, *args: Any, **more: Any) -> int:
        ours = Path(sys._getframe(1).f_code.co_filename).parts
        assert flags & _O_BINARY or "dx_action" not in ours, "without O_BINARY, ends of lines are changed"
        if isinstance(path, str) and Path(path).is_dir():
            raise PermissionError(errno.EACCES, "Permission denied", path)
        return call(path, flags & ~_O_BINARY, *args, **more)

    return opened


def _renamed(call: Callable[..., None]) -> Callable[..., None]:
    def renamed(old: Any, new: Any, **more: Any) -> None:
        if Path(new).exists():
            raise FileExistsError(errno.EEXIST, "File exists", str(new))
        call(old, new, **more)

    return renamed


if __name__ == "__main__":
    become()
    script = sys.argv[1]
    sys.argv = sys.argv[1:]
    sys.path.insert(0, str(Path(script).resolve().parent))
    runpy.run_path(script, run_name="__main__")
