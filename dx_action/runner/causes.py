"""Owns finding what an exception wraps: requests and urllib3 keep it as an argument, a reason or a cause. Pure."""

from collections.abc import Iterator


def causes(error: BaseException) -> Iterator[BaseException]:
    """Walk the exception and all that it wraps, each once."""
    seen: set[int] = set()
    todo: list[object] = [error]
    while todo:
        each = todo.pop()
        if isinstance(each, BaseException) and id(each) not in seen:
            seen.add(id(each))
            todo += [*each.args, getattr(each, "reason", None), each.__cause__, each.__context__]
            yield each
