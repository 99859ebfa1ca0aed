"""The user's own patterns. RE2 matches them, in time that grows with the text alone: none can hang a run."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from llmcost.errors import ConfigError
from llmcost.redaction.found import Found

KIND = re.compile(r"[A-Z][A-Z0-9_]{0,30}")


class OwnPatterns:
    """Finds what the configuration describes."""

    def __init__(self, patterns: Mapping[str, str]) -> None:
        self._patterns = [(kind, _compiled(kind, text)) for kind, text in patterns.items()]

    def find(self, text: str) -> Iterator[Found]:
        """Every match that is not empty."""
        for kind, pattern in self._patterns:
            for match in pattern.finditer(text):
                if match.end() > match.start():
                    yield Found(match.start(), match.end(), kind)


def _compiled(kind: str, text: str) -> Any:
    import re2

    where = f"[redact] patterns: {kind}"
    if not KIND.fullmatch(kind):
        raise ConfigError(f"{where} is no name of a kind", "capital letters, digits and _, such as EMPLOYEE")
    options = re2.Options()
    options.log_errors = False
    try:
        pattern = re2.compile(text, options)
    except re2.error as error:
        reason = error.args[0].decode() if isinstance(error.args[0], bytes) else error
        raise ConfigError(f"{where} cannot be used: {reason}", "RE2 has no look-around and no references") from error
    if pattern.search("") is not None:
        raise ConfigError(f"{where} matches nothing at all, so it would match everywhere", "ask for a character")
    return pattern
