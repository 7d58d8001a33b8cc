"""What a check reads of a repository: the least for each permission, and every file, however GitHub lists them."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import builders
from dx_action.deployment.permissions import Here, Permission
from dx_action.errors import BadInput
from dx_action.github.check_lookups import CheckLookups
from dx_action.github.client import Run
from dx_action.github.errors import LookupFailedError
from dx_action.runner.workspace import Workspace
from runner import fast_clock
from scenes import asked
from stand_in import GitHub, Repo, link, submodule
from stand_in.real_git import git, write

FILES: dict[str, Any] = {
    **{f"many/{number}": "1" for number in range(6)},
    **{f"many/deep/{number}": "1" for number in range(3)},
    "README.md": "1",
    "link": link("README.md"),
    "many/module": submodule("1" * 40),
    "one/catalog-info.yaml": "kind: Component\nmetadata: {name: one}\n",
    "one/deep/er/x": "1",
}
PATHS = {f"{path}/" if path == "many/module" else path for path in FILES}


@pytest.fixture
def repo() -> Repo:
    repo = Repo("acme/shop")
    repo.commit(FILES)
    return repo


@pytest.fixture
def gh(repo: Repo) -> Iterator[GitHub]:
    with GitHub(repo) as server:
        yield server


def looking(gh: GitHub, folder: Path, **given: str) -> CheckLookups:
    inputs = builders.inputs({"github-token": gh.token}, **given)
    runtime = builders.runtime("push_branch", api_url=gh.api_url)
    run = Run(inputs, runtime, {}, Workspace(str(folder)), fast_clock(), print, print)
    return CheckLookups("acme/shop", True, "main", run)


@pytest.mark.parametrize(
    ("permission", "path"), [("contents", "branches"), ("pull-requests", "pulls"), ("deployments", "deployments")]
)
def test_each_permission_is_tried_by_one_short_list(
    gh: GitHub, tmp_path: Path, permission: Permission, path: str
) -> None:
    lookups = looking(gh, tmp_path)
    lookups.try_reading(permission)
    assert [(call.path, call.query) for call in gh.calls] == [(f"/repos/acme/shop/{path}", {"per_page": "1"})]
    gh.permissions[permission.replace("-", "_")] = "none"
    with pytest.raises(LookupFailedError) as failed:
        looking(gh, tmp_path).try_reading(permission)
    assert failed.value.kind == "forbidden"


@pytest.mark.parametrize(("limit", "calls"), [(100, 1), (15, 4), (8, 6)])
def test_every_file_is_listed_however_much_of_a_tree_comes(gh: GitHub, tmp_path: Path, limit: int, calls: int) -> None:
    gh.configure(tree_limit=limit)
    assert looking(gh, tmp_path).all_paths() == PATHS
    assert len(asked(gh, "acme/shop")) == calls


def test_a_folder_that_does_not_come_whole_is_no_list(gh: GitHub, tmp_path: Path) -> None:
    gh.configure(tree_limit=7)
    with pytest.raises(LookupFailedError, match="lists no whole tree, because acme/shop has a folder too large"):
        looking(gh, tmp_path).all_paths()


def test_an_answer_that_cannot_be_read_is_asked_for_again(gh: GitHub, tmp_path: Path) -> None:
    gh.fail("git/trees", status=200, body=b"<html>")
    assert looking(gh, tmp_path).all_paths() == PATHS


def test_a_checkout_lists_what_git_knows(gh: GitHub, repo: Repo, tmp_path: Path) -> None:
    write(repo, tmp_path / "acme" / "shop")
    git(tmp_path, "clone", "--quiet", str(tmp_path / "acme" / "shop"), "here")
    (tmp_path / "here" / "built").write_text("not git's")
    assert looking(gh, tmp_path / "here").all_paths() == PATHS
    assert gh.calls == []
    (tmp_path / "here" / ".git" / "index").write_bytes(b"broken")
    assert looking(gh, tmp_path / "here").all_paths() == PATHS
    assert len(gh.calls) == 1


def test_which_files_are_here(gh: GitHub, repo: Repo, tmp_path: Path) -> None:
    assert looking(gh, tmp_path, service_map="map.yml", ca_bundle="ca.pem").here == Here()
    (tmp_path / "map.yml").write_text("a: [a/**]")
    assert looking(gh, tmp_path, service_map="map.yml", ca_bundle="ca.pem").here == Here(service_map=True)
    (tmp_path / "ca.pem").write_text("PEM")
    assert looking(gh, tmp_path, service_map="a: [a/**]", ca_bundle="ca.pem").here == Here(ca_bundle=True)
    git(tmp_path, "init", "--quiet")
    assert looking(gh, tmp_path).here == Here(checkout=True)


def test_only_catalogs_that_there_are_are_read(gh: GitHub, tmp_path: Path) -> None:
    lookups = looking(gh, tmp_path, services_from="backstage")
    owners = lookups.whole_ownership(lookups.all_paths())
    assert [service.identifier for service in owners.services_at("one/deep/er/x")] == ["one"]
    assert owners.services_at("many/deep/1") == ()
    assert len(gh.calls) == 2  # the tree once, and the one file


def test_owners_that_cannot_be_read_name_the_input(gh: GitHub, tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="`services-from` is `codeowners`, but the repository has none"):
        looking(gh, tmp_path, services_from="codeowners").whole_ownership(frozenset())
