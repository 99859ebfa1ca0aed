"""The cap of a run is never passed, by the endpoint's own count; what was answered is kept."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import pytest
from support import shop
from support.loopback import Loopback, Received

PRICES = {
    "tiny": (0.10, 0.40), "small": (0.50, 2.00), "judge": (0.20, 0.80),
    "gpt-4o": (2.50, 10.00), "gpt-4o-mini": (0.15, 0.60),
}  # fmt: skip


def billed(requests: Sequence[Received]) -> float:
    """What the endpoint would charge, from the usage that it reported itself."""
    total = 0.0
    for request in requests:
        price_in, price_out = PRICES[request.model]
        total += request.usage["prompt_tokens"] * price_in + request.usage["completion_tokens"] * price_out
    return total / 1e6


def command(base_url: str, budget: str) -> list[str]:
    return [
        "replay", "log.jsonl", "--models", "tiny,small", "--grader", "judge",
        "--base-url", base_url, "--yes", "--budget", budget, "--format", "json",
    ]  # fmt: skip


@pytest.mark.parametrize("budget", [0.002, 0.05])
def test_never_spends_more_and_resumes_with_more(tmp_path: Path, budget: float) -> None:
    shop.write_log(tmp_path / "log.jsonl", 400)
    shop.write_config(tmp_path / "llmcost.toml")
    with Loopback(shop.answer) as server:
        stopped = shop.run_here(*command(server.base_url, str(budget)), cwd=tmp_path)
        assert stopped.returncode == 4, stopped.stderr
        assert stopped.stdout == ""
        assert "--budget" in stopped.stderr
        assert 0 < billed(server.requests) <= budget
        asked = server.count()

        again = shop.run_here(*command(server.base_url, str(budget)), cwd=tmp_path)
        assert again.returncode == 4, again.stderr
        assert billed(server.requests) <= budget

        finished = shop.run_here(*command(server.base_url, "5"), cwd=tmp_path)
        assert finished.returncode == 0, finished.stderr
        bodies = [json.dumps(request.body, sort_keys=True) for request in server.requests]
        assert len(set(bodies)) == len(bodies) > asked, "nothing was asked twice"
        spend = json.loads(finished.stdout)["spend"]
        parts = spend["replay_usd"] + spend["grading_usd"] + spend["controls_usd"]
        assert parts == pytest.approx(billed(server.requests), abs=1e-9)


def test_a_model_without_a_price_is_refused_where_a_cap_was_asked_for(tmp_path: Path) -> None:
    shop.write_log(tmp_path / "log.jsonl", 40)
    base = ["replay", "log.jsonl", "--models", "nobody-prices-this", "--yes", "--base-url"]
    with Loopback(shop.answer) as server:
        for more in ([server.base_url, "--budget", "1"], ["https://endpoint.invalid/v1"]):
            refused = shop.run_here(*base, *more, cwd=tmp_path)
            assert refused.returncode == 2
            assert "nobody-prices-this" in refused.stderr
            assert "price" in refused.stderr
        assert server.count() == 0


def test_a_model_without_a_price_on_this_machine_is_judged_but_never_recommended(tmp_path: Path) -> None:
    """What a local model costs is unknown, not nothing: its quality is shown, its savings are not."""
    records = [shop.record(number) for number in range(0, 400, 2)]
    (tmp_path / "log.jsonl").write_text("".join(json.dumps(record) + "\n" for record in records))
    with Loopback(shop.answer) as server:
        command = ["replay", "log.jsonl", "--models", "nobody-prices-this", "--base-url", server.base_url, "--yes"]
        outcome = shop.run_here(*command, "--format", "json", cwd=tmp_path)
    assert outcome.returncode == 0, outcome.stderr
    assert "no cap (--budget): of some models no price is known" in " ".join(outcome.stderr.split())
    [task] = json.loads(outcome.stdout)["tasks"]
    assert task["candidates"][0]["verdict"] == "SWITCH"
    assert task["candidates"][0]["cost_ratio"] is None
    assert task["choice"]["model"] == "gpt-4o-mini"


def test_a_dry_run_and_an_unanswered_question_send_nothing(tmp_path: Path) -> None:
    shop.write_log(tmp_path / "log.jsonl", 40)
    shop.write_config(tmp_path / "llmcost.toml")
    with Loopback(shop.answer) as server:
        base = ["replay", "log.jsonl", "--models", "tiny", "--grader", "judge", "--base-url", server.base_url]
        dry = shop.run_here(*base, "--dry-run", "--format", "json", cwd=tmp_path)
        asked = shop.run_here(*base, cwd=tmp_path)
        assert server.count() == 0
    estimate = json.loads(dry.stdout)
    assert estimate["schema"] == "llmcost.estimate/1"
    assert estimate["max_usd"] > estimate["expected_usd"] > 0
    assert {line["role"] for line in estimate["by_model"]} == {"candidate", "control", "grader"}
    assert asked.returncode == 0
    assert "127.0.0.1" in asked.stderr and "--yes" in asked.stderr
