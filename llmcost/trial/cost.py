"""What one request costs, before it is sent (at most, and as expected) and after it was answered."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import msgspec
import numpy as np
import numpy.typing as npt

from llmcost.answers import Usage
from llmcost.config import ModelSettings
from llmcost.endpoint import ChatRequest, Completion
from llmcost.grading import Pair, write_prompt
from llmcost.grading.judge import ORDERS
from llmcost.pricing import PriceBook, price_usage, price_usages, worst_case
from llmcost.serving import Attempt

MAX_OUTPUT_UNKNOWN = 32_768  # tokens; for models whose catalogue entry names no limit
TOKENS_PER_MESSAGE = 16  # roles and separators that the body does not spell out
VERDICT_LENGTH = 200  # tokens of a usual verdict; only expected costs rest on it
A_PAGE = {"messages": [{"role": "user", "content": "x" * 4_000}]}  # that models are compared by
TOKENS_PER_LINK = 8_192  # an image, file or sound that the body only points to


@dataclass(frozen=True, slots=True)
class Tariff:
    """Dollars of requests and completions. Unknown prices are None: a cap cannot be kept with them."""

    book: PriceBook
    models: Mapping[str, ModelSettings]

    def most(self, request: ChatRequest, extra_input: int = 0) -> float | None:
        """What a request can cost at most, if `extra_input` tokens are still to be added to it.

        A token of text is at least one byte, so the bytes of the body bound its input whatever the tokenizer.
        """
        text = len(msgspec.json.encode(request.body))
        messages = request.body.get("messages", ())
        size = text + TOKENS_PER_MESSAGE * len(messages) + TOKENS_PER_LINK * sum(map(_attachments, messages))
        return worst_case(self.book, request.model, size + extra_input, self.output_limit(request))

    def expected(
        self, model: str, requests: Sequence[ChatRequest], output_tokens: Sequence[int | None]
    ) -> float | None:
        """What these requests of a model will cost together if the answers have so many tokens (None: the most)."""
        usages = [
            Usage(input_tokens=len(msgspec.json.encode(request.body)) // 4, output_tokens=count)
            for request, given in zip(requests, output_tokens, strict=True)
            for count in (self.output_limit(request) if given is None else given,)
        ]
        usd = price_usages(self.book, model, usages)
        return None if np.isnan(usd).any() else math.fsum(usd)

    def cheapest(self, labels: Iterable[str], written: int) -> str | None:
        """Of these models (or `model@effort`) who answers a page in so many tokens for least; None: none is priced."""
        asked = {label: label.partition("@")[0] for label in labels}
        page = {label: ChatRequest({"model": model, **A_PAGE}) for label, model in asked.items()}
        usd = {label: self.expected(asked[label], [request], [written]) for label, request in page.items()}
        known = {label: cost for label, cost in usd.items() if cost is not None}
        return min(known, key=lambda label: (known[label], label), default=None)

    def judging(self, grader: str, pairs: Sequence[Pair]) -> float | None:
        """What comparing these pairs in both orders will cost, if the verdicts are of usual length."""
        prompts = [ChatRequest({"model": grader, **write_prompt(pair, False)}) for pair in pairs]
        once = self.expected(grader, prompts, [VERDICT_LENGTH] * len(prompts))
        return None if once is None else ORDERS * once

    def output_limit(self, request: ChatRequest) -> int:
        """How many tokens the answer can have at most, as the request, the configuration or the catalogue say."""
        settings, known = self.models.get(request.model), self.book.find(request.model)
        limits = (
            request.body.get("max_completion_tokens"),
            request.body.get("max_tokens"),
            settings.max_output_tokens if settings else None,
            known.max_output_tokens if known else None,
        )
        return next((limit for limit in limits if isinstance(limit, int) and limit > 0), MAX_OUTPUT_UNKNOWN)

    def paid(self, request: ChatRequest, completion: Completion) -> float | None:
        """What an answered request cost, from the usage that the endpoint reported."""
        return price_usage(self.book, request.model, completion.usage)

    def uncached(self, model: str, usages: Sequence[Usage]) -> npt.NDArray[np.float64]:
        """What these answers of a model cost where the provider's prompt cache is cold; NaN: unknown.

        A replay sends alike prompts within minutes and finds the cache warm; production may not.
        """
        cold = [replace(usage, cache_read_tokens=None, cache_write_tokens=None) for usage in usages]
        return price_usages(self.book, model, cold)

    def of_attempts(self, answers: Sequence[Sequence[Attempt]]) -> npt.NDArray[np.float64]:
        """What all the attempts at each answer cost together where prompt caches are cold; NaN: one is unknown.

        An attempt that was rejected or lost costs nothing. An answer that took none cost none.
        """
        usd = np.zeros(len(answers))
        by_model: dict[str, list[tuple[int, Attempt]]] = {}
        for place, attempts in enumerate(answers):
            for attempt in attempts:
                if attempt.completion.status == "answered":
                    by_model.setdefault(attempt.request.model, []).append((place, attempt))
        for model, found in by_model.items():
            paid = self.uncached(model, [attempt.completion.usage for _, attempt in found])
            shares = np.array([attempt.share for _, attempt in found])
            np.add.at(usd, [place for place, _ in found], paid * shares)
        return usd


def _attachments(message: Mapping[str, Any]) -> int:
    content = message.get("content")
    return sum(part.get("type") != "text" for part in content) if isinstance(content, list) else 0
