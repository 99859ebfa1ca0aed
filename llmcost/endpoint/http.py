"""HTTP as it is spoken here: encrypted and verified, proxies of the environment honoured, no redirects."""

from __future__ import annotations

import asyncio

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
    """The body passed `LARGEST_REPLY` bytes."""


def open_client(base_url: str, key: Secret, timeout_s: float, connections: int) -> httpx.AsyncClient:
    """A client with a pool of `connections`. Its certificates honour SSL_CERT_FILE; this machine needs no proxy.

    The transport is aiohttp's: stock httpx costs four times the CPU a request, and so much at 256 in flight that the
    latencies it measures are its own.
    """
    limits = httpx.Limits(max_connections=connections, max_keepalive_connections=connections)
    timeout = httpx.Timeout(timeout_s, connect=min(CONNECT_S, timeout_s), pool=None)
    headers = {**key.header(), "content-type": "application/json", "user-agent": "llmcost"}
    if is_loopback(base_url):
        transport = AiohttpTransport(verify=httpx.create_ssl_context(), limits=limits)
        return httpx.AsyncClient(transport=transport, timeout=timeout, headers=headers, trust_env=False)
    return HttpxAiohttpClient(limits=limits, timeout=timeout, headers=headers)


async def post(client: httpx.AsyncClient, url: str, content: bytes) -> tuple[httpx.Response, bytes]:
    """The response and its whole body; raises one of `FAILURES`."""
    async with client.stream("POST", url, content=content) as response:
        pieces, size = [], 0
        async for piece in response.aiter_bytes():
            pieces.append(piece)
            size += len(piece)
            if size > LARGEST_REPLY:
                raise ReplyTooLarge("the reply is too large")
    return response, b"".join(pieces)


def never_sent(error: BaseException) -> bool:
    """Whether no byte of the request can have reached the endpoint: refused, unknown name, bad certificate."""
    causes = (error, error.__cause__)
    return any(isinstance(cause, UNCONNECTED) for cause in causes) or isinstance(error, httpx.ConnectError)


def reason(error: BaseException) -> str:
    """What went wrong with a connection, in a few words that hold nothing secret."""
    cause = error.__cause__ or error
    system = getattr(cause, "os_error", None) or cause
    for kind, words in REASONS:
        if isinstance(cause, kind) or isinstance(system, kind):
            return words
    return "connection broken"


REASONS: tuple[tuple[type[BaseException], str], ...] = (
    (aiohttp.ClientConnectorDNSError, "the host name is not known"),
    (aiohttp.ClientConnectorCertificateError, "its certificate is not valid here"),
    (aiohttp.ClientConnectorSSLError, "no TLS connection"),
    (aiohttp.ClientProxyConnectionError, "the proxy cannot be reached"),
    (ConnectionRefusedError, "connection refused"),
    (TimeoutError, "timed out"),
    (aiohttp.ServerDisconnectedError, "the server closed the connection"),
    (aiohttp.ClientPayloadError, "the reply broke off"),
    (httpx.DecodingError, "the reply cannot be decompressed"),
    (ReplyTooLarge, "the reply is too large"),
    (ConnectionResetError, "the server closed the connection"),
)
