"""The examples' scripts, names and conditions, each by itself; and how expressions are evaluated for them."""

import json
import os
import re
import subprocess
from pathlib import Path

import pytest

from dx_action.inputs.times import parse_time
from examples import BUILT, make_place, script_outputs, step_of, text_of, workflow
from expressions import evaluate, filled
from runner import ROOT


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_place(tmp_path_factory.mktemp("place"))


def test_what_is_saved_is_found_by_its_name() -> None:
    """What the examples and the page on errors save under a run's number, resend.yml downloads by it."""
    (job,) = workflow("resend")["jobs"].values()
    wanted = job["steps"][0]["with"]["name"].replace("inputs.run", "github.run_id")
    wanted = wanted.replace("inputs.attempt", "github.run_attempt")
    pages = [text_of("soft-failure"), text_of("backfill"), (ROOT / "docs/recovering.md").read_text(encoding="utf-8")]
    assert all(wanted in page for page in pages)


def test_the_time_of_a_deployment_can_be_read(place: Path) -> None:
    (script,) = (
        step["run"]
        for step in workflow("deploy-then-register")["jobs"]["deploy"]["steps"]
        if step.get("id") == "deployment"
    )
    assert parse_time(script_outputs(script, "push_branch", place)["time"])


def test_the_nightly_window_can_be_read(place: Path) -> None:
    (script,) = (
        step["run"] for step in workflow("nightly-repair")["jobs"]["repair"]["steps"] if step.get("id") == "window"
    )
    assert parse_time(script_outputs(script, "push_branch", place)["since"])


@pytest.mark.parametrize(("code", "found"), [(0, {"changes": "false"}), (2, {"changes": "true"}), (1, None)])
def test_a_plan_says_whether_it_changes_anything(code: int, found: dict[str, str] | None, tmp_path: Path) -> None:
    """Terraform's exit codes: 0 for no changes, 2 for some, 1 for an error, which fails the step."""
    (script,) = (
        step["run"] for step in workflow("terraform-apply")["jobs"]["apply"]["steps"] if step.get("id") == "plan"
    )
    (tmp_path / "terraform").write_text(f'#!/bin/sh\necho "$@"\n[ "$1" = init ] || exit {code}\n')
    (tmp_path / "terraform").chmod(0o755)
    output = tmp_path / "output"
    env = {"PATH": f"{tmp_path}:{os.environ['PATH']}", "GITHUB_OUTPUT": str(output)}
    run = subprocess.run(["bash", "-e", "-c", script], env=env, check=False, timeout=20, capture_output=True)
    assert run.returncode == (0 if found else code)
    assert b"plan -input=false -detailed-exitcode" in run.stdout
    written = dict(line.split("=") for line in output.read_text().splitlines()) if output.exists() else None
    assert written == found


@pytest.mark.parametrize(
    "manifest",
    ["version=1.4.0\n", "version=1.4.0\ncommit=\n", "version=1.4.0\ncommit=d1a34f0\n", f"commit={BUILT}\n"],
)
def test_a_manifest_without_a_whole_commit_fails_the_step(manifest: str, tmp_path: Path) -> None:
    (script,) = (
        step["run"] for step in workflow("promote-manifest")["jobs"]["deploy"]["steps"] if step.get("id") == "manifest"
    )
    (tmp_path / "deploy").mkdir()
    (tmp_path / "deploy/production.env").write_text(manifest)
    env = {"PATH": os.environ["PATH"], "GITHUB_OUTPUT": str(tmp_path / "output")}
    run = subprocess.run(["bash", "-e", "-c", script], cwd=tmp_path, env=env, check=False, timeout=20)
    assert run.returncode == 1


def test_every_environment_that_counts_has_a_service() -> None:
    _, job, written = step_of("vercel-projects")
    listed = json.loads(re.findall(r"fromJSON\('(.*?)'\)", job["if"])[0])
    assert re.findall(r"== '(.*?)'", written["service"]) == listed


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("'it''s' == 'IT''S'", True),
        ("a.b-c != 'x'", False),
        ("none && 'web' || 'docs'", "docs"),
        ("a.b-c == 'X' && 'web' || 'docs'", "web"),
        ("!none && (none || a.b-c)", "x"),
        ("contains(fromJSON('[\"One\", \"Two\"]'), 'two')", True),
        ("startsWith('Production', 'prod') && !startsWith(none, 'prod')", True),
        ("always()", True),
    ],
)
def test_expressions_are_evaluated_as_by_github(text: str, value: object) -> None:
    assert evaluate(text, {"a.b-c": "x", "none": None}.__getitem__) == value
    assert (
        filled(f"<${{{{ {text} }}}}>", {"a.b-c": "x", "none": None}.__getitem__).casefold() == f"<{value}>".casefold()
    )


@pytest.mark.parametrize("text", ["a ==", "(a", "a b", "contains(a b)", "a[b]", "~"])
def test_an_unknown_expression_is_an_error(text: str) -> None:
    with pytest.raises(ValueError, match=r".+"):
        evaluate(text, {"a": "a", "b": "b"}.__getitem__)
