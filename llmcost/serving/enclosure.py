"""Texts as data in a prompt: each between marker lines with one code, which no text inside can hold or foresee."""

from __future__ import annotations

import hashlib
import itertools
import json
import re
from collections.abc import Sequence


def enclose(parts: Sequence[str], texts: Sequence[str]) -> str:
    """The texts, each headed by the name of its part; `disclose` gives them back exactly."""
    code = _code(texts)
    return "\n\n".join(
        f"<<<{part} {code}>>>\n{text}\n<<<END {code}>>>" for part, text in zip(parts, texts, strict=True)
    )


def disclose(parts: Sequence[str], enclosed: str) -> tuple[str, ...] | None:
    """The texts that `enclose` put under these parts; None if it did not write this."""
    if not (head := re.match(rf"<<<{re.escape(parts[0])} ([0-9a-f]{{20}})>>>\n", enclosed)):
        return None
    code = head.group(1)
    pattern = "\n\n".join(rf"<<<{re.escape(part)} {code}>>>\n(.*?)\n<<<END {code}>>>" for part in parts)
    found = re.fullmatch(pattern, enclosed, re.DOTALL)
    return found.groups() if found else None


def _code(texts: Sequence[str]) -> str:
    """A code that no text contains. It hashes all of them, so no text can be written to hold its own code."""
    codes = (hashlib.sha256(json.dumps([attempt, *texts]).encode()).hexdigest()[:20] for attempt in itertools.count())
    return next(code for code in codes if not any(code in text for text in texts))
