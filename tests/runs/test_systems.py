"""The examples for other systems: each command is run as its system runs it, and DX gets what the example promises."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from commands import Ran
from documents import read
from dx_action.inputs.values import parse_host
from dx_action.sandbox import Fault, Sandbox
from runner import TOKEN
from systems import FOLDER, IMAGE, by_gitlab, by_jenkins, by_kubernetes, by_shell, documents, hook

COMMIT = "d1a34f0c3c1d2b5f6a7788990011223344556677"
SYSTEMS = ("argo-cd-postsync.yaml", "argo-cd-notification.yaml", "Jenkinsfile", "gitlab-ci.yml")
SECRETS = {("dx", "token"): TOKEN}
JENKINS = {
    "GIT_COMMIT": COMMIT,
    "BUILD_TAG": "jenkins-acme-shop-1791",
    "BUILD_URL": "https://jenkins.example.com/job/acme-shop/1791/",
}
GITLAB = {
    "CI_PROJECT_PATH": "acme/shop",
    "CI_COMMIT_SHA": COMMIT,
    "CI_JOB_ID": "8812345",
    "CI_JOB_URL": "https://gitlab.example.com/acme/shop/-/jobs/8812345",
}
DEPLOYED = {"service": {"identifier": "payments-service"}, "repository": "acme/shop", "commit_sha": COMMIT}
BY_ARGO_CD = DEPLOYED | {
    "reference_id": f"argo-cd/shop-production/{COMMIT}",
    "source_name": "Argo CD",
    "source_url": "https://argocd.example.com/applications/argocd/shop-production",
}
BY_JENKINS = DEPLOYED | {
    "reference_id": "jenkins-acme-shop-1791",
    "source_name": "Jenkins",
    "source_url": "https://jenkins.example.com/job/acme-shop/1791/",
}
BY_GITLAB = DEPLOYED | {
    "reference_id": "gitlab/8812345",
    "source_name": "GitLab",
    "source_url": "https://gitlab.example.com/acme/shop/-/jobs/8812345",
}


@pytest.fixture
def dx() -> Iterator[Sandbox]:
    with Sandbox(token=TOKEN) as running:
        yield running


def sent(dx: Sandbox) -> list[dict[str, Any]]:
    """Give what DX was sent, without the time, which is the clock's."""
    bodies = [dict(request["json"]) for request in dx.requests()]
    assert all(body.pop("deployed_at") for body in bodies)
    return bodies


def test_the_table_has_them_all() -> None:
    table = (FOLDER / "README.md").read_text(encoding="utf-8")
    files = {path.name for path in FOLDER.iterdir()} - {path.name for path in FOLDER.glob("*.yml")} | {"gitlab-ci.yml"}
    assert files == {*SYSTEMS, "README.md", "migrating.md"}
    assert all(f"[`{name}`]({name})" in table for name in SYSTEMS)


def test_the_page_s_first_command_registers_a_deployment(tmp_path: Path, dx: Sandbox) -> None:
    command, *_ = re.findall(r"^docker run (?:.*\\\n)*.*$", read("docs/command-line.md"), re.MULTILINE)
    done = by_shell(tmp_path, [command.replace("<digest>", "0" * 64)], {"DX_HOST": dx.url, "DX_TOKEN": TOKEN})
    assert done.exit_code == 0, done.stderr
    assert sent(dx) == [DEPLOYED | {"reference_id": "build-1791"}]


# Argo CD's hook.


def test_the_hook_registers_what_was_synced_once(tmp_path: Path, dx: Sandbox) -> None:
    """A Job's second try, and a sync of the same commit, are the same deployment."""
    for _ in range(2):
        done = by_kubernetes(tmp_path, hook(), SECRETS, DX_HOST=dx.url)
        assert done.exit_code == 0, done.stdout
    assert sent(dx) == [BY_ARGO_CD] * 2
    assert len(dx.deployments()) == 1
    by_kubernetes(tmp_path, hook(), SECRETS, DX_HOST=dx.url, COMMIT="abc1234")
    assert [each["reference_id"] for each in dx.deployments()] == [
        BY_ARGO_CD["reference_id"],
        "argo-cd/shop-production/abc1234",
    ]


def test_the_hook_fails_and_is_tried_again_if_dx_is_down(tmp_path: Path) -> None:
    with Sandbox(token=TOKEN, faults=[Fault(status=422, error="no")]) as dx:
        codes = [by_kubernetes(tmp_path, hook(), SECRETS, DX_HOST=dx.url).exit_code for _ in range(2)]
        assert codes == [1, 0]
        assert len(dx.deployments()) == 1
    assert hook().manifest["spec"]["backoffLimit"] > 0


def test_the_hook_is_a_job_that_argo_cd_runs_after_a_sync() -> None:
    job = hook().manifest
    assert (job["apiVersion"], job["kind"]) == ("batch/v1", "Job")
    annotations = job["metadata"]["annotations"]
    assert annotations["argocd.argoproj.io/hook"] == "PostSync"
    # A second Job of the same name can only be made if the first is deleted before.
    assert "name" in job["metadata"]
    assert annotations["argocd.argoproj.io/hook-delete-policy"] == "BeforeHookCreation"
    assert job["spec"]["template"]["spec"]["restartPolicy"] in ("Never", "OnFailure")
    assert hook().container["image"] == IMAGE
    assert parse_host(hook().variables(SECRETS)["DX_HOST"]).base == "https://acme.getdx.net"


def test_the_hook_is_not_started_by_a_shell_or_with_a_token_in_sight() -> None:
    container = hook().container
    assert "command" not in container
    assert not re.search("token", " ".join(container["args"]), re.IGNORECASE)
    (token,) = (each for each in container["env"] if each["name"] == "DX_TOKEN")
    assert token.keys() == {"name", "valueFrom"}


def test_a_line_left_out_of_the_hook_is_missed(tmp_path: Path, dx: Sandbox) -> None:
    """Each argument changes what is sent, or nothing is sent without it."""
    job = hook()
    for argument in list(job.container["args"]):
        job.container["args"].remove(argument)
        before = len(dx.requests())
        done = by_kubernetes(tmp_path, job, SECRETS, DX_HOST=dx.url)
        assert done.exit_code == 1 or sent(dx)[before:] != [BY_ARGO_CD], argument
        job.container["args"].append(argument)


# Jenkins and GitLab.


@pytest.mark.parametrize(("success", "outcome"), [("true", {}), ("false", {"success": False})])
def test_jenkins_registers_a_success_and_a_failure(
    tmp_path: Path, dx: Sandbox, success: str, outcome: dict[str, bool]
) -> None:
    done = by_jenkins(tmp_path, success, JENKINS | {"DX_HOST": dx.url})
    assert done.exit_code == 0, done.stderr
    assert sent(dx) == [BY_JENKINS | outcome]


def test_jenkins_calls_it_for_both_ends_of_the_stage() -> None:
    text = (FOLDER / "Jenkinsfile").read_text(encoding="utf-8")
    assert re.findall(r"(success|failure) \{\s*register\('(\w+)'\)", text) == [
        ("success", "true"),
        ("failure", "false"),
    ]
    # In double quotes, Groovy itself would write the token into the script.
    assert 'sh """' not in text
    assert text.count("{") == text.count("}")


@pytest.mark.parametrize(("deploy", "outcome", "code"), [("exit 0", {}, 0), ("exit 3", {"success": False}, 1)])
def test_gitlab_registers_what_became_of_the_deployment(
    tmp_path: Path, dx: Sandbox, deploy: str, outcome: dict[str, bool], code: int
) -> None:
    done = _gitlab(tmp_path, dx, deploy)
    assert (done.exit_code, sent(dx)) == (code, [BY_GITLAB | outcome]), done.stderr


def test_gitlab_s_job_is_red_if_dx_refuses(tmp_path: Path) -> None:
    with Sandbox(token=TOKEN, faults=[Fault(status=422, error="no")]) as dx:
        assert _gitlab(tmp_path, dx, "exit 0").exit_code == 1


def _gitlab(folder: Path, dx: Sandbox, deploy: str) -> Ran:
    (folder / "deploy.sh").write_text(f"#!/bin/sh\n{deploy}\n")
    (folder / "deploy.sh").chmod(0o755)
    return by_gitlab(folder, GITLAB | {"DX_HOST": dx.url})


# Argo CD's notification; what it sets off is among the workflows of test_examples.


def test_the_notification_is_sent_once_for_each_commit() -> None:
    (config,) = documents("argo-cd-notification.yaml")
    assert (config["kind"], config["metadata"]["name"]) == ("ConfigMap", "argocd-notifications-cm")
    trigger, service = config["data"]["trigger.on-deployed"], config["data"]["service.webhook.github"]
    assert "oncePer: app.status.operationState.syncResult.revision" in trigger
    assert "'Succeeded'" in trigger
    assert "Bearer $github-dispatch-token" in service
