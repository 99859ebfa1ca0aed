"""docs/story.md: every figure is recomputed here, and the words around the figures say what the figures say.

A block of the page stands between `<!-- story: NAME -->` and `<!-- end -->` and is put together here.
`LLMCOST_UPDATE_DOCS=1` writes it into the page, to be read before it is committed.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest
from scipy import stats
from support import story
from support.story import Story

from llmcost.evidence.tango import tango_statistic
from llmcost.report import figures

PAGE = Path(__file__).parents[2] / "docs" / "story.md"
BLOCK = re.compile(r"(<!-- story: ([\w-]+) -->\n).*?(<!-- end -->)", re.DOTALL)
HOLDS, FAILS, OPEN = "holds", "does not hold", "cannot be recomputed"
UNSHOWN, DEPENDS = "not shown", "depends on the log"


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> Story:
    return Story(tmp_path_factory.mktemp("workspace"))


def table(headers: Sequence[str], rows: Iterator[Sequence[str]] | Sequence[Sequence[str]]) -> str:
    """A Markdown table; all columns but the first to the right."""
    lines = [headers, [":---", *["---:"] * (len(headers) - 1)], *rows]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def plain_table(headers: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A Markdown table of sentences."""
    return table(headers, rows).replace("---:", ":---")


def ranged(low: float, high: float, decimals: int = 0) -> str:
    return f"{low * 100:.{decimals}f}–{high * 100:.{decimals}f} %"


def thousandth(usd: float) -> str:
    """Dollars a call, as exactly as the story has them."""
    return f"{'−' if usd < 0 else ''}${abs(usd):.5f}".rstrip("0")


# The blocks


def dated(told: Story) -> str:
    return f"Prices are those of {told.book.as_of}, tokens and hit rates those of `sample_logs/october.jsonl`.\n"


def summary(told: Story) -> str:
    savings = [saved for swap in story.SWAPS if (saved := told.traffic_saving(swap)) is not None]
    good = sum(holds(told, swap) == HOLDS for swap in story.SWAPS)
    low, high = story.wilson(round(story.MARGIN * story.PROMPTS), story.PROMPTS)
    rows = [
        (
            "$11,400 → $1,830 a month, $0.038 → $0.006 a request",
            f"{requests(0)} and {requests(1)} requests: the two fit, within rounding",
            HOLDS,
            "`llmcost report`",
        ),
        (
            "list prices save 97–98.3 %, task by task",
            f"{ranged(min(savings), max(savings), 1)} at today's prices, input counted; one model has no listed price",
            f"{good} of {len(story.SWAPS)} hold",
            "`llmcost simulate --model-map`",
        ),
        (
            "2,000 → 400 tokens at $0.25 a million saves $0.024",
            f"{thousandth(list_saving())}: {overstated():.0f} times less",
            FAILS,
            "`llmcost explain oversized-static-prompt`",
        ),
        (
            "quality regression under 2 % at n = 2,000",
            f"true of {story.most_losses()} losses or fewer; 40, which is 2 %, may be {ranged(low, high, 1)}",
            UNSHOWN,
            "`llmcost replay`",
        ),
        (
            "a small model first, grading itself, then the next tier",
            f"costs more than the next tier alone once {figures.percent(break_even(told), 0)} of calls escalate",
            DEPENDS,
            "`llmcost replay`: best single model",
        ),
        (
            "answers kept for 1 h, 24 h, 5 min",
            f"{rate(told, '5m', 'support chat')} of chat calls hit within 5 minutes, "
            f"{rate(told, '1h', 'support chat')} within an hour",
            DEPENDS,
            "`llmcost simulate --cache-sweep`",
        ),
        (
            "several requests in one call share their context",
            f"ten in one call cost {saved_of(told, 'ten')} less, the prompt cache {saved_of(told, 'one, cached')}, "
            f"the Batch API {saved_of(told, 'one, batch')} (gpt-4o)",
            "depends on the provider",
            "`llmcost simulate --batch-api --prompt-cache`",
        ),
        (
            "p95 latency 1.8 s → 1.4 s",
            "needs the log; a cascade and a compressor add calls in series",
            OPEN,
            "`llmcost report`",
        ),
    ]
    return plain_table(("claimed", "recomputed", "verdict", "what shows it"), rows)


def requests(side: int) -> str:
    return figures.count(round(story.MONTH[side] / story.REQUEST[side]))


def bill(told: Story) -> str:
    month, request = (1 - after / before for before, after in (story.MONTH, story.REQUEST))
    assert told.all_five.change is not None
    rows = [
        ("requests a month, from dollars a month and a request", requests(0), requests(1)),
        ("saved, by the month and by the request", figures.percent(month), figures.percent(request)),
        (
            "saved of the sample log, the same models where they have a price",
            "",
            figures.percent(-told.all_five.change),
        ),
    ]
    return table(("", "before", "after"), rows)


def holds(told: Story, swap: story.Swap) -> str:
    saved = told.traffic_saving(swap)
    return OPEN if saved is None else HOLDS if saved >= swap.claimed - story.CLOSE else FAILS


def models(told: Story) -> str:
    def row(swap: story.Swap) -> tuple[str, ...]:
        thinking = told.thinking(swap)
        return (
            f"{swap.task}: {swap.before} → {swap.after}",
            figures.percent(swap.claimed),
            f"{figures.price(swap.output_after)}",
            figures.price(told.output(swap.after)),
            figures.price(told.sold_from(swap.after)),
            figures.percent(told.output_saving(swap)),
            figures.percent(told.traffic_saving(swap)),
            figures.UNKNOWN if thinking is None else figures.count(round(thinking)),
            holds(told, swap),
        )

    headers = (
        "task: from → to", "claimed", "output price then", "now", "anywhere from",
        "saved on output", "saved on the task", "tokens of thinking that undo it", "verdict",
    )  # fmt: skip
    return table(headers, map(row, story.SWAPS))


def flash(told: Story) -> str:
    found, mini = told.book.find("deepseek-v4-flash"), told.book.find("gpt-4o-mini")
    assert found is not None
    assert mini is not None
    rows = [
        (f"deepseek-v4-flash, {period.start or 'at first'}{', off-peak' if rate.off_peak else ''}",
         figures.price(rate.input), figures.price(rate.output))
        for period in found.periods for rate in period.rates
    ]  # fmt: skip
    today = mini.rates_at(told.book.day)
    assert today is not None
    return table(
        ("$ per million tokens", "input", "output"),
        [*rows, ("gpt-4o-mini", figures.price(today.input), figures.price(today.output))],
    )


def list_saving() -> float:
    return (story.LONG - story.SHORT) * story.LIST_PRICE / 1e6


def overstated() -> float:
    return story.SAVED_A_CALL / list_saving()


def claimed_price() -> float:
    """Dollars per million tokens at which the claim would be true."""
    return story.SAVED_A_CALL / (story.LONG - story.SHORT) * 1e6


def compression(told: Story) -> str:
    calls = story.SAVED_A_YEAR / story.SAVED_A_CALL
    rows = [
        ("claimed", thousandth(story.SAVED_A_CALL), f"${story.SAVED_A_YEAR:,.0f}"),
        ("1,600 tokens at $0.25 a million", thousandth(list_saving()), f"${list_saving() * calls:,.0f}"),
        (f"1,600 tokens at {figures.price(claimed_price())} a million", thousandth(story.SAVED_A_CALL), ""),
        *(
            (
                f"today for {model}, {story.COMPRESSOR} paid for{', prompt cached before' if cached else ''}",
                thousandth(told.compression(model, cached)),
                figures.whole_money(told.compression(model, cached) * calls),
            )
            for model in ("gpt-4o", "deepseek-v4-flash", "gpt-4o-mini")
            for cached in (False, True)
        ),
    ]
    return table(("", "saved a request", f"a year, {figures.count(round(calls / 365))} requests a day"), rows)


def interval(told: Story) -> str:
    seen = round(story.MARGIN * story.PROMPTS)
    rows = [
        (f"{seen} losses of 2,000, 95 % range (Clopper and Pearson)", ranged(*story.clopper_pearson(seen, 2_000), 1)),
        ("the same (Wilson)", ranged(*story.wilson(seen, 2_000), 1)),
        ("most losses of 2,000 that rule 2 % out", figures.count(story.most_losses())),
        ("chance that a model that is worse by exactly 2 % shows less", figures.percent(story.looks_fine(), 0)),
        ("fewest prompts that rule 2 % out, if not one pair differs (Tango)", figures.count(story.floor())),
        *(
            (
                f"prompts to pass an equal model, {figures.percent(share, 0)} of pairs differing",
                figures.count(story.needed(share)),
            )
            for share in (0.05, 0.10, 0.30)
        ),
    ]
    return table(("question", "answer"), rows)


def cascade(told: Story) -> str:
    first, then = story.FIRST, story.SECONDS
    rows = [
        (
            figures.percent(escalated, 0),
            percentage(told.escalations(0.0) - escalated),
            percentage(told.cascade(then[0], escalated, graded=False)),
            percentage(told.cascade(then[0], escalated, graded=True)),
            percentage(told.cascade(then[1], escalated, graded=True)),
        )
        for escalated in story.ESCALATED
    ]
    headers = (
        f"{first} escalates", "the story's output prices", f"today, to {then[0]}", "the same, grading paid",
        f"to {then[1]}, grading paid",
    )  # fmt: skip
    least, most = story.CASCADE_SAID
    escalated = told.escalations(most), told.escalations(least)
    left = [percentage(told.cascade(then[0], each, graded=True)) for each in reversed(escalated)]
    said = (
        f"A saving of {ranged(least, most)} is what {ranged(*escalated)} escalated calls leave at the story's prices, "
        f"grading free. Today, grading paid, as many leave {left[0]} to {left[1]}."
    )
    return f"{table(headers, rows)}\n{said}\n"


def break_even(told: Story) -> float:
    """The share of escalated calls at which a graded cascade costs what its second tier alone does."""
    return told.cascade(story.SECONDS[0], 0.0, graded=True)


def percentage(share: float) -> str:
    return figures.change(share, 0).replace("+", "")


def rate(told: Story, ttl: str, task: str | None) -> str:
    return figures.percent(next(row.hit_rate for row in told.sweep.sweep if (row.ttl, row.task) == (ttl, task)))


def cache(told: Story) -> str:
    def row(ttl: str, said: str) -> tuple[str, ...]:
        whole = next(row for row in told.sweep.sweep if (row.ttl, row.task) == (ttl, None))
        share = (whole.saved_usd or 0.0) / (told.sweep.before.logged_usd or 1.0)
        return (
            f"{ttl} ({said})",
            figures.percent(whole.hit_rate),
            rate(told, ttl, "support chat"),
            figures.percent(share),
        )

    rows = (row("5m", "chat"), row("1h", "most"), row("24h", "documents"))
    return table(("kept for (in the story)", "all calls that hit", "support chat", "of the bill"), rows)


def saved_of(told: Story, way: str, model: str = "gpt-4o") -> str:
    costs = told.shared_prefix(model)
    cost, plain = costs[way], costs["one"]
    assert cost is not None
    assert plain is not None
    return figures.percent(1 - cost / plain, 0)


def best_unchanged(told: Story, model: str) -> str:
    """Of the two ways that change no answer, the cheaper."""
    costs = told.shared_prefix(model)
    cached, batch = costs["one, cached"], costs["one, batch"]
    assert cached is not None
    return "prompt cache" if batch is None or cached < batch else "Batch API"


def batching(told: Story) -> str:
    ways = ("one", "one, cached", "one, batch", "ten", "ten, cached", "ten, batch")

    def row(model: str) -> tuple[str, ...]:
        costs, beats = told.shared_prefix(model), told.cache_beats_batch(model)
        shortest = f"{beats:,} tokens" if beats else "no Batch API" if costs["one, batch"] is None else "never"
        return model, *(figures.money(costs[way]) for way in ways), best_unchanged(told, model), shortest

    headers = ("", "one by one", "prompt cache", "Batch API", "ten a call", "ten, prompt cache", "ten, Batch API",
               "best that changes no answer", "cache beats Batch API from")  # fmt: skip
    return table(headers, map(row, story.SHARED))


BLOCKS: dict[str, Callable[[Story], str]] = {
    "dated": dated,
    "summary": summary,
    "bill": bill,
    "models": models,
    "flash": flash,
    "compression": compression,
    "interval": interval,
    "cascade": cascade,
    "cache": cache,
    "batching": batching,
}


def test_every_block_of_the_page_is_what_is_computed(told: Story) -> None:
    page = PAGE.read_text(encoding="utf-8")
    assert [found[2] for found in BLOCK.finditer(page)] == list(BLOCKS)
    now = BLOCK.sub(lambda found: f"{found[1]}\n{BLOCKS[found[2]](told)}\n{found[3]}", page)
    if os.environ.get("LLMCOST_UPDATE_DOCS"):
        PAGE.write_text(now, encoding="utf-8")
        pytest.fail("docs/story.md was rewritten: read it, then run the test without LLMCOST_UPDATE_DOCS")
    assert page == now


def test_no_figure_of_the_prose_is_any_but_a_claim_or_an_assumption() -> None:
    prose = re.sub(
        r"(?s)`[^`]*`|\]\([^)]*\)|\b(gpt|deepseek|qwen)[\w.-]*", "", BLOCK.sub("", PAGE.read_text(encoding="utf-8"))
    )
    given = (*story.MONTH, story.PREFIX, story.ITEM, story.ANSWER, story.ID, story.GRADER_ASKED, story.GRADER_SAYS)
    share = 1 - story.MONTH[1] / story.MONTH[0]
    said = {f"{each:,.0f}" for each in given} | {f"{share * 100:.0f}", f"{story.MARGIN * 100:.0f}"}
    said |= {f"{each * 100:.0f}" for each in story.CASCADE_SAID} | {str(each) for each in story.REQUEST}
    said |= {"2.50", ".8", ".9"}  # DeepSeek Reasoner's price and the thresholds, as they are told
    assert set(re.findall(r"(?<![\w.])\.?\d(?:[\d,.]*\d)?", prose)) <= said


def test_what_the_page_says_in_words_is_so(told: Story) -> None:
    """Each sentence without a figure that a new price could make false."""
    flash_now, mini = told.output("deepseek-v4-flash"), told.output("gpt-4o-mini")
    assert flash_now is not None
    assert mini is not None
    assert flash_now > mini == told.output("deepseek-v4-flash", off_peak=True)
    found = told.book.find("deepseek-v4-flash")
    assert found is not None
    then = [period.rates[0].output or 0.0 for period in found.periods]
    assert abs(then[0] - 0.25) < 0.05, "nearly right once"
    assert then == sorted(set(then)), "raised"
    assert len(then) == 3, "twice"

    assert told.rate("Qwen-MT-Turbo") is None
    assert [
        swap.task
        for swap in story.SWAPS
        if told.tasks[swap.task].output_tokens < told.tasks[swap.task].input_tokens / 3
    ] == [
        "support chat",
        "classify",
        "code",
        "summarize",
    ]  # fmt: skip  (most tasks)
    assert all(told.compression(model, cached=True) < 0 for model in ("deepseek-v4-flash", "gpt-4o-mini"))

    second = story.SECONDS[0]
    first = 1 - told.cascade(second, 0.0, graded=False)
    grader = 1 - told.cascade(second, 0.0, graded=True) - first
    assert grader > 0.95 * first, "the grader takes as much as the first tier"
    assert 0.5 < break_even(told) < 1, "where most calls escalate it costs more than it saves"

    hits = {row.ttl: row.hits for row in told.sweep.sweep if row.task == "support chat"}
    assert hits["5m"] < hits["1h"] / 2, "five minutes give up most"
    assert hits["24h"] < hits["1h"] * 1.05, "a day adds little"

    assert told.cache_beats_batch("gpt-4o") is None, "never"
    for model in ("claude-haiku-4-5", "deepseek-v4-flash"):
        costs = told.shared_prefix(model)
        assert (costs["one, cached"] or 1.0) <= (costs["ten"] or 0.0), "the cache alone costs no more than ten a call"
    assert story.needed(0.05) < story.PROMPTS
    assert requests(0) != requests(1)
    assert round(abs(story.MONTH[1] / story.REQUEST[1] / (story.MONTH[0] / story.REQUEST[0]) - 1), 2) <= 0.02


def test_the_statistics_agree_with_figures_known_elsewhere() -> None:
    """Clopper and Pearson's bound by its definition; the floor and the most losses by the tests they invert."""
    low, high = story.clopper_pearson(40, 2_000)
    assert stats.binom.sf(39, 2_000, low) == pytest.approx(0.025)
    assert stats.binom.cdf(40, 2_000, high) == pytest.approx(0.025)
    assert (
        tango_statistic(0, 0, story.floor(), story.MARGIN)
        > story.Z
        >= tango_statistic(0, 0, story.floor() - 1, story.MARGIN)
    )
    assert (
        stats.binom.cdf(story.most_losses(), 2_000, 0.02)
        <= 0.05
        < stats.binom.cdf(story.most_losses() + 1, 2_000, 0.02)
    )
