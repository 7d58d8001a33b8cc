"""The commands of the documentation: each is run as the page has it, and does what the page says."""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest
import yaml

from documents import section
from dx_action.sandbox import Fault, Sandbox
from runner import ROOT, TOKEN, Step, connected

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
    (loop,) = blocks("docs/errors.md", "## Keep what failed")
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
    shutil.copy(ROOT / "action.yml", tmp_path)
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
