"""The files of a repository at one commit: where they are read, and what is no file."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from dx_action.errors import InvalidValue
from dx_action.github.client import Repository
from dx_action.github.contents import FilesAt
from dx_action.github.errors import LookupFailedError, Missing
from dx_action.runner.workspace import Workspace
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
    assert [files.read(path) for path in ("a/file", "a/bytes", "a/none", "a", "sub")] == [
        *(b"on GitHub", b"\x00\xff"),
        *(None, None, None),
    ]
    assert [path.rpartition("/")[0] for path in asked(gh)] == ["git/trees", "git/blobs", "git/blobs"]
    with pytest.raises(InvalidValue, match="is a symbolic link"):
        files.read("link")


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


@pytest.mark.parametrize("path", ["a", "sub", "none", "a/file/below"])
def test_what_an_input_names_and_is_no_file(api: Repository, tmp_path: Path, path: str) -> None:
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


@pytest.mark.parametrize(
    ("path", "answer"),
    [
        ("/git/trees/", b"{}"),
        ("/git/trees/", b'{"tree": [{"path": "a/file"}]}'),
        ("/git/blobs/", b"{}"),
        ("/git/blobs/", b'{"content": "a"}'),
    ],
)
def test_an_answer_of_another_shape(gh: GitHub, api: Repository, tmp_path: Path, path: str, answer: bytes) -> None:
    gh.fail(path, status=200, body=answer, times=None)
    with pytest.raises(LookupFailedError, match="is not as GitHub documents it"):
        FilesAt(api, "main", Workspace(str(tmp_path)), own=True).read("a/file")


@pytest.mark.parametrize("answer", [b"7", b"{}", b'{"type": "file", "sha": "a", "content": "a", "encoding": "base64"}'])
def test_a_content_of_another_shape(gh: GitHub, api: Repository, tmp_path: Path, answer: bytes) -> None:
    gh.fail("/contents/", status=200, body=answer, times=None)
    with pytest.raises(LookupFailedError, match="is not as GitHub documents it"):
        FilesAt(api, "main", Workspace(str(tmp_path)), own=True).read_named("a/file")
