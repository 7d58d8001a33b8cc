"""Owns the other ways to start the action: the command line, the two starts of `job/`, `native/`; and a check of the inputs.

Each is held to what it says: how it ends, how many deployments are held then, and how many requests were sent.
"""

import json
import os
import shutil
import sys
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import composite
import environment
import events
import runner
from bench.contestants import CURL, EVENT, inputs, registering
from bench.measure import Contestant, Sample, Stopwatch, figures
from bench.places import Place, Prepared
from bench.server import TOKEN, Server
from dx_action.inputs.job import Stage

NATIVE = "native"
START, END, TOGETHER = "job-start", "job-end", "job"


def of(place: Place, server: Server) -> list[Contestant]:
    """Everyone who starts by the entry files of one place."""
    start, end = place.step(START, server, "start"), place.step(END, server, "end")
    # The state that the start hands on: its time, in Unix seconds, and that it ended well.
    end = replace(end, env={**end.env, "STATE_started": str(int(time.time())), "STATE_ready": "true"})
    check = place.step("check", server, operation="check")
    return [
        _command_line(place, server),
        _held_to(_at(place, START, "`job/`, its start", "start", start), server, start.outputs, "waiting", 0, 0),
        _held_to(_at(place, END, "`job/`, its end", "end", end), server, end.outputs, "registered", 1, 1),
        _held_to(_at(place, "check", "`operation: check`", "step", check), server, check.outputs, "checked", 0, 1),
    ]


def native(watch: Stopwatch, server: Server, folder: Path) -> tuple[Contestant, Sample | str]:
    """Start `native/` for the first time, which installs its packages, once. Return it, and how long that took or why it failed."""
    folder.mkdir(parents=True)
    path, tools = folder / "bin", folder / "tools"
    path.mkdir()
    (path / "bash").symlink_to(str(shutil.which("bash")))
    # Without an environment of its own, as on a runner.
    (path / "python3").symlink_to(Path(sys.executable).resolve())
    step = runner.Step(folder, inputs(server), EVENT)
    shutil.copy(server.ca, step.workspace / "ca.pem")
    command, env = composite.prepare(step, path, tools=tools)
    index = {name: text for name, text in os.environ.items() if name.startswith("PIP_") or "proxy" in name.lower()}
    direct = ",".join(filter(None, (os.environ.get("no_proxy"), os.environ.get("NO_PROXY"), "localhost")))
    index |= dict.fromkeys(("no_proxy", "NO_PROXY"), direct)
    outputs = Path(env["GITHUB_OUTPUT"])
    plain = Contestant(NATIVE, "`native/`, from then on", command, {**env, **index}, step.workspace)
    plain = _held_to(plain, server, outputs, "registered", 1, 1)
    plain.before()
    sample = watch.time(plain.command, plain.env, plain.folder)
    wrong = plain.check()
    if not wrong:
        return plain, sample
    reason = runner.read_outputs(outputs.read_text()).get("reason", "")
    if not any(reason.startswith(sentence) for sentence in environment.SENTENCES.values()):
        raise RuntimeError(f"{plain.label}: {wrong}\n{watch.said()}")
    composite.fill(tools)
    return plain, reason


def rows(contestants: Iterable[Contestant], samples: Mapping[str, Sequence[Sample]]) -> list[dict[str, Any]]:
    """Return a row for each, and one for both starts of a job together; beside the docs' step, if that was measured."""
    found = []
    for each in contestants:
        found.append((each.name, each.label, samples[each.name]))
        door, _, place = each.name.partition("@")
        if door == END:
            both = zip(samples[f"{START}@{place}"], samples[each.name], strict=True)
            label = each.label.replace("its end", "both together")
            found.append((f"{TOGETHER}@{place}", label, [_together(*pair) for pair in both]))
    told: list[dict[str, Any]] = [{"name": name, "label": label, **figures(each)} for name, label, each in found]
    if CURL not in samples:
        return told
    beside = figures(samples[CURL])["wall_ms"]
    return [row | {"times_curl": round(row["wall_ms"] / beside, 2)} for row in told]


def installing(sample: Sample) -> dict[str, Any]:
    """Return the row of the run that installs, which there is once."""
    label = "`native/`, its first run, which installs its packages: once"
    return {"name": f"{NATIVE}-first", "label": label, **figures([sample])}


def _together(one: Sample, other: Sample) -> Sample:
    return Sample(one.wall + other.wall, one.cpu + other.cpu, max(one.memory, other.memory), 0)


def _command_line(place: Place, server: Server) -> Contestant:
    """The command as docs/command-line.md writes it."""
    folder = place.folder / "command-line"
    folder.mkdir()
    ca = Path(shutil.copy(server.ca, folder))
    _, event = events.load(EVENT)
    arguments = ["--service", "payments-service", "--repository", "acme/shop"]
    arguments += ["--commit-sha", event["pull_request"]["merge_commit_sha"], "--reference-id", "build-1791"]
    # The interpreter of an image is started in the uppermost folder of its file system.
    arguments += ["--ca-bundle", place.inside(ca).lstrip("/") if place.root else ca.name]
    env = {"PATH": os.defpath, "DX_HOST": server.url, "DX_TOKEN": TOKEN}
    command = place.command("step", *arguments)
    contestant = Contestant(f"command-line@{place.name}", f"the command line, {place.label}", command, env, folder)
    return registering(contestant, server)


def _at(place: Place, name: str, label: str, stage: Stage, step: Prepared) -> Contestant:
    command = place.command(stage)
    return Contestant(f"{name}@{place.name}", f"{label}, {place.label}", command, step.env, step.workspace)


def _held_to(
    contestant: Contestant, server: Server, outputs: Path, status: str, held: int, requests: int
) -> Contestant:
    """Have every run begin with an empty service and no outputs, and end like this, with no warning in the lines of a check."""

    def begin() -> None:
        server.ask("reset", {})
        outputs.write_text("")

    def wrong() -> str:
        said = runner.read_outputs(outputs.read_text())
        found = (said.get("status"), server.held(), server.requests())
        if found != (status, held, requests):
            return f"ends with {found}, not with {(status, held, requests)}: {said.get('reason')}"
        bad = [line for line in json.loads(said.get("checks") or "[]") if line["outcome"] != "ok"]
        return f"is not green: {bad}" if bad else ""

    return replace(contestant, before=begin, check=wrong)
