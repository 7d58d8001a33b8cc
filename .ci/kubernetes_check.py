"""Runs the image as Actions Runner Controller's hooks for Kubernetes do, with a volume and without one."""

from dataclasses import replace
from pathlib import Path

from image_check import (
    HOSTILE_ENV,
    REFUSED,
    TOKEN,
    Image,
    Tally,
    check,
    check_failed,
    check_registered,
    plant_evil,
    workspace,
)

from dx_action.sandbox import Sandbox

HOOKS = ("volume", "novolume")
# What a shell reads before its first command, and where a program would be looked up by its name.
SHELL_ENV = {
    "ENV": "/github/workspace/evil.sh",
    "BASH_ENV": "/github/workspace/evil.sh",
    "SHELLOPTS": "xtrace",
    "IFS": "/",
    "PATH": "/github/workspace",
}
PROGRAMS = ("evil.sh", "sh", "env", "tail", "tar", "rm", "mv", "python", "python3", "entrypoint.py")


def plant_programs(folder: Path) -> None:
    """Programs that would be run, were the workspace on the PATH of whatever starts the step."""
    for name in PROGRAMS:
        (folder / name).write_text("#!/bin/sh\necho EVIL: run from the workspace\n")
        (folder / name).chmod(0o755)


def check_hook(tally: Tally, image: Image, hook: str, friendly: Path, hostile: Path) -> None:
    image = replace(image, runner=("k8s_sim.py", "--pinned", "--hook", hook))
    inputs = {"dx-token": TOKEN, "service": "payments-service"}

    print(f"Kubernetes, {hook}: a merged pull request")
    with Sandbox(token=TOKEN) as sandbox, workspace() as checkout:
        run = image.act(checkout, {**inputs, "dx-host": sandbox.url}, wrapper=friendly)
        check_registered(tally, run, sandbox)

    print(f"Kubernetes, {hook}: a token that DX refuses")
    with Sandbox(token=TOKEN) as sandbox, workspace() as checkout:
        refused = {**inputs, "dx-token": REFUSED, "dx-host": sandbox.url}
        run = image.act(checkout, refused, wrapper=friendly)
        check_failed(tally, run, sandbox, REFUSED)

    print(f"Kubernetes, {hook}: a hostile checkout and environment")
    with Sandbox(token=TOKEN) as sandbox, workspace() as checkout:
        plant_evil(checkout)
        plant_programs(checkout)
        given = {**inputs, "dx-host": sandbox.url}
        run = image.act(checkout, given, HOSTILE_ENV | SHELL_ENV, wrapper=hostile)
        check_registered(tally, run, sandbox)

    print(f"Kubernetes, {hook}: a job's first step")
    with Sandbox(token=TOKEN) as sandbox, workspace() as checkout:
        given = {**inputs, "dx-host": sandbox.url}
        run = replace(image, runner=(*image.runner, "--first-step")).act(checkout, given, wrapper=friendly)
        if hook == "volume":  # the runner and the step share the event's file from the start
            check_registered(tally, run, sandbox)
            return
        tally.check("exit code 1", run.exit_code == 1, (run.exit_code, run.log[-20:]))
        tally.check("the sandbox holds nothing", sandbox.deployments() == [], sandbox.deployments())
        errors = [each["message"] for each in run.annotations if each["level"] == "error"]
        tally.check("it says that a step must come first", any("actions/checkout" in text for text in errors), errors)


def check_hooks(tally: Tally, image: Image, friendly: Path, hostile: Path) -> None:
    for hook in HOOKS:
        check_hook(tally, image, hook, friendly, hostile)


if __name__ == "__main__":
    raise SystemExit(check(__doc__, "kubernetes", check_hooks))
