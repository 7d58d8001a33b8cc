"""What an author may write in each input, and what is said of anything else."""

import json
import traceback
from base64 import b64encode
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote

import pytest
from pydantic import SecretStr, ValidationError

from builders import CONNECTION, NOW, inputs, variables
from dx_action.errors import BadInput
from dx_action.inputs import model
from dx_action.inputs.model import (
    RULES,
    Inputs,
    Rule,
    fail_on_error,
    missing_connection,
    read_inputs,
    survey_inputs,
    unknown_inputs,
)
from dx_action.inputs.values import DxHost
from dx_action.runner.runtime import known_secrets, tokens
from dx_action.services.service import Service

# What nobody can have meant as a name, and what is said of it.
SLIPS = {
    **dict.fromkeys(
        ('"web"', "'web'", "`web`", "“web”"), "has quotes around it, which would be part of the name. Remove them."
    ),
    **dict.fromkeys(
        ("${{ matrix.service }}", "x-${{ github.ref }}", "{{ x }}"), "has an expression that was not evaluated. Check"
    ),
    **dict.fromkeys(
        ("$SERVICE", "${SERVICE}"), "is a shell variable, which a workflow does not expand. Write ${{ env.NAME }}, or"
    ),
    **dict.fromkeys(
        ("null", "NULL", "undefined", "[object Object]", "None", "nil", "NaN", "False", "<no value>"),
        "is what an expression without a value leaves behind. Check the expression that it comes from.",
    ),
}
IS_NAME = "If it is the name of a branch or tag, write the commit's id, as `git rev-parse` prints it."
DECLARED = tuple(str(field.alias) for field in Inputs.model_fields.values())  # test_contract.py: action.yml's
# What an input needs beside it.
BESIDE: dict[str, dict[str, str]] = {
    "services-from": {"service-map": "services.yml"},
    "replace-pull-services": {"set-pull-services": "true"},
    "confirm-delete": {"operation": "delete", "reference-id": "release/42"},
    **{name: {"operation": "backfill"} for name in ("since", "until", "workflow-jobs", "backfill-file", "csv-file")},
}
SHA = "a0e61dfff93b2b07788cacf2c1cb3948ed4a39b2"
NOON = datetime(2025, 1, 1, 12, 5, tzinfo=UTC)

VALID: list[tuple[str, str, Any]] = [
    ("dx-host", "acme", DxHost("https://acme.getdx.net", loopback=False)),
    ("dx-host", " acme.getdx.net\n", DxHost("https://acme.getdx.net", loopback=False)),
    ("dx-host", "https://dx.acme.example:8443/", DxHost("https://dx.acme.example:8443", loopback=False)),
    ("dx-host", "http://127.0.0.1:8080", DxHost("http://127.0.0.1:8080", loopback=True)),
    ("dx-token", "abc-123_XYZ", "abc-123_XYZ"),
    ("dx-token", "  abc\n", "abc"),
    ("dx-token", "Bearer abc", "abc"),
    ("dx-token", "bearer   abc", "abc"),
    ("dx-token", "Bearerabc", "Bearerabc"),
    ("dx-token", "!~", "!~"),
    ("github-token", " ghs_abc\n", "ghs_abc"),
    ("ca-bundle", "certs/private.pem", "certs/private.pem"),
    ("timeout", "1", 1.0),
    ("timeout", "2.5", 2.5),
    ("timeout", "3600", 3600.0),
    ("operation", "Deploy", "deploy"),
    ("operation", "set-pull-services", "set-pull-services"),
    ("operation", "CHECK", "check"),
    ("service", "payments", (Service("payments"),)),
    ("service", "payments=Payments, Inc\nweb", (Service("payments", "Payments, Inc"), Service("web"))),
    ("services-from", "Map", "map"),
    ("service-map", ".github/services.yml", ".github/services.yml"),
    ("repository", "acme/shop", "acme/shop"),
    ("repository", "my project/a repo", "my project/a repo"),
    ("commit-sha", "abc1234", "abc1234"),
    ("commit-sha", SHA, SHA),
    ("commit-sha", "0" * 39, "0" * 39),
    ("commit-sha", SHA.upper(), SHA.upper()),
    ("attribution", "commit", "commit"),
    ("attribution", "Repository", "repository"),
    ("merge-commit-shas", '["abc1234", "abc2345"]', ("abc1234", "abc2345")),
    ("merge-commit-shas", "abc1234\nabc2345\n", ("abc1234", "abc2345")),
    ("merge-commit-shas", "abc1234, abc2345, abc1234", ("abc1234", "abc2345")),
    ("since-sha", "abc1234", "abc1234"),
    ("integration-branch", "develop", "develop"),
    ("deployed-at", "2025-01-01T12:05:00Z", NOON),
    ("deployed-at", "2025-01-01T14:05+02:00", NOON),
    ("deployed-at", "1735733100", NOON),
    ("deployed-at", "1735733100250", NOON.replace(microsecond=250_000)),
    *(("success", word, "success") for word in ("true", "Success")),
    *(("success", word, "failure") for word in ("FALSE", "failure", "error", "timed_out", "startup_failure")),
    *(("success", word, "skip") for word in ("cancelled", "skipped", "neutral", "action_required", "stale")),
    ("environment", "Production EU", "Production EU"),
    ("reference-id", "release/42", "release/42"),
    ("source-url", "https://argocd.example.com/build/1791?x=1#log", "https://argocd.example.com/build/1791?x=1#log"),
    ("source-url", "HTTP://ci/1", "HTTP://ci/1"),
    ("source-name", "argoCD", "argoCD"),
    *(("source-name", text, "") for text in ("none", "None", "NONE")),
    ("metadata", '{"version": "v1.11.23", "n": 1}', {"version": "v1.11.23", "n": 1}),
    ("metadata", "version: 1.10\nbuild: 0123456\nhot: true\n", {"version": "1.10", "build": "0123456", "hot": True}),
    ("metadata", "  first:\n  second: 2\n", {"first": None, "second": 2}),
    ("only-branches", "main, release/**", ("main", "release/**")),
    ("only-branches", '["a,b"]', ("a,b",)),
    ("only-branches", "hotfix!/c++, **/refs/*, -x", ("hotfix!/c++", "**/refs/*", "-x")),
    ("only-environments", "!prod, prod[eu]?\nrefs/heads/x, y", ("!prod, prod[eu]?", "refs/heads/x, y")),
    ("only-environments", '["- live", "eu,"]', ("- live", "eu,")),
    ("only-environments", "Prod*\nlive", ("Prod*", "live")),
    ("set-pull-services", "True", True),
    ("replace-pull-services", "true", True),
    ("pull-number", "41", 41),
    ("pull-id", "2401500041", 2401500041),
    ("lead-time-metadata", "First-Commit", "first-commit"),
    ("extra-metadata", "rollback", ("rollback",)),
    ("extra-metadata", "Started_At\npull_requests\nstarted_at", ("started_at", "pull_requests")),
    ("extra-metadata", '["rollback", "pull_requests", "started_at"]', ("rollback", "pull_requests", "started_at")),
    ("lead-time-metadata", "both", "both"),
    ("show-pull-requests", "True", True),
    ("confirm-delete", "release/42", "release/42"),
    ("method", "Upsert", "upsert"),
    ("method", "create", "create"),
    ("on-conflict", "keep", "keep"),
    ("on-conflict", "UPDATE", "update"),
    ("on-conflict", "fail", "fail"),
    ("fail-on-error", "False", "false"),
    ("fail-on-error", "true", "true"),
    ("fail-on-error", "Except-Outages", "except-outages"),
    ("dry-run", "TRUE", True),
    ("dry-run", "false", False),
    ("failed-file", "out/failed.jsonl", "out/failed.jsonl"),
    ("failed-file", "/github/workspace/failed.jsonl", "failed.jsonl"),
    ("operation", "Backfill", "backfill"),
    ("since", "2025-01-01T12:05:00Z", NOON),
    ("until", "1735733100", NOON),
    ("workflow-jobs", "True", True),
    ("backfill-file", "out/history.csv", "out/history.csv"),
    ("csv-file", "out/for-dx.csv", "out/for-dx.csv"),
    ("max-per-second", "0", 0.0),
    ("max-per-second", "0.5", 0.5),
    ("concurrency", "1", 1),
    ("concurrency", "32", 32),
    ("job-index", "3", "3"),
    ("check-run-id", "38168200017", "38168200017"),
]

BAD: list[tuple[str, str, str]] = [
    ("dx-host", "acme.getdx.net/api", "has more than a host"),
    ("dx-host", "http://acme.getdx.net", "plain http"),
    *(
        ("dx-host", text, "is a host that serves no Data Cloud API. Write your instance's host, as in acme.getdx.net")
        for text in (
            *("api.getdx.com", "app.getdx.com", "getdx.com", "www.getdx.com", "docs.getdx.com", "my-co.getdx.com"),
            *(
                "https://API.getdx.com/",
                "https://app.getdx.com.:443",
                "https://getdx.net",
                "www.getdx.net",
                "api.getdx.net",
            ),
            *("api", "app", "docs.getdx.net", "api.github.com", "github.com"),
        )
    ),
    ("dx-host", "ftp://acme.getdx.net", "a scheme other than https"),
    ("dx-token", "two words", "has a space, a line break or a character outside ASCII"),
    ("dx-token", "first\nsecond", "has a space, a line break"),
    ("dx-token", "schlüssel", "outside ASCII"),
    ("dx-token", "nul\x00led", "outside ASCII"),
    ("dx-token", "Bearer Bearer abc", "has a space"),
    ("github-token", "ghs abc", "has a space"),
    ("ca-bundle", "../private.pem", "leads out of the workspace"),
    *(
        ("timeout", text, "from 1 to 3600. Write digits alone, as in 60 or 2.5.")
        for text in ("60s", "1m", "+60", "60.", "1,5", "\uff16\uff10", "inf", "0x3c", "1_000")
    ),
    ("timeout", "0.99", "not a number of seconds from 1 to 3600"),
    ("timeout", "3600.5", "not a number of seconds"),
    ("timeout", "-5", "not a number of seconds"),
    ("timeout", "nan", "not a number of seconds"),
    ("timeout", "1e3", "not a number of seconds"),
    ("timeout", "٦٠", "not a number of seconds"),
    ("operation", "destroy", "is not one of `deploy`, `set-pull-services`"),
    ("services-from", "guesses", "is not one of `input`, `map`, `backstage`, `codeowners`"),
    ("service", "payments=Payments, Inc", "Write identifier or identifier=Display Name, one a line, or JSON"),
    ("service", "[1735733100]", "neither text nor an object"),
    ("service-map", "../services.yml", "leads out of the workspace"),
    ("service-map", "web: 5", "(line 1)"),
    ("repository", "acme/shop\nacme/other", "a line break or another control character"),
    *(
        ("repository", text, "is an address. Write `acme/shop`, or the name that DX has for it.")
        for text in (
            *("https://github.com/acme/shop", "https://github.com/acme/shop.git", "HTTPS://GitHub.com/acme/shop/"),
            *("git@github.com:acme/shop.git", "ssh://git@github.com/acme/shop.git", "git://github.com/acme/shop"),
            *("https://github.com/acme/shop/tree/main/src", "https://github.com/acme/shop/pull/7?x=1#top"),
            *("github.com/acme/shop", "www.github.com/acme/shop", "git+ssh://git@ghe.acme.example/acme/shop.git"),
            *("https://x-access-token:abc@github.com/acme/shop", "https://github.acme.example:8443/acme/shop"),
            *("ssh://git@bitbucket.acme.example:7999/acme/shop.git", "https://gitlab.com/acme/shop"),
        )
    ),
    ("repository", "https://gitlab.com/acme/group/shop.git", "is an address. Write `acme/group/shop`, or the name"),
    *(
        ("repository", text, "has a slash or `.git` at its end or beginning. Write `acme/shop`, or the name")
        for text in ("acme/shop/", "/acme/shop", "acme/shop.git")
    ),
    *(
        ("repository", text, "is an address. Write the repository as DX names it, as in acme/shop.")
        for text in (
            *("https://dev.azure.com/acme/pay/_git/shop", "git@ssh.dev.azure.com:v3/acme/pay/shop"),
            *("https://bitbucket.acme.example/projects/PAY/repos/shop", "https://bitbucket.acme.example/scm/pay/shop"),
            *(
                "https://gitlab.com/acme/shop/-/tree/main",
                "https://github.com/acme",
                "https://github.com",
                "https://x/ä/b",
            ),
        )
    ),
    *(
        (name, text, words)
        for name in ("service", "repository", "environment", "reference-id", "integration-branch", "source-name")
        for text, words in SLIPS.items()
        if (name, text) != ("source-name", "None")  # which leaves it out
    ),
    *(
        (name, json.dumps([text, "main"]), f"has a glob that {words}")
        for name in ("only-branches", "only-environments")
        for text, words in SLIPS.items()
    ),
    *(("dx-host", text, words) for text, words in SLIPS.items()),
    *(
        (name, "0" * 40, "git's way to write that there is no commit. Write the id of the commit that is meant.")
        for name in ("commit-sha", "since-sha", "merge-commit-shas")
    ),
    ("merge-commit-shas", f"{SHA}, {'0' * 40}", "has an item that is git's way to write that there is no commit"),
    ("service", "web=${{ matrix.name }}", "has a service that has an expression that was not evaluated"),
    ("service", 'web\n"api"', "has a service that has quotes around it"),
    ("service", '"web=Web App"', "has a service that has quotes around it"),
    ("service", '["undefined"]', "has a service that is what an expression without a value leaves behind"),
    *(
        (name, text, f"not a commit id of 7 to 40 hexadecimal digits. {words}")
        for name in ("commit-sha", "since-sha", "merge-commit-shas")
        for texts, words in (
            (("main", "v1.2", "HEAD", "refs/heads/x", "release/7", "abcdefg", "\u0667" * 40), IS_NAME),
            (("abc123", "7a"), "It is shorter. Write at least 7 digits, better all 40."),
            ((SHA + "0", "a" * 64, f"sha256:{'b' * 64}"), "It is longer, as an image's digest is."),
        )
        for text in texts
    ),
    ("attribution", "sha-list", "is not one of `commit`, `repository`, `merge-commits`"),
    ("merge-commit-shas", "{abc1235, abc2346}", "a list in braces"),
    ("merge-commit-shas", "abc1235 abc2346", "has an item that is not a commit id"),
    ("merge-commit-shas", "abc1235, xyz", "has an item that is not a commit id"),
    ("merge-commit-shas", "[12345678]", "has an item that is not text"),
    ("merge-commit-shas", "[]", "is an empty list"),
    ("since-sha", "HEAD~1", "not a commit id"),
    ("integration-branch", "develop\x07", "control character"),
    ("deployed-at", "2025-01-01T12:05:01", "has no time zone"),
    ("deployed-at", "yesterday", "not a time that can be read"),
    ("deployed-at", "1991", "neither 10 digits (Unix seconds) nor 13"),
    ("success", "yes", "is not one of `true`, `success`, `false`, `failure`"),
    ("environment", "prod\u2028eu", "control character"),
    ("reference-id", "a\tb", "control character"),
    ("source-url", "argocd/build/1791", "is not a URL"),
    ("source-url", "javascript:alert(1)", "is not a URL"),
    ("source-url", "https://ci.example.com/a b", "is not a URL"),
    ("source-name", "argo\x85CD", "control character"),
    ("metadata", "just words", "is not an object"),
    ("metadata", "a: b: c", "not valid YAML (line 1)"),
    ("metadata", '{"a": 12, "a": 13}', "the same key twice"),
    ("only-branches", "[main", "starts like a JSON array but is not one"),
    *(
        ("only-branches", text, "that a branch name cannot have. Only `*` and `**` have a meaning, as in release/**")
        for text in ("main, release/?.x", "ma[i]n", "release\\*", "main develop", "a~1", "a^", "feature:x", '["a\\tb"]')
    ),
    *(
        ("only-branches", text, "begins with `!`. Name only the branches that count")
        for text in ('["main", "!main"]', "**\n!dependabot/**", "! main")
    ),
    *(
        ("only-branches", text, "begins with `refs/`. Write the name alone, as in main; tags need none")
        for text in ("refs/heads/main", "main\nrefs/tags/v*")
    ),
    *(
        (name, text, "begins with `- ` or ends in a comma. Write one item a line and nothing else, or a JSON array")
        for name in ("service", "only-branches", "only-environments", "merge-commit-shas")
        for text in (
            "- abc1234\n- abc1235",
            "- abc1234",
            "abc1234,\nabc1235,",
            "abc1235\n-\tabc1234",
            "abc1234, - abc1235",
        )
    ),
    ("service", "-\nweb", "begins with `- `"),
    ("service", "- web=Web", "begins with `- `"),
    ("service", "web=Web,\napi=API", "ends in a comma"),
    ("only-environments", "[null]", "has an item that is not text"),
    ("set-pull-services", "yes", "is neither `true` nor `false`. Write one of the two."),
    ("replace-pull-services", "yes", "is neither `true` nor `false`"),
    *(
        ("pull-number", text, "is not a whole number")
        for text in ("#41", "0", "-41", "4.1", "٤١", "9" * 17, "\uff14\uff11", "1e3", "NaN")
    ),
    ("pull-id", "PR_kwDOA", "is not a whole number"),
    *(
        ("extra-metadata", text, "has an item that is none of `rollback`, `pull_requests`, `started_at`.")
        for text in ("pull-requests", "rollback, version", "true", '["commits"]', "rollback pull_requests")
    ),
    ("extra-metadata", "[1]", "has an item that is not text"),
    ("extra-metadata", "[]", "is an empty list"),
    ("lead-time-metadata", "true", "is not one of `none`, `commit`, `first-commit`, `both`"),
    ("show-pull-requests", "yes", "is neither `true` nor `false`"),
    ("confirm-delete", "release\n42", "has a line break or another control character"),
    ("method", "insert", "is not one of `create`, `upsert`"),
    ("on-conflict", "ignore", "is not one of `keep`, `update`, `fail`"),
    ("fail-on-error", "off", "is not one of `true`, `false`, `except-outages`"),
    ("dry-run", "1", "is neither `true` nor `false`"),
    ("failed-file", "/tmp/failed.jsonl", "is an absolute path"),
    ("failed-file", ".git/hooks/pre-commit", "is inside `.git`"),
    ("since", "2025-13-01", "is not a time that can be read"),
    ("until", "2025-02-01T12:05", "has no time zone"),
    ("workflow-jobs", "some", "is neither `true` nor `false`"),
    ("backfill-file", "../history.csv", "leads out of the workspace"),
    ("csv-file", ".git/for-dx.csv", "is inside `.git`"),
    *(
        ("max-per-second", text, "is not a number of requests a second")
        for text in ("-1.5", "1e3", "all", "nan", "7/s", "\uff17", "0,5", "+1")
    ),
    *(
        ("concurrency", text, "is not a whole number from 1 to 32")
        for text in ("-4", "0.5", "33", "all", "٤", "4x", "\uff10", "0", "1e1", "nan", "+4")
    ),
    ("job-index", "0\r1", "control character"),
    ("check-run-id", "1\n2", "control character"),
]

DEFAULTS: dict[str, Any] = {
    "dx_host": None,
    "dx_token": None,
    "github_token": None,
    "ca_bundle": None,
    "timeout": 60.0,
    "operation": "deploy",
    "service": (),
    "services_from": None,
    "service_map": None,
    "repository": None,
    "commit_sha": None,
    "attribution": None,
    "merge_commit_shas": (),
    "since_sha": None,
    "integration_branch": None,
    "deployed_at": None,
    "success": None,
    "environment": None,
    "reference_id": None,
    "source_url": None,
    "source_name": None,
    "metadata": {},
    "only_branches": (),
    "only_environments": (),
    "set_pull_services": False,
    "replace_pull_services": False,
    "pull_number": None,
    "pull_id": None,
    "lead_time_metadata": "none",
    "extra_metadata": (),
    "show_pull_requests": False,
    "confirm_delete": None,
    "method": "create",
    "on_conflict": "keep",
    "fail_on_error": "true",
    "dry_run": False,
    "failed_file": None,
    "since": None,
    "until": None,
    "workflow_jobs": False,
    "backfill_file": None,
    "csv_file": None,
    "max_per_second": 7.0,
    "concurrency": 4,
    "job_index": "0",
    "check_run_id": None,
}


def shown(value: str) -> str:
    return repr(value)[:40]


def problems(given: dict[str, str], **env: str) -> dict[str, str]:
    """Give what is said of each input. Each may be named once only."""
    with pytest.raises(BadInput) as caught:
        read_inputs(variables(given) | env)
    found = {each.subject: each.text for each in caught.value.problems}
    assert len(found) == len(caught.value.problems), caught.value.problems
    return found


def test_inputs_are_what_was_written() -> None:
    found, name = inputs(), "timeout"
    with pytest.raises(ValidationError, match="frozen"):
        setattr(found, name, 1)


def test_the_tables_have_every_input() -> None:
    """A new input needs its lines in each of them."""
    assert {name for name, *_ in VALID} == set(DECLARED)
    assert {name for name, *_ in BAD} == set(DECLARED)
    assert {name.replace("_", "-") for name in DEFAULTS} == set(DECLARED)


@pytest.mark.parametrize(("name", "text", "value"), VALID, ids=shown)
def test_valid(name: str, text: str, value: Any) -> None:
    found = getattr(inputs(BESIDE.get(name, {}) | {name: text}), name.replace("-", "_"))
    found = found.get_secret_value() if isinstance(found, SecretStr) else found
    assert (type(found), found) == (type(value), value)


@pytest.mark.parametrize(("name", "text", "words"), BAD, ids=shown)
def test_bad_is_told_by_name_and_without_its_value(name: str, text: str, words: str) -> None:
    found = problems(CONNECTION | {name: text})
    assert list(found) == [name]
    assert words in found[name]
    assert text not in found[name]
    assert found[name].endswith(".")


@pytest.mark.parametrize("blank", ["", " ", "\r\n \t"], ids=repr)
def test_blank_is_unset(blank: str) -> None:
    read = read_inputs(variables(dict.fromkeys(DECLARED, blank)))
    assert {name: getattr(read, name) for name in DEFAULTS} == DEFAULTS
    assert read == read_inputs({})


def test_bearer_alone_is_unset() -> None:
    """`Bearer ${{ secrets.DX_TOKEN }}`, where there is no such secret."""
    assert inputs(dx_token="Bearer ").dx_token is None
    assert [each.subject for each in missing_connection(inputs(dx_token="Bearer "))] == ["dx-token"]


def test_names_are_those_that_the_runner_makes() -> None:
    env = {
        "INPUT_COMMIT-SHA": "abc1234",
        "COMMIT-SHA": "not the runner's name",
        "INPUT_NO-SUCH-INPUT": "whatever",
        "ENVIRONMENT": "not an input",
        "GITHUB_SHA": "neither",
    }
    read = read_inputs(env)
    assert (read.commit_sha, read.environment) == ("abc1234", None)


TELL = {"operation": "Set-Pull-Services"}
BACKFILL = {"operation": "Backfill"}
FROM_FILE = BACKFILL | {"backfill-file": "a.csv"}
SHAS = {"merge-commit-shas": "abc1235"}
MAP = {"service-map": "a.yml"}
REPLACE = {"replace-pull-services": "True"}
FOR_BACKFILL = "is only for `operation: backfill`."
FOR_WINDOW = "is only for `operation: backfill` and `operation: set-pull-services`. Set one of them as well, or"
EACH = "is different for each deployment of a backfill."
MANY = "is about one deployment, and a backfill registers many."
NO_FILES = "look up changed files. Use `service`, or leave this out."
ROWS = "follows from the commits that each row of a backfill names."
TIME = "1735733100"


@pytest.mark.parametrize(
    ("given", "name", "words"),
    [
        *(({name: TIME}, name, FOR_BACKFILL) for name in ("backfill-file", "csv-file")),
        *(({name: TIME}, name, FOR_WINDOW) for name in ("since", "until")),
        (TELL | {"csv-file": "a.csv"}, "csv-file", FOR_BACKFILL),
        ({"workflow-jobs": "True"}, "workflow-jobs", FOR_BACKFILL),
        (TELL | {"show-pull-requests": "True"}, "show-pull-requests", "is about a deployment, and"),
        (TELL | {"lead-time-metadata": "both"}, "lead-time-metadata", "is about a deployment, and"),
        (TELL | {"extra-metadata": "rollback"}, "extra-metadata", "is about a deployment, and"),
        (REPLACE, "replace-pull-services", "has no effect without"),
        (REPLACE | {"set-pull-services": "False"}, "replace-pull-services", "has no effect without"),
        *(
            (SHAS | {"attribution": text}, "attribution", "is not `merge-commits`, but `merge-commit-shas` is set")
            for text in ("commit", "Repository")
        ),
        (TELL | SHAS | {"attribution": "commit"}, "attribution", "is not `merge-commits`, but"),
        *(
            (MAP | {"services-from": text}, "services-from", "is not `map`, but `service-map` is set")
            for text in ("Input", "backstage", "codeowners")
        ),
        ({"services-from": "Map"}, "services-from", "is `map`, but `service-map` is missing"),
        # A backfill, of many deployments.
        *((BACKFILL | {name: "abc1235"}, name, EACH) for name in ("commit-sha", "merge-commit-shas", "reference-id")),
        (BACKFILL | {"deployed-at": TIME}, "deployed-at", EACH),
        *((BACKFILL | {name: "7654321"}, name, MANY) for name in ("since-sha", "pull-number", "pull-id")),
        *(
            (BACKFILL | {name: "True"}, name, MANY)
            for name in ("set-pull-services", "replace-pull-services", "show-pull-requests")
        ),
        (BACKFILL | {"extra-metadata": "rollback"}, "extra-metadata", "is looked up for one deployment"),
        (BACKFILL | {"lead-time-metadata": "Commit"}, "lead-time-metadata", "is looked up for one deployment"),
        (BACKFILL | MAP, "service-map", "finds services by changed files, which a backfill does not look up"),
        *((BACKFILL | {"services-from": text}, "services-from", NO_FILES) for text in ("Map", "backstage")),
        (BACKFILL | {"attribution": "Merge-Commits"}, "attribution", ROWS),
        # Its file.
        *((FROM_FILE | {name: TIME}, name, "is about GitHub's history, but") for name in ("since", "until")),
        (FROM_FILE | {"workflow-jobs": "True"}, "workflow-jobs", "is about GitHub's history, but"),
        *((FROM_FILE | {"attribution": text}, "attribution", ROWS) for text in ("Commit", "repository")),
        (FROM_FILE | {"attribution": "merge-commits"}, "attribution", ROWS),
        # GitHub's history.
        (BACKFILL | {"success": "true"}, "success", "follows from each deployment's status in GitHub's history"),
    ],
    ids=str,
)
def test_inputs_must_agree(given: dict[str, str], name: str, words: str) -> None:
    found = problems(CONNECTION | given)
    assert list(found) == [name]
    assert words in found[name]
    assert found[name].endswith(("out.", "this out.", "as well.", "there."))


@pytest.mark.parametrize(
    ("given", "names"),
    [
        (
            dict.fromkeys(("since", "until", "backfill-file", "csv-file"), TIME),
            ["since", "until", "backfill-file", "csv-file"],
        ),
        (FROM_FILE | {"since": TIME, "until": TIME}, ["since", "until"]),
        (BACKFILL | MAP | {"services-from": "input"}, ["service-map"]),
        # A rule about an input that cannot be read does not apply: the other one may be right.
        ({"operation": "back-fill", "since": TIME, "csv-file": "a.csv"}, ["operation"]),
        (REPLACE | {"set-pull-services": "yes"}, ["set-pull-services"]),
        ({"services-from": "map", "service-map": "/etc"}, ["service-map"]),
        (SHAS | {"attribution": "all"}, ["attribution"]),
        ({"merge-commit-shas": "none", "attribution": "commit"}, ["merge-commit-shas"]),
        (BACKFILL | {"backfill-file": "../a", "since": TIME, "success": "true"}, ["backfill-file"]),
        # All others do.
        (BACKFILL | {"timeout": "never", "pull-id": "7"}, ["timeout", "pull-id"]),
    ],
    ids=str,
)
def test_every_input_that_does_not_agree_is_named(given: dict[str, str], names: list[str]) -> None:
    assert list(problems(CONNECTION | given)) == names


def test_rules_are_about_inputs() -> None:
    assert {subject for rule in RULES for subject in rule.subjects} <= set(DECLARED)
    for rule in RULES:
        rule.when(inputs())


def test_what_another_input_may_cure_later() -> None:
    assert [rule.subjects for rule in RULES if rule.fillable] == [("replace-pull-services",), ("services-from",)]
    assert not [rule for rule in RULES if rule.unset]


def test_a_rule_that_reads_what_is_no_input_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    """Else it would never apply, as a rule is passed over that reads an input which is broken."""
    monkeypatch.setattr(model, "RULES", (Rule(("success",), lambda inputs: inputs.deploys, "is not for this."),))
    with pytest.raises(AttributeError, match="deploys"):
        problems(CONNECTION | {"success": "true"})


@pytest.mark.parametrize(
    ("token", "given", "names"),
    [
        ("12345678", {}, []),
        ("12345678", {"metadata": "a: x12345678x"}, ["metadata"]),
        ("12345678", {"metadata": "a: 12345678", "source-url": "https://12345678.x"}, ["metadata", "source-url"]),
        ("1234567", {"metadata": "a: 1234567"}, ["metadata"]),
        ("1234", {"metadata": "a: 12345"}, ["metadata"]),
        # A very short one may be there by chance, but not as a word of its own.
        ("123", {"metadata": "a: 1234"}, []),
        ("123", {"metadata": "a: 123"}, ["metadata"]),
        ("12345678", {"metadata": "a: 1234567"}, []),
        # What counts is the token as it is used.
        ("Bearer 12345678", {"metadata": "a: x12345678x"}, ["metadata"]),
        (
            "bearer   12345678",
            {"metadata": "a: 12345678", "source-url": "https://12345678.x"},
            ["metadata", "source-url"],
        ),
        ("Bearer 1234567", {"metadata": "a: 1234567"}, ["metadata"]),
        ("Bearer", {"metadata": "a: Bearer x"}, []),
        ("Bearer 12345678", {"source-name": "Bearer of news"}, []),
        ("12345678", FROM_FILE | {"metadata": "a: 12345678"}, ["metadata"]),
        ("12345678", {"metadata": "12345678"}, ["metadata"]),
    ],
    ids=str,
)
def test_the_token_is_nowhere_else(token: str, given: dict[str, str], names: list[str]) -> None:
    env = variables(CONNECTION | {"dx-token": token} | given)
    if not names:
        assert read_inputs(env)
        return
    with pytest.raises(BadInput) as caught:
        read_inputs(env)
    assert [problem.subject for problem in caught.value.problems] == names


NOWHERE_ELSE = "contains the text of `dx-token`. Write the token nowhere else."
OF_GITHUB = (
    "contains the text of `github-token`. So does `toJSON(github)`: write only the values that you need, "
    "such as ${{ github.actor }}."
)
OWN_INPUT = "Each of the two tokens goes to its own server: write each in its own input alone."
GITHUB_TOKEN = 'ghs_16C7"42F29'
PROXY = {"https_proxy": "http://svc:p%40ss-w0rd@proxy.example:8080"}


@pytest.mark.parametrize(
    ("given", "found"),
    [
        ({"metadata": json.dumps({"github": {"token": GITHUB_TOKEN}})}, {"metadata": OF_GITHUB}),
        ({"metadata": f"context: {json.dumps(json.dumps({'token': GITHUB_TOKEN}))}"}, {"metadata": OF_GITHUB}),
        ({"source-url": f"https://x/?a={quote(GITHUB_TOKEN)}"}, {"source-url": OF_GITHUB}),
        ({"environment": b64encode(f"x:{GITHUB_TOKEN}".encode()).decode()}, {"environment": OF_GITHUB}),
        ({"dx-token": GITHUB_TOKEN}, {
            "dx-token": f"contains the text of `github-token`. {OWN_INPUT}",
            "github-token": f"contains the text of `dx-token`. {OWN_INPUT}",
        }),
        ({"dx-token": "zq-0f-dx", "github-token": "zq-0f-dx-and-more"}, {
            "github-token": f"contains the text of `dx-token`. {OWN_INPUT}",
        }),
        ({"service": "p@ss-w0rd"}, {"service": "contains the password of `https_proxy`. Write it nowhere else."}),
        ({"service": "p%40ss-w0rd"}, {"service": "contains the password of `https_proxy`. Write it nowhere else."}),
        # The first of two.
        ({"metadata": f"a: t0ken-0f-the-tests {GITHUB_TOKEN} p@ss-w0rd"}, {"metadata": NOWHERE_ELSE}),
        # What cannot be read says that alone.
        ({"timeout": GITHUB_TOKEN}, {"timeout": "is not a number of seconds from 1 to 3600. Write digits alone, as in 60 or 2.5."}),
        # Not even for a file's name, or a branch that nothing is sent of.
        ({"only-branches": GITHUB_TOKEN}, {"only-branches": OF_GITHUB}),
    ],
    ids=str,
)  # fmt: skip
def test_no_secret_is_written_in_another_input(given: dict[str, str], found: dict[str, str]) -> None:
    assert problems(CONNECTION | {"github-token": GITHUB_TOKEN} | given, **PROXY) == found


def test_a_token_by_another_variable_is_a_secret_too() -> None:
    env = variables(CONNECTION) | {"INPUT_dx-token": "an0ther-t0ken", "INPUT_GITHUB_TOKEN": "gh-t0ken"}
    assert tokens(env) == ("an0ther-t0ken", "t0ken-0f-the-tests", "gh-t0ken")
    assert known_secrets(env).names_in("gh-t0ken an0ther-t0ken") == (
        "the text of `dx-token`",
        "the text of `github-token`",
    )
    assert problems(CONNECTION | {"service": "an0ther-t0ken"}, **{"INPUT_dx-token": "an0ther-t0ken"}) == {
        "service": NOWHERE_ELSE,
        "INPUT_dx-token": "differs from the variable of `dx-token` only in case, and the runner does not write it so. Remove it.",
    }


@pytest.mark.parametrize(
    ("given", "env", "subjects"),
    [
        (CONNECTION | {"sucess": "false"}, {}, ["sucess"]),
        (CONNECTION | {"services": "payments"}, {}, ["services"]),
        (CONNECTION | {"enviroment": "staging", "timeout": "never"}, {}, ["timeout", "enviroment"]),
        # One that is meant is not called missing, and breaks no rule.
        ({"dx_host": "acme"}, {}, ["dx_host", "dx-token"]),
        ({"dxhost": "acme", "dx_token": "t"}, {}, ["dxhost", "dx_token"]),
        (CONNECTION | {"services-from": "map", "servicemap": "services.yml"}, {}, ["servicemap"]),
        # A variable in another case decides nothing, whatever it says and whichever comes first.
        (CONNECTION, {"INPUT_dx-host": "evil.example"}, ["INPUT_dx-host"]),
        (CONNECTION, {"input_DX-HOST": "acme"}, ["input_DX-HOST"]),
        ({"dx-token": "t0ken"}, {"INPUT_Dx-Host": "evil.example"}, ["INPUT_Dx-Host"]),
    ],
)
def test_names_that_are_nearly_right(given: dict[str, str], env: dict[str, str], subjects: list[str]) -> None:
    assert list(problems(given, **env)) == subjects
    assert list(problems({}, **(env | variables(given)))) == subjects


@pytest.mark.parametrize(
    ("env", "warnings"),
    [
        ({}, 0),
        ({"INPUT_FOO": "1", "INPUT_BAR-BAZ": "2"}, 1),
        ({"INPUT_FOO": " ", "INPUT_SUCESS": "", "INPUT_dx-host": "\n"}, 0),  # blank is unset
        ({"INPUT_ARGS": "--help", "INPUT_ENTRYPOINT": "/bin/sh"}, 0),
        ({"input_foo": "1", "MY_INPUT_FOO": "2", "INPUTS": "3"}, 0),
    ],
)
def test_names_that_are_somebody_else_s(env: dict[str, str], warnings: int) -> None:
    assert read_inputs(variables(CONNECTION) | env) == inputs()
    assert len(unknown_inputs(variables(CONNECTION) | env)) == warnings


@pytest.mark.parametrize(
    "given",
    [
        {"service-map": "a.yml", "services-from": "MAP"},
        {"service-map": "a.yml"},
        {"services-from": "backstage"},
        {"services-from": "codeowners"},
        {"services-from": "input"},
        {"replace-pull-services": "true", "set-pull-services": "TRUE"},
        {"replace-pull-services": "true", "operation": "Set-Pull-Services"},
        {"replace-pull-services": "false"},
        *(
            {"since-sha": "abc1235"} | more
            for more in (
                {},
                {"service-map": "a.yml"},
                {"services-from": "Backstage"},
                {"attribution": "Merge-Commits"},
                {"show-pull-requests": "True"},
                {"lead-time-metadata": "First-Commit"},
                {"set-pull-services": "True"},
                TELL,
            )
        ),
        TELL | {"show-pull-requests": "False", "lead-time-metadata": "None", "workflow-jobs": "false"},
        {"attribution": "merge-commits"},
        BACKFILL | {"since": "1735733100", "until": "1735733101", "workflow-jobs": "true", "csv-file": "a.csv"},
        BACKFILL | {"service": "a\nb", "attribution": "repository", "only-environments": "live"},
        FROM_FILE | {"csv-file": "a.csv", "success": "failure", "workflow-jobs": "false", "services-from": "input"},
        FROM_FILE | {"set-pull-services": "false", "only-branches": "main", "only-environments": "live"},
    ],
    ids=str,
)
def test_inputs_that_agree(given: dict[str, str]) -> None:
    assert inputs(given)


def test_shas_and_their_attribution_may_both_be_given() -> None:
    read = inputs({"merge-commit-shas": "abc1234", "attribution": "Merge-Commits"})
    assert (read.attribution, read.merge_commit_shas) == ("merge-commits", ("abc1234",))


def test_all_problems_at_once() -> None:
    worst = {name: text for name, text, _ in BAD}
    assert problems(worst).keys() == worst.keys()


@pytest.mark.parametrize(
    "given",
    [{"timeout": "never"}, {"services-from": "map"}, {"environment": "caf\udce9"}],
    ids=["a value", "two that disagree", "bytes"],
)
def test_what_is_missing_is_told_with_what_is_wrong(given: dict[str, str]) -> None:
    found = problems(given, GITHUB_ACTOR="dependabot[bot]")
    (wrong,) = given
    assert set(found) == {wrong, "dx-host", "dx-token"}
    assert "Dependabot secret" in found["dx-token"]


def test_a_path_that_cannot_be_read_still_asks_for_a_file_and_no_connection() -> None:
    assert list(problems(BACKFILL | {"csv-file": "../out.csv"})) == ["csv-file"]
    assert set(problems({"dry-run": "perhaps"})) == {"dry-run", "dx-host", "dx-token"}


@pytest.mark.parametrize("name", DECLARED)
def test_bytes_that_are_not_utf8(name: str) -> None:
    assert problems(CONNECTION | {name: "caf\udce9"}) == {name: "is not valid UTF-8."}


def test_a_broken_token_is_not_called_missing() -> None:
    found = problems({"dx-host": "acme", "dx-token": "caf\udce9", "timeout": "never"})
    assert found["dx-token"] == "is not valid UTF-8."


@pytest.mark.parametrize("name", DECLARED)
def test_no_value_leaks(name: str) -> None:
    """Neither in the sentence nor in the traceback, in which pydantic would print all that was given."""
    secret = "s3cr3t"
    given = CONNECTION | {"dx-token": f"{secret}-token"} | {name: f"[{secret}\x00, ="}
    with pytest.raises(BadInput) as caught:
        read_inputs(variables(given))
    error = caught.value
    told = [str(error), repr(error), *traceback.format_exception(error), str(error.__context__), str(error.__cause__)]
    assert name in str(error)
    assert secret not in "".join(told)


def test_pydantics_own_words_quote_no_value() -> None:
    """They leave nowhere; but a bug may show what was raised."""
    with pytest.raises(ValidationError) as caught:
        Inputs.model_validate({"timeout": "s3cr3t"})
    assert "s3cr3t" not in str(caught.value)


@pytest.mark.parametrize(
    ("given", "source"),
    [
        ({}, "input"),
        ({"service-map": "a.yml"}, "map"),
        ({"service-map": "a.yml", "services-from": "map"}, "map"),
        ({"services-from": "backstage"}, "backstage"),
        ({"services-from": "codeowners"}, "codeowners"),
        ({"services-from": "input"}, "input"),
    ],
)
def test_where_services_come_from(given: dict[str, str], source: str) -> None:
    assert inputs(given).services_source == source


@pytest.mark.parametrize(
    ("given", "implied"),
    [
        ({}, ""),
        ({"service-map": "a.yml"}, "by_files"),
        ({"service-map": "a.yml", "service": "web"}, ""),
        ({"services-from": "backstage"}, "by_files"),
        ({"attribution": "merge-commits"}, "discovers_merge_commits"),
        ({"attribution": "merge-commits", "merge-commit-shas": "abc1234"}, "names_commits"),
        ({"merge-commit-shas": "abc1234"}, "names_commits"),
        ({"commit-sha": "abc1234"}, "names_commits"),
        ({"attribution": "repository"}, "names_commits"),
        ({"attribution": "commit"}, ""),
        ({"lead-time-metadata": "commit"}, "wants_commit_time"),
        ({"lead-time-metadata": "first-commit"}, "wants_first_commit_time"),
        ({"lead-time-metadata": "both"}, "wants_commit_time wants_first_commit_time"),
        ({"lead-time-metadata": "both", "metadata": "commit_timestamp: 5"}, "wants_first_commit_time"),
        ({"lead-time-metadata": "both", "metadata": "first_commit_timestamp: 5"}, "wants_commit_time"),
    ],
    ids=str,
)
def test_what_the_inputs_imply(given: dict[str, str], implied: str) -> None:
    read = inputs(given)
    names = ("names_commits", "by_files", "discovers_merge_commits", "wants_commit_time", "wants_first_commit_time")
    assert " ".join(name for name in names if getattr(read, name)) == implied
    assert read.deploys
    assert inputs(operation="check").deploys
    assert not inputs(operation="set-pull-services", pull_number="7", service="web").deploys


def test_the_tokens_are_not_shown_with_the_inputs() -> None:
    read = inputs(dx_token="s3cr3t-token", github_token="s3cr3t-too")
    assert "s3cr3t" not in f"{read!r} {read}"


TOKEN_MISSING = (
    "is missing or empty. Write ${{ secrets.DX_TOKEN }}, and store a DX Data Cloud API token as that secret where this "
    "repository can read it. A reusable workflow gets it only if its caller writes `secrets: inherit`."
)
HOST_MISSING = "is missing. Write your DX instance's host, as in acme.getdx.net."


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (CONNECTION, {}),
        ({}, {"dx-host": HOST_MISSING, "dx-token": TOKEN_MISSING}),
        ({"dx-token": "t"}, {"dx-host": HOST_MISSING}),
        ({"dx-host": "acme"}, {"dx-token": TOKEN_MISSING}),
        ({"dx-host": "acme", "dx-token": " "}, {"dx-token": TOKEN_MISSING}),
        ({"dry-run": "True"}, {}),
        ({"operation": "backfill", "csv-file": "out.csv"}, {}),
        ({"dx-host": "acme", "dry-run": "false"}, {"dx-token": TOKEN_MISSING}),
    ],
    ids=["both", "neither", "no host", "no token", "blank token", "dry run", "csv file", "no dry run"],
)
def test_missing_connection(given: dict[str, str], expected: dict[str, str]) -> None:
    found = missing_connection(read_inputs(variables(given)), "octocat")
    assert {each.subject: each.text for each in found} == expected


def test_missing_connection_may_be_no_error_yet() -> None:
    """The event may still say that there is nothing to send."""
    assert read_inputs({}).dx_token is None


def test_dependabot_is_told_of_its_own_secrets() -> None:
    (problem,) = missing_connection(inputs(dx_token=""), "dependabot[bot]")
    assert problem.text == (
        TOKEN_MISSING
        + " Runs that Dependabot sets off read Dependabot secrets only: store it as a Dependabot secret, too."
    )


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({}, "true"),
        ({"fail-on-error": "true"}, "true"),
        ({"fail-on-error": " FALSE\n"}, "false"),
        ({"fail-on-error": "false", "timeout": "never"}, "false"),
        ({"fail-on-error": "no"}, "true"),
        ({"fail-on-error": "Except-Outages ", "timeout": "never"}, "except-outages"),
    ],
    ids=["unset", "true", "false", "beside a bad input", "neither", "except outages"],
)
def test_fail_on_error_is_read_alone(given: dict[str, str], expected: str) -> None:
    assert fail_on_error(variables(given)) == expected


@pytest.mark.parametrize(
    ("given", "masked"),
    [
        ({}, ()),
        ({"dx-token": " a ", "github-token": "b"}, ("a", "b")),
        ({"dx-token": "Bearer  a", "github-token": "bearer b"}, ("Bearer  a", "a", "bearer b", "b")),
        ({"dx-token": "Bearer "}, ("Bearer",)),
        ({"dx-token": "two words"}, ("two words",)),
    ],
    ids=str,
)
def test_tokens_are_known_as_written_and_as_used(given: dict[str, str], masked: tuple[str, ...]) -> None:
    assert tokens(variables(given)) == masked


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("2099-01-01T00:00:00Z", "is more than a day ahead of the runner's clock"),
        ("2025-03-11T12:00:00Z", "is more than a day ahead of the runner's clock"),
        ("9999999999999", "is more than a day ahead of the runner's clock"),
        ("1971-01-01T00:00:00Z", "is before the year 2000"),
        ("0000000000", "is before the year 2000"),
    ],
)
def test_a_time_of_another_age_is_reported_with_all_other_problems(text: str, words: str) -> None:
    given = variables(CONNECTION | {"deployed-at": text, "timeout": "never"})
    with pytest.raises(BadInput) as caught:
        read_inputs(given, NOW)
    found = {problem.subject: problem.text for problem in caught.value.problems}
    assert list(found) == ["timeout", "deployed-at"]
    assert words in found["deployed-at"]
    with pytest.raises(BadInput, match="is not a time"):
        read_inputs(given | variables({"deployed-at": "yesterday"}), NOW)


@pytest.mark.parametrize("text", ["2025-03-11T09:30:00Z", "2000-01-01T00:00:00Z", "2025-03-10T11:00:00+02:00"])
def test_a_time_that_may_be_right(text: str) -> None:
    assert read_inputs(variables(CONNECTION | {"deployed-at": text}), NOW).deployed_at


@pytest.mark.parametrize(
    ("given", "wanted"),
    [
        ({}, ()),
        ({"extra-metadata": "rollback"}, ("rollback",)),
        ({"extra-metadata": "rollback,pull_requests", "metadata": "rollback: no"}, ("pull_requests",)),
        ({"extra-metadata": "started_at", "metadata": "started_at: 1"}, ()),
    ],
    ids=str,
)
def test_a_key_of_the_author_wins(given: dict[str, str], wanted: tuple[str, ...]) -> None:
    assert inputs(given).wanted_facts == wanted


def test_a_survey_has_what_can_be_read_beside_every_problem() -> None:
    given = {"operation": "check", "service": "web", "success": "perhaps", "replace-pull-services": "true"}
    found, problems = survey_inputs(variables(given))
    assert (found.operation, found.service, found.success) == ("check", (Service("web"),), None)
    # The rules are those of a deployment; and what is missing of the connection is told beside what is wrong.
    assert [problem.subject for problem in problems] == ["success", "replace-pull-services", "dx-host", "dx-token"]
    assert survey_inputs(variables({"operation": "check"})) == (inputs(operation="check", dx_host="", dx_token=""), ())
