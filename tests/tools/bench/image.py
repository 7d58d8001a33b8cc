"""Owns the image: its interpreter, run without a container around it, and the start of a container."""

import os
import shutil
import subprocess
import sys
import tarfile
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from time import perf_counter

from bench.contestants import EVENT, FLAGS, inputs, registering, step
from bench.measure import Contestant
from bench.server import Server

OURS_IN_IMAGE = "image"
_PYTHON, _ENTRYPOINT = "/opt/dx/bin/python", "/opt/dx/entrypoint.py"
# The bench's own folder inside the image's file system.
_PLACE = "bench"


@dataclass(frozen=True, slots=True)
class Image:
    """An image that this machine has, and its file system laid out in a folder."""

    engine: str
    name: str
    root: Path

    def python(self, *arguments: str) -> list[str]:
        """Give the command that runs the image's interpreter in its own file system."""
        return [shutil.which("chroot") or "chroot", str(self.root), _PYTHON, *FLAGS, *arguments]

    def inside(self, path: Path) -> str:
        """Give a path below the root as the image sees it."""
        return f"/{path.relative_to(self.root)}"

    def contestant(self, server: Server) -> Contestant:
        """The image's entrypoint, in its own file system."""
        env, workspace = self.step(server)
        label = "this action, in the image's interpreter"
        return registering(Contestant(OURS_IN_IMAGE, label, self.python(_ENTRYPOINT), env, workspace), server)

    def step(self, server: Server) -> tuple[dict[str, str], Path]:
        """Give the variables of the plain use, with paths as the image sees them."""
        folder = self.root / _PLACE
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        env, workspace = step(folder, inputs(server))
        shutil.copy(server.ca, workspace / "ca.pem")
        event = shutil.copy(env["GITHUB_EVENT_PATH"], folder / f"{EVENT}.json")
        env["GITHUB_EVENT_PATH"] = str(event)
        below = str(self.root)
        return {name: value.removeprefix(below) for name, value in env.items()}, workspace

    def start(self, count: int = 5) -> dict[str, float]:
        """Time a container of this image that does nothing: the runtime's own start and end, and the interpreter's."""
        idle = [self.engine, "run", "--rm", "--entrypoint", _PYTHON, self.name, *FLAGS, "-c", "pass"]
        found = []
        for _ in range(count):
            began = perf_counter()
            subprocess.run(idle, check=True, capture_output=True, timeout=120)
            found.append(perf_counter() - began)
        return {"container_ms": round(median(found) * 1000, 1)}


def find(name: str, folder: Path) -> Image | str:
    """Lay the image out in a folder, or say why not."""
    if os.geteuid():
        return "only root can run an interpreter in the image's own file system"
    for engine in filter(None, map(shutil.which, ("docker", "podman"))):
        if subprocess.run([engine, "image", "inspect", name], capture_output=True, check=False).returncode:
            continue
        made = subprocess.run([engine, "create", name], capture_output=True, text=True, check=True).stdout.strip()
        archive = folder / "image.tar"
        try:
            subprocess.run([engine, "export", "--output", str(archive), made], check=True, capture_output=True)
        finally:
            subprocess.run([engine, "rm", made], check=False, capture_output=True)
        root = folder / "image"
        with tarfile.open(archive) as opened:
            opened.extractall(root, filter="fully_trusted")
        archive.unlink()
        shutil.copy("/etc/hosts", root / "etc")  # as every runtime puts one there
        return Image(engine, name, root)
    return f"there is no image {name} here: build it by `docker build -t {name} .`"


def version(image: Image) -> str:
    """Give the version of the image's Python."""
    code = "import platform; print(platform.python_version())"
    done = subprocess.run(image.python("-c", code), capture_output=True, text=True, check=True, env={}, timeout=60)
    return done.stdout.strip()


def own_version() -> str:
    """Give the version of this Python."""
    return ".".join(map(str, sys.version_info[:3]))
