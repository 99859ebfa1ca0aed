"""Where a model is asked, and with whose key: the general endpoint with the general key, or one of its own."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from llmcost.config import GENERAL_KEYS, GENERAL_URLS, EgressSettings, ModelSettings, api_key
from llmcost.endpoint.address import checked
from llmcost.endpoint.egress import Egress, egress, require_key_variable


@dataclass(frozen=True, slots=True, order=True)
class Route:
    """One endpoint, and the name of the variable that holds the key for it; "": it is asked without a key."""

    url: str
    variable: str

    def key(self) -> str | None:
        """The key. Raises ConfigError if its variable is not set, or is not one of a key."""
        if not self.variable:
            return None
        require_key_variable(self.variable, os.environ)
        return api_key(self.variable)

    def require(self, allowed: Egress) -> None:
        """Raises ConfigError if the endpoint may not be talked to, or not with this variable. Needs no key."""
        allowed.require(self.url)
        if self.variable:
            require_key_variable(self.variable, os.environ)


def route(settings: ModelSettings, base_url: str, api_key_env: str | None) -> Route:
    """Where a model is asked: at its own base URL with its own key, else at the general one (`base_url`).

    The general key is the general endpoint's alone. Sent to the endpoint that a model has of its own, it would tell
    another company the key.
    """
    general = checked(base_url)
    url = checked(settings.base_url) if settings.base_url else general
    if settings.api_key_env:
        return Route(url, settings.api_key_env)
    return Route(url, (api_key_env or _general_key(os.environ)) if url == general else "")


def _general_key(environ: Mapping[str, str]) -> str:
    return next((name for name in GENERAL_KEYS if environ.get(name)), "")


def permitted(settings: EgressSettings, allow_hosts: Sequence[str] | None, base_url: str | None) -> Egress:
    """What may be talked to; `allow_hosts` and `base_url` are what was said outside of the configuration."""
    urls = (base_url, *(os.environ.get(name) for name in GENERAL_URLS))
    return egress(settings.allow_hosts, allow_hosts, urls, os.environ)
