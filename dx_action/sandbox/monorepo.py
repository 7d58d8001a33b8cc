"""A GitHub with one merge of one monorepo: the few answers that the demo's third scene asks for.

Like the rest of the sandbox it imports nothing of the action's: the answers are written as GitHub's documentation has them.
"""

import json
import re
import threading
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Self

REPOSITORY = "acme/shop"
# The services of the monorepo, the scene's input.
MAP = """\
payments: [services/payments/**]
web: [apps/web/**]
search: [services/search/**]
"""
BEFORE, MERGED, EARLIER = "5d0c6f1b9e" * 4, "9f2e7a4c30" * 4, "71b8d3e6a2" * 4
NUMBER, TITLE = 44, "Round to cents everywhere"
# The pull requests between the last deployment and this one: number, commit, title, hours since the merge, files.
_PULLS: dict[int, tuple[str, str, int, tuple[str, ...]]] = {
    43: (EARLIER, "Show the total in the cart", 20, ("apps/web/cart.ts",)),
    NUMBER: (MERGED, TITLE, 0, ("services/payments/round.py", "apps/web/price.ts")),
}
_POLL = 0.002
_TOKEN = re.compile(r"\.\.\.|\$?\w+|[{}():]")


class Monorepo:
    """GitHub's API on loopback, from its making until close; a context manager."""

    def __init__(self) -> None:
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        threading.Thread(target=self._server.serve_forever, args=(_POLL,), name="demo-github", daemon=True).start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        path, query = self.path.partition("?")[::2]
        if path.endswith(f"/pulls/{NUMBER}/files"):
            files = [{"filename": name, "status": "modified"} for name in _PULLS[NUMBER][3]]
            self._answer(200, files if "page=2" not in query else [])
        elif "/compare/" in path:
            commits = [{"sha": commit} for commit, *_ in _PULLS.values()]
            names = [name for *_, files in _PULLS.values() for name in files]
            files = [{"filename": name, "status": "modified"} for name in names]
            found = {"status": "ahead", "merge_base_commit": {"sha": BEFORE}, "total_commits": len(commits)}
            self._answer(200, found | {"commits": commits, "files": files})
        else:
            self._answer(404, {"message": "Not Found", "status": "404"})

    def do_POST(self) -> None:
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self._answer(200, {"data": _Query(asked["query"], asked["variables"]).answer({"repository": _repository})})

    def _answer(self, status: int, found: object) -> None:
        body = json.dumps(found).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json; charset=utf-8")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name is the parent's
        pass


class _Query:
    """Answers a query: its fields under their aliases. It reads variables as arguments, and fragments."""

    def __init__(self, text: str, variables: Mapping[str, Any]) -> None:
        self._variables = variables
        operation, *fragments = text.split("fragment ")
        self._tokens = _TOKEN.findall(operation[operation.index("{") :])
        self._fragments = {fragment.split()[0]: fragment[fragment.index("{") :] for fragment in fragments}

    def answer(self, value: Mapping[str, Any]) -> dict[str, Any]:
        """Answer the selection that begins here, of this object."""
        self._tokens.pop(0)
        found: dict[str, Any] = {}
        while (token := self._tokens.pop(0)) != "}":
            if token == "...":
                name = self._tokens.pop(0)
                if name == "on":
                    self._tokens.pop(0)
                else:
                    self._tokens[:0] = _TOKEN.findall(self._fragments[name])
                found |= self.answer(value)
            else:
                found |= self._field(token, value)
        return found

    def _field(self, alias: str, value: Mapping[str, Any]) -> dict[str, Any]:
        name = alias
        if self._tokens[0] == ":":
            _, name = self._tokens.pop(0), self._tokens.pop(0)
        given: list[Any] = []
        if self._tokens[0] == "(":
            while (token := self._tokens.pop(0)) != ")":
                given += [self._variables[token[1:]]] if token.startswith("$") else []
        child = value.get(name)
        child = child(*given) if callable(child) else child
        if self._tokens[0] != "{":
            return {alias: child}
        before = [*self._tokens]
        children = child if isinstance(child, list) else [child or {}]
        answers = []
        for each in children or [{}]:
            self._tokens = [*before]
            answers.append(self.answer(each))
        return {alias: answers[: len(children)] if isinstance(child, list) else answers[0] if child else None}


def _repository(*_: object) -> dict[str, Any]:
    return {
        "nameWithOwner": REPOSITORY,
        "object": _commit,
        "pullRequest": lambda number: _pull(number) if number in _PULLS else None,
    }


def _commit(expression: str) -> dict[str, Any] | None:
    numbers = [number for number, (commit, *_) in _PULLS.items() if commit == expression]
    pulls = [_pull(number) for number in numbers]
    return {"associatedPullRequests": lambda *_: _page(pulls)} if numbers else None


def _pull(number: int) -> dict[str, Any]:
    commit, title, hours, files = _PULLS[number]
    return {
        "number": number,
        "fullDatabaseId": str(2401500000 + number),
        "title": title,
        "url": f"https://github.com/{REPOSITORY}/pull/{number}",
        "merged": True,
        "mergedAt": ago(hours),
        "baseRefName": "main",
        "baseRefOid": BEFORE,
        "headRefOid": commit,
        "changedFiles": len(files),
        "repository": {"nameWithOwner": REPOSITORY},
        "author": {"login": "octocat"},
        "mergeCommit": {"oid": commit},
        "commits": lambda *_: _page([{"commit": {"authoredDate": ago(hours + 30)}}]),
        "files": lambda *_: _page([{"path": name, "changeType": "MODIFIED"} for name in files]),
    }


def ago(hours: int) -> str:
    """That many hours before now, as GitHub writes a time."""
    return (datetime.now(UTC) - timedelta(hours=hours, minutes=1)).strftime("%Y-%m-%dT%H:%M:%SZ")


def _page(nodes: list[dict[str, Any]]) -> dict[str, Any]:
    return {"pageInfo": {"hasNextPage": False, "endCursor": None}, "nodes": nodes}
