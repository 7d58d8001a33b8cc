"""A GitHub that knows one merge of one monorepo: the few answers that the demo's third scene asks for.

Like the rest of the sandbox it imports nothing of the action's: the answers are written as GitHub's documentation has them.
"""

import json
import threading
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Self

REPOSITORY = "acme/shop"
# The services of the monorepo, as the scene gives them to the action.
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
        """Answer a query: each of its variables is a commit or the number of a pull request, and so is its alias."""
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        found = {name: _node(value) for name, value in asked["variables"].items() if name not in ("owner", "name")}
        own = {"own": REPOSITORY} if "own: nameWithOwner" in asked["query"] else {}
        self._answer(200, {"data": {"repository": own | found}})

    def _answer(self, status: int, found: object) -> None:
        body = json.dumps(found).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json; charset=utf-8")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name is the parent's
        pass


def _node(value: object) -> Mapping[str, Any] | None:
    if isinstance(value, int) and value in _PULLS:
        return _pull(value)
    numbers = [number for number, (commit, *_) in _PULLS.items() if commit == value]
    return {"associatedPullRequests": _page([_pull(number) for number in numbers])} if numbers else None


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
        "commits": _page([{"commit": {"authoredDate": ago(hours + 30)}}]),
        "files": _page([{"path": name, "changeType": "MODIFIED"} for name in files]),
    }


def ago(hours: int) -> str:
    """That many hours before now, as GitHub writes a time."""
    return (datetime.now(UTC) - timedelta(hours=hours, minutes=1)).strftime("%Y-%m-%dT%H:%M:%SZ")


def _page(nodes: list[dict[str, Any]]) -> dict[str, Any]:
    return {"pageInfo": {"hasNextPage": False, "endCursor": None}, "nodes": nodes}
