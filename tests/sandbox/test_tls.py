"""The stand-in over TLS, and from the command line."""

import contextlib
import errno
import os
import signal
import socket
import ssl
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from dx_action.sandbox import Fault, Sandbox
from dx_action.sandbox.__main__ import main

TOKEN = "the-token-of-the-tests"
BODY = {"reference_id": "r", "deployed_at": "2025-01-01T12:05:00Z", "service": "web", "repository": "o/r"}


def post(url: str, *, verify: str | bool = True, token: str = TOKEN) -> requests.Response:
    with requests.Session() as session:
        session.trust_env = False
        headers = {"Authorization": f"Bearer {token}"}
        return session.post(f"{url}/api/deployments.create", json=BODY, headers=headers, verify=verify, timeout=5)


def strict_context(ca: Path) -> ssl.SSLContext:
    # What ssl.create_default_context asks for since Python 3.13.
    context = ssl.create_default_context(cafile=str(ca))
    context.verify_flags |= ssl.VERIFY_X509_STRICT | ssl.VERIFY_X509_PARTIAL_CHAIN
    return context


def test_reachable_with_its_ca_only(tmp_path: Path) -> None:
    ca = tmp_path / "ca.pem"
    with Sandbox(token=TOKEN, tls=ca) as dx:
        assert dx.url.startswith("https://127.0.0.1:")
        assert post(dx.url, verify=str(ca)).json() == {"ok": True}
        assert post(dx.url.replace("127.0.0.1", "localhost"), verify=str(ca)).status_code == 200
        with pytest.raises(requests.exceptions.SSLError):
            post(dx.url)
        assert len(dx.requests()) == 2


def test_the_certificates_are_strict_and_name_everything(tmp_path: Path) -> None:
    ca = tmp_path / "ca.pem"
    with Sandbox(tls=ca, names=["dx", "dx.example.test", "localhost"], addresses=["10.1.2.3", "::1"]) as dx:
        context = strict_context(ca)
        for name in ("localhost", "127.0.0.1", "::1", "dx", "dx.example.test", "10.1.2.3"):
            with socket.create_connection(("127.0.0.1", dx.port), 5) as plain:
                context.wrap_socket(plain, server_hostname=name).close()
        with (
            socket.create_connection(("127.0.0.1", dx.port), 5) as plain,
            pytest.raises(ssl.SSLCertVerificationError),
        ):
            context.wrap_socket(plain, server_hostname="elsewhere")


def test_only_the_ca_certificate_is_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    ca = tmp_path / "ca.pem"
    with Sandbox(tls=ca):
        assert list(tmp_path.iterdir()) == [ca]
        text = ca.read_text()
    assert text.count("-----BEGIN") == text.count("-----BEGIN CERTIFICATE-----") == 1


@pytest.mark.parametrize("fault", [Fault(reset="after"), Fault(cut=True, commit=True), Fault(hang=0, commit=True)])
def test_faults_over_tls(tmp_path: Path, fault: Fault) -> None:
    ca = tmp_path / "ca.pem"
    with Sandbox(token=TOKEN, tls=ca, faults=[fault]) as dx:
        with pytest.raises(requests.RequestException):
            post(dx.url, verify=str(ca))
        assert len(dx.deployments()) == 1
        assert post(dx.url, verify=str(ca)).status_code == 200


def test_a_client_that_never_shakes_hands_holds_nobody_up(tmp_path: Path) -> None:
    ca = tmp_path / "ca.pem"
    with (
        Sandbox(token=TOKEN, tls=ca) as dx,
        socket.create_connection(("127.0.0.1", dx.port), 5),
        socket.create_connection(("127.0.0.1", dx.port), 5) as plain,
    ):
        plain.sendall(b"GET / HTTP/1.1\r\n\r\n")
        assert post(dx.url, verify=str(ca)).status_code == 200


@contextlib.contextmanager
def running(*arguments: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    command = [sys.executable, "-W", "error", "-m", "dx_action.sandbox", "--port", "0", *arguments]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            line = process.stdout.readline()
            assert line.startswith("The DX sandbox listens at http"), process.stderr and process.stderr.read()
            yield process, line.split()[-1]
        finally:
            process.kill()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_from_the_command_line(tmp_path: Path, number: signal.Signals) -> None:
    faults, ca = tmp_path / "faults.json", tmp_path / "ca.pem"
    faults.write_text('[{"status": 503}]')
    tls = ["--tls", str(ca), "--name", "dx", "--address", "::1"] if number == signal.SIGTERM else []
    script = str(faults) if tls else faults.read_text()
    with running("--token", TOKEN, "--repository", "o/r", "--faults", script, "--latency", "0.01", *tls) as (
        process,
        url,
    ):
        verify = str(ca) if tls else True
        assert [post(url, verify=verify).status_code for _ in range(2)] == [503, 200]
        process.send_signal(number)
        assert process.communicate(timeout=5) == ("", "")
        assert process.returncode == 0


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--port", "x"], "--port: must be a number from 0 to 65535"),
        (["--port", "65536"], "--port: must be a number from 0 to 65535"),
        (["--latency", "-1"], "--latency: must be seconds from 0 to 3600"),
        (["--token", "sec ret!"], "--token: a token needs at least 8 characters"),
        (["--inactive-token", "secret"], "--inactive-token: a token needs at least 8 characters"),
        (["--tokn", "secret-secret"], "argument number 1 is not known"),
        (["--port", "0", "secret-secret"], "argument number 3 is not known"),
        (["--faults", "{}"], "--faults: The faults must be a JSON array"),
        (["--faults", '[{"status": 1}]'], "--faults: faults[0]: status must be an integer"),
        (["--faults", "["], "--faults: could not be parsed as JSON"),
        (["--faults", "/nowhere/faults.json"], "--faults: cannot read the file"),
        (["--tls", "ca.pem", "--name", "a b"], "--name: must be a DNS name"),
        (["--tls", "ca.pem", "--address", "1.2.3"], "--address: must be an IP address"),
        (["--name", "dx"], "need --tls"),
        (["--port", "0", "--tls", "/nowhere/ca.pem"], "cannot use /nowhere/ca.pem"),
    ],
)
def test_bad_arguments(capsys: pytest.CaptureFixture[str], arguments: list[str], sentence: str) -> None:
    before = signal.pthread_sigmask(signal.SIG_BLOCK, [])
    try:
        with pytest.raises(SystemExit) as stopped:
            main(arguments)
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
    assert stopped.value.code == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert sentence in err
    assert "secret" not in err
    assert "sec ret" not in err


def test_a_port_in_use(capsys: pytest.CaptureFixture[str]) -> None:
    before = signal.pthread_sigmask(signal.SIG_BLOCK, [])
    try:
        with Sandbox() as dx, pytest.raises(SystemExit) as stopped:
            main(["--port", str(dx.port)])
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
    assert stopped.value.code == 2
    assert os.strerror(errno.EADDRINUSE) in capsys.readouterr().err
