"""Checks the stand-in's part of GitHub's GraphQL schema against the published one, and its answers to queries of every field."""

import json
from collections.abc import Iterator
from http.client import HTTPConnection
from typing import Any
from urllib.parse import urlsplit

from check_events import Tally
from graphql import (
    GraphQLEnumType,
    GraphQLInputObjectType,
    GraphQLInterfaceType,
    GraphQLObjectType,
    GraphQLScalarType,
    GraphQLSchema,
    TypeInfo,
    TypeInfoVisitor,
    Visitor,
    build_schema,
    is_required_argument,
    parse,
    print_ast,
    validate,
    visit,
)

from stand_in import GitHub, sample
from stand_in.graphql_api import SCHEMA

ACTOR = "login url ... on User { id name databaseId } ... on Bot { id login url databaseId }"
PAGE = "totalCount edges { cursor } pageInfo { endCursor hasNextPage hasPreviousPage startCursor }"
COMMIT = """oid abbreviatedOid id url message messageHeadline messageBody authoredDate committedDate repository { id }
  author { date email name user { login url id name databaseId } } committer { name }"""
PULL = f"""__typename id databaseId fullDatabaseId number title body url permalink state closed closedAt merged mergedAt isDraft
  isCrossRepository createdAt updatedAt author {{ {ACTOR} }} mergedBy {{ {ACTOR} }} baseRefName baseRefOid headRefName headRefOid
  headRepository {{ id }} repository {{ id }} mergeCommit {{ oid }} potentialMergeCommit {{ oid }} changedFiles additions deletions
  commits(first: 2) {{ {PAGE} nodes {{ id url pullRequest {{ number }} commit {{ authoredDate }} }}
    edges {{ node {{ id }} }} }}
  files(first: 2) {{ {PAGE} nodes {{ path changeType additions deletions }} edges {{ node {{ path }} }} }}"""
STATUS = f"""id state createdAt updatedAt logUrl environmentUrl environment description creator {{ {ACTOR} }}
  deployment {{ id }}"""
QUERIES: tuple[tuple[str, dict[str, Any]], ...] = (
    (
        f"""{{ rateLimit(dryRun: false) {{ cost limit nodeCount remaining resetAt used }}
        repository(owner: "acme", name: "shop", followRenames: true) {{
          id databaseId name nameWithOwner url isPrivate isEmpty isFork createdAt pushedAt
          owner {{ __typename id login url ... on Organization {{ id login url databaseId name }} ... on User {{ name }} }}
          defaultBranchRef {{ id name prefix repository {{ id }} target {{ __typename oid id abbreviatedOid repository {{ id }} }}
            associatedPullRequests(first: 1) {{ totalCount }} }}
          develop: ref(qualifiedName: "refs/heads/develop") {{
            associatedPullRequests(first: 9, states: [MERGED]) {{ nodes {{ number }} }} }}
          none: ref(qualifiedName: "refs/heads/none") {{ id }}
          v1: ref(qualifiedName: "refs/tags/v1.0.0") {{
            target {{ ... on Tag {{ abbreviatedOid id oid name message repository {{ id }} target {{ oid }} }} }} }}
          pullRequests(first: 50, states: [OPEN, CLOSED, MERGED], orderBy: {{field: UPDATED_AT, direction: DESC}}) {{
            {PAGE} nodes {{ {PULL} }} edges {{ node {{ number }} }} }}
          pullRequest(number: 1) {{ {PULL} }}
          latestRelease {{ id databaseId tagName name url isDraft isPrerelease createdAt publishedAt tagCommit {{ oid }} }}
          releases(first: 2) {{ {PAGE} nodes {{ tagName }} edges {{ node {{ id }} }} }} }} }}""",
        {},
    ),
    (
        f"""query($first: Int!, $after: String) {{ repository(owner: "acme", name: "shop") {{
          object(expression: "main") {{ ... on Commit {{ {COMMIT}
            tree {{ id oid abbreviatedOid repository {{ id }} entries {{ mode name oid path size type object {{ oid }} }} }}
            parents(first: 2) {{ {PAGE} nodes {{ oid }} edges {{ node {{ oid }} }} }}
            deployments(first: 5, environments: ["production"]) {{ totalCount }}
            history(first: $first, after: $after, since: "2025-01-01T00:00:00Z", until: "2026-01-01T00:00:00Z") {{ {PAGE}
              nodes {{ {COMMIT} associatedPullRequests(first: 5, orderBy: {{field: CREATED_AT, direction: DESC}}) {{ {PAGE}
                nodes {{ number }} edges {{ node {{ number }} }} }} }} edges {{ node {{ oid }} }} }} }} }}
          file: object(expression: "main:README.md") {{
            ... on Blob {{ id oid abbreviatedOid byteSize isBinary isTruncated text repository {{ id }} }} }}
          none: object(oid: "0000000000000000000000000000000000000000") {{ oid }} }} }}""",
        {"first": 3},
    ),
    (
        f"""{{ repository(owner: "acme", name: "shop") {{
          deployments(first: 100, environments: ["production", "staging", "review-1"],
              orderBy: {{field: CREATED_AT, direction: DESC}}) {{ {PAGE}
            nodes {{ id databaseId commitOid commit {{ oid }} ref {{ name }} environment latestEnvironment originalEnvironment
              payload task description createdAt updatedAt state creator {{ {ACTOR} }} repository {{ id }}
              latestStatus {{ {STATUS} }}
              statuses(first: 20) {{ {PAGE} nodes {{ {STATUS} }} edges {{ node {{ id }} }} }} }}
            edges {{ node {{ id }} }} }} }} }}""",
        {},
    ),
)
# What GitHub refuses, the first three by its schema and the rest by its limits.
REFUSED = (
    "{ repository(owner: 1, name: 2) { id } }",
    '{ repository(owner: "acme", name: "shop") { invented } }',
    '{ repository(owner: "acme", name: "shop") { object { oid history(first: 1) { totalCount } } } }',
    '{ repository(owner: "acme", name: "shop") { deployments { nodes { id } } } }',
    '{ repository(owner: "acme", name: "shop") { deployments(first: 101) { nodes { id } } } }',
    '{ repository(owner: "acme", name: "none") { id } }',
    '{ repository(owner: "acme", name: "shop") { pullRequest(number: 999) { id } } }',
    '{ repository(owner: "acme", name: "shop") { deployments(first: 1, after: "nonsense") { nodes { id } } } }',
)
BY_SCHEMA = 3


def differences(own: GraphQLSchema, published: GraphQLSchema) -> Iterator[tuple[str, list[str]]]:
    """Hold every type of ours against the published one of that name: the same, or less of it."""
    for name, kind in own.type_map.items():
        if name.startswith("__"):
            continue
        there = published.type_map.get(name)
        if type(there) is not type(kind):
            yield name, ["no such type"]
        elif isinstance(kind, GraphQLEnumType) and isinstance(there, GraphQLEnumType):
            yield name, [f"no value {value}" for value in kind.values if value not in there.values]
        elif isinstance(kind, GraphQLInputObjectType) and isinstance(there, GraphQLInputObjectType):
            fields = {key: str(field.type) for key, field in there.fields.items()}
            yield (
                name,
                [] if fields == {key: str(field.type) for key, field in kind.fields.items()} else ["other fields"],
            )
        elif isinstance(kind, GraphQLObjectType | GraphQLInterfaceType) and isinstance(there, type(kind)):
            known = {interface.name for interface in there.interfaces}
            yield name, [f"implements no {one.name}" for one in kind.interfaces if one.name not in known]
            for key, field in kind.fields.items():
                yield f"{name}.{key}", field_differences(field, there.fields.get(key))
        elif not isinstance(kind, GraphQLScalarType):
            yield name, ["a kind of type that nothing here checks"]


def field_differences(field: Any, there: Any) -> list[str]:
    """Compare a field's type and arguments."""
    if there is None:
        return ["no such field"]
    found = [] if str(field.type) == str(there.type) else [f"is {there.type}, not {field.type}"]
    for name, argument in field.args.items():
        other = there.args.get(name)
        if other is None or written(argument) != written(other):
            found.append(f"argument {name} is another")
    missing = [name for name, other in there.args.items() if is_required_argument(other) and name not in field.args]
    return [*found, *(f"argument {name} is missing" for name in missing)]


def written(argument: Any) -> tuple[str, str | None]:
    """Write an argument's type and default."""
    default = argument.ast_node.default_value
    return str(argument.type), print_ast(default) if default else None


class Seen(Visitor):
    """Notes which fields a query asks for."""

    def __init__(self, info: TypeInfo) -> None:
        super().__init__()
        self._info = info
        self.fields: set[str] = set()

    def enter_field(self, node: Any, *_: Any) -> None:
        self.fields.add(f"{self._info.get_parent_type()}.{node.name.value}")


def send(gh: GitHub, query: str, variables: dict[str, Any]) -> dict[str, Any]:
    """Ask the stand-in."""
    connection = HTTPConnection(urlsplit(gh.graphql_url).netloc, timeout=10)
    body = json.dumps({"query": query, "variables": variables})
    try:
        connection.request("POST", "/graphql", body, {"Authorization": f"bearer {gh.token}"})
        answer: dict[str, Any] = json.loads(connection.getresponse().read())
        return answer
    finally:
        connection.close()


def check_graphql(text: str, tally: Tally) -> None:
    """Compare the schemas, then ask for every field."""
    own, published = build_schema(SCHEMA.read_text(encoding="utf-8")), build_schema(text, assume_valid=True)
    for where, found in differences(own, published):
        tally.add(f"graphql {where}", found)
    seen: set[str] = set()
    with GitHub(sample.shop()) as gh:
        for index, (query, variables) in enumerate(QUERIES):
            document = parse(query)
            found = [error.message for error in validate(published, document)]
            answer = send(gh, query, variables)
            found += [error["message"] for error in answer.get("errors", ())]
            tally.add(f"graphql query {index + 1}", found)
            info = TypeInfo(own)
            visitor = Seen(info)
            visit(document, TypeInfoVisitor(info, visitor))
            seen |= visitor.fields
        for index, query in enumerate(REFUSED):
            valid = not validate(published, parse(query))
            found = [] if valid == (index >= BY_SCHEMA) else ["the published schema thinks otherwise"]
            tally.add(
                f"graphql refuses {query}", found + ([] if send(gh, query, {}).get("errors") else ["not refused"])
            )
    for name, kind in own.type_map.items():
        if isinstance(kind, GraphQLObjectType) and not name.startswith("__"):
            unasked = [key for key in kind.fields if f"{name}.{key}" not in seen]
            tally.add(f"graphql asked: {name}", [f"no query asks for {key}" for key in unasked])


def check_the_graphql_check(text: str, tally: Tally) -> None:
    """Change our part of the schema in memory; every change must be found."""
    own, published = SCHEMA.read_text(encoding="utf-8"), build_schema(text, assume_valid=True)
    for old, new in (
        ("payload: String", "payload: String!"),
        ("commitOid: String!", "sha: String!"),
        ("deployments(after: String, before: String,", "deployments(cursor: String, before: String,"),
        ("object(expression: String, oid: GitObjectID)", "object(expression: String!, oid: GitObjectID)"),
        ("pullRequest(number: Int!)", "pullRequest"),
        ("  IN_PROGRESS\n", "  RUNNING\n"),
        ("type GitActor {", "type GitPerson {\n  name: String\n}\n\ntype GitActor {"),
        ("scalar BigInt\n", "enum BigInt {\n  ONE\n}\n"),
        ("dryRun: Boolean = false", "dryRun: Boolean = true"),
    ):
        changed = build_schema(own.replace(old, new))
        found = [where for where, wrong in differences(changed, published) if wrong]
        tally.add(f"self-test: graphql with {new.split(chr(10))[0]!r}", [] if found else ["went unnoticed"])
