"""An oracle for secrets: whether any part of one can be read in what a run leaves. It leans on nothing of the action's."""

import html
import json
import re
from base64 import b64decode
from collections.abc import Iterator
from functools import lru_cache
from urllib.parse import unquote

from runner import Run

# Holds what JSON, HTML, Markdown, URLs and the runner each write in another way.
SECRET = 'tok_9f"zQ\\w7&K2<m4|R8%41`v5*g_J3=p6/x1'
PIECE = 8
_BASE64 = re.compile(r"[A-Za-z0-9+/_-]{8,}")
_ESCAPE = re.compile(r'\\(?:u([0-9a-fA-F]{4})|(["\\/]))')


def shown(run: Run) -> dict[str, str]:
    """Give everything that anyone may read: the runner itself keeps what `::add-mask::` names."""
    places = {
        "log": "\n".join(line for line in run.lines if not line.startswith("::add-mask::")),
        "outputs": run.raw_outputs,
        "summary": run.summary,
    }
    files = (file for file in run.workspace.rglob("*") if file.is_file() and file.suffix in {"", ".jsonl", ".csv"})
    return places | {str(file): file.read_text(errors="replace") for file in files if ".git" not in file.parts}


def leaks(run: Run, secret: str = SECRET) -> dict[str, set[str]]:
    """Give the pieces of the secret that can be read somewhere, however they are written there."""
    pieces = pieces_of(secret)
    found: dict[str, set[str]] = {}
    for place, text in shown(run).items():
        if seen := {piece for reading in readings(text) for piece in pieces if piece in reading}:
            found[place] = seen
    return found


def pieces_of(secret: str) -> set[str]:
    return {secret[start : start + PIECE] for start in range(max(len(secret) - PIECE, 0) + 1)}


def can_be_read(text: str, secret: str = SECRET) -> bool:
    """Say whether the whole secret stands in a text, however it is written there."""
    return any(secret in reading for reading in readings(text))


@lru_cache(maxsize=8)  # each text of a run is searched for several secrets
def readings(text: str) -> frozenset[str]:
    """Give the text as it is, decoded up to three times in each way, and what is in base64 in any of these."""
    found = new = {text}
    for _ in range(3):
        new = {reading for each in new for reading in _decoded(each)} - found
        found |= new
    runs = {run for reading in found for run in _BASE64.findall(reading)}
    return frozenset(found).union(*map(_unpacked, runs))


def _decoded(text: str) -> Iterator[str]:
    if "&" in text:
        yield re.sub("</?span>", "", text)
    yield html.unescape(text)
    if "%" in text:
        yield unquote(text)
    if "\\" in text:
        yield _ESCAPE.sub(lambda escape: chr(int(escape[1], 16)) if escape[1] else escape[2], text)
    if '"' in text and "\\" not in text:
        yield json.dumps(text)


def _unpacked(run: str) -> Iterator[str]:
    plain = run.replace("-", "+").replace("_", "/")
    for start in range(4):
        whole = plain[start : start + (len(plain) - start) // 4 * 4]
        yield b64decode(whole).decode("latin-1")
        # What begins at no whole letter is read from the next one.
        rest = plain[start + len(whole) :]
        if len(rest) > 1:
            yield b64decode(whole + rest + "=" * (4 - len(rest))).decode("latin-1")
