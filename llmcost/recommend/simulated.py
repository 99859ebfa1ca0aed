"""SimulateResult: the contract `llmcost.simulate/1`, what a log would have cost behind savings that need no answer.

Add fields freely; rename or drop only with a new schema number. Money is US dollars of the log, unless it says a month;
latencies are milliseconds, rates are shares in 0–1, unknown is None.
"""

from __future__ import annotations

import msgspec

from llmcost.audit.result import SourceSummary, Span
from llmcost.config import CostMode
from llmcost.pricing.result import PriceStamp
from llmcost.recommend.result import BillSide, BillStep, ShapleyShare
from llmcost.strategies import Basis


class Saving(msgspec.Struct, frozen=True):
    """Dollars off the bill, in this log and in a month; None: not known, or the log is too short for a month."""

    usd_logged: float | None
    usd_per_month: float | None


class SavingTotals(msgspec.Struct, frozen=True):
    """Three totals that are never mixed; None: nothing of that kind was simulated.

    no_answer_change  by the steps that change no answer, without the model map
    measured          what passed the decision rule: nothing has, without a replay
    potential         by all steps together if every answer of the model map were as good: not to be quoted
    """

    no_answer_change: Saving
    measured: Saving | None
    potential: Saving | None


class SweepRow(msgspec.Struct, frozen=True):
    """An exact response cache that keeps answers so long, on one task; task None: on the whole log."""

    ttl: str
    ttl_s: float
    task: str | None
    calls: int
    hits: int
    hit_rate: float
    saved_usd: float | None


class BestTtl(msgspec.Struct, frozen=True):
    """The shortest of the swept times to live that saves nearly all (95 %) of what the longest saves on a task."""

    task: str
    ttl: str
    ttl_s: float
    hit_rate: float
    saved_usd: float
    longest_usd: float


class SimulatedCache(msgspec.Struct, frozen=True):
    """The exact response cache that was simulated, and what it answers.

    ttl, task_ttl  how long answers are kept, as it was written: of all tasks, and of single ones that the log has
    capacity       entries at a time; None: of any size
    single_flight  a request waits for the same one that is still being answered; otherwise it is asked again
    hits, waiting  calls that it answers, and those among them that wait
    """

    ttl: str
    task_ttl: dict[str, str]
    capacity: int | None
    single_flight: bool
    hits: int
    waiting: int


class NearRow(msgspec.Struct, frozen=True):
    """What a near-duplicate cache behind the exact one would answer on a task; task None: on the whole log.

    threshold  least likeness of two prompts, the estimated Jaccard index of what they are made of
    saved_usd  if every such answer were as good, which nobody has seen: in no total
    """

    threshold: float
    task: str | None
    calls: int
    hits: int
    hit_rate: float
    saved_usd: float | None
    basis: Basis = "potential"


class SimulateResult(msgspec.Struct, frozen=True, tag_field="schema", tag="llmcost.simulate/1"):
    """One bill before and after the stack of savings that were asked for.

    change      (after − before) / before
    steps       each applied to what the previous ones left; their savings sum to before − after
    shares      what each step is worth whatever the order (sums to the same), and alone (never to be added up)
    idle        steps that were asked for and found nothing that pays
    cache       the response cache; None: none was asked for. cache_ttl, cache_hits: what it says of them
    sweep, best_ttl    an exact cache alone by time to live, and for each task the shortest that is long enough
    near        near-duplicates by threshold: a potential that is in no total
    batched_calls      calls that go into a batch
    model_map   what-if, at today's tokens and for answers nobody has seen
    """

    llmcost_version: str
    prices: PriceStamp
    cost_mode: CostMode
    source: SourceSummary
    span: Span
    calls: int
    priced_calls: int
    before: BillSide
    after: BillSide
    change: float | None
    steps: list[BillStep]
    shares: list[ShapleyShare]
    idle: list[str]
    totals: SavingTotals
    cache_ttl: str | None
    model_map: dict[str, str]
    sweep: list[SweepRow]
    cache_hits: int = 0
    batched_calls: int = 0
    cache: SimulatedCache | None = None
    best_ttl: list[BestTtl] = []
    near: list[NearRow] = []
