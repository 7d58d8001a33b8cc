"""Owns one amount of work: the runs that do it, whether each did, and the medians of them."""

import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import runner
from bench.contestants import ENTRYPOINT, inputs, step
from bench.measure import Stopwatch, figures
from bench.server import Server
from stand_in import GitHub

Row = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """So much of one kind of work: `given` are inputs. Each run must end with this status and send DX so many requests."""

    what: str
    count: int
    given: Mapping[str, str]
    status: str
    requests: int
    event: str = "workflow_dispatch"
    env: Mapping[str, str] = field(default_factory=dict)
    github: GitHub | None = None
    # Long enough for one run to do.
    long: bool = False
    # Puts into the workspace, before the first run, what the runs find there.
    fill: Callable[[Path], object] = lambda _: None


class Worker:
    """Has the action do work, against one server, in so many runs."""

    def __init__(self, server: Server, watch: Stopwatch, scratch: Path, runs: int = 3) -> None:
        self._server, self._watch, self._scratch, self._runs = server, watch, scratch, runs

    def row(self, work: Work) -> Row:
        """Return the medians of the runs. Raises RuntimeError if one did not do its work."""
        folder = self._scratch / f"{len(list(self._scratch.iterdir()))}"
        folder.mkdir()
        github = work.github
        given = {**inputs(self._server, service="", github_token=github.token if github else ""), **work.given}
        env = {**(github.env if github else {}), **work.env}
        samples = []
        for number in range(1 if work.long else self._runs):
            variables, workspace = step(folder, given, work.event, **env)
            if not number:
                work.fill(workspace)
                shutil.copy(self._server.ca, workspace / "ca.pem")
            self._server.ask("reset", {})
            if github:
                github.reset_calls()
            samples.append(self._watch.time(ENTRYPOINT, variables, workspace))
            said = runner.read_outputs(Path(variables["GITHUB_OUTPUT"]).read_text())
            found = (said.get("status"), self._server.requests())
            if found != (work.status, work.requests):
                raise RuntimeError(f"{work.what}, {work.count}: {found}: {said.get('reason')}\n{self._watch.said()}")
        took = {"what": work.what, "count": work.count, **figures(samples)}
        return took | ({"github_requests": github.count()} if github else {})
