"""Which paths an input may name, and the files of the workspace, read and written without a way out of it."""

import errno
import os
import resource
import socket
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dx_action.errors import InvalidValue
from dx_action.inputs.values import parse_path
from dx_action.runner.workspace import Workspace

MEBIBYTE = 1 << 20
ROOT = os.geteuid() == 0
OWNER = (1001, 127) if ROOT else (os.getuid(), os.getgid())
Use = Callable[[Workspace, str], object]


def read(workspace: Workspace, path: str) -> bytes:
    return workspace.read(path)


def append(workspace: Workspace, path: str) -> None:
    workspace.append(path, b"more\n")


def can_append(workspace: Workspace, path: str) -> None:
    workspace.append(path, b"")


USES = pytest.mark.parametrize("use", [read, append, can_append])


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    """A workspace as the runner makes it: not root's."""
    folder = tmp_path / "workspace"
    folder.mkdir()
    os.chown(folder, *OWNER)
    before, mask = open_files(), os.umask(0o022)
    yield folder
    os.umask(mask)
    assert open_files() == before


def open_files() -> int:
    return len(os.listdir("/dev/fd"))  # noqa: PTH208 - it is closed by the time a Path would look


@pytest.fixture
def workspace(folder: Path) -> Workspace:
    return Workspace(str(folder))


def owner(path: Path) -> tuple[int, int]:
    found = path.lstat()
    return found.st_uid, found.st_gid


@pytest.mark.parametrize(
    ("text", "path"),
    [
        ("failed.jsonl", "failed.jsonl"),
        ("out/failed.jsonl", "out/failed.jsonl"),
        ("./out//failed.jsonl", "out/failed.jsonl"),
        ("/github/workspace/out/failed.jsonl", "out/failed.jsonl"),
        ("/github/workspace//x", "x"),
        ("with a space, zoë/☃", "with a space, zoë/☃"),
        (".gitignore", ".gitignore"),
        (".github/services.yml", ".github/services.yml"),
        ("repo.git/x", "repo.git/x"),
        ("..x/x..", "..x/x.."),
        ("-rf", "-rf"),
    ],
)
def test_paths_that_may_be_named(text: str, path: str) -> None:
    assert parse_path(text) == path
    assert parse_path(path) == path


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("/etc/passwd", "is an absolute path"),
        ("/", "is an absolute path"),
        ("//github/workspace/x", "is an absolute path"),
        ("/github/home/.netrc", "is an absolute path"),
        ("/github/workspaces/x", "is an absolute path"),
        ("/home/runner/work/repo/repo/x", "is an absolute path"),
        ("..", "leads out of the workspace"),
        ("../x", "leads out of the workspace"),
        ("a/../x", "leads out of the workspace"),
        ("a/b/..", "leads out of the workspace"),
        ("/github/workspace/../home/x", "leads out of the workspace"),
        ("", "names a folder"),
        (".", "names a folder"),
        ("./", "names a folder"),
        ("out/", "names a folder"),
        ("/github/workspace", "names a folder"),
        ("/github/workspace/", "names a folder"),
        (".git", "is inside `.git`"),
        (".git/config", "is inside `.git`"),
        ("./.git/hooks/post-checkout", "is inside `.git`"),
        ("sub/.git/config", "is inside `.git`"),
        (".GIT/config", "is inside `.git`"),
        ("/github/workspace/.git/config", "is inside `.git`"),
        ("a\nb", "has a control character"),
        ("a\r::error::b", "has a control character"),
        ("a\x00b", "has a control character"),
        ("a\x7fb", "has a control character"),
    ],
)
def test_paths_that_may_not(text: str, sentence: str) -> None:
    with pytest.raises(InvalidValue) as raised:
        parse_path(text)
    assert str(raised.value).startswith(sentence)


@pytest.mark.parametrize("text", ["/s3cret", "../s3cret", "s3cret/", ".git/s3cret", "s3cret\n"])
def test_a_path_is_not_repeated(text: str) -> None:
    with pytest.raises(InvalidValue) as raised:
        parse_path(text)
    assert "s3cret" not in str(raised.value)


@given(st.lists(st.sampled_from(["", ".", "..", ".git", ".Git", "a", "github", "workspace", "\n", "é"])).map("/".join))
@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_a_path_that_may_be_named_stays_inside(text: str) -> None:
    try:
        path = parse_path(text)
    except InvalidValue:
        return
    parts = path.split("/")
    assert not {"", ".", "..", "\n"} & set(parts)
    assert ".git" not in [part.lower() for part in parts]


def test_a_file_is_read_whole(folder: Path, workspace: Workspace) -> None:
    (folder / "deep" / "er").mkdir(parents=True)
    content = bytes(range(256)) * 1000
    (folder / "deep" / "er" / "file").write_bytes(content)
    assert workspace.read("deep/er/file") == content
    (folder / "empty").touch()
    assert workspace.read("empty") == b""


@pytest.mark.parametrize("path", ["missing", "deep/missing", "no/such/folder"])
def test_reading_makes_nothing(folder: Path, workspace: Workspace, path: str) -> None:
    (folder / "deep").mkdir()
    with pytest.raises(InvalidValue, match="is not in the workspace"):
        workspace.read(path)
    assert list(folder.rglob("*")) == [folder / "deep"]


@pytest.mark.parametrize("size", [MEBIBYTE + 1, 3 * MEBIBYTE, 1 << 33])
def test_no_more_than_a_mebibyte_is_read(folder: Path, workspace: Workspace, size: int) -> None:
    file = folder / "file"
    with file.open("wb") as opened:
        opened.truncate(size)
    with pytest.raises(InvalidValue, match="more than 1 MiB"):
        workspace.read("file")
    os.truncate(file, MEBIBYTE)
    assert workspace.read("file") == b"\x00" * MEBIBYTE


def test_appending_makes_the_file_and_its_folders(folder: Path, workspace: Workspace) -> None:
    workspace.append("out/of/it/failed.jsonl", b"one\n")
    workspace.append("out/of/it/failed.jsonl", b"two\n")
    workspace.append("out/of/other.jsonl", b"x" * 300_000)
    assert (folder / "out/of/it/failed.jsonl").read_bytes() == b"one\ntwo\n"
    assert (folder / "out/of/other.jsonl").stat().st_size == 300_000
    modes = {path.name: path.stat().st_mode & 0o7777 for path in folder.rglob("*")}
    assert modes == {"out": 0o755, "of": 0o755, "it": 0o755, "failed.jsonl": 0o644, "other.jsonl": 0o644}


def test_what_was_there_is_kept(folder: Path, workspace: Workspace) -> None:
    (folder / "failed.jsonl").write_bytes(b"zero")
    workspace.append("failed.jsonl", b"")
    assert (folder / "failed.jsonl").read_bytes() == b"zero"
    workspace.append("failed.jsonl", b"one\n")
    assert (folder / "failed.jsonl").read_bytes() == b"zero\none\n"


def test_what_can_be_appended_to_is_there_afterwards(folder: Path, workspace: Workspace) -> None:
    workspace.append("out/failed.jsonl", b"")
    assert (folder / "out/failed.jsonl").read_bytes() == b""
    assert owner(folder / "out/failed.jsonl") == OWNER


def test_what_was_made_is_the_workspace_s_owner_s(folder: Path, workspace: Workspace) -> None:
    (folder / "mine").mkdir()
    (folder / "failed.jsonl").touch()
    mine = owner(folder / "mine")
    for path in ("out/of/failed.jsonl", "mine/failed.jsonl", "failed.jsonl"):
        workspace.append(path, b"more\n")
        assert owner(folder / path) == OWNER
    assert owner(folder / "out") == owner(folder / "out/of") == OWNER
    # A folder that was there already is left as it was.
    assert owner(folder / "mine") == mine


def test_a_file_is_replaced_at_once(folder: Path, workspace: Workspace) -> None:
    (folder / "rows.jsonl").write_bytes(b"old\n")
    (folder / ".rows.jsonl.part").symlink_to("/etc/passwd")
    with (folder / "rows.jsonl").open("rb") as before:
        with workspace.replacing("rows.jsonl") as file:
            file.write(b"new\n")
            file.flush()
            assert (folder / "rows.jsonl").read_bytes() == b"old\n"
        assert before.read() == b"old\n"
    assert (folder / "rows.jsonl").read_bytes() == b"new\n"
    assert owner(folder / "rows.jsonl") == OWNER
    assert os.listdir(folder) == ["rows.jsonl"]  # noqa: PTH208


def test_a_file_stays_where_its_replacement_broke(folder: Path, workspace: Workspace) -> None:
    (folder / "rows.jsonl").write_bytes(b"old\n")
    with suppress(KeyboardInterrupt), workspace.replacing("rows.jsonl") as file:
        file.write(b"new\n")
        raise KeyboardInterrupt
    assert [(path.name, path.read_bytes()) for path in folder.iterdir()] == [("rows.jsonl", b"old\n")]


@USES
@pytest.mark.parametrize(
    ("link", "target", "path"),
    [
        ("file", "/etc/passwd", "file"),
        ("file", "../outside/file", "file"),
        ("file", "inside", "file"),
        ("file", "nowhere", "file"),
        ("file", "../outside/new", "file"),
        ("file", "file", "file"),
        ("deep/file", "../inside", "deep/file"),
        ("folder", "../outside", "folder/file"),
        ("folder", "../outside", "folder/new"),
        ("folder", "deep", "folder/file"),
        ("folder", ".", "folder/inside"),
        ("folder", "nowhere", "folder/file"),
        ("deep/folder", "../../outside", "deep/folder/file"),
        ("deep/folder", "/", "deep/folder/etc/passwd"),
        ("folder", ".git", "folder/config"),
    ],
)
def test_no_symbolic_link_is_followed(
    folder: Path, workspace: Workspace, use: Use, link: str, target: str, path: str
) -> None:
    outside = folder.parent / "outside"
    for each in (outside, folder / "deep", folder / ".git"):
        each.mkdir()
    for file in (outside / "file", folder / "inside", folder / ".git" / "config"):
        file.write_text("as it was")
    (folder / link).symlink_to(target)
    before = tree(folder.parent)
    with pytest.raises(InvalidValue, match="it is a symbolic link or a folder"):
        use(workspace, path)
    assert tree(folder.parent) == before


def tree(folder: Path) -> dict[str, tuple[int, bytes]]:
    files = {str(path): path for path in folder.rglob("*")}
    return {
        name: (path.lstat().st_uid, path.read_bytes() if path.is_file() and not path.is_symlink() else b"")
        for name, path in files.items()
    }


def test_the_workspace_itself_may_be_a_link(folder: Path) -> None:
    link = folder.parent / "link"
    link.symlink_to(folder)
    Workspace(str(link)).append("out/file", b"x")
    assert Workspace(str(link)).read("out/file") == b"x"
    assert owner(folder / "out/file") == OWNER


@contextmanager
def something_odd(path: Path, kind: str) -> Iterator[None]:
    with ExitStack() as stack:
        if kind == "folder":
            path.mkdir()
        elif kind == "socket":
            bound = stack.enter_context(socket.socket(socket.AF_UNIX))
            here = Path.cwd()
            os.chdir(path.parent)  # A socket's path may not be long.
            stack.callback(os.chdir, here)
            bound.bind(path.name)
        else:
            os.mkfifo(path)
            if kind == "fifo with a reader":
                stack.callback(os.close, os.open(path, os.O_RDONLY | os.O_NONBLOCK))
        yield


@USES
@pytest.mark.parametrize("kind", ["folder", "fifo", "fifo with a reader", "socket"])
def test_only_files_are_used(folder: Path, workspace: Workspace, use: Use, kind: str) -> None:
    with something_odd(folder / "it", kind), pytest.raises(InvalidValue):
        use(workspace, "it")


@USES
@pytest.mark.parametrize("kind", ["file", "fifo"])
def test_a_file_in_a_folder_s_place(folder: Path, workspace: Workspace, use: Use, kind: str) -> None:
    if kind == "fifo":
        os.mkfifo(folder / "it")
    else:
        (folder / "it").write_text("x")
    with pytest.raises(InvalidValue, match="cannot be opened or written"):
        use(workspace, "it/file")


@USES
@pytest.mark.parametrize("path", ["x" * 300, f"{'x' * 300}/file"])
def test_a_name_that_no_file_has(workspace: Workspace, use: Use, path: str) -> None:
    with pytest.raises(InvalidValue):
        use(workspace, path)


@USES
def test_without_a_workspace(folder: Path, use: Use) -> None:
    (folder / "file").touch()
    with pytest.raises(InvalidValue, match="GITHUB_WORKSPACE is empty"):
        use(Workspace(""), "file")
    for root in (folder / "nowhere", folder / "file"):
        with pytest.raises(InvalidValue):
            use(Workspace(str(root)), "file")
    assert not (folder / "nowhere").exists()


def test_what_cannot_be_written_is_told(workspace: Workspace) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    workspace.append("file", b"")
    resource.setrlimit(resource.RLIMIT_FSIZE, (10, hard))
    try:
        with pytest.raises(InvalidValue) as raised:
            workspace.append("file", b"x" * 100)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert "the disk is full" in str(raised.value)


@pytest.mark.parametrize(
    ("config", "expected"),
    [
        (None, True),
        ("[core]\n\tbare = false\n", True),
        ('[remote "origin"]\n\turl = https://github.com/acme/shop\n', True),
        ('[remote "origin"]\n\turl = https://github.com/Acme/Shop.git\n', True),
        ('[remote "origin"]\n\turl = git@github.com:acme/shop.git\n', True),
        ('[remote "origin"]\n\turl = https://github.com/acme/infra\n', False),
        ('[remote "origin"]\n\turl = https://github.com/other-acme/shop\n', False),
    ],
)
def test_a_checkout_is_one_of_this_repository(
    folder: Path, workspace: Workspace, config: str | None, expected: bool
) -> None:
    (folder / ".git").mkdir()
    if config is not None:
        (folder / ".git" / "config").write_text(config)
    assert workspace.is_checkout("acme/shop") is expected


def odd_config(kind: str, folder: Path) -> None:
    git = folder / ".git"
    match kind:
        case "the folder is a link":
            (folder / "elsewhere").mkdir()
            git.symlink_to("elsewhere")
        case "a link":
            git.mkdir()
            (folder / "real").write_text("[core]\n")
            (git / "config").symlink_to("../real")
        case "a FIFO":
            git.mkdir()
            os.mkfifo(git / "config")
        case "a folder":
            (git / "config").mkdir(parents=True)
        case "too large":
            git.mkdir()
            (git / "config").write_text("#" * (MEBIBYTE + 1))


@pytest.mark.parametrize("kind", ["the folder is a link", "a link", "a FIFO", "a folder", "too large"])
def test_a_config_that_is_no_plain_file_says_of_no_repository(folder: Path, workspace: Workspace, kind: str) -> None:
    odd_config(kind, folder)
    assert workspace.is_checkout("acme/shop") is False


@pytest.mark.parametrize("config", ["\n" * MEBIBYTE, " " * MEBIBYTE, "url" * (MEBIBYTE // 3), "url =\n" * 100_000])
def test_a_config_takes_time_by_its_length_alone(folder: Path, workspace: Workspace, config: str) -> None:
    (folder / ".git").mkdir()
    (folder / ".git" / "config").write_text(config)
    assert workspace.is_checkout("acme/shop") is True


def test_of_a_linked_worktree_git_s_folder_is_a_file(folder: Path, workspace: Workspace) -> None:
    (folder / ".git").write_text("gitdir: /elsewhere/.git/worktrees/shop\n")
    assert workspace.is_checkout("acme/shop") is True


@pytest.mark.parametrize("number", [errno.EPERM, errno.EINVAL, errno.ENOSYS, errno.EOPNOTSUPP, errno.EROFS])
def test_a_file_that_cannot_be_given_away_is_written_all_the_same(folder: Path, number: int) -> None:
    """Without CAP_CHOWN; to an owner whom a user namespace does not have; on a file system without owners."""

    def refuse(*_given: int) -> None:
        raise OSError(number, "no")

    said: list[str] = []
    workspace = Workspace(str(folder), said.append, refuse)
    workspace.append("out/failed.jsonl", b"one\n")
    with workspace.replacing("rows.csv") as file:
        file.write(b"rows")
    assert (folder / "out/failed.jsonl").read_bytes() == b"one\n"
    assert (folder / "rows.csv").read_bytes() == b"rows"
    line = "A written file stays root's, because it cannot be given to the workspace's owner"
    assert set(said) == ({f"{line} ({errno.errorcode[number]})."} if ROOT else set())


def test_a_sparse_checkout_is_not_whole(folder: Path, workspace: Workspace) -> None:
    assert workspace.is_checkout("acme/shop") is False
    (folder / ".git" / "info").mkdir(parents=True)
    assert workspace.is_checkout("acme/shop") is True
    (folder / ".git" / "info" / "sparse-checkout").write_text("/apps/\n")
    assert workspace.is_checkout("acme/shop") is False


def test_a_line_that_a_full_disk_cuts_is_taken_back(folder: Path, workspace: Workspace) -> None:
    workspace.append("file", b"one\n")
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (10, hard))
    try:
        with pytest.raises(InvalidValue, match="the disk is full"):
            workspace.append("file", b"x" * 100 + b"\n")
        assert (folder / "file").read_bytes() == b"one\n"
        workspace.append("file", b"two\n")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert (folder / "file").read_bytes() == b"one\ntwo\n"


@contextmanager
def interrupted_after(function: object) -> Iterator[None]:
    """Raise KeyboardInterrupt, as a signal's handler does, as soon as the function has returned."""

    def profile(_frame: object, event: str, argument: object) -> None:
        if event == "c_return" and argument is function:
            sys.setprofile(None)
            raise KeyboardInterrupt

    sys.setprofile(profile)
    try:
        yield
    finally:
        sys.setprofile(None)


@pytest.mark.parametrize(
    ("function", "content"),
    [(os.stat, b"old\n"), (os.fchown if ROOT else os.geteuid, b"old\n"), (os.replace, b"new\n")],
)
def test_a_signal_while_a_file_is_replaced_stays_a_signal(
    folder: Path, workspace: Workspace, function: object, content: bytes
) -> None:
    (folder / "rows.jsonl").write_bytes(b"old\n")

    def replace() -> None:
        with workspace.replacing("rows.jsonl") as file:
            file.write(b"new\n")

    with pytest.raises(KeyboardInterrupt), interrupted_after(function):
        replace()
    assert (folder / "rows.jsonl").read_bytes() == content
    assert [path.name for path in folder.iterdir()] == ["rows.jsonl"]


def test_a_signal_while_lines_are_appended_leaves_none(folder: Path, workspace: Workspace) -> None:
    workspace.append("file", b"one\n")
    with pytest.raises(KeyboardInterrupt), interrupted_after(os.write):
        workspace.append("file", b"two\n")
    assert (folder / "file").read_bytes() == b"one\n"


def test_whether_there_is_a_file(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "a/file").write_text("1")
    (tmp_path / "link").symlink_to("a/file")
    workspace = Workspace(str(tmp_path))
    found = {path: workspace.has(path) for path in ("a/file", "a", "link", "none", "a/file/x", "", None)}
    assert [path for path, there in found.items() if there] == ["a/file"]
