"""Whom a connection trusts, which proxy it takes, and what a failed one wraps."""

import json
import socket
import ssl
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import certifi
import pytest
from pydantic import SecretStr

from dx_action.deployment.calls import Call, serialise
from dx_action.dx.answers import Answer, Verdict
from dx_action.dx.client import Dx
from dx_action.errors import BadInput, Problem
from dx_action.inputs.values import DxHost, parse_host
from dx_action.runner.network import exception_chain, proxies, tls_context, whole_characters
from dx_action.sandbox import Fault, Sandbox
from peers import hashed
from proxies import Tunnel

TOKEN = "the-token-of-the-tests"
BODY = {"reference_id": "r", "deployed_at": "2025-01-01T12:05:00Z", "service": "web", "repository": "o/r"}
CALL = Call("deployments.create", "web", "r", serialise(BODY))
PROXY = "http://proxy.test:3128"
OTHER = "http://other.test:3128"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (rb'"a"', "a"),
        ('"\N{ROCKET}"'.encode(), "\N{ROCKET}"),
        (rb'"\ud83d\ude80 \uD83D\uDE80"', "\N{ROCKET} \N{ROCKET}"),
        (rb'"\ud83d"', "\ufffd"),
        (rb'"\uDE80\ud83d \udfff"', "\ufffd\ufffd \ufffd"),
        (rb'"\ud83d\ud83d\ude80\ude80"', "\ufffd\N{ROCKET}\ufffd"),
        (rb'"\ud83d\u0061"', "\ufffda"),
        (rb'"\\ud83d \\\ud83d"', "\\ud83d \\\ufffd"),
        (rb'"\\\\ud83d\n"', "\\\\ud83d\n"),
        (rb'"\ud7ff\ue000\u00e9"', "\ud7ff\ue000é"),
    ],
)
def test_half_of_a_character_is_read_as_none(text: bytes, expected: str) -> None:
    assert json.loads(whole_characters(text)) == expected


@pytest.mark.parametrize("text", [b"", b"\xff\\ud8", rb'"\ud8', rb'"\u', rb'"\uzzzz"'])
def test_what_is_no_json_stays_as_it_is(text: bytes) -> None:
    assert whole_characters(text) == text


@pytest.fixture(autouse=True)
def bare(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a developer's machine sets is no part of a test; nor may trust look at it."""
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.setenv(name.upper(), "*" if name == "no_proxy" else "http://wrong.test:1")


@contextmanager
def sandbox(folder: Path, name: str = "dx") -> Iterator[tuple[Sandbox, Path]]:
    ca = folder / f"{name}.pem"
    with Sandbox(token=TOKEN, tls=ca, names=["dx.example.test"]) as dx:
        yield dx, ca


def trusts(context: ssl.SSLContext, dx: Sandbox, name: str = "localhost") -> bool:
    with socket.create_connection(("127.0.0.1", dx.port), 5) as plain:
        try:
            context.wrap_socket(plain, server_hostname=name).close()
        except ssl.SSLCertVerificationError:
            return False
    return True


def hashed_ca(folder: Path, ca: Path) -> Path:
    """Lay a sandbox's CA into a folder under its subject's hash."""
    return hashed(folder, ca.read_bytes(), "DX sandbox throw-away CA")


def default_folder(monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
    """Make a folder the one in which the system keeps its CAs."""
    found = ssl.get_default_verify_paths()._replace(openssl_capath=str(folder))
    monkeypatch.setattr(ssl, "get_default_verify_paths", lambda: found)


def test_a_context_verifies() -> None:
    context, warnings = tls_context({}, None)
    assert (context.verify_mode, context.check_hostname) == (ssl.CERT_REQUIRED, True)
    assert context.minimum_version == ssl.TLSVersion.TLSv1_2
    assert warnings == ()


def test_the_public_authorities_are_the_system_s(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with sandbox(tmp_path, "public") as (public, ca):
        default_folder(monkeypatch, hashed_ca(tmp_path / "certs", ca))
        assert trusts(tls_context({}, None)[0], public)
        assert tls_context({}, None)[0].cert_store_stats()["x509_ca"] == 0


def test_else_they_are_certifi_s(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    default_folder(monkeypatch, tmp_path / "nowhere")
    assert tls_context({}, None)[0].cert_store_stats()["x509_ca"] > 50
    with sandbox(tmp_path, "public") as (public, ca):
        assert not trusts(tls_context({}, None)[0], public)
        monkeypatch.setattr(certifi, "where", lambda: str(ca))
        assert trusts(tls_context({}, None)[0], public)


def any_public() -> bytes:
    """A certificate that is in no sandbox's chain."""
    pem = Path(certifi.where()).read_text(encoding="utf-8")
    return (pem[pem.index("-----BEGIN") : pem.index("-----END")] + "-----END CERTIFICATE-----\n").encode()


def test_the_ca_bundle_is_added_to_the_public_ones(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    default_folder(monkeypatch, tmp_path / "nowhere")
    with sandbox(tmp_path, "public") as (public, public_ca), sandbox(tmp_path, "own") as (own, own_ca):
        monkeypatch.setattr(certifi, "where", lambda: str(public_ca))
        without, _ = tls_context({}, None)
        assert (trusts(without, public), trusts(without, own)) == (True, False)
        context, warnings = tls_context({}, own_ca.read_bytes())
        assert (trusts(context, public), trusts(context, own)) == (True, True)
        assert not trusts(context, own, "elsewhere.test")
        assert warnings == ()


def test_the_ca_bundle_is_added_to_the_system_s_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    bundle = any_public()
    with sandbox(tmp_path, "public") as (public, ca):
        default_folder(monkeypatch, hashed_ca(tmp_path / "certs", ca))
        context, _ = tls_context({}, bundle)
        assert context.cert_store_stats()["x509_ca"] == 1
        assert trusts(context, public)


@pytest.mark.parametrize("name", ["REQUESTS_CA_BUNDLE", "SSL_CERT_FILE"])
def test_a_file_of_the_environment_stands_for_the_public_ones(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    with (
        sandbox(tmp_path, "public") as (public, public_ca),
        sandbox(tmp_path, "named") as (named, named_ca),
        sandbox(tmp_path, "own") as (own, own_ca),
    ):
        default_folder(monkeypatch, tmp_path / "nowhere")
        monkeypatch.setattr(certifi, "where", lambda: str(public_ca))
        context, warnings = tls_context({name: f" {named_ca} "}, None)
        assert [trusts(context, each) for each in (public, named, own)] == [False, True, False]
        assert warnings == ()
        context, warnings = tls_context({name: str(named_ca)}, own_ca.read_bytes())
        assert [trusts(context, each) for each in (public, named, own)] == [False, True, True]
        assert warnings == ()


@pytest.mark.parametrize("name", ["REQUESTS_CA_BUNDLE", "SSL_CERT_FILE"])
def test_it_may_be_a_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    bundle = any_public()
    with sandbox(tmp_path, "public") as (public, public_ca), sandbox(tmp_path, "named") as (named, named_ca):
        default_folder(monkeypatch, tmp_path / "nowhere")
        monkeypatch.setattr(certifi, "where", lambda: str(public_ca))
        context, warnings = tls_context({name: str(hashed_ca(tmp_path / "named", named_ca))}, bundle)
        assert (trusts(context, public), trusts(context, named), warnings) == (False, True, ())


def test_requests_s_variable_comes_first(tmp_path: Path) -> None:
    with sandbox(tmp_path, "one") as (one, one_ca), sandbox(tmp_path, "two") as (two, two_ca):
        context, warnings = tls_context({"SSL_CERT_FILE": str(two_ca), "REQUESTS_CA_BUNDLE": str(one_ca)}, None)
        assert (trusts(context, one), trusts(context, two), warnings) == (True, False, ())
        # One that is of no use is passed over, with a warning.
        context, warnings = tls_context({"SSL_CERT_FILE": str(two_ca), "REQUESTS_CA_BUNDLE": "/nowhere"}, None)
        assert (trusts(context, two), len(warnings)) == (True, 1)


@pytest.mark.parametrize("name", ["REQUESTS_CA_BUNDLE", "SSL_CERT_FILE"])
@pytest.mark.parametrize("content", [None, "", "no certificate in here\n"])
def test_a_file_of_the_environment_that_is_of_no_use(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, content: str | None
) -> None:
    path = tmp_path / "etc" / "corporate.pem"
    if content is not None:
        path.parent.mkdir()
        path.write_text(content)
    with sandbox(tmp_path, "public") as (public, ca):
        default_folder(monkeypatch, hashed_ca(tmp_path / "certs", ca))
        context, warnings = tls_context({name: str(path)}, None)
        assert trusts(context, public)
    [warning] = warnings
    assert warning.startswith(f"`{name}` ")
    assert "`ca-bundle`" in warning
    assert "corporate" not in warning


def test_both_variables_are_warned_of() -> None:
    _, warnings = tls_context({"REQUESTS_CA_BUNDLE": "/nowhere", "SSL_CERT_FILE": "/nowhere"}, None)
    assert [each.split("`")[1] for each in warnings] == ["REQUESTS_CA_BUNDLE", "SSL_CERT_FILE"]
    assert tls_context({"REQUESTS_CA_BUNDLE": "", "SSL_CERT_FILE": "  "}, None)[1] == ()


def test_pem_files_as_people_have_them(tmp_path: Path) -> None:
    with sandbox(tmp_path, "one") as (one, one_ca), sandbox(tmp_path, "two") as (two, two_ca):
        a, b = one_ca.read_bytes(), two_ca.read_bytes()
        for bundle in (
            a + b,
            a.rstrip() + b"\n" + b,
            (a + b).replace(b"\n", b"\r\n"),
            b"\xef\xbb\xbf" + a + b,
            "Größte CA\n==\n".encode() + a + "zwölf\n".encode("latin-1") + b + b"\nthe end",
        ):
            context, _ = tls_context({}, bundle)
            assert (trusts(context, one), trusts(context, two)) == (True, True)


def bad_bundles() -> dict[str, bytes]:
    first = any_public().decode()
    return {
        "empty": b"",
        "blank": b" \n",
        "text": b"not a certificate\n",
        "binary": bytes(range(256)),
        "DER": ssl.PEM_cert_to_DER_cert(first),
        "UTF-16": first.encode("utf-16"),
        "cut": first[:200].encode(),
        "damaged": first.replace("MII", "AAA").encode(),
        "no base64": b"-----BEGIN CERTIFICATE-----\n!!!!\n-----END CERTIFICATE-----\n",
        "a key": b"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n",
    }


@pytest.mark.parametrize("kind", list(bad_bundles()))
def test_a_bad_ca_bundle_is_a_bad_input(kind: str) -> None:
    with pytest.raises(BadInput) as raised:
        tls_context({}, bad_bundles()[kind])
    assert raised.value.problems == (Problem("ca-bundle", "contains no readable certificate. Name a PEM file."),)
    assert raised.value.__cause__ is None


HTTPS = "https://acme.getdx.net"


@pytest.mark.parametrize(
    ("env", "url", "proxy"),
    [
        ({}, HTTPS, None),
        ({"HTTPS_PROXY": PROXY}, HTTPS, PROXY),
        ({"https_proxy": PROXY}, HTTPS, PROXY),
        ({"Https_Proxy": PROXY}, HTTPS, PROXY),
        ({"ALL_PROXY": PROXY}, HTTPS, PROXY),
        ({"all_proxy": PROXY}, HTTPS, PROXY),
        ({"HTTPS_PROXY": PROXY, "ALL_PROXY": OTHER}, HTTPS, PROXY),
        ({"HTTPS_PROXY": OTHER, "https_proxy": PROXY}, HTTPS, PROXY),
        ({"https_proxy": PROXY, "HTTPS_PROXY": OTHER}, HTTPS, PROXY),
        ({"HTTP_PROXY": PROXY}, HTTPS, None),
        ({"http_proxy": PROXY}, HTTPS, None),
        ({"HTTPS_PROXY": ""}, HTTPS, None),
        ({"HTTPS_PROXY": f" {PROXY}\n"}, HTTPS, PROXY),
        ({"HTTPS_PROXY": PROXY, "NO_PROXY": "acme.getdx.net", "no_proxy": "other.test"}, HTTPS, PROXY),
        ({"HTTPS_PROXY": PROXY, "NO_PROXY": "acme.getdx.net", "no_proxy": " "}, HTTPS, None),
        ({"HTTPS_PROXY": PROXY, "No_Proxy": "acme.getdx.net"}, HTTPS, None),
        ({"HTTPS_PROXY": "", "ALL_PROXY": PROXY}, HTTPS, PROXY),
        ({"HTTPS_PROXY": PROXY}, "https://acme.getdx.net:8443", PROXY),
        ({"HTTPS_PROXY": PROXY}, "https://10.1.2.3", PROXY),
        ({"HTTPS_PROXY": PROXY}, "https://[2001:db8::1]:8443", PROXY),
        ({"HTTPS_PROXY": "http://user:pass@proxy.test:1"}, HTTPS, "http://user:pass@proxy.test:1"),
    ],
)
def test_the_usual_variables(env: Mapping[str, str], url: str, proxy: str | None) -> None:
    assert proxies(env, url) == ({"https": proxy} if proxy else {})


@pytest.mark.parametrize(
    ("no_proxy", "url", "direct"),
    [
        ("", HTTPS, False),
        ("*", HTTPS, True),
        ("acme.getdx.net", HTTPS, True),
        ("ACME.getdx.net", HTTPS, True),
        ("getdx.net", HTTPS, True),
        (".getdx.net", HTTPS, True),
        (".getdx.net", "https://getdx.net", False),
        (".GetDX.net", HTTPS, True),
        (".getdx.net:443", HTTPS, True),
        (".getdx.net:8443", HTTPS, False),
        (".net:443", HTTPS, True),
        ("..getdx.net", HTTPS, False),
        (".", HTTPS, False),
        ("getdx.net:443", HTTPS, True),
        ("getdx.net:", HTTPS, True),
        (":443", HTTPS, False),
        ("acme.getdx.net:443:443", HTTPS, False),
        ("x.test acme.getdx.net", HTTPS, True),
        ("x.test\n\tacme.getdx.net\n", HTTPS, True),
        (" * ", HTTPS, True),
        ("x.test,*", HTTPS, True),
        ("*.getdx.net", HTTPS, False),
        ("acme.getdx.net:443", "https://ACME.getdx.net", True),
        ("getdx.net:443", "https://acme.getdx.net:443", True),
        ("net", HTTPS, True),
        ("localhost,127.0.0.1, .getdx.net ,x", HTTPS, True),
        ("acme.getdx.net:8443", "https://acme.getdx.net:8443", True),
        ("acme.getdx.net:8443", HTTPS, False),
        ("acme.getdx.net:443", HTTPS, True),
        ("acme.getdx.net:80", HTTPS, False),
        ("dx.net", HTTPS, False),
        ("getdx", HTTPS, False),
        ("other.getdx.net", HTTPS, False),
        (",", HTTPS, False),
        ("10.1.2.3", "https://10.1.2.3", True),
        ("10.1.2.3", "https://10.1.2.3:8443", True),
        ("10.1.2.3:8443", "https://10.1.2.3:8443", True),
        ("x, 10.1.2.3:8443 ", "https://10.1.2.3:8443", True),
        ("10.1.2.3:8444", "https://10.1.2.3:8443", False),
        ("::1", "https://10.1.2.3:1", False),
        ("10.0.0.0/8", "https://10.1.2.3", True),
        ("192.168.0.0/16,10.0.0.0/8", "https://10.1.2.3", True),
        ("*", "https://10.1.2.3", True),
        ("10.0.0.0/16", "https://10.1.2.3", False),
        ("10.0.0.0/8", HTTPS, False),
        ("10.0.0.0/8:8443", "https://10.1.2.3:8443", True),
        ("1.2.3", "https://10.1.2.3", False),
        ("[2001:db8::1]", "https://[2001:db8::1]", True),
        ("2001:db8::1", "https://[2001:db8::1]:8443", True),
        ("2001:DB8:0::1", "https://[2001:db8::1]", True),
        ("[2001:db8::1]:8443", "https://[2001:db8::1]:8443", True),
        ("[2001:db8::1]:8444", "https://[2001:db8::1]:8443", False),
        ("2001:db8::/32", "https://[2001:db8::1]", True),
        ("2001:db8::2", "https://[2001:db8::1]", False),
        ("[2001:db8::1", "https://[2001:db8::1]", True),
    ],
)
@pytest.mark.parametrize("name", ["NO_PROXY", "no_proxy"])
def test_no_proxy(name: str, no_proxy: str, url: str, *, direct: bool) -> None:
    for which in ("HTTPS_PROXY", "ALL_PROXY"):
        assert proxies({which: PROXY, name: no_proxy}, url) == ({} if direct else {"https": PROXY})


def until(true: Callable[[], bool]) -> None:
    """A client that gave up may be ahead of the server."""
    deadline = time.monotonic() + 5
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.005)


@contextmanager
def connected(dx: Sandbox, ca: Path, proxy: str, host: DxHost | None = None) -> Iterator[Dx]:
    host = host or parse_host(f"https://dx.example.test:{dx.port}")
    found = proxies({"HTTPS_PROXY": proxy}, host.base)
    assert found == {"https": proxy}
    context, _ = tls_context({}, ca.read_bytes())
    speaker = Dx(host, SecretStr(TOKEN), context=context, proxies=found, monotonic=time.monotonic)
    try:
        yield speaker
    finally:
        speaker._session.close()


OK = Answer(200, b'{"ok": true}')
LOST = Verdict("try-again", "connection_lost", may_hold=True)


def plain(found: Answer | Verdict) -> Answer | Verdict:
    """Return a verdict without its sentence."""
    return found._replace(message="") if isinstance(found, Verdict) else found


def test_through_a_proxy_by_a_tunnel(tmp_path: Path) -> None:
    with sandbox(tmp_path) as (dx, ca), Tunnel(dx.port) as tunnel:
        with connected(dx, ca, tunnel.url) as send:
            assert [send(CALL, 5), send(CALL, 5)] == [OK, OK]
        [head] = tunnel.heads
        assert head.startswith(f"CONNECT dx.example.test:{dx.port} HTTP/1.".encode())
        # The proxy sees neither the token nor the request.
        assert b"uthorization" not in head
        assert TOKEN.encode() not in head
        assert [each["authorization"] for each in dx.requests()] == ["valid", "valid"]


def test_a_proxy_that_asks_for_a_password_gets_its_own(tmp_path: Path) -> None:
    with sandbox(tmp_path) as (dx, ca), Tunnel(dx.port) as tunnel:
        with connected(dx, ca, tunnel.url.replace("//", "//user:pass%21@")) as send:
            assert send(CALL, 5) == OK
        assert b"Proxy-Authorization: Basic dXNlcjpwYXNzIQ==" in tunnel.heads[0]
        assert "proxy-authorization" not in dx.requests()[0]["headers"]
        assert dx.requests()[0]["authorization"] == "valid"


@pytest.mark.parametrize(
    ("fault", "verdict", "stored"),
    [
        (Fault(reset="after"), LOST, 1),
        (Fault(reset="before"), LOST, 0),
        (Fault(hang=0, commit=True), LOST, 1),
        (Fault(cut=True, commit=True), LOST, 1),
        (Fault(hang=60, commit=True), Verdict("try-again", "no_answer", may_hold=True), 1),
    ],
)
def test_what_went_through_a_tunnel_may_be_held(tmp_path: Path, fault: Fault, verdict: Verdict, stored: int) -> None:
    with sandbox(tmp_path) as (dx, ca), Tunnel(dx.port) as tunnel:
        for used_before in (False, True):
            dx.reset()
            with connected(dx, ca, tunnel.url) as send:
                if used_before:
                    assert send(CALL, 5) == OK
                    dx.reset()
                dx.script([fault])
                assert plain(send(CALL, 0.15 if fault.hang else 5)) == verdict
                until(lambda: len(dx.deployments()) == stored)
                assert send(CALL, 5) == OK


@pytest.mark.parametrize(
    ("answer", "cause"),
    [
        (b"HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n", "proxy_password"),
        (b"HTTP/1.1 403 Forbidden\r\n\r\n<html>::error::x</html>", "proxy_denied"),
        (b"HTTP/1.1 502 Bad Gateway\r\n\r\n", "proxy_failed"),
        (b"garbage\r\n\r\n", "proxy_broken"),
        (b"", "proxy_broken"),
    ],
)
def test_a_proxy_that_refuses(tmp_path: Path, answer: bytes, cause: str) -> None:
    with sandbox(tmp_path) as (dx, ca), Tunnel(dx.port, answer) as tunnel:
        with connected(dx, ca, tunnel.url.replace("//", "//user:proxy-password@")) as send:
            found = send(CALL, 5)
            assert plain(found) == Verdict("try-again", cause)
            assert "proxy-password" not in repr(found)
        assert dx.requests() == []


def test_a_proxy_that_is_not_there(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        url = f"http://127.0.0.1:{closed.getsockname()[1]}"
    with sandbox(tmp_path) as (dx, ca), connected(dx, ca, url) as send:
        assert plain(send(CALL, 5)) == Verdict("try-again", "proxy_refused")


def test_certificates_count_behind_a_proxy_too(tmp_path: Path) -> None:
    with sandbox(tmp_path, "a") as (dx, _), sandbox(tmp_path, "b") as (_, other_ca), Tunnel(dx.port) as tunnel:
        with connected(dx, other_ca, tunnel.url) as send:
            assert plain(send(CALL, 5)) == Verdict("refused", "certificate_untrusted")
        host = parse_host(f"https://elsewhere.test:{dx.port}")
        with connected(dx, tmp_path / "a.pem", tunnel.url, host) as send:
            assert plain(send(CALL, 5)) == Verdict("refused", "certificate_wrong_name")
        assert dx.requests() == []


@pytest.mark.parametrize("host", ["http://127.0.0.1", "http://localhost", "http://[::1]", "https://localhost"])
def test_this_very_machine_is_reached_without_a_proxy(tmp_path: Path, host: str) -> None:
    ca = tmp_path / "ca.pem"
    with Sandbox(
        token=TOKEN, tls=ca if host.startswith("https") else None, host="::1" if "::1" in host else "127.0.0.1"
    ) as dx:
        base = parse_host(f"{host}:{dx.port}")
        context = tls_context({}, ca.read_bytes())[0] if ca.exists() else None
        named = {"http": "http://127.0.0.1:9", "https": "http://127.0.0.1:9", "all": "http://127.0.0.1:9"}
        send = Dx(base, SecretStr(TOKEN), context=context, proxies=named, monotonic=time.monotonic)
        assert send(CALL, 5) == OK
        send._session.close()


class ReasonedError(Exception):
    """As urllib3 has it."""

    def __init__(self, reason: object) -> None:
        super().__init__("words")
        self.reason = reason


def test_it_is_found_as_a_reason_an_argument_and_a_context() -> None:
    inner = [OSError(name) for name in ("reason", "argument", "context")]
    outer = ReasonedError(inner[0])
    outer.args = ("words", inner[1])
    outer.__context__ = inner[2]
    found = list(exception_chain(outer))
    assert found[0] is outer
    assert {id(each) for each in found[1:]} == {id(each) for each in inner}


@pytest.mark.parametrize("cause", [None, OSError("cause")])
def test_what_came_before_is_no_part_where_a_cause_is_named(cause: OSError | None) -> None:
    outer = ValueError("later")
    outer.__context__, outer.__cause__ = OSError("handled before"), cause
    assert list(exception_chain(outer)) == [outer, *([cause] if cause else [])]


def test_it_is_found_however_deep() -> None:
    deep = OSError("deep")
    assert deep in list(exception_chain(ReasonedError(ValueError(RuntimeError(deep)))))


def test_a_circle_is_walked_once() -> None:
    first, second = ValueError("a"), ReasonedError("no exception")
    first.__context__, second.__context__ = second, first
    assert list(exception_chain(first)) == [first, second]
