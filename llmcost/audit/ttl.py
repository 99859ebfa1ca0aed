"""How long an answer may be kept, as a person writes it."""

from __future__ import annotations

import re

from llmcost.errors import ConfigError

SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400}


def ttl_seconds(text: str, name: str = "cache_ttl") -> float:
    """Seconds of a duration such as "90s", "5m", "1h" or "7d"; raises ConfigError for anything else, by its name."""
    if (match := re.fullmatch(r"(\d+(?:\.\d+)?)\s*([smhd])", text.strip())) is None:
        raise ConfigError(f"{name} = {text!r} is no duration", 'write a number and s, m, h or d, such as "1h"')
    return float(match[1]) * SECONDS[match[2]]
