"""What runs say of deployments, held against all that the stand-in for DX ever took."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from schedules import Dx, Key, Run, Taken


@dataclass
class Model:
    """What DX has by its own pages: a create adds, an upsert or update patches, a deletion takes away."""

    held: dict[str, dict[str, Any]] = field(default_factory=dict)

    def play(self, method: str, body: Mapping[str, Any]) -> None:
        name = body["reference_id"]
        match method:
            case "deployments.create":
                self.held.setdefault(name, {"environment": "production", "success": True} | dict(body))
            case "deployments.upsert" | "deployments.update":
                self.held[name] = self.held.get(name, {"environment": "production", "success": True}) | dict(body)
            case "deployments.delete":
                self.held.pop(name, None)


def check(dx: Dx, runs: Sequence[Run], *, keeps: bool = True) -> None:
    """Check all that was said by all that DX ever took. `keeps`: no run that registers was asked to change what is held."""
    held, history = dx.seen()
    began = _began(history)
    model = Model()
    for taken in history:
        before = model.held.get(name := taken.body["reference_id"])
        model.play(taken.method, taken.body)
        if keeps and before and not taken.run.meant.corrects:
            assert model.held[name] == before, f"{name} lost its first values"
    assert held == model.held
    for run in runs:
        bodies = {(json.loads(body)["reference_id"], method): body for method, body in run.asked}
        assert all(bodies[json.loads(body)["reference_id"], method] == body for method, body in run.asked)
        if run.meant.corrects:
            _check_corrected(history, run)
        elif not run.meant.key:
            _check_silent(run)
        else:
            _check_meant(run)
            if run.exit_code is not None:
                _check_told(history, run, began)


def _began(history: Sequence[Taken]) -> dict[Key, Taken]:
    """Return the request that each deployment began with, the last one if it was deleted in between."""
    began: dict[Key, Taken] = {}
    standing: set[Key] = set()
    for taken in history:
        if taken.method == "deployments.delete":
            name = taken.body["reference_id"]
            standing = {key for key in standing if began[key].body["reference_id"] != name}
        elif taken.created:
            key = (*taken.run.meant.key, taken.body["service"]["identifier"])
            assert taken.run.meant.key, f"{key} was meant by nobody"
            assert key not in standing, f"{key} stands twice"
            standing.add(key)
            began[key] = taken
    return began


def _check_silent(run: Run) -> None:
    assert not run.asked, "what means no deployment sends something"
    if run.exit_code is not None:
        end = (run.exit_code, run.outputs["status"])
        # A cancel that came too late changes nothing.
        assert end in run.meant.ends or (run.stop and end[1] == "failed"), end


def _check_meant(run: Run) -> None:
    """Check that a failed deployment is sent as such, and another one as that; and when the job began."""
    for body in (json.loads(body) for _, body in run.asked):
        assert run.meant.success in (None, body.get("success", True)), "it does not say how it ended"
        assert body.get("metadata", {}).get("started_at") == run.meant.started, "its job began at another time"


def _check_corrected(history: Sequence[Taken], run: Run) -> None:
    taken = any(taken.run is run for taken in history)
    assert {method for method, _ in run.asked} <= {f"deployments.{run.meant.corrects}"}, "another correction is sent"
    for result in run.results:
        match result["outcome"]:
            case "accepted":
                assert taken, "it is said to be corrected, and DX took nothing of it"
            case "failed":
                assert not taken, "the correction failed, and DX took it"
            case "not-sent":
                assert not run.asked, "the correction was not sent, and it was"
            case outcome:
                assert outcome == "unknown"
    if run.exit_code is not None:
        done = {result["outcome"] for result in run.results} == {"accepted"}
        status = f"{run.meant.corrects}d" if done else "failed"
        assert (run.exit_code, run.outputs["status"]) == (0 if done else 1, status)


def _check_told(history: Sequence[Taken], run: Run, began: Mapping[Key, Taken]) -> None:
    asked = [json.loads(body)["reference_id"] for _, body in run.asked]
    for result in run.results:
        key, outcome = (*run.meant.key, result["service"]), result["outcome"]
        mine = [taken for taken in history if taken.run is run and taken.body["service"]["identifier"] == key[-1]]
        match outcome:
            case "accepted":
                assert key in began, f"{key} was accepted, and does not stand"
                assert result["reference_id"] == began[key].body["reference_id"]
            case "already-registered":
                assert key in began, f"{key} is said to be held, and is not"
                assert began[key].run is not run, f"{key} is this run's own"
                same = run.meant.success in (None, began[key].body.get("success", True))
                assert same or "may be `success`" in run.log, f"{key} has another outcome, of which nothing is said"
            case "failed":
                assert not mine, f"{key} failed, and DX took it"
            case "not-sent":
                assert not mine, f"{key} was not sent, and DX took it"
                assert result["reference_id"] not in asked
            case _:
                # Where a job is cancelled, a thread may have been about to send.
                assert outcome == "unknown"
    delivered = {result["outcome"] in ("accepted", "already-registered") for result in run.results}
    assert run.exit_code == (0 if delivered == {True} else 1)
    statuses = {"partial"} if len(delivered) == 2 else {"registered", "already-registered"}
    assert run.outputs["status"] in (statuses if True in delivered else {"failed"})
