"""Servers on loopback that cannot be reached as they should be, each in one way; and both wires, asking one of them."""

import hashlib
import socket
import ssl
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from threading import Thread

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from pydantic import SecretStr

import builders
from dx_action.deployment.calls import Call
from dx_action.dx.answers import Answer, Verdict
from dx_action.dx.client import Dx
from dx_action.github.client import Repository, Run
from dx_action.inputs.values import parse_host
from dx_action.runner.network import proxies, tls_context
from dx_action.runner.runtime import Clock
from dx_action.runner.workspace import Workspace
from runner import fast_clock

DAY = timedelta(days=1)
SUBJECT = "a test's server"
CALL = Call("deployments.create", "web", "r", b"{}")
# An answer that both wires can read.
OK = b'HTTP/1.1 200 OK\r\nContent-Length: 12\r\n\r\n{"ok": true}'


@dataclass
class Reach:
    """Where a server is said to be, and how it would be reached: variables of the job, and the PEM file of its certificate."""

    url: str
    env: dict[str, str] = field(default_factory=dict)
    pem: bytes | None = None


def ask_dx(reach: Reach, seconds: float = 5) -> tuple[Answer | Verdict, tuple[str, ...]]:
    """Return DX's answer, and the warnings about the connection."""
    host = parse_host(reach.url)
    context, warnings = tls_context(reach.env, reach.pem)
    found = proxies(reach.env, host.base)
    speaker = Dx(host, SecretStr("token"), context=context, proxies=found, monotonic=time.monotonic)
    answer = speaker(CALL, seconds)
    speaker._session.close()
    return answer, warnings


def ask_github(reach: Reach, folder: Path, clock: Clock | None = None) -> tuple[object, list[str]]:
    """Return GitHub's answer, and the lines of the log. Raises LookupFailedError."""
    if reach.pem is not None:
        (folder / "ca.pem").write_bytes(reach.pem)
    inputs = builders.inputs({"github-token": "token", **({"ca-bundle": "ca.pem"} if reach.pem is not None else {})})
    runtime, said = builders.runtime("push_branch", api_url=reach.url), list[str]()
    run = Run(inputs, runtime, reach.env, Workspace(str(folder)), clock or fast_clock(), said.append, said.append)
    api = Repository("acme/shop", run)
    try:
        return api.get("pulls/1", "pull-requests", object), said
    finally:
        api._requester.close()


def hashed(folder: Path, pem: bytes, subject: str = SUBJECT) -> Path:
    """Lay a certificate into a folder under its subject's hash, as c_rehash does."""
    name = subject.lower().encode()
    attribute = b"\x06\x03\x55\x04\x03" + bytes([0x0C, len(name)]) + name
    sequence = bytes([0x30, len(attribute)]) + attribute
    digest = hashlib.sha1(bytes([0x31, len(sequence)]) + sequence, usedforsecurity=False).digest()
    folder.mkdir()
    (folder / f"{int.from_bytes(digest[:4], 'little'):08x}.0").write_bytes(pem)
    return folder


def closed_port() -> int:
    """Return a port of this machine at which nobody listens."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port: int = listening.getsockname()[1]
        return port


@contextmanager
def answering(answer: bytes | Callable[[socket.socket], None]) -> Iterator[int]:
    """Run a server that reads something from each connection, and then answers it; return its port."""
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def serve() -> None:
            with suppress(OSError):
                while True:
                    connection, _ = listening.accept()
                    with connection, suppress(OSError):
                        connection.settimeout(5)
                        if callable(answer):
                            answer(connection)
                        else:
                            connection.recv(1 << 16)
                            connection.sendall(answer)

        thread = Thread(target=serve)
        thread.start()
        try:
            yield listening.getsockname()[1]
        finally:
            with suppress(OSError):
                listening.shutdown(socket.SHUT_RDWR)
            thread.join(5)
            assert not thread.is_alive()


@contextmanager
def certified(folder: Path, name: str, begins: timedelta, ends: timedelta) -> Iterator[tuple[int, bytes]]:
    """Run a TLS server whose certificate is its own authority's; return its port and that certificate as PEM."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject, now = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, SUBJECT)]), datetime.now(UTC)
    alternative = x509.IPAddress(ip_address(name)) if name[0].isdigit() else x509.DNSName(name)
    certificate = (
        x509.CertificateBuilder(subject, subject, key.public_key(), x509.random_serial_number())
        .not_valid_before(now + begins)
        .not_valid_after(now + ends)
        .add_extension(x509.SubjectAlternativeName([alternative]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    pem = certificate.public_bytes(serialization.Encoding.PEM)
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    (folder / "server.pem").write_bytes(private + pem)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "server.pem")

    def shake_hands(connection: socket.socket) -> None:
        with context.wrap_socket(connection, server_side=True) as secure:
            request = b""
            while not request.endswith(b"{}" if request.startswith(b"POST") else b"\r\n\r\n"):
                request += secure.recv(1 << 16)
            secure.sendall(OK)

    with answering(shake_hands) as port:
        yield port, pem


@contextmanager
def full_backlog() -> Iterator[int]:
    """Run a server that does not even accept; return its port."""
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen(0)
        fillers = [socket.socket() for _ in range(4)]
        for filler in fillers:
            filler.setblocking(False)
            filler.connect_ex(listening.getsockname())
        yield listening.getsockname()[1]
        for filler in fillers:
            filler.close()
