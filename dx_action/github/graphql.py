"""Queries of GitHub's GraphQL API about a repository: what came is read, what did not is named, and what may pass is asked again.

GitHub answers most errors with HTTP 200. Which of them mean what is in `errors`.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Generic, TypeVar

from pydantic import AliasPath, ConfigDict, Field
from pydantic.alias_generators import to_camel

from dx_action.github.client import Answer, Repository, checked
from dx_action.github.errors import (
    FAILED,
    LIMITS,
    TOO_LARGE,
    UNDOCUMENTED,
    LookupFailedError,
    Refusal,
    refusals,
)
from dx_action.github.retries import BACKOFF, RETRIES, until_reset
from dx_action.inputs.times import parse_time_or_none

T = TypeVar("T")


class Node(Answer):
    """An answer from GraphQL, which writes its fields in camelCase."""

    model_config = ConfigDict(alias_generator=to_camel)


class Connection(Node, Generic[T]):
    """A page of a list from GraphQL."""

    nodes: list[T]
    has_next_page: bool = Field(validation_alias=AliasPath("pageInfo", "hasNextPage"))
    end_cursor: str | None = Field(None, validation_alias=AliasPath("pageInfo", "endCursor"))


class TooLargeError(Exception):
    """GitHub did not answer a large query, for a reason that a smaller one may not meet."""


def moment_of(text: str) -> datetime:
    """Return a time that an answer must have. Raises LookupFailedError for a text that is none."""
    if moment := parse_time_or_none(text):
        return moment
    raise LookupFailedError(UNDOCUMENTED, unreadable=True)


@dataclass(frozen=True, slots=True)
class Query:
    """Fields of a repository, or of that of another `name`. `variables` have a GraphQL type and a value each."""

    fields: str
    permission: str
    variables: Mapping[str, tuple[str, Any]] = field(default_factory=dict)
    fragment: str = ""
    name: str = ""


def ask(repository: Repository, query: Query, model: type[T]) -> T:
    """Return an answer that came whole."""
    found, errors = ask_parts(repository, query, model)
    if errors:
        raise repository.access(query.permission).rejected(200, errors[0].kind, limited=False)
    return found


def ask_parts(
    repository: Repository, query: Query, model: type[T], *, large: bool = False
) -> tuple[T, tuple[Refusal, ...]]:
    """Return what came, and the errors about what did not, each with its place below the repository.

    An answer that may come if asked again is asked for again; if the query is `large`, it is TooLargeError at once, as half
    of it may pass.
    """
    repository.begin()
    owner, _, short = (query.name or repository.name).partition("/")
    declared = "".join(f", ${variable}: {kind}" for variable, (kind, _) in query.variables.items())
    text = (
        f"query($owner: String!, $name: String!{declared}) "
        f"{{ repository(owner: $owner, name: $name) {{ {query.fields} }} }}{query.fragment}"
    )
    values = {variable: value for variable, (_, value) in query.variables.items()}
    sent = {"owner": owner, "name": short, **values}
    body, errors = _answered(repository, text, sent, query.permission, large=large)
    data = body.get("data") if isinstance(body, dict) else None
    found = data.get("repository") if isinstance(data, dict) else None
    access = repository.access(query.permission)
    if found is None and errors:
        raise access.rejected(200, errors[0].kind, limited=False) if errors[0].kind != "NOT_FOUND" else access.missing()
    if found is None and isinstance(data, dict) and "repository" in data:
        raise access.missing()
    try:
        return checked(model, found), tuple(replace(error, path=error.path[1:]) for error in errors)
    except LookupFailedError:
        if errors:
            raise access.rejected(200, errors[0].kind, limited=False) from None
        raise


def _answered(
    repository: Repository, text: str, sent: Mapping[str, Any], permission: str, *, large: bool
) -> tuple[Any, tuple[Refusal, ...]]:
    """Return the answer, and the errors in it. Raises TooLargeError only for a `large` query."""
    access = repository.access(permission)
    body, errors, failed = None, tuple[Refusal, ...](), None
    for number in range(RETRIES + 1):
        wait, failed = BACKOFF * 2**number, None
        try:
            headers, body = repository.post_query(text, sent, permission)
            errors = refusals(body)
            kinds = {error.kind for error in errors}
            if limits := kinds.intersection(LIMITS):
                failed = access.rejected(200, max(limits), limited=True)
                wait = max(until_reset(headers, repository.clock), wait)
            elif not kinds & {FAILED, TOO_LARGE}:
                return body, errors
            elif large:
                raise TooLargeError
        except LookupFailedError as error:
            if not error.slow or repository.left() <= 0:
                raise
            if large:
                raise TooLargeError from None
            failed = error
        if number == RETRIES or wait >= repository.left():
            break
        repository.clock.sleep(wait)
    if failed:
        raise failed
    return body, errors
