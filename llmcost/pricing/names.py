"""How model names are matched, as data: every name is exact or is led to an exact one by a row of these tables.

Nothing here is fuzzy. A name that no row explains is unknown, and an unknown model has no price.
"""

from __future__ import annotations

import re

# The word a log (OpenTelemetry, gateways, SDKs) or a catalogue has for a provider → the word used in the price book.
PROVIDERS = {
    "aws": "bedrock",
    "aws.bedrock": "bedrock",
    "aws_bedrock": "bedrock",
    "bedrock_converse": "bedrock",
    "amazon-bedrock": "bedrock",
    "az.ai.openai": "azure",
    "azure.ai.openai": "azure",
    "azure_openai": "azure",
    "azure-openai": "azure",
    "azure_text": "azure",
    "az.ai.inference": "azure_ai",
    "azure.ai.inference": "azure_ai",
    "gcp.gemini": "gemini",
    "google": "gemini",
    "google_genai": "gemini",
    "gcp.vertex_ai": "vertex_ai",
    "vertexai": "vertex_ai",
    "vertex": "vertex_ai",
    "x-ai": "xai",
    "x_ai": "xai",
    "mistral_ai": "mistral",
    "mistralai": "mistral",
    "together": "together_ai",
    "togetherai": "together_ai",
    "fireworks": "fireworks_ai",
    "moonshotai": "moonshot",
    "cohere_chat": "cohere",
    "voyageai": "voyage",
    "ibm.watsonx.ai": "watsonx",
    "text-completion-openai": "openai",
    "alibaba": "dashscope",
    "meta": "meta_llama",
}

# Providers whose name says little: every client of a compatible endpoint calls itself so. A hint, not a restriction.
HINTS_ONLY = frozenset({"openai"})

# A bare name that begins so was made by this provider; its own price is meant unless a host is named.
MAKERS = (
    ("gpt-", "openai"),
    ("chatgpt-", "openai"),
    ("o1", "openai"),
    ("o3", "openai"),
    ("o4", "openai"),
    ("text-embedding-3", "openai"),
    ("text-embedding-ada", "openai"),
    ("davinci-", "openai"),
    ("babbage-", "openai"),
    ("codex-", "openai"),
    ("claude-", "anthropic"),
    ("gemini-", "gemini"),
    ("deepseek-", "deepseek"),
    ("qwen", "dashscope"),
    ("qwq-", "dashscope"),
    ("mistral-", "mistral"),
    ("ministral-", "mistral"),
    ("magistral-", "mistral"),
    ("codestral-", "mistral"),
    ("devstral-", "mistral"),
    ("pixtral-", "mistral"),
    ("open-mi", "mistral"),
    ("grok-", "xai"),
    ("command-", "cohere"),
    ("embed-", "cohere"),
    ("kimi-", "moonshot"),
    ("moonshot-", "moonshot"),
    ("glm-", "zai"),
    ("minimax-", "minimax"),
    ("sonar", "perplexity"),
    ("jamba-", "ai21"),
    ("voyage-", "voyage"),
)

# The organisation in an open-weight or router id (`Qwen/Qwen3-8B`, `anthropic/claude-…`) → its provider, if it sells.
ORGANISATIONS = {
    "openai": "openai",
    "anthropic": "anthropic",
    "google": "gemini",
    "qwen": "dashscope",
    "alibaba": "dashscope",
    "deepseek-ai": "deepseek",
    "deepseek": "deepseek",
    "mistralai": "mistral",
    "x-ai": "xai",
    "moonshotai": "moonshot",
    "z-ai": "zai",
    "zai-org": "zai",
    "minimaxai": "minimax",
    "cohere": "cohere",
    "coherelabs": "cohere",
    "meta-llama": "meta_llama",
}

# Other spellings of the beginning of a name.
SPELLINGS = (("gpt-35-", "gpt-3.5-"),)

# What marks a dated snapshot of a model. It has its own price if a catalogue lists it, else that of the model.
DATED = (
    re.compile(r"-20\d\d-[01]\d-[0-3]\d$"),  # gpt-4o-2024-08-06
    re.compile(r"[-@]20\d\d[01]\d[0-3]\d$"),  # claude-haiku-4-5-20251001, claude-haiku-4-5@20251001
)

# Open-weight models that many hosts sell at different prices: the host whose price stands for the bare name.
HOSTS = {
    "qwen3-8b": "openrouter/qwen/qwen3-8b",
    "qwen/qwen3-8b": "openrouter/qwen/qwen3-8b",
    "qwen3-14b": "openrouter/qwen/qwen3-14b",
    "qwen/qwen3-14b": "openrouter/qwen/qwen3-14b",
    "qwen3-32b": "openrouter/qwen/qwen3-32b",
    "qwen/qwen3-32b": "openrouter/qwen/qwen3-32b",
    "meta-llama/llama-3.1-8b-instruct": "openrouter/meta-llama/llama-3.1-8b-instruct",
    "meta-llama/meta-llama-3.1-8b-instruct": "openrouter/meta-llama/llama-3.1-8b-instruct",
    "meta-llama-3.1-8b-instruct": "openrouter/meta-llama/llama-3.1-8b-instruct",
    "llama-3.1-8b-instruct": "openrouter/meta-llama/llama-3.1-8b-instruct",
    "meta-llama/llama-3.1-70b-instruct": "openrouter/meta-llama/llama-3.1-70b-instruct",
    "meta-llama/meta-llama-3.1-70b-instruct": "openrouter/meta-llama/llama-3.1-70b-instruct",
    "meta-llama-3.1-70b-instruct": "openrouter/meta-llama/llama-3.1-70b-instruct",
    "llama-3.1-70b-instruct": "openrouter/meta-llama/llama-3.1-70b-instruct",
}


def provider(word: str) -> str:
    """The price book's word for a provider that a log or a catalogue names."""
    lowered = word.strip().lower()
    return PROVIDERS.get(lowered, lowered)


def spellings(model: str) -> list[str]:
    """The exact names to look a model up by, in order: as written, respelt, and each without its date."""
    written = model.strip().lower()
    respelt = [new + written.removeprefix(old) for old, new in SPELLINGS if written.startswith(old)]
    forms = [written, *respelt]
    return list(dict.fromkeys(forms + [undated(form) for form in forms]))


def undated(model: str) -> str:
    """A model's name without the date of its snapshot."""
    for pattern in DATED:
        model = pattern.sub("", model)
    return model


def maker(name: str) -> str | None:
    """The provider that made a model of this bare name, where the table knows."""
    return next((owner for beginning, owner in MAKERS if name.startswith(beginning)), None)
