"""The event fixtures: a webhook payload each, and the runner's variables beside it."""

import json
from functools import cache
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parents[1] / "data" / "events"
NAMES: tuple[str, ...] = tuple(sorted(file.stem for file in FOLDER.glob("*.json")))


def path(name: str) -> Path:
    """Where the payload lies: what the runner would put into GITHUB_EVENT_PATH."""
    return FOLDER / f"{name}.json"


def load(name: str) -> tuple[dict[str, str], dict[str, Any]]:
    """Read the runner's variables and the payload, fresh for every caller."""
    lines, text = _texts(name)
    payload: dict[str, Any] = json.loads(text)
    return dict(line.split("=", 1) for line in lines), payload


@cache
def _texts(name: str) -> tuple[list[str], str]:
    file = path(name)
    return file.with_suffix(".env").read_text(encoding="utf-8").splitlines(), file.read_text(encoding="utf-8")
