"""Queries of GitHub's GraphQL API about a repository: what came is read, what did not is named, and what may pass is asked again.

GitHub answers most errors with HTTP 200. Which of them mean what is in `errors`.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Generic, TypeVar

from pydantic import AliasPath, ConfigDict, Field
from pydantic.alias_generators import to_camel

from dx_action.github.client import PER_PAGE, Answer, Repository, checked
from dx_action.github.errors import (
    FAILED,
    FORBIDDEN,
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
N = TypeVar("N", bound="Named")

# No page of a list is made smaller than this.
LEAST = 10


class Node(Answer):
    """An answer from GraphQL, which writes its fields in camelCase."""

    model_config = ConfigDict(alias_generator=to_camel)


class Named(Node):
    """A part of a repository, with the repository's name of today."""

    name_with_owner: str


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


def list_pages(
    repository: Repository,
    query: Query,
    model: type[N],
    connection: Callable[[N], Connection[Any]],
    key: Callable[[Any], object],
    attempts: Iterable[int],
) -> Iterator[N]:
    """Yield the pages of a list, each when it is due: a call for each 100 items. `query` takes `$first` and `$after`.

    Pages that GitHub does not answer become smaller. `key` tells items apart. Raises LookupFailedError, also if the token may read
    nothing of a page, if pages lead nowhere, and after so many `attempts`.
    """
    after, size, seen, stale = None, PER_PAGE, set[object](), 0
    for _ in attempts:
        variables = {"after": ("String", after), "first": ("Int!", size)}
        try:
            page, errors = ask_parts(repository, replace(query, variables=variables), model, large=size > LEAST)
        except TooLargeError:
            size = max(size // 2, LEAST)
            continue
        repository.named(page.name_with_owner)
        listed = connection(page)
        new = {key(item) for item in listed.nodes if item} - seen
        forbidden = [error for error in errors if error.kind in FORBIDDEN]
        if forbidden and not new:
            raise repository.access(query.permission).rejected(200, forbidden[0].kind, limited=False)
        yield page
        if not listed.has_next_page:
            return
        # Much that is updated at once moves what was read to the next page.
        stale = 0 if new else stale + 1
        if listed.end_cursor in (None, after) or stale > 1:
            raise LookupFailedError(UNDOCUMENTED, unreadable=True)
        after, seen = listed.end_cursor, seen | new
    things = query.permission.replace("-", " ")
    raise LookupFailedError(f"has more {things} than a step reads. Set a later `since`.", "rejected")


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
