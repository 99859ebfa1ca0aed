"""Which addresses may be talked to, and how an address is named in a message."""

from __future__ import annotations

import ipaddress
from urllib.parse import SplitResult, urlsplit

from llmcost.errors import ConfigError


def checked(url: str) -> str:
    """The URL without its trailing slash, if a key and prompts may be sent there: https, or http to this machine.

    Raises ConfigError otherwise.
    """
    parts = _split(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ConfigError(f"{shown(url)} is not a URL of an endpoint", "give one such as https://api.openai.com/v1")
    if parts.username is not None or parts.password is not None or "?" in url or "#" in url:
        raise ConfigError(
            f"{shown(url)} is given with a user name, a password or a query, which can end up in logs",
            "give the plain address; a key belongs in the environment (LLMCOST_API_KEY)",
        )
    if parts.scheme == "http" and not is_loopback(url):
        raise ConfigError(
            f"{shown(url)} is not encrypted: the key and every prompt could be read on the way",
            "use https://; for a server in your own network, tunnel it to localhost (ssh -L)",
        )
    return url.rstrip("/")


def is_loopback(url: str) -> bool:
    """Whether the host of the URL is this machine, by its name or number alone: no name is looked up."""
    host = _split(url).hostname or ""
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def shown(url: str) -> str:
    """The URL as it may be printed: without user name, password and query, which can hold secrets."""
    try:
        parts = _split(url)
        port = f":{parts.port}" if parts.port else ""
    except ConfigError:
        return "the base URL"
    host = f"[{parts.hostname}]" if ":" in (parts.hostname or "") else parts.hostname or ""
    return f"{parts.scheme}://{host}{port}{parts.path}".rstrip("/") if parts.scheme else host + parts.path


def _split(url: str) -> SplitResult:
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError as error:
        raise ConfigError("the base URL cannot be read", "give one such as https://api.openai.com/v1") from error
    return parts
