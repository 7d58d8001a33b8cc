"""Owns where the action is: the entry files of a checkout or of an image, and the folders in which its runs find their files."""

import shutil
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import events
import runner
from bench.contestants import EVENT, FLAGS, OURS, ROOT, inputs, registering
from bench.measure import Contestant
from bench.server import Server
from dx_action.inputs.job import Stage


@dataclass(frozen=True, slots=True)
class Prepared:
    """A run's variables, as the program sees them; its workspace and the file of its outputs, as this process does."""

    env: dict[str, str]
    workspace: Path
    outputs: Path


@dataclass(frozen=True, slots=True)
class Place:
    """Where the action is. Paths are seen from there without `root`, which is empty for a checkout. `python` has its flags."""

    name: str
    label: str
    short: str
    root: str
    folder: Path
    python: Sequence[str]
    entry_files: Mapping[Stage, str]

    def command(self, stage: Stage, *arguments: str) -> list[str]:
        """Return what starts an entry file."""
        return [*self.python, self.entry_files[stage], *arguments]

    def inside(self, path: Path) -> str:
        """Return a path as it is seen from there."""
        return str(path).removeprefix(self.root)

    def step(self, name: str, server: Server, stage: Stage = "step", **more: str) -> Prepared:
        """Prepare the plain use, in a folder of its own. `more` are inputs."""
        folder = self.folder / name
        folder.mkdir(parents=True)
        prepared = runner.Step(folder, inputs(server, **more), EVENT, stage=stage)
        env = prepared.environment()
        shutil.copy(server.ca, prepared.workspace / "ca.pem")
        env["GITHUB_EVENT_PATH"] = str(shutil.copy(events.path(EVENT), folder))
        seen = {name: value.removeprefix(self.root) for name, value in env.items()}
        return Prepared(seen, prepared.workspace, Path(env["GITHUB_OUTPUT"]))

    def plain(self, server: Server) -> Contestant:
        """The plain use."""
        step = self.step("plain", server)
        contestant = Contestant(self.name, f"this action, {self.label}", self.command("step"), step.env, step.workspace)
        return registering(contestant, server)


def checkout(folder: Path) -> Place:
    """This checkout, its modules compiled as they are in the image."""
    entry_files = {stage: str(ROOT / path) for stage, path in runner.ENTRY_FILES.items()}
    return Place(OURS, "from a checkout", "a checkout", "", folder, [sys.executable, *FLAGS], entry_files)
