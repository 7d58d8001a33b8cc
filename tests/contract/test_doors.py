"""The doors beside `action.yml`: each takes its inputs, by the same names."""

from dx_action.inputs.arguments import FLAGS, HIDDEN, TOKENS
from runner import action


def test_the_command_line_has_a_flag_or_a_variable_for_every_input() -> None:
    """But for those that GitHub fills in, and for no other name."""
    assert sorted((*FLAGS, *TOKENS, *HIDDEN)) == sorted(action()["inputs"])
    assert all("Set by GitHub, not by you" in action()["inputs"][name]["description"] for name in HIDDEN)
    assert sorted(TOKENS) == ["dx-token", "github-token"]
