"""The one client of GitHub's API, bound to a repository. It only reads, and imports PyGithub at the first call.

PyGithub's requester is used below its objects, so that a look-up makes exactly the calls it names. What GitHub or an exception says
is never repeated in its own words: see `errors`.
"""

import logging
import re
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future, wait
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import cache, cached_property, partial
from ssl import SSLContext
from threading import Thread
from typing import Any, TypeVar
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, TypeAdapter, ValidationError

from dx_action.errors import BadInput, Server, is_final
from dx_action.github.errors import (
    NO_ADDRESS,
    SECONDARY_LIMIT,
    UNDOCUMENTED,
    UNREADABLE,
    Access,
    LookupFailedError,
    NoAnswerError,
    reason,
)
from dx_action.github.retries import (
    RETRIES,
    SECONDS,
    TOO_SLOW,
    LookupTime,
    RedirectedError,
    WaitTooLongError,
    is_secondary_limit,
    retries,
)
from dx_action.inputs.model import Inputs
from dx_action.runner.network import (
    BoundedAdapter,
    UnreadableError,
    cause_of,
    exception_chain,
    proxies,
    read_ca_bundle,
    server,
    tls_context,
    was_repeated,
)
from dx_action.runner.runtime import Clock, Runtime
from dx_action.runner.workspace import Workspace

T = TypeVar("T")

PER_PAGE = 100
# Seconds for an attempt.
_TIMEOUT = 10
# No list that is read is longer than so many pages.
_MOST_PAGES = 30
_NAME = re.compile(r"[A-Za-z0-9_-]+/[A-Za-z0-9._-]+")
# The address that an answer of REST has as its own.
_ADDRESS = re.compile(r"https?://[^?#\s]*?/repos/([A-Za-z0-9_-]+/[A-Za-z0-9._-]+)/")


class Answer(BaseModel):
    """The fields that are read of one of GitHub's answers. What is not of the documented type is not made to be."""

    model_config = ConfigDict(frozen=True, strict=True, hide_input_in_errors=True, defer_build=True)


class _Named(Answer):
    full_name: str


@dataclass(frozen=True, slots=True)
class Run:
    """What look-ups need of the run. `say` writes a line of the log, `warn` takes a warning about the connection.

    `time` is for all of them, of whichever repository.
    """

    inputs: Inputs
    runtime: Runtime
    env: Mapping[str, str]
    workspace: Workspace
    clock: Clock
    say: Callable[[str], None]
    warn: Callable[[str], None]
    time: LookupTime = field(default_factory=LookupTime)


class Repository:
    """One repository, asked with the run's token and CAs. `own`: it is the workflow's own.

    Each call names the permission that it needs. All calls share the run's time for look-ups, but each call of a `patient` client
    has as much for itself. Raises LookupFailedError, Missing for a 404, and BadInput for a name that is not a GitHub repository's.
    """

    def __init__(self, name: str, run: Run, *, patient: bool = False) -> None:
        self.name, self.clock, self._run, self._patient = name, run.clock, run, patient
        self.own = name.casefold() == run.runtime.repository.casefold()
        self._time = LookupTime() if patient else run.time
        self._read_until: float | None = None
        self._path = f"/repos/{name}"
        self._today: str | None = None
        # What is asked twice in a run, such as the beginning of a comparison, costs one call.
        self._answers: dict[tuple[object, ...], Any] = {}

    @property
    def renamed(self) -> str | None:
        """The warning that GitHub answered about the repository under another name; None if it did not."""
        if self._today is None or self._today.casefold() == self.name.casefold():
            return None
        return (
            f"GitHub calls the repository {self.name} `{self._today}` now. What is sent to DX stays as written. "
            "If DX has the new name, set `repository` to it."
        )

    def named(self, name: str) -> None:
        """Note the repository's name as an answer has it."""
        if _NAME.fullmatch(name):
            self._today = name

    def get(self, path: str, permission: str, model: type[T], **parameters: str | int) -> T:
        """Return REST's answer for a path below the repository's."""
        key = (path, *sorted(parameters.items()))
        if key in self._answers:
            return checked(model, self._answers[key])
        self.begin()
        ask = partial(self._requester.requestJsonAndCheck, "GET", f"{self._path}/{path}".rstrip("/"), parameters)
        try:
            _, found = self._call(permission, ask)
        except RedirectedError as moved:
            # The repository was renamed. Its number, unlike a whole address, is safe to ask for.
            number = re.search(r"/repositories/\d+(?![^/?])", moved.location)
            if number is None or not self._path.startswith("/repos/"):
                raise
            self._path = number[0]
            with suppress(LookupFailedError):
                self.named(self.get("", permission, _Named).full_name)
            return self.get(path, permission, model, **parameters)
        if found is None or _is_foreign(found):
            raise LookupFailedError(UNREADABLE, unreadable=True)
        answer = checked(model, found)
        self.named(_repository_in(found))
        if not self._patient:  # a patient one reads much, and each page once
            self._answers[key] = found
        return answer

    def pages(self, path: str, permission: str, model: type[list[T]], **parameters: str | int) -> Iterator[list[T]]:
        """Yield the pages of one of REST's lists: a call for each 100 items, when it is due."""
        last: list[T] = []
        for number in range(1, _MOST_PAGES + 1):
            page = self.get(path, permission, model, per_page=PER_PAGE, page=number, **parameters)
            if len(page) > PER_PAGE or (page and page == last):
                raise LookupFailedError(UNDOCUMENTED, unreadable=True)
            yield page
            if len(page) < PER_PAGE:
                return
            last = page
        raise LookupFailedError(
            f"lists more than {_MOST_PAGES * PER_PAGE:,} items, which are not all read.", "rejected"
        )

    def post_query(self, text: str, variables: Mapping[str, Any], permission: str) -> tuple[Mapping[str, str], Any]:
        """Return the headers and the body of GraphQL's answer to one attempt."""
        ask = partial(self._requester.requestJsonAndCheck, "POST", self._requester.graphql_url)
        headers, body = self._call(permission, lambda: ask(input={"query": text, "variables": variables}))
        if body is None or _is_foreign(body):
            raise LookupFailedError(UNREADABLE, unreadable=True)
        return headers, body

    @cached_property
    def _requester(self) -> Any:
        run = self._run
        if not _NAME.fullmatch(self.name):
            text = "is not a GitHub repository (`owner/name`), so this step cannot look up there what it needs."
            raise BadInput.of("repository", text)
        if not _is_address(run.runtime.api_url):
            raise LookupFailedError(NO_ADDRESS, "rejected")
        import github  # noqa: PLC0415 - 0.1 s that a run without look-ups does not spend
        from github import Requester as wire  # noqa: N813, PLC0415

        # PyGithub's own lines in the log would have GitHub's words as they came.
        logging.getLogger("github").handlers = [logging.NullHandler()]
        logging.getLogger("github").propagate = False
        context, warnings = tls_context(run.env, read_ca_bundle(run.inputs.ca_bundle, run.workspace))
        for warning in warnings:
            run.warn(warning)
        kinds: tuple[Any, ...] = (wire.HTTPRequestsConnectionClass, wire.HTTPSRequestsConnectionClass)
        # Without staticmethod, the class that they become attributes of would bind them to its instances from Python 3.14 on.
        connections: list[Any] = [staticmethod(partial(self._connection, context, kind)) for kind in kinds]
        wire.Requester.injectConnectionClasses(*connections)
        found = github.Github(
            auth=github.Auth.Token(run.inputs.github_token.get_secret_value()) if run.inputs.github_token else None,
            base_url=run.runtime.api_url,
            timeout=_TIMEOUT,
            retry=retries(
                run.clock._replace(sleep=self._wait),
                self.left,
                self._left_to_read,
                lambda: self._read_until is not None,
            ),
            per_page=PER_PAGE,
            seconds_between_requests=0,
            seconds_between_writes=0,  # a query is a POST, and writes nothing
            lazy=True,
            api_version="2022-11-28",
        ).requester
        wire.Requester.resetConnectionClasses()
        return found

    def _connection(self, context: SSLContext, kind: Callable[..., Any], *args: Any, **more: Any) -> Any:
        """Take proxies from the run's environment as the connection to DX does, and nothing from this process's."""
        made = kind(*args, **more)
        made.session.trust_env, made.session.proxies = False, proxies(self._run.env, self._run.runtime.api_url)
        adapter = BoundedAdapter(context, self._left_to_read, max_retries=made.retry, pool_maxsize=made.pool_size)
        made.session.mount(f"{made.protocol}://", adapter)
        return made

    def access(self, permission: str) -> Access:
        """Return by which right a look-up asks, which has the sentences for its errors."""
        return Access(self.name, permission, self.own, self._run.inputs.github_token is not None)

    def left(self) -> float:
        """Return the seconds that are left for look-ups."""
        return self._time.end(self.clock) - self.clock.monotonic()

    @contextmanager
    def replaceable(self) -> Iterator[None]:
        """Look up in this context what another look-up can replace, and leave to that one half of the time.

        What GitHub takes too long for is asked for once. A wait that GitHub asks for does not count.
        """
        self._read_until = self.clock.monotonic() + self.left() / 2
        try:
            yield
        finally:
            self._read_until = None

    def _left_to_read(self) -> float:
        left, until = self.left(), self._read_until
        return left if until is None else min(left, until - self.clock.monotonic())

    def _due(self) -> float:
        """Return when an answer has to be there, by the clock."""
        end = self._time.end(self.clock)
        return end if self._read_until is None else min(end, self._read_until)

    def _wait(self, seconds: float) -> None:
        self.clock.sleep(seconds)
        if self._read_until is not None:
            self._read_until += seconds

    def begin(self) -> None:
        """Begin a look-up, for which a patient client has its own time."""
        if self._patient:
            self._time = LookupTime()

    def _call(self, permission: str, ask: Callable[[], tuple[Any, Any]]) -> tuple[Any, Any]:
        """Return the headers and the body of an answer."""
        from github import GithubException  # noqa: PLC0415

        try:
            return _within(self._left_to_read(), self._due, ask)
        except WaitTooLongError as wait:
            why = SECONDARY_LIMIT if wait.secondary else ""
            raise self.access(permission).rejected(wait.status, why, limited=wait.status == 403) from None
        except GithubException as error:
            raise self._rejected(error, permission) from None
        except OSError as error:  # a requests exception is one
            raise self._unanswered(error) from None
        except (ValueError, AssertionError, RuntimeError, LookupError, TypeError, AttributeError):
            # In these ways PyGithub stumbles over answers that are not GitHub's.
            text = "returned no readable answer. Check the network and any proxy."
            raise LookupFailedError(text, unreadable=True) from None

    @property
    def _server(self) -> Server:
        url = self._run.runtime.api_url
        return server(url, next(iter(proxies(self._run.env, url).values()), ""), "GITHUB_API_URL")

    def _unanswered(self, error: OSError) -> LookupFailedError:
        if isinstance(error, UnreadableError):
            return LookupFailedError(str(error), unreadable=True)
        if isinstance(error, TimeoutError):
            return NoAnswerError("no_answer", self._server, f" within the {SECONDS:.0f} s that look-ups have")
        if isinstance(error, ValueError) and not self._server.proxy:
            return LookupFailedError(NO_ADDRESS, "rejected")
        cause = "proxy_unusable" if isinstance(error, ValueError) else cause_of(error)
        tried = f" in {RETRIES + 1} attempts" if not is_final(cause) and was_repeated(error) else ""
        return NoAnswerError(cause, self._server, tried)

    def _rejected(self, error: Any, permission: str) -> LookupFailedError:
        from github import RateLimitExceededException  # noqa: PLC0415

        for cause in exception_chain(error):  # of a 403, PyGithub reads the body by itself
            if isinstance(cause, OSError):
                return self._unanswered(cause)
        if error.status == 407 and self._server.proxy:
            return NoAnswerError("proxy_password", self._server, "")
        if error.status < 500 and _is_foreign(error.data):
            return LookupFailedError(UNREADABLE, unreadable=True)
        access = self.access(permission)
        if error.status == 404:
            return access.missing()
        # After several attempts the body is lost, and only a header shows a limit.
        headers = error.headers or {}
        limited = isinstance(error, RateLimitExceededException) or headers.get("x-ratelimit-remaining") == "0"
        why, accepted = "", ""
        if error.status == 403:
            said = error.data.get("message") if isinstance(error.data, dict) else ""
            why = reason(said, sso="required" in headers.get("x-github-sso", ""))
            accepted = headers.get("x-accepted-github-permissions", "")
        if error.status == 429 and is_secondary_limit(429, headers):
            why = SECONDARY_LIMIT
        found = access.rejected(error.status, why, limited=limited, accepted=accepted)
        found.slow = error.status in TOO_SLOW
        return found


def _is_address(url: str) -> bool:
    """Return whether a server can be asked there. PyGithub asserts it, and takes a URL apart in ways that raise."""
    try:
        parts = urlsplit(url)
        host = (parts.hostname or "").encode("idna")  # as a connection encodes it
        return parts.scheme in ("http", "https") and bool(host) and parts.port != 0
    except ValueError:
        return False


def _within(seconds: float, due: Callable[[], float], work: Callable[[], T]) -> T:
    """Do the work in a thread, which dies with the process. Raises TimeoutError after the seconds; without any, nothing begins.

    If the moment at which it is `due` moves meanwhile, so does the end.
    """
    if seconds <= 0:
        raise TimeoutError
    end: Future[T] = Future()

    def run() -> None:
        try:
            end.set_result(work())
        except BaseException as error:  # noqa: BLE001 - the waiting thread raises it
            end.set_exception(error)

    Thread(target=run, daemon=True).start()
    at = due()
    while seconds > 0 and wait((end,), seconds).not_done:
        seconds, at = due() - at, due()
    return end.result(0)


_adapter: Callable[[Any], TypeAdapter[Any]] = cache(TypeAdapter)


def checked(model: type[T], found: Any) -> T:
    """Read a part of an answer. Raises LookupFailedError if it is not as GitHub documents it."""
    try:
        answer: T = _adapter(model).validate_python(found)
    except ValidationError:
        raise LookupFailedError(UNDOCUMENTED, unreadable=True) from None
    return answer


def _repository_in(found: Any) -> str:
    """Return how an answer of REST's names its repository; empty if it does not. A pull request's head may be a fork's."""
    about = found[0] if isinstance(found, list) and found else found
    with suppress(LookupError, TypeError):
        return str(about["base"]["repo"]["full_name"])
    with suppress(LookupError, TypeError):
        url = _ADDRESS.match(about["url"])
        return url[1] if url else ""
    return ""


def _is_foreign(found: Any) -> bool:
    """Return whether this is no JSON: PyGithub hands it over all the same, as it came or under `data`."""
    return isinstance(found, bytes) or (isinstance(found, dict) and isinstance(found.get("data"), str))
