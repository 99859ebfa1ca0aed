"""Which addresses may be talked to, and how an address is named in a message."""

from __future__ import annotations

import ipaddress
import re
from functools import lru_cache
from typing import NoReturn
from urllib.parse import SplitResult, urlsplit

from llmcost.endpoint.secret import MASK, without_keys
from llmcost.errors import ConfigError

EXAMPLE = "give one such as https://api.openai.com/v1"
LOOPBACK_NAME = "localhost"
USUAL_PORTS = {"http": 80, "https": 443}
_LABEL = re.compile(r"[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?")
_NUMBER = re.compile(r"(0x[0-9a-f]*|[0-9]+)")
# A part of a path that is no word: a key that somebody put there, as some gateways want it.
_TOKEN = re.compile(r"(?=\w*\d)(?=\w*[A-Za-z])\w{16,}|[0-9a-f]{8}-([0-9a-f]{4}-){3}[0-9a-f]{12}", re.ASCII)

Address = ipaddress.IPv4Address | ipaddress.IPv6Address


@lru_cache(maxsize=256)
def checked(url: str) -> str:
    """The URL as it is connected to, if a key and prompts may be sent there: https, or http to this machine.

    Its host is in the one form that `host_of` gives, and there is no slash at its end. Raises ConfigError otherwise.
    """
    parts = _split(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ConfigError(f"{shown(url)} is not a URL of an endpoint", EXAMPLE)
    if parts.username is not None or parts.password is not None or "?" in url or "#" in url:
        raise ConfigError(
            f"{shown(url)} is given with a user name, a password or a query, which can end up in logs",
            "give the plain address; a key belongs in the environment (LLMCOST_API_KEY)",
        )
    where = host_and_port(url)
    if parts.scheme == "http" and not is_loopback(url):
        raise ConfigError(
            f"{shown(url)} is not encrypted: the key and every prompt could be read on the way",
            "use https://; for a server in your own network, tunnel it to localhost (ssh -L)",
        )
    return f"{parts.scheme}://{where}{parts.path}".rstrip("/")


def host_of(url: str) -> str:
    """The host of a URL in the one form in which hosts are compared (see `canonical`). Raises ConfigError without."""
    return canonical(_split(url).hostname or "")


def host_and_port(url: str) -> str:
    """The host as in a URL, and the port if it names one: api.openai.com, [::1]:8080."""
    host, port = host_of(url), _split(url).port
    return f"{f'[{host}]' if ':' in host else host}{'' if port is None else f':{port}'}"


def port_of(url: str) -> int:
    """The port of a URL, or the usual one of its scheme."""
    parts = _split(url)
    return parts.port or USUAL_PORTS.get(parts.scheme, 443)


def canonical(host: str) -> str:
    """A host's name in small letters, as in the DNS (xn--…) and without a dot at its end; an address in its one form.

    Raises ConfigError for what is neither: a number that only some programs take for an address (127.1, 0x7f.1), a
    name with anything but letters, digits, hyphens and dots.
    """
    name = _in_ascii(host.strip().strip("[]")).lower().removesuffix(".")
    labels = name.split(".")
    try:
        address = ipaddress.ip_address(name)
    except ValueError:
        if _NUMBER.fullmatch(labels[-1]) or len(name) > 253 or not all(map(_LABEL.fullmatch, labels)):
            _no_host(host)
        return name
    if "%" in name:
        _no_host(host)
    return str(getattr(address, "ipv4_mapped", None) or address)


def is_loopback(url: str) -> bool:
    """Whether the host of the URL is this machine, by its name or number alone: no name is looked up.

    The names are then not looked up either (see `http`): nobody's DNS says that localhost is elsewhere.
    """
    try:
        return is_this_machine(host_of(url))
    except ConfigError:
        return False


def is_this_machine(host: str) -> bool:
    """The same of a host in the form of `canonical`."""
    address = address_of(host)
    if address is None:
        return host == LOOPBACK_NAME or host.endswith("." + LOOPBACK_NAME)
    return address.is_loopback


def address_of(host: str) -> Address | None:
    """The number that a host, in the form of `canonical`, is given as; None for a name."""
    try:
        return ipaddress.ip_address(host)
    except ValueError:
        return None


def shown(url: str) -> str:
    """The URL as it may be printed: without user name, password and query, and with *** for keys in its path."""
    try:
        parts = _split(url)
        port = f":{parts.port}" if parts.port else ""
    except ConfigError:
        return "the base URL"
    host = f"[{parts.hostname}]" if ":" in (parts.hostname or "") else parts.hostname or ""
    path = masked(parts.path)
    return f"{parts.scheme}://{host}{port}{path}".rstrip("/") if parts.scheme else host + path


def masked(path: str) -> str:
    """A path with *** for what looks like a key."""
    return _TOKEN.sub(MASK, without_keys(path))


def _split(url: str) -> SplitResult:
    """The parts of a URL. ConfigError for one that another program could take apart in another way."""
    try:
        parts = urlsplit(url)
        if parts.port == 0:
            raise ValueError("no port")
    except ValueError as error:
        raise ConfigError("the base URL cannot be read", EXAMPLE) from error
    if "\\" in url or not url.isprintable() or any(map(str.isspace, url)):
        raise ConfigError("the base URL holds a space, a backslash or a control character", EXAMPLE)
    return parts


def _in_ascii(host: str) -> str:
    """The name as it stands in the DNS. As the HTTP client spells it: two ways to spell a name are two hosts."""
    if host.isascii():
        return host
    import httpx  # most names are ASCII and need no client

    try:
        return httpx.URL(scheme="https", host=host).raw_host.decode("ascii")
    except (httpx.InvalidURL, ValueError):
        _no_host(host)


def _no_host(host: str) -> NoReturn:
    raise ConfigError(
        f"{without_keys(host) or 'nothing'} is no host's name and no address in its usual form",
        "write a name such as api.openai.com, or an address such as 127.0.0.1 or [::1]",
    )
