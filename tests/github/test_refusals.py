"""What GitHub refuses, in its own words: each reason has its sentence, whether REST says it or GraphQL."""

from collections.abc import Iterator
from typing import Any

import pytest

from dx_action.github.client import Repository
from dx_action.github.errors import LookupFailedError, reason
from dx_action.github.graphql import Node, Query, ask
from scenes import speaking
from stand_in import GitHub, Repo

MAY_NOT = "`github-token` may not read the pull requests of acme/shop"
GRANT = "Grant the job the permission `pull-requests: read`. A token of your own needs it, too."
ALLOW_LIST = f"{MAY_NOT} from here: the organization has an IP allow list. Have the runner's address added to it."
SSO = f"{MAY_NOT}, because the organization requires single sign-on. Authorize the token for it (SSO)."
SUSPENDED = f"{MAY_NOT}: its account, or its app's installation, is suspended. Use another token."
POLICY = f"{MAY_NOT}, because the organization forbids tokens of its kind. Use the job's own, or a GitHub App's."
SECONDARY = (
    "`github-token` made too many requests at once (GitHub's secondary rate limit), and has to wait longer than look-ups "
    "may take. Let fewer jobs with this token run at the same time."
)
BLOCKED = (
    "`GITHUB_API_URL` blocks access to acme/shop, for legal reasons or its terms of service. Its page there says why."
)
MISSING = f"{MAY_NOT}. {GRANT}"
# GitHub's own messages.
WORDS = [
    (
        (
            "Although you appear to have the correct authorization credentials, the `acme` organization has an IP allow list "
            "enabled, and your IP address is not permitted to access this resource."
        ),
        ALLOW_LIST,
    ),
    (
        (
            "Although you appear to have the correct authorization credentials, the `acme` enterprise has an IP allow list "
            "enabled, and 192.0.2.1 is not permitted to access this resource."
        ),
        ALLOW_LIST,
    ),
    (
        "Resource protected by organization SAML enforcement. You must grant your OAuth token access to this organization.",
        SSO,
    ),
    (
        (
            "Resource protected by organization SAML enforcement. You must grant your Personal Access token access to this "
            "organization."
        ),
        SSO,
    ),
    (
        (
            "Resource protected by organization SAML enforcement. You must grant your OAuth token access to an organization "
            "within this business."
        ),
        SSO,
    ),
    ("Sorry. Your account was suspended.", SUSPENDED),
    ("Sorry. Your account was suspended. Please contact github.com/contact", SUSPENDED),
    ("Your account is suspended. Please visit https://support.github.com for more information.", SUSPENDED),
    ("This installation has been suspended", SUSPENDED),
    ("`acme` forbids access via a personal access token (classic). Please use a GitHub App, OAuth App, or …", POLICY),
    (
        "The 'acme' enterprise forbids access via a fine-grained personal access tokens if the token's lifetime is …",
        POLICY,
    ),
    (
        (
            "Although you appear to have the correct authorization credentials, the `acme` organization has enabled OAuth App "
            "access restrictions, meaning that data access to third-parties is limited."
        ),
        POLICY,
    ),
    ("You have exceeded a secondary rate limit. Please wait a few minutes before you try again.", SECONDARY),
    (
        (
            "You have exceeded a secondary rate limit and have been temporarily blocked from content creation. Please retry "
            "your request again later."
        ),
        SECONDARY,
    ),
    (
        "You have triggered an abuse detection mechanism. Please wait a few minutes before you try again.",
        SECONDARY,
    ),
    ("Repository access blocked", BLOCKED),
    ("Access to this repository has been disabled by GitHub staff.", BLOCKED),
    ("Resource not accessible by integration", MISSING),
    ("Resource not accessible by personal access token", MISSING),
    ("Must have admin rights to Repository.", MISSING),
    ("", MISSING),
]


@pytest.fixture
def hub() -> Iterator[GitHub]:
    repo = Repo()
    repo.commit({"README.md": "Shop"})
    with GitHub(repo) as server:
        yield server


class Answered(Node):
    pull_request: dict[str, Any]


def rest(api: Repository) -> Any:
    return api.get("pulls/1", "pull-requests", object)


def graphql(api: Repository) -> Any:
    return ask(api, Query("pullRequest(number: 1) { number }", "pull-requests"), Answered)


def failure(gh: GitHub, look_up: Any, **how: Any) -> str:
    with speaking(gh, **how) as api, pytest.raises(LookupFailedError) as failed:
        look_up(api)
    return str(failed.value)


@pytest.mark.parametrize(("words", "sentence"), WORDS)
@pytest.mark.parametrize("look_up", [rest, graphql])
def test_what_a_403_says(hub: GitHub, look_up: Any, words: str, sentence: str) -> None:
    hub.fail(status=403, message=words, times=None)
    assert failure(hub, look_up) == sentence
    assert len(hub.calls) == 1


@pytest.mark.parametrize(("words", "sentence"), WORDS)
def test_what_graphql_says_with_200(hub: GitHub, words: str, sentence: str) -> None:
    hub.fail("/graphql", errors=[{"type": "FORBIDDEN", "message": words, "path": ["repository"]}], times=None)
    assert failure(hub, graphql) == sentence


def test_graphql_s_extension_for_sso(hub: GitHub) -> None:
    for extensions, sentence in (({"saml_failure": True}, SSO), ({"saml_failure": False}, MISSING)):
        hub.fail("/graphql", errors=[{"type": "FORBIDDEN", "message": "No.", "extensions": extensions}])
        assert failure(hub, graphql) == sentence


@pytest.mark.parametrize(
    ("header", "sentence"),
    [
        ("required; url=https://github.com/orgs/acme/sso?authorization_request=AAAA", SSO),
        ("partial-results; organizations=21955855", MISSING),
        ("", MISSING),
    ],
)
@pytest.mark.parametrize("look_up", [rest, graphql])
def test_the_header_for_sso(hub: GitHub, look_up: Any, header: str, sentence: str) -> None:
    hub.fail(status=403, message="No.", headers={"X-GitHub-SSO": header} if header else {})
    said = failure(hub, look_up)
    assert said == sentence
    assert "AAAA" not in said


@pytest.mark.parametrize(
    ("header", "accepted"),
    [
        ("pull_requests=read", ""),
        ("contents=read", " GitHub accepts `contents: read`."),
        ("contents=read,pull_requests=read", " GitHub accepts `contents: read` and `pull-requests: read`."),
        ("pull_requests=write; contents=read", " GitHub accepts `pull-requests: write` or `contents: read`."),
        ("issues=read;pull_requests=read", " GitHub accepts `issues: read` or `pull-requests: read`."),
        ("::error::x", ""),
        ("contents=all", ""),
        ("contents=read" + ",contents=read" * 50, ""),
    ],
)
@pytest.mark.parametrize("look_up", [rest, graphql])
def test_the_permissions_that_github_accepts(hub: GitHub, look_up: Any, header: str, accepted: str) -> None:
    words = "Resource not accessible by integration"
    hub.fail(status=403, message=words, headers={"X-Accepted-GitHub-Permissions": header})
    assert failure(hub, look_up) == f"{MISSING}{accepted}"


GONE = (
    "`GITHUB_API_URL` no longer has the pull requests of acme/shop (HTTP 410). Check whether they are switched off in the "
    "repository's settings."
)


@pytest.mark.parametrize(
    ("status", "words", "sentence"),
    [
        (410, "Issues are disabled for this repo", GONE),
        (410, "Gone", GONE),
        (451, "Repository access blocked", BLOCKED),
        (451, "", BLOCKED),
        (301, "Moved Permanently", "`GITHUB_API_URL` answered with a redirect, which is never followed with a token."),
        (400, "Problems parsing JSON", "`GITHUB_API_URL` rejected a look-up (HTTP 400)."),
        (405, "Not Allowed", "`GITHUB_API_URL` rejected a look-up (HTTP 405)."),
        (
            401,
            "Bad credentials",
            "`github-token` was rejected by GitHub. Leave the input out to use the job's own token, or store a valid one.",
        ),
        (
            404,
            "Not Found",
            f"`github-token` cannot read the pull requests of acme/shop, or there is no such pull request. {GRANT}",
        ),
    ],
)
@pytest.mark.parametrize("look_up", [rest, graphql])
def test_what_is_final_is_asked_once(hub: GitHub, look_up: Any, status: int, words: str, sentence: str) -> None:
    hub.fail(status=status, message=words, times=None)
    assert failure(hub, look_up) == sentence
    assert len(hub.calls) == 1


@pytest.mark.parametrize("said", [None, 7, ["IP allow list"], {"message": "SAML enforcement"}])
def test_words_that_are_none(said: Any) -> None:
    assert reason(said) == ""
    assert reason(said, sso=True) == "SSO"
