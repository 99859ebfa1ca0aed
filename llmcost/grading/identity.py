"""Whether the model that says it answered is known to be another than the one that was asked.

A gateway's fallback answers in the name of whom it stands in for, and a verdict about the one would be about the other.
But names of one model are many: dated snapshots, hosts' prefixes, quantisations, aliases that move, and whatever a
deployment or a route is called. So a name is cut down to the words that tell models apart, and two names mean different
models only if the price book knows a model of each of them and these words differ. In doubt they mean the same.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cached_property
from itertools import groupby
from typing import TypeAlias

from llmcost.grading.family import families
from llmcost.pricing import PriceBook, names

Words: TypeAlias = tuple[str, ...]  # of a name, sorted: hosts do not agree on their order (claude-3-5-sonnet)

# What stands before, behind and within a name without telling models apart, and what is left of it. In this order.
PACKAGING = tuple(
    (re.compile(pattern), kept)
    for pattern, kept in (
        (r"^.*/", ""),  # openrouter/qwen/qwen3-8b, accounts/fireworks/models/…
        (r"^(?:[a-z-]+\.)?[a-z0-9]+\.(?=[a-z]{2})", ""),  # us.anthropic.claude-… (Bedrock)
        (r"-v?\d+:\d+(?::\d+k)?$", ""),  # …-v1:0 (Bedrock)
        (r":(?:free|nitro|floor|online|extended|beta|exacto|thinking|latest)$", ""),  # OpenRouter, Ollama
        (r"[-_:.]i?q\d(?:_[a-z0-9]+)*$", ""),  # …-q4_k_m (GGUF)
        (r"-instruct-(?:turbo|lite|reference)\b", ""),  # Together's quantisations
        (r"(?<=\db)-(?:instant|versatile)$", ""),  # Groq
        (r"(?<=[-@])20\d\d-?[01]\d-?[0-3]\d\b", ""),  # 2024-08-06, 20251001
        (r"(?<=[-@])[01]\d-20\d\d\b", ""),  # command-r-08-2024
        (r"-[01]\d-[0-3]\d$", ""),  # gemini-2.5-flash-preview-05-20
        (r"[-_](?:fp\d+|bf16|int\d|nvfp4|mxfp4|w\d+a\d+)\b", ""),
        (r"-v0\.\d\b", ""),  # mistral-7b-instruct-v0.3
        (r"(?<=\d)[.p](?=\d+[bt]\b)", "·"),  # 1.5b, 1p5b: one word
        (r"(?<=\d)p(?=\d)", "-"),  # llama-v3p1 (Fireworks)
        (r"-a\d+b\b", ""),  # qwen3-235b-a22b: how much of it is at work
        (r"\bv(?=\d)", ""),  # llama-v3, deepseek-v3
        (r"(?<=[a-z])(?=\d)", "-"),  # qwen3-8b, qwen-3-8b
    )
)
SEPARATORS = re.compile(r"[-_.:@\s]+")
SILENT = re.compile(
    r"0|\d{3,}|\d+k|[34568]bit|awq|gptq|gguf|exl2|mlx|hf|maas|tee|fast|us|eu"
    r"|latest|preview|exp|experimental|beta|stable|labs|open|text|instruct|chat|it|customtools"
    r"|thinking|reasoning|non|high|low|meta|anthropic|openai|google|mistralai|cohere|xai|zai|moonshotai"
)
WEIGHT = re.compile(
    r"\d+(?:·\d+)?[bet]"
)  # 24b; 16e experts: often left out (mistral-small-3.1 is mistral-small-3.1-24b)
# Names that say something else than what they have come to mean.
ALSO = {
    "gpt-4-0125-preview": "gpt-4-turbo",
    "gpt-4-1106-preview": "gpt-4-turbo",
    "gpt-4-1106-vision-preview": "gpt-4-turbo",
    "gpt-4-vision-preview": "gpt-4-turbo",
}
# One of these words in the place of another is another model, of whatever version.
SIZES = frozenset(
    {"nano", "micro", "mini", "tiny", "small", "medium", "large", "lite", "light", "flash", "pro", "plus", "max"}
    | {"ultra", "haiku", "sonnet", "opus"}
)
# Names of routes: who answers is chosen anew for each request.
ROUTES = frozenset({("auto",), ("router",), ("default",), ("model", "router"), ("optimized", "router")})


class Identities:
    """Tells models apart by what a price book knows."""

    def __init__(self, book: PriceBook) -> None:
        self._book = book
        self._told: dict[tuple[str, str], bool] = {}

    def another(self, asked: str, said: str) -> bool:
        """Whether `said`, which a reply gives as its model, is known to be another than `asked`; in doubt it is not."""
        pair = (asked, said)
        if pair not in self._told:
            self._told[pair] = asked != said and self._differ(*pair)
        return self._told[pair]

    def _differ(self, asked: str, said: str) -> bool:
        one, other = words(asked), words(said)
        if not {one, other} <= self._known or {one, other} & ROUTES or _alike(one, other):
            return False
        if not families(asked) & families(said) or _versioned(one) == _versioned(other):
            return True
        return len({_sizes(one), _sizes(other)} - {NO_SIZE}) > 1

    @cached_property
    def _known(self) -> frozenset[Words]:
        """The words of every model of the catalogues. A user's own names tell a price, not who stands behind them."""
        return frozenset(found for name in _names(self._book) if (found := words(name)))


NO_SIZE: frozenset[str] = frozenset()


def words(name: str) -> Words:
    """The words of a model's name that tell it from other models, sorted; a version is one word.

    `us.anthropic.claude-3-5-haiku-20241022-v1:0` → 3.5, claude, haiku
    """
    bare = name.strip().lower()
    for pattern, kept in PACKAGING:
        bare = pattern.sub(kept, ALSO.get(bare, bare))
    for old, new in names.SPELLINGS:
        bare = new + bare.removeprefix(old) if bare.startswith(old) else bare
    telling = [word for word in SEPARATORS.split(bare) if word and not SILENT.fullmatch(word)]
    return tuple(sorted(_joined(telling)))


def _joined(telling: list[str]) -> Iterator[str]:
    """The words, with the numbers of a version in one."""
    for number, run in groupby(telling, str.isdigit):
        together = list(run)
        yield from [".".join(together)] if number else together


def _alike(one: Words, other: Words) -> bool:
    """Whether the words are the same, or one only says how large the other is."""
    both_say = all(any(map(WEIGHT.fullmatch, name)) for name in (one, other))
    return one == other or (not both_say and _bare(one) == _bare(other))


def _bare(name: Words) -> Words:
    return tuple(word for word in name if not WEIGHT.fullmatch(word))


def _names(book: PriceBook) -> Iterator[str]:
    for model in book.models:
        yield model.name
        yield from model.aliases


def _versioned(name: Words) -> bool:
    """Whether it names a version: a name without one (deepseek-chat) is that of a product, and moves on."""
    return any(character.isdigit() for word in name for character in word)


def _sizes(name: Words) -> frozenset[str]:
    return SIZES.intersection(name)
