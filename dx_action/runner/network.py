"""The CAs that a connection trusts, the proxy that it takes, and the causes of a failed one. The environment is handed in.

Both wires are made of the same context and adapter, which read nothing from this process's environment: no CAs, and no
SSLKEYLOGFILE, into which urllib3's own contexts would write the keys of a connection.
"""

import re
import ssl
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from http.client import HTTPException
from io import BytesIO
from ipaddress import ip_address, ip_network
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from requests import ConnectionError as RequestsConnectionError
from requests import Response
from requests.adapters import HTTPAdapter
from urllib3 import exceptions as wire
from urllib3.poolmanager import PoolManager

from dx_action.errors import BadInput, Cause, Server, naming_input
from dx_action.runner.workspace import MEBIBYTE, NotThere, Workspace, read_regular

# SSL_CERT_DIR and CURL_CA_BUNDLE are not among them: these two may name a folder or a file each.
_VARIABLES = ("REQUESTS_CA_BUNDLE", "SSL_CERT_FILE")
_LARGEST_ANSWER = 64 * MEBIBYTE
_LARGEST_BUNDLE = 4 * MEBIBYTE
_MOST_FILES = 1000
# OpenSSL's X509_V_ERR_… for which there is more to say than that a certificate is not trusted.
_CERTIFICATES: dict[int, Cause] = {
    9: "certificate_not_yet_valid",
    10: "certificate_expired",
    62: "certificate_wrong_name",
    64: "certificate_wrong_name",
}
# An escaped backslash, both halves of a character, or one alone.
_HALF = re.compile(
    rb"\\\\|\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|(\\u[dD][89a-fA-F][0-9a-fA-F]{2})"
)
_TUNNEL = re.compile(r"Tunnel connection failed: (\d{3})\b")
# A proxy that works opens no tunnel for these statuses alone; any other is another server's.
_REFUSALS: dict[str, Cause] = {
    "403": "proxy_denied",
    "407": "proxy_password",
    **dict.fromkeys(("408", "429", "500", "502", "503", "504"), "proxy_failed"),
}


def read_ca_bundle(path: str | None, workspace: Workspace) -> bytes | None:
    """Return the file that `ca-bundle` names, or None if it names none or the workspace does not have it. Raises BadInput."""
    with naming_input("ca-bundle"), suppress(NotThere):
        return workspace.read(path) if path else None
    return None


def tls_context(env: Mapping[str, str], ca_bundle: bytes | None) -> tuple[ssl.SSLContext, tuple[str, ...]]:
    """Return a context that verifies, and warnings.

    It trusts the public CAs, or instead those that REQUESTS_CA_BUNDLE or SSL_CERT_FILE names, and in addition those of
    `ca_bundle`, the content of a PEM file. Raises BadInput if that contains no certificate.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    warnings: list[str] = []
    if not _from_environment(env, context, warnings):
        _trust_public(context)
    if ca_bundle is not None:
        try:
            context.load_verify_locations(cadata=ca_bundle.decode("ascii", "ignore"))
        except (ssl.SSLError, ValueError):
            raise BadInput.of("ca-bundle", "contains no readable certificate. Name a PEM file.") from None
    return context, tuple(warnings)


class Adapter(HTTPAdapter):
    """Connects by the context that is handed in, to a proxy, too, and loads no CAs of its own into it."""

    def __init__(self, context: ssl.SSLContext | None, **more: Any) -> None:
        self._context = context
        super().__init__(**more)

    def init_poolmanager(self, *args: Any, **more: Any) -> None:
        super().init_poolmanager(*args, ssl_context=self._context, **more)

    def proxy_manager_for(self, proxy: str, **more: Any) -> PoolManager:
        context = self._context
        manager: PoolManager = super().proxy_manager_for(proxy, ssl_context=context, proxy_ssl_context=context, **more)
        return manager

    def cert_verify(self, conn: Any, *_args: Any, **_kwargs: Any) -> None:
        conn.cert_reqs = "CERT_REQUIRED"


class UnreadableError(OSError):
    """An answer is too large, or packed otherwise than it says. The text says which."""


class BoundedAdapter(Adapter):
    """Reads each answer whole, by `read_bounded`, and as one that can be passed on, by `whole_characters`."""

    def __init__(self, context: ssl.SSLContext | None, left: Callable[[], float], **more: Any) -> None:
        super().__init__(context, **more)
        self._left = left

    def send(self, *args: Any, **more: Any) -> Response:
        response = super().send(*args, **more)
        response.raw = BytesIO(whole_characters(read_bounded(response.raw, self._left)))
        return response


def whole_characters(data: bytes) -> bytes:
    """Return a JSON text with U+FFFD in place of each escaped half of a character: no request could be encoded with one."""
    return _HALF.sub(lambda found: rb"\ufffd" if found[1] else found[0], data) if rb"\u" in data else data


def read_bounded(raw: Any, left: Callable[[], float]) -> bytes:
    """Read and unpack an answer of urllib3's while there are seconds `left`.

    Raises UnreadableError, TimeoutError, and requests' ConnectionError.
    """
    try:
        return _read(raw, left)
    except wire.DecodeError:
        raise UnreadableError("returned an answer that cannot be unpacked. Check the network and any proxy.") from None
    except wire.HTTPError as error:
        raise RequestsConnectionError(error) from error


def _read(raw: Any, left: Callable[[], float]) -> bytes:
    body = bytearray()
    pieces = 0
    while piece := raw.read1(1 << 16, decode_content=True):
        body += piece
        pieces += 1
        late = pieces > 1 and left() <= 0
        if late or len(body) > _LARGEST_ANSWER:
            raw.close()
            large = f"returned an answer of more than {_LARGEST_ANSWER // MEBIBYTE} MiB, which is not read."
            raise TimeoutError if late else UnreadableError(large)
    return bytes(body)


def proxies(env: Mapping[str, str], url: str) -> dict[str, str]:
    """Return the proxy for the URL as requests takes it, from the usual variables; none for a host that NO_PROXY names."""
    # Sorted, so that a name in small letters comes last and wins, as it does with curl and GitHub's runner.
    lower = {name.lower(): value.strip() for name, value in sorted(env.items()) if value.strip()}
    scheme = url.partition(":")[0]
    proxy = lower.get(f"{scheme}_proxy") or lower.get("all_proxy")
    return {scheme: proxy} if proxy and not _is_direct(url, lower.get("no_proxy", "")) else {}


def _is_direct(url: str, no_proxy: str) -> bool:
    """Return whether NO_PROXY names the URL's host: as GitHub's runner reads it, and with `*`, addresses and networks."""
    parts = urlsplit(url)
    host, port = (parts.hostname or "").lower(), str(parts.port or (443 if parts.scheme == "https" else 80))
    for entry in re.split(r"[,\s]+", no_proxy.lower()):
        named, named_port = _host_and_port(entry)
        if entry == "*" or (named and named_port in ("", port) and _is_named(host, named)):
            return True
    return False


def _host_and_port(entry: str) -> tuple[str, str]:
    """Split an entry of NO_PROXY. An IPv6 address has a port only after brackets."""
    if entry.startswith("["):
        host, _, rest = entry[1:].partition("]")
        return host, rest.removeprefix(":")
    host, _, port = entry.partition(":")
    return (host, port) if entry.count(":") == 1 else (entry, "")


def _is_named(host: str, named: str) -> bool:
    """Return whether this is the host, or a domain above it; a leading dot leaves out the domain itself."""
    try:
        address = ip_address(host)
    except ValueError:
        return host == named or host.endswith(named if named.startswith(".") else f".{named}")
    try:
        return address in ip_network(named, strict=False)
    except ValueError:
        return False


def _from_environment(env: Mapping[str, str], context: ssl.SSLContext, warnings: list[str]) -> bool:
    for name in _VARIABLES:
        path = env.get(name, "").strip()
        if path and _load(Path(path), context):
            return True
        if path:
            warnings.append(
                f"`{name}` is passed over: it names neither a PEM file nor a folder of certificates that the action can "
                "read. In a container, paths of the runner do not exist: put the file into the workspace and name it in "
                "`ca-bundle`."
            )
    return False


def _load(path: Path, context: ssl.SSLContext) -> bool:
    """Trust what is in a PEM file, or in a folder; return whether there is a certificate."""
    try:
        if any(path.glob("*.[0-9]")):  # the hashed names by which OpenSSL finds a certificate in a folder
            context.load_verify_locations(capath=path)
            return True
        files = sorted(path.iterdir())[:_MOST_FILES] if path.is_dir() else [path]
    except OSError:
        return False
    return sum(_load_file(file, context) for file in files) > 0


def _load_file(path: Path, context: ssl.SSLContext) -> bool:
    try:
        # A system's CA files are links mostly, so one is followed.
        data = read_regular(path, _LARGEST_BUNDLE, follow=True)
        context.load_verify_locations(cadata=data.decode("ascii", "ignore"))
    except (OSError, ValueError):  # ssl.SSLError is an OSError
        return False
    return True


def _trust_public(context: ssl.SSLContext) -> None:
    """Trust the system's CAs if they are in a folder with hashed names, of which a connection reads one file; else certifi's."""
    folder = Path(ssl.get_default_verify_paths().openssl_capath)
    # Of other systems this is a path of the machine that OpenSSL was built on, which anybody might make.
    if sys.platform == "linux" and any(folder.glob("*.0")):
        context.load_verify_locations(capath=folder)
        return
    import certifi  # noqa: PLC0415 - only if there is no such folder

    context.load_verify_locations(cafile=certifi.where())


def server(url: str, proxy: str, setting: str) -> Server:
    """Return the server of a URL, and the proxy to it if there is one, as messages may name them."""
    host_and_port = proxy.rpartition("@")[2].rpartition("://")[2]
    named = re.sub(r"[^\w.:[\]-]", "", host_and_port)
    return Server(urlsplit(url).netloc, setting, named or (proxy and "without a host"))


def cause_of(error: BaseException, *, sent: bool | None = None) -> Cause:
    """Return why there is no answer. `sent`: whether the request was sent, None if unknown."""
    chain = tuple(exception_chain(error))

    def has(*kinds: type[BaseException]) -> bool:
        return any(isinstance(each, kinds) for each in chain)

    to_proxy = has(wire.ProxyError)
    for each in chain:
        if isinstance(each, ssl.SSLCertVerificationError):
            return "proxy_certificate" if to_proxy else _CERTIFICATES.get(each.verify_code, "certificate_untrusted")
        if isinstance(each, OSError) and (refusal := _TUNNEL.match(str(each))):
            return _REFUSALS.get(refusal[1], "proxy_broken")
    if has(wire.NameResolutionError):
        return "proxy_name_not_found" if to_proxy else "name_not_found"
    if has(ConnectionRefusedError):
        return "proxy_refused" if to_proxy else "connection_refused"
    if has(wire.ConnectTimeoutError) and not has(wire.NewConnectionError):  # its parent
        return "proxy_timed_out" if to_proxy else "connection_timed_out"
    # urllib3 blames the proxy for a tunnel that breaks later, too. Before anything is sent, only a proxy answers in HTTP.
    if ((to_proxy or has(HTTPException)) and sent is False) or (to_proxy and has(wire.NewConnectionError)):
        return "proxy_broken"
    if has(wire.ReadTimeoutError, TimeoutError):
        return "connection_timed_out" if sent is False else "no_answer"
    if has(ssl.SSLError) and not sent and not (sent is None and has(ssl.SSLEOFError)):
        return "tls_failed"
    return "connection_failed" if sent is False or has(wire.NewConnectionError) else "connection_lost"


def was_repeated(error: BaseException) -> bool:
    """Return whether urllib3 has used up its attempts."""
    return any(isinstance(each, wire.MaxRetryError) for each in exception_chain(error))


def exception_chain(error: BaseException) -> Iterator[BaseException]:
    """Yield the exception and all that it wraps, each once: requests and urllib3 keep it as an argument, a reason or a cause."""
    seen: set[int] = set()
    todo: list[object] = [error]
    while todo:
        wrapped = todo.pop()
        if isinstance(wrapped, BaseException) and id(wrapped) not in seen:
            seen.add(id(wrapped))
            # One that was raised `from None` ends the matter that it was raised in.
            context = None if wrapped.__suppress_context__ else wrapped.__context__
            todo += [*wrapped.args, getattr(wrapped, "reason", None), wrapped.__cause__, context]
            yield wrapped
