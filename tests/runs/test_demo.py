"""`make demo`: it shows what it promises, and is red where the action does otherwise."""

import io
import subprocess
import sys
from pathlib import Path

import pytest

from dx_action.sandbox import demo
from dx_action.sandbox.rendering import ActionsLog, Screen, summary_lines
from dx_action.sandbox.step import read_outputs, run_step

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def shown() -> str:
    command = [sys.executable, "-m", "dx_action.sandbox.demo"]
    done = subprocess.run(
        command, cwd=ROOT, capture_output=True, encoding="utf-8", env={"PYTHONUTF8": "1"}, timeout=60, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stderr == ""
    return done.stdout


@pytest.mark.parametrize(
    "essential",
    [
        "▼ Run your-org/dx-deployment-action",
        "dx-token: ***",
        "from pull_request.merge_commit_sha",
        "POST /api/deployments.create",
        '"commit_sha": "312c5c6455a5802d9eff8e65fbc68a516dd3a76d"',
        "status             registered",
        "✅ registered",
        "Attempt 2 for payments: HTTP 503. Trying again in ",
        "payments: already-registered (HTTP 422)",
        "#44: payments, web",
        "Round to cents everywhere",
        "payments: invalid_auth.",
        "(exit code 1)",
        "✓ All 15 promises hold.",
    ],
)
def test_the_demo_shows(shown: str, essential: str) -> None:
    assert essential in shown


def test_the_demo_shows_no_token_no_command_and_no_colour_in_a_file(shown: str) -> None:
    for foreign in (demo.TOKEN, demo.REVOKED, "::", "\x1b", "✗"):
        assert foreign not in shown


def test_the_demo_is_red_if_the_action_does_nothing(tmp_path: Path) -> None:
    entrypoint = tmp_path / "entrypoint.py"
    entrypoint.write_text("print('I did it all, honestly.')")
    stream = io.StringIO()
    assert demo.main(entrypoint, stream, colour=False) == 1
    assert "✗ DX has the merge commit, once" in stream.getvalue()
    assert "promises are broken: the step is green, with status registered; " in stream.getvalue()


def test_a_step_that_hangs_is_ended(tmp_path: Path) -> None:
    entrypoint = tmp_path / "entrypoint.py"
    entrypoint.write_text("print('here', flush=True)\nimport time\ntime.sleep(60)")
    heard: list[str] = []
    step = run_step(entrypoint, {}, {}, {}, heard.append, seconds=1)
    assert step.exit_code < 0
    assert heard == list(step.log) == ["here"]


def rendered(*lines: str, colour: bool = False) -> str:
    stream = io.StringIO()
    log = ActionsLog(Screen(stream.write, colour=colour))
    for line in lines:
        log.hear(line)
    return stream.getvalue()


@pytest.mark.parametrize(
    ("lines", "seen"),
    [
        (["plain"], "plain\n"),
        (["::add-mask::s3cret", "a s3cret b"], "a *** b\n"),
        (["::add-mask::one%0Atwo", "one, two"], "***, ***\n"),
        (["::group::Title", "inside", "::endgroup::", "outside"], "▼ Title\n  inside\noutside\n"),
        (["::error title=T::a%0Ab 100%25"], "Error: a\nb 100%\n"),
        (["::warning title=T%3A U::w", "::notice::n"], "Warning: w\nNotice: n\n"),
        (["::error::%250A"], "Error: %0A\n"),
        (["::debug::not shown"], ""),
        (["::unheard-of::x"], "::unheard-of::x\n"),
        (["in the :: middle"], "in the :: middle\n"),
    ],
)
def test_the_log(lines: list[str], seen: str) -> None:
    assert rendered(*lines) == seen


def test_colours_are_for_those_who_can_see_them() -> None:
    assert rendered("::error::x", "y", colour=True) == "\x1b[31mError: x\x1b[0m\ny\n"


@pytest.mark.parametrize(
    ("markdown", "seen"),
    [
        ("### Head\n\ntext\n", ["Head", "", "text"]),
        (
            "x\n\n<table>\n<tr><th>a</th><th>bb</th></tr>\n<tr><td nowrap><code>1&#124;2</code></td><td>3</td></tr>\n</table>\n\ny",
            ["x", "", "  a   1|2", "  bb  3", "", "y"],
        ),
        ("> [!CAUTION]\n> It failed.\n>\n> - This.\n\n\nmore\n", ["It failed.", "", "- This.", "", "more"]),
        ('<a href="https&#58;//x.example/?a=1">page</a>', ["page: https://x.example/?a=1"]),
        ("```mermaid\ngantt\n```\nafter", ["    (a chart)", "after"]),
        ("````text\n```\n| no table |\n````\nafter", ["    ```", "    | no table |", "after"]),
    ],
)
def test_the_summary(markdown: str, seen: list[str]) -> None:
    assert list(summary_lines(markdown)) == seen


def test_outputs_are_read_as_the_runner_reads_them() -> None:
    assert read_outputs("a<<end\none\nb<<c\nend\nplain=x<<y\n") == {"a": "one\nb<<c", "plain": "x<<y"}
