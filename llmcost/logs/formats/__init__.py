"""Log formats, one file each. A new one is a file, a line in this dict, and a fixture folder."""

from __future__ import annotations

from llmcost.logs.formats.openai_pairs import OpenAIPairs
from llmcost.logs.formats.plain_row import PlainRow
from llmcost.logs.model import LogFormat

BUILTIN: dict[str, LogFormat] = {form.name: form for form in (OpenAIPairs(), PlainRow())}
