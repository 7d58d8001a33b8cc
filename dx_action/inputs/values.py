"""Values as authors, payloads and rows write them: text → value, or InvalidValue with what to write instead. Pure."""

import ipaddress
import re
from collections.abc import Callable, Iterable, Mapping
from math import inf
from pathlib import PurePosixPath
from typing import Any, Generic, Literal, NamedTuple, TypeVar, get_args
from urllib.parse import urlsplit

from pydantic import SecretStr
from pydantic_core.core_schema import CoreSchema, no_info_plain_validator_function

from dx_action.errors import InvalidValue
from dx_action.runner.runtime import bare_token
from dx_action.services.service import SERVICE_FORM, Ownership, Service, checked
from dx_action.text import TooDeepError, parse_json, slip

T = TypeVar("T")
Outcome = Literal["success", "failure", "skip"]

_WORKSPACE = PurePosixPath("/github/workspace")
# What is left of a YAML list, or of a list of commas over several lines. A name of that form goes into a JSON array.
_SLIP = re.compile(r"^-(\s|$)|,$")
_SHA = re.compile(r"[0-9a-fA-F]{7,40}")
_NO_SHA = "not a commit id of 7 to 40 hexadecimal digits."
_URL = re.compile(r"https?://[^\s\x00-\x1f\x7f\ud800-\udfff]+", re.IGNORECASE)
_LABEL = r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"
_HOST = re.compile(rf"{_LABEL}(?:\.{_LABEL})*\.?")
# Hosts that are no instance of DX: its web page and its Web API, and GitHub's.
_NO_INSTANCE = re.compile(
    r"(?:.+\.)?getdx\.com|(?:www\.)?getdx\.net|(?:www|app|api|docs|help|status)\.getdx\.net"
    r"|(?:.+\.)?github\.com"
)
_HOST_FORM = "Write your instance's host, as in acme.getdx.net, or https:// and a host with nothing after it."
_REPOSITORY_FORM = "Write the repository as DX names it, as in acme/shop."
# Not compiled here, as most runs have no such input: a whole URL, git's short form of one, or a host that everyone knows.
_REPOSITORY_URL = (
    r"(?:[a-z][a-z0-9+.-]*://(?:[^/@]*@)?(?P<host>[^/]*)|[^/@: ]+@(?P<ssh>[^/: ]+):"
    r"|(?P<known>(?:www\.)?(?:github\.com|gitlab\.com|bitbucket\.org|dev\.azure\.com)))(?P<path>/?[^?#]*).*"
)
_REPOSITORY_PATH = r"[\w.-]+(?:/[\w.-]+){1,5}"
# Parts of a web page's path, after or around which the repository's name is not sure.
_NO_REPOSITORY = ("_git", "scm", "projects", "repos", "-", "v3")
_PATH_FORM = "Write a path relative to the repository's root, as in out/failed.jsonl."
# What a job's status or result means; `skip`: nothing was deployed.
_OUTCOMES: dict[str, Outcome] = {
    **dict.fromkeys(("true", "success"), "success"),
    **dict.fromkeys(("false", "failure", "error", "timed_out", "startup_failure"), "failure"),
    **dict.fromkeys(("cancelled", "skipped", "neutral", "action_required", "stale"), "skip"),
}


class Sourced(NamedTuple, Generic[T]):
    """A value, and where it came from, as the log shows it."""

    value: T
    source: str


def sourced(value: T | None, source: str) -> Sourced[T] | None:
    """Return the value and its source; None for no value or an empty one."""
    return Sourced(value, source) if value else None


class DxHost(NamedTuple):
    """`base` is the URL that `/api/…` follows. `loopback` is this very machine, which no proxy may serve."""

    base: str
    loopback: bool


def parse_items(text: str) -> tuple[object, ...]:
    """Read a list: a JSON array of any values, else one trimmed, non-blank text a line, else between commas."""
    text = text.strip()
    if text.startswith("["):
        try:
            found = parse_json(text)
        except TooDeepError:
            raise InvalidValue('is nested too deeply. Write ["one", "two"], or one item a line.') from None
        except ValueError:
            raise InvalidValue(
                'starts like a JSON array but is not one. Write ["one", "two"], or one item a line.'
            ) from None
    elif text.startswith("{"):
        raise InvalidValue('is a list in braces. Write a JSON array, ["one", "two"], or one item a line.')
    else:
        parts = text.splitlines() if "\n" in text or "\r" in text else text.split(",")
        found = [part.strip() for part in parts if part.strip()]
        if any(_SLIP.search(part) for part in found):
            raise InvalidValue(
                "has an item that begins with `- ` or ends in a comma. "
                'Write one item a line and nothing else, or a JSON array, ["one", "two"].'
            )
    if not found:
        raise InvalidValue("is an empty list. Leave it out, or name at least one item.")
    return tuple(found)


def parse_texts(text: str) -> tuple[str, ...]:
    """Read a list of texts, each once, in the order of its first place."""
    found: dict[str, None] = {}
    for item in parse_items(text):
        if not isinstance(item, str) or not item.strip():
            raise InvalidValue('has an item that is not text. Write a JSON array of texts, ["one", "two"].')
        found[item.strip()] = None
    return tuple(found)


def parse_token(text: str) -> SecretStr:
    """Read an API token, with or without a leading `Bearer `."""
    text = bare_token(text)
    if not re.fullmatch(r"[\x21-\x7e]+", text):
        raise InvalidValue("has a space, a line break or a character outside ASCII. Store the bare token as a secret.")
    return SecretStr(text)


def parse_flag(text: str) -> bool:
    if text.lower() not in ("true", "false"):
        raise InvalidValue("is neither `true` nor `false`. Write one of the two.")
    return text.lower() == "true"


def is_url(text: str) -> bool:
    """Return whether the text is one whole http or https URL."""
    return _URL.fullmatch(text) is not None


def _matching(
    pattern: str | re.Pattern[str], convert: Callable[[str], T], wrong: str, least: float = 0, most: float = inf
) -> Callable[[str], T]:
    """Return a reader of texts that match the pattern whole; a number among them is within the bounds."""

    def read(text: str) -> T:
        if not re.fullmatch(pattern, text) or (convert is not str and not least <= float(text) <= most):
            raise InvalidValue(wrong)
        return convert(text)

    return read


parse_timeout = _matching(
    r"[0-9]{1,5}(\.[0-9]+)?",
    float,
    "is not a number of seconds from 1 to 3600. Write digits alone, as in 60 or 2.5.",
    1,
    3600,
)
parse_rate = _matching(
    r"[0-9]{1,5}(\.[0-9]{1,3})?",
    float,
    "is not a number of requests a second. Write digits alone, as in 7 or 0.5; 0 sends as fast as it can.",
)
parse_lanes = _matching("[1-9][0-9]?", int, "is not a whole number from 1 to 32. Write digits alone, as in 4.", most=32)
parse_number = _matching("[1-9][0-9]{0,15}", int, "is not a whole number of 1 or more. Write digits alone, as in 41.")
parse_url = _matching(_URL, str, "is not a URL. Write it whole, as in https://argocd.example.com/build/1791.")
parse_line = _matching(
    r"[^\x00-\x1f\x7f-\x9f\u2028\u2029]*",
    str,
    "has a line break or another control character in it. Write one plain line.",
)


def parse_sha(text: str) -> str:
    if found := _no_sha(text):
        raise InvalidValue(f"is {found}")
    return text


def parse_shas(text: str) -> tuple[str, ...]:
    shas = parse_texts(text)
    if found := next(filter(None, map(_no_sha, shas)), ""):
        raise InvalidValue(f"has an item that is {found}")
    return shas


def _no_sha(text: str) -> str:
    """Return what a text is instead of a commit id, and what to write; empty if it is one."""
    if text == "0" * 40:
        return "git's way to write that there is no commit. Write the id of the commit that is meant."
    if _SHA.fullmatch(text):
        return ""
    if re.fullmatch(r"(?:sha\d+:)?[0-9a-f]{41,}", text, re.IGNORECASE):
        return f"{_NO_SHA} It is longer, as an image's digest is. Write the commit from which the image was built."
    if re.fullmatch(r"[0-9a-f]{1,6}", text, re.IGNORECASE):
        return f"{_NO_SHA} It is shorter. Write at least 7 digits, better all 40."
    return f"{_NO_SHA} If it is the name of a branch or tag, write the commit's id, as `git rev-parse` prints it."


def parse_name(text: str) -> str:
    """Read one line that names something. Raises InvalidValue for a name that nobody can have meant."""
    text = parse_line(text)
    if found := slip(text):
        raise InvalidValue(f"{found[0]}. {found[1]}")
    return text


def parse_source_name(text: str) -> str:
    """Read the name of the system that deployed; empty for `none`, which leaves it out."""
    return "" if text.lower() == "none" else parse_name(text)


def parse_repository(text: str) -> str:
    """Read a repository's name. Raises InvalidValue for its address, with the part to write if that is sure."""
    text = parse_name(text)
    url = re.fullmatch(_REPOSITORY_URL, text, re.IGNORECASE)
    path = (url["path"] if url else text).strip("/").removesuffix(".git")
    if not url and path == text:
        return text
    parts, host = path.split("/"), (url["host"] or url["ssh"] or url["known"] or "") if url else ""
    if "github" in host.lower():
        path = "/".join(parts[:2])
    sure = (
        re.fullmatch(_REPOSITORY_PATH, path, re.ASCII)
        and not set(parts) & set(_NO_REPOSITORY)
        and "azure" not in host.lower()
    )
    cure = f"Write `{path}`, or the name that DX has for it." if sure else _REPOSITORY_FORM
    raise InvalidValue(f"{'is an address' if url else 'has a slash or `.git` at its end or beginning'}. {cure}")


def parse_choice(meanings: Mapping[str, T]) -> Callable[[str], T]:
    """Return a reader of words, in any case, each with its meaning."""

    def read(text: str) -> T:
        if text.lower() not in meanings:
            raise InvalidValue(f"is not one of {', '.join(f'`{word}`' for word in meanings)}.")
        return meanings[text.lower()]

    return read


class ReadBy(NamedTuple):
    """Reads a field by this function alone. pydantic's PlainValidator also builds schemas of the field's type."""

    function: Callable[[str], Any]

    def __get_pydantic_core_schema__(self, _source: Any, _handler: Any) -> CoreSchema:
        return no_info_plain_validator_function(self.function)


def one_of(literal: Any) -> ReadBy:
    """Return the reader of a field whose value is a word of a Literal."""
    return ReadBy(parse_choice({word: word for word in get_args(literal)}))


parse_outcome = parse_choice(_OUTCOMES)


def parse_path(text: str) -> str:
    """Read a path inside the workspace and outside `.git`, relative to the workspace.

    Symbolic links can be judged only when the file is opened.
    """
    path = PurePosixPath(text)
    if path.is_absolute() and path.is_relative_to(_WORKSPACE):
        path = path.relative_to(_WORKSPACE)
    if path.is_absolute():
        raise InvalidValue(f"is an absolute path, and only files of the workspace can be named. {_PATH_FORM}")
    if ".." in path.parts:
        raise InvalidValue(f"leads out of the workspace. {_PATH_FORM}")
    if not path.parts or text.endswith("/"):
        raise InvalidValue(f"names a folder. {_PATH_FORM}")
    if ".git" in (part.lower() for part in path.parts):
        raise InvalidValue(f"is inside `.git`. {_PATH_FORM}")
    if any(ord(character) < 0x20 or character == "\x7f" for character in text):
        raise InvalidValue(f"has a control character in it. {_PATH_FORM}")
    return str(path)


def parse_host(text: str) -> DxHost:
    """Read `acme`, `acme.getdx.net`, `https://host[:port]`, or `http://` for a loopback address.

    The value is never quoted, as a secret may have been pasted into the wrong input.
    """
    if found := slip(text):
        raise InvalidValue(f"{found[0]}. {found[1]}")
    if re.search(r"[^\x21-\x7e]", text):
        raise InvalidValue(f"has a character that a host cannot have. {_HOST_FORM}")
    text = text if "://" in text else _with_scheme(text.removesuffix("/"))
    try:
        url = urlsplit(text)
        host, port = (url.hostname or "").lower(), url.port
    except ValueError:
        raise InvalidValue(f"is not a host. {_HOST_FORM}") from None
    if url.path not in ("", "/") or url.query or url.fragment or "@" in url.netloc or text.endswith(("?", "#")):
        raise InvalidValue(f"has more than a host in it: a path, a query or a user. {_HOST_FORM}")
    if url.scheme not in ("https", "http"):
        raise InvalidValue(f"has a scheme other than https. {_HOST_FORM}")
    address = _address(host)
    loopback = host == "localhost" or (address is not None and address.is_loopback)
    if url.scheme == "http" and not loopback:
        raise InvalidValue("is plain http, which would expose the token on the network. Write https://.")
    if port == 0 or not (_HOST.fullmatch(host) or address) or url.netloc.endswith(":"):
        raise InvalidValue(f"is not a host. {_HOST_FORM}")
    if _NO_INSTANCE.fullmatch(host.removesuffix(".")):
        raise InvalidValue(f"is a host that serves no Data Cloud API. {_HOST_FORM}")
    shown = f"[{host}]" if ":" in host else host
    return DxHost(f"{url.scheme}://{shown}" + (f":{port}" if port else ""), loopback)


def _with_scheme(host: str) -> str:
    if host.lower() == "localhost":
        raise InvalidValue("is localhost without a scheme and a port. Write both, as in http://localhost:8080.")
    if re.fullmatch(r"[^.:\[\]]+:\d+", host):
        raise InvalidValue("is a bare name with a port. Write it with its scheme, as in https://dx:8443.")
    return f"https://{host}.getdx.net" if re.fullmatch(_LABEL, host.lower()) else f"https://{host}"


def _address(host: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return ipaddress.ip_address(host)
    except ValueError:
        return None


def parse_services(text: str) -> tuple[Service, ...]:
    """Read a list of services, each as `identifier`, `identifier=Display Name` or a JSON object of both."""
    text = text.strip()
    if found := slip(text):  # as in [object Object], which is no list
        raise InvalidValue(f"has a service that {found[0]}. {found[1]}")
    one_line = not text.startswith(("[", "{")) and len(text.splitlines()) == 1
    if one_line and "," in text.partition("=")[2]:
        raise InvalidValue(
            f"has a comma after `=`, which could belong to the name or begin another service. {SERVICE_FORM}"
        )
    return _distinct(_service(item) for item in parse_items(f"[{text}]" if text.startswith("{") else text))


def services_in_json(value: object) -> tuple[Service, ...]:
    """Read what `parse_services` reads, as text or as a JSON value."""
    if isinstance(value, str):
        return parse_services(value)
    return _distinct(_service(item) for item in (value if isinstance(value, list) else [value]))


def services_in_payload(payload: Any) -> tuple[Service, ...]:
    """Return the services that a deployment's payload, an object or JSON text, names as `service`; none if it names none."""
    if isinstance(payload, str):
        try:
            payload = parse_json(payload)
        except TooDeepError:
            raise InvalidValue("cannot be read, because the payload is nested too deeply.") from None
        except ValueError:
            return ()
    service = payload.get("service") if isinstance(payload, dict) else None
    return services_in_json(service) if service else ()


def _service(item: object) -> Service:
    if isinstance(item, str):
        if found := slip(item):
            raise InvalidValue(f"has a service that {found[0]}. {found[1]}")
        identifier, equals, name = (part.strip() for part in item.partition("="))
        if equals and not name:
            raise InvalidValue(f"has a service with nothing after `=`. {SERVICE_FORM}")
        return checked(identifier, name or None)
    if isinstance(item, dict) and item.keys() <= {"identifier", "name"}:
        given, shown = item.get("identifier"), item.get("name")
        if isinstance(given, str) and (shown is None or isinstance(shown, str)):
            # Written so, it is meant: a saved row has what a repository or an owner is called, whatever that is.
            return checked(given.strip(), (shown or "").strip() or None, literal=True)
    raise InvalidValue(f"has a service that is neither text nor an object with `identifier` and `name`. {SERVICE_FORM}")


def _distinct(found: Iterable[Service]) -> tuple[Service, ...]:
    by_identifier: dict[str, Service] = {}
    for service in found:
        known = by_identifier.setdefault(service.identifier, service)
        if known != service:
            raise InvalidValue(f"names one service twice, with different names. {SERVICE_FORM}")
    if not by_identifier:
        raise InvalidValue(f"names no service. {SERVICE_FORM}")
    return tuple(by_identifier.values())


def parse_map(text: str) -> str | Ownership:
    """Read a map's path, or the map itself if the text has a colon or several lines."""
    if "\n" not in text and ":" not in text:
        return parse_path(text)
    from dx_action.services.map import parse_service_map  # noqa: PLC0415 - most runs have none

    return parse_service_map(text, "as it is written")
