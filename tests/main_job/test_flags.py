"""Every flag does what its help says, and stands in the README."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from support import shop
from support.loopback import Loopback

COMMANDS = ("init", "audit", "explain", "simulate", "replay", "report", "export", "label", "monitor", "baseline",
            "check", "redact", "purge", "prices", "schema", "demo")  # fmt: skip
WITHOUT_FLAGS = ("explain", "prices")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    shop.write_log(tmp_path / "log.jsonl", 80)
    shop.write_config(tmp_path / "llmcost.toml")
    return tmp_path


def audit(folder: Path, *arguments: str) -> dict[str, Any]:
    outcome = shop.run_here("audit", *arguments, "--format", "json", cwd=folder)
    assert outcome.returncode == 0, outcome.stderr
    found: dict[str, Any] = json.loads(outcome.stdout)
    return found


def replay(folder: Path, *arguments: str) -> dict[str, Any]:
    with Loopback(shop.answer) as server:
        command = ["replay", "log.jsonl", "--models", "tiny", "--grader", "judge", "--base-url", server.base_url, "-y"]
        outcome = shop.run_here(*command, *arguments, "--format", "json", cwd=folder)
        assert outcome.returncode == 0, outcome.stderr
        found: dict[str, Any] = json.loads(outcome.stdout)
        return found | {"most_in_flight": server.most_in_flight}


@pytest.mark.parametrize("command", COMMANDS)
def test_every_flag_stands_in_the_readme(command: str) -> None:
    readme = (Path(__file__).parents[2] / "README.md").read_text(encoding="utf-8")
    outcome = shop.run_here(command, "--help", cwd=Path.cwd())
    flags = set(re.findall(r"^ +(?:-\w, )?(--[a-z-]+)", outcome.stdout, re.MULTILINE)) - {"--help", "--config"}
    assert flags or command in WITHOUT_FLAGS
    assert not [flag for flag in flags if flag not in readme]


def test_task_field_and_by(folder: Path) -> None:
    found = audit(
        folder, "log.jsonl", "--task-field", "metadata.task", "--by", "metadata.task", "--by", "hour", "--by", "kind"
    )
    assert {row["task"] for row in found["by_task"]} == {"chat", "label"}
    assert {row["tag"] for row in found["by_tag"]["metadata.task"]} == {"chat", "label"}
    assert [row["tag"] for row in found["by_tag"]["hour"]] == [f"{hour:02d}:00" for hour in range(24)]
    kinds = {site["kind"]: site["calls"] for site in found["call_sites"]}
    assert {row["tag"]: row["calls"] for row in found["by_tag"]["kind"]} == kinds
    wrong = shop.run_here("audit", "log.jsonl", "--by", "taem", cwd=folder)
    assert wrong.returncode == 2
    assert "metadata.task" in wrong.stderr and "provider" in wrong.stderr


def test_since_and_until_take_dates_and_lengths_of_time(folder: Path) -> None:
    """The log runs from 1 to 28 October, a call each hour of the day; its last one is on the 28th at 23:00."""
    dated = audit(folder, "log.jsonl", "--since", "2026-10-21T12:00:00Z")["totals"]
    lasting = audit(folder, "log.jsonl", "--since", "1w")["totals"]
    assert 0 < lasting["calls"] <= dated["calls"] < 80
    assert audit(folder, "log.jsonl", "--last", "7d")["totals"] == lasting
    earlier = audit(folder, "log.jsonl", "--until", "7d")["totals"]
    assert earlier["calls"] + lasting["calls"] == 80
    wrong = shop.run_here("audit", "log.jsonl", "--since", "yesterday", cwd=folder)
    assert wrong.returncode == 2
    assert "neither a date nor a length of time" in wrong.stderr and "7d" in wrong.stderr


def test_top_sums_up_the_rest_and_loses_nothing(folder: Path) -> None:
    outcome = shop.run_here("audit", "log.jsonl", "--by", "hour", "--top", "5", cwd=folder)
    table = outcome.stdout.partition("By hour\n")[2].partition("\n\n")[0].splitlines()[1:]
    assert len(table) == 6
    assert table[-1].startswith("(other): 19 ")
    calls = [int(re.split(r"  +", line)[1].replace(",", "")) for line in table]
    assert sum(calls) == 80
    assert shop.run_here("audit", "log.jsonl", "--top", "0", cwd=folder).returncode == 2


def test_top_widens_what_the_result_keeps_apart(folder: Path) -> None:
    for number, line in enumerate(lines := (folder / "log.jsonl").read_text().splitlines()):
        lines[number] = json.dumps(json.loads(line) | {"metadata": {"task": "t", "customer": f"c{number:02d}"}})
    (folder / "log.jsonl").write_text("\n".join(lines) + "\n")
    assert len(audit(folder, "log.jsonl", "--by", "customer")["by_tag"]["customer"]) == 21
    assert len(audit(folder, "log.jsonl", "--by", "customer", "--top", "60")["by_tag"]["customer"]) == 61


def test_compact_fits_60_columns_with_fewer_figures(folder: Path) -> None:
    outcome = shop.run_here("audit", "log.jsonl", "--compact", "--by", "provider", cwd=folder, env={"COLUMNS": "200"})
    assert max(map(len, outcome.stdout.splitlines())) <= 60
    assert "$/call" in outcome.stdout and "Tokens" not in outcome.stdout and "p95" not in outcome.stdout


def test_map_and_input_format(folder: Path) -> None:
    odd = {"llm": {"name": "gpt-4o"}, "q": "hello", "a": "hi", "n_in": 7, "n_out": 3}
    (folder / "odd.jsonl").write_text(json.dumps(odd) + "\n")
    fields = {"model": "llm.name", "prompt": "q", "response": "a", "input_tokens": "n_in", "output_tokens": "n_out"}
    flags = [part for name, path in fields.items() for part in ("--map", f"{name}={path}")]
    totals = audit(folder, "odd.jsonl", *flags)["totals"]
    assert (totals["calls"], totals["input_tokens"], totals["output_tokens"]) == (1, 7, 3)
    forced = audit(folder, "log.jsonl", "--input-format", "openai-pairs")
    assert forced["totals"] == audit(folder, "log.jsonl")["totals"]
    assert shop.run_here("audit", "log.jsonl", "--input-format", "papyrus", cwd=folder).returncode == 2


def test_estimate_tokens(folder: Path) -> None:
    record = shop.record(1)
    del record["response"]["usage"]
    (folder / "bare.jsonl").write_text(json.dumps(record) + "\n")
    assert audit(folder, "bare.jsonl")["totals"]["cost_usd"] is None
    counted = audit(folder, "bare.jsonl", "--estimate-tokens")["totals"]
    assert counted["estimated_token_calls"] == 1 and counted["cost_usd"] > 0


def test_cost_mode(folder: Path) -> None:
    logged, bare, free = shop.record(1) | {"cost_usd": 0.5}, shop.record(3), shop.record(5) | {"cost_usd": 0}
    (folder / "costs.jsonl").write_text("".join(json.dumps(record) + "\n" for record in (logged, bare, free)))
    found = {mode: audit(folder, "costs.jsonl", "--cost-mode", mode) for mode in ("computed", "logged", "auto")}
    assert {mode: result["cost_mode"] for mode, result in found.items()} == {mode: mode for mode in found}
    costs = {mode: result["totals"]["cost_usd"] for mode, result in found.items()}
    assert audit(folder, "costs.jsonl")["totals"] == found["computed"]["totals"]
    assert costs["logged"] == 0.5 and found["logged"]["totals"]["priced_calls"] == 1
    assert costs["auto"] == pytest.approx(0.5 + costs["computed"] * 2 / 3, rel=0.1)
    (folder / "llmcost.toml").write_text('[audit]\ncost_mode = "logged"\n')
    assert audit(folder, "costs.jsonl")["totals"]["cost_usd"] == 0.5
    assert audit(folder, "costs.jsonl", "--cost-mode", "computed")["cost_mode"] == "computed"
    wrong = shop.run_here("audit", "costs.jsonl", "--cost-mode", "guessed", cwd=folder)
    assert wrong.returncode == 2 and "auto" in wrong.stderr


def simulate(folder: Path, *arguments: str) -> dict[str, Any]:
    outcome = shop.run_here("simulate", "log.jsonl", *arguments, "--format", "json", cwd=folder)
    assert outcome.returncode == 0, outcome.stderr
    found: dict[str, Any] = json.loads(outcome.stdout)
    return found


def test_each_saving_is_simulated_where_it_is_named(folder: Path) -> None:
    """The shop repeats no request at its pace, and its calls are too few to look like a machine's."""
    asked = {
        (): ["response_cache", "batch_api", "prompt_cache"],
        ("--cache", "ttl=1h"): ["response_cache"],
        ("--prompt-cache",): ["prompt_cache"],
        ("--batch-api",): ["batch_api"],
    }
    for flags, names in asked.items():
        assert simulate(folder, *flags)["idle"] == names
    assert simulate(folder, "--cache", "ttl=7d")["cache_ttl"] == "7d"
    for wrong in ("", "ttl=", "soon", "ttl=soon", "chat=soon", "talk=1h", "capacity=0", "capacity=many", "=1h"):
        assert shop.run_here("simulate", "log.jsonl", "--cache", wrong, cwd=folder).returncode == 2


def test_cache_takes_times_to_live_by_task_and_a_size(folder: Path) -> None:
    said = simulate(folder, "--cache", "2h,chat=24h", "--cache", "capacity=10000,label=0s")["cache"]
    assert said == {"ttl": "2h", "task_ttl": {"chat": "24h", "label": "0s"}, "capacity": 10000, "single_flight": True,
                    "hits": 0, "waiting": 0}  # fmt: skip
    assert simulate(folder, "--cache", "chat=24h")["cache"]["ttl"] == "1h"


def test_cache_is_as_configured_where_the_flag_says_nothing(folder: Path) -> None:
    configured = (folder / "llmcost.toml").read_text()
    (folder / "llmcost.toml").write_text(configured + '\n[audit]\ncache_ttl = "2h"\n')
    assert simulate(folder)["cache"]["ttl"] == "2h"
    cache = '[cache]\nttl = "3h"\ntasks = {chat = "5m", docs = "24h"}\ncapacity = 9\nsingle_flight = false\n'
    (folder / "llmcost.toml").write_text(configured + cache)
    found = simulate(folder)["cache"]
    assert (found["ttl"], found["task_ttl"], found["capacity"], found["single_flight"]) == (
        "3h",
        {"chat": "5m"},
        9,
        False,
    )
    found = simulate(folder, "--cache", "1h,label=1m")["cache"]
    assert (found["ttl"], found["task_ttl"], found["capacity"]) == ("1h", {"chat": "5m", "label": "1m"}, 9)


def test_what_a_cache_of_one_place_and_of_no_single_flight_answers(folder: Path) -> None:
    """Three ask the same, a second apart, and its first answer takes four; in between somebody asks something else."""
    log = [shop.record(1) | {"latency_ms": 4000} for _ in range(4)]
    for second, record in enumerate(log):
        record |= {"timestamp": f"2026-10-01T12:00:0{second}Z"}
    log[1]["request"] = shop.record(3)["request"]
    (folder / "log.jsonl").write_text("".join(json.dumps(record) + "\n" for record in log))
    assert [simulate(folder, "--cache", size)["cache"]["hits"] for size in ("1h", "1h,capacity=1")] == [2, 1]
    assert simulate(folder, "--cache", "1h")["cache"]["waiting"] == 2
    (folder / "llmcost.toml").write_text("[cache]\nsingle_flight = false\n")
    assert simulate(folder, "--cache", "1h")["cache_hits"] == 0


def test_near_is_a_potential_and_in_no_total(folder: Path) -> None:
    found = simulate(folder, "--near", "0.9", "--near", "0.8")
    assert [row["threshold"] for row in found["near"] if row["task"] is None] == [0.8, 0.9]
    assert {row["basis"] for row in found["near"]} == {"potential"} and found["totals"]["potential"] is None
    assert found["totals"] == simulate(folder)["totals"]
    swept = simulate(folder, "--near-sweep")["near"]
    assert [row["threshold"] for row in swept if row["task"] is None] == [0.8, 0.85, 0.9, 0.95, 0.98]
    for wrong in ("0", "1.5", "alike"):
        assert shop.run_here("simulate", "log.jsonl", "--near", wrong, cwd=folder).returncode == 2


def test_model_map(folder: Path) -> None:
    """What-if at today's tokens: a potential and nothing else."""
    found = simulate(folder, "--model-map", "chat=tiny")
    [step] = found["steps"]
    assert (step["strategy"], step["basis"]) == ("model_map", "potential")
    assert found["totals"]["no_answer_change"]["usd_logged"] == 0
    assert found["totals"]["potential"]["usd_logged"] == pytest.approx(step["before_usd"] - step["after_usd"])
    assert found["totals"]["measured"] is None
    for wrong, hint in {"chat": "task=model", "talk=tiny": "chat", "chat=unheard-of": "price"}.items():
        refused = shop.run_here("simulate", "log.jsonl", "--model-map", wrong, cwd=folder)
        assert refused.returncode == 2 and hint in refused.stderr


def test_cache_sweep(folder: Path) -> None:
    found = simulate(folder, "--cache-sweep")
    rows = found["sweep"]
    assert [row["ttl"] for row in rows if row["task"] is None] == ["1m", "5m", "15m", "1h", "6h", "24h", "7d"]
    assert {row["task"] for row in rows} == {None, "chat", "label"}
    for best in found["best_ttl"]:
        saved = [row["saved_usd"] for row in rows if row["task"] == best["task"]]
        assert best["longest_usd"] == saved[-1] > 0
        assert best["saved_usd"] == next(usd for usd in saved if usd >= 0.95 * saved[-1])


def test_output(folder: Path) -> None:
    outcome = shop.run_here("audit", "log.jsonl", "--output", "report.md", "--format", "markdown", cwd=folder)
    assert outcome.stdout == ""
    assert "| chat |" in (folder / "report.md").read_text(encoding="utf-8")


def test_sample_seed_and_concurrency(folder: Path) -> None:
    few = replay(folder, "--sample", "10", "--seed", "3", "--concurrency", "2")
    assert {task["sampled"] for task in few["tasks"]} == {10}
    assert few["seed"] == 3
    assert few["most_in_flight"] <= 2


def test_alpha_and_limit(folder: Path) -> None:
    """40 right labels of 40: nothing at 2 %, at most 10 % worse at 5 % error; a stricter error rate finds less."""
    verdicts = {}
    for alpha in ("0.05", "0.001"):
        found = replay(folder, "--alpha", alpha, "--limit", "15%")
        assert found["alpha"] == float(alpha)
        verdicts[alpha] = {task["task"]: task["candidates"][0]["verdict"] for task in found["tasks"]}
    assert verdicts["0.05"]["label"] == "SWITCH_AT"
    assert verdicts["0.001"]["label"] == "INCONCLUSIVE"


def test_looks_and_alpha_scope(folder: Path) -> None:
    once = replay(folder, "--looks", "1")
    assert {item["looks"] for task in once["tasks"] for item in task["candidates"]} == {1}
    assert once["alpha_scope"] == "plan"
    assert replay(folder, "--alpha-scope", "task", "--looks", "3")["alpha_scope"] == "task"
    refused = shop.run_here("replay", "log.jsonl", "--models", "tiny", "--alpha-scope", "week", cwd=folder)
    assert refused.returncode == 2 and "plan" in refused.stderr


def test_aa(folder: Path) -> None:
    """The incumbent is asked again as often as was said; without, the noise floor is not known."""
    asked = {task["task"]: task["controls"]["aa_n"] for task in replay(folder, "--aa", "30")["tasks"]}
    assert asked == {"chat": 30, "label": 30}
    without = replay(folder, "--aa", "0")
    assert all(task["noise_floor"] is None for task in without["tasks"])
    assert {task["controls"]["aa_why"] for task in without["tasks"]} == {"switched off"}


def test_a_sample_that_is_planned_from_a_pilot(folder: Path) -> None:
    shop.write_log(folder / "log.jsonl", 1_600)
    found = replay(folder, "--sample", "auto", "--limit", "20%")
    planned = {task["task"]: task["candidates"][0]["planned"] for task in found["tasks"]}
    assert all(100 <= size <= 800 for size in planned.values())
    assert planned["label"] < 800  # its answers are all alike: the floor is enough
    refused = shop.run_here("replay", "log.jsonl", "--models", "tiny", "--sample", "few", cwd=folder)
    assert refused.returncode == 2 and "auto" in refused.stderr


def test_allow_related_judge(folder: Path) -> None:
    """gpt-4o answered in the log: a grader of the same maker is refused, unless it is allowed."""
    command = ["replay", "log.jsonl", "--models", "tiny", "--grader", "gpt-4o", "--dry-run", "--format", "json",
               "--base-url", "http://127.0.0.1:1/v1"]  # fmt: skip
    refused = shop.run_here(*command, cwd=folder)
    assert refused.returncode == 2 and "--allow-related-judge" in refused.stderr
    assert shop.run_here(*command, "--allow-related-judge", cwd=folder).returncode == 0


def test_expected_field(folder: Path) -> None:
    records = [shop.record(number) for number in range(0, 80, 2)]
    for record in records:
        record["gold"] = record["metadata"].pop("expected")
    (folder / "log.jsonl").write_text("".join(json.dumps(record) + "\n" for record in records))
    [without] = replay(folder)["tasks"]
    [given] = replay(folder, "--expected-field", "gold")["tasks"]
    assert without["margin"] == 0.05 and given["margin"] == 0.02
    assert given["candidates"][0]["basis"] == ["exact"]


def test_dir(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from llmcost import demo

    monkeypatch.setattr(
        demo, "serve", lambda: pytest.fail("far enough: the logs are written before anything is served")
    )
    with pytest.raises(pytest.fail.Exception):
        shop.run_here("demo", "--dir", "elsewhere", cwd=tmp_path)
    assert (tmp_path / "elsewhere" / "october.jsonl").exists()
