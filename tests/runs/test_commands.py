"""The commands of the documentation: each is run as the page has it, and does what the page says."""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml

from documents import rows, section
from dx_action.runner.runtime import Clock
from dx_action.sandbox import Fault, Sandbox
from runner import NOW, ROOT, TOKEN, Run, Step, connected, fast_clock

PATH = os.environ["PATH"]  # where a developer's own curl may lie
needs_curl = pytest.mark.skipif(
    shutil.which("curl") is None, reason="the page's commands were NOT RUN: there is no curl"
)


def blocks(page: str, heading: str, language: str = "bash") -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", section(page, heading), re.MULTILINE | re.DOTALL)


def bash(script: str, folder: Path, env: Mapping[str, str]) -> str:
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", script],
        cwd=folder,
        env={"PATH": PATH, **env},
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@needs_curl
def test_what_failed_is_sent_by_the_pages_loop(tmp_path: Path) -> None:
    """A deployment, a pull request's services and an upsert, each to its own method."""
    (loop,) = blocks("docs/recovering.md", "## Keep what failed")
    (tmp_path / "workspace").mkdir()
    kept = {"failed-file": "dx-failed.jsonl", "timeout": "1"}
    with Sandbox(token=TOKEN, faults=[Fault(status=503, times="forever")]) as dx:
        for given in ({"service": "web, cart", "set-pull-services": "true"}, {"service": "web", "method": "upsert"}):
            run = Step(tmp_path, connected(dx) | kept | given, "pull_request_merged").inside()
            assert run.status == "failed"
        before = len(dx.requests())
        dx.script([])
        answers = bash(loop.replace("https://acme.getdx.net", dx.url), run.workspace, {"DX_TOKEN": TOKEN})
        sent = [request["path"].rpartition(".")[2] for request in dx.requests()[before:]]
        assert sent == ["setPullServices", "create", "create", "upsert"]
        assert answers.count('"ok": true') == 4
        assert sorted(each["service"]["identifier"] for each in dx.deployments()) == ["cart", "web"]


@needs_curl
def test_the_sandbox_is_sent_something(tmp_path: Path) -> None:
    by_curl, by_action, held = blocks("docs/sandbox.md", "## Send it something")
    (credited,) = blocks("docs/sandbox.md", "## Which pull requests would be credited")
    (faulty,) = blocks("docs/sandbox.md", "## Have it misbehave")
    with Sandbox() as dx:

        def run(script: str) -> str:
            here = script.replace("http://127.0.0.1:8080", dx.url).replace(".venv/bin/python", sys.executable)
            return bash(here, ROOT, {"HOME": str(tmp_path)})

        assert '"ok": true' in run(by_curl)
        assert "accepted" in run(by_action)
        assert '"number": 7' in run(credited)
        assert [each["service"]["identifier"] for each in dx.deployments()] == ["web", "web"]
        assert run(held).count('"commit_sha"') == 2
        assert '"ok": true' in run(faulty)
        assert '"ok": false' in run(by_curl)


def test_the_image_of_a_release_is_found(tmp_path: Path) -> None:
    """What is copied to a registry of one's own, and what is verified, is the image by its digest."""
    digest = f"sha256:{'0123456789abcdef' * 4}"
    image = f"ghcr.io/your-org/dx-deployment-action:v0.1.0@{digest}"
    (tmp_path / "job").mkdir()
    for path in ("action.yml", "job/action.yml"):
        shutil.copy(ROOT / path, tmp_path / path)
    subprocess.run(["bash", str(ROOT / ".ci/pin-image"), f"docker://{image}", str(tmp_path)], check=True)
    (copy,) = blocks("docs/networks-and-runners.md", "## An image in your own registry")
    told = bash("skopeo() { printf '%s\\n' \"$@\"; }\n" + copy, tmp_path, {})
    assert f"docker://ghcr.io/your-org/dx-deployment-action@{digest}" in told.splitlines()
    (verify,) = blocks("docs/versions.md", "## Verify a release")
    gh = 'gh() { case "$1" in api) cat action.yml;; *) printf "%s\\n" "$@";; esac; }\n'
    assert bash(gh + verify, tmp_path, {}).splitlines().count(f"oci://{image}") == 2


def test_the_merge_commits_since_a_commit(tmp_path: Path) -> None:
    (text,) = blocks("docs/what-ships.md", "## Merge commits that you already have", "yaml")
    script = re.findall(r"run: \|\n((?: {6}.*\n)+)", text)[0]
    git = "git -c user.name=a -c user.email=a"
    bash(
        f"git init -q; for n in 1 2 3; do {git} commit -q --allow-empty -m $n; done", tmp_path, {"HOME": str(tmp_path)}
    )
    shas = bash("git log --format=%H", tmp_path, {}).split()
    bash(script, tmp_path, {"PREVIOUS": shas[-1], "GITHUB_OUTPUT": str(tmp_path / "outputs")})
    assert (tmp_path / "outputs").read_text() == f"shas<<END\n{shas[0]}\n{shas[1]}\nEND\n"


def test_the_quick_start_registers_a_merge(tmp_path: Path) -> None:
    """With the id that the page on events shows."""
    (text,) = blocks("README.md", "## Quick start", "yaml")
    workflow = yaml.load(text, Loader=yaml.BaseLoader)
    assert workflow["on"]["pull_request"]["types"] == ["closed"]
    ((name, job),) = workflow["jobs"].items()
    (step,) = job["steps"]
    with Sandbox(token=TOKEN) as dx:
        given = step["with"] | {"dx-host": dx.url, "dx-token": TOKEN}
        run = Step(tmp_path, given, "pull_request_merged", {"GITHUB_JOB": name}, github_token="").inside()
        assert (run.status, len(dx.deployments())) == ("registered", 1)
        assert f"`{run.outputs['reference-id']}`" in section("docs/events.md", "## Reference ids")


# What failed is registered later.

YESTERDAY = "## The step failed yesterday, production is fine"
SAME, MOVED, ANOTHER = "its own time", "the time of the re-run", "another id"


def step_of(page: str, heading: str, number: int = 0) -> dict[str, str]:
    """Return what the block's step has below `with`."""
    job = yaml.load(blocks(page, heading, "yaml")[number], Loader=yaml.BaseLoader)["jobs"]["register"]
    found: dict[str, str] = job["steps"][-1]["with"]
    return found


def filled(given: Mapping[str, str], known: Mapping[str, str], dx: Sandbox) -> dict[str, str]:
    """Fill in what the expressions stand for, and the sandbox."""
    values = {
        name: re.sub(r"\$\{\{ (.*?) \}\}", lambda found: known[found[1]], value)
        for name, value in given.items()
        if name not in ("dx-host", "dx-token")
    }
    return values | {"dx-host": dx.url, "dx-token": TOKEN}


def days_later(days: int) -> Clock:
    return fast_clock(lambda: NOW + timedelta(days=days))


def logged(run: Run) -> dict[str, str]:
    """Return the values that the log begins with."""
    return dict(re.findall(r"^  (\w+) +(\S+)  from ", "\n".join(run.said), re.MULTILINE))


@pytest.mark.parametrize("way", ["workflow", "csv"])
def test_what_failed_yesterday_is_registered_with_its_id_and_time(way: str, tmp_path: Path) -> None:
    with Sandbox(token=TOKEN, faults=[Fault(status=422, error="service_retired")]) as dx:
        failed = Step(tmp_path, connected(dx), "push_branch").inside(days_later(-1))
        assert (failed.status, dx.deployments()) == ("failed", [])
        was = logged(failed)
        if way == "workflow":
            known = {f"inputs.{name.replace('_', '-')}": value for name, value in was.items()}
            given = filled(step_of("docs/recovering.md", YESTERDAY), known, dx)
        else:
            (csv,) = blocks("docs/recovering.md", YESTERDAY, "csv")
            names = csv.splitlines()[0]
            row = ",".join(was[name] for name in names.split(","))
            (failed.workspace / "one.csv").write_text(f"{names}\n{row}\n")
            given = connected(dx, operation="backfill", backfill_file="one.csv")
        run = Step(tmp_path, given, "workflow_dispatch", check_run_id="38168200099").inside()
        (deployment,) = dx.deployments()
        assert run.exit_code == 0
        assert {name: deployment[name] for name in ("reference_id", "deployed_at", "commit_sha", "repository")} == {
            name: was[name] for name in ("reference_id", "deployed_at", "commit_sha", "repository")
        }
        assert deployment["service"]["identifier"] == was["service"]


def test_the_row_of_the_page_can_be_read(tmp_path: Path) -> None:
    (csv,) = blocks("docs/recovering.md", YESTERDAY, "csv")
    with Sandbox(token=TOKEN) as dx:
        step = Step(tmp_path, connected(dx, operation="backfill", backfill_file="one.csv"), "workflow_dispatch")
        (step.workspace / "one.csv").write_text(csv)
        assert step.inside().status == "registered"
        assert dx.deployments()[0]["service"]["identifier"] == "payments-service"


@pytest.mark.parametrize(
    ("event", "row"),
    [
        ("deployment_status_success", 0),
        ("workflow_run_success", 0),
        ("pull_request_merged", 2),
        ("release_released", 2),
        ("deployment_production", 2),
        ("push_branch", 3),
        ("workflow_dispatch", 3),
        ("schedule", 3),
        ("repository_dispatch", 3),
    ],
)
def test_what_the_page_says_of_a_re_run(event: str, row: int, tmp_path: Path) -> None:
    said = rows(section("docs/recovering.md", YESTERDAY))[row][1]
    with Sandbox(token=TOKEN) as dx:
        known = []
        for attempt in (0, 1):
            step = Step(tmp_path, connected(dx, on_conflict="fail"), event, check_run_id=f"3816820001{attempt}")
            known.append(logged(step.inside(days_later(attempt))))
    same_id, same_time = (known[0][name] == known[1][name] for name in ("reference_id", "deployed_at"))
    assert (ANOTHER in said) is not same_id
    assert (MOVED in said) is not same_time
    assert (SAME in said) is same_time


def test_the_time_of_a_merge_makes_its_re_runs_right(tmp_path: Path) -> None:
    line = blocks("docs/recovering.md", YESTERDAY, "yaml")[1].strip()
    name, _, value = line.partition(": ")
    with Sandbox(token=TOKEN) as dx:
        known = {"github.event.pull_request.merged_at": "2025-03-04T10:15:30Z"}
        given = connected(dx) | filled({name: value}, known, dx)
        for day in (0, 1):
            run = Step(tmp_path, given, "pull_request_merged").inside(days_later(day))
            assert run.status == "registered"
        assert [each["deployed_at"] for each in dx.deployments()] == ["2025-03-04T10:15:30Z"]


@pytest.mark.parametrize(
    ("number", "event", "known", "environment"),
    [
        (0, "pull_request_merged", "staging", "staging"),
        (0, "release_released", "production", "production"),
        (1, "deployment_status_success", "production", "production"),
        (1, "deployment_status_staging", "staging", "staging"),
    ],
)
def test_staging_beside_production(number: int, event: str, known: str, environment: str, tmp_path: Path) -> None:
    given = step_of("docs/events.md", "## A second environment", number)
    expressions = re.findall(r"\$\{\{ (.*?) \}\}", given.get("environment", ""))
    with Sandbox(token=TOKEN) as dx:
        run = Step(tmp_path, filled(given, dict.fromkeys(expressions, known), dx), event).inside()
        held: list[dict[str, Any]] = dx.deployments()
        assert (run.status, [each["environment"] for each in held]) == ("registered", [environment])


def test_the_id_without_a_check_run(tmp_path: Path) -> None:
    """Where the server numbers no jobs, the id has the form that the page shows."""
    (shown,) = re.findall(r"`(github\.com/run/[^`]+)`", section("docs/events.md", "## Reference ids"))
    with Sandbox(token=TOKEN) as dx:
        given = connected(dx) | {"service": "payments-service"}
        run = Step(tmp_path, given, "push_branch", {"GITHUB_JOB": "register"}, check_run_id="").inside()
        digest = r"/[0-9a-f]{12}/"
        assert re.sub(digest, "/…/", run.outputs["reference-id"]) == re.sub(digest, "/…/", shown)
