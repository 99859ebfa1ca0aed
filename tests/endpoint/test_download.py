"""A price file is had whole over an encrypted connection, or not at all."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from llmcost.endpoint import fetch
from llmcost.errors import ConfigError, EndpointError


class Files(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        status, location, body = {
            "/prices": (200, "", b"{}" * 1000),
            "/moved": (302, "/prices", b""),
            "/loop": (302, "/loop", b""),
            "/away": (302, "http://example.com/prices", b""),
        }.get(self.path, (404, "", b"no"))
        self.send_response(status)
        if location:
            self.send_header("location", location)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


@contextmanager
def files() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Files) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}"
        finally:
            server.shutdown()
            thread.join()


def test_the_whole_file_through_a_redirect() -> None:
    with files() as url:
        assert fetch(f"{url}/prices") == fetch(f"{url}/moved") == b"{}" * 1000


@pytest.mark.parametrize(
    ("path", "words"),
    [("/gone", "status 404"), ("/loop", "too many redirects"), ("/away", "not encrypted"), ("/prices", "larger than")],
)
def test_what_cannot_be_had(path: str, words: str) -> None:
    with files() as url, pytest.raises(EndpointError, match=words):
        fetch(url + path, limit_bytes=100)


def test_nobody_there() -> None:
    with pytest.raises(EndpointError, match="cannot download"):
        fetch("http://127.0.0.1:9/prices")


def test_only_encrypted() -> None:
    with pytest.raises(ConfigError):
        fetch("http://example.com/prices")
