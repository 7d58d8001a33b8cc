"""The CAs that a connection trusts, the proxy that it takes, and the causes of a failed one. The environment is handed in."""

import re
import ssl
from collections.abc import Iterator, Mapping
from http.client import HTTPException
from pathlib import Path
from tempfile import NamedTemporaryFile
from urllib.parse import urlsplit

from dx_action.errors import BadInput, Cause, InvalidValue, Server
from dx_action.runner.workspace import NotThere, Workspace

_VARIABLES = ("REQUESTS_CA_BUNDLE", "SSL_CERT_FILE")
# OpenSSL's X509_V_ERR_… for which there is more to say than that a certificate is not trusted.
_CERTIFICATES: dict[int, Cause] = {
    9: "certificate_not_yet_valid",
    10: "certificate_expired",
    62: "certificate_wrong_name",
    64: "certificate_wrong_name",
}
_TUNNEL = re.compile(r"Tunnel connection failed: (\d{3})\b")
_REFUSALS: dict[str, Cause] = {"407": "proxy_password", "403": "proxy_denied"}


def read_ca_bundle(path: str | None, workspace: Workspace) -> bytes | None:
    """Return the file that `ca-bundle` names, or None if it names none or the workspace does not have it. Raises BadInput."""
    try:
        return workspace.read(path) if path else None
    except NotThere:
        return None
    except InvalidValue as invalid:
        raise BadInput.of("ca-bundle", str(invalid)) from None


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


def ca_file(env: Mapping[str, str], ca_bundle: bytes | None) -> str:
    """Return the path of the same CAs for requests: a file, or a folder with hashed names."""
    import certifi  # noqa: PLC0415 - only look-ups need it

    named = [path for name in _VARIABLES if (path := env.get(name, "").strip()) and Path(path).exists()]
    path = named[0] if named else certifi.where()
    if ca_bundle is None or Path(path).is_dir():
        return path
    with NamedTemporaryFile(prefix="ca-", suffix=".pem", delete=False) as file:
        file.write(Path(path).read_bytes() + b"\n" + ca_bundle)
    return file.name


def proxies(env: Mapping[str, str], url: str) -> dict[str, str]:
    """Return the proxy for the URL as requests takes it, from the usual variables; none for a host that NO_PROXY names."""
    from requests.utils import select_proxy, should_bypass_proxies  # noqa: PLC0415 - a skipped event needs no requests

    # Sorted, so that a name in small letters comes last and wins, as it does with curl.
    lower = {name.lower(): value for name, value in sorted(env.items()) if value}
    port = f":{urlsplit(url).port or (443 if url.startswith('https:') else 80)}"
    # The runner's own syntax allows a port, which requests does not know at an address, nor if the URL leaves it out.
    bypassed = [
        entry.strip().removesuffix(port if entry.count(":") == 1 else "")
        for entry in lower.get("no_proxy", "").split(",")
    ]
    if should_bypass_proxies(url, no_proxy=",".join(bypassed)):
        return {}
    named = {name: lower[f"{name}_proxy"] for name in ("http", "https", "all") if f"{name}_proxy" in lower}
    proxy = select_proxy(url, named)
    return {url.partition(":")[0]: proxy} if proxy else {}


def _from_environment(env: Mapping[str, str], context: ssl.SSLContext, warnings: list[str]) -> bool:
    for name in _VARIABLES:
        path = env.get(name, "").strip()
        if not path:
            continue
        try:
            if any(Path(path).glob("*.[0-9]")):  # the hashed names by which OpenSSL finds a certificate in a folder
                context.load_verify_locations(capath=path)
            else:
                context.load_verify_locations(cafile=path)
        except OSError:  # ssl.SSLError is one
            warnings.append(
                f"`{name}` names neither a PEM file nor a folder of hashed certificates that the container can read, so the "
                "public CAs are trusted. Paths of the runner do not exist in the container: put the file into the "
                "workspace and name it in `ca-bundle`."
            )
        else:
            return True
    return False


def _trust_public(context: ssl.SSLContext) -> None:
    """Trust the system's CAs if they are in a folder with hashed names, of which a connection reads one file; else certifi's."""
    folder = Path(ssl.get_default_verify_paths().openssl_capath)
    if any(folder.glob("*.0")):
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
    from urllib3 import exceptions as wire  # noqa: PLC0415 - only if something fails

    chain = tuple(exception_chain(error))

    def has(*kinds: type[BaseException]) -> bool:
        return any(isinstance(each, kinds) for each in chain)

    to_proxy = has(wire.ProxyError)
    for each in chain:
        if isinstance(each, ssl.SSLCertVerificationError):
            return "proxy_certificate" if to_proxy else _CERTIFICATES.get(each.verify_code, "certificate_untrusted")
        if isinstance(each, OSError) and (refusal := _TUNNEL.match(str(each))):
            return _REFUSALS.get(refusal[1], "proxy_failed")
    if has(wire.NameResolutionError):
        return "proxy_name_not_found" if to_proxy else "name_not_found"
    if has(ConnectionRefusedError):
        return "proxy_refused" if to_proxy else "connection_refused"
    if has(wire.ConnectTimeoutError) and not has(wire.NewConnectionError):  # its parent
        return "proxy_timed_out" if to_proxy else "connection_timed_out"
    # urllib3 blames the proxy for a tunnel that breaks later, too. Before anything is sent, only a proxy answers in HTTP.
    if ((to_proxy or has(HTTPException)) and sent is False) or (to_proxy and has(wire.NewConnectionError)):
        return "proxy_failed"
    if has(wire.ReadTimeoutError, TimeoutError):
        return "connection_timed_out" if sent is False else "no_answer"
    if has(ssl.SSLError) and not sent and not (sent is None and has(ssl.SSLEOFError)):
        return "tls_failed"
    return "connection_failed" if sent is False or has(wire.NewConnectionError) else "connection_lost"


def was_repeated(error: BaseException) -> bool:
    """Return whether urllib3 has used up its attempts."""
    from urllib3.exceptions import MaxRetryError  # noqa: PLC0415

    return any(isinstance(each, MaxRetryError) for each in exception_chain(error))


def exception_chain(error: BaseException) -> Iterator[BaseException]:
    """Yield the exception and all that it wraps, each once: requests and urllib3 keep it as an argument, a reason or a cause."""
    seen: set[int] = set()
    todo: list[object] = [error]
    while todo:
        wrapped = todo.pop()
        if isinstance(wrapped, BaseException) and id(wrapped) not in seen:
            seen.add(id(wrapped))
            todo += [*wrapped.args, getattr(wrapped, "reason", None), wrapped.__cause__, wrapped.__context__]
            yield wrapped
