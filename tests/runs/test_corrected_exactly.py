"""Creates, upserts, updates and deletions of a few deployments, with kills, faults and re-runs: what is said is what DX has.

Each history is a series of whole runs, single steps and files, one after the other. What a run was told to do is played on a
model of DX's pages, by what the stand-in took in which order; what each run says is held against that, and so is what the
stand-in has at the end. Once faults have ceased, what was not confirmed is sent again from `failed-file`.
"""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from machines import often
from promises import Model
from runner import NOW
from schedules import HOUR, Deaf, Dx, Fate, Meant, Run, TwoFaced, environment
from thorough import count_schedule, times
from wire import Reply, Request

IDS = ("a", "b", "c")
SERVICES = {"a": "web", "b": "web", "c": "cart"}
OK = Fate("answer", "yes")
FATES = (
    *[OK] * 8,
    Fate("refused"),
    *(Fate(seen, taken) for seen in ("reset", "silence", "cut") for taken in ("no", "yes")),
    *(Fate(Reply(503), taken) for taken in ("no", "yes")),
    Fate(Reply(422, b'{"ok": false, "error": "repo_not_found"}')),
    Fate(Reply(409, b'{"ok": false, "error": "locked"}')),
    Fate(Reply(429, headers={"Retry-After": "1"})),
    *(Fate("answer", taken, end) for taken in ("no", "yes") for end in ("killed", "cancelled")),
)
Row = dict[str, Any]


def create(name: str, value: str, method: str = "create") -> Row:
    at = f"2025-01-01T12:0{IDS.index(name)}:00Z"
    row: Row = {"reference_id": name, "deployed_at": at, "service": SERVICES[name], "repository": "acme/shop"}
    row |= {"source_url": f"https://ci.example/{value}", "source_name": "CI"}
    return row | ({"method": method} if method != "create" else {})


def update(name: str, value: str) -> Row:
    values: Row = {"success": False} if value == "0" else {"environment": f"prod-{value}", "metadata": {"v": value}}
    return {"reference_id": name, **values, "method": "update"}


def delete(name: str) -> Row:
    return {"reference_id": name, "method": "delete"}


values, names = st.sampled_from("0123"), st.sampled_from(IDS)
rows = st.one_of(
    st.builds(create, names, values),
    st.builds(create, names, values, st.just("upsert")),
    st.builds(update, names, values),
    st.builds(delete, names),
)


def usable(listed: Sequence[Row]) -> list[Row]:
    """Leave out what a file may not have: an id that is registered twice."""
    registered: set[str] = set()
    found = []
    for row in listed:
        again = row.get("method") not in ("update", "delete") and row["reference_id"] in registered
        if not again:
            found.append(row)
            if row.get("method") not in ("update", "delete"):
                registered.add(row["reference_id"])
    return found


def sensible(listed: Sequence[Row]) -> list[Row]:
    """Leave out, too, what updates a deployment that is not there: no repetition makes that succeed."""
    there: set[str] = set()
    found = []
    for row in usable(listed):
        method, name = row.get("method"), row["reference_id"]
        if method == "update" and name not in there:
            continue
        there = there - {name} if method == "delete" else there | {name}
        found.append(row)
    return found


@dataclass(frozen=True)
class Plan:
    """A run of these rows, as a file or, if it is one correction, as a step. The requests meet the fates in turn."""

    rows: list[Row]
    fates: list[Fate]
    as_step: bool = False


plans = st.builds(
    Plan,
    st.lists(rows, min_size=1, max_size=6).map(usable).filter(bool),
    st.lists(st.sampled_from(FATES), max_size=6),
    st.booleans(),
)


def written(folder: Path, number: int, plan: Plan) -> dict[str, str]:
    """Return the variables of a run, and write its file."""
    (row, *more) = plan.rows
    inputs = {"timeout": "20", "failed-file": "failed.jsonl"}
    if plan.as_step and not more and row.get("method") in ("update", "delete"):
        fields = {name: value for name, value in row.items() if name != "method"}
        texts = {
            name.replace("_", "-"): value if isinstance(value, str) else json.dumps(value)
            for name, value in fields.items()
        }
        inputs |= texts | {"operation": row["method"]}
        inputs |= {"confirm-delete": row["reference_id"]} if row["method"] == "delete" else {}
        return environment(folder / str(number), "schedule", inputs)
    deletions = sum(each.get("method") == "delete" for each in plan.rows)
    inputs |= {"operation": "backfill", "backfill-file": "rows.jsonl", "max-per-second": "0", "concurrency": "3"}
    env = environment(folder / str(number), "schedule", inputs | {"confirm-delete": str(deletions)})
    (folder / str(number) / "rows.jsonl").write_text("".join(f"{json.dumps(each)}\n" for each in plan.rows))
    return env


def fate_by(plan: Plan) -> Callable[[Request], Fate]:
    left, ends = list(plan.fates), list[Fate]()

    def fate(_request: Request) -> Fate:
        found = ends[0] if ends else left.pop(0) if left else OK
        if found.end:
            ends.append(Fate("answer", "no", found.end))
        return found

    return fate


def check(dx: Dx, run: Run) -> None:
    """Check what DX has by all that it took, and what the run says by what DX took of it."""
    held, history = dx.seen()
    model = Model()
    for taken in history:
        model.play(taken.method, taken.body)
    assert held == model.held
    mine = [(taken.method, taken.body["reference_id"]) for taken in history if taken.run is run]
    asked = [(method, json.loads(body)["reference_id"]) for method, body in run.asked]
    for result in run.results:
        call = (result["method"], result["reference_id"])
        same = sum((each["method"], each["reference_id"]) == call for each in run.results)
        match result["outcome"]:
            case "accepted" if result["http_status"] in (409, 422):
                # A conflict after an attempt of the same call whose fate is unknown.
                assert result["method"] == "deployments.create"
                assert any(taken.body["reference_id"] == call[1] and taken.created for taken in history)
            case "accepted":
                assert call in mine, f"{call} was accepted, and DX took nothing of it"
            case "failed" if same == 1:
                assert call not in mine, f"{call} failed, and DX took it"
            case "not-sent" if same == 1:
                assert call not in asked, f"{call} was not sent, and it was"
            case outcome:
                assert outcome in ("accepted", "already-registered", "failed", "not-sent", "unknown")


def kept(run: Run) -> list[Row]:
    path = Path(run.env["GITHUB_WORKSPACE"]) / "failed.jsonl"
    return [json.loads(line) for line in (path.read_text().splitlines() if path.exists() else [])]


def told_whole(run: Run, plan: Plan) -> None:
    """Check that what is not said to be done is in `failed-file`, each row once."""
    unsure = [each for each in run.results if each["outcome"] in ("failed", "unknown", "not-sent")]
    saved = [(f"deployments.{row.get('method', 'create')}", row["reference_id"]) for row in kept(run)]
    assert {(each["method"], each["reference_id"]) for each in unsure} <= set(saved)
    delivered = [each for each in run.results if each["outcome"] in ("accepted", "already-registered")]
    assert len(saved) + len(delivered) == len(plan.rows)
    assert run.exit_code == (0 if not saved else 1)


@settings(often, max_examples=times(300))
@given(st.lists(plans, min_size=1, max_size=4))
def test_what_is_said_of_corrections_is_what_dx_has(given_plans: list[Plan]) -> None:
    dx = Dx()
    with TemporaryDirectory() as folder:
        for number, plan in enumerate(given_plans):
            run = Run(dx, Meant(), written(Path(folder), number, plan), NOW + number * HOUR)
            run.play(fate_by(plan))
            check(dx, run)
            if run.exit_code is not None:
                told_whole(run, plan)
    count_schedule()


def final(listed: Sequence[Row]) -> dict[str, Row]:
    """Return what DX has after the rows, in the order of the file."""
    model = Model()
    for row in listed:
        body = {name: value for name, value in row.items() if name != "method"}
        body |= {"service": {"identifier": body["service"]}} if "service" in body else {}
        method = f"deployments.{row.get('method', 'create')}"
        if method == "deployments.upsert":
            body = {"success": True} | body
        model.play(method, body)
    return model.held


@settings(often, max_examples=times(300))
@given(
    st.lists(rows, min_size=1, max_size=8).map(sensible).filter(bool),
    st.lists(st.sampled_from([fate for fate in FATES if fate.end != "killed"]), max_size=8),
)
def test_a_failed_file_completes_what_the_file_means(listed: list[Row], fates: list[Fate]) -> None:
    """Each deployment ends as the rows of its id say in their order, whatever went wrong on the way."""
    dx, first = Dx(), Plan(listed, fates)
    with TemporaryDirectory() as folder:
        run = Run(dx, Meant(), written(Path(folder), 0, first), NOW)
        run.play(fate_by(first))
        if left := kept(run):
            again = Plan(left, [])
            run = Run(dx, Meant(), written(Path(folder), 1, again), NOW + HOUR)
            run.play(fate_by(again))
            check(dx, run)
            left = kept(run)
        held, _ = dx.seen()
        assert left == []
        assert held == final(listed)
    count_schedule()


# The check itself: it must notice.


@pytest.mark.parametrize(("dx", "noticed"), [(Deaf(), "DX took nothing of it"), (TwoFaced(), "failed, and DX took it")])
def test_the_check_notices(tmp_path: Path, dx: Dx, noticed: str) -> None:
    plan = Plan([delete("a")], [])
    run = Run(dx, Meant(), written(tmp_path, 0, plan), NOW)
    run.play(fate_by(plan))
    with pytest.raises(AssertionError, match=noticed):
        check(dx, run)
