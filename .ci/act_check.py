"""Runs an example workflow by the real act against the sandbox, and reads the step's outputs in a later step of the job.

The workflow is the file as it stands, but that the step gets an id and the later step follows it.
"""

import argparse
import json
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from dx_action.sandbox import Sandbox  # noqa: E402

EXAMPLE = ROOT / "examples" / "merged-pull-request.yml"
EVENT = ROOT / "tests" / "data" / "events" / "pull_request_merged.json"
USES = re.compile(r"^( +)uses: (your-org/dx-deployment-action@\w+).*\n", re.MULTILINE)
TOKEN = "dx-token-5f1c0a9e7b3d4826"
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


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tools", type=Path, required=True, help="the folder with act.sh")
    parser.add_argument("--action", type=Path, required=True, help="the folder of its action.yml, as a release has it")
    options = parser.parse_args()
    text = EXAMPLE.read_text(encoding="utf-8")
    (uses,) = USES.finditer(text)
    text = USES.sub(r"\1id: dx\n\g<0>", text) + LATER
    with tempfile.TemporaryDirectory(prefix="act_") as folder, Sandbox(token=TOKEN) as sandbox:
        workflows = Path(folder, "project", ".github", "workflows")
        workflows.mkdir(parents=True)
        (workflows / EXAMPLE.name).write_text(text, encoding="utf-8")
        secrets = Path(folder, "secrets")
        secrets.write_text(f"DX_TOKEN={TOKEN}\n", encoding="utf-8")
        subprocess.run([str(shutil.which("git")), "init", "--quiet", str(workflows.parents[1])], check=True)
        command = [
            *("bash", str(options.tools / "act.sh"), str(workflows.parents[1]), "pull_request", str(EVENT)),
            *("--local-repository", f"{uses[2]}={options.action}"),
            *("--secret-file", str(secrets), "--var", f"DX_HOST={sandbox.url}"),
        ]
        done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
        deployments = sandbox.deployments()
    print("\n".join(line for line in done.stdout.splitlines() if "git re" not in line))  # the project has no commit
    commit = json.loads(EVENT.read_text(encoding="utf-8"))["pull_request"]["merge_commit_sha"]
    held = [(each["service"]["identifier"], each["commit_sha"]) for each in deployments]
    checks = {
        "act ends well": done.returncode == 0,
        "a later step has read the outputs": re.search(r"\| The outputs are right\.$", done.stdout, re.MULTILINE),
        "the sandbox holds the one deployment": held == [(SERVICE, commit)],
        "the token is not in act's log": TOKEN not in done.stdout,
    }
    for what, holds in checks.items():
        print(f"  {'ok     ' if holds else 'FAILED '} {what}")
    failed = sum(not holds for holds in checks.values())
    print(f"act: {len(checks) - failed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    raise SystemExit(main())
