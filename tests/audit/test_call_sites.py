"""The call sites of a log: what each does, costs, and sends every time."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support import zeroeval
from support.prompt_mix import mix

from llmcost import api
from llmcost.audit.result import CallSite
from llmcost.audit.static_text import shared_bytes

TEXTS = [
    f"note {word} and {other} came late" for word in ("tea", "rice", "oil", "salt") for other in ("you", "me", "he")
]
PRICE = {"input": 1.0, "cache_read": 0.1, "output": 2.0}  # dollars a million tokens
DAY = 24 * 3600
START = 1_760_000_000


def record(
    n: int, messages: Sequence[dict[str, Any]], said: str, *, tokens: int = 100, cached: int = 0
) -> dict[str, Any]:
    usage = {"prompt_tokens": tokens, "completion_tokens": 5, "prompt_tokens_details": {"cached_tokens": cached}}
    choice = {"index": 0, "message": {"role": "assistant", "content": said}, "finish_reason": "stop"}
    response = {
        "id": f"c{n}",
        "object": "chat.completion",
        "created": START + n * DAY,
        "model": "m",
        "choices": [choice],
    }
    return {"request": {"model": "m", "messages": messages}, "response": response | {"usage": usage}}


def sites(folder: Path, records: Sequence[dict[str, Any]], config: str = "") -> list[CallSite]:
    (folder / "log.jsonl").write_text("".join(json.dumps(item) + "\n" for item in records), encoding="utf-8")
    price = ", ".join(f"{name} = {value}" for name, value in PRICE.items())
    (folder / "llmcost.toml").write_text(f"[models.m]\nprice = {{ {price} }}\n{config}", encoding="utf-8")
    found = api.audit([str(folder / "log.jsonl")], config=folder / "llmcost.toml", workspace=folder / "w")
    return found.result.call_sites


SYSTEM = "You label parcels.\nAnswer with one of: late, lost.\n"


def labelled(n: int, **usage: int) -> dict[str, Any]:
    asked = [{"role": "system", "content": SYSTEM}, {"role": "user", "content": f"<<{TEXTS[n % 12]}>> {n}"}]
    return record(n, asked, ("late", "lost")[n % 2], **usage)


def test_what_a_static_prompt_costs_a_year_at_the_price_paid(tmp_path: Path) -> None:
    days = 20
    (site,) = sites(tmp_path, [labelled(n, tokens=100, cached=20) for n in range(days + 1)])
    assert site.kind == "classification"
    assert site.calls == site.variants == days + 1
    whole = [len(f"{SYSTEM}<<{TEXTS[n % 12]}>> {n}") for n in range(days + 1)]
    fixed = len(SYSTEM + "<<note ")
    assert site.static_tokens is not None
    assert site.static_tokens == pytest.approx(100 * fixed / (sum(whole) / len(whole)), abs=2)
    assert site.static_share == pytest.approx(site.static_tokens / 100)
    a_call = (20 * PRICE["cache_read"] + (site.static_tokens - 20) * PRICE["input"]) / 1e6  # cached tokens go first
    assert site.static_usd_per_year == pytest.approx(a_call * (days + 1) / days * 365.25)
    assert site.share == pytest.approx(1.0)


def test_a_week_is_needed_to_speak_of_a_year_and_two_prompts_of_what_is_static(tmp_path: Path) -> None:
    (site,) = sites(tmp_path, [labelled(n) for n in range(4)])
    assert site.static_tokens
    assert site.static_usd_per_year is None
    (site,) = sites(tmp_path, [labelled(0)])
    assert (site.static_tokens, site.static_share, site.static_usd_per_year) == (None, None, None)


def test_kinds_of_the_configuration(tmp_path: Path) -> None:
    (site,) = sites(tmp_path, [labelled(n) for n in range(9)], '[tasks.kinds]\n"label*" = "chat"\n')
    assert site.kind == "chat"
    assert site.kind_evidence == ["set in the configuration: label*"]


def test_the_order_of_the_log_changes_nothing(tmp_path: Path) -> None:
    prompts, _ = mix(TEXTS * 20, each=12, free=60)
    log = [record(n, [{"role": "user", "content": text}], text[:9]) for n, text in enumerate(prompts)]
    there = sites(tmp_path, log)
    assert len(there) >= 15
    assert sites(tmp_path, log[::-1]) == there
    assert [site.cost_usd for site in there] == sorted((site.cost_usd or 0.0 for site in there), reverse=True)


def test_two_real_benchmarks_under_one_heading_are_two_call_sites(tmp_path: Path) -> None:
    zeroeval.load().write_log(tmp_path / "z.jsonl")
    log = (tmp_path / "z.jsonl").read_text(encoding="utf-8").splitlines()
    untagged = [{**json.loads(line), "metadata": {}} for line in log]
    found = sites(tmp_path, untagged)
    assert sorted(site.calls for site in found) == [400, 654]
    assert {site.kind for site in found} == {"reasoning"}


def test_the_kinds_of_a_whole_month(tmp_path: Path) -> None:
    log = Path(__file__).parents[2] / "sample_logs" / "october.parquet"
    found = api.audit([str(log)], workspace=tmp_path / "w").result.call_sites
    kinds = {
        "summarize": {"summarization"},
        "support chat": {"chat", "agent step"},  # one of its call sites has tools
        "reason": {"reasoning"},
        "code": {"code"},
        "translate": {"translation"},
        "extract": {"extraction"},
        "classify": {"classification"},
    }
    for task, wanted in kinds.items():
        assert {site.kind for site in found if site.task == task} == wanted


LINES = st.lists(st.text("ab é", max_size=6).map(lambda line: line + "\n"), max_size=6)


@given(LINES, LINES)
def test_shared_bytes_are_at_most_the_shortest_text_and_all_of_equal_ones(one: list[str], other: list[str]) -> None:
    sizes = [len("".join(text).encode()) for text in (one, other)]
    assert 0 <= shared_bytes([one, other]) <= min(sizes)
    assert shared_bytes([one, other]) == shared_bytes([other, one])
    assert shared_bytes([one, one, one]) == sizes[0]


@pytest.mark.parametrize(
    ("texts", "shared"),
    [
        ((["Summarize: red"], ["Summarize: blue"]), "Summarize: "),
        ((["blue\n", "one\n", "Summarize it."], ["red\n", "Summarize it."]), "\nSummarize it."),
        ((["Name: Ana.\n", "Keep it short.\n", "Id: 1!"], ["Name: Bo.\n", "Keep it short.\n", "Id: 22!"]),
         "Name: .\nKeep it short.\nId: !"),
        ((["a\n"], []), ""),
    ],
)  # fmt: skip
def test_lines_that_all_share_and_the_ends_of_those_that_differ(texts: Sequence[Sequence[str]], shared: str) -> None:
    assert shared_bytes(texts) == len(shared)
