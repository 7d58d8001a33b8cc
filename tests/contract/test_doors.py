"""The doors beside `action.yml`: each takes its inputs, by the same names."""

import yaml

from documents import native, read
from dx_action.inputs.arguments import FLAGS, HIDDEN, TOKENS
from runner import action


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
