"""What the examples about changes are promised to send: of pull requests, and of a monorepo's services."""

from examples import COMMITTED, DISPATCHED, MERGED_41, PAYMENTS, PUSHED, SHIPPED, TIP, WEB, Case, create, of_job
from happenings import RUN_PAGE, Changes, merge_commits, merged, queued, shipped

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
}
