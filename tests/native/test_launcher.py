"""The start without a container: inputs from one JSON text, paths of every system, and what is said if nothing can run."""

import io
import json
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from environment import Environment, Unusable
from launcher import action_path, main, read_inputs, variables
from runner import TOKEN, read_command, read_lines, read_outputs

LINUX, WINDOWS = "/home/runner/work/shop/shop", r"D:\a\shop\shop"


@pytest.mark.parametrize(
    ("text", "inputs"),
    [
        ("{}", {}),
        ('{"service": "a\\ud800b"}', {"service": "a?b"}),
        ('{"a\\ud800b": "c"}', {"a?b": "c"}),
        ('{"service": "web", "timeout": null}', {"service": "web", "timeout": ""}),
        ('{\n  "metadata": "a: 1\\nb: \\u2603"\n}', {"metadata": "a: 1\nb: ☃"}),
    ],
)
def test_the_inputs_are_one_json_object(text: str, inputs: dict[str, str]) -> None:
    assert read_inputs(text) == inputs


@pytest.mark.parametrize(
    "text",
    [
        *("", "x", "[]", '"a"', "null", "{", '{"a": 1}', '{"a": {}}', "[" * 100_000, '{"a":' * 100_000),
        *('{"a": "b\\u0000"}', '{"a\\u0000": "b"}', '{"a=b": "c"}', '{"=": "c"}'),
    ],
    ids=lambda text: text[:20],
)
def test_anything_else_is_no_inputs(text: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - its text is not shown
        read_inputs(text)


def test_the_variables_are_those_of_a_container() -> None:
    inputs = {"dx-token": " t ", "a b": "1", "failed-file": f"{LINUX}/out/x.jsonl", "service": f"{LINUX}/x"}
    assert variables(inputs, LINUX, windows=False) == {
        "INPUT_DX-TOKEN": " t ",
        "INPUT_A_B": "1",
        "INPUT_FAILED-FILE": "out/x.jsonl",
        "INPUT_SERVICE": f"{LINUX}/x",
    }


@pytest.mark.parametrize(
    ("text", "workspace", "expected"),
    [
        ("out/failed.jsonl", LINUX, "out/failed.jsonl"),
        (f"{LINUX}/out/failed.jsonl", LINUX, "out/failed.jsonl"),
        (f" {LINUX}/out/ ", LINUX, "out/"),
        (f"{LINUX}/../other/x", LINUX, "../other/x"),
        ("/etc/passwd", LINUX, "/etc/passwd"),
        (f"{LINUX}2/x", LINUX, f"{LINUX}2/x"),
        ("/etc/passwd", "", "/etc/passwd"),
        (r"out\failed.jsonl", LINUX, r"out\failed.jsonl"),
        ("web: apps/**", LINUX, "web: apps/**"),
        ("", LINUX, ""),
        (" ", LINUX, " "),
        (r"out\failed.jsonl", WINDOWS, "out/failed.jsonl"),
        ("out/failed.jsonl", WINDOWS, "out/failed.jsonl"),
        (r"D:\a\shop\shop\out\failed.jsonl", WINDOWS, "out/failed.jsonl"),
        (r"d:\A\Shop\shop\out\failed.jsonl", WINDOWS, "out/failed.jsonl"),
        ("D:/a/shop/shop/out/failed.jsonl", WINDOWS, "out/failed.jsonl"),
        ("out\\", WINDOWS, "out/"),
        (r"..\x", WINDOWS, "../x"),
        (r"C:\Windows\x", WINDOWS, "/C:/Windows/x"),
        (r"\\server\share\x", WINDOWS, "/server/share/x"),
        (r"C:x", WINDOWS, r"C:x"),
        ("web: apps/**", WINDOWS, "web: apps/**"),
        ("web: apps/**\napi: [api\\**]", WINDOWS, "web: apps/**\napi: [api\\**]"),
        ("", WINDOWS, ""),
    ],
)
def test_a_path_of_this_system_is_one_of_the_action_s(text: str, workspace: str, expected: str) -> None:
    assert action_path(text, workspace, windows=workspace == WINDOWS) == expected


def failed(
    tmp_path: Path, make: Callable[..., Environment], inputs: Mapping[str, str] | str, **env: str
) -> tuple[object, list[str], dict[str, str]]:
    """Return the exit code, the log and the outputs of a start that fails."""
    output = tmp_path / "output"
    output.touch()
    stream = io.StringIO()
    handed = inputs if isinstance(inputs, str) else json.dumps(inputs)
    code = main({"GITHUB_OUTPUT": str(output), **env}, handed, stream, make)
    return code, list(read_lines(stream.getvalue())), read_outputs(output.read_text())


@pytest.mark.parametrize(
    ("kind", "setting", "code", "level"),
    [
        ("hash", "", 1, "error"),
        ("hash", "true", 1, "error"),
        ("hash", "except-outages", 1, "error"),
        ("hash", " False ", 0, "warning"),
        ("network", "true", 1, "error"),
        ("network", "Except-Outages", 0, "warning"),
        ("time", "except-outages", 0, "warning"),
        ("certificate", "except-outages", 1, "error"),
        ("refused", "except-outages", 1, "error"),
    ],
)
def test_fail_on_error_decides_of_a_start_too(tmp_path: Path, kind: str, setting: str, code: int, level: str) -> None:
    def make(*_: object) -> Environment:
        raise Unusable(kind)  # type: ignore[arg-type]

    found, log, outputs = failed(tmp_path, make, {"dx-token": TOKEN, "fail-on-error": setting})
    *masks, command = map(read_command, log)
    assert command
    assert [mask and mask.name for mask in masks] == ["add-mask"]  # and no group of what pip did not write
    assert (found, command.name, outputs["status"]) == (code, level, "failed")
    assert outputs["reason"] == command.data == f"{Unusable(kind)} Nothing was sent to DX."  # type: ignore[arg-type]


def test_what_pip_wrote_commands_nothing_and_tells_no_secret(tmp_path: Path) -> None:
    lines = ["::error::x", "##[add-mask]y", "a\r::stop-commands::z", f"from {TOKEN} or s3cret-word", "\x1b[31mred"]

    def make(*_: object) -> Environment:
        raise Unusable("failed", lines)

    proxy = "http://someone:s3cret-word@proxy:3128"
    _, log, _ = failed(tmp_path, make, {"dx-token": f"Bearer {TOKEN}"}, HTTPS_PROXY=proxy)
    names = [command.name if (command := read_command(line)) else "" for line in log]
    assert names == ["add-mask", "add-mask", "group", "", "", "", "", "", "endgroup", "error"]
    assert f"::add-mask::{TOKEN}" in log[:2]
    assert TOKEN not in "\n".join(log[2:])
    assert "s3cret-word" not in "\n".join(log)
    assert "\x1b" not in "\n".join(log)


def test_a_cancelled_start_says_so(tmp_path: Path) -> None:
    def make(*_: object) -> Environment:
        raise KeyboardInterrupt

    code, log, outputs = failed(tmp_path, make, {"dx-token": TOKEN})
    assert (code, outputs["status"]) == (1, "failed")
    assert outputs["reason"].startswith("The job was cancelled while")
    assert TOKEN not in "\n".join(log[1:])


def test_without_inputs_nothing_runs(tmp_path: Path) -> None:
    def make(*_: object) -> Environment:
        raise AssertionError

    code, log, outputs = failed(tmp_path, make, f'["{TOKEN}"]')
    assert (code, outputs["status"]) == (1, "failed")
    assert "DX_ACTION_INPUTS" in outputs["reason"]
    assert TOKEN not in "\n".join(log)
