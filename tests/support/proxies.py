"""Proxies on loopback."""

import re
import socket
from contextlib import suppress
from threading import Thread
from typing import Self


class Tunnel:
    """A proxy on loopback that knows where every host is: at one port of this machine. `answer` is its own to a CONNECT.

    A request without a CONNECT is handed on, with its path alone.
    """

    def __init__(self, port: int, answer: bytes = b"HTTP/1.1 200 Connection established\r\n\r\n") -> None:
        self.heads: list[bytes] = []
        self._clients: list[socket.socket] = []
        self._port, self._answer = port, answer
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listening.getsockname()[1]}"
        self._threads = [Thread(target=self._serve)]
        self._threads[0].start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        with suppress(OSError):
            self._listening.shutdown(socket.SHUT_RDWR)
        self._listening.close()
        # A connection that is kept for later is open still.
        for client in self._clients:
            with suppress(OSError):
                client.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join(5)
            assert not thread.is_alive()

    def _serve(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._listening.accept()
                self._clients.append(client)
                self._threads.append(Thread(target=self._tunnel, args=(client,)))
                self._threads[-1].start()

    def _tunnel(self, client: socket.socket) -> None:
        with client, suppress(OSError):
            client.settimeout(5)
            head = b""
            while b"\r\n\r\n" not in head:
                if not (more := client.recv(4096)):
                    return
                head += more
            self.heads.append(head)
            tunnels = head.startswith(b"CONNECT ")
            if tunnels:
                client.sendall(self._answer)
                if b" 200 " not in self._answer:
                    return
            with socket.create_connection(("127.0.0.1", self._port), 5) as server:
                if not tunnels:
                    server.sendall(re.sub(rb" http://[^/ ]+", b" ", head, count=1))
                back = Thread(target=pump, args=(server, client))
                back.start()
                pump(client, server)
                back.join(5)


def pump(source: socket.socket, sink: socket.socket) -> None:
    with suppress(OSError):
        while piece := source.recv(1 << 16):
            sink.sendall(piece)
    for each in (source, sink):
        with suppress(OSError):
            each.shutdown(socket.SHUT_RDWR)
