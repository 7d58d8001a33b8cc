"""The command line, outside of GitHub Actions.

What a process alone can show runs the real entry point: streams, the exit code, the current folder, the whole environment, what is
imported. The rest runs in this process.
"""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from commands import DEPLOY, ROWS, environment, inside, ran
from dx_action import __version__
from dx_action.inputs.help import USAGE
from dx_action.sandbox import Fault, Sandbox
from leaking import SECRET, can_be_read
from runner import TOKEN, Step, connected
from stand_in import GitHub, Repo

NO_WORKFLOW = re.compile(r"::|\bINPUT_|GITHUB_(?!TOKEN)|\$\{\{")


@pytest.fixture
def dx() -> Iterator[Sandbox]:
    with Sandbox(token=TOKEN) as running:
        yield running


# A deployment.


def test_a_deployment_is_registered(tmp_path: Path, dx: Sandbox) -> None:
    done = ran(tmp_path, [*DEPLOY, "--deployed-at", "2025-03-04T12:00:00Z", "--environment="], environment(dx))
    assert (done.exit_code, done.stderr) == (0, "")
    assert [request["json"] for request in dx.requests()] == [
        {
            "reference_id": "build-7",
            "deployed_at": "2025-03-04T12:00:00Z",
            "service": {"identifier": "web"},
            "repository": "acme/shop",
            "commit_sha": "abc1234",
        }
    ]
    assert done.messages == [("notice", "Deployment registered in DX: web.")]
    assert done.stdout.splitlines()[:3] == [
        f"DX deployment action {__version__}",
        "The arguments:",
        "  repository         acme/shop  from --repository",
    ]
    assert not NO_WORKFLOW.search(done.stdout)
    assert list(tmp_path.iterdir()) == []


def test_the_same_id_is_registered_once(tmp_path: Path, dx: Sandbox) -> None:
    """A job that its system tries again has another time, and DX keeps the first."""
    for time, status in (("2025-03-04T12:00:00Z", "registered"), ("2025-03-04T12:05:00Z", "already-registered")):
        done = inside(tmp_path, [*DEPLOY, "--json", "--deployed-at", time], environment(dx))
        assert (done.exit_code, done.outputs["status"]) == (0, status)
    assert [each["deployed_at"] for each in dx.deployments()] == ["2025-03-04T12:00:00Z"]


def test_several_services_share_the_id(tmp_path: Path, dx: Sandbox) -> None:
    done = inside(
        tmp_path, [*DEPLOY, "--service", "api=The API", "--source-name", "Argo CD", "--json"], environment(dx)
    )
    assert done.outputs["reference-ids"] == ["build-7/web", "build-7/api"]
    assert {each["source_name"] for each in dx.deployments()} == {"Argo CD"}


def test_json_is_one_object_on_stdout(tmp_path: Path, dx: Sandbox) -> None:
    done = ran(tmp_path, ["--json", *DEPLOY], environment(dx))
    assert done.exit_code == 0
    assert done.outputs["status"] == "registered"
    assert done.outputs["services"] == ["web"]
    assert done.outputs["requests"][0]["body"]["reference_id"] == "build-7"
    assert done.messages == [("notice", "Deployment registered in DX: web.")]


# What is wrong.


def test_every_problem_is_told_by_the_names_that_were_typed(tmp_path: Path, dx: Sandbox) -> None:
    done = inside(tmp_path, ["--sevice", "web", "--timeout", "soon", "--json"], environment())
    assert done.exit_code == 1
    assert done.outputs["status"] == "failed"
    ((level, message),) = done.messages
    assert level == "error"
    names = [line.split("`")[1] for line in message.splitlines()[1:]]
    expected = ["--sevice", "--timeout", "--dx-host", "DX_TOKEN", "--repository", "--commit-sha", "--reference-id"]
    assert names == expected
    assert all(f"`{name}`" in done.outputs["reason"] for name in expected)
    assert not NO_WORKFLOW.search(done.stderr)


@pytest.mark.parametrize(
    ("argv", "expected"),
    [
        ((), 1),
        (("--help",), 0),
        (("--version",), 0),
        (("--sevice", "web", "-h"), 0),
        (("--service",), 1),
        (("web",), 1),
        ((*DEPLOY, "--dry-run", "--dx-token", "x"), 1),
        ((*DEPLOY, "--dry-run", "--dx-token", "x", "--fail-on-error=false"), 0),
        ((*DEPLOY, "--dry-run"), 0),
        ((*DEPLOY, "--success", "cancelled"), 0),
    ],
)
def test_the_exit_code_is_0_or_1(tmp_path: Path, argv: tuple[str, ...], expected: int) -> None:
    done = inside(tmp_path, argv, environment(DX_HOST="acme", DX_TOKEN="x-y-z"))
    assert done.exit_code == expected
    assert "Traceback" not in done.stderr


def test_help_and_version_are_on_stdout_and_a_bare_call_says_how(tmp_path: Path) -> None:
    version, help_, bare = (ran(tmp_path, argv, environment()) for argv in (["--version"], ["--help"], []))
    assert (version.exit_code, help_.exit_code, bare.exit_code) == (0, 0, 1)
    assert version.stdout == f"DX deployment action {__version__}\n"
    assert help_.stdout.startswith("usage: ")
    assert max(map(len, help_.stdout.splitlines())) <= 100
    assert (bare.stdout, bare.stderr) == ("", f"{USAGE}\n")


def test_a_refusal_of_dx_is_red_and_says_what_to_send_again(tmp_path: Path) -> None:
    with Sandbox(token=TOKEN, faults=[{"status": 422, "error": "service_retired"}]) as dx:
        done = ran(tmp_path, [*DEPLOY, "--failed-file", "out/failed.jsonl"], environment(dx))
    assert done.exit_code == 1
    assert "Requests that DX has not confirmed, to be sent again:\n  POST /api/deployments.create\n  {" in done.stdout
    (line,) = (tmp_path / "out/failed.jsonl").read_text().splitlines()
    assert json.loads(line)["reference_id"] == "build-7"


def test_words_of_others_are_shown_as_they_were_written(tmp_path: Path) -> None:
    names = "`service`", "`dx-host: x` from input service"
    fault = Fault(status=422, error=f"no {names[0]}", message=f"Ask for {names[1]} in the workspace")
    with Sandbox(token=TOKEN, faults=[fault]) as dx:
        done = ran(
            tmp_path, [*DEPLOY, "--environment", names[1], "--source-url=https://a.test/`success`"], environment(dx)
        )
    assert f"  environment        {names[1]}  from --environment\n" in done.stdout
    assert "  source_url         https://a.test/`success`  from --source-url\n" in done.stdout
    assert f"  web: failed (HTTP 422, no {names[0]})\n" in done.stdout
    ((level, message),) = done.messages
    assert (level, message.count("--")) == ("error", 0)
    assert f"DX did not register web: “no {names[0]}”. " in message
    assert message.endswith(f" DX says: “Ask for {names[1]} in the workspace”.")


# Secrets.


@pytest.mark.parametrize(
    "argv",
    [
        ("--dx-token", SECRET),
        (f"--dx-token={SECRET}",),
        (f"--github-token=Bearer {SECRET}",),
        ("--dx-tokn", SECRET),
        ("--dx_token", SECRET),
        ("--token", SECRET),
        (SECRET,),
        ("--service", "web", SECRET),
        ("--dry-run", SECRET),
        ("--repository", SECRET),
        ("--dx-host", SECRET),
        ("--metadata", json.dumps({"token": SECRET})),
        ("--commit-sha", SECRET, "--commit-sha", SECRET),
        ("--json", "--dx-token", SECRET),
        ("--json", SECRET),
        ("--json", "--sevice", SECRET),
    ],
)
def test_a_token_among_the_arguments_is_not_shown_or_sent(tmp_path: Path, dx: Sandbox, argv: tuple[str, ...]) -> None:
    done = inside(tmp_path, argv, environment(dx))
    assert done.exit_code == 1
    assert not can_be_read(done.stdout + done.stderr)
    assert dx.requests() == []


@pytest.mark.parametrize(
    ("more", "debug"), [((), ""), (("--json",), ""), (("--dry-run",), ""), ((), "1"), (("--json",), "1")]
)
def test_the_token_is_in_no_line(tmp_path: Path, more: tuple[str, ...], debug: str) -> None:
    """No runner masks it, so no command names it either. DX may repeat it."""
    fault = Fault(status=422, error=f"no_{SECRET}", message=f"The token {SECRET} is bad.")
    with Sandbox(token=SECRET, faults=[fault]) as dx:
        env = environment(dx, DX_TOKEN=SECRET, GITHUB_TOKEN=SECRET[::-1], RUNNER_DEBUG=debug)
        done = ran(tmp_path, [*DEPLOY, *more], env)
    assert done.exit_code == int("--dry-run" not in more)
    text = done.stdout + done.stderr
    assert not can_be_read(text)
    assert not can_be_read(text, SECRET[::-1])
    assert "add-mask" not in text
    assert ("debug: POST" in text) is bool(debug)


# In GitHub Actions, and next to it.


def test_in_a_workflow_arguments_are_ignored_and_that_is_said(tmp_path: Path, dx: Sandbox) -> None:
    step = Step(tmp_path, connected(dx))
    env = step.environment()
    done = ran(step.workspace, [*DEPLOY, "--dry-run"], env, "-X", "importtime")
    run = step.read(env, done.exit_code, done.stdout)
    assert run.status == "registered"
    assert run.remarks == [
        (
            "warning",
            "`args` is ignored: arguments are for the command line, outside of GitHub Actions. Write inputs in `with:`.",
        )
    ]
    assert [each["service"]["identifier"] for each in dx.deployments()] == ["checkout"]
    assert "dx_action.command_line" not in done.stderr


def test_another_system_s_variables_change_nothing(tmp_path: Path, dx: Sandbox) -> None:
    """A runner of GitHub's may start Jenkins' agent, say: its variables are not this command's."""
    output = tmp_path / "output"
    output.touch()
    of_a_workflow = {"GITHUB_OUTPUT": str(output), "GITHUB_STEP_SUMMARY": str(output), "GITHUB_SHA": "c8924154"}
    of_a_workflow |= {"GITHUB_REPOSITORY": "acme/other", "GITHUB_EVENT_NAME": "push", "GITHUB_RUN_ID": "7"}
    done = ran(tmp_path, DEPLOY, environment(dx, INPUT_ENVIRONMENT="staging", **of_a_workflow))
    assert done.exit_code == 0
    (body,) = (request["json"] for request in dx.requests())
    assert body.keys() == {"reference_id", "deployed_at", "service", "repository", "commit_sha"}
    assert output.read_text() == ""
    assert ("warning", "INPUT_ENVIRONMENT is ignored") in [(level, text[:28]) for level, text in done.messages]


@pytest.mark.parametrize("argv", [("--help",), ("--version",), ("--sevice", "web"), (*DEPLOY, "--dry-run")])
def test_what_sends_nothing_imports_no_network(tmp_path: Path, argv: tuple[str, ...]) -> None:
    done = ran(tmp_path, argv, environment(), "-X", "importtime")
    imported = {line.rpartition("|")[2].strip() for line in done.stderr.splitlines() if line.startswith("import time:")}
    assert "dx_action.command_line" in imported
    assert (
        imported & {"requests", "ssl", "github", "yaml", "argparse", "dx_action.dx.client", "dx_action.sandbox"}
        == set()
    )
    assert ("dx_action.inputs.help" in imported) is (argv == ("--help",))


# Every operation.


def test_a_deployment_is_corrected_and_deleted(tmp_path: Path, dx: Sandbox) -> None:
    assert inside(tmp_path, DEPLOY, environment(dx)).exit_code == 0
    change = ["--operation", "update", "--reference-id", "build-7", "--success", "failure", "--json"]
    assert inside(tmp_path, change, environment(dx)).outputs["status"] == "updated"
    assert [each["success"] for each in dx.deployments()] == [False]
    delete = ["--operation", "delete", "--reference-id", "build-7", "--json"]
    done = inside(tmp_path, delete, environment(dx))
    assert [(level, "`--confirm-delete`" in text) for level, text in done.messages] == [("error", True)]
    assert inside(tmp_path, [*delete, "--confirm-delete", "build-7"], environment(dx)).outputs["status"] == "deleted"
    assert dx.deployments() == []


def outcomes(outputs: dict[str, Any]) -> list[tuple[str, str]]:
    return [(line["name"], line["outcome"]) for line in outputs["checks"]]


def test_a_check_registers_nothing(tmp_path: Path, dx: Sandbox) -> None:
    done = inside(tmp_path, ["--operation", "check", *DEPLOY, "--json"], environment(dx))
    assert (done.exit_code, done.outputs["status"]) == (0, "checked")
    names = ["inputs", "event", "github", "deployment", "connection", "token"]
    assert outcomes(done.outputs) == [(name, "ok") for name in names]
    assert [request["body"] for request in dx.requests()] == ["{}"]
    assert done.outputs["requests"][0]["body"]["reference_id"] == "build-7"


def test_a_check_needs_neither_a_repository_nor_an_id(tmp_path: Path, dx: Sandbox) -> None:
    done = inside(tmp_path, ["--operation", "check", "--json"], environment(dx))
    assert (done.exit_code, done.outputs["status"]) == (0, "checked")
    assert [line for line in outcomes(done.outputs) if line[1] != "ok"] == [("deployment", "warning")]


def test_a_check_without_a_connection_names_its_variables(tmp_path: Path) -> None:
    done = inside(tmp_path, ["--operation", "check", *DEPLOY], environment())
    assert done.exit_code == 1
    assert [text.partition(".")[0] for _, text in done.messages] == ["`--dx-host` is missing", "`DX_TOKEN` is missing"]
    assert "failed   connection: `dx-host`" not in done.stdout


def test_a_file_is_read_from_the_current_folder(tmp_path: Path, dx: Sandbox) -> None:
    (tmp_path / "rows.csv").write_text(ROWS)
    argv = ["--operation", "backfill", "--backfill-file", "rows.csv", "--max-per-second=0"]
    done = ran(tmp_path, argv, environment(dx))
    assert done.exit_code == 0
    assert len(dx.deployments()) == 20
    assert {each.get("source_name") for each in dx.deployments()} == {None}
    assert "\x1b" not in done.stdout
    (tmp_path / "rows.csv").write_text(ROWS + "noon,web,acme/shop,x\n")
    ((_, message),) = ran(tmp_path, argv, environment(dx)).messages
    assert "`--backfill-file` line 22, column `deployed_at`" in message


def test_a_pull_request_s_services_are_set(tmp_path: Path, dx: Sandbox) -> None:
    argv = ["--operation=set-pull-services", "--repository=acme/shop", "--pull-number=7", "--service=web", "--json"]
    done = inside(tmp_path, argv, environment(dx))
    assert done.outputs["status"] == "pull-services-set"
    (body,) = (request["json"] for request in dx.requests())
    assert body == {"repository": "acme/shop", "pull_number": 7, "services": [{"identifier": "web"}]}


def test_the_services_of_a_window_are_set(tmp_path: Path, dx: Sandbox) -> None:
    repo = Repo("acme/shop")
    repo.commit({"README.md": "Shop"})
    pulls = [repo.pulls.ship({f"web/{name}": "1"}, how="squash") for name in "ab"]
    argv = ["--operation=set-pull-services", "--repository=acme/shop", "--service=web", "--since=2020-01-01T00:00:00Z"]
    with GitHub(repo) as github:
        env = environment(dx, GITHUB_TOKEN=github.token, GITHUB_API_URL=github.api_url)
        done = inside(tmp_path, [*argv, "--max-per-second=0", "--json"], env)
    assert done.outputs["status"] == "pull-services-set", done.stderr
    assert sorted(request["json"]["github_pull_id"] for request in dx.requests()) == sorted(pull.id for pull in pulls)


def test_a_history_is_registered(tmp_path: Path, dx: Sandbox) -> None:
    """Whose source no one has named: GitHub Actions need not have deployed it."""
    repo = Repo("acme/shop")
    repo.commit({"README.md": "Shop"})
    made = repo.deployments.create("main", state="success", at="2025-03-01T00:00:00Z")
    argv = [
        "--operation=backfill",
        "--repository=acme/shop",
        "--since=2025-01-01T00:00:00Z",
        "--until=2025-03-04T00:00:00Z",
    ]
    with GitHub(repo) as github:
        env = environment(dx, GITHUB_TOKEN=github.token, GITHUB_API_URL=github.api_url)
        done = inside(tmp_path, argv, env)
    assert done.exit_code == 0, done.stdout
    (body,) = dx.deployments()
    assert body["reference_id"] == f"github.com/deployment/{made.id}/success/shop"
    assert body.get("source_name") is None


def test_github_is_asked_with_the_token_of_the_environment(tmp_path: Path, dx: Sandbox) -> None:
    repo = Repo("acme/shop")
    repo.commit({"CODEOWNERS": "web/* @acme/owners\n"})
    pull = repo.pulls.ship({"web/a.py": "1"}, how="squash")
    argv = [
        "--repository=acme/shop",
        f"--commit-sha={pull.merge_commit_sha}",
        "--reference-id=7",
        "--services-from=codeowners",
    ]
    with GitHub(repo) as github:
        env = environment(dx, GITHUB_TOKEN=github.token, GITHUB_API_URL=github.api_url)
        done = inside(tmp_path, [*argv, f"--pull-number={pull.number}", "--json"], env)
        assert done.outputs["services"] == ["owners"], done.stderr
        without = inside(tmp_path, [*argv, f"--pull-number={pull.number}"], env | {"GITHUB_TOKEN": ""})
    ((level, message),) = without.messages
    assert level == "error"
    assert "`GITHUB_TOKEN`" in message
    assert "github-token" not in message
