"""Git's index, as git itself writes it in each of its forms."""

from contextlib import suppress
from hashlib import sha1
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dx_action.runner.git_index import read_index
from dx_action.runner.workspace import Workspace
from stand_in.real_git import git

NAMES = ["a", "a/b/c.py", "deep/" * 40 + "f", "x" * 200 + "/" + "y" * 100, "über/ß.md", "a b", "z/same", "z/same2"]
# Names as long as the padding of eight bytes may make them.
NAMES += ["p/" + "q" * length for length in range(1, 18)]
# The flags of an entry have its length only up to this.
NAMES += ["/".join(["d" * 200] * 25)]


def begun(folder: Path, *options: str) -> None:
    git(folder, "init", "--quiet", *options)
    blob = git(folder, "hash-object", "-w", "--stdin", data=b"text").strip()
    listed = "".join(f"100644 {blob}\t{name}\n" for name in NAMES if name != "a")
    listed += f"120000 {blob}\tlink\n160000 {blob}\tvendor/module\n"
    git(folder, "update-index", "--add", "--index-info", data=listed.encode())


EXPECTED = sorted([*(name for name in NAMES if name != "a"), "link", "vendor/module/"])


@pytest.mark.parametrize("version", ["2", "4"])
def test_each_version_of_the_format(tmp_path: Path, version: str) -> None:
    begun(tmp_path)
    git(tmp_path, "update-index", "--index-version", version)
    data = (tmp_path / ".git/index").read_bytes()
    assert data[7] == int(version)
    assert sorted(read_index(data)) == EXPECTED
    assert sorted(Workspace(str(tmp_path)).tracked() or ()) == EXPECTED


def test_a_flag_that_only_version_3_has(tmp_path: Path) -> None:
    begun(tmp_path)
    git(tmp_path, "update-index", "--skip-worktree", "z/same", "a b")
    data = (tmp_path / ".git/index").read_bytes()
    assert data[7] == 3
    assert sorted(read_index(data)) == EXPECTED


def test_an_index_without_a_checksum(tmp_path: Path) -> None:
    begun(tmp_path)
    data = (tmp_path / ".git/index").read_bytes()
    assert sorted(read_index(data[:-20] + bytes(20))) == EXPECTED  # as with index.skipHash


def test_an_index_that_lists_only_a_part(tmp_path: Path) -> None:
    begun(tmp_path)
    git(tmp_path, "update-index", "--split-index")
    with pytest.raises(ValueError, match="extension"):
        read_index((tmp_path / ".git/index").read_bytes())
    assert Workspace(str(tmp_path)).tracked() is None


def test_a_repository_with_longer_ids(tmp_path: Path) -> None:
    begun(tmp_path, "--object-format=sha256")
    with pytest.raises(ValueError, match="SHA-256"):
        read_index((tmp_path / ".git/index").read_bytes())


def test_a_conflict_is_one_file(tmp_path: Path) -> None:
    git(tmp_path, "init", "--quiet")
    blob = git(tmp_path, "hash-object", "-w", "--stdin", data=b"text").strip()
    listed = "".join(f"100644 {blob} {stage}\tone\n" for stage in (1, 2, 3))
    git(tmp_path, "update-index", "--index-info", data=listed.encode())
    assert read_index((tmp_path / ".git/index").read_bytes()) == ("one",)


def signed(body: bytes) -> bytes:
    return body + sha1(body, usedforsecurity=False).digest()


@pytest.mark.parametrize(
    "data",
    [
        b"",
        bytes(20),
        signed(b""),
        signed(b"DIRC"),
        signed(b"DIRC\0\0\0\5\0\0\0\0"),
        signed(b"XXXX\0\0\0\2\0\0\0\0"),
        signed(b"DIRC\0\0\0\2\0\0\0\1"),
        signed(b"DIRC\0\0\0\4\0\0\0\1" + bytes(62) + b"\xff"),
        # A name that takes away more than the one before it has.
        signed(b"DIRC\0\0\0\4\0\0\0\1" + bytes(62) + b"\1a\0"),
        signed(b"DIRC\0\0\0\4\0\0\0\2" + bytes(62) + b"\0a\0" + bytes(62) + b"\2b\0"),
        signed(b"DIRC\0\0\0\2\0\0\0\0TREE"),
    ],
)
def test_what_is_no_index(data: bytes) -> None:
    with pytest.raises(ValueError, match=r"index|version|cut|not found"):
        read_index(data)


@given(st.binary(max_size=400), st.sampled_from([2, 3, 4]), st.integers(0, 2**32 - 1))
def test_whatever_is_in_it_the_end_is_a_tuple_or_a_value_error(rest: bytes, version: int, count: int) -> None:
    data = signed(b"DIRC" + version.to_bytes(4) + count.to_bytes(4) + rest)
    with suppress(ValueError):
        assert isinstance(read_index(data), tuple)


def test_no_checkout_no_files(tmp_path: Path) -> None:
    assert Workspace(str(tmp_path)).tracked() is None
    assert Workspace("").tracked() is None
