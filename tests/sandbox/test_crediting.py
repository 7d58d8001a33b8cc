"""Which pull requests the stand-in says that a sequence of calls would credit."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dx_action.sandbox import PullRequestError, Sandbox, Store, parse_pull_requests
from dx_action.sandbox.__main__ import main
from dx_action.sandbox.attribution import MergedPullRequest

TOKEN = "the-token-of-the-tests"
SHOP = "acme/shop"


def sha(number: int) -> str:
    return f"{number:x}" * 40


def pull(number: int, day: int, /, **more: Any) -> dict[str, Any]:
    return {
        "repository": SHOP,
        "number": number,
        "base_ref": "main",
        "default_branch": "main",
        "merge_commit_sha": sha(number),
        "merged_at": f"2024-01-{day:02}T10:00:00Z",
    } | more


def deployment(reference: str, month: int, **more: Any) -> dict[str, Any]:
    named = {"reference_id": reference, "deployed_at": f"2024-{month:02}-01T00:00:00Z"}
    return named | {"service": "web", "repository": SHOP} | more


def call(store: Store, method: str, body: dict[str, Any]) -> None:
    assert store.handle(f"deployments.{method}", TOKEN, json.dumps(body).encode()) == (200, {"ok": True})


def credited(store: Store | Sandbox) -> dict[str, list[int]]:
    return {each["reference_id"]: [one["number"] for one in each["pull_requests"]] for each in store.attribution()}


PULLS = [pull(number, number) for number in range(1, 6)]
A_TO_E = [deployment("1", 3, commit_sha=sha(2)), deployment("2", 6, commit_sha=sha(5)[:7])]


@pytest.fixture
def store() -> Store:
    return Store(TOKEN, pull_requests=PULLS)


# In process.


def test_what_is_told_of_a_deployment(store: Store) -> None:
    call(store, "create", deployment("x", 3, commit_sha=sha(1)[:9], environment="blue", success=False))
    assert store.attribution() == [
        {
            "reference_id": "x",
            "repository": SHOP,
            "environment": "blue",
            "service": "web",
            "deployed_at": "2024-03-01T00:00:00Z",
            "path": "commit_sha",
            "pull_requests": [
                {
                    "repository": SHOP,
                    "number": 1,
                    "base_ref": "main",
                    "merge_commit_sha": sha(1),
                    "merged_at": "2024-01-01T10:00:00Z",
                }
            ],
            "unmatched": [],
        }
    ]


def test_nothing_known_nothing_credited() -> None:
    store = Store(TOKEN)
    assert store.attribution() == []
    call(store, "create", deployment("named", 3, repository="x/y", merge_commit_shas=["abc1234", sha(1)]))
    call(store, "create", deployment("alone", 3))
    assert credited(store) == {"named": [], "alone": []}
    told = [(each["path"], each["unmatched"]) for each in store.attribution()]
    assert told == [("merge_commit_shas", ["abc1234", sha(1)]), ("repository", [])]
    without = {"reference_id": "n", "deployed_at": 1709251200, "service": "web", "merge_commit_shas": [sha(1)]}
    call(store, "create", without)
    assert [each["repository"] for each in store.attribution()] == ["x/y", SHOP, None]


@pytest.mark.parametrize("backwards", [False, True])
def test_the_page_s_table(store: Store, *, backwards: bool) -> None:
    for body in A_TO_E[:: -1 if backwards else 1]:
        call(store, "create", body)
    assert list(credited(store)) == [each["reference_id"] for each in store.deployments()]
    assert credited(store) == {"1": [1, 2], "2": [3, 4, 5]}


def test_what_is_learned_later_counts(store: Store) -> None:
    late = Store(TOKEN)
    for each in (late, store):
        for body in A_TO_E:
            call(each, "create", body)
    assert credited(late) == {"1": [], "2": []}
    for one in reversed(PULLS):
        late.know([one])
    assert late.attribution() == store.attribution()


def test_one_known_anew_replaces_the_former(store: Store) -> None:
    call(store, "create", A_TO_E[1])
    store.know([pull(3, 3, base_ref="develop")])
    assert credited(store) == {"2": [1, 2, 4, 5]}
    moment = datetime(2024, 1, 3, tzinfo=UTC)
    made = MergedPullRequest(
        repository=SHOP, number=3, base_ref="main", default_branch="main", merge_commit_sha=sha(3), merged_at=moment
    )
    store.know([made])
    assert credited(store) == {"2": [1, 2, 3, 4, 5]}


def test_resending_and_refusals_change_nothing_and_upserts_do(store: Store) -> None:
    for body in (*A_TO_E, *A_TO_E):
        call(store, "create", body)
    assert store.handle("deployments.create", TOKEN, json.dumps(A_TO_E[0] | {"success": False}).encode())[0] == 422
    assert credited(store) == {"1": [1, 2], "2": [3, 4, 5]}
    call(store, "upsert", {"reference_id": "1", "merge_commit_shas": [sha(3)]})
    assert credited(store) == {"1": [3], "2": [1, 2, 4, 5]}
    call(store, "upsert", {"reference_id": "1", "environment": "staging"})
    assert credited(store) == {"1": [3], "2": [1, 2, 3, 4, 5]}


def test_the_timeline_of_set_pull_services() -> None:
    store = Store(TOKEN, pull_requests=[pull(1, 1, id=11), pull(2, 2, id=22), pull(3, 3)])
    call(store, "setPullServices", {"github_pull_id": 11, "services": [{"identifier": "a"}]})
    call(store, "setPullServices", {"github_pull_id": 22, "services": [{"identifier": "b"}]})
    call(store, "setPullServices", {"repository": SHOP, "pull_number": 3, "services": [{"identifier": "a"}]})
    call(store, "create", deployment("a", 3, service={"identifier": "a", "name": "b"}))
    assert credited(store) == {"a": [1, 3]}
    # Cleared by its other name: it counts for every service again.
    call(store, "setPullServices", {"repository": SHOP, "pull_number": 2, "services": [], "replace": True})
    assert credited(store) == {"a": [1, 2, 3]}
    call(store, "setPullServices", {"github_pull_id": 22, "services": [{"identifier": "b"}, {"identifier": "a"}]})
    assert credited(store) == {"a": [1, 2, 3]}
    refused = {"github_pull_id": 11, "services": []}
    assert store.handle("deployments.setPullServices", TOKEN, json.dumps(refused).encode())[0] == 422
    call(store, "create", deployment("b", 3, service="b"))
    assert credited(store)["b"] == [2]


def test_an_integration_branch() -> None:
    feature = [pull(number, number, base_ref="develop") for number in (1, 2, 4)]
    store = Store(TOKEN, pull_requests=[*feature, pull(3, 3, commits=[sha(1), sha(2)]), pull(5, 5)])
    for reference, month, number in (("first", 3, 3), ("second", 4, 5)):
        more = {"commit_sha": sha(number), "integration_branch": "develop"}
        call(store, "create", deployment(reference, month, **more))
    assert credited(store) == {"first": [1, 2], "second": [4]}


def test_reset_forgets_pull_requests_and_services(store: Store) -> None:
    call(store, "setPullServices", {"repository": SHOP, "pull_number": 1, "services": [{"identifier": "api"}]})
    call(store, "create", deployment("x", 3))
    assert credited(store) == {"x": [2, 3, 4, 5]}
    store.reset()
    assert store.attribution() == []
    call(store, "create", deployment("x", 3))
    assert credited(store) == {"x": []}
    store.know(PULLS)
    assert credited(store) == {"x": [1, 2, 3, 4, 5]}


def test_no_token_is_told() -> None:
    store = Store(TOKEN, pull_requests=[pull(1, 1, repository=TOKEN, base_ref=TOKEN, default_branch=TOKEN)])
    store.know(parse_pull_requests([pull(2, 2, repository="***", base_ref=TOKEN, default_branch=TOKEN)]))
    call(store, "create", deployment("x", 3, repository=TOKEN))
    assert credited(store) == {"x": [1, 2]}
    assert TOKEN not in json.dumps(store.attribution())


@settings(max_examples=25, deadline=None)
@given(st.permutations([*A_TO_E, deployment("3", 4), deployment("4", 5, merge_commit_shas=[sha(1), sha(4)])]))
def test_the_order_of_calls_does_not_matter(bodies: list[dict[str, Any]]) -> None:
    store = Store(TOKEN, pull_requests=PULLS)
    for body in bodies:
        call(store, "create", body)
    assert credited(store) == {"1": [1, 2], "3": [3, 4, 5], "4": [], "2": []}


def test_twenty_threads_learn_and_ask() -> None:
    store = Store(TOKEN)
    call(store, "create", A_TO_E[1])

    def learn(number: int) -> list[dict[str, Any]]:
        store.know([pull(number, number % 28 + 1, merge_commit_sha=f"{number:040x}")])
        return store.attribution()

    store.know([pull(5, 5)])
    with ThreadPoolExecutor(20) as threads:
        assert all(len(told) == 1 for told in threads.map(learn, range(100, 140)))
    store.know([pull(999, 28, merge_commit_sha=f"{999:040x}")])
    call(store, "create", deployment("last", 7, commit_sha=f"{999:040x}"))
    assert sum(len(numbers) for numbers in credited(store).values()) == 42


# What is refused.


@pytest.mark.parametrize(
    ("value", "sentence"),
    [
        ({}, "must be a JSON array"),
        (None, "must be a JSON array"),
        ("[]", "must be a JSON array"),
        ([7], "pull_requests[0] must be a JSON object"),
        ([pull(1, 1), [pull(2, 2)]], "pull_requests[1] must be a JSON object"),
        ([{}], "pull_requests[0].repository is missing. pull_requests[0].number is missing."),
        (
            [{**pull(1, 1), "title": "x"}],
            "pull_requests[0].title is not known; a pull request may have repository, number",
        ),
        ([pull(1, 1, repository="")], "pull_requests[0].repository must not be empty"),
        ([pull(1, 1, repository=None)], "pull_requests[0].repository must be text"),
        ([pull(1, 1, number="1")], "pull_requests[0].number must be a positive integer"),
        ([pull(1, 1, number=0)], "pull_requests[0].number must be a positive integer"),
        ([pull(1, 1, number=True)], "pull_requests[0].number must be a positive integer"),
        ([pull(1, 1, number=1.0)], "pull_requests[0].number must be a positive integer"),
        ([pull(1, 1, id=None)], "pull_requests[0].id must be a positive integer"),
        ([pull(1, 1, base_ref=[])], "pull_requests[0].base_ref must be text"),
        ([pull(1, 1, default_branch=" ")], "pull_requests[0].default_branch must not be empty"),
        ([pull(1, 1, merge_commit_sha="abc1234")], "pull_requests[0].merge_commit_sha must be a whole commit SHA"),
        ([pull(1, 1, merge_commit_sha="g" * 40)], "pull_requests[0].merge_commit_sha must be a whole commit SHA"),
        ([pull(1, 1, merge_commit_sha=None)], "pull_requests[0].merge_commit_sha must be a whole commit SHA"),
        ([pull(1, 1, merge_commit_sha=sha(1) + "\n")], "pull_requests[0].merge_commit_sha must be a whole commit SHA"),
        ([pull(1, 1, merged_at=None)], "pull_requests[0].merged_at must be an ISO-8601 time"),
        ([pull(1, 1, merged_at="2024-01-01T10:00:00")], "pull_requests[0].merged_at has no time zone"),
        ([pull(1, 1, commits=sha(1))], "pull_requests[0].commits must be a JSON array"),
        ([pull(1, 1, commits={sha(1): 1})], "pull_requests[0].commits must be a JSON array"),
        ([pull(1, 1, commits=[sha(1), "abc1234"])], "pull_requests[0].commits[1] must be a whole commit SHA"),
        ([pull(1, 1), pull(2, 2), pull(1, 3)], "pull_requests[2] is the same pull request as pull_requests[0]."),
        (
            [pull(1, 1, number="1", id="1")],
            "number must be a positive integer, without quotes. pull_requests[0].id must",
        ),
    ],
)
def test_what_is_no_pull_request_is_refused(value: Any, sentence: str) -> None:
    with pytest.raises(PullRequestError) as raised:
        parse_pull_requests(value)
    assert sentence in str(raised.value)
    assert sha(1) not in str(raised.value)


def test_one_bad_pull_request_and_none_is_learned(store: Store) -> None:
    with pytest.raises(PullRequestError, match=r"pull_requests\[1\]"):
        store.know([pull(6, 6), pull(7, 7, number=-7)])
    call(store, "create", deployment("x", 3))
    assert credited(store) == {"x": [1, 2, 3, 4, 5]}
    with pytest.raises(PullRequestError):
        Store(TOKEN, pull_requests=[{}])


# Over HTTP, and from the command line.


def ask(url: str, verb: str, path: str, body: Any = None) -> tuple[int, Any]:
    host, _, port = url.removeprefix("http://").partition(":")
    connection = HTTPConnection(host, int(port), timeout=5)
    try:
        raw = body if isinstance(body, bytes | None) else json.dumps(body).encode()
        connection.request(verb, path, raw, {"Authorization": f"Bearer {TOKEN}"})
        response = connection.getresponse()
        return response.status, json.loads(response.read())
    finally:
        connection.close()


@pytest.fixture
def dx() -> Iterator[Sandbox]:
    with Sandbox(token=TOKEN, pull_requests=PULLS[:2]) as sandbox:
        yield sandbox


def test_over_http(dx: Sandbox) -> None:
    assert ask(dx.url, "POST", "/sandbox/pull-requests", PULLS[2:]) == (200, {"ok": True})
    for body in A_TO_E:
        assert ask(dx.url, "POST", "/api/deployments.create", body)[0] == 200
    assert ask(dx.url, "GET", "/sandbox/attribution") == (200, dx.attribution())
    assert credited(dx) == {"1": [1, 2], "2": [3, 4, 5]}
    dx.know([pull(6, 5)])
    assert credited(dx) == {"1": [1, 2], "2": [3, 4, 5, 6]}
    # It is no request to DX, and so in no list of them.
    assert len(dx.requests()) == 2
    assert ask(dx.url, "POST", "/sandbox/reset")[0] == 200
    assert ask(dx.url, "GET", "/sandbox/attribution") == (200, [])


def test_what_is_learned_over_http_is_masked_as_deployments_are(dx: Sandbox) -> None:
    assert ask(dx.url, "POST", "/sandbox/pull-requests", [pull(9, 9, repository=f"{TOKEN}/x")])[0] == 200
    ask(dx.url, "POST", "/api/deployments.create", deployment("x", 3, repository=f"{TOKEN}/x"))
    assert credited(dx) == {"x": [9]}


@pytest.mark.parametrize(
    ("body", "error", "message"),
    [
        (b"[", "invalid_json", "The body could not be parsed as JSON."),
        (b"", "invalid_json", "The body could not be parsed as JSON."),
        (b"null", "invalid_pull_requests", "The pull requests must be a JSON array of objects."),
        ({"pull_requests": PULLS}, "invalid_pull_requests", "The pull requests must be a JSON array of objects."),
        (
            [*PULLS, pull(6, 6, number="6")],
            "invalid_pull_requests",
            "pull_requests[5].number must be a positive integer, without quotes.",
        ),
    ],
)
def test_refused_over_http(dx: Sandbox, body: Any, error: str, message: str) -> None:
    answer = {"ok": False, "error": error, "message": message}
    assert ask(dx.url, "POST", "/sandbox/pull-requests", body) == (422, answer)
    dx.script([{"status": 503}])
    ask(dx.url, "POST", "/sandbox/faults", b"[]")
    ask(dx.url, "POST", "/api/deployments.create", deployment("x", 3))
    assert credited(dx) == {"x": [1, 2]}


@pytest.mark.parametrize(("verb", "path"), [("POST", "/sandbox/attribution"), ("GET", "/sandbox/pull-requests")])
def test_other_verbs_are_shown_the_routes(dx: Sandbox, verb: str, path: str) -> None:
    status, answer = ask(dx.url, verb, path)
    assert (status, answer["error"]) == (404, "not_found")
    assert "GET /sandbox/attribution, POST /sandbox/pull-requests" in answer["message"]


def test_from_the_command_line(tmp_path: Path) -> None:
    file = tmp_path / "pulls.json"
    file.write_text(json.dumps(PULLS), encoding="utf-8")
    command = [sys.executable, "-m", "dx_action.sandbox", "--port", "0", "--token", TOKEN, "--pull-requests", str(file)]
    root = Path(__file__).parents[2]
    with subprocess.Popen(command, cwd=root, env={**os.environ}, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        url = process.stdout.readline().split()[-1]
        try:
            for body in A_TO_E:
                ask(url, "POST", "/api/deployments.create", body)
            told = ask(url, "GET", "/sandbox/attribution")[1]
        finally:
            process.send_signal(signal.SIGTERM)
        assert process.wait(5) == 0
    assert [[one["number"] for one in each["pull_requests"]] for each in told] == [[1, 2], [3, 4, 5]]


@pytest.mark.parametrize(
    ("argument", "sentence"),
    [
        ("{}", "--pull-requests: The pull requests must be a JSON array"),
        ('[{"number": 1}]', "--pull-requests: pull_requests[0].repository is missing."),
        ("[", "--pull-requests: could not be parsed as JSON"),
        ("/nowhere/pulls.json", "--pull-requests: cannot read the file"),
    ],
)
def test_a_bad_argument_is_named(capsys: pytest.CaptureFixture[str], argument: str, sentence: str) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["--pull-requests", argument])
    assert ended.value.code == 2
    assert sentence in capsys.readouterr().err


def test_help_says_what_can_be_asked(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["--help"])
    told = " ".join(capsys.readouterr().out.split())
    for words in ("--pull-requests", "/sandbox/pull-requests", "/sandbox/attribution", *PULLS[0], "id and commits"):
        assert words in told
