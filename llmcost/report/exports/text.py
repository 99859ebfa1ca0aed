"""Text of configuration files into which names of a log are written: nothing in a name is more than a name."""

from __future__ import annotations

import json
import re
from typing import Any

import yaml

from llmcost.report.untrusted import escape_json, visible

_LONGEST = 300  # characters of a comment
_ODD = re.compile("[\ue000-\uf8ff\ufff0-\uffff\U000e0000-\U0010ffff]")


class Block(str):
    """Our own text of several lines, to be written line by line."""

    __slots__ = ()


class _Plain(yaml.SafeDumper):
    """YAML without anchors: every part of a configuration is read where it stands."""

    def ignore_aliases(self, data: Any) -> bool:
        return True


_Plain.add_representer(Block, lambda dumper, text: dumper.represent_scalar("tag:yaml.org,2002:str", text, style="|"))


def comment(text: str) -> str:
    """A line of comment in YAML, TOML and Python; whatever the text says, it is one line."""
    return f"# {visible(text, _LONGEST)}\n"


def as_yaml(content: dict[str, Any]) -> str:
    """The content as YAML in ASCII, in its own order."""
    return yaml.dump(content, Dumper=_Plain, sort_keys=False, allow_unicode=False, width=120)


def quoted(text: str) -> str:
    """A string literal of JSON and of TOML, in which no character steers a terminal or reorders a line."""
    plain = _ODD.sub(lambda found: _escaped(ord(found.group())), json.dumps(text, ensure_ascii=False))
    return escape_json(plain)  # which would write two units of UTF-16 for one character: TOML reads none


def per_token(usd_per_million: float) -> float:
    """US dollars of one token, without the noise of the division."""
    return float(f"{usd_per_million / 1e6:.12g}")


def _escaped(point: int) -> str:
    return f"\\u{point:04x}" if point < 0x10000 else f"\\U{point:08x}"
