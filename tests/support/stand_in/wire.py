"""Owns the sockets: HTTP/1.1 with connections kept, faults done to them, and an end that is quick and leaves nothing open."""

import contextlib
import json
import os
import socket
import socketserver
import struct
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from stand_in.app import App, Call
from stand_in.faults import Faults
from stand_in.routes import Answer

_PATIENCE = 2.0
_AT_ONCE = struct.pack("ii", 1, 0)


class Listener(ThreadingHTTPServer):
    """A threading HTTP server that knows its open connections."""

    daemon_threads = True
    block_on_close = False
    request_queue_size = 128

    def __init__(self, app: App, faults: Faults) -> None:
        self.app, self.faults = app, faults
        self.calls: list[Call] = []
        self.bugs: list[BaseException | None] = []
        self.latency = 0.0
        self.stopping = threading.Event()
        self._changed = threading.Condition()
        self._connections: set[Any] = set()
        super().__init__(("127.0.0.1", 0), Handler)

    def server_bind(self) -> None:
        """Bind without asking a resolver for the machine's name."""
        socketserver.TCPServer.server_bind(self)
        self.server_name, self.server_port = "127.0.0.1", self.server_address[1]

    def stop(self) -> None:
        """End every wait and every connection."""
        self.stopping.set()
        self.shutdown()
        self.server_close()
        with self._changed:
            for connection in self._connections:
                with contextlib.suppress(OSError):
                    connection.shutdown(socket.SHUT_RDWR)
            self._changed.wait_for(lambda: not self._connections, _PATIENCE)

    def process_request(self, request: Any, client_address: Any) -> None:
        """Remember the connection, then serve it in a thread."""
        with self._changed:
            self._connections.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        """Close the connection and forget it."""
        super().shutdown_request(request)
        with self._changed:
            self._connections.discard(request)
            self._changed.notify_all()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that went away is no news; anything else is a bug of the stand-in's, told when it stops."""
        error = sys.exception()
        if not isinstance(error, OSError):
            self.bugs.append(error)


class Handler(BaseHTTPRequestHandler):
    """One connection."""

    server: Listener
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def log_message(self, *_args: Any) -> None:
        """Say nothing; the server keeps the calls."""

    def answer(self) -> None:
        """Read one request whole, and answer it or misbehave."""
        length = int(self.headers.get("Content-Length") or 0)
        body = self.rfile.read(length)
        if len(body) < length:
            self.close_connection = True
            return
        headers = {name.lower(): value for name, value in self.headers.items()}
        call = self.server.app.arrived(self.command, self.path, headers)
        if call.path == "/graphql":
            with contextlib.suppress(ValueError, AttributeError):
                asked = json.loads(body)
                call.graphql, call.variables = asked.get("query"), asked.get("variables") or {}
        self.server.calls.append(call)
        fault = self.server.faults.take(self.command, call.path)
        delay = self.server.latency + (fault.delay if fault else 0)
        if delay and self._waited(delay):
            return
        if fault is None or not fault.harmful:
            served = self.server.app.serve(call, headers, body)
            if fault and fault.edit:
                served.json = fault.edit(served.json) or served.json
                served.headers |= fault.headers
            self._send(call, served)
            return
        if fault.hang or fault.reset:
            self.close_connection = True
            if fault.reset or not self._waited(fault.hang):
                self._abort()
            return
        if fault.cut:
            self._send(call, self.server.app.serve(call, headers, body), cut=True)
            return
        self._send(call, self.server.app.misbehave(fault, call))

    # The names that http.server looks for.
    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = answer  # noqa: N815

    def _send(self, call: Call, answer: Answer, *, cut: bool = False) -> None:
        call.status = answer.status
        body = json.dumps(answer.json).encode() if answer.raw is None else answer.raw
        self.close_connection = self.close_connection or cut
        headers = {"Server": "stand-in", "Content-Type": answer.content_type, "Content-Length": str(len(body))}
        headers |= answer.headers | ({"Connection": "close"} if self.close_connection else {})
        lines = [f"HTTP/1.1 {answer.status} ", *(f"{name}: {value}" for name, value in headers.items()), "", ""]
        self.wfile.write("\r\n".join(lines).encode("latin-1") + (body[: len(body) // 2] if cut else body))

    def _waited(self, seconds: float) -> bool:
        """Wait; true where the server stops meanwhile, and the connection with it."""
        stopped = self.server.stopping.wait(seconds)
        self.close_connection = self.close_connection or stopped
        return stopped

    def _abort(self) -> None:
        """Reset the connection: no farewell, and what is in flight is lost."""
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _AT_ONCE)
        os.close(self.connection.detach())
