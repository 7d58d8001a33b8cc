"""The help: every flag with a description that is true where there is no workflow, in the groups of the documentation."""

import re
from typing import get_args

import pytest

from documents import MODULE, described, names, read, rows, section
from dx_action.inputs.arguments import FLAGS, HIDDEN, LISTS, TOKENS, YES_OR_NO
from dx_action.inputs.descriptions import DESCRIPTIONS
from dx_action.inputs.help import GROUPS, OWN_WORDS, USAGE, help_text
from dx_action.inputs.model import Inputs, Operation
from runner import action

TEXT = help_text(100)


def test_the_descriptions_are_those_of_action_yml() -> None:
    assert read(MODULE) == described(), "run `python tests/support/documents.py`"


def test_every_input_has_a_description() -> None:
    inputs = action()["inputs"]
    assert {name: " ".join(each["description"].split()) for name, each in inputs.items()} == DESCRIPTIONS


def test_the_groups_are_those_of_the_documentation() -> None:
    for group, flags in GROUPS.items():
        page = section("docs/inputs.md", f"### {group}")
        listed = [name for row in rows(page) for name in names(row[0])]
        assert list(flags) == [name for name in listed if name not in (*HIDDEN, *TOKENS)]


def test_every_flag_is_shown_once_with_a_description() -> None:
    shown = re.findall(r"^  --([a-z-]+)(?: [A-Z]+)?\n      (\S.*)$", TEXT, re.MULTILINE)
    assert sorted(name for name, _ in shown) == sorted((*FLAGS, "json", "help", "version"))


VALUES = {
    "FILE": ("ca-bundle", "service-map", "failed-file", "backfill-file", "csv-file"),
    "TIME": ("deployed-at", "since", "until"),
    "NUMBER": ("pull-number", "max-per-second", "concurrency"),
    "ID": ("reference-id", "pull-id", "confirm-delete"),
    "SHA": ("commit-sha", "since-sha"),
    "SHAS": ("merge-commit-shas",),
    "URL": ("source-url",),
    "HOST": ("dx-host",),
    "SECONDS": ("timeout",),
    "SOURCE": ("services-from",),
    "BRANCH": ("integration-branch",),
    "BRANCHES": ("only-branches",),
    "ENVIRONMENT": ("environment",),
    "ENVIRONMENTS": ("only-environments",),
    "NAME": ("source-name",),
    "METADATA": ("metadata",),
    "TIMES": ("lead-time-metadata",),
    "FACTS": ("extra-metadata",),
    "ACTION": ("on-conflict",),
    "FAILURES": ("fail-on-error",),
    **{name.upper(): (name,) for name in ("operation", "service", "repository", "attribution", "success", "method")},
}


def test_what_a_flag_takes() -> None:
    expected = {name: value for value, flags in VALUES.items() for name in flags}
    assert dict(re.findall(r"^  --([a-z-]+) (\w+)$", TEXT, re.MULTILINE)) == expected


def test_a_list_may_be_written_flag_by_flag() -> None:
    entries = re.split(r"\n(?=  --)", TEXT)
    lists = {entry.split()[0].removeprefix("--") for entry in entries if "once for each" in " ".join(entry.split())}
    assert lists == set(LISTS)


def test_defaults_are_shown_once() -> None:
    """By the words that say it, or by themselves."""
    found = dict(re.findall(r"^  --([a-z-]+) \w+\n(?:(?!  --).*\n)*?.*Default,\s+`(.+)`\.$", TEXT, re.MULTILINE))
    assert found == {
        "operation": "deploy",
        "timeout": "60",
        "lead-time-metadata": "none",
        "method": "create",
        "on-conflict": "keep",
        "fail-on-error": "true",
        "max-per-second": "7",
        "concurrency": "4",
    }
    assert not re.search(r"\(default\)(?:(?!\n  --)[\s\S])*Default,", TEXT)


def test_a_word_of_a_choice_is_not_taken_for_a_flag() -> None:
    """`set-pull-services` is an input, too."""
    words = " ".join(TEXT.split())
    assert "With `--operation set-pull-services`, set the services of every pull request" in words
    assert "`--set-pull-services`" not in words


def test_a_flag_of_yes_or_no_shows_no_value() -> None:
    alone = set(re.findall(r"^  --([a-z-]+)$", TEXT, re.MULTILINE))
    assert alone == {*YES_OR_NO, "help", "version"}


def test_no_description_needs_a_workflow() -> None:
    """A description of `action.yml` that is about the event, the job or the workspace is replaced, and no other is."""
    of_a_workflow = (
        r"\b(events?|jobs?|steps?|workflow runs|workspace|runner|expression|this repository|secret)\b|GitHub Actions"
    )
    flags = " ".join(TEXT.partition("\nConnection:\n")[2].split())
    assert re.findall(rf".{{20}}(?:{of_a_workflow})", re.sub("result of a job|workflow.jobs", "", flags)) == []
    assert OWN_WORDS.keys() <= action()["inputs"].keys()


def test_what_a_choice_takes_is_shown() -> None:
    words = " ".join(TEXT.split())
    assert all(f"`{word}`" in words for word in get_args(Operation))
    for default in (Inputs().timeout, Inputs().max_per_second, Inputs().concurrency, Inputs().method):
        shown = f"{default:g}" if isinstance(default, float) else default
        assert f"Default, `{shown}`." in words


@pytest.mark.parametrize("width", [40, 60, 80, 100])
def test_descriptions_keep_to_the_width(width: int) -> None:
    flags = help_text(width).partition("\nConnection:\n")[2].splitlines()
    assert max(len(line) for line in flags if line.startswith("      ")) <= width
    assert help_text(10) == help_text(40)
    # No word is broken, nor one with hyphens, which may be a flag.
    assert help_text(width).split() == TEXT.split()


def test_the_start_says_how_it_is_called() -> None:
    assert TEXT.startswith(USAGE.splitlines()[0])
    assert all(variable in TEXT for variable in ("DX_HOST", "DX_TOKEN", "GITHUB_TOKEN", "NO_COLOR"))
