"""Which prices a result was computed with."""

from __future__ import annotations

import msgspec


class PriceStamp(msgspec.Struct, frozen=True):
    """The date of a price book and the hash of its content (overrides included)."""

    as_of: str
    sha256: str
