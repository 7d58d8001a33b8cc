"""Owns how an author names the DX host. Pure."""

import ipaddress
import re
from dataclasses import dataclass
from urllib.parse import urlsplit

from dx_action.errors import InvalidValue

_LABEL = r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"
_INSTANCE = re.compile(_LABEL)
_NAME = re.compile(rf"{_LABEL}(?:\.{_LABEL})*\.?")
_FORM = "Write your instance's host, as in acme.getdx.net, or https:// and a host with nothing behind it."


@dataclass(frozen=True, slots=True)
class DxHost:
    """`base` is the URL that `/api/…` follows. `loopback` is this very machine, which no proxy may serve."""

    base: str
    loopback: bool


def parse_host(text: str) -> DxHost:
    """Read `acme`, `acme.getdx.net`, `https://host[:port]`, or `http://` for a loopback address.

    Raises InvalidValue; the value is not quoted, as a secret may have been pasted into the wrong input.
    """
    if re.search(r"[^\x21-\x7e]", text):
        raise InvalidValue(f"has a character that no host has. {_FORM}")
    if "://" not in text:
        text = text.removesuffix("/")
        if text.lower() == "localhost":
            raise InvalidValue("names this machine without a scheme and a port. Write http://localhost:8080, say.")
        if _INSTANCE.fullmatch(text.lower()):
            return DxHost(f"https://{text.lower()}.getdx.net", loopback=False)
        if re.fullmatch(r"[^.:\[\]]+:\d+", text):
            raise InvalidValue("is a bare name with a port. Write it with its scheme, as in https://dx:8443.")
        text = f"https://{text}"
    try:
        url = urlsplit(text)
        host, port = (url.hostname or "").lower(), url.port
    except ValueError:
        raise InvalidValue(f"is not a host. {_FORM}") from None
    if url.path not in ("", "/") or url.query or url.fragment or "@" in url.netloc or text.endswith(("?", "#")):
        raise InvalidValue(f"holds more than a host: a path, a query or a user. {_FORM}")
    if url.scheme not in ("https", "http"):
        raise InvalidValue(f"has a scheme other than https. {_FORM}")
    loopback = _is_loopback(host)
    if url.scheme == "http" and not loopback:
        raise InvalidValue("is plain http, which would show the token to the network. Write https://.")
    if port == 0 or not (_NAME.fullmatch(host) or _is_address(host)) or url.netloc.endswith(":"):
        raise InvalidValue(f"is not a host. {_FORM}")
    shown = f"[{host}]" if ":" in host else host
    return DxHost(f"{url.scheme}://{shown}" + (f":{port}" if port else ""), loopback)


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def _is_loopback(host: str) -> bool:
    return host == "localhost" or (_is_address(host) and ipaddress.ip_address(host).is_loopback)
