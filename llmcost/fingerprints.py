"""128-bit fingerprints: of what shapes an answer, and of who asked."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import msgspec
import xxhash

# What does not shape the answer: the model is compared across, the rest is bookkeeping or transport.
NOT_SHAPING = frozenset(
    {
        "model", "stream", "stream_options", "metadata", "user", "store", "service_tier", "prompt_cache_key",
        "prompt_cache_retention", "safety_identifier", "timeout", "extra_headers", "api_key",
    }
)  # fmt: skip


def prompt_key(request: Mapping[str, Any]) -> bytes:
    """16 bytes: xxh3_128 of all that shapes the answer."""
    return xxhash.xxh3_128_digest(shaping(request))


def shaping(request: Mapping[str, Any]) -> bytes:
    """Canonical JSON of all that shapes the answer, but the model. Nulls and `1.0` for `1` do not matter."""
    return canonical(
        {
            key: int(value) if type(value) is float and value.is_integer() else value
            for key, value in request.items()
            if value is not None and key not in NOT_SHAPING
        }
    )


def identity_key(identity: str | None) -> bytes | None:
    """16 bytes for a user, tenant or session, so that the table tells them apart without naming them."""
    if not identity:
        return None
    return xxhash.xxh3_128_digest(identity.encode("utf-8", "replace"))


def canonical(value: Any) -> bytes:
    """JSON bytes that do not depend on the order of keys or on explicit nulls."""
    encoded = _encoded(value)
    if b":null" not in encoded:
        return encoded
    try:
        return _encoded(_without_nulls(value))
    except RecursionError:  # as deep as a decoder goes: its nulls stay
        return encoded


def _encoded(value: Any) -> bytes:
    try:
        return msgspec.json.encode(value, order="deterministic")
    except (OverflowError, UnicodeEncodeError, TypeError):  # integers beyond 64 bits, lone surrogates, odd types
        return json.dumps(value, sort_keys=True, separators=(",", ":"), default=str).encode("utf-8", "replace")


def _without_nulls(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _without_nulls(item) for key, item in value.items() if item is not None}
    if isinstance(value, list):
        return [_without_nulls(item) for item in value]
    return value
