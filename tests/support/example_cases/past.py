"""What the examples about the past are promised to send: repairs, backfills, corrections, and the checks, which send nothing."""

import json
from typing import Any

from examples import MERGED_41, PAYMENTS, PUSHED, WEB, Case, create
from happenings import Happening, lately, mapped, owned, remembered, several
from stand_in.moments import text


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
}
