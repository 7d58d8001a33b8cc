"""The files of a repository at one commit: where they are read, and what is no file."""

import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from dx_action.errors import InvalidValue
from dx_action.github.client import Repository
from dx_action.github.contents import FilesAt
from dx_action.github.errors import LookupFailedError, Missing
from dx_action.runner.workspace import MEBIBYTE, Workspace
from scenes import asked, speaking
from stand_in import GitHub, Repo, link, submodule


@pytest.fixture
def gh() -> Iterator[GitHub]:
    repo = Repo()
    repo.commit(
        {
            "a/file": "on GitHub",
            "a/bytes": b"\x00\xff",
            "large": "x" * 100,
            "link": link("a/file"),
            "astray": link("nowhere"),
            "sub": submodule("1" * 40),
        }
    )
    with GitHub(repo) as server:
        yield server


@pytest.fixture
def api(gh: GitHub) -> Iterator[Repository]:
    with speaking(gh) as speaker:
        yield speaker


def test_a_file_on_github(gh: GitHub, api: Repository, tmp_path: Path) -> None:
    """One call for the names of all files, and one for each that is read."""
    files = FilesAt(api, "main", Workspace(str(tmp_path)), own=True)
    assert [files.read(path) for path in ("a/file", "a/bytes", "a/none")] == [b"on GitHub", b"\x00\xff", None]
    assert [path.rpartition("/")[0] for path in asked(gh)] == ["git/trees", "git/blobs", "git/blobs"]


NO_FILES = {
    "a": "a folder",
    "sub": "a submodule",
    "link": "a symbolic link, which is not followed",
    "astray": "a symbolic link, which is not followed",
}


@pytest.mark.parametrize("path", NO_FILES)
def test_what_is_no_file_is_said(gh: GitHub, api: Repository, tmp_path: Path, path: str) -> None:
    files = FilesAt(api, "main", Workspace(str(tmp_path)), own=True)
    with pytest.raises(InvalidValue, match=rf"^is {NO_FILES[path]}\. Put a file there\.$"):
        files.read(path)
    if path != "link":  # GitHub follows a link to a file of the repository by itself
        with pytest.raises(InvalidValue, match=rf"^names {NO_FILES[path]}\. Put a file there\.$"):
            files.read_named(path)
        gh.configure(tree_limit=0)
        with pytest.raises(InvalidValue, match=rf"^is {NO_FILES[path]}\. Put a file there\.$"):
            FilesAt(api, "refs/heads/main", Workspace(str(tmp_path)), own=True).read(path)


LOCKED = (
    "a file that cannot be opened or written: it is a symbolic link or a folder, access is denied, or the disk is full."
)
UNUSABLE: dict[str, tuple[Callable[[Path], object], str]] = {
    "a folder": (Path.mkdir, "something that is not a file."),
    "a FIFO": (os.mkfifo, "something that is not a file."),
    "a link": (lambda path: path.symlink_to("a/file"), LOCKED),
    "a link to itself": (lambda path: path.symlink_to(path.name), LOCKED),
    "too large": (lambda path: path.write_bytes(b"#" * (3 * MEBIBYTE + 1)), "a file of more than 3 MiB."),
}


@pytest.mark.parametrize("name", UNUSABLE)
@pytest.mark.parametrize("path", ["CODEOWNERS", "catalog-info.yaml"])
def test_an_input_names_a_file_and_a_well_known_one_is_one(
    gh: GitHub, api: Repository, tmp_path: Path, name: str, path: str
) -> None:
    make, what = UNUSABLE[name]
    (tmp_path / ".git").mkdir()
    make(tmp_path / path)
    files = FilesAt(api, "main", Workspace(str(tmp_path)), own=True)
    for read, said in ((files.read, f"is {what}"), (files.read_named, f"names {what}")):
        with pytest.raises(InvalidValue) as wrong:
            read(path)
        assert str(wrong.value) == said
    assert gh.calls == []


@pytest.mark.parametrize("own", [True, False])
def test_a_file_of_a_checkout(gh: GitHub, api: Repository, tmp_path: Path, own: bool) -> None:
    """It is the event's own repository that may be checked out."""
    (tmp_path / ".git").mkdir()
    (tmp_path / "a").mkdir()
    (tmp_path / "a/file").write_text("here")
    files = FilesAt(api, "main", Workspace(str(tmp_path)), own=own)
    assert files.read("a/file") == (b"here" if own else b"on GitHub")
    assert files.read("a/file/below") is None
    assert files.read_named("a/file") == b"here"
    assert files.read_named("a/bytes") == b"\x00\xff"
    assert files.read_committed("a/file") == b"on GitHub"


@pytest.mark.parametrize("path", ["none", "a/file/below"])
def test_what_an_input_names_and_is_not_there(api: Repository, tmp_path: Path, path: str) -> None:
    assert FilesAt(api, "main", Workspace(str(tmp_path)), own=True).read_named(path) is None


def test_a_tree_that_is_cut_and_a_content_that_is_left_out(gh: GitHub, api: Repository, tmp_path: Path) -> None:
    gh.configure(tree_limit=1, content_limit=50)
    files = FilesAt(api, "main", Workspace(str(tmp_path)), own=True)
    assert files.read("large") == b"x" * 100
    assert files.read("none") is None
    kinds = ["git/trees", "contents", "git/blobs", "contents"]
    assert [path.rpartition("/")[0] for path in asked(gh)] == kinds


def test_a_commit_that_github_does_not_have(api: Repository, tmp_path: Path) -> None:
    with pytest.raises(Missing):
        FilesAt(api, "f" * 40, Workspace(str(tmp_path)), own=True).read("a/file")


# An answer that cannot be read.

TREE = b'{"tree": [{"path": "a/file", "mode": "100644", "type": "blob", "sha": "%s"}], "truncated": false}' % (
    b"1" * 40
)
FILE = {"type": "file", "sha": "1" * 40, "encoding": "base64", "content": "b24gR2l0SHVi\n", "size": 9}


def but(**changes: object) -> bytes:
    """Write a content with some fields changed, or without those that are `...`."""
    return json.dumps({key: value for key, value in {**FILE, **changes}.items() if value is not ...}).encode()


FOREIGN = [b"<html>Sign in", b"", b"null", b"7", b'"text"', b"{}", b'{"message": "Hello"}', b"[[", b'{"tree": null}']
NO_TREE = [(b'"blob"', b"null"), (b'"a/file"', b"7"), (b"false", b"null"), (b"false", b'"no"'), (b"false", b"0")]
NO_TREES = [
    TREE.replace(b', "truncated": false', b""),
    b'{"tree": [{"path": "a/file"}]}',
    b'{"tree": [7]}',
    b'{"tree": {}}',
    *(TREE.replace(*each) for each in NO_TREE),
]
NO_CONTENTS = [
    but(content="<html>"),
    but(content="b24gR2l0SHVi!"),
    but(content="b24gR2l0SHV"),
    but(content="b24gR2l0"),
    but(content=""),
    but(content=None),
    but(content=...),
    but(content=7),
    but(encoding="utf-8", content="on GitHub"),
    but(encoding=None),
    but(encoding=...),
    but(size=10),
    but(size=...),
    but(size=None),
]
UNREADABLE = [
    *(("/git/trees/", answer) for answer in (*FOREIGN, *NO_TREES)),
    *(("/git/blobs/", answer) for answer in (*FOREIGN, *NO_CONTENTS)),
    *(("/contents/", answer) for answer in (*FOREIGN, *NO_CONTENTS)),
]


@pytest.mark.parametrize(("path", "answer"), UNREADABLE)
def test_an_answer_that_cannot_be_read_names_the_file(
    gh: GitHub, api: Repository, tmp_path: Path, path: str, answer: bytes
) -> None:
    gh.fail(path, status=200, body=answer, times=None)
    files = FilesAt(api, "main", Workspace(str(tmp_path)), own=True)
    with pytest.raises(LookupFailedError) as failed:
        files.read_named("a/file") if path == "/contents/" else files.read("a/file")
    said = str(failed.value.problems[0])
    assert said.startswith("`GITHUB_API_URL` was asked for the file a/file, and returned ")
    assert failed.value.kind == "unavailable"


def test_a_foreign_name_is_shown_as_one_line(gh: GitHub, api: Repository, tmp_path: Path) -> None:
    gh.fail("/contents/", status=200, body=b"{}", times=None)
    with pytest.raises(LookupFailedError) as failed:
        FilesAt(api, "main", Workspace(str(tmp_path)), own=True).read_named("a\n::error::b" + "c/" * 400)
    said = str(failed.value.problems[0])
    assert "the file a\\n::error::bc/c/c/" in said
    assert len(said) < 800


@pytest.mark.parametrize("content", ["b24gR2l0SHVi", "b24g\nR2l0\nSHVi\n", "b24gR2l0SHVi\r\n"])
def test_base64_may_be_broken_into_lines(gh: GitHub, api: Repository, tmp_path: Path, content: str) -> None:
    gh.fail("/contents/", status=200, body=but(content=content), times=None)
    assert FilesAt(api, "main", Workspace(str(tmp_path)), own=True).read_named("a/file") == b"on GitHub"


@pytest.mark.parametrize("answer", [b"<html>", b"{}", b"", b"[[", but(content="<html>")])
@pytest.mark.parametrize("times", [1, 3])
def test_an_answer_that_cannot_be_read_is_asked_for_again(
    gh: GitHub, api: Repository, tmp_path: Path, answer: bytes, times: int
) -> None:
    gh.fail("/contents/", status=200, body=answer, times=times)
    assert FilesAt(api, "main", Workspace(str(tmp_path)), own=True).read_named("a/file") == b"on GitHub"
    assert gh.count("/contents/") == times + 1


@pytest.mark.parametrize("answer", [b"<html>", b"{}"])
def test_it_is_asked_for_four_times(gh: GitHub, api: Repository, tmp_path: Path, answer: bytes) -> None:
    gh.fail("/contents/", status=200, body=answer, times=None)
    files = FilesAt(api, "main", Workspace(str(tmp_path)), own=True)
    with pytest.raises(LookupFailedError):
        files.read_named("a/file")
    assert gh.count("/contents/") == 4
