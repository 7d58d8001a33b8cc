"""Runs `job/` by the image: both stages as GitHub's runner does, and as Kubernetes' hooks do."""

import sys
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from image_check import HOSTILE_ENV, ROOT, TOKEN, Image, Run, Tally, check, hidden, plant_evil, workspace

from dx_action.sandbox import Sandbox

INPUTS = {"dx-token": TOKEN, "service": "payments-service"}
OUTCOME = "${{ steps.deploy.outcome || 'skipped' }}"


def run_job(
    image: Image,
    checkout: Path,
    inputs: Mapping[str, str],
    *more: str,
    wrapper: Path,
    env: dict[str, str] | None = None,
    event: str = "push_branch",
) -> tuple[Run, Run]:
    """Both stages, with further flags for the simulation."""
    image = replace(image, action=ROOT / "job", runner=(*image.runner, "--stage", "both", *more))
    began = image.act(checkout, dict(inputs), env, wrapper=wrapper, event=event)
    if began.post is None:
        raise SystemExit("The simulation ran no post stage.")
    return began, began.post


def check_stages(tally: Tally, began: Run, ended: Run, status: str, *, code: int = 0) -> None:
    """The start found nothing wrong, and the end has this status."""
    tally.check("the start waits", (began.exit_code, began.outputs.get("status")) == (0, "waiting"), began.log[-20:])
    tally.check(
        f"the end is {status}", (ended.exit_code, ended.outputs.get("status")) == (code, status), ended.log[-20:]
    )
    both = began.text() + ended.text()
    tally.check("the token is nowhere", hidden(both, TOKEN))
    tally.check("nothing was imported from the workspace", "EVIL" not in both)


def bodies(sandbox: Sandbox) -> list[Any]:
    return [request["json"] for request in sandbox.requests()]


def check_ends(tally: Tally, image: Image, friendly: Path) -> None:
    for status, success in (("success", True), ("failure", False)):
        print(f"A job with job/ at its top: {status}")
        with Sandbox(token=TOKEN) as sandbox, workspace() as checkout:
            given = {**INPUTS, "dx-host": sandbox.url, "extra-metadata": "started_at"}
            began, ended = run_job(image, checkout, given, "--job-status", status, wrapper=friendly)
            check_stages(tally, began, ended, "registered")
            (body,) = bodies(sandbox) or [{}]
            tally.check(f"success is {success}", body.get("success", True) is success, body)
            tally.check(
                "it has the time of the start", isinstance(body.get("metadata", {}).get("started_at"), int), body
            )
            tally.check("the summary is the end's alone", ended.summary.strip() and not began.summary, began.summary)

    print("A job that is cancelled")
    with Sandbox(token=TOKEN) as sandbox, workspace() as checkout:
        given = {**INPUTS, "dx-host": sandbox.url}
        began, ended = run_job(image, checkout, given, "--job-status", "cancelled", wrapper=friendly)
        check_stages(tally, began, ended, "skipped")
        tally.check("nothing was sent", bodies(sandbox) == [], bodies(sandbox))
        tally.check("a notice says so", [each["level"] for each in ended.annotations] == ["notice"], ended.annotations)

    print(f"A job that fails before its deploy step, with success: {OUTCOME}")
    with Sandbox(token=TOKEN) as sandbox, workspace() as checkout:
        given = {**INPUTS, "dx-host": sandbox.url, "success": "skipped"}
        began, ended = run_job(image, checkout, given, "--job-status", "failure", wrapper=friendly)
        check_stages(tally, began, ended, "skipped")
        tally.check("nothing was sent", bodies(sandbox) == [], bodies(sandbox))

    print("A job whose checks fail after the deployment, with the same")
    with Sandbox(token=TOKEN) as sandbox, workspace() as checkout:
        flags = ("--job-status", "failure", "--post-with", "success=success")
        given = {**INPUTS, "dx-host": sandbox.url, "success": "skipped"}
        began, ended = run_job(image, checkout, given, *flags, wrapper=friendly)
        check_stages(tally, began, ended, "registered")
        tally.check(
            "it is a success", [body.get("success", True) for body in bodies(sandbox)] == [True], bodies(sandbox)
        )


def check_wrong(tally: Tally, image: Image, friendly: Path, hostile: Path) -> None:
    print("A wrong input")
    with Sandbox(token=TOKEN) as sandbox, workspace() as checkout:
        given = {**INPUTS, "dx-host": sandbox.url, "deployed-at": "noon"}
        began, ended = run_job(image, checkout, given, wrapper=friendly)  # the simulation has the start fail the job
        tally.check("the start fails", (began.exit_code, began.outputs.get("status")) == (1, "failed"), began.log[-20:])
        tally.check(
            "the end fails likewise", (ended.exit_code, ended.outputs.get("status")) == (1, "failed"), ended.log[-20:]
        )
        tally.check("nothing was sent", bodies(sandbox) == [], bodies(sandbox))

    print("A runner that does not say how the job ended")
    with Sandbox(token=TOKEN) as sandbox, workspace() as checkout:
        given = {**INPUTS, "dx-host": sandbox.url}
        began, ended = run_job(image, checkout, given, "--post-with", "job-status=", wrapper=friendly)
        check_stages(tally, began, ended, "failed", code=1)
        errors = [each["message"] for each in ended.annotations if each["level"] == "error"]
        tally.check("it says what to write", any("success: ${{ job.status }}" in text for text in errors), errors)

    print("A runner that hands on no state")
    with Sandbox(token=TOKEN) as sandbox, workspace() as checkout:
        given = {**INPUTS, "dx-host": sandbox.url, "extra-metadata": "started_at"}
        alone = replace(image, action=ROOT / "job", runner=(*image.runner, "--stage", "post"))
        ended = alone.act(checkout, given, wrapper=friendly, event="push_branch")
        tally.check("the end registers", (ended.exit_code, len(bodies(sandbox))) == (0, 1), ended.log[-20:])
        tally.check("a notice says what is missing", "`started_at` of `extra-metadata` is left out" in ended.text())

    print("A hostile checkout, environment and home")
    with Sandbox(token=TOKEN) as sandbox, workspace() as checkout:
        plant_evil(checkout)
        began, ended = run_job(image, checkout, {**INPUTS, "dx-host": sandbox.url}, wrapper=hostile, env=HOSTILE_ENV)
        check_stages(tally, began, ended, "registered")


def check_same(tally: Tally, image: Image, friendly: Path) -> None:
    for event in ("push_branch", "pull_request_merged"):
        print(f"The same as a step after the fact: {event}")
        found = []
        for stages in (True, False):
            with Sandbox(token=TOKEN) as sandbox, workspace() as checkout:
                given = {**INPUTS, "dx-host": sandbox.url}
                if stages:
                    run_job(image, checkout, given, wrapper=friendly, event=event)
                else:
                    image.act(checkout, given | {"success": "success"}, wrapper=friendly, event=event)
                found.append([{**body, "deployed_at": ""} for body in bodies(sandbox)])
        tally.check(
            "both send one body, and but for its time the same", found[0] == found[1] and len(found[0]) == 1, found
        )


def check_kubernetes(tally: Tally, image: Image, friendly: Path) -> None:
    for hook in ("volume", "novolume"):
        print(f"Kubernetes, {hook}: a job with job/ at its top")
        pod = replace(image, runner=("k8s_sim.py", "--pinned", "--hook", hook))
        with Sandbox(token=TOKEN) as sandbox, workspace() as checkout:
            given = {**INPUTS, "dx-host": sandbox.url, "extra-metadata": "started_at"}
            began, ended = run_job(pod, checkout, given, wrapper=friendly)
            check_stages(tally, began, ended, "registered")
            (body,) = bodies(sandbox) or [{}]
            kept = hook == "volume"
            tally.check("the start's time, if there is state", ("started_at" in body.get("metadata", {})) is kept, body)
            tally.check("else a notice says so", ("`started_at` of" in ended.text()) is not kept, ended.annotations)


def check_job(tally: Tally, image: Image, friendly: Path, hostile: Path) -> None:
    check_ends(tally, image, friendly)
    check_wrong(tally, image, friendly, hostile)
    check_same(tally, image, friendly)
    check_kubernetes(tally, image, friendly)


if __name__ == "__main__":
    sys.exit(check(__doc__, "job", check_job))
