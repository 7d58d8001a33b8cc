"""Arguments: what a command line gives the inputs, and what is wrong with it."""

from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from documents import names, rows, section
from dx_action.errors import BadInput
from dx_action.inputs.arguments import (
    FLAGS,
    LISTS,
    YES_OR_NO,
    Arguments,
    parse_arguments,
    passed_over,
)
from dx_action.inputs.model import Inputs
from dx_action.secrecy import Secrets
from runner import NOW

TOKEN = "dx-token-5f1c0a9e7b3d4826"
CONNECTED = {"DX_HOST": "acme", "DX_TOKEN": TOKEN}
DEPLOY = ("--repository", "acme/shop", "--commit-sha", "abc1234", "--reference-id", "build-7")
MISSING = {
    "dx-host": "is missing. Set the variable DX_HOST to your DX instance's host, as in acme.getdx.net, or write this flag.",
    "dx-token": "is missing. Set this variable to a DX Data Cloud API token, from wherever your system stores secrets.",
    "repository": "is missing. Write the repository as DX names it, as in acme/shop.",
    "commit-sha": "is missing. Write the deployed commit, or `merge-commit-shas`, or `attribution: repository`.",
    "reference-id": "is missing. Write an id that stays the same if this deployment is sent again, and that no other deployment "
    "has.",
    "pull-number": "is missing. Write the number of the pull request whose services are to be set, or `since` for all that were "
    "merged.",
}
TWICE = "is written more than once. Keep one of them."
PASSED_OVER = "ignored outside of GitHub Actions. Write flags instead, and tokens in DX_TOKEN and GITHUB_TOKEN."
STRAY = "is no flag. Write each value right after its flag, in quotes if it has spaces."
REFUSED = (
    "is not taken as a flag: others can read arguments in lists of processes. Set the variable DX_TOKEN, and change the token "
    "if somebody may have seen it."
)


def inputs(*argv: str, env: Mapping[str, str] = CONNECTED) -> Inputs:
    arguments = parse_arguments(argv)
    found, wrong = arguments.inputs(arguments.variables(env, "/here"), NOW)
    if wrong:
        raise BadInput(*wrong)
    return found


def problems(*argv: str, env: Mapping[str, str] = CONNECTED) -> dict[str, str]:
    with pytest.raises(BadInput) as caught:
        inputs(*argv, env=env)
    found = {problem.subject: problem.text for problem in caught.value.problems}
    assert len(found) == len(caught.value.problems)
    return found


# What is read.


READ: dict[tuple[str, ...], dict[str, str]] = {
    (): {},
    ("--service", "web"): {"service": "web"},
    ("--service=web",): {"service": "web"},
    ("--service=web=Web App",): {"service": "web=Web App"},
    ("--metadata", "-1: x"): {"metadata": "-1: x"},
    ("--metadata=--x",): {"metadata": "--x"},
    ("--environment", ""): {"environment": ""},
    ("--environment=",): {"environment": ""},
    ("--service", "a", "--service", "b=B, Inc", "--service="): {"service": "a\nb=B, Inc\n"},
    ("--only-branches", "main, next"): {"only-branches": "main, next"},
    ("--dry-run",): {"dry-run": "true"},
    ("--dry-run", "--service", "web"): {"dry-run": "true", "service": "web"},
    ("--dry-run", "false"): {"dry-run": "false"},
    ("--dry-run=FALSE",): {"dry-run": "FALSE"},
    ("--dry-run", ""): {"dry-run": ""},
    ("--json",): {},
}


@pytest.mark.parametrize("argv", READ)
def test_flags_are_inputs(argv: tuple[str, ...]) -> None:
    found = parse_arguments(argv)
    assert (found.texts, found.problems, found.meant, found.refused) == (READ[argv], (), frozenset(), ())
    assert found.shows == ""


def test_the_kinds_of_flags() -> None:
    """They follow from the types of the inputs, so that a new one is a flag by itself."""
    assert set(LISTS) == {"service", "merge-commit-shas", "extra-metadata", "only-branches", "only-environments"}
    assert {"dry-run", "set-pull-services", "replace-pull-services", "workflow-jobs", "json"} <= set(YES_OR_NO)
    assert "success" not in YES_OR_NO
    assert not {"dx-token", "github-token", "job-index", "check-run-id"} & set(FLAGS)


@pytest.mark.parametrize(
    ("argv", "expected"),
    [
        (("--json",), True),
        (("--json", "true"), True),
        (("--json= True\n",), True),
        (("--json=False",), False),
        (("--json", ""), False),
        ((), False),
    ],
)
def test_json_is_asked_for(argv: tuple[str, ...], expected: bool) -> None:
    assert parse_arguments(argv).json is expected


@pytest.mark.parametrize(
    ("argv", "expected"),
    [
        (("--help",), "help"),
        (("-h",), "help"),
        (("--version",), "version"),
        (("--service", "web", "--version", "--help"), "version"),
        (("--service", "--help"), "help"),
        (("--service=--help",), ""),
        (("--service", "-h"), ""),
    ],
)
def test_help_and_version_are_found_anywhere(argv: tuple[str, ...], expected: str) -> None:
    assert parse_arguments(argv).shows == expected


def test_what_follows_help_is_read_too() -> None:
    """Where its text goes, for one."""
    assert parse_arguments(["--help", "--json"]).json


# What the inputs are read from.


def test_host_and_tokens_come_from_variables() -> None:
    found = inputs(
        *DEPLOY, env={"DX_HOST": "acme", "DX_TOKEN": f" Bearer {TOKEN}\n", "GITHUB_TOKEN": "ghs-of-the-tests"}
    )
    assert found.dx_host is not None
    assert found.dx_host.base == "https://acme.getdx.net"
    assert found.dx_token is not None
    assert found.dx_token.get_secret_value() == TOKEN
    assert found.github_token is not None
    assert found.github_token.get_secret_value() == "ghs-of-the-tests"


def test_a_flag_goes_before_a_variable() -> None:
    found = inputs(*DEPLOY, "--dx-host", "https://dx.example.com")
    assert found.dx_host is not None
    assert found.dx_host.base == "https://dx.example.com"


def test_a_blank_flag_leaves_its_variable() -> None:
    found = inputs(*DEPLOY, "--dx-host", " ", env={"DX_HOST": "acme", "DX_TOKEN": TOKEN})
    assert found.dx_host is not None
    assert found.dx_host.base == "https://acme.getdx.net"


def test_the_environment_of_a_command() -> None:
    """Of another job's variables nothing is left but the addresses of GitHub that are read; what a connection needs is."""
    env = {
        "HTTPS_PROXY": "http://proxy:3128",
        "GITHUB_API_URL": "https://github.example.com/api/v3",
        "GITHUB_SERVER_URL": "https://github.example.com",
        "GITHUB_GRAPHQL_URL": "https://github.example.com/api/graphql",
        "GITHUB_TOKEN": "ghs-of-the-tests",
        "GITHUB_SHA": "c89241549856579cbcce0211499667cb1ecc577a",
        "GITHUB_REPOSITORY": "acme/other",
        "GITHUB_OUTPUT": "/somewhere",
        "INPUT_SERVICE": "other",
        "input_service": "other",
    }
    assert parse_arguments(["--service", "web"]).variables(env, "/here") == {
        **{name: env[name] for name in ("HTTPS_PROXY", "GITHUB_API_URL", "GITHUB_SERVER_URL")},
        "GITHUB_WORKSPACE": "/here",
        "INPUT_DX-HOST": "",
        "INPUT_DX-TOKEN": "",
        "INPUT_GITHUB-TOKEN": "ghs-of-the-tests",
        "INPUT_SERVICE": "web",
        "INPUT_SOURCE-NAME": "none",
    }


@pytest.mark.parametrize(
    ("argv", "expected"),
    [
        (DEPLOY, ""),
        ((*DEPLOY, "--operation", "Deploy", "--source-name="), ""),
        ((*DEPLOY, "--source-name", " "), ""),
        ((*DEPLOY, "--source-name", "Argo CD"), "Argo CD"),
        (("--operation", "backfill", "--backfill-file", "rows.csv"), ""),
        (("--operation=delete", "--reference-id=x", "--confirm-delete=x"), "GitHub Actions"),
    ],
)
def test_github_actions_deployed_nothing(argv: tuple[str, ...], expected: str) -> None:
    """Its name is sent only if it is written. Where none is sent anyway, the input counts as not written."""
    assert inputs(*argv).own_source_name == expected


@pytest.mark.parametrize(
    ("env", "expected"),
    [
        ({}, ()),
        ({"INPUT_SERVICE": " ", "OUTPUT_A": "x"}, ()),
        (
            {"INPUT_SERVICE": "web"},
            (f"INPUT_SERVICE is {PASSED_OVER}",),
        ),
        (
            {"input_b": "web", "INPUT_A": "x"},
            (f"INPUT_A, input_b are {PASSED_OVER}",),
        ),
    ],
)
def test_variables_of_a_workflow_s_inputs_are_passed_over(env: dict[str, str], expected: tuple[str, ...]) -> None:
    assert passed_over(env) == expected


# What is missing: nothing says it but the arguments.


LACKING: dict[tuple[str, ...], set[str]] = {
    (): {"repository", "commit-sha", "reference-id"},
    DEPLOY: set(),
    DEPLOY[:2]: {"commit-sha", "reference-id"},
    DEPLOY[2:]: {"repository"},
    DEPLOY[:4]: {"reference-id"},
    (*DEPLOY[:2], *DEPLOY[4:], "--merge-commit-shas", "abc1234"): set(),
    (*DEPLOY[:2], *DEPLOY[4:], "--attribution", "repository"): set(),
    (*DEPLOY[:2], *DEPLOY[4:], "--attribution", "merge-commits"): {"commit-sha"},
    ("--operation", "set-pull-services"): {"repository", "pull-number"},
    ("--operation", "set-pull-services", "--repository", "acme/shop", "--pull-number", "7"): set(),
    ("--operation", "set-pull-services", "--repository", "acme/shop", "--pull-id", "77"): set(),
    ("--operation", "set-pull-services", "--repository", "acme/shop", "--since", "2025-03-01T00:00:00Z"): set(),
    ("--operation", "backfill"): {"repository"},
    ("--operation", "backfill", "--backfill-file", "rows.csv"): set(),
    ("--operation", "update", "--reference-id", "x", "--success", "false"): set(),
    ("--operation", "delete", "--reference-id", "x", "--confirm-delete", "x"): set(),
}


@pytest.mark.parametrize("argv", LACKING)
def test_what_no_event_says_is_missing_at_once(argv: tuple[str, ...]) -> None:
    expected = {name: MISSING[name] for name in LACKING[argv]}
    if expected:
        assert problems(*argv) == expected
    else:
        inputs(*argv)
    # And what connects to DX, in the same error.
    assert problems(*argv, env={}) == expected | {name: MISSING[name] for name in ("dx-host", "dx-token")}
    assert problems(*argv, env={"DX_HOST": " ", "DX_TOKEN": "Bearer"}).keys() == expected.keys() | {
        "dx-host",
        "dx-token",
    }


def test_the_page_of_the_command_line_names_what_is_required() -> None:
    page = {row[0]: names(row[1]) for row in rows(section("docs/command-line.md", "## What has to be written"))}
    for row, operation, *more in (
        ("`deploy` (default)", "deploy"),
        ("`set-pull-services`", "set-pull-services"),
        ("`backfill` from GitHub's history", "backfill"),
        ("`backfill` with `--backfill-file`", "backfill", "--backfill-file=rows.csv"),
        ("`update`", "update", "--success=false"),
        ("`delete`", "delete"),
    ):
        arguments = parse_arguments([f"--operation={operation}", *more])
        _, found = arguments.inputs(arguments.variables(CONNECTED, "/here"), NOW)
        assert {f"--{problem.subject}" for problem in found} <= {name.split()[0] for name in page[row]}, row
        assert bool(found) is any(name.startswith("--") for name in page[row]), row


def test_a_dry_run_and_a_csv_need_no_connection() -> None:
    inputs(*DEPLOY, "--dry-run", env={})
    inputs("--operation", "backfill", "--backfill-file", "rows.csv", "--csv-file", "out.csv", env={})
    assert problems(*DEPLOY, "--dry-run=false", env={}).keys() == {"dx-host", "dx-token"}


def test_nothing_is_missing_because_of_what_cannot_be_read() -> None:
    assert problems("--operation", "backfil", env={}).keys() == {"operation", "dx-host", "dx-token"}
    assert problems(*DEPLOY, "--dry-run=maybe", env={}).keys() == {"dry-run"}
    assert problems("--repository", "https://", *DEPLOY[2:]).keys() == {"repository"}
    assert problems("--repository", "acme/\udcff", *DEPLOY[2:]) == {"repository": "is not valid UTF-8."}


# What is wrong with the arguments: all of it, with what is wrong with the inputs, and never with a value.


WRONG: dict[tuple[str, ...], dict[str, str]] = {
    (*DEPLOY, "--sevice", "web"): {"--sevice": "is not a flag. Did you mean `--service`?"},
    (*DEPLOY, "--commit_sha=abc1234"): {"--commit_sha": "is not a flag. Did you mean `--commit-sha`?"},
    (*DEPLOY, "-service", "web"): {"-service": "is not a flag. Did you mean `--service`?"},
    (*DEPLOY, "--Service", "web"): {"--Service": "is not a flag. Did you mean `--service`?"},
    (*DEPLOY, "--pull-ix", "7"): {"--pull-ix": "is not a flag. Did you mean `--pull-id`?"},
    (*DEPLOY, "--dryrun"): {"--dryrun": "is not a flag. Did you mean `--dry-run`?"},
    (*DEPLOY, "--jsn"): {"--jsn": "is not a flag. Did you mean `--json`?"},
    (*DEPLOY, "--repo", "acme/shop"): {"--repo": "is not a flag. `--help` lists the flags."},
    (*DEPLOY, "--check-run-id", "7"): {"--check-run-id": "is not a flag. `--help` lists the flags."},
    (*DEPLOY, "--help=x"): {"--help": "is not a flag. Did you mean `--help`?"},
    (*DEPLOY, "stray"): {"argument 7": STRAY},
    (*DEPLOY, "--dry-run", "true", "--", "x y"): {"argument 9": STRAY, "argument 10": STRAY},
    (*DEPLOY, f"--{'x' * 70}"): {"argument 7": STRAY},
    (*DEPLOY, "--service"): {
        "service": "has no value. Write it after the flag; if it begins with `--`, as in --service=--value."
    },
    (*DEPLOY, "--success", "--dry-run"): {
        "success": "has no value. Write it after the flag; if it begins with `--`, as in --success=--value."
    },
    (*DEPLOY, "--commit-sha", "abc1234"): {"commit-sha": TWICE},
    (*DEPLOY, "--dry-run", "--dry-run"): {"dry-run": TWICE},
    (*DEPLOY, "--json", "--json"): {"json": TWICE},
    (*DEPLOY, "--json=yes"): {"json": "is neither `true` nor `false`. Write it alone."},
    (*DEPLOY, "--dry-run", "yes"): {"dry-run": "is neither `true` nor `false`. Write one of the two."},
    **{
        (*DEPLOY, "--service", "a", "--service", each): {
            "service": "is written more than once, and has a list. Write one item each time, or one list."
        }
        for each in ("b,c", '["b"]', '{"identifier": "b"}', "b\nc", " [1]", "b,c=C")
    },
    (*DEPLOY, "--dx-token", "x"): {"--dx-token": REFUSED},
    (*DEPLOY, "--dx-token=x"): {"--dx-token": REFUSED},
    (*DEPLOY, "--dx-token"): {"--dx-token": REFUSED},
    (*DEPLOY, "--dx-token="): {"--dx-token": REFUSED},
    **{
        (*DEPLOY, each): {"--dx-token": REFUSED}
        for each in ("--DX-TOKEN=x", "-dx-token=x", "--dx_token=x", "--Dx-Token")
    },
    **{
        (*DEPLOY, each): {"argument 7": "is not a flag. `--help` lists the flags."}
        for each in ("--tok-sEcret-of-the-tests", "--abcdef0123456789", "-Xyz")
    },
    (*DEPLOY, "--github-token", "x"): {"--github-token": REFUSED.replace("DX_TOKEN", "GITHUB_TOKEN")},
    (*DEPLOY, "--Xdx-token=x"): {"--Xdx-token": "is not a flag. Did you mean DX_TOKEN?"},
    (*DEPLOY, "--XXXjson"): {"argument 7": "is not a flag. `--help` lists the flags."},
    (*DEPLOY, "--dx-tokn", "x"): {"--dx-tokn": "is not a flag. Did you mean DX_TOKEN?"},
    (*DEPLOY, "--environment", TOKEN): {
        "environment": "contains the text of `dx-token`. Write the token nowhere else."
    },
}


@pytest.mark.parametrize("argv", WRONG)
def test_what_cannot_be_meant(argv: tuple[str, ...]) -> None:
    assert problems(*argv) == WRONG[argv]


def test_what_is_meant_is_not_missing() -> None:
    found = problems(
        "--dx-token", TOKEN, "--repositry", "acme/shop", "--comit-sha=abc1234", *DEPLOY[4:], env={"DX_HOST": "a"}
    )
    assert found.keys() == {"--dx-token", "--repositry", "--comit-sha"}


def test_all_problems_at_once() -> None:
    found = problems("--sevice", "web", "--timeout", "soon", "x", "--deployed-at", "noon", "--dx-token", "y", env={})
    assert found.keys() == {
        *("--sevice", "argument 5", "--dx-token", "timeout", "deployed-at"),
        *("dx-host", "repository", "commit-sha", "reference-id"),
    }


@pytest.mark.parametrize(
    ("argv", "hidden"),
    [
        (("--dx-token", TOKEN), [TOKEN]),
        ((f"--github-token=Bearer {TOKEN}",), [TOKEN, f"Bearer {TOKEN}"]),
        (("--dx-token", f"--{TOKEN}"), [f"--{TOKEN}"]),
        (("--dx-token", TOKEN, "--dx-token", "another-token"), [TOKEN, "another-token"]),
        (("--dx-token", f" {TOKEN}\n"), [TOKEN]),
        ((f"--DX-TOKEN={TOKEN}", f"-github-token={TOKEN}"), [TOKEN]),
    ],
)
def test_a_refused_token_is_a_secret_of_the_run(argv: tuple[str, ...], hidden: list[str]) -> None:
    found = parse_arguments(argv)
    assert found.texts == {}
    assert parse_arguments(["--dx-token", " "]).refused == ()
    assert all(Secrets(found.refused).scrubbed(f"a {text} b") in ("a *** b", "a Bearer *** b") for text in hidden)


FLAGS_OF_ALL_KINDS = ("--service", "--dry-run", "--success", "--dx-token", "--json", "--jsn", "-x", "--")


@given(st.lists(st.sampled_from(FLAGS_OF_ALL_KINDS) | st.lists(st.sampled_from("ßñø=- \n"), max_size=9).map("".join)))
def test_any_arguments_are_read_or_have_a_problem_without_their_values(argv: list[str]) -> None:
    found = parse_arguments(argv)
    assert isinstance(found, Arguments)
    assert found.texts.keys() <= {"service", "dry-run", "success"}
    assert not set("ßñø") & set("".join(map(str, found.problems)))
