"""What the runner's variables say of the run."""

import pytest

from dx_action.runner.runtime import (
    Runtime,
    bare_token,
    copied_secrets,
    known_secrets,
    proxy_passwords,
    read_runtime,
    tokens,
)
from dx_action.secrecy import Secret

RUN = {"GITHUB_REPOSITORY": "acme/shop", "GITHUB_RUN_ID": "7", "GITHUB_RUN_ATTEMPT": "2"}


@pytest.mark.parametrize(
    ("env", "check_run_id", "page"),
    [
        (RUN, "38", "https://github.com/acme/shop/actions/runs/7/job/38"),
        (RUN, None, "https://github.com/acme/shop/actions/runs/7/attempts/2"),
        (RUN, "", "https://github.com/acme/shop/actions/runs/7/attempts/2"),
        (RUN | {"GITHUB_RUN_ATTEMPT": ""}, None, "https://github.com/acme/shop/actions/runs/7/attempts/1"),
        (RUN | {"GITHUB_REPOSITORY": "a b/c"}, "38", "https://github.com/a%20b/c/actions/runs/7/job/38"),
        (
            RUN | {"GITHUB_SERVER_URL": "https://ghe.example/"},
            "38",
            "https://ghe.example/acme/shop/actions/runs/7/job/38",
        ),
        (RUN | {"GITHUB_RUN_ID": ""}, "38", None),
        (RUN | {"GITHUB_REPOSITORY": " "}, "38", None),
        ({}, None, None),
    ],
)
def test_the_page(env: dict[str, str], check_run_id: str | None, page: str | None) -> None:
    assert read_runtime(env).run_page(check_run_id) == page


@pytest.mark.parametrize(
    ("ref", "name", "kind", "branch"),
    [
        ("refs/heads/main", "main", "branch", "main"),
        ("refs/heads/release/1", "release/1", "branch", "release/1"),
        ("refs/tags/main", "main", "tag", ""),
        ("refs/pull/7/merge", "7/merge", "branch", ""),
        ("", "", "branch", ""),
        ("", "main", "branch", "main"),
        ("refs/heads/main", "", "", "main"),
        ("refs/heads/main", "main", "", "main"),
        ("refs/tags/v1", "", "", ""),
        ("refs/pull/7/merge", "", "", ""),
        ("", "", "", ""),
    ],
)
def test_the_branch(ref: str, name: str, kind: str, branch: str) -> None:
    env = {"GITHUB_REF": ref, "GITHUB_REF_NAME": name, "GITHUB_REF_TYPE": kind}
    assert read_runtime(env).branch == branch


@pytest.mark.parametrize(
    ("url", "server"),
    [
        ("https://ghe.example/", "ghe.example"),
        ("http://ghe:8080", "ghe:8080"),
        ("https://gheX/", "gheX"),
        ("", "github.com"),
    ],
)
def test_the_server(url: str, server: str) -> None:
    assert read_runtime({"GITHUB_SERVER_URL": url}).server == server


def test_the_api_is_its_url_without_a_slash_at_the_end() -> None:
    assert read_runtime({}).api_url == "https://api.github.com"
    assert read_runtime({"GITHUB_API_URL": "https://ghe.example/api/v3/"}).api_url == "https://ghe.example/api/v3"
    assert read_runtime({"GITHUB_API_URL": "https://gheX/"}).api_url == "https://gheX"


def test_every_variable_has_its_field() -> None:
    env = {f"GITHUB_{name.upper()}": f" the-{name}\n" for name in Runtime._fields}
    assert read_runtime(env)._asdict() == {name: f"the-{name}" for name in Runtime._fields}
    unset = {"run_attempt": "1", "server_url": "https://github.com", "api_url": "https://api.github.com"}
    assert read_runtime({})._asdict() == dict.fromkeys(Runtime._fields, "") | unset


TOKENS = {"dx-token": "t0ken-of-dx", "github-token": "t0ken-of-github"}
SECRETS = known_secrets(
    {
        "INPUT_DX-TOKEN": f"Bearer {TOKENS['dx-token']}",
        "input_github_token": TOKENS["github-token"],
        "HTTPS_PROXY": "http://svc:pass-of-a-proxy@proxy",
    },
    [Secret("what else is one", "one-more-secret")],
)


@pytest.mark.parametrize(
    ("texts", "problems"),
    [
        (TOKENS, {}),
        ({"service": "web"}, {}),
        (
            {"service": TOKENS["dx-token"]},
            {"service": "contains the text of `dx-token`. Write the token nowhere else."},
        ),
        (
            {"metadata": f"a: x{TOKENS['github-token']}x"},
            {
                "metadata": "contains the text of `github-token`. So does `toJSON(github)`: write only the values that you "
                "need, such as ${{ github.actor }}."
            },
        ),
        (
            {"dx-token": TOKENS["github-token"], "github-token": TOKENS["dx-token"]},
            {
                "dx-token": "contains the text of `github-token`. Each of the two tokens goes to its own server: write each in its "
                "own input alone.",
                "github-token": "contains the text of `dx-token`. Each of the two tokens goes to its own server: write each in its "
                "own input alone.",
            },
        ),
        (
            {"service": "pass-of-a-proxy"},
            {"service": "contains the password of `HTTPS_PROXY`. Write it nowhere else."},
        ),
        ({"service": "one-more-secret"}, {"service": "contains what else is one. Write it nowhere else."}),
    ],
    ids=str,
)
def test_a_secret_belongs_into_its_own_input(texts: dict[str, str], problems: dict[str, str]) -> None:
    assert {problem.subject: problem.text for problem in copied_secrets(texts, SECRETS)} == problems


@pytest.mark.parametrize(
    ("env", "written"),
    [
        ({}, ()),
        ({"INPUT_DX-TOKEN": "Bearer", "INPUT_GITHUB-TOKEN": "  "}, ("Bearer",)),
        ({"INPUT_GITHUB-TOKEN": "g", "INPUT_DX-TOKEN": " bearer d\n", "DX_TOKEN": "x"}, ("bearer d", "d", "g")),
        ({"Input_Dx_Token": "d", "INPUT_DX-TOKEN": "d"}, ("d",)),
    ],
)
def test_the_tokens_that_are_masked(env: dict[str, str], written: tuple[str, ...]) -> None:
    assert tokens(env) == written


def test_the_word_bearer_alone_is_no_secret() -> None:
    assert known_secrets({"INPUT_DX-TOKEN": " Bearer "}).names_in("a Bearer of news") == ()


def test_what_is_no_utf_8_can_be_sent_all_the_same() -> None:
    """A path keeps its bytes, for it is opened; all else would break a request's body."""
    runtime = read_runtime({"GITHUB_JOB": "a\udcffb", "GITHUB_EVENT_PATH": "/a\udcff"})
    assert (runtime.job, runtime.event_path) == ("a?b", "/a\udcff")


@pytest.mark.parametrize(
    ("env", "passwords"),
    [
        ({"HTTPS_PROXY": "http://svc:p%40ss@proxy:8080"}, [("HTTPS_PROXY", "p%40ss"), ("HTTPS_PROXY", "p@ss")]),
        ({"http_proxy": "svc:plain@proxy"}, [("http_proxy", "plain")]),
        ({"All_Proxy": "socks5h://svc:a:b@c@proxy:1/"}, [("All_Proxy", "a:b@c")]),
        ({"HTTP_PROXY": "http://a:1@p", "HTTPS_PROXY": "http://a:2@p"}, [("HTTP_PROXY", "1"), ("HTTPS_PROXY", "2")]),
        # Without a password, or about no proxy.
        ({"HTTPS_PROXY": "http://proxy:8080"}, []),
        ({"HTTPS_PROXY": "http://svc@proxy:8080"}, []),
        ({"HTTPS_PROXY": "http://svc:@proxy:8080"}, []),
        ({"HTTPS_PROXY": "http://svc:%20@proxy"}, [("HTTPS_PROXY", "%20")]),
        ({"HTTPS_PROXY": ""}, []),
        ({"NO_PROXY": "a:b@c", "MY_HTTPS_PROXY": "http://a:b@c"}, []),
    ],
    ids=str,
)
def test_the_passwords_of_proxies(env: dict[str, str], passwords: list[tuple[str, str]]) -> None:
    assert list(proxy_passwords(env)) == passwords


@pytest.mark.parametrize(
    ("text", "token"),
    [
        ("abc", "abc"),
        (" abc\n", "abc"),
        ("Bearer abc", "abc"),
        ("\tbearer   abc ", "abc"),
        ("Bearerabc", "Bearerabc"),
        ("", ""),
        ("Bearer ", "Bearer"),
    ],
)
def test_the_bare_token(text: str, token: str) -> None:
    assert bare_token(text) == token
