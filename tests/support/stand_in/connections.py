"""Owns GraphQL's lists: cutting a page by first, last, after and before, and refusing one that is not bounded."""

import base64
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from graphql import FieldNode, GraphQLError, GraphQLResolveInfo

_MOST = 100
_PREFIX = "cursor:v2:"
T = TypeVar("T")


def connection(
    info: GraphQLResolveInfo[Any],
    items: Sequence[T],
    arguments: dict[str, Any],
    shape: Callable[[T], dict[str, Any]],
    mark: str = "",
) -> dict[str, Any]:
    """Return a page of a list; `mark` makes cursors as a history has them."""
    size = _size(info, arguments)
    start = _index(arguments.get("after"), -1) + 1
    end = _index(arguments.get("before"), len(items))
    if arguments.get("first") is not None:
        end = min(end, start + size)
    elif size:
        start = max(start, end - size)
    cursors = [f"{mark} {index}" if mark else _cursor(index) for index in range(start, min(end, len(items)))]
    shown = items[start:end]
    return {
        "totalCount": len(items),
        "nodes": lambda _info: [shape(item) for item in shown],
        "edges": lambda _info: [
            {"cursor": cursor, "node": shape(item)} for cursor, item in zip(cursors, shown, strict=True)
        ],
        "pageInfo": {
            "hasNextPage": end < len(items),
            "hasPreviousPage": start > 0,
            "startCursor": cursors[0] if cursors else None,
            "endCursor": cursors[-1] if cursors else None,
        },
    }


def _size(info: GraphQLResolveInfo[Any], arguments: dict[str, Any]) -> int:
    name, given = info.field_name, {key: arguments[key] for key in ("first", "last") if arguments.get(key) is not None}
    if not given:
        if not _reads(info):
            return 0
        message = f"You must provide a `first` or `last` value to properly paginate the `{name}` connection."
        raise GraphQLError(message, extensions={"type": "MISSING_PAGINATION_BOUNDARIES"})
    for key, size in given.items():
        if not 0 <= size <= _MOST:
            message = (
                f"Requesting {size} records on the `{name}` connection exceeds the `{key}` limit of {_MOST} records."
            )
            raise GraphQLError(message, extensions={"type": "EXCESSIVE_PAGINATION"})
    if len(given) == 2:
        message = f"Passing both `first` and `last` to paginate the `{name}` connection is not supported."
        raise GraphQLError(message, extensions={"type": "INVALID_PAGINATION"})
    return int(next(iter(given.values())))


def _reads(info: GraphQLResolveInfo[Any]) -> bool:
    """Say whether more than the count is asked for."""
    selected = [part for node in info.field_nodes if node.selection_set for part in node.selection_set.selections]
    return not all(isinstance(part, FieldNode) and part.name.value == "totalCount" for part in selected)


def _cursor(index: int) -> str:
    return base64.b64encode(f"{_PREFIX}{index}".encode()).decode()


def _index(cursor: str | None, without: int) -> int:
    if cursor is None:
        return without
    try:
        text = cursor if " " in cursor else base64.b64decode(cursor, validate=True).decode()
        return int(text.split(" ")[-1].removeprefix(_PREFIX))
    except ValueError:
        message = f"`{cursor}` does not appear to be a valid cursor."
        raise GraphQLError(message, extensions={"type": "INVALID_CURSOR_ARGUMENTS"}) from None
