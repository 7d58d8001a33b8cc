"""What is looked up for one deployment, against the stand-in GitHub and a workspace; each case tells what it costs."""

import itertools
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

import builders
from documents import rows, section
from dx_action.backfill.history import rows_from_history
from dx_action.changes.changeset import PullChange, RangeChange
from dx_action.errors import ActionError, BadInput
from dx_action.github.client import Run
from dx_action.github.errors import LookupFailedError
from dx_action.github.lookups import Lookups
from dx_action.runner.runtime import Clock
from dx_action.runner.workspace import Workspace
from runner import NOW
from scenes import asked, speaking
from stand_in import GitHub, How, Repo, link, submodule
from stand_in.objects import Content

MAP = "web: [web/**]\ncart:\n  name: Cart\n  paths: [cart/**, libs/**]\n"
FILES: dict[str, Content] = {"web/a": "1", "cart/a": "1", "libs/a": "1", "docs/a": "1"}
FROM_MAP = {"service-map": "services.yml"}
BACKSTAGE = {"services-from": "backstage"}
OWNERS = {"services-from": "codeowners"}


def component(name: str, more: str = "") -> str:
    return f"apiVersion: backstage.io/v1alpha1\nkind: Component\nmetadata:\n  name: {name}\n{more}"


@dataclass
class Scene:
    """Look-ups about a repository, the log that they wrote, and how long they waited."""

    gh: GitHub
    folder: Path
    commit: str | None = "main"
    repository: str = "acme/shop"
    own: bool = True
    token: str | None = "github-token"
    log: list[str] = field(default_factory=list)
    waits: list[float] = field(default_factory=list)

    def look(self, given: Mapping[str, str]) -> Lookups:
        runtime = builders.runtime("pull_request_merged", api_url=self.gh.api_url)
        token = {} if self.token is None else {"github-token": self.token}
        inputs = builders.inputs({**given, **token})
        clock = Clock(lambda: 0.0, self.waits.append, lambda: NOW, lambda: 0.5)
        workspace = Workspace(str(self.folder))
        run = Run(inputs, runtime, {}, workspace, clock, self.log.append, self.log.append)
        return Lookups(self.repository, self.own, self.commit, run)

    def services(self, given: Mapping[str, str], *paths: str) -> list[str]:
        """Give the services of these paths, which pull request 1 changed."""
        repo = self.gh.app.repos[self.repository.lower()]
        there = set(repo.files())
        head = {path: (None if path in there else "2") for path in paths}
        repo.branch("change")
        tip = repo.commit(dict(head), branch="change")
        pull = PullChange(len(repo.pulls.by_number) + 1, repo.rev("main"), tip, len(paths))
        repo.pulls.open("change")
        self.gh.reset_calls()
        return [service.identifier for service in self.look(given).touched(pull)]

    def refused(self, given: Mapping[str, str], *paths: str) -> str:
        """Give the sentence for what cannot be found."""
        with pytest.raises(ActionError) as failed:
            self.services(given, *(paths or ("web/a",)))
        (problem,) = failed.value.problems
        return str(problem)

    @property
    def asked(self) -> list[str]:
        """What GitHub was asked but for the pull request's files."""
        return [each for each in asked(self.gh, self.repository) if not each.endswith("/files 1")]

    def check_out(self, repo: Repo, *paths: str) -> None:
        """Put files of the repository into the workspace, a checkout."""
        (self.folder / ".git").mkdir(exist_ok=True)
        for path in paths or repo.files():
            file = self.folder / path
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(repo.files()[path])


def held(files: Mapping[str, Content] | None = None) -> Repo:
    repo = Repo()
    repo.commit({**FILES, **(files or {})})
    return repo


@pytest.fixture
def scene(tmp_path: Path) -> Iterator[Scene]:
    with GitHub(held()) as gh:
        yield Scene(gh, tmp_path)


def put(scene: Scene, files: Mapping[str, Content]) -> Repo:
    repo = scene.gh.app.repos["acme/shop"]
    repo.commit(files)
    return repo


# The map.


def test_a_map_that_is_written_out_asks_for_the_files_alone(scene: Scene) -> None:
    assert scene.services({"service-map": MAP}, "libs/a", "web/a", "docs/a") == ["web", "cart"]
    assert asked(scene.gh) == ["pulls/1/files 1"]


@pytest.mark.parametrize("checked_out", [True, False])
def test_a_map_in_the_workspace_asks_for_the_files_alone(scene: Scene, checked_out: bool) -> None:
    """Whoever put it there: an earlier step may have made it."""
    if checked_out:
        (scene.folder / ".git").mkdir()
    put(scene, {"services.yml": "wrong: ['**']"})
    (scene.folder / "services.yml").write_text(MAP)
    assert scene.services(FROM_MAP, "cart/a") == ["cart"]
    assert asked(scene.gh) == ["pulls/1/files 1"]


@pytest.mark.parametrize("checked_out", [True, False], ids=["a checkout without it", "no checkout"])
def test_a_map_on_github_is_that_of_the_deployed_commit(scene: Scene, checked_out: bool) -> None:
    repo = put(scene, {"ci/the #1 map%41?.yml": MAP})
    if checked_out:
        scene.check_out(repo, "web/a")
    scene.commit = repo.rev("main")
    put(scene, {"ci/the #1 map%41?.yml": "later: ['**']"})
    assert scene.services({"service-map": "ci/the #1 map%41?.yml"}, "web/a") == ["web"]
    assert scene.asked == ["contents/ci/the%20%231%20map%2541%3F.yml"]
    assert scene.gh.calls[-1].query == {"ref": scene.commit}


def test_a_map_whose_content_github_leaves_out_is_read_all_the_same(scene: Scene) -> None:
    """So GitHub answers over 1 MB."""
    scene.gh.configure(content_limit=10)
    put(scene, {"services.yml": MAP})
    assert scene.services(FROM_MAP, "web/a") == ["web"]
    assert [each.rpartition("/")[0] for each in scene.asked] == ["contents", "git/blobs"]


def test_a_map_that_is_too_large(scene: Scene) -> None:
    put(scene, {"services.yml": f"{MAP}# {'x' * 1_100_000}\n"})
    assert scene.refused(FROM_MAP).startswith("`service-map` cannot be used: services.yml is larger than 1 MiB")


BAD_MAPS: dict[str, tuple[Content, str]] = {
    "a pattern": (
        "web: [web/**]\ncart:\n  - 'cart/a*b*c*d*e'\n",
        "services.yml has a pattern with more than 3 `*` between",
    ),
    "its line": ("web: [web/**]\ncart:\n  - 'cart/a*b*c*d*e'\n", "(line 3)"),
    "YAML": ("web: [web/**\ncart: [cart/**]\n", "services.yml"),
    "another form": ("- web\n", "services.yml is not a map of services (line 1)"),
    "empty": ("", "services.yml is not a map of services (line 1)"),
    "no text": (b"\xff\xfe", "services.yml is not UTF-8 (line 1)"),
}


@pytest.mark.parametrize("name", BAD_MAPS)
@pytest.mark.parametrize("here", [True, False], ids=["workspace", "GitHub"])
def test_a_bad_map_is_named_with_its_line(scene: Scene, name: str, here: bool) -> None:
    content, expected = BAD_MAPS[name]
    repo = put(scene, {"services.yml": content})
    if here:
        scene.check_out(repo, "services.yml")
    said = scene.refused(FROM_MAP)
    assert said.startswith("`service-map` cannot be used: services.yml ")
    assert expected in said


NO_MAPS: dict[str, dict[str, Content]] = {
    "a folder": {"services.yml/a": "1"},
    "a submodule": {"services.yml": submodule("1" * 40)},
    "a symbolic link, which is not followed": {"services.yml": link("nowhere")},
}


@pytest.mark.parametrize("name", NO_MAPS)
def test_a_map_that_is_not_there_is_no_empty_map(scene: Scene, name: str) -> None:
    put(scene, {"services.yml": MAP})
    put(scene, {"services.yml": None, **NO_MAPS[name]})
    assert scene.refused(FROM_MAP) == f"`service-map` names {name}. Put a file there."


def test_a_map_that_was_deleted_is_no_empty_map(scene: Scene) -> None:
    put(scene, {"services.yml": MAP})
    put(scene, {"services.yml": None})
    said = scene.refused(FROM_MAP)
    assert said == "`service-map` names services.yml, which is neither in the workspace nor in the deployed commit."


@pytest.mark.parametrize("kind", ["a folder", "a submodule"])
@pytest.mark.parametrize(
    ("given", "path"), [(OWNERS, "CODEOWNERS"), (OWNERS, ".github/CODEOWNERS"), (BACKSTAGE, "web/catalog-info.yaml")]
)
def test_what_is_no_file_has_no_owners(scene: Scene, given: dict[str, str], path: str, kind: str) -> None:
    put(scene, {f"{path}/a": "1"} if kind == "a folder" else {path: submodule("1" * 40)})
    assert scene.refused(given) == f"`services-from` cannot be used: {path} is {kind}. Put a file there."


FILES_THAT_DECIDE = {"services.yml": FROM_MAP, "CODEOWNERS": OWNERS, "web/catalog-info.yaml": BACKSTAGE}


@pytest.mark.parametrize("path", FILES_THAT_DECIDE)
@pytest.mark.parametrize(
    "body", [b"{}", b"<html>Sign in</html>", b'{"content": null, "encoding": "base64", "size": 1}']
)
def test_a_file_that_github_does_not_return_is_named(scene: Scene, path: str, body: bytes) -> None:
    put(scene, {path: MAP})
    scene.gh.fail("/(contents|git/blobs)/", status=200, body=body, times=None)
    said = scene.refused(FILES_THAT_DECIDE[path])
    assert said.startswith(f"`GITHUB_API_URL` was asked for the file {path}, and returned an answer that is not ")


TEXTS = {"services.yml": MAP, "CODEOWNERS": "* @web\n", "web/catalog-info.yaml": component("web")}


@pytest.mark.parametrize("path", TEXTS)
@pytest.mark.parametrize("here", [True, False], ids=["workspace", "GitHub"])
def test_a_byte_order_mark_and_windows_lines_do_not_matter(scene: Scene, path: str, here: bool) -> None:
    repo = put(scene, {path: b"\xef\xbb\xbf" + TEXTS[path].replace("\n", "\r\n").encode()})
    if here:
        scene.check_out(repo)
    assert scene.services(FILES_THAT_DECIDE[path], "web/a") == ["web"]


@pytest.mark.parametrize("path", TEXTS)
@pytest.mark.parametrize("here", [True, False], ids=["workspace", "GitHub"])
def test_a_file_that_is_not_utf_8_is_named_with_its_line(scene: Scene, path: str, here: bool) -> None:
    repo = put(scene, {path: f"{TEXTS[path]}# ".encode() + b"\xe9\n"})
    if here:
        scene.check_out(repo)
    line = TEXTS[path].count("\n") + 1
    assert f"cannot be used: {path} is not UTF-8 (line {line})" in scene.refused(FILES_THAT_DECIDE[path])


@pytest.mark.parametrize("path", ["web", "sub"])
def test_a_ca_bundle_that_is_no_file(scene: Scene, path: str) -> None:
    put(scene, {"sub": submodule("1" * 40)})
    what = "a folder" if path == "web" else "a submodule"
    with pytest.raises(BadInput, match=rf"^`ca-bundle` names {what}\. Put a file there\.$"):
        scene.look({}).committed_file(path)


def test_a_link_in_the_workspace_is_not_followed(scene: Scene) -> None:
    (scene.folder / "real.yml").write_text(MAP)
    (scene.folder / "services.yml").symlink_to("real.yml")
    assert "it is a symbolic link or a folder" in scene.refused(FROM_MAP)


def test_a_path_that_is_too_long_is_no_guess(scene: Scene) -> None:
    said = scene.refused({"service-map": MAP}, "web/" + "x" * 4093)
    assert (
        said
        == "`service-map` cannot be used: a changed path has more than 4,096 bytes, and is matched with no pattern."
    )


# Backstage.


CATALOGS: dict[str, Content] = {
    "catalog-info.yaml": component("shop"),
    "web/catalog-info.yaml": component("web", "  title: The Web\n") + "---\nkind: API\nmetadata: {name: web-api}\n",
    "cart/catalog-info.yaml": f"{component('cart')}---\n{component('cart-worker')}",
    "libs/catalog-info.yaml": "kind: System\nmetadata:\n  name: libs\n",
}


@pytest.mark.parametrize(
    ("paths", "expected", "read"),
    [
        (["web/deep/er/a"], ["web"], ["web"]),
        (["web/b", "web/c", "web/d/e"], ["web"], ["web"]),
        (["cart/b"], ["cart", "cart-worker"], ["cart"]),
        (["docs/a", "README.md"], ["shop"], [""]),
        (["libs/a"], [], ["libs"]),
        (["cart/b", "web/a", "docs/a"], ["cart", "cart-worker", "shop", "web"], ["cart", "", "web"]),
    ],
)
def test_the_nearest_catalog_on_github(scene: Scene, paths: list[str], expected: list[str], read: list[str]) -> None:
    """One call for the names of all files, and one for each catalog that is read."""
    repo = put(scene, CATALOGS)
    assert scene.services(BACKSTAGE, *paths) == expected
    blobs = [repo.entry("main", f"{folder}/catalog-info.yaml".lstrip("/")) for folder in read]
    assert scene.asked[0] == "git/trees/main"
    assert sorted(scene.asked[1:]) == sorted(f"git/blobs/{blob.sha}" for blob in blobs if blob)


def test_the_nearest_catalog_in_a_checkout(scene: Scene) -> None:
    repo = put(scene, CATALOGS)
    scene.check_out(repo)
    (scene.folder / "web/catalog-info.yaml").write_text(component("as-checked-out"))
    assert scene.services(BACKSTAGE, "web/deep/er/a", "docs/a") == ["shop", "as-checked-out"]
    assert scene.asked == []


@pytest.mark.parametrize("how", ["sparse", "no git", "elsewhere"])
def test_a_workspace_that_does_not_have_all_is_not_asked(scene: Scene, how: str) -> None:
    """A catalog that is not there would leave its folder to the one further up."""
    repo = put(scene, CATALOGS)
    scene.check_out(repo, "catalog-info.yaml")
    if how == "sparse":
        (scene.folder / ".git/info").mkdir()
        (scene.folder / ".git/info/sparse-checkout").write_text("/catalog-info.yaml\n")
    elif how == "no git":
        (scene.folder / ".git").rmdir()
    else:
        (scene.folder / ".git").rename(scene.folder / "web")
    assert scene.services(BACKSTAGE, "web/a") == ["web"]
    assert scene.asked[0] == "git/trees/main"


@pytest.mark.parametrize("here", [True, False], ids=["checkout", "GitHub"])
def test_a_broken_document_is_named_with_its_line(scene: Scene, here: bool) -> None:
    repo = put(scene, {"web/catalog-info.yaml": component("web") + "---\nkind: Component\nmetadata: [\n"})
    if here:
        scene.check_out(repo)
    said = scene.refused(BACKSTAGE, "web/a")
    assert said.startswith("`services-from` cannot be used: web/catalog-info.yaml ")
    assert "(line " in said


def test_a_broken_catalog_of_another_folder_does_not_matter(scene: Scene) -> None:
    put(scene, {**CATALOGS, "web/catalog-info.yaml": "kind: [\n"})
    assert scene.services(BACKSTAGE, "cart/a") == ["cart", "cart-worker"]


@pytest.mark.parametrize("here", [True, False], ids=["checkout", "GitHub"])
def test_a_renamed_service_folder(scene: Scene, here: bool) -> None:
    """What left the old folder belongs to what is nearest there now."""
    repo = put(scene, CATALOGS)
    moved = {path: None for path in repo.files() if path.startswith("web/")}
    there = {path.replace("web/", "site/", 1): data for path, data in repo.files().items() if path in moved}
    put(scene, {**moved, **there})
    if here:
        scene.check_out(repo)
    assert scene.services(BACKSTAGE, "web/b", "site/a") == ["web", "shop"]


@pytest.mark.parametrize("here", [True, False], ids=["checkout", "GitHub"])
@pytest.mark.parametrize("kind", ["file", "link"])
def test_a_folder_that_became_something_else_is_no_obstacle(scene: Scene, here: bool, kind: str) -> None:
    """The files that were in it are among the changed ones."""
    repo = put(scene, CATALOGS)
    before = repo.rev("main")
    put(scene, {"web/catalog-info.yaml": None, "web/a": None, "web": "1" if kind == "file" else link("cart")})
    if here:
        scene.check_out(repo)
    if here and kind == "link":
        (scene.folder / "web").unlink()
        (scene.folder / "web").symlink_to("cart")
    change = RangeChange(before, "main", "push.before")
    assert [service.identifier for service in scene.look(BACKSTAGE).touched(change)] == ["shop"]
    assert "changes 3 paths" in scene.log[0]


def test_a_catalog_that_is_a_link_is_not_read_as_text(scene: Scene) -> None:
    repo = put(scene, {**CATALOGS, "web/catalog-info.yaml": link("../catalog-info.yaml")})
    said = scene.refused(BACKSTAGE, "web/a")
    assert said.startswith("`services-from` cannot be used: web/catalog-info.yaml is a symbolic link")
    scene.check_out(repo)
    (scene.folder / "web/catalog-info.yaml").unlink()
    (scene.folder / "web/catalog-info.yaml").symlink_to("../catalog-info.yaml")
    assert "web/catalog-info.yaml" in scene.refused(BACKSTAGE, "web/b")


def test_a_tree_that_github_cuts(scene: Scene) -> None:
    """What the list has is read from it; what it may have lost is asked for by its name, once."""
    put(scene, CATALOGS)
    scene.gh.configure(tree_limit=4)
    assert scene.services(BACKSTAGE, "web/a", "web/b/c", "web/b/d", "cart/a") == ["cart", "cart-worker", "web"]
    assert scene.asked[0] == "git/trees/main"
    assert scene.asked[-2:] == ["contents/web/catalog-info.yaml", "contents/web/b/catalog-info.yaml"]
    assert len(scene.asked) == 4


# CODEOWNERS.


CODEOWNERS = (
    "* @acme/everyone\n/web/ @acme/front ops@acme.example # and nobody else\n/cart/ @someone\n/docs/\n/nowhere/ @x\n"
)


@pytest.mark.parametrize(
    ("paths", "expected"),
    [
        (["web/a"], ["front", "ops@acme.example"]),
        (["cart/a"], ["someone"]),
        (["README.md"], ["everyone"]),
        (["docs/a"], []),
        (["docs/a", "cart/b"], ["someone"]),
    ],
)
@pytest.mark.parametrize("here", [True, False], ids=["checkout", "GitHub"])
def test_codeowners(scene: Scene, paths: list[str], expected: list[str], here: bool) -> None:
    """Among its rules one matches nothing and one takes a folder away from all."""
    repo = put(scene, {"docs/CODEOWNERS": CODEOWNERS})
    if here:
        scene.check_out(repo)
    assert scene.services(OWNERS, *paths) == expected
    assert len(scene.asked) == (0 if here else 2)


PLACES = [".github/CODEOWNERS", "CODEOWNERS", "docs/CODEOWNERS"]


@pytest.mark.parametrize("number", range(3))
@pytest.mark.parametrize("here", [True, False], ids=["checkout", "GitHub"])
def test_the_first_place_counts(scene: Scene, number: int, here: bool) -> None:
    repo = put(scene, {place: f"* @owner{index}" for index, place in enumerate(PLACES) if index >= number})
    if here:
        scene.check_out(repo)
    assert scene.services(OWNERS, "web/a") == [f"owner{number}"]


@pytest.mark.parametrize("here", [True, False], ids=["checkout", "GitHub"])
def test_an_empty_first_place_counts_too(scene: Scene, here: bool) -> None:
    repo = put(scene, {".github/CODEOWNERS": "", "CODEOWNERS": "* @x"})
    if here:
        scene.check_out(repo)
    assert scene.services(OWNERS, "web/a") == []


def test_a_file_without_a_rule_has_no_service(scene: Scene) -> None:
    put(scene, {"CODEOWNERS": "/web/ @acme/front\n"})
    assert scene.services(OWNERS, "cart/a") == []
    assert scene.log == ["Looked up: pull request #1 changes 1 path and touches no service (cart/a)"]


def test_a_bad_line_is_told_and_nothing_is_guessed(scene: Scene) -> None:
    put(scene, {"CODEOWNERS": "/web/ @acme/front\n/web/[ab] @acme/wrong\n/cart/ someone\n"})
    said = scene.refused(OWNERS)
    assert said.startswith("`services-from` cannot be used: CODEOWNERS has a pattern with a [ or ]")
    assert "(line 2)" in said
    assert said.endswith("And 1 more.")


def test_without_codeowners_nothing_is_guessed(scene: Scene) -> None:
    said = scene.refused(OWNERS)
    assert said == f"`services-from` is `codeowners`, but the repository has none of {', '.join(PLACES)}."


def test_codeowners_beyond_githubs_own_limit(scene: Scene) -> None:
    put(scene, {"CODEOWNERS": "* @a\n" + "# x\n" * 800_000})
    assert "3 MB or larger" in scene.refused(OWNERS)


def test_codeowners_that_is_a_link_is_no_list_of_patterns(scene: Scene) -> None:
    """Its text, the path that it points to, would be a rule without an owner."""
    put(scene, {"CODEOWNERS": link("docs/CODEOWNERS"), "docs/CODEOWNERS": "* @a\n"})
    assert "CODEOWNERS is a symbolic link" in scene.refused(OWNERS)


# Another repository, and none of GitHub's.


@pytest.mark.parametrize(("commit", "expected"), [("v1", ["old"]), (None, ["new"])])
def test_another_repository_is_read_on_github(tmp_path: Path, commit: str | None, expected: list[str]) -> None:
    """The workspace is this repository's, but for a map that is named."""
    other = Repo("Other-Org/a.b_c")
    other.commit({"CODEOWNERS": "* @old\n"})
    other.tag("v1")
    other.commit({"CODEOWNERS": "* @new\n"})
    with GitHub(other) as gh:
        scene = Scene(gh, tmp_path, commit, "Other-Org/a.b_c", own=False)
        (tmp_path / ".git").mkdir()
        (tmp_path / "CODEOWNERS").write_text("* @ours\n")
        assert scene.services(OWNERS, "web/a") == expected
        (tmp_path / "services.yml").write_text(MAP)
        assert scene.services(FROM_MAP, "web/b") == ["web"]


def test_an_owner_may_have_an_underscore(tmp_path: Path) -> None:
    """So the names of an enterprise's managed users end."""
    repo = Repo("mona_acme/shop")
    repo.commit(FILES)
    with GitHub(repo) as gh:
        assert Scene(gh, tmp_path, repository="mona_acme/shop").services({"service-map": MAP}, "web/a") == ["web"]


@pytest.mark.parametrize(
    "name",
    ["shop", "org/project/shop", "team/project/_git/shop", "acme/", "/shop", "acme/sh op", "acme/shop?x=1", "a.b/c"],
)
def test_a_repository_that_is_not_githubs(scene: Scene, name: str) -> None:
    scene.repository, scene.own = name, False
    for ask in (
        lambda: scene.look({"service-map": MAP}).touched(PullChange(1)),
        lambda: scene.look({}).merged_by_push(None, "f" * 40, "main"),
    ):
        with pytest.raises(BadInput) as bad:
            ask()
        (problem,) = bad.value.problems
        assert str(problem).startswith("`repository` is not a GitHub repository (`owner/name`)")
    assert scene.gh.calls == []


# What GitHub hides.


@pytest.mark.parametrize("own", [True, False])
@pytest.mark.parametrize(
    ("given", "missing", "permission"),
    [
        ({"service-map": MAP}, "pull_requests", "pull-requests"),
        (FROM_MAP, "contents", "contents"),
        (BACKSTAGE, "contents", "contents"),
        (OWNERS, "contents", "contents"),
    ],
)
def test_the_missing_permission_is_named(
    tmp_path: Path, given: dict[str, str], missing: str, permission: str, own: bool
) -> None:
    repo = Repo("acme/shop" if own else "acme/other")
    repo.commit(FILES)
    with GitHub(repo, permissions={missing: "none"}) as gh:
        scene = Scene(gh, tmp_path, repository=repo.full_name, own=own)
        said = scene.refused(given)
        assert said.startswith("`github-token` may not read")
        assert f"`{permission}: read`" in said
        assert ("GitHub App" in said) != own
        gh.app.hidden.add(repo.full_name)
        said = scene.refused(given, "cart/a")
        assert said.startswith(
            f"`github-token` cannot read the pull requests of {repo.full_name}, or there is no such pull request."
        )
        assert "`pull-requests: read`" in said


def test_an_empty_token_is_told_as_one(scene: Scene) -> None:
    scene.token = None
    assert "check the secret that it comes from" in scene.refused(FROM_MAP)


HIDDEN = "is not in acme/shop, or `github-token` may not read it (`contents: read`)."


@pytest.mark.parametrize("status", [404, 422, 500])
@pytest.mark.parametrize(
    ("before", "after", "source", "expected"),
    [
        ("f" * 40, "main", "input since-sha", f"`since-sha` {HIDDEN}"),
        (
            "f" * 40,
            "main",
            "push.before",
            f"`since-sha` is required here, because the commit before the push {HIDDEN}".replace(
                "acme/shop", "acme/shop, as after a force push"
            ),
        ),
        ("main", "f" * 40, "input since-sha", f"`commit-sha` or, without it, the event's commit {HIDDEN}"),
        ("main", "f" * 40, "push.before", f"`commit-sha` or, without it, the event's commit {HIDDEN}"),
    ],
)
def test_a_commit_that_github_does_not_know(
    scene: Scene, status: int, before: str, after: str, source: str, expected: str
) -> None:
    """Whatever the comparison says: which of the two is missing, their trees show."""
    scene.gh.fail("/compare/", status=status, times=None)
    with pytest.raises(BadInput) as bad:
        scene.look({"service-map": MAP}).touched(RangeChange(before, after, source))
    (problem,) = bad.value.problems
    assert str(problem) == expected


def test_a_folder_too_large_is_no_guess(scene: Scene) -> None:
    put(scene, {f"flat/{number:03}": "1" for number in range(400)})
    before = scene.gh.app.repos["acme/shop"].rev("main")
    put(scene, {f"flat/{number:03}": "2" for number in range(350)})
    scene.gh.configure(tree_limit=100)
    with pytest.raises(
        BadInput,
        match="`services-from` cannot be used, because the changed files cannot be determined: acme/shop has a folder",
    ):
        scene.look({"service-map": MAP}).touched(RangeChange(before, "main", "input since-sha"))


# Submodules, which GitHub's lists do not tell from files.

PAY = "services/pay"
PATTERNS = {
    "services/pay/": True,
    "services/pay/**": True,
    "services/pay": True,
    "services/pay/*": True,
    "services/": True,
    "services/**": True,
    "services/*": True,
    "pay/": True,
    "**/pay/**": True,
    "services/p?y/": True,
    "services/pay/**/*": True,
    "services/pay/src/": False,
    "services/pay/*.md": False,
    "services/payments/": False,
    "libs/**": False,
}
STEPS: dict[str, tuple[dict[str, Content], dict[str, Content]]] = {
    "bumped": ({PAY: submodule("1" * 40)}, {PAY: submodule("2" * 40)}),
    "added": ({}, {PAY: submodule("1" * 40), ".gitmodules": "1"}),
    "removed": ({PAY: submodule("1" * 40)}, {PAY: None}),
    "made of a folder": ({f"{PAY}/README": "1"}, {f"{PAY}/README": None, PAY: submodule("1" * 40)}),
    "made of a file": ({PAY: "1"}, {PAY: submodule("1" * 40)}),
    "made a file": ({PAY: submodule("1" * 40)}, {PAY: "1"}),
}


def changes_of(scene: Scene, step: str) -> list[PullChange | RangeChange]:
    """Make the change, and return it as a pull request, known from an event or by its number, and as a push."""
    before, after = STEPS[step]
    repo = put(scene, before)
    start = repo.rev("main")
    shipped = repo.pulls.ship(after)
    pull = PullChange(shipped.number, shipped.base_sha, shipped.head_sha, len(after))
    return [pull, PullChange(shipped.number), RangeChange(start, repo.rev("main"), "push.before")]


@pytest.mark.parametrize("limit", [100_000, 7], ids=["whole trees", "cut trees"])
@pytest.mark.parametrize("step", STEPS)
def test_a_submodule_is_a_folder(scene: Scene, step: str, limit: int) -> None:
    changes = changes_of(scene, step)
    scene.gh.configure(tree_limit=limit)
    for change in changes:
        for pattern, taken in PATTERNS.items():
            look = scene.look({"service-map": f"pay: ['{pattern}']\n"})
            assert [service.identifier for service in look.touched(change)] == ["pay"] * taken, (pattern, change)


@pytest.mark.parametrize(
    ("rules", "expected"),
    [
        ("/services/pay/ @a", ["a"]),
        ("/services/pay/** @a", ["a"]),
        ("/services/pay @a", ["a"]),
        ("services/* @a", ["a"]),
        ("* @all\n/services/pay/ @a", ["a"]),
        ("/services/pay/ @a\n* @all", ["all"]),
        ("/services/ @all\n/services/pay/", []),
        ("/services/pay/src/ @a", []),
    ],
)
def test_a_submodule_is_a_folder_for_codeowners(scene: Scene, rules: str, expected: list[str]) -> None:
    put(scene, {"CODEOWNERS": rules})
    for change in changes_of(scene, "bumped"):
        assert [service.identifier for service in scene.look(OWNERS).touched(change)] == expected


def test_a_submodule_belongs_to_the_nearest_catalog(scene: Scene) -> None:
    put(scene, {"services/catalog-info.yaml": component("services"), "catalog-info.yaml": component("shop")})
    for change in changes_of(scene, "bumped"):
        assert [service.identifier for service in scene.look(BACKSTAGE).touched(change)] == ["services"]


@pytest.mark.parametrize(
    ("patterns", "services", "calls"),
    [
        # Whether it is a file makes no difference.
        ("['services/**']", ["pay"], 1),
        ("['libs/**']", [], 1),
        ("['services/', '!services/pay']", [], 1),
        # Only the trees show that it is a file.
        ("['services/pay/']", [], 4),
        ("['services/', '!services/pay/']", ["pay"], 4),
    ],
)
def test_a_file_may_be_named_as_a_folder_is(scene: Scene, patterns: str, services: list[str], calls: int) -> None:
    shipped = put(scene, {PAY: "1"}).pulls.ship({PAY: "2"})
    change = PullChange(shipped.number, shipped.base_sha, shipped.head_sha, 1)
    found = scene.look({"service-map": f"pay: {patterns}\n"}).touched(change)
    assert [service.identifier for service in found] == services
    assert len(scene.gh.calls) == calls


def test_what_ships_knows_submodules_too(scene: Scene) -> None:
    repo = put(scene, {PAY: submodule("1" * 40)})
    before = repo.rev("main")
    repo.pulls.ship({PAY: submodule("2" * 40)})
    repo.pulls.ship({"web/a": "2"})
    changes = scene.look({"service-map": "pay: [services/pay/]\nweb: [web/**]\n"}).changes
    pulls = changes.merged(changes.span(before, repo.rev("main")).commits).whole()
    assert changes.services_of(pulls) == {1: frozenset({"pay"}), 2: frozenset({"web"})}


# The log, and what is not asked again.


def test_what_was_found_is_told(scene: Scene) -> None:
    repo = scene.gh.app.repos["acme/shop"]
    before = repo.rev("main")
    after = put(scene, {"web/b": "1", "libs/b": "1", "docs/b": "1"}).rev("main")
    look = scene.look({"service-map": MAP})
    change = RangeChange(before, after, "push.before")
    assert look.touched(change) == look.touched(change)
    assert scene.log == [
        f"Looked up: the range from {before[:12]} (push.before) to {after[:12]} changes 3 paths and touches web, cart"
    ]
    assert len(scene.gh.calls) == 1


def test_owners_are_read_once_for_several_changes(scene: Scene) -> None:
    put(scene, {"CODEOWNERS": CODEOWNERS})
    repo = scene.gh.app.repos["acme/shop"]
    pulls = [repo.pulls.ship({f"web/{number}": "1"}) for number in range(3)]
    look = scene.look(OWNERS)
    for pull in pulls:
        assert len(look.touched(PullChange(pull.number, pull.base_sha, pull.head_sha, 1))) == 2
    assert len(scene.asked) == 2
    assert len(scene.gh.calls) == 2 + 3
    scene.check_out(repo, "CODEOWNERS")
    look = scene.look(OWNERS)
    for pull in pulls:
        assert len(look.touched(PullChange(pull.number, pull.base_sha, pull.head_sha, 1))) == 2
        (scene.folder / "CODEOWNERS").unlink(missing_ok=True)


# The pull requests of a push.


def found(scene: Scene, before: str | None, branch: str = "main") -> list[int]:
    after = scene.gh.app.repos["acme/shop"].rev(branch)
    scene.gh.reset_calls()
    scene.waits.clear()
    return [pull.number for pull in scene.look({}).merged_by_push(before, after, branch)]


@pytest.mark.parametrize("how", ["merge", "squash", "rebase", "push"])
@pytest.mark.parametrize("known", [True, False], ids=["with its beginning", "a new branch"])
def test_the_pull_request_of_a_push(scene: Scene, how: How, known: bool) -> None:
    repo = scene.gh.app.repos["acme/shop"]
    before = repo.rev("main")
    pull = repo.pulls.ship({"web/b": "1"}, {"web/c": "1"}, how=how)
    assert found(scene, before if known else None) == [pull.number]
    assert [call.path.split("/")[-1][:7] for call in scene.gh.calls] == [before[:7]] * known + ["graphql"]
    assert scene.waits == []
    assert scene.log == [f"Looked up: the push merged #{pull.number}"]


def test_what_a_merged_pull_request_tells(scene: Scene) -> None:
    """By it the files are found without another call than for their pages."""
    repo = scene.gh.app.repos["acme/shop"]
    before = repo.rev("main")
    pull = repo.pulls.ship({"web/b": "1"}, title="Add b", user="hubot[bot]")
    (told,) = scene.look({}).merged_by_push(before, repo.rev("main"), "main")
    assert (told.number, told.id, told.title, told.author) == (pull.number, pull.id, "Add b", "hubot")
    assert (told.base, told.head, told.changed_files) == (pull.base_sha, pull.head_sha, 1)
    assert told.merge_commit_sha == repo.rev("main")
    assert told.id > 2**31


def test_a_merge_queue_merges_several_at_once(scene: Scene) -> None:
    repo = scene.gh.app.repos["acme/shop"]
    before = repo.rev("main")
    queued = []
    for name in ("one", "two", "three"):
        repo.branch(name)
        repo.commit({f"{name}/a": "1"}, branch=name)
        queued.append(repo.pulls.open(name))
    repo.pulls.queue(*queued, how="squash")
    assert found(scene, before) == [1, 2, 3]
    assert len(scene.gh.calls) == 2
    assert scene.log == ["Looked up: the push merged #1, #2, #3"]


def test_a_pull_request_into_another_branch_is_not_the_pushs(scene: Scene) -> None:
    repo = scene.gh.app.repos["acme/shop"]
    before = repo.rev("main")
    repo.branch("develop")
    repo.pulls.ship({"web/b": "1"}, base="develop", how="merge")
    release = repo.pulls.open("develop")
    repo.pulls.merge(release, "merge")
    assert found(scene, before) == [release.number]


def test_a_pull_request_that_was_merged_earlier_is_not_this_pushs(scene: Scene) -> None:
    """Its commits come once more with a branch that was made on top of it."""
    repo = scene.gh.app.repos["acme/shop"]
    repo.branch("lower")
    repo.commit({"web/b": "1"}, branch="lower")
    repo.branch("upper", "lower")
    repo.commit({"cart/b": "1"}, branch="upper")
    repo.pulls.merge(repo.pulls.open("lower"), "squash")
    before = repo.rev("main")
    upper = repo.pulls.open("upper")
    repo.pulls.merge(upper, "merge")
    assert len(repo.between(before, "main")) == 3
    assert found(scene, before) == [upper.number]


def test_a_direct_push_waits_a_little_and_finds_none(scene: Scene) -> None:
    before = scene.gh.app.repos["acme/shop"].rev("main")
    put(scene, {"web/b": "1"})
    assert found(scene, before) == []
    assert scene.waits == [1, 2]
    assert scene.gh.count("/graphql") == 3
    assert scene.log == ["Looked up: the push merged no pull request"]


@pytest.mark.parametrize(("lag", "waits", "numbers"), [(1, [1], [1]), (2, [1, 2], [1]), (3, [1, 2], [])])
def test_github_may_know_a_moment_later(scene: Scene, lag: int, waits: list[float], numbers: list[int]) -> None:
    repo = scene.gh.app.repos["acme/shop"]
    before = repo.rev("main")
    repo.pulls.ship({"web/b": "1"})
    scene.gh.configure(lag=lag)
    assert found(scene, before) == numbers
    assert scene.waits == waits
    assert scene.gh.count("/graphql") == 1 + len(waits)


def test_the_newest_of_several_may_be_known_last(scene: Scene) -> None:
    repo = scene.gh.app.repos["acme/shop"]
    before = repo.rev("main")
    repo.pulls.ship({"web/b": "1"})
    scene.gh.configure(lag=1)
    assert found(scene, before) == [1]
    repo.pulls.ship({"web/c": "1"})
    assert found(scene, before) == [1, 2]
    assert scene.waits == [1]


def test_a_forced_push_over_a_beginning_that_is_gone(scene: Scene) -> None:
    repo = scene.gh.app.repos["acme/shop"]
    pull = repo.pulls.ship({"web/b": "1"})
    assert found(scene, "f" * 40) == [pull.number]


UNCOMPARED: dict[str, dict[str, Any]] = {
    **{f"HTTP {status}": {"status": status} for status in (404, 406, 409, 410, 422, 500, 502, 503)},
    "a time-out's sentence": {"status": 500, "message": "Sorry, this diff is taking too long to generate."},
}


@pytest.mark.parametrize("name", UNCOMPARED)
def test_of_a_push_that_cannot_be_compared_the_newest_pull_request_is_found(scene: Scene, name: str) -> None:
    repo = scene.gh.app.repos["acme/shop"]
    before = repo.rev("main")
    newest = [repo.pulls.ship({f"web/{number}": "1"}) for number in range(2)][1]
    scene.gh.fail("/compare/", times=None, **UNCOMPARED[name])
    look = scene.look({})
    assert [pull.number for pull in look.merged_by_push(before, repo.rev("main"), "main")] == [newest.number]
    (warning,) = look.warnings
    assert warning.startswith(
        "The push may have merged further pull requests, whose services are not set, because GitHub"
    )


@pytest.mark.parametrize(
    "fault",
    [
        *({"status": 401}, {"status": 403}, {"limit": "primary", "wait": 3000}),
        *({"status": 200, "body": body} for body in (b"<html>", b"{}", b"[]")),
        {"reset": True},
    ],
    ids=str,
)
def test_a_push_of_which_github_does_not_say_that_it_cannot_be_compared_is_not_guessed(
    scene: Scene, fault: dict[str, Any]
) -> None:
    repo = scene.gh.app.repos["acme/shop"]
    before = repo.rev("main")
    repo.pulls.ship({"web/b": "1"})
    scene.gh.fail("/compare/", times=None, **fault)
    with pytest.raises(LookupFailedError):
        found(scene, before)
    assert scene.gh.count("/graphql") == 0


def test_a_push_of_more_commits_than_are_read_is_not_guessed(scene: Scene) -> None:
    repo = scene.gh.app.repos["acme/shop"]
    before = repo.rev("main")
    repo.pulls.ship({"web/b": "1"})
    numbers = itertools.count()

    def endless(body: dict[str, Any]) -> None:
        body["commits"] = [{"sha": f"{next(numbers):040x}"} for _ in range(100)]

    scene.gh.fail("/compare/", times=None, edit=endless)
    with pytest.raises(LookupFailedError, match="10,000 commits or more"):
        found(scene, before)


def test_a_push_of_many_commits_is_asked_for_by_pages(scene: Scene) -> None:
    repo = scene.gh.app.repos["acme/shop"]
    before = repo.rev("main")
    pulls = [repo.pulls.ship({f"web/{number}": "1"}) for number in range(3)]
    for number in range(270):
        put(scene, {"web/a": str(number)})
    pulls.append(repo.pulls.ship({"web/last": "1"}))
    assert found(scene, before) == [pull.number for pull in pulls]
    assert scene.gh.count("/compare/") == 3
    assert scene.gh.count("/graphql") == 2


@pytest.mark.parametrize(("missing", "named"), [("contents", "contents"), ("pull_requests", "pull-requests")])
def test_what_a_push_needs(scene: Scene, missing: str, named: str) -> None:
    repo = scene.gh.app.repos["acme/shop"]
    before = repo.rev("main")
    repo.pulls.ship({"web/b": "1"})
    scene.gh.permissions[missing] = "none"
    with pytest.raises(LookupFailedError, match=f"`{named}: read`"):
        found(scene, before)


def test_a_push_in_a_repository_that_is_not_resolved(scene: Scene) -> None:
    scene.gh.fail("/graphql", status=200, body=b'{"data": {"repository": null}}')
    with pytest.raises(LookupFailedError, match="cannot read the pull requests of acme/shop"):
        found(scene, None)


def test_a_push_in_a_repository_that_is_hidden(scene: Scene) -> None:
    scene.gh.app.hidden.add("acme/shop")
    with pytest.raises(LookupFailedError, match="cannot read the pull requests of acme/shop"):
        found(scene, "f" * 40)


# What the documentation states.


def backfilled(scene: Scene, given: Mapping[str, str]) -> int:
    """Count what a backfill lookups."""
    scene.gh.reset_calls()
    inputs = builders.inputs({"operation": "backfill", **given})
    with speaking(scene.gh, patient=True) as api:
        rows, _ = rows_from_history(inputs, builders.runtime("schedule"), api, NOW, scene.log.append)
    assert 94 <= len(rows) <= 100
    return len(scene.gh.calls)


def test_the_documentation_states_what_each_look_up_costs(scene: Scene) -> None:
    repo = put(scene, {"services.yml": MAP, "CODEOWNERS": "* @a", **CATALOGS})
    start = repo.rev("main")
    inline = {"service-map": MAP}

    def cost(given: Mapping[str, str], change: PullChange | RangeChange) -> int:
        scene.gh.reset_calls()
        scene.look(given).touched(change)
        return len(scene.gh.calls)

    def pull(*paths: str, told: bool = True) -> PullChange:
        shipped = repo.pulls.ship(dict.fromkeys(paths, str(len(repo.log()))))
        known = PullChange(shipped.number, shipped.base_sha, shipped.head_sha, len(paths))
        return known if told else PullChange(shipped.number)

    def files(count: int) -> list[str]:
        return [f"web/{number % 50}/{number}" for number in range(count)]

    def moved(count: int) -> RangeChange:
        before = repo.rev("main")
        return RangeChange(before, repo.commit(dict.fromkeys(files(count), str(len(repo.log())))), "push.before")

    def pushed(commits: int) -> int:
        before = repo.rev("main")
        for number in range(commits - 1):
            repo.commit({"web/a": f"{before}{number}"})
        repo.pulls.ship({"web/a": before})
        assert len(found(scene, before)) == 1
        return len(scene.gh.calls)

    one = pull("web/a")
    page, large = cost(inline, one), cost(inline, pull(*files(3000)))
    assert cost(inline, pull("web/b", told=False)) == page
    before = repo.rev("main")
    shipped = repo.pulls.ship({"cart": submodule("1" * 40), "cart/a": None})
    bump = PullChange(shipped.number, shipped.base_sha, shipped.head_sha, 2)
    bumped = RangeChange(before, repo.rev("main"), "push.before")
    repo.pulls.ship({"cart": None, "cart/a": "1"})
    compared, listed = [], []
    for count in (99, 100, 199, 250, 251):
        pushed(count)
        compared.append(scene.gh.count("/compare/"))
        listed.append(scene.gh.count("/graphql"))
    assert (compared, listed) == ([1, 2, 2, 3, 3], [1, 1, 1, 1, 2])
    # "A list is read until a page is not full, so that a multiple of 100 costs one call more."
    assert [cost(inline, pull(*files(count))) for count in (99, 100, 199, 200)] == [1, 2, 2, 3]
    scene.gh.configure(lag=3)
    before = repo.rev("main")
    repo.pulls.ship({"web/a": "last"})
    assert found(scene, before) == []
    again = len(scene.gh.calls) - 2
    scene.gh.configure(lag=0)
    catalogs = [cost(BACKSTAGE, pull("web/c")) - page, cost(BACKSTAGE, pull("web/d", "cart/d")) - page]
    expected = {
        "a pull request's files": [page, 100, 3000, large],
        "the same, of a `pull-number` that is not the event's": [
            3000,
            cost(inline, pull(*files(3000), told=False)) - large,
        ],
        "which changed paths are submodules, if that matters": [
            cost(inline, bumped) - page,
            cost(inline, bump) - page,
        ],
        "what a push changed, or what changed since `since-sha`": [
            cost(inline, moved(299)),
            300,
            cost(inline, moved(300)),
        ],
        "the pull requests that a push merged": [1, 100, 1, 250, again],
        "the service map, if it is not in the workspace": [cost(FROM_MAP, one) - page],
        "CODEOWNERS, without a checkout": [cost(OWNERS, one) - page],
        "Backstage, without a checkout": [catalogs[0] - 1, catalogs[1] - catalogs[0]],
    }
    for _ in range(94):
        repo.deployments.create(state="success", at=NOW)
    backfills = [backfilled(scene, {"only-environments": "*"}), backfilled(scene, {})]
    others = []
    for number in range(6):
        page_of_job = f"https://github.com/acme/other-{number}/actions/runs/1/job/2"
        repo.deployments.create(state="success", at=NOW, log_url=page_of_job)
        others.append(backfilled(scene, {"only-environments": "*"}) - backfills[0])
    expected["the history of a backfill"] = [backfills[0], 100, backfills[1], 100, others[0], max(others)]
    table = rows(section("docs/monorepos.md", "## Permissions and calls"))
    stated = {row[0]: [int(found.replace(",", "")) for found in re.findall(r"[0-9][0-9,]*", row[1])] for row in table}
    assert stated == expected
    assert cost(inline, RangeChange(repo.rev("main"), start, "input since-sha")) == 3


def test_a_tag_is_told_from_a_branch(scene: Scene) -> None:
    repo = scene.gh.app.repos[scene.repository]
    sha = repo.rev("main")
    repo.tag("release-2025.1", sha)
    repo.branch("v1.2.3", sha)
    repo.tag("both", sha)
    repo.branch("both", sha)
    names = ("release-2025.1", "v1.2.3", "both", "neither")
    assert [scene.look({}).is_tag(name) for name in names] == [True, False, False, None]
