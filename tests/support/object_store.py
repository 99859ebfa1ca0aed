"""A real S3 server (moto's) on 127.0.0.1, which tells what it was asked; and buckets of it to write to."""

from __future__ import annotations

import logging
import threading
import urllib.request
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from moto.server import DomainDispatcherApplication, create_backend_app
from werkzeug.serving import make_server

KEY_ID = "AKIAPLANTED0EXAMPLE0"
SECRET = "planted/secret+0123456789abcdefghijklmnop"
OWN = "AWS4-HMAC-SHA256 Credential=own/20261001/us-east-1/s3/aws4_request, SignedHeaders=host, Signature=none"
OPEN_TO_ALL = 10**9


@dataclass(frozen=True)
class Asked:
    """One request that the server saw."""

    method: str
    path: str
    range: tuple[int, int] | None
    signed: bool


class S3Server:
    """moto behind a small gate: `asked` lists the requests of others, `before` may act before one is answered."""

    def __init__(self) -> None:
        logging.getLogger("werkzeug").setLevel(logging.ERROR)
        self._moto = DomainDispatcherApplication(create_backend_app)
        self._http = make_server("127.0.0.1", 0, self._app, threaded=True)
        self._thread = threading.Thread(target=self._http.serve_forever, daemon=True)
        self._thread.start()
        self.url = f"http://127.0.0.1:{self._http.server_port}"
        self.asked: list[Asked] = []
        self._buckets: set[str] = set()
        self.before: Callable[[Asked], None] = _nothing

    def stop(self) -> None:
        self._http.shutdown()
        self._http.server_close()
        self._thread.join()

    def reset(self) -> None:
        """No buckets, open to all."""
        self.before = _nothing
        self.send("POST", "/moto-api/reset")
        self.let_unsigned_in(OPEN_TO_ALL)
        self.asked.clear()
        self._buckets.clear()

    def let_unsigned_in(self, count: int) -> None:
        """How many requests are let in without a check of their signature."""
        self.send("POST", "/moto-api/reset-auth", str(count).encode())

    def put(self, bucket: str, objects: dict[str, bytes]) -> None:
        """Objects of a bucket by key, public ones; the bucket is made if there is none."""
        if bucket not in self._buckets:
            self._buckets.add(bucket)
            self.send("PUT", f"/{bucket}")
        for key, content in objects.items():
            self.send("PUT", f"/{bucket}/{quote(key)}", content)

    def send(self, method: str, path: str, content: bytes | None = None) -> None:
        headers = {"Content-Type": "application/octet-stream", "Authorization": OWN, "x-amz-acl": "public-read"}
        request = urllib.request.Request(self.url + path, data=content, method=method, headers=headers)
        with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request) as response:
            response.read()

    def _app(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        if environ.get("HTTP_AUTHORIZATION") != OWN:
            self._note(environ)
        answer: Iterable[bytes] = self._moto(environ, start_response)
        return answer

    def _note(self, environ: dict[str, Any]) -> None:
        header = environ.get("HTTP_RANGE", "")
        first, _, last = header.removeprefix("bytes=").partition("-")
        asked = Asked(
            environ["REQUEST_METHOD"],
            environ["PATH_INFO"].encode("latin-1").decode(),
            (int(first), int(last)) if header else None,
            "HTTP_AUTHORIZATION" in environ,
        )
        self.asked.append(asked)
        self.before(asked)


def _nothing(_: Asked) -> None:
    pass
