"""The stand-in DX from the command line.

It reads the arguments, shows the URL in one line, and ends at a signal. A token is neither printed nor repeated in an error.
"""

import argparse
import json
import re
import signal
import sys
import threading
from collections.abc import Callable, Sequence
from ipaddress import ip_address
from pathlib import Path
from typing import Any, NoReturn, TypeVar

from dx_action.sandbox.attribution import MergedPullRequest
from dx_action.sandbox.crediting import PullRequestError, parse_pull_requests
from dx_action.sandbox.faults import Fault, FaultError, parse_faults
from dx_action.sandbox.mask import checked_token
from dx_action.sandbox.server import Sandbox

_STOP = (signal.SIGINT, signal.SIGTERM)
_NAME = re.compile(r"(\*\.)?[A-Za-z0-9_]([A-Za-z0-9_.-]{0,251}[A-Za-z0-9_])?")
_LONGEST_LATENCY = 3600
_LOOK_SECONDS = 0.2
_LAST_PORT = 65_535
T = TypeVar("T")


def main(arguments: Sequence[str]) -> int:
    """Serve until SIGINT or SIGTERM."""
    parser = _parser()
    options, unknown = parser.parse_known_args(arguments)
    if unknown:
        # Named by its place only: a misspelt --token may have the token in it or beside it.
        parser.error(f"argument number {arguments.index(unknown[0]) + 1} is not known; see --help")
    if not options.tls and (options.name or options.address):
        parser.error("--name and --address are for the certificate: they need --tls")
    stopped = threading.Event()
    # A handler that only notes the signal: a second one does not interrupt the stopping.
    for number in _STOP:
        signal.signal(number, lambda *_: stopped.set())
    with _start(parser, options) as dx:
        sys.stdout.write(f"The DX sandbox listens at {dx.url}\n")
        sys.stdout.flush()
        while not stopped.wait(_LOOK_SECONDS):  # an endless wait would keep Windows from handling a signal
            pass
    return 0


def _start(parser: argparse.ArgumentParser, options: argparse.Namespace) -> Sandbox:
    try:
        return Sandbox(
            token=options.token,
            inactive_token=options.inactive_token,
            repositories=options.repository,
            pull_requests=options.pull_requests,
            imported=options.imported,
            faults=options.faults,
            latency=options.latency,
            host=options.host,
            port=options.port,
            tls=options.tls,
            names=options.name,
            addresses=options.address,
        )
    except ImportError:
        parser.error("--tls needs the cryptography package")
    except OSError as error:
        what = error.filename or f"{options.host}, port {options.port}"
        parser.error(f"cannot use {what}: {error.strerror}")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m dx_action.sandbox",
        description="A stand-in for the DX Data Cloud API: the documented methods under /api/, what it has and "
        "received under /sandbox/deployments, /sandbox/pull-services and /sandbox/requests; a POST to "
        "/sandbox/pull-requests adds merged pull requests or replaces them, and /sandbox/attribution "
        "says which of them DX's rules credit each deployment with; a POST to /sandbox/faults replaces the faults, "
        "one to /sandbox/reset forgets everything.",
        epilog="A merged pull request is an object of repository, number, base_ref, default_branch, merge_commit_sha and "
        "merged_at, as GitHub returns them, and optionally id and commits, an array of the other SHAs that belong to it. "
        "All SHAs are whole.",
        allow_abbrev=False,
    )
    add = parser.add_argument
    add("--host", default="127.0.0.1", help="address to listen at (default: %(default)s)")
    add("--port", type=_port, default=8080, help="port, 0 for any free one (default: %(default)s)")
    add("--token", type=_token, default="sandbox-token", help="the valid token (default: %(default)s)")
    add("--inactive-token", type=_token, metavar="T", help="a token answered with account_inactive")
    add("--repository", action="append", metavar="NAME", help="a known repository; without any, all are known")
    add(
        "--pull-requests",
        type=_pulls,
        default=(),
        metavar="FILE-or-JSON",
        help="merged pull requests, a JSON array, see below",
    )
    add("--imported", action="append", default=[], metavar="ID", help="a deployment that the API did not make")
    add("--faults", type=_faults, default=(), metavar="FILE-or-JSON", help="faults to begin with, a JSON array")
    add("--latency", type=_latency, default=0.0, metavar="S", help="seconds before every answer")
    add("--tls", type=Path, metavar="CA_FILE", help="speak TLS; the throw-away CA's certificate is written here")
    add("--name", type=_name, action="append", default=[], help="one more name in the certificate")
    add("--address", type=_address, action="append", default=[], metavar="IP", help="one more address in it")
    return parser


def _port(text: str) -> int:
    if not re.fullmatch("[0-9]{1,5}", text) or int(text) > _LAST_PORT:
        _refuse(f"must be a number from 0 to {_LAST_PORT}")
    return int(text)


def _token(text: str) -> str:
    try:
        return checked_token(text)
    except ValueError as error:
        _refuse(str(error))


def _faults(text: str) -> tuple[Fault, ...]:
    return _json(text, parse_faults)


def _pulls(text: str) -> tuple[MergedPullRequest, ...]:
    return _json(text, parse_pull_requests)


def _json(text: str, taken: Callable[[Any], T]) -> T:
    try:
        written = text if text.lstrip()[:1] in ("[", "{") else Path(text).read_text(encoding="utf-8")
        return taken(json.loads(written))
    except (FaultError, PullRequestError) as error:
        _refuse(str(error))
    except OSError as error:
        _refuse(f"cannot read the file: {error.strerror}")
    except (ValueError, RecursionError):
        _refuse("could not be parsed as JSON")


def _latency(text: str) -> float:
    if not re.fullmatch(r"[0-9]{1,4}(\.[0-9]{1,6})?", text) or float(text) > _LONGEST_LATENCY:
        _refuse(f"must be seconds from 0 to {_LONGEST_LATENCY}")
    return float(text)


def _name(text: str) -> str:
    if not _NAME.fullmatch(text):
        _refuse("must be a DNS name")
    return text


def _address(text: str) -> str:
    try:
        return str(ip_address(text))
    except ValueError:
        _refuse("must be an IP address")


def _refuse(sentence: str) -> NoReturn:
    raise argparse.ArgumentTypeError(sentence)


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
