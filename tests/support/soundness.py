"""One oracle for whatever a step is given: what every run must be, however bad its input.

It reads the log, the outputs and the summary by the runner's own rules (`runner.py`), and leans on nothing of the action's.
"""

import io
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from urllib.parse import quote

from hypothesis import strategies as st

import wire
from dx_action.command_line import Shell, command
from dx_action.inputs.job import Stage
from dx_action.main import Invocation, main
from gfm import check_summary
from hostile import FORMS, MARKUP
from leaking import SECRET, can_be_read
from runner import Run, Step, action, read_command, read_lines
from wire import Reply, Request, Time

TOKEN, PASSWORD = SECRET, SECRET[::-1]
COMMANDS = {"add-mask", "debug", "error", "warning", "notice", "group", "endgroup"}
STATUSES = {
    *("registered", "already-registered", "pull-services-set", "skipped", "dry-run", "written", "failed", "partial"),
    *("checked", "updated", "deleted", "waiting"),
}
# More than the longest honest run: DX's and GitHub's seconds, and what is added where they end.
LONGEST = 3600 + 60 + 60
# An hour of attempts, with 7.5 s between them at the least, for a few services side by side.
MOST = 2000
NASTY = (
    *(
        "::error::pwned",
        "\r::set-env name=PATH::x",
        "\n::add-mask::a",
        "##[error]pwned",
        "a ##[set-output name=status]x",
    ),
    *("::stop-commands::x", " \t::warning file=a::x", "%0A::error::x", "\u2028::error::x", "\u0085::error::x"),
    *(
        "`",
        "```",
        "````\n# big",
        "<script>",
        "</code>",
        "|",
        "| a | b |",
        "@everyone",
        "[a](b)",
        "![a](b)",
        "**",
        "&lt;",
    ),
    *("\x00", "\x1b[31m", "\x7f", "\ufeff", "\u202e", "\u200b", "\udcff", "\udc80a", "e\u0301", "😀", "٣", "\u2066"),
    *(
        "status=x",
        "status<<EOF",
        "EOF",
        "<<",
        "=",
        ",",
        "a=b,c",
        "a=",
        "=b",
        "${{ secrets.DX_TOKEN }}",
        "$(id)",
        "';--",
    ),
    *(
        "[",
        "{",
        "[1,",
        '{"a":',
        "[[]]",
        "[null]",
        "[1]",
        '["a"]',
        '{"a": 1}',
        "null",
        "true",
        "false",
        "NaN",
        "-Infinity",
    ),
    *("0", "-1", "1e999", "9" * 400, "0x10", "1.10", "2025-03-04", "2025-03-04T12:00:00Z", "1741089600", "abc1234"),
    *(
        "../..",
        "/etc/passwd",
        ".git/config",
        "a//b",
        "a/../b",
        "a\\b",
        "https://",
        "http://[",
        "http://a:b@c",
        "https://x y",
    ),
    *(
        "map",
        "backstage",
        "codeowners",
        "deploy",
        "set-pull-services",
        "upsert",
        "update",
        "fail",
        "repository",
        "failure",
    ),
    *(
        "a: [b",
        "a: &x [*x]",
        "a: *x",
        "? a",
        "- a",
        "a: [**]",
        "a: ['*']",
        "*" * 40,
        "[" * 3000,
        "{" * 3000,
        "- " * 2000,
    ),
    *MARKUP,
    *("A" * 70_000, ("::error::x\n" * 3000), TOKEN, TOKEN[:20], TOKEN.upper(), f"x{TOKEN}y", PASSWORD),
    *(write(TOKEN) for write in FORMS.values()),
)
texts = st.one_of(
    st.sampled_from(NASTY),
    st.lists(st.sampled_from(NASTY[:70]) | st.text(max_size=8), min_size=1, max_size=4).map("".join),
    st.text(max_size=30),
)
# A variable has no NUL, and bytes that are no UTF-8 come as these lone surrogates.
variables = texts.map(
    lambda text: "".join(c for c in text if c != "\0" and not ("\ud800" <= c <= "\udc7f" or "\udd00" <= c <= "\udfff"))
)


def _good(request: Request) -> Reply:
    request.body()
    return Reply(200, b'{"ok": true}')


@dataclass(slots=True)
class Fuzzed:
    """A step given what it was not made for."""

    folder: Path
    inputs: Mapping[str, str]
    event: str = "pull_request_merged"
    env: Mapping[str, str | None] | None = None
    wire: Callable[[Request], Reply] = _good
    check: Callable[[str], object] = check_summary
    stage: Stage = "step"
    requests: int = 0
    bodies: list[str] = field(default_factory=list)

    def run(self) -> Run:
        """Run it, and check that it was sound."""
        time = Time()
        given = {"dx-host": "http://127.0.0.1:9", "dx-token": TOKEN, "service": "web"} | dict(self.inputs)
        # Nothing listens there: a look-up ends at once.
        offline = {
            "GITHUB_API_URL": "http://127.0.0.1:1",
            "HTTPS_PROXY": f"http://svc:{quote(PASSWORD, safe='')}@127.0.0.1:1",
        }
        step = Step(
            self.folder,
            {name: text for name, text in given.items() if text},
            self.event,
            offline | dict(self.env or {}),
            stage=self.stage,
        )
        env, stream = step.environment(), io.StringIO()
        code = main(env, stream, time.clock(), invocation=Invocation(self.stage), wire=wire.over(self._speak))
        run = step.read(env, code, stream.getvalue())
        assert_sound(run, stream.getvalue(), debugging=env.get("RUNNER_DEBUG") == "1", check=self.check)
        assert not any(can_be_read(body, secret) for body in self.bodies for secret in (TOKEN, PASSWORD))
        if self.inputs.get("operation") == "check":
            assert self.bodies in ([], ["{}"])
        assert time.passed <= LONGEST
        assert self.requests <= MOST
        return run

    def _speak(self, request: Request) -> Reply:
        self.requests += 1
        self.bodies.append(json.dumps(request.json, ensure_ascii=False))
        return self.wire(request)


def assert_sound(
    run: Run, log: str, token: str = TOKEN, *, debugging: bool = False, check: Callable[[str], object] = check_summary
) -> None:
    """Check what holds of every run: no traceback, no token, no command but our own, outputs and a summary as declared."""
    assert run.exit_code in (0, 1)
    assert "Traceback" not in log
    for name in (each.name for each in run.commands):
        assert name in COMMANDS, name
        assert debugging or name != "debug"
    for line in run.lines:
        command = read_command(line)
        # A token that is no UTF-8 is written as the log's own stream writes it.
        assert line.startswith("::add-mask::") or line.encode() is not None
        # The old form counts anywhere in a line, but for one that has the new form.
        assert "##[" not in line or line.startswith("::add-mask::")
        assert command is None or line.startswith("::")
        assert (
            command is None
            or command.name not in ("error", "warning", "notice")
            or (command.properties == {"title": "DX deployment"})
        )
    assert not [message for _, message in run.annotations if "Unexpected error in the action" in message], run.said
    assert all(len(message) <= 4096 for _, message in run.annotations)
    assert list(run.outputs) == list(action()["outputs"])
    assert run.status in STATUSES
    assert len(run.raw_outputs.encode()) <= 256 * 1024
    for name in ("merge-commit-shas", "services", "reference-ids", "requests", "results", "checks"):
        assert isinstance(run.json(name), list)
    assert "\n" not in run.outputs["reason"]
    assert len(run.summary.encode()) <= 1024 * 1024
    check(run.summary.replace("***", ""))
    shown = [line for line in run.lines if not line.startswith("::add-mask::")]
    for place in ("\n".join(shown), run.raw_outputs, run.summary, *_files(run.workspace)):
        assert not any(can_be_read(place, secret) for secret in (token, TOKEN, PASSWORD))


def _files(workspace: Path) -> Iterator[str]:
    written = (file for suffix in ("jsonl", "csv") for file in workspace.rglob(f"*.{suffix}"))
    for file in (file for file in written if file.stem != "rows"):  # what a run was given
        yield file.read_text(encoding="utf-8", errors="replace")


def check_command(argv: Sequence[str], speak: Callable[[Request], Reply]) -> None:
    """Run a command, and check what each must be: an exit code, plain lines, whole JSON, no secret. `speak` is DX."""
    bodies: list[str] = []

    def noted(request: Request) -> Reply:
        bodies.append(json.dumps(request.json, ensure_ascii=False))
        return speak(request)

    env = {
        "DX_HOST": "http://127.0.0.1:9",
        "DX_TOKEN": TOKEN,
        "GITHUB_TOKEN": PASSWORD,
        "GITHUB_API_URL": "http://127.0.0.1:1",
    }
    with TemporaryDirectory() as folder:
        stdout, stderr, time = io.StringIO(), io.StringIO(), Time()
        code = command(argv, Shell(env, folder, stdout, stderr), time.clock(), wire=wire.over(noted))
        kept = [file.read_text(errors="replace") for file in Path(folder).rglob("*") if file.is_file()]
    text = stdout.getvalue() + stderr.getvalue()
    assert code in (0, 1)
    assert "Traceback" not in text
    assert "Stack trace" not in text
    assert [line for line in read_lines(text) if read_command(line)] == []
    for place in (text, *kept, *bodies):
        assert not any(can_be_read(place, secret) for secret in (TOKEN, PASSWORD)), place
    if stdout.getvalue().startswith("{"):
        outputs = json.loads(stdout.getvalue())
        assert list(outputs) == list(action()["outputs"])
        assert outputs["status"] in STATUSES
        assert (outputs["status"] in ("failed", "partial")) is bool(code) or "--fail-on-error" in " ".join(argv)
