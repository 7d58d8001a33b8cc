"""Which branches and environments the globs match."""

import json
import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dx_action.inputs.filters import counts, is_production, matches_branch, matches_environment, parse_branches
from dx_action.runner.event import Deployment
from readers import few, shown, wrong


@pytest.mark.parametrize(
    ("patterns", "branch", "matches"),
    [
        (["main"], "main", True),
        (["main"], "Main", False),
        (["main"], "mainline", False),
        (["main"], "the-main", False),
        (["main", "develop"], "develop", True),
        ([], "main", False),
        (["*"], "main", True),
        (["*"], "release/1.x", False),
        (["**"], "release/1.x", True),
        (["release/*"], "release/1.x", True),
        (["release/*"], "release/", True),
        (["release/*"], "release", False),
        (["release/*"], "release/1/x", False),
        (["release/**"], "release/1/x", True),
        (["release/***"], "release/1/x", True),
        (["**/x"], "a/b/x", True),
        (["**/x"], "x", False),
        (["v*.*"], "v1.2", True),
        (["v*.*"], "v12", False),
        (["*-x-*"], "a-x-b", True),
        (["rel.ase"], "release", False),
        (["m?in"], "main", False),
        (["[m]ain"], "main", False),
        (["a+"], "aa", False),
        (["!main"], "other", False),
    ],
    ids=shown,
)
def test_branches(patterns: list[str], branch: str, matches: bool) -> None:
    assert matches_branch(patterns, branch) is matches


@pytest.mark.parametrize(
    ("patterns", "environment", "matches"),
    [
        (["prod*"], "production", True),
        (["prod*"], "PROD", True),
        (["Prod*"], "production/eu/1", True),
        (["*/eu"], "production/live/eu", True),
        (["prod*"], "preprod", False),
        (["live"], "Live", True),
        (["live", "prod*"], "production", True),
        ([], "production", False),
        (["STRASSE"], "straße", True),
        (["*"], "", True),
        (["prod"], "", False),
    ],
    ids=shown,
)
def test_environments(patterns: list[str], environment: str, matches: bool) -> None:
    assert matches_environment(patterns, environment) is matches


def oracle(pattern: str, one_star: str) -> re.Pattern[str]:
    parts = re.split(r"(\*+)", pattern)
    return re.compile(
        "".join(one_star if p == "*" else ".*" if p[:1] == "*" else re.escape(p) for p in parts), re.DOTALL
    )


globs = st.text("ab/*.\n", max_size=8)


@settings(max_examples=300, deadline=None)
@given(globs, st.text("ab/.\n", max_size=8))
def test_globs_agree_with_regular_expressions(pattern: str, text: str) -> None:
    assert matches_branch([pattern], text) == bool(oracle(pattern, "[^/]*").fullmatch(text))
    assert matches_environment([pattern], text) == bool(oracle(pattern, ".*").fullmatch(text))


@few
@given(globs, st.data())
def test_globs_match_what_they_are_made_of(pattern: str, data: st.DataObject) -> None:
    """A text made from the pattern, star by star: random texts seldom match."""
    fill = st.text("ab.", max_size=3)
    text = re.sub(r"\*+", lambda _: data.draw(fill), pattern)
    assert matches_branch([pattern], text)
    assert matches_environment([pattern.upper()], text)


def test_globs_do_not_backtrack() -> None:
    """A regular expression would take ages over these."""
    assert not matches_branch(["*a" * 100 + "b"], "a" * 1000)
    assert not matches_environment(["**a*" * 100 + "b"], "a" * 1000)


def test_only_stars_are_stars() -> None:
    assert matches_branch(("*X",), "aX")
    assert not matches_branch(("*X",), "a")


@pytest.mark.parametrize(
    ("only", "environment", "production", "transient", "counted"),
    [
        ((), "production", None, None, True),
        ((), "PROD-eu", None, None, True),
        ((), "live", None, None, False),
        ((), "live", True, None, True),
        ((), "production", True, True, False),
        ((), None, None, None, False),
        (("live",), "Live", None, None, True),
        (("live",), "live", False, True, True),
        (("live",), "production", True, None, False),
        (("*",), None, None, None, True),
    ],
)
def test_which_deployments_count(
    only: tuple[str, ...], environment: str | None, production: bool | None, transient: bool | None, counted: bool
) -> None:
    deployment = Deployment(
        id=1, sha="a", environment=environment, production_environment=production, transient_environment=transient
    )
    assert counts(deployment, only) is counted


@pytest.mark.parametrize(
    ("name", "production"),
    [("prod", True), ("Production-EU", True), ("preprod", False), ("staging", False), ("", False)],
)
def test_what_is_production_by_its_name_alone(name: str, production: bool) -> None:
    assert is_production(name) is production


# Which globs cannot be meant.


@pytest.mark.parametrize(
    ("glob", "says"),
    [
        ("!main", "has a glob that begins with `!`"),
        ("refs/heads/main", "has a glob that begins with `refs/`"),
        *((f"a{character}b", "that a branch name cannot have") for character in "\x00\x01\x1f \x7f?[\\\\~^:"),
    ],
    ids=repr,
)
def test_one_wrong_glob_is_enough(glob: str, says: str) -> None:
    for globs in ([glob], ["main", glob], [glob, "main"]):
        assert says in wrong(parse_branches, json.dumps(globs))


@pytest.mark.parametrize("character", [*"!\"#$%&'()*+,-./;<=>@]_`{|}", "a", "Z", "0", "é", "\x80", "\u2028"], ids=repr)
def test_every_other_character_may_be_in_a_branch(character: str) -> None:
    assert parse_branches(json.dumps([f"a{character}b", "main"])) == (f"a{character}b", "main")
