"""Owns what an endpoint is: its path as GitHub's description writes it, the permission it needs, and what it may ask.

Endpoints register themselves with `get`; the templates are the keys of the description, by which answers are checked.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar
from urllib.parse import unquote, urlencode

if TYPE_CHECKING:
    from stand_in.app import App
    from stand_in.repo import Repo

DOCS = "https://docs.github.com/rest"
_PATH = "(?:/(?P<path>.*))?"  # the uppermost folder needs none
_SEVERAL_SEGMENTS = {"ref", "basehead", "branch", "tag", "tree_sha"}
_NUMBER = re.compile(r"[0-9]{1,9}", re.ASCII)
T = TypeVar("T")


class Refused(Exception):
    """A request that is answered with an error."""

    def __init__(self, status: int, message: str, **more: Any) -> None:
        super().__init__(message)
        self.status, self.message, self.more = status, message, more

    def answer(self) -> Answer:
        """Write it as GitHub does."""
        return Answer(
            self.status,
            {"message": self.message, **self.more, "documentation_url": DOCS, "status": str(self.status)},
        )


@dataclass(slots=True)
class Answer:
    """What is sent back: JSON, or `raw` bytes as they are."""

    status: int
    json: Any = None
    headers: dict[str, str] = field(default_factory=dict)
    raw: bytes | None = None
    content_type: str = "application/json; charset=utf-8"


@dataclass(slots=True)
class Ask:
    """One request, as an endpoint sees it."""

    app: App
    base: str
    path: str
    query: dict[str, str]
    headers: Mapping[str, str]
    repo: Repo
    links: list[str] = field(default_factory=list)

    @property
    def api(self) -> str:
        """The repository's own URL."""
        return f"{self.base}/repos/{self.repo.full_name}"

    @property
    def html(self) -> str:
        """The server that people see."""
        return self.app.server_url

    def accepts(self, kind: str) -> bool:
        """Say whether another form than JSON is asked for, such as raw."""
        return bool(re.search(rf"application/vnd\.github(\.v3)?\.{kind}\b", self.headers.get("accept", "")))

    def page(self, items: Sequence[T], *, cap: int | None = None) -> Sequence[T]:
        """Cut the page that is asked for, and link the others."""
        size, number = self.page_size(), self.page_number()
        items = items[:cap]
        self.link(number, -(-len(items) // size))
        return items[(number - 1) * size : number * size]

    def page_size(self, usual: int = 30, most: int = 100) -> int:
        """Read per_page; GitHub takes less than is asked for without a word."""
        text = self.query.get("per_page", "")
        return min(int(text) or usual, most) if _NUMBER.fullmatch(text) else usual

    def page_number(self) -> int:
        """Read page."""
        text = self.query.get("page", "")
        return int(text) or 1 if _NUMBER.fullmatch(text) else 1

    def link(self, number: int, last: int) -> None:
        """Link the neighbouring pages, as GitHub does by the repository's number rather than its name."""
        path = self.path.replace(f"/repos/{self.repo.full_name}", f"/repositories/{self.repo.id}", 1)
        near = {"prev": number - 1, "next": number + 1, "last": last, "first": 1}
        shown = (
            ("prev", "next", "last", "first")
            if 1 < number < last
            else ("prev", "first")
            if number > 1
            else ("next", "last")
        )
        for rel in shown if last > 1 or number > 1 else ():
            query = urlencode({**self.query, "page": str(near[rel])})
            self.links.append(f'<{self.base}{path}?{query}>; rel="{rel}"')


Serve = Callable[..., Any]


class Route(NamedTuple):
    """One endpoint."""

    template: str
    pattern: re.Pattern[str]
    permission: str
    serve: Serve


ROUTES: list[Route] = []


def get(template: str, permission: str = "metadata") -> Callable[[Serve], Serve]:
    """Register an endpoint of a repository, or with an absolute path one of the server."""
    whole = template if template.startswith("/") else f"/repos/{{owner}}/{{repo}}/{template}".rstrip("/")

    def part(match: re.Match[str]) -> str:
        return f"(?P<{match[1]}>{'.+' if match[1] in _SEVERAL_SEGMENTS else '[^/]+'})"

    def register(serve: Serve) -> Serve:
        ROUTES.append(
            Route(whole, re.compile(re.sub(r"{(\w+)}", part, whole.replace("/{path}", _PATH))), permission, serve)
        )
        return serve

    return register


def match(path: str) -> tuple[Route, dict[str, str]] | None:
    """Find the endpoint of a path, the most exact first, and what its template's names stand for."""
    for route in sorted(ROUTES, key=lambda route: -len(re.sub(r"{\w+}", "", route.template))):
        found = route.pattern.fullmatch(path)
        if found:
            return route, {name: unquote(text or "") for name, text in found.groupdict().items()}
    return None
