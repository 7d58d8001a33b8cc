"""The listening socket, its connections, and how they end.

Every socket is followed from accept to close, so that stopping is quick and leaves nothing open.
"""

import contextlib
import socket
import socketserver
import ssl
import struct
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from dx_action.sandbox.faults import Script
from dx_action.sandbox.journal import Journal
from dx_action.sandbox.store import Store

_PATIENCE = 2.0
_LINGER_NOT_AT_ALL = struct.pack("ii", 1, 0)


class Listener(ThreadingHTTPServer):
    """A threading HTTP server with a list of its open connections."""

    daemon_threads = True
    request_queue_size = 128

    def __init__(
        self,
        address: tuple[str, int],
        handler: type[BaseHTTPRequestHandler],
        *,
        store: Store,
        script: Script,
        journal: Journal,
        latency: float,
        tls: ssl.SSLContext | None,
    ) -> None:
        self.store = store
        self.script = script
        self.journal = journal
        self.latency = latency
        self.stopping = threading.Event()
        self._changed = threading.Condition()
        self._connections: set[Any] = set()
        if ":" in address[0]:
            self.address_family = socket.AF_INET6
        super().__init__(address, handler)
        if tls is not None:
            # The handshake is left to the connection's own thread: a silent client must not hold up the others.
            self.socket = tls.wrap_socket(self.socket, server_side=True, do_handshake_on_connect=False)

    def server_bind(self) -> None:
        """Bind without asking the resolver for a name, as HTTPServer would."""
        socketserver.TCPServer.server_bind(self)
        self.server_name, self.server_port = str(self.server_address[0]), self.server_address[1]

    def stop(self) -> None:
        """End every wait and every connection; call it once, while serve_forever runs."""
        self.stopping.set()
        self.shutdown()
        self.server_close()
        with self._changed:
            for connection in self._connections:
                with contextlib.suppress(OSError):
                    socket.socket.shutdown(connection, socket.SHUT_RDWR)
            self._changed.wait_for(lambda: not self._connections, _PATIENCE)

    def abort(self, connection: socket.socket) -> None:
        """Close with a TCP reset: no farewell, and what is in flight is lost."""
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _LINGER_NOT_AT_ALL)
        # Detached first, since a plain close waits for the handler's files on the same socket.
        socket.close(connection.detach())

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
        """Ignore a client that went away, and report anything else."""
        if not isinstance(sys.exception(), OSError):
            super().handle_error(request, client_address)
