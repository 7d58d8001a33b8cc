"""Owns GraphQL's endpoint: reading a query, refusing it as GitHub does, charging for it, and its answer."""

from __future__ import annotations

import functools
import json
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

from graphql import (
    DocumentNode,
    GraphQLError,
    GraphQLObjectType,
    GraphQLScalarType,
    GraphQLSchema,
    build_schema,
    execute_sync,
    parse,
    validate,
)

from stand_in.graphql_context import Context
from stand_in.graphql_price import Price
from stand_in.graphql_values import root
from stand_in.routes import Answer, Refused

if TYPE_CHECKING:
    from stand_in.app import App, Call

SCHEMA = Path(__file__).with_name("schema.graphql")
_MOST_NODES = 500_000
_UNKNOWN_FIELD = re.compile(r"Cannot query field '(\w+)' on type '(\w+)'\.")


@functools.cache
def schema() -> GraphQLSchema:
    """Build the schema; GitHub sends a databaseId that is wider than GraphQL's Int all the same."""
    built = build_schema(SCHEMA.read_text(encoding="utf-8"))
    wide = GraphQLScalarType("WideInt")
    for kind in built.type_map.values():
        if isinstance(kind, GraphQLObjectType) and "databaseId" in kind.fields:
            kind.fields["databaseId"].type = wide
    return built


@functools.lru_cache(maxsize=256)  # most queries are asked many times, and to judge one takes longer than to answer it
def _read(query: str) -> tuple[DocumentNode | None, tuple[GraphQLError, ...]]:
    """Parse a query, and list all that the schema has against it."""
    try:
        document = parse(query)
        return document, tuple(validate(schema(), document))
    except GraphQLError as error:
        return None, (error,)


def answer(app: App, call: Call, body: bytes) -> Answer:
    """Answer a query; errors come with status 200."""
    if call.authorization != "valid":
        raise Refused(401, "This endpoint requires you to be authenticated.")
    try:
        asked = json.loads(body)
    except ValueError:
        raise Refused(400, "Problems parsing JSON") from None
    if call.method != "POST" or not isinstance(asked, dict) or not isinstance(asked.get("query"), str):
        raise Refused(400, "A query attribute must be specified and must be a string.")
    variables = asked.get("variables") or {}
    document, problems = _read(asked["query"])
    if problems or document is None:
        return Answer(200, {"errors": [_refusal(problem) for problem in problems]})
    price = Price(document, variables)
    if price.nodes > _MOST_NODES:
        message = (
            f"This query requests up to {price.nodes:,} possible nodes which exceeds the limit of {_MOST_NODES:,}."
        )
        return Answer(200, {"errors": [{"type": "MAX_NODE_LIMIT_EXCEEDED", "message": message}]})
    if app.query_limit is not None and price.requests > app.query_limit:
        return app.misbehave(app.over_limit, call)
    app.graphql_rate.used += price.cost
    context = Context(app, call.authorization, price)
    result = execute_sync(schema(), document, root_value=root(context), variable_values=variables)
    for failure in result.errors or ():
        if failure.original_error is not None and not isinstance(failure.original_error, GraphQLError):
            raise failure  # a bug of the stand-in's
    shown: dict[str, Any] = {"data": result.data}
    if result.errors:
        shown["errors"] = [_failure(error) for error in result.errors]
        if result.data is None and not any(error.path for error in result.errors):
            del shown["data"]
    return Answer(200, shown)


def _refusal(problem: GraphQLError) -> dict[str, Any]:
    shown = dict(problem.formatted)
    unknown = _UNKNOWN_FIELD.match(problem.message)
    if unknown:
        shown["message"] = f"Field '{unknown[1]}' doesn't exist on type '{unknown[2]}'"
        shown["extensions"] = {"code": "undefinedField", "typeName": unknown[2], "fieldName": unknown[1]}
    return shown


def _failure(error: GraphQLError) -> dict[str, Any]:
    """Write an error with its type beside its message, where GitHub has it."""
    shown = dict(error.formatted)
    kind = (error.extensions or {}).get("type")
    shown.pop("extensions", None)
    return ({"type": kind} if kind else {}) | shown
