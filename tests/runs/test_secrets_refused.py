"""No secret is sent to DX, wherever it comes from: the run fails, names the place, and shows nothing of the secret."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

import builders
import events
from dx_action.deployment.registration import resolve
from dx_action.deployment.trigger import Skipped
from dx_action.errors import ActionError, BadInput
from dx_action.sandbox import Sandbox
from hostile import FORMS
from leaking import SECRET, can_be_read, leaks
from runner import Run, Step, action, connected
from stand_in import GitHub, Repo
from thorough import only_thorough

GITHUB_TOKEN, PASSWORD = SECRET[::-1], "pa%40ss-W0rd/of:the-proxy"
INPUTS = [name for name in action()["inputs"] if not name.endswith("token")]


@pytest.fixture
def dx() -> Iterator[Sandbox]:
    with Sandbox(token=SECRET) as sandbox:
        yield sandbox


def assert_kept_in(run: Run, dx: Sandbox) -> None:
    """Nothing of any secret is on the wire or can be read after the run."""
    for secret in (SECRET, GITHUB_TOKEN, PASSWORD):
        assert leaks(run, secret) == {}
        assert not any(can_be_read(json.dumps(request["json"]), secret) for request in dx.requests())


def assert_refused(run: Run, dx: Sandbox, words: str) -> None:
    assert (run.exit_code, run.status, dx.requests()) == (1, "failed", [])
    assert words in run.outputs["reason"]
    assert_kept_in(run, dx)


# Inputs.


@pytest.mark.parametrize("name", INPUTS)
def test_the_token_in_any_input(tmp_path: Path, dx: Sandbox, name: str) -> None:
    given = connected(dx, SECRET, failed_file="failed.jsonl") | {name: SECRET}
    assert_refused(Step(tmp_path, given, env={"RUNNER_DEBUG": "1"}).inside(), dx, f"`{name}` ")


@pytest.mark.parametrize("name", INPUTS)
def test_the_token_in_any_input_in_any_form(name: str) -> None:
    """Each is refused as the inputs are read, so no run is needed; and no message quotes it."""
    for form, write in FORMS.items():
        with pytest.raises(BadInput) as raised:
            builders.inputs({"dx-token": SECRET, name: write(SECRET)})
        assert name in {problem.subject for problem in raised.value.problems}, form
        assert not any(can_be_read(problem.text) for problem in raised.value.problems), form


@pytest.mark.parametrize("secret", [SECRET, GITHUB_TOKEN])
@pytest.mark.parametrize("name", [name for name in action()["inputs"] if name not in ("operation", "service-map")])
def test_a_check_that_goes_on_sends_it_nowhere(tmp_path: Path, dx: Sandbox, name: str, secret: str) -> None:
    """What is wrong is a line, and the rest is tried: without the input that has the secret."""
    repo = Repo("acme/shop")
    repo.commit({"README.md": "Shop"})
    given = connected(dx, SECRET, service="", services_from="codeowners", operation="check", lead_time_metadata="both")
    with GitHub(repo, token=GITHUB_TOKEN) as github:
        step = Step(tmp_path, given | {name: secret}, env=github.env | {"RUNNER_DEBUG": "1"}, github_token=GITHUB_TOKEN)
        run = step.inside()
        asked = [(call.path, call.query, call.variables) for call in github.calls]
        assert not any(call.authorization == "invalid" for call in github.calls)
    own = (name, secret) in (("dx-token", SECRET), ("github-token", GITHUB_TOKEN))
    assert ("inputs" in [line["name"] for line in run.json("checks") if line["outcome"] == "failed"]) != own
    assert own or (run.exit_code, run.status) == (1, "failed")
    assert [request["body"] for request in dx.requests()] in ([], ["{}"])
    assert not any(GITHUB_TOKEN in str(request["headers"]) for request in dx.requests())
    assert not any(can_be_read(json.dumps(each), known) for each in asked for known in (SECRET, GITHUB_TOKEN))
    assert_kept_in(run, dx)


@pytest.mark.parametrize("name", ["INPUT_dx-host", "INPUT_Dx-Token", "input_GITHUB-TOKEN"])
def test_a_check_asks_nobody_if_another_case_may_decide_whom(tmp_path: Path, dx: Sandbox, name: str) -> None:
    with Sandbox(token=SECRET) as elsewhere, GitHub(Repo("acme/shop"), token=GITHUB_TOKEN) as github:
        given = connected(dx, SECRET, service="", services_from="codeowners", operation="check")
        env = {**github.env, name: elsewhere.url}
        run = Step(tmp_path, given, env=env, github_token=GITHUB_TOKEN).inside()
        assert (run.status, elsewhere.requests()) == ("failed", [])
        kinds = {"INPUT_dx-host": [], "INPUT_Dx-Token": ["absent"], "input_GITHUB-TOKEN": ["valid"]}
        assert [request["authorization"] for request in dx.requests()] == kinds[name]
        assert bool(github.calls) == ("GITHUB" not in name)


# A dry run refuses as any other does; every form in both is for `make thorough`.
@pytest.mark.parametrize(
    ("form", "dry"),
    [
        *((form, "false") for form in FORMS),
        *(pytest.param(form, "true", marks=[] if form == "as it is" else only_thorough) for form in FORMS),
    ],
)
@pytest.mark.parametrize(
    ("secret", "called"),
    [(SECRET, "text of `dx-token`"), (GITHUB_TOKEN, "text of `github-token`"), (PASSWORD, "password of `HTTPS_PROXY`")],
)
def test_every_secret_in_every_form(tmp_path: Path, dx: Sandbox, secret: str, called: str, form: str, dry: str) -> None:
    given = connected(dx, SECRET, dry_run=dry, metadata=json.dumps({"key": [FORMS[form](secret)]}))
    env = {"RUNNER_DEBUG": "1", "HTTPS_PROXY": f"http://svc:{PASSWORD}@127.0.0.1:1"}
    run = Step(tmp_path, given, env=env, github_token=GITHUB_TOKEN).inside()
    assert_refused(run, dx, f"`metadata` contains the {called}")


@pytest.mark.parametrize("write", [json.dumps, lambda context: json.dumps({"github": json.dumps(context, indent=2)})])
def test_the_whole_context_of_github_has_the_job_s_token_in_it(tmp_path: Path, dx: Sandbox, write: Any) -> None:
    """`metadata: ${{ toJSON(github) }}`"""
    token = "ghs_16C7e42F292c6912E7710c838347Ae178B4a"
    context = {"token": token, "job": "deploy", "actor": "octocat", "event": events.load("push_branch")[1]}
    given = connected(dx, SECRET, metadata=write(context))
    run = Step(tmp_path, given, "push_branch", github_token=token).inside()
    assert_refused(
        run, dx, "`metadata` contains the text of `github-token`. So does `toJSON(github)`: write only the values"
    )
    assert leaks(run, token) == {}


@pytest.mark.parametrize("token", ["ghs-", "qZ7", 'a"b', "\\q\\", "x" * 3000], ids=len)
def test_a_token_of_any_length(tmp_path: Path, dx: Sandbox, token: str) -> None:
    given = connected(dx, SECRET, metadata=json.dumps({"key": f"Bearer {token}"}))
    run = Step(tmp_path, given, github_token=token).inside()
    assert_refused(run, dx, "`metadata` contains the text of `github-token`")


@pytest.mark.parametrize("write", ["\\x{:02x}", "\\u{:04x}", "\\U{:08x}"])
def test_a_token_that_only_yaml_can_read(tmp_path: Path, dx: Sandbox, write: str) -> None:
    given = connected(dx, SECRET, metadata='a: "' + "".join(write.format(ord(letter)) for letter in SECRET) + '"')
    assert_refused(Step(tmp_path, given).inside(), dx, "`metadata` contains the text of `dx-token`")


def test_the_wrong_token_is_sent_to_nobody(tmp_path: Path, dx: Sandbox) -> None:
    run = Step(tmp_path, connected(dx, SECRET), github_token=SECRET).inside()
    assert_refused(run, dx, "`dx-token` contains the text of `github-token`")


@pytest.mark.parametrize("name", ["INPUT_dx-host", "INPUT_Dx-Host", "input_DX-HOST"])
@pytest.mark.parametrize("first", [True, False])
def test_another_case_of_a_variable_never_decides_where_a_token_goes(
    tmp_path: Path, dx: Sandbox, name: str, first: bool
) -> None:
    with Sandbox(token=SECRET) as elsewhere:
        step = Step(tmp_path, connected(dx, SECRET), env={name: elsewhere.url})
        env = step.environment()
        ordered = {name: elsewhere.url, **env} if first else {**env, name: elsewhere.url}
        step.env = {variable: ordered[variable] for variable in ordered}
        run = step.inside()
        assert_refused(run, dx, f"`{name}` differs from the variable of `dx-host` only in case")
        assert elsewhere.requests() == []


def test_another_program_s_inputs_are_a_warning(tmp_path: Path, dx: Sandbox) -> None:
    env = {"INPUT_IMAGE-TAG": "v1", "INPUT_::ERROR::X`": "x", "INPUT_ARGS": "a", "INPUT_SUCESS": " "}
    run = Step(tmp_path, connected(dx, SECRET), env=env).inside()
    assert run.status == "registered"
    (warning,) = (text for level, text in run.annotations if level == "warning")
    assert warning.startswith("`image-tag`, `. ::error::x` are not inputs of this action and are ignored.")


# Events and variables.


def leaves(value: Any, path: str = "") -> Iterator[str]:
    """Give the place of each text inside of objects."""
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from leaves(inner, f"{path}.{key}" if path else key)
    elif isinstance(value, str):
        yield path


def fields_read(name: str) -> Iterator[str]:
    """Give each place whose text makes a difference to the event."""
    event = builders.event(name)
    for place in leaves(events.load(name)[1]):
        try:
            if builders.event(name, {place: "another"}) != event:
                yield place
        except ActionError:
            yield place


def fields() -> Iterator[Any]:
    """Give every field of every fixture; `make test` tries each once for a kind of event and for each way that it ends."""
    seen = set[tuple[str, str, str]]()
    given = builders.inputs(service="web", only_environments="**")
    for name in events.NAMES:
        end = resolve(given, builders.runtime(name), builders.event(name), builders.NOW)
        way = end.reason if isinstance(end, Skipped) else "registered"
        for place in fields_read(name):
            kind = (events.load(name)[0]["GITHUB_EVENT_NAME"], way, place)
            yield pytest.param(name, place, marks=only_thorough if kind in seen else [])
            seen.add(kind)


@pytest.mark.parametrize(("write", "dry"), [("{secret}", "false"), ("{value}?{code}", "true")], ids=["alone", "behind"])
@pytest.mark.parametrize(("name", "place"), list(fields()))
def test_the_token_in_any_field_of_an_event(
    tmp_path: Path, dx: Sandbox, name: str, place: str, write: str, dry: str
) -> None:
    value: Any = events.load(name)[1]
    for key in place.split("."):
        value = value[key]
    payload = builders.payload(name, {place: write.format(secret=SECRET, value=value, code=quote(SECRET, safe=""))})
    file = tmp_path / "event.json"
    file.write_text(json.dumps(payload))
    given = connected(dx, SECRET, service="", dry_run=dry, failed_file="failed.jsonl", only_environments="**")
    env = {"GITHUB_EVENT_PATH": str(file), "RUNNER_DEBUG": "1"}
    assert_kept_in(Step(tmp_path, given, name, env).inside(), dx)


URL = f"https://ci.example/?token={quote(SECRET, safe='')}"
FIELDS: list[tuple[str, str, Any, str]] = [
    (
        "deployment_production",
        "deployment.payload",
        {"service": SECRET},
        "`service` {}, from deployment.payload.service.",
    ),
    (
        "deployment_production",
        "deployment.payload",
        json.dumps({"service": [SECRET]}),
        "`service` {}, from deployment.pay",
    ),
    ("deployment_status_success", "deployment_status.log_url", URL, "`source_url` {}, from deployment_status.log_url."),
    (
        "deployment_status_success",
        "deployment_status.target_url",
        URL,
        "`source_url` {}, from deployment_status.target_url.",
    ),
    ("workflow_run_success", "workflow_run.html_url", URL, "`source_url` {}, from workflow_run.html_url."),
    ("release_published", "release.html_url", URL, "`source_url` {}, from release.html_url."),
    ("pull_request_merged", "pull_request.html_url", URL, "`source_url` {}, from pull_request.html_url."),
    ("push_branch", "head_commit.id", SECRET, "`commit_sha` {}, from push.head_commit.id."),
    ("push_branch", "repository.full_name", f"acme/{SECRET}", "`repository` {}, from repository.full_name."),
]


@pytest.mark.parametrize(("name", "place", "value", "words"), FIELDS, ids=str)
def test_the_field_of_the_event_is_named(
    tmp_path: Path, dx: Sandbox, name: str, place: str, value: Any, words: str
) -> None:
    changes = {"deployment_status.log_url": ""} if place == "deployment_status.target_url" else {}
    file = tmp_path / "event.json"
    file.write_text(json.dumps(builders.payload(name, {**changes, place: value})))
    run = Step(tmp_path, connected(dx, SECRET, service=""), name, {"GITHUB_EVENT_PATH": str(file)}).inside()
    assert_refused(run, dx, words.format("contains the text of `dx-token`"))


@pytest.mark.parametrize(
    ("variable", "value", "words"),
    [
        ("GITHUB_SERVER_URL", f"https://x:{quote(SECRET, safe='')}@ghe.example", "`source_url` {}, from this job."),
        ("GITHUB_SHA", SECRET, "`commit_sha` {}, from GITHUB_SHA."),
        ("GITHUB_REPOSITORY", f"acme/{SECRET}", "`repository` {}, from GITHUB_REPOSITORY."),
    ],
)
def test_the_variable_is_named(tmp_path: Path, dx: Sandbox, variable: str, value: str, words: str) -> None:
    file = tmp_path / "event.json"
    file.write_text("{}")
    env = {variable: value, "GITHUB_EVENT_PATH": str(file)}
    run = Step(tmp_path, connected(dx, SECRET), "workflow_dispatch", env).inside()
    assert_refused(run, dx, words.format("contains the text of `dx-token`"))


# A backfill's file.

ROW = {"deployed_at": "2025-01-01T12:05:00Z", "service": "web", "repository": "acme/shop"}
CELLS: dict[str, dict[str, Any]] = {
    **{name: ROW | {name: SECRET} for name in ("service", "repository", "environment", "integration_branch")},
    **{name: ROW | {name: SECRET} for name in ("source_name", "reference_id")},
    "source_url": ROW | {"source_url": URL},
    "metadata": ROW | {"metadata": {"a": [{SECRET: 1}]}},
    "services": {"method": "setPullServices", "github_pull_id": 7, "services": [{"identifier": "a", "name": SECRET}]},
}


@pytest.mark.parametrize("more", [{}, {"dry-run": "true"}, {"csv-file": "out.csv"}], ids=str)
@pytest.mark.parametrize("column", CELLS)
def test_the_token_in_a_row(tmp_path: Path, dx: Sandbox, column: str, more: dict[str, str]) -> None:
    given = connected(dx, SECRET, operation="backfill", backfill_file="rows.jsonl", service="", failed_file="a.jsonl")
    step = Step(tmp_path, given | more)
    (step.workspace / "rows.jsonl").write_text("".join(f"{json.dumps(row)}\n" for row in (ROW, CELLS[column])))
    run = step.inside()
    (step.workspace / "rows.jsonl").unlink()
    assert_refused(run, dx, f"line 2, column `{column}`: contains the text of `dx-token`. Remove it.")


@pytest.mark.parametrize("column", ["environment", "metadata", "source_url"])
def test_the_token_in_a_cell_of_a_csv(tmp_path: Path, dx: Sandbox, column: str) -> None:
    value = {"metadata": json.dumps({"a": SECRET}), "source_url": URL}.get(column, SECRET).replace('"', '""')
    step = Step(tmp_path, connected(dx, SECRET, operation="backfill", backfill_file="rows.csv", service=""))
    (step.workspace / "rows.csv").write_text(f'deployed_at,service,{column}\r\n2025-01-01T12:05:00Z,web,"{value}"\r\n')
    run = step.inside()
    (step.workspace / "rows.csv").unlink()
    assert_refused(run, dx, f"line 2, column `{column}`: contains the text of `dx-token`. Remove it.")


@pytest.mark.parametrize("name", [f"{SECRET}", f"{'x' * 50}{SECRET}", f"{'x' * 25}{SECRET}"], ids=len)
@pytest.mark.parametrize("form", ["csv", "jsonl"])
def test_the_token_as_a_column_s_name(tmp_path: Path, dx: Sandbox, form: str, name: str) -> None:
    step = Step(tmp_path, connected(dx, SECRET, operation="backfill", backfill_file=f"rows.{form}", service=""))
    quoted = name.replace('"', '""')
    text = json.dumps(ROW | {name: 1}) if form == "jsonl" else f'deployed_at,"{quoted}"\n2025-01-01T12:05:00Z,1\n'
    (step.workspace / f"rows.{form}").write_text(text)
    run = step.inside()
    (step.workspace / f"rows.{form}").unlink()
    assert_refused(run, dx, "column `")
