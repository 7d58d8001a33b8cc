"""Whole runs of native/action.yml: its step by its own shell, on a runner that has a Python, an old one, or none."""

import os
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
import yaml

from composite import FOLDER, THIS_PYTHON, action, fill, put_python, run
from dx_action.sandbox import Sandbox
from expressions import filled
from runner import PATIENCE, ROOT, TOKEN, Run, Step, connected, read_command

# What the start of each Python asks, before anything of ours is run by it.
OLD = '[ "$1" = -E ] && printf 3.9\nexit 1'
BROKEN = "echo 'is not installed; get it from the store' >&2\nexit 9"


@pytest.fixture(scope="module")
def tools(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("tools")
    fill(folder)
    return folder


@pytest.fixture
def dx() -> Iterator[Sandbox]:
    with Sandbox(token=TOKEN) as dx:
        yield dx


def bodies(dx: Sandbox) -> list[dict[str, object]]:
    return [{**request["json"], "deployed_at": 0} for request in dx.requests()]


def test_it_registers_what_the_container_registers(tmp_path: Path, tools: Path, dx: Sandbox) -> None:
    given = connected(dx, metadata='{"naïve": "☃ \\"quoted\\" $HOME `id`"}', service="web=Web\napi")
    (tmp_path / "one").mkdir()
    (tmp_path / "two").mkdir()
    found = run(Step(tmp_path / "one", given), put_python(tmp_path / "bin", "python3"), tools=tools)
    assert (found.exit_code, found.status, found.remarks) == (0, "registered", [])
    assert Step(tmp_path / "two", given).run().exit_code == 0
    sent = bodies(dx)
    assert len(sent) == 4
    assert sent[:2] == sent[2:]
    assert found.json("services") == ["web", "api"]
    assert found.masks == [TOKEN]


def test_its_outputs_are_the_step_s(tmp_path: Path, tools: Path, dx: Sandbox) -> None:
    (tmp_path / "one").mkdir()
    (tmp_path / "two").mkdir()
    given = connected(dx, dry_run="true")
    found = run(Step(tmp_path / "one", given), put_python(tmp_path / "bin", "python3"), tools=tools)
    container = Step(tmp_path / "two", given).run()
    assert found.outputs.keys() == {name for name, text in container.outputs.items() if text}
    assert {**found.outputs, "deployed-at": "", "requests": ""} == {
        **{name: text for name, text in container.outputs.items() if text},
        "deployed-at": "",
        "requests": "",
    }


def test_a_bad_input_is_a_bad_input(tmp_path: Path, tools: Path) -> None:
    found = run(Step(tmp_path, {"timeout": "x"}), put_python(tmp_path / "bin", "python3"), tools=tools)
    assert (found.exit_code, found.status) == (1, "failed")
    assert "`timeout`" in found.outputs["reason"]


def test_a_path_of_the_runner_s_is_in_the_workspace(tmp_path: Path, tools: Path) -> None:
    step = Step(tmp_path, {"dx-host": "http://127.0.0.1:1", "dx-token": TOKEN, "service": "web", "timeout": "1"})
    step.inputs = {**step.inputs, "failed-file": f"{step.workspace}/out/failed.jsonl"}
    found = run(step, put_python(tmp_path / "bin", "python3"), tools=tools)
    assert found.status == "failed"
    assert (step.workspace / "out" / "failed.jsonl").read_text().count("\n") == 1


SENTENCE = "Nothing was sent to DX."
NO_PYTHON = "No Python was found on this runner's PATH"
OLD_PYTHON = "The Python on this runner's PATH is 3.9"


@pytest.mark.parametrize(
    ("programs", "reason"),
    [
        ({}, NO_PYTHON),
        ({"python3": BROKEN}, NO_PYTHON),
        ({"python3": OLD}, OLD_PYTHON),
        ({"python3": BROKEN, "python": OLD}, OLD_PYTHON),
        ({"python3.8": THIS_PYTHON}, NO_PYTHON),
    ],
)
@pytest.mark.parametrize("soft", [False, True])
def test_without_a_python_that_serves_it_says_so(
    tmp_path: Path, programs: Mapping[str, str], reason: str, soft: bool
) -> None:
    for name, code in programs.items():
        put_python(tmp_path / "bin", name, code=code)
    inputs = {"dx-token": TOKEN, "fail-on-error": "False" if soft else "true"}
    found = run(Step(tmp_path, inputs), put_python(tmp_path / "bin"))
    ((level, message),) = found.annotations
    assert (found.exit_code, level) == ((0, "warning") if soft else (1, "error"))
    assert found.outputs == {"status": "failed", "reason": message}
    assert message.startswith(reason)
    assert message.endswith(SENTENCE)
    assert "actions/setup-python" in message
    assert len(found.lines) == 1


@pytest.mark.parametrize(
    "programs",
    [
        {"python3": OLD, "python3.13": THIS_PYTHON},
        {"python3": BROKEN, "python": THIS_PYTHON},
        {"py": THIS_PYTHON},
    ],
)
def test_another_python_serves(tmp_path: Path, tools: Path, dx: Sandbox, programs: Mapping[str, str]) -> None:
    for name, code in programs.items():
        put_python(tmp_path / "bin", name, code=code)
    assert run(Step(tmp_path, connected(dx)), tmp_path / "bin", tools=tools).status == "registered"


SEEN = """
import os, sys
with open({seen!r}, "a") as file:
    print(sorted(os.environ.items()), file=file)
sys.modules["venv"] = None
"""


def test_without_pip_and_venv_it_says_so_and_pip_sees_no_input(tmp_path: Path) -> None:
    """What Python imports at its start sees what pip would see. The start itself imports nothing of that Python's."""
    home, seen = tmp_path / "python", tmp_path / "seen.txt"
    subprocess.run([sys.executable, "-I", "-m", "venv", "--without-pip", home], check=True)
    (site,) = home.glob("lib/python*/site-packages")
    (site / "sitecustomize.py").write_text(SEEN.format(seen=str(seen)))
    path = put_python(tmp_path / "bin", "python3", code=f'exec {home}/bin/python "$@"')
    found = run(Step(tmp_path, {"dx-token": TOKEN, "service": "web-of-the-test"}), path)
    assert (found.exit_code, found.status) == (1, "failed")
    assert found.outputs["reason"].startswith("This Python has no pip, and its venv module provides none.")
    starts = seen.read_text()
    assert starts.count("RUNNER_TEMP") == len(starts.splitlines()) >= 3  # pip twice, venv once
    assert TOKEN not in starts
    assert "web-of-the-test" not in starts


def hostile(workspace: Path) -> dict[str, str]:
    """Fill the workspace with what would be imported or run, and return variables that point there."""
    evil = "raise SystemExit('the workspace was imported')\n"
    for name in ("json", "requests", "dx_action", "environment", "launcher", "sitecustomize", "usercustomize", "re"):
        (workspace / f"{name}.py").write_text(evil)
    put_python(workspace / "bin", "python3", "python", code="echo the workspace was run")
    (workspace / "evil.sh").write_text("echo the workspace was run\nexit 7\n")
    (workspace / "pip.conf").write_text("[global]\nindex-url = http://127.0.0.1:1/\n")
    return {
        "PYTHONPATH": str(workspace),
        "PYTHONHOME": "/nonsense",
        "PYTHONSTARTUP": str(workspace / "evil.sh"),
        "PYTHONINSPECT": "1",
        "PYTHONUSERBASE": str(workspace),
        "BASH_ENV": str(workspace / "evil.sh"),
        "ENV": str(workspace / "evil.sh"),
        "SHELLOPTS": "noexec",
        "BASHOPTS": "extglob",
        "CDPATH": str(workspace),
        "IFS": "3",
        "BASH_FUNC_printf%%": "() { echo the workspace was run; }",
        "BASH_FUNC_type%%": "() { echo the workspace was run; }",
        "GLOBIGNORE": "*",
    }


@pytest.mark.parametrize("where", ["absolute", "relative", "roundabout", "linked"])
def test_a_hostile_workspace_changes_nothing(tmp_path: Path, tools: Path, dx: Sandbox, where: str) -> None:
    step = Step(tmp_path, connected(dx))
    variables = hostile(step.workspace)
    (tmp_path / "link").symlink_to(step.workspace, target_is_directory=True)
    path = {
        "absolute": str(step.workspace / "bin"),
        "relative": "bin:.",
        "roundabout": f"{tmp_path}/../{tmp_path.name}/{step.workspace.name}/bin",
        "linked": str(tmp_path / "link" / "bin"),
    }[where]
    before = sorted(step.workspace.rglob("*"))
    found = run(
        step,
        put_python(tmp_path / "bin", "python3"),
        tools=tools,
        env={**variables, "PATH": f"{path}{os.pathsep}{tmp_path / 'bin'}"},
    )
    assert (found.exit_code, found.status, found.remarks) == (0, "registered", [])
    assert "the workspace was" not in "\n".join(found.lines)
    assert sorted(step.workspace.rglob("*")) == before


def test_a_release_s_checkout_is_all_it_needs_and_stays_as_it_was(tmp_path: Path, tools: Path, dx: Sandbox) -> None:
    checkout = tmp_path / "checkout"
    for name in ("native", "dx_action"):
        shutil.copytree(ROOT / name, checkout / name, ignore=shutil.ignore_patterns("__pycache__", "sandbox"))
    shutil.copy(ROOT / "requirements.txt", checkout)
    before = sorted(checkout.rglob("*"))
    source = checkout / "native"
    found = run(Step(tmp_path, connected(dx)), put_python(tmp_path / "bin", "python3"), tools=tools, source=source)
    assert found.status == "registered"
    assert sorted(checkout.rglob("*")) == before


def test_no_text_of_the_job_s_is_in_the_script() -> None:
    (step,) = action()["runs"]["steps"]
    assert step["run"] == '. "$GITHUB_ACTION_PATH/start.sh"'
    assert "${{" not in step["run"] + step["shell"] + (FOLDER / "start.sh").read_text()


def commands(found: Run) -> list[str]:
    return [command.name for line in found.lines if (command := read_command(line))]


def test_the_installation_is_in_the_log_and_the_masks_come_first(tmp_path: Path) -> None:
    checkout = tmp_path / "checkout"
    shutil.copytree(FOLDER, checkout / "native", ignore=shutil.ignore_patterns("__pycache__"))
    (checkout / "dx_action").symlink_to(ROOT / "dx_action")
    (checkout / "requirements.txt").write_text("tiny==1.0 --hash=sha256:" + "0" * 64 + "\n")
    env = {"PIP_NO_INDEX": "1", "PIP_FIND_LINKS": str(tmp_path), "PIP_CONFIG_FILE": os.devnull}
    found = run(
        Step(tmp_path, {"dx-token": TOKEN}),
        put_python(tmp_path / "bin", "python3"),
        source=checkout / "native",
        env=env,
    )
    assert commands(found) == ["add-mask", "group", "endgroup", "error"]
    assert found.lines[1].startswith("Installing the action's packages for Python 3.")
    assert found.outputs["reason"].startswith("The package index has no wheel of a package")
    assert found.exit_code == 1


# What GitHub's own runners try on three systems, tried here on this one.


@pytest.fixture
def ci_steps() -> list[dict[str, Any]]:
    """Return the steps of the job in ci.yml, by a port that is free."""
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        port = str(bound.getsockname()[1])
    text = (ROOT / ".github" / "workflows" / "ci.yml").read_text(encoding="utf-8").replace("8765", port)
    steps: list[dict[str, Any]] = yaml.safe_load(text)["jobs"]["native"]["steps"]
    return [step for step in steps if "run" in step or step["uses"] == "./native"]


@pytest.fixture
def groups() -> Iterator[list[int]]:
    """Return a list of process groups, which are ended at last."""
    found: list[int] = []
    yield found
    for group in found:
        with suppress(ProcessLookupError):
            os.killpg(group, signal.SIGKILL)


def test_the_job_of_ci_holds(tmp_path: Path, tools: Path, ci_steps: list[dict[str, Any]], groups: list[int]) -> None:
    path = f"{put_python(tmp_path / 'bin', 'python3')}{os.pathsep}{os.defpath}"
    workspace = Step(tmp_path, {}).workspace
    (workspace / "dx_action").symlink_to(ROOT / "dx_action")
    known = {"github.workspace": str(workspace)}
    for step in ci_steps:
        if "uses" in step:
            inputs = {name: filled(text, known.__getitem__) for name, text in step["with"].items()}
            found = run(Step(tmp_path, inputs, "push_branch"), Path(path), tools=tools)
            known[f"steps.{step['id']}.outputs.status"] = found.status
            known[f"steps.{step['id']}.outcome"] = "failure" if found.exit_code else "success"
            assert not found.exit_code or step["continue-on-error"]
            continue
        env = {name: filled(text, known.__getitem__) for name, text in step.get("env", {}).items()}
        script = subprocess.Popen(
            ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", step["run"]],
            cwd=workspace,
            env={"PATH": path, "RUNNER_TEMP": str(tmp_path), **env},
            start_new_session=True,
        )
        groups.append(script.pid)
        assert script.wait(PATIENCE) == 0, step["name"]
