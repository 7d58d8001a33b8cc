"""The doors beside `action.yml`: each takes its inputs, by the same names."""

import yaml

from documents import job_action, native, read
from dx_action.inputs import job
from dx_action.inputs.arguments import FLAGS, HIDDEN, TOKENS
from runner import ENTRY_FILES, action

JOB = "job/action.yml"


def test_the_command_line_has_a_flag_or_a_variable_for_every_input() -> None:
    """But for those that GitHub fills in, and for no other name."""
    assert sorted((*FLAGS, *TOKENS, *HIDDEN)) == sorted(action()["inputs"])
    assert all("Set by GitHub, not by you" in action()["inputs"][name]["description"] for name in HIDDEN)
    assert sorted(TOKENS) == ["dx-token", "github-token"]


def test_the_native_action_has_the_same_inputs_and_outputs() -> None:
    door = yaml.safe_load(read("native/action.yml"))
    assert door["inputs"] == action()["inputs"]
    assert list(door["outputs"]) == list(action()["outputs"])
    for name, about in door["outputs"].items():
        described = action()["outputs"][name]["description"]
        assert about == {"description": described, "value": f"${{{{ steps.dx.outputs.{name} }}}}"}


def test_the_native_action_is_as_it_is_written() -> None:
    """`python tests/support/documents.py` writes it."""
    assert read("native/action.yml") == native()


def test_job_has_the_same_inputs_and_one_that_is_hidden() -> None:
    inputs = dict(action(JOB)["inputs"])
    hidden = inputs.pop("job-status")
    assert inputs == action()["inputs"]
    assert hidden["default"] == "${{ job.status }}"
    assert "Set by GitHub, not by you" in hidden["description"]
    assert job.HIDDEN == "INPUT_JOB-STATUS"


def test_job_has_the_same_outputs() -> None:
    assert action(JOB)["outputs"] == action()["outputs"]


def test_job_is_written_from_the_action() -> None:
    assert read(JOB) == job_action(read("action.yml")), "run `python tests/support/documents.py`"


def test_how_job_runs() -> None:
    """Its post step runs however the job ends, which is what a `post-if` would narrow; and by the image of the action."""
    runs, image = dict(action(JOB)["runs"]), action()["runs"]["image"]
    assert runs.pop("image") == image.replace("Dockerfile", "../Dockerfile")
    assert runs == {"using": "docker", "entrypoint": "/opt/dx/start.py", "post-entrypoint": "/opt/dx/end.py"}


def test_the_image_has_the_entry_files_where_the_runner_starts_them() -> None:
    """Beside `entrypoint.py`, whatever folder they have in a checkout."""
    sources = [f"{path}" for path in ENTRY_FILES.values()]
    (copied,) = (line for line in read("Dockerfile").splitlines() if line.endswith("/build/package/"))
    assert copied.split()[1:-1] == ["LICENSE", *sources]
    kept = read(".dockerignore").splitlines()
    assert [f"!{path}" for path in sources if f"!{path}" not in kept] == []
    placed = next(line for line in read("image/rootfs.py").splitlines() if '"entrypoint.py"' in line)
    assert [path for path in sources if f'"{path.rpartition("/")[2]}"' not in placed] == []
