"""Log formats, one file each. A new one is a file, a line in this dict, and a fixture folder."""

from __future__ import annotations

from llmcost.logs.formats.claude_code import ClaudeCode
from llmcost.logs.formats.codex import Codex
from llmcost.logs.formats.openai_pairs import OpenAIPairs
from llmcost.logs.formats.openinference import OpenInference
from llmcost.logs.formats.otel_genai import OTelGenAI
from llmcost.logs.formats.plain_row import PlainRow
from llmcost.logs.formats.vercel_ai import VercelAI
from llmcost.logs.model import LogFormat

# In order of precedence: the general shapes last, for they would take the records of others for theirs.
BUILTIN: dict[str, LogFormat] = {
    form.name: form
    for form in (
        ClaudeCode(),
        Codex(),
        VercelAI(),
        OpenInference(),
        OTelGenAI(),
        OpenAIPairs(),
        PlainRow(),
    )
}
