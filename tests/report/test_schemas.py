"""The schemas that are shipped: made of the results' types, true of what is printed, holding the contract's keys."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import jsonschema
import msgspec
import pytest
from support import checks, results, shop

from llmcost.monitor.result import GraderWatch, MonitorReport, TaskWatch
from llmcost.pricing.result import PriceStamp
from llmcost.recommend.result import Spend
from llmcost.redaction.result import LeftOut, RedactedFile, RedactReport
from llmcost.report import schemas, to_json
from llmcost.workspace.purge import Held, PurgeReport


def watched() -> MonitorReport:
    """A look that has seen too little yet: most of what can be unknown is."""
    grader = GraderWatch("judge", 3, None, None, 1.0, 1.0, False)
    task = TaskWatch(
        "chat", "small", "big", 0.05, "TOO_EARLY", "3 prompts", 3, 3, None, None, 1.0, 80.0, 9, 9, 0, 0, 0, 0, [grader]
    )
    stamp = PriceStamp("2026-11-24", "0" * 64)
    return MonitorReport(
        "0", stamp, "265837b7", 0.05, 7, ["log.jsonl"], "host", ["judge"], [task], [], [], [], Spend(0.1, 0.0, 3, None)
    )


FOLDER = Path(schemas.__file__).parent
ROOT = Path(__file__).parents[2]
PRINTED = {
    "audit": results.audit,
    "report": results.replay,
    "estimate": results.estimate,
    "simulate": results.simulation,
    "explain": results.explanation,
    "monitor": watched,
    "prices": results.prices,
    "check": checks.CHECKS["quality"],
    "purge": lambda: PurgeReport(
        "0", ".llmcost", purged=True, held=[Held("runs", "reports", 2, 900)], runs=["265837b7"]
    ),
    "redact": lambda: RedactReport(
        "0", [RedactedFile("a.jsonl", "-", 9, 1)], {"EMAIL": 2}, [LeftOut("a.jsonl", 3, "x")]
    ),
}

# What users' scripts read; keys may be added, and are dropped or renamed only with another number.
CONTRACT = {
    "AuditResult": "schema llmcost_version prices source span totals by_task by_model by_day unpriced_models findings "
    "potential",
    "Reject": "file line reason",
    "UnpricedModel": "model calls",
    "Potential": "no_answer_change if_untested_passed",
    "SourceSummary": "files format records rejected rejects",
    "Span": "start end days",
    "Totals": "calls priced_calls unpriced_calls failed_calls input_tokens cache_read_tokens output_tokens "
    "reasoning_tokens cost_usd monthly_usd cost_per_call_usd latency_p50_ms latency_p95_ms estimated_token_calls",
    "SpendRow": "task model day models calls input_tokens cache_read_tokens output_tokens reasoning_tokens cost_usd "
    "share cost_per_call_usd latency_p50_ms latency_p95_ms priced_calls",
    "Finding": "id kind title task calls usd_per_month usd_logged basis evidence remedy",
    "ReplayEstimate": "schema llmcost_version prices host calls max_usd expected_usd by_model sample not_replayable",
    "TaskSample": "task population sampled",
    "NotReplayable": "reason calls",
    "ReplayReport": "schema llmcost_version prices run seed margin alpha tasks model_map best_single_model oracle bill "
    "spend",
    "TaskReport": "task calls cost_usd incumbent noise_floor controls candidates choice",
    "Incumbent": "model cost_per_call_usd latency_p95_ms",
    "Controls": "aa gross_bad subtle_bad kappa_lower",
    "Candidate": "model verdict reason n n_effective wins ties losses failures difference lower_bound certified_margin "
    "tipping_bias grade more_prompts more_usd cost_ratio cost_ratio_interval cost_per_call_usd latency_p50_ms "
    "latency_p95_ms output_token_ratio",
    "Choice": "model verdict savings savings_interval",
    "Bill": "before after quality steps shares",
    "BillSide": "monthly_usd logged_usd cost_per_call_usd latency_p95_ms",
    "Quality": "difference lower_bound",
    "BillStep": "strategy before_usd after_usd latency_p95_ms basis",
    "ShapleyShare": "strategy shapley_usd",
    "Spend": "replay_usd grading_usd calls cap_usd",
    "CheckResult": "schema llmcost_version prices passed reasons past current diff tasks decomposition",
    "TaskCheck": "task past_cost_per_call_usd current_cost_per_call_usd change lower_bound regressed",
    "Factor": "factor usd",
    "PriceStamp": "as_of sha256",
}


@pytest.mark.parametrize("name", schemas.RESULTS)
def test_what_is_shipped_is_what_the_types_say(name: str) -> None:
    """LLMCOST_UPDATE_SCHEMAS=1 writes it anew, to be read before it is committed."""
    if os.environ.get("LLMCOST_UPDATE_SCHEMAS"):
        (FOLDER / f"{name}.json").write_text(schemas.made(name), encoding="utf-8", newline="\n")
    assert schemas.shipped(name) == schemas.made(name)
    jsonschema.Draft202012Validator.check_schema(json.loads(schemas.shipped(name)))


def test_every_key_of_the_contract_is_in_a_schema() -> None:
    found: dict[str, set[str]] = {}
    for name in schemas.RESULTS:
        for struct, shape in json.loads(schemas.shipped(name))["$defs"].items():
            found.setdefault(struct, set()).update(shape.get("properties", ()))
    missing = {struct: set(keys.split()) - found.get(struct, set()) for struct, keys in CONTRACT.items()}
    assert not {struct: keys for struct, keys in missing.items() if keys}


@pytest.mark.parametrize("name", schemas.RESULTS)
def test_every_result_says_what_it_is_and_what_made_it(name: str) -> None:
    schema = json.loads(schemas.shipped(name))
    struct = schema["$defs"][schema["$ref"].rpartition("/")[2]]
    assert (schema["title"], schema["description"]) == (
        struct["properties"]["schema"]["enum"][0],
        struct["description"],
    )
    priced = name not in ("plan", "purge", "redact")  # a plan names its run instead, and the others hold no money
    wanted = {"schema", "llmcost_version"} | ({"prices"} if priced else set())
    assert wanted <= set(struct["required"])


@pytest.mark.parametrize("name", PRINTED)
def test_what_is_printed_is_valid_and_what_is_broken_is_not(name: str) -> None:
    schema, printed = jsonschema.Draft202012Validator(json.loads(schemas.shipped(name))), to_json(PRINTED[name]())
    schema.validate(json.loads(printed))
    for broken in _mutilated(json.loads(printed)):
        assert not schema.is_valid(broken)


def _mutilated(printed: dict[str, Any]) -> list[dict[str, Any]]:
    lacking = [{key: value for key, value in printed.items() if key != left_out} for left_out in printed]
    return [
        {**printed, "schema": "llmcost.other/1"},
        *lacking,
        {**printed, next(key for key in ("prices", "kind", "held", "files") if key in printed): 7},
    ]


def test_the_commands_print_what_their_schema_says(tmp_path: Path) -> None:
    shop.write_log(tmp_path / "log.jsonl", 60)
    commands = {
        "baseline": ["baseline", "log.jsonl", "-o", "b.json"],
        "audit": ["audit", "log.jsonl", "--format", "json"],
        "check": ["check", "log.jsonl", "--baseline", "b.json", "--format", "json"],
        "simulate": ["simulate", "log.jsonl", "--format", "json"],
        "prices": ["prices", "gpt-4o", "--format", "json"],
    }
    for name, command in commands.items():
        done = shop.run_here(*command, cwd=tmp_path)
        assert done.returncode == 0, done.stderr
        printed = json.loads(done.stdout or (tmp_path / "b.json").read_text())
        schema = json.loads(shop.run_here("schema", name, cwd=tmp_path).stdout)
        jsonschema.validate(printed, schema, jsonschema.Draft202012Validator)
    assert shop.run_here("schema", cwd=tmp_path).stdout.split() == list(schemas.RESULTS)
    assert shop.run_here("schema", "nothing", cwd=tmp_path).returncode == 2


def test_a_plan_is_valid(tmp_path: Path) -> None:
    plan = [task.choice.plan for task in results.beyond_models().tasks if task.choice.plan is not None]
    from llmcost.serving.plan import Plan

    printed = json.loads(msgspec.json.encode(Plan("0.1.0", "3f9a", plan)))
    jsonschema.validate(printed, json.loads(schemas.shipped("plan")), jsonschema.Draft202012Validator)
