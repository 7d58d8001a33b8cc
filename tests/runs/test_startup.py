"""What a run loads before it works. Times say nothing steady on a shared machine; what is imported does, and how much of it."""

import json
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from dx_action.inputs.job import Stage
from dx_action.sandbox import Sandbox
from runner import ROOT, TOKEN, Run, Step, connected
from stand_in import GitHub, Repo

PACKAGES = {
    *("annotated_types", "certifi", "charset_normalizer", "github", "idna", "pydantic", "pydantic_core"),
    *("requests", "typing_extensions", "typing_inspection", "urllib3", "yaml"),
}
JOB = {"dx_action.operations.job", "dx_action.inputs.job"}
LOOK_UPS = {
    *("github", "jwt", "nacl", "cryptography", "dx_action.github.client", "dx_action.github.lookups"),
    *("dx_action.changes.discover", "dx_action.backfill.run", "dx_action.backfill.file", "dx_action.inputs.past"),
    *("dx_action.operations.correct", "dx_action.inputs.corrections", "dx_action.deployment.corrections"),
}
FILES = {
    "yaml",
    "dx_action.services.backstage",
    "dx_action.services.codeowners",
    "dx_action.services.patterns",
    "dx_action.services.map",
}
NETWORK = {
    *("requests", "urllib3", "charset_normalizer", "certifi", "ssl", "_ssl", "http.client"),
    *("dx_action.dx.client", "dx_action.runner.network", "dx_action.dx.sender"),
}
# What serves an input that most steps do not have.
UNASKED = {"dx_action.deployment.pull_services", "dx_action.dx.failed_file"}
COMMAND_LINE = {
    *("dx_action.command_line", "dx_action.inputs.arguments", "dx_action.inputs.help", "dx_action.inputs.descriptions"),
    *("dx_action.runner.console", "argparse"),
}
NEVER = {"dx_action.sandbox", "unittest", "asyncio", "multiprocessing", "subprocess", "sqlite3", *COMMAND_LINE}


@dataclass(frozen=True)
class Way:
    """A way through the action: how it ends, what it must not import, and how many of our and of foreign modules it does.

    The numbers are of what was needed when they were written. They may only sink: one that has to rise needs its reason in the
    commit. The standard library's are not counted, as they differ between versions of Python.
    """

    status: str
    forbidden: set[str]
    ours: int
    foreign: int
    event: str = "pull_request_merged"
    given: dict[str, str] = field(default_factory=dict)
    stage: Stage = "step"


WAYS = {
    "plain": Way("registered", NEVER | LOOK_UPS | FILES | UNASKED, 42, 111),
    "skipped": Way(
        "skipped", NEVER | LOOK_UPS | FILES | NETWORK | UNASKED | {"traceback"}, 37, 49, event="pull_request_opened"
    ),
    "bad-input": Way(
        "failed", NEVER | LOOK_UPS | FILES | NETWORK | UNASKED | {"traceback"}, 37, 49, given={"deployed-at": "noon"}
    ),
    "dry-run": Way(
        "dry-run", NEVER | LOOK_UPS | FILES | NETWORK | UNASKED | {"traceback"}, 37, 49, given={"dry-run": "true"}
    ),
    "metadata-in-yaml": Way(
        "registered", NEVER | LOOK_UPS | UNASKED | (FILES - {"yaml"}), 43, 129, given={"metadata": "version: 1.10"}
    ),
    # The two stages of `job/` have two modules of their own, and look at `job-status`, which is no input of a step's.
    "job-start": Way("waiting", NEVER | LOOK_UPS | FILES | NETWORK | UNASKED | {"traceback"}, 40, 49, stage="start"),
    "job-end": Way("registered", NEVER | LOOK_UPS | FILES | UNASKED, 45, 111, stage="end"),
}


def imported(run: Run) -> set[str]:
    found = {line.rpartition("|")[2].strip() for line in run.lines if line.startswith("import time:")}
    assert {"pydantic", "dx_action.main"} <= found
    return found


@pytest.fixture
def dx() -> Iterator[Sandbox]:
    with Sandbox(token=TOKEN) as running:
        yield running


@pytest.mark.parametrize("name", WAYS)
def test_a_run_imports_nothing_that_it_does_not_use(tmp_path: Path, dx: Sandbox, name: str) -> None:
    way = WAYS[name]
    given = connected(dx) | way.given
    flags, token = ("-X", "importtime"), "ghs-of-the-tests"
    run = Step(tmp_path, given, way.event, flags=flags, github_token=token, stage=way.stage).run()
    assert run.status == way.status
    found = imported(run)
    assert found & (way.forbidden | (JOB if way.stage == "step" else set())) == set()
    assert [module for module in found if module.startswith("_sysconfigdata")] == []
    # What is looked for, and is in the image alone.
    ours = {module for module in found if module.partition(".")[0] == "dx_action"} - {"dx_action.bundle"}
    foreign = {module for module in found if module.partition(".")[0] in PACKAGES}
    assert len(ours) <= way.ours, sorted(ours)
    assert len(foreign) <= way.foreign, sorted(foreign)


def test_a_look_up_imports_no_other_way_of_finding_services(tmp_path: Path, dx: Sandbox) -> None:
    repo = Repo("acme/shop")
    repo.commit({"CODEOWNERS": "* @acme/owners\n", "README.md": "Shop"})
    pull = repo.pulls.ship({"web/a.py": "1"}, how="squash", title="Add a")
    with GitHub(repo) as github:
        given = connected(dx, service="", services_from="codeowners", commit_sha=str(pull.merge_commit_sha))
        given |= {"github-token": github.token, "pull-number": str(pull.number)}
        run = Step(tmp_path, given, "workflow_dispatch", github.env, flags=("-X", "importtime")).run()
    assert run.status == "registered"
    assert imported(run) & (NEVER | {"dx_action.services.backstage", "dx_action.services.map"}) == set()


WATCHED = """
import gc, json, os, runpy, sys

told, path = sys.argv[1:]
del sys.argv[1:]
opened, usual, collected = [], gc.get_threshold(), []
sys.addaudithook(lambda event, given: opened.append(str(given[0])) if event == "open" else None)
gc.callbacks.append(lambda *_: collected.append(gc.get_threshold()))


def leave(code):
    with os.fdopen(os.open(told, os.O_WRONLY | os.O_CREAT), "w") as file:
        late = [each for each in collected if each != usual]
        json.dump({"late": late, "raised": gc.get_threshold() != usual, "opened": opened}, file)
    end(code)


end, os._exit = os._exit, leave
runpy.run_path(path, run_name="__main__")
"""


def test_once_it_runs_a_plain_run_collects_no_garbage_and_reads_no_package_s_metadata(
    tmp_path: Path, dx: Sandbox
) -> None:
    step, told = Step(tmp_path, connected(dx)), tmp_path / "told.json"
    env = step.environment()
    command = [sys.executable, "-I", "-B", "-c", WATCHED, str(told), str(ROOT / "entrypoint.py")]
    done = subprocess.run(command, env=env, cwd=step.workspace, capture_output=True, text=True, timeout=60, check=False)
    assert step.read(env, done.returncode, done.stdout).status == "registered", done.stderr
    seen = json.loads(told.read_text())
    assert (seen["raised"], seen["late"]) == (True, [])
    assert seen["opened"]
    assert [path for path in seen["opened"] if "-info" in path] == []
