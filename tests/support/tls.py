"""A TLS server and a proxy on this machine, with certificates made here, which nobody trusts unless a test says so."""

from __future__ import annotations

import datetime
import ipaddress
import json
import select
import socket
import ssl
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

BEGIN = datetime.datetime(2020, 1, 1)
DAYS = datetime.timedelta(days=365 * 80)


def certificate(folder: Path, hosts: Sequence[str]) -> Path:
    """A file with a new key and a certificate of its own for these hosts: trusted where it is named."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "made by a test")])
    builder = x509.CertificateBuilder(
        issuer_name=name, subject_name=name, public_key=key.public_key(), serial_number=x509.random_serial_number(),
        not_valid_before=BEGIN, not_valid_after=BEGIN + DAYS,
    )  # fmt: skip
    made = (
        builder.add_extension(x509.SubjectAlternativeName(list(map(_name, hosts))), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    plain, pem = serialization.NoEncryption(), serialization.Encoding.PEM
    file = folder / f"{hosts[0]}.pem"
    file.write_bytes(made.public_bytes(pem) + key.private_bytes(pem, serialization.PrivateFormat.PKCS8, plain))
    return file


def _name(host: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(host))
    except ValueError:
        return x509.DNSName(host)


@dataclass
class Seen:
    """One request: its method and path, its headers, and its body."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes


@dataclass
class Server:
    """What runs at `port`, and everything that it was sent."""

    port: int
    seen: list[Seen] = field(default_factory=list)
    raw: bytearray = field(default_factory=bytearray)  # of a proxy: what came after the tunnel was open


Answer = Callable[[Seen], tuple[int, dict[str, str], bytes]]


def completion(_seen: Seen) -> tuple[int, dict[str, str], bytes]:
    """A chat completion."""
    choice: dict[str, Any] = {"index": 0, "message": {"role": "assistant", "content": "ok"}, "finish_reason": "stop"}
    body = {"id": "1", "object": "chat.completion", "model": "m", "choices": [choice]}
    return 200, {"content-type": "application/json"}, json.dumps(body).encode()


@contextmanager
def serve(answer: Answer = completion, pem: Path | None = None) -> Iterator[Server]:
    """An HTTP server at 127.0.0.1; over TLS with the certificate of this file."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            length = int(self.headers.get("content-length", 0))
            headers = {name.lower(): value for name, value in self.headers.items()}
            seen = Seen(self.command, self.path, headers, self.rfile.read(length))
            found.seen.append(seen)
            status, given, body = answer(seen)
            self.send_response(status)
            for name, value in {**given, "content-length": str(len(body))}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

        do_GET = do_POST  # noqa: N815  the name that http.server looks for

        def log_message(self, *_: object) -> None:
            pass

    with _running(ThreadingHTTPServer(("127.0.0.1", 0), Handler)) as server:
        if pem is not None:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(pem)
            server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
        found = Server(server.server_address[1])
        yield found


@contextmanager
def tunnel(port: int) -> Iterator[Server]:
    """A proxy at 127.0.0.1 whose every tunnel, wherever it is meant to lead, ends at this port of this machine."""

    class Handler(BaseHTTPRequestHandler):
        def do_CONNECT(self) -> None:
            headers = {name.lower(): value for name, value in self.headers.items()}
            found.seen.append(Seen(self.command, self.path, headers, b""))
            with socket.create_connection(("127.0.0.1", port)) as far:
                self.send_response(200)
                self.end_headers()
                _pipe(self.connection, far, found.raw)

        def do_POST(self) -> None:  # a proxy that is handed the request itself would read it
            found.seen.append(Seen(self.command, self.path, {}, b""))
            self.send_error(405)

        do_GET = do_POST  # noqa: N815  the name that http.server looks for

        def log_message(self, *_: object) -> None:
            pass

    with _running(ThreadingHTTPServer(("127.0.0.1", 0), Handler)) as server:
        found = Server(server.server_address[1])
        yield found


def _pipe(near: socket.socket, far: socket.socket, heard: bytearray) -> None:
    other = {near: far, far: near}
    while True:
        for ready in select.select([near, far], [], [], 5)[0]:
            data = ready.recv(65_536)
            if not data:
                return
            heard += data if ready is near else b""
            other[ready].sendall(data)


@contextmanager
def _running(server: ThreadingHTTPServer) -> Iterator[ThreadingHTTPServer]:
    server.daemon_threads = True
    server.handle_error = lambda *_: None  # type: ignore[method-assign]
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
