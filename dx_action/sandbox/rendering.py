"""A step's log and its summary, as a terminal can show what GitHub's pages show.

The runner's commands and the summary's Markdown are read here. Pure: the function that takes the lines is handed in.
"""

import html
import re
from collections.abc import Callable, Iterator

_COMMAND = re.compile(r"\s*::([a-z-]+)(?: [^:]*)?::(.*)")
_ESCAPED = {"%25": "%", "%0D": "\r", "%0A": "\n"}
_LEVELS = {"error": ("Error", 31), "warning": ("Warning", 33), "notice": ("Notice", 36)}
_BOLD = 1
_LINK = re.compile(r'<a href="([^"]*)">(.*?)</a>')
_TAG = re.compile(r"</?[a-z][^>]*>")
_CELL = re.compile(r"<t[dh][^>]*>(.*?)</t[dh]>")
_TABLE = ("<table>", "</table>")
_MARKER = re.compile(r"^(?:#+ |> \[![A-Z]+\]$|> ?)")
_FENCE = re.compile(r"(`{3,})\w*")


class Screen:
    """Where the lines go. `colour` puts them in ANSI colours."""

    def __init__(self, write: Callable[[str], object], *, colour: bool) -> None:
        self._write, self._colour = write, colour

    def say(self, text: str = "", paint: int = 0) -> None:
        """Show a text, of several lines perhaps."""
        for line in text.split("\n"):
            painted = paint and self._colour and line
            self._write(f"\x1b[{paint}m{line}\x1b[0m\n" if painted else f"{line}\n")

    def title(self, text: str) -> None:
        """Show a heading."""
        self.say(text, _BOLD)


class ActionsLog:
    """A step's log: commands are obeyed and not shown, groups are open, secrets are ***."""

    def __init__(self, screen: Screen) -> None:
        self._screen = screen
        self._secrets: set[str] = set()
        self._indent = ""

    def hear(self, line: str) -> None:
        """Take a line as the step wrote it."""
        command = _COMMAND.fullmatch(line)
        if command is None:
            self._show(line)
            return
        name, text = command[1], re.sub("%(?:25|0D|0A)", lambda found: _ESCAPED[found[0]], command[2])
        match name:
            case "add-mask":
                self._secrets |= {part.strip() for part in text.splitlines() if part.strip()}
            case "group":
                self.begin(text)
            case "endgroup":
                self.end()
            case "error" | "warning" | "notice":
                word, paint = _LEVELS[name]
                self._show(f"{word}: {text}", paint)
            case "debug":
                pass
            case _:
                self._show(line)

    def begin(self, title: str) -> None:
        """Open a group."""
        self.end()
        self._show(f"▼ {title}", _BOLD)
        self._indent = "  "

    def end(self) -> None:
        """Close the group."""
        self._indent = ""

    def _show(self, text: str, paint: int = 0) -> None:
        for secret in sorted(self._secrets, key=len, reverse=True):
            text = text.replace(secret, "***")
        self._screen.say("\n".join(self._indent + line for line in text.split("\n")), paint)


def summary_lines(markdown: str) -> Iterator[str]:
    """Yield the summary as plain text: a line for each cell of a table, and no two blank lines in a row."""
    last = ""
    for line in _lines(markdown):
        if line or last:
            yield line
        last = line


def _lines(markdown: str) -> Iterator[str]:
    heads: list[str] = []
    fence, chart = "", False
    for line in markdown.splitlines():
        opening = _FENCE.fullmatch(line)
        if fence or opening:
            if not fence and opening:
                fence, chart = opening[1], line.endswith("mermaid")
                if chart:
                    yield "    (a chart)"
            elif line == fence:
                fence = ""
            elif not chart:
                yield f"    {line}"
        elif line.startswith("<tr><th>"):
            heads = [_plain(cell) for cell in _CELL.findall(line)]
        elif line.startswith("<tr>"):
            cells = [_plain(cell) for cell in _CELL.findall(line)]
            width = max(map(len, heads))
            yield from (f"  {head:<{width}}  {cell}" for head, cell in zip(heads, cells, strict=False))
        elif line not in _TABLE:
            yield _plain(_MARKER.sub("", line))


def _plain(text: str) -> str:
    """Return a line without its tags and entities; a link shows where it leads."""
    return html.unescape(_TAG.sub("", _LINK.sub(r"\2: \1", text))).strip()
