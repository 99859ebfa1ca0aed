"""How a lone prompt begins and ends, as fingerprints: what the templates of untagged prompts are mined from."""

from __future__ import annotations

from collections.abc import Sequence

import pyarrow as pa

from llmcost.calls import OPENING_BYTES


def openings(texts: Sequence[str | None]) -> pa.Array:
    """For each text its fingerprints; null for none."""
    return pa.nulls(len(texts), pa.binary(OPENING_BYTES))
