"""Runs two example workflows by the real act against the sandbox: a step whose outputs a later step reads, and `job/`.

The workflows are the files as they stand, but for what stands beside each.
"""

import argparse
import json
import re
import shutil
import subprocess
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from image_check import EVENTS, ROOT, TOKEN, Tally

from dx_action.sandbox import Sandbox

USES = re.compile(r"^( +)uses: (your-org/dx-deployment-action)(/job)?(@\w+).*\n", re.MULTILINE)
CHECKOUT = re.compile(r"^      - name: Check the code out\n(?:        .*\n)+", re.MULTILINE)
SERVICE = "payments-service"
LATER = """\
      - name: Read the outputs
        env:
          OUTPUTS: ${{ toJSON(steps.dx.outputs) }}
          STATUS: ${{ steps.dx.outputs.status }}
          SERVICES: ${{ steps.dx.outputs.services }}
          COMMIT: ${{ steps.dx.outputs.commit-sha }}
          EXPECTED: ${{ github.event.pull_request.merge_commit_sha }}
        run: |
          printf '%s\\n' "$OUTPUTS"
          test "$STATUS" = registered
          test "$SERVICES" = '["payments-service"]'
          test -n "$COMMIT"
          test "$COMMIT" = "$EXPECTED"
          echo 'The outputs are right.'
"""


@dataclass(frozen=True)
class Trial:
    """An example, what is changed in it, its event, and the commit of that; a job may fail. `said` is a line of act's log."""

    example: str
    changed: Callable[[str], str]
    event: str
    fixture: str
    commit: Callable[[Any], str]
    said: str
    fails: bool = False


def with_later_step(text: str) -> str:
    """The step gets an id, and another step follows it."""
    return USES.sub(r"\1id: dx\n\g<0>", text) + LATER


def without_checkout(command: str) -> Callable[[str], str]:
    """Nothing is checked out, this command deploys, and `success` is written: act passes no defaults to post steps."""

    def changed(text: str) -> str:
        text = CHECKOUT.sub("", text).replace("run: ./deploy.sh", f"run: {command}")
        return re.sub(r"^( +)service: .*\n", r"\g<0>\1success: ${{ job.status }}\n", text, flags=re.MULTILINE)

    return changed


TRIALS = [
    Trial(
        "merged-pull-request",
        with_later_step,
        "pull_request",
        "pull_request_merged",
        lambda payload: str(payload["pull_request"]["merge_commit_sha"]),
        r"\| The outputs are right\.$",
    ),
    *(
        Trial(
            "job",
            without_checkout(command),
            "push",
            "push_branch",
            lambda payload: str(payload["head_commit"]["id"]),
            rf"success +{success}  from input success",
            fails=success == "false",
        )
        for command, success in (("echo deployed", "true"), ("exit 1", "false"))
    ),
]


def run(tally: Tally, trial: Trial, tools: Path, action: Path) -> None:
    """Run an example, show act's log, and check what is to hold."""
    text = (ROOT / "examples" / f"{trial.example}.yml").read_text(encoding="utf-8")
    (uses,) = USES.finditer(text)
    event = EVENTS / f"{trial.fixture}.json"
    with tempfile.TemporaryDirectory(prefix="act_") as folder, Sandbox(token=TOKEN) as sandbox:
        workflows = Path(folder, "project", ".github", "workflows")
        workflows.mkdir(parents=True)
        (workflows / "example.yml").write_text(trial.changed(text), encoding="utf-8")
        secrets = Path(folder, "secrets")
        secrets.write_text(f"DX_TOKEN={TOKEN}\n", encoding="utf-8")
        subprocess.run([str(shutil.which("git")), "init", "--quiet", str(workflows.parents[1])], check=True)
        command = [
            *("bash", str(tools / "act.sh"), str(workflows.parents[1]), trial.event, str(event)),
            *("--local-repository", f"{uses[2]}{uses[4]}={action}"),
            *("--secret-file", str(secrets), "--var", f"DX_HOST={sandbox.url}"),
        ]
        done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
        deployments = sandbox.deployments()
    print("\n".join(line for line in done.stdout.splitlines() if "git re" not in line))  # the project has no commit
    expected = (SERVICE, trial.commit(json.loads(event.read_text(encoding="utf-8"))), not trial.fails)
    held = [(each["service"]["identifier"], each["commit_sha"], each["success"]) for each in deployments]
    print(f"By act: {trial.example}")
    tally.check("act ends as the job does", bool(done.returncode) is trial.fails, done.returncode)
    tally.check("its log says what it should", re.search(trial.said, done.stdout, re.MULTILINE), trial.said)
    tally.check("the sandbox has the one deployment", held == [expected], held)
    tally.check("the token is not in act's log", TOKEN not in done.stdout)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tools", type=Path, required=True, help="the folder with act.sh")
    parser.add_argument("--action", type=Path, required=True, help="the folder of its action.yml, as a release has it")
    options = parser.parse_args()
    tally = Tally()
    for trial in TRIALS:
        run(tally, trial, options.tools, options.action)
    print(f"act: {tally.passed} passed, {tally.failed} failed")
    return 1 if tally.failed else 0


if __name__ == "__main__":
    raise SystemExit(main())
