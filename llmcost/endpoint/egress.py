"""Where anything may be sent: the hosts that are allowed, and the variables that may hold a key.

What a configuration says can come from somebody else, with a pull request. So it may narrow what is allowed, and in CI,
where nobody reads the estimate, it names no host by itself (`Egress.named`).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Self

from llmcost.endpoint.address import address_of, canonical, host_of, is_this_machine, port_of
from llmcost.errors import ConfigError

IN_CI = ("CI", "TF_BUILD", "JENKINS_URL", "TEAMCITY_VERSION", "CODEBUILD_BUILD_ID")
KEY_VARIABLES = "LLMCOST_KEY_VARIABLES"
OFF = frozenset({"", "0", "false", "no"})
# How the variables of endpoints' keys are called. AWS_SECRET_ACCESS_KEY, GITHUB_TOKEN and their like are none.
_KEY_NAME = re.compile(r"(\w+_)?API_?(KEY|TOKEN)(_\w+)?|(LLM|LLMCOST|LITELLM|VLLM)_(\w+_)?(KEY|TOKEN)", re.IGNORECASE)
OTHER_KEY_NAMES = frozenset(
    {"AWS_BEARER_TOKEN_BEDROCK", "AZURE_OPENAI_KEY", "DATABRICKS_TOKEN", "HF_TOKEN", "HUGGING_FACE_HUB_TOKEN"}
)


@dataclass(frozen=True, slots=True)
class HostRule:
    """One host, or with `below` all hosts below a domain; at one port, or at any."""

    host: str
    below: bool = False
    port: int | None = None

    @classmethod
    def read(cls, text: str) -> Self:
        """The rule of "api.example.com", "*.example.com", "host:8443" or "[::1]:8080". Raises ConfigError."""
        name, port = _apart(text.strip())
        below = name.startswith("*.")
        try:
            host = canonical(name.removeprefix("*.") if below else name)
        except ConfigError as error:
            raise ConfigError(f"{text.strip()!r} is no host that could be allowed: {error.message}", WRITE) from error
        if below and address_of(host) is not None:
            raise ConfigError(f"{text.strip()!r} is no host that could be allowed: nothing is below an address", WRITE)
        return cls(host, below, port)

    def fits(self, host: str, port: int) -> bool:
        """Whether the rule is of this host, in the form of `canonical`, at this port."""
        named = host.endswith("." + self.host) if self.below else host == self.host
        return named and self.port in (None, port)

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{'*.' if self.below else ''}{host}{'' if self.port is None else f':{self.port}'}"


WRITE = "write a host such as api.example.com, *.example.com or api.example.com:8443, without https:// and path"
Rules = tuple[HostRule, ...] | None


@dataclass(frozen=True, slots=True)
class Egress:
    """The hosts that may be talked to. This machine always may.

    allowed  those of --allow-host, else of [egress] allow_hosts; None: whichever the user names
    named    in CI, those that were named outside of the configuration; None: nobody asks who named a host
    """

    allowed: Rules = None
    named: Rules = None

    def require(self, url: str) -> None:
        """Raises ConfigError, before anything is sent, if the host of the URL may not be talked to."""
        self.require_host(host_of(url), port_of(url))

    def require_host(self, host: str, port: int) -> None:
        """The same of a host in the form of `canonical`."""
        if is_this_machine(host):
            return
        if not _any(self.allowed, host, port):
            only = ", ".join(map(str, self.allowed or ())) or "this machine"
            raise ConfigError(
                f"{host} may not be talked to: only {only} is allowed",
                f"nothing was sent; if it should be, add {host} to --allow-host, or else to [egress] allow_hosts",
            )
        if not _any(self.named, host, port):
            raise ConfigError(
                f"{host} is named by the configuration alone, which in CI anybody may have written",
                f"nothing was sent; if it should be, name it outside: --allow-host {host}, --base-url or "
                "LLMCOST_BASE_URL",
            )


ANYWHERE = Egress()


def egress(
    configured: Iterable[str] | None,
    flags: Iterable[str] | None = None,
    urls: Iterable[str | None] = (),
    environ: Mapping[str, str] | None = None,
) -> Egress:
    """What may be talked to.

    configured  [egress] allow_hosts     flags  --allow-host, which stands in its place
    urls        base URLs that were named outside of the configuration, which count in CI
    environ     the environment in which CI is looked for; None: it is not
    """
    wanted = configured if flags is None else flags
    allowed = None if wanted is None else tuple(map(HostRule.read, wanted))
    if environ is None or not in_ci(environ):
        return Egress(allowed)
    outside = tuple(HostRule(host_of(url), port=port_of(url)) for url in urls if url)
    return Egress(allowed, (*outside, *map(HostRule.read, flags or ())))


def in_ci(environ: Mapping[str, str]) -> bool:
    """Whether a build server runs this, and nobody reads what is said before it is done."""
    return any(environ.get(name, "").lower() not in OFF for name in IN_CI)


def require_key_variable(name: str, environ: Mapping[str, str]) -> None:
    """Raises ConfigError for a variable whose name is not that of a key for an endpoint.

    Otherwise a configuration from somebody else could have any secret of the environment sent to a host.
    """
    allowed = {part.strip() for part in environ.get(KEY_VARIABLES, "").split(",")} - {""}
    if not (_KEY_NAME.fullmatch(name) or name.upper() in OTHER_KEY_NAMES or name in allowed):
        raise ConfigError(
            f"api_key_env names {name}, which does not look like the key of a model's endpoint (…_API_KEY)",
            f"nothing was sent; if it is one: export {KEY_VARIABLES}={name}",
        )


def _any(rules: Rules, host: str, port: int) -> bool:
    return rules is None or any(rule.fits(host, port) for rule in rules)


def _apart(text: str) -> tuple[str, int | None]:
    """Host and port of "host:port"; an IPv6 address has its port behind brackets."""
    name, colon, port = text.rpartition(":")
    bare_v6 = text.count(":") > 1 and not text.startswith("[")
    if not colon or bare_v6 or text.endswith("]"):
        return text, None
    if not (port.isascii() and port.isdigit() and 0 < int(port) < 65_536):
        raise ConfigError(f"{text!r} is no host that could be allowed", WRITE)
    return name, int(port)
