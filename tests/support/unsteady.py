"""The shop's endpoint on a bad day: one request in twenty is refused, fails, hangs for a while, or is cut off.

Which, depends on the question and on how often it was asked: after some attempts everybody is answered.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from dataclasses import replace

from support import shop
from support.loopback import Body, Reply, error

SHARE = 0.05
FAULTS = ("429", "500", "reset", "hang", "truncated")
_asked: Counter[bytes] = Counter()


def answer(body: Body) -> Reply:
    """What the shop's endpoint says, some milliseconds later; or one of the faults."""
    name = hashlib.sha256(json.dumps(body, sort_keys=True).encode()).digest()
    _asked[name] += 1
    dice = hashlib.sha256(name + str(_asked[name]).encode()).digest()
    said = replace(shop.answer(body), delay_s=0.002 + dice[2] / 255 * 0.02)
    if int.from_bytes(dice[:2], "big") / 65536 >= SHARE or _asked[name] > 4:
        return said
    return {
        "429": error(429, retry_after="0.1"),
        "500": error(500),
        "reset": replace(said, drop="before"),
        "hang": replace(said, delay_s=1.0),
        "truncated": replace(said, drop="middle"),
    }[FAULTS[dice[3] % len(FAULTS)]]
