"""A public file over HTTPS → its bytes: what `llmcost prices update` needs."""

from __future__ import annotations

import httpx

from llmcost.endpoint import http
from llmcost.endpoint.address import address_of, checked, host_of, is_loopback, shown
from llmcost.endpoint.egress import ANYWHERE, Egress
from llmcost.endpoint.proxy import proxy_of
from llmcost.errors import ConfigError, EndpointError

MOST_REDIRECTS = 5
TIMEOUT_S = 60.0


def fetch(url: str, *, limit_bytes: int = 50_000_000, egress: Egress = ANYWHERE) -> bytes:
    """The file at the URL: https only (or this machine), redirects included, at most `limit_bytes` long.

    Raises EndpointError if it cannot be had whole, ConfigError if the address is not an encrypted one, or its host may
    not be talked to; the same holds for every address that it redirects to.
    """
    address = checked(url)
    for _ in range(MOST_REDIRECTS + 1):
        egress.require(address)
        try:
            answer = _get(address, limit_bytes)
            if isinstance(answer, bytes):
                return answer
            address = _next(address, answer)
        except (httpx.HTTPError, httpx.InvalidURL, OSError) as error:
            raise _failure(url, http.reason(error)) from error
    raise _failure(url, "too many redirects")


def _get(address: str, limit_bytes: int) -> bytes | str:
    """The body, or the address that the server redirects to. Nothing of one request goes with the next."""
    with _client(address) as client, client.stream("GET", _numbered(address)) as response:
        if response.is_redirect:
            return response.headers["location"]
        if response.status_code != httpx.codes.OK:
            raise _failure(address, f"status {response.status_code}")
        content = bytearray()
        for piece in response.iter_bytes():
            content += piece
            if len(content) > limit_bytes:
                raise _failure(address, f"larger than {limit_bytes:,} bytes")
    return bytes(content)


def _client(address: str) -> httpx.Client:
    return httpx.Client(
        timeout=TIMEOUT_S,
        verify=http.certificates(),
        proxy=proxy_of(address),
        headers={"user-agent": http.USER_AGENT},
        trust_env=False,
    )


def _numbered(address: str) -> httpx.URL:
    """The address with this machine's number in the place of its name, so that no name is looked up."""
    url = httpx.URL(address)
    named = is_loopback(address) and address_of(host_of(address)) is None
    return url.copy_with(host="127.0.0.1") if named else url


def _next(address: str, location: str) -> str:
    target = str(httpx.URL(address).join(location))
    if is_loopback(target) and not is_loopback(address):
        raise _failure(address, "it redirects to this machine")
    try:
        return checked(target)
    except ConfigError as error:
        raise _failure(address, "it redirects to an address that is not encrypted") from error


def _failure(url: str, why: str) -> EndpointError:
    return EndpointError(f"cannot download {shown(url)}: {why}", "check the connection, or try again later")
