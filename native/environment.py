"""The action's packages on a runner: installed once for each lock, Python and platform, by pip, from wheels with known hashes.

An environment is a folder with `packages` and, beside it, their bytecode. It is made under another name and renamed when it is
complete. No virtual environment is needed: launcher.py puts `packages` on the path of an interpreter that has nothing else on it.
"""

import os
import re
import shutil
import sys
import time
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from hashlib import sha256
from importlib.machinery import EXTENSION_SUFFIXES
from pathlib import Path
from typing import Literal, NamedTuple

# As in the image: PyJWT does without cryptography, cffi's compiled part without pycparser, and requests takes text for UTF-8.
LEFT_OUT = frozenset({"charset-normalizer", "cryptography", "pycparser"})
# The settings of pip's that say how an index is reached. Any other could change what is installed, or where.
OF_AN_INDEX = frozenset(
    f"PIP_{name}"
    for name in (
        *(
            "CACHE_DIR",
            "CERT",
            "CLIENT_CERT",
            "CONFIG_FILE",
            "DEFAULT_TIMEOUT",
            "EXTRA_INDEX_URL",
            "FIND_LINKS",
            "INDEX_URL",
        ),
        *("KEYRING_PROVIDER", "NO_CACHE_DIR", "NO_INDEX", "PROXY", "RETRIES", "TIMEOUT", "TRUSTED_HOST"),
    )
)
_AT_ONCE = 2
_LONGEST_SECONDS = 300
_STALE_SECONDS = 24 * 3600
_MOST_LINES = 30

Kind = Literal[
    "certificate", "failed", "hash", "network", "no-pip", "no-place", "refused", "space", "time", "wheel", "wrong"
]
SENTENCES: dict[Kind, str] = {
    "certificate": "pip does not trust the certificate of its package index. Name a PEM file with your CA in `PIP_CERT`.",
    "failed": "pip could not install the action's packages. The log group above has what it wrote.",
    "hash": (
        "The package index returned a file whose hash is not the one in the action's lock, and nothing was installed. "
        "Let the index or the proxy of this runner serve the files of PyPI unchanged."
    ),
    "network": (
        "pip could not reach its package index. Check the network and any proxy of this runner, or name an index that it "
        "can reach in `PIP_INDEX_URL`."
    ),
    "no-pip": (
        "This Python has no pip, and its venv module provides none. Add a step with actions/setup-python before this one, "
        "or install pip: on Debian and Ubuntu, by `apt-get install python3-venv`."
    ),
    "no-place": (
        "The folders that `RUNNER_TOOL_CACHE` and `RUNNER_TEMP` name cannot be written, or their disk is full. The action's "
        "packages need 40 MB in one of them."
    ),
    "refused": "The package index refused access. Check the user and password in `PIP_INDEX_URL` or in pip's configuration.",
    "space": "The disk is full. The action's packages need 40 MB.",
    "time": (
        "pip took longer than five minutes to install the action's packages. Check the network and any proxy of this runner."
    ),
    "wheel": (
        "The package index has no wheel of a package for this Python and platform. Use CPython 3.11 to 3.14 on Linux, macOS "
        "or Windows, for example by actions/setup-python. If you set `PIP_INDEX_URL`, that index must have every file of the lock."
    ),
    "wrong": (
        "pip did not install exactly the packages of the action's lock. Remove settings such as `target`, `prefix` or "
        "`requirement` from pip's configuration on this runner."
    ),
}
# What pip writes, in the order in which it is looked for. A failing index ends in "No matching distribution", too.
_SIGNS: tuple[tuple[str, Kind], ...] = (
    (r"DO NOT MATCH THE HASHES|Hashes are required", "hash"),
    (r"CERTIFICATE_VERIFY_FAILED|CertificateError|certificate verify failed", "certificate"),
    (r"No space left on device|Errno 28|WinError 112", "space"),
    (r"\b(?:401|403) (?:Client )?Error|HTTP error 40[13]|\b(?:Unauthorized|Forbidden)\b", "refused"),
    (
        r"NewConnectionError|Timeout|ProxyError|Max retries|Connection\w*Error|SSLError|Retrying \(|\b50\d (?:Server )?Error",
        "network",
    ),
    (r"No matching distribution found|not a supported wheel|Could not find a version", "wheel"),
)


class Unusable(Exception):
    """The packages cannot be installed. `lines` are foreign text."""

    def __init__(self, kind: Kind, lines: Iterable[str] = ()) -> None:
        super().__init__(SENTENCES[kind])
        self.kind, self.lines = kind, tuple(lines)


class Host(NamedTuple):
    """What decides which wheels fit."""

    python: str
    abi: str
    machine: str
    libc: str


@dataclass(frozen=True, slots=True)
class Environment:
    folder: Path
    seconds: float | None = None

    @property
    def packages(self) -> Path:
        return self.folder / "packages"

    @property
    def bytecode(self) -> Path:
        return self.folder / "bytecode"


def this_host() -> Host:
    python = ".".join(str(part) for part in sys.version_info[:3])
    libc = os.confstr("CS_GNU_LIBC_VERSION") if "CS_GNU_LIBC_VERSION" in getattr(os, "confstr_names", {}) else ""
    machine = os.uname().machine if hasattr(os, "uname") else os.environ.get("PROCESSOR_ARCHITECTURE", "")
    return Host(python, EXTENSION_SUFFIXES[0], machine, libc or "")


def read_lock(text: str) -> dict[str, str]:
    """Return what the action needs of a lock: of each `name-version`, its lines."""
    entries = re.split(r"^(?=[A-Za-z0-9])", text, flags=re.MULTILINE)
    found = {}
    for entry in entries:
        if match := re.match(r"([\w.-]+)==([^\s;\\]+)", entry):
            name = _normal(match[1])
            if name not in LEFT_OUT:
                found[f"{name}-{match[2]}"] = entry
    return found


def name_of(lock: str, host: Host) -> str:
    """Return the name of the folder for a lock and a host."""
    digest = sha256("\n".join((lock, *host)).encode()).hexdigest()
    return f"{host.python}-{digest[:16]}"


def is_complete(environment: Environment, wanted: Iterable[str]) -> bool:
    """Return whether exactly these distributions are installed in it."""
    try:
        names = os.listdir(environment.packages)  # noqa: PTH208 - quicker, and this is done at every start
    except OSError:
        return False
    found = (name.removesuffix(".dist-info").partition("-") for name in names if name.endswith(".dist-info"))
    return {f"{_normal(name)}-{version}" for name, _, version in found} == set(wanted)


def prepare(lock: str, env: Mapping[str, str], say: Callable[[str], None]) -> Environment:
    """Return the environment, which is made if there is none. Raises Unusable."""
    wanted, name = read_lock(lock), name_of(lock, this_host())
    bases = [env.get(variable, "").strip() for variable in ("RUNNER_TOOL_CACHE", "RUNNER_TEMP")]
    places = [Environment(Path(base, "dx-deployment-action", name)) for base in bases if base]
    for place in places:
        if is_complete(place, wanted):
            return place
    for place in places:
        try:
            part = _new_folder(place.folder)
            say(f"Installing the action's packages for Python {name.partition('-')[0]}, once on this runner.")
            return _make(place, part, wanted, env)
        except OSError:  # nothing can be written there
            continue
        except Unusable as error:
            if error.kind != "space" or place is places[-1]:
                raise
    raise Unusable("no-place")


def explain(output: str) -> Kind:
    """Return what made pip fail, by what it wrote."""
    return next((kind for sign, kind in _SIGNS if re.search(sign, output)), "failed")


def _new_folder(folder: Path) -> Path:
    """Make a folder beside the one that is to be, and remove what an interrupted job left long ago. Raises OSError."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    for old in folder.parent.glob(".*.part"):
        with suppress(OSError):  # a job that runs beside this one may rename its own
            if time.time() - old.stat().st_mtime > _STALE_SECONDS:
                shutil.rmtree(old, ignore_errors=True)
    part = folder.with_name(f".{folder.name}.{os.urandom(8).hex()}.part")
    part.mkdir()
    return part


def _make(place: Environment, part: Path, wanted: Mapping[str, str], env: Mapping[str, str]) -> Environment:
    """Install into `part`, and rename it. Raises Unusable, OSError."""
    began = time.monotonic()
    try:
        _install(wanted, part, env)
        _check(Environment(part), wanted)
        return Environment(_settle(part, place, wanted), time.monotonic() - began)
    except BaseException:
        shutil.rmtree(part, ignore_errors=True)
        raise


def _check(environment: Environment, wanted: Iterable[str]) -> None:
    if not is_complete(environment, wanted):
        raise Unusable("wrong")


def _settle(part: Path, place: Environment, wanted: Iterable[str]) -> Path:
    """Rename the folder, and return where the environment is. Another job's is as good."""
    aside = part.with_name(f"{part.name[: -len('.part')]}.old.part")
    try:
        part.rename(place.folder)
    except OSError:
        if is_complete(place, wanted):
            shutil.rmtree(part, ignore_errors=True)
            return place.folder
        try:  # an incomplete one is in its place
            place.folder.rename(aside)
            part.rename(place.folder)
        except OSError:
            return part
        shutil.rmtree(aside, ignore_errors=True)
    return place.folder


def _install(wanted: Mapping[str, str], part: Path, env: Mapping[str, str]) -> None:
    """Run pip. Raises Unusable, OSError."""
    env = {name: text for name, text in env.items() if not name.startswith("PIP_") or name in OF_AN_INDEX}
    env.setdefault("PIP_RETRIES", "3")
    locks = []
    for number, entries in enumerate(share(wanted)):
        locks.append(part / f"requirements-{number}.txt")
        locks[-1].write_text("".join(entries), encoding="utf-8")
    python, home = sys.executable, part / "pip"
    code, output = _pip(python, "--quiet", locks, part, env)
    if code and "No module named pip" in output:
        code, made = _run([[python, "-I", "-m", "venv", str(home)]], env)
        if code:
            raise Unusable("no-pip", _last_lines(made))
        python = str(home / ("Scripts/python.exe" if os.name == "nt" else "bin/python"))
        code, output = _pip(python, "--quiet", locks, part, env)
    if code and explain(output) == "wheel":
        # Only the long form says whether the index was reached.
        code, output = _pip(python, "-vv", locks, part, env)
    shutil.rmtree(home, ignore_errors=True)
    if code:
        raise Unusable(explain(output), _last_lines(output))


def share(wanted: Mapping[str, str]) -> list[list[str]]:
    """Return the lock in parts that take pip about the same time.

    It spends most of its time on one processor, reading which files an index has. A package has the more files, the more hashes.
    """
    parts: list[list[str]] = [[] for _ in range(_AT_ONCE)]
    for entry in sorted(wanted.values(), key=lambda entry: -entry.count("--hash=")):
        min(parts, key=lambda part: sum(each.count("--hash=") + 8 for each in part)).append(entry)
    return [part for part in parts if part]


def _pip(python: str, volume: str, locks: list[Path], part: Path, env: Mapping[str, str]) -> tuple[int, str]:
    flags = [volume, "--disable-pip-version-check", "--no-input", "--no-user", "--no-compile", "--no-deps"]
    flags += ["--require-hashes", "--only-binary", ":all:", "--target", str(Environment(part).packages)]
    return _run([[python, "-I", "-m", "pip", "install", *flags, "--requirement", str(lock)] for lock in locks], env)


def _run(commands: list[list[str]], env: Mapping[str, str]) -> tuple[int, str]:
    """Run them side by side, without a shell. Return the first exit code that is not 0, and all that they wrote."""
    from subprocess import DEVNULL, STDOUT, Popen, TimeoutExpired  # noqa: PLC0415 - most runs install nothing
    from tempfile import TemporaryFile  # noqa: PLC0415

    end = time.monotonic() + _LONGEST_SECONDS
    processes: list[Popen[bytes]] = []
    with TemporaryFile() as log:
        try:
            processes.extend(
                Popen(command, env=env, stdin=DEVNULL, stdout=log, stderr=STDOUT)  # noqa: S603
                for command in commands
            )
            codes = [process.wait(end - time.monotonic()) for process in processes]
        except OSError:
            raise Unusable("failed") from None
        except TimeoutExpired:
            raise Unusable("time") from None
        finally:
            for process in processes:
                process.kill()
                process.wait()
        log.seek(0)
        return next(filter(None, codes), 0), log.read().decode(errors="replace")


def _last_lines(output: str) -> list[str]:
    lines = output.splitlines()
    telling = [line for line in lines if re.match(r"\s*(?:ERROR|WARNING|Could not)\b", line)]
    return (telling or lines)[-_MOST_LINES:]


def _normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()
