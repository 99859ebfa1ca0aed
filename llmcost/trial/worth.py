"""What is worth trying: what a strategy could save in a month at the very best, against what its evidence would cost.

The best case is generous on purpose: nothing is lost in quality, everything that could be shortened, batched or reused
is. A strategy that could not pay for its evidence even then is not tried, and does not take a share of alpha.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from llmcost.calls import Call
from llmcost.endpoint import ChatRequest
from llmcost.grading import Pair, may_need_judge
from llmcost.replay.arms import requests
from llmcost.serving import CandidateModel, Compression
from llmcost.serving.batching import template_key
from llmcost.serving.compression import BYTES_A_TOKEN, compressed, read_compressor_prompt, shortened_templates
from llmcost.serving.scoring import write_rating_prompt
from llmcost.trial.cost import Tariff
from llmcost.trial.design import CASCADE_TIERS, Design
from llmcost.trial.near import NearWalks
from llmcost.trial.walks import shared_templates, system_texts

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known of the log's traffic before anything is asked.

    month         how much of a month's bill the log's dollars are worth: 30 / its days
    can_wait      by task the dollars of calls that nobody seems to wait for
    near          what caches for nearly the same prompts would have answered
    cheapest      by task what the cheapest candidate would cost for the same tokens, over today's
    """

    month: float
    cost: Mapping[str, float]
    can_wait: Mapping[str, float]
    near: NearWalks
    cheapest: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class Worth:
    """By task what is tried, and what is not and why."""

    tried: Mapping[str, frozenset[str]]
    left_out: Mapping[str, Mapping[str, str]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class _Prospect:
    """A strategy on one task: dollars of the log that it could save at best, and what finding out costs.

    reason  why there is nothing to save; None: there may be
    """

    saves: float
    costs: float
    reason: str | None = None


def worth_trying(
    design: Design, tariff: Tariff, graders: Sequence[str], facts: Facts, wanted: Collection[str], *, must_pay: bool
) -> Worth:
    """Which of the wanted strategies are tried on which task; all that could do anything, unless each `must_pay`."""
    tried: dict[str, frozenset[str]] = {}
    left_out: dict[str, dict[str, str]] = {}
    for task in design.tasks():
        if not any(name == task for name in design.sample.tasks):
            continue
        found = dict(_prospects(_Task(design, tariff, graders, facts, task), wanted))
        reasons = {name: why for name, each in found.items() if (why := _why_not(each, facts, must_pay))}
        if kept := frozenset(found.keys() - reasons.keys()):
            tried[task] = kept
        if reasons:
            left_out[task] = reasons
    return Worth(tried, left_out)


def _why_not(prospect: _Prospect, facts: Facts, must_pay: bool) -> str | None:
    if prospect.reason is not None:
        return prospect.reason
    monthly = prospect.saves * facts.month
    if must_pay and monthly < prospect.costs:
        return f"finding out would cost ${prospect.costs:,.2f}, and it could save ${monthly:,.2f} a month at best"
    return None


def _prospects(task: _Task, wanted: Collection[str]) -> Iterator[tuple[str, _Prospect]]:
    kinds = {"cascade": task.cascade, "cache": task.cache, "compress": task.compress, "batch": task.batch}
    return ((name, kind()) for name, kind in kinds.items() if name in wanted)


class _Task:
    """The sampled prompts of one task, and what more of them would cost to ask and to grade."""

    def __init__(self, design: Design, tariff: Tariff, graders: Sequence[str], facts: Facts, task: str) -> None:
        self.design, self.tariff, self.graders, self.facts, self.task = design, tariff, graders, facts, task
        self.places = [place for place, name in enumerate(design.sample.tasks) if name == task]
        self.bodies = [design.bodies[place] for place in self.places]
        self.asked = [self._request(body) for body in self.bodies]
        self.weights = design.sample.weights[self.places]
        self.cost = facts.cost.get(task, 0.0)

    def _request(self, body: Call) -> ChatRequest:
        model = body.request_model or body.response_model or ""
        return requests([body], CandidateModel(model), self.tariff.models.get(model))[0][0]

    def cascade(self) -> _Prospect:
        """A cheaper model keeps every answer; each is scored."""
        if not self.design.arms:
            return _Prospect(0, 0, "no candidate is named")
        ratio = self.facts.cheapest.get(self.task)
        if ratio is None or ratio >= 1:
            return _Prospect(0, 0, "no candidate is cheaper than today's model")
        tiers = min(len(self.design.arms), CASCADE_TIERS)
        return _Prospect(self.cost * (1 - ratio), tiers * self._scoring())

    def _scoring(self) -> float:
        named = self.design.tried.grader
        models = [named] if named else [arm.candidate.model for arm in self.design.arms]
        both = zip(self.asked, self.bodies, strict=True)
        prompts = [write_rating_prompt(request.body, body.answer) for request, body in both]
        usd = [
            self.tariff.expected(model, [ChatRequest({"model": model, **p}) for p in prompts], [2] * len(prompts))
            for model in (name.partition("@")[0] for name in models)
        ]
        return min((each for each in usd if each is not None), default=0.0)

    def cache(self) -> _Prospect:
        """Every hit of the loosest likeness is right."""
        rungs = self.facts.near.rungs.get(self.task, ())
        if not rungs:
            return _Prospect(0, 0, "no request is nearly the same as an earlier one")
        grading = math.fsum(self._grading(rung.design.bodies) for rung in rungs)
        return _Prospect(self.facts.near.usd.get(self.task, 0.0), grading)

    def compress(self) -> _Prospect:
        """Everything long is shortened to the smallest share, for nothing."""
        rules = self.design.tried.compressions
        if not rules:
            return _Prospect(0, 0, "nobody is named to shorten prompts")
        texts = np.array([self._long_tokens(request, rules[0]) for request in self.asked], dtype=np.float64)
        share = self._share_of_input(texts + self._template_tokens(rules[0]))
        if share == 0:
            return _Prospect(0, 0, f"no text that may be shortened has {rules[0].min_tokens:,} tokens")
        return _Prospect(self.cost * share * (1 - min(rule.ratio for rule in rules)), len(rules) * self._replaying())

    def _long_tokens(self, request: ChatRequest, rule: Compression) -> float:
        questions = next(compressed(request, _by_a_model(rule)), [])
        texts = [read.text for each in questions or [] if (read := read_compressor_prompt(each.request.body))]
        return sum(len(text.encode(errors="replace")) for text in texts) / BYTES_A_TOKEN

    def _template_tokens(self, rule: Compression) -> Floats:
        """Tokens of each request's system prompt where it is a long one that many requests share."""
        own = [list(system_texts(request)) for request in self.asked]
        often = shared_templates(self.asked)
        questions = next(shortened_templates(often, _by_a_model(rule)), []) if often else []
        long = {read.text for each in questions if (read := read_compressor_prompt(each.request.body))}
        sizes = [sum(len(text.encode(errors="replace")) for text in texts if text in long) for texts in own]
        return np.array(sizes, dtype=np.float64) / BYTES_A_TOKEN

    def batch(self) -> _Prospect:
        """Whatever a template's requests share is billed once for a batch, for the calls that can wait."""
        rules = self.design.tried.batchings
        waits = self.facts.can_wait.get(self.task, 0.0)
        if waits <= 0:
            return _Prospect(0, 0, "somebody seems to wait for every answer")
        keys = [template_key(request) for request in self.asked]
        sizes = Counter(key for key in keys if key is not None)
        shared = [
            sum(len(text.encode(errors="replace")) for text in system_texts(request)) / BYTES_A_TOKEN
            if key is not None and sizes[key] > 1
            else 0.0
            for request, key in zip(self.asked, keys, strict=True)
        ]
        share = self._share_of_input(np.array(shared, dtype=np.float64))
        if share == 0:
            return _Prospect(0, 0, "no two requests share a template that is worth sending once")
        largest = max(rule.items for rule in rules)
        return _Prospect(waits * share * (1 - 1 / largest), len(rules) * self._replaying())

    def _share_of_input(self, tokens: Floats) -> float:
        """Of all tokens that the task's requests send, at four bytes a token; 0 to 1."""
        sent = np.array([len(request.content()) / BYTES_A_TOKEN for request in self.asked], dtype=np.float64)
        return float(np.clip(self.weights @ np.minimum(tokens, sent) / (self.weights @ sent), 0.0, 1.0))

    def _replaying(self) -> float:
        """Dollars of asking today's models all sampled prompts once more, and of grading the answers."""
        usd = self.design.logged_usd[self.places]
        known = usd[np.isfinite(usd)]
        asking = float(known.mean()) * len(usd) if known.size else 0.0
        return asking + self._grading(self.bodies)

    def _grading(self, bodies: Sequence[Call]) -> float:
        check = self.design.checks.get(self.task)
        pairs = [Pair(body.request or {}, body.answer, body.answer, body.expected) for body in bodies]
        judged = [pair for pair in pairs if may_need_judge(pair, check)]
        return math.fsum(self.tariff.judging(grader, judged) or 0.0 for grader in self.graders)


def _by_a_model(rule: Compression) -> Compression:
    """The same rule, by a model: what is asked of it tells what would be shortened."""
    return Compression("model", rule.ratio, rule.min_tokens, rule.last_user_turn)
