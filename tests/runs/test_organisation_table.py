"""check-organisation.yml: what each job writes down, and the one table that is made of it, by the scripts as they are written."""

import json
import os
import re
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from gfm import Page, check_summary
from hostile import MARKUP
from runner import ROOT

JOBS = yaml.safe_load((ROOT / "examples/check-organisation.yml").read_text(encoding="utf-8"))["jobs"]
OK = {"name": "inputs", "outcome": "ok", "message": "Every input can be used, and has an effect."}
BAD = {"name": "token", "outcome": "failed", "message": "DX rejected the API token."}
DOUBT = {"name": "patterns", "outcome": "warning", "message": "1 pattern matches no file."}

pytestmark = pytest.mark.skipif(not shutil.which("jq"), reason="the example's scripts need jq")


def script(job: str, name: str) -> str:
    (found,) = (step["run"] for step in JOBS[job]["steps"] if step["name"] == name)
    assert "${{" not in found  # no text of others becomes part of a command
    return str(found)


def ran(text: str, folder: Path, **env: str) -> None:
    variables = {"PATH": os.environ["PATH"], **env}
    command = ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", text]
    subprocess.run(command, cwd=folder, env=variables, check=True, timeout=20)


def table(folder: Path, found: Mapping[str, list[dict[str, str]]], repositories: list[str]) -> Page:
    """Let each repository's job write down its lines, and give the summary as GitHub shows it."""
    folder.mkdir(exist_ok=True)
    for repository, lines in found.items():
        artifact = folder / "found" / f"dx-check-{repository}"
        artifact.mkdir(parents=True)
        texts = {"REPOSITORY": repository, "CHECKS": json.dumps(lines)}
        ran(script("check", "Write down what was found"), artifact, **texts)
    summary = folder / "summary.md"
    texts = {"REPOSITORIES": json.dumps(repositories), "GITHUB_STEP_SUMMARY": str(summary)}
    ran(script("table", "Write one table of all repositories"), folder, **texts)
    return check_summary(summary.read_text(encoding="utf-8"))


def test_one_table_of_all(tmp_path: Path) -> None:
    found = {"shop": [OK, OK], "web": [OK, DOUBT, BAD], "api": [DOUBT]}
    page = table(tmp_path, found, ["shop", "web", "gone", "api"])
    assert page.headings == ["DX: 4 repositories checked"]
    assert page.rows == [
        ["outcome", "repository", "checked", "what was found"],
        ["❌ failed", "web", "token", "DX rejected the API token."],
        ["❌ failed", "gone", "check", "It has no result. See the log of its job."],
        ["⚠️ warning", "web", "patterns", "1 pattern matches no file."],
        ["⚠️ warning", "api", "patterns", "1 pattern matches no file."],
        ["✅ ok", "shop", "", "Everything is ok."],
    ]


def test_nothing_was_found_at_all(tmp_path: Path) -> None:
    assert [row[:2] for row in table(tmp_path, {}, ["a", "b"]).rows[1:]] == [["❌ failed", "a"], ["❌ failed", "b"]]


def test_text_of_others_is_text(tmp_path: Path) -> None:
    lines: list[dict[str, Any]] = [
        BAD | {"message": text} for text in (*MARKUP, "$(touch evil) `touch evil`", "' \" \\")
    ]
    page = table(tmp_path, {"shop": lines}, ["shop"])
    assert page.links == []
    assert [row[3] for row in page.rows[1:]] == [re.sub(r"[\t\n]", " ", line["message"]) for line in lines]
    assert not list(tmp_path.rglob("evil"))


def test_a_long_message_is_cut(tmp_path: Path) -> None:
    page = table(tmp_path, {"shop": [BAD | {"message": "x" * 1000}]}, ["shop"])
    assert page.rows[1][3] == "x" * 300


def test_three_hundred_repositories_fit_into_a_summary(tmp_path: Path) -> None:
    names = [f"repository-{number}" for number in range(256)]
    lines = [OK, *[DOUBT | {"message": "y" * 1000}] * 5]
    text = json.dumps([{"repository": name, "checks": lines} for name in names])
    folder = tmp_path / "found" / "all"
    folder.mkdir(parents=True)
    (folder / "dx-check.json").write_text("\n".join(json.dumps(each) for each in json.loads(text)))
    table(tmp_path, {}, names)
    assert (tmp_path / "summary.md").stat().st_size < 1 << 20
