"""The golden transcripts: what some runs show and send, whole, with what changes from run to run put aside.

`python tests/golden.py --write` writes them anew; test_action compares.
"""

import re
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from runner import TOKEN, Run, Step, connected

from dx_action import __version__
from dx_action.sandbox import Sandbox

FOLDER = Path(__file__).with_name("golden")


@dataclass(frozen=True, kw_only=True)
class Scenario:
    """A run to be written down. `dx` is how DX misbehaves; `connect` says whether the step is given host and token."""

    inputs: Mapping[str, str] = field(default_factory=dict)
    event: str = "pull_request_merged"
    dx: Sequence[Mapping[str, Any]] = ()
    connect: bool = True
    token: str = TOKEN
    repositories: tuple[str, ...] | None = None


SCENARIOS = {
    "registered": Scenario(),
    "skipped": Scenario(event="pull_request_merged_other_base"),
    "dry_run": Scenario(
        event="deployment_status_failure",
        connect=False,
        inputs={"dry-run": "true", "service": "checkout=Check-out\ncart", "metadata": '{"version": "1.10"}'},
    ),
    "bad_inputs": Scenario(
        inputs={
            "dx-host": "https://acme.getdx.net/api",
            "dx-token": "two words",
            "timeout": "soon",
            "service": "cart=Cart, and more",
            "commit-sha": "HEAD",
            "deployed-at": "2025-03-04 12:00",
            "failed-file": "../failed.jsonl",
        }
    ),
    "refused_token": Scenario(
        token="dx-token-of-another-day", inputs={"service": "checkout, cart", "failed-file": "out/failed.jsonl"}
    ),
    "repo_not_found": Scenario(repositories=("acme/warehouse",)),
    "outage_then_success": Scenario(dx=[{"status": 503, "body": "html"}]),
    "partial": Scenario(
        event="push_branch",
        inputs={"service": "cart\ncheckout\nsearch", "failed-file": "out/failed.jsonl"},
        dx=[
            {"latency": 0},
            {"status": 422, "error": "service_retired", "message": "No service `x` | ask <b>@team</b>.", "times": 2},
        ],
    ),
}


def transcript(name: str, folder: Path) -> str:
    """Run a scenario, as a process, and write down all that can be seen of it."""
    scenario = SCENARIOS[name]
    with Sandbox(token=TOKEN, faults=scenario.dx, repositories=scenario.repositories) as dx:
        inputs = connected(dx, scenario.token) if scenario.connect else {}
        run = Step(folder, inputs | dict(scenario.inputs), scenario.event).run()
        # Sorted, because several calls travel side by side.
        sent = sorted(f"{request['verb']} {request['path']} {request['body']}" for request in dx.requests())
        text = _written(run, sent, folder).replace(dx.url, "<dx>")
    return _steady(text, run)


def _written(run: Run, sent: Sequence[str], folder: Path) -> str:
    files = {file: file.read_text() for file in sorted(run.workspace.rglob("*")) if file.is_file()}
    parts = {
        "log": "\n".join(run.lines),
        "exit code": str(run.exit_code),
        "outputs": "\n".join(f"{name}: {value}" for name, value in run.outputs.items()),
        "summary": run.summary.rstrip("\n"),
        "sent": "\n".join(sent),
        **{str(file.relative_to(run.workspace)): text.rstrip("\n") for file, text in files.items()},
    }
    return "".join(f"---- {title}\n{text}\n" for title, text in parts.items() if text)


def _steady(text: str, run: Run) -> str:
    """Put aside the time of the run, the jitter of its waits, and the action's version."""
    if any(line.endswith("  from the clock") for line in run.lines):
        text = text.replace(run.outputs["deployed-at"], "<now>")
    text = re.sub(r"Trying again in \d+\.\d s", "Trying again in <jitter> s", text)
    return text.replace(f"DX deployment action {__version__}\n", "DX deployment action <version>\n")


def write() -> None:
    """Write every transcript anew, and remove those that nothing makes."""
    FOLDER.mkdir(exist_ok=True)
    for file in FOLDER.iterdir():
        file.unlink()
    for name in SCENARIOS:
        with tempfile.TemporaryDirectory() as folder:
            (FOLDER / f"{name}.txt").write_text(transcript(name, Path(folder)), encoding="utf-8")


if __name__ == "__main__":
    if sys.argv[1:] != ["--write"]:
        sys.exit("usage: python tests/golden.py --write")
    write()
