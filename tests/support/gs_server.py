"""The part of Google Cloud Storage's JSON API that reading needs, over a folder of buckets, in a process of its own.

(In this process it could not answer: pyarrow asks for an object's metadata without letting other threads run.)
"""

from __future__ import annotations

import contextlib
import http.server
import json
import re
import subprocess
import sys
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

OBJECT = re.compile(r"/storage/v1/b/(?P<bucket>[^/]+)(?P<listing>/o)?(/(?P<key>.+))?")


@contextlib.contextmanager
def gs_server(buckets: Path) -> Iterator[str]:
    """host:port of a server of this folder, whose folders are the buckets."""
    command = [sys.executable, __file__, str(buckets)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        try:
            yield f"127.0.0.1:{server.stdout.readline().strip()}"
        finally:
            server.terminate()


class _Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    buckets = Path()

    def log_message(self, *_: Any) -> None:
        pass

    def do_GET(self) -> None:
        place = urlsplit(self.path)
        query = parse_qs(place.query)
        wanted = OBJECT.fullmatch(place.path)
        bucket = self.buckets / wanted["bucket"] if wanted else None
        if wanted is None or bucket is None or not bucket.is_dir():
            self._reply(404, {"error": {"code": 404, "message": "no such bucket"}})
        elif wanted["key"]:
            self._object(bucket, unquote(wanted["key"]), media="alt" in query)
        elif wanted["listing"]:
            prefix = query.get("prefix", [""])[0]
            keys = sorted(str(file.relative_to(bucket)) for file in bucket.rglob("*") if file.is_file())
            self._reply(200, {"items": [_facts(bucket, key) for key in keys if key.startswith(prefix)]})
        else:
            self._reply(200, {"name": bucket.name, "id": bucket.name})

    def _object(self, bucket: Path, key: str, *, media: bool) -> None:
        if not (bucket / key).is_file():
            self._reply(404, {"error": {"code": 404, "message": "no such object"}})
        elif not media:
            self._reply(200, _facts(bucket, key))
        else:
            content = (bucket / key).read_bytes()
            first, _, last = self.headers.get("Range", "bytes=0-").removeprefix("bytes=").partition("-")
            end = min(int(last or len(content)), len(content) - 1)
            self._send(206, content[int(first) : end + 1], f"bytes {first}-{end}/{len(content)}")

    def _reply(self, status: int, body: dict[str, Any]) -> None:
        self._send(status, json.dumps(body).encode())

    def _send(self, status: int, content: bytes, content_range: str = "") -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(content)))
        if content_range:
            self.send_header("Content-Range", content_range)
        self.end_headers()
        self.wfile.write(content)


def _facts(bucket: Path, key: str) -> dict[str, Any]:
    content = (bucket / key).read_bytes()
    when = "2026-10-01T00:00:00.000Z"
    return {
        "name": key,
        "bucket": bucket.name,
        "id": f"{bucket.name}/{key}",
        "size": str(len(content)),
        "generation": "1",
        "metageneration": "1",
        "etag": sha256(content).hexdigest(),
        "updated": when,
        "timeCreated": when,
    }


if __name__ == "__main__":
    _Handler.buckets = Path(sys.argv[1])
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Handler) as running:
        print(running.server_port, flush=True)
        running.serve_forever()
