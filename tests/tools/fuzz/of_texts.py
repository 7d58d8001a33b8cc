"""Targets: what is made of foreign texts where people and the runner read them."""

import html
import io
import json
import re
from hashlib import sha256
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

from drawing import TOKEN, Draw, Target, plain, same
from dx_action import text
from dx_action.inputs.arguments import as_flags
from dx_action.report.outputs import LISTS
from dx_action.runner.commands import Workflow
from dx_action.runner.console import Console, Terminal
from dx_action.secrecy import Secret, Secrets
from gfm import check_summary
from runner import read_command, read_lines, read_outputs

_SECRETS = Secrets([Secret("the text of `dx-token`", TOKEN)])
_LEVELS: tuple[Any, ...] = ("error", "warning", "notice")
_OUTPUTS = ("status", "reason", "requests", "results", "services")
_COLOURS = re.compile("\x1b\\[(?:1;3[136]m|0m|K)|\r")


def shown(data: bytes) -> None:
    """Nothing that is shown commands or hides anything, or leaves its place in a table."""
    given = data.decode(errors="surrogateescape")
    line = plain(text.one_line(given))
    assert text.one_line(line) == line
    for write in (text.code, text.escaped, text.attribute):
        found = plain(write(given))
        assert html.unescape(re.sub("</?(?:code|span)>", "", found)) == line
        assert "|" not in found
    assert html.unescape(plain(text.attribute(given))) == line
    plain(text.markdown(given))
    plain(text.join_names(given.split("\n"), 3))
    assert len(text.truncate(given, 20)) <= 20
    page = check_summary(
        f"{text.markdown(given)}\n\n<table><tr><td>{text.code(given)}</td><td>{text.escaped(given)}</td></tr></table>\n\n"
        f"- {text.escaped(given)}\n"
    )
    assert [len(row) for row in page.rows] == [2]


def parsed(data: bytes) -> None:
    """JSON is read as Python reads it, unless it is nested too deeply; and is written as one line that means the same."""
    try:
        found = text.parse_json(data)
    except text.TooDeepError:
        assert data.count(b"[") + data.count(b"{") > text.DEEPEST
        return
    except ValueError:
        try:
            json.loads(data)
        except (ValueError, RecursionError):
            return
        raise AssertionError("json reads it") from None
    assert same(found, json.loads(data))
    line = text.json_line(json.dumps(found, ensure_ascii=False))
    assert text.one_line(line) == plain(line[:10_000]) + line[10_000:]
    assert same(json.loads(line), found)


class _Files:
    """The runner's files of a step, anew for each run."""

    def __init__(self) -> None:
        self._folder = Path(mkdtemp())

    def env(self) -> dict[str, str]:
        names = ("GITHUB_OUTPUT", "GITHUB_STEP_SUMMARY")
        for name in names:
            (self._folder / name).write_bytes(b"")
        return {name: str(self._folder / name) for name in names} | {"RUNNER_DEBUG": "1"}


_FILES = _Files()


def log(data: bytes) -> None:
    """The runner sees the commands that were written, in number and kind, and reads each output as it was."""
    draw, stream, env = Draw(data), io.StringIO(), _FILES.env()
    workflow = Workflow(stream, env, lambda: f"end-{sha256(data).hexdigest()}", _SECRETS)
    expected, outputs = list[str](), dict[str, str]()
    while draw.left:
        match draw.number(5):
            case 0:
                workflow.say(draw.text())
            case 1:
                workflow.debug(draw.text())
                expected.append("debug")
            case 2:
                workflow.group(draw.text(), [draw.text(), draw.text()])
                expected += ["group", "endgroup"]
            case 3:
                level = draw.pick(_LEVELS)
                workflow.annotate(level, draw.text(), draw.text())
                expected.append(level)
            case 4:
                outputs[draw.pick(_OUTPUTS)] = draw.text()
            case 5:
                workflow.progress(draw.text(), draw.number(9) - 1)
    workflow.set_outputs(outputs)
    written = stream.getvalue()
    lines = read_lines(written)
    found = [command for line in lines if (command := read_command(line))]
    assert [command.name for command in found] == expected
    assert all(line.startswith("::") for line in lines if read_command(line))
    assert all(command.properties.keys() <= {"title"} for command in found)
    for line in lines:
        plain(line[2:] if read_command(line) else line)
    there = read_outputs(Path(env["GITHUB_OUTPUT"]).read_bytes().decode())
    wanted = {name: workflow.scrubbed(value) for name, value in outputs.items()}
    assert there == {name: value.encode(errors="backslashreplace").decode() for name, value in wanted.items()}
    assert TOKEN not in written + "".join(there.values())


def console(data: bytes) -> None:
    """A terminal gets lines and our own colours alone; who reads JSON gets one object."""
    draw, stream, out = Draw(data), io.StringIO(), io.StringIO()
    terminal = Terminal(draw.pick((0, 20, 80)), bool(draw.number(1)), bool(draw.number(1)))
    found = Console(stream, _SECRETS, terminal, as_flags, debugging=True, outputs=out, lists=LISTS)
    outputs = dict[str, str]()
    while draw.left:
        match draw.number(4):
            case 0:
                found.say(draw.text())
            case 1:
                found.group(draw.text(), [draw.text()])
            case 2:
                found.annotate(draw.pick(_LEVELS), "", draw.text())
            case 3:
                outputs[draw.pick(_OUTPUTS)] = draw.text()
            case 4:
                found.progress(draw.text(), draw.number(9) - 1)
    found.set_outputs(outputs)
    for line in _COLOURS.sub("", stream.getvalue()).split("\n"):
        plain(line)
    (written,) = out.getvalue().splitlines()
    assert json.loads(written).keys() == outputs.keys()
    assert TOKEN not in stream.getvalue() + json.dumps(json.loads(written), ensure_ascii=False)


def words(data: bytes) -> None:
    """A message in the command line's words is one still, and not much longer."""
    given = text.one_line(data.decode(errors="replace"))
    found = plain(as_flags(given))
    assert len(found) <= 2 * len(given) + 10


_SAID = b"::error::x\n\r##[set-output name=a]b\x1b[31m| a `b` @c #1 https://x $y$ <b>"
TARGETS = {
    "shown": Target(shown, (_SAID, b"`service: web` is **it** [a](b) :tada: 0123456789abcdef gh-12", b"- 1. + =")),
    "parsed": Target(
        parsed,
        (b'{"a": ["\\ud83d\\ude00", "\xc2\x85##[x]", 1.5e300, NaN]}', b"[" * 101 + b"]" * 101, b'\xff\xfe"\0a\0"\0'),
    ),
    "log": Target(
        log,
        (
            b"\0\5::err\1\3abc\2\4##[x\3a\rb\2cd\3\1\7title:,\3a%b\4\1\3EOF\5\2ab\1",
            b"\4\0\x20" + TOKEN.encode() + b"\3\0\2ab\x20\n::error::" + TOKEN.encode(),
        ),
    ),
    "console": Target(console, (b"\1\1\1\0\5\x1b[31m\1\2ab\5a\r\nbc\2\1\x09`dx-token\3\2\2[]\4\3abc\5", _SAID)),
    "words": Target(
        words, (b"`dx-token` is missing: write `service: web`, from input service-map, the workspace", b"{")
    ),
}
