"""Whose models are related: a judge favours answers of its own kind, since one maker trained both to one taste."""

from __future__ import annotations

import re
from collections.abc import Iterable

from llmcost.pricing import names

# Maker → what stands in the names of its models, and of those that others made out of them. A name may hold several:
# a distilled or merged model is related to all it comes from.
MAKERS: tuple[tuple[str, re.Pattern[str]], ...] = tuple(
    (maker, re.compile("|".join(marks)))
    for maker, *marks in (
        ("openai", r"(?<![a-z])gpt(?!-?j|-?neo|4all)", r"chatgpt|chat-latest|codex|davinci|babbage|^computer-use"),
        ("openai", r"(?<![a-z0-9])o[1-9](?![a-z0-9])"),
        ("anthropic", r"claude"),
        ("google", r"gemini|gemma|(?<![a-z])palm(?!y)|bison|unicorn|gecko|(?<![a-z])flan-"),
        ("meta", r"(?<!o)llama|(?<![a-z0-9])l[23]\.?\d?-|(?<![a-z])muse-|llava|m2m100"),
        ("meta", r"vicuna|alpaca|xwin|platypus|goliath|midnight-rose|mythomax|mythalion"),
        ("meta", r"noromaid|chronos|anubis|euryale|valkyrie"),
        ("alibaba", r"qwen|(?<![a-z])q[wv]q|tongyi|openhands-lm|magnum-72b|magnum-v[24]-72b|ui-tars"),
        ("deepseek", r"deepseek|(?<![a-z])r1-|dsv\d"),
        ("mistral", r"(?:mi|mini|magi|code|dev|math)stral|(?:mix|pix|vox)tral|nemo(?!tron)|(?<![a-z])mn-"),
        ("mistral", r"8x(?:7|22)b|zephyr|openchat|openorca|toppy|cydonia|rocinante|skyfall"),
        ("xai", r"(?<![a-z])grok"),
        ("amazon", r"(?<![a-z])(?:nova|titan)(?![a-z])"),
        ("cohere", r"(?<![a-z])(?:command|aya)(?![a-z])|cohere"),
        ("microsoft", r"(?<![a-z])phi-?\d|wizardlm|(?<![a-z])mai-"),
        ("zhipu", r"glm"),
        ("moonshot", r"kimi|moonshot"),
        ("minimax", r"minimax"),
        ("nvidia", r"nemotron|valkyrie|(?<![a-z])cosmos"),
        ("01.ai", r"(?<![a-z])yi-"),
        ("ibm", r"granite"),
        ("ai21", r"jamba|jurassic|(?<![a-z])j2-"),
        ("baidu", r"ernie|paddleocr|cobuddy"),
        ("tencent", r"hunyuan|(?<![a-z])hy(?:-mt)?-?\d"),
        ("bytedance", r"doubao|(?<![a-z])seed-|ui-tars"),
        ("perplexity", r"sonar|pplx"),
        ("xiaomi", r"(?<![a-z])mimo"),
        ("thinking machines", r"inkling"),
        ("stepfun", r"(?<![a-z])step-\d"),
        ("nous", r"hermes|capybara|(?<![a-z])nous-"),
        ("inclusionai", r"(?<![a-z])(?:ling|ring|ming)-"),
        ("liquid", r"(?<![a-z])lfm"),
        ("writer", r"palmyra"),
        ("allenai", r"olmo|tulu"),
        ("arcee", r"arcee|(?<![a-z])trinity-|virtuoso|(?<![a-z])(?:caller|coder)-large|maestro-reasoning|spotlight"),
        ("kwaipilot", r"(?<![a-z])kat-"),
        ("inception", r"(?<![a-z])mercury"),
        ("meituan", r"longcat"),
        ("deepcogito", r"cogito"),
        ("aion labs", r"(?<![a-z])aion-"),
        ("upstage", r"(?<![a-z])solar-|fimbulvetr"),
        ("reflection", r"(?<![a-z])beam(?![a-z])"),
        ("shanghai ai lab", r"internlm|internvl"),
        ("g42", r"(?<![a-z])jais"),
        ("bigcode", r"starcoder"),
        ("databricks", r"(?<![a-z])dbrx"),
        ("reka", r"(?<![a-z])reka-"),
        ("inflection", r"inflection"),
        ("swiss ai", r"apertus"),
        ("tii", r"(?<![a-z])falcon"),
        ("lg", r"exaone"),
        ("cognition", r"(?<![a-z])swe-\d"),
        ("vercel", r"(?<![a-z0-9])v0-"),
        ("together", r"redpajama|stripedhyena|gpt-jt"),
        ("eleuther ai", r"gpt-?neo|gpt-j(?!t)|pythia|llemma"),
        ("cognitive computations", r"dolphin"),
        ("baichuan", r"baichuan"),
    )
)  # fmt: skip

# Whose model a name means that says nothing itself, where this provider serves it: an Azure deployment has any name.
FIRST_PARTY = {
    "openai": "openai",
    "azure": "openai",
    "anthropic": "anthropic",
    "gemini": "google",
    "vertex_ai": "google",
    "xai": "xai",
    "mistral": "mistral",
    "cohere": "cohere",
    "deepseek": "deepseek",
    "dashscope": "alibaba",
    "meta_llama": "meta",
    "amazon_nova": "amazon",
    "moonshot": "moonshot",
    "zai": "zhipu",
    "zhipuai": "zhipu",
    "minimax": "minimax",
    "perplexity": "perplexity",
    "ai21": "ai21",
    "volcengine": "bytedance",
    "tencent": "tencent",
    "baidu": "baidu",
    "microsoft": "microsoft",
    "nvidia": "nvidia",
    "ibm": "ibm",
    "morph": "morph",
    "inception": "inception",
}

NO_PROVIDERS: frozenset[str] = frozenset()

_TUNED = re.compile(r"(?:(?<=/)|^)ft:([^:/]+).*|:ft-.*", re.DOTALL)  # ft:gpt-4o-mini:org::id, davinci:ft-org
_EFFORT = re.compile(r"@[a-z]+$")
_VERSION = re.compile(r"(?:[-@](?:\d{4}-\d{2}-\d{2}|\d{8}|\d{4}|latest))+$|:[a-z0-9\-]+$")


def families(model: str, providers: Iterable[str] = NO_PROVIDERS) -> frozenset[str]:
    """The makers that a model comes from, as its name tells; of a name that tells nothing, its provider and itself.

    providers  who served the model, where a log says so
    """
    parts = _base(model).split("/")
    named = next((makers for part in reversed(parts) if (makers := _makers(part))), NO_PROVIDERS)
    return named or frozenset({*_first_parties(parts[:-1], providers), bare_name(model)})


def bare_name(model: str) -> str:
    """A model's name without provider prefix, effort, date and variant: `openai/gpt-4o-2024-08-06` → `gpt-4o`."""
    name = _EFFORT.sub("", model.strip().lower()).rsplit("/", 1)[-1]
    return _VERSION.sub("", name.removeprefix("judge:"))


def _base(model: str) -> str:
    """The name, or of a fine-tuned model that of its base: what its owner calls it may name anything."""
    return _TUNED.sub(lambda found: found[1] or "", model.strip().lower())


def _makers(part: str) -> frozenset[str]:
    return frozenset(maker for maker, mark in MAKERS if mark.search(part))


def _first_parties(prefixes: Iterable[str], providers: Iterable[str]) -> frozenset[str]:
    """The makers behind a name's prefixes and the providers of the log, of which some say nothing."""
    told = [name for provider in providers if (name := names.provider(provider)) not in names.HINTS_ONLY]
    words = [*map(names.provider, prefixes), *told]
    return frozenset(FIRST_PARTY[word] for word in words if word in FIRST_PARTY)
