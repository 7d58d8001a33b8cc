"""Our own workflows: what they use is pinned, and what they run is given nothing that it does not need."""

import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from runner import ROOT

WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
PIN_IMAGE = ROOT / ".ci" / "pin-image"
REFERENCE = f"docker://ghcr.io/acme/dx-deployment-action:v1.2.3@sha256:{'0a' * 32}"


def workflow(path: Path) -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load(path.read_text(encoding="utf-8"))
    return found


def jobs(path: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    yield from workflow(path)["jobs"].items()


def steps(path: Path) -> Iterator[dict[str, Any]]:
    for _, job in jobs(path):
        yield from job["steps"]


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)
def test_every_action_is_pinned_with_its_version_beside_it(path: Path) -> None:
    used = re.findall(r"^\s*(?:- )?uses: (.*)$", path.read_text(encoding="utf-8"), re.MULTILINE)
    assert len(used) == sum("uses" in step for step in steps(path))
    for line in used:
        assert re.fullmatch(r"[\w.-]+/[\w.-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+|\./(job|native)? # zizmor: ignore.*", line)


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)
def test_scripts_hold_no_expression(path: Path) -> None:
    assert [step["run"] for step in steps(path) if "${{" in step.get("run", "")] == []


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)
def test_each_job_has_its_own_permissions_and_an_end(path: Path) -> None:
    assert workflow(path)["permissions"] == {}
    for name, job in jobs(path):
        assert "permissions" in job, name
        assert job["timeout-minutes"] <= 20, name


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)
def test_a_checkout_leaves_no_credentials_behind(path: Path) -> None:
    for step in steps(path):
        if step.get("uses", "").startswith("actions/checkout@"):
            assert step["with"]["persist-credentials"] is False


def test_only_the_last_job_of_a_release_can_write_to_the_repository() -> None:
    (release,) = (path for path in WORKFLOWS if path.stem == "release")
    writers = [name for name, job in jobs(release) if job["permissions"].get("contents") == "write"]
    assert writers == ["publish"] == [list(dict(jobs(release)))[-1]]
    assert {"smoke", "attest"} <= set(dict(jobs(release))["publish"]["needs"])


PINNED = {"action.yml": "Dockerfile", "job/action.yml": "../Dockerfile"}


def build(folder: Path) -> dict[str, str]:
    """Write each file that names the image as main has it, in a release's tree, too; and return their texts."""
    texts = {}
    for path, built in PINNED.items():
        text = (ROOT / path).read_text(encoding="utf-8")
        texts[path] = re.sub(r"^  image: .*$", f"  image: {built}", text, flags=re.MULTILINE)
        (folder / path).parent.mkdir(exist_ok=True)
        (folder / path).write_text(texts[path], encoding="utf-8")
    return texts


def pin(folder: Path, reference: str) -> subprocess.CompletedProcess[str]:
    bash = shutil.which("bash")
    assert bash
    command = [bash, str(PIN_IMAGE), reference, str(folder)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_a_release_changes_one_line(tmp_path: Path) -> None:
    texts = build(tmp_path)
    assert pin(tmp_path, REFERENCE).returncode == 0
    for path, before in texts.items():
        after = (tmp_path / path).read_text(encoding="utf-8")
        changed = [pair for pair in zip(before.splitlines(), after.splitlines(), strict=True) if pair[0] != pair[1]]
        assert changed == [(f"  image: {PINNED[path]}", f"  image: {REFERENCE}")]
        assert yaml.safe_load(after)["runs"] == {**yaml.safe_load(before)["runs"], "image": REFERENCE}


def test_every_action_of_the_image_is_pinned() -> None:
    """And what publishes the release takes the same files."""
    found = {path.relative_to(ROOT).as_posix() for path in ROOT.glob("**/action.yml") if "image:" in path.read_text()}
    assert found == PINNED.keys()
    (release,) = (path.read_text(encoding="utf-8") for path in WORKFLOWS if path.stem == "release")
    assert release.count(f"git add {' '.join(PINNED)}\n") == 2
    assert all(f'"{path}": $' in release for path in PINNED)


@pytest.mark.parametrize("reference", ["", "ghcr.io/acme/x", "docker://ghcr.io/acme/x\nargs: []", "docker://a|b"])
def test_what_is_no_image_is_not_pinned(tmp_path: Path, reference: str) -> None:
    texts = build(tmp_path)
    assert pin(tmp_path, reference).returncode == 1
    assert {path: (tmp_path / path).read_text(encoding="utf-8") for path in texts} == texts


@pytest.mark.parametrize("path", PINNED)
def test_nothing_is_pinned_if_one_file_builds_no_image(tmp_path: Path, path: str) -> None:
    texts = build(tmp_path) | {path: "runs:\n  using: docker\n"}
    (tmp_path / path).write_text(texts[path], encoding="utf-8")
    assert pin(tmp_path, REFERENCE).returncode == 1
    assert {each: (tmp_path / each).read_text(encoding="utf-8") for each in texts} == texts
