"""One connection's HTTP: requests in, answers and misdeeds out.

Only the bytes on the wire are its business: the store judges a request, and the script says how to misbehave.
"""

import json
import re
from http.server import BaseHTTPRequestHandler
from typing import Any
from urllib.parse import urlsplit

from dx_action.sandbox.control import control
from dx_action.sandbox.faults import Fault, phrase
from dx_action.sandbox.listener import Listener

_API = "/api/"
_JSON = "application/json"
_BEARER = re.compile(r"^\s*bearer(\s+|$)", re.IGNORECASE)
_LENGTH = re.compile(r"[0-9]{1,8}", re.ASCII)
_BODILESS = (204, 304)


class Handler(BaseHTTPRequestHandler):
    """Serves DX's methods under /api/ and the stand-in's own routes under /sandbox/."""

    server: Listener
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    _entry: dict[str, Any] | None = None

    def log_message(self, *_args: Any) -> None:
        """Log nothing: /sandbox/requests lists what arrived, without tokens."""

    def serve(self) -> None:
        """Read one request whole, then answer it or do what the script says."""
        self._entry = None
        body = self._read()
        if body is None:
            return
        path = self._path()
        if path.startswith("/sandbox/"):
            self._say(*control(self.server, self.command, path, body))
            return
        token = self._token()
        authorization = self.server.store.authorization(token)
        self._entry = self.server.journal.arrived(self.command, self.path, self.headers.items(), authorization, body)
        if not path.startswith(_API):
            self._say(404, {"ok": False, "error": "not_found", "message": "The methods are under /api/."})
        elif self.command != "POST":
            self._say(405, {"ok": False, "error": "method_not_allowed", "message": "Every method is a POST."})
        else:
            self._call(path.removeprefix(_API), token, body)

    # The names that http.server looks for.
    do_GET = do_HEAD = do_POST = serve  # noqa: N815
    do_PUT = do_PATCH = do_DELETE = do_OPTIONS = serve  # noqa: N815

    def _call(self, method: str, token: str | None, body: bytes) -> None:
        fault = self.server.script.take(method)
        delay = self.server.latency + ((fault and fault.latency) or 0)
        if delay and self._interrupted(delay):
            return
        if fault is None or fault.kind in (None, "trickle"):
            self._say(*self.server.store.handle(method, token, body), pause=fault.trickle if fault else None)
            return
        if fault.commit or fault.reset == "after":
            self.server.store.handle(method, token, body)
        self._misbehave(fault)

    def _misbehave(self, fault: Fault) -> None:
        match fault.kind:
            case "status":
                extra = {} if fault.retry_after is None else {"Retry-After": str(fault.retry_after)}
                self._send(fault.status or 0, *fault.answer(), extra=extra)
            case "redirect":
                self._send(302, _JSON, b"", extra={"Location": fault.redirect or ""})
            case "ok":
                self._say(200, {"ok": fault.ok})
            case "cut":
                whole = json.dumps({"ok": True}).encode()
                self._send(200, _JSON, whole[: len(whole) // 2], length=len(whole))
                self.close_connection = True
            case "hang":
                self._interrupted(fault.hang or 0)
                self.close_connection = True
            case "reset":
                self.close_connection = True
                self.server.abort(self.connection)

    def _say(self, status: int, answer: Any, *, pause: float | None = None) -> None:
        body = json.dumps(answer).encode()
        if pause is None:
            self._send(status, _JSON, body)
            return
        self._send(status, _JSON, b"", length=len(body))
        for index in range(len(body)):
            if self._interrupted(pause):
                return
            self.wfile.write(body[index : index + 1])

    def _send(
        self,
        status: int,
        content_type: str,
        body: bytes,
        *,
        length: int | None = None,
        extra: dict[str, str] | None = None,
    ) -> None:
        if self._entry is not None:
            self.server.journal.answered(self._entry, status)
        headers = {"Server": "dx-sandbox", "Content-Type": content_type} | (extra or {})
        if status in _BODILESS:
            body = b""
        else:
            headers["Content-Length"] = str(len(body) if length is None else length)
        if self.close_connection:
            headers["Connection"] = "close"
        lines = [f"HTTP/1.1 {status} {phrase(status)}", *(f"{name}: {value}" for name, value in headers.items())]
        head = "".join(f"{line}\r\n" for line in lines).encode("latin-1") + b"\r\n"
        # In one write, so that a client never waits for the second half of a small answer.
        self.wfile.write(head if self.command == "HEAD" else head + body)

    def _interrupted(self, seconds: float) -> bool:
        """Wait, and return whether the server stopped meanwhile, which ends the connection."""
        stopped = self.server.stopping.wait(seconds)
        self.close_connection = self.close_connection or stopped
        return stopped

    def _read(self) -> bytes | None:
        length = self.headers.get("Content-Length", "0")
        if "Transfer-Encoding" in self.headers or not _LENGTH.fullmatch(length):
            self.close_connection = True
            message = "A Content-Length of at most eight digits is needed."
            self._say(411, {"ok": False, "error": "length_required", "message": message})
            return None
        body = self.rfile.read(int(length))
        if len(body) < int(length):
            self.close_connection = True
            return None
        return body

    def _path(self) -> str:
        try:
            return urlsplit(self.path).path
        except ValueError:
            return self.path

    def _token(self) -> str | None:
        # Another scheme than Bearer is a wrong token rather than none.
        return _BEARER.sub("", self.headers.get("Authorization", "")).strip() or None
