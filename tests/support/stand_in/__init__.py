"""A stand-in for GitHub's API: a small model of git and GitHub in memory, served on loopback, for the tests.

The model, which knows no HTTP:
    objects, changes, history   git's objects and ids, trees' differences and merges, the graph of commits
    repo, pulls, records        a repository and how a test builds it; pull requests; deployments and releases
    real_git                    the same repository as a real one, so that git can judge
    sample                      a small history in which everything occurs
The API:
    shapes, shapes_pulls        the JSON of GitHub's answers
    routes, rest_*              REST's endpoints
    graphql_*, connections, schema.graphql  GraphQL
    app                         token, rate limits, permissions; before any endpoint
    faults, wire, server        misbehaviour on demand, sockets, and the whole as one object

A test builds, serves and counts:
    repo = Repo("acme/shop")
    repo.commit({"README.md": "Shop"})
    pull = repo.pulls.ship({"services/web/a.py": "1"}, how="squash", title="Add a")
    with GitHub(repo) as gh:
        ...  # something that reads gh.api_url with gh.token
        assert gh.count("/pulls/1/files") == 1

tests/tools/schemas/check_github.py holds every answer to GitHub's own descriptions.
"""

from stand_in.app import Call
from stand_in.faults import Fault
from stand_in.objects import EXECUTABLE, File, link, submodule
from stand_in.pulls import WAYS, How, Pull
from stand_in.records import Deployment
from stand_in.repo import Repo
from stand_in.server import GitHub

__all__ = [
    "EXECUTABLE",
    "WAYS",
    "Call",
    "Deployment",
    "Fault",
    "File",
    "GitHub",
    "How",
    "Pull",
    "Repo",
    "link",
    "submodule",
]
