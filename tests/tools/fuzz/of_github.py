"""Targets: what GitHub answers, the wire that its answers come by, and the addresses of both."""

import json
from collections.abc import Callable, Mapping
from functools import cache, partial
from io import BytesIO
from pathlib import Path
from typing import Any

from urllib3 import HTTPHeaderDict, HTTPResponse
from urllib3.connectionpool import HTTPSConnectionPool

import builders
import wire
from drawing import NOW, TOKEN, Draw, Target, plain
from drawing import refusals as sentences
from dx_action.changes.changeset import (
    MergedPull,
    PullChange,
    RangeChange,
    UnavailableError,
    UnknownCommitError,
    Wanted,
)
from dx_action.deployment.permissions import Permission
from dx_action.github.check_lookups import CheckLookups
from dx_action.github.client import Repository, Run
from dx_action.github.deployments import current_name, pages
from dx_action.github.errors import Access, reason, refusals
from dx_action.github.lookups import UnreadFilesError
from dx_action.github.retries import until_reset
from dx_action.inputs.times import parse_time_or_none
from dx_action.runner.network import BoundedAdapter
from dx_action.runner.runtime import Clock
from dx_action.runner.workspace import Workspace
from stand_in.app import App
from stand_in.repo import Repo

_PERMISSIONS: tuple[Permission, ...] = ("contents", "pull-requests", "deployments")
Served = tuple[int, Mapping[str, str], bytes]
Serve = Callable[[str, str, Mapping[str, str], Any], Served]


class _Pool(HTTPSConnectionPool):
    """Connections to nobody: `serve` answers."""

    def __init__(self, *args: Any, serve: Serve, **more: Any) -> None:
        scheme = more.pop("scheme", "https")
        super().__init__(*args, **more)
        self.scheme, self._serve = scheme, serve

    def _prepare_proxy(self, conn: Any) -> None:
        pass

    def _make_request(self, conn: Any, method: str, url: str, *args: Any, **more: Any) -> Any:
        status, said, data = self._serve(method, url, more.get("headers") or {}, more.get("body") or b"")
        kept = {name: more[name] for name in ("retries", "preload_content", "decode_content") if name in more}
        return HTTPResponse(BytesIO(data), HTTPHeaderDict(said), status, request_method=method, request_url=url, **kept)


class _Adapter(BoundedAdapter):
    def __init__(self, *args: Any, serve: Serve, **more: Any) -> None:
        self._pools: Any = {scheme: partial(_Pool, serve=serve) for scheme in ("http", "https")}
        super().__init__(*args, **more)

    def init_poolmanager(self, *args: Any, **more: Any) -> None:
        super().init_poolmanager(*args, **more)
        self.poolmanager.pool_classes_by_scheme = self._pools

    def proxy_manager_for(self, proxy: str, **more: Any) -> Any:
        manager = super().proxy_manager_for(proxy, **more)
        manager.pool_classes_by_scheme = self._pools
        return manager


class Spoken(Repository):
    """A repository about which `serve` answers, below PyGithub and its retries."""

    def __init__(self, run: Run, serve: Serve) -> None:
        super().__init__("acme/shop", run)
        self._serve = serve

    def _connection(self, context: Any, kind: Callable[..., Any], *args: Any, **more: Any) -> Any:
        made = super()._connection(context, kind, *args, **more)
        adapter = _Adapter(context, self._left_to_read, serve=self._serve, max_retries=made.retry, pool_maxsize=1)
        made.session.mount(f"{made.protocol}://", adapter)
        return made


def _nothing(_text: str) -> None:
    pass


def _warn(text: str) -> None:
    plain(text)


def _run(env: Mapping[str, str], given: dict[str, str]) -> Run:
    clock = wire.Time().clock()
    inputs = builders.inputs({"github-token": TOKEN} | given)
    runtime = builders.runtime("push_branch", repository="acme/shop")
    if url := env.get("GITHUB_API_URL"):
        runtime = runtime._replace(api_url=url)
    patient = Clock(clock.monotonic, clock.sleep, lambda: NOW, lambda: 0.5)
    return Run(inputs, runtime, env, Workspace(str(Path(__file__).parent)), patient, _nothing, _warn)


def github(data: bytes) -> None:
    """A few raw answers to one look-up of each API."""
    draw = Draw(data)
    queue = list[Served]()
    names = ("Retry-After", "X-RateLimit-Remaining", "X-RateLimit-Reset", "Location", "X-Accepted-GitHub-Permissions")
    for _ in range(draw.number(3) + 1):
        status = draw.pick((200, 403, 404, 429, 301, 500, 502, 401, 410, 422, 451, 407, 304, 204))
        headers = {draw.pick(names): draw.variable().replace("\n", "").replace("\r", "") for _ in range(draw.number(3))}
        queue.append((status, headers, draw.take(draw.number(400))))

    repository = Spoken(_run({}, {}), lambda *_: queue.pop(0) if len(queue) > 1 else queue[0])
    for ask in (
        lambda: repository.get("pulls/1", "pull-requests", dict[str, object]),
        lambda: repository.post_query("{}", {}, "contents"),
    ):
        for said in sentences(ask):
            assert TOKEN not in plain(said)


def address(data: bytes) -> None:
    """The addresses of GitHub and of proxies, in whatever form."""
    draw = Draw(data)
    names = ("GITHUB_API_URL", "HTTPS_PROXY", "HTTP_PROXY", "NO_PROXY", "ALL_PROXY")
    env = {draw.pick(names): draw.variable(60) for _ in range(draw.number(3) + 1)}
    repository = Spoken(_run(env, {}), lambda *_: (draw.pick((200, 407, 503)), {}, b"{}"))
    repository.get("pulls/1", "pull-requests", dict[str, object])


def refused(data: bytes) -> None:
    """GitHub's words, headers and kinds of errors: none of them is shown as it came."""
    draw = Draw(data)
    headers = {"retry-after": draw.text(), "x-ratelimit-reset": draw.text()}
    until_reset(headers, wire.Time().clock())
    access = Access("acme/shop", draw.pick(_PERMISSIONS), bool(draw.number(1)), bool(draw.number(1)))
    status, why, accepted = draw.number(600), reason(draw.text(), sso=bool(draw.number(1))), draw.text()
    plain(str(access.rejected(status, why, limited=bool(draw.number(1)), accepted=accepted)))
    error = {
        "type": "FORBIDDEN",
        "path": ["repository", "item0"],
        "message": "x",
        "extensions": {"code": "undefinedField"},
    }
    body = draw.altered({"data": None, "errors": [error, {"message": draw.text(), "type": draw.text()}]})
    for found in refusals(body):
        assert all(isinstance(step, str | int) for step in found.path)
        plain(str(access.rejected(200, found.kind, limited=False)))


@cache
def _shop() -> tuple[Repo, App]:
    """Return a small repository, and the GitHub that has it."""
    repo = Repo("acme/shop")
    repo.commit({"README.md": "a\n", "catalog-info.yaml": "kind: Component\nmetadata:\n  name: shop\n"})
    repo.commit({"CODEOWNERS": "* @acme/core\n", "map.yml": "web: [web/**]\n", "web/a": "1\n"})
    repo.tag("v1.0.0")
    repo.pulls.ship({"web/b": "2\n"}, {"lib/c": "3\n"}, how="merge", title="One")
    repo.pulls.ship({"web/a": None, "web/d": "1\n"}, how="squash", title="Two")
    first = repo.deployments.create("v1.0.0", payload={"service": "web"})
    repo.deployments.status(first, "success", log_url="https://github.com/acme/shop/actions/runs/1/job/2")
    repo.deployments.create("main", payload='{"service": "web"}', state="success")
    repo.releases.publish("v1.0.0")
    return repo, App([repo], token=TOKEN, permissions=None, hidden=(), moved=None, base_path="")


@cache
def _said(method: str, url: str, body: bytes) -> tuple[int, dict[str, str], str]:
    """Return what that GitHub answers, the same each time."""
    _, app = _shop()
    headers = {"authorization": f"token {TOKEN}"}
    found = app.serve(app.arrived(method, url, headers), headers, body)
    return found.status, found.headers, json.dumps(found.json)


def lookups(data: bytes) -> None:
    """Good answers to every look-up, with leaves that are not."""
    draw, (repo, _) = Draw(data), _shop()

    def serve(method: str, url: str, _headers: Mapping[str, str], body: Any) -> Served:
        status, headers, text = _said(method, url, body.encode() if isinstance(body, str) else body)
        said = json.loads(text)
        return status, headers, json.dumps(draw.altered(said) if draw.number(2) == 1 else said).encode()

    source = draw.pick(("backstage", "codeowners", "map"))
    given = {"services-from": source} | ({"service-map": "map.yml"} if source == "map" else {})
    run = _run({}, given)
    asking = CheckLookups("acme/shop", True, repo.rev("main"), run)
    asking._repository = asking._files._repository = Spoken(run, serve)
    try:
        _look_up(draw.number(15), asking, repo)
    except (UnreadFilesError, UnavailableError, UnknownCommitError) as error:
        plain(str(error))
    for warning in asking.warnings:
        plain(warning)


def _look_up(number: int, asking: CheckLookups, repo: Repo) -> None:
    first, last = repo.rev("v1.0.0"), repo.rev("main")
    ways: tuple[Callable[[], object], ...] = (
        lambda: asking.touched(PullChange(1)),
        lambda: asking.touched(PullChange(2, first, last, 2)),
        lambda: asking.touched(RangeChange(first, last, "`since-sha`")),
        lambda: asking.whole_ownership(asking.all_paths()),
        lambda: (asking.is_tag("v1.0.0"), asking.committed_file("README.md")),
        lambda: _try_reading(asking),
        lambda: asking.touched_by(_merged(asking, first, last)),
        lambda: asking.changes.services_of(_merged(asking, first, last)),
        lambda: asking.changes.dated(_merged(asking, first, last)),
        lambda: asking.merged_by_push(first, last, "main"),
        lambda: asking.changes.is_off_branch("main", last),
        lambda: parse_time_or_none(asking.changes.committed_at(last)),
        lambda: _read_past(asking),
        lambda: _read_history(asking._repository),
        lambda: _previous(asking),
        lambda: current_name(asking._repository, "acme/other"),
    )
    ways[number]()


def _try_reading(asking: CheckLookups) -> None:
    for permission in _PERMISSIONS:
        asking.try_reading(permission)


def _merged(asking: CheckLookups, first: str, last: str) -> tuple[MergedPull, ...]:
    return asking.changes.merged(asking.changes.span(first, last).commits, last).pulls


def _read_past(asking: CheckLookups) -> None:
    found = asking.merged_between(NOW.replace(year=2000), NOW.replace(year=2100))
    for past in found.by_number.values():
        asking.past_services(past)


def _read_history(repository: Repository) -> None:
    for page in pages(repository):
        for node in page.nodes:
            page.deployment(node, environments=True).id.bit_length()
            page.statuses(node)


def _previous(asking: CheckLookups) -> None:
    for alone in (False, True):
        wanted = Wanted(("web",), "production", lambda _: True, None, alone=alone)
        for value in asking.changes.previous(wanted).values():
            plain(value if isinstance(value, str) else value.source)
    asking.changes.previous_release(7)


TARGETS = {
    "github": Target(
        github,
        (
            b'\0\0\0\0\x0e{"number": 41}',
            b"\1\1\2\4\x10contents=read; a\0\1x\0\2{}\0\0\0\2{}",
            b"\1\4\1\3\x26https://api.github.com/repositories/123\0\0\0\0\0\2{}",
            b"\1\3\1\0\1\x35\0\0\0\0\0\0\2[]",
        ),
    ),
    "address": Target(
        address,
        (
            b"\1\0\x16https://ghe.acme.x/api\1\x14http://u:p@proxy:8080",
            b"\2\0\x0bhttp://[::1\1\x0fhttp://proxy:80\3\x05a,b:1",
        ),
    ),
    "refused": Target(
        refused, (b"\x011\x0a1741089600\1\0\1\1\x93\x14secondary rate limit\0\x0dcontents=read", b"\0\0\2\1\0\xc8")
    ),
    "lookups": Target(
        lookups,
        tuple(
            bytes([source, number]) + b"\1\2\0\5\0\3\1\0\1\1\0\1\2::\1\1\1\0\2\2"
            for number in range(16)
            for source in (0, 2)
        ),
    ),
}
