"""Messages in the command line's words: inputs as flags and variables, and nothing that only a workflow has."""

import re

import pytest

from dx_action.inputs.arguments import WORKFLOW_PHRASES, as_flags
from dx_action.report.failures import ADVICE
from dx_action.text import quoted
from structure import ACTION, texts


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("`service` is wrong.", "`--service` is wrong."),
        ("`dx-token` is missing.", "`DX_TOKEN` is missing."),
        ("the text of `github-token`", "the text of `GITHUB_TOKEN`"),
        ("set `on-conflict: update`.", "set `--on-conflict update`."),
        ("as in `source-url: https://ci.example`", "as in `--source-url https://ci.example`"),
        (
            "Set `set-pull-services: true` or `operation: set-pull-services`.",
            "Set `--set-pull-services true` or `--operation set-pull-services`.",
        ),
        ("  repository  acme/shop  from input repository", "  repository  acme/shop  from --repository"),
        ("from input dx-token", "from DX_TOKEN"),
        ("from input file", "from input file"),
        ("`json` is", "`--json` is"),
        # What is no input.
        ("`reference_id` of `acme` and `--service` in `a: b`", "`reference_id` of `acme` and `--service` in `a: b`"),
        ("`success` is not one of `success`, `failure`.", "`--success` is not one of `success`, `failure`."),
        (
            "is not one of `deploy`, `set-pull-services`.\n`method` is",
            "is not one of `deploy`, `set-pull-services`.\n`--method` is",
        ),
        ("Compare it with the output `reference-id`.", "Compare it with the output `reference-id`."),
        (
            "`backfill-file` line 2, column `service`: is `service`.",
            "`--backfill-file` line 2, column `service`: is `service`.",
        ),
        (
            "`backfill-file` line 2, column `service`: is “x” and “y”, not `service`. See “z”, and `success`.",
            "`--backfill-file` line 2, column `service`: is “x” and “y”, not `service`. See “z”, and `success`.",
        ),
        ("2 rows have no `service`.", "2 rows have no `service`."),
        # What only a workflow has.
        ("`failed-file` leads out of the workspace.", "`--failed-file` leads out of the current folder."),
        ("The id comes from the input `reference-id`.", "The id comes from `--reference-id`."),
        (
            ADVICE["invalid_auth"],
            ADVICE["invalid_auth"].replace("store it in the secret that `dx-token` reads", "set `DX_TOKEN` to it"),
        ),
        ("Write it as `dx-token`, from a secret.", "Write it as `DX_TOKEN`."),
        (ADVICE["http_401"], "The API token was rejected. Check `DX_TOKEN`, and `--dx-host`."),
        (ADVICE["not_authed"], "DX received no API token. Check that `DX_TOKEN` is set."),
        ("No deployment ended in `success`.", "No deployment ended in `success`."),
    ],
)
def test_a_message_names_flags(text: str, expected: str) -> None:
    assert as_flags(text) == expected


OF_A_WORKFLOW = re.compile(
    r"\b(?:jobs?|steps?|workflows?|runners?|summary|secrets?|matrix|re-run|events?|checkout|workspace)\b"
    r"|GITHUB_(?!TOKEN|API_URL)[A-Z]+|`args`|(?:permissions|with|env):|\$\{\{"
)
# Their messages are about an event, about variables of a step, or about the inputs: `--help` has a test of its own for these.
ELSEWHERE = (
    *("operations/job", "inputs/job", "deployment/trigger", "inputs/names", "runner/event", "inputs/help"),
    *("inputs/descriptions", "inputs/arguments"),
)
# The beginnings of messages, as the command line would word them.
RIGHT_ON_A_TERMINAL = {
    "… an earlier `reference_id` with a different time or URL, as a re-run job writes",
    "Left out … that GitHub made for this repository's own workflow jobs, because a j",
    "The history has jobs of more than … other repositories, and only … were looked u",
    # `{event}` is a run outside of GitHub Actions.
    "has no effect here, because {event} has no environment. Only `--environment` say",
    "does not limit this command, because {event} has no environment. It only chooses",
    "no event says `--repository` and `--reference-id`. Write both.",
    "There is no event here: the arguments alone say what is registered.",
    "… GitHub does not return the files. … A checkout in the current folder makes the",
}
# Each needs an event, a job or a variable that a command has not, but for the last five, which are of the documentation.
ONLY_IN_A_WORKFLOW = {
    "the job's start",
    "this runner does not pass on what the start of `job/` saved",
    "this event",
    "this job",
    "is not the repository of this event, whose commit does not belong to it. Set `--",
    "event names no commit. Set `--commit-sha`.",
    "is missing or empty. Write ${{ secrets.DX_TOKEN }}, and store a DX Data Cloud AP",
    "Runs that Dependabot sets off read Dependabot secrets only: store it as a Depend",
    "`args` is ignored: arguments are for the command line, outside of GitHub Actions",
    "`GITHUB_STEP_SUMMARY` names a file that cannot be written: the summary is lost.",
    "A push, a merged pull request, a deployment's status, a release, a completed wor",
    "There is no event here, so nothing would be registered. …",
    "This `…` event registers a deployment.",
    "This `…` event would register nothing. … …",
    "As things are, nothing will be sent to DX when this job has ended. …",
    "As things are, nothing could be sent to DX when this job has ended. Ignore this ",
    "That is expected if the same event is handled again. If it is another deployment",
    "This is the matrix leg of index ….",
    "… The id comes from this job. …",
    "Do not re-run the job for that: it would register another deployment.",
    "The inputs and the event can be used. Nothing is sent now: the deployment is reg",
    "`--services-from backstage` or `codeowners`, without a checkout",
    "`--lead-time-metadata commit`, for an event that does not have the commit's time",
    "an event `workflow_run` that a tag may have started",
    "whether this event registers a deployment",
    "only if the job was cancelled: that not everything was checked",
}


def test_no_message_speaks_of_what_only_a_workflow_has() -> None:
    messages = {text.strip() for module in ACTION if module not in ELSEWHERE for text in texts(module)}
    left = {text[:80] for text in map(as_flags, messages) if " " in text and OF_A_WORKFLOW.search(text)}
    assert left == RIGHT_ON_A_TERMINAL | ONLY_IN_A_WORKFLOW


@pytest.mark.parametrize("phrase", WORKFLOW_PHRASES)
def test_a_phrase_that_is_replaced_is_one_of_a_message(phrase: str) -> None:
    """Else a message was changed, and the command line would show it as it is."""
    assert any(
        phrase in text.replace("…", "`") for module in ACTION if module != "inputs/arguments" for text in texts(module)
    )


@pytest.mark.parametrize("indent", ["", "    "])
def test_a_request_keeps_its_values(indent: str) -> None:
    body = f'{indent}{{"environment":"from input service","metadata":{{"note":"the workspace of `service`"}}}}'
    assert as_flags(body) == body


FOREIGN = (
    "dx-host",
    "`dx-host`",
    "`on-conflict: update`",
    "from input service",
    "the workspace of this step",
    "`--json`",
)


@pytest.mark.parametrize("words", FOREIGN)
def test_what_others_wrote_stays_as_it_is(words: str) -> None:
    ours = "`dx-host` of this step", "`--dx-host` of this command"
    for template in ("{ours}: {quoted}. {ours}", "{quoted}", "{quoted} {ours} {quoted}."):
        found, expected = (template.format(ours=each, quoted=quoted(words)) for each in ours)
        assert as_flags(found) == expected


def test_a_column_is_no_input() -> None:
    for text in (
        "has an unknown column `dx-host` in line 1. The columns are `reference_id`, `service`, `success`.",
        "has the column `service` twice. Keep one of them.",
    ):
        assert as_flags(f"`backfill-file` {text} `timeout`") == f"`--backfill-file` {text} `--timeout`"


@pytest.mark.parametrize("words", FOREIGN)
def test_a_row_of_values_keeps_them(words: str) -> None:
    for row in (
        f"  service            {words}",
        f"  {words}: accepted (HTTP 200)",
        f"  {words}  from what ships ({words})",
    ):
        assert as_flags(row) == row or row.endswith("from input service")
    for source, flag in (("service", "--service"), ("dx-token", "DX_TOKEN"), ("file", "input file")):
        row = f"  environment        {words}  from {{}}"
        assert as_flags(row.format(f"input {source}")) == row.format(flag)
        assert as_flags(row.format(f"input {source} (web, api)")) == row.format(f"{flag} (web, api)")
