"""The CAs that a connection trusts, the proxy that it takes, and the causes of a failed one. The environment is handed in."""

import ssl
from collections.abc import Iterator, Mapping
from pathlib import Path
from tempfile import NamedTemporaryFile
from urllib.parse import urlsplit

from dx_action.errors import BadInput, InvalidValue
from dx_action.runner.workspace import NotThere, Workspace

_VARIABLES = ("REQUESTS_CA_BUNDLE", "SSL_CERT_FILE")


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
