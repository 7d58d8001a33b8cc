"""What the examples about a deployment are promised to send: by the event, the job or the system that deploys."""

from examples import BUILT, DISPATCHED, MERGED_41, PUSHED, SHIPPED, TIP, Case, create, of_job
from happenings import JOB, RUN_PAGE
from systems import dispatched

LOG = "https://github.com/acme/deployer/actions/runs/13654730011/job/38168200017"
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
# What Argo CD's notification sends, for an application that it has synced.
SYNCED = {"finishedAt": "2025-03-04T11:58:00Z", "syncResult": {"revision": BUILT}}
NOTIFIED = dispatched({"metadata": {"name": "shop-production"}, "status": {"operationState": SYNCED}})

CASES: dict[str, list[Case]] = {
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
