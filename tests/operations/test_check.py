"""A check: each thing that could be wrong is broken alone, and its line alone fails. Whole runs against both stand-ins."""

import signal
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

import builders
import events
import worlds
from dx_action.report.checks import NAMES
from dx_action.report.failures import ADVICE
from dx_action.sandbox import Sandbox
from hostile import MARKUP
from peers import DAY, answering, certified, closed_port, full_backlog
from proxies import Tunnel
from runner import TOKEN, Run, Step, connected, until
from scenes import merge_payload, push_payload, told
from stand_in import GitHub, Repo
from stand_in.real_git import git, write

MAP = "a: [a/**]\nb: [b/**]\nrest: [README.md, CODEOWNERS, /catalog-info.yaml, ci/**]\n"
CATALOG = "kind: Component\nmetadata: {name: NAME}\n"
FILES = {
    "README.md": "Shop",
    "a/x": "0",
    "b/x": "0",
    "ci/services.yml": MAP,
    "CODEOWNERS": "* @acme/rest\na/ @acme/a\nb/ @acme/b\n",
    "catalog-info.yaml": CATALOG.replace("NAME", "rest"),
    "a/catalog-info.yaml": CATALOG.replace("NAME", "a"),
}
BY_MAP = {"operation": "check", "service-map": "ci/services.yml"}
PLAIN = {"operation": "check", "service": "web"}
SHIPS = PLAIN | {"attribution": "merge-commits"}
NOT_TRIED = "Not tried, because "
PULL = ["inputs", "event", "github-contents", "github-pull-requests"]
OWNERS = ["service-map", "patterns", "services", "unowned-files"]
DX = ["connection", "token"]


@dataclass
class World(worlds.World):
    """A private repository with a merged pull request, and a DX."""

    first: str
    env: dict[str, str] = field(default_factory=dict)
    payload: dict[str, Any] = field(default_factory=dict)

    def run(self, given: Mapping[str, str], event: str = "pull_request_merged", **env: str | None) -> Run:
        run = self.step(event, self.payload, given, **{**self.env, **env})
        sent = [(request["path"], request["body"]) for request in self.dx.requests()]
        assert sent in ([], [("/api/deployments.create", "{}")])
        assert self.dx.deployments() == []
        assert {each["name"] for each in run.json("checks")} <= set(NAMES)
        return run

    def merge(self, files: dict[str, str | None], touched: str = "a/x") -> None:
        """Change files, and merge a pull request that touches one."""
        self.repo.commit(files)
        self.payload = merge_payload(self.repo, self.repo.pulls.ship({touched: "3"}, how="squash"))

    def push(self) -> None:
        before = self.repo.rev("main")
        self.repo.commit({"a/y": "1"})
        self.payload = push_payload(self.repo, before)


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    repo = Repo("acme/shop", start="2025-03-03T00:00:00Z")
    first = repo.commit(FILES)
    pull = repo.pulls.ship({"a/x": "1"}, how="squash")
    (tmp_path / "workspace").mkdir()
    with GitHub(repo) as gh, Sandbox(token=TOKEN, inactive_token="inactive") as dx:
        yield World(tmp_path, repo, gh, dx, first, payload=merge_payload(repo, pull))


def check_out(world: World) -> None:
    """Have git check the repository out into the workspace."""
    write(world.repo, world.folder / "acme" / "shop")
    git(world.folder, "clone", "--quiet", str(world.folder / "acme" / "shop"), str(world.folder / "workspace"))


def lines(run: Run, *outcomes: str) -> list[tuple[str, str]]:
    """Return the lines of these outcomes, by name and message."""
    return [(each["name"], each["message"]) for each in run.json("checks") if each["outcome"] in outcomes]


def is_the_one(run: Run, name: str, words: str, outcome: str = "failed") -> None:
    """Assert that this line alone has such an outcome; another one only says that it could not be tried for that."""
    rest = [(other, text) for other, text in lines(run, "failed", "warning") if not text.startswith(NOT_TRIED)]
    assert [other for other, _ in rest] == [name], rest
    ((_, message),) = rest
    assert words in message
    assert (lines(run, outcome) == rest) or (outcome == "warning" and rest[0] in lines(run, outcome))
    bad = outcome == "failed"
    assert (run.exit_code, run.status) == (int(bad), "failed" if bad else "checked")
    assert ([level for level, _ in run.annotations].count("error")) == int(bad)


# What is sound.


def test_a_sound_step(world: World) -> None:
    run = world.run(BY_MAP)
    assert (run.exit_code, run.status, run.outputs["reason"]) == (0, "checked", "")
    assert lines(run, "warning", "failed") == []
    assert [name for name, _ in lines(run, "ok")] == [*PULL, *OWNERS, "deployment", *DX]
    assert run.annotations == [("notice", "Check: everything is ok.")]
    (request,) = world.dx.requests()
    assert request["body"] == "{}"
    assert run.json("services") == ["a"]
    assert [each["body"]["service"] for each in run.json("requests")] == [{"identifier": "a"}]
    assert '"identifier": "a"' in run.summary.partition("What this step would send")[2]
    assert any('"service":{"identifier":"a"}' in line for line in run.lines)


@pytest.mark.parametrize(
    ("given", "names"),
    [
        (PLAIN, ["inputs", "event", "github", "deployment", *DX]),
        (
            SHIPS,
            ["inputs", "event", "github-contents", "github-pull-requests", "github-deployments", "deployment", *DX],
        ),
        (
            {"operation": "check", "services-from": "codeowners"},
            [*PULL, "services-from", *OWNERS[1:], "deployment", *DX],
        ),
        (
            {"operation": "check", "services-from": "backstage"},
            [*PULL, "services-from", *OWNERS[2:], "deployment", *DX],
        ),
        (PLAIN | {"failed-file": "f.jsonl"}, ["inputs", "failed-file", "event", "github", "deployment", *DX]),
    ],
)
def test_only_what_the_inputs_need_is_tried(world: World, given: dict[str, str], names: list[str]) -> None:
    world.repo.deployments.create(world.first, state="success")
    run = world.run(given)
    assert lines(run, "failed") == []
    assert sorted(name for name, _ in lines(run, "ok", "warning")) == sorted(names)
    assert lines(run, "warning") == []
    assert not (run.workspace / "f.jsonl").exists()
    if given == PLAIN:
        assert world.gh.calls == []


def test_each_permission_costs_one_call(world: World) -> None:
    world.run(SHIPS | {"commit-sha": "1234567"})
    tried = [call.path.rpartition("/")[2] for call in world.gh.calls if call.query.get("per_page") == "1"]
    assert tried == ["branches", "pulls", "deployments"]


# What is broken, alone.

TOKENS = [(code, token) for code, token in (("invalid_auth", "another"), ("account_inactive", "inactive"))]


@pytest.mark.parametrize(("code", "token"), TOKENS)
def test_a_token_that_dx_refuses(world: World, code: str, token: str) -> None:
    is_the_one(world.run(PLAIN | {"dx-token": token}), "token", ADVICE[code])


@pytest.mark.parametrize("code", ["not_authed", "invalid_auth", "account_inactive"])
@pytest.mark.parametrize("status", [200, 401])
def test_each_code_has_its_sentence_whatever_the_status(world: World, code: str, status: int) -> None:
    world.dx.script([{"status": status, "error": code, "times": "forever"}])
    is_the_one(world.run(PLAIN), "token", ADVICE[code])


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        ({"ok": True}, "the answer was `ok: true` to an empty request"),
        ({"status": 503, "body": "html"}, "the answer was HTTP 503. DX is unavailable"),
        ({"status": 429, "error": "rate_limited"}, "the answer was HTTP 429. DX is rate-limiting"),
        ({"status": 404, "body": "html"}, "the answer was HTTP 404. The host has no such API."),
        ({"status": 401, "body": "empty"}, "the answer was HTTP 401. The API token was rejected."),
        ({"status": 403, "body": "html"}, "the answer was HTTP 403. The API token lacks permission"),
        ({"redirect": "https://login.test/"}, "the answer was HTTP 302. The host answered with a redirect"),
        ({"status": 200, "body": "html"}, "the answer was HTTP 200. The answers were not JSON"),
        ({"status": 422, "error": "unheard_of", "message": "Try a spell."}, "It says: "),
        ({"status": 409, "error": "reference_id_conflict"}, "the answer was HTTP 409"),
        ({"status": 422, "error": "repo_not_found"}, "the answer was HTTP 422. DX could not find the repository"),
    ],
)
def test_any_other_answer_is_a_doubt_and_asked_for_once(world: World, fault: dict[str, Any], words: str) -> None:
    world.dx.script([fault | {"times": "forever"}])
    is_the_one(world.run(PLAIN), "token", words, "warning")
    assert len(world.dx.requests()) == 1


@pytest.mark.parametrize("text", [*MARKUP, f"::error::x {TOKEN} ##[error]x"])
def test_what_dx_says_is_quoted_and_does_nothing(world: World, text: str) -> None:
    world.dx.script([{"status": 422, "error": "unheard_of", "message": text}])
    run = world.run(PLAIN)
    is_the_one(run, "token", "the answer was HTTP 422", "warning")
    assert TOKEN not in "".join(line for line in run.lines if "add-mask" not in line) + run.summary + run.raw_outputs


@contextmanager
def at(url: str, proxy: str = "", pem: bytes | None = None) -> Iterator[dict[str, Any]]:
    yield {"url": url, "env": {"HTTPS_PROXY": proxy} if proxy else {}, "pem": pem}


@contextmanager
def refusing_proxy(answer: bytes) -> Iterator[dict[str, Any]]:
    with Tunnel(closed_port(), answer) as tunnel:
        yield {"url": "https://dx.invalid", "env": {"HTTPS_PROXY": tunnel.url}, "pem": None}


@contextmanager
def shown(folder: Path, name: str, begins: int, ends: int, *, trusted: bool) -> Iterator[dict[str, Any]]:
    with certified(folder, name, begins * DAY, ends * DAY) as (port, pem):
        yield {"url": f"https://127.0.0.1:{port}", "env": {}, "pem": pem if trusted else None}


@contextmanager
def answered(answer: bytes, url: str) -> Iterator[dict[str, Any]]:
    with answering(answer) as port:
        yield {"url": url.format(port), "env": {}, "pem": None}


@contextmanager
def silent() -> Iterator[dict[str, Any]]:
    with full_backlog() as port:
        yield {"url": f"https://127.0.0.1:{port}", "env": {}, "pem": None}


Scene = Callable[[Path], AbstractContextManager[dict[str, Any]]]
UNREACHED: dict[str, tuple[Scene, str]] = {
    "name": (lambda _: at("https://dx.invalid"), "The name dx.invalid was not found."),
    "refused": (lambda _: at(f"https://127.0.0.1:{closed_port()}"), "refused the connection."),
    "no connection": (lambda _: silent(), "did not accept a connection in time."),
    "closed": (lambda _: answered(b"", "http://127.0.0.1:{}"), "broke before the answer."),
    "no TLS": (lambda _: answered(b"HTTP/1.1 200 OK\r\n\r\n", "https://127.0.0.1:{}"), "The TLS handshake with"),
    "unknown CA": (
        lambda folder: shown(folder, "127.0.0.1", -1, 1, trusted=False),
        "is not trusted. Check `dx-host`. For a private CA, or a proxy that inspects TLS, set `ca-bundle`",
    ),
    "expired": (lambda folder: shown(folder, "127.0.0.1", -9, -1, trusted=True), "has expired."),
    "another name": (lambda folder: shown(folder, "dx.test", -1, 1, trusted=True), "is for another name."),
    "proxy's name": (
        lambda _: at("https://dx.invalid", "http://proxy.invalid:8080"),
        "The name of the proxy proxy.invalid:8080 was not found.",
    ),
    "proxy refused": (
        lambda _: at("https://dx.invalid", f"http://127.0.0.1:{closed_port()}"),
        "refused the connection. Check the proxy variables",
    ),
    "proxy's password": (lambda _: refusing_proxy(b"HTTP/1.1 407 Password\r\n\r\n"), "(HTTP 407)"),
    "proxy denies": (lambda _: refusing_proxy(b"HTTP/1.1 403 No\r\n\r\n"), "denied access to dx.invalid (HTTP 403)"),
    "proxy fails": (lambda _: refusing_proxy(b"HTTP/1.1 502 Bad\r\n\r\n"), "opened no connection to dx.invalid."),
    "proxy's address": (lambda _: at("https://dx.invalid", "http://["), "The proxy's address cannot be used."),
}


@pytest.mark.parametrize("name", UNREACHED)
def test_dx_that_is_not_reached(world: World, tmp_path: Path, name: str) -> None:
    scene, words = UNREACHED[name]
    with scene(tmp_path) as found:
        world.env = found["env"]
        given = PLAIN | {"dx-host": found["url"], "timeout": "2"}
        if found["pem"]:
            world.write("ca.pem", found["pem"])
            given["ca-bundle"] = "ca.pem"
        run = world.run(given)
    is_the_one(run, "connection", words)
    assert [name for name, text in lines(run, "warning") if text.startswith(NOT_TRIED)] == ["token"]


def test_a_proxy_and_a_private_ca_that_serve(world: World, tmp_path: Path) -> None:
    with certified(tmp_path, "dx.test", -DAY, DAY) as (port, pem), Tunnel(port) as tunnel:
        world.write("ca.pem", pem)
        world.env = {"HTTPS_PROXY": tunnel.url}
        run = world.run(PLAIN | {"dx-host": "https://dx.test", "ca-bundle": "ca.pem"})
        assert [head.split()[1] for head in tunnel.heads] == [b"dx.test:443"]
    is_the_one(run, "token", "`ok: true`", "warning")


@pytest.mark.parametrize(
    ("permission", "given", "event"),
    [
        ("contents", SHIPS, "merge"),
        ("deployments", SHIPS, "merge"),
        ("pull-requests", SHIPS, "merge"),
        ("pull-requests", BY_MAP, "merge"),
        ("contents", BY_MAP, "merge"),
        ("contents", {"operation": "check", "service-map": MAP}, "push"),
        ("contents", {"operation": "check", "services-from": "codeowners"}, "push"),
        ("contents", {"operation": "check", "services-from": "backstage"}, "push"),
        ("contents", PLAIN | {"lead-time-metadata": "commit"}, "dispatch"),
        ("pull-requests", PLAIN | {"lead-time-metadata": "first-commit"}, "merge"),
        ("contents", PLAIN | {"set-pull-services": "true"}, "push"),
        ("pull-requests", PLAIN | {"set-pull-services": "true"}, "push"),
    ],
)
@pytest.mark.parametrize("status", [403, 404])
def test_a_permission_that_is_missing(
    world: World, permission: str, given: dict[str, str], event: str, status: int
) -> None:
    name = "pull_request_merged"
    if event == "push":
        world.push()
        name = "push_branch"
    if event == "dispatch":
        name, world.payload = "workflow_dispatch", {"repository": {"full_name": "acme/shop", "default_branch": "main"}}
    if status == 403:
        world.gh.permissions[permission.replace("-", "_")] = "none"
    else:
        path = {"contents": "branches$", "pull-requests": "pulls$", "deployments": "deployments$"}[permission]
        world.gh.fail(path, status=404, times=None)
    run = world.run(given, name)
    is_the_one(run, f"github-{permission}", f"`{permission}: read`")
    ((_, message),) = lines(run, "failed")
    assert "below the job's `permissions:` is" in message
    assert ("may not read" if status == 403 else "cannot read") in message


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        (
            {"status": 403, "message": "Although you appear to have the correct, organization has an IP allow list"},
            "IP allow list",
        ),
        ({"status": 403, "message": "Resource protected by organization SAML enforcement."}, "single sign-on"),
        ({"status": 403, "message": "Sorry. Your account was suspended."}, "is suspended"),
    ],
)
def test_other_reasons_of_github_are_told_apart(world: World, fault: dict[str, Any], words: str) -> None:
    world.gh.fail("branches$", **fault)
    is_the_one(world.run(BY_MAP), "github-contents", words)


def test_a_github_token_that_is_refused(world: World) -> None:
    run = world.run(BY_MAP | {"github-token": "expired-token"})
    is_the_one(run, "github", "was rejected by GitHub")
    assert len(world.gh.calls) == 1


def test_github_that_is_not_reached(world: World) -> None:
    run = world.run(BY_MAP | {"fail-on-error": "except-outages"}, GITHUB_API_URL=f"http://127.0.0.1:{closed_port()}")
    assert lines(run, "failed")[0][0] == "github"
    assert len(lines(run, "failed")) == 1
    assert (run.exit_code, run.status) == (0, "failed")


def test_a_repository_that_was_renamed_is_a_doubt(tmp_path: Path, world: World) -> None:
    with GitHub(world.repo, moved={"acme/old": "acme/shop"}) as gh:
        world.gh = gh
        world.payload = {"repository": {"full_name": "acme/old", "default_branch": "main"}}
        run = world.run(BY_MAP | {"repository": "acme/old"}, "workflow_dispatch", GITHUB_REPOSITORY="acme/old")
    doubts = lines(run, "warning")
    assert [name for name, _ in doubts] == ["github", "deployment"]
    assert "GitHub calls the repository acme/old `acme/shop` now." in doubts[0][1]


def test_cas_that_are_passed_over_are_a_doubt(world: World, tmp_path: Path) -> None:
    with certified(tmp_path, "127.0.0.1", -DAY, DAY) as (port, pem):
        world.write("ca.pem", pem)
        given = PLAIN | {"dx-host": f"https://127.0.0.1:{port}", "ca-bundle": "ca.pem"}
        run = world.run(given, REQUESTS_CA_BUNDLE="/nowhere/ca.pem")
    assert [name for name, _ in lines(run, "warning")] == ["connection", "token"]
    assert "`REQUESTS_CA_BUNDLE` is passed over" in lines(run, "warning")[0][1]


def test_github_behind_a_private_ca_needs_the_bundle_that_cannot_be_used(world: World, tmp_path: Path) -> None:
    world.write("ca.pem", "no PEM")
    with certified(tmp_path, "127.0.0.1", -DAY, DAY) as (port, _):
        run = world.run(BY_MAP | {"ca-bundle": "ca.pem"}, GITHUB_API_URL=f"https://127.0.0.1:{port}")
    is_the_one(run, "ca-bundle", "contains no readable certificate")
    untried = [name for name, _ in lines(run, "warning")]
    assert untried == ["github", "service-map", "deployment", "connection", "token"]


def test_whether_a_run_s_branch_is_a_tag_is_looked_up(world: World) -> None:
    """As a deployment does, if the payload leaves it open."""
    world.repo.tag("release-7", world.first)
    changes = {"workflow_run.head_branch": "release-7", "workflow_run.updated_at": "2025-03-04T11:58:00Z"}
    world.payload = builders.payload("workflow_run_success", changes)
    run = world.run(PLAIN, "workflow_run_success")
    assert lines(run, "failed", "warning") == []
    assert {call.path for call in world.gh.calls} == {
        "/repos/acme/shop/branches",
        *(f"/repos/acme/shop/git/ref/{name}/release-7" for name in ("heads", "tags")),
    }
    assert [name for name, _ in lines(run, "ok") if name.startswith("github")] == ["github-contents"]
    world.dx.reset()
    world.gh.permissions["contents"] = "none"
    for given in (PLAIN, PLAIN | {"github-token": ""}):
        without = world.run(given, "workflow_run_success")
        assert [name for name, _ in lines(without, "warning")] == ["event", "github-contents"]
        assert all("`contents: read`" in text for _, text in lines(without, "warning")[: 1 if given != PLAIN else 2])
        world.dx.reset()


def test_a_bundle_that_cannot_be_used_is_no_fault_of_the_event(world: World) -> None:
    world.repo.tag("release-7", world.first)
    world.write("ca.pem", "no PEM")
    changes = {"workflow_run.head_branch": "release-7", "workflow_run.updated_at": "2025-03-04T11:58:00Z"}
    world.payload = builders.payload("workflow_run_success", changes)
    run = world.run(PLAIN | {"ca-bundle": "ca.pem"}, "workflow_run_success")
    is_the_one(run, "ca-bundle", "contains no readable certificate")
    assert [name for name, _ in lines(run, "ok")][:2] == ["inputs", "event"]


def test_without_github_a_checkout_says_whose_files_are_whose(world: World) -> None:
    world.merge({"legacy/x": "1"})
    check_out(world)
    run = world.run(BY_MAP, GITHUB_API_URL=f"http://127.0.0.1:{closed_port()}")
    assert [name for name, _ in lines(run, "failed")] == ["github"]
    assert [name for name, _ in lines(run, "warning")] == ["unowned-files", "deployment"]


# What the repository's files say.


CODEOWNERS, CATALOGS = {"services-from": "codeowners"}, {"services-from": "backstage"}
# What the commit changes, the inputs → the line, and what it says.
LEFT_OPEN: list[tuple[dict[str, str | None], dict[str, str], str, str]] = [
    (
        {"ci/services.yml": MAP + "c: [a/x, gone/**]\n"},
        BY_MAP,
        "patterns",
        "1 pattern matches no file of the deployed commit: gone/** (line 4). Correct or remove it.",
    ),
    (
        {"ci/services.yml": MAP + "c: [a/x, '!a/x']\n", "a/y": "0"},
        BY_MAP,
        "services",
        "1 service owns no file: c. Check its patterns",
    ),
    (
        {"legacy/one": "", "legacy/deep/two": "", "a/deep/z": "2", "odd": ""},
        BY_MAP,
        "unowned-files",
        "3 of 11 files belong to no service: a change of these alone registers nothing. The largest folders: legacy/ (2), / (1).",
    ),
    (
        {"CODEOWNERS": "* @acme/rest\ngone/ @acme/rest\nb/* @acme/rest\nold/ @acme/rest\na/ @acme/a\n"},
        CODEOWNERS,
        "patterns",
        "2 patterns match no file of the deployed commit: gone/ (line 2), old/ (line 4).",
    ),
    ({"CODEOWNERS": "a/ @acme/gone\n* @acme/rest\n"}, CODEOWNERS, "services", "1 service owns no file: gone."),
    ({"CODEOWNERS": "* @acme/rest\nb/\n"}, CODEOWNERS, "unowned-files", "1 of 7 files belong to no service"),
    (
        {"b/catalog-info.yaml": CATALOG.replace("NAME", "b"), "b/x": None},
        CATALOGS,
        "services",
        "1 service owns no file but the catalog itself: b. Check the catalog's folder, or remove it.",
    ),
    ({"catalog-info.yaml": None}, CATALOGS, "unowned-files", "The largest folders: / (2), b/ (1), ci/ (1)."),
]


@pytest.mark.parametrize(("files", "given", "name", "words"), LEFT_OPEN)
@pytest.mark.parametrize("checkout", [False, True])
def test_what_the_owners_of_files_leave_open(
    world: World, files: dict[str, str | None], given: dict[str, str], name: str, words: str, checkout: bool
) -> None:
    world.merge(files)
    if checkout:
        check_out(world)
    run = world.run({"operation": "check"} | given)
    is_the_one(run, name, words, "warning")
    assert (world.gh.count("git/trees") == 0) == checkout


@pytest.mark.parametrize(
    ("path", "text", "given", "name", "words"),
    [
        ("ci/services.yml", "a: {paths: [a/**], nmae: A}\n", BY_MAP, "service-map", "ci/services.yml has a service with a key"),
        ("ci/services.yml", None, BY_MAP, "service-map", "neither in the workspace nor in the deployed commit"),
        ("CODEOWNERS", "[a @x\n", CODEOWNERS, "services-from", "(line 1)"),
        ("CODEOWNERS", None, CODEOWNERS, "services-from", "the repository has none of"),
        ("b/catalog-info.yaml", "kind: Component\n", CATALOGS, "services-from", "b/catalog-info.yaml has a component without"),
    ],
)  # fmt: skip
def test_owners_that_cannot_be_read(
    world: World, path: str, text: str | None, given: dict[str, str], name: str, words: str
) -> None:
    """The pull request touches none of them, so that a deployment might not even notice a broken catalog."""
    world.merge({path: text})
    run = world.run({"operation": "check"} | given)
    is_the_one(run, name, words)


def test_every_broken_catalog_is_named(world: World) -> None:
    world.merge({f"{letter}/catalog-info.yaml": "kind: Component\n" for letter in "cdefghi"})
    run = world.run({"operation": "check"} | CATALOGS)
    ((_, message),) = lines(run, "failed")
    assert [f"{letter}/catalog-info.yaml" in message for letter in "cdefghi"] == [True] * 5 + [False] * 2
    assert message.endswith(" And 2 more.")


def test_a_tree_that_github_cuts_is_read_folder_by_folder(world: World) -> None:
    world.merge({"a/deep/z": "2", "odd": ""})
    world.gh.configure(tree_limit=8)
    is_the_one(world.run(BY_MAP), "unowned-files", "1 of 9 files belong to no service", "warning")


def test_a_folder_that_github_cuts_needs_a_checkout(world: World) -> None:
    world.gh.configure(tree_limit=3)
    run = world.run(BY_MAP)
    assert lines(run, "failed") == []
    assert [name for name, _ in lines(run, "warning")] == ["service-map", "deployment"]
    assert "a folder too large for GitHub to list whole. A checkout before this step" in lines(run, "warning")[0][1]


# Inputs and events.


def test_every_problem_of_the_inputs_is_a_line_and_the_rest_is_tried(world: World) -> None:
    run = world.run(BY_MAP | {"deployed-at": "noon", "success": "perhaps", "csv-file": "x.csv"})
    assert [name for name, _ in lines(run, "failed")] == ["inputs"] * 3
    assert [message.split()[0] for _, message in lines(run, "failed")] == ["`deployed-at`", "`success`", "`csv-file`"]
    assert [name for name, _ in lines(run, "warning")] == ["deployment"]
    assert {"event", "github-pull-requests", "patterns", "token"} <= {name for name, _ in lines(run, "ok")}


@pytest.mark.parametrize(
    ("given", "untried"),
    [
        ({"dx-host": "app.getdx.com"}, ["connection", "token"]),
        ({"dx-token": "two words"}, ["token"]),
        ({"ca-bundle": "../ca.pem"}, ["connection", "token"]),
        ({"service-map": "a: [", "service": "web"}, []),
        ({"fail-on-error": "perhaps"}, []),
    ],
)
def test_an_input_that_cannot_be_used(world: World, given: dict[str, str], untried: list[str]) -> None:
    run = world.run(PLAIN | given)
    is_the_one(run, "inputs", f"`{next(iter(given))}`")
    assert [name for name, _ in lines(run, "warning")] == ["deployment", *untried]


@pytest.mark.parametrize(
    ("given", "env", "words"),
    [
        ({"pull-id": "7"}, {}, "`pull-id` has no effect"),
        ({}, {"INPUT_WIDGET": "1"}, "`widget`"),
    ],
)
def test_an_input_without_effect_is_a_doubt(
    world: World, given: dict[str, str], env: dict[str, str], words: str
) -> None:
    run = world.run(PLAIN | given, **env)
    is_the_one(run, "inputs", words, "warning")
    assert [level for level, _ in run.annotations] == ["warning", "notice"]


@pytest.mark.parametrize(("name", "line"), [("dx-host", "connection"), ("dx-token", "token")])
def test_a_connection_that_is_not_written(world: World, name: str, line: str) -> None:
    run = world.run(PLAIN | {name: ""})
    is_the_one(run, line, f"`{name}` is missing")
    assert len(world.dx.requests()) == (name == "dx-token")
    assert {request["authorization"] for request in world.dx.requests()} <= {"absent"}


@pytest.mark.parametrize(
    ("given", "env"),
    [
        ({}, {"INPUT_DX-HOTS": "acme", "INPUT_DX-TOKN": "x"}),  # slips, which are told
        ({"csv-file": "x.csv"}, {}),  # with it, a step would need no connection
    ],
)
def test_a_connection_that_something_else_stands_for(world: World, given: dict[str, str], env: dict[str, str]) -> None:
    run = world.run(PLAIN | given | {"dx-host": "", "dx-token": ""}, **env)
    assert {name for name, _ in lines(run, "failed")} == {"inputs"}
    assert [name for name, _ in lines(run, "warning")] == ["deployment", "connection", "token"]


def test_a_dry_run_sends_dx_nothing_at_all(world: World) -> None:
    run = world.run(BY_MAP | {"dry-run": "true", "dx-token": ""})
    assert (run.status, lines(run, "failed"), world.dx.requests()) == ("checked", [], [])
    why = "Not tried, because `dry-run` is set, so nothing is sent to DX."
    assert lines(run, "warning") == [("connection", why), ("token", why)]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (None, "`GITHUB_EVENT_PATH` names a file that does not exist."),
        ("{", "names a file that is not JSON"),
        ('{"action": "closed"}', "`pull_request` lacks pull_request"),
    ],
)
def test_a_bad_event(world: World, text: str | None, words: str) -> None:
    file = world.folder / "bad.json"
    if text is not None:
        file.write_text(text)
    is_the_one(world.run(PLAIN, GITHUB_EVENT_PATH=str(file)), "event", words)


@pytest.mark.parametrize(
    ("event", "words"),
    [
        ("pull_request_opened", "This `pull_request` event would register nothing. The pull request was not merged"),
        ("issue_comment", "This `issue_comment` event would register nothing."),
        ("deployment_status_in_progress", "which is not final."),
    ],
)
def test_an_event_that_registers_nothing_says_which_would(world: World, event: str, words: str) -> None:
    run = world.run(PLAIN, event, GITHUB_EVENT_PATH=str(events.path(event)))
    is_the_one(run, "event", words, "warning")
    assert "A push, a merged pull request," in lines(run, "warning")[0][1]
    assert run.json("requests") == []


def test_no_event_is_needed(world: World) -> None:
    run = world.run(BY_MAP, GITHUB_EVENT_NAME=None, GITHUB_EVENT_PATH=None)
    is_the_one(run, "event", "There is no event here", "warning")


DISPATCHED = {"repository": {"full_name": "acme/shop", "default_branch": "main"}}


def test_what_another_event_would_say_is_a_doubt(world: World) -> None:
    world.payload = DISPATCHED
    run = world.run(BY_MAP, "workflow_dispatch")
    is_the_one(run, "deployment", "`since-sha` is missing. Services are found by changed files", "warning")


def test_a_permission_that_only_some_events_need_is_a_doubt(world: World) -> None:
    world.payload = DISPATCHED
    world.gh.permissions["pull_requests"] = "none"
    run = world.run(BY_MAP, "workflow_dispatch")
    (found,) = ((name, text) for name, text in lines(run, "warning") if name.startswith("github"))
    assert found[0] == "github-pull-requests"
    assert found[1].endswith("Whether it is needed depends on the event: some deployments of these inputs need it.")
    assert run.status == "checked"


def test_another_repository_is_read_at_its_tip(world: World) -> None:
    """As a platform team checks many of them from one, with a token of its own."""
    world.payload = {"repository": {"full_name": "acme/platform", "default_branch": "main"}}
    run = world.run(BY_MAP | {"repository": "acme/shop"}, "workflow_dispatch", GITHUB_REPOSITORY="acme/platform")
    is_the_one(run, "deployment", "`repository` is not the repository of this event", "warning")
    assert set(OWNERS) <= {name for name, _ in lines(run, "ok")}


def test_of_another_repository_the_event_says_nothing(world: World) -> None:
    """The commit is the event's own, whose time the event has; GitHub is asked all the same, as a deployment asks."""
    commit = world.repo.rev("main")
    world.payload |= {"repository": {"full_name": "acme/platform", "default_branch": "main"}}
    given = PLAIN | {"repository": "acme/shop", "commit-sha": commit, "lead-time-metadata": "commit"}
    run = world.run(given, GITHUB_REPOSITORY="acme/platform")
    assert [name for name, _ in lines(run, "ok") if name.startswith("github")] == ["github-contents"]
    assert f"/repos/acme/shop/commits/{commit}" in [call.path for call in world.gh.calls]


def test_a_repository_that_is_not_github_s(world: World) -> None:
    given = BY_MAP | {"repository": "project/repo/x", "attribution": "repository"}
    is_the_one(world.run(given), "github", "`repository` is not a GitHub repository")


def test_a_fork_s_pull_request_has_no_secrets(world: World) -> None:
    world.payload["pull_request"]["head"]["repo"] = {"full_name": "fork/shop"}
    run = world.run(PLAIN | {"dx-token": ""})
    assert [name for name, _ in lines(run, "failed")] == ["token"]
    assert [name for name, _ in lines(run, "warning")] == ["event"]


def test_nothing_that_would_be_registered_is_a_doubt(world: World) -> None:
    world.merge({}, "odd")
    run = world.run(BY_MAP)
    assert [name for name, _ in lines(run, "warning")] == ["unowned-files", "deployment"]
    assert lines(run, "warning")[1][1].startswith("Nothing would be registered. The change touches no service.")


def test_a_secret_in_what_would_be_sent_fails(world: World) -> None:
    world.env = {"HTTPS_PROXY": "http://user:a-password-of-the-proxy@127.0.0.1:9"}
    world.payload["pull_request"]["html_url"] = "https://github.com/a-password-of-the-proxy"
    is_the_one(world.run(PLAIN), "deployment", "`source_url` contains the password of `HTTPS_PROXY`")


# Files of the workspace.


@pytest.mark.parametrize(
    ("name", "text", "words"),
    [
        ("failed-file", None, "`failed-file` names something that is not a file."),
        ("ca-bundle", "no PEM", "`ca-bundle` contains no readable certificate."),
        ("ca-bundle", None, "`ca-bundle` names something that is not a file."),
        ("ca-bundle", "", "`ca-bundle` names a file that is neither in the workspace nor in the deployed commit."),
    ],
)
def test_a_file_of_the_workspace_that_cannot_be_used(world: World, name: str, text: str | None, words: str) -> None:
    if text is None:
        (world.folder / "workspace" / "file").mkdir()
    elif text:
        world.write("file", text)
    run = world.run(PLAIN | {name: "file"})
    is_the_one(run, name, words)
    untried = ["connection", "token"] if name == "ca-bundle" else []
    assert [line for line, _ in lines(run, "warning")] == untried


def test_a_ca_bundle_that_github_does_not_show(world: World) -> None:
    world.gh.permissions["contents"] = "none"
    run = world.run(PLAIN | {"ca-bundle": "ca.pem"})
    is_the_one(run, "github-contents", "may not read the contents of acme/shop")
    assert [name for name, _ in lines(run, "warning")] == ["ca-bundle", "deployment", "connection", "token"]


# What is sent.


@pytest.mark.parametrize(
    "fault",
    [
        *({"reset": where} for where in ("before", "after")),
        *({"status": status, "body": body} for status in (200, 400, 408, 429, 500, 503) for body in ("html", "empty")),
        {"status": 503, "retry_after": 0},
        {"status": 503, "commit": True},
        {"cut": True},
        {"hang": 3},
        {"trickle": 1},
        {"latency": 0.1},
        {"ok": "true"},
        {"redirect": "http://127.0.0.1:1/api/deployments.create"},
    ],
)
@pytest.mark.parametrize("given", [{}, {"set-pull-services": "true", "method": "upsert", "on-conflict": "update"}])
def test_whatever_happens_to_it_one_empty_request_is_all(
    world: World, fault: dict[str, Any], given: dict[str, str]
) -> None:
    """Neither is it sent again, nor anything else: see `World.run`, too."""
    world.dx.script([fault | {"times": "forever"}])
    run = world.run(BY_MAP | given | {"timeout": "2", "failed-file": "f.jsonl"})
    assert [(request["path"], request["body"]) for request in world.dx.requests()] == [
        ("/api/deployments.create", "{}")
    ]
    assert (run.json("results"), world.dx.deployments(), world.dx.pull_services()) == ([], [], [])
    assert not (run.workspace / "f.jsonl").exists()
    assert all(call.method == "GET" or call.path == "/graphql" for call in world.gh.calls)


# How it ends.


def test_a_failure_can_be_a_warning(world: World) -> None:
    run = world.run(PLAIN | {"dx-token": "another", "fail-on-error": "false"})
    assert (run.exit_code, run.status) == (0, "failed")
    assert [level for level, _ in run.annotations] == ["warning"]


@pytest.mark.parametrize(("host", "code"), [("https://dx.invalid", 0), ("https://127.0.0.1:1/", 0), ("", 1)])
def test_an_outage_can_be_a_warning(world: World, host: str, code: int) -> None:
    run = world.run(PLAIN | {"dx-host": host, "fail-on-error": "except-outages"})
    assert (run.exit_code, run.status) == (code, "failed")


def test_a_check_that_is_cancelled_says_what_it_found(world: World, tmp_path: Path) -> None:
    world.dx.script([{"hang": 20}])
    inputs = connected(world.dx) | PLAIN
    step = Step(tmp_path, inputs, "pull_request_merged", told(tmp_path, world.gh, world.repo, world.payload))
    running = step.start()
    until(lambda: len(world.dx.requests()) == 1)
    running.send(signal.SIGINT)
    run = running.wait()
    assert (run.exit_code, run.status) == (1, "failed")
    assert lines(run, "failed") == [("check", "The job was cancelled before everything was checked.")]
    assert [name for name, _ in lines(run, "ok")] == ["inputs", "event", "github", "deployment"]
