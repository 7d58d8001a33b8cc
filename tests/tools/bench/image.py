"""Owns the image: its interpreter, run without a container around it, and the start of a container."""

import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from time import perf_counter

from bench.contestants import FLAGS
from bench.places import Place
from dx_action.inputs.job import Stage
from runner import ENTRY_FILES

OURS_IN_IMAGE = "image"
_PYTHON = "/opt/dx/bin/python"


@dataclass(frozen=True, slots=True)
class Image:
    """An image that this machine has, and its file system laid out in a folder."""

    engine: str
    name: str
    root: Path

    def place(self) -> Place:
        """The image's entry files, run in its own file system."""
        python = [shutil.which("chroot") or "chroot", str(self.root), _PYTHON, *FLAGS]
        entry_files: dict[Stage, str] = {stage: f"/opt/dx/{Path(name).name}" for stage, name in ENTRY_FILES.items()}
        label = "in the image's interpreter"
        return Place(OURS_IN_IMAGE, label, "the image", str(self.root), self.root / "bench", python, entry_files)

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
        root.mkdir()
        # Some Pythons 3.11 cannot be told that an archive is trusted, and later ones have to be.
        subprocess.run(["tar", "--extract", "--file", str(archive), "--directory", str(root)], check=True)
        archive.unlink()
        shutil.copy("/etc/hosts", root / "etc")  # as every runtime puts one there
        return Image(engine, name, root)
    return f"there is no image {name} here: build it by `docker build -t {name} .`"
