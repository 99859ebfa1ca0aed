"""Sample traffic and its recorded endpoint, so that everything runs with no key and no network."""

from __future__ import annotations

from pathlib import Path

from llmcost.demo.answers import CANDIDATES, GRADERS
from llmcost.demo.process import serve

__all__ = ["CANDIDATES", "GRADERS", "serve", "write_logs"]


def write_logs(directory: Path) -> Path:
    """Write the sample logs, their llmcost.toml and README to `directory`; gives the path of october.jsonl."""
    from llmcost.demo.files import write_all
    from llmcost.demo.traffic import traffic

    return write_all(traffic(), directory)
