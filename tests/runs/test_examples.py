"""The examples: each runs on its event, sends what its pattern promises, and has no line that changes nothing."""

import re
from pathlib import Path

import pytest

import events
from builders import payload
from example_cases import CASES
from examples import Case, Expressions, make_place, outcome, promised, step_of, text_of, workflow
from happenings import FOLDER, MAP

# The workflows, and the map that some of them read.
FILES = sorted(path.stem for path in FOLDER.glob("*.yml") if path.name != "gitlab-ci.yml")
ALL = [
    pytest.param(name, case, id=f"{name}-{number}")
    for name, cases in CASES.items()
    for number, case in enumerate(cases)
]
LINES = [(name, key) for name in CASES for key in step_of(name)[2]]
LOOKING = [
    (name, permission)
    for name, cases in CASES.items()
    if cases[0].calls
    for permission in step_of(name)[1]["permissions"]
]


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_place(tmp_path_factory.mktemp("place"))


def test_every_example_is_tried() -> None:
    assert sorted([*CASES, MAP]) == FILES


@pytest.mark.parametrize(("name", "case"), ALL)
def test_an_example_does_what_it_promises(name: str, case: Case, tmp_path: Path, place: Path) -> None:
    assert outcome(name, case, tmp_path / "run", place) == promised(case)


@pytest.mark.parametrize(("name", "case"), ALL)
def test_a_job_starts_only_for_what_counts(name: str, case: Case, place: Path) -> None:
    happening = case.happening() if case.happening else None
    event = payload(case.event, case.changes | (happening.changes if happening else {}))
    assert Expressions(name, case, event, {}, place).starts() is case.starts


@pytest.mark.parametrize(("name", "key"), LINES)
def test_no_line_is_without_effect(name: str, key: str, tmp_path: Path, place: Path) -> None:
    assert any(
        outcome(name, case, tmp_path / str(number), place, without=key) != promised(case)
        for number, case in enumerate(CASES[name])
    )


@pytest.mark.parametrize(("name", "permission"), LOOKING)
def test_no_permission_is_too_many(name: str, permission: str, tmp_path: Path, place: Path) -> None:
    rest = {each: level for each, level in step_of(name)[1]["permissions"].items() if each != permission}
    case = CASES[name][0]
    assert outcome(name, case, tmp_path / "run", place, permissions=rest) != promised(case)


@pytest.mark.parametrize(("name", "case"), ALL)
def test_the_event_sets_the_workflow_off(name: str, case: Case) -> None:
    on = workflow(name)["on"]
    if case.event == "workflow_call":
        assert "workflow_call" in on
        return
    (variables, _), event = events.load(case.event), payload(case.event, case.changes)
    wanted = (on if isinstance(on, dict) else {on: {}})[variables["GITHUB_EVENT_NAME"]] or {}
    if isinstance(wanted, list):
        assert variables["GITHUB_EVENT_NAME"] == "schedule"
        return
    assert event.get("action") in (*wanted.get("types", ()), None) or "types" not in wanted
    assert variables["GITHUB_REF_TYPE"] == "tag" or "tags" not in wanted


@pytest.mark.parametrize("name", sorted(CASES))
def test_every_action_is_pinned(name: str) -> None:
    lines = [line.strip() for line in text_of(name).splitlines() if "uses:" in line]
    assert lines
    for line in lines:
        assert re.fullmatch(r"uses: [\w./-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+", line), line


@pytest.mark.parametrize("name", sorted(CASES))
def test_no_registration_is_cancelled_for_another(name: str) -> None:
    """In a shared group GitHub cancels what waits; only where the deployment waits with it is nothing lost."""
    group = workflow(name).get("concurrency", {"group": "${{ github.event }}", "cancel-in-progress": "false"})
    assert group["cancel-in-progress"] == "false"
    by_itself = re.search(r"\bgithub\.(event|sha|ref)\b", group["group"])
    # What a backfill does not send now, and what Terraform does not apply now, comes the next time. A check registers nothing.
    later = any(
        words in text_of(name)
        for words in ("./deploy.sh", "terraform apply", "operation: backfill", "operation: check")
    )
    assert by_itself or later


def test_the_table_has_every_example() -> None:
    rows = re.findall(r"^\|.*\| \[`([\w-]+)\.yml`\]\(\1\.yml\)", (FOLDER / "README.md").read_text(), re.MULTILINE)
    assert sorted({*rows} - {"gitlab-ci"}) == FILES
