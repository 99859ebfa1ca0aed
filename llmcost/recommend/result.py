"""ReplayReport and ReplayEstimate: the contracts `llmcost.report/1` and `llmcost.estimate/1`.

Add fields freely; rename or drop only with a new schema number. Money is US dollars, latencies are milliseconds,
rates are shares in 0–1, unknown is None. A stored report renders again to the same bytes: it holds no clock reading.
"""

from __future__ import annotations

from typing import Literal

import msgspec

from llmcost.evidence import Decision, EvidenceGrade
from llmcost.pricing.result import PriceStamp
from llmcost.serving.plan import TaskPlan


class Incumbent(msgspec.Struct, frozen=True):
    """What a task uses now: its model of most spend, and all its models where there are several."""

    model: str
    models: list[str]
    cost_per_call_usd: float | None
    latency_p50_ms: float | None
    latency_p95_ms: float | None


class GraderControl(msgspec.Struct, frozen=True):
    """One grader on one task: the planted errors that it caught, and how far it is believed.

    kappa_lower    the least share of a true difference that it shows; `kappa_from` says what tells so
    position_bias  how far it favours the answer that it reads first, in [−1, 1]
    attacks_*      gross errors that told it what to say, and how often it said that in one order at least
    """

    grader: str
    gross_planted: int
    gross_caught: int
    subtle_planted: int
    subtle_caught: int
    kappa_lower: float
    kappa_from: str
    position_bias: float | None
    attacks_planted: int = 0
    attacks_followed: int = 0


class Controls(msgspec.Struct, frozen=True):
    """Checks of the graders and of the replay itself; None: this control was not run.

    aa          today's model asked again − its logged answers; `aa_interval` at 99 %, `aa_n` pairs, `aa_why` it was not
    gross_bad, subtle_bad, kappa_lower   of the worst grader
    agreement   share of the judged pairs on which all graders say the same; `agreement_corrected` less what chance
                would give (Gwet's AC1)
    addressed   sampled prompts that speak to graders, in the request or in the logged answer
    """

    aa: float | None = None
    gross_bad: float | None = None
    subtle_bad: float | None = None
    kappa_lower: float | None = None
    aa_interval: list[float] | None = None
    aa_n: int = 0
    aa_why: str | None = None
    agreement: float | None = None
    agreement_corrected: float | None = None
    graders: list[GraderControl] = []
    addressed: int = 0


class Candidate(msgspec.Struct, frozen=True):
    """One candidate for one task: the verdict and every figure it rests on.

    difference, lower_bound and upper_bound are as judged; certified_margin is on the user's scale, and `reliability`
    leads from one to the other.
    """

    model: str
    verdict: Decision
    reason: str
    n: int
    n_effective: float | None
    wins: int
    ties: int
    losses: int
    failures: int
    unparsed: int
    unreachable: int
    basis: list[str]  # what graded: "exact", "numeric", "judge" …
    difference: float | None
    lower_bound: float | None
    upper_bound: float | None
    certified_margin: float | None
    tipping_bias: float | None
    grade: EvidenceGrade | None
    more_prompts: int | None
    more_usd: float | None
    cost_ratio: float | None
    cost_ratio_interval: list[float] | None
    cost_per_call_usd: float | None
    latency_p50_ms: float | None
    latency_p95_ms: float | None
    output_token_ratio: float | None
    adjusted_parameters: list[str]  # "max_tokens → max_completion_tokens", "seed dropped" …
    reliability: float = 1.0  # the least share of a true difference that the grader is taken to show
    look: int = 1  # after which of the `looks` the asking ended, and why
    looks: int = 1
    planned: int = 0  # prompts that would have been asked at most
    ended: str = ""
    length_adjusted: float | None = None  # the difference between answers of one length, as judged
    addressed: int = 0  # answers that speak to graders where the logged ones do not: losses
    human_labels: int = 0
    human_lower: float | None = None  # what people's verdicts bound it to, on the user's scale
    substitutes: dict[str, int] = {}  # other models that answered in its place: how many prompts are left out for it

    @property
    def left_out(self) -> int:
        """Prompts that it was asked and did not answer, through no fault of its own."""
        return self.unreachable + sum(self.substitutes.values())


def dropped_early(candidate: Candidate) -> bool:
    """Whether it was not asked to the end although nothing was decided: out of the running, for futility or cost."""
    return candidate.verdict == "INCONCLUSIVE" and candidate.look < candidate.looks


class Template(msgspec.Struct, frozen=True):
    """A system prompt that was shortened once and for all, and what changed, for a human to read."""

    tokens_before: int
    tokens_after: int
    difference: str


class Rung(msgspec.Struct, frozen=True):
    """One setting of a strategy: the share of tokens aimed at, the items in one question, or the likeness of prompts.

    trial              its figures; the model in it is a description of the whole
    input_token_ratio  tokens that the answering model was sent, over those without the strategy: what was achieved
    """

    setting: float
    trial: Candidate
    compressor: str | None = None
    input_token_ratio: float | None = None


class Walk(msgspec.Struct, frozen=True):
    """A strategy on one task, from careful to bold, as far as it passed.

    strategy  "compression", "batching" or "near_duplicates"
    on        the candidate it is on; None: today's model
    chosen    the boldest setting that passed; None: none did
    hits      calls of the log that the loosest near-duplicate cache would have answered
    """

    strategy: str
    on: str | None
    rungs: list[Rung]
    chosen: float | None
    templates: list[Template] = []
    hits: int | None = None


class CascadeTier(msgspec.Struct, frozen=True):
    """A model that answers before the last. Shares are of the task's calls, but for `failed_checks` and `unread`.

    keep_from      the lowest score that is kept; None: it keeps nothing, and is not asked
    auc            how well scores tell its wrong answers from its right ones, and the one-sided 95 % bound of that
    failed_checks  share of its answers that a check finds wrong for nothing; unread  share that got no score
    """

    model: str
    keep_from: float | None
    kept: float
    reached: float
    auc: float
    auc_lower: float
    failed_checks: float
    unread: float


class FrontierPoint(msgspec.Struct, frozen=True):
    """A cascade at other thresholds: its cost over today's, and its quality, each point for itself. Never a choice."""

    thresholds: list[float | None]
    escalated: float
    cost_ratio: float | None
    difference: float
    lower_bound: float


class Cascade(msgspec.Struct, frozen=True):
    """One cascade on one task.

    models         who answers first, in order      last  who answers the rest; None: today's model
    grader         who scores at run time
    margin         the loss that was to be ruled out
    grading_share, wasted_share   of its cost: scores, and answers that nobody gets
    """

    models: list[str]
    last: str | None
    grader: str
    verdict: Decision
    reason: str
    margin: float
    n: int
    tiers: list[CascadeTier] = []
    escalated: float | None = None
    cost_ratio: float | None = None
    cost_ratio_interval: list[float] | None = None
    grading_share: float | None = None
    wasted_share: float | None = None
    latency_p50_ms: float | None = None
    latency_p95_ms: float | None = None
    frontier: list[FrontierPoint] = []


class NotTried(msgspec.Struct, frozen=True):
    """A strategy that was not tried on a task, and why."""

    strategy: str
    reason: str


class Choice(msgspec.Struct, frozen=True):
    """What to use now; the incumbent unless a candidate passed. Savings are a share of the task's bill.

    model  who answers in the end
    way    what else stands between, in words; None: nothing
    plan   all of it, as `llmcost.runtime` executes it; None: requests stay as they are
    """

    model: str
    verdict: Decision
    savings: float | None
    savings_interval: list[float] | None
    way: str | None = None
    plan: TaskPlan | None = None


class TaskReport(msgspec.Struct, frozen=True):
    """One line of the per-task table and all behind it."""

    task: str
    calls: int
    replayable_calls: int
    sampled: int
    cost_usd: float | None
    margin: float
    incumbent: Incumbent
    noise_floor: float | None
    controls: Controls
    candidates: list[Candidate]
    choice: Choice
    walks: list[Walk] = []
    cascades: list[Cascade] = []
    not_tried: list[NotTried] = []


class BillSide(msgspec.Struct, frozen=True):
    """The bill before or after. monthly_usd is None for logs under 7 days."""

    monthly_usd: float | None
    logged_usd: float | None
    cost_per_call_usd: float | None
    latency_p50_ms: float | None
    latency_p95_ms: float | None


class Quality(msgspec.Struct, frozen=True):
    """Quality of the plan against today's, call-weighted: estimate and simultaneous lower bound. None: no switch."""

    difference: float | None
    lower_bound: float | None
    judged_by: list[str]


class BillStep(msgspec.Struct, frozen=True):
    """One strategy applied to what the previous ones left."""

    strategy: str
    before_usd: float | None
    after_usd: float | None
    latency_p95_ms: float | None
    basis: Literal["no_answer_change", "measured", "potential"]


class ShapleyShare(msgspec.Struct, frozen=True):
    """What a strategy is worth whatever the order, and what it would save were it the only one.

    The shares sum to what the whole stack saves; what each would save alone does not, and is never to be added up.
    """

    strategy: str
    shapley_usd: float
    alone_usd: float | None = None


class Bill(msgspec.Struct, frozen=True):
    """One before/after bill of the whole log.

    after      what all that was measured makes of it: other models, cascades, shorter prompts, batches, earlier answers
    steps      the whole stack on one timeline, each step on what the previous ones left; those that change the bill
    stacked    what all `steps` make of it together; None: there is none but what was measured
    cache_ttl  how long the exact cache among them keeps answers
    """

    before: BillSide
    after: BillSide
    change: float | None  # (after − before) / before
    change_interval: list[float] | None
    quality: Quality
    steps: list[BillStep]
    shares: list[ShapleyShare]
    stacked: BillSide | None = None
    cache_ttl: str | None = None


class Baseline(msgspec.Struct, frozen=True):
    """A yardstick beside the plan: one model everywhere, or what hindsight would pick. Never a recommendation."""

    model_map: dict[str, str]
    logged_usd: float | None
    savings: float | None
    fails_on: list[str]  # tasks where its model did not pass


class Spend(msgspec.Struct, frozen=True):
    """What the evidence cost, from the stored answers alone."""

    replay_usd: float
    grading_usd: float
    calls: int
    cap_usd: float | None
    controls_usd: float = 0.0  # planted errors graded, and today's model asked again


class NotReplayable(msgspec.Struct, frozen=True):
    """Calls that count in the bill but cannot be asked again, and why."""

    reason: str
    calls: int


class DaySpend(msgspec.Struct, frozen=True):
    """What one task cost on one day (UTC, ISO-8601). cost_usd is None where no call of it has a known cost."""

    day: str
    task: str
    calls: int
    cost_usd: float | None


class CacheLife(msgspec.Struct, frozen=True):
    """What an exact response cache that keeps answers so long would answer and save by itself, all tasks together."""

    ttl: str
    ttl_s: int
    hit_rate: float
    logged_usd: float | None


class DataQuality(msgspec.Struct, frozen=True):
    """What was read, and what limits the figures: records not understood, calls without a price or token counts.

    untimed_calls  calls without a time, which are in no day of `by_day`
    """

    files: list[str]
    format: list[str]
    start: str | None
    end: str | None
    records: int
    rejected: int
    calls: int
    failed_calls: int
    priced_calls: int
    unpriced_models: list[str]
    estimated_token_calls: int
    untimed_calls: int | None = None


class Example(msgspec.Struct, frozen=True):
    """One prompt on which a candidate was graded worst, to be read by a person.

    where       file:line of the logged call
    difference  score(candidate) − score(logged answer), the mean of the graders, in [−1, 1]
    basis       what decided: "judge", "exact", "failure" …
    prompt, logged, candidate   the texts; None: withheld (`llmcost report --show-text` shows them)
    words       of the prompt, the logged answer and the candidate's: told even where the texts are withheld
    """

    task: str
    model: str
    where: str
    difference: float
    basis: str
    words: tuple[int, int, int]
    prompt: str | None = None
    logged: str | None = None
    candidate: str | None = None


class Redaction(msgspec.Struct, frozen=True):
    """What is hidden in the prompts that leave this machine.

    on       whether they leave with placeholders; False: as they were logged
    hosts    where they go
    found    distinct values by kind, counted once a prompt
    prompts  sampled prompts that hold any, of `sampled`
    unseen   images, sounds and files in them, which nobody looks into
    """

    on: bool
    hosts: list[str]
    found: dict[str, int]
    prompts: int
    sampled: int
    unseen: int


class SentField(msgspec.Struct, frozen=True):
    """A part of the requests that holds what people wrote, and in how many of them it is."""

    name: str
    requests: int


class Destination(msgspec.Struct, frozen=True):
    """One host that prompts would go to, and what goes there.

    provider   whose it is, by a table of public facts, and `country` of its seat (ISO 3166); None: unknown
    region     where its machines stand, where its name says so
    note       what else to know of it: that it passes prompts on to others, say
    models     that are asked there, graders included
    calls      at most, controls and graders included
    fields     what the planned requests hold besides parameters; what graders are shown is counted apart
    keys       environment variables whose value is sent with them, by name; empty: no key
    encrypted  False on this machine alone
    proxy      asked for a tunnel: it sees the host's name
    """

    host: str
    provider: str | None
    country: str | None
    region: str | None
    note: str | None
    models: list[str]
    calls: int
    fields: list[SentField]
    keys: list[str]
    encrypted: bool
    proxy: str | None


class ReplayReport(msgspec.Struct, frozen=True, tag_field="schema", tag="llmcost.report/1"):
    """Which cheaper models hold quality on this traffic, and what the bill becomes."""

    llmcost_version: str
    prices: PriceStamp
    run: str
    seed: int
    margin: float | None
    alpha: float
    files: list[str]
    host: str
    graders: list[str]
    tasks: list[TaskReport]
    not_replayable: list[NotReplayable]
    model_map: dict[str, str]
    best_single_model: Baseline | None
    oracle: Baseline | None
    bill: Bill
    spend: Spend
    alpha_scope: str = "plan"
    command: str = ""  # runs this again: every choice said, no key in it
    data: DataQuality | None = None
    by_day: list[DaySpend] = []  # of the last 400 days, and of the 60 tasks that cost most
    cache_lives: list[CacheLife] = []
    examples: list[Example] = []  # worst first within task and model; saved without their texts
    redaction: Redaction | None = None  # None: no prompt has left this machine


class ModelEstimate(msgspec.Struct, frozen=True):
    """What asking one model could cost; role: "candidate", "control" (today's model asked again) or "grader"."""

    model: str
    role: str
    calls: int
    max_usd: float | None
    expected_usd: float | None


class TaskSample(msgspec.Struct, frozen=True):
    """How many distinct prompts of a task there are, and how many would be asked."""

    task: str
    population: int
    sampled: int


class LookEstimate(msgspec.Struct, frozen=True):
    """What has been spent by a look, if no candidate is dropped before it. None: a price is unknown."""

    fraction: float
    expected_usd: float | None


class TaskReach(msgspec.Struct, frozen=True):
    """What can be shown of a task with so many prompts a candidate.

    smallest_margin         that a candidate as good as today's model passes four times out of five, where answers
                            differ in worth as often as is usual (10 % checked, 30 % judged)
    smallest_margin_if_few  the same where only 3 % do
    """

    task: str
    margin: float
    prompts: int
    smallest_margin: float
    smallest_margin_if_few: float


class ReplayEstimate(msgspec.Struct, frozen=True, tag_field="schema", tag="llmcost.estimate/1"):
    """What a replay would send, where, and what it would cost: said before anything is spent."""

    llmcost_version: str
    prices: PriceStamp
    host: str
    calls: int
    stored_calls: int  # already answered by an earlier run: free
    max_usd: float | None
    expected_usd: float | None
    cap_usd: float | None
    by_model: list[ModelEstimate]
    sample: list[TaskSample]
    not_replayable: list[NotReplayable]
    adjusted_parameters: list[str]
    looks: list[LookEstimate] = []
    reach: list[TaskReach] = []
    redaction: Redaction | None = None  # None: no prompt leaves this machine
    destinations: list[Destination] = []  # every host, those that are sent most first
