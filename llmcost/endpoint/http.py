"""HTTP as it is spoken here: encrypted and verified, proxies of the environment honoured, no redirects."""

from __future__ import annotations

import asyncio
import zlib

import aiohttp
import httpx
from httpx_aiohttp import AiohttpTransport, HttpxAiohttpClient

from llmcost.endpoint.address import is_loopback
from llmcost.endpoint.secret import Secret

CONNECT_S = 15.0
LARGEST_REPLY = 64_000_000
FAILURES = (httpx.HTTPError, httpx.InvalidURL, aiohttp.ClientError, asyncio.TimeoutError, OSError)
UNCONNECTED = (aiohttp.ClientConnectorError, aiohttp.ClientProxyConnectionError, aiohttp.ConnectionTimeoutError)


class ReplyTooLarge(httpx.HTTPError):
    """The body passed `LARGEST_REPLY` bytes, as it came or as it was decompressed."""


class NotDecompressed(httpx.HTTPError):
    """The body is not compressed as it says, or in a way that nobody asked for."""


def open_client(base_url: str, key: Secret, timeout_s: float, connections: int) -> httpx.AsyncClient:
    """A client with a pool of `connections`. Its certificates honour SSL_CERT_FILE; this machine needs no proxy.

    The transport is aiohttp's: stock httpx costs four times the CPU a request, and so much at 256 in flight that the
    latencies it measures are its own.
    """
    limits = httpx.Limits(max_connections=connections, max_keepalive_connections=connections)
    timeout = httpx.Timeout(timeout_s, connect=min(CONNECT_S, timeout_s), pool=None)
    headers = {**key.header(), "content-type": "application/json", "user-agent": "llmcost"}
    headers["accept-encoding"] = "gzip, deflate"
    if is_loopback(base_url):
        transport = AiohttpTransport(verify=httpx.create_ssl_context(), limits=limits)
        return httpx.AsyncClient(transport=transport, timeout=timeout, headers=headers, trust_env=False)
    return HttpxAiohttpClient(limits=limits, timeout=timeout, headers=headers)


async def post(client: httpx.AsyncClient, url: str, content: bytes) -> tuple[httpx.Response, bytes]:
    """The response and its whole body; raises one of `FAILURES`."""
    async with client.stream("POST", url, content=content) as response:
        body = _Body(response.headers.get("content-encoding", ""))
        async for piece in response.aiter_raw():
            body.add(piece)
    return response, body.whole()


class _Body:
    """A body as it comes, decompressed piece by piece: what a bomb would become is never held.

    (httpx decompresses a piece at one go, whatever comes out of it.)
    """

    def __init__(self, encoding: str) -> None:
        self._encoding = encoding.strip().lower()
        if self._encoding not in ("", "identity", *WINDOWS):
            raise NotDecompressed("an encoding that nobody asked for")
        window = WINDOWS.get(self._encoding)
        self._inflate = None if window is None else zlib.decompressobj(window)
        self._content = bytearray()

    def add(self, piece: bytes) -> None:
        """Takes the next piece."""
        room = LARGEST_REPLY - len(self._content)
        self._content += piece if self._inflate is None else self._inflated(self._inflate, piece, room + 1)
        if len(self._content) > LARGEST_REPLY:
            raise ReplyTooLarge("the reply is too large")

    def _inflated(self, inflate: zlib._Decompress, piece: bytes, most: int) -> bytes:
        try:
            return inflate.decompress(piece, most)
        except zlib.error:
            if self._encoding != "deflate" or self._content:
                raise NotDecompressed("not compressed as it says") from None
        self._encoding, self._inflate = "", zlib.decompressobj(-zlib.MAX_WBITS)  # deflate without its header
        return self._inflated(self._inflate, piece, most)

    def whole(self) -> bytes:
        """All of it."""
        if self._inflate is not None and not self._inflate.eof:
            raise NotDecompressed("it ends too early")
        return bytes(self._content)


WINDOWS = {"gzip": 16 + zlib.MAX_WBITS, "x-gzip": 16 + zlib.MAX_WBITS, "deflate": zlib.MAX_WBITS}


def never_sent(error: BaseException) -> bool:
    """Whether no byte of the request can have reached the endpoint: refused, unknown name, bad certificate."""
    causes = (error, error.__cause__)
    return any(isinstance(cause, UNCONNECTED) for cause in causes) or isinstance(error, httpx.ConnectError)


def timed_out(error: BaseException) -> bool:
    """Whether nothing came in time, after the request was sent. (The transport calls every broken connection so.)"""
    return isinstance(_cause(error), TimeoutError) and not never_sent(error)


def reason(error: BaseException) -> str:
    """What went wrong with a connection, in a few words that hold nothing secret."""
    cause = _cause(error)
    system = getattr(cause, "os_error", None) or cause
    for kind, words in REASONS:
        if isinstance(cause, kind) or isinstance(system, kind):
            return words
    return "connection broken"


def _cause(error: BaseException) -> BaseException:
    """What the transport wraps; a timeout of our own is caused by nothing but itself."""
    return error if isinstance(error, TimeoutError) else error.__cause__ or error


REASONS: tuple[tuple[type[BaseException], str], ...] = (
    (aiohttp.ClientConnectorDNSError, "the host name is not known"),
    (aiohttp.ClientConnectorCertificateError, "its certificate is not valid here"),
    (aiohttp.ClientConnectorSSLError, "no TLS connection"),
    (aiohttp.ClientProxyConnectionError, "the proxy cannot be reached"),
    (ConnectionRefusedError, "connection refused"),
    (TimeoutError, "timed out"),
    (aiohttp.ServerDisconnectedError, "the server closed the connection"),
    (aiohttp.ClientPayloadError, "the reply broke off"),
    (aiohttp.ClientResponseError, "the reply is not HTTP"),
    (NotDecompressed, "the reply cannot be decompressed"),
    (ReplyTooLarge, "the reply is too large"),
    (ConnectionResetError, "the server closed the connection"),
)
