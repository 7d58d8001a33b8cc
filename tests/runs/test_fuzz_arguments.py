"""Bad arguments by the thousand, held against what every command must be: an exit code, plain lines, whole JSON, and no secret."""

import json

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dx_action.inputs.arguments import FLAGS
from soundness import NASTY, TOKEN, check_command, variables
from thorough import times
from wire import Reply

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
    refusal = Reply(422, json.dumps({"ok": False, "error": "no", "message": TOKEN}).encode())
    check_command([*deploy, *argv, *more], lambda _: refusal)
