"""Log formats, one file each. A new one is a file, a line in this dict, and a fixture folder."""

from __future__ import annotations

from llmcost.logs.formats.anthropic_batches import AnthropicBatches
from llmcost.logs.formats.anthropic_messages import AnthropicMessages
from llmcost.logs.formats.azure_apim import AzureApim
from llmcost.logs.formats.bedrock import BedrockInvocations
from llmcost.logs.formats.claude_code import ClaudeCode
from llmcost.logs.formats.cloudflare import CLOUDFLARE
from llmcost.logs.formats.codex import Codex
from llmcost.logs.formats.databricks import DATABRICKS
from llmcost.logs.formats.gemini import Gemini
from llmcost.logs.formats.helicone import HELICONE
from llmcost.logs.formats.langfuse import Langfuse
from llmcost.logs.formats.langsmith import LANGSMITH
from llmcost.logs.formats.litellm import LITELLM
from llmcost.logs.formats.openai_batch import OpenAIBatch
from llmcost.logs.formats.openai_pairs import OpenAIPairs
from llmcost.logs.formats.openai_stream_chunks import OpenAIStreamChunks
from llmcost.logs.formats.openinference import OpenInference
from llmcost.logs.formats.openrouter import OPENROUTER
from llmcost.logs.formats.otel_genai import OTelGenAI
from llmcost.logs.formats.plain_row import PlainRow
from llmcost.logs.formats.portkey import PORTKEY
from llmcost.logs.formats.tensorzero import TENSORZERO
from llmcost.logs.formats.vercel_ai import VercelAI
from llmcost.logs.model import LogFormat

# In order of precedence: the general shapes last, for they would take the records of others for theirs.
BUILTIN: dict[str, LogFormat] = {
    form.name: form
    for form in (
        CLOUDFLARE,
        DATABRICKS,
        HELICONE,
        Langfuse(),
        LANGSMITH,
        LITELLM,
        OPENROUTER,
        PORTKEY,
        TENSORZERO,
        ClaudeCode(),
        Codex(),
        VercelAI(),
        OpenInference(),
        OTelGenAI(),
        OpenAIBatch(),
        AnthropicBatches(),
        BedrockInvocations(),
        AzureApim(),
        Gemini(),
        AnthropicMessages(),
        OpenAIStreamChunks(),
        OpenAIPairs(),
        PlainRow(),
    )
}
