"""Whatever a text says: the log, the outputs and the summary get it as it was meant, and nothing in it commands the runner."""

import html
import io
from collections.abc import Mapping
from itertools import count
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from dx_action.errors import Level
from dx_action.report import summary
from dx_action.report.outputs import outputs
from dx_action.runner.commands import Workflow
from dx_action.secrecy import NO_SECRETS, Secret, Secrets
from dx_action.text import code, escaped, markdown, one_line
from hostile import TEXT
from runner import read_command, read_lines, read_outputs

LEVELS: tuple[Level, ...] = ("error", "warning", "notice")
many = settings(max_examples=300, deadline=None)


def workflow(env: Mapping[str, str] | None = None, secret: str = "") -> tuple[Workflow, io.StringIO]:
    stream, numbers = io.StringIO(), count()
    return Workflow(stream, env or {}, lambda: f"end-{next(numbers)}", Secrets([Secret("it", secret)])), stream


def lines(stream: io.StringIO) -> tuple[str, ...]:
    return read_lines(stream.getvalue())


# The log.


@many
@given(TEXT)
def test_saying_something_says_it(text: str) -> None:
    flow, stream = workflow()
    flow.say(text)
    assert stream.getvalue() == one_line(text) + "\n"
    flow.debug(text)
    assert stream.getvalue() == one_line(text) + "\n"


@many
@given(st.sampled_from(LEVELS), TEXT, TEXT)
@example("error", "a, b: c=d", "::error::x\n##[error]y\r::error::z 100%0A")
def test_an_annotation_is_read_back_as_it_was_meant(level: Level, title: str, message: str) -> None:
    flow, stream = workflow()
    flow.annotate(level, f"<{title}>", message)
    (line,) = lines(stream)
    command = read_command(line)
    assert command is not None
    assert command.name == level
    assert command.data == "\n".join(map(one_line, message.split("\n")))
    assert command.properties == {"title": one_line(f"<{title}>")}


@many
@given(TEXT, TEXT)
def test_groups_and_debug_lines(title: str, text: str) -> None:
    flow, stream = workflow({"RUNNER_DEBUG": "1"})
    flow.debug(text)
    flow.group(title, [text])
    written = lines(stream)
    commands = [read_command(line) for line in written]
    assert written[2] == one_line(text)
    assert [(each and each.name, each and each.data) for each in commands] == [
        ("debug", one_line(text)),
        ("group", one_line(title)),
        (None, None),
        ("endgroup", ""),
    ]


def test_a_long_annotation_is_cut_by_us_and_not_by_github() -> None:
    flow, stream = workflow()
    flow.annotate("error", "t", "é\n" * 5000)
    command = read_command(lines(stream)[0])
    assert command is not None
    assert len(command.data) <= 4096
    assert command.data.endswith("…")


# The files.


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(values=st.dictionaries(st.sampled_from(list(outputs("", ""))), TEXT, min_size=1, max_size=4))
@example(values={"status": "end-0", "reason": "end-1\nx=y\nz<<end-2\n", "services": "\n", "results": "\r\n"})
def test_outputs_are_read_back_as_they_were_meant(tmp_path: Path, values: dict[str, str]) -> None:
    file = tmp_path / "output"
    file.write_bytes(b"before=1\n")
    stream = io.StringIO()
    flow = Workflow(
        stream, {"GITHUB_OUTPUT": str(file)}, (f"random-{number}" for number in count()).__next__, NO_SECRETS
    )
    flow.set_outputs(values)
    expected = {name: text.encode(errors="backslashreplace").decode() for name, text in values.items()}
    assert read_outputs(file.read_bytes().decode()) == {"before": "1"} | expected
    assert stream.getvalue() == ""


def test_every_output_has_a_delimiter_of_its_own(tmp_path: Path) -> None:
    file = tmp_path / "output"
    flow, _ = workflow({"GITHUB_OUTPUT": str(file)})
    flow.set_outputs({"a": "1", "b": "2"})
    assert file.read_text() == "a<<end-0\n1\nend-0\nb<<end-1\n2\nend-1\n"


def test_state_is_saved_as_outputs_are_and_without_secrets(tmp_path: Path) -> None:
    file = tmp_path / "state"
    flow = Workflow(
        io.StringIO(), {"GITHUB_STATE": str(file)}, lambda: "end", Secrets([Secret("a token", "secret-token")])
    )
    flow.save_state({"started": "1741089600", "refused": "secret-token"})
    assert read_outputs(file.read_text()) == {"started": "1741089600", "refused": "***"}
    with pytest.raises(OSError, match="No such file"):
        Workflow(io.StringIO(), {"GITHUB_STATE": "/nowhere/state"}, lambda: "end", NO_SECRETS).save_state({"a": "1"})


@pytest.mark.parametrize("text", ["x" * 3_000_000, "é" * 900_000, "🧪" * 400_000])
def test_a_summary_is_cut_before_github_drops_it(tmp_path: Path, text: str) -> None:
    file = tmp_path / "summary"
    flow, _ = workflow({"GITHUB_STEP_SUMMARY": str(file)})
    flow.add_summary(text)
    written = file.read_bytes()
    assert 900_000 < len(written) < 1024 * 1024
    assert written.decode().endswith("(cut)\n")


def test_a_summary_is_appended(tmp_path: Path) -> None:
    file = tmp_path / "summary"
    flow, _ = workflow({"GITHUB_STEP_SUMMARY": str(file)})
    flow.add_summary("one\n")
    flow.add_summary("two\n")
    assert file.read_text() == "one\ntwo\n"


# Secrets.

# Without what the scrubbing itself writes, and with a beginning that no word of ours has.
SECRETS = st.text(st.characters(min_codepoint=0x21, max_codepoint=0x7E, exclude_characters="*")).map("Zq9_{}".format)
PLAIN = st.text(st.characters(min_codepoint=0x20, max_codepoint=0x7E), max_size=20)


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(secret=SECRETS, before=PLAIN, after=PLAIN, level=st.sampled_from(LEVELS))
@example(secret="::00", before="", after="", level="error")
@example(secret="Zq9_%0", before="", after="", level="error")
@example(secret='a_b"c\\d&e', before="", after="", level="error")
def test_a_masked_secret_leaves_nowhere(tmp_path: Path, secret: str, before: str, after: str, level: Level) -> None:
    files = {name: str(tmp_path / name) for name in ("GITHUB_OUTPUT", "GITHUB_STEP_SUMMARY")}
    for file in files.values():
        Path(file).write_bytes(b"")
    flow, stream = workflow(files | {"RUNNER_DEBUG": "1"}, secret)
    flow.mask(secret)
    (line,) = lines(stream)
    command = read_command(line)
    assert command is not None
    assert (command.name, command.data) == ("add-mask", secret)
    stream.truncate(0)
    stream.seek(0)
    text = f"{before} {secret} {after}"
    flow.say(text)
    flow.debug(text)
    flow.group(text, [text])
    flow.annotate(level, text, text)
    flow.set_outputs({"status": text})
    prose = "\n".join(written(each) for written in (markdown, code, escaped) for each in (text, f"1{secret}2"))
    flow.add_summary(f"{prose}\n{summary._fence([text], 'text')}")
    commands = [read_command(each) for each in lines(stream)]
    shown = [each.data if each else told for each, told in zip(commands, lines(stream), strict=True)]
    shown.remove("")  # the end of the group
    shown += [title for each in commands if each for title in each.properties.values()]
    shown += [html.unescape(Path(file).read_text()) for file in files.values()]
    ours = "".join(shown).replace(before, "").replace(after, "")
    assert secret not in ours
    assert all("***" in each for each in shown)


@pytest.mark.parametrize("secret", ["", " ", "\n"])
def test_nothing_is_no_secret(secret: str) -> None:
    flow, stream = workflow(secret=secret)
    flow.mask(secret)
    flow.say("all is well")
    assert stream.getvalue() == "all is well\n"


def test_a_secret_of_several_lines_is_hidden_line_by_line() -> None:
    secret = "first-half\nsecond-half\r\nthird-part"
    flow, stream = workflow(secret=secret)
    flow.mask(secret)
    assert stream.getvalue() == "::add-mask::first-half%0Asecond-half%0D%0Athird-part\n"
    flow.say("first-half, then second-half, then third-part")
    assert lines(stream)[-1] == "***, then ***, then ***"


def test_a_secret_that_is_no_text_is_no_reason_to_break() -> None:
    flow, stream = workflow(secret="half-a-secret\udcff")
    flow.mask("half-a-secret\udcff")
    flow.say("half-a-secret\udcff")
    assert "half-a-secret" not in lines(stream)[-1]
