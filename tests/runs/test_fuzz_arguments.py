"""Bad arguments by the thousand, held against what every command must be: an exit code, plain lines, whole JSON, and no secret."""

import io
import json
from pathlib import Path
from tempfile import TemporaryDirectory

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import wire
from dx_action.command_line import Shell, command
from dx_action.inputs.arguments import FLAGS
from leaking import can_be_read
from runner import action, read_command, read_lines
from soundness import NASTY, PASSWORD, STATUSES, TOKEN, variables
from thorough import times
from wire import Reply, Request, Time

often = settings(deadline=None, derandomize=True, database=None, suppress_health_check=list(HealthCheck))
DEPLOY = ["--service", "web", "--repository", "acme/shop", "--commit-sha", "abc1234", "--reference-id", "build-7"]
# An operation that asks GitHub is another test's.
flags = st.sampled_from(
    [f"--{name}" for name in FLAGS if name not in ("dx-host", "operation", "services-from", "service-map")]
)
strange = st.sampled_from(
    ["--dx-token", "--github-token", "--dx_token", "--sevice", "-x", "--", "---", "--=", "--json", "--help"]
)
pairs = st.one_of(
    st.tuples(flags | strange, variables).map(list),
    st.tuples(flags | strange, variables).map(lambda pair: [f"{pair[0]}={pair[1]}"]),
    (flags | strange).map(lambda flag: [flag]),
    st.sampled_from(NASTY).filter(lambda text: "\0" not in text).map(lambda text: [text]),
)
lines = st.lists(pairs, max_size=4).map(lambda found: [each for pair in found for each in pair])


@settings(often, max_examples=times(800))
@given(lines, st.sampled_from([(), ("--json",)]), st.sampled_from([(), DEPLOY]))
def test_any_arguments(argv: list[str], more: tuple[str, ...], deploy: list[str]) -> None:
    bodies: list[str] = []

    def speak(request: Request) -> Reply:
        bodies.append(json.dumps(request.json, ensure_ascii=False))
        return Reply(422, json.dumps({"ok": False, "error": "no", "message": TOKEN}).encode())

    env = {
        "DX_HOST": "http://127.0.0.1:9",
        "DX_TOKEN": TOKEN,
        "GITHUB_TOKEN": PASSWORD,
        "GITHUB_API_URL": "http://127.0.0.1:1",
    }
    with TemporaryDirectory() as folder:
        stdout, stderr, time = io.StringIO(), io.StringIO(), Time()
        shell = Shell(env, folder, stdout, stderr)
        code = command([*deploy, *argv, *more], shell, time.clock(), wire=wire.over(speak))
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
