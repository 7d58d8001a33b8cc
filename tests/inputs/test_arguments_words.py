"""Messages in the command line's words: inputs as flags and variables, and nothing that only a workflow has."""

import re

import pytest

from dx_action.inputs.arguments import WORKFLOW_PHRASES, as_flags
from dx_action.report.failures import ADVICE
from runner import ROOT


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
        ("2 rows have no `service`.", "2 rows have no `service`."),
        # What only a workflow has.
        ("`failed-file` leads out of the workspace.", "`--failed-file` leads out of the current folder."),
        ("The id comes from the input `reference-id`.", "The id comes from `--reference-id`."),
        (
            ADVICE["invalid_auth"],
            ADVICE["invalid_auth"].replace("store it in the secret that `dx-token` reads", "set `DX_TOKEN` to it"),
        ),
        (ADVICE["http_401"], "The API token was rejected. Check `DX_TOKEN`, and `--dx-host`."),
        (ADVICE["not_authed"], "DX received no API token. Check that `DX_TOKEN` is set."),
        ("No deployment ended in `success`.", "No deployment ended in `success`."),
    ],
)
def test_a_message_names_flags(text: str, expected: str) -> None:
    assert as_flags(text) == expected


@pytest.mark.parametrize("phrase", WORKFLOW_PHRASES)
def test_a_phrase_that_is_replaced_is_one_of_a_message(phrase: str) -> None:
    """Else a message was changed, and the command line would show it as it is."""
    package = ROOT / "dx_action"
    sources = "".join(path.read_text(encoding="utf-8") for path in package.rglob("*.py") if path.name != "arguments.py")
    assert phrase in re.sub(r'"\n\s*f?"', "", sources).replace("{{{{", "{{").replace("}}}}", "}}")


@pytest.mark.parametrize("indent", ["", "    "])
def test_a_request_keeps_its_values(indent: str) -> None:
    body = f'{indent}{{"environment":"from input service","metadata":{{"note":"the workspace of `service`"}}}}'
    assert as_flags(body) == body
