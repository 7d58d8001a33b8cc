"""What the command line writes: plain lines off a terminal; wrapped, coloured and with a bar on one; never a secret."""

import io
import json
from collections.abc import Sequence

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from dx_action.errors import Level
from dx_action.runner.console import Console, Terminal
from dx_action.secrecy import Secret, Secrets
from dx_action.text import one_line
from hostile import TEXT
from runner import read_command, read_lines

TOKEN = "dx-token-5f1c0a9e7b3d4826"
SECRETS = Secrets([Secret("it", TOKEN)])
LEVELS: tuple[Level, ...] = ("error", "warning", "notice")
PLAIN = Terminal()
WIDE = Terminal(30, colours=True, draws=True)
BAD = "Nothing was sent: 1 problem.\n`--service` has a comma in it."


def console(
    terminal: Terminal = PLAIN, *, lists: Sequence[str] = (), **more: bool
) -> tuple[Console, io.StringIO, io.StringIO]:
    log, outputs = io.StringIO(), io.StringIO()
    return Console(log, SECRETS, terminal, str, outputs=outputs, lists=lists, **more), log, outputs


@given(st.sampled_from(LEVELS), TEXT)
@example("error", "::error::x\n##[error]y\r::set-output name=a::z 100%0A\x1b[31m")
def test_nothing_commands_a_runner_or_a_terminal(level: Level, text: str) -> None:
    written, log, _ = console(debugging=True)
    written.say(text)
    written.debug(text)
    written.group(text, [text])
    written.annotate(level, text, text)
    written.progress(text, 0.5)
    written.add_summary(text)
    assert [line for line in read_lines(log.getvalue()) if read_command(line)] == []
    assert log.getvalue().replace("\n", "").isprintable() or one_line(
        log.getvalue().replace("\n", "")
    ) == log.getvalue().replace("\n", "")


@given(st.sampled_from(LEVELS), TEXT)
@example("error", f"{'x' * 30} ::error::y ##[error]z {'x' * 30} ##[error]z")
def test_no_line_of_a_narrow_terminal_commands_a_runner(level: Level, text: str) -> None:
    written, log, _ = console(Terminal(20))
    written.annotate(level, "", text)
    assert [line for line in read_lines(log.getvalue()) if read_command(line)] == []


def test_off_a_terminal_lines_are_whole_and_plain() -> None:
    written, log, outputs = console()
    written.say()
    written.say("  repository  acme/shop")
    written.debug("unseen")
    written.group("Not sent", ["POST /api", "{}"])
    for level in LEVELS:
        written.annotate(level, "DX deployment", f"{BAD} {'x' * 200}")
    written.progress("1 of 2 sent", 0.5)
    written.add_summary("# Unseen")
    said = [f"Nothing was sent: 1 problem.\n  `--service` has a comma in it. {'x' * 200}\n"] * 3
    expected = "".join(f"{level}: {text}" for level, text in zip(LEVELS, said, strict=True))
    assert log.getvalue() == f"\n  repository  acme/shop\nNot sent:\n  POST /api\n  {{}}\n{expected}1 of 2 sent\n"
    assert outputs.getvalue() == ""
    assert written.progress_seconds == 5


def test_debugging_shows_more() -> None:
    written, log, _ = console(debugging=True)
    written.debug(f"POST {TOKEN}")
    assert log.getvalue() == "debug: POST ***\n"


def test_on_a_terminal_messages_are_wrapped_and_coloured() -> None:
    written, log, _ = console(WIDE)
    written.say(f"  {'data ' * 20}")
    written.annotate("error", "", BAD)
    written.annotate("warning", "", "short")
    written.annotate("notice", "", "short")
    assert log.getvalue().splitlines()[1:] == [
        "\x1b[1;31merror:\x1b[0m Nothing was sent: 1",
        "  problem.",
        "  `--service` has a comma in",
        "    it.",
        "\x1b[1;33mwarning:\x1b[0m short",
        "\x1b[1;36mnotice:\x1b[0m short",
    ]
    assert log.getvalue().splitlines()[0] == f"  {'data ' * 20}"


@pytest.mark.parametrize("width", [1, 20, 31, 80])
def test_wrapping_loses_no_word(width: int) -> None:
    written, log, _ = console(Terminal(width))
    text = f"{BAD} https://acme.getdx.net/a/very/long/address {'word ' * 30}"
    written.annotate("error", "", text)
    assert log.getvalue().split() == ["error:", *text.split()]
    assert all(len(line) <= max(width, 20) or " " not in line.strip() for line in log.getvalue().splitlines())


def test_a_bar_stays_below_the_log() -> None:
    written, log, _ = console(Terminal(60, draws=True))
    assert written.progress_seconds == 0.5
    written.progress("1 of 4 sent", 0.25)
    written.progress(f"3 of 4 sent {TOKEN}", 0.75)
    written.say("a line")
    written.say("another")
    clear = "\r\x1b[K"
    assert log.getvalue() == (
        f"{clear}[######------------------] 1 of 4 sent{clear}[##################------] 3 of 4 sent ***{clear}a line\nanother\n"
    )


@pytest.mark.parametrize(("share", "done"), [(-1, 0), (0, 0), (0.5, 12), (1, 24), (2, 24)])
def test_a_bar_is_never_wider_than_the_terminal(share: float, done: int) -> None:
    for width in (1, 10, 40, 200):
        written, log, _ = console(Terminal(width, draws=True))
        written.progress("1,000 of 4,000 sent, 0 failed, 7.0 a second", share)
        line = log.getvalue().removeprefix("\r\x1b[K")
        assert len(line) <= max(width - 1, 1)
    assert line == f"[{'#' * done}{'-' * (24 - done)}] 1,000 of 4,000 sent, 0 failed, 7.0 a second"


def test_the_outputs_are_one_object_in_ascii() -> None:
    """An array that hiding a secret has broken stays text, so that the object can be read."""
    log, outputs = io.StringIO(), io.StringIO()
    secrets = Secrets([Secret("it", TOKEN), Secret("a pathological one", 'abcd"]')])
    lists = ("services", "results", "reference-ids")
    written = Console(log, secrets, PLAIN, str, outputs=outputs, lists=lists)
    deep = "[" * 100 + f'"{TOKEN}"' + "]" * 100
    values = {"status": "failed", "reason": f"a\u0085 {TOKEN}", "services": '["w\u202eb"]', "results": deep}
    written.set_outputs(values | {"reference-ids": '["abcd"]'})
    assert outputs.getvalue().isascii()
    assert outputs.getvalue().count("\n") == 1
    found = json.loads(outputs.getvalue())
    assert found.pop("results")[0][0][0]
    assert found == {"status": "failed", "reason": "a\u0085 ***", "services": ["w\u202eb"], "reference-ids": '["***'}
    assert TOKEN not in outputs.getvalue()
    assert log.getvalue() == ""


def test_the_reason_names_flags() -> None:
    outputs = io.StringIO()
    written = Console(io.StringIO(), SECRETS, Terminal(), str.upper, outputs=outputs, lists=())
    written.set_outputs({"reason": "why", "repository": "acme/shop"})
    assert json.loads(outputs.getvalue()) == {"reason": "WHY", "repository": "acme/shop"}


def test_our_messages_in_the_lists_name_flags() -> None:
    """DX's own words stay as they are, and hiding a secret may break anything."""
    outputs = io.StringIO()
    lists = {
        "checks": [{"name": "inputs", "outcome": "ok", "message": "good"}],
        "results": [{"error": "no_answer", "message": "why"}, {"error": "no_repo", "message": "why"}],
        "requests": [{"message": "why"}],
    }
    texts = {name: json.dumps(value) for name, value in lists.items()}
    for secrets in (SECRETS, Secrets([Secret("it", "message")])):
        written = Console(io.StringIO(), secrets, Terminal(), str.upper, outputs=outputs, lists=tuple(lists))
        written.set_outputs(texts)
    worded, broken = map(json.loads, outputs.getvalue().splitlines())
    assert worded == {
        "checks": [{"name": "inputs", "outcome": "ok", "message": "GOOD"}],
        "results": [{"error": "no_answer", "message": "WHY"}, {"error": "no_repo", "message": "why"}],
        "requests": [{"message": "why"}],
    }
    assert broken["checks"] == [{"name": "inputs", "outcome": "ok", "***": "good"}]


def test_the_lines_of_a_message_are_worded_before_they_are_indented() -> None:
    log = io.StringIO()
    written = Console(log, SECRETS, PLAIN, lambda text: text if text.startswith(" ") else text.upper())
    written.annotate("error", "", "one\ntwo")
    written.say("  three")
    assert log.getvalue() == "error: ONE\n  TWO\n  three\n"


class Closed(io.StringIO):
    """A log whose reader has gone."""

    def write(self, _text: str) -> int:
        raise BrokenPipeError


def test_a_log_that_nobody_reads_stops_nothing() -> None:
    written = Console(Closed(), SECRETS, WIDE, str)
    written.say("a")
    written.annotate("error", "", "a")
    written.progress("a", 0)
    written.set_outputs({"status": "failed"})


def test_outputs_that_cannot_be_written_are_no_secret() -> None:
    closed = io.StringIO()
    closed.close()
    for outputs in (Closed(), closed):
        with pytest.raises(OSError, match=r"^$"):
            Console(io.StringIO(), SECRETS, PLAIN, str, outputs=outputs).set_outputs({"status": "failed"})
