"""A TCP server that answers with the bytes it is told, broken ones too, and counts who connects."""

from __future__ import annotations

import socket
import ssl
import subprocess
import threading
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

MIB = 1024 * 1024
Answer = Callable[[bytes, socket.socket], None]


class RawServer:
    """Answers each connection to a free port of 127.0.0.1 and keeps what it was sent.

    With `tls` the answer goes out encrypted. `connections` counts those that were accepted, whatever came of them.
    """

    def __init__(self, answer: Answer, tls: ssl.SSLContext | None = None) -> None:
        self.requests: list[bytes] = []
        self.connections = 0
        self._answer = answer
        self._tls = tls
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self.url = f"http{'s' if tls else ''}://127.0.0.1:{self.port}"
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            self.connections += 1
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, plain: socket.socket) -> None:
        with plain, suppress(OSError):
            connection = self._tls.wrap_socket(plain, server_side=True) if self._tls else plain
            with connection:
                request = b""
                while (
                    b"\r\n\r\n" not in request and not request.startswith(b"\x16") and (piece := connection.recv(65536))
                ):
                    request += piece
                self.requests.append(request)
                self._answer(request, connection)

    def close(self) -> None:
        self._listener.close()


@contextmanager
def serving(answer: Answer | bytes, tls: ssl.SSLContext | None = None) -> Iterator[RawServer]:
    """A running server that says these bytes to everybody, or whatever the function writes."""
    say = (lambda _request, connection: connection.sendall(answer)) if isinstance(answer, bytes) else answer
    server = RawServer(say, tls)
    try:
        yield server
    finally:
        server.close()


def ok(body: bytes = b"<rss/>", *headers: str) -> bytes:
    """A whole answer of status 200."""
    lines = ["HTTP/1.1 200 OK", f"Content-Length: {len(body)}", *headers]
    return "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n" + body


def moved(to: str, status: int = 302) -> bytes:
    """A redirect; what is beyond ASCII in `to` goes out as UTF-8."""
    head = f"HTTP/1.1 {status} Moved\r\nLocation: {to}\r\nContent-Length: 0\r\n\r\n"
    return head.encode("utf-8")


def by_path(pages: dict[str, bytes]) -> Answer:
    """Each path with its own bytes."""

    def answer(request: bytes, connection: socket.socket) -> None:
        connection.sendall(pages[request.split(b" ")[1].decode()])

    return answer


def gzipped(size_mib: int) -> bytes:
    """Gzip of so many MiB of zeros, made by repeating one packed MiB; nobody gets as far as its wrong checksum."""
    packer = zlib.compressobj(9, zlib.DEFLATED, 31)
    first = packer.compress(bytes(MIB)) + packer.flush(zlib.Z_FULL_FLUSH)
    again = packer.compress(bytes(MIB)) + packer.flush(zlib.Z_FULL_FLUSH)
    return first + again * (size_mib - 1) + packer.flush()


def certificate(folder: Path) -> tuple[ssl.SSLContext, ssl.SSLContext]:
    """A server's TLS context for 127.0.0.1, and a client's that trusts it; made by the openssl command."""
    key, pem = folder / "key.pem", folder / "cert.pem"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
         "-days", "2", "-subj", "/CN=localhost", "-addext", "subjectAltName=IP:127.0.0.1,DNS:localhost",
         "-keyout", str(key), "-out", str(pem)],
        check=True,
        capture_output=True,
    )  # fmt: skip
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(pem, key)
    return server, ssl.create_default_context(cafile=str(pem))
