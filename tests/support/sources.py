"""What exporters are given in tests: a finished report, and prompts, charges and prices as they might be."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import msgspec

from llmcost.recommend.result import ReplayReport
from llmcost.report.exports import Charge, Rates, SamplePrompt
from support import results

RATES = {
    "gpt-4o": Rates("openai/gpt-4o", "2026-11-20", 2.5, 10.0, 1.25, None, 128_000),
    "gpt-4o-mini": Rates("openai/gpt-4o-mini", "2026-11-20", 0.15, 0.6, 0.075, None, 128_000),
    "Qwen/Qwen3-8B": Rates("qwen/qwen3-8b", "2026-11-20", 0.035, 0.138, None, None, 40_960),
    "deepseek-v4-flash": Rates("deepseek/deepseek-v4-flash", "2026-11-20", 0.3, 1.2, 0.006, 0.375, 1_000_000),
}
PROMPTS = (
    SamplePrompt(
        "classify", "logs/oct.jsonl:1",
        [{"role": "system", "content": "Answer with the label alone."}, {"role": "user", "content": "Where is it?"}],
        [], "exact", "shipping", "shipping",
    ),
    SamplePrompt("classify", "logs/oct.jsonl:2", [{"role": "user", "content": "2 + 2?"}], [], "numeric", "4", "4"),
    SamplePrompt(
        "support chat", "logs/oct.jsonl:3", [{"role": "user", "content": "It does not start."}],
        [], "judge", None, "Hold the button for ten seconds.",
    ),
    SamplePrompt(
        "code", "logs/oct.jsonl:4", [{"role": "user", "content": "Sort it."}],
        [{"type": "function", "function": {"name": "run"}}], "judge", None, None,
    ),
)  # fmt: skip
CHARGES = (
    Charge("2026-10-01", "classify", "openai", "gpt-4o-mini", "default", "input", 3390, 0.0005085, 38, 0.0005085),
    Charge("2026-10-01", "classify", "openai", "gpt-4o-mini", "default", "output", 75, 0.000045, 38, 0.000045),
    Charge("2026-10-01", "classify", "openai", "gpt-4o-mini", "batch", "cache_read", 1024, 0.0000384, 2, 0.0000384),
    Charge("2026-12-31", "support chat", None, "our-finetune-7b", None, "input", 900, None, 3, None),
    Charge("2026-12-31", "support chat", None, "our-finetune-7b", None, "all", 0, None, 1, None),
    Charge(None, "code", "openai", "gpt-4o", None, "all", 0, 0.25, 4, None),
)


@dataclass(frozen=True)
class Given:
    """A source at hand."""

    report: ReplayReport
    base_url: str | None = None
    sample: Sequence[SamplePrompt] = PROMPTS
    bill: Sequence[Charge] = CHARGES
    listed: dict[str, Rates] = field(default_factory=lambda: dict(RATES))

    def prompts(self) -> Sequence[SamplePrompt]:
        return self.sample

    def charges(self) -> Sequence[Charge]:
        return self.bill

    def rates(self, model: str, provider: str | None = None) -> Rates | None:
        return self.listed.get(model)


def of(report: ReplayReport, *tasks: str) -> ReplayReport:
    """The report of these tasks alone."""
    return msgspec.structs.replace(report, tasks=[task for task in report.tasks if task.task in tasks])


def stays() -> ReplayReport:
    """Nothing is switched, and no cache pays."""
    report = of(results.replay(), "code", "translate")
    return msgspec.structs.replace(report, bill=msgspec.structs.replace(report.bill, steps=[]))


def switched() -> ReplayReport:
    """Plain switches, one of which stays."""
    return of(results.replay(), "support chat", "classify", "code")


def beyond() -> ReplayReport:
    """A cascade, shorter prompts, an exact cache and earlier answers to nearly the same prompts."""
    return of(results.beyond_models(), "classify", "code", "summarize", "translate")
