"""The errors that stop a run before its first call, and the causes for which a server gave no answer. Pure.

An answer of DX is a value (see `deployment.calls.Result`), not an error.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Literal, NamedTuple, Self, TypeGuard, get_args

Level = Literal["error", "warning", "notice"]
FailOnError = Literal["true", "false", "except-outages"]
# Why a server gave no answer; `runner.network` finds it. In the output `results` it is `error`.
Cause = Literal[
    "name_not_found",
    "connection_refused",
    "connection_timed_out",
    "connection_failed",
    "tls_failed",
    "connection_lost",
    "no_answer",
    "certificate_untrusted",
    "certificate_expired",
    "certificate_not_yet_valid",
    "certificate_wrong_name",
    "proxy_name_not_found",
    "proxy_refused",
    "proxy_timed_out",
    "proxy_password",
    "proxy_denied",
    "proxy_failed",
    "proxy_broken",
    "proxy_certificate",
    "proxy_unusable",
]
# These pass by themselves, or are somebody else's to mend; for any other, a setting has to be changed. That a proxy cannot reach
# the server may pass; that the proxy itself cannot be used does not.
OUTAGES: frozenset[Cause] = frozenset(
    {
        *("name_not_found", "connection_refused", "connection_timed_out", "connection_failed", "tls_failed"),
        *("connection_lost", "no_answer", "proxy_failed"),
    }
)
_CHECK = "Check `{setting}`, the network and any firewall; if a proxy is needed, set `HTTPS_PROXY`."
_PROXY = "Check the proxy variables, such as `HTTPS_PROXY`."
# What happened, and what to do.
_SENTENCES: dict[Cause, str] = {
    "name_not_found": "The name {host} was not found. "
    "Check `{setting}` and the runner's DNS; if a proxy is needed, set `HTTPS_PROXY`.",
    "connection_refused": "{host} refused the connection. " + _CHECK,
    "connection_timed_out": "{host} did not accept a connection in time. " + _CHECK,
    "connection_failed": "The connection to {host} failed. Check `{setting}`, the network and any proxy.",
    "tls_failed": "The TLS handshake with {host} failed. Check the port in `{setting}`, and any proxy in between.",
    "connection_lost": "The connection to {host} broke before the answer. Check the network and any proxy.",
    "no_answer": "{host} did not answer in time. {slow}",
    "certificate_untrusted": "The certificate of {host} is not trusted. "
    "Check `{setting}`. For a private CA, or a proxy that inspects TLS, set `ca-bundle` to its PEM file.",
    "certificate_expired": "The certificate of {host} has expired. Have it renewed, or check the runner's clock.",
    "certificate_not_yet_valid": "The certificate of {host} is not valid yet. "
    "Check the runner's clock, and when the certificate begins.",
    "certificate_wrong_name": "The certificate of {host} is for another name. "
    "Write in `{setting}` a name that the certificate has, and check the DNS.",
    "proxy_name_not_found": "The name of the proxy {proxy} was not found. " + _PROXY,
    "proxy_refused": "The proxy {proxy} refused the connection. " + _PROXY,
    "proxy_timed_out": "The proxy {proxy} did not accept a connection in time. " + _PROXY,
    "proxy_password": "The proxy {proxy} requires a user name and password, or rejected them (HTTP 407). "
    "Set the proxy's variable, such as `HTTPS_PROXY`, to `http://user:password@host:port`, from a secret.",
    "proxy_denied": "The proxy {proxy} denied access to {host} (HTTP 403). "
    "Allow {host} in the proxy, or list it in `NO_PROXY` if it can be reached directly.",
    "proxy_failed": "The proxy {proxy} opened no connection to {host}. "
    "Check the proxy variables, such as `HTTPS_PROXY`, and that the proxy can reach {host}.",
    "proxy_broken": "The proxy {proxy} did not answer as a proxy does. " + _PROXY,
    "proxy_certificate": "The certificate of the proxy {proxy} is not trusted, has expired or is for another name. "
    "Check the proxy variables; for a private CA, set `ca-bundle` to its PEM file.",
    "proxy_unusable": "The proxy's address cannot be used. Write it as `http://host:port` in `HTTPS_PROXY`.",
}
_SLOW = {"dx-host": "Raise `timeout` if DX is slow; otherwise check whether it is down."}


class Server(NamedTuple):
    """A server as messages name it: `host` and `proxy` with a port, `setting` which names the host. No secret is in it."""

    host: str
    setting: str
    proxy: str = ""

    def sentence(self, cause: Cause) -> str:
        """Return what happened, and what to do."""
        host = self.host
        if self.proxy and not cause.startswith("proxy_"):
            host = f"{host} (through the proxy {self.proxy})"
        slow = _SLOW.get(self.setting, "Check whether it is down.")
        return _SENTENCES[cause].format(host=host, proxy=self.proxy, setting=self.setting, slow=slow)


def is_final(cause: Cause) -> bool:
    """Return whether another attempt would end alike, so that none is made."""
    return cause == "proxy_unusable" or "certificate" in cause


def is_cause(error: str) -> TypeGuard[Cause]:
    """Return whether an error is a server's silence, and no code of its answer."""
    return error in get_args(Cause)


class Problem(NamedTuple):
    """What is wrong (`text`, a sentence or two without the value) with `subject`, such as an input's name.

    `outage`: it passes without anyone's help, because it is a server's or the network's doing.
    """

    subject: str
    text: str
    outage: bool = False

    def __str__(self) -> str:
        return f"`{self.subject}` {self.text}"

    @property
    def failure(self) -> "Failure":
        return Failure(str(self), self.outage)


class Failure(NamedTuple):
    """A message on what failed. `outage`: it passes without anyone's help, because it is a server's or the network's doing."""

    text: str
    outage: bool = False

    def level(self, fail_on_error: FailOnError) -> Level:
        """Return `error` if it fails the step, else `warning`."""
        fails = fail_on_error == "true" or (fail_on_error == "except-outages" and not self.outage)
        return "error" if fails else "warning"


class ActionError(Exception):
    """Every problem that was found, so that all can be fixed at once."""

    def __init__(self, *problems: Problem) -> None:
        super().__init__("; ".join(map(str, problems)))
        self.problems = problems

    @classmethod
    def of(cls, subject: str, text: str) -> Self:
        return cls(Problem(subject, text))


class BadInput(ActionError):
    """Inputs that cannot be used, or that are missing."""


class Unsaid(BadInput):
    """A value that neither an input nor this event says. Another event may."""


class BadEvent(ActionError):
    """The event, its file or the runner's variables cannot be used."""


class InvalidValue(ValueError):
    """A value that cannot be used. The text never quotes the value, which may be a secret."""

    @classmethod
    def at(cls, line: int, what: str, cure: str = "") -> Self:
        """Return the error for one line of a file: what is wrong, then what to do."""
        return cls(f"{what} (line {line}). {cure}".rstrip())


@contextmanager
def naming_input(name: str, lead: str = "") -> Iterator[None]:
    """Raise an InvalidValue as the BadInput of the input, with `lead` before its text."""
    try:
        yield
    except InvalidValue as wrong:
        raise BadInput.of(name, f"{lead}{wrong}") from None


class Interrupted(BaseException):
    """SIGINT or SIGTERM arrived: the job is being cancelled."""
