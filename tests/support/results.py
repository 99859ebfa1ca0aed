"""Results as a support product's month might give them: what the screens are drawn from in tests."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import date
from typing import Any

import msgspec

from llmcost.audit.pages import Explanation, Paragraph
from llmcost.audit.result import (
    AuditResult,
    CallSite,
    CostDrift,
    Finding,
    ModelDrift,
    Potential,
    PotentialTotal,
    Reject,
    SourceSummary,
    Span,
    SpendRow,
    Totals,
    UnpricedModel,
)
from llmcost.pricing import PriceLine, PriceView
from llmcost.pricing.result import PriceStamp
from llmcost.recommend.result import (
    Baseline,
    Bill,
    BillSide,
    BillStep,
    CacheLife,
    Candidate,
    Cascade,
    CascadeTier,
    Choice,
    Controls,
    DataQuality,
    DaySpend,
    Example,
    FrontierPoint,
    GraderControl,
    Incumbent,
    LookEstimate,
    ModelEstimate,
    NotReplayable,
    NotTried,
    Quality,
    ReplayEstimate,
    ReplayReport,
    Rung,
    ShapleyShare,
    Spend,
    TaskReach,
    TaskReport,
    TaskSample,
    Template,
    Walk,
)
from llmcost.recommend.simulated import (
    BestTtl,
    NearRow,
    Saving,
    SavingTotals,
    SimulatedCache,
    SimulateResult,
    SweepRow,
)
from llmcost.serving import Caching, Compression, TaskPlan, Tier

PRICES = PriceStamp("2026-11-20", "5d41402abc4b2a76b9719d911017c592")
VERSION = "0.1.0"


def audit() -> AuditResult:
    tasks = [
        ("summarize", ["gpt-4o"], 6110, 88_000_000, 1_900_000, 1239.00, 4012.0),
        ("support chat", ["gpt-4o", "gpt-4o-mini"], 31022, 24_100_000, 5_900_000, 1119.25, 2110.0),
        ("code", ["gpt-4o"], 2204, 30_210_000, 2_410_000, 812.37, 6821.0),
        (
            "chat · “You are a helpful legal assistant” · 9f3ac1d2",
            ["o3-mini"],
            1204,
            3_100_000,
            912_000,
            181.22,
            9400.0,
        ),
        ("classify", ["gpt-4o-mini"], 19_870, 9_912_000, 61_300, 61.04, 612.0),
        ("translate", ["our-finetune-7b"], 794, 412_000, 430_100, None, 1800.0),
    ]
    return AuditResult(
        llmcost_version=VERSION,
        prices=PRICES,
        source=SourceSummary(
            ["logs/october.jsonl"],
            ["OpenAI request/response pairs"],
            61218,
            14,
            [
                Reject("logs/october.jsonl", 18, "not JSON (cut off after 4,096 bytes)"),
                Reject("logs/october.jsonl", 4711, "no model, no messages: not a call"),
                Reject("logs/october.jsonl", 9002, "not JSON (invalid escape)"),
                Reject("logs/october.jsonl", 9003, "not JSON (invalid escape)"),
            ],
        ),
        span=Span("2026-10-01T00:00:13Z", "2026-10-31T23:59:41Z", 30.99),
        totals=Totals(
            calls=61204,
            answered_calls=60871,
            failed_calls=333,
            priced_calls=60179,
            unpriced_calls=794,
            unmetered_calls=231,
            input_tokens=155_734_000,
            cache_read_tokens=41_000_000,
            output_tokens=11_613_400,
            reasoning_tokens=700_000,
            cost_usd=3412.88,
            failed_cost_usd=4.18,
            logged_cost_usd=3390.12,
            monthly_usd=3350.41,
            cost_per_call_usd=0.0567,
            latency_p50_ms=940.0,
            latency_p95_ms=3900.0,
            estimated_token_calls=120,
        ),
        by_task=[_spend(*row, name={"task": row[0], "models": row[1]}) for row in tasks],
        by_model=[
            _spend("", [], 38104, 142_310_000, 10_130_000, 3102.11, 4100.0, name={"model": "gpt-4o"}),
            _spend("", [], 1204, 3_100_000, 912_000, 181.22, 9400.0, name={"model": "o3-mini"}),
            _spend("", [], 21102, 9_912_000, 141_300, 129.55, 640.0, name={"model": "gpt-4o-mini"}),
            _spend("", [], 794, 412_000, 430_100, None, 1800.0, name={"model": "our-finetune-7b"}),
        ],
        by_day=[
            _spend("", [], 1974, 5_000_000, 370_000, 110.09, 3900.0, name={"day": f"2026-10-{day:02d}"})
            for day in range(1, 32)
        ],
        by_tag={"team": [_spend("", [], 61204, 155_734_000, 11_613_400, 3412.88, 3900.0, name={"tag": "support"})]},
        unpriced_models=[UnpricedModel("our-finetune-7b", 794, 0.01297)],
        findings=[
            _cheaper("summarize", 6110, 1228.01, 98.614), _cheaper("support chat", 31022, 1109.2, 98.437),
            _cheaper("classify", 19_870, 46.88, 76.81),
            _duplicates("classify", 3577, 198.6, 18.002), _duplicates("support chat", 401, 13.8, 1.2926),
            Finding(
                "failed-calls", "failed-calls", "0.544 % of calls failed", None, 333, 4.10, 4.18, "potential",
                "333 of 61,204 calls: rate_limit (301), timeout (32); 12 of them reported usage",
                "fix the most frequent error first; retry with back-off",
            ),
            Finding(
                "unpriced-models", "unpriced-models", "1.3 % of calls have no known price", None, 794, None, None,
                "potential", "our-finetune-7b (794)", 'set price under [models."our-finetune-7b"] in llmcost.toml',
            ),
        ],
        potential=Potential(
            PotentialTotal(216.36, 212.40, ["cache-exact"]), PotentialTotal(3051.02, 2995.15, ["cheaper-model"])
        ),
        call_sites=[
            _site("summarize·41d0", "summarize", "summarization", 6110, 1239.0, ["gpt-4o"], 1410, 290.0),
            _site("support chat·be01", "support chat", "chat", 31022, 1119.25, ["gpt-4o", "gpt-4o-mini"], 640, 598.0),
            _site("review code·77aa", "code", "code", 2204, 812.37, ["gpt-4o"], None, None),
            _site("label ticket·0c3e", "classify", "classification", 19_870, 61.04, ["gpt-4o-mini"], 310, 11.2),
        ],
        cost_drift=CostDrift(
            60179, 3390.12, 3412.88, [ModelDrift("openai/gpt-4o", 38104, 3080.0, 3102.11, 3080.0 / 3102.11)]
        ),
    )  # fmt: skip


def _site(
    name: str, task: str, kind: str, calls: int, usd: float, models: list[str], static: int | None, year: float | None
) -> CallSite:
    share = None if static is None else 0.2
    return CallSite(name, task, kind, ["its answers"], calls, usd, usd / 3412.88, models, static, share, year)


def _cheaper(task: str, calls: int, usd: float, percent: float) -> Finding:
    return Finding(
        f"cheaper-model:{task}", "cheaper-model", f"Qwen/Qwen3-8B would cost {percent:.3g} % less, if quality held",
        task, calls, usd * 0.98, usd, "potential", f"same tokens, {calls:,} calls; no answer was compared",
        "measure it on your own calls: llmcost replay --models Qwen/Qwen3-8B",
    )  # fmt: skip


def _duplicates(task: str, calls: int, usd: float, percent: float) -> Finding:
    return Finding(
        f"exact-duplicates:{task}", "exact-duplicates", f"Identical requests within 1h: {percent:.3g} % of calls",
        task, calls, usd, usd * 1.02, "no_answer_change", f"{calls:,} calls repeat a request answered in the 1h before",
        "keep answers for 1h in an exact response cache",
    )  # fmt: skip


def _spend(
    _: str, __: list[str], calls: int, tokens_in: int, tokens_out: int, usd: float | None, p95: float, *, name: Any
) -> SpendRow:
    return SpendRow(
        calls=calls,
        priced_calls=0 if usd is None else calls,
        failed_calls=0,
        input_tokens=tokens_in,
        cache_read_tokens=0,
        output_tokens=tokens_out,
        reasoning_tokens=0,
        cost_usd=usd,
        share=None if usd is None else usd / 3412.88,
        cost_per_call_usd=None if usd is None else usd / calls,
        latency_p50_ms=p95 / 2,
        latency_p95_ms=p95,
        **name,
    )


def candidate(model: str, verdict: str, reason: str, **figures: Any) -> Candidate:
    """A candidate as the statistics give it: bounds as judged, the certified margin on the user's scale."""
    defaults: dict[str, Any] = {
        "n": 500,
        "n_effective": 480.0,
        "wins": 20,
        "losses": 20,
        "failures": 0,
        "unparsed": 0,
        "unreachable": 0,
        "basis": ["judge"],
        "difference": 0.0,
        "lower_bound": -0.02,
        "upper_bound": 0.02,
        "tipping_bias": 0.006,
        "grade": "B",
        "more_prompts": None,
        "more_usd": None,
        "cost_ratio": 0.029,
        "cost_ratio_interval": [0.026, 0.032],
        "cost_per_call_usd": 0.0011,
        "latency_p50_ms": 700.0,
        "latency_p95_ms": 1900.0,
        "output_token_ratio": 1.0,
        "adjusted_parameters": [],
    }
    all_figures = defaults | figures
    all_figures.setdefault("ties", all_figures["n"] - all_figures["wins"] - all_figures["losses"])
    all_figures = {"look": 5, "looks": 5, "planned": all_figures["n"], "ended": "asked all of them"} | all_figures
    reliability = 0.5 if "judge" in all_figures["basis"] else 1.0
    lower = all_figures["lower_bound"]
    certified = None if lower is None else max(-lower, 0.002) / reliability
    return Candidate(
        model=model,
        verdict=verdict,
        reason=reason,
        certified_margin=certified,
        reliability=reliability,
        **all_figures,
    )


AGAIN = Controls(aa=0.004, aa_interval=[-0.021, 0.03], aa_n=200)


def controls(caught: int = 60) -> Controls:
    """Two graders who were tested: one lately, one that catches so many of the gross errors."""
    graders = [
        GraderControl("gemini-2.5-flash", 60, caught, 60, 49, 0.5, "planted errors", 0.09),
        GraderControl("claude-haiku-4-5", 60, 59, 60, 55, 0.5, "planted errors", -0.01),
    ]
    return msgspec.structs.replace(
        AGAIN, gross_bad=caught / 60, subtle_bad=49 / 60, kappa_lower=0.5, agreement=0.74, graders=graders
    )


def task(name: str, incumbent: str, candidates: list[Candidate], choice: Choice, **more: Any) -> TaskReport:
    return TaskReport(
        task=name,
        calls=6000,
        replayable_calls=5900,
        sampled=600,
        cost_usd=400.0,
        margin=more.get("margin", 0.05),
        incumbent=Incumbent(incumbent, more.get("models", [incumbent]), 0.0384, 900.0, 2100.0),
        noise_floor=0.11,
        controls=more.get("controls", controls() if "judge" in candidates[0].basis else AGAIN),
        candidates=candidates,
        choice=choice,
    )


def replay() -> ReplayReport:
    qwen, flash = "Qwen/Qwen3-8B", "deepseek-v4-flash"
    tasks = [
        task(
            "support chat",
            "gpt-4o",
            [
                candidate(
                    qwen, "SWITCH", "at most 2.8 points worse (n 1,412; limit 5)", n=1412, wins=61,
                    ties=1301, losses=50, difference=0.0078, lower_bound=-0.0139, upper_bound=0.024,
                    output_token_ratio=1.31, basis=["judge", "identical"],
                    adjusted_parameters=["max_tokens → max_completion_tokens"],
                ),
                candidate(flash, "SWITCH", "at most 3.6 points worse (n 1,412; limit 5)", n=1412,
                          lower_bound=-0.018, cost_ratio=0.05, output_token_ratio=1.2, human_labels=240,
                          human_lower=-0.031, grade="A"),
            ],
            Choice(qwen, "SWITCH", 0.971, [0.968, 0.974]),
            models=["gpt-4o", "gpt-4o-mini"],
        ),
        task(
            "classify",
            "gpt-4o-mini",
            [candidate(qwen, "SWITCH", "at most 0.9 points worse (n 900; limit 2)", n=900,
                       lower_bound=-0.0088, basis=["exact"], grade="A")],
            Choice(qwen, "SWITCH", 0.96, [0.955, 0.965]),
            margin=0.02,
        ),
        task(
            "code",
            "gpt-4o",
            [
                candidate(qwen, "KEEP", "8.7 points worse, at least 5.1 (n 412; limit 2)", n=412, wins=3, ties=370,
                          losses=39, failures=7, difference=-0.087, lower_bound=-0.11, upper_bound=-0.051,
                          basis=["unit tests"]),
                candidate(flash, "KEEP", "6.1 points worse, at least 3.0 (n 412; limit 2)", n=412, wins=9, ties=369,
                          losses=34, difference=-0.0607, lower_bound=-0.09, upper_bound=-0.03,
                          basis=["unit tests"]),
            ],
            Choice("gpt-4o", "KEEP", None, None),
            margin=0.02,
        ),
        task(
            "summarize",
            "gpt-4o",
            [
                candidate(
                    flash, "SWITCH_AT", "at most 7.6 points worse (n 1,000; limit 5)",
                    n=1000, lower_bound=-0.0378, unparsed=2,
                )
            ],
            Choice(flash, "SWITCH_AT", 0.892, [0.88, 0.904]),
        ),
        task(
            "translate",
            "gpt-4o",
            [
                candidate(
                    flash, "INCONCLUSIVE",
                    "not decided: between −7.8 and +8.0 points (n 500); about 2,100 more prompts", n=500,
                    difference=0.001, lower_bound=-0.039, upper_bound=0.04, more_prompts=2077, more_usd=8.4,
                ),
                candidate(
                    qwen, "INCONCLUSIVE",
                    "not decided: between −12.4 and −0.3 points (n 500); more prompts will not bring it within the "
                    "limit 5 while the estimate is beyond it", difference=-0.031, lower_bound=-0.062,
                    upper_bound=-0.003, length_adjusted=-0.034,
                ),
            ],
            Choice("gpt-4o", "INCONCLUSIVE", None, None),
        ),
        task(
            "extract",
            "gpt-4o-mini",
            [
                candidate(
                    qwen, "INCONCLUSIVE",
                    "dropped at look 2 of 5: not on the way to within its limit (estimate −3.8 points, n 150)",
                    n=150, basis=["exact"], difference=-0.038, lower_bound=-0.147, upper_bound=0.087, look=2,
                    planned=600, ended="dropped at look 2 of 5: not on the way to within its limit",
                ),
                candidate(flash, "SWITCH", "at most 1.9 points worse (n 600; limit 2)", n=600, basis=["exact"],
                          difference=0.002, lower_bound=-0.0188, grade="A", cost_ratio=2.08,
                          cost_ratio_interval=[2.01, 2.15]),
            ],
            Choice("gpt-4o-mini", "KEEP", None, None),
            margin=0.02,
        ),
        task(
            "chat · “You are a helpful legal assistant” · 9f3ac1d2",
            "openai/o3-mini-2025-01-31",
            [candidate(flash, "CANNOT_JUDGE", "grader gemini-2.5-flash missed 9 of 60 planted bad answers", n=60,
                       difference=None, lower_bound=None, upper_bound=None, grade=None, unreachable=3)],
            Choice("openai/o3-mini-2025-01-31", "CANNOT_JUDGE", None, None),
            controls=controls(caught=51),
        ),
    ]  # fmt: skip
    return ReplayReport(
        llmcost_version=VERSION,
        prices=PRICES,
        run="3f9a",
        seed=7,
        margin=0.02,
        alpha=0.05,
        files=["logs/october.jsonl"],
        host="api.example.com",
        graders=["gemini-2.5-flash", "claude-haiku-4-5"],
        tasks=tasks,
        not_replayable=[NotReplayable("streams without a body", 212), NotReplayable("server-side history", 80)],
        model_map={item.task: item.choice.model for item in tasks},
        best_single_model=Baseline(
            {item.task: flash for item in tasks}, 989.74, 0.71, ["code", "summarize", "translate", "extract"]
        ),
        oracle=Baseline({item.task: qwen for item in tasks}, 648.4, 0.81, []),
        bill=Bill(
            BillSide(3412.88, 3476.1, 0.0557, 940.0, 3900.0),
            BillSide(702.1, 715.3, 0.0115, 700.0, 2600.0),
            -0.794,
            [-0.805, -0.783],
            Quality(0.001, -0.0119, ["gemini-2.5-flash", "claude-haiku-4-5"]),
            [
                BillStep("response_cache", 3476.1, 3261.0, 3700.0, "no_answer_change"),
                BillStep("model_map", 3261.0, 671.2, 2600.0, "measured"),
                BillStep("batch_api", 671.2, 604.9, 2500.0, "no_answer_change"),
            ],
            [
                ShapleyShare("response_cache", 129.4, 215.1),
                ShapleyShare("model_map", 2508.4, 2760.8),
                ShapleyShare("batch_api", 233.4, 402.7),
            ],
            BillSide(593.9, 604.9, 0.0097, 690.0, 2500.0),
            "1h",
        ),
        spend=Spend(6.11, 9.4, 9412, 50.0, 2.87),
    )


def simulation() -> SimulateResult:
    """Four steps, one of which is a what-if, and the hit rates of two times to live."""
    audited = audit()
    steps = [
        BillStep("response_cache", 3476.1, 3262.0, 3700.0, "no_answer_change"),
        BillStep("model_map", 3262.0, 1702.5, 3100.0, "potential"),
        BillStep("batch_api", 1702.5, 1488.25, 2900.0, "no_answer_change"),
    ]
    worth = (("response_cache", 158.15, 214.1), ("model_map", 1540.2, 1620.0), ("batch_api", 289.5, 410.0))
    shares = [ShapleyShare(*each) for each in worth]
    counts = {None: (61204, (1812, 5099)), "chat · 客服": (31022, (1700, 4800)), "summarize": (6480, (112, 299))}
    sweep = [
        SweepRow(ttl, seconds, task, calls, hits[at], hits[at] / calls, hits[at] * 0.042)
        for at, (ttl, seconds) in enumerate((("5m", 300.0), ("1h", 3600.0)))
        for task, (calls, hits) in counts.items()
    ]
    return SimulateResult(
        llmcost_version=VERSION,
        prices=PRICES,
        cost_mode="computed",
        source=audited.source,
        span=audited.span,
        calls=61204,
        priced_calls=60410,
        before=BillSide(3412.88, 3476.1, 0.0557, 940.0, 3900.0),
        after=BillSide(1461.18, 1488.25, 0.0246, 700.0, 2900.0),
        change=-0.572,
        steps=steps,
        shares=shares,
        idle=["prompt_cache"],
        totals=SavingTotals(Saving(610.4, 599.3), None, Saving(1987.85, 1951.7)),
        cache_ttl="1h",
        model_map={"summarize": "Qwen/Qwen3-8B"},
        sweep=sweep,
        cache_hits=5099,
        batched_calls=9120,
        cache=SimulatedCache("1h", {"chat · 客服": "5m"}, 100_000, True, 5099, 31),
        best_ttl=[BestTtl("chat · 客服", "1h", 3600.0, 0.155, 201.6, 201.6)],
        near=[
            NearRow(threshold, task, calls, near_hits, near_hits / calls, near_hits * 0.042)
            for threshold, near_counts in ((0.8, (2210, 1904)), (0.95, (640, 612)))
            for (task, (calls, _)), near_hits in zip(counts.items(), near_counts, strict=False)
        ],
    )


def estimate() -> ReplayEstimate:
    return ReplayEstimate(
        llmcost_version=VERSION,
        prices=PRICES,
        host="api.example.com",
        calls=9400,
        stored_calls=1200,
        max_usd=41.2,
        expected_usd=14.77,
        cap_usd=50.0,
        by_model=[
            ModelEstimate("Qwen/Qwen3-8B", "candidate", 3100, 2.2, 1.04),
            ModelEstimate("deepseek-v4-flash", "candidate", 3100, 7.6, 3.2),
            ModelEstimate("gemini-2.5-flash", "grader", 3200, 31.4, 10.53),
        ],
        sample=[TaskSample("support chat", 22_104, 600), TaskSample("classify", 16_293, 600)],
        not_replayable=[NotReplayable("no body in the log", 212)],
        adjusted_parameters=["max_tokens → max_completion_tokens"],
        looks=[LookEstimate(share, 2.1 + share * 12.67) for share in (0.125, 0.25, 0.5, 0.75, 1.0)],
        reach=[
            TaskReach("support chat", 0.05, 600, 0.082, 0.031),
            TaskReach("classify", 0.02, 600, 0.019, 0.012),
            TaskReach("legal", 0.05, 40, 0.31, 0.22),
        ],
    )


def prices() -> PriceView:
    """A model whose price has changed, with a cheaper hour, a batch tier and a step for long prompts."""
    lines = [
        (None, "standard", 0, False, 0.14, 0.0028, None, 0.28),
        (date(2026, 9, 10), "standard", 0, False, 0.30, 0.006, 0.375, 1.2),
        (date(2026, 9, 10), "standard", 200_000, False, 0.60, 0.012, None, 1.8),
        (date(2026, 9, 10), "standard", 0, True, 0.15, 0.003, None, 0.6),
        (date(2026, 9, 10), "batch", 0, False, 0.15, None, None, 0.6),
    ]
    return PriceView(
        model="deepseek-v4-flash",
        id="deepseek/deepseek-v4-flash",
        provider="deepseek",
        family="deepseek",
        input=0.30,
        cached_input=0.006,
        output=1.2,
        batch_input=0.15,
        batch_output=0.6,
        valid_from=date(2026, 9, 10),
        deprecation_date=date(2027, 6, 1),
        max_input_tokens=1_000_000,
        max_output_tokens=393_216,
        source="litellm + genai-prices",
        as_of="2026-11-20",
        lines=tuple(PriceLine(*line, None) for line in lines),
    )


def explanation() -> Explanation:
    """What the last audit found of one kind, and its page."""
    page = [
        Paragraph("What it means.", "The same request was answered, and paid for, more than once."),
        Paragraph(
            "How it is counted.", "Model, messages, parameters and end user are the same (`audit.cache_ttl`). " * 6
        ),
        Paragraph("When it is wrong.", "Where an answer goes stale sooner."),
        Paragraph("What to do.", "Keep answers in an exact response cache."),
    ]
    found = [finding for finding in audit().findings if finding.kind == "exact-duplicates"]
    return Explanation("exact-duplicates", page, found, ["logs/october.jsonl"], "2026-10-01T00:00:13Z", "2026-10-31")


def poisoned(result: Any, poison: Callable[[str], str]) -> Any:
    """The result with `poison` applied to every text that may come from a log, a file or an endpoint."""
    plain = _poison(msgspec.to_builtins(result), poison)
    return msgspec.convert(plain, type(result))


def texts(result: Any) -> list[str]:
    """All texts of a result."""
    return list(_texts(msgspec.to_builtins(result)))


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        value = [*value, *value.values()]
    if isinstance(value, str):
        yield value
    for item in value if isinstance(value, list) else ():
        yield from _texts(item)


_FREE_TEXT = {
    "task", "model", "models", "reason", "reasons", "notes", "title", "evidence", "remedy", "file", "files", "tag",
    "host", "run", "judged_by", "adjusted_parameters", "new_models", "basis_text", "fails_on", "graders", "strategy",
    "prompt", "logged", "candidate", "where", "command", "unpriced_models",
    "format", "role", "id", "source", "tier", "call_site", "name", "kind_evidence",
    "said",
}  # fmt: skip


def _poison(value: Any, poison: Callable[[str], str], key: str = "") -> Any:
    if isinstance(value, dict):
        renamed = key in {"model_map", "by_tag", "task_ttl"}
        return {poison(k) if renamed else k: _poison(v, poison, "model" if key == "model_map" else k)
                for k, v in value.items()}  # fmt: skip
    if isinstance(value, list):
        return [_poison(item, poison, key) for item in value]
    return poison(value) if isinstance(value, str) and value and key in _FREE_TEXT else value


def beyond_models() -> ReplayReport:
    """The same run with more tried than models: what is used, what stopped, and what was not tried."""
    found = replay()
    tasks = {item.task: item for item in found.tasks}
    code, summarize, translate = (tasks[name] for name in ("code", "summarize", "translate"))
    changed = {
        "code": msgspec.structs.replace(code, **_by_cascade(code)),
        "summarize": msgspec.structs.replace(summarize, **_by_compression()),
        "translate": msgspec.structs.replace(
            translate,
            walks=[_walk("near_duplicates", [(0.95, "SWITCH", 0.0), (0.9, "KEEP", 0.0)], chosen=0.95, hits=412)],
            choice=msgspec.structs.replace(
                translate.choice, plan=TaskPlan("translate", [], caching=Caching(3600, 0.95))
            ),
            not_tried=[NotTried("batching", "somebody seems to wait for every answer")],
        ),
        "classify": msgspec.structs.replace(
            tasks["classify"],
            not_tried=[
                NotTried("cascade", "finding out would cost $3.10, and it could save $1.20 a month at best"),
                NotTried("batching", "somebody seems to wait for every answer"),
            ],
        ),
    }
    return msgspec.structs.replace(
        found,
        tasks=[changed.get(item.task, item) for item in found.tasks],
        bill=msgspec.structs.replace(
            found.bill,
            steps=[
                BillStep("response_cache", 3476.1, 3261.0, 3700.0, "no_answer_change"),
                BillStep("near_duplicates", 3261.0, 3202.0, 3650.0, "measured"),
                BillStep("compression", 3202.0, 2950.5, 3800.0, "measured"),
                BillStep("model_map", 2950.5, 671.2, 2600.0, "measured"),
                BillStep("cascade", 671.2, 604.9, 2900.0, "measured"),
            ],
            shares=[
                ShapleyShare("response_cache", 129.4, 215.1),
                ShapleyShare("near_duplicates", 31.0, 60.2),
                ShapleyShare("compression", 101.7, 260.0),
                ShapleyShare("model_map", 2475.7, 2760.8),
                ShapleyShare("cascade", 133.4, 140.0),
            ],
        ),
    )


def _walk(strategy: str, rungs: list[tuple[float, str, float]], **more: Any) -> Walk:
    trials = [
        Rung(
            setting,
            candidate(f"gpt-4o, {setting:g}", verdict, f"reason of {setting:g}", cost_ratio=ratio),
            input_token_ratio=None if strategy == "near_duplicates" else setting + 0.1,
        )
        for setting, verdict, ratio in rungs
    ]
    return Walk(strategy, None, trials, **more)


def _by_cascade(code: TaskReport) -> dict[str, Any]:
    tiers = [
        CascadeTier("Qwen/Qwen3-8B", 0.62, 0.48, 1.0, 0.86, 0.81, 0.031, 0.002),
        CascadeTier("deepseek-v4-flash", None, 0.0, 0.52, 0.74, 0.7, 0.02, 0.0),
    ]
    frontier = [
        FrontierPoint([None, None], 1.0, 1.0, 0.0, -0.004),
        FrontierPoint([0.8, None], 0.71, 0.78, -0.002, -0.011),
        FrontierPoint([0.62, None], 0.52, 0.57, -0.006, -0.019),
        FrontierPoint([0.1, 0.2], 0.05, 0.12, -0.06, -0.081),
    ]
    cascade = Cascade(
        ["Qwen/Qwen3-8B", "deepseek-v4-flash"], None, "gpt-4.1-nano", "SWITCH",
        "loses less than 2 points, 52 % of the calls escalate", 0.02, 288, tiers, 0.52, 0.57, [0.53, 0.61], 0.031,
        0.024, 1900.0, 8100.0, frontier,
    )  # fmt: skip
    refused = Cascade(
        ["deepseek-v4-flash"], None, "gpt-4.1-nano", "INCONCLUSIVE",
        "a cascade is not worth it here: the run-time grader tells wrong answers from right ones with an AUC of 0.61",
        0.02, 412,
    )  # fmt: skip
    plan = TaskPlan("code", [Tier("Qwen/Qwen3-8B", keep_from=0.62), Tier("gpt-4o")], "gpt-4.1-nano")
    choice = Choice("gpt-4o", "SWITCH", 0.43, [0.39, 0.47], "Qwen/Qwen3-8B first, where gpt-4.1-nano agrees", plan)
    return {"choice": choice, "cascades": [cascade, refused], "candidates": code.candidates}


def _by_compression() -> dict[str, Any]:
    difference = "- Please be so kind as to answer in two sentences.\n+ Answer in two sentences."
    walk = _walk(
        "compression", [(0.6, "SWITCH", 0.7), (0.4, "INCONCLUSIVE", 0.5)], chosen=0.6,
        templates=[Template(812, 501, difference)],
    )  # fmt: skip
    plan = TaskPlan("summarize", [Tier("gpt-4o")], compression=Compression("Qwen/Qwen3-8B", 0.6))
    choice = Choice("gpt-4o", "SWITCH", 0.3, [0.27, 0.33], "long texts shortened to 60 %", plan)
    return {"walks": [walk], "choice": choice}


def full(texts: bool = False) -> ReplayReport:
    """The same run with all that a page tells of it; with or without the texts of the examples."""
    return msgspec.structs.replace(
        beyond_models(),
        command="llmcost replay logs/october.jsonl --models Qwen/Qwen3-8B,deepseek-v4-flash --seed 7",
        data=DataQuality(
            files=["logs/october.jsonl"],
            format=["OpenAI request/response pairs"],
            start="2026-10-01T00:00:13Z",
            end="2026-10-31T23:59:41Z",
            records=61218,
            rejected=14,
            calls=61204,
            failed_calls=333,
            priced_calls=60179,
            unpriced_models=["our-finetune-7b"],
            estimated_token_calls=120,
        ),
        by_day=[DaySpend(f"2026-10-{day:02d}", *each) for day in range(1, 32) for each in _day(day)],
        cache_lives=[
            CacheLife(ttl, seconds, rate, 3476.1 * rate * 0.7)
            for ttl, seconds, rate in (
                ("1m", 60, 0.004),
                ("15m", 900, 0.021),
                ("1h", 3600, 0.062),
                ("24h", 86400, 0.089),
            )
        ],
        examples=[_example(*each, texts=texts) for each in _EXAMPLES],
    )


def _day(day: int) -> list[tuple[str, int, float | None]]:
    """What each task cost on one day: fewer calls at the weekend, and a task whose model has no price."""
    rest = day % 7 in (3, 4)
    costs = {"summarize": 41.0, "support chat": 37.5, "code": 27.2, "classify": 2.1, "extract": 1.9, "reason": 1.1}
    known = [(task, 40 if rest else 200, cost * (0.2 if rest else 1.0)) for task, cost in costs.items()]
    return [*known, ("translate", 25, None if day == 13 else 0.4)]


_EXAMPLES = [
    ("support chat", "Qwen/Qwen3-8B", 118, -1.0, "judge", "Where is my order 4411?",
     "It left our warehouse on Tuesday.\nExpect it on Friday.", "I do not know about orders."),
    ("support chat", "Qwen/Qwen3-8B", 4711, -0.5, "judge", "Hello, my e-mail is <EMAIL_1>", "Hello!", ""),
    ("code", "deepseek-v4-flash", 9, -1.0, "unit tests", "Write f(x) = x + 1.\n```python\ndef f(x):\n```",
     "```python\ndef f(x):\n\treturn x + 1\n```",
     "</script><img src=x onerror=alert(1)>\u202egnp.exe\x1b[2J " + "a" * 5000),
    ("code", "deepseek-v4-flash", 77, -1.0, "failure", "=cmd|' /C calc'!A0",
     "@SUM(1+1)", "``` </details> ````` @everyone"),
]  # fmt: skip


def _example(
    task: str, model: str, at: int, difference: float, basis: str, prompt: str, logged: str, own: str, *, texts: bool
) -> Example:
    words = (len(prompt.split()), len(logged.split()), len(own.split()))
    shown = {"prompt": prompt, "logged": logged, "candidate": own} if texts else {}
    return Example(task, model, f"logs/october.jsonl:{at}", difference, basis, words, **shown)
