"""HTTP as it is spoken here: encrypted and verified, proxies of the environment honoured, no redirects, no cookies."""

from __future__ import annotations

import asyncio
import socket
import ssl
import zlib
from http.cookiejar import CookieJar, DefaultCookiePolicy
from typing import Any

import aiohttp
import httpx
from aiohttp.abc import AbstractResolver, ResolveResult
from httpx_aiohttp import AiohttpTransport

from llmcost.endpoint.address import is_loopback
from llmcost.endpoint.proxy import proxy_of
from llmcost.endpoint.secret import Secret
from llmcost.errors import ConfigError

USER_AGENT = "llmcost"
CONNECT_S = 15.0
KEPT_S = 5.0  # an idle connection is kept
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
    timeout = httpx.Timeout(timeout_s, connect=min(CONNECT_S, timeout_s), pool=None)
    headers = {**key.header(), "content-type": "application/json", "user-agent": USER_AGENT}
    headers["accept-encoding"] = "gzip, deflate"
    verified = certificates()

    def session() -> aiohttp.ClientSession:
        resolver = ThisMachine() if is_loopback(base_url) else None
        connector = OneReplyEach(limit=connections, keepalive_timeout=KEPT_S, ssl=verified, resolver=resolver)
        return aiohttp.ClientSession(connector=connector, cookie_jar=aiohttp.DummyCookieJar(), trust_env=False)

    transport = AiohttpTransport(verify=verified, client=session, proxy=proxy_of(base_url))
    return httpx.AsyncClient(
        transport=transport, timeout=timeout, headers=headers, cookies=no_cookies(), trust_env=False
    )


def certificates() -> ssl.SSLContext:
    """What a server's certificate is held against: SSL_CERT_FILE, SSL_CERT_DIR, else certifi's. Nothing skips it."""
    try:
        return httpx.create_ssl_context()
    except OSError as error:
        raise ConfigError(
            "the certificates that SSL_CERT_FILE or SSL_CERT_DIR names cannot be read",
            "name a file of certificates in PEM, or unset it",
        ) from error


def no_cookies() -> CookieJar:
    """A jar that takes nothing."""
    return CookieJar(DefaultCookiePolicy(allowed_domains=()))


class OneReplyEach(aiohttp.TCPConnector):
    """Connections that are not used again once something came on them that nobody had asked for.

    A proxy that answers twice would have its second reply taken for the answer to the next question.
    """

    async def _get(self, key: Any, traces: Any) -> Any:
        for connection, _ in getattr(self, "_conns", {}).get(key, ()):
            if connection.should_close:
                connection.close()
        return await super()._get(key, traces)


class ThisMachine(AbstractResolver):
    """The addresses of localhost, without asking anybody: a DNS that says otherwise would be sent the prompts."""

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        """127.0.0.1 and ::1, whatever the name."""
        return [
            ResolveResult(hostname=host, host=address, port=port, family=kind, proto=0, flags=socket.AI_NUMERICHOST)
            for address, kind in (("127.0.0.1", socket.AF_INET), ("::1", socket.AF_INET6))
            if family in (socket.AF_UNSPEC, kind)
        ]

    async def close(self) -> None:
        """Nothing was opened."""


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
    """What the transport wraps; a timeout of our own, and what it lets through, say what they are."""
    return error if isinstance(error, TimeoutError | aiohttp.ClientError) else error.__cause__ or error


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
    (aiohttp.ClientConnectorError, "it cannot be reached"),
    (aiohttp.ClientOSError, "the server closed the connection"),
)
