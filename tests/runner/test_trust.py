"""Which certificates are trusted: one rule for DX and for GitHub."""

import os
import ssl
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path

import certifi
import pytest

from dx_action.dx.answers import Verdict
from dx_action.github.errors import NoAnswerError
from dx_action.runner.network import tls_context
from peers import DAY, Reach, ask_dx, ask_github, certified, hashed

MEBIBYTE = 1 << 20


@dataclass
class Job:
    """What a job sets, in a folder of its own; `pem` is the server's certificate."""

    folder: Path
    pem: bytes
    env: dict[str, str] = field(default_factory=dict)
    bundle: bytes | None = None

    def at(self, variable: str, name: str, content: bytes | None = None) -> None:
        """Set a variable to a file with the certificate, or with other content."""
        (self.folder / name).write_bytes(self.pem if content is None else content)
        self.env[variable] = str(self.folder / name)

    def within(self, variable: str, **files: bytes) -> None:
        """Set a variable to a folder of such files."""
        folder = self.folder / variable.lower()
        folder.mkdir()
        self.env[variable] = str(folder)
        for name, content in files.items():
            (folder / name).write_bytes(content)


Set = Callable[[Job], object]


def other() -> bytes:
    """A certificate that no server of a test has."""
    pem = Path(certifi.where()).read_bytes()
    return pem[pem.index(b"-----BEGIN") : pem.index(b"-----END")] + b"-----END CERTIFICATE-----\n"


def fifo(job: Job) -> None:
    os.mkfifo(job.folder / "fifo")
    job.env["REQUESTS_CA_BUNDLE"] = str(job.folder / "fifo")


def beside_a_fifo(job: Job) -> None:
    job.within("SSL_CERT_FILE", a=b"text", b=job.pem, c=b"")
    os.mkfifo(Path(job.env["SSL_CERT_FILE"]) / "aa")
    (Path(job.env["SSL_CERT_FILE"]) / "ab").mkdir()


def bundle(job: Job) -> None:
    job.bundle = job.pem


def linked(job: Job) -> None:
    job.at("SSL_CERT_FILE", "real.pem")
    (job.folder / "link.pem").symlink_to("real.pem")
    job.env["SSL_CERT_FILE"] = str(job.folder / "link.pem")


def hashed_folder(variable: str) -> Set:
    return lambda job: job.env.update({variable: str(hashed(job.folder / "hashed", job.pem))})


def both(*settings: Set) -> Set:
    def set_all(job: Job) -> None:
        for setting in settings:
            setting(job)

    return set_all


def good(job: Job) -> None:
    job.at("SSL_CERT_FILE", "good.pem")


ROWS: dict[str, tuple[Set, bool, list[str]]] = {
    "nothing": (lambda job: None, False, []),
    "a file": (lambda job: job.at("REQUESTS_CA_BUNDLE", "a.pem"), True, []),
    "a file of the other variable": (good, True, []),
    "a file of another CA": (lambda job: job.at("SSL_CERT_FILE", "a.pem", other()), False, []),
    "a linked file": (linked, True, []),
    "a hashed folder": (hashed_folder("REQUESTS_CA_BUNDLE"), True, []),
    "a hashed folder of the other variable": (hashed_folder("SSL_CERT_FILE"), True, []),
    "an unhashed folder": (lambda job: job.within("REQUESTS_CA_BUNDLE", one=job.pem), True, []),
    "an unhashed folder of the other variable": (
        lambda job: job.within("SSL_CERT_FILE", a=other(), b=job.pem),
        True,
        [],
    ),
    "an unhashed folder with more than certificates": (beside_a_fifo, True, []),
    "the first of two": (both(lambda job: job.at("REQUESTS_CA_BUNDLE", "a.pem", other()), good), False, []),
    "text, then a file": (
        both(lambda job: job.at("REQUESTS_CA_BUNDLE", "a", b"x"), good),
        True,
        ["REQUESTS_CA_BUNDLE"],
    ),
    "a key, then a file": (
        both(lambda job: job.at("REQUESTS_CA_BUNDLE", "a", b"-----BEGIN PRIVATE KEY-----\n"), good),
        True,
        ["REQUESTS_CA_BUNDLE"],
    ),
    "nothing there, then a file": (
        both(lambda job: job.env.update(REQUESTS_CA_BUNDLE="/home/runner/ca.pem"), good),
        True,
        ["REQUESTS_CA_BUNDLE"],
    ),
    "a FIFO, then a file": (both(fifo, good), True, ["REQUESTS_CA_BUNDLE"]),
    "an empty folder, then a file": (
        both(lambda job: job.within("REQUESTS_CA_BUNDLE"), good),
        True,
        ["REQUESTS_CA_BUNDLE"],
    ),
    "a folder of text, then a file": (
        both(lambda job: job.within("REQUESTS_CA_BUNDLE", a=b"x"), good),
        True,
        ["REQUESTS_CA_BUNDLE"],
    ),
    "a file too large, then a file": (
        both(lambda job: job.at("REQUESTS_CA_BUNDLE", "a", job.pem + b"\n" * (4 * MEBIBYTE)), good),
        True,
        ["REQUESTS_CA_BUNDLE"],
    ),
    "neither": (
        both(lambda job: job.at("REQUESTS_CA_BUNDLE", "a", b"x"), lambda job: job.at("SSL_CERT_FILE", "b", b"")),
        False,
        ["REQUESTS_CA_BUNDLE", "SSL_CERT_FILE"],
    ),
    "ca-bundle": (bundle, True, []),
    "ca-bundle beside a file": (both(bundle, lambda job: job.at("SSL_CERT_FILE", "a.pem", other())), True, []),
    "ca-bundle beside a hashed folder": (
        both(bundle, lambda job: job.env.update(SSL_CERT_FILE=str(hashed(job.folder / "h", other())))),
        True,
        [],
    ),
    "ca-bundle beside an unhashed folder": (both(bundle, lambda job: job.within("SSL_CERT_FILE", a=other())), True, []),
    "ca-bundle beside text": (
        both(bundle, lambda job: job.at("SSL_CERT_FILE", "a.pem", b"x")),
        True,
        ["SSL_CERT_FILE"],
    ),
    "a hashed folder beside ca-bundle": (
        both(hashed_folder("SSL_CERT_FILE"), lambda job: setattr(job, "bundle", other())),
        True,
        [],
    ),
    "a variable of curl's": (lambda job: job.at("CURL_CA_BUNDLE", "a.pem"), False, []),
    "a variable for folders": (lambda job: job.within("SSL_CERT_DIR", a=job.pem), False, []),
}


@contextmanager
def set_up(folder: Path, setting: Set) -> Iterator[Reach]:
    with certified(folder, "127.0.0.1", -DAY, DAY) as (port, pem):
        made = folder / "job"
        made.mkdir()
        job = Job(made, pem)
        setting(job)
        yield Reach(f"https://127.0.0.1:{port}", job.env, job.bundle)


@pytest.mark.parametrize("name", list(ROWS))
def test_what_dx_s_connection_trusts(tmp_path: Path, name: str) -> None:
    setting, trusted, passed_over = ROWS[name]
    with set_up(tmp_path, setting) as reach:
        answer, warnings = ask_dx(reach)
    assert [warning.split("`")[1] for warning in warnings] == passed_over
    assert isinstance(answer, Verdict) != trusted
    assert getattr(answer, "error", "") in ("", "certificate_untrusted")


@pytest.mark.parametrize("name", list(ROWS))
def test_what_github_s_connection_trusts(tmp_path: Path, name: str) -> None:
    setting, trusted, passed_over = ROWS[name]
    with set_up(tmp_path, setting) as reach:
        if not trusted:
            with pytest.raises(NoAnswerError) as raised:
                ask_github(reach, tmp_path)
            assert raised.value.cause == "certificate_untrusted"
            return
        answer, said = ask_github(reach, tmp_path)
    assert answer == {"ok": True, "url": "/repos/acme/shop/pulls/1"}
    assert [line.split("`")[1] for line in said] == passed_over


def test_a_warning_says_what_to_do_and_no_path() -> None:
    _, (warning,) = tls_context({"SSL_CERT_FILE": "/home/runner/corporate.pem"}, None)
    assert warning.startswith(
        "`SSL_CERT_FILE` is passed over: it names neither a PEM file nor a folder of certificates"
    )
    assert "`ca-bundle`" in warning
    assert "corporate" not in warning


@pytest.mark.parametrize("proxied", [False, True])
def test_no_keys_of_a_connection_are_in_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, proxied: bool) -> None:
    """SSLKEYLOGFILE, with which whoever recorded the connection can read it: the token, too."""
    keys = tmp_path / "keys"
    monkeypatch.setenv("SSLKEYLOGFILE", str(keys))
    with set_up(tmp_path, bundle) as there:
        reach = replace(there, url="https://dx.invalid", env={"HTTPS_PROXY": there.url}) if proxied else there
        answer, _ = ask_dx(reach)
        # What is behind such a proxy breaks at once, but its own certificate is trusted.
        assert isinstance(answer, Verdict) == proxied
        assert "certificate" not in getattr(answer, "error", "")
        with suppress(NoAnswerError):
            ask_github(reach, tmp_path)
    assert not keys.exists()


@pytest.mark.parametrize(("platform", "read"), [("linux", True), ("darwin", False), ("win32", False)])
def test_openssl_s_own_folder_is_read_on_linux_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, platform: str, read: bool
) -> None:
    """Elsewhere it is a path of the machine that OpenSSL was built on, which anybody might make."""
    paths = ssl.get_default_verify_paths()._replace(openssl_capath=str(hashed(tmp_path / "hashed", other())))
    monkeypatch.setattr(ssl, "get_default_verify_paths", lambda: paths)
    monkeypatch.setattr(sys, "platform", platform)
    context, _ = tls_context({}, None)
    # Of a folder, none is loaded before a connection asks for it.
    assert (len(context.get_ca_certs()) == 0) is read
