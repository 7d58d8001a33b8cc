"""A `ca-bundle` that lies in the repository alone: it is read from GitHub at the deployed commit, where a token may read it."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

import builders
import worlds
from asking import Patience
from dx_action.sandbox import Sandbox
from runner import TOKEN, Run, Step, connected
from scenes import asked, told
from stand_in import GitHub, Repo


@dataclass
class World(worlds.World):
    env: dict[str, str] = field(default_factory=dict)

    def run(self, path: str = "ci/ca.pem", token: str = "github-token", **more: str) -> Run:
        given = connected(self.dx, ca_bundle=path, **more)
        return self.step("workflow_dispatch", None, given, token, **self.env)


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    ca = tmp_path / "made.pem"
    with Sandbox(token=TOKEN, tls=ca) as dx:
        repo = Repo("acme/shop")
        repo.commit({"ci/ca.pem": ca.read_bytes(), "ci/empty.pem": b""})
        with GitHub(repo) as gh:
            yield World(tmp_path, repo, gh, dx)


def test_it_is_read_at_the_deployed_commit(world: World) -> None:
    deployed = world.repo.rev("main")
    world.repo.commit({"ci/ca.pem": b"not any more"})
    run = world.run(commit_sha=deployed)
    assert (run.status, run.remarks) == ("registered", [])
    assert asked(world.gh) == ["contents/ci/ca.pem"]
    assert world.gh.calls[0].query["ref"] == deployed


def test_a_correction_reads_it_too(world: World) -> None:
    run = world.run(operation="delete", reference_id="build-7", confirm_delete="build-7", service="")
    assert (run.status, asked(world.gh)) == ("deleted", ["contents/ci/ca.pem"])


@pytest.mark.parametrize(
    "given",
    [
        {"service": "web"},
        {"services-from": "codeowners", "since-sha": "1234567"},
        {"service": "web", "operation": "check"},
        {"service": "web", "operation": "check", "lead-time-metadata": "commit", "commit-sha": "1234567"},
    ],
)
def test_it_shares_the_minute_that_all_look_ups_have(world: World, given: dict[str, str]) -> None:
    """Whether a tag started the run, what it touches, the file: GitHub asks each of them to wait, twice."""
    patience, branch = (
        Patience(),
        {"workflow_run.head_branch": "v1.2.3", "workflow_run.updated_at": "2025-03-04T11:00:00Z"},
    )
    env = told(world.folder, world.gh, world.repo, builders.payload("workflow_run_success", branch))
    world.gh.fail("", status=429, headers={"retry-after": "25"}, times=None)
    inputs = connected(world.dx, service="", ca_bundle="ci/ca.pem") | given
    run = Step(world.folder, inputs, "workflow_run_success", env, github_token="ghs-of-the-tests").inside(
        patience.clock
    )
    assert run.status == "failed"
    assert sum(patience.waits) <= 60


def test_the_workspace_comes_first(world: World) -> None:
    file = world.folder / "workspace" / "ci" / "ca.pem"
    file.parent.mkdir(parents=True)
    file.write_bytes((world.folder / "made.pem").read_bytes())
    assert world.run().status == "registered"
    assert world.gh.calls == []


@pytest.mark.parametrize(
    ("path", "words"),
    [
        ("ci/other.pem", "`ca-bundle` names a file that is neither in the workspace nor in the deployed commit."),
        ("ci/empty.pem", "`ca-bundle` contains no readable certificate."),
    ],
)
def test_what_is_not_there_is_told(world: World, path: str, words: str) -> None:
    run = world.run(path)
    assert (run.status, run.exit_code) == ("failed", 1)
    assert words in run.outputs["reason"]
    assert world.dx.requests() == []


def test_without_a_token_nobody_is_asked(world: World) -> None:
    run = world.run(token="")
    assert "`ca-bundle` names a file that is neither in the workspace" in run.outputs["reason"]
    assert world.gh.calls == []


def test_the_missing_permission_is_named(world: World) -> None:
    world.gh.permissions["contents"] = "none"
    run = world.run()
    assert (run.status, world.dx.requests()) == ("failed", [])
    assert "`contents: read`" in run.outputs["reason"]


def test_a_backfill_reads_it_too(world: World) -> None:
    (world.folder / "workspace").mkdir(exist_ok=True)
    rows = "deployed_at,commit_sha\n2025-01-01T12:05:00Z,abc1234\n"
    (world.folder / "workspace" / "rows.csv").write_text(rows)
    run = world.run(operation="backfill", backfill_file="rows.csv")
    assert (run.status, len(world.dx.deployments())) == ("registered", 1)


@pytest.mark.parametrize("variable", ["SSL_CERT_FILE", "REQUESTS_CA_BUNDLE"])
@pytest.mark.parametrize(
    ("path", "more", "status"),
    [
        ("ci/ca.pem", {}, "registered"),  # both connections pass it over
        ("ci/ca.pem", {"dry_run": "true"}, "dry-run"),
        ("ci/ca.pem", {"operation": "backfill"}, "skipped"),
        ("ci/other.pem", {}, "failed"),
    ],
)
def test_a_variable_that_is_passed_over_is_annotated_once(
    world: World, variable: str, path: str, more: dict[str, str], status: str
) -> None:
    """Whatever becomes of the step, and whichever connection meets it first."""
    world.env[variable] = "/home/runner/corporate.pem"
    run = world.run(path, **more)
    assert run.status == status
    (warning,) = [message for level, message in run.annotations if level == "warning"]
    assert warning.startswith(f"`{variable}` is passed over:")
    assert run.summary.count("is passed over") == 1
