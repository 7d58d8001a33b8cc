"""Which variables are slips of the pen, which are somebody else's, and how they are named."""

import pytest

from dx_action.inputs.model import Inputs
from dx_action.inputs.names import Stranger, slips, strangers, unknown

OURS = tuple(str(field.alias) for field in Inputs.model_fields.values())
SLIPS = {
    # One letter more, less or another, two of them, or two that changed places.
    "INPUT_SUCESS": ("success",),
    "INPUT_SUCCES": ("success",),
    "INPUT_SUCCESSS": ("success",),
    "INPUT_SUCESSS": ("success",),
    "INPUT_SCUCESS": ("success",),
    "INPUT_USCCESS": ("success",),
    "INPUT_SCUCES": ("success",),
    "INPUT_USCCES": ("success",),
    "INPUT_USCCE": (),
    "INPUT_XXSUCCESS": ("success",),
    "INPUT_XXSUCCES": (),
    "INPUT_CCESS": ("success",),
    "INPUT_ENVIROMENT": ("environment",),
    "INPUT_ENVIRONEMNT": ("environment",),
    "INPUT_ENVIROMMENT": ("environment",),
    "INPUT_ENVIRONMENTS": ("environment",),
    "INPUT_SERVICES": ("service",),
    "INPUT_SERVCIE": ("service",),
    "INPUT_SERVICE-NAM": ("service-map",),
    "INPUT_SERVICE-NAMES": (),
    "INPUT_META-DATA": ("metadata",),
    "INPUT_COMIT-SHA": ("commit-sha",),
    "INPUT_ONLY-BRANCH": ("only-branches",),
    "INPUT_ONLY-ENVIROMENT": ("only-environments",),
    "INPUT_REFRENCEID": ("reference-id",),
    # What stands between the words is no letter.
    "INPUT_DX_HOST": ("dx-host",),
    "INPUT_DXHOST": ("dx-host",),
    "INPUT_DX.TOKEN": ("dx-token",),
    "INPUT_LEADTIMEMETADATA": ("lead-time-metadata",),
    "INPUT_SETPULLSERVICE": ("set-pull-services",),
    "INPUT_SETPULLSERVIC": (),
    "INPUT_DX_TOKN": ("dx-token",),
    "INPUT_LEAD_TIME_METADATA": ("lead-time-metadata",),
    "INPUT_SET_PULL_SERVICE": ("set-pull-services",),
    "INPUT_MERGE_COMMIT_SHA": ("merge-commit-shas",),
    "INPUT_DRY RUN": ("dry-run",),
    "INPUT_MERGE COMMIT SHA": ("merge-commit-shas",),
    # In between.
    "INPUT_PULL-D": ("pull-id",),
    "INPUT_SOURCE-UAME": ("source-name",),
    "INPUT_SINTIL": ("until",),
    # Far from all.
    "INPUT_VERSION": (),
    "INPUT_TOKEN": (),
    "INPUT_HOST": (),
    "INPUT_REF": (),
    "INPUT_": (),
    "INPUT_A": (),
    "INPUT_SUCCESSSSS": (),
    "INPUT_ENV": (),
    f"INPUT_{'X' * 5000}": (),
}


@pytest.mark.parametrize("variable", SLIPS, ids=lambda name: name[:30])
def test_what_a_variable_may_mean(variable: str) -> None:
    assert list(strangers([variable], OURS)) == [Stranger(variable, SLIPS[variable])]


def test_one_between_two_inputs_may_mean_both() -> None:
    ours = ("since", "since-sha", "pull-number", "pull-id")
    assert [each.meant for each in strangers(["INPUT_PULL-IX", "INPUT_SINCE-S"], ours)] == [
        ("pull-id",),
        ("since", "since-sha"),
    ]
    (between,) = strangers(["INPUT_SINCESH"], ("sincest", "since", "sincash"))
    assert between.meant == ("sincest", "sincash")
    (problem,) = slips([between])
    assert str(problem) == (
        "`sincesh` is not an input of this action: did you mean `sincest` or `sincash`? "
        "If it is a variable of `env:`, rename it there."
    )


@pytest.mark.parametrize(
    "variable", ["INPUT_dx-host", "INPUT_Dx-Host", "input_dx-host", "input_DX-HOST", "Input_DX-Host"]
)
def test_another_case_is_never_taken_for_the_input(variable: str) -> None:
    (found,) = strangers([variable], OURS)
    assert found == Stranger(variable, ("dx-host",), same=True)
    (problem,) = slips([found])
    assert str(problem) == (
        f"`{variable}` differs from the variable of `dx-host` only in case, and the runner does not write it so. Remove it."
    )


@pytest.mark.parametrize("variable", ["INPUT_ARGS", "INPUT_ENTRYPOINT", "INPUT_args", "input_services", "Input_foo"])
def test_what_is_the_runner_s_or_another_program_s(variable: str) -> None:
    assert list(strangers([variable], OURS)) == []


def test_what_is_like_no_input_is_a_warning() -> None:
    found = list(strangers(["INPUT_FOO", "INPUT_SERVICES"], OURS))
    assert unknown(found) == (
        "`foo` is not an input of this action and is ignored. Check the name, or remove it from `with:` and `env:`.",
    )
    assert unknown(strangers(["INPUT_FOO", "INPUT_BAR"], OURS)) == (
        "`foo`, `bar` are not inputs of this action and are ignored. Check the name, or remove it from `with:` and `env:`.",
    )
    assert unknown(found[1:]) == ()
    (warning,) = unknown(strangers([f"INPUT_{letter * 9}" for letter in "abcdefghijklmnop"], OURS))
    assert " and 6 more are not inputs" in warning
    assert list(slips(found[:1])) == []


@pytest.mark.parametrize(
    ("variable", "shown"),
    [
        ("INPUT_A`B\n::ERROR::X", "ab\\n::error::x"),
        ("INPUT_::ERROR::X", ". ::error::x"),
        ("INPUT_A##[ERROR]", "a# #[error]"),
        ("INPUT_\udcff", "\\udcff"),
        ("INPUT_" + "X" * 200, "x" * 59 + "…"),
    ],
    ids=ascii,
)
def test_a_name_is_foreign_text(variable: str, shown: str) -> None:
    (found,) = strangers([variable], OURS)
    assert found.shown == shown
