"""The story of a bill that fell, recomputed: its claims, and every figure that docs/story.md sets against them.

Money is `llmcost.pricing`'s, at the bundled price book; statistics are `llmcost.evidence`'s and scipy's; hit rates and
token counts are those of the sample log. Nothing here is typed in but the claims and the assumptions, which are named.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from scipy import stats

import llmcost
from llmcost import pricing
from llmcost.answers import Usage
from llmcost.audit.result import SpendRow
from llmcost.evidence.verdict import prompts_floor, prompts_needed
from llmcost.pricing import Rate
from llmcost.pricing.rates import BATCH
from llmcost.recommend.simulated import SimulateResult
from llmcost.strategies.prompt_cache import cache_rule

LOG = Path(__file__).parents[2] / "sample_logs" / "october.jsonl"

# The claims. Dollars of a month and of a request, before and after.
MONTH, REQUEST = (11_400.0, 1_830.0), (0.038, 0.006)


@dataclass(frozen=True)
class Swap:
    """A row of the story's table: a task goes from one model to another, at output prices in $ per million tokens."""

    task: str
    before: str
    after: str
    output_before: float
    output_after: float
    claimed: float


SWAPS = (
    Swap("support chat", "gpt-4o", "deepseek-v4-flash", 10.0, 0.25, 0.975),
    Swap("classify", "gpt-4o-mini", "Qwen/Qwen3-8B", 0.60, 0.01, 0.983),
    Swap("code", "gpt-4o", "deepseek-coder", 10.0, 0.25, 0.975),
    Swap("summarize", "gpt-4o", "Qwen/Qwen3-32B", 10.0, 0.28, 0.972),
    Swap("translate", "gpt-4o", "Qwen-MT-Turbo", 10.0, 0.30, 0.97),
)
CLOSE = 0.01  # a claim holds if what is found is no more than a point below it

# Compression: 2,000 → 400 tokens at $0.25 a million, "saves $0.024" a request and $87,600 a year.
LONG, SHORT, LIST_PRICE = 2_000, 400, 0.25
SAVED_A_CALL, SAVED_A_YEAR = 0.024, 87_600.0
COMPRESSOR = "Qwen/Qwen3-8B"

# "< 2 %" on a blind evaluation of 2,000 prompts.
MARGIN, PROMPTS, ALPHA = 0.02, 2_000, 0.05

# Cascade: what is said to be left of it against sending everything to the second tier.
CASCADE_SAID = (0.20, 0.26)
FIRST, SECONDS = "Qwen/Qwen3-8B", ("deepseek-v4-flash", "gpt-4o")
GRADER_ASKED, GRADER_SAYS = 150, 5  # tokens: the instruction to a grader, and its score
ESCALATED = (0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8)

# Batching: a shared beginning, short items.
PREFIX, ITEM, ANSWER, TOGETHER, ITEMS = 5_120, 100, 50, 10, 1_000
ID = 8  # tokens that an item's id adds to a joint answer
SHARED = ("gpt-4o", "gpt-4.1-mini", "claude-haiku-4-5", "deepseek-v4-flash")


class Story:
    """The figures. `workspace` is where the sample log's index is kept."""

    def __init__(self, workspace: Path) -> None:
        self.book = pricing.load()
        self._workspace = workspace

    # The sample log

    @cached_property
    def tasks(self) -> dict[str, SpendRow]:
        """The sample log by task."""
        result = llmcost.audit([str(LOG)], workspace=self._workspace).result
        return {row.task: row for row in result.by_task if row.task}

    def simulated(self, **choices: object) -> SimulateResult:
        """What `llmcost simulate` says of the sample log."""
        return llmcost.simulate([str(LOG)], workspace=self._workspace, **choices).result  # type: ignore[arg-type]

    @cached_property
    def sweep(self) -> SimulateResult:
        """The sample log with a cache of each time to live."""
        return self.simulated(cache_sweep=True)

    @cached_property
    def all_five(self) -> SimulateResult:
        """The story's models where they have a price, and all savings that change no answer."""
        found = {swap.task: swap.after for swap in SWAPS if self.book.find(swap.after)}
        return self.simulated(cache_ttl="1h", batch_api=True, prompt_cache=True, model_map=found)

    # Prices

    def rate(self, model: str, tier: str = "standard") -> Rate | None:
        """Today's rate of a model at peak hours."""
        found = self.book.find(model)
        return found and found.rates_at(self.book.day, tier)

    def output(self, model: str, off_peak: bool = False) -> float | None:
        """Today's output price of a model."""
        found = self.book.find(model)
        rates = found and found.period_at(self.book.day).ladder("standard", off_peak)
        return rates[0].output if rates else None

    def sold_from(self, model: str) -> float | None:
        """The lowest output price at which any seller lists the same name today."""
        name = model.lower().rpartition("/")[2]
        same = [each for each in self.book.models if each.name.lower().rpartition("/")[2] == name]
        sold = [each for each in same if each.deprecation_date is None or each.deprecation_date > self.book.day]
        rates = [rate for each in sold if (rate := each.rates_at(self.book.day)) is not None]
        return min((rate.output for rate in rates if rate.output), default=None)

    def usd(self, model: str, usage: Usage, tier: str | None = None) -> float:
        """One call of a model, at peak hours."""
        cost = pricing.price_usage(self.book, model, usage, service_tier=tier)
        assert cost is not None, model
        return cost

    # Models

    def output_saving(self, swap: Swap) -> float | None:
        """What today's output prices say a swap saves."""
        before, after = self.output(swap.before), self.output(swap.after)
        return None if before is None or after is None else 1 - after / before

    def traffic_saving(self, swap: Swap) -> float | None:
        """What it saves of the task's cost in the sample log: input, cached input and output, at the calls' hours."""
        if self.rate(swap.after) is None:
            return None
        moved = self.simulated(model_map={swap.task: swap.after}).totals.potential
        cost = self.tasks[swap.task].cost_usd
        assert moved is not None and moved.usd_logged is not None and cost is not None
        return moved.usd_logged / cost

    def thinking(self, swap: Swap) -> float | None:
        """Tokens of thinking a call, at peak hours, that eat the saving up."""
        saved, price, row = self.traffic_saving(swap), self.output(swap.after), self.tasks[swap.task]
        if saved is None or price is None or row.cost_usd is None:
            return None
        return saved * row.cost_usd / row.priced_calls / price * 1e6

    # Compression

    def compression(self, model: str, cached: bool = False) -> float:
        """Dollars a call that a prompt shortened by the compressor saves, the compressor paid for.

        cached: the long prompt would have been read from the provider's cache, which the short one is not.
        """
        long = Usage(input_tokens=LONG, output_tokens=0, cache_read_tokens=LONG if cached else None)
        short = Usage(input_tokens=SHORT, output_tokens=0)
        worked = self.usd(COMPRESSOR, Usage(input_tokens=LONG, output_tokens=SHORT))
        return self.usd(model, long) - self.usd(model, short) - worked

    # Cascade

    def escalations(self, saved: float) -> float:
        """The escalation rate at which the story's own output prices, and nothing else, save so much."""
        swap = {each.after: each for each in SWAPS}
        return 1 - swap[FIRST].output_after / swap[SECONDS[0]].output_after - saved

    def per_call(self, task: str) -> Usage:
        """A call of the task as it is on average."""
        row = self.tasks[task]
        return Usage(
            input_tokens=round(row.input_tokens / row.priced_calls),
            output_tokens=round(row.output_tokens / row.priced_calls),
        )

    def cascade(self, second: str, escalated: float, graded: bool) -> float:
        """Share saved against sending every call to the second tier."""
        call = self.per_call("support chat")
        assert call.input_tokens is not None and call.output_tokens is not None
        grading = Usage(input_tokens=call.input_tokens + call.output_tokens + GRADER_ASKED, output_tokens=GRADER_SAYS)
        first, then = self.usd(FIRST, call), self.usd(second, call)
        return 1 - (first + graded * self.usd(FIRST, grading) + escalated * then) / then

    # Batching

    def shared_prefix(self, model: str, prefix: int = PREFIX) -> dict[str, float | None]:
        """Dollars for all items: one by one, with the beginning cached, in the Batch API; the same, ten a call.

        None: no Batch API is sold.
        """
        sold = self.rate(model, BATCH) is not None
        found: dict[str, float | None] = {}
        for way, items, answer in (("one", 1, ANSWER), ("ten", TOGETHER, TOGETHER * (ANSWER + ID))):
            calls, asked = ITEMS // items, prefix + items * ITEM
            plain = Usage(input_tokens=asked, output_tokens=answer)
            first = Usage(input_tokens=asked, output_tokens=answer, cache_write_tokens=prefix)
            later = Usage(input_tokens=asked, output_tokens=answer, cache_read_tokens=prefix)
            found[way] = calls * self.usd(model, plain)
            found[f"{way}, cached"] = self.usd(model, first) + (calls - 1) * self.usd(model, later)
            found[f"{way}, batch"] = calls * self.usd(model, plain, BATCH) if sold else None
        return found

    def cache_beats_batch(self, model: str) -> int | None:
        """The shortest beginning that is cached, in steps of 128 tokens, for which the cache beats the Batch API."""
        found = self.book.find(model)
        assert found is not None, model
        for prefix in range(cache_rule(found.name, found.provider).minimum, 100_000, 128):
            costs = self.shared_prefix(model, prefix)
            cached, batch = costs["one, cached"], costs["one, batch"]
            if cached is None or batch is None:
                return None
            if cached < batch:
                return prefix
        return None


# Statistics


def clopper_pearson(losses: int, n: int) -> tuple[float, float]:
    found = stats.binomtest(losses, n).proportion_ci(method="exact")
    return float(found.low), float(found.high)


def wilson(losses: int, n: int) -> tuple[float, float]:
    found = stats.binomtest(losses, n).proportion_ci(method="wilson")
    return float(found.low), float(found.high)


def most_losses() -> int:
    """The most losses among the prompts that leave the rate below the margin for sure (exact, one-sided)."""
    return max(k for k in range(PROMPTS) if stats.binomtest(k, PROMPTS, MARGIN, alternative="less").pvalue <= ALPHA)


def looks_fine() -> float:
    """How often a candidate that is worse by exactly the margin shows less than that."""
    return float(stats.binom.cdf(round(MARGIN * PROMPTS) - 1, PROMPTS, MARGIN))


Z = float(stats.norm.ppf(1 - ALPHA))


def floor() -> int:
    """Prompts below which nothing passes, even if every pair ties."""
    return int(-(-prompts_floor(MARGIN, Z) // 1))


def needed(differing: float) -> int:
    """Prompts for an equal candidate to pass four times out of five, if this share of pairs differs."""
    found = prompts_needed(0.0, differing, MARGIN, Z)
    assert found is not None
    return int(-(-found // 1))
