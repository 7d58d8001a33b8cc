"""Checks every answer of the stand-in for GitHub against GitHub's own descriptions.

    python tests/tools/schemas/check_github.py API.JSON SCHEMA.GRAPHQL [--self-test]

API.JSON is that of the npm package @octokit/openapi, SCHEMA.GRAPHQL that of @octokit/graphql-schema; run.sh fetches both.
"""

import argparse
import copy
import json
import re
import sys
from collections.abc import Callable
from dataclasses import dataclass
from http.client import HTTPConnection
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "support"))

from check_events import Tally
from check_graphql import check_graphql, check_the_graphql_check
from github_cases import BROKEN, JSON, MISSING, RATE_LIMIT, SHOP, Case, cases
from openapi import Description

from stand_in import GitHub, Repo, sample
from stand_in.routes import ROUTES


@dataclass(frozen=True)
class Deviation:
    """Something that GitHub does and its description forbids."""

    template: str
    where: str
    allowed: Callable[[Any], bool]
    reason: str


def _null(value: Any) -> bool:
    return value is None


def _empty(value: Any) -> bool:
    return isinstance(value, str) and not value


DEVIATIONS = (
    *(
        Deviation(
            f"{SHOP}{path}",
            "status",
            lambda _: True,
            "every error carries its status, as the basic error's schema says",
        )
        for path in ("/pulls", "/commits/{ref}")
    ),
    *(
        Deviation(f"{SHOP}/deployments/{{deployment_id}}/statuses", f"[].{key}", _empty, "empty where it was not given")
        for key in ("target_url", "log_url", "environment_url")
    ),
    *(
        Deviation(f"{SHOP}{path}", where, _null, "null once the fork is deleted; github/rest-api-description#1586")
        for path, at in (
            ("/pulls", "[].head"),
            ("/pulls/{pull_number}", "head"),
            ("/commits/{commit_sha}/pulls", "[].head"),
        )
        for where in ((f"{at}.repo", f"{at}.user") if path == "/pulls/{pull_number}" else (f"{at}.repo",))
    ),
)
# Statuses that the description leaves out for an endpoint, and why.
UNDOCUMENTED = {
    401: "any endpoint, with a wrong token",
    403: "any endpoint, without the permission or beyond the rate limit",
    404: "any endpoint of a repository that is unknown or hidden",
    400: "any endpoint, with an unknown API version",
    409: "any endpoint of git, in an empty repository",
    422: "a commit's pull requests, of an unknown commit: the same look-up as for the commit itself",
    301: "any endpoint of a renamed repository",
}


@dataclass
class Answer:
    """What came."""

    status: int
    kind: str
    body: bytes
    link: str

    def value(self) -> Any:
        """Read JSON; anything else is text."""
        return json.loads(self.body) if self.kind.startswith(JSON) else self.body.decode()


def ask(gh: GitHub, case: Case) -> Answer:
    """Send one request."""
    connection = HTTPConnection(urlsplit(gh.server_url).netloc, timeout=10)
    headers = {"Accept": case.accept, "X-GitHub-Api-Version": case.version}
    headers |= {"Authorization": f"Bearer {case.token}"} if case.token else {}
    try:
        connection.request("GET", case.path, headers=headers)
        got = connection.getresponse()
        return Answer(got.status, got.getheader("Content-Type", ""), got.read(), got.getheader("Link", ""))
    finally:
        connection.close()


def problems(description: Description, case: Case, answer: Answer, met: set[Deviation]) -> list[str]:
    """Say what is wrong with an answer."""
    if answer.status != case.status:
        return [f"status {answer.status}, expected {case.status}"]
    asked = {pair.partition("=")[0] for pair in case.query.split("&") if pair}
    found = [f"no query parameter {one} is described" for one in sorted(asked - description.parameters(case.template))]
    kind = case.accept.removesuffix("+json")
    schema = description.schema(case.template, case.status, kind)
    if case.accept.startswith("application/vnd.github.raw"):
        return found  # a file as it is
    if schema is None:
        if case.status not in UNDOCUMENTED:
            return [*found, f"status {case.status} is not described"]
        schema = {"$ref": "#/components/schemas/basic-error"}
    for where, value, message in description.problems(schema, answer.value()):
        forgiven = [
            one for one in DEVIATIONS if (one.template, one.where) == (case.template, where) and one.allowed(value)
        ]
        met.update(forgiven)
        if not forgiven:
            found.append(f"{where or 'answer'}: {message}")
    return found


def check_rest(description: Description, tally: Tally) -> None:
    """Drive every endpoint over the sample."""
    met: set[Deviation] = set()
    answered = set()
    repo = sample.shop()
    others = (sample.empty(), sample.public(), Repo("acme/hidden"))
    with GitHub(repo, *others, hidden=["acme/hidden"], moved={"acme/old": "acme/shop"}) as gh:
        for case in cases(repo):
            answer = ask(gh, case)
            tally.add(f"{case.status} {case.path}", dict.fromkeys(problems(description, case, answer, met)))
            answered |= {case.template} if case.status == 200 else set()
            for link in re.findall(r"<([^>]+)>", answer.link):
                target = urlsplit(link)
                followed = Case(f"{target.path}?{target.query}", accept=case.accept)
                wrong = [] if link.startswith(gh.api_url) and ask(gh, followed).status == 200 else ["leads nowhere"]
                tally.add(f"link {target.path}?{target.query}", wrong)
        check_permissions(description, gh, repo, tally)
    for template in sorted({route.template for route in ROUTES} | {RATE_LIMIT}):
        tally.add(f"described: {template}", [] if template in description.paths else ["unknown to the description"])
        tally.add(f"driven: {template}", [] if template in answered else ["no request of the sample reached it"])
    for one in DEVIATIONS:
        if one not in met:
            tally.add(f"deviation {one.template} {one.where}", ["nothing needs it"])
    tally.add("formats", [f"nothing here checks the format {name}" for name in description.unchecked_formats()])


def check_permissions(description: Description, gh: GitHub, repo: Repo, tally: Tally) -> None:
    """Refuse each permission in turn; and each rate limit."""
    for permission, template in (
        ("contents", "/commits"),
        ("pull_requests", "/pulls"),
        ("deployments", "/deployments"),
    ):
        gh.permissions[permission] = "none"
        case = Case(f"{SHOP}{template}", status=403)
        tally.add(f"without {permission}: {template}", problems(description, case, ask(gh, case), set()))
        gh.permissions.clear()
    for limit in ("primary", "secondary"):
        gh.fail(limit=limit)
        case = Case(SHOP, status=403)
        tally.add(f"{limit} rate limit", problems(description, case, ask(gh, case), set()))


def check_the_check(description: Description, tally: Tally) -> None:
    """Break answers in memory; every break must be found."""
    repo = sample.shop()
    with GitHub(repo) as gh:
        for template, names, where, value in BROKEN:
            case = Case(f"{SHOP}{template}", names)
            answer = ask(gh, case)
            tally.add(f"self-test, unbroken: {case.path}", problems(description, case, answer, set()))
            changed = copy.deepcopy(answer.value())
            *path, last = [int(key) if key.isdigit() else key for key in where.split(".")]
            target = changed
            for key in path:
                target = target[key]
            if value is MISSING:
                del target[last]
            else:
                target[last] = value
            broken = Answer(200, JSON, json.dumps(changed).encode(), "")
            found = problems(description, case, broken, set())
            tally.add(f"self-test: {case.path} with {where} = {value!r}", [] if found else ["went unnoticed"])


def main() -> int:
    parser = argparse.ArgumentParser(description="Check the stand-in for GitHub against GitHub's descriptions.")
    parser.add_argument("api", type=Path, help="api.github.com.json of @octokit/openapi")
    parser.add_argument("schema", type=Path, help="schema.graphql of @octokit/graphql-schema")
    parser.add_argument("--self-test", action="store_true", help="also break answers and expect failures")
    options = parser.parse_args()

    document = json.loads(options.api.read_bytes())
    description = Description(document)
    tally = Tally()
    check_rest(description, tally)
    check_graphql(options.schema.read_text(encoding="utf-8"), tally)
    if options.self_test:
        check_the_check(description, tally)
        check_the_graphql_check(options.schema.read_text(encoding="utf-8"), tally)
    sys.stdout.write(f"{tally.passed} passed, {tally.failed} failed\n")
    return 1 if tally.failed or not tally.passed else 0


if __name__ == "__main__":
    sys.exit(main())
