"""The proxy of the environment: HTTPS_PROXY or ALL_PROXY, but for what NO_PROXY names and for this machine.

Requests to elsewhere are encrypted, so a proxy is asked for a tunnel: it sees the name of the host, and no more.
"""

from __future__ import annotations

from base64 import b64encode
from urllib.request import getproxies, proxy_bypass

import httpx

from llmcost.endpoint.address import host_and_port, host_of, is_loopback
from llmcost.errors import ConfigError

USABLE = ("http", "https")


def proxy_of(url: str) -> httpx.Proxy | None:
    """Who is asked for a tunnel to the host of this URL; None: nobody. ConfigError for what is no HTTP proxy.

    The error does not repeat it: a proxy's address can hold a password.
    """
    if is_loopback(url):
        return None
    by_scheme = getproxies()
    address = by_scheme.get("https") or by_scheme.get("all")
    if not address or proxy_bypass(host_and_port(url)) or proxy_bypass(host_of(url)):
        return None
    try:
        named = httpx.URL(address if "://" in address else f"http://{address}")
        plain = named.copy_with(username=None, password=None)
        host_of(str(plain))
    except (httpx.InvalidURL, ValueError, ConfigError):
        raise _unusable("cannot be read") from None
    if plain.scheme not in USABLE:
        raise _unusable(f"is one of {plain.scheme}://, which is not spoken here")
    return httpx.Proxy(plain, headers=_authorization(named))


def proxy_shown(url: str) -> str | None:
    """The proxy's host and port, without user and password; None without a proxy."""
    proxy = proxy_of(url)
    return None if proxy is None else host_and_port(str(proxy.url))


def _authorization(url: httpx.URL) -> dict[str, str]:
    """The header that says who asks; the proxy reads it, the endpoint does not."""
    if not (url.username or url.password):
        return {}
    return {"proxy-authorization": f"Basic {b64encode(f'{url.username}:{url.password}'.encode()).decode()}"}


def _unusable(why: str) -> ConfigError:
    return ConfigError(
        f"the proxy that the environment names (HTTPS_PROXY, ALL_PROXY) {why}",
        "write http://host:port, or name the endpoint's host in NO_PROXY",
    )
