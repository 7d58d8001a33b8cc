"""The examples: each runs on its event, sends what its pattern promises, and has no line that changes nothing."""

import json
import os
import re
import subprocess
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml

import events
from builders import payload
from dx_action.inputs.times import parse_time
from dx_action.sandbox import Sandbox
from expressions import evaluate, filled
from gfm import Page
from runner import ROOT, TOKEN, Step, register, run_job
from stand_in import GitHub, Repo
from stand_in.moments import text
from systems import dispatched

FOLDER = ROOT / "examples"
# The workflows, and the map that some of them read.
FILES = sorted(path.stem for path in FOLDER.glob("*.yml") if path.name != "gitlab-ci.yml")
MAP = "dx-services"
ACTION = re.compile("your-org/dx-deployment-action(/job|/native)?@")
JOB = "38168200017"  # of the job that runs, as GitHub numbers it
RUN_PAGE = f"https://github.com/acme/shop/actions/runs/{{}}/job/{JOB}"
MERGED_41, TIP = "312c5c6455a5802d9eff8e65fbc68a516dd3a76d", "c89241549856579cbcce0211499667cb1ecc577a"
Changes = dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class Happening:
    """What a repository's history makes of an event, and what GitHub knows then."""

    repo: Repo
    changes: Changes
    sha: str


def _history() -> Repo:
    repo = Repo("acme/shop")
    repo.commit({".github/dx-services.yml": (FOLDER / f"{MAP}.yml").read_text(), "README.md": "Shop\n"})
    return repo


def merged(*files: str) -> Happening:
    """A pull request that changes these files is merged."""
    repo = _history()
    pull = repo.pulls.ship(dict.fromkeys(files, "new\n"), title="Change it")
    changes = {
        "pull_request.id": 2401500041,
        "pull_request.number": pull.number,
        "pull_request.base.sha": pull.base_sha,
        "pull_request.head.sha": pull.head_sha,
        "pull_request.merge_commit_sha": pull.merge_commit_sha,
        "pull_request.changed_files": len(files),
    }
    return Happening(repo=repo, changes=changes, sha=str(pull.merge_commit_sha))


def queued(*pulls: Sequence[str]) -> Happening:
    """A merge queue merges several pull requests by one push."""
    repo = _history()
    before = repo.branches["main"]
    opened = []
    for number, files in enumerate(pulls):
        repo.branch(f"change-{number}")
        repo.commit(dict.fromkeys(files, "new\n"), branch=f"change-{number}")
        opened.append(repo.pulls.open(f"change-{number}"))
        opened[-1].id = 2401500100 + number
    after = repo.pulls.queue(*opened, how="squash")
    return Happening(repo=repo, changes={"before": before, "after": after, "head_commit.id": after}, sha=after)


def shipped(count: int) -> Happening:
    """Pull requests are merged after a deployment; the job that runs makes one of its own, which is under way."""
    repo = _history()
    before = repo.branches["main"]
    repo.deployments.create(before, state="success")
    for number in range(count):
        repo.pulls.ship({f"app/{number}": "new\n"}, how=("squash", "merge")[number % 2])
    after = repo.branches["main"]
    repo.deployments.create(after, state="in_progress", log_url=RUN_PAGE.format("13654800333"))
    merges = [str(pull.merge_commit_sha) for pull in repo.pulls.all()]
    changes = {"before": merges[0], "after": after, "head_commit.id": after}
    return Happening(repo=repo, changes=changes, sha=after)


def several() -> Happening:
    """Pull requests were merged: of one service, of two, of none, and one that moved a file from one to another."""
    repo = _history()
    repo.commit({"apps/web/tax.py": "tax\n"})
    for number, files in enumerate(
        (["services/payments/app.py"], ["apps/web/a.ts", "libs/billing/b.py"], ["README.md"])
    ):
        repo.pulls.ship(dict.fromkeys(files, "new\n")).id = 2401500200 + number
    repo.pulls.ship({"apps/web/tax.py": None, "libs/billing/tax.py": "tax\n"}).id = 2401500203
    return Happening(repo=repo, changes={}, sha=repo.rev("main"))


def merge_commits(happening: Happening) -> list[str]:
    return [str(pull.merge_commit_sha) for pull in happening.repo.pulls.all()]


def remembered() -> Happening:
    """GitHub remembers deployments, two of them to one environment, and each of the others to another."""
    repo = _history()
    days = (("prod-eu", "10-02"), ("production", "10-03"), ("staging", "11-01"), ("production", "11-02"))
    for environment, at in ((environment, f"2024-{day}") for environment, day in days):
        repo.deployments.create("main", environment, production=False, state="success", at=f"{at}T00:00:00Z")
    return Happening(repo=repo, changes={}, sha=repo.rev("main"))


def lately(name: str = "acme/shop") -> Happening:
    """GitHub remembers two deployments to production, one of them from the day before."""
    repo = Repo(name)
    repo.commit({"README.md": "Shop\n"})
    for at in ("2025-02-02T00:00:00Z", "2025-03-03T10:00:00Z"):
        repo.deployments.create("main", state="success", at=at)
    return Happening(repo=repo, changes={}, sha=repo.rev("main"))


def mapped() -> Happening:
    """Each service of the map has a file, and one file has no service."""
    repo = _history()
    repo.commit(
        dict.fromkeys(("services/payments/a.py", "libs/billing/b.py", "apps/web/c.ts", "apps/web/README.md"), "1")
    )
    return Happening(repo=repo, changes={}, sha=repo.rev("main"))


def owned() -> Happening:
    """Another repository of the organization, all of which has owners."""
    repo = Repo("acme/warehouse")
    repo.commit({"README.md": "Warehouse", "CODEOWNERS": "* @acme/warehouse\n"})
    return Happening(repo=repo, changes={}, sha=repo.rev("main"))


def of_deployment(happening: Happening, service: str) -> list[dict[str, Any]]:
    """Give what is sent of each deployment that GitHub remembers."""
    return [
        create(
            f"github.com/deployment/{deployment.id}/success/{service}",
            service={"identifier": service},
            repository=happening.repo.full_name,
            commit_sha=deployment.sha,
            deployed_at=text(deployment.created),
            source_url=f"https://github.com/{happening.repo.full_name}/deployments",
        )
        for deployment in happening.repo.deployments.by_id.values()
    ]


@dataclass(frozen=True, kw_only=True)
class Case:
    """An event, and what DX is sent then.

    `known` are the expressions that neither the event nor a script of the example answers; `workspace` are the files that are
    there, and `held` is what DX has; `calls` are those to GitHub, by a token with just the permissions that the example gives;
    `listed` are the pull requests in the summary; `checks` are the lines of a check, each with its outcome. If the job's condition
    keeps it from starting, `starts` is false; the rest then is what would be if the condition were not there. `job` is the job's
    status at its end, of an example of `job/`.
    """

    event: str = "push_branch"
    changes: Changes = field(default_factory=dict)
    happening: Callable[[], Happening] | None = None
    known: Mapping[str, str] = field(default_factory=dict)
    workspace: Mapping[str, str] = field(default_factory=dict)
    held: Sequence[Mapping[str, Any]] = ()
    leg: int = 0
    starts: bool = True
    job: str = ""
    refused: bool = False
    calls: int = 0
    listed: int = 0
    status: str = "registered"
    exit_code: int = 0
    sent: Sequence[Mapping[str, Any]] = ()
    kept: Sequence[Mapping[str, Any]] = ()
    checks: Sequence[str] = ()


def create(reference_id: str, **body: Any) -> dict[str, Any]:
    """Give the body of a deployments.create; None takes a field away."""
    usual = {
        "reference_id": reference_id,
        "deployed_at": "2025-03-04T12:00:00Z",
        "service": {"identifier": "payments-service"},
        "repository": "acme/shop",
        "source_url": RUN_PAGE.format("13654800333"),
        "source_name": "GitHub Actions",
    }
    return {name: value for name, value in (usual | body).items() if value is not None}


def of_job(service: str = "payments-service", job: str = JOB) -> str:
    return f"github.com/job/{job}/<digest>/{service}"


# The commits `third` and `merge` of the fixture `place`; git gives the same ids to the same commits.
SHIPPED = ["f7a19743d8761e1c90278607f2d8c630c86072e6", "27b6aa4c96c5881738da6b4a22d9201afd0c1c75"]
COMMITTED = 1741083330
PAYMENTS, WEB = {"identifier": "payments-service"}, {"identifier": "web", "name": "Web App"}
LOG = "https://github.com/acme/deployer/actions/runs/13654730011/job/38168200017"
PUSHED = create(of_job(), commit_sha=MERGED_41)
DISPATCHED = RUN_PAGE.format("13654801887")
OF_THE_STATUS = {"commit_sha": TIP, "deployed_at": "2025-03-04T14:07:48Z", "environment": "production"}
OF_THE_RUN = {
    "commit_sha": TIP,
    "deployed_at": "2025-03-04T14:09:47Z",
    "source_url": "https://github.com/acme/shop/actions/runs/13654700101",
}
BACK = {"inputs.sha": "d1a34f0", "steps.deploy.outcome": "success"}
DEPLOYED = {"needs.deploy.result": "success", "needs.deploy.outputs.time": "2025-03-04T11:58:00Z"}
TESTED = {"steps.deploy.outcome": "success", "steps.deploy.outputs.time": "2025-03-04T11:58:00Z"}
REGISTERED_AFTER = create("acme/shop/13654800333/1", commit_sha=MERGED_41, deployed_at="2025-03-04T11:58:00Z")


def past(environment: str) -> list[dict[str, Any]]:
    """Give what is sent of each deployment to one environment."""
    return [
        create(
            f"github.com/deployment/{deployment.id}/success/payments-service",
            commit_sha=deployment.sha,
            deployed_at=text(deployment.created),
            source_url="https://github.com/acme/shop/deployments",
            environment=environment,
        )
        for deployment in remembered().repo.deployments.by_id.values()
        if deployment.environment == environment
    ]


PAST = past("production")
SERVICES_OF_SEVERAL = [
    {"github_pull_id": 2401500200, "services": [PAYMENTS]},
    {"github_pull_id": 2401500201, "services": [PAYMENTS, WEB]},
    {"github_pull_id": 2401500203, "services": [PAYMENTS, WEB]},
]
MANIFEST = "version=1.4.0\ncommit=d1a34f0c3c1d2b5f6a7788990011223344556677\n"
BUILT = "d1a34f0c3c1d2b5f6a7788990011223344556677"  # the commit that the manifest names
# What Argo CD's notification sends, for an application that it has synced.
SYNCED = {"finishedAt": "2025-03-04T11:58:00Z", "syncResult": {"revision": BUILT}}
NOTIFIED = dispatched({"metadata": {"name": "shop-production"}, "status": {"operationState": SYNCED}})
OF_VERCEL = "1239cce527b1443ddcd89e1f8d96d679b2852838"


def by_vercel(environment: str, state: str) -> Changes:
    """Give what Vercel's app writes into a deployment: its ref is the commit, its status's page the deployed site."""
    return {
        "deployment.environment": environment,
        "deployment.original_environment": environment,
        "deployment.production_environment": False,
        "deployment_status.environment": environment,
        "deployment_status.state": state,
        "deployment_status.target_url": "https://shop-git-main-acme.vercel.app",
    }


CASES: dict[str, list[Case]] = {
    "nightly-repair": [
        Case(
            event="schedule",
            happening=remembered,
            known={"steps.window.outputs.since": since},
            calls=1,
            sent=sent,
        )
        for since, sent in (
            ("2024-10-31T04:17:00Z", PAST[1:]),
            ("2024-10-01T04:17:00Z", sorted(PAST + past("prod-eu"), key=lambda body: body["deployed_at"])),
        )
    ],
    "resend": [
        Case(
            event="workflow_dispatch",
            known={"inputs.run": "13654800333", "inputs.attempt": "1"},
            workspace={"dx-failed.jsonl": json.dumps(PUSHED | {"deployed_at": "2025-03-03T16:20:11Z"})},
            refused=refused,
            status="failed" if refused else "registered",
            exit_code=int(refused),
            sent=[PUSHED | {"deployed_at": "2025-03-03T16:20:11Z"}],
            kept=[PUSHED | {"deployed_at": "2025-03-03T16:20:11Z"}],
        )
        for refused in (False, True)
    ],
    "check": [
        Case(
            event="workflow_dispatch",
            happening=mapped,
            calls=4,
            status="checked",
            sent=[{}],
            checks=[
                *("inputs ok", "event ok", "github-contents ok", "github-pull-requests ok", "service-map ok"),
                *(
                    "patterns ok",
                    "services ok",
                    "unowned-files warning",
                    "deployment warning",
                    "connection ok",
                    "token ok",
                ),
            ],
        )
    ],
    "check-organisation": [
        Case(
            event="workflow_dispatch",
            happening=owned,
            known={
                "matrix.repository": "warehouse",
                "github.repository_owner": "acme",
                "steps.app.outputs.token": "github-token",
            },
            calls=4,
            status="checked",
            sent=[{}],
            checks=[
                *("inputs ok", "event ok", "github-contents ok", "github-pull-requests ok", "services-from ok"),
                *("patterns ok", "services ok", "unowned-files ok", "deployment warning", "connection ok", "token ok"),
            ],
        )
    ],
    "organisation-backfill": [
        Case(
            event="workflow_dispatch",
            happening=lambda: lately("acme/warehouse"),
            known={
                "matrix.repository": "warehouse",
                "github.repository_owner": "acme",
                "steps.app.outputs.token": "github-token",
                "inputs.since": "2025-03-01T00:00:00Z",
            },
            calls=2,
            sent=of_deployment(lately("acme/warehouse"), "warehouse")[1:],
        )
    ],
    "backfill": [
        Case(
            event="workflow_dispatch",
            happening=remembered,
            known={"inputs.since": "2024-10-01T00:00:00Z", "inputs.environments": "production"},
            calls=1,
            refused=refused,
            status="partial" if refused else "registered",
            exit_code=int(refused),
            sent=PAST,
            kept=PAST[: int(refused)],
        )
        for refused in (False, True)
    ],
    "merged-pull-request": [
        Case(
            event="pull_request_merged",
            sent=[
                create(
                    "github.com/pull/2401500041/register/0/success/payments-service",
                    commit_sha=MERGED_41,
                    source_url="https://github.com/acme/shop/pull/41",
                )
            ],
        ),
        Case(event="pull_request_closed_unmerged", starts=False, status="skipped"),
    ],
    "integration-branch": [Case(sent=[PUSHED | {"integration_branch": "develop"}])],
    "direct-commits": [Case(sent=[PUSHED | {"metadata": {"commit_timestamp": COMMITTED}}])],
    "one-pull-request-one-service": [
        Case(
            event="push_tag_lightweight",
            sent=[create(of_job(), merge_commit_shas=SHIPPED, source_url=RUN_PAGE.format("13654800407"))],
        ),
    ],
    "first-commit-lead-time": [
        Case(
            event="pull_request_merged",
            happening=lambda: merged("services/payments/app.py"),
            calls=1,
            sent=[
                create(
                    "github.com/pull/2401500041/register/0/success/payments-service",
                    commit_sha=merged("services/payments/app.py").sha,
                    source_url="https://github.com/acme/shop/pull/41",
                    metadata={"first_commit_timestamp": 1735689720},
                )
            ],
        )
    ],
    "what-ships": [
        Case(
            happening=lambda: shipped(2),
            known={"steps.deploy.outcome": outcome},
            calls=6 if outcome != "skipped" else 0,
            listed=2 if outcome != "skipped" else 0,
            status="skipped" if outcome == "skipped" else "registered",
            sent=[
                create(of_job(), merge_commit_shas=merge_commits(shipped(2)), environment="production", success=success)
            ]
            if outcome != "skipped"
            else [],
        )
        for outcome, success in (("success", None), ("failure", False), ("skipped", None))
    ],
    "monorepo-at-merge": [
        Case(
            event="pull_request_merged",
            happening=lambda: merged("services/payments/app.py", "libs/billing/tax.py", "README.md"),
            calls=2,
            status="pull-services-set",
            sent=[{"github_pull_id": 2401500041, "services": [PAYMENTS]}],
        ),
        Case(event="pull_request_merged", happening=lambda: merged("apps/web/README.md"), calls=2, status="skipped"),
    ],
    "services-of-the-past": [
        Case(
            event="workflow_dispatch",
            happening=several,
            known={"inputs.since": "2025-01-01T00:00:00Z", "inputs.until": "", "inputs.dry-run": dry},
            calls=3,
            refused=refused,
            status="dry-run" if dry == "true" else "partial" if refused else "pull-services-set",
            exit_code=int(refused),
            sent=[] if dry == "true" else SERVICES_OF_SEVERAL,
            kept=[each | {"method": "setPullServices"} for each in SERVICES_OF_SEVERAL[: int(refused)]],
        )
        for dry, refused in (("true", False), ("false", False), ("false", True))
    ]
    + [
        Case(
            event="workflow_dispatch",
            happening=several,
            known={
                "inputs.since": "2024-06-01T00:00:00Z",
                "inputs.until": "2024-07-01T00:00:00Z",
                "inputs.dry-run": "false",
            },
            calls=1,
            status="skipped",
        )
    ],
    "monorepo-deploy": [
        Case(
            event="workflow_dispatch",
            known={"inputs.service": "payments-service", "steps.deploy.outcome": outcome},
            status="skipped" if outcome == "skipped" else "registered",
            sent=[create(of_job(), source_url=DISPATCHED, success=success)] if outcome != "skipped" else [],
        )
        for outcome, success in (("success", None), ("failure", False), ("skipped", None))
    ],
    "monorepo-one-step": [
        Case(
            happening=lambda: queued(["services/payments/app.py"], ["apps/web/index.html", "libs/billing/tax.py"]),
            calls=4,
            sent=[
                {"github_pull_id": 2401500100, "services": [PAYMENTS]},
                {"github_pull_id": 2401500101, "services": [PAYMENTS, WEB]},
                create(of_job()),
                create(of_job("web"), service=WEB),
            ],
        ),
        Case(happening=lambda: queued(["docs/index.md"]), calls=4, status="skipped"),
    ],
    "deployment-status": [
        Case(
            event="deployment_status_success",
            sent=[create("github.com/deployment/2251300501/success/payments-service", **OF_THE_STATUS, source_url=LOG)],
        ),
        Case(
            event="deployment_status_success",
            changes={"deployment.environment": "production-eu", "deployment.production_environment": False},
            sent=[
                create(
                    "github.com/deployment/2251300501/success/payments-service",
                    **OF_THE_STATUS | {"environment": "production-eu"},
                    source_url=LOG,
                )
            ],
        ),
        Case(event="deployment_status_staging", status="skipped"),
    ],
    "release": [
        Case(
            event="release_released",
            sent=[
                create(
                    "github.com/release/2605100140/register/0/success/payments-service",
                    commit_sha=TIP,
                    source_url="https://github.com/acme/shop/releases/tag/v1.4.0",
                    metadata={"version": "v1.4.0"},
                )
            ],
        )
    ],
    "workflow-run": [
        Case(
            event="workflow_run_success",
            sent=[create("github.com/workflow_run/13654700101/1/register/0/success/payments-service", **OF_THE_RUN)],
        ),
        Case(
            event="workflow_run_success",
            changes={"workflow_run.conclusion": "failure"},
            sent=[
                create(
                    "github.com/workflow_run/13654700101/1/register/0/failure/payments-service",
                    **OF_THE_RUN,
                    success=False,
                )
            ],
        ),
        Case(event="workflow_run_success", changes={"workflow_run.conclusion": "action_required"}, status="skipped"),
    ],
    "repository-dispatch": [
        Case(
            event="repository_dispatch",
            changes={"action": NOTIFIED["event_type"], "client_payload": NOTIFIED["client_payload"]},
            sent=[
                create(
                    f"argo-cd/shop-production/{BUILT}",
                    commit_sha=BUILT,
                    deployed_at="2025-03-04T11:58:00Z",
                    source_name="Argo CD",
                    source_url=RUN_PAGE.format("13654801961"),
                )
            ],
        )
    ],
    "rollback": [
        Case(
            event="workflow_dispatch",
            known=BACK | {"steps.deploy.outcome": outcome},
            sent=[
                create(
                    of_job(), commit_sha="d1a34f0", source_url=DISPATCHED, metadata={"rollback": True}, success=success
                )
            ],
        )
        for outcome, success in (("success", None), ("failure", False))
    ],
    "mark-failed-by-rollback": [
        Case(
            event="workflow_dispatch",
            known={"inputs.sha": "d1a34f0", "inputs.reference-id": "build-1791"},
            held=[create("build-1791", commit_sha=MERGED_41)] if held else [],
            status="updated" if held else "failed",
            exit_code=int(not held),
            sent=[{"reference_id": "build-1791", "success": False}],
        )
        for held in (True, False)
    ],
    "take-back-duplicates": [
        Case(
            event="workflow_dispatch",
            known={"inputs.number": number, "inputs.dry-run": dry},
            held=[create("build-1791", commit_sha=MERGED_41)],
            workspace={"duplicates.csv": "reference_id,method\nbuild-1791,delete\nbuild-1792,delete\n"},
            status=status,
            exit_code=int(status == "failed"),
            sent=[{"reference_id": "build-1791"}, {"reference_id": "build-1792"}] if status == "deleted" else [],
        )
        for number, dry, status in (("2", "true", "dry-run"), ("2", "false", "deleted"), ("3", "false", "failed"))
    ],
    "regions-matrix": [
        Case(
            known={"matrix.region": region, "steps.deploy.outcome": outcome},
            leg=leg,
            sent=[
                create(
                    of_job(job=f"{int(JOB) + leg}"),
                    commit_sha=MERGED_41,
                    environment=f"production-{region}",
                    source_url=RUN_PAGE.format("13654800333").replace(JOB, f"{int(JOB) + leg}"),
                    success=success,
                )
            ],
        )
        for leg, region, outcome, success in ((0, "eu-west-1", "success", None), (1, "us-east-1", "failure", False))
    ],
    "deploy-then-register": [
        Case(known=DEPLOYED, sent=[REGISTERED_AFTER]),
        Case(known=DEPLOYED | {"needs.deploy.result": "failure"}, sent=[REGISTERED_AFTER | {"success": False}]),
        Case(known=DEPLOYED | {"needs.deploy.result": "cancelled"}, status="skipped"),
    ],
    "job": [
        Case(job="success", sent=[PUSHED]),
        Case(job="failure", sent=[PUSHED | {"success": False}]),
        Case(job="cancelled", status="skipped"),
        Case(job="success", refused=True, status="failed", exit_code=1, sent=[PUSHED]),
    ],
    "job-with-tests": [
        Case(known=TESTED, job="success", sent=[PUSHED | {"deployed_at": "2025-03-04T11:58:00Z"}]),
        Case(known=TESTED, job="failure", sent=[PUSHED | {"deployed_at": "2025-03-04T11:58:00Z"}]),
        Case(
            known={"steps.deploy.outcome": "failure", "steps.deploy.outputs.time": ""},
            job="failure",
            sent=[PUSHED | {"success": False}],
        ),
        Case(known=dict.fromkeys(TESTED, ""), job="failure", status="skipped"),
        Case(known=dict.fromkeys(TESTED, ""), job="cancelled", status="skipped"),
    ],
    "soft-failure": [Case(sent=[PUSHED]), Case(refused=True, status="failed", sent=[PUSHED], kept=[PUSHED])],
    "organisation": [
        Case(
            event="workflow_call",
            known={
                "inputs.service": "payments-service",
                "inputs.environment": environment,
                "inputs.result": result,
                "inputs.deployed-at": time,
                "inputs.reference-id": id_,
            },
            sent=[
                create(
                    id_ or of_job(),
                    commit_sha=TIP,
                    deployed_at=time or "2025-03-04T12:00:00Z",
                    source_url=RUN_PAGE.format("13654800555"),
                    success=success,
                    environment=environment or None,
                )
            ],
        )
        for result, success, environment, time, id_ in (
            ("success", None, "", "", ""),
            ("failure", False, "", "", ""),
            ("success", None, "production", "2025-03-04T11:58:00Z", "acme/shop/13654800555/1"),
        )
    ],
    "organisation-caller": [
        Case(known=DEPLOYED, sent=[REGISTERED_AFTER | {"environment": "production"}]),
        Case(
            known=DEPLOYED | {"needs.deploy.result": "failure"},
            sent=[REGISTERED_AFTER | {"environment": "production", "success": False}],
        ),
        Case(known=DEPLOYED | {"needs.deploy.result": "cancelled"}, status="skipped"),
    ],
    "release-please": [
        Case(
            known={
                "needs.release.outputs.created": "true",
                "needs.release.outputs.sha": TIP,
                "needs.release.outputs.tag": "v1.4.0",
                "steps.deploy.outcome": outcome,
            },
            sent=[create(of_job(), commit_sha=TIP, metadata={"version": "v1.4.0"}, success=success)],
        )
        for outcome, success in (("success", None), ("failure", False))
    ]
    + [
        # A push that makes no release: release-please's outputs are empty, or `false`.
        Case(
            known={f"needs.release.outputs.{name}": "" for name in ("sha", "tag")}
            | {"needs.release.outputs.created": created, "steps.deploy.outcome": "skipped"},
            starts=False,
            status="skipped",
        )
        for created in ("", "false")
    ],
    "terraform-apply": [
        Case(
            known={"steps.apply.outcome": outcome},
            status="skipped" if outcome in ("skipped", "cancelled") else "registered",
            sent=[]
            if outcome in ("skipped", "cancelled")
            else [
                create(
                    of_job("infrastructure"),
                    service={"identifier": "infrastructure"},
                    commit_sha=MERGED_41,
                    success=success,
                )
            ],
        )
        for outcome, success in (("success", None), ("failure", False), ("skipped", None), ("cancelled", None))
    ],
    "promote-tag": [
        Case(
            event="workflow_dispatch",
            known={
                "inputs.version": "1.10",
                "inputs.environment": environment,
                "steps.deploy.outcome": outcome,
            },
            sent=[
                create(
                    of_job(),
                    commit_sha=SHIPPED[0],
                    environment=environment,
                    source_url=DISPATCHED,
                    metadata={"version": "1.10"},
                    success=success,
                )
            ],
        )
        for environment, outcome, success in (("staging", "success", None), ("production", "failure", False))
    ]
    + [
        # There is no such tag: the checkout fails, and no step after it runs.
        Case(
            event="workflow_dispatch",
            known={"inputs.version": "9.9.9", "inputs.environment": "production", "steps.version.outputs.sha": ""}
            | {"steps.deploy.outcome": "skipped"},
            status="skipped",
        )
    ],
    "promote-manifest": [
        Case(
            known={"steps.deploy.outcome": outcome},
            sent=[create(of_job(), commit_sha=BUILT, metadata={"version": "1.4.0"}, success=success)],
        )
        for outcome, success in (("success", None), ("failure", False))
    ],
    "merge-queue": [
        Case(
            happening=lambda: queued(["app/one.py"], ["app/two.py"], ["app/three.py"]),
            known={"steps.deploy.outcome": outcome},
            sent=[
                create(
                    of_job(),
                    commit_sha=queued(["app/one.py"], ["app/two.py"], ["app/three.py"]).sha,
                    success=success,
                )
            ],
        )
        for outcome, success in (("success", None), ("failure", False))
    ]
    + [Case(event="merge_group", known={"steps.deploy.outcome": "skipped"}, starts=False, status="skipped")],
    "vercel-projects": [
        Case(
            event="deployment_status_no_urls",
            changes=by_vercel(f"Production \N{EN DASH} shop-{service}", state),
            sent=[
                create(
                    f"github.com/deployment/2251300507/{outcome}/{service}",
                    service={"identifier": service},
                    commit_sha=OF_VERCEL,
                    deployed_at="2025-03-05T07:32:41Z",
                    source_url="https://shop-git-main-acme.vercel.app",
                    success=success,
                )
            ],
        )
        for service, state, outcome, success in (
            ("web", "success", "success", None),
            ("docs", "error", "failure", False),
        )
    ]
    + [
        Case(
            event="deployment_status_no_urls",
            changes=by_vercel(environment, state),
            starts=False,
            status="failed",
            exit_code=1,
        )
        for environment, state in (
            ("Preview \N{EN DASH} shop-web", "success"),
            ("Production \N{EN DASH} shop-admin", "success"),
            ("Production", "success"),
        )
    ],
    "macos": [
        Case(
            event="push_tag_lightweight",
            known={"steps.release.outcome": outcome},
            status="skipped" if outcome == "skipped" else "registered",
            sent=[create(of_job(), commit_sha=MERGED_41, success=success, source_url=RUN_PAGE.format("13654800407"))]
            if outcome != "skipped"
            else [],
        )
        for outcome, success in (("success", None), ("failure", False), ("skipped", None))
    ],
    "no-preview-jobs": [
        Case(
            event="deployment_status_success",
            changes={
                "deployment.environment": environment,
                "deployment.production_environment": marked,
                "deployment.transient_environment": transient,
                "deployment_status.state": state,
            },
            starts=starts,
            status="registered" if starts else "skipped",
            sent=[
                create(
                    "github.com/deployment/2251300501/success/payments-service",
                    **OF_THE_STATUS | {"environment": None},
                    source_url=LOG,
                )
            ]
            if starts
            else [],
        )
        for environment, marked, transient, state, starts in (
            ("production", True, False, "success", True),
            ("Production \N{EN DASH} shop", False, False, "success", True),
            ("live", True, False, "success", True),
            ("pr-47", False, True, "success", False),
            ("production-pr-47", True, True, "success", False),
            ("Preview", False, False, "success", False),
            ("preproduction", False, False, "success", False),
            ("production", True, False, "in_progress", False),
            ("production", True, False, "inactive", False),
        )
    ],
}


# Reading an example, as GitHub does.


@cache
def text_of(name: str) -> str:
    return (FOLDER / f"{name}.yml").read_text(encoding="utf-8")


@cache
def workflow(name: str) -> dict[str, Any]:
    """Read an example with every scalar as it is written, `on` and `true` among them."""
    found: dict[str, Any] = yaml.load(text_of(name), Loader=yaml.BaseLoader)
    return found


def step_of(name: str) -> tuple[str, dict[str, Any], dict[str, str]]:
    """Give the job's id, the job, and the `with` of its step that uses the action. What a job calls takes its place."""
    found = [
        (job_id, job, step["with"])
        for job_id, job in workflow(name)["jobs"].items()
        for step in (job["steps"] if "steps" in job else called(job)["steps"])
        if ACTION.match(step.get("uses", ""))
    ]
    assert len(found) == 1, name
    return found[0]


def called(job: Mapping[str, Any]) -> dict[str, Any]:
    """Give the job of the reusable workflow that a job calls, with the caller's expressions for its inputs."""
    reusable = workflow(Path(job["uses"].partition("@")[0]).stem)
    assert job["secrets"].keys() == reusable["on"]["workflow_call"]["secrets"].keys()
    inputs = reusable["on"]["workflow_call"]["inputs"]
    assert job["with"].keys() <= inputs.keys()
    given = {key: job["with"].get(key, about.get("default", "")) for key, about in inputs.items()}
    (only,) = reusable["jobs"].values()
    text = json.dumps(only)
    for key, expression in given.items():
        text = text.replace(f"${{{{ inputs.{key} }}}}", expression)
    found: dict[str, Any] = json.loads(text)
    return found


class Expressions:
    """What `${{ … }}` and a job's `if` stand for."""

    def __init__(self, name: str, case: Case, event: Mapping[str, Any], known: Mapping[str, str], place: Path) -> None:
        self._jobs, self._case, self._event, self._place = workflow(name)["jobs"], case, event, place
        self._job = step_of(name)[0]
        self._name, self._known = name, dict(known) | dict(case.known)

    @property
    def early(self) -> "Expressions":
        """What they stand for at the start of the job, when no step has run."""
        known = {name: "" if name.startswith("steps.") else value for name, value in self._known.items()}
        return Expressions(self._name, replace(self._case, known={}), self._event, known, self._place)

    def filled(self, text: str) -> str:
        return filled(text, lambda name: self._value(name, self._job))

    def starts(self) -> bool:
        condition = self._jobs[self._job].get("if", "always()")
        return bool(evaluate(condition, lambda name: self._value(name, self._job)))

    def _value(self, name: str, job: str) -> Any:
        if name in self._known:
            return self._known[name]
        registration, *path = name.split(".")
        if name == "github.event_name":
            return events.load(self._case.event)[0]["GITHUB_EVENT_NAME"]
        if registration == "github" and path[0] == "event":
            value: Any = self._event
            for key in path[1:]:
                value = value[key]
            return value
        if registration == "needs" and path[1] == "outputs":
            text = self._jobs[path[0]]["outputs"][path[2]]
            return filled(text, lambda output: self._value(output, path[0]))
        if registration == "steps" and path[1] == "outputs":
            (step,) = (step for step in self._jobs[job]["steps"] if step.get("id") == path[0])
            return script_outputs(step["run"], self._case.event, self._place)[path[2]]
        raise KeyError(name)


@cache
def script_outputs(script: str, event: str, place: Path) -> dict[str, str]:
    """Run a step's script, where a repository is checked out, and read its outputs."""
    output = place / f"outputs{len(list(place.iterdir()))}"
    output.touch()
    variables, _ = events.load(event)
    env = {"PATH": os.environ["PATH"], "GITHUB_OUTPUT": str(output), **GIT, **variables}
    subprocess.run(["bash", "-e", "-c", script], cwd=place / "shop", env=env, check=True, timeout=20)
    found: dict[str, str] = {}
    lines = iter(output.read_text().splitlines())
    for line in lines:
        name, heredoc, delimiter = line.partition("<<")
        if heredoc:
            found[name] = "\n".join(iter(lambda: next(lines), delimiter))
        else:
            name, _, value = line.partition("=")
            found[name] = value
    return found


GIT = {
    "GIT_CONFIG_GLOBAL": "/dev/null",
    "GIT_CONFIG_NOSYSTEM": "1",
    **{
        f"GIT_{who}_{what}": value for who in ("AUTHOR", "COMMITTER") for what, value in (("NAME", "A"), ("EMAIL", "a"))
    },
}


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a repository `shop`: a tag, a merge with a side branch's commit, another commit, and a newer tag."""
    folder = tmp_path_factory.mktemp("place")
    commands = """
        init --quiet --initial-branch=main shop
        commit first
        tag v1.3.0
        checkout --quiet -b side
        commit side
        checkout --quiet main
        merge --quiet --no-ff --message=merge side
        commit third
        tag v1.3.1
    """
    for number, line in enumerate(commands.split("\n")):
        date = f"{COMMITTED - 8 + number} +0000"
        words = line.split()
        if not words:
            continue
        if words[0] == "commit":
            words = ["commit", "--quiet", "--allow-empty", f"--message={words[1]}"]
        env = {"PATH": os.environ["PATH"], **GIT, "GIT_AUTHOR_DATE": date, "GIT_COMMITTER_DATE": date}
        where = folder if words[0] == "init" else folder / "shop"
        subprocess.run(["git", *words], cwd=where, env=env, check=True, timeout=20)
    (folder / "shop/deploy").mkdir()
    (folder / "shop/deploy/production.env").write_text(MANIFEST)
    return folder


# Running it.

Outcome = tuple[str, int, int, list[Any], list[Any], list[str]]


def outcome(
    name: str, case: Case, folder: Path, place: Path, *, without: str = "", permissions: Mapping[str, str] | None = None
) -> Outcome:
    """Run the example's step, and give what became of it: status, exit code, what was listed, sent, kept in files, and checked."""
    job_id, job, written = step_of(name)
    happening = case.happening() if case.happening else None
    changes = case.changes | (happening.changes if happening else {})
    event = payload(case.event, changes)
    folder.mkdir()
    (folder / "event.json").write_text(json.dumps(event))
    granted = (job["permissions"] or _of_the_app(job)) if permissions is None else permissions
    may = {each: granted.get(each.replace("_", "-"), "none") for each in ("contents", "pull_requests", "deployments")}
    faults = [{"status": 422, "error": "service_retired"}] if case.refused else []
    with Sandbox(token=TOKEN, faults=faults) as dx, GitHub(happening.repo if happening else Repo()) as github:
        github.permissions.update(may)
        expressions = Expressions(name, case, event, {"secrets.DX_TOKEN": TOKEN, "vars.DX_HOST": dx.url}, place)
        inputs = {key: text for key, text in written.items() if key != without}
        step = Step(
            folder,
            {key: expressions.filled(text) for key, text in inputs.items()},
            case.event,
            {"GITHUB_EVENT_PATH": str(folder / "event.json"), "GITHUB_API_URL": github.api_url, "GITHUB_JOB": job_id}
            | ({"GITHUB_SHA": happening.sha} if happening else {}),
            check_run_id=str(int(JOB) + case.leg),
            job_index=str(case.leg),
            github_token=github.token if "github-token" not in written else "the-jobs-own",
        )
        for body in case.held:
            register(dx, body)
        for path, content in case.workspace.items():
            (step.workspace / path).write_text(content)
        if case.job:
            early = {key: expressions.early.filled(text) for key, text in inputs.items()}
            began, run = run_job(replace(step, inputs=early), case.job, step.inputs, run=Step.inside)
            assert without or (began.status, began.annotations) == ("waiting", [])
        else:
            run = step.inside()
        if not without and permissions is None:
            assert github.count() == case.calls
        sent = [request["json"] for request in dx.requests()[len(case.held) :]]
    kept = [json.loads(line) for file in run.workspace.rglob("*.jsonl") for line in file.read_text().splitlines()]
    listed = len([text for _, text in Page(run.summary).links if text.startswith("#")])
    checks = [f"{line['name']} {line['outcome']}" for line in run.json("checks")]
    return run.status, run.exit_code, listed, _steady(_ordered(sent)), _steady(kept), checks


def _of_the_app(job: Mapping[str, Any]) -> dict[str, str]:
    """Give the permissions of a token that an app gives, where a step lookups for one."""
    asked = [step["with"] for step in job.get("steps", ()) if "create-github-app-token@" in step.get("uses", "")]
    return {name.removeprefix("permission-"): level for each in asked for name, level in each.items()}


def _ordered(sent: list[Any]) -> list[Any]:
    """Deployments travel side by side, and so do pull requests, which are before them."""
    first = next((number for number, body in enumerate(sent) if "reference_id" in body), len(sent))

    def key(body: Any) -> tuple[str, str]:
        return str(body.get("service")), "" if "service" in body else body["reference_id"]

    pulls = sorted(sent[:first], key=lambda body: body.get("github_pull_id", 0))
    return pulls + sorted(sent[first:], key=key)


def _steady(bodies: list[Any]) -> list[Any]:
    """Put the digest of a job's id aside: of what it is made is another test's subject."""
    found: list[Any] = json.loads(re.sub(r"(/job/\d+)/[0-9a-f]{12}/", r"\1/<digest>/", json.dumps(bodies)))
    return found


def promised(case: Case) -> Outcome:
    return case.status, case.exit_code, case.listed, list(case.sent), list(case.kept), list(case.checks)


ALL = [
    pytest.param(name, case, id=f"{name}-{number}")
    for name, cases in CASES.items()
    for number, case in enumerate(cases)
]
LINES = [(name, key) for name in CASES for key in step_of(name)[2]]
LOOKING = [
    (name, permission)
    for name, cases in CASES.items()
    if cases[0].calls
    for permission in step_of(name)[1]["permissions"]
]


def test_every_example_is_tried() -> None:
    assert sorted([*CASES, MAP]) == FILES


@pytest.mark.parametrize(("name", "case"), ALL)
def test_an_example_does_what_it_promises(name: str, case: Case, tmp_path: Path, place: Path) -> None:
    assert outcome(name, case, tmp_path / "run", place) == promised(case)


@pytest.mark.parametrize(("name", "case"), ALL)
def test_a_job_starts_only_for_what_counts(name: str, case: Case, place: Path) -> None:
    happening = case.happening() if case.happening else None
    event = payload(case.event, case.changes | (happening.changes if happening else {}))
    assert Expressions(name, case, event, {}, place).starts() is case.starts


@pytest.mark.parametrize(("name", "key"), LINES)
def test_no_line_is_without_effect(name: str, key: str, tmp_path: Path, place: Path) -> None:
    assert any(
        outcome(name, case, tmp_path / str(number), place, without=key) != promised(case)
        for number, case in enumerate(CASES[name])
    )


@pytest.mark.parametrize(("name", "permission"), LOOKING)
def test_no_permission_is_too_many(name: str, permission: str, tmp_path: Path, place: Path) -> None:
    rest = {each: level for each, level in step_of(name)[1]["permissions"].items() if each != permission}
    case = CASES[name][0]
    assert outcome(name, case, tmp_path / "run", place, permissions=rest) != promised(case)


@pytest.mark.parametrize(("name", "case"), ALL)
def test_the_event_sets_the_workflow_off(name: str, case: Case) -> None:
    on = workflow(name)["on"]
    if case.event == "workflow_call":
        assert "workflow_call" in on
        return
    (variables, _), event = events.load(case.event), payload(case.event, case.changes)
    wanted = (on if isinstance(on, dict) else {on: {}})[variables["GITHUB_EVENT_NAME"]] or {}
    if isinstance(wanted, list):
        assert variables["GITHUB_EVENT_NAME"] == "schedule"
        return
    assert event.get("action") in (*wanted.get("types", ()), None) or "types" not in wanted
    assert variables["GITHUB_REF_TYPE"] == "tag" or "tags" not in wanted


def test_what_is_saved_is_found_by_its_name() -> None:
    """What the examples and the page on errors save under a run's number, resend.yml downloads by it."""
    (job,) = workflow("resend")["jobs"].values()
    wanted = job["steps"][0]["with"]["name"].replace("inputs.run", "github.run_id")
    wanted = wanted.replace("inputs.attempt", "github.run_attempt")
    pages = [text_of("soft-failure"), text_of("backfill"), (ROOT / "docs/recovering.md").read_text(encoding="utf-8")]
    assert all(wanted in page for page in pages)


def test_the_time_of_a_deployment_can_be_read(place: Path) -> None:
    (script,) = (
        step["run"]
        for step in workflow("deploy-then-register")["jobs"]["deploy"]["steps"]
        if step.get("id") == "deployment"
    )
    assert parse_time(script_outputs(script, "push_branch", place)["time"])


@pytest.mark.parametrize(("code", "found"), [(0, {"changes": "false"}), (2, {"changes": "true"}), (1, None)])
def test_a_plan_says_whether_it_changes_anything(code: int, found: dict[str, str] | None, tmp_path: Path) -> None:
    """Terraform's exit codes: 0 for no changes, 2 for some, 1 for an error, which fails the step."""
    (script,) = (
        step["run"] for step in workflow("terraform-apply")["jobs"]["apply"]["steps"] if step.get("id") == "plan"
    )
    (tmp_path / "terraform").write_text(f'#!/bin/sh\necho "$@"\n[ "$1" = init ] || exit {code}\n')
    (tmp_path / "terraform").chmod(0o755)
    output = tmp_path / "output"
    env = {"PATH": f"{tmp_path}:{os.environ['PATH']}", "GITHUB_OUTPUT": str(output)}
    run = subprocess.run(["bash", "-e", "-c", script], env=env, check=False, timeout=20, capture_output=True)
    assert run.returncode == (0 if found else code)
    assert b"plan -input=false -detailed-exitcode" in run.stdout
    written = dict(line.split("=") for line in output.read_text().splitlines()) if output.exists() else None
    assert written == found


@pytest.mark.parametrize(
    "manifest",
    ["version=1.4.0\n", "version=1.4.0\ncommit=\n", "version=1.4.0\ncommit=d1a34f0\n", f"commit={BUILT}\n"],
)
def test_a_manifest_without_a_whole_commit_fails_the_step(manifest: str, tmp_path: Path) -> None:
    (script,) = (
        step["run"] for step in workflow("promote-manifest")["jobs"]["deploy"]["steps"] if step.get("id") == "manifest"
    )
    (tmp_path / "deploy").mkdir()
    (tmp_path / "deploy/production.env").write_text(manifest)
    env = {"PATH": os.environ["PATH"], "GITHUB_OUTPUT": str(tmp_path / "output")}
    run = subprocess.run(["bash", "-e", "-c", script], cwd=tmp_path, env=env, check=False, timeout=20)
    assert run.returncode == 1


def test_every_environment_that_counts_has_a_service() -> None:
    _, job, written = step_of("vercel-projects")
    listed = json.loads(re.findall(r"fromJSON\('(.*?)'\)", job["if"])[0])
    assert re.findall(r"== '(.*?)'", written["service"]) == listed


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("'it''s' == 'IT''S'", True),
        ("a.b-c != 'x'", False),
        ("none && 'web' || 'docs'", "docs"),
        ("a.b-c == 'X' && 'web' || 'docs'", "web"),
        ("!none && (none || a.b-c)", "x"),
        ("contains(fromJSON('[\"One\", \"Two\"]'), 'two')", True),
        ("startsWith('Production', 'prod') && !startsWith(none, 'prod')", True),
        ("always()", True),
    ],
)
def test_expressions_are_evaluated_as_by_github(text: str, value: object) -> None:
    assert evaluate(text, {"a.b-c": "x", "none": None}.__getitem__) == value
    assert (
        filled(f"<${{{{ {text} }}}}>", {"a.b-c": "x", "none": None}.__getitem__).casefold() == f"<{value}>".casefold()
    )


@pytest.mark.parametrize("text", ["a ==", "(a", "a b", "contains(a b)", "a[b]", "~"])
def test_an_unknown_expression_is_an_error(text: str) -> None:
    with pytest.raises(ValueError, match=r".+"):
        evaluate(text, {"a": "a", "b": "b"}.__getitem__)


@pytest.mark.parametrize("name", sorted(CASES))
def test_every_action_is_pinned(name: str) -> None:
    lines = [line.strip() for line in text_of(name).splitlines() if "uses:" in line]
    assert lines
    for line in lines:
        assert re.fullmatch(r"uses: [\w./-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+", line), line


def test_the_nightly_window_can_be_read(place: Path) -> None:
    (script,) = (
        step["run"] for step in workflow("nightly-repair")["jobs"]["repair"]["steps"] if step.get("id") == "window"
    )
    assert parse_time(script_outputs(script, "push_branch", place)["since"])


@pytest.mark.parametrize("name", sorted(CASES))
def test_no_registration_is_cancelled_for_another(name: str) -> None:
    """In a shared group GitHub cancels what waits; only where the deployment waits with it is nothing lost."""
    group = workflow(name).get("concurrency", {"group": "${{ github.event }}", "cancel-in-progress": "false"})
    assert group["cancel-in-progress"] == "false"
    by_itself = re.search(r"\bgithub\.(event|sha|ref)\b", group["group"])
    # What a backfill does not send now, and what Terraform does not apply now, comes the next time. A check registers nothing.
    later = any(
        words in text_of(name)
        for words in ("./deploy.sh", "terraform apply", "operation: backfill", "operation: check")
    )
    assert by_itself or later


def test_the_table_has_every_example() -> None:
    rows = re.findall(r"^\|.*\| \[`([\w-]+)\.yml`\]\(\1\.yml\)", (FOLDER / "README.md").read_text(), re.MULTILINE)
    assert sorted({*rows} - {"gitlab-ci"}) == FILES
