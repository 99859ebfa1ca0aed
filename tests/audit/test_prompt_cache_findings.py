"""prompt-cache-broken, prompt-cache-unused and oversized-static-prompt, from a log with its bodies to the dollars."""

import gzip
import json
import random
from collections.abc import Callable
from itertools import pairwise
from typing import Any

import pytest
from support import real_data
from support.call_tables import table

from llmcost import pricing
from llmcost.audit import AuditResult, audit
from llmcost.audit.result import Finding, SourceSummary
from llmcost.calls import Call
from llmcost.config import AuditSettings
from llmcost.logs.features import features

BOOK = pricing.load()
SOURCE = SourceSummary(["x.jsonl"], ["openai_pairs"], 0, 0, [])
SETTINGS = AuditSettings(compare=(), cache_ttl="1h")
RULES = "".join(f"Rule {chr(97 + n % 26)}{chr(97 + n // 26)}: be kind, be brief, promise nothing. " for n in range(260))
DAY = 86_400.0
ASKED = ("where", "when", "why", "who", "how")
Fill = Callable[[int], str]


def call(number: int, at: float, request: dict[str, Any], **more: Any) -> dict[str, Any]:
    """A row with its body under "body": four bytes a token, 20 tokens of answer."""
    body = Call(request=request, start_time_us=int((1_790_812_800 + at) * 1e6), session=more.pop("session", None))
    tokens = (features(body).prompt_bytes or 0) // 4
    seen = features(body)
    key = body.session.encode().ljust(16) if body.session else None
    row = {"at": at, "prompt": f"{number * 7919 % 100_003:09d}", "task": "support", "call_site": "support·1",
           "request_model": "gpt-4o", "response_model": "gpt-4o", "provider": "openai", "operation": "chat",
           "input_tokens": tokens, "output_tokens": 20, "cache_read_tokens": 0, "latency_ms": 900.0,
           "body_state": "full", "messages": seen.messages, "prompt_bytes": seen.prompt_bytes,
           "session_key": key, "body": body}  # fmt: skip
    return row | more


def log(system: Fill, *, calls: int = 200, every: float = 60.0, **more: Any) -> list[dict[str, Any]]:
    """Calls of one call site, a minute apart."""
    rows = []
    for n in range(calls):
        user = {"role": "user", "content": f"{ASKED[n % 5]} is number {n}?"}
        rows.append(call(n, n * every, {"messages": [{"role": "system", "content": system(n)}, user]}, **more))
    return rows


def run(rows: list[dict[str, Any]]) -> AuditResult:
    made = [row["body"] for row in rows]
    calls = table([{k: v for k, v in row.items() if k != "body"} | {"position": n} for n, row in enumerate(rows)])
    return audit(
        calls, book=BOOK, costs=pricing.price(calls, BOOK), source=SOURCE, settings=SETTINGS, version="0",
        bodies=lambda chosen: [made[n] for n in chosen.column("position").to_pylist()],
    )  # fmt: skip


def found(rows: list[dict[str, Any]], *kinds: str) -> list[Finding]:
    wanted = kinds or ("prompt-cache-broken", "prompt-cache-unused", "oversized-static-prompt")
    return [finding for finding in run(rows).findings if finding.kind in wanted]


def clock(n: int) -> str:
    return f"2026-10-01T{9 + n // 60:02d}:{n % 60:02d}:07Z"


def caching(rows: list[dict[str, Any]]) -> list[str]:
    return [finding.kind for finding in found(rows, "prompt-cache-broken", "prompt-cache-unused")]


def test_a_clock_at_the_front_is_named_with_its_byte_and_its_dollars():
    rows = log(lambda n: f"Größe zählt. Now: {clock(n)}. {RULES}")
    (finding,) = found(rows, "prompt-cache-broken")
    assert finding.title == "A date or time at byte 21 of the prompt (system prompt) breaks the cache"
    assert "system prompt, character 18 (byte 21 of it)" in finding.evidence
    assert "2026-10-01T" not in str(finding)
    assert (finding.task, finding.calls, finding.basis) == ("support", 199, "potential")
    static = (rows[0]["prompt_bytes"] - len(clock(0)) - 20) / 4
    assert finding.usd_logged == pytest.approx(199 * static * 1.25e-6, rel=0.05)
    result = run(rows)
    assert result.potential.no_answer_change.usd_logged == 0
    assert result.potential.if_untested_passed.usd_logged == pytest.approx(finding.usd_logged)


def test_what_changes_at_the_end_breaks_nothing():
    assert caching(log(lambda n: f"{RULES} Now: {clock(n)}.", cache_read_tokens=0)) == ["prompt-cache-unused"]


def test_a_date_that_changes_once_a_day_breaks_once_a_day():
    rows = log(lambda n: f"Today is 2026-10-{1 + n // 100:02d}. {RULES}", every=0.0, calls=600)
    for n, row in enumerate(rows):
        row["at"] = n // 100 * DAY + n % 100 * 60.0
        row["body"] = Call(request=row["body"].request, start_time_us=int((1_790_812_800 + row["at"]) * 1e6))
    assert caching(rows) == ["prompt-cache-unused"]


def test_a_cache_that_is_hit_as_often_as_it_can_be_is_no_finding():
    rows = log(lambda n: RULES)
    size = len(RULES) // 4 // 128 * 128
    for n, row in enumerate(rows):
        row["cache_read_tokens"] = size if n else 0
    assert caching(rows) == []
    assert run(rows).potential.no_answer_change.usd_logged == 0


def test_an_unused_cache_changes_no_answer_and_an_unlogged_one_is_only_potential():
    (finding,) = found(log(lambda n: RULES), "prompt-cache-unused")
    assert finding.basis == "no_answer_change"
    result = run(log(lambda n: RULES, cache_read_tokens=None))
    (unlogged,) = (finding for finding in result.findings if finding.kind == "prompt-cache-unused")
    assert unlogged.basis == "potential"
    assert "the log does not say whether the cache was hit" in unlogged.evidence
    assert unlogged.usd_logged == pytest.approx(finding.usd_logged)
    assert result.potential.no_answer_change.usd_logged == 0
    assert unlogged.id not in result.potential.no_answer_change.findings


def test_where_one_has_to_ask_the_remedy_says_so_and_writes_are_paid():
    model = {"request_model": "claude-sonnet-4-5", "response_model": "claude-sonnet-4-5", "provider": "anthropic"}
    (finding,) = found(log(lambda n: RULES, **model), "prompt-cache-unused")
    assert "cache_control" in finding.remedy
    assert (
        "prompts part in first user message, character 0: the mark belongs to the end of what is before"
        in finding.remedy
    )
    kept = len(RULES) / 4
    assert finding.usd_logged == pytest.approx((199 * kept * 2.7 - kept * 0.75) / 1e6, rel=0.02)
    assert caching(log(lambda n: RULES, every=301.0, **model)) == []  # written every time and never read


def test_short_prompts_unpriced_reads_and_mixed_prompts_save_nothing():
    assert caching(log(lambda n: RULES[:3000])) == []
    assert caching(log(lambda n: RULES, request_model="gpt-4-turbo", response_model="gpt-4-turbo")) == []
    mixed = log(lambda n: "".join(random.Random(n).choices("abcdefg hij", k=9000)))
    assert found(mixed) == []


def test_a_prompt_that_is_mostly_the_same_is_named_with_all_that_is_paid_for_it():
    rows = log(lambda n: RULES)
    (finding,) = found(rows, "oversized-static-prompt")
    assert finding.usd_logged == pytest.approx(200 * len(RULES) / 4 * 2.5e-6, rel=0.02)
    for row in rows:
        row["cache_read_tokens"] = row["input_tokens"] // 2
    (half,) = found(rows, "oversized-static-prompt")
    assert half.usd_logged == pytest.approx(finding.usd_logged / 2, rel=0.02)


def test_the_order_of_the_lines_changes_nothing():
    rows = log(lambda n: f"Now: {clock(n)}. {RULES}")
    shuffled = random.Random(3).sample(rows, len(rows))
    assert found(rows) == found(shuffled)


def trajectories(
    system: Callable[[str, int], str] = lambda text, n: text, sessions: bool = True
) -> list[dict[str, Any]]:
    """Real conversations with tools, as an agent sends them: every turn with all that was said before."""
    rows: list[dict[str, Any]] = []
    with gzip.open(real_data.path("tau_bench", "gpt-4o-airline.trajectories.jsonl.gz"), "rt") as lines:
        for number, line in zip(range(40), lines, strict=False):
            said = json.loads(line)["messages"]
            for turn, message in enumerate(said):
                if message["role"] == "assistant":
                    first = said[0] | {"content": system(said[0]["content"], len(rows))}
                    request = {"messages": [first, *said[1:turn]]}
                    more = {"session": f"s{number}"} if sessions else {}
                    rows.append(call(len(rows), number * 3000.0 + turn * 20.0, request, **more))
    return rows


def test_real_conversations_read_the_turn_before():
    rows = trajectories()
    result = run(rows)
    (finding,) = (finding for finding in result.findings if finding.kind == "prompt-cache-unused")
    turns = [
        before["input_tokens"] // 128 * 128
        for before, after in pairwise(rows)
        if before["session_key"] == after["session_key"] and before["input_tokens"] >= 1024
    ]
    assert (finding.calls, finding.title) == (len(turns), "Every turn pays in full for the conversation before it")
    assert finding.usd_logged == pytest.approx(sum(turns) * 1.25e-6)
    (alone,) = found(trajectories(sessions=False), "prompt-cache-unused")
    assert 0 < alone.usd_logged < finding.usd_logged  # without sessions only what all calls share is counted


def test_a_clock_in_the_prompt_of_real_conversations_is_found():
    rows = trajectories(
        lambda text, n: text.replace("2024-05-15 15:00:00", f"2024-05-15 15:{n // 60 % 60:02d}:{n % 60:02d}")
    )
    (finding,) = found(rows, "prompt-cache-broken")
    assert len("# Airline Agent Policy\n\nThe current time is ") == 44
    assert finding.title.startswith("A date or time at byte 44 of the prompt (system prompt)")
